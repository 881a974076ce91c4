"""The lists: what waits, or stands in another list, deciding one by one or together, taking that back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, clock, forms, moderation, opaque, triage
from feedback import db as ground
from feedback.errors import Conflict, Missing
from feedback.views import spreadsheet
from feedback.views.moderation.room import PAGE, bp, done, overtaken, policies, settled, undone

TABS = {
    "pending": "Waiting",
    "flagged": "Flagged",
    "approved": "Approved",
    "rejected": "Rejected",
    "spam": "Spam",
    "withdrawn": "Withdrawn",
    "all": "All",
}
SORTS = {"oldest": "Oldest first", "newest": "Newest first", "riskiest": "Riskiest first"}
OLDER = {1: "an hour", 6: "6 hours", 24: "a day", 72: "3 days", 168: "a week"}
SCORES = (50, 80, 90, 95)
NARROWING = ("site", "article", "held", "q", "score", "older")


@dataclass(frozen=True)
class Asked:
    """Which list is asked for: the values as sent, the filter they make, and the sites it is about."""

    values: Mapping[str, Any]
    chosen: moderation.Filter
    sites: list[articles.SiteView]

    @property
    def narrowed(self) -> bool:
        return any(self.values[name] for name in NARROWING)


def asked_for(values: Mapping[str, Any]) -> Asked:
    """Return the list that values of forms.LIST name. Raises Missing for a site that is not the person's."""
    mine = articles.sites(g.site_ids)
    sites = [site for site in mine if values["site"] in (None, site.slug)]
    if not sites:
        raise Missing("There is no such site here.")
    older, score = values["older"], values["score"]
    chosen = moderation.Filter(
        tuple(site.id for site in sites),
        values["state"] or "pending",
        values["article"],
        values["held"],
        values["q"],
        score / 100 if score else None,
        g.now - timedelta(hours=older) if older else None,
    )
    return Asked(values, chosen, sites)


def _given() -> dict[str, Any]:
    return forms.read(forms.LIST, {name: value for name, value in request.args.items() if value})


@bp.get("/")
def queue() -> ResponseReturnValue:
    asked = asked_for(_given())
    given, chosen = asked.values, asked.chosen
    sort = given["sort"] or "oldest"
    page = moderation.queue(chosen, sort=sort, after=given["cursor"], limit=given["limit"] or PAGE)
    return render_template(
        "moderation/queue.html",
        page=page,
        asked=asked,
        chosen=chosen,
        sort=sort,
        sites=articles.sites(g.site_ids),
        policies=policies(asked.sites),
        tabs=TABS,
        sorts=SORTS,
        older=OLDER,
        scores=SCORES,
        totals=moderation.totals(chosen.site_ids),
        ageing=moderation.ageing(chosen.site_ids),
        day=None if page.items else moderation.day(chosen.site_ids, by=g.person.id, now=g.now),
        codes=triage.SENTENCES,
        records=_records(asked.sites),
        shown_at=clock.rfc3339(g.now),
        here=request.full_path.rstrip("?"),
        with_changes=_with_changes,
        download=_with_changes(to="moderation.download", sort=None, limit=None),
        begun=given["cursor"] is not None,
    )


def _records(sites: list[articles.SiteView]) -> list[tuple[articles.SiteView, triage.Record]]:
    """Return how good the learned score is on each site that has one."""
    found = [(site, triage.record_of(site.id, site.policy.score_limit)) for site in sites]
    return [(site, record) for site, record in found if record is not None]


def _with_changes(to: str = "moderation.queue", **changes: Any) -> str:
    """Return the address of this list with some filters changed; a change of the filter begins at the first page."""
    asked: Mapping[str, Any] = {**request.args.to_dict(), "cursor": None, **changes}
    query = urlencode({name: value for name, value in asked.items() if value})
    return url_for(to) + (f"?{query}" if query else "")


COLUMNS = (
    "id", "site", "article", "title", "name", "text", "state", "held because", "likes", "flags", "version", "created",
    "edited", "decided", "answers",
)  # fmt: skip


@bp.get("/comments.csv")
def download() -> ResponseReturnValue:
    """Give the whole of a list, as it is filtered, to a spreadsheet."""
    asked = asked_for(_given())
    slugs = {site.id: site.slug for site in asked.sites}
    rows = (_row(item, slugs) for item in moderation.everything(asked.chosen))
    return spreadsheet.answer(f"comments-{asked.chosen.state}.csv", COLUMNS, rows)


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
        return overtaken(conflict)
    return settled(rows, done(rows), undo=True)


@bp.post("/undo")
def undo() -> ResponseReturnValue:
    """Take back what one call decided, as the notice after it offers."""
    given = forms.read(forms.UNDONE, request.form)
    try:
        rows = ground.transact(moderation.undo_all, given["at"], who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Conflict as conflict:
        return overtaken(conflict)
    return settled(rows, undone(rows))
