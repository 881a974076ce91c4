"""What a reader may ask: all that is stored about them, and that it goes. And what an administrator removes."""

from pathlib import Path

import pytest
from sqlalchemy import select

from feedback.db import db
from feedback.models import Comment, Decision, Standing, State, Tally, Vote

SECRET_TEXT = "my brother Jonathan takes forty milligrams"


@pytest.fixture
def written(rae, article):
    """A comment of Rae's with her name, waiting."""
    return rae.comments(article, SECRET_TEXT, name="Raelene", submission="first").json["comment"]


def rows(app, query):
    with app.app_context():
        return list(db.session.execute(query).scalars())


def test_export_gives_a_reader_all_that_is_stored(rae, article, written):
    rae.votes(article, "no", reason="unclear", section="dose", note="too long")
    answer = rae.posts("/export")
    assert answer.headers["Cache-Control"] == "no-store"
    [vote], [comment] = answer.json["votes"], answer.json["comments"]
    assert vote["article"]["key"] == article.key
    assert (vote["value"], vote["reason"], vote["section"], vote["note"]) == ("no", "unclear", "dose", "too long")
    assert (comment["source"], comment["name"], comment["submission"]) == (SECRET_TEXT, "Raelene", "first")


def test_export_shows_spam_as_pending(rae, article):
    rae.comments(article, "buy this now", website="http://spam.example")
    assert rae.posts("/export").json["comments"][0]["state"] == "pending"


def test_export_of_a_stranger_is_empty(stan, written):
    assert stan.posts("/export").json == {"votes": [], "comments": [], "flags": [], "likes": []}


def test_erase_removes_everything_of_the_reader(app, rae, stan, mo, article, written):
    rae.votes(article, "no", reason="unclear")
    stan.votes(article, "yes")
    mo.posts("/decisions", comment=written["id"], version=1, action="approve")
    assert rae.posts("/erase").json == {"votes": 1, "comments": 1, "flags": 0, "likes": 0}
    assert rows(app, select(Vote.value)) == ["yes"]
    [comment] = rows(app, select(Comment))
    assert comment.state is State.ERASED
    gone = ("source", "html", "name", "reader", "network", "sealed_email", "text_hash", "submission")
    assert all(getattr(comment, name) is None for name in gone)
    assert rae.reads(article).json["comments"]["items"] == []
    assert rae.reads(article).json["votes"] == {"yes": 1, "no": 0, "total": 1}
    with app.app_context():
        standing = db.session.execute(select(Standing).where(Standing.article_id == article.id)).scalar_one()
        assert (standing.yes, standing.no, standing.comments) == (1, 0, 0)
        assert sum(cell.no for cell in db.session.execute(select(Tally)).scalars()) == 0


def test_erase_keeps_the_decisions_and_adds_its_own(app, rae, mo, article, written):
    mo.posts("/decisions", comment=written["id"], version=1, action="approve")
    rae.posts("/erase")
    actions = rows(app, select(Decision.action).order_by(Decision.at))
    assert actions == ["approve", "erase"]
    assert rows(app, select(Decision.text_hash)) == [None, None]


def test_erasing_twice_finds_nothing_the_second_time(rae, article, written):
    rae.posts("/erase")
    assert rae.posts("/erase").json == {"votes": 0, "comments": 0, "flags": 0, "likes": 0}


def test_an_old_submission_after_an_erase_is_a_new_comment(rae, article, written):
    rae.posts("/erase")
    again = rae.comments(article, SECRET_TEXT, submission="first").json["comment"]
    assert again["id"] != written["id"]


def test_a_reply_keeps_the_place_of_an_erased_comment_without_its_words(rae, stan, mo, article, written):
    mo.posts("/decisions", comment=written["id"], version=1, action="approve")
    reply = stan.comments(article, "Thank you for sharing this", parent=written["id"]).json["comment"]
    mo.posts("/decisions", comment=reply["id"], version=1, action="approve")
    rae.posts("/erase")
    [item] = rae.reads(article).json["comments"]["items"]
    assert (item["gone"], item["html"], item["name"]) == ("removed", None, None)
    assert item["replies"][0]["html"] == "<p>Thank you for sharing this</p>"


