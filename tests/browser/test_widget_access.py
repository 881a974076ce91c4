"""The widget for everybody: keyboard, screen reader, small screens, dark rooms, hostile pages, slow lines."""

import re
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from feedback import create_app
from feedback.models import Vote
from tests.browser.conftest import PHONE, axe, scrolls_sideways
from tests.browser.reading import NO_LOAD, button, comment, pressed, says, write
from tests.cast import KEY

STATIC = Path(create_app.__code__.co_filename).parent / "static"
FIRST_BUDGET, REST_BUDGET = 7 * 1024, 9 * 1024  # bytes, brotli
WORDS = "<p>The neck carries the head, and by the evening it says so.</p>"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(place, visit, scheme, problems):
    place.settles(moderation="post")
    place.registers()
    place.reader().comments(KEY, "A comment with a [link](https://example.org).\n\n> and\n\n    code", name="Marta")
    place.settles(moderation="pre")
    problems.expect(NO_LOAD)
    page = visit(place.page(attributes='show="byline share print vote comments"'), color_scheme=scheme, viewport=PHONE)
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    assert axe(page) == []
    button(page, "No").click()
    button(page, "Out of date").click()
    button(page, "Reply to Marta").click()
    page.get_by_role("textbox", name="Your reply").fill("x")
    page.get_by_role("textbox", name="Your name (optional)").last.fill("n" * 81)
    button(page, "Send reply").click()
    expect(page.get_by_text("too long")).to_be_visible()
    assert axe(page) == []
    button(page, "Cancel").click()
    write(page, "Waits.")
    says(page, "waits for moderation")
    assert axe(page) == []


def test_the_keyboard_alone_does_everything(place, visit):
    page = visit(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()

    def tab_to(target):
        for _ in range(30):
            if target.evaluate("(node) => node.getRootNode().activeElement === node"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"the Tab key does not lead to {target}")

    tab_to(button(page, "No"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="About your answer")).to_be_focused()
    tab_to(button(page, "Out of date"))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("combobox"))
    page.keyboard.press("ArrowDown")
    tab_to(page.get_by_role("textbox", name="A note to the author"))
    page.keyboard.type("By keyboard.")
    tab_to(button(page, "Send note"))
    page.keyboard.press("Enter")
    says(page, "Your note was sent")
    tab_to(page.get_by_role("textbox", name="Your comment"))
    page.keyboard.type("Typed.")
    tab_to(page.get_by_role("textbox", name="Your name (optional)"))
    page.keyboard.type("Rae")
    page.keyboard.press("Enter")
    says(page, "waits for moderation")
    expect(comment(page, "Typed.")).to_be_focused()
    (vote,) = place.rows(Vote)
    assert (vote.reason, vote.section, vote.note) == ("outdated", "what-it-is", "By keyboard.")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_scrolls_sideways_and_targets_are_large_enough(place, visit, width):
    place.settles(moderation="post")
    place.reader().comments(KEY, "`" + "a" * 300 + "` https://example.org/" + "b" * 300, name="n" * 80)
    size = {"width": width, "height": 800}
    page = visit(place.page(attributes='show="share print vote comments"'), viewport=size)
    button(page, "No").click()
    page.get_by_role("button", name="Reply to").click()
    expect(page.get_by_role("textbox", name="Your reply")).to_be_focused()
    assert not scrolls_sideways(page)
    boxes = [each.bounding_box() for each in page.get_by_role("button").or_(page.get_by_role("textbox")).all()]
    assert all(box and box["width"] >= 24 and box["height"] >= 24 for box in boxes)


def test_the_page_does_not_move_when_comments_arrive(place, visit):
    place.settles(moderation="post")
    for number in range(5):
        place.reader().comments(KEY, f"Comment {number}.\n\n" + "words " * 80)
    page = visit(place.page(before=WORDS * 80, after="<p>What follows the widget.</p>"))
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight"):
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(30)
    expect(comment(page, "Comment 4.")).to_be_attached()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []


def test_the_page_does_not_move_for_who_answers_while_comments_are_on_their_way(place, visit):
    place.reader().comments(KEY, "A comment.")
    held = []
    page = visit(
        place.page(before=WORDS * 20, after="<p>What follows the widget.</p>" * 20),
        routes={"**/feedback?*": lambda route: held.append(route)},
        viewport={"width": 1280, "height": 600},
    )
    page.locator("article-feedback").evaluate("(element) => element.scrollIntoView()")
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(page.get_by_text("No comments yet")).to_be_attached()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []


def test_a_hostile_style_sheet_does_not_reach_it(place, visit, problems):
    problems.expect("favicon.ico")  # which the strict policy does not let the browser ask for
    style = (
        "<style>* { all: unset !important } button, p, fieldset { display: none !important }"
        "body { text-transform: uppercase !important; letter-spacing: 1em !important; cursor: wait !important }</style>"
    )
    page = visit(place.page(head=style, policy=""))
    button(page, "No").click()
    looks = {"display": "block", "text-transform": "none", "letter-spacing": "normal", "cursor": "auto"}
    for name, value in looks.items():
        expect(page.get_by_role("heading", name="Leave a comment")).to_have_css(name, value)
    expect(page.get_by_role("combobox", name="Which part of the article?")).to_be_visible()


@pytest.mark.parametrize(
    ("theme", "scheme", "dark"),
    [("auto", "light", False), ("auto", "dark", True), ("light", "dark", False), ("dark", "light", True)],
)
def test_the_theme_follows_the_attribute_or_the_reader(place, visit, theme, scheme, dark):
    page = visit(place.page(attributes=f'theme="{theme}"'), color_scheme=scheme)
    paint = "(element) => getComputedStyle(element.shadowRoot.firstElementChild).backgroundColor"
    red = int(re.findall(r"\d+", page.locator("article-feedback").evaluate(paint))[0])
    assert (red < 128) is dark


def test_publishers_can_colour_it(place, visit, problems):
    problems.expect("favicon.ico")
    style = (
        "<style>article-feedback { --feedback-accent: rgb(120, 0, 120); --feedback-radius: 0 }"
        "article-feedback::part(heading) { color: rgb(0, 0, 200) }</style>"
    )
    page = visit(place.page(head=style, policy=""))
    button(page, "Yes").click()
    colour = "(node, name) => getComputedStyle(node)[name]"
    assert pressed(page, "Yes").evaluate(colour, "backgroundColor") == "rgb(120, 0, 120)"
    assert page.get_by_role("heading", name="Leave a comment").evaluate(colour, "color") == "rgb(0, 0, 200)"


@pytest.mark.parametrize(("name", "budget"), [("widget.js", FIRST_BUDGET), ("widget-more.js", REST_BUDGET)])
def test_a_script_stays_within_its_budget(service, name, budget):
    asked = Request(f"{service.url}/{name}", headers={"Accept-Encoding": "br"})
    with urlopen(asked) as answer:
        assert answer.headers["Content-Encoding"] == "br"
        assert len(answer.read()) <= budget


def test_the_script_needs_none_of_what_strict_policies_forbid():
    source = "".join((STATIC / name).read_text("utf-8") for name in ("widget.js", "widget-more.js"))
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|\beval\b|new Function|\.cookie|document\.write"
    assert re.findall(forbidden, source) == []
