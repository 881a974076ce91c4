"""Many at once: one vote sent many times, many clients, two moderators on one comment."""

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from feedback import opaque
from feedback.models import Comment, Decision, State, Tally, Vote
from tests.cast import KEY, SLUG, Staff
from tests.faults.conftest import Serve
from tests.faults.drills import Drill
from tests.faults.load import Attempt, Caller, Request, comment, percentile, vote
from tests.recount import assert_counted
from tests.server import PATIENCE


def test_the_same_vote_two_hundred_times_at_once_is_one(
    serve: Serve, app: Flask, drill: Drill, rows: Callable[..., list[Any]]
) -> None:
    port = serve("--no-worker").port
    worst = 0.0
    for number in range(drill.times(long=20, short=2)):
        request = vote()
        attempts = _at_once(port, [request] * 200)
        # Some may be asked to come again, none may fail otherwise; whoever comes again finds the one vote.
        assert {attempt.status for attempt in attempts} <= {200, 503}
        assert _sent_again(port, attempts) == {200}
        assert len(rows(select(Vote))) == number + 1
        worst = max(worst, percentile(attempts, 1))
    assert_counted(app)
    drill.measured("slowest of 200, s", worst)


def _at_once(port: int, requests: list[Request]) -> list[Attempt]:
    ready = threading.Barrier(len(requests))

    def act(request: Request) -> Attempt:
        caller = Caller(port)
        caller.connection.connect()
        ready.wait(PATIENCE)
        attempt = caller.send(request)
        caller.close()
        return attempt

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(act, requests))


def _sent_again(port: int, attempts: list[Attempt]) -> set[int]:
    caller = Caller(port)
    again = {caller.send(attempt.request).status for attempt in attempts if not attempt.acknowledged}
    caller.close()
    return again | {200}


def test_the_sum_of_the_tally_is_the_rows_counted(
    serve: Serve, app: Flask, drill: Drill, rows: Callable[..., list[Any]]
) -> None:
    clients, each = drill.times(long=50, short=8), drill.times(long=1_000, short=25)
    port = serve("--no-worker", FEEDBACK_LIMITS="on").port
    statuses: list[int] = []

    def client(number: int) -> None:
        chance, caller = random.Random(number), Caller(port)
        for _ in range(each):
            request = _ballot(chance, number)
            while (attempt := caller.send(request)).status == 503:
                continue
            statuses.append(attempt.status)
        caller.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    assert set(statuses) <= {200, 429}
    assert_counted(app)
    tallied = sum(rows(select(func.sum(Tally.yes + Tally.no))))
    counted = rows(select(func.count()).select_from(Vote).where(Vote.counted))[0]
    assert tallied == counted > 0
    drill.measured("ballots", len(statuses))
    drill.measured("votes counted = sum of the tally", counted)


def _ballot(chance: random.Random, client: int) -> Request:
    """Return a first vote, a change or a withdrawal of one of this client's readers, on one of a few articles."""
    fields = {
        "article": chance.choice([KEY, "second", "third"]),
        "reader": f"{client:04d}{chance.randrange(200):018d}",
        "value": chance.choice(["yes", "yes", "no", "no", "none"]),
        "revision": chance.choice(["a", "b"]),
    }
    if fields["value"] == "no":
        fields |= {"reason": chance.choice(["unclear", "outdated"]), "section": chance.choice(["dose", ""])}
    return Request(f"/api/v1/{SLUG}/vote", fields)


def test_of_two_moderators_one_wins_and_one_sees_a_conflict(
    serve: Serve, drill: Drill, mo: Staff, ada: Staff, rows: Callable[..., list[Any]]
) -> None:
    port = serve("--no-worker").port
    times = drill.times(long=1_000, short=20)
    caller = Caller(port)
    assert all(caller.send(comment()).acknowledged for _ in range(times))
    caller.close()
    outcomes: Counter[tuple[int, ...]] = Counter()
    with Moderator(port, mo.token, "approve") as first, Moderator(port, ada.token, "reject") as second:
        for waiting in rows(select(Comment).where(Comment.state == State.PENDING)):
            outcomes[_both(first, second, waiting)] += 1
    assert set(outcomes) <= set(WON) and outcomes.total() == times
    decided = rows(select(func.count()).select_from(Decision).group_by(Decision.comment_id))
    assert decided == [1] * times
    drill.measured("comments decided once", times)
    drill.measured("won by the first, by the second", " / ".join(str(outcomes[won]) for won in WON))


WON = ((200, 409), (409, 200))


class Moderator:
    """One who decides by bearer token, in a thread of their own."""

    def __init__(self, port: int, token: str, action: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.action = action
        self.pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "Moderator":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()
        self.connection.close()

    def decides(self, comment: str, version: int, ready: threading.Barrier) -> int:
        body = json.dumps({"comment": comment, "version": version, "action": self.action})
        ready.wait(PATIENCE)
        self.connection.request("POST", f"/api/v1/{SLUG}/decisions", body, self.headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def _both(first: Moderator, second: Moderator, waiting: Comment) -> tuple[int, ...]:
    ready = threading.Barrier(2)
    name = opaque.identifier(waiting.article_id, waiting.id)
    acts = [one.pool.submit(one.decides, name, waiting.version, ready) for one in (first, second)]
    return tuple(act.result() for act in acts)
