"""The headers of staff pages, scored by the rules of Mozilla's HTTP Observatory: A+ for each of them over HTTPS.

The rules and their points are those of https://github.com/mdn/mdn-http-observatory (algorithm version 5), written down
here anew, for one page and without a network: no page redirects to another host, and no certificate is looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.datastructures import Headers

from tests.cast import CSRF, SIGN_IN
from tests.test_staff_pages import example, staff_rules

HOST = "feedback.example"
BASE = f"https://{HOST}"
OTHER = "https://evil.example"
A_PLUS = 100
EXTRA_CREDIT_FROM = 90  # below it, points above a hundred do not count
SIX_MONTHS = 15768000
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

CSP = "Content-Security-Policy"
BROAD = {"*", "ftp:", "http:", "https:", "http://*", "http://*.*", "https://*", "https://*.*"}
INLINE = {"'unsafe-inline'", "data:"}


@dataclass(frozen=True)
class Page:
    """What an answer shows of itself: headers, scripts, and the headers of the same page asked from elsewhere."""

    headers: Headers
    html: str = ""
    cors: Headers | None = None
    http_goes_to: str = f"{BASE}/"


def score(page: Page) -> int:
    """Return the Observatory's points for a page."""
    points = [rule(page) for rule in RULES]
    plain = 100 + sum(each for each in points if each < 0)
    return 100 + sum(points) if plain >= EXTRA_CREDIT_FROM else max(plain, 0)


def directives(page: Page) -> dict[str, set[str]] | None:
    """Return the policy; an empty one where there is none, None for one that names a directive twice."""
    read: dict[str, set[str]] = {}
    for part in page.headers.get(CSP, "").lower().split(";"):
        if not part.strip():
            continue
        name, *sources = part.split()
        if name in read:
            return None
        read[name] = set(sources) or {"'none'"}
    return read


def content_security_policy(page: Page) -> int:
    policy = directives(page)
    if not policy:
        return -25
    fallback = policy.get("default-src", {"*"})
    scripts, styles, objects = (policy.get(f"{kind}-src", fallback) for kind in ("script", "style", "object"))
    passive = policy.get("img-src", fallback) | policy.get("media-src", fallback)
    active = set().union(
        scripts, *(sources for name, sources in policy.items() if name not in ("img-src", "media-src"))
    )
    if scripts & (BROAD | INLINE) or objects & BROAD:
        return -20
    if any(source.startswith(("http:", "ftp:")) for source in active):
        return -20
    if "'unsafe-eval'" in scripts | styles or any(source.startswith(("http:", "ftp:")) for source in passive):
        return -10
    if styles & (BROAD | INLINE):
        return 0
    return 10 if policy.get("default-src") == {"'none'"} else 5


def cookies(page: Page) -> int:
    """Every cookie counts as a session's, which is judged hardest."""
    hsts = strict_transport_security(page) >= 0
    points = []
    for line in page.headers.getlist("Set-Cookie"):
        (morsel,) = SimpleCookie(line).values()
        same_site = morsel["samesite"].lower()
        known = same_site in ("lax", "strict") or (same_site == "none" and morsel["secure"])
        points.append(5 if known else -20 if same_site else 0)
        points.append(5 if morsel["secure"] else -10 if hsts else -40)
        points.append(5 if morsel["httponly"] else -30)
    return min(points, default=0)


def cross_origin_resource_sharing(page: Page) -> int:
    asked = page.cors or Headers()
    reflected = asked.get("Access-Control-Allow-Origin") == OTHER
    return -50 if reflected and asked.get("Access-Control-Allow-Credentials", "").lower() == "true" else 0


def redirection(page: Page) -> int:
    target = urlsplit(page.http_goes_to)
    if target.scheme != "https":
        return -20
    return 0 if target.hostname == HOST else -5


def referrer_policy(page: Page) -> int:
    given = page.headers.get("Referrer-Policy")
    if given is None:
        return 0
    private = ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")
    return 5 if given.split(",")[-1].strip().lower() in private else -5


