"""Making a restored copy fit to be served: what was erased since is erased in it too, and nobody is signed in."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from feedback import articles, comments, erasures, rights, staff
from feedback.backup.archive import Progress
from feedback.db import db, transact
from feedback.models import Comment, User


def unseen(listed: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
    """Return the erasures that this copy was made before.

    They go by their own keys, not by their time: of a reader who came back afterwards, a copy made then keeps what is
    new, however the clocks stood.
    """
    seen = erasures.recorded()
    return {row_id: mark for row_id, mark in listed.items() if row_id not in seen}


def erase(listed: Mapping[UUID, bytes], *, now: datetime, progress: Progress) -> int:
    """Carry out the erasures that this copy was made before. Returns how many readers and comments it had of them."""
    fresh = unseen(listed)
    marks = set(fresh.values())
    readers = sorted(erasures.readers_among(marks))
    keys = sorted(erasures.comments_among(marks))
    sites = {site.id: site for site in articles.sites()}
    total = len(readers) + len(keys)
    for done, (site_id, reader) in enumerate(readers, 1):
        transact(rights.forget, sites[site_id], reader, now=now)
        progress("Erasing again", done, total)
    for done, key in enumerate(keys, 1 + len(readers)):
        transact(_purge, key, now)
        progress("Erasing again", done, total)
    transact(erasures.adopt, list(fresh.items()))
    return total


def _purge(key: tuple[UUID, UUID], now: datetime) -> None:
    comments.lock(key[0])
    comments.erase(db.session.get_one(Comment, key), who="rules", reason="erased before, restored since", now=now)


def end_sessions() -> None:
    """Let everybody on the staff sign in anew: a session that was ended since must not come to life again."""
    for user_id in db.session.execute(select(User.id)).scalars().all():
        staff.end_sessions(user_id)