def test_nothing_of_an_erased_text_stays_in_the_files(app, engine, rae, article, written, tmp_path):
    if engine == "postgresql":
        # PostgreSQL keeps old bytes until it vacuums, as the README says; no query finds them.
        rae.posts("/erase")
        assert rows(app, select(Comment.source)) == [None]
        return
    files = list(Path(tmp_path).glob("feedback.sqlite3*"))
    assert any(SECRET_TEXT.encode() in file.read_bytes() for file in files)
    rae.posts("/erase")
    for mark in (SECRET_TEXT, "Raelene"):
        assert not [file.name for file in files if mark.encode() in file.read_bytes()]


def test_another_site_is_another_reader(rae, article, written, do, app):
    from feedback import articles, clock

    do(articles.add_site, "cooking", origins=["http://cooking.test"], now=clock.now())
    answer = rae.http.post(
        "/api/v1/cooking/erase", data={"reader": rae.token}, headers={"Origin": "http://cooking.test"}
    )
    assert answer.json == {"votes": 0, "comments": 0, "flags": 0, "likes": 0}
    assert len(rae.posts("/export").json["comments"]) == 1


# An administrator's purge


def test_a_purge_removes_text_and_name_for_good(app, ada, rae, article, written):
    answer = ada.posts(f"/comments/{written['id']}/purge", version=1, reason="health data of somebody else")
    assert answer.json["comment"]["state"] == "erased"
    [comment] = rows(app, select(Comment))
    assert (comment.source, comment.html, comment.name) == (None, None, None)
    [decision] = rows(app, select(Decision))
    assert (decision.action, decision.reason, decision.from_state) == (
        "erase",
        "health data of somebody else",
        State.PENDING,
    )


def test_only_an_administrator_purges(mo, article, written):
    assert mo.posts(f"/comments/{written['id']}/purge", version=1).status_code == 403


def test_a_purge_of_a_stale_version_changes_nothing(ada, mo, article, written):
    mo.posts("/decisions", comment=written["id"], version=1, action="reject")
    answer = ada.posts(f"/comments/{written['id']}/purge", version=1)
    assert answer.status_code == 409
    assert answer.json["current"][0]["state"] == "rejected"


def test_a_purged_comment_cannot_be_decided_on_or_undone(ada, mo, article, written):
    done = mo.posts("/decisions", comment=written["id"], version=1, action="approve").json["decisions"][0]
    ada.posts(f"/comments/{written['id']}/purge", version=2)
    assert mo.posts("/decisions", comment=written["id"], version=3, action="approve").status_code == 409
    assert mo.posts(f"/decisions/{done['id']}/undo").status_code == 409


# The page around a comment


@pytest.fixture
def crowd(rae, stan, mo, article):
    """25 threads, the fifth with 6 replies, all published. Returns (thread ids, reply ids), oldest first."""

    def publish(comment):
        mo.posts("/decisions", comment=comment["id"], version=1, action="approve")
        return comment["id"]

    threads = [publish(rae.comments(article, f"thread {number}").json["comment"]) for number in range(25)]
    replies = [
        publish(stan.comments(article, f"reply {number}", parent=threads[4]).json["comment"]) for number in range(6)
    ]
    return threads, replies


@pytest.mark.parametrize("sort", ["best", "newest", "oldest"])
def test_around_gives_the_page_with_the_thread(rae, article, crowd, sort):
    threads, _ = crowd
    page = rae.reads(article, around=threads[12], sort=sort).json["comments"]
    assert page["items"][0]["id"] == threads[12]
    assert page["total"] == 31
    later = threads[13:] if sort == "oldest" else threads[11::-1]
    assert [item["id"] for item in page["items"][1:]] == later[:19]


def test_around_a_late_reply_shows_it_in_its_thread_and_loses_none(rae, article, crowd):
    threads, replies = crowd
    thread = rae.reads(article, around=replies[5]).json["comments"]["items"][0]
    assert thread["id"] == threads[4]
    assert [reply["id"] for reply in thread["replies"]] == [replies[0], replies[1], replies[5]]
    rest = rae.reads(article, parent=threads[4], cursor=thread["more"]).json["comments"]["items"]
    assert [reply["id"] for reply in rest] == replies[2:]


def test_around_a_comment_that_is_not_published_is_missing(rae, article, written):
    assert rae.reads(article, around=written["id"]).status_code == 404
