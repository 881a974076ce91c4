"""Notes keep what helps an author, and lose what tells who wrote them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.personal import REMOVED, found, redact

EMAILS = [
    "ann@example.org",
    "Ann.B+notes@mail.example.co.uk",
    "ann_b-c@example-site.health",
    "o'neil@example.org",
    "b\u00e4r@m\u00fcller.de",
    "ann@xn--mller-kva.xn--p1ai",
    "ann\uff20example.org",
    "a\u200bnn@exam\u00adple.org",
]
PHONES = [
    "+49301234567",
    "+49 30 1234567",
    "+49 (0)30 123456-78",
    "+ 49 30 1234567",
    "0049 30 1234567",
    "030 1234567",
    "(030) 123 45 67",
    "030/1234567",
    "030 / 12 34 56 78",
    "030 - 1234567",
    "01 23 45 67 89",
    "01.23.45.67.89",
    "01-23-45-67-89",
    "+33 1.23.45.67.89",
    "020 7946 0958",
    "+1 202 555 0147",
    "0800 1 234 567",
    "012345678",
    "\u0660\u0663\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "\uff0b\uff14\uff19 30 1234567",
    "+49\u00a030\u20111234567",
    "+49\u200b301234567",
]
CARDS = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5555 5555 5555 4444",
    "378282246310005",
    "3782 822463 10005",
    "3056 930902 5904",
    "4222222222222",
    "6304 0000 0000 0000 000",
]
IBANS = [
    "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00",
    "GB82 WEST 1234 5698 7654 32",
    "NO93 8601 1117 947",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    "de89 3704 0044 0532 0130 00",
]


@pytest.mark.parametrize("secret", EMAILS + PHONES + CARDS + IBANS)
@pytest.mark.parametrize(
    "note", ["{}", "Reach me: {}.", "({}), please", "a\n{}\nb", "{} is mine, since 2019", "Age 45, {}"]
)
def test_what_identifies_a_person_is_removed_and_nothing_else(secret, note):
    assert redact(note.format(secret)) == note.format(REMOVED)


@pytest.mark.parametrize("secret", EMAILS + PHONES)
def test_an_address_or_a_phone_number_in_a_comment_is_found(secret):
    assert found(f"Write to {secret} please")


@pytest.mark.parametrize(
    "note",
    [
        "",
        "Nothing at all.",
        "Take 10 mg, 20 mg or 2.5 mg 3 x a day, at most 80 mg.",
        "0.5 mg 1.0 mg 1.5 mg 2.0 mg 2.5 mg",
        "0.25 0.5 1.0 2.0 2.5 mg",
        "0.125 0.250 0.500",
        "doses 10 20 30 40 50 60 70 80",
        "1-0-1-0, then 0-0-1-0",
        "0 1 2 3 4 5 6 7 8 9 10 on the scale of pain",
        "120/80 125/85 130/90",
        "since 01.02.2024 10:30",
        "on 01/02/2024 12:00 and 05/06/2024 13:00",
        "05/2023 06/2023 07/2023",
        "01 02 2024 10 people",
        "2024-01-02 2024-03-04 2024-05-06",
        "01-02-2024 01-03-2024",
        "at 08.30 12.30 18.30 22.30",
        "08:30 12:30 18:30 22:30",
        "2019 2020 2021 2022",
        "n = 1,234,567,890",
        "NCT01234567, NCT04111111111111111",
        "ISRCTN01234567, ACTRN12605000345606, DRKS00012345",
        "EudraCT 2004-000446-20",
        "doi 10.1016/0304-3959(92)90154-4",
        "CTRI/2010/091/000012345",
        "PMID 12345678",
        "p < 0.000000001",
        "03012345 has 8 digits",
        "202-555-0147 begins with none of them",
        "4111 1111 1111 1112 fails the check",
        "1234 0567 8901 2345",
        "DE88 3704 0044 0532 0130 00 fails the check",
        "a@b, @example, ann@, 5 @ 10 mg",
    ],
)
def test_doses_dates_and_study_numbers_stay(note):
    assert redact(note) == note
    assert not found(note)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("Call 0301234567 10 mg daily", f"Call {REMOVED} 10 mg daily"),
        ("0301234567 at 10:30", f"{REMOVED} at 10:30"),
        ("0301234567 01.02.2026", f"{REMOVED} 01.02.2026"),
        ("4111 1111 1111 1111 12/27", f"{REMOVED} 12/27"),
        ("12 4111 1111 1111 1111", f"12 {REMOVED}"),
        ("ID12 DE89 3704 0044 0532 0130 00", f"ID12 {REMOVED}"),
        ("mailto:ann@example.org?x=1", f"mailto:{REMOVED}?x=1"),
        ("ann@example.org, 0301234567", f"{REMOVED}, {REMOVED}"),
    ],
)
def test_what_stands_beside_it_stays(note, expected):
    assert redact(note) == expected


@pytest.mark.parametrize("text", CARDS[:4] + ["DE89 3704 0044 0532 0130 00"])
def test_a_card_or_an_account_alone_holds_no_comment(text):
    assert not found(text)


NOTES = st.text(st.sampled_from("0123456789 +-./()@abDE:,\n\u200b\u0661\u2011\u00a0m"), max_size=80) | st.text()


@settings(max_examples=200, deadline=None)
@given(NOTES)
def test_redacting_keeps_the_rest_in_order_and_is_done_once(note):
    redacted = redact(note)
    pieces = redacted.split(REMOVED) if REMOVED not in note else [redacted]
    assert re.fullmatch("(?:.|\n)+?".join(map(re.escape, pieces)), note) or note == redacted
    if redacted == note:
        assert not found(note)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(EMAILS + PHONES + CARDS + IBANS), st.text(st.sampled_from("abc ,;\n"), max_size=20))
def test_a_secret_among_words_never_stays(secret, words):
    assert secret not in redact(f"{words} {secret} {words}")
