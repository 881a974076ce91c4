"""Signing in and out, and the password: who gets in, for how long, and what a stolen cookie is worth."""

import re
from typing import Any
from urllib.parse import urlsplit

import argon2.low_level
import pytest
from sqlalchemy import select, update

from feedback import passwords, staff
from feedback.db import db
from feedback.limits import LIMITS, Limit
from feedback.models import User
from feedback.views import account
from tests.cast import CSRF, PASSWORD, SIGN_IN
from tests.test_staff_pages import calls

QUEUE = "/moderation/"
PAGE = "/account/password"
NEW = "a quite different sentence"


def token(client: Any, path: str = SIGN_IN) -> str:
    found = CSRF.search(client.get(path).text)
    assert found
    return found[1]


def tries(client: Any, email: str, password: str, address: str = "203.0.113.7", **more: str) -> Any:
    """Fill in the sign-in page and send it."""
    fields = {"csrf_token": token(client), "email": email, "password": password, **more}
    return client.post(SIGN_IN, data=fields, environ_base={"REMOTE_ADDR": address})


def leaves(client: Any) -> Any:
    return client.post("/account/sign-out", data={"csrf_token": token(client, PAGE)})


def changes_password(client: Any, present: str = PASSWORD, new: str = NEW, again: str | None = None) -> Any:
    fields = {"csrf_token": token(client, PAGE), "present": present, "new": new, "again": again or new}
    return client.post(PAGE, data=fields)


def is_in(client: Any) -> bool:
    return client.get(PAGE).status_code == 200


def cookie(client: Any) -> str:
    return str(client.get_cookie("feedback_session").value)


def borrowed(connect: Any, value: str) -> Any:
    """A client with a copy of somebody's cookie."""
    thief = connect()
    thief.set_cookie("feedback_session", value)
    return thief


def test_the_right_password_opens_the_queue(mo):
    assert mo.signs_in().get(QUEUE).status_code == 200


def test_the_case_of_an_address_does_not_matter(mo, client):
    assert tries(client, f" {mo.email.upper()} ", PASSWORD).status_code == 303
    assert is_in(client)


def test_unknown_and_known_accounts_get_the_same_answer(mo, connect):
    answers = []
    for email in (mo.email, "nobody@example.org"):
        answer = tries(connect(), email, "not the password")
        assert answer.status_code == 422
        answers.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert answers[0] == answers[1]
    assert "do not match" in answers[0]


def test_an_address_that_is_none_belongs_to_nobody(make_app, site):
    # With mail, so that a forgotten password is looked for, too.
    client = make_app(
        mail_url="smtp://127.0.0.1:9", mail_from="a@example.org", public_url="http://localhost"
    ).test_client()
    assert "do not match" in tries(client, "no\0body@example.org", "not the password").text
    fields = {"csrf_token": token(client, "/account/forgotten"), "email": "no\0body@example.org"}
    assert client.post("/account/forgotten", data=fields).status_code == 200


@pytest.fixture
def hashes(monkeypatch):
    """Counts every computation of argon2, whoever asks for it."""
    counted = []
    for name in ("hash_secret", "verify_secret"):
        real = getattr(argon2.low_level, name)
        monkeypatch.setattr(
            argon2.low_level, name, lambda *args, _real=real, **kwargs: counted.append(1) or _real(*args, **kwargs)
        )
    return counted


def test_every_sign_in_costs_one_hash_whether_there_is_an_account_or_not(mo, rex, ann, do, connect, hashes):
    # Counted, not timed: a hash takes 50 ms, all else together a few.
    do(lambda: db.session.execute(update(User).where(User.id == rex.id).values(active=False)))
    do(lambda: db.session.execute(update(User).where(User.id == ann.id).values(password=None)))
    costs = {}
    for email in (mo.email, rex.email, ann.email, "nobody@example.org"):
        hashes.clear()
        assert tries(connect(), email, "not the password").status_code == 422
        costs[email] = len(hashes)
    hashes.clear()
    assert tries(connect(), mo.email, PASSWORD).status_code == 303
    assert [*costs.values(), len(hashes)] == [1] * 5


def test_an_inactive_account_stays_outside(mo, app, do, client):
    do(lambda: db.session.execute(update(User).where(User.id == mo.id).values(active=False)))
    assert tries(client, mo.email, PASSWORD).status_code == 422


