"""What readers wrote below the article: its newest published comments, and how many stand where."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import g, url_for

from feedback import articles, opaque, staff, stats
from feedback.models import Accepts, Article, Comment, Role
from feedback.views import spreadsheet


def shown(site: articles.SiteView, article: Article) -> dict[str, Any]:
    """What the list of comments needs."""
    moderates = staff.may(g.person.roles[site.id], Role.MODERATOR)
    found = stats.below(article)
    return {
        "below": found,
        "comments": [(comment, _address(site, article, comment)) for comment in found.newest],
        "hidden": article.accepts is Accepts.HIDDEN,
        "page_of_comments": f"/f/{site.slug}?article={quote(article.key, safe='')}",
        "queue": url_for("moderation.queue", site=site.slug, article=article.key, state="all") if moderates else None,
    }


def lines(article: Article) -> Iterator[dict[str, spreadsheet.Cell]]:
    """Say the same in cells."""
    found = stats.below(article)
    for state, count in found.counts.items():
        yield {"figure": "comments", "code": state, "text": count}
    for comment in found.newest:
        yield {
            "figure": "comment",
            "day": comment.created.date().isoformat(),
            "code": "staff" if comment.staff else None,
            "title": comment.name,
            "text": comment.source,
        }


def _address(site: articles.SiteView, article: Article, comment: Comment) -> str:
    """Return where a comment is read: on its article's page, or where that is not known on ours."""
    identifier = opaque.identifier(article.id, comment.id)
    if article.url:
        return f"{article.url.partition('#')[0]}#comment-{identifier}"
    return f"/f/{site.slug}?article={quote(article.key, safe='')}&around={identifier}#c-{identifier}"
