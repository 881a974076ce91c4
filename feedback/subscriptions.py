"""Mail about replies, for readers who asked for it with a comment and said so again from their own mailbox.

Nobody has us mail strangers: the question goes out once the comment is published, once a day for an address and site,
and nothing follows unless it is answered. Then each first publication of a reply is told, several in one letter. The
address lies sealed beside the comment and is read when a letter leaves; it goes with the subscription.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Select, and_, delete, func, or_, select

from feedback import notices
from feedback.db import db, run
from feedback.models import Comment, Decision, Outbox, State, Subscription

ASK_AGAIN = timedelta(days=1)  # after a question to an address; until then it is asked nothing more about the site
UNANSWERED = timedelta(days=7)  # after which an address that nobody has confirmed is erased
SETTLE = timedelta(minutes=5)  # that a letter waits for the replies that follow the first
QUIET = timedelta(hours=1)  # between two letters about the replies to one comment
SHOWN = 20  # replies of a letter; it counts the others
SALT = "feedback.replies"

Key = tuple[UUID, UUID]


class Purpose(StrEnum):
    """What a link in a letter lets its holder do, once they have pressed the button of its page."""

    CONFIRM = "confirm"
    END = "end"


@dataclass(frozen=True)
class Told:
    """Replies to tell of, and how many more there are."""

    replies: tuple[Comment, ...]
    more: int


def address_hash(key: str, site_id: UUID, address: str) -> bytes:
    """Return the keyed hash that says "the same address on this site" and tells nobody without the key."""
    return hmac.digest(key.encode(), b"address" + site_id.bytes + address.casefold().encode(), hashlib.sha256)


# From the comment's side; the caller holds the article's lock


def begin(comment: Comment, address: bytes, *, now: datetime) -> None:
    """Note that the reader of a comment which was just stored asked for mail about replies."""
    row = Subscription(
        article_id=comment.article_id, comment_id=comment.id, site_id=comment.site_id, address=address, created=now
    )
    db.session.add(row)
    db.session.flush()
    if comment.state is State.APPROVED:
        _ask(row, comment, now)


def published(comments: Sequence[Comment], *, now: datetime) -> None:
    """Ask the readers of these comments, which are published from now on, and tell those whom they answer."""
    answered = {comment.parent_id for comment in comments if comment.parent_id}
    query = _alive().where(
        Subscription.article_id.in_({comment.article_id for comment in comments}),
        Subscription.comment_id.in_({comment.id for comment in comments} | answered),
    )
    found = {(row.article_id, row.comment_id): row for row in db.session.execute(query).scalars()}
    if not found:
        return
    for comment in comments:
        own = found.get((comment.article_id, comment.id))
        if own is not None:
            _ask(own, comment, now)
        theirs = found.get((comment.article_id, comment.parent_id)) if comment.parent_id else None
        if theirs is not None and theirs.confirmed:
            _tell(theirs, comment, now)


def rejected(decisions: Sequence[Decision], *, now: datetime) -> None:
    """Explain decisions that have a reason to those readers who confirmed an address; an undo still comes in time."""
    theirs = _alive().where(
        Subscription.confirmed.is_not(None),
        Subscription.article_id.in_({decision.article_id for decision in decisions}),
        Subscription.comment_id.in_({decision.comment_id for decision in decisions}),
    )
    confirmed = {(row.article_id, row.comment_id) for row in db.session.execute(theirs).scalars()}
    for decision in decisions:
        if (decision.article_id, decision.comment_id) in confirmed:
            about = {"article": decision.article_id, "comment": decision.comment_id, "decision": decision.id}
            notices.put(notices.Kind.REJECTED, about, now=now, site_id=decision.site_id, due=now + SETTLE)


def forget(comment: Comment, *, now: datetime) -> None:
    """Stop what a comment that is being erased had begun, and drop what waits to explain a decision on it.

    That its address was asked stays for a day: nobody is asked again because somebody else erased what they wrote.
    """
    stop(comment, now=now)
    explains = (Outbox.kind == notices.Kind.REJECTED, Outbox.done.is_(None), Outbox.site_id == comment.site_id)
    for waiting in db.session.execute(select(Outbox).where(*explains)).scalars():
        if waiting.about["comment"] == comment.id.hex:
            db.session.delete(waiting)


def stop(comment: Comment, *, now: datetime) -> None:
    """Erase a comment's address and tell nothing more; that the question was asked is remembered for a day."""
    row = of(comment)
    if row is not None:
        _end(row, comment, now)
    comment.sealed_email = None


