"""What all staff pages share: who may enter, session and CSRF, headers, the way home.

A page that has a session wants a signed-in person, unless it is listed in OPEN; the guard of a blueprint wants a role
besides. Paths under SESSIONLESS belong to readers and machines: there no cookie is read or set.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from itsdangerous import BadSignature

from feedback import clock, staff, text
from feedback.errors import Malformed, Missing, Refused
from feedback.models import Role
from feedback.views import access

SESSIONLESS = (
    "/api/", "/embed.js", "/f/", "/feeds/", "/healthz", "/metrics", "/readyz", "/replies/", "/static/",
    "/unsubscribe/", "/widget",
)  # fmt: skip
OPEN = frozenset({"account.sign_in", "password.forgotten", "password.choose", "second_factor.step"})
BEFORE_SECOND_FACTOR = frozenset({"second_factor.page", "account.sign_out"})  # where all else wants one
COOKIE = "feedback_session"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")  # browsers read `//`, `/\` and controls as another host
HSTS = "max-age=31536000"  # a year; only where the service's own address is https

bp = Blueprint("desk", __name__)
csrf = CSRFProtect()


@dataclass(frozen=True)
class Person:
    """Who is signed in, and their roles by site."""

    id: UUID
    name: str
    email: str
    roles: dict[UUID, set[Role]]

    @property
    def actor(self) -> staff.Actor:
        return staff.Actor(self.name, self.id)

    def sites(self, *wanted: Role) -> list[UUID]:
        """Return the sites on which this person has one of these roles, or is administrator."""
        return [site_id for site_id, roles in self.roles.items() if staff.may(roles, *wanted)]


@dataclass(frozen=True)
class Room:
    """A part of the staff pages: its name in the navigation, its first page, and whom it is for."""

    name: str
    endpoint: str
    roles: tuple[Role, ...]


ROOMS = (
    Room("Queue", "moderation.queue", (Role.MODERATOR,)),
    Room("Decisions", "moderation.decisions", (Role.MODERATOR,)),
    Room("Bans and words", "moderation.blocked", (Role.MODERATOR,)),
    Room("My articles", "authors.index", (Role.AUTHOR, Role.REVIEWER)),
    Room("Administration", "admin.index", (Role.ADMINISTRATOR,)),
)


def init_app(app: Flask) -> None:
    """Set up sessions, CSRF, headers and the home page of the staff."""
    https = app.config["SETTINGS"].https
    app.config.from_mapping(
        # Browsers take a __Host- cookie only over HTTPS, for this host alone and for the path /.
        SESSION_COOKIE_NAME=f"__Host-{COOKIE}" if https else COOKIE,
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        # `enter` checks every staff page; a form lives as long as its session.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.session_interface = Sessions()
    csrf.init_app(app)
    app.before_request(enter)
    app.after_request(harden)
    app.context_processor(shared)
    app.add_template_filter(text.published)
    app.add_template_filter(ago)
    app.add_template_filter(moment)
    app.register_blueprint(bp)


def shared() -> dict[str, Any]:
    """What every page may show."""
    mine = rooms()
    return {"person": g.get("person"), "rooms": mine, "room": room(mine), "asset": asset}


def has_session(path: str) -> bool:
    """Whether a path is one of the staff's, where a session cookie is read and set."""
    return not path.startswith(SESSIONLESS)


