"""The second factor: a phone's code counts once, nothing opens before it, and losing the phone locks nobody out."""

import hashlib
import hmac
import re
import struct
from base64 import b32decode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import qrcode
from sqlalchemy import func, select, update

from feedback import clock as real_clock
from feedback import passwords, second_factor, staff
from feedback.db import db
from feedback.errors import Conflict, Invalid
from feedback.models import RecoveryCode, SecondFactor, User
from feedback.second_factor import Vault
from tests.cast import CSRF, PASSWORD, SIGN_IN, together
from tests.conftest import SECRET
from tests.test_account import borrowed, changes_password, cookie, is_in, leaves, token, tries
from tests.test_cli import runs
from tests.test_staff_pages import calls

PAGE = "/account/second-factor"
STEP = "/account/code"
OTHER_SECRET = "another-key-that-only-tests-sign-with"


def code_of(key: str, moment: Any) -> str:
    """The code an app shows, computed here from RFC 6238 alone."""
    secret = b32decode(key.replace(" ", ""))
    digest = hmac.digest(secret, struct.pack(">Q", int(moment.timestamp()) // 30), hashlib.sha1)
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def test_our_codes_are_those_of_the_standard():
    """RFC 6238, appendix B, cut to six digits."""
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        step = second_factor._step(b32decode(key), code, datetime.fromtimestamp(seconds, UTC))
        assert step == seconds // 30


class Phone:
    """An authenticator app that has scanned a page's key, and what its owner keeps on paper."""

    def __init__(self, client: Any, **more: str) -> None:
        page = client.get(PAGE).text
        self.key = re.search(r'<p class="key"><code>([A-Z2-7 ]+)</code>', page)[1]
        fields = {"offer": re.search(r'name="offer"[^>]*value="([^"]+)"', page)[1], "present": PASSWORD}
        fields |= {"csrf_token": CSRF.search(page)[1], "code": self.shows()}
        self.answer = client.post(PAGE, data=fields | more)
        self.paper = re.findall(r"<li><code>([a-z2-7-]+)</code>", self.answer.text)

    def shows(self, **later: float) -> str:
        return code_of(self.key, real_clock.now() + timedelta(**later))


@pytest.fixture
def phone(mo, clock):
    """Mo's phone, set up a minute ago."""
    made = Phone(mo.signs_in())
    assert made.answer.status_code == 200
    clock.forward(minutes=1)
    return made


def halfway(client: Any, mo: Any, **more: str) -> Any:
    """Give the right password."""
    answer = tries(client, mo.email, PASSWORD, **more)
    assert answer.headers["Location"] == STEP
    return client


def gives(client: Any, code: str) -> Any:
    return client.post(STEP, data={"csrf_token": token(client, STEP), "code": code})


def asks(client: Any, path: str, **fields: str) -> Any:
    return client.post(path, data={"csrf_token": token(client, PAGE), **fields})


def count(rows: Any, model: Any) -> int:
    return rows(select(func.count()).select_from(model))[0]


# Setting it up


def test_setting_it_up_shows_ten_codes_and_ends_the_other_sessions(mo, rows):
    here, there = mo.signs_in(), mo.signs_in()
    before = cookie(here)
    made = Phone(here)
    assert made.answer.status_code == 200
    assert len(set(made.paper)) == second_factor.RECOVERY_CODES == 10
    assert is_in(here) and not is_in(there) and cookie(here) != before
    assert "You have 10 recovery codes left" in here.get(PAGE).text


def test_the_qr_code_says_what_the_text_says(mo):
    page = mo.signs_in().get(PAGE).text
    key = re.search(r'<p class="key"><code>([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', page)[1])
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", page)}
    uri = f"otpauth://totp/Reader%20feedback:{mo.email}?secret={key}&issuer=Reader%20feedback"
    expected = qrcode.QRCode(border=4)
    expected.add_data(uri)
    matrix = expected.get_matrix()
    assert side == len(matrix)
    assert dark == {(x, y) for y, row in enumerate(matrix) for x, on in enumerate(row) if on}
    assert unquote(urlsplit(uri).path) == f"/Reader feedback:{mo.email}"
    assert parse_qs(urlsplit(uri).query)["secret"] == [key]


def test_every_page_shows_another_key(mo):
    client = mo.signs_in()
    assert len({re.search(r'class="key"><code>([^<]+)', client.get(PAGE).text)[1] for _ in range(3)}) == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"code": "000000"}, "This code is not right"),
        ({"code": ""}, "Fill in the code"),
        ({"present": "not the present one"}, "not your present password"),
        ({"offer": "made-up"}, "open for too long"),
        ({"offer": ""}, "open for too long"),
    ],
)
def test_nothing_less_turns_it_on(mo, connect, rows, given, sentence):
    made = Phone(mo.signs_in(), **given)
    assert made.answer.status_code == 422
    assert sentence in made.answer.text
    assert count(rows, SecondFactor) == count(rows, RecoveryCode) == 0
    assert tries(connect(), mo.email, PASSWORD).headers["Location"] == "/"


