"""Whatever a client sends: an answer of the 4xx kind that says why, never a fault, and nothing stored."""

import io
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import func, select

from feedback import articles, text
from feedback.models import MAX_HTML_BYTES, Article, Comment, Decision, Vote
from tests.allowlist import violations
from tests.cast import KEY, ORIGIN
from tests.corpora import attack, corpus

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
READER = "r" * 22
UNKNOWN = "A" * 43
LIMIT = 64 * 1024

# What no text field may be. In a form the last ones cannot be said.
NO_TEXT = ("\0", "a\0b", "\ud800", "a\udfff", 7, 2**80, 1.5, True, [], ["a"], {}, {"a": "b"})


@dataclass(frozen=True)
class Write:
    """A route that takes a body: one that would be taken, and each field with what it may not be."""

    path: str
    good: dict[str, Any]
    fields: dict[str, tuple[Any, ...]]
    method: str = "POST"
    staff: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path.split('/')[-1]}"


def text_field(most: int, *more: Any) -> tuple[Any, ...]:
    return (*NO_TEXT, "x" * (most + 1), "x" * 60_000, *more)


PAGE = {
    "article": text_field(255, "", " ", None),
    "reader": (*NO_TEXT, "", None, "short", "x" * 23, "x" * 21 + "\u00e9", "x" * 21 + "\n", "x" * 21 + "="),
    "title": text_field(300),
    "url": text_field(2000, "javascript:alert(1)", "//x", f"{ORIGIN}@evil.test/", "http://", "https://[", "x"),
}
OWN = {"reader": PAGE["reader"]}
VERSIONS = (0, -1, 2**31, 2**63, 10**300, 1.0, 1.5, "1", True, [1], {}, float("inf"))
CONTRIBUTOR = {"name": "Ann", "role": "author"}
WRITES = (
    Write(
        "/vote",
        {"article": KEY, "reader": READER, "value": "no"},
        PAGE
        | {
            "value": (*NO_TEXT, "", None, "maybe"),
            "revision": text_field(64),
            "section": text_field(255),
            "reason": text_field(64, "boring"),
            "note": text_field(1000),
        },
    ),
    Write(
        "/comments",
        {"article": KEY, "reader": READER, "body": "Hello."},
        PAGE
        | {
            "body": text_field(5000, "", " ", None, "\u200b", "<" * 51, "- a\n" * 1200),
            "name": text_field(80),
            "email": text_field(254, "no address", "a@b@c", "a b@example.org", "a\r\nb@example.org"),
            "parent": text_field(64, "x", UNKNOWN),
            "submission": text_field(64),
            "notify": (*NO_TEXT, "everything"),
            "website": text_field(5000),
            "opened": ("-1", "1.5", "x", "9" * 30, "\u0661", -1, 1.5, 2**80, True, [], {}, "\0"),
        },
    ),
    Write("/mine", {"article": KEY, "reader": READER}, {"article": PAGE["article"], "reader": PAGE["reader"]}),
    Write(f"/comments/{UNKNOWN}/withdraw", {"reader": READER}, OWN),
    Write(
        "/articles",
        {"key": "new", "title": "New", "url": f"{ORIGIN}/new", "contributors": [CONTRIBUTOR]},
        {
            "key": PAGE["article"],
            "title": text_field(300, "", None),
            "url": (*PAGE["url"], "", None),
            "contributors": (
                "x",
                7,
                {},
                ["x"],
                [[]],
                [CONTRIBUTOR] * 51,
                *([CONTRIBUTOR | {field: value}] for field in ("name", "role", "email") for value in NO_TEXT),
            ),
            "revision": text_field(64),
            "note": text_field(1000),
        },
        method="PUT",
        staff=True,
    ),
    Write(
        "/decisions",
        {"comment": UNKNOWN, "version": 1, "action": "approve"},
        {
            "comment": text_field(64, "", None),
            "version": (*VERSIONS, None),
            "action": (*NO_TEXT, "", None, "delete"),
            "reason": text_field(300),
            "comments": (
                "x",
                7,
                {},
                [],
                [UNKNOWN],
                [[]],
                [{"id": UNKNOWN, "version": 1}] * 2,
                [{"id": UNKNOWN, "version": 1}] * 201,
                *([{"id": UNKNOWN, "version": version}] for version in VERSIONS),
                *([{"id": value, "version": 1}] for value in NO_TEXT),
            ),
        },
        staff=True,
    ),
    Write(f"/decisions/{UNKNOWN}/undo", {}, {}, staff=True),
)
each_write = pytest.mark.parametrize("write", WRITES, ids=str)
each_body = pytest.mark.parametrize("write", [write for write in WRITES if write.fields], ids=str)
each_readers = pytest.mark.parametrize("write", [write for write in WRITES if not write.staff], ids=str)
Send = Callable[..., Any]


