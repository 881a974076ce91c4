"""Several transactions at once on PostgreSQL, in an order that is drawn: each goes on by one statement at a time.

Every statement, and every commit, waits for its turn. A transaction that waits for another's lock gives its turn away
until the lock is free; where they wait for each other, the database ends one, and the service runs it again.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import Engine, event

from feedback.db import db

LOOK_SECONDS = 0.001  # between looks at whether a transaction waits for another
PATIENCE_SECONDS = 30.0  # no statement takes so long; a lane that does hangs


class Lane(threading.Thread):
    """One actor. `answer` is what it returned, or the error it met."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.act = act
        self.turn = threading.Semaphore(0)
        self.rests = threading.Event()  # it waits for its turn, or is done
        self.done = False
        self.backend = 0
        self.answer: Any = None

    def run(self) -> None:
        try:
            self.pause()
            self.answer = self.act()
        except BaseException as error:
            self.answer = error
        self.done = True
        self.rests.set()

    def pause(self) -> None:
        self.rests.set()
        assert self.turn.acquire(timeout=PATIENCE_SECONDS), "nobody gave this lane its turn"

    def go_on(self) -> None:
        self.rests.clear()
        self.turn.release()


def switching(seed: int) -> Callable[[list[int]], int]:
    """Return a choice of who is next that mostly stays with whoever was, and changes at any point now and then."""
    chance = random.Random(seed)
    last, often = -1, chance.choice((0.1, 0.3, 0.6))

    def choose(able: list[int]) -> int:
        nonlocal last
        if last not in able or chance.random() < often:
            last = chance.choice(able)
        return last

    return choose


class Lanes:
    """Runs actors side by side; `choose` says which of those that can go on is next."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self.engine: Engine = db.engine
        self.watch = psycopg.connect(self.engine.url.set(drivername="postgresql").render_as_string(False))
        self.watch.autocommit = True
        self.waited = 0  # turns that ended in waiting for another's lock
        self.deadlocks = 0

    def run(self, acts: Sequence[Callable[[], Any]], choose: Callable[[list[int]], int]) -> list[Any]:
        """Return what each actor returned; an error one of them met is raised."""
        lanes = [Lane(act) for act in acts]
        with self._stops():
            for lane in lanes:
                lane.start()
            for lane in lanes:
                self._settle(lane)
            while not all(lane.done for lane in lanes):
                able = [number for number, lane in enumerate(lanes) if lane.rests.is_set() and not lane.done]
                if able:
                    lane = lanes[choose(able)]
                    lane.go_on()
                    self._settle(lane)
                else:
                    under_way = [lane for lane in lanes if not lane.done]
                    # Where they wait for each other, the database will end that.
                    self.deadlocks += len(under_way) > 1 and all(self._waits(lane) for lane in under_way)
                    self._settle(*under_way)
        for lane in lanes:
            lane.join(PATIENCE_SECONDS)
            if isinstance(lane.answer, BaseException):
                raise lane.answer
        return [lane.answer for lane in lanes]

    def close(self) -> None:
        self.watch.close()

    def _settle(self, *lanes: Lane) -> None:
        """Wait until one of the lanes has come to its next stop; a single one, also until it waits for a lock."""
        for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
            if any(lane.rests.wait(LOOK_SECONDS) for lane in lanes):
                return
            if len(lanes) == 1 and self._waits(lanes[0]):
                self.waited += 1
                return
        raise AssertionError("no lane went on")

    def _waits(self, lane: Lane) -> bool:
        row = self.watch.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (lane.backend,)).fetchone()
        return bool(row and row[0])

    @contextmanager
    def _stops(self) -> Iterator[None]:
        def statement(connection: Any, *_: Any) -> None:
            self._stop(connection)

        event.listen(self.engine, "before_cursor_execute", statement)
        event.listen(self.engine, "commit", self._stop)
        try:
            yield
        finally:
            event.remove(self.engine, "before_cursor_execute", statement)
            event.remove(self.engine, "commit", self._stop)

    def _stop(self, connection: Any) -> None:
        lane = threading.current_thread()
        if isinstance(lane, Lane):
            lane.backend = connection.connection.driver_connection.info.backend_pid
            lane.pause()
