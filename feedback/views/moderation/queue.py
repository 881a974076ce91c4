"""The lists: what waits, or stands in another list, deciding one by one or together, taking that back."""

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, clock, forms, moderation, opaque, triage
from feedback import db as ground
from feedback.errors import Conflict, Missing
from feedback.views import desk, spreadsheet
from feedback.views.moderation.room import PAGE, REASONS, back, bp, done, what_happened

TABS = {"pending": "Waiting", "approved": "Approved", "rejected": "Rejected", "spam": "Spam", "all": "All"}


@bp.get("/")
def queue() -> ResponseReturnValue:
    asked = forms.read(forms.LIST, {name: value for name, value in request.args.items() if value})
    sites = articles.sites(g.site_ids)
    chosen = moderation.Filter(
        tuple(_site_ids(sites, asked["site"])), asked["state"] or "pending", asked["article"], asked["held"], asked["q"]
    )
    sort = asked["sort"] or "oldest"
    page = moderation.queue(chosen, sort=sort, after=asked["cursor"], limit=asked["limit"] or PAGE)
    return render_template(
        "moderation/queue.html",
        page=page,
        chosen=chosen,
        sort=sort,
        site=asked["site"],
        sites=sites,
        tabs=TABS,
        totals=moderation.totals(chosen.site_ids),
        codes=triage.SENTENCES,
        reasons=REASONS,
        here=request.full_path.rstrip("?"),
        with_changes=_with_changes,
        download=_with_changes(to="moderation.download", sort=None, limit=None),
        begun=asked["cursor"] is not None,
    )


def _site_ids(sites: list[articles.SiteView], slug: str | None) -> list[UUID]:
    found = [site.id for site in sites if slug in (None, site.slug)]
    if not found:
        raise Missing("There is no such site here.")
    return found


def _with_changes(to: str = "moderation.queue", **changes: str | None) -> str:
    """Return the address of this list with some filters changed; a change of the filter begins at the first page."""
    asked: Mapping[str, str | None] = {**request.args.to_dict(), "cursor": None, **changes}
    query = urlencode({name: value for name, value in asked.items() if value})
    return url_for(to) + (f"?{query}" if query else "")


COLUMNS = (
    "id", "site", "article", "title", "name", "text", "state", "held because", "likes", "flags", "version", "created",
    "edited", "decided", "answers",
)  # fmt: skip


@bp.get("/comments.csv")
def download() -> ResponseReturnValue:
    """Give the whole of a list, as it is filtered, to a spreadsheet."""
    asked = forms.read(forms.LIST, {name: value for name, value in request.args.items() if value})
    sites = articles.sites(g.site_ids)
    slugs = {site.id: site.slug for site in sites}
    chosen = moderation.Filter(
        tuple(_site_ids(sites, asked["site"])), asked["state"] or "pending", asked["article"], asked["held"], asked["q"]
    )
    rows = (_row(item, slugs) for item in moderation.everything(chosen))
    return spreadsheet.answer(f"comments-{chosen.state}.csv", COLUMNS, rows)


def _row(item: moderation.Item, slugs: Mapping[UUID, str]) -> tuple[spreadsheet.Cell, ...]:
    comment, times = item.comment, (item.comment.created, item.comment.edited, item.comment.decided)
    parent = opaque.identifier(comment.article_id, comment.parent_id) if comment.parent_id else None
    return (
        item.id,
        slugs[comment.site_id],
        item.article.key,
        item.article.title,
        comment.name,
        comment.source,
        comment.state.value,
        " ".join(comment.held_for),
        comment.likes,
        comment.flags,
        comment.version,
        *(clock.rfc3339(time) if time else None for time in times),
        parent,
    )


@bp.post("/decide")
def decide() -> ResponseReturnValue:
    given = forms.read(forms.PICKED, {**request.form.to_dict(), "pick": request.form.getlist("pick")})
    try:
        rows = ground.transact(
            moderation.decide,
            given["pick"],
            moderation.Action(given["action"]),
            who=g.person.actor,
            site_ids=g.site_ids,
            reason=given["reason"] or None,
            now=g.now,
        )
    except Conflict as conflict:
        desk.tell(what_happened(conflict), "warning")
    else:
        desk.tell({"text": done(rows), "undo": clock.rfc3339(g.now)}, "done")
    return back()


@bp.post("/undo")
def undo() -> ResponseReturnValue:
    """Take back what one call decided, as the notice after it offers."""
    given = forms.read(forms.UNDONE, request.form)
    try:
        rows = ground.transact(moderation.undo_all, given["at"], who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Conflict as conflict:
        desk.tell(what_happened(conflict), "warning")
    else:
        desk.tell(f"Undone. {done(rows)}", "done")
        return back(rows[0])
    return back()
