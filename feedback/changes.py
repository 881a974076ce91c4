"""What administrators and authors change, each with a row of who changed what, from which state to which.

A change is undone by setting what was before, as long as what it led to still stands; and an editor who saw an older
state is told instead of overwriting a newer one.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, literal, select, tuple_

from feedback import opaque
from feedback.aspects import ASPECTS, By, Kind, Subject
from feedback.db import db, run, uuid7
from feedback.errors import Conflict, Missing, Refused
from feedback.models import Change, Site

__all__ = ["By", "Kind", "Subject", "forget_old", "make", "note", "recent", "state", "subject", "undo", "version"]

PAGE = 30  # changes of a page; whether each can be undone is looked up one by one
KEPT = timedelta(days=365)  # long enough to learn who changed what, and no archive of colleagues
MAX_WHAT_CHARS = 300


def make(subject: Subject, wanted: Any, by: By, *, seen: str | None = None, what: str | None = None) -> Change | None:
    """Set a thing to a state and return the change; None where it is in that state already.

    `seen` is the version that the editor looked at. Raises Conflict where it is another; `last` in its extra says who
    changed it when, as far as that is known.
    """
    _lock(subject.site_id)
    aspect = ASPECTS[subject.kind]
    before = aspect.read(subject)
    if seen is not None and seen != _version(before):
        raise Conflict("This was changed by somebody else while you were at it.", last=_last(subject))
    if before == wanted:
        return None
    aspect.write(subject, wanted, by)
    after = aspect.read(subject)
    if after == before:
        return None
    told = what or aspect.describe(subject, before, after)
    return note(subject, told, by, before=aspect.keep(before), after=aspect.keep(after))


def note(subject: Subject, what: str, by: By, *, before: Any = None, after: Any = None) -> Change:
    """Write down that something was changed."""
    short = what if len(what) <= MAX_WHAT_CHARS else f"{what[: MAX_WHAT_CHARS - 1]}…"
    row = Change(
        id=uuid7(),
        site_id=subject.site_id,
        who=by.who.name,
        who_id=by.who.id,
        kind=subject.kind.value,
        about=dict(subject.about),
        what=short,
        before=before,
        after=after,
        at=by.now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def undo(site_id: UUID, change_id: UUID, by: By) -> Change:
    """Set what a change of a site was about back to what it was before, and return that as a change of its own.

    Raises Missing for a change of another site, Conflict where something came after it, Refused where it is of a kind
    that cannot be undone.
    """
    row = _one(site_id, change_id)
    subject = _subject(row)
    aspect = ASPECTS.get(subject.kind)
    if aspect is None:
        raise Refused("This cannot be undone.")
    _lock(subject.site_id)
    present = aspect.read(subject)
    if not _stands(row, aspect.keep(present)):
        raise Conflict("Something was changed after it, so that it can no longer be undone at once.")
    aspect.write(subject, aspect.recall(row.before, present), by)
    after = aspect.read(subject)
    told = f"{aspect.describe(subject, present, after)} (undo)"
    return note(subject, told, by, before=row.after, after=aspect.keep(after))


def subject(site_id: UUID, change_id: UUID) -> Subject:
    """Return what a change of a site was about. Raises Missing."""
    return _subject(_one(site_id, change_id))


def _one(site_id: UUID, change_id: UUID) -> Change:
    row = db.session.get(Change, change_id)
    if row is None or row.site_id != site_id:
        raise Missing("There is no such change here.")
    return row


def _stands(row: Change, kept: Any) -> bool:
    """Whether what a change led to is what is, and what was before is known to be something else."""
    return bool(kept == row.after != row.before)


def state(subject: Subject) -> Any:
    """Return the present state of a thing, as plain values."""
    return ASPECTS[subject.kind].read(subject)


def version(subject: Subject) -> str:
    """Return what tells the present state from any other, for `make`."""
    return _version(state(subject))


def _version(state: Any) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def _lock(site_id: UUID) -> None:
    # One change of a site at a time: what is read before must still stand when it is written.
    db.session.execute(select(Site.id).where(Site.id == site_id).with_for_update(key_share=True))


def _subject(row: Change) -> Subject:
    return Subject(row.site_id, Kind(row.kind), row.about)


def _last(subject: Subject) -> tuple[str, datetime] | None:
    query = select(Change).where(Change.site_id == subject.site_id, Change.kind == subject.kind.value)
    for row in db.session.execute(query.order_by(Change.at.desc(), Change.id.desc()).limit(PAGE)).scalars():
        if row.about == subject.about:
            return row.who, row.at
    return None


@dataclass(frozen=True)
class Recent:
    """A page of changes, the newest first, each with whether it can be undone."""

    items: tuple[tuple[Change, bool], ...]
    next: str | None


def recent(site_id: UUID, *, after: str | None = None) -> Recent:
    """Return a page of a site's changes. Raises Malformed for a foreign cursor."""
    query = select(Change).where(Change.site_id == site_id)
    place = opaque.parse_cursor(after, datetime, UUID)
    if place is not None:
        columns = (Change.at, Change.id)
        mark = tuple_(*(literal(value, column.type) for value, column in zip(place, columns, strict=True)))
        query = query.where(tuple_(*columns) < mark)
    rows = db.session.execute(query.order_by(Change.at.desc(), Change.id.desc()).limit(PAGE + 1)).scalars().all()
    shown = rows[:PAGE]
    following = opaque.cursor(shown[-1].at, shown[-1].id) if len(rows) > PAGE else None
    return Recent(tuple((row, _undoable(row)) for row in shown), following)


def _undoable(row: Change) -> bool:
    aspect = ASPECTS.get(Kind(row.kind))
    return aspect is not None and _stands(row, aspect.keep(aspect.read(_subject(row))))


def forget_old(now: datetime) -> None:
    """Drop what was changed long ago."""
    run(delete(Change).where(Change.at < now - KEPT))
