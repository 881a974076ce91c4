"""What is to be told reaches its person at least once, whatever happens to workers and servers on the way."""

import logging
import os
import re
import socket
import ssl
import sys
import time
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from sqlalchemy import event, select, update

from feedback import clock as real_clock
from feedback import delivery, digests, forms, mail, notices, passwords, staff, worker
from feedback.db import db, run, transact
from feedback.models import Comment, Outbox, Pace, Role
from feedback.notices import Kind
from feedback.views import letters
from tests.cast import together
from tests.conftest import SECRET
from tests.mailserver import Mailbox, certificate, mail_server
from tests.server import Server, until

URL = "https://feedback.example.org"
SENDER = "Reader feedback <feedback@example.org>"


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def post(make_app, mailbox, port):
    """The service with a mail server that works."""
    with mail_server(mailbox, port) as address:
        yield make_app(mail_url=f"smtp://{address}", mail_from=SENDER, public_url=URL)


@pytest.fixture
def reset(mo):
    """Put a reset of Mo's password into the outbox of an app."""

    def put(app):
        with app.app_context():
            return transact(notices.put, Kind.RESET, {"user": mo.id}, now=real_clock.now(), site_id=mo.site.id)

    return put


def work(app, write=letters.write):
    with app.app_context():
        return delivery.deliver(app.config["SETTINGS"], write)


def row(app):
    with app.app_context():
        return db.session.execute(select(Outbox)).scalar_one()


def test_a_notice_becomes_a_letter_with_text_and_html(post, reset, mailbox, mo):
    notice_id = reset(post)
    assert work(post) == 1
    [message] = mailbox.messages
    assert message["To"] == mo.email
    assert message["From"] == SENDER
    assert message["Message-ID"] == f"<{notice_id.hex}@example.org>"
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    link = re.search(r"https://\S+", text)[0]
    assert link.startswith(f"{URL}/account/choose/")
    assert link in html
    assert row(post).done is not None


def test_a_delivered_notice_is_not_delivered_again(post, reset, mailbox):
    reset(post)
    assert [work(post), work(post)] == [1, 0]
    assert len(mailbox.messages) == 1


def test_neither_text_nor_address_stands_in_the_outbox(post, reset, mo):
    reset(post)
    kept = row(post)
    assert kept.about == {"user": mo.id.hex}
    assert mo.email not in repr(vars(kept))


def test_without_a_mail_server_the_notice_stays(app, reset):
    reset(app)
    assert work(app) == 0
    assert (row(app).done, row(app).attempts) == (None, 0)


def test_a_server_that_is_down_is_tried_again_later(make_app, reset, port, caplog, mo):
    app = make_app(mail_url=f"smtp://127.0.0.1:{port}", mail_from=SENDER, public_url=URL)
    reset(app)
    work(app)
    kept = row(app)
    assert kept.done is None
    assert kept.due > real_clock.now()
    assert kept.fault == "ConnectionRefusedError"
    assert mo.email not in caplog.text


@pytest.mark.parametrize("hangs_up", [False, True], ids=["stays", "hangs up"])
@pytest.mark.parametrize(("answer", "gone"), [("550 No such mailbox here", True), ("451 Come back later", False)])
def test_a_refusal_for_good_ends_it_and_a_passing_one_does_not(post, reset, mailbox, answer, gone, hangs_up):
    reset(post)
    mailbox.answer, mailbox.hangs_up = answer, hangs_up
    work(post)
    assert (row(post).dead is not None) is gone
    assert row(post).fault.endswith(answer[:3])


def test_after_the_last_attempt_it_is_given_up_and_can_be_sent_again(post, reset, mailbox, clock, mo):
    notice_id = reset(post)
    mailbox.answer = "451 Come back later"
    for _ in range(len(notices.BACKOFF) + 1):
        assert work(post) == 1
        clock.forward(days=1)
    assert work(post) == 0
    with post.app_context():
        assert [each.id for each in notices.given_up([mo.site.id])] == [notice_id]
        assert notices.given_up([uuid4()]) == []
        transact(notices.send_again, notice_id, site_ids=[mo.site.id], now=clock())
    mailbox.answer = None
    assert work(post) == 1
    assert mailbox.messages[0]["Message-ID"] == f"<{notice_id.hex}@example.org>"


