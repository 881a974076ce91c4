"""A new policy for text reaches the comments that an older one made."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update
from sqlalchemy import text as sql

from feedback import comments, text
from feedback.comments import rerendering
from feedback.db import db
from feedback.models import Comment
from tests.server import until


def age(**values):
    """Make every comment one of an earlier policy."""
    db.session.execute(update(Comment).values(policy=text.POLICY - 1, **values))


@pytest.fixture
def run(do):
    """Do what the command does; returns how many were made anew, and how many would be refused."""

    def all_of_them():
        made = refused = 0
        chunk = do(rerendering.rerender, None)
        while chunk.last is not None:
            made, refused = made + chunk.made, refused + chunk.refused
            chunk = do(rerendering.rerender, chunk.last)
        return made, refused

    return all_of_them


def test_older_html_is_made_anew_from_what_was_typed(run, do, ask, rows, rae, mo, article, monkeypatch):
    monkeypatch.setattr(rerendering, "CHUNK", 2)
    for number in range(5):
        sent = rae.comments(article, f"It is **{number}**.").json["comment"]
        mo.posts("/decisions", comment=sent["id"], version=1, action="approve")
    do(age, html="<p>It is <b>old</b>.</p>")
    first = rae.reads(article)
    assert ask(rerendering.outdated) == 5
    assert run() == (5, 0)
    assert sorted(row.html for row in rows(select(Comment))) == [
        f"<p>It is <strong>{number}</strong>.</p>" for number in range(5)
    ]
    assert {row.version for row in rows(select(Comment))} == {2}, "nobody's decision is overtaken by it"
    assert rae.reads(article).headers["ETag"] != first.headers["ETag"]
    assert ask(rerendering.outdated) == 0
    assert run() == (0, 0)


def test_what_would_be_refused_today_keeps_its_html(run, do, rows, rae, article):
    rae.comments(article, "It helped.")
    do(age, html="<p>It helped then.</p>", source="*" * 2_000)
    assert run() == (0, 1)
    [row] = rows(select(Comment))
    assert (row.html, row.policy) == ("<p>It helped then.</p>", text.POLICY - 1)


def test_what_was_erased_stays_so(run, do, rows, rae, stan, mo, article):
    sent = rae.comments(article, "It helped.").json["comment"]
    mo.posts("/decisions", comment=sent["id"], version=1, action="approve")
    stan.comments(article, "Me too.", parent=sent["id"])
    rae.posts("/erase")
    do(age)
    assert run() == (1, 0)
    assert [row.html for row in rows(select(Comment).where(Comment.source.is_(None)))] in ([], [None])


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_waiting_for_a_decision_it_holds_nothing_that_one_needs(app, do, rae, article):
    rae.comments(article, "It helped.")
    do(age, html="<p>Old.</p>")

    def waits():
        return db.session.execute(sql("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() > 0

    with ThreadPoolExecutor(1) as other, app.app_context():
        try:
            comments.lock(article.id)
            made = other.submit(do, rerendering.rerender, None)
            until(waits)
            assert db.session.execute(select(Comment.id).with_for_update(nowait=True)).all()
        finally:
            db.session.rollback()
        assert made.result().made == 1
