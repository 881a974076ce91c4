"""The manual's guides, followed to the letter: the plain page is opened as it is printed, the looks are laid on it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from feedback import create_app
from feedback.models import Comment, Vote
from tests.browser.conftest import PHONE, axe, shoot
from tests.browser.reading import button, comment, pressed, says, told, write

README = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
WIDGET = Path(create_app.__code__.co_filename).parent.joinpath("static", "widget.js").read_text("utf-8")
REST = Path(create_app.__code__.co_filename).parent.joinpath("static", "widget-more.js").read_text("utf-8")
ANSWERS, ACTS = {"yes", "no"}, {"like", "reply", "flag"}  # what the widget makes names of as it goes
INSIDE = {"row", "stack", "end", "trap", "loading", "empty", "flagging"}  # for the widget's own looks
LOOKS = dict(re.findall(r"^```css\n/\* (.+?) \*/\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
ICON = "/favicon.ico"


def blocks(heading):
    """Return the code blocks of a part of the manual."""
    (part,) = re.findall(rf"^#+ {heading}$(.*?)^#+ \w", README, re.MULTILINE | re.DOTALL)
    return re.findall(r"^```\w+\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


@pytest.fixture
def plain(place):
    """Put the guide's page at the address that it names, and return that: `plain(style)` with a style sheet."""

    def put(style=None):
        (html,) = blocks("Plain HTML")
        given = html.replace("https://feedback.example.org", place.publisher.service)
        given = given.replace('site="health"', f'site="{place.site.slug}"')
        if style is not None:
            place.publisher.serves(f"/{place.site.slug}.css", style, policy="", **{"Content-Type": "text/css"})
            given = given.replace("/site.css", f"/{place.site.slug}.css")
        place.publisher.serves(ICON, "", policy="", **{"Content-Type": "image/x-icon"})
        return place.publisher.serves("/neck-pain.html", given, policy="")

    return put


def test_the_plain_page_of_the_manual_takes_an_answer_and_a_comment(place, visit, plain):
    page = visit(plain() + "?utm_source=letter")
    button(page, "No").click()
    expect(page.get_by_role("option")).to_have_text(["The whole article", "Rest"])
    told(page, "vote", value="no", article="/neck-pain.html", revision="2026-11-20")
    write(page, "Followed to the letter.", "Rae")
    says(page, "waits for moderation")
    assert axe(page) == []
    assert [(vote.value, vote.revision) for vote in place.rows(Vote)] == [("no", "2026-11-20")]
    assert [row.source for row in place.rows(Comment)] == ["Followed to the letter."]


def test_the_plain_page_leads_on_where_scripts_do_not_run(place, visit, open_page, plain):
    page = open_page(plain(), java_script_enabled=False)
    link = page.get_by_role("link", name="Did this article help you?")
    assert link.get_attribute("href") == f"{place.publisher.service}/f/health?article=/neck-pain.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("look", LOOKS)
def test_a_look_of_the_manual_can_be_read_by_everybody(place, visit, plain, look, scheme):
    place.settles(moderation="post")
    place.reader("marta").comments("/neck-pain.html", "With `code`.\n\n> and a quote", name="Marta")
    page = visit(plain(LOOKS[look]), color_scheme=scheme, viewport=PHONE)
    button(page, "No").click()
    expect(page.get_by_role("group", name="What was the problem?")).to_be_visible()
    button(page, "Out of date").click()
    expect(comment(page, "With code.")).to_be_visible()
    assert axe(page) == []
    (accents,) = re.findall(r"--feedback-accent: light-dark\(#(\w+), #(\w+)\)", LOOKS[look])
    red, green, blue = bytes.fromhex(accents[scheme == "dark"])
    expect(pressed(page, "No")).to_have_css("background-color", f"rgb({red}, {green}, {blue})")
    shoot(page, f"look-{look.replace(' ', '-')}-{scheme}")


def test_there_are_two_looks_and_they_use_what_is_documented():
    assert len(LOOKS) == 2
    listed = set(re.findall(r"`(--feedback-[\w-]+)`", README))
    (parts,) = re.findall(r"`article-feedback::part\(…\)` with (.*?)\.\n", README, re.DOTALL)
    for look in LOOKS.values():
        assert set(re.findall(r"(--feedback-[\w-]+):", look)) <= listed
        assert set(re.findall(r"::part\((\w+)\)", look)) <= set(re.findall(r"`(\w+)`", parts))


def test_every_documented_property_is_one_that_the_widget_reads():
    assert set(re.findall(r"`(--feedback-[\w-]+)`", README)) == set(re.findall(r"var\((--feedback-[\w-]+)", WIDGET))


def test_every_documented_part_is_one_that_the_widget_has():
    (listed,) = re.findall(r"`article-feedback::part\(…\)` with (.*?)\.\n", README, re.DOTALL)
    kinds = re.findall(r'(?:h\(\s*"\w+\.|\b(?:button|guide|line)\(")([\w ]+)', WIDGET + REST)
    made = {*" ".join(kinds).split(), *ANSWERS, *ACTS}
    assert set(re.findall(r"`(\w+)`", listed)) == made - INSIDE


def test_every_element_in_the_manual_has_attributes_that_exist():
    (listed,) = re.findall(r"static observedAttributes = \[(.*?)\]", WIDGET)
    known = {*re.findall(r'"(\w+)"', listed), "theme", "ref"}  # a style sheet reads the theme; `ref` is React's own
    tags = re.findall(r"<article-feedback\b[^<]*", README)
    assert len(tags) >= 5
    for tag in tags:
        assert set(re.findall(r'\s(\w+)=["{]', tag)) <= known, tag