def test_a_worker_killed_on_the_way_leaves_the_notice_to_another(post, reset, mailbox, clock):
    notice_id = reset(post)

    class Killed(BaseException):
        pass

    def die(notice):
        letter = letters.write(notice)
        with mail.server(post.config["SETTINGS"].mail_url) as smtp:
            message = mail.compose(letter, sender=SENDER, notice_id=notice.id, now=clock())
            mail.send(smtp, message)
        raise Killed

    with pytest.raises(Killed):
        work(post, write=die)
    assert work(post) == 0, "the lease still holds"
    clock.forward(seconds=notices.LEASE.total_seconds() + 1)
    assert work(post) == 1
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"] == f"<{notice_id.hex}@example.org>"


def test_many_workers_deliver_each_notice_once(post, reset, mailbox):
    for _ in range(30):
        reset(post)
    together(lambda: [work(post) for _ in range(10)], times=4)
    identifiers = [message["Message-ID"] for message in mailbox.messages]
    assert len(identifiers) == len(set(identifiers)) == 30


@pytest.fixture
def workers(mailbox, port, database_url, tmp_path):
    """Start `feedback worker` as a process of its own, with the mail server."""
    environ = {
        "PATH": os.environ["PATH"],
        "FEEDBACK_HOME": str(tmp_path),
        "FEEDBACK_DATABASE_URL": database_url,
        "FEEDBACK_SECRET_KEY": SECRET,
        "FEEDBACK_PUBLIC_URL": URL,
        "FEEDBACK_MAIL_URL": f"smtp://127.0.0.1:{port}",
        "FEEDBACK_MAIL_FROM": SENDER,
    }
    started = []

    def start():
        command = [sys.executable, "-m", "feedback.cli", "worker"]
        started.append(Server(command, environ, tmp_path / f"worker-{len(started)}.log"))
        return started[-1]

    with mail_server(mailbox, port):
        yield start
        for each in started:
            each.stop()


def test_of_two_workers_one_is_killed_and_every_notice_arrives(app, reset, workers, mailbox):
    due = {f"<{reset(app).hex}@example.org>" for _ in range(6)}
    first = workers()

    def kill_before_the_third():
        if len(mailbox.messages) == 2:
            first.process.kill()
            first.process.wait()

    mailbox.before_data = kill_before_the_third
    until(lambda: first.process.poll() is not None)
    second = workers()
    until(lambda: len(mailbox.messages) == 3)  # what was on its way when the sender was killed
    time.sleep(1)
    assert len(mailbox.messages) == 3, "what the first had leased is not sent by the second, too"
    with app.app_context():
        leased = update(Outbox).where(Outbox.done.is_(None))
        transact(lambda: run(leased.values(leased_until=Outbox.created)))
    until(lambda: {message["Message-ID"] for message in mailbox.messages} == due)
    assert second.process.poll() is None
    until(lambda: undelivered(app) == 0)