def test_a_wrong_first_code_leaves_the_same_key_to_try_again(mo):
    made = Phone(mo.signs_in(), code="000000")
    assert made.key in made.answer.text


def test_a_key_offered_to_somebody_else_or_long_ago_is_not_taken(do, mo, ann, clock):
    vault = Vault([SECRET])
    offer = second_factor.offer(vault, mo.id, mo.email, now=clock())
    for user_id, later in ((ann.id, 0), (mo.id, second_factor.OFFER_SECONDS + 1)):
        now = clock.forward(seconds=later)
        with pytest.raises(Invalid, match="open for too long"):
            do(second_factor.enrol, vault, user_id, offer.sealed, code_of(offer.key, now), now=now)


def test_one_person_has_one_phone(do, mo, phone, clock):
    vault = Vault([SECRET])
    offer = second_factor.offer(vault, mo.id, mo.email, now=clock())
    with pytest.raises(Conflict):
        do(second_factor.enrol, vault, mo.id, offer.sealed, code_of(offer.key, clock()), now=clock())


# Signing in


def test_the_code_opens_what_the_password_alone_does_not(mo, phone, connect):
    client = halfway(connect(), mo, next="/moderation/decisions")
    assert not is_in(client)
    answer = gives(client, phone.shows())
    assert answer.headers["Location"] == "/moderation/decisions"
    assert is_in(client)


def test_no_page_opens_for_the_password_alone(app, mo, phone, connect):
    client = halfway(connect(), mo)
    csrf = token(client, STEP)
    asked = calls(app)
    assert len(asked) > 50
    for endpoint, method, path in asked:
        data = {"csrf_token": csrf} if method != "GET" else None
        answer = client.open(path, method=method, data=data, buffered=True)
        assert answer.status_code == 303, endpoint
        assert answer.headers["Location"].startswith(SIGN_IN), endpoint


def test_the_session_is_a_new_one_after_the_code(mo, phone, connect):
    client = halfway(connect(), mo)
    before, csrf = cookie(client), token(client, STEP)
    gives(client, phone.shows())
    assert cookie(client) != before
    assert client.post("/account/sign-out", data={"csrf_token": csrf}).status_code == 400
    assert not is_in(borrowed(connect, before))


def test_the_step_is_for_those_who_gave_their_password(mo, phone, connect):
    assert connect().get(STEP).headers["Location"] == SIGN_IN
    client = halfway(connect(), mo)
    gives(client, phone.shows())
    assert client.get(STEP).headers["Location"] == SIGN_IN


def test_the_step_waits_for_ten_minutes(mo, phone, connect, clock):
    client = halfway(connect(), mo)
    clock.forward(minutes=9, seconds=59)
    assert client.get(STEP).status_code == 200
    clock.forward(seconds=2)
    assert client.get(STEP).headers["Location"] == SIGN_IN


