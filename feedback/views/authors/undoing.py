"""Taking back what authors change on their pages. Administrators find everything among their site's changes."""

from flask import redirect
from flask.typing import ResponseReturnValue

from feedback import changes, stats
from feedback.changes import Kind
from feedback.db import transact
from feedback.errors import Missing, Refused
from feedback.views import desk
from feedback.views.authors.room import bp, by, open_site, page_of, tell, viewer

# What is undone here, each with the part of the page that it is about.
KINDS = {Kind.REVISION: "edit", Kind.MERGE: "edit", Kind.ANNOUNCEMENT: "changed"}


@bp.post("/<slug>/changes/<change_id>/undo")
def undo(slug: str, change_id: str) -> ResponseReturnValue:
    site, undone = open_site(slug), desk.identifier(change_id)
    subject = changes.subject(site.id, undone)
    if subject.kind not in KINDS:
        raise Missing("There is no such change here.")
    found = stats.open_article(viewer(site), subject.about["article"])
    try:
        change = transact(changes.undo, site.id, undone, by())
    except Refused as refusal:
        desk.tell(f"It was not undone. {refusal.detail}", "warning")
    else:
        tell(slug, change)
    return redirect(page_of(slug, found.key, KINDS[subject.kind]), 303)
