"""JSON for administrators and authors, with a bearer token: articles and their figures."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from feedback import articles, clock, forms, stats
from feedback.db import transact
from feedback.models import Role
from feedback.views import access

bp = Blueprint("api", __name__, url_prefix="/api/v1/<site>")
access.guard(bp, staff_only=True)


@bp.put("/articles")
def register() -> ResponseReturnValue:
    access.require(Role.ADMINISTRATOR)
    given = forms.read(forms.ARTICLE, forms.body(request))
    registration = articles.Registration(
        given["key"],
        given["title"],
        given["url"],
        given["contributors"] or (),
        given["revision"] or None,
        given["note"] or None,
        keeps_contributors=given["contributors"] is None,
    )
    article, created = transact(articles.register, access.site().id, registration, now=clock.now())
    return {"article": articles.public(article)}, 201 if created else 200


@bp.get("/stats")
def figures() -> ResponseReturnValue:
    viewer = _viewer()
    asked = forms.read(forms.FIGURES, request.args)
    if asked["article"] is None:
        sort = stats.Sort(asked["sort"] or "needs_work")
        return stats.listing(viewer, sort=sort, words=asked["q"], cursor=asked["cursor"]).public()
    narrowed, pair = stats.asked(asked), stats.pair(asked)
    article = stats.open_article(viewer, asked["article"])
    return stats.told(article, asked=narrowed, by=stats.By(asked["by"] or "day"), pair=pair)


@bp.get("/notes")
def notes() -> ResponseReturnValue:
    viewer = _viewer()
    asked = forms.read(forms.NOTES, request.args)
    chosen = {"status": asked["status"], "words": asked["q"], "cursor": asked["cursor"]}
    article = stats.open_article(viewer, asked["article"])
    names = stats.Names(current_app.config["SETTINGS"].secret_keys)
    return stats.notes(article, asked=stats.asked(asked), names=names, **chosen).public()


def _viewer() -> stats.Viewer:
    principal = access.require(Role.AUTHOR, Role.REVIEWER)
    return stats.Viewer(principal.site_id, frozenset({principal.role}), principal.user_id)