@pytest.mark.parametrize("happens", ["sleep", "password", "sessions"])
def test_the_step_is_closed_by_what_closes_sessions(mo, phone, connect, do, happens, password_hash):
    client = halfway(connect(), mo)
    if happens == "sleep":
        do(lambda: db.session.execute(update(User).where(User.id == mo.id).values(active=False)))
    elif happens == "password":
        do(staff.set_password, mo.id, password_hash)
    else:
        do(staff.end_sessions, mo.id)
    assert client.get(STEP).headers["Location"] == SIGN_IN


def test_the_field_suits_a_phone(mo, phone, connect):
    client = halfway(connect(), mo)
    field = re.search(r'<input[^>]*name="code"[^>]*>', client.get(STEP).text)[0]
    assert 'inputmode="numeric"' in field and 'autocomplete="one-time-code"' in field
    field = re.search(r'<input[^>]*name="code"[^>]*>', client.get(STEP, query_string={"recovery": "1"}).text)[0]
    assert "numeric" not in field


def test_nobody_is_asked_for_what_they_have_not_set_up(mo, connect):
    assert tries(connect(), mo.email, PASSWORD).headers["Location"] == "/"


# Codes


def test_a_code_counts_once(mo, phone, connect):
    code = phone.shows()
    assert gives(halfway(connect(), mo), code).status_code == 303
    answer = gives(halfway(connect(), mo), code)
    assert answer.status_code == 422
    assert "each one counts once" in answer.text


def test_the_code_of_the_set_up_does_not_count_again(mo, clock, connect):
    made = Phone(mo.signs_in())
    assert gives(halfway(connect(), mo), made.shows()).status_code == 422


def test_a_code_sent_many_times_at_once_counts_once(mo, phone, do, clock):
    vault, code = Vault([SECRET]), phone.shows()
    done = together(lambda: do(second_factor.accept, vault, mo.id, code, now=clock()), times=8)
    assert sum(done) == 1


@pytest.mark.parametrize(("seconds", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_is_good_for_one_step_either_way(mo, phone, connect, clock, seconds, good):
    clock.forward(minutes=5)
    assert gives(halfway(connect(), mo), phone.shows(seconds=seconds)).status_code == (303 if good else 422)


def test_no_code_older_than_the_last_one_counts(mo, phone, connect):
    earlier = phone.shows(seconds=-30)
    assert gives(halfway(connect(), mo), phone.shows()).status_code == 303
    assert gives(halfway(connect(), mo), earlier).status_code == 422


def test_a_code_may_be_typed_in_two_groups(mo, phone, connect):
    code = phone.shows()
    assert gives(halfway(connect(), mo), f" {code[:3]} {code[3:]} ").status_code == 303


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "é" * 200, "0" * 61, "\x00"])
def test_what_is_no_code_is_refused(mo, phone, connect, typed):
    assert gives(halfway(connect(), mo), typed).status_code == 422


def test_a_code_of_somebody_else_does_not_count(mo, ann, phone, connect, clock):
    other = Phone(ann.signs_in())
    clock.forward(minutes=1)
    assert gives(halfway(connect(), mo), other.shows()).status_code == 422
    assert gives(halfway(connect(), mo), other.paper[0]).status_code == 422


# Recovery codes


def test_a_recovery_code_opens_once(mo, phone, connect):
    client = halfway(connect(), mo)
    assert gives(client, phone.paper[3]).status_code == 303
    assert "You used a recovery code. 9 are left." in client.get(PAGE).text
    assert gives(halfway(connect(), mo), phone.paper[3]).status_code == 422


def test_a_recovery_code_may_be_typed_as_it_was_read(mo, phone, connect):
    typed = phone.paper[0].upper().replace("-", " ").replace("O", "0").replace("L", "1").replace("B", "8")
    assert gives(halfway(connect(), mo), typed).status_code == 303


def test_a_recovery_code_sent_many_times_at_once_opens_once(mo, phone, do, clock):
    vault = Vault([SECRET])
    done = together(lambda: do(second_factor.accept, vault, mo.id, phone.paper[0], now=clock()), times=8)
    assert sum(done) == 1


