"""What readers wrote to the authors, newest first, and what became of it; never who wrote it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, literal, select, tuple_, update

from feedback import merging, opaque, outline
from feedback.db import db, has_words, run
from feedback.errors import Conflict, Invalid, Malformed, Missing
from feedback.models import Article, NoteStatus, Vote
from feedback.stats import revisions
from feedback.stats.ask import EVERYTHING, Asked
from feedback.stats.figures import readable
from feedback.stats.lists import Page
from feedback.stats.names import Names, mark
from feedback.stats.revisions import RevisionFigure

WALKED = 200  # notes that are read at a time where all are wanted
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
    section_title: str | None  # as the page has it
    revision: str | None
    day: date
    value: str
    status: NoteStatus = NoteStatus.NEW
    fixed_in: str | None = None
    id: str | None = None

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

    A note stands on the day on which it was last changed. The cursor is a day and how many of its notes have been
    shown: the reader or the exact time of a note, which the index is ordered by, would say who wrote it. Raises
    Malformed for a cursor that is none, and Invalid for a revision that is not shown.
    """
    at = opaque.parse_cursor(cursor, str, int)
    last, skip = (_note_place(*at)) if at else (None, 0)
    known = _Known.of(article)
    query = _query(article, known, asked=asked, status=status, words=words)
    if last is not None:
        query = query.where(Vote.updated < _midnight(last) + DAY)
    rows = list(db.session.execute(query.offset(skip).limit(NOTES_PAGE + 1)).scalars())
    items = [_note(row, known, names) for row in rows[:NOTES_PAGE]]
    if len(rows) <= NOTES_PAGE:
        return Page(items, None)
    day = rows[NOTES_PAGE - 1].updated.date()
    done = sum(row.updated.date() == day for row in rows[:NOTES_PAGE]) + (skip if day == last else 0)
    return Page(items, opaque.cursor(day.isoformat(), done))


def all_notes(
    article: Article, *, asked: Asked = EVERYTHING, status: NoteStatus | None = None, words: str | None = None
) -> Iterator[Note]:
    """Walk all notes of an article that `notes` would return, newest first, some at a time."""
    known, after = _Known.of(article), None
    query = _query(article, known, asked=asked, status=status, words=words).limit(WALKED)
    while True:
        here = query if after is None else query.where(tuple_(Vote.updated, Vote.reader) < after)
        rows = list(db.session.execute(here).scalars())
        yield from (_note(row, known, None) for row in rows)
        if len(rows) < WALKED:
            return
        after = tuple_(literal(rows[-1].updated, Vote.updated.type), literal(rows[-1].reader, Vote.reader.type))


@dataclass(frozen=True)
class _Known:
    """What the notes of an article are shown with."""

    roots: dict[str, str]
    seen: Sequence[RevisionFigure]
    labels: frozenset[str]  # of what is seen
    headings: Mapping[str, str]

    @classmethod
    def of(cls, article: Article) -> "_Known":
        roots = merging.roots(article.id)
        seen = revisions.seen(article.id, roots)
        headings = {heading.id: heading.title for heading in outline.of(article.id)}
        return cls(roots, seen, frozenset(revision.label for revision in seen), headings)

    def label(self, label: str) -> str | None:
        """Under which label authors are shown a revision; None where they are not."""
        root = self.roots.get(label, label)
        return root if root in self.labels else None


def _query(
    article: Article, known: _Known, *, asked: Asked, status: NoteStatus | None, words: str | None
) -> Select[Vote]:
    wanted = {Vote.note_status: status, Vote.reason: asked.reason, Vote.section: asked.section}
    query = (
        select(Vote)
        .where(Vote.article_id == article.id, Vote.note.is_not(None), Vote.counted)
        .where(*(column == value for column, value in wanted.items() if value is not None))
        .order_by(Vote.updated.desc(), Vote.reader.desc())
    )
    root = revisions.as_shown("revision", asked.revision, known.seen, known.roots)
    if root is not None:
        query = query.where(Vote.revision.in_(merging.members(root, known.roots)))
    if asked.period.start is not None:
        query = query.where(Vote.updated >= _midnight(asked.period.start))
    if asked.period.end is not None and asked.period.end < date.max:
        query = query.where(Vote.updated < _midnight(asked.period.end) + DAY)
    return query.where(has_words(Vote.note, words)) if words else query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


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


def _note(row: Vote, known: _Known, names: Names | None) -> Note:
    text = row.note or ""
    return Note(
        note=text,
        reason=row.reason,
        section=row.section,
        section_title=(known.headings.get(row.section) or readable(row.section)) if row.section else None,
        revision=known.label(row.revision),
        day=row.updated.date(),
        value=row.value.value,
        status=row.note_status,
        fixed_in=known.roots.get(row.fixed_in, row.fixed_in) if row.fixed_in else None,
        id=names.of(row.article_id, row.reader, text) if names else None,
    )
