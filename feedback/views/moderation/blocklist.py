"""Whom and what a site keeps out: bans, and blocked or watched words, links and names, each with who and why."""

from datetime import timedelta
from typing import Any

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, blocklist, forms, moderation
from feedback import db as ground
from feedback.errors import Missing, Refused
from feedback.models import Effect, Listed
from feedback.views import desk
from feedback.views.moderation.room import bp

KINDS = {"word": "Word or phrase in the text", "link": "Link", "name": "Name"}
EFFECTS = {"watch": "Watch: the comment waits", "block": "Block: the comment goes to spam"}
UNTIL = {"": "for good", "7": "for a week", "30": "for 30 days", "365": "for a year"}


@bp.get("/blocklist")
def blocked() -> ResponseReturnValue:
    return _page()


def _page(**more: Any) -> str:
    sites = articles.sites(g.site_ids)
    return render_template(
        "moderation/blocklist.html",
        sites=sites,
        site_names={site.id: site.name for site in sites},
        words=blocklist.words(g.site_ids),
        bans=blocklist.bans(g.site_ids, now=g.now),
        kinds=KINDS,
        effects=EFFECTS,
        until=UNTIL,
        **more,
    )


@bp.post("/blocklist/words")
def list_word() -> ResponseReturnValue:
    try:
        given = forms.read(forms.WORD, {name: value for name, value in request.form.items() if value})
        until = g.now + timedelta(days=given["days"]) if given["days"] else None
        entry = blocklist.Entry(
            Listed(given["kind"]), Effect(given["effect"]), given["pattern"], given["why"], until=until
        )
        word = ground.transact(blocklist.list_word, _site(given["site"]).id, entry, who=g.person.actor, now=g.now)
    except Missing:
        raise
    except Refused as error:
        return _page(typed=request.form, trouble=error.detail), error.status
    desk.tell(f"“{word.pattern}” is {'blocked' if word.effect is Effect.BLOCK else 'watched'} from now on.", "done")
    return redirect(url_for("moderation.blocked"), 303)


def _site(slug: str | None) -> articles.SiteView:
    found = [site for site in articles.sites(g.site_ids) if slug in (None, site.slug)]
    if len(found) != 1:
        raise Missing("There is no such site here.")
    return found[0]


@bp.post("/blocklist/words/<word_id>/remove")
def unlist_word(word_id: str) -> ResponseReturnValue:
    word = ground.transact(blocklist.unlist_word, desk.identifier(word_id), site_ids=g.site_ids)
    desk.tell(f"“{word.pattern}” is on the list no longer.", "done")
    return redirect(url_for("moderation.blocked"), 303)


@bp.post("/blocklist/bans/<ban_id>/lift")
def lift(ban_id: str) -> ResponseReturnValue:
    ground.transact(moderation.lift, desk.identifier(ban_id), who=g.person.actor, site_ids=g.site_ids, now=g.now)
    desk.tell("The ban is lifted.", "done")
    return redirect(url_for("moderation.blocked"), 303)
