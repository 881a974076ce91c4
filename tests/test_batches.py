"""One decision on all that matches a filter: in chunks, over nothing that changed, undone as one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from feedback import articles, comments, learning, opaque, worker
from feedback.clock import rfc3339
from feedback.db import db, uuid7
from feedback.models import Batch, Comment, Decision, Progress, State
from feedback.moderation import Action, Filter, batches
from feedback.staff import Actor
from feedback.triage import training
from tests.cast import registration
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def crowd(rae: Any, article: Any, do: Any, site: Any, clock: Any) -> Callable[[int], list[str]]:
    """Let so many comments wait, a second apart, spread over two articles; return their ids, the oldest first."""
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())

    def copies(count: int) -> list[str]:
        (row,) = db.session.execute(select(Comment)).scalars()
        kept = {column.key: getattr(row, column.key) for column in Comment.__table__.columns}
        made = []
        for number in range(count):
            article_id = (article.id, other.id)[number % 2]
            new = {"id": uuid7(), "article_id": article_id, "created": clock() + timedelta(seconds=number)}
            comments.add(Comment(**kept | new | {"reader": number.to_bytes(32, "big"), "submission": None}))
            made.append(opaque.identifier(article_id, new["id"]))
        return made

    def write(count: int) -> list[str]:
        first = rae.comments(article, "The same text").json["comment"]["id"]
        clock.forward(minutes=1)
        ids = [first, *do(copies, count - 1)]
        clock.forward(hours=1)
        return ids

    return write


def begins(staff: Any, clock: Any, action: str = "approve", **more: Any) -> Any:
    return staff.posts("/decisions", **{"filter": {}, "before": rfc3339(clock()), "action": action} | more)


def begun(staff: Any, clock: Any, action: str = "approve", **more: Any) -> str:
    answer = begins(staff, clock, action, **more)
    assert answer.status_code == 202, answer.text
    return str(answer.json["batch"])


def shown(staff: Any, batch: str) -> dict[str, Any]:
    return dict(staff.gets(f"/batches/{batch}").json["batch"])


def work(app: Any, steps: int = 100) -> None:
    """Let the worker go on for so many chunks."""
    with app.app_context():
        while steps and worker.decide_in_bulk():
            steps -= 1


def decides(staff: Any, comment: str, action: str, version: int = 1) -> str:
    answer = staff.posts("/decisions", comment=comment, action=action, version=version)
    assert answer.status_code == 200, answer.text
    return str(answer.json["decisions"][0]["id"])


def states(rows: Any) -> dict[str, int]:
    found = [row.value for row in rows(select(Comment.state))]
    return {state: found.count(state) for state in sorted(set(found))}


def test_all_that_match_are_decided_on_in_chunks(app, mo, crowd, rows, clock):
    ids = crowd(250)
    batch = begun(mo, clock, reason="Off the topic", action="reject")
    first = shown(mo, batch)
    assert (first["state"], first["total"], first["decided"], first["finished"]) == ("running", 250, 100, None)
    assert states(rows) == {"pending": 150, "rejected": 100}
    # The oldest first, as the queue shows them.
    assert {item["id"] for item in mo.gets("/queue", limit=200).json["items"]} == set(ids[100:])
    work(app)
    last = shown(mo, batch)
    assert (last["state"], last["decided"], last["skipped"]) == ("done", 250, [])
    assert last["finished"] == rfc3339(clock())
    assert states(rows) == {"rejected": 250}
    decisions = rows(select(Decision))
    assert len(decisions) == len({row.comment_id for row in decisions}) == 250
    assert {(row.who, row.reason, row.batch_id) for row in decisions} == {
        ("moderator token", "Off the topic", UUID(batch))
    }
    assert_counted(app)


def test_what_changed_meanwhile_is_skipped_and_listed(app, mo, ada, rae, crowd, rows, clock):
    ids = crowd(250)
    batch = begun(mo, clock)
    clock.forward(seconds=5)
    decides(ada, ids[120], "spam")
    edited = ada.posts(f"/comments/{ids[130]}/revise", version=1, body="Another text")
    assert edited.status_code == 200
    undone = decides(ada, ids[140], "reject")
    assert ada.posts(f"/decisions/{undone}/undo").status_code == 200
    assert rae.posts(f"/comments/{ids[0]}/withdraw").status_code == 200
    late = rae.comments("other", "Nobody has seen this").json["comment"]["id"]
    work(app)
    done = shown(mo, batch)
    assert (done["state"], done["total"], done["decided"]) == ("done", 250, 247)
    # Who decides on it and takes that back has looked at it anew: whoever saw the list before knows nothing of why.
    assert {ids[120], ids[130], ids[140]} <= set(done["skipped"])
    kept = {
        item["id"]: item["state"] for item in mo.gets("/queue", state="all", limit=200, sort="newest").json["items"]
    }
    assert (kept[ids[120]], kept[ids[130]], kept[ids[140]]) == ("spam", "pending", "pending")
    assert kept[late] == "pending"
    assert states(rows) == {"approved": 246, "pending": 3, "spam": 1, "withdrawn": 1}
    assert_counted(app)


def test_left_out_is_only_what_the_batch_did_not_decide_on(app, mo, ada, crowd, clock):
    ids = crowd(150)
    seen = rfc3339(clock())
    clock.forward(seconds=5)
    decides(ada, ids[110], "approve")
    batch = begun(mo, clock, before=seen, filter={"state": "all"})
    clock.forward(seconds=5)
    # Of these the batch has decided on the first; the last is in the list still, as another thing.
    decides(ada, ids[7], "reject", version=2)
    decides(ada, ids[120], "spam")
    work(app)
    done = shown(mo, batch)
    assert (done["total"], done["decided"]) == (150, 148)
    assert sorted(done["skipped"]) == sorted([ids[110], ids[120]])


@sqlite_only
def test_left_out_of_flags_is_only_what_was_flagged(mo, ada, stan, crowd, clock):
    one, two, three = crowd(3)
    for comment in (one, two):
        decides(mo, comment, "approve")
        assert stan.posts(f"/comments/{comment}/flag", reason="other").status_code == 202
    seen = rfc3339(clock())
    clock.forward(minutes=1)
    decides(ada, two, "reject", version=2)
    decides(ada, three, "reject")
    batch = shown(mo, begun(mo, clock, before=seen, filter={"state": "flagged"}))
    assert (batch["decided"], batch["skipped"]) == (1, [two])


def test_one_undo_takes_all_of_it_back_but_what_changed_since(app, mo, ada, crowd, rows, clock):
    ids = crowd(230)
    batch = begun(mo, clock, "spam")
    assert mo.posts(f"/batches/{batch}/undo").status_code == 409
    work(app)
    decides(ada, ids[7], "approve", version=2)
    answer = mo.posts(f"/batches/{batch}/undo")
    assert (answer.status_code, answer.json) == (202, {"batch": batch})
    assert shown(mo, batch)["state"] == "undoing"
    work(app)
    last = shown(mo, batch)
    assert (last["state"], last["undone"]) == ("undone", 229)
    assert states(rows) == {"approved": 1, "pending": 229}
    assert mo.posts(f"/batches/{batch}/undo").status_code == 409
    assert_counted(app)


def test_whoever_undoes_stands_in_the_decisions(app, mo, ada, crowd, rows, clock):
    crowd(60)
    batch = begun(mo, clock)
    assert ada.posts(f"/batches/{batch}/undo").status_code == 202
    # The first part is done with the request, the rest by the worker.
    assert shown(mo, batch)["state"] == "undoing"
    work(app)
    assert shown(mo, batch)["undone"] == 60
    who = [(row.action, row.who) for row in rows(select(Decision))]
    assert sorted(who) == [("approve", "moderator token")] * 60 + [("undo", "administrator token")] * 60
    (row,) = rows(select(Batch))
    assert row.who == "moderator token"


def test_a_worker_killed_between_chunks_goes_on_where_it_was(app, make_app, mo, crowd, rows, clock):
    crowd(350)
    batch = begun(mo, clock)
    work(app, steps=1)
    assert shown(mo, batch)["decided"] == 200
    another = make_app()
    work(another)
    assert (shown(mo, batch)["state"], shown(mo, batch)["decided"]) == ("done", 350)
    assert len(rows(select(Decision))) == 350
    assert_counted(app)


def test_a_chunk_that_fails_changes_nothing_and_is_done_again(app, mo, crowd, rows, clock, monkeypatch):
    crowd(150)
    batch = begun(mo, clock)
    change, calls = comments.change_states, iter(range(1_000))

    def breaks(*args: Any, **kwargs: Any) -> Any:
        rows = change(*args, **kwargs)
        if next(calls) == 0:
            raise RuntimeError("killed when all of it was written")
        return rows

    monkeypatch.setattr(comments, "change_states", breaks)
    with app.app_context():
        assert not worker.decide_in_bulk()
    assert (shown(mo, batch)["decided"], states(rows)) == (100, {"approved": 100, "pending": 50})
    assert_counted(app)
    work(app)
    assert (shown(mo, batch)["decided"], states(rows)) == (150, {"approved": 150})
    assert_counted(app)


def test_readers_are_served_between_the_chunks(app, mo, rae, stan, article, crowd, do, rows, clock):
    crowd(320)
    batch = begun(mo, clock)
    clock.forward(seconds=1)
    served = 0
    while shown(mo, batch)["state"] == "running":
        work(app, steps=1)
        assert rae.votes(article, "yes" if served % 2 else "no").status_code == 200
        assert stan.reads(article).json["votes"]["total"] == 1
        assert stan.comments(article, f"While it runs {served}").status_code == 202
        served += 1
    assert served >= 3
    assert states(rows) == {"approved": 320, "pending": served}
    assert_counted(app)


@pytest.mark.parametrize(("chosen", "matching"), [
    ({"article": "other"}, 14), ({"q": "same TEXT"}, 30), ({"q": "nothing like it"}, 0), ({"held": "repeated"}, 0),
    ({"held": "premoderation", "article": "other"}, 14), ({"score": 0.5}, 0), ({"state": "all"}, 30),
])  # fmt: skip
@sqlite_only
def test_a_batch_keeps_to_its_filter(app, mo, crowd, rows, clock, chosen, matching):
    crowd(30)
    batch = shown(mo, begun(mo, clock, filter=chosen))
    assert (batch["state"], batch["total"], batch["decided"]) == ("done", matching, matching)
    assert states(rows).get("approved", 0) == matching


@sqlite_only
def test_a_batch_keeps_to_what_was_there_when_it_was_looked_at(mo, crowd, rows, clock):
    ids = crowd(30)
    (created,) = rows(select(Comment.created).where(Comment.id == opaque.parse_identifier(ids[9])[1]))
    assert shown(mo, begun(mo, clock, before=rfc3339(created)))["decided"] == 10
    # Nobody has seen what is to come.
    assert shown(mo, begun(mo, clock, before="2099-01-01T00:00:00Z"))["decided"] == 20
    (first, second) = rows(select(Batch).order_by(Batch.created, Batch.id))
    assert (first.before, second.before) == (created, clock())


@pytest.mark.parametrize(("action", "to"), [("approve", "approved"), ("reject", "rejected")])
@sqlite_only
def test_what_readers_flagged_after_the_page_was_shown_is_left_out(app, mo, rae, crowd, rows, clock, action, to):
    one, two, three = crowd(3)
    decides(mo, one, "approve")
    decides(mo, two, "approve")
    clock.forward(minutes=1)
    seen = rfc3339(clock())
    clock.forward(minutes=1)
    # Three readers take down the first, as the site settled; of the second one says something.
    for comment, number in ((one, 1), (one, 2), (one, 3), (two, 4)):
        reader = replace(rae, token=f"{number:022d}", address=f"203.0.{number}.7")
        assert reader.posts(f"/comments/{comment}/flag", reason="unsafe").status_code == 202
    assert states(rows) == {"approved": 1, "pending": 2}
    clock.forward(minutes=1)
    batch = shown(mo, begun(mo, clock, action, before=seen, filter={"state": "all"}))
    assert (batch["decided"], set(batch["skipped"])) == (1, {one, two})
    now = {item["id"]: item["state"] for item in mo.gets("/queue", state="all").json["items"]}
    assert now == {one: "pending", two: "approved", three: to}
    assert_counted(app)


@sqlite_only
def test_what_is_learned_from_a_batch_moves_nothing_into_it(app, mo, site, crowd, rows, do, clock, monkeypatch):
    monkeypatch.setattr(training, "EACH_WAY", 0)
    ids = [opaque.parse_identifier(comment)[1] for comment in crowd(300)]

    def score(which: list[UUID], value: float) -> None:
        db.session.execute(update(Comment).where(Comment.id.in_(which)).values(score=value, risk=value))

    do(score, ids[:150], 0.95)
    do(score, ids[150:], 0.1)
    batch = begun(mo, clock, "spam", filter={"score": 0.9})
    learning.learn(app, {})
    work(app)
    assert (shown(mo, batch)["total"], shown(mo, batch)["decided"]) == (150, 150)
    assert states(rows) == {"pending": 150, "spam": 150}
    # Now it is learned from, and what waits is scored anew.
    learning.learn(app, {})
    waiting = select(Comment.score).where(Comment.state == State.PENDING)
    assert min(rows(waiting)) > 0.9
    # Nor does a score move that was on its way when the next batch began.
    begun(mo, clock, "spam", filter={"score": 0.9})
    do(score, ids[250:], 0.5)
    for keys in do(training.to_rescore, site.id):
        do(training.rescore, site.id, keys)
    assert set(rows(waiting)) == {0.5}


@sqlite_only
def test_an_age_keeps_out_what_is_younger_and_nothing_that_was_edited_before_anybody_looked(
    mo, ada, site, crowd, rows, do, clock
):
    ids = crowd(30)
    (created,) = rows(select(Comment.created).where(Comment.id == opaque.parse_identifier(ids[9])[1]))
    assert ada.posts(f"/comments/{ids[3]}/revise", version=1, body="Put better").status_code == 200
    clock.forward(minutes=5)
    how = {"before": clock(), "reason": None, "who": Actor("Mo"), "now": clock()}
    batch = do(lambda: batches.begin(Filter((site.id,), before=created), Action.APPROVE, **how).id)
    assert do(batches.step, batch, now=clock()) is False
    (row,) = rows(select(Batch))
    assert (row.total, row.decided, row.skipped, row.before) == (10, 10, [], clock())
    assert states(rows) == {"approved": 10, "pending": 20}


def test_flags_are_dismissed_in_bulk_too(app, mo, stan, crowd, rows, clock):
    ids = crowd(3)
    for comment in ids:
        decides(mo, comment, "approve")
    for comment in ids[1:]:
        assert stan.posts(f"/comments/{comment}/flag", reason="other").status_code == 202
    batch = shown(mo, begun(mo, clock, filter={"state": "flagged"}))
    assert (batch["total"], batch["decided"]) == (2, 2)
    assert mo.gets("/queue", state="flagged").json["total"] == 0
    assert_counted(app)
    assert mo.posts(f"/batches/{batch['id']}/undo").status_code == 202
    assert mo.gets("/queue", state="flagged").json["total"] == 2
    assert_counted(app)


@sqlite_only
def test_what_no_batch_can_be_is_refused(mo, article, rows, clock):
    for body, field in (
        ({"filter": {"state": "withdrawn"}}, "state"),
        ({"filter": {"state": "approved"}}, "action"),
        ({"filter": {"state": "unknown"}}, "filter"),
        ({"filter": {"score": "high"}}, "filter"),
        ({"filter": []}, "filter"),
        ({"before": None}, "before"),
        ({"before": "yesterday"}, "before"),
        ({"comments": [{"id": "A" * 43, "version": 1}]}, "filter"),
        ({"reason": "x" * 301}, "reason"),
        ({"action": "delete"}, "action"),
    ):
        answer = begins(mo, clock, **body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field]), body
    for unknown in ("0" * 32, "nonsense"):
        assert mo.gets(f"/batches/{unknown}").status_code == 404
        assert mo.posts(f"/batches/{unknown}/undo").status_code == 404
    assert rows(select(Batch)) == []


@sqlite_only
def test_batches_are_done_in_the_order_they_were_begun(app, mo, crowd, rows, clock):
    crowd(250)
    first = begun(mo, clock, "reject")
    clock.forward(seconds=1)
    second = begun(mo, clock, "approve", filter={"state": "rejected"})
    work(app, steps=2)
    assert (shown(mo, first)["state"], shown(mo, second)["state"]) == ("done", "running")
    work(app)
    assert {row.progress for row in rows(select(Batch))} == {Progress.DONE}
    assert shown(mo, first)["decided"] == 250


@sqlite_only
def test_a_step_of_a_batch_that_is_done_does_nothing(app, mo, crowd, rows, do, clock):
    crowd(3)
    batch = UUID(begun(mo, clock))
    assert do(batches.step, batch, now=clock()) is False
    assert len(rows(select(Decision))) == 3
