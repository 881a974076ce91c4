"""One comment: its context and history, and what is done with it beside deciding. No typed text is ever lost."""

from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, forms, moderation, opaque, readers
from feedback import db as ground
from feedback.errors import Missing, Refused
from feedback.models import Banned, Role
from feedback.views import desk, intake
from feedback.views.moderation.room import back, bp, deed, policies, undoable, what_happened

BAN_DAYS = (1, 7, 30, 90, 365)


@bp.get("/comments/<comment_id>")
def comment(comment_id: str) -> ResponseReturnValue:
    return _page(comment_id)


def _page(comment_id: str, **more: Any) -> str:
    item = moderation.one(comment_id, g.site_ids)
    entries = moderation.history(comment_id, g.site_ids)
    return render_template(
        "moderation/comment.html",
        item=item,
        entries=[(entry, deed(entry), undoable(entry, item.comment)) for entry in entries],
        policies=policies(articles.sites([item.comment.site_id])),
        purges=item.comment.site_id in g.person.sites(Role.ADMINISTRATOR),
        ban_days=BAN_DAYS,
        network_until=readers.key_ends(item.comment.created),
        here=request.path if request.method == "GET" else url_for("moderation.comment", comment_id=comment_id),
        # Where the reader of this page came from, and goes back to when something is done.
        leave=desk.local(request.values.get("back") or url_for("moderation.queue")),
        **more,
    )


def _again(comment_id: str, error: Refused, part: str) -> ResponseReturnValue:
    """Show the page again with what was typed, and say why nothing was done."""
    if isinstance(error, Missing):
        raise error
    typed = {part: request.form.get("body") or request.form.get("why") or ""}
    told = what_happened(error) if "current" in error.extra else {"text": error.detail}
    return _page(comment_id, typed=typed, trouble=told, part=part), error.status


@bp.post("/comments/<comment_id>/edit")
def edit(comment_id: str) -> ResponseReturnValue:
    try:
        given = forms.read(forms.WORDING, request.form)
        row = ground.transact(
            moderation.edit,
            moderation.Choice(comment_id, given["version"]),
            _wording(comment_id, given["body"]),
            who=g.person.actor,
            site_ids=g.site_ids,
            now=g.now,
        )
    except Refused as error:
        return _again(comment_id, error, "edit")
    undo = url_for("moderation.undo_one", decision_id=opaque.identifier(row.article_id, row.id))
    desk.tell(
        {"text": "The text is changed. Its reader’s own is kept.", "form": {"url": undo, "button": "Undo"}}, "done"
    )
    return back(row)


@bp.post("/comments/<comment_id>/reply")
def reply(comment_id: str) -> ResponseReturnValue:
    """Answer as staff, under the name of the account, publishing what is answered where the form asks for it."""
    try:
        given = forms.read(forms.WORDING, request.form)
        row = ground.transact(
            moderation.reply,
            moderation.Choice(comment_id, given["version"]),
            _wording(comment_id, given["body"]),
            author=moderation.Author(g.person.actor, g.person.name, _role(comment_id)),
            approve=given["approve"] == "yes",
            site_ids=g.site_ids,
            now=g.now,
        )
    except Refused as error:
        return _again(comment_id, error, "reply")
    link = url_for("moderation.comment", comment_id=opaque.identifier(row.article_id, row.id))
    desk.tell({"text": "Your reply is published.", "links": [{"text": "See it", "url": link}]}, "done")
    return back()


def _role(comment_id: str) -> Role:
    roles = g.person.roles[moderation.one(comment_id, g.site_ids).comment.site_id]
    return Role.MODERATOR if Role.MODERATOR in roles else Role.ADMINISTRATOR


def _wording(comment_id: str, body: str) -> moderation.Wording:
    return intake.wording(moderation.one(comment_id, g.site_ids).comment.site_id, body)


@bp.post("/comments/<comment_id>/mark")
def mark(comment_id: str) -> ResponseReturnValue:
    """Pin a comment or close its thread, or take that back."""
    given = forms.read(forms.MARK, request.form)["mark"]
    rule, value = MARKS[given]
    try:
        row = ground.transact(rule, comment_id, value, who=g.person.actor, site_ids=g.site_ids, now=g.now)
    except Missing:
        raise
    except Refused as error:
        desk.tell(error.detail, "warning")
        return back()
    if row is None:
        desk.tell("Nothing was changed: it was so already.", "done")
        return back()
    undo = url_for("moderation.undo_one", decision_id=opaque.identifier(row.article_id, row.id))
    desk.tell({"text": MARKED[given], "form": {"url": undo, "button": "Undo"}}, "done")
    return back(row)


MARKS = {
    "pin": (moderation.pin, True),
    "unpin": (moderation.pin, False),
    "close": (moderation.close, True),
    "reopen": (moderation.close, False),
}
MARKED = {
    "pin": "The comment is pinned: it leads its page.",
    "unpin": "The comment is pinned no longer.",
    "close": "The thread is closed: who answers in it waits.",
    "reopen": "The thread takes replies again.",
}


@bp.post("/comments/<comment_id>/ban")
def ban(comment_id: str) -> ResponseReturnValue:
    try:
        given = forms.read(forms.BAN, {name: value for name, value in request.form.items() if value})
        row = ground.transact(
            moderation.ban,
            comment_id,
            Banned(given["kind"]),
            why=given["why"],
            days=given["days"] or 1,
            who=g.person.actor,
            site_ids=g.site_ids,
            now=g.now,
        )
    except Refused as error:
        return _again(comment_id, error, "ban")
    whom = "The reader" if row.kind is Banned.READER else "The network"
    told = f"{whom} is banned until {desk.moment(row.until)}: what they send goes to spam."
    desk.tell({"text": told, "links": [{"text": "All bans and words", "url": url_for("moderation.blocked")}]}, "done")
    return back()


@bp.route("/comments/<comment_id>/purge", methods=["GET", "POST"])
def purge(comment_id: str) -> ResponseReturnValue:
    """Erase a comment for good, for an administrator, after a question."""
    site_ids: list[UUID] = g.person.sites(Role.ADMINISTRATOR)
    item = moderation.one(comment_id, site_ids)
    if request.method == "GET":
        return render_template("moderation/purge.html", item=item)
    given = forms.read(forms.SEEN, request.form)
    try:
        ground.transact(
            moderation.purge,
            moderation.Choice(comment_id, given["version"]),
            who=g.person.actor,
            site_ids=site_ids,
            reason=given["reason"] or None,
            now=g.now,
        )
    except Missing:
        raise
    except Refused as error:
        desk.tell(what_happened(error) if "current" in error.extra else error.detail, "warning")
    else:
        ground.scrub()
        desk.tell("The comment is erased for good. What was decided about it stays in the history.", "done")
    return redirect(url_for("moderation.comment", comment_id=comment_id), 303)
