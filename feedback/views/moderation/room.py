"""What the moderators' pages share: who may enter, how states and deeds are called, what a stale decision is told."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback import moderation, opaque, triage
from feedback.errors import Conflict
from feedback.models import Comment, Decision, Role, State
from feedback.views import desk

bp = Blueprint("moderation", __name__, url_prefix="/moderation")
desk.guard(bp, Role.MODERATOR)

NAMES = {
    State.PENDING: "waiting",
    State.APPROVED: "approved",
    State.REJECTED: "rejected",
    State.SPAM: "marked as spam",
    State.WITHDRAWN: "withdrawn",
    State.ERASED: "erased",
}
# What readers of the history are told was done; an undo says where it led instead.
DEEDS = {
    "approve": "approved it",
    "reject": "rejected it",
    "spam": "marked it as spam",
    "hold": "held it again",
    "withdraw": "withdrew it",
    "erase": "erased it",
}
REASONS = ("Off the topic", "Unkind", "Personal details", "Advertising", "Could harm somebody", "Already said above")
PAGE = 50  # as many as a browser lays out at once without a pause
SHOWN_CONFLICTS = 5


@bp.app_context_processor
def words() -> dict[str, Any]:
    return {"names": NAMES, "explain": triage.explain, "identifier": opaque.identifier, "who": who, "State": State}


def done(rows: list[Decision]) -> str:
    subject = "The comment is" if len(rows) == 1 else f"{len(rows)} comments are"
    return f"{subject} {NAMES[rows[0].to_state]}."


def back(to: Decision | None = None) -> ResponseReturnValue:
    """Go on where the form says, or there to the comment that came back."""
    page = desk.local(request.form.get("back"))
    if to is not None:
        page = f"{page.partition('#')[0]}#c-{opaque.identifier(to.article_id, to.comment_id)}"
    return redirect(page, 303)


def what_happened(conflict: Conflict) -> dict[str, Any]:
    """Say what became of comments that were decided on in an older version: by whom, when, and where to read more."""
    current = conflict.extra["current"]
    links = [
        {"text": _became(item), "url": url_for("moderation.comment", comment_id=item["id"])}
        for item in current[:SHOWN_CONFLICTS]
    ]
    more = len(current) - len(links)
    text = "Nothing was changed, because this happened meanwhile:"
    return {"text": text, "links": links, "more": f"and {more} more" if more else None}


def _became(item: dict[str, Any]) -> str:
    if item["who"] is None:
        return "The comment's text was changed."
    return f"The comment is {NAMES[State(item['state'])]}, by {who(item['who'])}."


def who(name: str) -> str:
    """Return how the history calls whoever decided."""
    return {"reader": "its reader", "rules": "the rules"}.get(name, name)


def deed(entry: Decision) -> str:
    """Return what a decision did, in a word or two."""
    if entry.action == "undo":
        return f"took the decision back: {NAMES[entry.to_state]} again"
    return DEEDS.get(entry.action, entry.action)


def undoable(entry: Decision, row: Comment) -> bool:
    """Whether nothing has happened to the comment since, and the decision was not its reader's own."""
    return moderation.undoable(entry, row)
