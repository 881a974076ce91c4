"""The list of sites, what one site has settled for itself, adding one and removing one that nobody needs."""

import re
from dataclasses import asdict
from typing import Any

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from feedback import administration, articles, aspects, changes, forms, notices, removal, sightings
from feedback.changes import Kind
from feedback.db import transact
from feedback.errors import Conflict, Invalid, Refused
from feedback.policy import REASON_CODE, read_policy
from feedback.views import desk
from feedback.views.admin import room
from feedback.views.admin.fields import Choice, Form, Line, Lines, Number, each_line, number, origin_lines
from feedback.views.admin.room import bp

MAX_REASONS = 20
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*", re.IGNORECASE)

MODERATION = {
    "pre": ("Every comment waits", "Moderators see it before readers do."),
    "first": ("First comments wait", "Once one was approved, that reader’s next ones appear at once."),
    "post": ("Comments appear at once", "Only those wait that a rule holds, such as too many links."),
    "closed": ("No new comments", "Those that were published stay."),
}
ADMITS = {
    "open": ("Every page on a listed origin", "Its article is made with the first vote or comment."),
    "registered": ("Registered articles only", "Votes and comments of other pages are refused."),
}

EXPLAINS = {
    "off": ("Moderators alone", "The reason stands in the history of the comment."),
    "on": ("Its reader, too", "By mail, to who asked for mail about replies and confirmed the address."),
}
FIGURE = {
    "off": ("Their own answer", "What others answered is for authors."),
    "on": ("How many it helped", "“87 of 100 readers found this helpful”, from 20 votes on."),
}


def _language(value: str) -> str:
    tag = value.strip()
    if not LANGUAGE.fullmatch(tag) or len(tag) > 35:
        raise ValueError("This should be a language tag such as en, de or pt-BR.")
    return tag


def _reason(line: str) -> dict[str, str]:
    """Read `code: label`, or a label alone, which gets a code of its letters."""
    code, colon, label = (part.strip() for part in line.partition(":"))
    if not colon or not REASON_CODE.fullmatch(code):
        code, label = re.sub(r"[^a-z0-9]+", "_", line.lower()).strip("_")[:64], line
    if not REASON_CODE.fullmatch(code):
        raise ValueError("Put a code of small letters and a colon before it, such as too_long: Too long.")
    if not label:
        raise ValueError("The words that readers see are missing.")
    return {"code": code, "label": forms.line(80)(label)}


class SettingsForm(Form):
    """What a site has settled for itself."""

    version = HiddenField()
    name = Line("Name", forms.line(articles.MAX_SITE_NAME_CHARS), "A site needs a name.")
    origins = Lines("Origins of your pages", origin_lines, "A site needs at least one origin that its pages come from.")
    admits = Choice("Which pages may ask", ADMITS)
    question = Line("Question", forms.line(200), "A site needs a question.")
    reasons = Lines("Reasons after No", each_line(_reason, most=MAX_REASONS), "A site needs at least one reason.")
    lang = Line("Language", _language)
    show_figure = Choice("What readers see of the answers", FIGURE)
    moderation = Choice("Moderation", MODERATION)
    guidelines = Lines("Guidelines", forms.line(1_000))
    notice = Lines("Notice", forms.line(1_000))
    max_chars = Number("Longest comment, in characters", number(100, 5_000))
    max_links = Number("Links in a comment before it waits", number(0, 50))
    score_limit = Number("Learned score over which a comment waits, in percent", number(1, 100))
    score_trust = Number("Learned score under which a comment is published at once, in percent", number(0, 50))
    flag_limit = Number("Readers' flags before a comment waits again", number(1, 100))
    rejections = Lines("Reasons to reject", each_line(forms.line(300), most=MAX_REASONS), "Keep at least one reason.")
    explains = Choice("Who is told the reason", EXPLAINS)
    promise_hours = Number("Decided within, in hours", number(0, 24 * 31))
    quarantine_limit = Number("Votes of one network on one article in one day", number(1, 100_000))

    def state(self) -> dict[str, Any]:
        """Return the site's state that the form describes. Raises Invalid."""
        values = {name: self[name].value for name in POLICY if name in TYPED}
        values |= {name: self[name].data for name in POLICY if name not in TYPED}
        values["texts"] = room.site().policy.texts
        settings = aspects.settled(read_policy(values))
        return {"name": self.name.value, "origins": list(dict.fromkeys(self.origins.value)), "settings": settings}


