"""What is due by itself: forgetting what may be known for 48 hours only, and fitting what lists are ordered by.

Any number of workers may run beside one database: every task is one transaction that is safe to run twice.
"""

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask

from feedback import clock, readers
from feedback.db import dispose, transact

HOUR = 3_600.0  # seconds between two rounds
AGAIN = 60.0  # seconds until a round that failed is tried again

log = logging.getLogger(__name__)

TASKS: dict[str, Callable[[datetime], Any]] = {
    "forget networks": readers.expire,
}


def round_of_tasks(now: datetime) -> bool:
    """Do all that is due; a task that fails does not keep the others from being done. Returns whether all went well."""
    return all([_attempt(name, task, now) for name, task in TASKS.items()])


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        with app.app_context():
            done = round_of_tasks(clock.now())
        stop.wait(HOUR if done else AGAIN)
    dispose(app)


def _attempt(name: str, task: Callable[[datetime], Any], now: datetime) -> bool:
    try:
        transact(task, now)
    except Exception:
        log.exception("the task “%s” failed; it will be tried again", name)
        return False
    return True
