"""An administrator's first hour: the two lines, a question of one's own, colleagues; by mouse, keys and thumb."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot

SCREEN = {"width": 1280, "height": 900}
REFUSED = "Failed to load resource: the server responded with a status of 4"  # the browser tells of every 409 and 422


@pytest.fixture
def base(service: Any, site: Any) -> str:
    """The address of the site's administration."""
    return f"{service.url}/admin/sites/{site.slug}"


@pytest.fixture
def desk(sign_in: Callable[..., Page], ada: Any, base: str) -> Callable[..., Page]:
    """Open a page of the administration as Ada: `desk("settings")`."""

    def open_page(path: str, **options: Any) -> Page:
        page = sign_in(ada, **options)
        page.goto(f"{base}/{path}")
        return page

    return open_page


def question(page: Page) -> Any:
    return page.get_by_role("textbox", name="Question")


def told(page: Page) -> Any:
    return page.locator(".messages")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_a_new_question_is_on_the_article_page_until_it_is_undone(desk, open_page, page_url):
    page = desk("settings")
    question(page).fill("Was this any good?")
    save(page)
    expect(told(page)).to_contain_text("You changed the question.")
    expect(open_page(page_url).get_by_role("group", name="Was this any good?")).to_be_visible()
    told(page).get_by_role("button", name="Undo").click()
    expect(told(page)).to_contain_text("(undo)")
    expect(question(page)).to_have_value("Did this article help you?")
    # Another browser: the first one keeps what it was told for some seconds.
    expect(open_page(page_url).get_by_role("group", name="Did this article help you?")).to_be_visible()


def test_the_check_sees_the_first_request_of_a_page(desk, open_page, page_url, publisher):
    page = desk("pages")
    expect(page.get_by_text("No request yet")).to_be_visible()
    expect(page.get_by_label("The two lines to paste")).to_contain_text("/widget.js")
    expect(open_page(page_url).get_by_role("button", name="Yes", exact=True)).to_be_visible()

    def check_again() -> None:
        page.get_by_role("link", name="Check again").click()
        expect(page.get_by_text("We have seen your page’s first request just now")).to_be_visible(timeout=1_000)

    eventually(check_again)
    expect(page.locator(".notice-done")).to_contain_text(publisher.origin)


def eventually(check: Callable[[], None], times: int = 6) -> None:
    """What was seen is written a moment after the answer."""
    for _ in range(times - 1):
        try:
            return check()
        except AssertionError:
            pass
    check()


def test_an_origin_that_was_forgotten_is_named_and_added(desk, open_page, page_url, publisher, problems):
    problems.expect("is not on the list")
    elsewhere = publisher.origin.replace("localhost", "127.0.0.1")
    address = page_url.replace(publisher.origin, elsewhere)
    expect(open_page(address).get_by_text("is not on the list")).to_be_visible()
    page = desk("pages")
    add = page.get_by_role("button", name=f"Add {elsewhere}")
    eventually(lambda: (page.reload(), expect(add).to_be_visible(timeout=1_000)))
    add.click()
    expect(told(page)).to_contain_text(f"You listed {elsewhere}.")
    yes = open_page(address).get_by_role("button", name="Yes", exact=True)
    yes.click()
    expect(yes).to_have_attribute("aria-pressed", "true")


def test_coming_back_to_the_check_checks_again(desk):
    page = desk("pages")
    with page.expect_navigation():
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("No request yet")).to_be_visible()


def test_settings_are_saved_by_keys_alone(desk, ask, site):
    page = desk("settings")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "question":
            break
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("By keys?")
    page.keyboard.press("Enter")
    expect(told(page)).to_contain_text("You changed the question.")
    expect(question(page)).to_have_value("By keys?")


def test_what_is_wrong_is_announced_and_leads_to_its_field(desk, problems):
    problems.expect(REFUSED)
    page = desk("settings")
    page.get_by_role("textbox", name="Origins of your pages").fill("https://*.example.org")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("Line 1")
    page.get_by_role("alert").get_by_role("link", name="Origins of your pages").click()
    expect(page.get_by_role("textbox", name="Origins of your pages")).to_be_in_viewport()
    expect(page.get_by_role("textbox", name="Origins of your pages")).to_have_accessible_description(
        re.compile("is no origin")
    )
    assert axe(page) == []


def test_two_at_once_see_each_others_words(desk, problems):
    problems.expect(REFUSED)
    mine, theirs = desk("settings"), desk("settings")
    question(theirs).fill("Theirs?")
    save(theirs)
    expect(told(theirs)).to_be_visible()
    question(mine).fill("Mine?")
    save(mine)
    expect(mine.get_by_role("alert")).to_contain_text("Ada changed this just now")
    expect(question(mine)).to_have_value("Mine?")
    expect(mine.locator(".saved")).to_contain_text("Theirs?")
    assert axe(mine) == []
    shoot(mine, "admin-overtaken")


def test_it_all_works_without_a_script(desk, mo, site):
    page = desk("people", java_script_enabled=False)
    page.get_by_role("link", name="Mo").click()
    page.get_by_role("checkbox", name="Author").check()
    save(page)
    expect(told(page)).to_contain_text("You made Mo author.")
    told(page).get_by_role("button", name="Undo").click()
    expect(told(page)).to_contain_text("(undo)")
    page.get_by_role("link", name="Tokens").click()
    page.get_by_label("What it is for").fill("Publishing system")
    page.get_by_role("radio", name="Administrator").check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("The token")).to_contain_text("fb_")
    page.get_by_role("link", name="Changes").click()
    expect(page.get_by_role("listitem")).to_have_count(3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("screen", {"viewport": SCREEN}),
        ("phone-dark", {"viewport": PHONE, "color_scheme": "dark"}),
    ],
)
def test_every_page_is_accessible_and_fits(desk, service, base, mo, article, name, options):
    page = desk("settings", **options)
    question(page).fill("Did you find what you needed?")
    save(page)
    expect(told(page)).to_be_visible()
    paths = {
        "settings": "settings", "pages": "pages", "articles": "articles", "article": f"article?article={article.key}",
        "new-article": "new-article", "people": "people", "person": f"people/{mo.id}", "invite": "invite",
        "tokens": "tokens", "mail": "mail", "changes": "changes", "remove": "remove",
    }  # fmt: skip
    addresses = {part: f"{base}/{path}" for part, path in paths.items()}
    addresses |= {"sites": f"{service.url}/admin/", "new-site": f"{service.url}/admin/new-site"}
    for part, address in addresses.items():
        answer = page.goto(address)
        assert answer is not None and answer.status == 200, address
        for closed in page.locator("main details").all():
            closed.evaluate("each => { each.open = true; }")
        assert axe(page) == [], address
        assert not scrolls_sideways(page), address
        expect(page.get_by_role("link", name="Administration")).to_be_in_viewport(ratio=1)
        shoot(page, f"admin-{part}-{name}")
