"""Readers' flags: what one weighs, and what becomes of it when somebody decides on the comment."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, select, update

from feedback.clock import rfc3339
from feedback.db import db, run
from feedback.models import Comment, Decision, Flag, Resolved, State

KNOWN_AFTER = 3  # flags of a reader that were decided on, before the next weigh otherwise
ANSWER = {State.APPROVED: Resolved.DISMISSED, State.REJECTED: Resolved.UPHELD, State.SPAM: Resolved.UPHELD}


def weight(site_id: UUID, reader: bytes) -> int:
    """Return what a reader's flag weighs: 1, 2 after three of theirs were upheld, 0 after three were dismissed.

    Of somebody with three of both the greater number speaks, and 0 where they are equal.
    """
    rows = db.session.execute(
        select(Flag.resolved, func.count())
        .where(Flag.reader == reader, Flag.site_id == site_id, Flag.resolved.is_not(None))
        .group_by(Flag.resolved)
    )
    found = {resolved: count for resolved, count in rows}
    upheld, dismissed = found.get(Resolved.UPHELD, 0), found.get(Resolved.DISMISSED, 0)
    if dismissed >= KNOWN_AFTER and dismissed >= upheld:
        return 0
    return 2 if upheld >= KNOWN_AFTER else 1


def counted_from(comment: Comment, networks: Collection[bytes]) -> bool:
    """Whether a flag from one of these networks weighs something on a comment already."""
    query = select(Flag.reader).where(*_of(comment), Flag.network.in_(networks), Flag.weight > 0)
    return db.session.execute(query.limit(1)).first() is not None


def were_judged(comment: Comment) -> bool:
    """Whether somebody has decided on flags of this text, or flags have put it back into the queue before.

    What a moderator has worded since then they have judged too.
    """
    query = select(Flag.reader).where(*_of(comment), Flag.resolved.is_not(None))
    if comment.original is None:
        answered = and_(Decision.article_id == Flag.article_id, Decision.id == Flag.decision_id)
        query = query.join(Decision, answered).where(Decision.text_hash == comment.text_hash)
    return comment.flagged_down or db.session.execute(query.limit(1)).first() is not None


def on(comment: Comment) -> list[Flag]:
    """Return all flags on a comment, oldest first."""
    return list(db.session.execute(select(Flag).where(*_of(comment)).order_by(Flag.created)).scalars())


def public(flag: Flag) -> dict[str, Any]:
    """Return a flag as moderators read it: never who sent it."""
    return {
        "reason": flag.reason.value,
        "note": flag.note,
        "weight": flag.weight,
        "resolved": flag.resolved.value if flag.resolved else None,
        "created": rfc3339(flag.created),
    }


def answer(decided: Sequence[tuple[Comment, Decision]]) -> None:
    """Let decisions answer the open flags of their comments, as the new states say; those that still count are weighed.

    They count while a comment waits or is published: nobody needs to look at what has been taken down or back.

    Where a decision undoes another one, those that the other had answered are open again. What undoes an undo is that
    decision made again, and answers as it did.
    """
    answers = []
    for comment, decision in decided:
        if decision.undoes is not None and _opened_again(comment, decision.undoes):
            continue
        resolved = ANSWER.get(comment.state)
        if resolved is not None:
            key = {"article": comment.article_id, "comment": comment.id}
            answers.append(key | {"answer": resolved, "decision": decision.id})
        if comment.state is not State.PENDING:
            comment.flags = 0
    if answers:
        run(_ANSWER, answers)


_ANSWER = (
    update(Flag)
    .where(Flag.article_id == bindparam("article"), Flag.comment_id == bindparam("comment"), Flag.resolved.is_(None))
    .values(resolved=bindparam("answer"), decision_id=bindparam("decision"))
)


def _opened_again(comment: Comment, undone: UUID) -> bool:
    """Open the flags again that a decision had answered, and weigh all open ones; return whether that settles them."""
    flags = _of(comment)
    answered_then = update(Flag).where(*flags, Flag.decision_id == undone)
    reopened = run(answered_then.values(resolved=None, decision_id=None)).rowcount
    stands = comment.state in (State.PENDING, State.APPROVED)
    if not stands or not reopened and db.session.get_one(Decision, (comment.article_id, undone)).action == "undo":
        return False
    unanswered = select(func.coalesce(func.sum(Flag.weight), 0)).where(*flags, Flag.resolved.is_(None))
    comment.flags = db.session.execute(unanswered).scalar_one()
    return True


def drop(comment: Comment) -> None:
    """Forget what readers said about a comment."""
    db.session.execute(delete(Flag).where(*_of(comment)))
    comment.flags = 0


def _of(comment: Comment) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Flag.article_id == comment.article_id, Flag.comment_id == comment.id
