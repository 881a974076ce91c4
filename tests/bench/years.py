"""Votes of two years on a site of many articles, drawn with a fixed seed, and all that is counted of them.

What is counted equals the votes, as `feedback doctor` would find. Written in bulk: PostgreSQL's COPY, SQLite's own way.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from feedback import articles, statistics, stats
from feedback.db import db, insert, run, uuid7
from feedback.models import (
    Article,
    Contributor,
    Kind,
    NoteStatus,
    ReasonTally,
    Revision,
    Role,
    Standing,
    Tally,
    Value,
    Vote,
)
from feedback.stats import overview
from tests.bench.data import START

SEED = 2026
DAYS = 730
TODAY = START + timedelta(days=DAYS)
EDITIONS = (START.date(), START.date() + timedelta(days=400))  # each article was edited once
SUBJECT_VOTES = 1_000  # on the article that is looked at, however many others there are
WRITTEN_BY_ONE = 100  # every so many articles are the author's
REASONS = ("unclear", "incomplete", "outdated", "looking_for_something_else")
SECTIONS = ("what-it-is", "how-it-acts", "side-effects", "stopping")
BATCH = 10_000

Cell = tuple[UUID, str, date]


def articles_of(site: articles.SiteView, number: int, author: UUID) -> list[UUID]:
    """Register so many articles in two editions each; the first is the subject, and one in a hundred the author's."""
    ids = [uuid7() for _ in range(number)]
    columns = ("id", "site_id", "key", "title", "url", "registered", "accepts", "created")
    write(
        Article,
        columns,
        (
            (id, site.id, f"page-{at:05}", f"About {at:05}", f"http://articles.test/{at}", True, "open", START)
            for at, id in enumerate(ids)
        ),
    )
    columns = ("article_id", "role", "name", "position", "user_id")
    write(
        Contributor,
        columns,
        (
            (
                id,
                Role.AUTHOR.value,
                "Ann" if at % WRITTEN_BY_ONE == 0 else "Ben",
                0,
                None if at % WRITTEN_BY_ONE else author,
            )
            for at, id in enumerate(ids)
        ),
    )
    columns = ("article_id", "label", "registered", "first_seen", "baseline_yes", "baseline_votes")
    write(
        Revision,
        columns,
        ((id, day.isoformat(), True, datetime.combine(day, time(), UTC), 0, 0) for id in ids for day in EDITIONS),
    )
    return ids


def fill(site: articles.SiteView, ids: Sequence[UUID], votes: int) -> None:
    """Put so many votes in the place of those that are there, and renew all that is counted of them."""
    for table in (Vote, Tally, ReasonTally, Standing):
        run(delete(table))
    rng = random.Random(SEED)
    cells: dict[Cell, Counter[Value]] = {}
    named: Counter[tuple[UUID, str, date, str, str]] = Counter()
    totals: dict[UUID, Counter[Value]] = {id: Counter() for id in ids}
    write(Vote, VOTE, (_vote(site.id, ids, number, rng, cells, named, totals) for number in range(votes)))
    columns = ("article_id", "revision", "day", "yes", "no", "quarantined_yes", "quarantined_no")
    write(Tally, columns, ((*cell, count[Value.YES], count[Value.NO], 0, 0) for cell, count in cells.items()))
    columns = ("article_id", "revision", "day", "kind", "code", "votes")
    write(ReasonTally, columns, ((*cell, number) for cell, number in named.items()))
    columns = ("article_id", "site_id", "yes", "no", "votes", "low", "high", "as_of", *ZEROS)
    write(Standing, columns, (_standing(site.id, id, count) for id, count in totals.items()))
    stats.fit(site.id)
    overview.keep(overview.count(TODAY), TODAY)


VOTE = ("article_id", "reader", "site_id", "value", "revision", "day", "section", "reason", "note", "note_status",
        "counted", "created", "updated")  # fmt: skip
ZEROS = ("quarantined", "comments", "pending", "rejected", "spam", "withdrawn", "flagged", "fails", "stamp")


def _vote(
    site_id: UUID,
    ids: Sequence[UUID],
    number: int,
    rng: random.Random,
    cells: dict[Cell, Counter[Value]],
    named: Counter[tuple[UUID, str, date, str, str]],
    totals: dict[UUID, Counter[Value]],
) -> tuple[Any, ...]:
    """Draw a reader's vote, and count it."""
    at = 0 if number < SUBJECT_VOTES else rng.randrange(1, len(ids))
    moment = START + timedelta(seconds=rng.randrange(DAYS * 86_400))
    day, revision = moment.date(), max(each for each in EDITIONS if each <= moment.date()).isoformat()
    # Articles differ: some help nine in ten, some one in two.
    value = Value.YES if rng.random() < 0.5 + (at * 37 % 41) / 100 else Value.NO
    reason = rng.choice(REASONS) if value is Value.NO and rng.random() < 0.6 else None
    section = rng.choice(SECTIONS) if value is Value.NO and rng.random() < 0.3 else None
    note = f"Note {number}: I missed the dose." if value is Value.NO and rng.random() < 0.1 else None
    cells.setdefault((ids[at], revision, day), Counter())[value] += 1
    totals[ids[at]][value] += 1
    for kind, code in ((Kind.REASON, reason), (Kind.SECTION, section)):
        if code:
            named[ids[at], revision, day, kind.value, code] += 1
    reader = number.to_bytes(32, "big")
    return (ids[at], reader, site_id, value.value, revision, day, section, reason, note, NoteStatus.NEW.value, True,
            moment, moment)  # fmt: skip


def _standing(site_id: UUID, id: UUID, count: Counter[Value]) -> tuple[Any, ...]:
    yes, no = count[Value.YES], count[Value.NO]
    interval = statistics.wilson(yes, yes + no)
    return (id, site_id, yes, no, yes + no, interval.low, interval.high, TODAY, *(0 for _ in ZEROS))


def write(model: Any, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows as fast as the engine takes them."""
    connection = db.session.connection()
    table = model.__tablename__
    if db.engine.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in columns)
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        return
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(dict(zip(columns, row, strict=True)))
        if len(batch) == BATCH:
            run(insert(model), batch)
            batch = []
    if batch:
        run(insert(model), batch)
