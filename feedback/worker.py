"""What is due by itself: delivering notices, learning, and forgetting what may be known for 48 hours only.

Any number of workers may run beside one database: every task is one transaction that is safe to run twice. The rounds
have a thread of their own, so that no mail server that takes its time keeps anything known for longer; so has learning,
which calculates for seconds, outside of any transaction, and so have webhooks, whose receivers may take their time.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask

from feedback import (
    changes,
    clock,
    delivery,
    digests,
    erasures,
    learning,
    notices,
    readers,
    stats,
    subscriptions,
    webhooks,
    weekly,
)
from feedback.backup import ledger
from feedback.db import db, dispose, transact
from feedback.moderation import batches
from feedback.stats import overview
from feedback.views import letters

HOUR = 3_600.0  # seconds between two rounds
AGAIN = 60.0  # seconds until a round that failed is tried again
LOOK = 60.0  # seconds between two looks at the clock, which may be set and stands still while a machine sleeps
POLL = 3.0  # seconds between two looks into the outbox

log = logging.getLogger(__name__)

TASKS: dict[str, Callable[[datetime], Any]] = {
    "forget networks": readers.expire,
    "forget addresses": subscriptions.expire,
    "fit what lists are ordered by": stats.fit_sites,
    "forget old notices": notices.forget_old,
    "forget old messages": webhooks.forget_old,
    "forget old changes": changes.forget_old,
}


def round_of_tasks(now: datetime) -> bool:
    """Do all that is due; a task that fails does not keep the others from being done. Returns whether all went well."""
    return all([*[_attempt(name, task, now) for name, task in TASKS.items()], count_days(now)])


def count_days(now: datetime) -> bool:
    """Add up what each day brought to the sites; the reading may take seconds, and is no transaction that writes."""
    try:
        found = overview.count(now)
        db.session.rollback()
        transact(overview.keep, found, now)
    except Exception:
        log.exception("the days of the sites could not be added up; it will be tried again")
        return False
    return True


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rounds = threading.Thread(target=go_round, args=(app, stop), name="rounds")
    lessons = threading.Thread(target=learning.keep_on, args=(app, stop), name="lessons")
    calls = threading.Thread(target=keep_calling, args=(app, stop), name="calls")
    rounds.start()
    lessons.start()
    calls.start()
    while not stop.is_set():
        with app.app_context():
            began = time.monotonic()
            deciding = decide_in_bulk()
            took = time.monotonic() - began
            busy = deliver(app)
        # As long as a chunk has held the writer's place, others have it now.
        stop.wait(took if deciding else 0 if busy else POLL)
    rounds.join()
    lessons.join()
    calls.join()
    dispose(app)


def go_round(app: Flask, stop: threading.Event) -> None:
    """Do a round every hour, and one when a day begins: then the keys of the day before yesterday are 48 hours old."""
    day, due = date.min, 0.0
    listed: int | None = None
    while not stop.is_set():
        listed = list_erasures(app, listed)
        announce(app)
        now = clock.now()
        if now.date() != day or time.monotonic() >= due:
            with app.app_context():
                went_well = round_of_tasks(now)
            day, due = now.date(), time.monotonic() + (HOUR if went_well else AGAIN)
        then = clock.now()
        if then.date() == day:  # else midnight passed during the round
            stop.wait(min(LOOK, _until_midnight(then), max(0.0, due - time.monotonic())))


def list_erasures(app: Flask, listed: int | None) -> int | None:
    """Add new erasures to the list beside the backups. Takes and returns how many are known to be listed."""
    try:
        with app.app_context():
            recorded = erasures.number()
            if recorded != listed:
                ledger.bring_up_to_date(app.config["SETTINGS"].backup_folder)
            return recorded
    except Exception:
        log.exception("the list of erasures could not be brought up to date; it will be tried again")
        return listed


def _until_midnight(now: datetime) -> float:
    """Return the seconds that are left of the day."""
    return (datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC) - now).total_seconds()


def deliver(app: Flask) -> bool:
    """Deliver a batch of what is due. Returns whether there may be more."""
    try:
        return delivery.deliver(app.config["SETTINGS"], letters.write) > 0
    except Exception:
        log.exception("delivering failed; it will be tried again")
        return False


def call_webhooks(app: Flask) -> bool:
    """Send webhooks a batch of what is due. Returns whether there may be more."""
    try:
        return delivery.call_webhooks(app.config["SETTINGS"]) > 0
    except Exception:
        log.exception("calling webhooks failed; it will be tried again")
        return False


def keep_calling(app: Flask, stop: threading.Event) -> None:
    """Send webhooks what is due, until the end."""
    while not stop.is_set():
        with app.app_context():
            busy = call_webhooks(app)
        stop.wait(0 if busy else POLL)


def announce(app: Flask) -> None:
    """Put the digests and the weekly letters that are due into the outbox."""
    for letters_of in (digests, weekly):
        try:
            with app.app_context():
                for user_id, site_id in letters_of.due(clock.now()):
                    transact(letters_of.put, user_id, site_id, now=clock.now())
        except Exception:
            log.exception("the letters of %s could not be made; it will be tried again", letters_of.__name__)


def decide_in_bulk() -> bool:
    """Do the next chunk of a bulk decision. Returns whether there may be more to do."""
    try:
        batch_id = batches.unfinished()
        db.session.rollback()
        if batch_id is not None:
            transact(batches.step, batch_id, now=clock.now())
        return batch_id is not None
    except Exception:
        log.exception("a bulk decision could not go on; it will be tried again")
        return False


def once(app: Flask) -> bool:
    """Do a round and deliver all that is due. Returns whether the round went well."""
    with app.app_context():
        went_well = round_of_tasks(clock.now())
        announce(app)
        while decide_in_bulk() or deliver(app) or call_webhooks(app):
            pass
    learning.learn(app, {})
    list_erasures(app, None)
    return went_well


def _attempt(name: str, task: Callable[[datetime], Any], now: datetime) -> bool:
    try:
        transact(task, now)
    except Exception:
        log.exception("the task “%s” failed; it will be tried again", name)
        return False
    return True