def of(comment: Comment) -> Subscription | None:
    """Return the subscription of a comment that has not ended."""
    here = (Subscription.article_id == comment.article_id, Subscription.comment_id == comment.id)
    return db.session.execute(_alive().where(*here)).scalar_one_or_none()


def _alive() -> Select[Subscription]:
    return select(Subscription).where(Subscription.ended.is_(None))


def _ask(row: Subscription, comment: Comment, now: datetime) -> None:
    """Ask whether the address is theirs who gave it; what they have confirmed before is not asked again."""
    if row.confirmed or _was_asked(row):
        return
    row.asked = now
    same = (Subscription.site_id == row.site_id, Subscription.address == row.address, Subscription.asked.is_not(None))
    theirs = _with_comments(*same).where(Comment.reader == comment.reader, Subscription.ended.is_(None))
    others = [known for known, _ in db.session.execute(theirs) if known.comment_id != row.comment_id]
    if any(known.confirmed for known in others):
        row.confirmed = now
        return
    if any(map(_was_asked, others)):
        return  # one answer to the question that is out is an answer for this one, too
    latest = select(func.max(Subscription.asked)).where(*same, Subscription.comment_id != row.comment_id)
    before = db.session.execute(latest).scalar_one_or_none()
    row.asked = due = now if before is None else max(now, before + ASK_AGAIN)
    about: dict[str, UUID | datetime | str] = {"article": row.article_id, "comment": row.comment_id}
    row.notice = notices.put(notices.Kind.CONFIRM, about, now=now, site_id=row.site_id, due=due)


def _was_asked(row: Subscription) -> bool:
    """Whether the question has been sent or waits to be; none was where the comment was not published just then."""
    notice = db.session.get(Outbox, row.notice) if row.notice else None
    if notice is None or notice.done is None:
        return notice is not None
    of_comment = (Decision.article_id == row.article_id, Decision.comment_id == row.comment_id)
    before = select(Decision.to_state).where(*of_comment, Decision.at <= notice.done)
    state = db.session.execute(before.order_by(Decision.version.desc()).limit(1)).scalar_one_or_none()
    return state in (None, State.APPROVED)


def _with_comments(*conditions: object) -> Select[Subscription, Comment]:
    beside = and_(Comment.article_id == Subscription.article_id, Comment.id == Subscription.comment_id)
    query = select(Subscription, Comment).join(Comment, beside).where(*conditions)  # type: ignore[arg-type]
    # In one order for everybody, so that none waits for whom waits for it.
    return query.order_by(Subscription.article_id, Subscription.comment_id)


def _tell(row: Subscription, reply: Comment, now: datetime) -> None:
    asker = db.session.get_one(Comment, (row.article_id, row.comment_id))
    if reply.reader == asker.reader or _was_published(reply) or _added(row, reply):
        return
    recent = row.last is not None and now - QUIET < row.last < now + QUIET
    row.last = max(now + SETTLE, row.last + QUIET) if recent and row.last else now + SETTLE
    about: dict[str, UUID | datetime | str] = {
        "article": row.article_id,
        "comment": row.comment_id,
        "replies": reply.id.hex,
        "more": "0",
    }
    row.notice = notices.put(notices.Kind.REPLIES, about, now=now, site_id=row.site_id, due=row.last)


def _was_published(reply: Comment) -> bool:
    """Whether a reply has been published before: it is told of once, however often it is taken down and put back."""
    left = select(Decision.id).where(
        Decision.article_id == reply.article_id,
        Decision.comment_id == reply.id,
        Decision.from_state == State.APPROVED,
    )
    return db.session.execute(left.limit(1)).first() is not None


def _added(row: Subscription, reply: Comment) -> bool:
    """Add a reply to the letter that waits. Returns whether there is one that nobody is sending yet."""
    waiting = row.notice and db.session.get(Outbox, row.notice, with_for_update=True, populate_existing=True)
    if not waiting or waiting.kind != notices.Kind.REPLIES or waiting.done or waiting.leased_until or waiting.attempts:
        return False
    told = waiting.about["replies"].split()
    if len(told) < SHOWN:
        waiting.about = {**waiting.about, "replies": " ".join([*told, reply.id.hex])}
    else:
        waiting.about = {**waiting.about, "more": str(int(waiting.about["more"]) + 1)}
    return True


def _drop_notice(row: Subscription) -> None:
    if row.notice is not None:
        run(delete(Outbox).where(Outbox.id == row.notice, Outbox.done.is_(None)))


