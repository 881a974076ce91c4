"""What readers wrote to the authors: which of it is shown, and saying what became of it."""

from collections.abc import Iterator
from typing import Any

from flask import current_app, g, redirect, request
from flask.typing import ResponseReturnValue

from feedback import forms, stats
from feedback.db import transact
from feedback.errors import Conflict, Invalid, Missing
from feedback.models import Article, NoteStatus
from feedback.stats import words
from feedback.views import desk, spreadsheet
from feedback.views.authors.room import bp, open_site, viewer

STATUSES = {NoteStatus.NEW: "New", NoteStatus.DONE: "Done", NoteStatus.FIXED: "Fixed"}
FIXES = 10  # revisions that are offered as the one that put a note right, the newest


def shown(figures: stats.ArticleFigures, given: dict[str, str]) -> dict[str, Any]:
    """What the list of notes needs. A filter that cannot be read leaves all notes there, and says so beside it."""
    try:
        asked, errors = {**narrowed(given), "cursor": given.get("cursor")}, {}
    except Invalid as error:
        asked, errors = {"asked": figures.asked}, error.errors
    fixes = [revision.label for revision in reversed(figures.revisions) if revision.label]
    return {
        "notes": stats.notes(figures.article, names=names(), **asked),
        "note_errors": {name: errors[name] for name in ("status", "q") if name in errors},
        "statuses": STATUSES,
        "fixes": fixes[:FIXES],
    }


def narrowed(given: dict[str, str]) -> dict[str, Any]:
    """Return which notes are asked for, on all pages. Raises Invalid."""
    asked = forms.read(forms.NOTES, given)
    return {"asked": stats.asked(asked), "status": asked["status"], "words": asked["q"]}


def lines(article: Article, asked: dict[str, Any]) -> Iterator[dict[str, spreadsheet.Cell]]:
    """Say the same in cells, of all pages."""
    for note in stats.all_notes(article, **asked):
        yield {
            "figure": "note",
            "revision": note.revision,
            "day": note.day.isoformat(),
            "code": note.reason,
            "title": note.section_title,
            note.value: 1,
            "text": note.note,
            "status": note.status.value,
            "fixed_in": note.fixed_in,
        }


def names() -> stats.Names:
    return stats.Names(current_app.config["SETTINGS"].secret_keys)


@bp.post("/<slug>/notes")
def mark(slug: str) -> ResponseReturnValue:
    """Say what became of a note."""
    site = open_site(slug)
    asked = forms.read(forms.MARKED, request.form)
    article = stats.open_article(viewer(site), asked["article"])
    status, fixed_in = asked["status"], asked["revision"]
    try:
        transact(stats.mark_note, article, asked["note"], status, names=names(), fixed_in=fixed_in)
    except (Conflict, Missing) as refusal:
        desk.tell(refusal.detail, "warning")
    else:
        desk.tell(_said(status, fixed_in), "done")
    return redirect(desk.local(request.form.get("back")) + "#notes", 303)


def _said(status: NoteStatus, fixed_in: str | None) -> str:
    if status is NoteStatus.FIXED:
        return f"The note is marked as fixed in the revision {words.version(fixed_in or '', g.now.date())}."
    return f"The note is marked as {status.value}."
