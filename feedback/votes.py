"""One vote per reader per article. Voting again changes it; withdrawing removes it.

A vote stands in its (revision, day) cell of the tally, `day` being the UTC day of its last change of value or
revision. The tally, the reason tally and the article's standing change in the vote's own transaction, so that they
always equal the rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, delete, func, select, update

from feedback import alarms, articles, drops, personal, statistics
from feedback.db import db, insert, run
from feedback.errors import Invalid
from feedback.models import Kind, NoteStatus, ReasonTally, Standing, Tally, Value, Vote
from feedback.revisions import vote_on_revision

MAX_SECTION_CHARS = 255
MAX_NOTE_CHARS = 1_000
COLUMNS = ("yes", "no", "quarantined_yes", "quarantined_no")
REASON_KEY = ("revision", "day", "kind", "code")
Cell = tuple[str, date, str]  # revision, day, column
ReasonCell = tuple[str, date, Kind, str]


class Choice(StrEnum):
    """What a reader may answer; `none` takes the vote back."""

    YES = "yes"
    NO = "no"
    NONE = "none"


@dataclass(frozen=True)
class Ballot:
    """What one request says. `reason`, `section`, `note` and `revision` left out (None) are kept, empty are cleared."""

    page: articles.Page
    reader: bytes
    value: Choice
    revision: str | None = None
    section: str | None = None
    reason: str | None = None
    note: str | None = None
    network: bytes | None = None


@dataclass(frozen=True)
class Standpoint:
    """A reader's vote as it stands."""

    value: Value
    revision: str
    day: date
    reason: str | None
    section: str | None
    note: str | None
    counted: bool

    def public(self) -> dict[str, str | None]:
        return {
            "value": self.value.value,
            "reason": self.reason,
            "section": self.section,
            "note": self.note,
            "revision": self.revision or None,
        }


@dataclass(frozen=True)
class Count:
    """An article's counted votes."""

    yes: int = 0
    no: int = 0

    def public(self) -> dict[str, int]:
        return {"yes": self.yes, "no": self.no, "total": self.yes + self.no}


@dataclass(frozen=True)
class Outcome:
    """The article's votes after a ballot, and what now stands as the reader's own."""

    votes: Count
    yours: Standpoint | None

    def public(self) -> dict[str, Any]:
        return {"votes": self.votes.public(), "yours": self.yours.public() if self.yours else None}


# Statements of the hot path, built once: building one per call costs more than running it.
_COLUMNS = (Vote.value, Vote.revision, Vote.day, Vote.reason, Vote.section, Vote.note, Vote.counted)
_OF = (Vote.article_id == bindparam("article"), Vote.reader == bindparam("reader"))
LOOK = select(*_COLUMNS).where(*_OF)
LOCK = LOOK.with_for_update()
TAKE_BACK = delete(Vote).where(*_OF).returning(*_COLUMNS)
CHANGE = (
    update(Vote)
    .where(Vote.article_id == bindparam("b_article"), Vote.reader == bindparam("b_reader"))
    .values({name: bindparam(name) for name in ("value", "revision", "day", "reason", "section", "note", "updated")})
    # A vote stays with the network it came from on its day, or changing its note elsewhere would make room for others.
    .values(network=case((Vote.day == bindparam("day"), Vote.network), else_=bindparam("network")))
)
NEW_NOTE = (
    update(Vote)
    .where(Vote.article_id == bindparam("b_article"), Vote.reader == bindparam("b_reader"))
    .values(note_status=NoteStatus.NEW, fixed_in=None)
)
OF_NETWORK = select(func.count()).where(
    Vote.day == bindparam("day"),
    Vote.article_id == bindparam("article"),
    Vote.network == bindparam("network"),
    Vote.counted,
)
TOTALS = select(Standing.yes, Standing.no, Standing.quarantined).where(Standing.article_id == bindparam("article"))
LOCK_TOTALS = TOTALS.with_for_update()
RENEW = (
    update(Standing)
    .where(Standing.article_id == bindparam("b_article"))
    .values({name: bindparam(name) for name in ("yes", "no", "votes", "quarantined", "low", "high", "fails", "as_of")})
)
_BY_ENGINE: dict[str, tuple[Any, Any, Any]] = {}