def test_an_account_that_becomes_inactive_is_out_at_once(mo, do):
    client = mo.signs_in()
    do(lambda: db.session.execute(update(User).where(User.id == mo.id).values(active=False)))
    assert not is_in(client)


def test_an_account_without_password_stays_outside(mo, do, client):
    do(lambda: db.session.execute(update(User).where(User.id == mo.id).values(password=None)))
    assert tries(client, mo.email, "").status_code == 422
    assert tries(client, mo.email, PASSWORD).status_code == 422


def test_a_form_without_its_token_signs_nobody_in(mo, client):
    answer = client.post(SIGN_IN, data={"email": mo.email, "password": PASSWORD})
    assert answer.status_code == 400
    assert not is_in(client)


def test_json_is_no_way_in(mo, client):
    answer = client.post(SIGN_IN, json={"email": {"a": 1}, "password": [PASSWORD]})
    assert answer.status_code == 400


def test_nobody_has_an_account_before_somebody_makes_it(rows):
    assert rows(select(User.id)) == []


# The session


def test_the_session_is_a_new_one_after_signing_in(mo, connect):
    client = connect()
    before = token(client)
    planted = cookie(client)
    tries(client, mo.email, PASSWORD)
    assert cookie(client) != planted
    assert client.post("/account/sign-out", data={"csrf_token": before}).status_code == 400
    assert is_in(client)
    assert not is_in(borrowed(connect, planted))


def test_a_copied_cookie_is_dead_after_signing_out(mo, connect):
    client = mo.signs_in()
    thief = borrowed(connect, cookie(client))
    assert is_in(thief)
    assert leaves(client).status_code == 303
    assert not is_in(thief)
    assert not is_in(client)


def test_signing_out_wants_a_post_with_its_token(mo):
    client = mo.signs_in()
    assert client.get("/account/sign-out").status_code == 405
    assert client.post("/account/sign-out").status_code == 400
    assert is_in(client)


def test_a_session_ends_after_a_working_day(mo, clock):
    client = mo.signs_in()
    clock.forward(hours=11, minutes=59)
    assert is_in(client)
    clock.forward(minutes=2)
    assert not is_in(client)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_session_holds_when_the_clock_jumps(mo, clock, hours):
    client = mo.signs_in()
    clock.forward(hours=hours)
    assert is_in(client)


def test_a_forged_cookie_is_no_session(mo, connect):
    value = cookie(mo.signs_in())
    head, _, tail = value.partition(".")
    for forged in (head, f"{head}.{'A' * len(tail)}", "", "é", "x" * 4000):
        assert not is_in(borrowed(connect, forged))


def test_cookies_over_http_keep_from_scripts_and_other_sites(client):
    set_cookie = client.get(SIGN_IN).headers["Set-Cookie"]
    assert set_cookie.startswith("feedback_session=")
    assert "HttpOnly" in set_cookie and "SameSite=Lax" in set_cookie and "Path=/" in set_cookie
    assert "Secure" not in set_cookie


def test_cookies_over_https_are_bound_to_the_host(make_app):
    app = make_app(public_url="https://feedback.example")
    answer = app.test_client().get(SIGN_IN, base_url="https://feedback.example")
    set_cookie = answer.headers["Set-Cookie"]
    assert set_cookie.startswith("__Host-feedback_session=")
    assert "Secure" in set_cookie and "Path=/" in set_cookie and "Domain" not in set_cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_form_over_https_must_come_from_the_same_host(make_app, mo):
    client = make_app(public_url="https://feedback.example").test_client()
    base = {"base_url": "https://feedback.example"}
    found = CSRF.search(client.get(SIGN_IN, **base).text)
    fields = {"csrf_token": found[1], "email": mo.email, "password": PASSWORD}
    foreign = client.post(SIGN_IN, data=fields, headers={"Referer": "https://evil.example/"}, **base)
    assert foreign.status_code == 400
    own = client.post(SIGN_IN, data=fields, headers={"Referer": f"https://feedback.example{SIGN_IN}"}, **base)
    assert own.status_code == 303


def test_the_session_cookie_is_written_only_when_it_changes(mo):
    client = mo.signs_in()
    client.get(PAGE)
    assert "Set-Cookie" not in client.get(PAGE).headers


def test_a_secret_that_was_replaced_still_verifies(make_app, mo):
    old = mo.signs_in()
    app = make_app(secret_keys=("the-new-key-of-this-one-test-here", "only-the-tests-sign-with-this-key"))
    client = app.test_client()
    client.set_cookie("feedback_session", cookie(old))
    assert is_in(client)


