"""You said, we changed: a line that readers find under the question."""

from datetime import date
from typing import Any

from flask import g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from feedback import articles, changes, forms
from feedback.changes import Kind, Subject
from feedback.db import transact
from feedback.errors import Conflict
from feedback.models import Article
from feedback.views.admin.fields import Form, Line
from feedback.views.authors.room import bp, by, open_article, open_site, page_of, tell


def _day(value: str) -> date:
    """A day that has begun, since what is to be changed is not changed yet."""
    found = forms.day(value)
    if found is None:
        raise ValueError("Say since when the change is on the page.")
    if found > g.now.date():
        raise ValueError("This day has not come yet.")
    return found


class AnnouncementForm(Form):
    """What was changed for readers, and since when it is on the page."""

    version = HiddenField()
    text = Line("What readers are told", forms.line(articles.MAX_ANNOUNCEMENT_CHARS), "Say what was changed.")
    on = Line("Changed on", _day)


@bp.route("/<slug>/announcement", methods=["GET", "POST"])
def announcement(slug: str) -> ResponseReturnValue:
    site = open_site(slug)
    found = open_article(site)
    subject = Subject(site.id, Kind.ANNOUNCEMENT, {"article": found.key})
    form = AnnouncementForm(text=found.we_changed, on=_on(found), version=changes.version(subject))
    if request.method == "GET":
        return _page(site, found, form)
    taken_down = "down" in request.form
    if not taken_down and not form.validate():
        return _page(site, found, form), 422
    state = None if taken_down else {"text": form.text.value, "on": f"{form.on.value}"}
    try:
        change = transact(changes.make, subject, state, by(), seen=form.version.data)
    except Conflict as conflict:
        form.version.data = changes.version(subject)
        fresh = open_article(site)
        saved = {"text": fresh.we_changed, "on": _on(fresh)}
        return _page(site, fresh, form, overtaken=True, last=conflict.extra["last"], saved=saved), 409
    tell(slug, change)
    return redirect(page_of(slug, found.key, "changed"), 303)


def _on(article: Article) -> str:
    return f"{article.we_changed_on or g.now.date()}"


def _page(site: articles.SiteView, article: Article, form: AnnouncementForm, **more: Any) -> str:
    return render_template("authors/announcement.html", site=site, article=article, form=form, **more)