def test_of_two_workers_one_is_killed_and_no_comment_is_in_two_digests(app, do, site, rae, article, workers, mailbox):
    addresses = [f"moderator-{number}@example.org" for number in range(4)]
    for address in addresses:
        person = do(staff.hire, site, Role.MODERATOR, email=address, name="M", password_hash="x", now=real_clock.now())
        do(digests.choose, person.id, site.id, digests.Wish(Pace.EACH))

    def send(word):
        for number in range(3):
            assert rae.comments(article, f"{word} number {number} of three").status_code == 202
        ripe = datetime.now(UTC) - digests.SLACK  # by the workers' clock, which is not that of the test
        do(lambda: run(update(Comment).where(Comment.source.startswith(word)).values(created=ripe)))

    def told(word):
        return {message["To"] for message in mailbox.messages if word in message.get_body(("plain",)).get_content()}

    def kill_before_the_third():
        if len(mailbox.messages) == 2:
            first.process.kill()
            first.process.wait()

    send("Early")
    mailbox.before_data = kill_before_the_third
    first = workers()
    until(lambda: first.process.poll() is not None)
    workers()
    with app.app_context():
        leased = update(Outbox).where(Outbox.done.is_(None))
        transact(lambda: run(leased.values(leased_until=Outbox.created)))
    until(lambda: told("Early") == set(addresses) and undelivered(app) == 0)
    send("Late")
    workers()  # looks for digests as it begins, beside the one that is there
    until(lambda: told("Late") == set(addresses) and undelivered(app) == 0)

    said = {}
    for message in mailbox.messages:
        text = message.get_body(("plain",)).get_content()
        said.setdefault((message["To"], message["Message-ID"]), set()).add(tuple(re.findall(r"\w+ number \d", text)))
    assert {len(each) for each in said.values()} == {1}, "what is sent again says the same"
    everything = sorted(f"{word} number {number}" for word in ("Early", "Late") for number in range(3))
    for address in addresses:
        digest = [comment for (to, _), [each] in said.items() if to == address for comment in each]
        assert sorted(digest) == everything


def undelivered(app):
    with app.app_context():
        return notices.waiting()


def test_a_worker_that_runs_once_delivers_all_that_is_due(post, reset, mailbox):
    for _ in range(notices.BATCH + 1):
        reset(post)
    assert worker.once(post)
    assert len(mailbox.messages) == notices.BATCH + 1


def test_a_letter_that_cannot_be_written_holds_up_no_other(post, reset, mailbox, caplog):
    broken = reset(post)
    reset(post)

    def write(notice):
        if notice.id == broken:
            raise RuntimeError("no words")
        return letters.write(notice)

    with caplog.at_level(logging.CRITICAL):
        work(post, write=write)
    assert len(mailbox.messages) == 1


@pytest.fixture
def two(reset, do, mo, clock):
    """Put a letter to Zoe into the outbox, and a later one to Mo; return what is kept of the one and of the other."""
    zoe = do(staff.add_user, "zoe@example.org", password_hash="x", now=clock())

    def put(app):
        with app.app_context():
            earlier = clock() - timedelta(minutes=1)
            first = transact(notices.put, Kind.RESET, {"user": zoe.id}, now=earlier, site_id=mo.site.id)
        return first, reset(app)

    return put


def kept(app, notice_id):
    with app.app_context():
        return db.session.get(Outbox, notice_id)


@pytest.mark.parametrize(
    ("refusal", "dead"),
    [("452 Mailbox full", False), ("550 No such mailbox", True), ("", True)],
    ids=["for now", "for good", "before its text"],
)
def test_whom_the_server_refuses_holds_up_nobody_else(post, two, mailbox, mo, refusal, dead):
    first, second = two(post)
    mailbox.refusals["zoe@example.org"] = refusal
    work(post)
    assert [message["To"] for message in mailbox.messages] == [mo.email]
    assert (kept(post, first).dead is not None) is dead
    assert kept(post, first).attempts == 1
    assert kept(post, second).done is not None


def test_a_letter_at_which_the_way_breaks_off_holds_up_no_other(post, two, mailbox, mo):
    first, second = two(post)
    mailbox.refusals["zoe@example.org"] = "421 Not with this one"
    work(post)
    assert mailbox.messages == []
    assert (kept(post, first).attempts, kept(post, second).attempts) == (1, 0)
    work(post)
    assert [message["To"] for message in mailbox.messages] == [mo.email]
    assert kept(post, first).done is None


def test_a_sender_that_the_server_refuses_loses_no_letter(post, reset, mailbox):
    reset(post)
    mailbox.senders = "550 You may not send"
    work(post)
    assert (row(post).dead, row(post).fault) == (None, "SMTPSenderRefused: the mail server answered 550")


