"""What the moderators' pages share: who may enter, how states and deeds are called, how a decision is answered.

A form is answered by the page it came from; a script that sends the same form, and says that it reads JSON, by JSON.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, clock, moderation, opaque, triage
from feedback.errors import Conflict, Refused
from feedback.models import Comment, Decision, Role, State
from feedback.policy import Policy
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
    "flag": "put it back into the queue, for readers’ flags",
    "pin": "pinned it",
    "unpin": "unpinned it",
    "close": "closed its thread",
    "reopen": "reopened its thread",
    "edit": "edited its text",
    "amend": "edited its text",
    "reply": "answered as staff",
    "ban": "banned its reader",
    "ban_network": "banned the network it came from",
    "lift": "lifted the ban",
}
FLAGS = {
    "spam": "advertising",
    "abuse": "abusive",
    "unsafe": "unsafe advice",
    "personal": "personal details",
    "other": "something else",
}
PAGE = 50  # as many as a browser lays out at once without a pause
SHOWN_CONFLICTS = 5


@bp.app_context_processor
def words() -> dict[str, Any]:
    return {
        "names": NAMES,
        "flag_names": FLAGS,
        "explain": triage.explain,
        "explanation": triage.explanation,
        "identifier": opaque.identifier,
        "who": who,
        "lasting": lasting,
        "is_late": is_late,
        "State": State,
    }


def policies(sites: Sequence[articles.SiteView]) -> dict[UUID, Policy]:
    """Return what each site has settled, by its id."""
    return {site.id: site.policy for site in sites}


def is_late(comment: Comment, policy: Policy) -> bool:
    """Whether a comment waits for longer than its site promises."""
    promised = timedelta(hours=policy.promise_hours)
    return bool(promised) and comment.state is State.PENDING and g.now - comment.created > promised


def lasting(span: timedelta) -> str:
    """Say how long something takes, in the largest unit that there are two of: "40 minutes", "3 hours", "2 days"."""
    minutes = max(1, round(span.total_seconds() / 60))
    size, unit = (1_440, "day") if minutes >= 2_880 else (60, "hour") if minutes >= 120 else (1, "minute")
    number = round(minutes / size)
    return f"{number} {unit}{'s' if number > 1 else ''}"


# Answers


def is_scripted() -> bool:
    """Whether a script sent the form, which reads JSON."""
    return request.accept_mimetypes.best == "application/json"


def settled(rows: Sequence[Decision], text: str, *, undo: bool = False) -> ResponseReturnValue:
    """Answer that comments were decided on; with `undo` what takes all of it back is offered."""
    at = clock.rfc3339(g.now) if undo else None
    if is_scripted():
        versions = {opaque.identifier(row.article_id, row.comment_id): row.version for row in rows}
        return jsonify(text=text, undo=at, versions=versions)
    desk.tell({"text": text, "undo": at} if at else text, "done")
    return back(None if undo else rows[0])


def overtaken(conflict: Conflict) -> ResponseReturnValue:
    """Answer that something happened to the comments meanwhile, so that nothing was changed."""
    told = what_happened(conflict)
    if is_scripted():
        current = conflict.extra.get("current", [])
        stale = [{"id": item["id"], "state": item["state"], "text": became(item)} for item in current]
        return jsonify(told | {"stale": stale}), Conflict.status
    desk.tell(told, "warning")
    return back()


def done(rows: Sequence[Decision]) -> str:
    subject = "The comment is" if len(rows) == 1 else f"{len(rows)} comments are"
    return f"{subject} {NAMES[rows[0].to_state]}."


def undone(rows: Sequence[Decision]) -> str:
    """Say what taking decisions back has led to, if to another state."""
    return f"Undone. {done(rows)}" if rows[0].from_state is not rows[0].to_state else "Undone."


def back(to: Decision | None = None) -> ResponseReturnValue:
    """Go on where the form says, or there to the comment that came back."""
    page = desk.local(request.form.get("back"))
    if to is not None:
        page = f"{page.partition('#')[0]}#c-{opaque.identifier(to.article_id, to.comment_id)}"
    return redirect(page, 303)


def what_happened(conflict: Refused) -> dict[str, Any]:
    """Say what became of comments that were decided on in an older version: by whom, when, and where to read more."""
    current = conflict.extra.get("current", [])
    if not current:
        return {"text": conflict.detail}
    links = [
        {"text": became(item), "url": url_for("moderation.comment", comment_id=item["id"])}
        for item in current[:SHOWN_CONFLICTS]
    ]
    more = len(current) - len(links)
    text = "Nothing was changed, because this happened meanwhile:"
    return {"text": text, "links": links, "more": f"and {more} more" if more else None}


def became(item: dict[str, Any]) -> str:
    if item["who"] is None:
        return "The comment's text was changed."
    if item["action"] in ("edit", "amend"):
        return f"The comment's text was edited, by {who(item['who'])}."
    since = f", {desk.ago(datetime.fromisoformat(item['at']))}"
    return f"The comment is {NAMES[State(item['state'])]}, by {who(item['who'])}{since}."


# The history


def who(name: str) -> str:
    """Return how the history calls whoever decided."""
    return {"reader": "its reader", "rules": "the rules"}.get(name, name)


def deed(entry: Decision) -> str:
    """Return what a decision did, in a word or two."""
    if entry.action != "undo":
        return DEEDS.get(entry.action, entry.action)
    if entry.from_state is entry.to_state:
        return "took a change back"
    return f"took the decision back: {NAMES[entry.to_state]} again"


def undoable(entry: Decision, row: Comment) -> bool:
    """Whether nothing has happened to the comment since, and the decision was not its reader's own."""
    return moderation.undoable(entry, row)
