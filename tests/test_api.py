"""What staff and machines may do with a bearer token: registering articles, roles, problems."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from feedback import articles, staff
from feedback.errors import Invalid
from feedback.models import Article, Contributor, Revision, Role, Standing, Token, User
from tests.cast import KEY, ORIGIN, SLUG, Client, hire, together

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
PAGE = {"key": KEY, "title": "Baclofen", "url": f"{ORIGIN}/{KEY}", "contributors": []}
ANN = {"name": "Ann Hollis", "role": "author", "email": "Ann@health.example.org"}
REX = {"name": "Rex Adeyemi", "role": "reviewer"}


# Registering articles


def test_an_article_is_registered_once_and_then_brought_up_to_date(ada, rae, rows):
    answer = ada.puts("/articles", **PAGE | {"contributors": [ANN, REX]})
    assert answer.status_code == 201
    shown = [{"name": "Ann Hollis", "role": "author"}, {"name": "Rex Adeyemi", "role": "reviewer"}]
    assert answer.json == {"article": PAGE | {"contributors": shown}}
    assert rae.reads(KEY).json["article"] == answer.json["article"]

    changed = PAGE | {"title": "Baclofen for neck pain", "contributors": [REX]}
    answer = ada.puts("/articles", **changed)
    assert answer.status_code == 200
    assert rae.reads(KEY).json["article"] == changed | {"contributors": shown[1:]}
    assert len(rows(select(Article))) == len(rows(select(Standing))) == 1


def test_registering_replaces_what_a_reader_said_of_the_page(ada, rae, rows):
    rae.votes(KEY, "yes", title="Wrong title", url=f"{ORIGIN}/wrong")
    assert ada.puts("/articles", **PAGE).status_code == 200
    (known,) = rows(select(Article))
    assert (known.title, known.url, known.registered) == (PAGE["title"], PAGE["url"], True)
    assert rae.reads(KEY).json["votes"]["yes"] == 1


def test_a_revision_is_registered_with_what_changed(ada, rae, rows, clock):
    rae.votes(KEY, "yes", revision="2026-04")
    seen = clock()
    clock.forward(days=1)
    ada.puts("/articles", **PAGE, revision="2026-04", note="Doses corrected")
    ada.puts("/articles", **PAGE, revision="2026-05")
    ada.puts("/articles", **PAGE, revision="2026-05", note="Clearer")
    found = {row.label: (row.registered, row.note, row.first_seen) for row in rows(select(Revision))}
    assert found == {"2026-04": (True, "Doses corrected", seen), "2026-05": (True, "Clearer", clock())}


def test_bylines_are_linked_to_accounts_now_and_later(ada, ann, app, connect, site, rows, password_hash):
    people = [ANN, {"name": "Zoe Late", "role": "author", "email": "zoe@health.example.org"}, REX]
    ada.puts("/articles", **PAGE | {"contributors": people})

    def linked() -> dict[str, tuple[UUID | None, str | None]]:
        return {person.name: (person.user_id, person.email) for person in rows(select(Contributor))}

    assert linked() == {
        "Ann Hollis": (ann.id, None),
        "Zoe Late": (None, "zoe@health.example.org"),
        "Rex Adeyemi": (None, None),
    }
    zoe = hire(app, connect, site, "Zoe", Role.AUTHOR, password_hash)
    assert linked()["Zoe Late"] == (zoe.id, None)
    assert "health.example.org" not in ada.puts("/articles", **PAGE | {"contributors": people}).text
    assert linked()["Zoe Late"] == (zoe.id, None)


WRONG = (
    ("key", ""),
    ("key", "x" * 256),
    ("key", None),
    ("title", ""),
    ("title", " \t"),
    ("title", "x" * 301),
    ("title", ["x"]),
    ("url", "javascript:alert(1)"),
    ("url", "//articles.test/x"),
    ("url", "https://a b.test/"),
    ("url", "https://articles.test\\@evil.test/"),
    ("url", "https://evil.test\\@articles.test/"),
    ("url", "https://user@articles.test/"),
    ("url", "https://articles.test:99999/"),
    ("url", "https://[::1/"),
    ("url", 'https://articles.test/"x'),
    ("url", f"{ORIGIN}/{'x' * 2000}"),
    ("contributors", {}),
    ("contributors", ["Ann"]),
    ("contributors", [{"name": "Ann"}]),
    ("contributors", [{"name": "\u200b", "role": "author"}]),
    ("contributors", [{"name": "x" * 81, "role": "author"}]),
    ("contributors", [{"name": "Ann", "role": "administrator"}]),
    ("contributors", [{"name": "Ann", "role": "author", "email": "no address"}]),
    ("contributors", [REX, {"name": "Rex Adeyemi", "role": "reviewer", "email": "rex@example.org"}]),
    ("contributors", [{"name": str(number), "role": "author"} for number in range(51)]),
    ("revision", "x" * 65),
    ("note", "x" * 1001),
)


@sqlite_only
def test_what_an_article_may_not_be_is_named(ada, rows):
    for field, value in WRONG:
        answer = ada.puts("/articles", **PAGE | {field: value})
        assert answer.status_code == 422, (field, value)
        assert answer.content_type == "application/problem+json"
        assert list(answer.json["errors"]) == [field], (field, value)
    assert rows(select(Article)) == []


@sqlite_only
def test_a_person_listed_twice_alike_stands_once(ada):
    answer = ada.puts("/articles", **PAGE | {"contributors": [REX, REX, REX | {"role": "author"}]})
    assert [person["role"] for person in answer.json["article"]["contributors"]] == ["reviewer", "author"]


def test_the_same_article_registered_by_many_at_once_is_one(ada, rows):
    assert ada.token
    together(lambda: ada.puts("/articles", **PAGE | {"contributors": [ANN, REX]}), times=8)
    answers = together(lambda: ada.puts("/articles", **PAGE | {"contributors": [REX, ANN]}), times=8)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(rows(select(Article))) == 1
    assert len(rows(select(Contributor))) == 2


# Who may


@dataclass(frozen=True)
class Call:
    """A route of the staff, as it is called, and the roles that may."""

    method: str
    path: str
    roles: frozenset[Role]


BYLINES = frozenset({Role.ADMINISTRATOR, Role.AUTHOR, Role.REVIEWER})
MODERATION = frozenset({Role.ADMINISTRATOR, Role.MODERATOR})
CALLS = (
    Call("put", "/articles", frozenset({Role.ADMINISTRATOR})),
    Call("get", "/queue", MODERATION),
    Call("get", "/queue/figures", MODERATION),
    Call("post", "/undo", MODERATION),
    Call("post", "/decisions", MODERATION),
    Call("post", f"/decisions/{'A' * 43}/undo", MODERATION),
    Call("get", f"/history?comment={'A' * 43}", MODERATION),
    Call("get", f"/flags?comment={'A' * 43}", MODERATION),
    Call("get", f"/batches/{'0' * 32}", MODERATION),
    Call("post", f"/batches/{'0' * 32}/undo", MODERATION),
    *(Call("post", f"/comments/{'A' * 43}/{act}", MODERATION) for act in ("pin", "close", "reply", "revise", "ban")),
    Call("post", f"/comments/{'A' * 43}/purge", frozenset({Role.ADMINISTRATOR})),
    Call("get", "/bans", MODERATION),
    Call("post", f"/bans/{'0' * 32}/lift", MODERATION),
    Call("get", "/words", MODERATION),
    Call("post", "/words", MODERATION),
    Call("post", f"/words/{'0' * 32}/remove", MODERATION),
    Call("get", "/stats", BYLINES),
    Call("get", f"/stats?article={KEY}", BYLINES),
    Call("get", f"/notes?article={KEY}", BYLINES),
)
Ask = Callable[[Call, str | None], Any]


@pytest.fixture
def call(client: Client, site: Any) -> Ask:
    """Call a route with a bearer token, or with None."""

    def run(route: Call, token: str | None) -> Any:
        headers = {"Authorization": token} if token else {}
        return getattr(client, route.method)(f"/api/v1/{site.slug}{route.path}", json={}, headers=headers)

    return run


@sqlite_only
def test_every_route_is_for_its_roles_only(call, article, ann, rex, mo, ada):
    for route in CALLS:
        for person in (ann, rex, mo, ada):
            answer = call(route, f"Bearer {person.token}")
            refused = answer.status_code in (401, 403)
            assert refused == (person.role not in route.roles), (route, person.role, answer.text)
            if refused:
                assert (answer.status_code, answer.json["status"]) == (403, 403)
                assert person.role in answer.json["detail"]
            assert answer.headers["Cache-Control"] == "no-store"


@sqlite_only
def test_without_a_good_token_nobody_may(call, article, mo, do, rows):
    revoked = f"Bearer {mo.token}"
    (row,) = rows(select(Token))
    do(staff.revoke_token, row.id, now=row.created)
    for token in (
        None,
        "Bearer unknown",
        revoked,
        "Basic bW86cGFzc3dvcmQ=",
        "Bearer",
        "Bearer \u00e9",
        "Bearer " * 200,
    ):
        for route in CALLS:
            answer = call(route, token)
            assert answer.status_code == 401, (route, token)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert (answer.content_type, answer.json["status"]) == ("application/problem+json", 401)


@sqlite_only
def test_a_listed_origin_is_no_token(client, site, article):
    for route in CALLS:
        path, headers = f"/api/v1/{site.slug}{route.path}", {"Origin": ORIGIN}
        assert getattr(client, route.method)(path, json={}, headers=headers).status_code == 401


@sqlite_only
def test_a_token_of_another_site_opens_nothing(call, article, app, connect, do, clock, password_hash):
    second = do(articles.add_site, "second", origins=["http://second.test"], now=clock())
    stranger = hire(app, connect, second, "Zoe", Role.ADMINISTRATOR, password_hash)
    for route in CALLS:
        assert call(route, f"Bearer {stranger.token}").status_code == 403


@sqlite_only
def test_a_token_ends_with_its_persons_account(call, article, mo, do):
    token = f"Bearer {mo.token}"
    assert call(CALLS[1], token).status_code == 200

    def leave() -> None:
        staff.db.session.get_one(User, mo.id).active = False

    do(leave)
    assert call(CALLS[1], token).status_code == 401


@sqlite_only
def test_a_token_ends_with_its_persons_role_and_comes_back_with_it(call, article, mo, site, do):
    token = f"Bearer {mo.token}"
    do(lambda: staff.leave(staff.find_user(mo.email), site, Role.MODERATOR))
    assert call(CALLS[1], token).status_code == 401
    do(lambda: staff.join(staff.find_user(mo.email), site, Role.ADMINISTRATOR))
    assert call(CALLS[1], token).status_code == 200


@sqlite_only
def test_nobody_has_a_token_for_what_they_may_not_do(mo, site, do, clock):
    def ask(role: Role) -> str:
        return do(lambda: staff.issue_token(site, role, user=staff.find_user(mo.email), now=clock()))

    assert ask(Role.MODERATOR)
    for role in (Role.AUTHOR, Role.ADMINISTRATOR):
        with pytest.raises(Invalid, match="a token can do no more than they"):
            ask(role)


@sqlite_only
def test_a_token_is_kept_as_a_hash_and_notes_when_it_was_used(mo, site, rows, clock):
    mo.gets("/queue")
    (row,) = rows(select(Token))
    used = clock()
    assert (row.last_used, len(row.hash)) == (used, 32)
    assert mo.token.encode() not in row.hash
    clock.forward(minutes=9)
    mo.gets("/queue")
    assert rows(select(Token.last_used)) == [used]
    clock.forward(minutes=2)
    mo.gets("/queue")
    assert rows(select(Token.last_used)) == [clock()]


@sqlite_only
def test_a_token_of_the_site_stands_in_for_an_origin(mo, site, article, client):
    fields = {"article": article.key, "reader": "r" * 22, "value": "yes"}
    path, headers = f"/api/v1/{site.slug}/vote", {"Authorization": f"Bearer {mo.token}"}
    assert client.post(path, data=fields, headers=headers).status_code == 200
    assert client.post(path, data=fields, headers={"Authorization": "Bearer unknown"}).status_code == 401
    answer = client.post(path, data=fields, headers=headers | {"Origin": "http://elsewhere.test"})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


# Problems


@sqlite_only
def test_problems_say_what_is_wrong(mo, ada, rae, article, client, site):
    waiting = rae.comments(article, "Hi").json["comment"]["id"]
    problems = {
        400: mo.gets("/queue", cursor="nonsense"),
        401: client.get(f"/api/v1/{site.slug}/queue"),
        403: mo.puts("/articles", **PAGE),
        404: mo.gets("/history", comment="A" * 43),
        405: mo.posts("/queue"),
        409: mo.posts("/decisions", comment=waiting, version=7, action="spam"),
        413: ada.puts("/articles", **PAGE | {"note": "x" * 70_000}),
        415: client.post(f"/api/v1/{site.slug}/vote", data="x", content_type="text/plain", headers={"Origin": ORIGIN}),
        422: mo.gets("/queue", state="unknown"),
    }
    for status, answer in problems.items():
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
        assert answer.json["status"] == status
        assert answer.json["type"] == "about:blank"
        assert answer.json["title"] and answer.json["detail"].endswith((".", "?")), answer.json
        assert answer.headers["X-Request-ID"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert problems[422].json["errors"] == {"state": [problems[422].json["detail"]]}
    assert "Allow" in problems[405].headers


@sqlite_only
def test_an_unknown_host_is_refused(client, site):
    for path in ("/healthz", f"/api/v1/{site.slug}/feedback?article=x", "/widget.js"):
        answer = client.get(path, headers={"Host": "evil.test"})
        assert answer.status_code == 400, path
        assert answer.headers["X-Request-ID"]


@sqlite_only
def test_the_service_says_that_it_lives_and_that_it_can_serve(client):
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "ok")


def test_a_database_without_tables_is_not_ready(empty_database_url, tmp_path):
    from feedback import create_app
    from feedback.db import dispose
    from tests.conftest import settings

    app = create_app(settings(tmp_path, empty_database_url))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert "feedback db upgrade" in answer.json["detail"]
    assert app.test_client().get("/healthz").status_code == 200
    dispose(app)


def test_a_page_can_read_that_storage_fails_before_its_site_is_known(empty_database_url, tmp_path):
    from feedback import create_app
    from feedback.db import dispose
    from tests.conftest import settings

    app = create_app(settings(tmp_path, empty_database_url))
    sent = {"article": KEY, "reader": "rae-reads-rae-reads-ra", "value": "yes"}
    answer = app.test_client().post(f"/api/v1/{SLUG}/vote", data=sent, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (503, ORIGIN)
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]
    dispose(app)


def test_registering_without_contributors_keeps_those_there_are(ada, article):
    body = {"key": article.key, "title": "New title", "url": article.url, "revision": "next"}
    kept = ada.puts("/articles", **body).json["article"]["contributors"]
    assert [person["role"] for person in kept] == ["author", "reviewer"]
    assert ada.puts("/articles", **body, contributors=[]).json["article"]["contributors"] == []
