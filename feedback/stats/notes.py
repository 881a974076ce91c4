"""What readers wrote to the authors, newest first, and what became of it; never who wrote it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select, update

from feedback import merging, opaque
from feedback.db import db, has_words, run
from feedback.errors import Conflict, Invalid, Malformed, Missing
from feedback.models import Article, NoteStatus, Vote
from feedback.stats import revisions
from feedback.stats.ask import EVERYTHING, Asked
from feedback.stats.figures import readable
from feedback.stats.lists import Page
from feedback.stats.names import Names, mark

NOTES_PAGE = 20  # a note may be 1,000 characters long; more than twenty nobody reads in one go
MOST_SKIPPED = 2**31  # no day has so many notes
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Note:
    """What a reader wrote to the authors; never who. A revision that authors are not shown is None.

    `id` names the note to whoever may mark it, where notes were asked for with names. `fixed_in` is the revision that
    put right what it says.
    """

    note: str
    reason: str | None
    section: str | None
    revision: str | None
    day: date
    value: str
    status: NoteStatus = NoteStatus.NEW
    fixed_in: str | None = None
    id: str | None = None

    @property
    def section_title(self) -> str | None:
        return readable(self.section) if self.section else None

    def public(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "note": self.note,
            "reason": self.reason,
            "section": self.section,
            "revision": self.revision,
            "day": self.day.isoformat(),
            "value": self.value,
            "status": self.status.value,
            "fixed_in": self.fixed_in,
        }


def notes(
    article: Article,
    *,
    asked: Asked = EVERYTHING,
    status: NoteStatus | None = None,
    words: str | None = None,
    cursor: str | None = None,
    names: Names | None = None,
) -> Page[Note]:
    """Return readers' notes on an article, newest first, without those of votes that are set aside.

    The cursor is a day and how many of its notes have been shown: the reader or the exact time of a note, which
    the index is ordered by, would say who wrote it. Raises Malformed for a cursor that is none, and Invalid for a
    revision that is not shown.
    """
    at = opaque.parse_cursor(cursor, str, int)
    last, skip = (_note_place(*at)) if at else (None, 0)
    wanted = {Vote.note_status: status, Vote.reason: asked.reason, Vote.section: asked.section}
    roots = merging.roots(article.id)
    seen = revisions.seen(article.id, roots)
    root = revisions.as_shown("revision", asked.revision, seen, roots)
    query = (
        select(Vote)
        .where(Vote.article_id == article.id, Vote.note.is_not(None), Vote.counted)
        .where(
            asked.period.covers(Vote.day), *(column == value for column, value in wanted.items() if value is not None)
        )
        .order_by(Vote.updated.desc(), Vote.reader.desc())
    )
    if root is not None:
        query = query.where(Vote.revision.in_(merging.members(root, roots)))
    if words:
        query = query.where(has_words(Vote.note, words))
    if last is not None:
        query = query.where(Vote.updated < datetime.combine(last, time.min, UTC) + DAY)
    rows = list(db.session.execute(query.offset(skip).limit(NOTES_PAGE + 1)).scalars())
    shown = {revision.label for revision in seen}
    items = [_note(row, roots, shown, names) for row in rows[:NOTES_PAGE]]
    if len(rows) <= NOTES_PAGE:
        return Page(items, None)
    day = rows[NOTES_PAGE - 1].updated.date()
    done = sum(row.updated.date() == day for row in rows[:NOTES_PAGE]) + (skip if day == last else 0)
    return Page(items, opaque.cursor(day.isoformat(), done))


def all_notes(article: Article, **narrowed: Any) -> Iterator[Note]:
    """Walk all notes of an article that `notes` would return, newest first, page by page."""
    cursor: str | None = None
    while True:
        page = notes(article, **narrowed, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def mark_note(article: Article, name: str, status: NoteStatus, *, names: Names, fixed_in: str | None = None) -> None:
    """Say what became of a note.

    Raises Missing for a note that is not there, or not any more, Conflict where its reader has changed it since it was
    named, Invalid for a revision that authors are not shown.
    """
    if status is NoteStatus.FIXED and fixed_in not in _shown(article) - {""}:
        raise Invalid({"revision": ["Choose the revision that put it right."]})
    reader, text = names.read(article.id, name) or (b"", b"")
    this = (Vote.article_id == article.id, Vote.reader == reader)
    row = run(select(Vote.note).where(*this).with_for_update()).one_or_none()
    if row is None or row.note is None:
        raise Missing("There is no such note, or its reader has taken it back.")
    if mark(row.note) != text:
        raise Conflict("Its reader has changed this note since. Read it again before you mark it.")
    fixed = fixed_in if status is NoteStatus.FIXED else None
    run(update(Vote).where(*this).values(note_status=status, fixed_in=fixed))


def _shown(article: Article) -> set[str]:
    return {revision.label for revision in revisions.revisions(article.id)}


def _note_place(day: str, skip: int) -> tuple[date, int]:
    try:
        last = date.fromisoformat(day)
        if last < date.max and 0 <= skip < MOST_SKIPPED:
            return last, skip
    except ValueError:
        pass
    raise Malformed("This cursor does not belong to this list. Begin again without it.")


def _note(row: Vote, roots: Mapping[str, str], shown: set[str], names: Names | None) -> Note:
    counted_as = roots.get(row.revision, row.revision)
    revision = counted_as if counted_as in shown else None
    fixed_in = roots.get(row.fixed_in, row.fixed_in) if row.fixed_in else None
    text = row.note or ""
    name = names.of(row.article_id, row.reader, text) if names else None
    return Note(text, row.reason, row.section, revision, row.day, row.value.value, row.note_status, fixed_in, name)
