"""The doctor finds what is wrong: figures that do not add up, a clock, mail, a proxy that nobody made known."""

import errno
import socket
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from feedback import clock as real_clock
from feedback import doctor, notices, recount, stats
from feedback.db import run, transact
from feedback.models import ReasonTally, Standing, Tally, Vote
from tests.mailserver import Mailbox, mail_server


@pytest.fixture
def busy(rae, stan, mo, article):
    """Votes with reasons, a published comment."""
    rae.votes(article, "no", reason="unclear", section="dose")
    stan.votes(article, "yes")
    comment = rae.comments(article, "thank you").json["comment"]
    mo.posts("/decisions", comment=comment["id"], version=1, action="approve")


@pytest.fixture
def examine(app):
    """Return the findings about one thing."""

    def look(about, app=app):
        with app.app_context():
            return [each for each in doctor.findings(app, now=real_clock.now()) if each.about == about]

    return look


def test_what_adds_up_is_found_good(app, busy, examine):
    with app.app_context():
        assert recount.differences() == recount.Differences(0, 0, 0, 0)
    assert [each.good for each in examine("figures")] == [True]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (update(Tally).values(yes=Tally.yes + 1), "tallies"),
        (update(Tally).values(quarantined_no=1), "tallies"),
        (update(ReasonTally).values(votes=ReasonTally.votes + 1), "reasons"),
        (update(Vote).where(Vote.reason.is_not(None)).values(reason="outdated"), "reasons"),
        (update(Vote).where(Vote.reason.is_not(None)).values(counted=False), "tallies"),
        (update(Standing).values(no=Standing.no + 1), "standings"),
        (update(Standing).values(comments=0), "standings"),
        (update(Standing).values(low=0.5), "standings"),
        (update(Standing).values(fails=7.0), "standings"),
    ],
)
def test_what_does_not_add_up_is_found(app, do, busy, examine, spoil, where):
    do(lambda: run(spoil))
    with app.app_context():
        assert getattr(recount.differences(), where) > 0
    assert [each.good for each in examine("figures")] == [False]


def test_a_clock_that_was_put_back_is_found(busy, examine, monkeypatch):
    stored = real_clock.now()
    assert [each.good for each in examine("clock")] == [True]
    monkeypatch.setattr(real_clock, "now", lambda: stored - timedelta(hours=1))
    assert [each.good for each in examine("clock")] == [False]


def test_a_proxy_that_nobody_made_known_is_found(limited_app, rae, article, examine):
    assert [each.good for each in examine("proxy")] == [True]
    inside = rae.at(limited_app)
    fields = {"article": article.key, "reader": rae.token, "value": "yes"}
    headers = {"Origin": rae.origin, "X-Forwarded-For": "203.0.113.9"}
    answer = inside.http.post(
        "/api/v1/health/vote", data=fields, headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.2"}
    )
    assert answer.status_code == 200
    [finding] = examine("proxy")
    assert finding.good is False
    assert "FEEDBACK_TRUSTED_PROXIES" in finding.sentence


def test_without_a_mail_server_the_doctor_says_what_waits(app, do, mo, examine):
    do(notices.put, notices.Kind.RESET, {"user": mo.id}, now=real_clock.now())
    [finding] = examine("mail")
    assert finding.good is None
    assert "1 waiting" in finding.sentence


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_mail_server_is_tried(make_app, examine, port):
    mail = {"mail_url": f"smtp://127.0.0.1:{port}", "mail_from": "a@example.org"}
    app = make_app(**mail, mail_keys=(Fernet.generate_key().decode(),), public_url="https://f.example.org")
    assert [each.good for each in examine("mail", app)] == [False]
    with mail_server(Mailbox(), port):
        assert [each.good for each in examine("mail", app)] == [True]


def test_without_keys_for_addresses_the_doctor_says_what_readers_are_not_offered(make_app, examine, port):
    app = make_app(mail_url=f"smtp://127.0.0.1:{port}", mail_from="a@example.org", public_url="https://f.example.org")
    with mail_server(Mailbox(), port):
        [finding] = examine("mail", app)
    assert finding.good is None and "FEEDBACK_MAIL_KEYS" in finding.sentence


def test_lost_notices_are_found(make_app, examine, port, mo):
    app = make_app(mail_url=f"smtp://127.0.0.1:{port}", mail_from="a@example.org", public_url="https://f.example.org")
    with mail_server(Mailbox(), port), app.app_context():
        now = real_clock.now()
        transact(notices.put, notices.Kind.RESET, {"user": mo.id}, now=now, site_id=mo.site.id)
        [leased] = transact(notices.lease, now)
        transact(notices.fail, leased, "gone", now=now, for_good=True)
        assert [each.good for each in doctor.findings(app, now=now) if each.about == "mail"] == [False]


def test_mail_that_nobody_sends_is_found(make_app, do, examine, port, mo):
    app = make_app(mail_url=f"smtp://127.0.0.1:{port}", mail_from="a@example.org", public_url="https://f.example.org")
    assert [each.good for each in examine("worker", app)] == [True]
    do(notices.put, notices.Kind.RESET, {"user": mo.id}, now=real_clock.now() - 2 * doctor.WORKER_SLACK)
    [finding] = examine("worker", app)
    assert finding.good is False
    assert "feedback worker" in finding.sentence


def test_lists_that_nobody_renews_are_found(busy, examine, do):
    assert [each.good for each in examine("worker")] == [True], "the votes are of just now"
    do(lambda: run(update(Standing).values(as_of=real_clock.now() - 2 * doctor.FIT_SLACK)))
    assert [each.good for each in examine("worker")] == [True], "they are too few to say what is usual"
    do(lambda: run(update(Standing).values(yes=Standing.yes + 30, votes=Standing.votes + 30)))
    [finding] = examine("worker")
    assert finding.good is False
    assert "feedback worker" in finding.sentence
    do(stats.fit_sites, real_clock.now())
    assert [each.good for each in examine("worker")] == [True]


def test_a_folder_that_cannot_be_written_is_found(examine, monkeypatch):
    def refuse(dir):
        raise OSError(errno.EROFS, "read-only")

    assert [each.good for each in examine("disk")] == [True]
    monkeypatch.setattr(doctor, "TemporaryFile", refuse)
    [finding] = examine("disk")
    assert finding.good is False
    assert "Read-only file system" in finding.sentence


def test_a_full_disk_is_found(examine, monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_FREE", 2**62)
    assert [each.good for each in examine("disk")] == [False]
