"""What everybody may see of an article: votes, published comments, the site's words. The same for all readers."""

from dataclasses import dataclass
from typing import Any

from feedback import articles, comments, votes
from feedback.models import Accepts, Article


@dataclass(frozen=True)
class Place:
    """Which comments: a page by its cursor, further replies of a thread, or the page around one comment."""

    sort: str = "best"
    cursor: str | None = None
    parent: str | None = None
    around: str | None = None


FIRST = Place()


def of(site: articles.SiteView, key: str, place: Place = FIRST, *, notify: bool = False) -> dict[str, Any]:
    """Return the summary of an article; zeros for one never seen, which this makes nothing of.

    With `parent`, the items are that thread's further replies; `notify` says that the service can announce replies by
    mail. Raises Missing for a thread or comment that is not there, Malformed for a foreign cursor.
    """
    article = articles.get(site.id, key)
    return {
        "article": _article(key, article),
        "votes": (votes.count(article.id) if article else votes.Count()).public(),
        "comments": _comments(site, article, place),
        "settings": site.policy.public(site.origins) | ({"notify": True} if notify else {}),
    }


def _article(key: str, article: Article | None) -> dict[str, Any]:
    bylines = article.contributors if article else []
    return {
        "key": key,
        "title": article.title if article else None,
        "url": article.url if article else None,
        "contributors": [{"name": byline.name, "role": byline.role.value} for byline in bylines],
        **(articles.announcement(article) if article else {}),
    }


def _comments(site: articles.SiteView, article: Article | None, place: Place) -> dict[str, Any]:
    accepts = article.accepts if article else Accepts.OPEN if site.policy.admits == "open" else Accepts.CLOSED
    is_open = accepts is Accepts.OPEN and site.policy.moderation != "closed"
    if article is None or accepts is Accepts.HIDDEN:
        return {"open": is_open, "total": 0, "next": None, "items": []}
    items, following = _items(article, place)
    return {"open": is_open, "total": comments.published(article.id), "next": following, "items": items}


def _items(article: Article, place: Place) -> tuple[list[dict[str, Any]], str | None]:
    if place.parent is not None:
        replies, following = comments.replies_of(article.id, place.parent, place.cursor)
        return [comments.public(reply) for reply in replies], following
    if place.around is not None:
        page = comments.around(article.id, place.around, sort=place.sort)
    else:
        page = comments.published_on(article.id, sort=place.sort, after=place.cursor)
    return [comments.thread(item) for item in page.threads], page.next
