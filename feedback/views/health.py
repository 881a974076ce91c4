"""Whether the process lives (`/healthz`) and whether it can serve (`/readyz`: database and migrations)."""

from flask import Blueprint, current_app
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
    state = schema.state(current_app)
    if not state.current:
        raise Unavailable("The database schema is outdated. Run `feedback db upgrade`.")
    return {"status": "ok", "schema": state.found}, FRESH
