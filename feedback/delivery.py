"""Delivering the outbox: lease, write, send, mark. The sending happens outside of any transaction."""

import logging
from collections.abc import Callable
from smtplib import SMTP

from feedback import clock, mail, notices
from feedback.config import Settings
from feedback.db import transact
from feedback.notices import Notice

log = logging.getLogger(__name__)

Writer = Callable[[Notice], mail.Letter | None]


def can_send(settings: Settings) -> bool:
    """Whether mail can leave: there is a server, a sender, and an own address for the links in it."""
    return bool(settings.mail_url and settings.mail_from and settings.public_url)


def deliver(settings: Settings, write: Writer) -> int:
    """Deliver what is due, a batch at most; returns how many notices were leased."""
    if not can_send(settings):
        return 0
    leased = transact(notices.lease, clock.now())
    if leased:
        _deliver_all(settings, write, leased)
    return len(leased)


def _deliver_all(settings: Settings, write: Writer, leased: list[Notice]) -> None:
    left = list(leased)
    try:
        with mail.server(str(settings.mail_url)) as smtp:
            while left:
                _deliver(settings, write, smtp, left[0])
                left.pop(0)
    except mail.Unreachable as error:
        log.warning("the mail server cannot be reached (%s); %d notices wait", error, len(left))
        for notice in left:
            transact(notices.fail, notice, str(error), now=clock.now())


def _deliver(settings: Settings, write: Writer, smtp: SMTP, notice: Notice) -> None:
    now = clock.now()
    try:
        letter = write(notice)
        if letter is not None:
            sender = str(settings.mail_from)
            mail.send(smtp, mail.compose(letter, sender=sender, notice_id=notice.id, now=now))
    except mail.Undeliverable as error:
        transact(notices.fail, notice, str(error), now=now, for_good=True)
    except mail.Unreachable:
        raise
    except Exception as error:
        # A letter that cannot be written must not keep those behind it from being sent.
        log.exception("a notice of the kind %s cannot be written", notice.kind)
        transact(notices.fail, notice, type(error).__name__, now=now)
    else:
        transact(notices.finish, notice.id, now=now)