def _inserts() -> tuple[Any, Any, Any]:
    """Return the INSERTs of a vote, of a tally cell and of a reason cell, in the engine's own words."""
    engine = db.engine.dialect.name
    if engine not in _BY_ENGINE:
        vote = insert(Vote).on_conflict_do_nothing()
        cell = insert(Tally)
        cell = cell.on_conflict_do_update(
            index_elements=["article_id", "revision", "day"],
            set_={name: Tally.__table__.c[name] + cell.excluded[name] for name in COLUMNS},
        )
        reason = insert(ReasonTally)
        reason = reason.on_conflict_do_update(
            index_elements=["article_id", "revision", "day", "kind", "code"],
            set_={"votes": ReasonTally.__table__.c.votes + reason.excluded.votes},
        )
        _BY_ENGINE[engine] = (vote, cell, reason)
    return _BY_ENGINE[engine]


def cast(ballot: Ballot, *, now: datetime) -> Outcome:
    """Count the ballot and return the article's votes after it.

    A ballot equal to the standing vote changes nothing. Raises Invalid for a reason or section beside Yes or a
    reason the site does not know, Missing where the site takes registered articles only.
    """
    _check(ballot)
    if ballot.value is Choice.NONE:
        return _take_back(ballot, now)
    article_id, _ = articles.find_or_make(ballot.page, now=now)
    first = _first(ballot, article_id, now)
    while not _insert(ballot, article_id, first, now):
        before = _locked(article_id, ballot.reader)
        if before is not None:
            return _recast(ballot, article_id, before, now)
        # The vote that stood in the way was taken back in the meantime: there is room for this one now.
    outcome = Outcome(_move(ballot.page.site, article_id, None, first, now), first)
    _warn(ballot, article_id, None, first, now)
    return outcome


def _recast(ballot: Ballot, article_id: UUID, before: Standpoint, now: datetime) -> Outcome:
    after = _changed(ballot, before, now)
    if after == before:
        return Outcome(count(article_id), before)
    _update(ballot, article_id, before, after, now)
    outcome = Outcome(_move(ballot.page.site, article_id, before, after, now), after)
    _warn(ballot, article_id, before, after, now)
    return outcome


def _warn(ballot: Ballot, article_id: UUID, before: Standpoint | None, after: Standpoint, now: datetime) -> None:
    """Tell the article's reviewers of a reader who finds it unsafe, and of each new note that says why.

    And its authors and reviewers where this No leaves little doubt that an edit made it worse.
    """
    if after.reason == alarms.UNSAFE and (before is None or (before.reason, before.note) != (after.reason, after.note)):
        alarms.sound(article_id, ballot.page.site.id, now=now)
    if after.value is Value.NO and after.counted and (before is None or _cell(before) != _cell(after)):
        drops.watch(article_id, ballot.page.site.id, after.revision, now=now)


def _locked(article_id: UUID, reader: bytes) -> Standpoint | None:
    row = run(LOCK, {"article": article_id, "reader": reader}).one_or_none()
    return None if row is None else _standpoint(row)


def look(article_id: UUID, reader: bytes) -> Standpoint | None:
    """Return a reader's vote on an article, or None."""
    row = run(LOOK, {"article": article_id, "reader": reader}).one_or_none()
    return None if row is None else _standpoint(row)


def count(article_id: UUID) -> Count:
    """Return the counted votes of an article."""
    row = run(TOTALS, {"article": article_id}).one_or_none()
    return Count(row.yes, row.no) if row else Count()


def _standpoint(row: Row[Any]) -> Standpoint:
    return Standpoint(**row._asdict())


def _check(ballot: Ballot) -> None:
    if ballot.value is Choice.YES:
        errors = {
            name: ["This goes with the answer No only."] for name in ("reason", "section") if getattr(ballot, name)
        }
        if errors:
            raise Invalid(errors)
    if ballot.reason and ballot.reason not in {reason.code for reason in ballot.page.site.policy.reasons}:
        raise Invalid({"reason": ["This site does not offer that reason."]})


