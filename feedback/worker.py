"""What is due by itself: delivering notices, and forgetting what may be known for 48 hours only.

Any number of workers may run beside one database: every task is one transaction that is safe to run twice.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask

from feedback import changes, clock, delivery, notices, readers, stats
from feedback.db import dispose, transact
from feedback.views import letters

HOUR = 3_600.0  # seconds between two rounds
AGAIN = 60.0  # seconds until a round that failed is tried again

log = logging.getLogger(__name__)

POLL = 3.0  # seconds between two looks into the outbox

TASKS: dict[str, Callable[[datetime], Any]] = {
    "forget networks": readers.expire,
    "fit what lists are ordered by": stats.fit_sites,
    "forget old notices": notices.forget_old,
    "forget old changes": changes.forget_old,
}


def round_of_tasks(now: datetime) -> bool:
    """Do all that is due; a task that fails does not keep the others from being done. Returns whether all went well."""
    return all([_attempt(name, task, now) for name, task in TASKS.items()])


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    next_round = 0.0
    while not stop.is_set():
        with app.app_context():
            if time.monotonic() >= next_round:
                next_round = time.monotonic() + (HOUR if round_of_tasks(clock.now()) else AGAIN)
            busy = deliver(app)
        stop.wait(0 if busy else POLL)
    dispose(app)


def deliver(app: Flask) -> bool:
    """Deliver a batch of what is due. Returns whether there may be more."""
    try:
        return delivery.deliver(app.config["SETTINGS"], letters.write) > 0
    except Exception:
        log.exception("delivering failed; it will be tried again")
        return False


def _attempt(name: str, task: Callable[[datetime], Any], now: datetime) -> bool:
    try:
        transact(task, now)
    except Exception:
        log.exception("the task “%s” failed; it will be tried again", name)
        return False
    return True
