"""An author at their figures: the way from the list to the notes, on a screen and on a telephone, light and dark."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from feedback import articles, votes
from feedback.models import Article
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.cast import KEY, TITLE, registration

SCREEN = {"width": 1280, "height": 900}
EDITED = datetime(2026, 5, 3, 9, tzinfo=UTC)


@pytest.fixture
def read_article(do: Callable[..., Any], ask: Callable[..., Any], site: Any, article: Article) -> Article:
    """Ann's article after 220 votes on two revisions, with reasons, sections and notes."""
    view = ask(articles.site, site.slug)
    readers = iter(range(1, 1_000))

    def cast(value: str, at: datetime, **more: str) -> None:
        ballot = votes.Ballot(articles.Page(view, KEY), next(readers).to_bytes(32, "big"), votes.Choice(value), **more)
        votes.cast(ballot, now=at)

    def fill() -> None:
        for number in range(100):
            cast("yes" if number % 5 else "no", EDITED - timedelta(days=20 - number // 5), revision="2026-04-01")
        for number in range(100):
            cast("yes" if number % 2 else "no", EDITED + timedelta(days=number % 15), revision="2026-05-03")
        for number in range(20):
            more = {"reason": "unclear" if number % 3 else "unsafe", "section": "side-effects-and-cautions"}
            note = f"Note {number}: how slowly does one stop?"
            cast("no", EDITED + timedelta(days=16), revision="2026-05-03", note=note, **more)
        cast("no", EDITED + timedelta(days=17), reason="looking_for_something_else", note="Where is the pump?")

    do(fill)
    return article


def test_an_author_goes_from_the_list_to_sentence_chart_reasons_sections_and_notes(
    sign_in: Callable[..., Page], ann: Any, read_article: Article
) -> None:
    page = sign_in(ann, viewport=SCREEN)
    expect(page.get_by_role("heading", level=1)).to_have_text("My articles")
    expect(page.get_by_text("of the 221 readers who voted")).to_be_visible()
    page.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(page.locator(".lead")).to_have_text(
        "59 % of the 221 readers who voted found this helpful, 52–65 %; "
        "down from 80 % to 42 % since the edit of 3 May, likely worse."
    )
    chart = page.get_by_role("img", name="Votes by day")
    expect(chart).to_be_visible()
    expect(chart.locator("text", has_text=re.compile("^3 May$")).first).to_be_visible()
    expect(page.get_by_role("region", name="Why readers said No")).to_contain_text("Hard to understand")
    expect(page.get_by_role("region", name="Where it failed them")).to_contain_text("Side effects and cautions")
    notes = page.get_by_role("region", name="Notes to you")
    expect(notes.get_by_role("listitem")).to_have_count(20)
    expect(notes).to_contain_text("Where is the pump?")
    notes.get_by_role("link", name="Older notes").click()
    expect(notes.get_by_role("listitem")).to_have_count(1)


def test_a_period_is_chosen_in_the_page_and_stays_in_its_address(
    sign_in: Callable[..., Page], ann: Any, read_article: Article
) -> None:
    page = sign_in(ann, viewport=SCREEN)
    page.get_by_role("link", name=TITLE).click()
    page.get_by_label("From", exact=True).fill("2026-05-03")
    page.get_by_label("To", exact=True).fill("2026-05-17")
    page.get_by_role("combobox", name="By").select_option("week")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".lead")).to_have_text(re.compile("^From 3 May to 17 May: 50 % of the 100 readers who voted"))
    expect(page.get_by_role("img", name="Votes by week")).to_be_visible()
    page.reload()
    expect(page.get_by_label("From", exact=True)).to_have_value("2026-05-03")
    page.get_by_role("link", name="all time").click()
    expect(page.locator(".lead")).to_contain_text("221 readers")


def test_the_chart_is_a_table_too(sign_in: Callable[..., Page], ann: Any, read_article: Article) -> None:
    page = sign_in(ann, viewport=SCREEN)
    page.get_by_role("link", name=TITLE).click()
    page.get_by_text("The same as a table").click()
    row = page.get_by_role("row", name="19 May")
    expect(row.get_by_role("cell")).to_have_text(["0", "20"])


