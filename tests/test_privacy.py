"""What is never stored, neither in the database nor in a log: addresses, browsers, tokens, cookies, plain e-mail."""

import hashlib
import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from feedback import clock, logs, mailbox, readers, staff
from feedback.db import db, dispose, transact
from feedback.models import Comment, NetworkKey, Site, Vote
from tests.cast import KEY, ORIGIN, Reader
from tests.mailserver import NOWHERE
from tests.recount import assert_counted

ADDRESS, NETWORK, SIX = "203.0.113.77", "203.0.113.0/24", "2001:db8:77:77::77"
TOKEN = "MarkedTokenMarkedToken"
BROWSER, COOKIE, REFERER = "MarkedBrowser/77", "MarkedCookie", "http://articles.test/MarkedReferer"
MAIL, PHONE, IBAN = "marked.mail@marked.example", "+49 30 7777 4242", "DE89 3704 0044 0532 0130 00"
MARKS = (ADDRESS, NETWORK, "203.0.113", SIX, "2001:db8:77", TOKEN, BROWSER, COOKIE, "MarkedReferer")
MARKS += (MAIL, "marked.mail", PHONE, IBAN)


@pytest.fixture
def marked_app(make_app: Callable[..., Flask]) -> Flask:
    """The service as it runs, limits and quarantine on, announcing replies by mail, behind one proxy."""
    return make_app(limits=True, trusted_proxies=1, mail_keys=(Fernet.generate_key().decode(),), **NOWHERE)


def posts(
    app: Flask, path: str, address: str = ADDRESS, token: str = TOKEN, origin: str = ORIGIN, **fields: str
) -> Any:
    """Send what a browser and a proxy in front send along, all of it marked."""
    return app.test_client().post(
        f"/api/v1/health{path}",
        data={"article": KEY, "reader": token} | fields,
        headers={
            "Origin": origin,
            "X-Forwarded-For": address,
            "Forwarded": f"for={address}",
            "User-Agent": BROWSER,
            "Cookie": f"feedback_session={COOKIE}; other={COOKIE}",
            "Referer": REFERER,
        },
        environ_base={"REMOTE_ADDR": ADDRESS},
    )


def everything_stored(app: Flask, database_url: str) -> bytes:
    """Return every byte of SQLite's files, or every column of every row of PostgreSQL."""
    if database_url.startswith("sqlite"):
        dispose(app)
        path = Path(str(make_url(database_url).database))
        return b"\n".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))
    with app.app_context():
        names = db.session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
        rows = [row for name in names for row in db.session.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()]
    return "\n".join(rows).encode()


def written(mark: str) -> set[bytes]:
    """Return how a mark might be written: as it is, as PostgreSQL shows bytes, and as the hashes anybody can make."""
    plain = mark.encode()
    hashes = [hashlib.new(name, plain).digest() for name in ("md5", "sha1", "sha256", "blake2b")]
    hashes.append(hashlib.blake2b(plain, digest_size=32).digest())
    return {form for each in (plain, *hashes) for form in (each, each.hex().encode())}


def test_no_mark_of_a_reader_is_stored_or_logged(marked_app, article, rows, caplog, database_url):
    note = f"My name is on {MAIL}, call {PHONE}, pay {IBAN}."
    with caplog.at_level(logging.INFO):
        answers = [
            posts(marked_app, "/vote", value="no", reason="unclear", note=note, revision="a"),
            posts(marked_app, "/vote", address=SIX, value="yes"),
            posts(marked_app, "/comments", body="First."),
            posts(marked_app, "/comments", body="Second.", email=MAIL),
            posts(marked_app, "/comments", body="Third.", email=MAIL, notify="replies"),
            posts(marked_app, "/mine"),
            posts(marked_app, "/comments", body="Too many."),
            posts(marked_app, "/vote", origin="http://elsewhere.test", value="yes"),
            posts(marked_app, "/vote", value="maybe"),
            posts(marked_app, "/vote", token=f"{TOKEN}!", value="yes"),
        ]
        kept = [row.sealed_email for row in rows(select(Comment)) if row.sealed_email]
        answers.append(posts(marked_app, "/vote", value="no", note=note))
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 200, 202, 202, 202, 200, 429, 403, 422, 422, 200]
    assert len(kept) == 1
    assert mailbox.unseal(kept[0], marked_app.config["SETTINGS"].mail_keys) == MAIL
    stored = everything_stored(marked_app, database_url)
    assert b"Third." in stored
    for mark in MARKS:
        assert not [form for form in written(mark) if form in stored], mark
        assert mark not in caplog.text, mark
    assert not [answer.headers["Set-Cookie"] for answer in answers if "Set-Cookie" in answer.headers]


def test_a_fault_of_storage_logs_nothing_of_what_was_sent(marked_app, article, caplog):
    with marked_app.app_context():
        db.session.execute(text("ALTER TABLE vote RENAME TO vote_elsewhere"))
        db.session.execute(text("ALTER TABLE comment RENAME TO comment_elsewhere"))
        db.session.commit()
    with caplog.at_level(logging.INFO):
        answers = [
            posts(marked_app, "/vote", value="no", note="MarkedNote"),
            posts(marked_app, "/comments", body="MarkedBody", name="MarkedName"),
        ]
    assert [answer.status_code for answer in answers] == [503, 503]
    for answer in answers:
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.content_type == "application/problem+json"
    assert "storage does not answer" in caplog.text
    for mark in (*MARKS, "MarkedNote", "MarkedBody", "MarkedName"):
        assert mark not in caplog.text, mark
        assert all(mark not in answer.text for answer in answers), mark


