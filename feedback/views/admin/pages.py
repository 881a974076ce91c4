"""The two lines to paste, and whether the pages they were pasted into have asked for anything yet."""

from flask import current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from feedback import administration, articles, sightings
from feedback.db import transact
from feedback.errors import Invalid, Missing
from feedback.views.admin import room
from feedback.views.admin.room import bp


@bp.get("/sites/<slug>/pages")
def pages() -> ResponseReturnValue:
    site, address = room.site(), room.own_address()
    is_local = current_app.config["SETTINGS"].public_url is None
    return render_template(
        "admin/pages.html",
        snippet=articles.snippet(site.slug, address),
        address=address,
        check=sightings.of(site.id, site.origins),
        is_local=is_local,
        # Browsers let no page that came over HTTPS load a script that does not.
        mixed=not is_local and address.startswith("http:") and any(each.startswith("https:") for each in site.origins),
    )


@bp.post("/sites/<slug>/origins")
def list_origin() -> ResponseReturnValue:
    """List an origin whose pages have asked already."""
    site, origin = room.site(), request.form.get("origin", "")
    if origin not in {row.origin for row in sightings.of(site.id, site.origins).unlisted}:
        raise Missing("No page of that origin has asked lately. You can list it in the settings.")
    try:
        change = transact(administration.list_origin, site, origin, room.by())
    except Invalid as error:
        raise Missing(error.detail) from error
    room.tell(change)
    return redirect(room.here("pages"), 303)
