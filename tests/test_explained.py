"""Behind every figure that authors see stands a paragraph on what it means, for who never heard of an interval."""

import re
from datetime import timedelta
from typing import Any

import pytest

from feedback import articles
from feedback.models import Article
from feedback.stats import overview
from tests.cast import KEY, registration
from tests.conftest import NOON

EXPLAINED = re.compile(
    r'What does this mean\?<span class="visually-hidden"> \(([^)]+)\)</span></summary>\s*<div>(.*?)</div>', re.S
)
EXPLAINING = re.compile(r'<details class="explain">.*?</details>|<p class="scale.*?</p>', re.S)
LATER = NOON + timedelta(days=10)


def explained(page: Any) -> dict[str, str]:
    """Return what each explanation on a page is of, and its words."""
    found = EXPLAINED.findall(page.text)
    assert len(found) == page.text.count("What does this mean?")
    return {name: re.sub(r"<[^>]+>", " ", words) for name, words in found}


@pytest.fixture
def lived_in(article: Article, site: Any, do: Any, rae: Any, mo: Any, request: pytest.FixtureRequest) -> Article:
    """An article with everything that can be told of one: a drop, a day that stands out, votes set aside."""
    do(articles.change_site, site.slug, quarantine_limit=1)
    cast = request.getfixturevalue("cast")  # by the site as it is now
    cast(article, yes=40, revision="2026-05-01", at=NOON)
    cast(article, no=30, revision="2026-05-14", reason="unclear", section="dose", note="Which dose?", at=LATER)
    cast(article, no=2, revision="2026-05-14", network=b"n" * 32, at=LATER)
    comment = rae.comments(article, "Thank you.").json["comment"]["id"]
    mo.posts("/decisions", comment=comment, version=1, action="approve")
    return article


def test_every_figure_of_an_article_is_explained(ann: Any, lived_in: Article) -> None:
    found = explained(ann.signs_in().get(f"/articles/health?article={KEY}"))
    assert set(found) == {
        "this alert", "the share of helpful votes", "votes set aside", "the filters", "the chart", "reasons",
        "sections", "the comparison", "all revisions", "counting revisions as one", "days that stand out",
        "notes", "comments",
    }  # fmt: skip
    assert all(len(words.split()) > 20 for words in found.values()), "a word is no explanation"


@pytest.mark.parametrize("sort", ["needs_work", "most_helpful", "where_to_start", "votes"])
def test_every_order_of_the_list_is_explained(ann: Any, lived_in: Article, sort: str) -> None:
    assert set(explained(ann.signs_in().get("/articles/", query_string={"sort": sort}))) == {"this order"}


def test_every_figure_of_the_overview_is_explained(ada: Any, lived_in: Article, site: Any, do: Any) -> None:
    do(articles.register, site.id, registration(site, "fresh", "Fresh"), now=NOON)
    do(lambda: overview.keep(overview.count(LATER), LATER))
    found = explained(ada.signs_in().get("/articles/health/overview"))
    assert set(found) == {"the last days", "the charts", "articles without votes"}


def test_no_percentage_is_told_from_a_handful(ann: Any, article: Article, cast: Any) -> None:
    cast(article, yes=3, no=1, revision="2026-05-01")
    client = ann.signs_in()
    page = client.get(f"/articles/health?article={KEY}").text
    told = re.sub(r"<[^>]+>", " ", EXPLAINING.sub("", page.partition("<main")[2]))
    assert "3 of the 4 readers who voted" in told
    assert re.findall(r"\d+ %", told) == []
    table = client.get(f"/articles/health/figures.csv?article={KEY}", buffered=True).text
    assert "article,,,baclofen-neck-pain,Baclofen for neck pain: what is known,3,1,,,," in table
