"""Articles: looking one up, registering it, who wrote and reviewed it, its revisions, its comments."""

from collections.abc import Iterable
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from feedback import administration, articles, aspects, catalogue, changes, forms
from feedback.changes import Kind
from feedback.db import transact
from feedback.errors import Conflict, Invalid
from feedback.models import Article, Role
from feedback.views.admin import room
from feedback.views.admin.fields import Choice, Form, Line, Lines, byline, each_line
from feedback.views.admin.room import bp

ASKED = (forms.Field("q", forms.line(200)), forms.Field("cursor", forms.line(1_000)))
NAMED = (forms.Field("article", forms.article_key, required=True),)
ACCEPTS = {
    "open": ("Open", "Readers can comment, as far as the site’s moderation lets them."),
    "closed": ("Closed", "Nobody writes new comments. Those that were published stay."),
    "hidden": (
        "Hidden",
        "No comment is shown, nobody writes new ones. They come back when you open or close them.",
    ),
}


class ArticleForm(Form):
    """What staff say of an article."""

    version = HiddenField()
    title = Line("Title", forms.line(articles.MAX_TITLE_CHARS), "An article needs a title.")
    url = Line("Address of the page", forms.web_address)
    authors = Lines("Written by", each_line(byline(Role.AUTHOR), most=articles.MAX_CONTRIBUTORS))
    reviewers = Lines("Reviewed by", each_line(byline(Role.REVIEWER), most=articles.MAX_CONTRIBUTORS))

    def registration(self, key: str, **more: Any) -> articles.Registration:
        people = (*self.authors.value, *self.reviewers.value)
        return articles.Registration(key, self.title.value, self.url.value, people, **more)


class NewArticleForm(ArticleForm):
    """An article that is registered for the first time, with the revision its page shows now."""

    key = Line("Key", forms.article_key)
    revision = Line("Revision", forms.line(articles.MAX_REVISION_CHARS))
    note = Lines("What changed", forms.lines(articles.MAX_NOTE_CHARS))


class AcceptsForm(Form):
    """Whether readers may comment."""

    accepts = Choice("Comments", ACCEPTS)


class RevisionForm(Form):
    """A revision with what changed in it."""

    label = Line("Label", forms.line(articles.MAX_REVISION_CHARS), "A revision needs a label.")
    note = Lines("What changed", forms.lines(articles.MAX_NOTE_CHARS))


@bp.get("/sites/<slug>/articles", endpoint="catalogue")
def catalogue_page() -> ResponseReturnValue:
    asked = forms.read(ASKED, {name: value for name, value in request.args.items() if value})
    page = catalogue.page(room.site().id, words=asked["q"], after=asked["cursor"])
    return render_template("admin/articles.html", page=page, words=asked["q"], begun=asked["cursor"] is not None)


@bp.route("/sites/<slug>/new-article", methods=["GET", "POST"])
def new_article() -> ResponseReturnValue:
    form = NewArticleForm()
    if request.method == "GET":
        return render_template("admin/new_article.html", form=form)
    if form.validate():
        given = form.registration(form.key.value, revision=form.revision.value or None, note=form.note.value or None)
        try:
            change = transact(administration.register, room.site().id, given, room.by())
        except (Conflict, Invalid) as error:
            form.refuse(_beside(error))
        else:
            room.tell(change)
            return redirect(room.here("article", article=given.key), 303)
    return render_template("admin/new_article.html", form=form), 422


def _beside(error: Conflict | Invalid) -> dict[str, list[str]]:
    if isinstance(error, Invalid):
        return {"authors" if name == "contributors" else name: told for name, told in error.errors.items()}
    return {"key": [error.detail]}


@bp.route("/sites/<slug>/article", methods=["GET", "POST"])
def article() -> ResponseReturnValue:
    found = _named()
    subject = room.subject(Kind.ARTICLE, article=found.key)
    form = ArticleForm(**_typed(found), version=changes.version(subject))
    if request.method == "GET":
        return _article(found, form=form)
    if not form.validate():
        return _article(found, form=form), 422
    state = aspects.article_state(form.registration(found.key))
    try:
        change = transact(changes.make, subject, state, room.by(), seen=form.version.data)
    except Invalid as error:
        form.refuse(_beside(error))
        return _article(found, form=form), 422
    except Conflict as conflict:
        return _overtaken(found.key, form, conflict), 409
    room.tell(change)
    return redirect(room.here("article", article=found.key), 303)


def _named() -> Article:
    """Return the article that the address names. Raises Missing, Invalid."""
    return catalogue.one(room.site().id, forms.read(NAMED, request.args)["article"])


def _typed(found: Article) -> dict[str, Any]:
    """Return what is registered as the form's fields show it."""
    given = articles.registered(found)
    return {
        "title": given.title,
        "url": given.url,
        "authors": _lines(given.contributors, Role.AUTHOR),
        "reviewers": _lines(given.contributors, Role.REVIEWER),
    }


def _lines(people: Iterable[articles.Byline], role: Role) -> str:
    named = [each for each in people if each.role is role]
    return "\n".join(f"{each.name}, {each.email}" if each.email else each.name for each in named)


def _article(
    found: Article,
    *,
    form: ArticleForm | None = None,
    accepts: AcceptsForm | None = None,
    revision: RevisionForm | None = None,
    **more: Any,
) -> str:
    """Show an article with its forms; those that were not sent hold what is stored."""
    return render_template(
        "admin/article.html",
        article=found,
        accounts=catalogue.accounts(found),
        revisions=catalogue.revisions(found.id),
        form=form or ArticleForm(sent=False, **_typed(found), version=changes.version(_as_subject(found))),
        accepts=accepts or AcceptsForm(sent=False, accepts=found.accepts.value),
        revision=revision or RevisionForm(sent=False),
        **more,
    )


def _as_subject(found: Article) -> changes.Subject:
    return room.subject(Kind.ARTICLE, article=found.key)


def _overtaken(key: str, form: ArticleForm, conflict: Conflict) -> str:
    found = catalogue.one(room.site().id, key)
    form.version.data = changes.version(_as_subject(found))
    saved = {name: value for name, value in _typed(found).items() if (form[name].data or "").split() != value.split()}
    return _article(found, form=form, overtaken=True, last=conflict.extra["last"], saved=saved)


@bp.post("/sites/<slug>/article/comments")
def accepts() -> ResponseReturnValue:
    found, form = _named(), AcceptsForm()
    if not form.validate():
        return _article(found, accepts=form), 422
    subject = room.subject(Kind.COMMENTS, article=found.key)
    room.tell(transact(changes.make, subject, form.accepts.data, room.by()))
    return redirect(room.here("article", article=found.key), 303)


@bp.post("/sites/<slug>/article/revisions")
def add_revision() -> ResponseReturnValue:
    found, form = _named(), RevisionForm()
    if form.validate():
        given = (room.site().id, found.key, form.label.value, form.note.value or None)
        try:
            change = transact(administration.add_revision, *given, room.by())
        except Conflict as conflict:
            form.refuse({"label": [conflict.detail]})
        else:
            room.tell(change)
            return redirect(room.here("article", article=found.key, _anchor="revisions"), 303)
    return _article(found, revision=form), 422
