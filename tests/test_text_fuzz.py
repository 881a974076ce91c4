"""No text breaks a promise: searched for at random, by coverage, and among the attacks that are known.

`tests/fuzz/judges.py` says what the promises are. `--drills` searches for longer.
"""

import platform
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from feedback import forms, personal
from feedback.text import MAX_SIGNS, Unfit, comment_html, imported_html
from tests.cast import KEY, SLUG
from tests.corpora import corpus
from tests.fuzz import fragments, judges
from tests.test_pages import Browser

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ROOT = Path(__file__).parents[1]
# The wheel there is, of what pyproject.toml asks for.
HAS_ATHERIS = sys.platform == "linux" and platform.machine() == "x86_64"

PIECES = st.lists(st.sampled_from(fragments.ALL), max_size=50).map("".join)
REPEATED = st.builds(lambda text, times: (text * times)[:6_000], PIECES, st.integers(2, 400))
TEXT = PIECES | REPEATED | st.text() | st.text(st.characters(exclude_categories=[]), max_size=20)


# At random


@pytest.mark.parametrize("judge", judges.JUDGES, ids=lambda judge: judge.__name__)
def test_no_text_at_random_breaks_a_promise(judge, drill):
    examples = drill.times(long=30_000, short=250)
    settings(max_examples=examples, deadline=None)(given(TEXT)(judge))()


