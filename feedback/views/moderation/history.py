"""What was decided, by whom, and taking it back."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from feedback import db as ground
from feedback import forms, moderation
from feedback.errors import Conflict
from feedback.views import desk
from feedback.views.moderation.room import PAGE, back, bp, deed, done, undoable, what_happened


@bp.get("/decisions")
def decisions() -> ResponseReturnValue:
    asked = forms.read(forms.LIST, {name: value for name, value in request.args.items() if value})
    page = moderation.recent(g.site_ids, after=asked["cursor"], limit=PAGE)
    entries = [(entry, row, deed(entry), undoable(entry, row)) for entry, row in page.items]
    return render_template(
        "moderation/decisions.html", entries=entries, next=page.next, here=request.full_path.rstrip("?")
    )


@bp.post("/decisions/<decision_id>/undo")
def undo_one(decision_id: str) -> ResponseReturnValue:
    try:
        row = ground.transact(moderation.undo, decision_id, who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Conflict as conflict:
        desk.tell(what_happened(conflict), "warning")
    else:
        desk.tell(f"Undone. {done([row])}", "done")
        return back(row)
    return back()