POLICY = tuple(name for name in aspects.WORDS if name != "texts")  # which have a page of their own
TYPED = frozenset(POLICY) - {"moderation", "admits", "show_figure", "explains"}


def _typed(site: articles.SiteView) -> dict[str, Any]:
    """Return a site's settings as the form's fields show them."""
    policy = {name: value for name, value in asdict(site.policy).items() if name in POLICY}
    reasons = "\n".join(f"{reason.code}: {reason.label}" for reason in site.policy.reasons)
    return {**policy, "name": site.name, "origins": "\n".join(site.origins), "reasons": reasons} | {
        "rejections": "\n".join(site.policy.rejections)
    }


@bp.get("/")
def index() -> ResponseReturnValue:
    sites = articles.sites(g.site_ids)
    lines = [(site, sightings.of(site.id, site.origins), len(notices.given_up([site.id]))) for site in sites]
    return render_template("admin/index.html", lines=lines)


@bp.route("/sites/<slug>/settings", methods=["GET", "POST"])
def settings() -> ResponseReturnValue:
    site, subject = room.site(), room.subject(Kind.SITE)
    form = SettingsForm(**_typed(site), version=changes.version(subject))
    if request.method == "GET":
        return _settings(form)
    if not form.validate():
        return _settings(form), 422
    try:
        change = transact(changes.make, subject, form.state(), room.by(), seen=form.version.data)
    except Invalid as error:
        form.refuse({"origins" if name == "origin" else name: told for name, told in error.errors.items()})
        return _settings(form), 422
    except Conflict as conflict:
        return _overtaken(form, conflict), 409
    room.tell(change)
    return redirect(room.here("settings"), 303)


def _settings(form: SettingsForm, **more: Any) -> str:
    return render_template("admin/settings.html", form=form, **more)


def _overtaken(form: SettingsForm, conflict: Conflict) -> str:
    """Show what was typed beside what somebody else has saved meanwhile; saving again overwrites it knowingly."""
    saved = _typed(articles.site(room.site().slug))
    form.version.data = changes.version(room.subject(Kind.SITE))
    other = {name: value for name, value in saved.items() if str(form[name].data or "").split() != str(value).split()}
    return _settings(form, overtaken=True, last=conflict.extra["last"], saved=other)


# Adding and removing


def _slug(value: str) -> str:
    if not articles.SLUG.fullmatch(value.strip()):
        raise ValueError("A short name has small letters, digits and hyphens, at most 64.")
    return value.strip()


class SiteForm(Form):
    """A new site."""

    name = Line("Name", forms.line(articles.MAX_SITE_NAME_CHARS), "A site needs a name.")
    slug = Line("Short name", _slug)
    origins = Lines("Origins of your pages", origin_lines, "A site needs at least one origin that its pages come from.")


@bp.route("/new-site", methods=["GET", "POST"])
def new_site() -> ResponseReturnValue:
    form = SiteForm()
    if request.method == "GET":
        return render_template("admin/new_site.html", form=form)
    if not form.validate():
        return render_template("admin/new_site.html", form=form), 422
    given = {"name": form.name.value, "origins": form.origins.value}
    try:
        made = transact(administration.open_site, form.slug.value, by=room.by(), **given)
    except Conflict as conflict:
        form.refuse({"slug": [conflict.detail]})
        return render_template("admin/new_site.html", form=form), 422
    desk.tell(f"You added the site {made.name}. Now put it on your pages.", "done")
    return redirect(url_for("admin.pages", slug=made.slug), 303)


@bp.route("/sites/<slug>/remove", methods=["GET", "POST"])
def remove_site() -> ResponseReturnValue:
    site = room.site()
    if request.method == "GET":
        return render_template("admin/remove_site.html")
    try:
        transact(removal.remove_site, site.slug)
    except Refused as refusal:
        desk.tell(refusal.detail, "warning")
        return redirect(room.here("settings"), 303)
    desk.tell(f"The site {site.name} is gone.", "done")
    # Whoever administers no other site has no place among these pages any more.
    return redirect(url_for("admin.index" if len(g.site_ids) > 1 else "desk.home"), 303)
