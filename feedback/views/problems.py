"""Refusals and faults become answers here: RFC 9457 problems for the API, plain pages for people."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from sqlalchemy.exc import DBAPIError, TimeoutError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from feedback.errors import Invalid, Refused, Unavailable
from feedback.forms import MAX_BODY_BYTES
from feedback.views import spoken

log = logging.getLogger(__name__)

SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    500: "Something went wrong on our side. The fault was logged under this request's id.",
}


def init_app(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _storage)
    app.register_error_handler(TimeoutError, _storage)
    app.register_error_handler(Exception, _fault)


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **extra: Any) -> Response:
    """Return a problem as RFC 9457 writes it, or as a page where a person asked for one, in a reader's language."""
    if "language" not in g:
        spoken.learn()
    detail = spoken.retell(detail)
    if "errors" in extra:
        extra["errors"] = {name: [*map(spoken.retell, told)] for name, told in extra["errors"].items()}
    if _wants_json():
        answer = jsonify(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, **extra)
        answer.content_type = "application/problem+json"
    else:
        template = "pages/error.html" if spoken.is_for_readers() else "errors/error.html"
        words = {"status": status, "title": HTTPStatus(status).phrase, "detail": detail, **spoken.words()}
        answer = current_app.make_response(render_template(template, **words))
    answer.status_code = status
    # A refusal may be over at the next request.
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.update(headers or {})
    return answer


def _wants_json() -> bool:
    # A page links to others, which cannot be done under a Host that is not ours.
    if isinstance(request.routing_exception, SecurityError):
        return True
    return request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))


def _refused(error: Refused) -> Response:
    headers: dict[str, str] = {}
    if hasattr(error, "retry_after"):
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    extra = {"errors": error.errors} if isinstance(error, Invalid) else error.extra
    return problem(error.status, error.detail, headers, **extra)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:
        return current_app.make_response(error.get_response())
    if isinstance(error, RequestEntityTooLarge):
        detail = f"The request is too large: at most {MAX_BODY_BYTES // 1024} KiB."
    else:
        detail = SENTENCES.get(status) or error.description or HTTPStatus(status).phrase
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Location")}
    return problem(status, detail, headers)


def _storage(error: DBAPIError | TimeoutError) -> Response:
    return _refused(unavailable(error))


def unavailable(error: DBAPIError | TimeoutError) -> Unavailable:
    """Log that storage does not answer, and return the refusal that says so."""
    # The statement and the kind of the fault, never its values: they can hold what readers wrote.
    log.error("storage does not answer (request %s): %s", g.get("request_id"), type(error.__cause__ or error).__name__)
    return Unavailable("The service cannot store or read anything just now. Please try again in a moment.")


def _fault(error: Exception) -> Response:
    log.exception("fault in request %s", g.get("request_id"))
    return problem(500, SENTENCES[500])
