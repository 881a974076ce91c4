"""Who may call the API: pages of an origin the site lists, or the holder of a bearer token. No cookie plays a part."""

import logging
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import cast
from urllib.parse import unquote_to_bytes
from uuid import UUID

from flask import Blueprint, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError

from feedback import articles, clock, staff, untrusted
from feedback.db import transact
from feedback.errors import Malformed, Refused, Unauthorized, Unavailable
from feedback.limits import Limiter
from feedback.models import Role
from feedback.readers import Networks

log = logging.getLogger(__name__)

BEARER = re.compile(r"Bearer ([\x21-\x7e]{1,200})", re.IGNORECASE)
EXPOSED = "Retry-After, X-Request-ID"
SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
UNNOTED_SECONDS = 60.0  # after the use of a token could not be noted, in which a process does not try, as reads wait
PREFLIGHT_SECONDS = "7200"  # the longest Chromium keeps an answer to a preflight


def site() -> articles.SiteView:
    """The site this request is about."""
    return cast(articles.SiteView, g.site)


def limiter() -> Limiter:
    return cast(Limiter, current_app.extensions["limiter"])


def count_write() -> None:
    """Count this request against what one network may write in a second. Raises TooMany.

    Each door does so as a request comes in, so that no write is forgotten: guard() those of the API, `pages` its
    forms, `desk` those of the staff.
    """
    limiter().hit("write", network())


def guard(bp: Blueprint, *, public: Iterable[str] = (), reading: Iterable[str] = (), staff_only: bool = False) -> None:
    """Let only those in who may come: everybody to the `public` endpoints, else listed origins or bearer tokens.

    Whatever is sent counts as a write, but for the `reading` endpoints, which are asked by POST for secrecy alone.
    """
    open_doors = {f"{bp.name}.{name}" for name in public}
    reads = {f"{bp.name}.{name}" for name in reading}

    def find_site() -> Response | None:
        assert request.view_args is not None
        # Known first, so that a page can also read that there is no such site.
        g.public = request.endpoint in open_doors
        g.site = articles.site(request.view_args.pop("site"))
        g.origin = _listed_origin()
        _require_utf8()
        if request.method == "OPTIONS":
            return _preflight()
        if request.method not in SAFE and request.endpoint not in reads:
            count_write()
        if not g.public:
            g.principal = _principal(required=staff_only)
            if g.principal is None and g.origin is None:
                raise Refused(_no_origin())
        return None

    bp.before_request(find_site)
    bp.after_request(_allow_origin)
    if staff_only:
        bp.after_request(_never_cached)


def _require_utf8() -> None:
    # Read leniently, two keys that differ in a broken byte would be one.
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError as error:
        raise Malformed("The address cannot be read: its query should be URL-encoded UTF-8.") from error


def require(*roles: Role) -> staff.Principal:
    """Return the bearer's principal. Raises Refused where its role is not enough."""
    principal = cast(staff.Principal, g.principal)
    if not staff.may({principal.role}, *roles):
        raise Refused(f"A token with the role {principal.role} may not do this.")
    return principal


def _listed_origin() -> str | None:
    given = request.headers.get("Origin")
    return given if given in site().origins else None


def _no_origin() -> str:
    given = request.headers.get("Origin")
    if given is None:
        return "This call needs the Origin of a page of the site, or a bearer token."
    return f"The origin {given[:200]} is not listed for the site “{site().slug}”. Its administrator can add it."


def _preflight() -> Response:
    answer = Response(status=204)
    if g.public or g.origin:
        answer.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT"
        answer.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        answer.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        return answer
    raise Refused(_no_origin())


def _principal(*, required: bool) -> staff.Principal | None:
    if not required and "Authorization" not in request.headers:
        return None
    principal = bearer()
    if principal.site_id != site().id:
        raise Refused("This bearer token belongs to another site.")
    return principal


def bearer() -> staff.Principal:
    """Return whom this request's bearer token stands for, and note its use. Raises Unauthorized."""
    header = request.headers.get("Authorization")
    if header is None:
        raise Unauthorized("This call needs a bearer token of the site.")
    match = BEARER.fullmatch(header.strip())
    now = clock.now()
    principal = staff.authenticate(match[1], now=now) if match else None
    if principal is None:
        raise Unauthorized("This bearer token is not known, or it was revoked.")
    if principal.stale and principal.actor.id:
        _note_use(principal.actor.id, now)
    return principal


def _note_use(token_id: UUID, now: datetime) -> None:
    """Write down that a token was used; what it asks for is answered even where that cannot be written."""
    known = current_app.extensions
    if time.monotonic() < known.get("unnoted_until", 0.0):
        return
    try:
        transact(staff.use_token, token_id, now=now)
    except (DBAPIError, Unavailable) as error:
        known["unnoted_until"] = time.monotonic() + UNNOTED_SECONDS
        log.warning("the use of a token could not be noted (%s)", type(error).__name__)


def _never_cached(answer: Response) -> Response:
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _allow_origin(answer: Response) -> Response:
    if g.get("public"):
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        answer.vary.add("Accept-Encoding")
    else:
        answer.vary.add("Origin")
        origin = g.origin if "site" in g else _unchecked_origin(answer)
        if origin:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Expose-Headers"] = EXPOSED
    return answer


def _unchecked_origin(answer: Response) -> str | None:
    """Where storage failed before the site was known, any page may read that, for it tells of nothing else."""
    return request.headers.get("Origin") if answer.status_code == Unavailable.status else None


def network() -> bytes:
    """Return the hash of the network this request comes from."""
    networks = cast(Networks, current_app.extensions["networks"])
    return networks.of(request.remote_addr, clock.now())


def networks() -> tuple[bytes, ...]:
    """Return the hashes of this request's network, today's and yesterday's; none where all readers look like one."""
    known = cast(Networks, current_app.extensions["networks"])
    return known.recent(request.remote_addr, clock.now()) if tells_networks_apart() else ()


def tells_networks_apart() -> bool:
    """Whether the address we see is the reader's own, and not that of a proxy we were not told of.

    Where a private peer sends a forwarded-for header and no proxy is trusted, all readers would be one network.
    """
    if current_app.config["SETTINGS"].trusted_proxies or "X-Forwarded-For" not in request.headers:
        return True
    try:
        behind_proxy = ip_address(request.remote_addr or "").is_private
    except ValueError:
        behind_proxy = True
    if behind_proxy and not current_app.extensions.get("proxy_warned"):
        current_app.extensions["proxy_warned"] = True
        log.warning(
            "a proxy sends X-Forwarded-For but FEEDBACK_TRUSTED_PROXIES is 0: "
            "all readers look like one network, so quarantine is off"
        )
        with suppress(OSError):
            untrusted.note(current_app.config["SETTINGS"].home)
    return not behind_proxy
