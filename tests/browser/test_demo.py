"""The demo's article pages in a real browser: all six parts of the footer, under the policy the pages really send."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from feedback.demo.site import DESK, HEAT, MAIN
from tests.browser.conftest import PHONE, axe, scrolls_sideways
from tests.demo import Demo, running

DESKTOP = {"width": 1280, "height": 900}
COPIES = """
delete Navigator.prototype.share;
Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text; } } });
"""
SHARES = "navigator.share = async (given) => { window.shared = given.url; };"
PRINTS = "window.print = () => { window.printed = true; };"
PARTS = (
    "Frequently asked questions",
    "Written by Ann Hollis",
    "Reviewed by Rex Adeyemi",
    "Share this post",
    "Print",
    "Did this article help you?",
    "Leave a comment",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("demo")) as started:
        yield started


@pytest.fixture
def read(demo: Demo, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open an article and go down to its end, where the readers' part is."""

    def go(key: str = MAIN, *, before: str = "", **options: object) -> Page:
        page = open_page(**options)
        page.context.add_init_script(before)
        page.goto(f"{demo.site}/{key}")
        page.locator("article-feedback").scroll_into_view_if_needed()
        expect(page.get_by_role("heading", name="Comments (")).to_be_visible()
        return page

    return go


@pytest.mark.parametrize("key", [MAIN, HEAT, DESK])
@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_a_page_is_accessible_and_fits(
    read: Callable[..., Page], key: str, viewport: dict[str, int], scheme: str
) -> None:
    page = read(key, viewport=viewport, color_scheme=scheme)
    assert axe(page) == []
    assert not scrolls_sideways(page)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_front_page_is_accessible_and_fits(
    demo: Demo, open_page: Callable[..., Page], viewport: dict[str, int]
) -> None:
    page = open_page(f"{demo.site}/", viewport=viewport)
    assert axe(page) == []
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Baclofen for neck pain").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Baclofen for neck pain: what is known")


def test_the_page_ends_with_all_parts_in_order(read: Callable[..., Page]) -> None:
    page = read()
    places = [page.get_by_text(words, exact=words in PARTS[3:]).last for words in PARTS]
    boxes = [place.bounding_box() for place in places]
    assert all(boxes)
    order = [(box["y"], box["x"]) for box in boxes if box]
    assert order == sorted(order)


def test_share_copies_the_link_where_there_is_no_share_sheet(demo: Demo, read: Callable[..., Page]) -> None:
    page = read(before=COPIES)
    page.get_by_role("button", name="Share this post").click()
    expect(page.get_by_role("status")).to_have_text("The link was copied.")
    assert page.evaluate("window.copied") == f"{demo.site}/{MAIN}"


def test_share_opens_the_share_sheet_where_there_is_one(demo: Demo, read: Callable[..., Page]) -> None:
    page = read(before=SHARES)
    page.get_by_role("button", name="Share this post").click()
    assert page.evaluate("window.shared") == f"{demo.site}/{MAIN}"


def test_print_prints_the_article_and_its_names_alone(read: Callable[..., Page]) -> None:
    page = read(before=PRINTS)
    page.get_by_role("button", name="Print", exact=True).click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    expect(page.get_by_text("Written by Ann Hollis").filter(visible=True)).to_have_count(1)
    expect(page.get_by_role("table")).to_be_visible()
    for gone in ("Did this article help you?", "Leave a comment", "On this page", "Share this post"):
        expect(page.get_by_text(gone, exact=True).filter(visible=True)).to_have_count(0)
    assert page.get_by_role("article").count() == 1, "comments are on the print"


def test_after_no_the_headings_of_the_article_are_offered(read: Callable[..., Page]) -> None:
    page = read()
    page.get_by_role("button", name="No", exact=True).click()
    sections = page.get_by_label("Which part of the article?").locator("option")
    expect(sections).to_have_text(
        [
            "The whole article",
            "What baclofen is",
            "At a glance",
            "How it acts",
            "Spasm is not spasticity",
            "What trials found",
            "Side effects",
            "Cautions",
            "Do not stop suddenly",
            "Alcohol and other medicines",
            "Kidneys and other illnesses",
            "What else can help",
            "Frequently asked questions",
        ]
    )


def test_a_wide_table_scrolls_inside_its_own_box_by_keyboard(read: Callable[..., Page]) -> None:
    page = read(viewport=PHONE)
    box = page.get_by_role("region", name="Characteristics of baclofen taken by mouth")
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert box.evaluate("box => box.scrollLeft") > 0


def test_without_script_the_names_and_the_way_to_the_question_are_there(
    demo: Demo, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{demo.site}/{MAIN}", java_script_enabled=False)
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    expect(page.get_by_role("link", name="Did this article help you?")).to_be_visible()
