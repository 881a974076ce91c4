"""Webhooks: other servers are told what happens to a site's comments, signed as Standard Webhooks says.

What happened is noted in the transaction in which it happens; the text of a comment is read when the message leaves,
so that what was erased meanwhile is told without it. A message keeps its `webhook-id` however often it is sent.
"""

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, select
from standardwebhooks import Webhook as Signature

from feedback import notices, opaque
from feedback.addresses import Barred, Target
from feedback.clock import rfc3339
from feedback.db import db, run
from feedback.errors import Invalid, Missing, Refused
from feedback.models import Article, Comment, Delivery, Membership, Outbox, Role, Site, State, User, Webhook

EVENTS = {
    "comment.waiting": ("Waiting", "A comment waits for a decision."),
    "comment.approved": ("Approved", "A comment was published."),
    "comment.rejected": ("Rejected", "A comment was rejected."),
    "comment.spam": ("Spam", "A comment was marked as spam."),
    "comment.flagged": ("Flagged", "A reader said that something is wrong with a comment."),
    "comment.withdrawn": ("Withdrawn", "Its reader took a comment back."),
    "comment.erased": ("Erased", "A comment is gone for good: delete your copy of it."),
}
TEST = "webhook.test"
OF_STATE = {
    State.PENDING: "comment.waiting",
    State.APPROVED: "comment.approved",
    State.REJECTED: "comment.rejected",
    State.SPAM: "comment.spam",
    State.WITHDRAWN: "comment.withdrawn",
    State.ERASED: "comment.erased",
}
TOLD = (State.PENDING, State.APPROVED, State.REJECTED, State.SPAM)  # in which a message carries the comment's text
GONE = 410  # by which a receiver says that it wants no more, as the specification has it
MOST = 20  # webhooks of a site: each is a row for each event
MAX_URL_CHARS = 2_000
SECRET_BYTES = 32
PREFIX = "whsec_"
PERSISTENT = timedelta(days=1)  # that nothing was taken, when a message is given up: the webhook is switched off
SHOWN = 50  # messages of the log


class Vault:
    """Encrypts webhooks' secrets; what was sealed for one webhook opens for no other."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self.box = MultiFernet([Fernet(_derived(key)) for key in secret_keys])

    def seal(self, secret: str, webhook_id: UUID) -> bytes:
        return self.box.encrypt(webhook_id.bytes + secret.encode())

    def open(self, sealed: bytes, webhook_id: UUID) -> str:
        """Return the secret. Raises InvalidToken for what no key opens, and for another webhook's."""
        plain = self.box.decrypt(sealed)
        if plain[:16] != webhook_id.bytes:
            raise InvalidToken
        return plain[16:].decode()


def _derived(secret_key: str) -> bytes:
    # Derived, so that what signs sessions is not also what encrypts.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"feedback webhook secret")
    return urlsafe_b64encode(derivation.derive(secret_key.encode()))


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


# Webhooks of a site


def address(value: str) -> str:
    """Return an address that has the shape of one that may be called. Raises ValueError with a sentence."""
    try:
        return Target.of(value.strip()).url
    except Barred as error:
        raise ValueError(str(error)) from error


def of_site(site_id: UUID) -> list[Webhook]:
    """Return a site's webhooks, the oldest first."""
    return list(db.session.execute(select(Webhook).where(Webhook.site_id == site_id).order_by(Webhook.id)).scalars())


def one(site_id: UUID, webhook_id: UUID) -> Webhook:
    """Return a site's webhook. Raises Missing."""
    row = db.session.get(Webhook, webhook_id)
    if row is None or row.site_id != site_id:
        raise Missing("There is no such webhook on this site.")
    return row


def require_room(site_id: UUID) -> None:
    """Raise Invalid where a site has as many webhooks as it may."""
    if len(of_site(site_id)) >= MOST:
        raise Invalid({"url": [f"A site has at most {MOST} webhooks. Remove one first."]})


def drop(row: Webhook) -> None:
    """Remove a webhook with its log and whatever still waits for it."""
    messages = select(Delivery.id).where(Delivery.webhook_id == row.id)
    run(delete(Outbox).where(Outbox.id.in_(messages)))
    run(delete(Delivery).where(Delivery.webhook_id == row.id))
    db.session.delete(row)
    db.session.flush()


def drop_all(site_id: UUID) -> None:
    """Remove all of a site's webhooks."""
    for row in of_site(site_id):
        drop(row)


# What happens


def tell(event: str, comments: Collection[Comment], *, who: str | None, now: datetime) -> None:
    """Tell the sites' webhooks what happened to comments, each that wants to know."""
    sites = {comment.site_id for comment in comments}
    listening = select(Webhook).where(Webhook.site_id.in_(sites), Webhook.off.is_(None))
    rows = [row for row in db.session.execute(listening).scalars() if event in row.events]
    for comment in comments:
        for row in rows:
            if row.site_id == comment.site_id:
                about = {"webhook": row.id, "article": comment.article_id, "comment": comment.id}
                _queue(row, event, about, state=comment.state.value, who=who, now=now)


def test(webhook_id: UUID, *, now: datetime) -> UUID:
    """Send a webhook a message that is about nothing, and return its id."""
    row = db.session.get_one(Webhook, webhook_id)
    return _queue(row, TEST, {"webhook": row.id}, state=None, who=None, now=now)


