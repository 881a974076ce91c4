"""What article pages get over HTTP: the summary, caching, CORS, and never a cookie."""

import re
from itertools import product
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select

from feedback import articles
from feedback.models import Article, Comment, Vote
from tests.cast import KEY, ORIGIN, TITLE
from tests.mailserver import NOWHERE

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
COUNTS = f"/api/v1/health/counts?article={KEY}"
FEEDBACK = f"/api/v1/health/feedback?article={KEY}"
CACHEABLE = "public, max-age=10, stale-while-revalidate=10"
WEAK = re.compile(r'W/"[0-9a-f]{16,64}"')
REASONS = ["unclear", "inaccurate", "outdated", "incomplete", "looking_for_something_else", "unsafe", "other"]


# The summary


def test_the_summary_of_an_article_is_what_the_contract_says(rae, stan, article, site, do, clock):
    do(articles.change_site, site.slug, moderation="post")
    rae.votes(article, "yes")
    stan.votes(article, "no")
    root = rae.comments(article, "**Good**", name="Rae").json["comment"]
    clock.forward(minutes=1)
    reply = stan.comments(article, "Indeed.", parent=root["id"]).json["comment"]
    answer = rae.reads(article)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found = answer.json
    assert list(found) == ["article", "votes", "comments", "settings"]
    assert found["article"] == {
        "key": KEY,
        "title": TITLE,
        "url": f"{ORIGIN}/{KEY}",
        "contributors": [{"name": "Ann Hollis", "role": "author"}, {"name": "Rex Adeyemi", "role": "reviewer"}],
    }
    assert found["votes"] == {"yes": 1, "no": 1, "total": 2}
    item = {"edited": None, "likes": 0, "pinned": False, "staff": None}
    first = item | {
        "id": root["id"],
        "parent": None,
        "name": "Rae",
        "html": "<p><strong>Good</strong></p>",
        "created": "2026-05-04T09:00:00.000000Z",
        "replies": [
            item
            | {
                "id": reply["id"],
                "parent": root["id"],
                "name": None,
                "html": "<p>Indeed.</p>",
                "created": "2026-05-04T09:01:00.000000Z",
            }
        ],
    }
    assert found["comments"] == {"open": True, "total": 2, "next": None, "items": [first]}
    settings = found["settings"]
    words = {"question", "reasons", "max_chars", "moderation", "guidelines", "notice", "origins", "lang"}
    assert set(settings) == words
    assert settings["question"] == "Did this article help you?"
    assert [reason["code"] for reason in settings["reasons"]] == REASONS
    assert all(set(reason) == {"code", "label"} and reason["label"] for reason in settings["reasons"])
    assert (settings["max_chars"], settings["moderation"], settings["lang"]) == (5000, "post", "en")
    assert settings["origins"] == [ORIGIN]


def test_an_article_never_seen_answers_zeros_and_stays_unknown(rae, site, rows):
    for _ in range(2):
        answer = rae.reads("never-seen")
        assert answer.status_code == 200
        assert answer.json["article"] == {"key": "never-seen", "title": None, "url": None, "contributors": []}
        assert answer.json["votes"] == {"yes": 0, "no": 0, "total": 0}
        assert answer.json["comments"] == {"open": True, "total": 0, "next": None, "items": []}
    assert rae.mine("never-seen").json == {"vote": None, "votes": answer.json["votes"], "comments": [], "likes": []}
    assert rae.gets("/counts", article="never-seen").json == {"never-seen": {"yes": 0, "no": 0, "comments": 0}}
    assert rows(select(Article)) == []


@sqlite_only
def test_a_key_is_the_same_however_it_is_composed(rae, site, rows):
    rae.votes("a\u0308rzte  und\tmehr", "yes")
    assert rows(select(Article.key)) == ["ärzte  und mehr"]
    assert rae.reads("ärzte  und mehr").json["votes"]["yes"] == 1
    assert rae.reads("x" * 255).status_code == 200
    assert rae.reads("x" * 256).status_code == 422