def test_new_recovery_codes_replace_the_old(mo, phone, connect, rows):
    client = halfway(connect(), mo)
    gives(client, phone.paper[0])
    answer = asks(client, f"{PAGE}/codes", present=PASSWORD, code=phone.shows())
    fresh = re.findall(r"<li><code>([a-z2-7-]+)</code>", answer.text)
    assert len(fresh) == 10 == count(rows, RecoveryCode)
    assert gives(halfway(connect(), mo), phone.paper[1]).status_code == 422
    assert gives(halfway(connect(), mo), fresh[0]).status_code == 303


def test_recovery_codes_have_enough_letters_to_keep_only_their_hash(phone, rows):
    assert all(len(code.replace("-", "")) * 5 == 120 for code in phone.paper)
    kept = {second_factor._hash(code) for code in phone.paper}
    assert set(rows(select(RecoveryCode.hash))) == kept


# Turning it off


@pytest.mark.parametrize("path", [f"{PAGE}/off", f"{PAGE}/codes"])
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"code": "000000"}, "This code is not right"),
        ({"code": ""}, "Fill in the code"),
        ({"present": "not the present one"}, "not your present password"),
        ({"present": ""}, "Fill in your present password"),
    ],
)
def test_turning_it_off_takes_password_and_code(mo, phone, connect, rows, path, given, sentence):
    client = halfway(connect(), mo)
    gives(client, phone.shows())
    answer = asks(client, path, **{"present": PASSWORD, "code": phone.paper[0]} | given)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert (count(rows, SecondFactor), count(rows, RecoveryCode)) == (1, 10)


def test_turning_it_off_ends_the_other_sessions_and_asks_no_more(mo, phone, connect, rows):
    here, there = halfway(connect(), mo), halfway(connect(), mo)
    gives(here, phone.shows())
    gives(there, phone.paper[0])
    assert asks(here, f"{PAGE}/off", present=PASSWORD, code=phone.paper[1]).status_code == 303
    assert is_in(here) and not is_in(there)
    assert count(rows, SecondFactor) == count(rows, RecoveryCode) == 0
    assert tries(connect(), mo.email, PASSWORD).headers["Location"] == "/"


def test_what_is_off_cannot_be_turned_off(mo):
    client = mo.signs_in()
    for path in (f"{PAGE}/off", f"{PAGE}/codes"):
        assert asks(client, path, present=PASSWORD, code="123456").headers["Location"] == PAGE


# Limits


def test_five_wrong_codes_close_the_step_of_that_account_alone(mo, ann, phone, limited_app, clock):
    other = Phone(ann.signs_in())
    clock.forward(minutes=1)
    client = halfway(limited_app.test_client(), mo)
    assert [gives(client, "000000").status_code for _ in range(6)] == [422] * 5 + [429]
    answer = gives(client, phone.shows())
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "try again in" in answer.text
    assert gives(halfway(limited_app.test_client(), mo), phone.paper[0]).status_code == 429
    assert gives(halfway(limited_app.test_client(), ann), other.shows()).status_code == 303


def test_right_codes_are_not_counted(mo, phone, limited_app, clock):
    for _ in range(8):
        clock.forward(seconds=30)
        assert gives(halfway(limited_app.test_client(), mo), phone.shows()).status_code == 303


# What is kept


def test_the_key_is_kept_encrypted_and_for_its_owner_alone(mo, ann, phone, rows):
    [sealed] = rows(select(SecondFactor.sealed_key))
    key = b32decode(phone.key.replace(" ", ""))
    assert key not in sealed and phone.key.replace(" ", "").encode() not in sealed
    assert Vault([SECRET]).open(sealed, mo.id) == key
    for vault, user_id in ((Vault([SECRET]), ann.id), (Vault([OTHER_SECRET]), mo.id)):
        with pytest.raises(second_factor.InvalidToken):
            vault.open(sealed, user_id)


