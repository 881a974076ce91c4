"""What everybody may see of an article: votes, published comments, the site's words. The same for all readers."""

from typing import Any

from feedback import articles, comments, votes
from feedback.models import Accepts, Article


def of(
    site: articles.SiteView, key: str, *, sort: str = "best", cursor: str | None = None, parent: str | None = None
) -> dict[str, Any]:
    """Return the summary of an article; zeros for one never seen, which this makes nothing of.

    With `parent`, the items are that thread's further replies. Raises Missing for a thread that is not there,
    Malformed for a foreign cursor.
    """
    article = articles.get(site.id, key)
    return {
        "article": _article(key, article),
        "votes": (votes.count(article.id) if article else votes.Count()).public(),
        "comments": _comments(site, article, sort, cursor, parent),
        "settings": site.policy.public(site.origins),
    }


def _article(key: str, article: Article | None) -> dict[str, Any]:
    bylines = article.contributors if article else []
    return {
        "key": key,
        "title": article.title if article else None,
        "url": article.url if article else None,
        "contributors": [{"name": byline.name, "role": byline.role.value} for byline in bylines],
    }


def _comments(
    site: articles.SiteView, article: Article | None, sort: str, cursor: str | None, parent: str | None
) -> dict[str, Any]:
    accepts = article.accepts if article else Accepts.OPEN
    is_open = accepts is Accepts.OPEN and site.policy.moderation != "closed"
    items: list[dict[str, Any]] = []
    total, following = 0, None
    if article is not None and accepts is not Accepts.HIDDEN:
        total = comments.published(article.id)
        if parent is not None:
            replies, following = comments.replies_of(article.id, parent, cursor)
            items = [comments.public(reply) for reply in replies]
        else:
            page = comments.published_on(article.id, sort=sort, after=cursor)
            items, following = [comments.thread(item) for item in page.threads], page.next
    return {"open": is_open, "total": total, "next": following, "items": items}
