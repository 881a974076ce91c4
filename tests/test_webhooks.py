"""Other servers are told what happens to comments: signed, at least once, under one id, and nothing of any reader."""

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from feedback import administration, delivery, moderation, notices, opaque, webhooks, worker
from feedback.changes import By
from feedback.db import run, transact
from feedback.models import Change, Comment, Delivery, Outbox, Webhook
from feedback.staff import Actor
from tests.cast import KEY, together
from tests.conftest import SECRET
from tests.mailserver import NOWHERE
from tests.plain import Browser

PAGES = "/admin/sites/health/webhooks"
ALL = list(webhooks.EVENTS)


@pytest.fixture
def clock(clock):
    """Now, because the library that receivers use looks at the real clock."""
    clock.moment = datetime.now(UTC)
    return clock


class Hearing(ThreadingHTTPServer):
    """A receiver on loopback: keeps what it is sent, and answers what `answers` says, or 204."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard, self.answers, self.may_answer = [], [], threading.Event()
        self.may_answer.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook?key=secret-in-the-address"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(SimpleNamespace(body=body, headers=dict(self.headers), path=self.path))
        self.server.may_answer.wait(30)
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    with Hearing() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def app(make_app):
    return make_app(allow_networks=(ip_network("127.0.0.0/8"),), mail_keys=(Fernet.generate_key().decode(),), **NOWHERE)


@pytest.fixture
def by(ada, site, clock):
    return By(Actor("Ada", ada.id), [site.id], clock())


@pytest.fixture
def add(do, site, by):
    def run(url, events=ALL):
        return do(administration.add_webhook, site.id, url, events, webhooks.Vault([SECRET]), by)

    return run


@pytest.fixture
def work(app):
    def run(app=app):
        with app.app_context():
            return delivery.call_webhooks(app.config["SETTINGS"])

    return run


@pytest.fixture
def decide(do, clock, mo, rows):
    def run(identifier, action):
        [version] = rows(select(Comment.version).where(Comment.id == opaque.parse_identifier(identifier)[1]))
        choice = moderation.Choice(identifier, version)
        return do(moderation.decide, [choice], action, who=Actor("Mo", mo.id), site_ids=[mo.site.id], now=clock())

    return run


def identifier(answer):
    return answer.json["comment"]["id"]


def verified(secret, sent):
    return Receiver(secret).verify(sent.body, sent.headers)


def contents(receiver):
    return [json.loads(each.body) for each in receiver.heard]


# What is sent


def test_what_happens_is_told_and_the_signature_holds(add, receiver, work, rae, article, decide, clock):
    _, secret = add(receiver.url)
    sent = identifier(rae.comments(article, "Does it *help*?", name="Rae"))
    work()
    decide(sent, moderation.Action.APPROVE)
    work()
    waiting, approved = [verified(secret, each) for each in receiver.heard]
    assert waiting["type"] == "comment.waiting"
    assert waiting["data"] == {
        "site": "health",
        "article": KEY,
        "comment": sent,
        "text": "Does it *help*?",
        "state": "pending",
        "who": None,
        "at": waiting["timestamp"],
    }
    assert (approved["type"], approved["data"]["state"], approved["data"]["who"]) == (
        "comment.approved",
        "approved",
        "Mo",
    )
    first, second = (each.headers for each in receiver.heard)
    assert first["webhook-id"].startswith("msg_") and first["webhook-id"] != second["webhook-id"]
    assert first["Content-Type"] == "application/json"


def test_a_signature_of_another_secret_or_body_does_not_hold(add, receiver, work, rae, article, clock):
    _, secret = add(receiver.url)
    rae.comments(article, "Signed.")
    work()
    [sent] = receiver.heard
    with pytest.raises(WebhookVerificationError):
        verified(webhooks.new_secret(), sent)
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(sent.body + b" ", sent.headers)
    assert secret.startswith("whsec_") and len(secret) == 50


def test_every_event_is_told_of(add, receiver, work, rae, stan, site, article, decide, do, clock):
    add(receiver.url)
    sent = identifier(rae.comments(article, "To and fro."))
    for action in ("reject", "spam", "hold", "approve"):
        decide(sent, moderation.Action(action))
    stan.posts(f"/comments/{sent}/flag", reason="abuse")
    rae.posts(f"/comments/{sent}/withdraw")
    rae.posts("/erase")
    while work():
        pass
    kinds = [each["type"].partition(".")[2] for each in contents(receiver)]
    assert kinds == ["waiting", "rejected", "spam", "waiting", "approved", "flagged", "withdrawn", "erased"]
    assert set(kinds) == {each.partition(".")[2] for each in webhooks.EVENTS}


def test_only_what_was_chosen_is_told(add, receiver, work, rae, article, decide, clock):
    add(receiver.url, ["comment.rejected"])
    decide(identifier(rae.comments(article, "Told of once.")), moderation.Action.REJECT)
    work()
    assert [each["type"] for each in contents(receiver)] == ["comment.rejected"]


def test_what_was_erased_meanwhile_is_told_without_its_text(add, receiver, work, rae, article, clock):
    add(receiver.url)
    rae.comments(article, "My own illness.", name="Rae")
    rae.posts("/erase")
    work()
    assert [each["data"]["text"] for each in contents(receiver)] == [None, None]
    assert b"illness" not in b"".join(each.body for each in receiver.heard)


def test_nothing_of_a_reader_is_told_or_kept(add, receiver, work, rae, article, rows, clock):
    add(receiver.url)
    rae.comments(article, "Hello.", name="Rae Reader", email="rae@example.org", notify="replies")
    work()
    [hash_of_reader] = rows(select(Comment.reader))
    told = receiver.heard[0].body + repr(receiver.heard[0].headers).encode()
    kept = repr([vars(row) for row in (*rows(select(Delivery)), *rows(select(Outbox)))])
    for mark in ("rae@example.org", "Rae Reader", rae.token, rae.address, hash_of_reader.hex()):
        assert mark.encode() not in told and mark not in kept
    assert "Hello." not in kept


# At least once


def test_a_failed_message_is_sent_again_under_its_id(add, receiver, work, rae, article, clock, rows):
    add(receiver.url)
    receiver.answers[:] = [500, 302, 204]
    rae.comments(article, "Again and again.")
    assert work() == 1
    assert work() == 0, "not before its pause is over"
    for _ in range(2):
        clock.forward(minutes=10)
        assert work() == 1
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1
    assert len(receiver.heard) == 3
    [row] = rows(select(Delivery))
    assert (row.status, row.attempts, row.fault) == (204, 3, None)
    assert row.took >= 0
    assert rows(select(Webhook.failing_since)) == [None]


def test_a_worker_killed_on_the_way_leaves_the_message_to_another(
    add, receiver, work, rae, article, clock, monkeypatch
):
    add(receiver.url)
    rae.comments(article, "Twice is fine.")

    class Killed(BaseException):
        pass

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(webhooks, "record", lambda *_args, **_more: (_ for _ in ()).throw(Killed))
        work()
    assert work() == 0, "the lease still holds"
    clock.forward(seconds=notices.LEASE.total_seconds() + 1)
    assert work() == 1
    first, second = receiver.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_of_many_workers_each_message_is_sent_once(add, receiver, work, rae, article, clock):
    add(receiver.url)
    for number in range(30):
        rae.comments(article, f"Number {number}.")
    together(lambda: [work() for _ in range(5)], times=4)
    ids = [each.headers["webhook-id"] for each in receiver.heard]
    assert len(ids) == len(set(ids)) == 30


def test_a_server_that_is_silent_holds_up_no_other(add, receiver, work, rae, article, clock, rows):
    add("http://127.0.0.1:1/nobody")
    add(receiver.url)
    for number in range(5):
        rae.comments(article, f"Number {number}.")
    work()
    assert len(receiver.heard) == 5
    tried = [row for row in rows(select(Delivery)) if row.fault]
    assert len(tried) == 1 and tried[0].fault == "127.0.0.1 does not answer."
    clock.forward(minutes=2)
    work()
    assert sum(row.attempts for row in rows(select(Delivery)) if row.status is None) == 2


def test_letters_wait_for_no_mail_server_and_webhooks_for_none(add, receiver, app, rae, article, clock):
    add(receiver.url)
    rae.comments(article, "There is no mail server here.")
    assert worker.once(app)
    assert [each["type"] for each in contents(receiver)] == ["comment.waiting"]


# Where it may lead


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/"])
def test_what_is_not_public_is_not_called(make_app, add, work, rae, article, clock, rows, url):
    add(url)
    rae.comments(article, "Nowhere.")
    work(make_app())
    [row] = rows(select(Delivery))
    assert "does not lie in the public internet" in row.fault
    [notice] = rows(select(Outbox))
    assert notice.dead is not None, "trying again would change nothing"


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "https://ann:secret@example.org/", "nonsense", "https://0x7f.1/"]
)
def test_what_is_no_address_is_refused(desk, url):
    page = desk.presses(desk.opens(PAGES), "Add the webhook", url=url, events=["comment.waiting"])
    assert page.status == 422 and "Nothing was saved" in page.notices


# Switching off


def test_what_fails_for_too_long_is_switched_off_and_administrators_are_told(
    add, receiver, work, rae, article, clock, rows, ada, mo, decide
):
    add(receiver.url)
    receiver.answers[:] = [500] * 50
    sent = identifier(rae.comments(article, "In vain."))
    for _ in range(len(notices.BACKOFF) + 1):
        clock.forward(days=1)
        work()
    [hook] = rows(select(Webhook))
    assert hook.off is not None
    letters = [row for row in rows(select(Outbox)) if row.kind == "webhook_off"]
    assert [row.about["user"] for row in letters] == [ada.id.hex]
    decide(sent, moderation.Action.APPROVE)
    assert work() == 0, "it is told nothing any more"


def test_gone_is_gone_at_once(add, receiver, work, rae, article, clock, rows, ada):
    add(receiver.url)
    receiver.answers[:] = [410]
    rae.comments(article, "No more, please.")
    work()
    assert rows(select(Webhook.off)) != [None]
    assert len(receiver.heard) == 1


# In the browser


@pytest.fixture
def desk(ada, clock):
    return Browser(ada.signs_in())


def test_a_webhook_is_added_and_its_secret_shown_once(desk, receiver, work, rae, article, rows, clock):
    page = desk.presses(desk.opens(PAGES), "Add the webhook", url=receiver.url, events=["comment.waiting"])
    secret = page.html.split("<code>")[1].split("</code>")[0]
    rae.comments(article, "Signed with what was shown.")
    work()
    assert verified(secret, receiver.heard[0])["type"] == "comment.waiting"
    [hook] = rows(select(Webhook))
    assert secret not in desk.opens(f"{PAGES}/{hook.id}").html
    assert secret.encode() not in hook.sealed_secret and secret[6:].encode() not in hook.sealed_secret
    assert rows(select(Change.what)) == ["added the webhook to 127.0.0.1"]
    assert "secret-in-the-address" not in desk.opens("/admin/sites/health/changes").html


def test_the_log_says_how_it_went_and_sends_again(desk, add, receiver, work, rae, article, clock):
    hook, _ = add(receiver.url)
    receiver.answers[:] = [503]
    rae.comments(article, "Look into the log.")
    work()
    page = desk.opens(f"{PAGES}/{hook.id}")
    assert "answered 503" in page.text and "Tried again later" in page.text and "1 attempt" in page.text
    page = desk.presses(page, "Send again")
    assert "under the same id" in page.notices
    work()
    page = desk.opens(f"{PAGES}/{hook.id}")
    assert "Taken" in page.text and "answered 204" in page.text
    desk.presses(page, "Send again")
    work()
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1 and len(receiver.heard) == 3


def test_a_test_is_sent_by_a_button(desk, add, receiver, work, clock):
    hook, secret = add(receiver.url, ["comment.spam"])
    desk.presses(desk.opens(f"{PAGES}/{hook.id}"), "Send a test")
    work()
    assert verified(secret, receiver.heard[0])["type"] == "webhook.test"
    assert "Test" in desk.opens(f"{PAGES}/{hook.id}").text


def test_it_is_changed_switched_off_and_on_and_removed(desk, add, receiver, work, rae, article, rows, clock):
    hook, _ = add(receiver.url)
    here = f"{PAGES}/{hook.id}"
    desk.presses(desk.opens(here), "Save", events=["comment.spam", "comment.waiting"])
    assert rows(select(Webhook.events)) == [["comment.waiting", "comment.spam"]]
    rae.comments(article, "Waits while it is switched off.")
    desk.presses(desk.opens(here), "Switch it off")
    work()
    assert receiver.heard == []
    assert "Switch it on first" in desk.presses(desk.opens(here), "Send again").notices
    assert "Switch it on first" in desk.presses(desk.opens(here), "Send a test").notices
    desk.presses(desk.opens(here), "Switch it on")
    desk.presses(desk.opens(here), "Send again")
    work()
    assert len(receiver.heard) == 1
    rae.comments(article, "Removed before it leaves.")
    desk.presses(desk.opens(f"{here}/remove"), "Remove the webhook")
    assert work() == 0
    assert rows(select(Webhook)) == rows(select(Delivery)) == []
    deeds = [what.partition(" the webhook")[0] for what in rows(select(Change.what).order_by(Change.at, Change.id))]
    assert deeds == ["added", "changed", "switched off", "switched on", "removed"]


def test_a_message_of_another_webhook_is_not_sent_again_here(desk, add, receiver, rae, article, rows, clock):
    hook, _ = add(receiver.url, ["comment.waiting"])
    other, _ = add(receiver.url, ["comment.spam"])
    rae.comments(article, "Mine.")
    [message] = rows(select(Delivery.id))
    assert desk.sends(f"{PAGES}/{other.id}/messages/{message}/again").status == 404


def test_a_site_has_twenty_webhooks_and_no_more(desk, add, receiver):
    for _ in range(webhooks.MOST):
        add(receiver.url)
    page = desk.presses(desk.opens(PAGES), "Add the webhook", url=receiver.url, events=["comment.waiting"])
    assert page.status == 422 and "at most 20 webhooks" in page.notices


def test_a_site_that_is_removed_takes_its_webhooks_along(add, receiver, do, site, rows):
    from feedback import removal

    add(receiver.url)
    do(removal.remove_site, site.slug)
    assert rows(select(Webhook)) == []


# What is kept


def test_the_log_is_kept_for_thirty_days(add, receiver, work, rae, article, clock, do, rows):
    add(receiver.url)
    rae.comments(article, "Long ago.")
    work()
    clock.forward(days=29)
    do(webhooks.forget_old, clock())
    do(notices.forget_old, clock())
    assert len(rows(select(Delivery))) == len(rows(select(Outbox))) == 1
    clock.forward(days=2)
    do(webhooks.forget_old, clock())
    do(notices.forget_old, clock())
    assert rows(select(Delivery)) == rows(select(Outbox)) == []


def test_a_secret_opens_for_its_webhook_alone_and_says_so_where_it_does_not(
    add, receiver, app, work, rae, article, rows, clock
):
    hook, _ = add(receiver.url)
    other, _ = add(receiver.url, ["comment.spam"])
    with app.app_context():
        swapped = update(Webhook).where(Webhook.id == hook.id).values(sealed_secret=other.sealed_secret)
        transact(lambda: run(swapped))
    rae.comments(article, "Signed by nobody.")
    work()
    assert receiver.heard == []
    assert "FEEDBACK_SECRET_KEY" in rows(select(Delivery.fault))[0]


def test_a_receiver_that_takes_its_time_keeps_no_transaction_open(add, receiver, work, rae, article, clock):
    add(receiver.url)
    receiver.may_answer.clear()
    rae.comments(article, "Slowly.")
    calling = threading.Thread(target=work)
    calling.start()
    while not receiver.heard:
        time.sleep(0.01)
    # A writer that kept its place would let nobody else write before the receiver has answered.
    assert rae.votes(article, "yes").status_code == 200
    assert calling.is_alive()
    receiver.may_answer.set()
    calling.join()