@sqlite_only
def test_no_text_in_any_field_is_a_fault(rae, mo, article, client, drill):
    browser = Browser(client).opens(article)
    forms = [browser.form("vote"), browser.form("comment")]
    moderator = mo.signs_in()

    def send(text: str, other: str) -> None:
        answers = [
            rae.votes(article, "no", note=text, section=other, revision=text, reason=other, title=text, url=other),
            rae.comments(article, text, name=other, email=other, submission=text, title=other),
            rae.comments(text or "x", other, name=text, notify="replies", email=text),
            browser.posts(forms[0], value="no", note=text, reason=other).answer,
            browser.posts(forms[1], body=text, name=other).answer,
            client.get(f"/f/{SLUG}", query_string={"article": text, "sort": other, "say": text}),
            client.get(f"/api/v1/{SLUG}/feedback", query_string={"article": text, "cursor": other}),
            moderator.get("/moderation/", query_string={"q": text, "article": other, "held": text, "cursor": other}),
            moderator.get("/moderation/comments.csv", query_string={"q": text, "state": "pending"}, buffered=True),
        ]
        assert [answer.text for answer in answers if answer.status_code >= 500] == []

    # No half of a surrogate pair: a test client cannot send one in a form. test_malformed.py sends them in JSON.
    sendable = TEXT.filter(lambda text: text.isascii() or not re.search("[\ud800-\udfff]", text))
    examples = drill.times(long=2_000, short=40)
    keep_on = settings(
        max_examples=examples, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    keep_on(given(sendable, sendable)(send))()
    assert rae.reads(article).status_code == client.get(f"/f/{SLUG}?article={KEY}").status_code == 200


# By coverage


def test_no_text_that_reaches_new_code_breaks_a_promise(drill, tmp_path):
    if not HAS_ATHERIS:
        pytest.skip(
            f"atheris has no wheel for {sys.platform} on {platform.machine()}: nothing was searched by coverage"
        )
    assert find_spec("atheris"), "atheris is missing: install the package with its extra `test`"
    seconds = drill.times(long=600, short=60)
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(seconds), "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=seconds + 120)
    found = {path.name: path.read_bytes() for path in tmp_path.glob("found-*")}
    assert not found, (
        f"{found}\n{done.stdout[-3_000:]}\npython -m tests.fuzz --text FILE judges what you put into FILE."
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    runs, covered = re.search(r"Done (\d+) runs", done.stderr), re.findall(r"cov: (\d+)", done.stderr)
    assert runs and covered, done.stderr[-3_000:]
    drill.measured("texts judged by coverage", float(runs[1]))
    # The parsers have some 2,000 places; a search that sees none of them searches nothing.
    assert int(runs[1]) > 500 and int(covered[-1]) > 500


# Known attacks, changed


def changed_case(text: str) -> str:
    return "".join(char.upper() if at % 2 else char.lower() for at, char in enumerate(text))


def as_entities(text: str) -> str:
    """Write characters as entities, of three kinds, as many as a comment may have signs."""
    kinds = ("&#x{:x};", "{:c}", "&#{};", "&#x{:X}", "{:c}")
    room = MAX_SIGNS - text.count("<") - text.count("&")
    return "".join(kinds[at % 5].format(ord(char)) if at < room else char for at, char in enumerate(text))


def split(text: str) -> str:
    """Break words with what some parser skips."""
    marks = ("\t", "\n", "\u200b", "\x01", "\xad", "<!-- -->", "\r\n", "\\")
    words = re.split(r"(\w{3})", text)
    return "".join(word + marks[at // 2 % len(marks)] * (at % 2) for at, word in enumerate(words))


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "<a href=javascript:alert(1)>click</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>click</a>",
    "[click](javascript:alert(1))",
    "[click](http://a.b \"title' onmouseover='alert(1)\")",
    "</textarea><img src=x onerror=alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "http://a.b/<script>alert(1)</script>",
)
CHANGES = (changed_case, as_entities, split)


def judged(strings: list[str]) -> int:
    """Send every string, changed, to every judge; return how many comments and imports were taken."""
    taken = 0
    for string in strings:
        for judge in judges.JUDGES:
            judge(string)
        for function in (comment_html, imported_html):
            try:
                function(string)
            except Unfit:
                continue
            taken += 1
    return taken


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_attacks_in_another_dress_fail(change):
    strings = [change(string) for string in ATTACKS]
    assert strings != list(ATTACKS)
    assert judged(strings) > len(ATTACKS)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_public_attacks_in_another_dress_fail(change):
    strings = [change(case["s"]) for case in corpus("public_xss.json")]
    assert judged(strings) > len(strings)


# What was found


def test_letters_that_look_like_others_are_no_account_number():
    # U+0130 is a letter of [A-Z] where case is ignored, but no digit of base 36.
    for odd in "\u0130\u0131\u017f\u212a":
        note = f"GB29 NWBK {odd}abc defg hijk"
        assert personal.redact(note) == note


def test_what_is_far_too_long_is_refused_before_it_costs_anything():
    for text in ("\ufdfa" * 6_001, "x" * 6_001):
        with pytest.raises(Unfit, match="6,001 characters"):
            judges.text.name(text)
    with pytest.raises(ValueError, match="at most 80 characters, not 1,001"):
        forms.name("\ufdfa" * 1_001)
    for function in (judges.text.normalise, judges.text.line, comment_html):
        with pytest.raises(Unfit, match="20,481 characters"):
            function("\n\u202e" * 10_240 + "x")
    with pytest.raises(ValueError, match="at most 5,000 characters, not 15,001"):
        forms.lines(5_000)("\n\u202e" * 7_500 + "x")
    with pytest.raises(ValueError, match="at most 64 characters, not 1,001"):
        forms.line(64)(" " * 1_001)
    assert forms.line(64)(" " * 999 + "x") == "x"
    assert forms.lines(5_000)("\u1112\u1161\u11ab" * 5_000) == "\ud55c" * 5_000  # typed in three pieces each


def test_an_import_has_few_tags_and_ampersands():
    for sign in ("<pre>", "& ", "<i>&amp;"):
        with pytest.raises(Unfit, match="too much formatting"):
            imported_html(sign * 401)


@pytest.mark.parametrize("between", [" ", "\n", "/", "='>' ", '=">"', " = x ", "='"])
def test_no_tag_of_an_import_has_countless_attributes(between):
    def tag(most: int) -> str:
        return "<x " + "".join(f"a{number}{between}" for number in range(most))

    with pytest.raises(Unfit, match="too much formatting"):
        imported_html(tag(5_000)[:20_000])
    assert imported_html(f"{tag(20)}'>shown") == "shown"
