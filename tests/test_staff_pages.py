"""Every staff page refuses strangers and wrong roles, sends its headers, and fails with a page that says what to do."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from feedback import articles, moderation, notices, staff
from feedback.db import db
from feedback.errors import Unavailable
from feedback.models import Role, State
from feedback.views import desk
from feedback.views.admin import mail
from feedback.views.moderation import NAMES
from tests.cast import CSRF

# Whom each part is for; administrators may enter all. Everybody who is signed in has an account and a home.
FOR = {
    "moderation": {Role.MODERATOR},
    "authors": {Role.AUTHOR, Role.REVIEWER},
    "admin": {Role.ADMINISTRATOR},
    "account": set(Role),
    "second_factor": set(Role),
    "notices": set(Role),
    "desk": set(Role),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def staff_rules(app: Any) -> list[Any]:
    """Every route of the URL map that has a session, but the open ones."""
    # The scripts' one rule stands for /widget.js and /widget-more.js, which have no session.
    without = {*desk.OPEN, "scripts.script"}
    return [rule for rule in app.url_map.iter_rules() if desk.has_session(rule.rule) and rule.endpoint not in without]


def example(rule: Any) -> str:
    return re.sub(r"<[^>]+>", "x", rule.rule)


def calls(app: Any) -> list[tuple[str, str, str]]:
    """(endpoint, method, path) of everything a browser could ask of the staff pages."""
    return [
        (rule.endpoint, method, example(rule))
        for rule in staff_rules(app)
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "DELETE", "PATCH"})
    ]


def test_every_staff_page_is_known_here(app):
    endpoints = {rule.endpoint.partition(".")[0] for rule in staff_rules(app)}
    assert endpoints == set(FOR)
    assert len(calls(app)) >= 12


def test_only_what_leads_to_a_session_is_open():
    assert sorted(desk.OPEN) == [
        "account.sign_in",
        "password.choose",
        "password.forgotten",
        "second_factor.step",
    ]


def test_every_staff_page_refuses_a_stranger(app, connect):
    for endpoint, method, path in calls(app):
        answer = connect().open(path, method=method, buffered=True)
        assert answer.status_code == 303, endpoint
        assert answer.headers["Location"].startswith("/account/sign-in"), endpoint


def test_every_staff_page_refuses_a_wrong_role(app, ann, rex, mo, ada):
    for person in (ann, rex, mo, ada):
        client = person.signs_in()
        token = CSRF.search(client.get("/account/password").text)[1]
        for endpoint, method, path in calls(app):
            if endpoint == "account.sign_out":
                continue
            data = {"csrf_token": token} if method != "GET" else None
            answer = client.open(path, method=method, data=data, buffered=True)
            allowed = person.role is Role.ADMINISTRATOR or person.role in FOR[endpoint.partition(".")[0]]
            refused = answer.status_code == 403
            assert refused is not allowed, (person.name, method, path, answer.status_code)


def test_somebody_without_a_role_gets_a_kind_word_and_nothing_else(do, ask, mo, site):
    client = mo.signs_in()
    do(staff.leave, ask(staff.find_user, mo.email), site, Role.MODERATOR)
    assert "has no role" in client.get("/").text
    assert client.get("/moderation/").status_code == 403


def test_a_role_holds_on_its_own_site_only(do, clock, mo, rae):
    other = do(articles.add_site, "other", origins=["http://other.test"], name="Other", now=clock())
    reader = replace(rae, site=other, origin=other.origins[0])
    assert reader.comments("their-page", "Not for Mo to see.").status_code == 202
    client = mo.signs_in()
    assert "Not for Mo to see." not in client.get("/moderation/?state=all").text
    assert client.get("/moderation/?site=other").status_code == 404


def test_home_leads_to_what_ones_role_is_for(mo, ada, ann, rex):
    for person, where in ((mo, "/moderation/"), (ada, "/moderation/"), (ann, "/articles/"), (rex, "/articles/")):
        assert person.signs_in().get("/").headers["Location"] == where


def test_the_navigation_shows_only_what_one_may_enter(mo, ada):
    page = mo.signs_in().get("/moderation/").text
    assert "/moderation/decisions" in page and 'href="/articles/"' not in page
    assert 'href="/articles/"' in ada.signs_in().get("/moderation/").text


def test_a_change_needs_its_token(mo):
    client = mo.signs_in()
    for path in ("/moderation/decide", "/moderation/undo", "/moderation/decisions/x/undo", "/account/password"):
        answer = client.post(path, data={"csrf_token": "wrong"})
        assert answer.status_code == 400
        assert "no longer valid" in answer.text


# Headers


def test_staff_pages_send_their_headers(mo, client):
    for answer in (mo.signs_in().get("/moderation/"), client.get("/account/sign-in"), client.get("/nowhere")):
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in answer.headers


def test_no_page_has_script_or_style_of_its_own(mo, app):
    client = mo.signs_in()
    for path in ("/moderation/", "/moderation/decisions", "/account/password", "/nowhere"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page), path


def test_readers_and_machines_get_no_cookie_and_send_none(mo, rae, article, client):
    signed_in = mo.signs_in()
    calls = (
        lambda http: http.get("/api/v1/health/counts?article=x"),
        lambda http: http.post("/api/v1/health/vote", data={}, headers={"Origin": rae.origin}),
        lambda http: http.get("/healthz"),
        lambda http: http.get("/widget.js"),
        lambda http: http.get("/static/staff.css"),
    )
    for call in calls:
        for http in (client, signed_in):
            with call(http) as answer:
                assert "Set-Cookie" not in answer.headers
                assert "Cookie" not in answer.headers.get("Vary", "")
    assert signed_in.get("/api/v1/health/queue").status_code == 401


def test_a_static_file_may_be_kept_for_good_at_the_address_the_pages_give(client):
    page = client.get("/account/sign-in").text
    address = re.search(r'href="(/static/staff\.css\?v=[0-9a-f]+)"', page)[1]
    with client.get(address) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    with client.get("/static/staff.css?v=old") as answer:
        assert "immutable" not in answer.headers["Cache-Control"]


# Faults


@pytest.mark.parametrize(
    ("call", "status", "sentence"),
    [
        (lambda client: client.get("/nowhere"), 404, "Not found"),
        (lambda client: client.get("/account/sign-out"), 405, "cannot be done here"),
        (lambda client: client.get("/moderation/?state=nonsense"), 422, "missing or wrong"),
        (lambda client: client.get("/moderation/?cursor=nonsense"), 400, "could not be read"),
        (lambda client: client.get("/moderation/comments/nonsense"), 404, "Not found"),
        (lambda client: client.post("/moderation/decide", data={"x": "y" * 70_000}), 413, "too much at once"),
    ],
)
def test_a_fault_has_a_page_that_says_what_to_do(mo, call, status, sentence):
    answer = call(mo.signs_in())
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert sentence in answer.text
    assert "Go to the start page" in answer.text


def test_a_storage_that_does_not_answer_has_a_page_too(mo, app, engine):
    client = mo.signs_in()
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text('ALTER TABLE "user" RENAME TO "elsewhere"'))
    answer = client.get("/moderation/")
    assert answer.status_code == 503
    assert "Not available just now" in answer.text
    assert answer.headers["Retry-After"]


def test_a_fault_of_ours_is_told_without_its_cause(mo, monkeypatch):
    client = mo.signs_in()
    client.application.testing = False
    client.application.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(*_args: Any, **_more: Any) -> None:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setattr(moderation, "totals", fail)
    answer = client.get("/moderation/")
    assert answer.status_code == 500
    assert "That did not work" in answer.text and "secret cause" not in answer.text


def test_a_busy_database_says_when_to_come_back(mo, monkeypatch):
    client = mo.signs_in()

    def busy(*_args: Any, **_more: Any) -> None:
        raise Unavailable("The database is busy just now.")

    monkeypatch.setattr(moderation, "totals", busy)
    answer = client.get("/moderation/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"


def test_the_states_of_a_comment_all_have_a_name():
    assert set(NAMES) == set(State)


def test_every_letter_that_may_be_given_up_has_a_name():
    assert set(mail.NAMES) == notices.MAIL
