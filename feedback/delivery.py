"""Delivering the outbox: lease, write, send, mark. The sending happens outside of any transaction."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTP
from uuid import UUID

from cryptography.fernet import InvalidToken

from feedback import clock, mail, notices, outbound, webhooks
from feedback.addresses import Barred
from feedback.config import Settings
from feedback.db import db, transact
from feedback.notices import Kind, Notice

log = logging.getLogger(__name__)

Writer = Callable[[Notice], mail.Letter | None]


def can_send(settings: Settings) -> bool:
    """Whether mail can leave: there is a server, a sender, and an own address for the links in it."""
    return bool(settings.mail_url and settings.mail_from and settings.public_url)


def can_notify(settings: Settings) -> bool:
    """Whether readers can be told of replies: mail can leave, and there are keys that encrypt their addresses."""
    return can_send(settings) and bool(settings.mail_keys)


def deliver(settings: Settings, write: Writer) -> int:
    """Deliver what is due, a batch at most; returns how many notices were leased."""
    if not can_send(settings):
        return 0
    leased = transact(notices.lease, clock.now())
    if leased:
        _deliver_all(settings, write, leased)
    return len(leased)


def _deliver_all(settings: Settings, write: Writer, leased: list[Notice]) -> None:
    left, opened, enough = list(leased), False, clock.now() + notices.LEASE / 2
    try:
        with mail.server(str(settings.mail_url)) as smtp:
            opened = True
            while left and clock.now() < enough:
                _deliver(settings, write, smtp, left[0])
                left.pop(0)
    except mail.Unreachable as error:
        log.warning("the mail server cannot be reached (%s); %d notices wait", error, len(left))
        # Once the way was open, one letter alone was tried: where it is what breaks it off, the others go without it.
        tried = 1 if opened else len(left)
        for notice in left[:tried]:
            transact(notices.fail, notice, str(error), now=clock.now())
        del left[:tried]
    for notice in left:
        transact(notices.postpone, notice, until=clock.now())


def _deliver(settings: Settings, write: Writer, smtp: SMTP, notice: Notice) -> None:
    now = clock.now()
    try:
        letter = write(notice)
        if letter is not None:
            sender = str(settings.mail_from)
            mail.send(smtp, mail.compose(letter, sender=sender, notice_id=notice.id, now=now))
    except mail.Undeliverable as error:
        transact(notices.fail, notice, str(error), now=now, for_good=True)
    except mail.Deferred as error:
        transact(notices.fail, notice, str(error), now=now)
    except mail.Unreachable:
        raise
    except Exception as error:
        # A letter that cannot be written must not keep those behind it from being sent.
        log.exception("a notice of the kind %s cannot be written", notice.kind)
        transact(notices.fail, notice, type(error).__name__, now=now)
    else:
        transact(notices.finish, notice.id, now=now)


# Webhooks

PAUSE = timedelta(minutes=1)  # for what else is due to a server that does not answer: others must not wait behind it
UNREADABLE = (
    "Its secret cannot be read: a key is missing from FEEDBACK_SECRET_KEY. Remove this webhook and add it anew."
)


def call_webhooks(settings: Settings) -> int:
    """Send webhooks what is due, a batch at most; returns how many messages were leased."""
    leased = transact(notices.lease, clock.now(), (Kind.WEBHOOK,))
    silent: set[UUID] = set()
    for notice in leased:
        webhook_id = UUID(notice.about["webhook"])
        if webhook_id in silent:
            transact(notices.postpone, notice, until=clock.now() + PAUSE)
        elif not _call(settings, notice):
            silent.add(webhook_id)
    return len(leased)


def _call(settings: Settings, notice: Notice) -> bool:
    """Send one message and note how it went. Returns whether there was an answer."""
    now = clock.now()
    try:
        message = webhooks.message(notice, webhooks.Vault(settings.secret_keys), now=now)
    except InvalidToken:
        transact(webhooks.record, notice, webhooks.Outcome(0, fault=UNREADABLE, hopeless=True), now=now)
        return True
    db.session.rollback()  # nothing is held open while others take their time
    if message is None:
        transact(notices.finish, notice.id, now=now)
        return True
    outcome = _posted(settings, message)
    transact(webhooks.record, notice, outcome, now=clock.now())
    return outcome.status is not None or outcome.hopeless


def _posted(settings: Settings, message: webhooks.Message) -> webhooks.Outcome:
    begun = time.monotonic()

    def took() -> int:
        return round((time.monotonic() - begun) * 1000)

    try:
        answer = outbound.post(message.url, message.body, allow=settings.allow_networks, headers=message.headers)
    except Barred as error:
        return webhooks.Outcome(took(), fault=str(error), hopeless=True)
    except outbound.NoAnswer as error:
        return webhooks.Outcome(took(), fault=str(error))
    return webhooks.Outcome(took(), status=answer.status)