@sqlite_only
def test_a_site_of_registered_articles_takes_no_others(rae, site, article, do, rows):
    do(articles.change_site, site.slug, admits="registered")
    assert rae.votes(article, "yes").status_code == 200
    assert rae.votes("other", "yes").status_code == 404
    assert rae.comments("other", "Hello.").status_code == 404
    assert rae.reads("other").json["comments"]["open"] is False
    assert len(rows(select(Article))) == 1


def test_an_unknown_site_is_404_and_a_page_can_read_that(client):
    calls = (
        client.get("/api/v1/nowhere/feedback?article=x"),
        client.get("/api/v1/nowhere/counts?article=x"),
        client.get("/api/v1/%00/feedback?article=x"),
        client.get("/api/v1/%ff/feedback?article=x"),
        client.get(f"/api/v1/{'x' * 5000}/feedback?article=x"),
    )
    for answer in calls:
        assert answer.status_code == 404, answer.request.path
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer = client.post("/api/v1/nowhere/vote", data={"article": "x"}, headers={"Origin": ORIGIN})
    assert answer.status_code == 404
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_counts_are_of_up_to_a_hundred_articles(rae, stan, article, site, do, clock):
    do(articles.change_site, site.slug, moderation="post")
    rae.votes(article, "yes")
    stan.votes(article, "no")
    rae.comments(article, "Good.")
    answer = rae.gets("/counts", article=[KEY, "other", KEY])
    zeros = {"yes": 0, "no": 0, "comments": 0}
    assert answer.json == {KEY: {"yes": 1, "no": 1, "comments": 1}, "other": zeros}
    hundred = [str(number) for number in range(100)]
    assert len(rae.gets("/counts", article=hundred).json) == 100
    for wrong in ([*hundred, "x"], [], [""], ["x" * 256], ["\0"]):
        answer = rae.gets("/counts", article=wrong)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["article"]


@sqlite_only
def test_mine_is_ones_own_and_never_cached(rae, stan, article):
    rae.votes(article, "no", reason="unclear", note="Why?", revision="a")
    comment = rae.comments(article, "Waiting.").json["comment"]
    answer = rae.mine(article)
    assert answer.headers["Cache-Control"] == "no-store"
    yours = {"value": "no", "reason": "unclear", "section": None, "note": "Why?", "revision": "a"}
    votes = {"yes": 0, "no": 1, "total": 1}
    assert answer.json == {"vote": yours, "votes": votes, "comments": [comment], "likes": []}
    assert stan.mine(article).json == {"vote": None, "votes": votes, "comments": [], "likes": []}


# Caching


@pytest.mark.parametrize("path", [FEEDBACK, f"{FEEDBACK}&sort=newest", COUNTS])
@sqlite_only
def test_public_reads_are_cached_by_a_tag_that_every_process_makes_alike(make_app, article, rae, path):
    rae.votes(article, "yes")
    one, two = make_app().test_client(), make_app().test_client()
    first = one.get(path)
    tag = first.headers["ETag"]
    assert WEAK.fullmatch(tag)
    assert first.headers["Cache-Control"] == CACHEABLE
    again = two.get(path)
    assert (again.headers["ETag"], again.data) == (tag, first.data)
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', f'{tag}, W/"other"'):
        unchanged = two.get(path, headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.data) == (304, b""), known
        assert unchanged.headers["ETag"] == tag
        assert unchanged.headers["Cache-Control"] == CACHEABLE
        assert unchanged.headers["Access-Control-Allow-Origin"] == "*"
        assert unchanged.headers["X-Request-ID"]
    assert one.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200
    rae.votes(article, "no")
    changed = one.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_every_change_is_seen_at_once_in_every_process(make_app, article, rae, stan, site, do, mo, clock):
    apps = [make_app(), make_app()]
    seen: list[set[bytes]] = []

    def look() -> Any:
        answers = [rae.at(app).reads(article) for app in apps]
        seen.append({answer.data for answer in answers})
        assert len(seen[-1]) == 1
        assert len(seen) < 2 or seen[-1] != seen[-2], "nothing has changed"
        return answers[0].json

    look()
    rae.at(apps[0]).votes(article, "yes")
    assert look()["votes"]["yes"] == 1
    comment = rae.at(apps[1]).comments(article, "Hello.").json["comment"]
    mo.posts("/decisions", comment=comment["id"], version=1, action="approve")
    assert look()["comments"]["total"] == 1
    do(articles.change_site, site.slug, question="Was this of use?")
    assert look()["settings"]["question"] == "Was this of use?"
    do(articles.register, site.id, articles.Registration(KEY, "New title", f"{ORIGIN}/new"), now=clock())
    assert look()["article"] == {"key": KEY, "title": "New title", "url": f"{ORIGIN}/new", "contributors": []}
    rae.posts(f"/comments/{comment['id']}/withdraw")
    assert look()["comments"]["total"] == 0
    stan.at(apps[0]).votes(article, "no")
    rae.at(apps[1]).votes(article, "none")
    assert look()["votes"] == {"yes": 0, "no": 1, "total": 1}