class Sessions(SecureCookieSessionInterface):
    """Signed session cookies on staff pages, none elsewhere.

    How long a person stays signed in is checked when the account is looked up, because a signature's own age turns
    every session invalid when the clock is put back.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if not has_session(request.path):
            return NullSession()
        cookie = request.cookies.get(self.get_cookie_name(app))
        serializer = self.get_signing_serializer(app)
        if not cookie or serializer is None:
            return SecureCookieSession()
        try:
            return SecureCookieSession(serializer.loads(cookie))
        except BadSignature:
            return SecureCookieSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, NullSession):
            super().save_session(app, session, response)


def enter() -> ResponseReturnValue | None:
    """Let nobody but signed-in people past the open pages, and no form without its CSRF token."""
    if not has_session(request.path):
        return None
    g.now = clock.now()
    g.person = _person()
    if request.endpoint is None:
        return None
    if request.method not in access.SAFE:
        access.count_write()
    if g.person is None and request.endpoint not in OPEN:
        # What a form wanted cannot be repeated by a link, so that only pages are returned to.
        came_for = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
        return redirect(url_for("account.sign_in", next=came_for), 303)
    try:
        csrf.protect()
    except CSRFError as error:
        raise Malformed(
            "This form was no longer valid: it had been open for too long, or this browser keeps no cookies."
        ) from error
    if _lacks_second_factor() and request.endpoint not in OPEN | BEFORE_SECOND_FACTOR:
        return redirect(url_for("second_factor.page"), 303)
    return None


def _lacks_second_factor() -> bool:
    """Whether this session was opened without a second factor that the service wants of everybody."""
    wanted = current_app.config["SETTINGS"].require_second_factor
    return bool(wanted) and g.person is not None and not session.get("second_factor")


def _person() -> Person | None:
    from flask_security import current_user

    if not current_user.is_authenticated:
        return None
    return Person(current_user.id, current_user.name, current_user.email, staff.roles_of(current_user.id))


def guard(blueprint: Blueprint, *wanted: Role) -> None:
    """Refuse all pages of a blueprint to whoever has none of these roles on any site. `g.site_ids` says on which."""

    @blueprint.before_request
    def refuse_others() -> None:
        g.site_ids = g.person.sites(*wanted)
        if not g.site_ids:
            raise Refused("Your account has no part in this. An administrator of your site can give you the role.")


def rooms() -> list[Room]:
    """Return the parts of the staff pages that the signed-in person may enter."""
    person = g.get("person")
    if person is None:
        return []
    return [room for room in ROOMS if room.endpoint in current_app.view_functions and person.sites(*room.roles)]


def room(mine: list[Room]) -> Room | None:
    """Return the part that this page belongs to."""
    here = [each for each in mine if each.endpoint.partition(".")[0] == request.blueprint]
    return next((each for each in here if each.endpoint == request.endpoint), here[0] if here else None)


@bp.get("/")
def home() -> ResponseReturnValue:
    mine = rooms()
    return redirect(url_for(mine[0].endpoint), 303) if mine else render_template("account/no_role.html")


def tell(message: str | dict[str, Any], kind: str) -> None:
    """Show a message on the next page: a sentence, or `text` with the moment to `undo`, a `form` or `links`."""
    flash(cast(str, message), kind)


def local(target: str | None) -> str:
    """Return the path to go on to, or the home page for anything that could lead to another host."""
    return target if target and LOCAL.fullmatch(target) else url_for("desk.home")


def harden(response: Response) -> Response:
    """Send the headers of staff pages, and say to guess no content type anywhere."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if current_app.config["SETTINGS"].https:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    if has_session(request.path):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    elif request.endpoint == "static" and request.args.get("v") == _version(request.path.rsplit("/", 1)[-1]):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def asset(name: str) -> str:
    """Return the address of a static file, which changes with its content, so that browsers may keep it for good."""
    return url_for("static", filename=name, v=_version(name))


_versions: dict[tuple[str, int], str] = {}


def _version(name: str) -> str:
    path = Path(current_app.static_folder or "") / name
    try:
        key = (name, path.stat().st_mtime_ns)
        if key not in _versions:
            _versions[key] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except (OSError, ValueError):
        return "-"  # Nothing is there, or a folder; or no file can have such a name.
    return _versions[key]


# Addresses


def identifier(value: str) -> UUID:
    """Return the id in an address. Raises Missing for what is none."""
    try:
        return UUID(value)
    except ValueError as error:
        raise Missing("There is nothing at this address.") from error


# Times


def ago(then: datetime) -> str:
    """Say how long ago something was: "just now", "5 minutes ago", "3 days ago"."""
    seconds = max(0, int((g.now - then).total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def moment(then: datetime) -> str:
    """Write a time for people: "3 May 2026, 10:05 UTC"."""
    utc = then.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"
