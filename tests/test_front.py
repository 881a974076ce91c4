"""The summaries that are kept in front of Flask: never older than the database, and never more than fits."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from feedback import articles, removal, summary
from feedback.models import Article, Site
from feedback.views.front import Front
from tests.cast import KEY, Reader, together

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def front(app: Flask) -> Front:
    found: Front = app.extensions["front"]
    return found


def counts(answer: Any) -> tuple[int, int]:
    return answer.json["votes"]["yes"], answer.json["votes"]["no"]


def test_a_site_made_again_is_answered_anew(rae: Reader, site: Site, do: Callable[..., Any], clock: Any) -> None:
    assert rae.reads("never-seen").json["settings"]["question"] == "Did this article help you?"
    do(removal.remove_site, site.slug)
    do(articles.add_site, site.slug, origins=["https://new.test"], now=clock(), question="Was this of use?")
    again = rae.reads("never-seen").json["settings"]
    assert (again["question"], again["origins"]) == ("Was this of use?", ["https://new.test"])


def test_changes_of_a_site_that_come_together_all_move_its_stamp(
    site: Site, do: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    together(lambda: do(articles.change_site, site.slug, name="Another name"), times=8)
    assert rows(select(Site.stamp)) == [8]


@sqlite_only
def test_a_vote_taken_back_while_a_summary_is_made_is_not_in_it(
    rae: Reader, article: Article, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, make = front.looks.at, summary.of

    def vote_after(*asked: str) -> Any:
        stamps = look(*asked)
        rae.votes(article, "yes")
        return stamps

    def take_back_after(*asked: Any, **also: Any) -> dict[str, Any]:
        answer = make(*asked, **also)
        rae.votes(article, "none")
        return answer

    monkeypatch.setattr(front.looks, "at", vote_after)
    monkeypatch.setattr(summary, "of", take_back_after)
    rae.reads(article)
    monkeypatch.undo()
    assert counts(rae.reads(article)) == (0, 0)


@sqlite_only
@pytest.mark.parametrize("path", ["/feedback?", "/feedback?sort=newest&", "/counts?"])
def test_who_has_it_already_is_not_sent_it_again(client: Any, article: Article, path: str) -> None:
    url = f"/api/v1/health{path}article={article.key}"
    etag = client.get(url).headers["ETag"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        answer = client.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag), known
    other = client.get(url, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@sqlite_only
def test_counts_that_an_other_thread_brings_late_do_not_stay(rae: Reader, article: Article, front: Front) -> None:
    rae.votes(article, "yes")
    rae.reads(article)
    [kept] = front.kept.values()
    old = kept.now
    rae.votes(article, "no")
    assert counts(rae.reads(article)) == (0, 1)
    # As of a thread that looked before the vote was changed, and writes after another has looked again.
    kept.recount(old[0])
    assert counts(rae.reads(article)) == (0, 1)


@sqlite_only
def test_a_query_that_cannot_be_read_costs_no_connection(rae: Reader, article: Article, front: Front) -> None:
    rae.reads(article)
    before = list(front.looks.open)
    assert rae.gets("/feedback", article="").status_code == 422
    assert front.looks.open == before


@sqlite_only
def test_long_summaries_are_kept_only_as_far_as_they_fit(
    rae: Reader, article: Article, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.views.front.MAX_KEPT_BYTES", 1_500)
    for number in range(5):
        assert rae.reads(f"{KEY}-{number}").status_code == 200
    assert len(front.kept) == 2
