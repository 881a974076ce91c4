"""The revisions of an article: how one becomes known, and what was usual before readers voted on it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from feedback.db import db, insert, run
from feedback.models import Revision, Tally

BASELINE_VOTES = 200  # so many votes before an edit say how good "as good as before" is
KNOWN_REVISION = select(Revision.baseline_votes).where(
    Revision.article_id == bindparam("article_id"), Revision.label == bindparam("label")
)


def see_revision(
    article_id: UUID, label: str, *, now: datetime, registered: bool = False, note: str | None = None
) -> None:
    """Note that a revision exists, and where staff say so that it is registered."""
    known = run(KNOWN_REVISION, {"article_id": article_id, "label": label}).one_or_none()
    if known is None:
        values = {"article_id": article_id, "label": label, "registered": registered, "first_seen": now, "note": note}
        run(insert(Revision).values(values).on_conflict_do_nothing())
    elif registered:
        change: dict[str, Any] = {"registered": True} | ({"note": note} if note else {})
        db.session.execute(
            update(Revision).where(Revision.article_id == article_id, Revision.label == label).values(change)
        )


def vote_on_revision(article_id: UUID, label: str, *, now: datetime) -> None:
    """Note that a reader votes on a revision: with its first vote, what was usual before it is frozen."""
    known = run(KNOWN_REVISION, {"article_id": article_id, "label": label}).one_or_none()
    if known is not None and known.baseline_votes is not None:
        return
    yes, votes = _baseline(article_id, now)
    if known is None:
        see_revision(article_id, label, now=now)
    fresh = (Revision.article_id == article_id, Revision.label == label, Revision.baseline_votes.is_(None))
    run(update(Revision).where(*fresh).values(baseline_yes=yes, baseline_votes=votes))


def _baseline(article_id: UUID, now: datetime) -> tuple[int, int]:
    """Return (yes, votes) of the last whole days before now that together hold BASELINE_VOTES votes, or of all."""
    days = db.session.execute(
        select(func.sum(Tally.yes), func.sum(Tally.no))
        .where(Tally.article_id == article_id, Tally.day < now.date())
        .group_by(Tally.day)
        .order_by(Tally.day.desc())
    )
    yes = votes = 0
    for day_yes, day_no in days:
        yes, votes = yes + int(day_yes), votes + int(day_yes + day_no)
        if votes >= BASELINE_VOTES:
            break
    return yes, votes
