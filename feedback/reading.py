"""An article's feedback as one reader sees it: what everybody may see, with the reader's own in its place."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from feedback import articles, comments, opaque, summary, votes
from feedback.errors import Missing
from feedback.models import Comment, State

Item = dict[str, Any]
WAITS = (State.PENDING, State.SPAM)  # what was marked spam shows as pending to whoever wrote it


def of(
    site: articles.SiteView,
    key: str,
    place: summary.Place,
    reader: bytes | None,
    *,
    now: datetime,
    notify: bool = False,
) -> dict[str, Any]:
    """Return the summary of an article and the reader's own: `vote`, `own`, `flagged` and `liked` (ids of comments),
    `waiting`, and `changeable` (texts by id).

    What waits for moderation stands in its thread, or in `waiting` where that is not on this page. Further replies
    of a thread stand under the comment it began with. Raises Missing, Malformed as summary.of does.
    """
    shown = summary.of(site, key, place, notify=notify)
    if place.parent is not None:
        shown["comments"] |= _under_root(site, key, place.parent, shown["comments"])
    found = articles.find(site.id, key) if reader else None
    if reader is None or found is None:
        nothing: frozenset[str] = frozenset()
        none_of_theirs = {"vote": None, "own": nothing, "flagged": nothing, "liked": nothing}
        return shown | none_of_theirs | {"waiting": [], "changeable": {}}
    mine = comments.mine(found.id, reader)
    waiting = _placed([row for row in mine if row.state in WAITS], shown["comments"]["items"])
    first = place.cursor is None and place.parent is None
    return shown | {
        "vote": votes.look(found.id, reader),
        "own": frozenset(opaque.identifier(row.article_id, row.id) for row in mine),
        "flagged": frozenset(
            opaque.identifier(row.article_id, row.comment_id) for row in comments.flags_of(site.id, reader)
        ),
        "liked": frozenset(comments.liked_on(found.id, reader)),
        "waiting": waiting if first else [],
        "changeable": {
            opaque.identifier(row.article_id, row.id): row.source for row in mine if comments.is_changeable(row, now)
        },
    }


def find(items: list[Item], identifier: str | None) -> Item | None:
    """Return the comment of that id among threads and their replies, or None."""
    every = [comment for item in items for comment in (item, *item.get("replies", []))]
    return next((comment for comment in every if comment["id"] == identifier), None)


def _under_root(site: articles.SiteView, key: str, thread: str, replies: dict[str, Any]) -> dict[str, Any]:
    with suppress(Missing):
        around = summary.of(site, key, summary.Place(around=thread))["comments"]["items"]
        root = find(around, thread)
        if root is not None:
            return {"items": [root | {"replies": replies["items"], "more": replies["next"]}], "next": None}
    # The comment it began with is gone; the replies stand alone.
    return {}


def _placed(waiting: Sequence[Comment], items: list[Item]) -> list[Item]:
    """Put each comment into the thread it answers in, and return those whose thread is not among the items."""
    threads = {item["id"]: item for item in items if "replies" in item}
    elsewhere: list[Item] = []
    for row in waiting:
        thread = row.thread_id and threads.get(opaque.identifier(row.article_id, row.thread_id))
        (thread["replies"] if thread else elsewhere).append(comments.own(row))
    return elsewhere
