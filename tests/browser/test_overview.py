"""An administrator at the overview of a site, and anybody at the search above the articles."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from feedback import articles, votes
from feedback.models import Article
from feedback.stats import overview
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.cast import KEY, TITLE, Reader, registration

SCREEN = {"width": 1280, "height": 900}


@pytest.fixture
def voted_article(
    do: Callable[..., Any], ask: Callable[..., Any], site: Any, article: Article, clock: Any, connect: Any
) -> Article:
    """An article with forty votes on as many days and a comment that waits, added up."""
    view = ask(articles.site, site.slug)

    def fill() -> None:
        for number in range(40):
            choice = votes.Choice.NO if number % 4 == 0 else votes.Choice.YES
            ballot = votes.Ballot(articles.Page(view, KEY), number.to_bytes(32, "big"), choice)
            votes.cast(ballot, now=clock() - timedelta(days=number))

    do(fill)
    do(articles.register, site.id, registration(site, "fresh", "A new article " * 8), now=clock())
    rita = Reader(connect(), site, f"{'rita':-<22}", "127.0.0.1", site.origins[0])
    assert rita.comments(KEY, "Words").status_code == 202
    do(overview.keep, ask(overview.count, clock()), clock())
    return article


def test_an_administrator_goes_from_the_articles_to_the_overview_and_on(
    sign_in: Callable[..., Page], ada: Any, voted_article: Article, service: Any
) -> None:
    page = sign_in(ada, viewport=SCREEN)
    page.goto(f"{service.url}/articles/")
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".lead")).to_contain_text("of the 30 readers who voted found what they read helpful")
    expect(page.get_by_role("img", name="Votes by day")).to_be_visible()
    expect(page.get_by_role("img", name="Comments by day")).to_be_visible()
    page.get_by_role("link", name="By week").click()
    expect(page.get_by_role("img", name="Votes by week")).to_be_visible()
    page.get_by_role("link", name="A new article").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("A new article")


def test_an_article_is_found_by_a_word_of_its_title(
    sign_in: Callable[..., Page], ann: Any, voted_article: Article
) -> None:
    page = sign_in(ann, viewport=SCREEN)
    page.get_by_role("searchbox", name="Search title and key").fill("baclofen")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    expect(page.get_by_role("link", name="A new article")).to_have_count(0)
    page.get_by_role("searchbox").fill("elbow")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="No article matches")).to_be_visible()
    page.get_by_role("link", name="All articles").click()
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), [(SCREEN, "light"), (PHONE, "dark")], ids=["screen", "phone"])
def test_overview_and_search_are_accessible_and_never_scroll_sideways(
    sign_in: Callable[..., Page],
    ada: Any,
    site: Any,
    service: Any,
    voted_article: Article,
    scheme: str,
    size: dict[str, int],
) -> None:
    page = sign_in(ada, viewport=size, color_scheme=scheme)
    for path in (f"/articles/{site.slug}/overview", f"/articles/?q=neck&site={site.slug}", "/articles/?q=elbow"):
        page.goto(service.url + path)
        page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        if "overview" in path:
            shoot(page, f"overview-{scheme}-{size['width']}")
        assert axe(page) == [], path
        assert not scrolls_sideways(page), path
