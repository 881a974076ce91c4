"""JSON for moderators, with a bearer token: all that the pages do, by the same rules, in the same history."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from feedback import blocklist, clock, comments, forms, moderation, staff, triage
from feedback.db import scrub, transact
from feedback.errors import Invalid
from feedback.models import Banned, Decision, Effect, Listed, Role
from feedback.moderation import batches
from feedback.views import access, desk, intake

bp = Blueprint("moderation_api", __name__, url_prefix="/api/v1/<site>")
access.guard(bp, staff_only=True)


# The queue, and deciding


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    access.require(Role.MODERATOR)
    asked = forms.read(forms.QUEUE, request.args)
    page = moderation.queue(
        _filter(asked, older=asked["older"]),
        sort=asked["sort"] or "oldest",
        after=asked["cursor"],
        limit=asked["limit"] or moderation.DEFAULT_PAGE,
    )
    return {"total": page.total, "next": page.next, "items": [item.public() for item in page.items]}


@bp.get("/queue/figures")
def figures() -> ResponseReturnValue:
    """How full the lists are, how long comments wait, the day's work, and what the learned score is worth."""
    principal = access.require(Role.MODERATOR)
    site, now = access.site(), clock.now()
    waits, record = moderation.ageing((site.id,)), triage.record_of(site.id, site.policy.score_limit)
    return {
        "lists": moderation.totals((site.id,)),
        "oldest": clock.rfc3339(waits.oldest) if waits.oldest else None,
        "usual_seconds": waits.usual.total_seconds() if waits.usual else None,
        "promise_hours": site.policy.promise_hours,
        "today": asdict(moderation.day((site.id,), by=principal.actor.id, now=now)),
        "score": record.public() if record else None,
        "rejections": site.policy.rejections,
    }


def _filter(asked: dict[str, Any], *, older: int | None = None) -> moderation.Filter:
    return moderation.Filter(
        (access.site().id,),
        asked["state"] or "pending",
        asked["article"],
        asked["held"] or None,
        asked["q"] or None,
        asked["score"],
        clock.now() - timedelta(hours=older) if older else None,
    )


@bp.post("/decisions")
def decide() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    given = forms.read(forms.DECISION, forms.body(request))
    if given["filter"] is not None:
        return _decide_in_bulk(principal, given)
    rows = transact(
        moderation.decide,
        _choices(given),
        moderation.Action(given["action"]),
        who=principal.actor,
        site_ids=(principal.site_id,),
        reason=given["reason"] or None,
        now=clock.now(),
    )
    return _decisions(*rows)


def _choices(given: dict[str, Any]) -> tuple[moderation.Choice, ...]:
    if given["comments"]:
        return tuple(given["comments"])
    _demand(given, "comment", "version")
    return (moderation.Choice(given["comment"], given["version"]),)


def _demand(given: dict[str, Any], *names: str) -> None:
    """Refuse what lacks a field that is needed only together with others."""
    missing = {name: ["This is missing."] for name in names if not given[name]}
    if missing:
        raise Invalid(missing)


def _decisions(*rows: Decision | None) -> ResponseReturnValue:
    return {"decisions": [moderation.public(row) for row in rows if row is not None]}


def _decide_in_bulk(principal: staff.Principal, given: dict[str, Any]) -> ResponseReturnValue:
    _demand(given, "before")
    if given["comments"] or given["comment"]:
        raise Invalid({"filter": ["Name either comments or a filter."]})
    row = transact(
        batches.begin,
        _filter(given["filter"]),
        moderation.Action(given["action"]),
        before=given["before"],
        reason=given["reason"] or None,
        who=principal.actor,
        now=clock.now(),
    )
    return _under_way(row.id)


def _under_way(batch_id: UUID) -> ResponseReturnValue:
    """Do the first chunk, which of what is small is all; the worker goes on."""
    transact(batches.step, batch_id, now=clock.now())
    return {"batch": batch_id.hex}, 202


