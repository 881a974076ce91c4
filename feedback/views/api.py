"""JSON for staff and machines, with a bearer token: the same rules as the pages, the same history."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from feedback import articles, clock, forms, moderation, stats
from feedback.db import scrub, transact
from feedback.errors import Invalid
from feedback.models import Role
from feedback.views import access

bp = Blueprint("api", __name__, url_prefix="/api/v1/<site>")
access.guard(bp, staff_only=True)


@bp.after_request
def never_cached(answer: Any) -> Any:
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


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


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    access.require(Role.MODERATOR)
    asked = forms.read(forms.QUEUE, request.args)
    chosen = moderation.Filter(
        (access.site().id,), asked["state"] or "pending", asked["article"], asked["held"] or None, asked["q"] or None
    )
    page = moderation.queue(
        chosen,
        sort=asked["sort"] or "oldest",
        after=asked["cursor"],
        limit=asked["limit"] or moderation.DEFAULT_PAGE,
    )
    return {"total": page.total, "next": page.next, "items": [item.public() for item in page.items]}


@bp.post("/decisions")
def decide() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    given = forms.read(forms.DECISION, forms.body(request))
    rows = transact(
        moderation.decide,
        _choices(given),
        moderation.Action(given["action"]),
        who=principal.actor,
        site_ids=(principal.site_id,),
        reason=given["reason"] or None,
        now=clock.now(),
    )
    return {"decisions": [moderation.public(row) for row in rows]}


def _choices(given: dict[str, Any]) -> tuple[moderation.Choice, ...]:
    if given["comments"]:
        return tuple(given["comments"])
    missing = {name: ["This is missing."] for name in ("comment", "version") if not given[name]}
    if missing:
        raise Invalid(missing)
    return (moderation.Choice(given["comment"], given["version"]),)


@bp.post("/decisions/<decision_id>/undo")
def undo(decision_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    row = transact(moderation.undo, decision_id, who=principal.actor, site_ids=(principal.site_id,), now=clock.now())
    return {"decisions": [moderation.public(row)]}


@bp.post("/comments/<comment_id>/purge")
def purge(comment_id: str) -> ResponseReturnValue:
    principal = access.require(Role.ADMINISTRATOR)
    given = forms.read(forms.PURGE, forms.body(request))
    erased = transact(
        moderation.purge,
        moderation.Choice(comment_id, given["version"]),
        who=principal.actor,
        site_ids=(principal.site_id,),
        reason=given["reason"] or None,
        now=clock.now(),
    )
    scrub()
    return {"comment": {"id": comment_id, "state": erased.state.value, "version": erased.version}}


@bp.get("/history")
def history() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    asked = forms.read(forms.HISTORY, request.args)
    rows = moderation.history(asked["comment"], (principal.site_id,))
    return {"decisions": [moderation.entry(row) for row in rows]}


@bp.get("/stats")
def figures() -> ResponseReturnValue:
    viewer = _viewer()
    asked = forms.read(forms.FIGURES, request.args)
    if asked["article"] is None:
        return stats.listing(viewer, sort=stats.Sort(asked["sort"] or "needs_work"), cursor=asked["cursor"]).public()
    period = stats.period(asked["from"], asked["to"])
    article = stats.open_article(viewer, asked["article"])
    return stats.article(article, period=period, by=stats.By(asked["by"] or "day")).public()


@bp.get("/notes")
def notes() -> ResponseReturnValue:
    viewer = _viewer()
    asked = forms.read(forms.NOTES, request.args)
    return stats.notes(stats.open_article(viewer, asked["article"]), cursor=asked["cursor"]).public()


def _viewer() -> stats.Viewer:
    principal = access.require(Role.AUTHOR, Role.REVIEWER)
    return stats.Viewer(principal.site_id, frozenset({principal.role}), principal.user_id)