def _end(row: Subscription, comment: Comment, now: datetime) -> None:
    _drop_notice(row)
    row.ended, row.notice, comment.sealed_email = now, None, None
    row.confirmed = row.last = None
    # A question that was still to come is none that anybody got.
    if row.asked is None or row.asked > now:
        db.session.delete(row)


# From the letter's side


def open_question(key: Key) -> Comment | None:
    """Return the comment whose reader is still to be asked; None where it is not there for everybody any more."""
    comment, row = _look(key)
    if comment is None or row is None or row.confirmed or comment.state is not State.APPROVED:
        return None
    return comment


def to_tell(key: Key, replies: str, more: str) -> tuple[Comment, Told] | None:
    """Return the comment with those of its replies that are still published; None where nothing is left to tell."""
    comment, row = _look(key)
    if comment is None or row is None or not row.confirmed:
        return None
    query = select(Comment).where(
        Comment.article_id == key[0],
        Comment.id.in_([UUID(each) for each in replies.split()]),
        Comment.state == State.APPROVED,
    )
    found = tuple(db.session.execute(query.order_by(Comment.created, Comment.id)).scalars())
    return (comment, Told(found, int(more))) if found else None


def to_explain(key: Key, decision_id: UUID) -> tuple[Comment, str] | None:
    """Return the comment and why it was rejected; None where something has happened to it since."""
    comment, row = _look(key)
    decision = db.session.get(Decision, (key[0], decision_id))
    if comment is None or row is None or not row.confirmed or decision is None or not decision.reason:
        return None
    return (comment, decision.reason) if comment.version == decision.version else None


def _look(key: Key) -> tuple[Comment | None, Subscription | None]:
    comment = db.session.get(Comment, key)
    row = of(comment) if comment is not None and comment.sealed_email is not None else None
    return comment, row


class Links:
    """Signs what lets the holder of a letter confirm a subscription, or end it, without any account."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        # itsdangerous signs with the last of its keys.
        self.serializer = URLSafeSerializer(
            [*reversed(keys)], salt=SALT, signer_kwargs={"digest_method": hashlib.sha256}
        )

    def sign(self, key: Key, purpose: Purpose) -> str:
        """Return the token of a link in a letter about a comment."""
        return str(self.serializer.dumps([key[0].hex, key[1].hex, purpose.value]))

    def read(self, token: str, purpose: Purpose) -> Key | None:
        """Return which comment a token is about; None where it was never ours, or is for something else."""
        try:
            article, comment, kind = self.serializer.loads(token)
        except BadData:
            return None
        return (UUID(article), UUID(comment)) if kind == purpose.value else None


def stands(key: Key) -> Subscription | None:
    """Return the subscription that a link is about; None where it has ended."""
    comment = db.session.get(Comment, key)
    return of(comment) if comment is not None else None


def confirm(key: Key, *, now: datetime) -> None:
    """Confirm a subscription, and what else its reader was to be asked about the same address on the site."""
    row = stands(key)
    if row is None:
        return
    reader = db.session.get_one(Comment, key).reader
    theirs = _with_comments(
        Subscription.site_id == row.site_id, Subscription.address == row.address, Comment.reader == reader
    )
    for each, _ in db.session.execute(theirs.where(Subscription.ended.is_(None), Subscription.asked.is_not(None))):
        each.confirmed = each.confirmed or now


def end(key: Key, *, now: datetime) -> None:
    """End a subscription and all others of the same address on the site, and erase the address."""
    row = stands(key)
    if row is None:
        return
    same = _with_comments(Subscription.site_id == row.site_id, Subscription.address == row.address)
    for each, comment in db.session.execute(same.where(Subscription.ended.is_(None))).all():
        _end(each, comment, now)


def expire(now: datetime) -> int:
    """Erase addresses that nobody confirmed in time, or whose comment stayed rejected so long; return how many."""
    unanswered = and_(Subscription.confirmed.is_(None), Subscription.asked < now - UNANSWERED)
    refused = and_(
        Comment.state.in_((State.REJECTED, State.SPAM)),
        func.coalesce(Comment.decided, Comment.created) < now - UNANSWERED,
    )
    old = _with_comments(Subscription.ended.is_(None), or_(unanswered, refused))
    rows = db.session.execute(old).all()
    for row, comment in rows:
        _end(row, comment, now)
    db.session.flush()
    run(delete(Subscription).where(Subscription.ended.is_not(None), Subscription.asked < now - ASK_AGAIN))
    return len(rows)