@sqlite_only
def test_a_summary_is_the_same_in_every_encoding(client, article):
    import gzip

    import brotli

    plain = client.get(FEEDBACK)
    assert "Accept-Encoding" in plain.headers["Vary"]
    for encoding, unpack in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        packed = client.get(FEEDBACK, headers={"Accept-Encoding": encoding})
        assert packed.headers["Content-Encoding"] == encoding
        assert unpack(packed.data) == plain.data
        assert packed.headers["ETag"] == plain.headers["ETag"]


@sqlite_only
def test_head_answers_as_get_without_a_body(client, article):
    read, headed = client.get(FEEDBACK), client.head(FEEDBACK)
    assert (headed.status_code, headed.data) == (200, b"")
    assert headed.headers["ETag"] == read.headers["ETag"]


# Who may read what from where


def cors(answer: Any) -> set[str]:
    return {name for name, _ in answer.headers if name.startswith("Access-Control")}


@sqlite_only
def test_public_reads_are_the_same_for_everybody(client, article):
    paths = (FEEDBACK, f"{FEEDBACK}&sort=oldest", COUNTS, "/widget.js")
    for origin, path in product((None, ORIGIN, "https://elsewhere.test", "null"), paths):
        answer = client.get(path, headers={"Origin": origin} if origin else {})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["ETag"].startswith('W/"')
        assert answer.data == client.get(path).data


@sqlite_only
def test_writes_come_from_a_listed_origin_and_are_echoed(client, rae, article, rows):
    for answer in (rae.votes(article, "yes"), rae.comments(article, "Hello."), rae.mine(article)):
        assert answer.status_code in (200, 202)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Vary"] == "Origin"
        assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After, X-Request-ID"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = rae.votes(article, "maybe")
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (422, ORIGIN)


ELSEWHERE = (
    None,
    "null",
    "",
    "https://articles.test",
    "http://articles.test:8080",
    "http://articles.test.evil.test",
    "http://sub.articles.test",
    "http://articles.test/",
    "HTTP://ARTICLES.TEST",
)


@sqlite_only
def test_writes_from_elsewhere_are_refused_without_cors_headers(client, article, rows):
    fields = {"article": KEY, "reader": "r" * 22, "value": "yes", "body": "Hello."}
    for origin in ELSEWHERE:
        headers = {} if origin is None else {"Origin": origin}
        for path in ("vote", "comments", "mine", f"comments/{'A' * 43}/withdraw"):
            answer = client.post(f"/api/v1/health/{path}", data=fields, headers=headers)
            assert (answer.status_code, answer.content_type) == (403, "application/problem+json"), origin
            assert cors(answer) == set()
            assert answer.headers["Vary"] == "Origin"
    assert rows(select(Vote)) == rows(select(Comment)) == []


