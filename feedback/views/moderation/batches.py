"""Deciding on all that matches a filter: it begins here, the worker goes on, and this page shows how far it is."""

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import clock, forms, moderation
from feedback import db as ground
from feedback.errors import Conflict, Refused
from feedback.models import Batch, Progress
from feedback.moderation import batches
from feedback.views import desk
from feedback.views.moderation.queue import asked_for
from feedback.views.moderation.room import back, bp

DONE = {"approve": "approved", "reject": "rejected", "spam": "marked as spam", "hold": "held again"}


@bp.post("/batches")
def begin_batch() -> ResponseReturnValue:
    given = forms.read(forms.BULK, {name: value for name, value in request.form.items() if value})
    asked = asked_for(given)
    if len(asked.sites) > 1:
        desk.tell("Choose one site first: all that match are decided on one site at a time.", "warning")
        return back()
    try:
        row = ground.transact(
            batches.begin,
            asked.chosen,
            moderation.Action(given["action"]),
            before=given["before"],
            reason=given["reason"] or None,
            who=g.person.actor,
            now=g.now,
        )
    except Refused as error:
        desk.tell(error.detail, "warning")
        return back()
    # What is small is done at once; of what is large this is the first part, and the worker goes on.
    ground.transact(batches.step, row.id, now=clock.now())
    return _progress(row)


def _progress(row: Batch) -> ResponseReturnValue:
    return redirect(url_for("moderation.batch", batch_id=row.id.hex), 303)


@bp.get("/batches/<batch_id>")
def batch(batch_id: str) -> ResponseReturnValue:
    row = batches.get(desk.identifier(batch_id), g.site_ids)
    found = [moderation.one(comment_id, g.site_ids) for comment_id in row.skipped]
    return render_template(
        "moderation/batch.html",
        row=row,
        skipped=found,
        deed=DONE[row.action],
        going=row.progress in batches.GOING,
        undoing=row.progress in (Progress.UNDOING, Progress.UNDONE),
    )


@bp.post("/batches/<batch_id>/undo")
def undo_batch(batch_id: str) -> ResponseReturnValue:
    try:
        row = ground.transact(batches.undo_batch, desk.identifier(batch_id), who=g.person.actor, site_ids=g.site_ids)
    except Conflict as conflict:
        desk.tell(conflict.detail, "warning")
        return redirect(url_for("moderation.batch", batch_id=batch_id), 303)
    ground.transact(batches.step, row.id, now=clock.now())
    return _progress(row)
