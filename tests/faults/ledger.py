"""Holds what was acknowledged against the rows: none lost, none doubled, every tally right, the file sound."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing

from flask import Flask
from sqlalchemy import select, text

from feedback import readers
from feedback.db import db
from feedback.models import Comment, Site, Vote
from tests.faults.load import Attempt
from tests.recount import assert_counted


def assert_kept(app: Flask, acknowledged: Iterable[Attempt]) -> int:
    """Fail where an acknowledged write is not exactly one row, or a figure kept beside the rows is wrong.

    Returns how many writes were held against the rows.
    """
    writes = [attempt.request for attempt in acknowledged if attempt.request.fields]
    with app.app_context():
        site_id = db.session.execute(select(Site.id)).scalar_one()
        votes = {reader: str(value) for reader, value in db.session.execute(select(Vote.reader, Vote.value))}
        comments = Counter(db.session.execute(select(Comment.source)).scalars())
    for write in writes:
        if "value" in write.fields:
            assert votes.get(readers.digest(site_id, write.mark)) == write.fields["value"], f"lost: {write}"
        else:
            assert comments[write.fields["body"]] == 1, f"{comments[write.fields['body']]} times: {write}"
    assert not [source for source, times in comments.items() if times > 1]
    assert_counted(app)
    assert_sound(app)
    return len(writes)


def assert_sound(app: Flask) -> None:
    """Fail where the engine itself finds its file or its indexes damaged."""
    with app.app_context():
        url = db.engine.url
        if db.engine.dialect.name == "postgresql":
            with db.engine.begin() as connection:
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS amcheck"))
                connection.execute(text(INDEXES_SOUND)).all()
            return
    assert url.database
    with closing(sqlite3.connect(url.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


INDEXES_SOUND = """
SELECT bt_index_check(indexrelid, heapallindexed => true)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
WHERE amname = 'btree' AND relpersistence = 'p' AND relnamespace = 'public'::regnamespace
"""