@sqlite_only
def test_an_origin_of_another_site_is_elsewhere(client, article, do, clock):
    do(articles.add_site, "second", origins=["http://second.test"], now=clock())
    fields = {"article": KEY, "reader": "r" * 22, "value": "yes"}
    for slug, origin, status in (("health", "http://second.test", 403), ("second", "http://second.test", 200)):
        answer = client.post(f"/api/v1/{slug}/vote", data=fields, headers={"Origin": origin})
        assert answer.status_code == status


@sqlite_only
def test_a_preflight_is_answered_to_listed_origins(client, site):
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = client.options("/api/v1/health/vote", headers=asks | {"Origin": ORIGIN})
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert answer.headers["Vary"] == "Origin"
    refused = client.options("/api/v1/health/vote", headers=asks | {"Origin": "http://evil.test"})
    assert refused.status_code == 403
    assert cors(refused) == set()
    public = client.options("/api/v1/health/feedback", headers=asks | {"Origin": "http://evil.test"})
    assert (public.status_code, public.headers["Access-Control-Allow-Origin"]) == (204, "*")


@sqlite_only
def test_json_is_taken_as_forms_are(client, article):
    body = {"article": KEY, "reader": "r" * 22, "value": "no", "reason": "unclear", "opened": 5}
    for kind in ("application/json", "application/json; charset=utf-8"):
        answer = client.post("/api/v1/health/vote", json=body, headers={"Origin": ORIGIN, "Content-Type": kind})
        assert (answer.status_code, answer.json["votes"]["no"]) == (200, 1)
    comment = client.post(
        "/api/v1/health/comments", json=body | {"body": "Hello.", "name": None}, headers={"Origin": ORIGIN}
    )
    assert comment.status_code == 202


# What no answer may have


@sqlite_only
def test_no_cookie_is_read_or_set_and_every_answer_has_an_id(app: Flask, client, article, rae, mo, password_hash):
    signed_in = mo.signs_in()
    assert signed_in.get_cookie("feedback_session")
    headers, ids = {"Origin": ORIGIN}, []
    values = {"site": "health", "comment_id": "A" * 43, "decision_id": "A" * 43}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            continue
        path = rule.rule
        for name in rule.arguments:
            path = re.sub(rf"<(\w+:)?{name}>", values.get(name, "A" * 43), path)
        for method in sorted((rule.methods or set()) | {"PATCH"}):
            answer = signed_in.open(path, method=method, headers=headers, data={"reader": rae.token, "article": KEY})
            assert "Set-Cookie" not in answer.headers, (method, path)
            assert "Cookie" not in answer.headers.get("Vary", ""), (method, path)
            ids.append(answer.headers["X-Request-ID"])
            if rule.endpoint.startswith("api."):
                assert answer.status_code in (401, 405, 204), (method, path)
    assert len(set(ids)) == len(ids) > 20


@sqlite_only
def test_other_answers_have_an_id_too(client, site):
    for path in ("/healthz", "/readyz", "/nowhere", "/api/", "/api/v1/", "/widget.js", "/sign-in"):
        assert client.get(path).headers["X-Request-ID"], path


# What a site or the service can do beyond the usual


def test_the_figure_is_shown_where_a_site_wants_it(rae, article, site, do):
    assert "figure" not in rae.reads(article).json["settings"]
    do(articles.change_site, site.slug, show_figure="on")
    for sort in ({}, {"sort": "newest"}):
        assert rae.reads(article, **sort).json["settings"]["figure"] is True


def test_mail_about_replies_is_offered_where_it_can_leave(rae, article, make_app):
    key = Fernet.generate_key().decode()
    keys: dict[str, Any] = {"mail_keys": (key,)}
    for given, offered in (({}, False), (NOWHERE, False), (keys, False), (keys | NOWHERE, True)):
        reader = rae.at(make_app(**given))
        for sort in ({}, {"sort": "newest"}):
            assert reader.reads(article, **sort).json["settings"].get("notify", False) is offered
        answer = reader.comments(article, "Mail, please.", email="rae@example.org", notify="replies")
        assert answer.status_code == (202 if offered else 422)