def test_what_a_slow_server_leaves_undone_is_given_back_in_time(post, reset, mailbox, clock):
    for _ in range(3):
        reset(post)
    mailbox.before_data = lambda: clock.forward(seconds=notices.LEASE.total_seconds() * 0.4)
    assert work(post) == 3
    assert len(mailbox.messages) == 2
    with post.app_context():
        [left] = transact(notices.lease, clock())
    assert left.attempts == 1, "it costs no attempt"


def test_a_domain_beyond_ascii_is_reached_by_any_server(make_app, reset, mailbox, port, do, mo):
    with mail_server(mailbox, port, enable_SMTPUTF8=False) as server:
        app = make_app(mail_url=f"smtp://{server}", mail_from=SENDER, public_url=URL)
        do(lambda: setattr(staff.find_user(mo.email), "email", forms.email("mo@bücher.example")))
        reset(app)
        work(app)
    assert [message["To"] for message in mailbox.messages] == ["mo@xn--bcher-kva.example"]


def test_a_notice_about_somebody_gone_says_nothing(post, reset, mailbox, mo):
    reset(post)
    with post.app_context():
        transact(lambda: setattr(staff.find_user(mo.email), "active", False))
    assert work(post) == 1
    assert mailbox.messages == []
    assert row(post).done is not None


@pytest.mark.parametrize("subject", ["Hello\nBcc: everybody@example.org", "Hello\r\nX: y"])
def test_a_header_refuses_line_breaks(subject):
    letter = mail.Letter("mo@example.org", subject, "text", "<p>html</p>")
    with pytest.raises(ValueError, match="linefeed"):
        mail.compose(letter, sender=SENDER, notice_id=uuid4(), now=real_clock.now())


def test_a_line_break_that_hides_in_an_encoded_word_stays_there():
    subject = "Hello =?utf-8?q?Ann=0D=0ABcc:_everybody=40example.org?="
    letter = mail.Letter("mo@example.org", subject, "text", "<p>html</p>")
    composed = mail.compose(letter, sender=SENDER, notice_id=uuid4(), now=real_clock.now())
    message = message_from_bytes(bytes(composed), policy=policy.default)
    assert "Bcc" not in message
    assert message["Subject"] == subject.replace("=?", "= ?")


# TLS


@pytest.fixture
def tls(tmp_path, monkeypatch):
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def test_mail_goes_over_starttls(make_app, reset, mailbox, port, tls):
    with mail_server(mailbox, port, tls, require_starttls=True) as address:
        app = make_app(mail_url=f"smtp://{address}?tls=start", mail_from=SENDER, public_url=URL)
        reset(app)
        work(app)
    assert len(mailbox.messages) == 1


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(make_app, reset, mailbox, port):
    with mail_server(mailbox, port) as address:
        app = make_app(mail_url=f"smtp://{address}?tls=start", mail_from=SENDER, public_url=URL)
        reset(app)
        work(app)
    assert mailbox.messages == []
    assert row(app).fault == "SMTPNotSupportedError"