def test_the_key_moves_to_a_new_secret_when_it_is_used(mo, phone, make_app, clock):
    both = make_app(secret_keys=(OTHER_SECRET, SECRET)).test_client()
    assert gives(halfway(both, mo), phone.shows()).status_code == 303
    clock.forward(minutes=1)
    new = make_app(secret_keys=(OTHER_SECRET,)).test_client()
    assert gives(halfway(new, mo), phone.shows()).status_code == 303


def test_a_recovery_code_opens_where_the_secret_is_lost(mo, phone, make_app, caplog):
    client = halfway(make_app(secret_keys=(OTHER_SECRET,)).test_client(), mo)
    assert gives(client, phone.shows()).status_code == 422
    assert "cannot be decrypted" in caplog.text and mo.email not in caplog.text
    assert gives(client, phone.paper[0]).status_code == 303


def test_it_goes_with_the_account(phone, ada, mo, do, rows):
    do(staff.dismiss, mo.id)
    assert count(rows, SecondFactor) == count(rows, RecoveryCode) == 0


# Other ways in


def test_a_new_password_by_letter_leaves_it_on(app, mo, phone, connect, ask):
    link = passwords.Signer([SECRET]).sign(ask(staff.find_user, mo.email), passwords.RESET)
    client = connect()
    fields = {"csrf_token": token(client, f"/account/choose/{link}"), "new": (new := "an altogether new sentence")}
    assert client.post(f"/account/choose/{link}", data=fields | {"again": new}).status_code == 303
    assert tries(connect(), mo.email, new).headers["Location"] == STEP


def test_changing_the_password_keeps_it_on(mo, phone, connect):
    client = halfway(connect(), mo)
    gives(client, phone.shows())
    changes_password(client, new=(new := "an altogether new sentence"))
    assert is_in(client)
    leaves(client)
    assert tries(connect(), mo.email, new).headers["Location"] == STEP


def test_a_command_resets_it_for_who_lost_everything(mo, phone, connect, database_url, tmp_path, rows):
    client = halfway(connect(), mo)
    gives(client, phone.shows())
    feedback = runs(
        {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_DATABASE_URL": database_url, "FEEDBACK_SECRET_KEY": SECRET}
    )
    done = feedback("user", "change", mo.email, "--reset-second-factor")
    assert (done.exit_code, done.output) == (0, f"Changed {mo.email}.\n")
    assert not is_in(client)
    assert count(rows, SecondFactor) == count(rows, RecoveryCode) == 0


# Where the service wants it of everybody


@pytest.fixture
def strict(make_app):
    return make_app(require_second_factor=True)


def test_a_strict_service_shows_nothing_before_it_is_on(strict, ada):
    client = strict.test_client()
    tries(client, ada.email, PASSWORD)
    csrf = token(client, PAGE)
    for endpoint, method, path in calls(strict):
        if endpoint in ("second_factor.page", "account.sign_out"):
            continue
        data = {"csrf_token": csrf} if method != "GET" else None
        answer = client.open(path, method=method, data=data, buffered=True)
        assert (answer.status_code, answer.headers.get("Location")) == (303, PAGE), (method, path)
    assert "wants a second factor" in client.get(PAGE).text
    assert Phone(client).answer.status_code == 200
    assert client.get("/admin/").status_code == 200


def test_a_strict_service_lets_in_who_has_one(strict, mo, phone):
    client = halfway(strict.test_client(), mo)
    gives(client, phone.shows())
    assert client.get("/moderation/").status_code == 200
    changes_password(client, new="an altogether new sentence")
    assert client.get("/moderation/").status_code == 200
    assert asks(client, f"{PAGE}/off", present="an altogether new sentence", code=phone.paper[0]).status_code == 303
    assert client.get("/moderation/").headers["Location"] == PAGE


def test_a_strict_service_lets_anybody_leave(strict, mo):
    client = strict.test_client()
    tries(client, mo.email, PASSWORD)
    answer = client.post("/account/sign-out", data={"csrf_token": token(client, PAGE)})
    assert answer.headers["Location"] == SIGN_IN