@pytest.mark.parametrize("size", [SCREEN, PHONE], ids=["screen", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_never_scrolls_sideways(
    sign_in: Callable[..., Page],
    ann: Any,
    do: Callable[..., Any],
    site: Any,
    service: Any,
    read_article: Article,
    problems: Any,
    scheme: str,
    size: dict[str, int],
) -> None:
    do(articles.register, site.id, registration(site, "fresh", "A new article " * 8), now=EDITED)
    problems.expect("422")
    page = sign_in(ann, viewport=size, color_scheme=scheme)
    article = f"/articles/{site.slug}?article={KEY}"
    shown = ("/articles/", article, f"{article}&by=week", f"{article}&from=2030-01-01", f"{article}&from=2026-13-01",
             f"{article}&section=side-effects-and-cautions&compare=2026-04-01&with=2026-05-03",
             f"/articles/{site.slug}/revision?article={KEY}&label=2026-05-03")  # fmt: skip
    for path in (*shown, f"/articles/{site.slug}?article=fresh"):
        page.goto(service.url + path)
        if path == article:
            shoot(page, f"author-{scheme}-{size['width']}")
        page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        assert axe(page) == [], path
        assert not scrolls_sideways(page), path


def test_the_letters_of_the_chart_keep_their_size_on_a_telephone(
    sign_in: Callable[..., Page], ann: Any, read_article: Article
) -> None:
    page = sign_in(ann, viewport=PHONE)
    page.get_by_role("link", name=TITLE).click()
    letters = page.locator(".chart text")
    expect(letters.first).to_be_visible()
    heights = letters.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().height)")
    assert min(heights) >= 11
    boxes = page.locator(".chart-day").evaluate_all(
        "(all) => all.map((each) => { const box = each.getBoundingClientRect(); return [box.left, box.right]; })"
    )
    assert all(left[1] < right[0] for left, right in zip(boxes, boxes[1:], strict=False)), boxes


def test_an_author_compares_any_two_revisions_and_counts_two_as_one(
    sign_in: Callable[..., Page], ann: Any, do: Callable[..., Any], ask: Callable[..., Any], read_article: Article
) -> None:
    view = ask(articles.site, ann.site.slug)

    def add_a_third() -> None:
        for number in range(30):
            reader = (10_000 + number).to_bytes(32, "big")
            ballot = votes.Ballot(articles.Page(view, KEY), reader, votes.Choice.YES, revision="2026-05-10")
            votes.cast(ballot, now=EDITED + timedelta(days=7))

    do(add_a_third)
    page = sign_in(ann, viewport=SCREEN)
    page.get_by_role("link", name=TITLE).click()
    usual = page.get_by_role("region", name="Before and after the last edit")
    expect(usual).to_contain_text("Before: 3 May")
    asked = page.get_by_role("form", name="Revisions to compare")
    asked.get_by_role("combobox", name="Compare").select_option("2026-04-01")
    asked.get_by_role("combobox", name="with").select_option("2026-05-10")
    asked.get_by_role("button", name="Compare").click()
    chosen = page.get_by_role("region", name="Two revisions compared")
    expect(chosen).to_contain_text("Before: 1 April")
    expect(chosen).to_contain_text("Likely better.")
    page.reload()
    expect(chosen).to_contain_text("After: 10 May")
    chosen.get_by_role("link", name="The last edit").click()

    usual.get_by_text("All revisions", exact=True).click()
    merge = page.get_by_role("form", name="Count two revisions as one")
    merge.get_by_role("combobox", name="Count").select_option("2026-05-10")
    merge.get_by_role("combobox", name="with").select_option("2026-05-03")
    merge.get_by_role("button", name="Count as one").click()
    expect(page.get_by_text("You counted the revision 2026-05-10 with 2026-05-03")).to_be_visible()
    expect(usual).to_contain_text("After: 3 May")
    expect(usual).to_contain_text("of the 150 readers who voted")
    page.get_by_role("button", name="Undo").click()
    expect(usual).to_contain_text("After: 10 May")
    expect(usual).to_contain_text("of the 30 readers who voted")


def test_a_note_is_found_and_marked_by_keyboard_alone(
    sign_in: Callable[..., Page], ann: Any, read_article: Article, service: Any, site: Any
) -> None:
    page = sign_in(ann, viewport=SCREEN)
    page.goto(f"{service.url}/articles/{site.slug}?article={KEY}#notes")
    notes = page.get_by_role("region", name="Notes to you")
    notes.get_by_role("searchbox", name="With the words").focus()
    page.keyboard.type("PUMP")
    page.keyboard.press("Enter")
    expect(notes.get_by_role("listitem")).to_have_count(1)
    done = notes.get_by_role("button", name="Done")
    expect(done).to_have_accessible_description("Where is the pump?")
    done.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile("The note is marked as done."))
    expect(notes.get_by_role("listitem")).to_contain_text("done")
    notes.get_by_role("button", name="Back to new").focus()
    page.keyboard.press("Space")
    fixed = notes.get_by_role("group").filter(has_text="Fixed in")
    fixed.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(fixed.get_by_role("combobox", name="Revision")).to_be_focused()
    page.keyboard.type("1 Apr")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(notes.get_by_role("listitem")).to_contain_text("fixed in 1 April")
    notes.get_by_role("combobox", name="Notes").select_option("new")
    notes.get_by_role("button", name="Find").click()
    expect(notes).to_contain_text("No note matches.")


