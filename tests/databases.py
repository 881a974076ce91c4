"""PostgreSQL databases that are lent to one test after another: to copy one takes half a second, to empty one 20 ms."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg

from tests.postgres import Postgres

MOST_LENT = 40  # times: what was deleted stays in the files, and the planner counts their pages
MOST_ROWS = 300  # that are deleted; a database with more is dropped

# What a test may change of a database beside its rows. A table that was analysed has other figures for the planner.
MADE_OF = """
SELECT (SELECT array_agg((oid, relname, relnatts, relhasindex, relhastriggers, reltuples) ORDER BY oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace)::text,
       (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_trigger),
       (SELECT count(*) FROM pg_db_role_setting), (SELECT max(version_num) FROM alembic_version)
"""
OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""

_numbers = count(1)


class Databases:
    """Databases of one server, each as the migrations make it: one that served a test is emptied for the next."""

    def __init__(self, server: Postgres, template: str) -> None:
        self.server, self.template = server, template
        self.free: list[str] = []
        self.lent: dict[str, int] = {}
        with self._connect(template) as connection:
            self.made_of = connection.execute(MADE_OF).fetchone()
            self.tables = [name for (name,) in connection.execute(TABLES)]

    @contextmanager
    def one(self) -> Iterator[str]:
        """Lend the name of a database without rows."""
        name = self.free.pop() if self.free else self._make()
        self.lent[name] += 1
        yield name
        if self._empty(name):
            self.free.append(name)
        else:
            self.server.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _make(self) -> str:
        name = f"lent_{next(_numbers)}"
        self.server.sql(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy")
        self.lent[name] = 0
        return name

    def _empty(self, name: str) -> bool:
        """Whether the database can be lent again, emptied."""
        if self.lent[name] >= MOST_LENT:
            return False
        try:
            with self._connect(name) as connection:
                connection.execute(OTHERS, [name])
                if connection.execute(MADE_OF).fetchone() != self.made_of:
                    return False
                counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in self.tables)
                filled = {table: rows for table, rows in connection.execute(counts) if rows}
                if sum(filled.values()) > MOST_ROWS:
                    return False
                # All at once, so that no order of the tables has to be kept.
                connection.execute("SET session_replication_role = replica")
                for table in filled:
                    connection.execute(f"DELETE FROM {table}")
        except psycopg.Error:  # a test left it read-only, or without a table
            return False
        return True

    def _connect(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(host=str(self.server.folder), user="postgres", dbname=name, autocommit=True)