STORED = (Article, Vote, Comment, Decision)


@pytest.fixture
def send(request: pytest.FixtureRequest, client: Any, article: Article, rows: Any) -> Iterator[Send]:
    """Send raw bytes to a route as a page of the site, or with a token of its administrator; nothing is stored."""

    def run(write: Write, data: bytes | None, content_type: str | None = JSON, **more: Any) -> Any:
        if write.staff:
            headers = {"Authorization": f"Bearer {request.getfixturevalue('ada').token}"}
        else:
            headers = {"Origin": ORIGIN}
        return client.open(
            f"/api/v1/health{write.path}",
            method=write.method,
            data=data,
            content_type=content_type,
            headers=headers,
            **more,
        )

    yield run
    found = [rows(select(func.count()).select_from(kind))[0] for kind in STORED]
    assert found == [1, 0, 0, 0], "only the article that was registered before"


def assert_refused(answer: Any, *statuses: int, sent: Any = None) -> None:
    """Fail where an answer is no problem, as RFC 9457 writes it, of these statuses or of any of the 4xx kind."""
    status, shown = answer.status_code, repr(sent)[:200]
    assert 400 <= status < 500, f"{status} for {shown}: {answer.text[:300]}"
    assert not statuses or status in statuses, f"{status}, not {statuses}, for {shown}: {answer.text[:300]}"
    assert answer.content_type == "application/problem+json", shown
    assert answer.json["status"] == status
    assert answer.json["type"] and answer.json["title"] and answer.json["detail"], shown


# Bodies


BROKEN_JSON = (
    b"",
    b"{",
    b"}",
    b"nonsense",
    b"'a'",
    b'{"article": }',
    b'{"article": "a",}',
    b"{'article': 'a'}",
    b'{"article": NaN}',
    b'{"article": -Infinity}',
    b'{"article": "a"} {}',
    b'{"article": "a", "article": "b"}',
    b'{"article": "\xff"}',
    b'{"article": "\xed\xa0\x80"}',
    b'{"article": "\n"}',
    b'\xef\xbb\xbf{"article": "a"}',
    '{"article": "a"}'.encode("utf-16"),
    b'{"article": ' + b"1" * 5000 + b"}",
    b"[" * 30_000,
    b'{"a":' * 12_000,
    b"[" * 30_000 + b"]" * 30_000,
    b"\0",
)
NO_OBJECT = (b"[]", b"null", b"true", b"1", b'"article"', b'[{"article": "a"}]')
BROKEN_FORMS = (
    b"article=%ff",
    b"article=\xff",
    b"article=a&article=b",
    b"%ff=a",
    b"article=%ed%a0%80",
    b"&".join(b"f%d=1" % number for number in range(101)),
)


@sqlite_only
@each_write
def test_what_cannot_be_read_is_refused(send, write):
    needs_body = bool(write.fields)
    for body in (*BROKEN_JSON, *NO_OBJECT):
        assert_refused(send(write, body), *([400] if needs_body else []), sent=body)
    for body in BROKEN_FORMS:
        assert_refused(send(write, body, FORM), *([400] if needs_body else []), sent=body)
    if needs_body:
        for kind in (
            None,
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonx",
            "x",
        ):
            assert_refused(send(write, b'{"article": "a"}', kind), 415, sent=kind)


@sqlite_only
@each_body
def test_a_body_over_64_kib_is_refused_with_and_without_its_length(send, write):
    good = json.dumps(write.good).encode()
    for kind in (JSON, FORM):
        over = good + b" " * (LIMIT + 1 - len(good))
        assert_refused(send(write, over, kind), 413)
        chunked = {"wsgi.input": io.BytesIO(over), "wsgi.input_terminated": True}
        assert_refused(send(write, None, kind, environ_overrides=chunked), 413)
    assert_refused(send(write, b'{"a":' * 100_000), 413)
    assert send(write, good[:-1] + b" " * (LIMIT - len(good)) + b"x").status_code == 400


