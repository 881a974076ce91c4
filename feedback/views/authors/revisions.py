"""What authors and reviewers say of an article's revisions: that there is one, what changed, which two are one."""

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from feedback import administration, articles, catalogue, changes, forms
from feedback.changes import Kind, Subject
from feedback.db import transact
from feedback.errors import Conflict, Invalid
from feedback.models import Article
from feedback.views.admin.articles import NAMED, RevisionForm
from feedback.views.admin.fields import Form, Lines
from feedback.views.authors import figures
from feedback.views.authors.room import bp, by, given, open_article, open_site, page_of, tell

LABELLED = (*NAMED, forms.Field("label", forms.line(articles.MAX_REVISION_CHARS), required=True))
MERGED = (forms.Field("revision", forms.revision_label), forms.Field("into", forms.revision_label))


class NoteForm(Form):
    """What changed in a revision that is known already."""

    version = HiddenField()
    note = Lines("What changed", forms.lines(articles.MAX_NOTE_CHARS))


@bp.post("/<slug>/revisions")
def add_revision(slug: str) -> ResponseReturnValue:
    site, form = open_site(slug), RevisionForm()
    found = open_article(site)
    if form.validate():
        said = (site.id, found.key, form.label.value, form.note.value or None)
        try:
            change = transact(administration.add_revision, *said, by())
        except Conflict as conflict:
            form.refuse({"label": [conflict.detail]})
        else:
            tell(slug, change)
            return redirect(page_of(slug, found.key, "edit"), 303)
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
        change = transact(changes.make, subject, state, by(), seen=form.version.data)
    except Conflict as conflict:
        form.version.data = changes.version(subject)
        more = {"overtaken": True, "last": conflict.extra["last"], "saved": {"note": row.note or ""}}
        return render_template("authors/revision.html", **shown, **more), 409
    tell(slug, change)
    return redirect(page_of(slug, found.key, "edit"), 303)


def _subject(found: Article, kind: Kind, label: str) -> Subject:
    return Subject(found.site_id, kind, {"article": found.key, "label": label})


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
        change = transact(changes.make, subject, asked["into"], by())
    except Invalid as error:
        return figures.show(site, found, merge_errors=error.errors)
    tell(slug, change)
    return redirect(page_of(slug, found.key, "edit"), 303)
