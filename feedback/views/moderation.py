"""The queue as moderators see it: lists, decisions one by one or together, undo, history. Plain forms do it all."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, clock, forms, moderation, opaque, triage
from feedback import db as ground
from feedback.errors import Conflict, Missing
from feedback.models import Comment, Decision, Role, State
from feedback.views import desk, spreadsheet

bp = Blueprint("moderation", __name__, url_prefix="/moderation")
desk.guard(bp, Role.MODERATOR)

TABS = {"pending": "Waiting", "approved": "Approved", "rejected": "Rejected", "spam": "Spam", "all": "All"}
NAMES = {
    State.PENDING: "waiting",
    State.APPROVED: "approved",
    State.REJECTED: "rejected",
    State.SPAM: "marked as spam",
    State.WITHDRAWN: "withdrawn",
    State.ERASED: "erased",
}
# What readers of the history are told was done; an undo says where it led instead.
DEEDS = {
    "approve": "approved it",
    "reject": "rejected it",
    "spam": "marked it as spam",
    "hold": "held it again",
    "withdraw": "withdrew it",
    "erase": "erased it",
}
REASONS = ("Off the topic", "Unkind", "Personal details", "Advertising", "Could harm somebody", "Already said above")
PAGE = 50  # as many as a browser lays out at once without a pause
SHOWN_CONFLICTS = 5


@bp.app_context_processor
def words() -> dict[str, Any]:
    return {"names": NAMES, "explain": triage.explain, "identifier": opaque.identifier, "who": who, "State": State}


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
        desk.tell(_what_happened(conflict), "warning")
    else:
        desk.tell({"text": _done(rows), "undo": clock.rfc3339(g.now)}, "done")
    return _back()


def _done(rows: list[Decision]) -> str:
    subject = "The comment is" if len(rows) == 1 else f"{len(rows)} comments are"
    return f"{subject} {NAMES[rows[0].to_state]}."


@bp.post("/undo")
def undo() -> ResponseReturnValue:
    """Take back what one call decided, as the notice after it offers."""
    given = forms.read(forms.UNDONE, request.form)
    try:
        rows = ground.transact(moderation.undo_all, given["at"], who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Conflict as conflict:
        desk.tell(_what_happened(conflict), "warning")
    else:
        desk.tell(f"Undone. {_done(rows)}", "done")
        return _back(rows[0])
    return _back()


@bp.post("/decisions/<decision_id>/undo")
def undo_one(decision_id: str) -> ResponseReturnValue:
    try:
        row = ground.transact(moderation.undo, decision_id, who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Conflict as conflict:
        desk.tell(_what_happened(conflict), "warning")
    else:
        desk.tell(f"Undone. {_done([row])}", "done")
        return _back(row)
    return _back()


def _back(to: Decision | None = None) -> ResponseReturnValue:
    """Go on where the form says, or there to the comment that came back."""
    page = desk.local(request.form.get("back"))
    if to is not None:
        page = f"{page.partition('#')[0]}#c-{opaque.identifier(to.article_id, to.comment_id)}"
    return redirect(page, 303)


def _what_happened(conflict: Conflict) -> dict[str, Any]:
    """Say what became of comments that were decided on in an older version: by whom, when, and where to read more."""
    current = conflict.extra["current"]
    links = [
        {"text": _became(item), "url": url_for("moderation.comment", comment_id=item["id"])}
        for item in current[:SHOWN_CONFLICTS]
    ]
    more = len(current) - len(links)
    text = "Nothing was changed, because this happened meanwhile:"
    return {"text": text, "links": links, "more": f"and {more} more" if more else None}


def _became(item: dict[str, Any]) -> str:
    if item["who"] is None:
        return "The comment's text was changed."
    return f"The comment is {NAMES[State(item['state'])]}, by {who(item['who'])}."


def who(name: str) -> str:
    """Return how the history calls whoever decided."""
    return {"reader": "its reader", "rules": "the rules"}.get(name, name)


@bp.get("/comments/<comment_id>")
def comment(comment_id: str) -> ResponseReturnValue:
    item = moderation.one(comment_id, g.site_ids)
    entries = moderation.history(comment_id, g.site_ids)
    return render_template(
        "moderation/comment.html",
        item=item,
        entries=[(entry, deed(entry), undoable(entry, item.comment)) for entry in entries],
        reasons=REASONS,
        here=request.path,
    )


@bp.get("/decisions")
def decisions() -> ResponseReturnValue:
    asked = forms.read(forms.LIST, {name: value for name, value in request.args.items() if value})
    page = moderation.recent(g.site_ids, after=asked["cursor"], limit=PAGE)
    entries = [(entry, row, deed(entry), undoable(entry, row)) for entry, row in page.items]
    return render_template(
        "moderation/decisions.html", entries=entries, next=page.next, here=request.full_path.rstrip("?")
    )


def deed(entry: Decision) -> str:
    """Return what a decision did, in a word or two."""
    if entry.action == "undo":
        return f"took the decision back: {NAMES[entry.to_state]} again"
    return DEEDS.get(entry.action, entry.action)


def undoable(entry: Decision, row: Comment) -> bool:
    """Whether nothing has happened to the comment since, and the decision was not its reader's own."""
    return moderation.undoable(entry, row)
