"""What administrators and authors changed on a site, newest first, and taking a change back."""

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, changes, forms, staff
from feedback.changes import Kind
from feedback.db import transact
from feedback.errors import Missing, Refused
from feedback.models import Change, Role
from feedback.views import desk
from feedback.views.admin import room
from feedback.views.admin.room import bp

ASKED = (forms.Field("cursor", forms.line(500)),)


@bp.get("/sites/<slug>/changes")
def log() -> ResponseReturnValue:
    asked = forms.read(ASKED, {name: value for name, value in request.args.items() if value})
    page = changes.recent(room.site().id, after=asked["cursor"])
    return render_template("admin/changes.html", page=page, begun=asked["cursor"] is not None)


@bp.post("/sites/<slug>/changes/<change_id>/undo")
def undo(change_id: str) -> ResponseReturnValue:
    try:
        change = transact(changes.undo, room.site().id, desk.identifier(change_id), room.by())
    except Missing:
        raise
    except Refused as refusal:
        desk.tell(f"It was not undone. {refusal.detail}", "warning")
        return redirect(room.here("log"), 303)
    if Role.ADMINISTRATOR not in staff.roles_of(g.person.id).get(room.site().id, ()):
        return redirect(url_for("desk.home"), 303)
    room.tell(change)
    return redirect(_place(change), 303)


def _place(change: Change) -> str:
    """Return the page that shows what a change is about, as far as it is still there."""
    kind, about = Kind(change.kind), change.about
    if kind is Kind.SITE:
        return room.here("settings")
    if kind in (Kind.ROLES, Kind.ACCOUNT):
        return room.here("people")
    if articles.find(room.site().id, about["article"]) is None:
        return room.here("catalogue")
    if kind is Kind.BURST:
        return url_for("authors.article", slug=room.site().slug, article=about["article"], _anchor="bursts")
    return room.here("article", article=about["article"])
