"""What was decided, by whom, and taking it back."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from feedback import db as ground
from feedback import forms, moderation
from feedback.errors import Conflict
from feedback.views import desk
from feedback.views.moderation.room import PAGE, bp, deed, overtaken, settled, undoable, undone


@bp.get("/decisions")
def decisions() -> ResponseReturnValue:
    """Show all decisions, or those of one person or token."""
    given = forms.read(forms.DECISIONS, {name: value for name, value in request.args.items() if value})
    by = desk.identifier(given["who"]) if given["who"] else None
    page = moderation.recent(g.site_ids, by=by, after=given["cursor"], limit=PAGE)
    entries = [(entry, row, deed(entry), undoable(entry, row)) for entry, row in page.items]
    return render_template(
        "moderation/decisions.html", entries=entries, next=page.next, by=by, here=request.full_path.rstrip("?")
    )


@bp.post("/decisions/<decision_id>/undo")
def undo_one(decision_id: str) -> ResponseReturnValue:
    try:
        row = ground.transact(moderation.undo, decision_id, who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Conflict as conflict:
        return overtaken(conflict)
    return settled([row], undone([row]))
