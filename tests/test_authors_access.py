"""Every address of the authors' pages and of their JSON, as each role, with an article of theirs and with another's.

A route that is added without a line here fails the first test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from feedback import articles, changes, staff, stats
from feedback.changes import Kind, Subject
from feedback.models import Article, Change, NoteStatus, Role, Site, Vote
from feedback.revisions import see_revision
from tests.cast import CSRF, KEY, SIGN_IN, Staff, hire
from tests.conftest import NOON, SECRET

FOREIGN = "somebody-elses"
MINE_ONLY, ADMINISTRATORS, EVERY_ROLE = "mine", "administrators", "every role"


@dataclass(frozen=True)
class Address:
    """A way in: `allowed` is what it answers to those whom it is for, `to` who they are."""

    method: str
    path: str
    allowed: int
    to: str = MINE_ONLY
    query: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)


def addresses(key: str, note: str, change: str) -> list[Address]:
    """Everything under /articles, and the routes of the contract, about one article."""
    of = {"article": key}
    labelled = {**of, "label": "v1"}
    return [
        Address("GET", "/articles/", 200, EVERY_ROLE),
        Address("GET", "/articles/health", 200, query=of),
        Address("GET", "/articles/health/figures.csv", 200, query=of),
        Address("GET", "/articles/health/figures.json", 200, query=of),
        Address("GET", "/articles/health/articles.csv", 200, EVERY_ROLE),
        Address("GET", "/articles/health/articles.json", 200, EVERY_ROLE),
        Address("GET", "/articles/health/overview", 200, ADMINISTRATORS),
        Address("GET", "/articles/health/overview.csv", 200, ADMINISTRATORS),
        Address("GET", "/articles/health/overview.json", 200, ADMINISTRATORS),
        Address("GET", "/articles/health/revision", 200, query=labelled),
        Address("GET", "/articles/health/announcement", 200, query=of),
        Address("GET", "/api/v1/health/stats", 200, EVERY_ROLE),
        Address("GET", "/api/v1/health/stats", 200, query=of),
        Address("GET", "/api/v1/health/notes", 200, query=of),
        Address("POST", f"/articles/health/changes/{change}/undo", 303),
        Address("POST", "/articles/health/revisions", 303, query=of, data={"label": "v2", "note": "Clearer."}),
        Address("POST", "/articles/health/revision", 303, query=labelled, data={"note": "Much clearer."}),
        Address("POST", "/articles/health/merge", 303, query=of, data={"revision": "v1", "into": "v0"}),
        Address("POST", "/articles/health/announcement", 303, query=of, data={"text": "A table.", "on": "2026-05-03"}),
        Address("POST", "/articles/health/notes", 303, data={**of, "note": note, "status": "done"}),
        # For administrators alone, and refused to them too while the day is no unusual one: tests/test_bursts.py.
        Address("POST", "/articles/health/bursts", 403, data={**of, "day": "2026-05-03", "action": "aside"}),
    ]


House = dict[str, list[Address]]


@pytest.fixture
def house(site: Site, article: Article, ada: Staff, do: Any, ask: Any, cast: Any, clock: Any) -> House:
    """The ways to an article of Ann's, reviewed by Rex, and to one of nobody's here; both have been lived with."""
    given = articles.Registration(FOREIGN, "Somebody else's", f"{site.origins[0]}/{FOREIGN}")
    foreign, _ = do(articles.register, site.id, given, now=NOON)
    by = changes.By(staff.Actor("Ada", ada.id), [site.id], clock())
    names, ways = stats.Names((SECRET,)), {}
    for one in (article, foreign):
        cast(one, yes=6, revision="v0")
        cast(one, no=1, revision="v1", note="How often?")
        do(see_revision, one.id, "v1", registered=True, now=clock())
        subject = Subject(site.id, Kind.REVISION, {"article": one.key, "label": "v1"})
        change = do(changes.make, subject, {"registered": True, "note": "First."}, by)
        (note,) = ask(lambda one=one: stats.notes(one, names=names)).items
        assert note.id is not None
        ways[one.key] = addresses(one.key, note.id, change.id.hex)
    return ways


def knocks(way: Address, client: Any, token: str | None) -> int | str:
    """Return how an address answers a browser with this session, or a machine with this token: its status.

    Of a browser that is sent to sign in, return that address.
    """
    headers = {"Referer": "http://localhost/"}
    if way.path.startswith("/api/"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = dict(way.data)
    if way.method == "POST":
        page = client.get(f"{way.path}", query_string=way.query) if way.allowed == 303 else None
        version = re.search(r'name="version"[^>]*value="([^"]*)"', page.text) if page is not None else None
        csrf = CSRF.search(client.get("/account/password").text)
        data |= {"csrf_token": csrf[1] if csrf else "", **({"version": version[1]} if version else {})}
    sent = {"query_string": way.query, "data": data or None, "headers": headers}
    # Buffered: a spreadsheet is written while it is read.
    answer = client.open(way.path, method=way.method, **sent, buffered=True)
    if answer.headers.get("Location", "").startswith(SIGN_IN):
        return SIGN_IN
    return int(answer.status_code)


def test_every_route_has_its_line_here(app: Flask, house: House) -> None:
    walked = {(way.method, way.path) for ways in house.values() for way in ways}
    routes = [
        (method, re.sub(r"<[^>]+>", "[^/]+", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith(("authors.", "api."))
    ]
    unknown = {
        (method, pattern)
        for method, pattern in routes
        if not any(method == way and re.fullmatch(pattern, path) for way, path in walked)
    }
    # An administrator's alone, in whatever article: tests/test_api.py.
    assert unknown == {("PUT", "/api/v1/[^/]+/articles")}


@pytest.mark.parametrize("who", ["ann", "rex"])
def test_authors_and_reviewers_come_to_their_own(
    who: str, house: House, request: pytest.FixtureRequest, rows: Any
) -> None:
    person: Staff = request.getfixturevalue(who)
    client, (changed, *_) = person.signs_in(), state(rows)
    for way in house[KEY]:
        expected = 403 if way.to == ADMINISTRATORS else way.allowed
        assert knocks(way, client, person.token) == expected, way
    # Each form did what it is there for: undone, added, noted, merged, announced; and the note is done.
    after, statuses, announced = state(rows)
    assert (after - changed, NoteStatus.DONE in statuses, "A table." in announced) == (5, True, True)


@pytest.mark.parametrize("who", ["ann", "rex"])
def test_they_come_to_no_other(who: str, house: House, request: pytest.FixtureRequest, rows: Any) -> None:
    person: Staff = request.getfixturevalue(who)
    client, before = person.signs_in(), state(rows)
    for way in house[FOREIGN]:
        expected = way.allowed if way.to == EVERY_ROLE else 403
        assert knocks(way, client, person.token) == expected, way
    assert state(rows) == before


def test_administrators_come_everywhere(house: House, ada: Staff) -> None:
    client = ada.signs_in()
    for way in [*house[KEY], *house[FOREIGN]]:
        assert knocks(way, client, ada.token) == way.allowed, way


def test_moderators_come_nowhere(house: House, mo: Staff, rows: Any) -> None:
    client, before = mo.signs_in(), state(rows)
    for way in [*house[KEY], *house[FOREIGN]]:
        assert knocks(way, client, mo.token) == 403, way
    assert state(rows) == before


def test_strangers_are_asked_who_they_are(house: House, connect: Callable[[], Any], rows: Any) -> None:
    before = state(rows)
    for way in [*house[KEY], *house[FOREIGN]]:
        assert knocks(way, connect(), None) == (401 if way.path.startswith("/api/") else SIGN_IN), way
    assert state(rows) == before


def test_who_administers_another_site_finds_nothing_here(
    house: House, do: Any, app: Flask, connect: Any, password_hash: str, rows: Any
) -> None:
    other = do(articles.add_site, "other", origins=["https://other.example"], now=NOON)
    eve = hire(app, connect, other, "Eve", Role.ADMINISTRATOR, password_hash)
    client, before = eve.signs_in(), state(rows)
    for way in [*house[KEY], *house[FOREIGN]]:
        # Their own list is empty; a token is good on its own site alone.
        expected = 200 if way.path == "/articles/" else 403 if way.path.startswith("/api/") else 404
        assert knocks(way, client, eve.token) == expected, way
    assert state(rows) == before


def test_who_loses_the_role_loses_the_article_in_browser_and_token(house: House, ann: Staff, do: Any, ask: Any) -> None:
    client, token = ann.signs_in(), ann.token

    def leave() -> None:
        user = staff.find_user(ann.email)
        assert user is not None
        staff.leave(user, articles.find_site("health"), Role.AUTHOR)  # type: ignore[arg-type]

    do(leave)
    for way in house[KEY]:
        assert knocks(way, client, token) == (401 if way.path.startswith("/api/") else 403), way


def state(rows: Any) -> tuple[int, list[NoteStatus], list[Any]]:
    """What must not move where nothing was allowed: changes, what became of notes, announcements."""
    return (
        len(rows(select(Change))),
        rows(select(Vote.note_status).order_by(Vote.article_id, Vote.reader)),
        rows(select(Article.we_changed).order_by(Article.id)),
    )
