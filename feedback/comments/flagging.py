"""A reader says that something is wrong with a comment: once, and not with their own."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from feedback import alarms, articles, blocklist, opaque, webhooks
from feedback.comments import flags
from feedback.comments.states import change_state, lock
from feedback.comments.states import flag as weigh
from feedback.db import db
from feedback.errors import Missing, Refused
from feedback.models import Accepts, Article, Comment, Flag, FlagReason, State

MAX_FLAG_NOTE_CHARS = 1_000


@dataclass(frozen=True)
class Report:
    """A flag as its reader sent it; `networks` is empty where networks cannot be told apart.

    `one_network_once` is off where the service's limits are: then a network's second flag weighs as much as its first.
    """

    comment: str
    reader: bytes
    reason: FlagReason
    note: str | None = None
    networks: tuple[bytes, ...] = ()
    one_network_once: bool = True


def flag(report: Report, *, site: articles.SiteView, now: datetime) -> bool:
    """Take a flag; return whether it is this reader's first on the comment, since a second changes nothing.

    Where the flags weigh as much as the site's limit the comment waits again, once: what was approved after flags, or
    in spite of them, is not taken down by flags, unless its reader has changed the text since. Raises Missing, Refused
    for one's own comment.
    """
    comment = _published(report, site.id)
    if db.session.get(Flag, (comment.article_id, comment.id, report.reader)) is not None:
        return False
    weight = _weight(comment, report, now)
    row = Flag(
        article_id=comment.article_id,
        comment_id=comment.id,
        reader=report.reader,
        site_id=site.id,
        reason=report.reason,
        note=report.note,
        network=report.networks[0] if report.networks else None,
        weight=weight,
        created=now,
    )
    db.session.add(row)
    db.session.flush()
    weigh(comment, weight)
    webhooks.tell("comment.flagged", [comment], who="reader", now=now)
    if report.reason is FlagReason.UNSAFE:
        alarms.sound(comment.article_id, site.id, now=now)
    if comment.state is State.APPROVED and comment.flags >= site.policy.flag_limit and not flags.were_judged(comment):
        _take_down(comment, now)
    return True


def _published(report: Report, site_id: UUID) -> Comment:
    key = opaque.parse_identifier(report.comment)
    if key is not None:
        lock(key[0])
    comment = db.session.get(Comment, key) if key else None
    if comment is None or comment.site_id != site_id:
        raise Missing("This comment is not there any more.")
    if comment.reader == report.reader:
        raise Refused("This comment is yours. You can withdraw it.")
    hidden = db.session.get_one(Article, comment.article_id).accepts is Accepts.HIDDEN
    # Who flags what has just been put back into the queue is answered like the one before them.
    stands = comment.state is State.APPROVED or comment.state is State.PENDING and comment.flagged_down
    if hidden or not stands:
        raise Missing("This comment is not there any more.")
    return comment


def _weight(comment: Comment, report: Report, now: datetime) -> int:
    """Return what a flag weighs; nothing for a banned reader, nor for a network that has flagged the comment before."""
    if blocklist.is_banned(comment.site_id, report.reader, report.networks, now=now):
        return 0
    if report.one_network_once and report.networks and flags.counted_from(comment, report.networks):
        return 0
    return flags.weight(comment.site_id, report.reader)


def _take_down(comment: Comment, now: datetime) -> None:
    comment.flagged_down = True
    comment.held_for = [*(code for code in comment.held_for if code != "flags"), "flags"]
    change_state(comment, State.PENDING, who="rules", action="flag", now=now)


def flags_of(site_id: UUID, reader: bytes) -> list[Flag]:
    """Return a reader's flags on a site, oldest first."""
    query = select(Flag).where(Flag.reader == reader, Flag.site_id == site_id)
    return list(db.session.execute(query.order_by(Flag.created)).scalars())


def forget_flag(row: Flag) -> None:
    """Erase a flag; what it weighed counts no more."""
    lock(row.article_id)
    comment = db.session.get_one(Comment, (row.article_id, row.comment_id), populate_existing=True)
    if row.resolved is None:
        weigh(comment, -min(row.weight, comment.flags))
    db.session.delete(row)
    db.session.flush()
