"""What moderators do with a comment beside deciding on it: pin it, close its thread, edit it, answer it as staff.

Each is a row of the history, and each but an answer, which can be rejected as any comment, is undone there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from feedback import comments, text
from feedback.comments.submission import next_moment
from feedback.db import db, uuid7
from feedback.errors import Conflict, Invalid, Missing, Refused
from feedback.models import Comment, Decision, Role, State
from feedback.moderation.decisions import Action, Choice, current, decide, decides, locked, what_happened
from feedback.staff import Actor


@dataclass(frozen=True)
class Wording:
    """A text of the staff's, cleaned already, so that the transaction stays short."""

    source: str
    html: str
    text_hash: bytes


@dataclass(frozen=True)
class Author:
    """Who of the staff answers, under which name and in which role."""

    actor: Actor
    name: str
    role: Role


def pin(comment_id: str, pinned: bool, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> Decision | None:
    """Let a published comment lead its page, or no longer; None where it is so already. Raises Missing, Refused."""
    comment = _root(comment_id, site_ids)
    if comment.pinned is pinned:
        return None
    mark(comment, "pinned", pinned)
    return _changed(comment, "pin" if pinned else "unpin", who, now)


def close(comment_id: str, closed: bool, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> Decision | None:
    """Let a thread take no more replies, or take them again; None where it is so already. Raises Missing, Refused."""
    comment = _root(comment_id, site_ids)
    if comment.closed is closed:
        return None
    mark(comment, "closed", closed)
    return _changed(comment, "close" if closed else "reopen", who, now)


def mark(comment: Comment, name: str, value: bool) -> None:
    """Set one of a thread's marks, `pinned` or `closed`. Raises Refused for a pin that nobody would see."""
    if name == "pinned" and value:
        if comment.state is not State.APPROVED:
            raise Refused("Only a published comment can be pinned. Approve it first.")
        if _pinned_on(comment.article_id) >= comments.MAX_PINNED:
            raise Refused(
                f"At most {comments.MAX_PINNED} of an article's comments are pinned. Unpin another one first."
            )
    setattr(comment, name, value)


def _root(comment_id: str, site_ids: Collection[UUID]) -> Comment:
    [comment] = locked([comment_id], site_ids)
    if comment.thread_id is not None:
        raise Refused("This is a reply. Only the comment that began a thread can be pinned or closed.")
    if comment.state is State.ERASED:
        raise Missing("This comment has been erased.")
    return comment


def _pinned_on(article_id: UUID) -> int:
    pinned = select(func.count()).where(
        Comment.article_id == article_id,
        Comment.thread_id.is_(None),
        Comment.pinned.is_(True),
        Comment.state == State.APPROVED,
    )
    return db.session.execute(pinned).scalar_one()


def _changed(comment: Comment, action: str, who: Actor, now: datetime, *, replaced: str | None = None) -> Decision:
    row = comments.record(comment, who=who.name, who_id=who.id, action=action, replaced=replaced, now=now)
    comments.changed(comment)
    db.session.flush()
    return row


def edit(choice: Choice, wording: Wording, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> Decision:
    """Replace a comment's text; its reader's own stays beside it. Raises Missing, Refused, Conflict if it changed."""
    [comment] = locked([choice.id], site_ids)
    if comment.version != choice.version:
        raise Conflict(what_happened([comment]), current=[current(comment)])
    if comment.state in (State.WITHDRAWN, State.ERASED):
        raise Refused("Its reader has taken this comment back; there is nothing to edit.")
    if wording.source == comment.source:
        raise Invalid({"body": ["This is the text that stands there already."]})
    before, decided_on = comment.source, comment.text_hash
    comment.original = comment.original or before
    _reword(comment, wording, now)
    row = _changed(comment, "edit", who, now, replaced=before)
    # What was decided on is the text that went; undoing brings it back, and what says that it is the same.
    row.text_hash = decided_on
    return row


def _reword(comment: Comment, wording: Wording, now: datetime) -> None:
    comment.source, comment.html, comment.text_hash = wording.source, wording.html, wording.text_hash
    comment.policy, comment.edited = text.POLICY, now
    comment.version += 1


def reply(
    choice: Choice, wording: Wording, *, author: Author, approve: bool, site_ids: Collection[UUID], now: datetime
) -> Comment:
    """Answer a published comment as staff, which is published at once; with `approve` publish what is answered too.

    Raises Missing, Conflict where the comment has changed, Refused where it is not published.
    """
    [parent] = locked([choice.id], site_ids)
    if parent.version != choice.version:
        raise Conflict(what_happened([parent]), current=[current(parent)])
    if approve and decides(parent, State.APPROVED):
        decide([choice], Action.APPROVE, who=author.actor, site_ids=site_ids, now=now)
    if parent.state is not State.APPROVED:
        raise Refused("Nobody sees this comment. Approve it first, then answer it.")
    row = Comment(
        id=uuid7(),
        article_id=parent.article_id,
        site_id=parent.site_id,
        parent_id=parent.id,
        thread_id=parent.thread_id or parent.id,
        name=author.name or None,
        staff=author.role,
        user_id=author.actor.id,
        source=wording.source,
        html=wording.html,
        policy=text.POLICY,
        text_hash=wording.text_hash,
        state=State.APPROVED,
        held_for=[],
        created=next_moment(parent.article_id, now),
    )
    comments.add(row, now=now)
    comments.record(row, who=author.actor.name, who_id=author.actor.id, action="reply", now=now)
    db.session.flush()
    return row