def strict_transport_security(page: Page) -> int:
    age = re.search(r"max-age=(\d+)", page.headers.get("Strict-Transport-Security", ""))
    if age is None:
        return -20
    return 0 if int(age[1]) >= SIX_MONTHS else -10


class Scripts(HTMLParser):
    """Collects the script elements that load something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and dict(attrs).get("src"):
            self.found.append(dict(attrs))


def subresource_integrity(page: Page) -> int:
    points = []
    for script in Scripts(page.html).found:
        target, whole = urlsplit(script["src"] or ""), "integrity" in script
        secure = target.scheme == "https" or not target.netloc
        if not secure:
            points.append(-20 if whole else -50)
        elif target.hostname not in (None, HOST):
            points.append(5 if whole else -5)
    return min(points, default=0)


def x_content_type_options(page: Page) -> int:
    return 0 if page.headers.get("X-Content-Type-Options", "").lower() == "nosniff" else -5


def x_frame_options(page: Page) -> int:
    if "frame-ancestors" in (directives(page) or {}):
        return 5
    return 5 if page.headers.get("X-Frame-Options", "").lower() in ("deny", "sameorigin") else -20


def cross_origin_resource_policy(page: Page) -> int:
    given = page.headers.get("Cross-Origin-Resource-Policy")
    return {None: 0, "same-origin": 10, "same-site": 10, "cross-origin": 0}.get(given, -5)


def cross_origin_opener_policy(page: Page) -> int:
    given = page.headers.get("Cross-Origin-Opener-Policy")
    return {None: 0, "unsafe-none": 0}.get(given, 10 if (given or "").startswith(("same-origin", "noopener")) else -5)


def cross_origin_embedder_policy(page: Page) -> int:
    given = page.headers.get("Cross-Origin-Embedder-Policy")
    return {None: 0, "unsafe-none": 0, "require-corp": 10, "credentialless": 10}.get(given, -5)


RULES = (
    content_security_policy,
    cookies,
    cross_origin_resource_sharing,
    redirection,
    referrer_policy,
    strict_transport_security,
    subresource_integrity,
    x_content_type_options,
    x_frame_options,
    cross_origin_resource_policy,
    cross_origin_opener_policy,
    cross_origin_embedder_policy,
)


# Our pages


@pytest.fixture
def visit(make_app: Any) -> Any:
    """Ask the service over HTTPS as it is set up for a public address."""
    client = make_app(public_url=BASE).test_client()

    def ask(path: str, method: str = "GET", **call: Any) -> Any:
        call.setdefault("headers", {"Referer": f"{BASE}/"})
        return client.open(path, method=method, base_url=BASE, buffered=True, **call)

    return ask


def seen(visit: Any, path: str) -> Page:
    """Return what the Observatory would see of a page: one answer, and one to a question from another origin."""
    answer = visit(path)
    elsewhere = visit(path, headers={"Origin": OTHER})
    return Page(answer.headers, answer.text, elsewhere.headers)


def pages(app: Any) -> Iterator[str]:
    for rule in staff_rules(app):
        if "GET" in rule.methods:
            yield example(rule)


@pytest.mark.parametrize("path", [SIGN_IN, "/account/forgotten", "/", "/moderation/", "/nowhere", "/account/choose/x"])
def test_what_a_stranger_sees_is_worth_an_a_plus(visit, path):
    assert score(seen(visit, path)) >= A_PLUS


def test_every_staff_page_is_worth_an_a_plus(app, ada, visit):
    csrf = CSRF.search(visit(SIGN_IN).text)[1]
    signed_in = visit(SIGN_IN, "POST", data={"csrf_token": csrf, "email": ada.email, "password": ada.password})
    assert signed_in.status_code == 303
    assert score(Page(signed_in.headers)) >= A_PLUS
    paths = list(pages(app))
    assert len(paths) > 20
    assert {path: score(seen(visit, path)) for path in paths if score(seen(visit, path)) < A_PLUS} == {}


def test_our_score_is_the_most_that_fits(visit):
    """All the extra points but those for isolating the page from what it does not load."""
    assert score(seen(visit, SIGN_IN)) == 145


def test_the_manual_sends_http_to_https():
    """Who speaks TLS is the proxy, so the manual's settings for it decide where plain HTTP leads."""
    plain = re.search(r"server \{\n    listen 80;\n(.*?)\n\}", README, re.DOTALL)[1]
    (target,) = re.findall(r"return 301 (\S+);", plain)
    assert redirection(Page(Headers(), http_goes_to=target.replace("$host$request_uri", f"{HOST}/"))) == 0
    assert "location /api/ { return 403; }" in plain