@bp.get("/batches/<batch_id>")
def batch(batch_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    return {"batch": batches.public(batches.get(desk.identifier(batch_id), (principal.site_id,)))}


@bp.post("/batches/<batch_id>/undo")
def undo_batch(batch_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    row = transact(batches.undo_batch, desk.identifier(batch_id), who=principal.actor, site_ids=(principal.site_id,))
    return _under_way(row.id)


@bp.post("/decisions/<decision_id>/undo")
def undo(decision_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    return _decisions(
        transact(moderation.undo, decision_id, who=principal.actor, site_ids=(principal.site_id,), now=clock.now())
    )


@bp.post("/undo")
def undo_several() -> ResponseReturnValue:
    """Take decisions back that belong together, all or none."""
    principal = access.require(Role.MODERATOR)
    ids = forms.read(forms.UNDO, forms.body(request))["decisions"]
    rows = transact(moderation.undo_several, ids, who=principal.actor, site_ids=(principal.site_id,), now=clock.now())
    return _decisions(*rows)


@bp.get("/history")
def history() -> ResponseReturnValue:
    """All decisions on a comment, oldest first; or all of a person or token, newest first, a page at a time."""
    principal = access.require(Role.MODERATOR)
    asked = forms.read(forms.HISTORY, request.args)
    if asked["by"]:
        page = moderation.recent((principal.site_id,), by=desk.identifier(asked["by"]), after=asked["cursor"])
        return {"decisions": [moderation.entry(row) for row, _ in page.items], "next": page.next}
    _demand(asked, "comment")
    rows = moderation.history(asked["comment"], (principal.site_id,))
    return {"decisions": [moderation.entry(row) for row in rows]}


@bp.get("/flags")
def flags() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    item = moderation.one(forms.read(forms.FLAGS, request.args)["comment"], (principal.site_id,))
    return {"flags": [comments.public_flag(flag) for flag in comments.flags_on(item.comment)]}


# One comment, beside deciding on it


@bp.post("/comments/<comment_id>/pin")
def pin(comment_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    pinned = forms.read(forms.PIN, forms.body(request))["pinned"]
    return _decisions(
        transact(
            moderation.pin,
            comment_id,
            pinned,
            who=principal.actor,
            site_ids=(principal.site_id,),
            now=clock.now(),
        )
    )


@bp.post("/comments/<comment_id>/close")
def close(comment_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    closed = forms.read(forms.CLOSE, forms.body(request))["closed"]
    return _decisions(
        transact(
            moderation.close,
            comment_id,
            closed,
            who=principal.actor,
            site_ids=(principal.site_id,),
            now=clock.now(),
        )
    )


@bp.post("/comments/<comment_id>/reply")
def reply(comment_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    given = forms.read(forms.REPLY, forms.body(request))
    row = transact(
        moderation.reply,
        moderation.Choice(comment_id, given["version"]),
        intake.wording(principal.site_id, given["body"]),
        author=_author(principal),
        approve=bool(given["approve"]),
        site_ids=(principal.site_id,),
        now=clock.now(),
    )
    return {"comment": comments.public(row)}, 201


def _author(principal: staff.Principal) -> moderation.Author:
    """Who answers: the person whom the token speaks for, else the site itself."""
    people = {member.id: member.name for member in staff.members(principal.site_id)}
    name = people.get(principal.user_id) if principal.user_id else None
    return moderation.Author(principal.actor, name or access.site().name, principal.role)


@bp.post("/comments/<comment_id>/revise")
def revise(comment_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    given = forms.read(forms.REVISION, forms.body(request))
    return _decisions(
        transact(
            moderation.edit,
            moderation.Choice(comment_id, given["version"]),
            intake.wording(principal.site_id, given["body"]),
            who=principal.actor,
            site_ids=(principal.site_id,),
            now=clock.now(),
        )
    )


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


# Whom and what the site does not want


@bp.post("/comments/<comment_id>/ban")
def ban(comment_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    given = forms.read(forms.BANNED, forms.body(request))
    kind = Banned(given["kind"])
    if kind is Banned.READER:
        _demand(given, "days")
    row = transact(
        moderation.ban,
        comment_id,
        kind,
        why=given["why"],
        days=given["days"] or blocklist.MAX_BAN_DAYS,
        who=principal.actor,
        site_ids=(principal.site_id,),
        now=clock.now(),
    )
    return {"ban": blocklist.public_ban(row)}, 201


@bp.get("/bans")
def bans() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    return {"bans": [blocklist.public_ban(row) for row in blocklist.bans((principal.site_id,), now=clock.now())]}


@bp.post("/bans/<ban_id>/lift")
def lift(ban_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    row = transact(
        moderation.lift, desk.identifier(ban_id), who=principal.actor, site_ids=(principal.site_id,), now=clock.now()
    )
    return {"ban": blocklist.public_ban(row)}


@bp.get("/words")
def words() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    return {"words": [blocklist.public_word(word) for word in blocklist.words((principal.site_id,))]}


@bp.post("/words")
def list_word() -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    given = forms.read(forms.LISTED, forms.body(request))
    entry = blocklist.Entry(
        Listed(given["kind"]), Effect(given["effect"]), given["pattern"], given["why"], given["until"]
    )
    word = transact(blocklist.list_word, principal.site_id, entry, who=principal.actor, now=clock.now())
    return {"word": blocklist.public_word(word)}, 201


@bp.post("/words/<word_id>/remove")
def unlist_word(word_id: str) -> ResponseReturnValue:
    principal = access.require(Role.MODERATOR)
    word = transact(blocklist.unlist_word, desk.identifier(word_id), site_ids=(principal.site_id,))
    return {"word": blocklist.public_word(word)}
