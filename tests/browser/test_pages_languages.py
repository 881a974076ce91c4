"""The page without JavaScript in other languages in a real browser: from right to left, on a phone, for everybody."""

import pytest
from playwright.sync_api import expect

from feedback import articles, languages
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.test_pages import button

SCREEN = {"width": 1280, "height": 900}


def said(code, name):
    return languages.ALL[code].sentences[name]


@pytest.fixture
def read(open_page, service, site, article):
    """Open the page of the article in a language. It has no script; axe, which looks at it, is one."""
    url = f"{service.url}/f/{site.slug}?article={article.key}"
    return lambda code, **options: open_page(f"{url}&lang={code}", **options)


@pytest.mark.parametrize("size", ["screen", "phone"])
def test_a_page_in_arabic_runs_from_right_to_left(read, do, site, rae, stan, article, size):
    do(articles.change_site, site.slug, moderation="post", lang="ar")
    first = rae.comments(article, "شكرًا، كان المقال واضحًا.", name="ريم").json["comment"]["id"]
    stan.comments(article, "Thank you, I agree.", name="Stan", parent=first)
    page = read("ar", viewport=PHONE if size == "phone" else SCREEN, color_scheme="light")
    heading = page.get_by_role("heading", name=said("ar", "widget.write"))
    box, field = heading.bounding_box(), page.get_by_role("textbox", name=said("ar", "widget.body")).bounding_box()
    assert box and field
    # Everything begins at the right edge of the box, replies are set in from there.
    legend = page.get_by_text(said("ar", "usual.question")).bounding_box()
    assert legend and abs((legend["x"] + legend["width"]) - (field["x"] + field["width"])) < 4
    thread, reply = (page.get_by_role("article").nth(place).bounding_box() for place in (0, 1))
    assert thread and reply and reply["x"] + reply["width"] < thread["x"] + thread["width"]
    button(page, said("ar", "widget.no")).click()
    expect(page.get_by_role("status")).to_have_text(said("ar", "widget.noThanks"))
    expect(page.get_by_role("radio", name=languages.ALL["ar"].groups["usual"]["reasons"]["unclear"])).to_be_visible()
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert not scrolls_sideways(page)
    shoot(page, f"page-arabic-{size}")
    assert axe(page) == []


@pytest.mark.parametrize("code", ["de", "pl", "ja"])
def test_long_words_and_other_scripts_fit_a_phone(read, rae, article, code):
    rae.comments(article, "Hello")
    page = read(code, viewport={"width": 320, "height": 700})
    button(page, said(code, "widget.no")).click()
    expect(page.get_by_role("group", name=said(code, "more.reasons"))).to_be_visible()
    assert not scrolls_sideways(page)
    shoot(page, f"page-320-{code}")


def test_an_administrator_finds_a_sentence_and_readers_see_it_said_otherwise(
    sign_in, ada, service, site, article, open_page
):
    page = sign_in(ada, viewport=PHONE)
    page.goto(f"{service.url}/admin/sites/{site.slug}/settings")
    page.get_by_role("link", name="Say what else readers see in words of your own").click()
    assert not scrolls_sideways(page) and axe(page) == []
    shoot(page, "texts-phone")
    page.get_by_role("searchbox", name="Search sentences and their names").fill("leave a com")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Leave a comment").click()
    field = page.get_by_role("textbox", name="What readers see")
    expect(field).to_have_value("Leave a comment")
    assert not scrolls_sideways(page) and axe(page) == []
    field.fill("Ask us a question")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("You changed the sentences that readers see.")).to_be_visible()
    expect(page.get_by_role("region", name="Changed")).to_contain_text("Ask us a question")
    assert axe(page) == []
    reader = open_page(f"{service.url}/f/{site.slug}?article={article.key}")
    expect(reader.get_by_role("heading", name="Ask us a question")).to_be_visible()
    page.get_by_role("region", name="Changed").get_by_role("link").click()
    shoot(page, "text-phone")
    page.get_by_role("button", name="Back to the original").click()
    expect(page.get_by_role("region", name="Changed")).to_have_count(0)
    expect(page.get_by_text("You changed the sentences that readers see.")).to_be_visible()
