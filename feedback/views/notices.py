"""What mail somebody gets about each of their sites, and the private feed of its queue."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, digests, queue_feeds, staff, weekly
from feedback.db import transact
from feedback.errors import Invalid, Missing
from feedback.models import Pace, Role
from feedback.views import desk
from feedback.views.admin.room import own_address, sends_mail

PACES = {
    Pace.EACH: ("As they come", "A minute after a comment begins to wait; several at a time share a letter."),
    Pace.HOURLY: ("Hourly", "What began to wait in the hour before, if anything did."),
    Pace.DAILY: ("Daily", "At five in the morning, UTC."),
    Pace.NEVER: ("Never", "You look into the queue by yourself."),
}
UNSAFE = (Role.REVIEWER, Role.MODERATOR)  # who may be warned

bp = Blueprint("notices", __name__, url_prefix="/account/notices")


@dataclass(frozen=True)
class Place:
    """A site with what the person gets about it; `feed` is since when they have a feed of its queue."""

    site: articles.SiteView
    wish: digests.Wish
    moderates: bool
    warned: bool
    writes: bool  # or reviews, or administers: there may be an alert to get
    weekly: bool  # there may be a week to be told of
    feed: datetime | None


@bp.get("")
def page() -> ResponseReturnValue:
    return _page()


def _page(secret: str | None = None, slug: str | None = None) -> str:
    address = f"{own_address()}{url_for('feeds.of_queue', site=slug, token=secret)}" if secret else None
    return render_template(
        "account/notices.html", places=_places(), paces=PACES, sends=sends_mail(), address=address, made=slug
    )


def _places() -> list[Place]:
    feeds = queue_feeds.of(g.person.id)
    found = []
    for site in articles.sites(list(g.person.roles)):
        roles = g.person.roles[site.id]
        wish = digests.wish(g.person.id, site.id, roles)
        place = Place(
            site,
            wish,
            moderates=staff.may(roles, Role.MODERATOR),
            warned=staff.may(roles, *UNSAFE),
            writes=staff.may(roles, *staff.BYLINES),
            weekly=bool(roles & staff.BYLINES) or weekly.has_articles(g.person.id, site.id),
            feed=feeds.get(site.id),
        )
        found.append(place)
    return found


@bp.post("/<slug>")
def choose(slug: str) -> ResponseReturnValue:
    place = _place(slug)
    pace = request.form.get("pace", place.wish.pace.value)
    if pace not in set(Pace):
        raise Invalid({"pace": ["Choose one of these."]})
    # What somebody was not asked stays: who only reviews has no queue to be told of.
    wanted = digests.Wish(
        Pace(pace) if place.moderates else place.wish.pace,
        _ticked("unsafe") if place.warned else place.wish.unsafe,
        _ticked("drops") if place.writes else place.wish.drops,
        _ticked("weekly") if place.weekly else place.wish.weekly,
    )
    transact(digests.choose, g.person.id, place.site.id, wanted)
    desk.tell(f"Saved: what you get about {place.site.name}.", "done")
    return redirect(url_for("notices.page"), 303)


def _ticked(name: str) -> bool:
    return request.form.get(name) == "yes"


def _place(slug: str) -> Place:
    for place in _places():
        if place.site.slug == slug:
            return place
    raise Missing("There is nothing to be told of at this site.")


@bp.post("/<slug>/feed")
def make_feed(slug: str) -> ResponseReturnValue:
    """Make the feed's address and show it here and now, because it is stored nowhere that a next page could read."""
    place = _moderated(slug)
    secret = transact(queue_feeds.make, g.person.id, place.site.id, now=g.now)
    return _page(secret, slug)


@bp.post("/<slug>/feed/revoke")
def revoke_feed(slug: str) -> ResponseReturnValue:
    place = _moderated(slug)
    if transact(queue_feeds.revoke, g.person.id, place.site.id):
        desk.tell(f"The feed of {place.site.name} is closed: its address is worth nothing any more.", "done")
    return redirect(url_for("notices.page"), 303)


def _moderated(slug: str) -> Place:
    place = _place(slug)
    if not place.moderates:
        raise Missing("You do not moderate this site.")
    return place
