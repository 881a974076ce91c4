"""When sites learn from their moderators' decisions: in the worker, whenever there is enough new.

What is learned is calculated for seconds outside of any transaction, and stored in short ones.
"""

import logging
import threading
import time
from uuid import UUID

from flask import Flask

from feedback import articles, clock
from feedback.db import db, transact
from feedback.triage import training

LOOK = 5.0  # seconds between two looks for decisions to learn from
IDLE = 10  # times as long as learning took it does nothing: never more than a tenth of a processor

log = logging.getLogger(__name__)

Seen = dict[UUID, training.Place]  # up to which decision of each site there was a look


def keep_on(app: Flask, stop: threading.Event) -> None:
    """Learn whenever there is enough new, until told to stop."""
    seen: Seen = {}
    while not stop.is_set():
        began = time.thread_time()
        learn(app, seen)
        stop.wait(max(LOOK, IDLE * (time.thread_time() - began)))


def learn(app: Flask, seen: Seen) -> None:
    """Learn on every site where there is enough new; where it fails, the others learn all the same."""
    with app.app_context():
        for site_id in _sites():
            try:
                _learn_on(site_id, seen)
            except Exception:
                log.exception("learning from decisions failed; it will be tried again")


def _sites() -> list[UUID]:
    try:
        return [site.id for site in articles.sites()]
    except Exception:
        log.exception("there is nothing to learn from while the database does not answer")
        return []


def _learn_on(site_id: UUID, seen: Seen) -> None:
    lesson = training.due(site_id, seen.get(site_id))
    db.session.rollback()
    if lesson is None:
        return
    if lesson.enough:
        transact(training.keep, lesson, lesson.model().pack(), lesson.predicted(), now=clock.now())
        for keys in training.to_rescore(site_id):
            transact(training.rescore, site_id, keys)
    seen[site_id] = lesson.newest