def test_every_page_offers_to_sign_out(app, ada, article):
    client = ada.signs_in()
    shown = 0
    for endpoint, method, path in calls(app):
        answer = client.open(path, method=method, buffered=True) if method == "GET" else None
        if answer is not None and answer.status_code == 200 and answer.mimetype == "text/html":
            assert 'action="/account/sign-out"' in answer.text, endpoint
            shown += 1
    assert shown >= 7


# Where one goes on to


@pytest.mark.parametrize("path", ["/moderation/decisions", "/moderation/?state=spam&q=a%20b", "/account/password"])
def test_signing_in_leads_to_the_page_one_came_for(mo, client, path):
    asked = client.get(path)
    assert asked.status_code == 303
    where = asked.headers["Location"]
    assert urlsplit(where).path == SIGN_IN
    found = re.search(r'name="next" value="([^"]*)"', client.get(where).text)
    answer = tries(client, mo.email, PASSWORD, next=found[1].replace("&amp;", "&"))
    assert answer.headers["Location"] == path


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "/\t/evil.example",
        "/%0a//evil.example\n",
        " //evil.example",
        "/x\\..//evil.example",
        "evil.example",
        "",
    ],
)
def test_nobody_is_led_to_another_host(mo, connect, target):
    client = connect()
    assert tries(client, mo.email, PASSWORD, next=target).headers["Location"] == "/"
    assert client.get(SIGN_IN, query_string={"next": target}).headers["Location"] == "/"


# Passwords


def test_changing_the_password_ends_every_other_session(mo, connect):
    here, there = mo.signs_in(), mo.signs_in()
    before = cookie(here)
    assert changes_password(here).status_code == 303
    assert is_in(here)
    assert not is_in(there)
    assert not is_in(borrowed(connect, before))


def test_only_the_new_password_opens_afterwards(mo, connect):
    changes_password(mo.signs_in())
    assert tries(connect(), mo.email, PASSWORD).status_code == 422
    assert tries(connect(), mo.email, NEW).status_code == 303


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"present": "not the present one"}, "not your present password"),
        ({"new": "eleven char"}, "12 to 128"),
        ({"new": "x" * 129}, "12 to 128"),
        ({"again": "something else again"}, "not the same"),
        ({"present": ""}, "Fill in your present password"),
    ],
)
def test_a_password_is_not_changed_for_less(mo, connect, given, sentence):
    answer = changes_password(mo.signs_in(), **given)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert tries(connect(), mo.email, PASSWORD).status_code == 303


@pytest.mark.parametrize("new", ["twelve chars", "ü" * 128, "correct 🐴 battery"])
def test_a_password_has_12_to_128_characters(mo, connect, new):
    assert changes_password(mo.signs_in(), new=new).status_code == 303
    assert tries(connect(), mo.email, new).status_code == 303


def test_a_password_never_grows_too_old(mo, connect, clock):
    clock.forward(days=3650)
    client = connect()
    assert tries(client, mo.email, PASSWORD).headers["Location"] == "/"
    assert client.get(QUEUE).status_code == 200


def test_password_managers_know_every_field(mo, connect):
    """Hidden while it is typed, and named as https://html.spec.whatwg.org/#autofill names it."""
    fields = re.findall(r"<input[^>]*>", connect().get(SIGN_IN).text + mo.signs_in().get(PAGE).text)
    typed = [field for field in fields if re.search(r'name="(password|present|new|again)"', field)]
    assert all('type="password"' in field for field in typed)
    known = [re.search(r'autocomplete="([^"]+)"', field)[1] for field in typed]
    assert known == ["current-password", "current-password", "new-password", "new-password"]


@pytest.mark.parametrize(
    "new", ["QwertyQwerty", "1qaz2wsx3edc", "ADMINISTRATOR", "ｑｗｅｒｔｙｑｗｅｒｔｙ", "unbelievable"]
)
def test_a_password_that_many_people_use_is_refused(mo, connect, new):
    answer = changes_password(mo.signs_in(), new=new)
    assert answer.status_code == 422
    assert "Many people use this password" in answer.text
    assert tries(connect(), mo.email, new).status_code == 422


@pytest.mark.parametrize(
    "new",
    ["mo@health.example.org", "Quiet-Health 2026!", "ReaderFeedback12", "health.articles.test", "moderator-Mo-4711"],
)
def test_a_password_of_names_that_others_know_is_refused(mo, connect, new):
    answer = changes_password(mo.signs_in(), new=new)
    assert answer.status_code == 422
    assert "little more than names" in answer.text
    assert tries(connect(), mo.email, new).status_code == 422