@each_body
def test_every_field_refuses_what_it_cannot_be(send, write):
    for field, wrong in write.fields.items():
        for value in wrong:
            sent = write.good | {field: value}
            answer = send(write, json.dumps(sent).encode())
            assert_refused(answer, 400, 413, 422, sent={field: value})
            if answer.status_code == 422:
                named = {"comment", "version"} if field == "comments" else {field}
                assert named & set(answer.json["errors"]) or field in answer.json["errors"], {field: value}
            if isinstance(value, str) and not write.staff:
                # Half a surrogate pair has no UTF-8; sent anyway, it cannot be read.
                form = urlencode(sent, errors="surrogatepass")
                assert_refused(send(write, form.encode(), FORM), 400, 413, 422, sent={field: value})


@sqlite_only
@each_readers
def test_nothing_is_nested_on_a_readers_route(send, write):
    for value in ({}, [], {"a": {"b": 1}}, [[]]):
        answer = send(write, json.dumps(write.good | {"unheard": value}).encode())
        assert_refused(answer, 422)
        assert list(answer.json["errors"]) == ["unheard"]


# Addresses


def crafted(*values: Any) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


NOW, ID = "2026-05-04T09:00:00Z", "0" * 32
CURSORS = (
    "x",
    "=",
    "\0",
    "\u00e9",
    "AAAA",
    "W10",
    "A" * 501,
    "A" * 5000,
    crafted(),
    crafted(None),
    crafted([[[]]]),
    crafted({}),
    crafted(NOW),
    crafted(NOW, None),
    crafted(NOW, 5),
    crafted(5, ID),
    crafted(NOW, "x" * 32),
    crafted("2026-05-04T09:00:00", ID),
    crafted("0001-01-01T00:00:00+23:59", ID),
    crafted("9999-12-31T23:59:59-23:59", ID),
    crafted(0, NOW, 5),
    crafted(True, NOW, ID),
    crafted("0", NOW, ID),
    crafted(0, "0001-01-01T00:00:00+23:59", ID),
    crafted(10**350, NOW, ID, 1),
    urlsafe_b64encode(b"[" * 370).decode(),
    urlsafe_b64encode(b"{").decode(),
    urlsafe_b64encode(b"\xff\xfe").decode(),
    urlsafe_b64encode(b"[NaN]").decode(),
)
IDS = ("", "x", "\0", "\ud800", "\u00e9", UNKNOWN, UNKNOWN + "=", UNKNOWN[:-1], "A" * 64, "A" * 65, "A" * 5000, "../..")


HUGE = (crafted(2**40, NOW, ID), crafted(-(10**300), NOW, ID), crafted(1e300, NOW, ID))


def test_odd_cursors_and_identifiers_are_no_fault(rae, mo, ada, article):
    for cursor in (*CURSORS, *HUGE):
        asked = {"cursor": cursor}
        for answer in (
            *(rae.reads(article, sort=sort, **asked) for sort in ("best", "newest", "oldest")),
            *(mo.gets("/queue", sort=sort, **asked) for sort in ("oldest", "riskiest")),
            ada.gets("/stats", **asked),
            ada.gets("/notes", article=KEY, **asked),
        ):
            # Where a list is ordered by a fraction, a huge number is a place in it.
            if answer.status_code != 200 or cursor not in HUGE:
                assert_refused(answer, 400, 422, sent=cursor)
    for identifier in IDS:
        name = quote(identifier, safe="", errors="surrogatepass")
        for answer in (
            rae.reads(article, parent=identifier.replace("\ud800", "\ufffd")),
            mo.gets("/history", comment=identifier.replace("\ud800", "\ufffd")),
            mo.posts("/decisions", comment=identifier, version=1, action="spam"),
            mo.posts(f"/decisions/{name}/undo"),
            rae.posts(f"/comments/{name}/withdraw"),
        ):
            assert_refused(answer, 404, 405, 422, sent=identifier)