def test_a_traceback_names_a_fault_without_its_words(app, mo, capsys):
    faults = logging.Logger("faults")
    handler = logging.StreamHandler()
    handler.setFormatter(logs.Lines())
    faults.addHandler(handler)

    def twice() -> None:
        try:
            transact(staff.add_user, mo.email, name="MarkedName", password_hash="x", now=clock.now())
        except Exception:
            int("MarkedNumber")

    with app.app_context():
        try:
            db.session.execute(text("INSERT INTO site (slug) VALUES ('MarkedSlug')"))
        except Exception:
            faults.exception("storage failed")
        db.session.rollback()
        try:
            twice()
        except Exception:
            faults.exception("the program failed")
    said = capsys.readouterr().err
    assert "IntegrityError" in said and "builtins.ValueError" in said and "in twice" in said
    assert not [mark for mark in (mo.email, "MarkedName", "MarkedNumber", "MarkedSlug") if mark in unquoted(said)]


def unquoted(said: str) -> str:
    """Return what was said without the lines of the program itself, which a traceback repeats."""
    lines = said.splitlines()
    return "\n".join(line for at, line in enumerate(lines) if "  File " not in lines[at - 1])


def test_a_reader_is_a_hash_of_token_and_site(rae, article, site, rows):
    rae.votes(article, "yes")
    rae.comments(article, "Hello.")
    expected = hashlib.sha256(site.id.bytes + rae.token.encode()).digest()
    assert readers.digest(site.id, rae.token) == expected
    assert rows(select(Vote.reader)) == rows(select(Comment.reader)) == [expected]
    assert rae.token not in rae.mine(article).text
    assert expected.hex() not in rae.mine(article).text + rae.reads(article).text


def test_a_networks_hash_has_a_random_key_of_the_day(rae, article, limited_app, rows, clock):
    reader = rae.at(limited_app)
    reader.votes(article, "yes")
    (first,) = rows(select(Vote.network))
    (key,) = rows(select(NetworkKey.key))
    assert len(key) == 32
    assert first == hashlib.blake2b(b"192.0.2.0/24", key=key, digest_size=32).digest()
    clock.forward(days=1)
    reader.votes(article, "no")
    (second,) = rows(select(Vote.network))
    assert second not in (first, None)
    assert rows(select(NetworkKey.day).order_by(NetworkKey.day)) == [date(2026, 5, 4), date(2026, 5, 5)]


def test_keys_and_hashes_of_networks_are_gone_after_48_hours(app, rae, stan, article, limited_app, rows, do, clock):
    def left() -> tuple[int, int, int]:
        keys, votes, comments = (rows(select(column)) for column in (NetworkKey.day, Vote.network, Comment.network))
        return len(keys), sum(each is not None for each in votes), sum(each is not None for each in comments)

    rae, stan = rae.at(limited_app), stan.at(limited_app)
    rae.votes(article, "yes")
    rae.comments(article, "On Monday.")
    clock.forward(days=1)
    stan.votes(article, "no")
    stan.comments(article, "On Tuesday.")
    assert left() == (2, 2, 2)
    clock.forward(hours=14, minutes=59)
    assert do(readers.expire, clock()) == 0
    assert left() == (2, 2, 2)
    clock.forward(minutes=2)
    assert do(readers.expire, clock()) == 1
    assert left() == (1, 1, 1)
    clock.forward(days=1)
    assert do(readers.expire, clock()) == 1
    assert left() == (0, 0, 0)
    assert do(readers.expire, clock()) == 0
    assert rae.reads(article).json["votes"] == {"yes": 1, "no": 1, "total": 2}
    assert_counted(app)


def test_a_late_note_ties_an_old_vote_to_no_network(rae, article, limited_app, rows, do, clock):
    reader: Reader = rae.at(limited_app)
    reader.votes(article, "no")
    clock.forward(days=3)
    do(readers.expire, clock())
    reader.votes(article, "no", note="A late thought.")
    assert rows(select(Vote.network)) == [None]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_without_limits_no_network_is_kept_with_a_vote(rae, article, rows):
    rae.votes(article, "yes")
    assert rows(select(Vote.network)) == [None]


def test_notes_lose_what_names_a_person_before_they_are_stored(rae, article, rows):
    note = f"I am {MAIL}, {PHONE}, {IBAN}, card 4111 1111 1111 1111. I took 20 mg on 3 May 2026, NCT01234567."
    kept = "I am [removed], [removed], [removed], card [removed]. I took 20 mg on 3 May 2026, NCT01234567."
    assert rae.votes(article, "no", note=note).json["yours"]["note"] == kept
    assert rows(select(Vote.note)) == [kept]
    assert rae.votes(article, "no", note=f"Or {MAIL}").json["yours"]["note"] == "Or [removed]"
    assert rae.mine(article).json["vote"]["note"] == "Or [removed]"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_shown_of_an_article_names_no_address_of_its_people(ada, site: Site, rae, article):
    people = [{"name": "Ann Hollis", "role": "author", "email": MAIL}]
    answer = ada.puts("/articles", key=KEY, title="Title", url=f"{ORIGIN}/{KEY}", contributors=people)
    assert answer.status_code == 200
    assert MAIL not in answer.text + rae.reads(article).text
