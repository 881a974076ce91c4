"""What authors and reviewers say of an article's revisions: that there is one, what changed, which two are one."""

from uuid import UUID

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import administration, articles, catalogue, changes, forms
from feedback.changes import By, Kind, Subject
from feedback.db import transact
from feedback.errors import Conflict, Invalid, Missing, Refused
from feedback.models import Article, Change
from feedback.stats import Viewer
from feedback.stats import open_article as open_theirs
from feedback.views import desk
from feedback.views.admin.articles import LABELLED, NoteForm, RevisionForm
from feedback.views.admin.room import identifier
from feedback.views.authors import figures
from feedback.views.authors.room import bp, given, open_article, open_site, viewer

KINDS = (Kind.REVISION, Kind.MERGE)  # what is undone here; all else is the administrators'


def _by() -> By:
    return By(g.person.actor, g.site_ids, g.now)


def _page(slug: str, key: str) -> str:
    return url_for("authors.article", slug=slug, article=key, _anchor="edit")


def _tell(slug: str, change: Change | None) -> None:
    """Confirm a change on the next page, with the button that takes it back."""
    if change is None:
        desk.tell("Nothing was changed: it was so already.", "done")
        return
    undo = {"url": url_for("authors.undo", slug=slug, change_id=change.id), "button": "Undo"}
    desk.tell({"text": f"You {change.what}.", "form": undo}, "done")


@bp.post("/<slug>/revisions")
def add_revision(slug: str) -> ResponseReturnValue:
    site, form = open_site(slug), RevisionForm()
    found = open_article(site)
    if form.validate():
        said = (site.id, found.key, form.label.value, form.note.value or None)
        try:
            change = transact(administration.add_revision, *said, _by())
        except Conflict as conflict:
            form.refuse({"label": [conflict.detail]})
        else:
            _tell(slug, change)
            return redirect(_page(slug, found.key), 303)
    return figures.show(site, found, revision=form)


@bp.route("/<slug>/revision", methods=["GET", "POST"])
def revision(slug: str) -> ResponseReturnValue:
    site = open_site(slug)
    found = open_article(site)
    label = forms.read(LABELLED, given())["label"]
    row = catalogue.known_revision(found.id, label)
    subject = _subject(found, Kind.REVISION, label)
    form = NoteForm(note=row.note, version=changes.version(subject))
    shown = {"site": site, "form": form, "article": found, "label": label}
    if request.method == "GET":
        return render_template("authors/revision.html", **shown)
    if not form.validate():
        return render_template("authors/revision.html", **shown), 422
    state = {"registered": row.registered, "note": form.note.value or None}
    try:
        change = transact(changes.make, subject, state, _by(), seen=form.version.data)
    except Conflict as conflict:
        form.version.data = changes.version(subject)
        more = {"overtaken": True, "last": conflict.extra["last"], "saved": {"note": row.note or ""}}
        return render_template("authors/revision.html", **shown, **more), 409
    _tell(slug, change)
    return redirect(_page(slug, found.key), 303)


def _subject(found: Article, kind: Kind, label: str) -> Subject:
    return Subject(found.site_id, kind, {"article": found.key, "label": label})


MERGED = (forms.Field("revision", forms.revision_label), forms.Field("into", forms.revision_label))


@bp.post("/<slug>/merge")
def merge(slug: str) -> ResponseReturnValue:
    """Count a revision with another one, or by itself again."""
    site = open_site(slug)
    found = open_article(site)
    asked = forms.read(MERGED, request.form)
    if asked["revision"] is None:
        raise Invalid({"revision": ["This is missing."]})
    catalogue.known_revision(found.id, asked["revision"])
    subject = _subject(found, Kind.MERGE, asked["revision"])
    try:
        change = transact(changes.make, subject, asked["into"], _by())
    except Invalid as error:
        return figures.show(site, found, merge_errors=error.errors)
    _tell(slug, change)
    return redirect(_page(slug, found.key), 303)


@bp.post("/<slug>/changes/<change_id>/undo")
def undo(slug: str, change_id: str) -> ResponseReturnValue:
    site, undone = open_site(slug), identifier(change_id)
    key = _about(site, viewer(site), undone)
    try:
        change = transact(changes.undo, site.id, undone, _by())
    except Refused as refusal:
        desk.tell(f"It was not undone. {refusal.detail}", "warning")
    else:
        _tell(slug, change)
    return redirect(_page(slug, key), 303)


def _about(site: articles.SiteView, person: Viewer, change_id: UUID) -> str:
    """Return the key of the article that a change is about. Raises Missing, and Refused where it is not theirs."""
    subject = changes.subject(site.id, change_id)
    if subject.kind not in KINDS:
        raise Missing("There is no such change here.")
    return open_theirs(person, subject.about["article"]).key
