"""Whether the process lives (`/healthz`), whether it can serve (`/readyz`), what is worth watching (`/metrics`)."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from feedback import clock, metrics, schema
from feedback.errors import Refused, Unavailable
from feedback.models import Role
from feedback.views import access

bp = Blueprint("health", __name__)
FRESH = {"Cache-Control": "no-store"}
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    return {"status": "ok"}, FRESH


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    current = schema.current()
    if current != schema.newest():
        raise Unavailable("The database schema is not that of this version. Run `feedback db upgrade`.")
    return {"status": "ok", "schema": current}, FRESH


@bp.get("/metrics")
def prometheus() -> ResponseReturnValue:
    """Give a site's figures to Prometheus, for the token of one of its administrators."""
    principal = access.bearer()
    if principal.role is not Role.ADMINISTRATOR:
        raise Refused("The metrics of a site are for the token of an administrator.")
    return metrics.of(principal.site_id, now=clock.now()), FRESH | {"Content-Type": PROMETHEUS}