def test_odd_queries_are_no_fault(client, ada, article):
    values = (
        "",
        "%00",
        "a%00",
        "%ff",
        "%ed%a0%80",
        "%",
        "%zz",
        "x" * 256,
        "x" * 9000,
        "9" * 400,
        "[]",
        "+",
        "%F0%9F%92%8A",
    )
    routes = {
        "feedback": ("article", "sort", "parent", "cursor"),
        "counts": ("article",),
        "queue": ("state", "article", "held", "q", "sort", "cursor", "limit"),
        "history": ("comment",),
        "stats": ("article", "from", "to", "by", "sort", "cursor"),
        "notes": ("article", "cursor"),
    }
    headers = {"Authorization": f"Bearer {ada.token}"}
    for route, names in routes.items():
        for name in names:
            for value in values:
                base = f"article={KEY}&" if route in ("feedback", "notes") and name != "article" else ""
                path = f"/api/v1/health/{route}?{base}{name}={value}"
                answer = client.get(path, headers=headers)
                if answer.status_code != 200:
                    assert_refused(answer, 400, 404, 422, sent=path)
                if value in ("%ff", "%ed%a0%80"):
                    assert answer.status_code == 400, path
                if "%00" in value:
                    assert answer.status_code == 422, path
    for path in ("feedback", "counts", "feedback?", "feedback?article", "feedback?%61rticle=", "history"):
        assert_refused(client.get(f"/api/v1/health/{path}", headers=headers), 422, sent=path)


# Public test data, through the doors


_numbers = count(1)


@pytest.fixture
def write_all(rae: Any, site: Any, rows: Any, do: Any) -> Callable[..., None]:
    """Send a text as body, name, title and note, and hold what is stored against the allow-list."""

    def run(payload: str) -> None:
        key = f"page-{next(_numbers)}"
        voted = rae.votes(key, "no", title=payload[:300], note=payload[:1000], section=payload[:255])
        written = rae.comments(key, payload, name=payload[:80])
        for answer in (voted, written):
            assert answer.status_code in (200, 201, 202) or 400 <= answer.status_code < 500, payload[:200]
        shown = rae.reads(key)
        assert shown.status_code == 200
        if voted.status_code == 200:
            assert shown.json["article"]["title"] == (text.line(payload[:300]) or None)
            assert voted.json["yours"]["section"] == (text.line(payload[:255]) or None)
        if written.status_code == 201:
            (item,) = shown.json["comments"]["items"]
            assert violations(item["html"]) == [], payload[:200]
            assert item["name"] is None or text.name(payload[:80]) == item["name"]
        if written.status_code in (201, 202):
            html = written.json["comment"]["html"]
            assert violations(html) == [], payload[:200]
            assert 0 < len(html.encode()) <= MAX_HTML_BYTES

    do(articles.change_site, site.slug, moderation="post")
    return run


def test_hostile_texts_become_clean_html(write_all):
    for payload in (
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1)) [y](data:text/html,x) <javascript:123>",
        "[x](//evil.test) [y](\\\\evil.test) https://evil.test/\u202ecod.exe",
        '[x](https://a.test/"onclick="alert(1)) https://a.test/\'x=<b>',
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<" * 50 + "x" * 4900,
        "\u0410dmin \u202e\u2066 Z\u0335\u0321\u0322\u0334\u0335\u0321",
        "=1+1|cmd",
    ):
        write_all(payload)


@sqlite_only
def test_every_generated_attack_is_refused_or_stays_small(rae, article, rows):
    for generator in corpus("dos_generators.json"):
        for length in generator["lengths"]:
            answer = rae.comments(article, attack(generator, length))
            if answer.status_code not in (201, 202):
                assert_refused(answer, 413, 422, sent=generator["id"])
    stored = [row.html for row in rows(select(Comment))]
    assert all(0 < len(html) <= MAX_HTML_BYTES and not violations(html) for html in stored)


@sqlite_only
def test_payloads_of_past_flaws_become_clean_html(write_all):
    for case in corpus("cve_regressions.json"):
        write_all(case["payload"])


@sqlite_only
def test_public_attack_strings_become_clean_html(write_all):
    strings = [case["s"] for case in corpus("public_xss.json")]
    for string in strings[::25]:
        write_all(string)


@sqlite_only
def test_odd_names_are_stored_cleaned_or_refused(rae, article, rows):
    for case in corpus("field_abuse_unicode.json"):
        answer = rae.comments(article, f"By {case['id']}", name=case["value"])
        if answer.status_code != 202:
            assert_refused(answer, 400, 422, sent=case["id"])
    names = [row.name for row in rows(select(Comment)) if row.name is not None]
    assert names
    for name in names:
        assert name == text.name(name) and 0 < len(name) <= 80 and "\n" not in name