def _queue(
    row: Webhook, event: str, about: dict[str, UUID], *, state: str | None, who: str | None, now: datetime
) -> UUID:
    notice_id = notices.put(notices.Kind.WEBHOOK, about, now=now, site_id=row.site_id)
    db.session.add(Delivery(id=notice_id, webhook_id=row.id, event=event, state=state, who=who, at=now))
    db.session.flush()
    return notice_id


def send_again(webhook_id: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """Make a message due again, with all its attempts, taken or not. Raises Missing, Refused while switched off."""
    row = db.session.get(Delivery, delivery_id)
    notice = db.session.get(Outbox, delivery_id, with_for_update=True)
    if row is None or notice is None or row.webhook_id != webhook_id:
        raise Missing("There is no such message here.")
    if db.session.get_one(Webhook, webhook_id).off is not None:
        raise Refused("This webhook is switched off. Switch it on first.")
    notices.renew(notice, now=now)


# The message


@dataclass(frozen=True)
class Message:
    """What is sent: to which webhook, where, what, signed."""

    webhook_id: UUID
    url: str
    body: bytes
    headers: dict[str, str]


def message(notice: notices.Notice, vault: Vault, *, now: datetime) -> Message | None:
    """Return the message of a notice; None where its webhook is gone or switched off. Raises InvalidToken."""
    row, hook = db.session.get(Delivery, notice.id), db.session.get(Webhook, UUID(notice.about["webhook"]))
    if row is None or hook is None or hook.off is not None:
        return None
    body = json.dumps(_content(row, hook, notice.about), ensure_ascii=False, separators=(",", ":"))
    name = f"msg_{notice.id.hex}"
    signature = Signature(vault.open(hook.sealed_secret, hook.id)).sign(name, now.astimezone(UTC), body)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return Message(hook.id, hook.url, body.encode(), headers)


def _content(row: Delivery, hook: Webhook, about: dict[str, str]) -> dict[str, Any]:
    site = db.session.get_one(Site, hook.site_id)
    data: dict[str, Any] = {"site": site.slug}
    if "comment" in about:
        data |= _of_comment(UUID(about["article"]), UUID(about["comment"]))
        data |= {"state": row.state, "who": row.who, "at": rfc3339(row.at)}
    return {"type": row.event, "timestamp": rfc3339(row.at), "data": data}


def _of_comment(article_id: UUID, comment_id: UUID) -> dict[str, Any]:
    article = db.session.get(Article, article_id)
    comment = db.session.get(Comment, (article_id, comment_id))
    shown = comment is not None and comment.state in TOLD
    return {
        "article": article.key if article else None,
        "comment": opaque.identifier(article_id, comment_id),
        "text": comment.source if comment is not None and shown else None,
    }


# How it went


@dataclass(frozen=True)
class Outcome:
    """How an attempt went: the answer's status or a fault in words, in how many milliseconds."""

    took: int
    status: int | None = None
    fault: str | None = None
    hopeless: bool = False

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def record(notice: notices.Notice, outcome: Outcome, *, now: datetime) -> None:
    """Note how an attempt went, try again later where it failed, and switch off what has failed for too long."""
    row = db.session.get(Delivery, notice.id)
    hook = db.session.get(Webhook, UUID(notice.about["webhook"]), with_for_update=True, populate_existing=True)
    if row is None or hook is None:
        notices.finish(notice.id, now=now)
        return
    row.tried, row.attempts, row.status, row.took = now, row.attempts + 1, outcome.status, outcome.took
    row.fault = (outcome.fault or "")[: notices.MAX_FAULT_CHARS] or None
    if outcome.taken:
        hook.failing_since = None
        notices.finish(notice.id, now=now)
        return
    hook.failing_since = hook.failing_since or now
    gone = outcome.status == GONE
    said = row.fault or f"The answer was {outcome.status}."
    given_up = notices.fail(notice, said, now=now, for_good=gone or outcome.hopeless)
    if hook.off is None and (gone or (given_up and now - hook.failing_since >= PERSISTENT)):
        _switch_off(hook, now)


def _switch_off(hook: Webhook, now: datetime) -> None:
    hook.off = now
    administrators = (
        select(User.id)
        .join(Membership)
        .where(Membership.site_id == hook.site_id, Membership.role == Role.ADMINISTRATOR, User.active)
    )
    for user_id in db.session.execute(administrators.where(User.password.is_not(None))).scalars().all():
        about = {"user": user_id, "site": hook.site_id, "webhook": hook.id}
        notices.put(notices.Kind.WEBHOOK_OFF, about, now=now, site_id=hook.site_id)


def log(webhook_id: UUID) -> list[Delivery]:
    """Return a webhook's latest messages, newest first."""
    query = select(Delivery).where(Delivery.webhook_id == webhook_id)
    return list(db.session.execute(query.order_by(Delivery.at.desc(), Delivery.id.desc()).limit(SHOWN)).scalars())


def open_among(ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when each of these messages is tried next, of those that are not done."""
    query = select(Outbox.id, Outbox.due).where(Outbox.id.in_(ids), Outbox.done.is_(None))
    return {row.id: row.due for row in db.session.execute(query)}


def forget_old(now: datetime) -> None:
    """Drop what the log has kept for long enough."""
    run(delete(Delivery).where(Delivery.at < now - notices.KEPT))
