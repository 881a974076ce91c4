"""What readers or administrators have erased stays erased, also where a backup made before is restored.

Every erasure leaves a mark, SHA-256 of what the rows are known by: it finds them in an older copy of the database, and
tells nothing by itself. `feedback restore` carries out the erasures that the copy has not seen.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Table, func, select

from feedback.db import db, insert, run, uuid7
from feedback.models import Article, Comment, Erasure, State

# Of erasures that found nothing, in a day: what was taken back before may still be in a backup, but a script must not
# fill the disk with erasures of readers who never were.
MOST_OF_NOTHING = 10_000

Reader = tuple[UUID, bytes]


def of_reader(reader: bytes) -> bytes:
    """Return the mark of all that a reader left on a site; `reader` is already a hash of both."""
    return hashlib.sha256(b"reader" + reader).digest()


def of_comment(article_id: UUID, comment_id: UUID) -> bytes:
    """Return the mark of one comment."""
    return hashlib.sha256(b"comment" + article_id.bytes + comment_id.bytes).digest()


def record(mark: bytes, *, found: bool = True) -> None:
    """Remember an erasure; of those that found nothing, only so many a day."""
    if found or _recent() < MOST_OF_NOTHING:
        adopt([(uuid7(), mark)])


def _recent() -> int:
    day_ago = _first_key(datetime.now(UTC) - timedelta(days=1))
    return run(select(func.count()).where(Erasure.id >= day_ago)).scalar_one()  # type: ignore[no-any-return]


def adopt(erasures: Iterable[tuple[UUID, bytes]]) -> None:
    """Remember erasures as they were recorded elsewhere."""
    values = [{"id": row_id, "mark": mark} for row_id, mark in erasures]
    if values:
        db.session.connection().execute(insert(Erasure).on_conflict_do_nothing(), values)


def recorded(*, before: datetime | None = None) -> dict[UUID, bytes]:
    """Return every erasure this database knows of, or those before a moment, the oldest first."""
    query = select(Erasure.id, Erasure.mark).order_by(Erasure.id)
    if before is not None:
        query = query.where(Erasure.id < _first_key(before))
    return {row.id: row.mark for row in run(query)}


def _first_key(moment: datetime) -> UUID:
    """Return the smallest key that a row of that moment can have."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)


def number() -> int:
    """Return how many erasures are recorded; where there are more than before, some are new.

    The newest key does not tell: a clock that was put back makes smaller ones, and so does who commits later.
    """
    return run(select(func.count()).select_from(Erasure)).scalar_one()  # type: ignore[no-any-return]


# What of it is still here


def readers_among(marks: set[bytes]) -> set[Reader]:
    """Return the (site, reader) of every reader who has left anything and whose mark is one of these."""
    return {(site_id, reader) for site_id, reader in _readers() if of_reader(reader) in marks}


def _readers() -> Iterator[Reader]:
    """Walk whoever has left anything, in whichever table; some of them more than once."""
    for table in db.metadata.sorted_tables:
        if "reader" in table.c:
            yield from _readers_in(table)


def _readers_in(table: Table) -> Iterator[Reader]:
    article = Article.__table__
    query = select(article.c.site_id, table.c.reader).distinct()
    query = query.join_from(table, article, article.c.id == table.c.article_id).where(table.c.reader.is_not(None))
    for row in run(query.execution_options(yield_per=1_000)):
        yield row.site_id, row.reader


def comments_among(marks: set[bytes]) -> set[tuple[UUID, UUID]]:
    """Return the (article, id) of every comment that is not erased and whose mark is one of these."""
    query = select(Comment.article_id, Comment.id).where(Comment.state != State.ERASED)
    keys = run(query.execution_options(yield_per=1_000))
    return {(row.article_id, row.id) for row in keys if of_comment(row.article_id, row.id) in marks}
