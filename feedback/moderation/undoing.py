"""Taking a decision back, by a new one. It can be undone as long as nothing has happened to the comment since."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from feedback import comments, opaque, text
from feedback.db import db
from feedback.errors import Conflict, Missing, Refused
from feedback.models import Comment, Decision
from feedback.moderation.bans import BAN, LIFT
from feedback.moderation.decisions import DECIDABLE, current
from feedback.moderation.edits import mark
from feedback.staff import Actor

MARKS = {"pin": ("pinned", True), "unpin": ("pinned", False), "close": ("closed", True), "reopen": ("closed", False)}


def undoable(decision: Decision, comment: Comment) -> bool:
    """Whether nothing has happened since that an undo would overwrite, and the decision was not a reader's own."""
    if decision.action in MARKS:
        name, value = MARKS[decision.action]
        return getattr(comment, name) is value
    if decision.version != comment.version or _is_its_readers(decision):
        return False
    # Approving what was published already dismissed its flags, and says so by leading nowhere.
    dismissed = decision.action == "approve"
    return dismissed or decision.from_state is not decision.to_state or _replaced_text(decision)


def _is_its_readers(decision: Decision) -> bool:
    return decision.action == comments.AMEND or not {decision.from_state, decision.to_state} <= DECIDABLE


def _replaced_text(decision: Decision) -> bool:
    return decision.action == "edit" and decision.replaced is not None


def undo(decision_id: str, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> Decision:
    """Take a decision back by a new one.

    Raises Missing, Conflict after a later decision, and Refused for a reader's own act, for a pin there is no place for
    and for a text that today's rules refuse.
    """
    key = opaque.parse_identifier(decision_id)
    if key:
        comments.lock(key[0])
    decision = db.session.get(Decision, key) if key else None
    if decision is None or decision.site_id not in site_ids:
        raise Missing("There is no such decision here.")
    comment = db.session.get_one(Comment, (decision.article_id, decision.comment_id))
    if not undoable(decision, comment):
        raise _why_not(decision, comment)
    if decision.action in MARKS:
        name, value = MARKS[decision.action]
        mark(comment, name, not value)
        return _undone(decision, comment, who, now)
    if decision.action == "edit":
        return _unedit(decision, comment, who, now)
    return comments.change_state(
        comment,
        decision.from_state,
        who=who.name,
        who_id=who.id,
        action="undo",
        undoes=decision.id,
        now=now,
    )


def _why_not(decision: Decision, comment: Comment) -> Conflict | Refused:
    if _is_its_readers(decision):
        return Refused("What a comment's own reader did cannot be undone.")
    if decision.action == "undo" and decision.from_state is decision.to_state:
        return Refused("This took something back. Do that again instead.")
    if decision.action in (*BAN.values(), LIFT):
        return Refused("A ban is not undone here: it is lifted in the list of bans.")
    if decision.action == "reply":
        return Refused("An answer is taken back by rejecting it.")
    return Conflict("Something happened to this comment since; nothing was undone.", current=[current(comment)])


def _unedit(decision: Decision, comment: Comment, who: Actor, now: datetime) -> Decision:
    assert decision.replaced is not None
    try:
        html = text.comment_html(decision.replaced)
    except text.Unfit as error:
        raise Refused("The earlier text would be refused by today's rules.") from error
    replaced, comment.source, comment.html = comment.source, decision.replaced, html
    row_hash, comment.text_hash = comment.text_hash, decision.text_hash
    comment.policy, comment.edited = text.POLICY, now
    comment.original = None if comment.source == comment.original else comment.original
    comment.version += 1
    row = _undone(decision, comment, who, now, replaced=replaced)
    row.text_hash = row_hash
    return row


def _undone(
    decision: Decision, comment: Comment, who: Actor, now: datetime, *, replaced: str | None = None
) -> Decision:
    row = comments.record(
        comment, who=who.name, who_id=who.id, action="undo", undoes=decision.id, replaced=replaced, now=now
    )
    comments.changed(comment)
    db.session.flush()
    return row


def undo_all(at: datetime, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> list[Decision]:
    """Take back, all or none, what a person decided in the one call of that moment. Raises as undo does."""
    together = select(Decision.article_id, Decision.id).where(
        Decision.site_id.in_(site_ids), Decision.at == at, Decision.who_id == who.id
    )
    keys = db.session.execute(together.order_by(Decision.article_id, Decision.id)).all()
    if not keys:
        raise Missing("There is no such decision here.")
    return undo_several([opaque.identifier(*key) for key in keys], who=who, site_ids=site_ids, now=now)


def undo_several(ids: Sequence[str], *, who: Actor, site_ids: Collection[UUID], now: datetime) -> list[Decision]:
    """Take these decisions back in the order given, all or none. Raises as undo does."""
    keys = map(opaque.parse_identifier, ids)
    comments.lock(*{key[0] for key in keys if key})
    return [undo(each, who=who, site_ids=site_ids, now=now) for each in ids]