def _take_back(ballot: Ballot, now: datetime) -> Outcome:
    found = articles.find(ballot.page.site.id, ballot.page.key)
    if found is None:
        return Outcome(Count(), None)
    return Outcome(forget(ballot.page.site, found.id, ballot.reader, now=now), None)


def forget(site: articles.SiteView, article_id: UUID, reader: bytes, *, now: datetime) -> Count:
    """Remove a reader's vote, if there is one, and return the article's votes after it."""
    row = run(TAKE_BACK, {"article": article_id, "reader": reader}).one_or_none()
    if row is None:
        return count(article_id)
    left = _move(site, article_id, _standpoint(row), None, now)
    # A cell that counts nothing any more would only keep the section that the reader named.
    run(delete(ReasonTally).where(ReasonTally.article_id == article_id, ReasonTally.votes == 0))
    return left


def set_aside(site: articles.SiteView, article_id: UUID, day: date, *, now: datetime) -> int:
    """Take the counted votes of a day out of every figure, and return how many they were.

    Each keeps the day it was set aside with. Its reader may change it: it then lies on the day of that change, set
    aside as before, and comes back with the others.
    """
    which = (Vote.day == day, Vote.counted)
    return _shift(site, article_id, which, {"counted": False, "burst_day": day}, now)


def is_aside(article_id: UUID, day: date) -> bool:
    """Whether there are votes that were set aside with a day."""
    query = select(Vote.article_id).where(Vote.article_id == article_id, Vote.burst_day == day)
    return run(query.limit(1)).first() is not None


def count_again(site: articles.SiteView, article_id: UUID, day: date, *, now: datetime) -> int:
    """Count what was set aside with a day as if it never had been, and return how many votes that were."""
    return _shift(site, article_id, (Vote.burst_day == day,), {"counted": True, "burst_day": None}, now)


def _shift(
    site: articles.SiteView, article_id: UUID, which: tuple[Any, ...], values: dict[str, Any], now: datetime
) -> int:
    """Set aside, or count again, all votes of a kind at once: one step a cell, however many they are."""
    chosen = update(Vote).where(Vote.article_id == article_id, *which).values(values)
    shifted = [_standpoint(row) for row in run(chosen.returning(*_COLUMNS))]
    cells: Counter[Cell] = Counter()
    reasons: Counter[ReasonCell] = Counter()
    for after in shifted:
        before = replace(after, counted=not after.counted)
        cells.subtract([_cell(before)])
        cells.update([_cell(after)])
        for reason, step in _reasons(before, after):
            reasons[reason] += step
    _book(site, article_id, cells.items(), reasons.items(), now)
    articles.touch(article_id)
    return len(shifted)


def _first(ballot: Ballot, article_id: UUID, now: datetime) -> Standpoint:
    return Standpoint(
        value=Value(ballot.value),
        revision=ballot.revision or "",
        day=now.date(),
        reason=ballot.reason or None,
        section=ballot.section or None,
        note=_note(ballot.note),
        counted=not _crowded(ballot, article_id, now),
    )


def _crowded(ballot: Ballot, article_id: UUID, now: datetime) -> bool:
    """Whether the reader's network has already cast as many counted votes on this article today as the site allows."""
    if ballot.network is None:
        return False
    key = {"day": now.date(), "article": article_id, "network": ballot.network}
    cast_today = run(OF_NETWORK, key).scalar_one()
    return bool(cast_today >= ballot.page.site.policy.quarantine_limit)


def _note(text: str | None) -> str | None:
    # What is put in for a short address can be longer than it was.
    return personal.redact(text)[:MAX_NOTE_CHARS] if text else None


def _insert(ballot: Ballot, article_id: UUID, vote: Standpoint, now: datetime) -> bool:
    """Insert a first vote. Of two that arrive together, the database lets one in."""
    statement, _, _ = _inserts()
    # Through the connection, because the session's own bulk insert does not say how many rows it made.
    done = run(
        statement,
        {
            "article_id": article_id,
            "reader": ballot.reader,
            "site_id": ballot.page.site.id,
            **vars(vote),
            "note_status": NoteStatus.NEW,
            "network": ballot.network,
            "created": now,
            "updated": now,
        },
    )
    return bool(done.rowcount)