def test_every_text_says_how_it_is_encoded(client, mo, article):
    signed_in = mo.signs_in()
    slug = mo.site.slug
    paths = [SIGN_IN, f"/f/{slug}?article={article.key}", "/widget.js", "/embed.js", f"/feeds/{slug}.atom", "/api/"]
    answers = [client.get(path) for path in paths]
    answers += [signed_in.get(path, buffered=True) for path in ("/moderation/", "/moderation/comments.csv")]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].lower().split("; ")[1] == "charset=utf-8", answer.request.path


def test_a_folder_is_not_listed_and_trace_is_not_answered(client):
    assert client.get("/static/").status_code == client.get("/static").status_code == 404
    for path in (SIGN_IN, "/api/", "/widget.js"):
        assert client.open(path, method="TRACE").status_code == 405


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        (CSP, None, 55),
        (CSP, "default-src 'none'; script-src 'self' 'unsafe-inline'; frame-ancestors 'none'", 80),
        (CSP, "default-src 'none'; default-src 'self'", 55),
        (CSP, "script-src 'self' http://cdn.example; object-src 'none'; frame-ancestors 'none'", 80),
        (CSP, "default-src 'self' data:; frame-ancestors 'none'", 80),
        (CSP, "default-src 'self'; frame-ancestors 'none'", 140),
        ("Strict-Transport-Security", None, 80),
        ("Strict-Transport-Security", "max-age=86400", 135),
        ("Referrer-Policy", "unsafe-url", 135),
        ("X-Content-Type-Options", None, 140),
        ("Set-Cookie", "session=1; Secure; SameSite=Lax", 70),
        ("Set-Cookie", "session=1; HttpOnly; SameSite=Lax", 130),
        ("Set-Cookie", "session=1; Secure; HttpOnly", 140),
        ("Set-Cookie", "session=1; HttpOnly; SameSite=None", 80),
        ("Set-Cookie", "session=1; Secure; HttpOnly; SameSite=Often", 80),
        ("Cross-Origin-Resource-Policy", "everybody", 130),
        ("Cross-Origin-Opener-Policy", None, 135),
    ],
)
def test_a_worse_header_costs_points(visit, name, value, left):
    page = seen(visit, SIGN_IN)
    headers = Headers(page.headers)
    headers.remove(name)
    if value is not None:
        headers[name] = value
    assert score(Page(headers, page.html, page.cors)) == left


@pytest.mark.parametrize(
    ("tag", "points"),
    [
        ('<script src="/static/staff.js"></script>', 0),
        ('<script src="https://cdn.example/x.js"></script>', -5),
        ('<script src="https://cdn.example/x.js" integrity="sha384-x"></script>', 5),
        ('<script src="http://cdn.example/x.js"></script>', -50),
    ],
)
def test_a_script_from_elsewhere_costs_points(tag, points):
    assert subresource_integrity(Page(Headers(), tag)) == points


def test_an_answer_that_lets_every_origin_in_costs_points():
    given = {"Access-Control-Allow-Origin": OTHER, "Access-Control-Allow-Credentials": "true"}
    assert cross_origin_resource_sharing(Page(Headers(), cors=Headers(given))) == -50
