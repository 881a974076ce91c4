"""Where pages ask from is noted beside the answers, in origins and times alone, and never grows without bound."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, sightings
from feedback.models import Sighting
from feedback.views import lookout
from tests.cast import ORIGIN

ELSEWHERE = "https://other.example"


@pytest.fixture
def written(app: Any) -> Any:
    """Write what was seen, now rather than in a moment."""
    return lambda: app.extensions["front"].lookout.write()


@pytest.fixture
def seen(ask: Any, site: Any) -> Any:
    """The site's sightings: (listed, unlisted), origins only."""

    def read() -> tuple[list[str], list[str]]:
        check = ask(sightings.of, site.id, site.origins)
        return [row.origin for row in check.listed], [row.origin for row in check.unlisted]

    return read


def reads(client: Any, origin: str, **more: str) -> Any:
    headers = {"Origin": origin, **more}
    return client.get("/api/v1/health/feedback?article=x", headers=headers)


def test_a_read_of_a_listed_page_is_seen(client, site, written, seen):
    assert reads(client, ORIGIN).status_code == 200
    written()
    assert seen() == ([ORIGIN], [])


def test_a_read_of_an_unlisted_page_is_answered_and_seen(client, site, written, seen):
    assert reads(client, ELSEWHERE).status_code == 200
    written()
    assert seen() == ([], [ELSEWHERE])


def test_a_refused_vote_is_seen(rae, article, client, written, seen):
    answer = client.post("/api/v1/health/vote", data={}, headers={"Origin": ELSEWHERE})
    assert answer.status_code == 403
    written()
    assert seen() == ([], [ELSEWHERE])


def test_what_comes_without_an_origin_is_not_seen(client, site, written, seen):
    client.get("/api/v1/health/feedback?article=x")
    written()
    assert seen() == ([], [])


def test_the_services_own_pages_are_no_pages_of_the_site(client, site, written, seen):
    reads(client, "http://localhost")
    written()
    assert seen() == ([], [])


def test_an_origin_that_is_listed_later_counts_from_its_first_request(client, site, do, ask, written):
    reads(client, ELSEWHERE)
    written()
    do(articles.change_site, "health", origins=[ORIGIN, ELSEWHERE])
    check = ask(sightings.of, site.id, [ORIGIN, ELSEWHERE])
    assert [row.origin for row in check.listed] == [ELSEWHERE]


def test_the_first_and_the_last_time_are_kept(do, ask, site, clock):
    first = clock()
    do(sightings.record, [("health", ORIGIN)], now=first)
    last = clock.forward(hours=3)
    do(sightings.record, [("health", ORIGIN)], now=last)
    [row] = ask(sightings.of, site.id, [ORIGIN]).listed
    assert (row.first_seen, row.last_seen) == (first, last)


@pytest.mark.parametrize(
    "origin",
    ["", "x", "https://", "https://a.example/path", "https://a b", "HTTPS://A.EXAMPLE", "https://é.example",
     "https://*.example", "javascript:alert(1)", "https://user@a.example", "https://a.example:80:80",
     f"https://{'a' * 300}.example", "https://a.example, https://b.example"],
)  # fmt: skip
def test_what_is_no_origin_is_not_kept(do, rows, site, clock, origin):
    do(sightings.record, [("health", origin)], now=clock())
    assert rows(select(Sighting.origin)) == []


def test_what_is_no_site_is_not_kept(do, rows, site, clock):
    do(sightings.record, [("nowhere", ORIGIN), ("\x00", ORIGIN), ("", ORIGIN)], now=clock())
    assert rows(select(Sighting.origin)) == []


def test_a_page_without_an_origin_of_its_own_is_seen_as_such(do, ask, site, clock):
    do(sightings.record, [("health", "null")], now=clock())
    assert [row.origin for row in ask(sightings.of, site.id, [ORIGIN]).unlisted] == ["null"]


def test_only_the_latest_unlisted_origins_are_kept_and_all_listed_ones(do, seen, site, clock):
    do(sightings.record, [("health", ORIGIN)], now=clock())
    for number in range(30):
        do(sightings.record, [("health", f"https://x{number}.example")], now=clock.forward(minutes=1))
    listed, unlisted = seen()
    assert listed == [ORIGIN]
    assert unlisted == [f"https://x{number}.example" for number in range(29, 19, -1)]


def test_an_unlisted_origin_is_forgotten_after_a_month(do, seen, site, clock):
    do(sightings.record, [("health", ELSEWHERE)], now=clock())
    do(sightings.record, [("health", ORIGIN)], now=clock() + sightings.KEPT_UNLISTED - timedelta(seconds=1))
    assert seen() == ([ORIGIN], [ELSEWHERE])
    do(sightings.record, [("health", ORIGIN)], now=clock() + sightings.KEPT_UNLISTED)
    assert seen() == ([ORIGIN], [])


def test_sites_do_not_push_each_other_out(do, ask, site, clock):
    other = do(articles.add_site, "other", origins=[ORIGIN], now=clock())
    do(sightings.record, [("other", ELSEWHERE)], now=clock())
    do(sightings.record, [("health", f"https://x{number}.example") for number in range(30)], now=clock())
    assert [row.origin for row in ask(sightings.of, other.id, [ORIGIN]).unlisted] == [ELSEWHERE]
    assert len(ask(sightings.of, site.id, [ORIGIN]).unlisted) == sightings.MAX_UNLISTED


# Without holding up an answer


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each transaction was given to note."""
    calls: list[Any] = []
    real = sightings.record

    def record(seen: Any, **more: Any) -> None:
        calls.append(list(seen))
        real(seen, **more)

    monkeypatch.setattr(sightings, "record", record)
    return calls


def test_an_origin_is_written_once_a_minute_however_often_it_asks(client, site, written, recorded, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(lookout.time, "monotonic", lambda: now[0])
    for _ in range(20):
        reads(client, ORIGIN)
    written()
    written()
    assert recorded == [[("health", ORIGIN)]]
    now[0] += lookout.AGAIN + 1
    reads(client, ORIGIN)
    written()
    assert len(recorded) == 2


def test_it_is_written_by_itself_a_moment_later(client, site, seen):
    reads(client, ORIGIN)
    deadline = time.monotonic() + 10
    while seen() == ([], []) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen() == ([ORIGIN], [])


def test_a_write_that_fails_is_no_fault_of_the_page(client, site, written, monkeypatch, caplog):
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("cause")

    monkeypatch.setattr(sightings, "record", fail)
    assert reads(client, ORIGIN).status_code == 200
    written()
    assert "could not be noted (ZeroDivisionError)" in caplog.text
    assert reads(client, ORIGIN).status_code == 200


def test_what_is_remembered_has_a_bound(app, site, monkeypatch):
    look = app.extensions["front"].lookout
    monkeypatch.setattr(lookout, "MOST", 5)
    for number in range(50):
        look.see("health", f"https://x{number}.example", "localhost")
    assert len(look.known_until) == 5


def test_what_is_no_site_or_origin_takes_no_room(app, client, site):
    reads(client, "https://" + "x" * 60_000)
    client.get("/api/v1/no%20slug/feedback?article=x", headers={"Origin": ORIGIN})
    assert app.extensions["front"].lookout.known_until == {}


def test_closing_leaves_no_thread(app, site):
    look = app.extensions["front"].lookout
    look.see("health", ORIGIN, "localhost")
    timer = look.timer
    look.close()
    assert timer not in threading.enumerate()
    assert look.fresh == set()
