"""Whether the process lives (`/healthz`) and whether it can serve (`/readyz`: database and migrations)."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from feedback import schema
from feedback.errors import Unavailable

bp = Blueprint("health", __name__)
FRESH = {"Cache-Control": "no-store"}


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    return {"status": "ok"}, FRESH


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    current = schema.current()
    if current != schema.newest():
        raise Unavailable("The database schema is not that of this version. Run `feedback db upgrade`.")
    return {"status": "ok", "schema": current}, FRESH