def test_an_unknown_certificate_gets_nothing(make_app, reset, mailbox, port, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_server(mailbox, port, tls, require_starttls=True) as address:
        app = make_app(mail_url=f"smtp://{address}?tls=start", mail_from=SENDER, public_url=URL)
        reset(app)
        work(app)
    assert mailbox.messages == []
    assert row(app).fault == "SSLCertVerificationError"


# A forgotten password


def asked(client, app, email, address="127.0.0.1"):
    page = client.get("/account/forgotten", base_url=URL)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
    return client.post(
        "/account/forgotten",
        base_url=URL,
        data={"csrf_token": token, "email": email},
        headers={"Referer": f"{URL}/account/forgotten"},
        environ_base={"REMOTE_ADDR": address},
    )


def link_in(mailbox):
    return re.search(r"https://\S+", mailbox.messages[-1].get_body(("plain",)).get_content())[0].removeprefix(URL)


def choose(client, path, new, again=None):
    page = client.get(path, base_url=URL)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
    fields = {"csrf_token": token, "new": new, "again": new if again is None else again}
    return client.post(path, base_url=URL, data=fields, headers={"Referer": f"{URL}{path}"})


def test_a_forgotten_password_is_chosen_anew(post, mailbox, mo):
    client = post.test_client()
    assert asked(client, post, mo.email.upper()).status_code == 200
    work(post)
    path = link_in(mailbox)
    assert client.get(path, base_url=URL).status_code == 200
    answer = choose(client, path, "a wholly new password")
    assert (answer.status_code, answer.location) == (303, "/account/sign-in")
    with post.app_context():
        from flask_security.utils import verify_password

        assert verify_password("a wholly new password", staff.find_user(mo.email).password)
    assert client.get(path, base_url=URL).status_code == 404, "the link was used"


def test_following_the_link_changes_nothing(post, mailbox, mo):
    with post.app_context():
        before = staff.find_user(mo.email).password
    client = post.test_client()
    asked(client, post, mo.email)
    work(post)
    client.get(link_in(mailbox), base_url=URL)
    with post.app_context():
        assert staff.find_user(mo.email).password == before


@pytest.mark.parametrize(
    ("new", "again"), [("short", None), ("long enough for it", "something else"), ("x" * 129, None)]
)
def test_a_bad_new_password_is_refused(post, mailbox, mo, new, again):
    client = post.test_client()
    asked(client, post, mo.email)
    work(post)
    assert choose(client, link_in(mailbox), new, again).status_code == 422


def test_an_unknown_address_gets_the_same_answer_and_no_mail(post, mailbox, mo):
    known = asked(post.test_client(), post, mo.email)
    unknown = asked(post.test_client(), post, "nobody@example.org")
    assert known.text == unknown.text
    work(post)
    assert len(mailbox.messages) == 1


def test_asking_for_an_unknown_address_is_the_same_work(post, mailbox, mo):
    asked(post.test_client(), post, mo.email)  # the first of all makes the key of the day
    statements = []
    with post.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        asked(post.test_client(), post, "nobody@example.org")
        unknown, statements[:] = statements[:], []
        asked(post.test_client(), post, mo.email)
    # What differs takes milliseconds, since a disk has to write it, and would tell who has an account.
    assert unknown == statements
    assert [each for each in unknown if each.startswith("INSERT INTO outbox")]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_mailbox_is_not_filled_by_strangers(make_app, mo, ada):
    app = make_app(limits=True, mail_url="smtp://127.0.0.1:1", mail_from=SENDER, public_url=URL)
    client = app.test_client()
    for number in range(5):
        assert asked(client, app, mo.email, f"198.51.{number}.1").status_code == 200
    refused = asked(client, app, mo.email, "203.0.113.1")
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 3_600
    for number in range(4):
        assert asked(client, app, f"nobody{number}@example.org", "198.51.0.9").status_code == 200
    assert asked(client, app, ada.email, "198.51.0.9").status_code == 429
    assert asked(client, app, ada.email, "192.0.2.1").status_code == 200
    with app.app_context():
        assert len(db.session.execute(select(Outbox)).all()) == 10


def test_a_tampered_or_old_link_is_worth_nothing(post, mailbox, mo, monkeypatch):
    client = post.test_client()
    asked(client, post, mo.email)
    work(post)
    with post.app_context():
        signer = passwords.Signer(post.config["SETTINGS"].secret_keys)
        assert signer.read("not.a.token") is None
        token = link_in(mailbox).rpartition("/")[2]
        assert signer.read(token) is not None
        assert signer.read(token[:-2] + "xx") is None
        later = time.time() + passwords.RESET.hours * 3600 + 2
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
        assert signer.read(token) is None


def test_an_invitation_leads_to_the_first_password(post, mailbox, mo):
    with post.app_context():
        user = transact(staff.add_user, "new@example.org", password_hash=None, now=real_clock.now())
        about = {"user": user.id, "site": mo.site.id}
        transact(notices.put, Kind.INVITATION, about, now=real_clock.now() - timedelta(seconds=1), site_id=mo.site.id)
    work(post)
    assert mailbox.messages[0]["To"] == "new@example.org"
    assert choose(post.test_client(), link_in(mailbox), "a wholly new password").status_code == 303
