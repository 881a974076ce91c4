"""What readers wrote below the article: its newest published comments, and how many stand where."""

from typing import Any
from urllib.parse import quote

from flask import g, url_for

from feedback import articles, comments, opaque, staff
from feedback.db import db
from feedback.models import Accepts, Article, Comment, Role, Standing

NEWEST = 5  # comments that are shown; the page of the article has them all


def shown(site: articles.SiteView, article: Article) -> dict[str, Any]:
    """What the list of comments needs."""
    moderates = staff.may(g.person.roles[site.id], Role.MODERATOR)
    return {
        "comments": [
            (row.comment, _address(site, article, row.comment))
            for row in comments.latest(site.id, article_id=article.id, limit=NEWEST)
        ],
        "standing": db.session.get_one(Standing, article.id),
        "hidden": article.accepts is Accepts.HIDDEN,
        "page_of_comments": f"/f/{site.slug}?article={quote(article.key, safe='')}",
        "queue": url_for("moderation.queue", site=site.slug, article=article.key, state="all") if moderates else None,
    }


def _address(site: articles.SiteView, article: Article, comment: Comment) -> str:
    """Return where a comment is read: on its article's page, or where that is not known on ours."""
    identifier = opaque.identifier(article.id, comment.id)
    if article.url:
        return f"{article.url.partition('#')[0]}#comment-{identifier}"
    return f"/f/{site.slug}?article={quote(article.key, safe='')}&around={identifier}#c-{identifier}"
