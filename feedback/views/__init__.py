"""The doors: HTTP in and out, one module per audience. A view loads, validates, calls one rule, answers."""

import secrets

from flask import Flask, Response, g, request
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from feedback import db, folder
from feedback.forms import MAX_BODY_BYTES
from feedback.limits import Limiter
from feedback.readers import Networks


def init_app(app: Flask) -> None:
    """Register every door, and what they share."""
    from feedback.views import (
        account,
        admin,
        api,
        authors,
        desk,
        feeds,
        front,
        health,
        moderation,
        moderation_api,
        notices,
        openapi,
        pages,
        password,
        problems,
        replies,
        scripts,
        second_factor,
        unsubscribe,
        widget,
    )

    settings = app.config["SETTINGS"]
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1  # see forms.body
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    Migrate(app, db.db, directory=str(folder("migrations")))
    app.extensions["limiter"] = Limiter(settings.limits_url, enabled=settings.limits)
    app.extensions["networks"] = Networks()
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    app.before_request(_name_request)
    app.after_request(_sign)
    problems.init_app(app)
    desk.init_app(app)
    scripts.init_app(app)
    account.init_app(app)
    for blueprint in (
        health.bp,
        widget.bp,
        pages.bp,
        api.bp,
        moderation_api.bp,
        moderation.bp,
        authors.bp,
        admin.bp,
        password.bp,
        second_factor.bp,
        notices.bp,
        replies.bp,
        unsubscribe.bp,
        feeds.bp,
        openapi.bp,
    ):
        app.register_blueprint(blueprint)
    front.init_app(app)


def _name_request() -> None:
    g.request_id = secrets.token_hex(8)
    # An unknown Host is refused before any view runs.
    _ = request.host


def _sign(answer: Response) -> Response:
    answer.headers["X-Request-ID"] = g.get("request_id") or secrets.token_hex(8)
    return answer
