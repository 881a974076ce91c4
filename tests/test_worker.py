"""What is due by itself is done in time."""

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select

from feedback import articles, readers, worker
from feedback.db import run
from feedback.models import NetworkKey, Site
from tests.cast import registration
from tests.test_authors import text_of

PATIENCE = 10.0  # seconds


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


@pytest.fixture
def rounds(app):
    """Start the rounds of a worker, which end with the test."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.go_round, args=(app, stop))
    yield thread.start
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.fixture
def days(rows):
    """Return the days whose networks are still remembered."""
    return lambda: sorted(rows(select(NetworkKey.day)))


def remember(day: date) -> None:
    run(insert(NetworkKey).values(day=day, key=b"k" * 32))


def test_a_network_is_forgotten_the_moment_its_48_hours_are_over(app, do, clock, rounds, days):
    today = clock().date()
    with app.app_context():
        readers.Networks().of("192.0.2.7", clock())
    do(remember, today - timedelta(days=1))
    clock.forward(days=1, hours=14, minutes=59, seconds=59.9)
    rounds()
    until(lambda: days() == [today])
    clock.forward(seconds=0.1)
    until(lambda: days() == [])


def test_a_round_that_failed_is_tried_again_soon(app, do, clock, rounds, days, monkeypatch, caplog):
    def fail_once(now):
        monkeypatch.setitem(worker.TASKS, "forget networks", readers.expire)
        raise RuntimeError("no luck")

    monkeypatch.setattr(worker, "AGAIN", 0.05)
    monkeypatch.setitem(worker.TASKS, "forget networks", fail_once)
    do(remember, clock().date() - timedelta(days=3))
    rounds()
    until(lambda: days() == [])
    assert "“forget networks” failed" in caplog.text


def test_a_round_fits_the_site_and_the_list_says_to_what(ann, app, site, article, do, cast, clock, rows):
    other, _ = do(articles.register, site.id, registration(site, "other", "Other"), now=clock())
    cast(article, yes=15, no=5, at=clock())
    cast(other, yes=9, no=11, at=clock())
    told = (
        "The usual is taken to be {} % just now; that is worked out every hour from all votes of this site, once there "
        "are 20. An article’s own votes are weighed against {} votes of the usual"
    )

    def shown():
        return text_of(ann.signs_in().get("/articles/?sort=where_to_start"))

    assert told.format(70, 20) in shown()
    assert "About 3 more of the readers who voted than usual" in shown()
    with app.app_context():
        assert worker.round_of_tasks(clock())
    # 24 Yes in 40; ρ = (0.9/0.24 − 1)/19 by hand, and m = 1/ρ − 1.
    (fitted,) = rows(select(Site))
    assert (fitted.prior_mean, fitted.prior_weight) == pytest.approx((0.6, 5.909), abs=5e-4)
    assert told.format(60, 6) in shown()
    assert "About 2 more of the readers who voted than usual" in shown()