def _changed(ballot: Ballot, before: Standpoint, now: datetime) -> Standpoint:
    value = Value(ballot.value)
    revision = before.revision if ballot.revision is None else ballot.revision
    kept = before if value is before.value else replace(before, reason=None, section=None, note=None)
    after = replace(
        kept,
        value=value,
        revision=revision,
        reason=kept.reason if ballot.reason is None else ballot.reason or None,
        section=kept.section if ballot.section is None else ballot.section or None,
        note=kept.note if ballot.note is None else _note(ballot.note),
    )
    moved = (after.value, after.revision) != (before.value, before.revision)
    return replace(after, day=now.date()) if moved else after


def _update(ballot: Ballot, article_id: UUID, before: Standpoint, after: Standpoint, now: datetime) -> None:
    values = {name: getattr(after, name) for name in ("value", "revision", "day", "reason", "section", "note")}
    key = {"b_article": article_id, "b_reader": ballot.reader}
    run(CHANGE, {**key, **values, "network": ballot.network, "updated": now})
    if after.note != before.note:
        run(NEW_NOTE, key)


def _move(
    site: articles.SiteView, article_id: UUID, before: Standpoint | None, after: Standpoint | None, now: datetime
) -> Count:
    """Subtract the vote that stood from its cells, add the one that stands now, and renew the article's standing."""
    if after is not None and (before is None or before.revision != after.revision):
        vote_on_revision(article_id, after.revision, now=now)
    moved = (before and _cell(before)) != (after and _cell(after))
    cells = [(_cell(vote), step) for vote, step in ((before, -1), (after, 1)) if vote and moved]
    return _book(site, article_id, cells, _reasons(before, after), now)


def _book(
    site: articles.SiteView,
    article_id: UUID,
    cells: Iterable[tuple[Cell, int]],
    reasons: Iterable[tuple[ReasonCell, int]],
    now: datetime,
) -> Count:
    """Add steps to cells and reason cells, and renew the article's standing by what they add up to."""
    _, cell, reason = _inserts()
    change = dict.fromkeys(COLUMNS, 0)
    # In one order for everybody, so that two votes that change places do not wait for each other.
    for (revision, day, column), step in sorted(cells):
        change[column] += step
        at = {"article_id": article_id, "revision": revision, "day": day}
        run(cell, {**at, **dict.fromkeys(COLUMNS, 0), column: step})
    for reason_cell, step in sorted(reasons):
        run(reason, {"article_id": article_id, **dict(zip(REASON_KEY, reason_cell, strict=True)), "votes": step})
    return _renew(site, article_id, change, now) if any(change.values()) else count(article_id)


def _cell(vote: Standpoint) -> Cell:
    return vote.revision, vote.day, _column(vote)


def _column(vote: Standpoint) -> str:
    return vote.value.value if vote.counted else f"quarantined_{vote.value}"


def _reasons(before: Standpoint | None, after: Standpoint | None) -> Iterator[tuple[ReasonCell, int]]:
    gone, come = _reason_cells(before), _reason_cells(after)
    for cells, others, step in ((gone, come, -1), (come, gone, 1)):
        for cell in cells:
            if cell not in others:
                yield cell, step


def _reason_cells(vote: Standpoint | None) -> list[ReasonCell]:
    if vote is None or not vote.counted:
        return []
    named = ((Kind.REASON, vote.reason), (Kind.SECTION, vote.section))
    return [(vote.revision, vote.day, kind, code) for kind, code in named if code]


def _renew(site: articles.SiteView, article_id: UUID, change: dict[str, int], now: datetime) -> Count:
    row = run(LOCK_TOTALS, {"article": article_id}).one()
    yes, no = row.yes + change["yes"], row.no + change["no"]
    votes = yes + no
    quarantined = row.quarantined + change["quarantined_yes"] + change["quarantined_no"]
    interval = statistics.wilson(yes, votes)
    fails = statistics.readers_failed(yes, votes, statistics.Prior(site.prior_mean, site.prior_weight))
    values = {"yes": yes, "no": no, "votes": votes, "quarantined": quarantined, "fails": fails, "as_of": now}
    run(RENEW, {"b_article": article_id, **values, "low": interval.low, "high": interval.high})
    return Count(yes, no)