def test_an_administrator_sets_a_day_aside_and_takes_that_back(
    sign_in: Callable[..., Page], ada: Any, read_article: Article, service: Any, site: Any
) -> None:
    page = sign_in(ada, viewport=SCREEN)
    page.goto(f"{service.url}/articles/{site.slug}?article={KEY}")
    bursts = page.get_by_role("region", name="Days that stand out")
    expect(bursts.get_by_role("listitem", name="19 May")).to_contain_text("0 of the 20 readers who voted that day")
    bursts.get_by_text("Set this day aside").click()
    assert axe(page) == []
    bursts.get_by_role("button", name="Set the votes of 19 May aside").click()
    expect(page.get_by_role("status")).to_contain_text("You set aside the votes of 19 May 2026")
    expect(page.locator(".lead")).to_contain_text("201 readers who voted")
    expect(bursts.get_by_role("listitem", name="19 May set aside")).to_be_visible()
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.locator(".lead")).to_contain_text("221 readers who voted")
    bursts.get_by_text("Set this day aside").click()
    bursts.get_by_role("button", name="Set the votes of 19 May aside").click()
    bursts.get_by_role("button", name="Count them again").click()
    expect(page.locator(".lead")).to_contain_text("221 readers who voted")


INK = """(all) => all.map((each) => {
    const style = getComputedStyle(each);
    const grey = (colour) => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
        return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
    };
    return [grey(style.fill), Number(style.fillOpacity), style.stroke === "none" ? 1 : grey(style.stroke)];
})"""


def test_on_paper_yes_is_filled_and_no_is_empty_and_no_form_is_printed(
    sign_in: Callable[..., Page], ann: Any, read_article: Article
) -> None:
    page = sign_in(ann, viewport=SCREEN)
    page.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("form", name="Filters")).to_be_visible()
    page.emulate_media(media="print")
    chart = page.get_by_role("img", name="Votes by day")
    expect(chart).to_be_visible()
    yes, no = (chart.locator(f".chart-{name}").evaluate_all(INK) for name in ("yes", "no"))
    assert yes and all(fill < 0.2 and opacity == 1 for fill, opacity, _edge in yes)
    assert no and all(fill == 1 and edge < 0.2 for fill, _opacity, edge in no)
    expect(page.locator(".lead")).to_contain_text("of the 221 readers who voted")
    expect(page.get_by_text("Where is the pump?")).to_be_visible()
    for role in ("button", "combobox", "searchbox", "textbox"):
        expect(page.get_by_role(role)).to_have_count(0)
    expect(page.get_by_role("form", name="Filters")).to_have_count(0)
    shoot(page, "author-print")