@pytest.mark.parametrize("new", ["quiet evenings in the feedback garden", "845093817264", "moss and molluscs"])
def test_a_name_within_other_words_does_no_harm(mo, new):
    assert changes_password(mo.signs_in(), new=new).status_code == 303


def test_the_list_of_common_passwords_is_long_enough():
    common = passwords._common()
    assert len(common) == 10_000  # ASVS asks for 3,000 that the length would let through
    assert min(map(len, common)) == passwords.MIN_CHARS
    assert all(each == passwords._plain(each) for each in common)


def test_a_password_is_the_same_on_every_keyboard(mo, connect):
    changes_password(mo.signs_in(), new="schöne neue Welt")
    assert tries(connect(), mo.email, "scho\u0308ne neue Welt").status_code == 303


def test_passwords_are_hashed_with_argon2id(mo, rows):
    changes_password(mo.signs_in())
    assert rows(select(User.password).where(User.id == mo.id))[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_of_lower_cost_is_renewed_at_sign_in(mo, do, rows, connect):
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    do(staff.keep_hash, mo.id, cheap)
    client = connect()
    assert tries(client, mo.email, PASSWORD).status_code == 303
    assert is_in(client)
    assert "m=19456,t=2,p=1" in rows(select(User.password).where(User.id == mo.id))[0]
    assert tries(connect(), mo.email, PASSWORD).status_code == 303


# Limits


@pytest.fixture
def guarded(limited_app):
    return limited_app.test_client


def test_five_wrong_passwords_close_the_account_to_that_network(mo, guarded):
    for _ in range(5):
        assert tries(guarded(), mo.email, "wrong wrong wrong").status_code == 422
    answer = tries(guarded(), mo.email, PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "try again in" in answer.text
    assert tries(guarded(), mo.email, PASSWORD, address="198.51.100.1").status_code == 303


def test_an_unknown_account_closes_just_the_same(mo, guarded):
    codes = [tries(guarded(), "nobody@example.org", "wrong wrong wrong").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]


def test_twenty_wrong_passwords_close_every_account_to_that_network(mo, guarded):
    for number in range(20):
        assert tries(guarded(), f"nobody{number}@example.org", "wrong wrong wrong").status_code == 422
    assert tries(guarded(), mo.email, PASSWORD).status_code == 429


def test_fifty_wrong_passwords_from_anywhere_close_the_account(mo, guarded):
    for number in range(50):
        answer = tries(guarded(), mo.email, "wrong wrong wrong", address=f"198.51.{number}.1")
        assert answer.status_code == 422
    assert tries(guarded(), mo.email, PASSWORD, address="203.0.113.200").status_code == 429


def test_right_passwords_are_not_counted(mo, guarded, monkeypatch):
    monkeypatch.setitem(LIMITS, "write", Limit((), ""))  # Writes of any kind are counted, too: 20 a second.
    for _ in range(25):
        assert tries(guarded(), mo.email, PASSWORD).status_code == 303


def test_nothing_is_hashed_once_the_limit_is_reached(mo, guarded, monkeypatch):
    for _ in range(5):
        tries(guarded(), mo.email, "wrong wrong wrong")
    monkeypatch.setattr(account.SignInForm, "validate", lambda form: pytest.fail("the password was looked at"))
    assert tries(guarded(), mo.email, PASSWORD).status_code == 429


def test_a_signed_in_thief_cannot_guess_the_password_for_long(mo, limited_app):
    client = limited_app.test_client()
    tries(client, mo.email, PASSWORD)
    here = {"REMOTE_ADDR": "203.0.113.7"}
    codes = []
    for _ in range(6):
        fields = {"csrf_token": token(client, PAGE), "present": "wrong wrong", "new": NEW, "again": NEW}
        codes.append(client.post(PAGE, data=fields, environ_base=here).status_code)
    assert codes == [422] * 5 + [429]


def test_sign_ins_wait_for_each_other_and_not_forever(mo, connect, monkeypatch):
    client = connect()
    monkeypatch.setattr(account, "HASHING_WAIT", 0.05)
    with account._one_at_a_time:
        answer = tries(client, mo.email, PASSWORD)
    assert answer.status_code == 503
    assert tries(client, mo.email, PASSWORD).status_code == 303
