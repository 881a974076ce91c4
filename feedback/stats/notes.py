"""What readers wrote to the authors, newest first; never who wrote it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from feedback import merging, opaque
from feedback.db import db
from feedback.errors import Malformed
from feedback.models import Article, Vote
from feedback.stats.ask import EVER, Period
from feedback.stats.figures import readable, revisions
from feedback.stats.lists import Page

NOTES_PAGE = 20  # a note may be 1,000 characters long; more than twenty nobody reads in one go
MOST_SKIPPED = 2**31  # no day has so many notes
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Note:
    """What a reader wrote to the authors; never who. A revision that authors are not shown is None."""

    note: str
    reason: str | None
    section: str | None
    revision: str | None
    day: date
    value: str

    @property
    def section_title(self) -> str | None:
        return readable(self.section) if self.section else None

    def public(self) -> dict[str, Any]:
        return {
            "note": self.note,
            "reason": self.reason,
            "section": self.section,
            "revision": self.revision,
            "day": self.day.isoformat(),
            "value": self.value,
        }


def notes(article: Article, *, period: Period = EVER, cursor: str | None = None) -> Page[Note]:
    """Return readers' notes on an article, newest first, without those of quarantined votes.

    The cursor is a day and how many of its notes have been shown: the reader or the exact time of a note, which
    the index is ordered by, would say who wrote it. Raises Malformed for a cursor that is none.
    """
    at = opaque.parse_cursor(cursor, str, int)
    last, skip = (_note_place(*at)) if at else (None, 0)
    query = (
        select(Vote)
        .where(Vote.article_id == article.id, Vote.note.is_not(None), Vote.counted)
        .where(period.covers(Vote.day))
        .order_by(Vote.updated.desc(), Vote.reader.desc())
    )
    if last is not None:
        query = query.where(Vote.updated < datetime.combine(last, time.min, UTC) + DAY)
    rows = list(db.session.execute(query.offset(skip).limit(NOTES_PAGE + 1)).scalars())
    shown = {revision.label for revision in revisions(article.id)}
    roots = merging.roots(article.id)
    items = [_note(row, roots.get(row.revision, row.revision), shown) for row in rows[:NOTES_PAGE]]
    if len(rows) <= NOTES_PAGE:
        return Page(items, None)
    day = rows[NOTES_PAGE - 1].updated.date()
    done = sum(row.updated.date() == day for row in rows[:NOTES_PAGE]) + (skip if day == last else 0)
    return Page(items, opaque.cursor(day.isoformat(), done))


def all_notes(article: Article, *, period: Period = EVER) -> Iterator[Note]:
    """Walk all notes of an article, newest first, page by page."""
    cursor: str | None = None
    while True:
        page = notes(article, period=period, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _note_place(day: str, skip: int) -> tuple[date, int]:
    try:
        last = date.fromisoformat(day)
        if last < date.max and 0 <= skip < MOST_SKIPPED:
            return last, skip
    except ValueError:
        pass
    raise Malformed("This cursor does not belong to this list. Begin again without it.")


def _note(row: Vote, counted_as: str, shown: set[str]) -> Note:
    revision = counted_as if counted_as in shown else None
    return Note(row.note or "", row.reason, row.section, revision, row.day, row.value.value)
