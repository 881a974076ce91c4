"""What readers wrote below the article: its newest published comments, and how many stand where."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import g, url_for

from feedback import articles, comments, opaque, staff
from feedback.db import db
from feedback.models import Accepts, Article, Comment, Role, Standing
from feedback.views import spreadsheet

NEWEST = 5  # comments that are shown; the page of the article has them all


def shown(site: articles.SiteView, article: Article) -> dict[str, Any]:
    """What the list of comments needs."""
    moderates = staff.may(g.person.roles[site.id], Role.MODERATOR)
    return {
        "comments": [(comment, _address(site, article, comment)) for comment in _newest(site, article)],
        "standing": db.session.get_one(Standing, article.id),
        "hidden": article.accepts is Accepts.HIDDEN,
        "page_of_comments": f"/f/{site.slug}?article={quote(article.key, safe='')}",
        "queue": url_for("moderation.queue", site=site.slug, article=article.key, state="all") if moderates else None,
    }


def _newest(site: articles.SiteView, article: Article) -> list[Comment]:
    return [row.comment for row in comments.latest(site.id, article_id=article.id, limit=NEWEST)]


def lines(site: articles.SiteView, article: Article) -> Iterator[dict[str, spreadsheet.Cell]]:
    """Say the same in cells."""
    standing = db.session.get_one(Standing, article.id)
    counts = {"approved": standing.comments, "pending": standing.pending, "rejected": standing.rejected}
    counts |= {"spam": standing.spam, "withdrawn": standing.withdrawn, "flagged": standing.flagged}
    for state, count in counts.items():
        yield {"figure": "comments", "code": state, "text": count}
    for comment in _newest(site, article):
        yield {
            "figure": "comment",
            "day": comment.created.date().isoformat(),
            "title": comment.name,
            "text": comment.source,
        }


def _address(site: articles.SiteView, article: Article, comment: Comment) -> str:
    """Return where a comment is read: on its article's page, or where that is not known on ours."""
    identifier = opaque.identifier(article.id, comment.id)
    if article.url:
        return f"{article.url.partition('#')[0]}#comment-{identifier}"
    return f"/f/{site.slug}?article={quote(article.key, safe='')}&around={identifier}#c-{identifier}"
