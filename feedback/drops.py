"""An article that does worse since its last edit: its authors and reviewers are told, once for each edit.

Told again is what the votes stopped bearing out meanwhile, and then bore out anew, as when a day was set aside.

A vote looks no further than its own revision, by one statement. Only where that has the evidence of a drop is it asked
whether it is the newest revision that readers vote on: what happened to an older one has been edited away.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from feedback import notices, staff, statistics, stats
from feedback.db import db, run
from feedback.models import Article, Digest, Membership, Revision, Role, Tally, User
from feedback.stats import Drop

# Built once: every counted No asks it. Where revisions are merged, the figures alone know which votes count together.
_MERGED = aliased(Revision)
_MERGES = exists().where(_MERGED.article_id == bindparam("article"), _MERGED.merged_into.is_not(None))
LOOK = (
    select(
        Revision.baseline_yes,
        Revision.baseline_votes,
        _MERGES.label("merges"),
        func.sum(Tally.yes).label("yes"),
        func.sum(Tally.no).label("no"),
    )
    .join(Tally, and_(Tally.article_id == Revision.article_id, Tally.revision == Revision.label))
    .where(Revision.article_id == bindparam("article"), Revision.label == bindparam("revision"))
    .where(or_(_MERGES, and_(Revision.alerted.is_(None), Revision.baseline_votes >= stats.BASELINE_LEAST)))
    .group_by(Revision.baseline_yes, Revision.baseline_votes)
)


def watch(article_id: UUID, site_id: UUID, revision: str, *, now: datetime) -> None:
    """Tell of a drop where a No that was just counted on this revision shows one that nobody has been told of."""
    row = run(LOOK, {"article": article_id, "revision": revision}).one_or_none()
    if row is None or not (row.merges or _shows(row)):
        return
    drop = stats.drop(article_id)
    if drop is not None:
        _tell(article_id, site_id, drop, now)


def _tell(article_id: UUID, site_id: UUID, drop: Drop, now: datetime) -> None:
    """Tell of a drop, unless it was told of: whoever still waits for the letter needs no second one."""
    untold = (Revision.article_id == article_id, Revision.label == drop.revision.judged, Revision.alerted.is_(None))
    if run(update(Revision).where(*untold).values(alerted=now)).rowcount:
        waiting = notices.undelivered(notices.Kind.DROP, site_id)
        for user_id in recipients(article_id, site_id):
            about: dict[str, UUID | str] = {"user": user_id, "article": article_id, "revision": drop.revision.label}
            if notices.plain(about) not in waiting:
                notices.put(notices.Kind.DROP, about, now=now, site_id=site_id)


def _shows(row: Any) -> bool:
    usual = statistics.wilson(row.baseline_yes, row.baseline_votes).low
    return usual > 0 and statistics.dropped(int(row.yes), int(row.yes + row.no), usual)


def recipients(article_id: UUID, site_id: UUID) -> list[UUID]:
    """Return who is told: the article's authors and reviewers who want it.

    Where none of them has an account that may see its figures, the site's administrators are told.
    """
    theirs = staff.named(article_id, site_id, *staff.BYLINES)
    administrators = select(Membership.user_id).where(
        Membership.site_id == site_id, Membership.role == Role.ADMINISTRATOR
    )
    people = _active(theirs, site_id) or _active(administrators, site_id)
    return [user_id for user_id, wants in people.items() if wants]


def _active(people: Select[Any], site_id: UUID) -> dict[UUID, bool]:
    """Return those of them who can sign in, each with whether they want alerts."""
    query = (
        select(User.id, func.coalesce(Digest.drops, True))
        .outerjoin(Digest, and_(Digest.user_id == User.id, Digest.site_id == site_id))
        .where(User.id.in_(people), User.active, User.password.is_not(None))
        .order_by(User.id)
    )
    return {user_id: bool(wants) for user_id, wants in db.session.execute(query)}


def look_again(article_id: UUID, site_id: UUID, *, now: datetime) -> None:
    """Tell of a drop that votes show which were counted or set aside together, and forget what they show no more."""
    drop = stats.drop(article_id)
    _forget(article_id, drop)
    if drop is not None:
        _tell(article_id, site_id, drop, now)


def forget(article_id: UUID) -> None:
    """Let a drop be told of anew that the votes do not bear out any more: should it come again, it is news."""
    _forget(article_id, stats.drop(article_id))


def _forget(article_id: UUID, but: Drop | None) -> None:
    told = [Revision.article_id == article_id, Revision.alerted.is_not(None)]
    if but is not None:
        told.append(Revision.label != but.revision.judged)
    run(update(Revision).where(*told).values(alerted=None))


def standing(user_id: UUID, article: Article, revision: str) -> Drop | None:
    """Return the drop that somebody is to be told of, by the votes as they are now; None where it stands no more."""
    drop = stats.drop(article.id)
    if drop is None or drop.revision.label != revision:
        return None
    return drop if user_id in recipients(article.id, article.site_id) else None
