"""What all pages of the administration share: whose they are, the site they are about, telling what was changed."""

from functools import partial
from typing import Any, cast

from flask import Blueprint, current_app, g, request, url_for

from feedback import articles, delivery, notices
from feedback.changes import By, Kind, Subject
from feedback.errors import Missing
from feedback.models import Change, Role
from feedback.views import desk

bp = Blueprint("admin", __name__, url_prefix="/admin")
desk.guard(bp, Role.ADMINISTRATOR)

TABS = {
    "admin.settings": "Settings",
    "admin.pages": "On your pages",
    "admin.catalogue": "Articles",
    "admin.people": "People",
    "admin.tokens": "Tokens",
    "admin.hooks": "Webhooks",
    "admin.mail": "Mail",
    "admin.log": "Changes",
}


@bp.before_request
def find_site() -> None:
    """Find the site of the address among those the person administers; others are not there."""
    slug = (request.view_args or {}).pop("slug", None)
    if slug is None:
        return
    for found in articles.sites(g.site_ids):
        if found.slug == slug:
            g.site = found
            return
    raise Missing("There is no such site here.")


@bp.context_processor
def shared() -> dict[str, Any]:
    if "site" not in g:
        return {"tabs": {}}
    # Asked for only where it is shown: a page that tells of a storage that fails must not ask it again.
    undelivered = partial(notices.given_up, [g.site.id])
    return {"site": g.site, "tabs": TABS, "undelivered": undelivered, "sends": sends_mail()}


def site() -> articles.SiteView:
    """The site this page is about."""
    return cast(articles.SiteView, g.site)


def here(endpoint: str, **values: Any) -> str:
    """Return the address of a page about the same site."""
    return url_for(f"admin.{endpoint}", slug=site().slug, **values)


def by() -> By:
    """Who is at it, and when."""
    return By(g.person.actor, g.site_ids, g.now)


def subject(kind: Kind, **about: str) -> Subject:
    return Subject(site().id, kind, about)


def tell(change: Change | None, also: str = "") -> None:
    """Confirm a change on the next page, with the button that takes it back."""
    if change is None:
        desk.tell("Nothing was changed: it was so already.", "done")
        return
    undo = {"url": here("undo", change_id=change.id), "button": "Undo"}
    desk.tell({"text": " ".join(filter(None, [f"You {change.what}.", also])), "form": undo}, "done")


def sends_mail() -> bool:
    return delivery.can_send(current_app.config["SETTINGS"])


def own_address() -> str:
    """Return the address that pages and people reach this service at."""
    return str(current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/"))
