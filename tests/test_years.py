"""The votes that the benches draw: always the same, and counted as the service counts them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from feedback import articles, recount
from feedback.models import Site, SiteDay, Standing, Vote
from tests.bench import years


def test_what_is_counted_of_drawn_votes_equals_them(site: Site, do: Any, ask: Any, ann: Any, rows: Any) -> None:
    view = ask(articles.site, site.slug)
    ids = do(years.articles_of, view, 30, ann.id)
    for votes in (500, 2_000):
        do(years.fill, view, ids, votes)
        assert not ask(recount.differences).any
        assert len(rows(select(Vote))) == sum(rows(select(Standing.votes))) == votes
        assert sum(row.yes + row.no for row in rows(select(SiteDay))) == votes
    first = [(vote.reader, vote.value, vote.day) for vote in rows(select(Vote).order_by(Vote.reader))]
    do(years.fill, view, ids, 2_000)
    assert [(vote.reader, vote.value, vote.day) for vote in rows(select(Vote).order_by(Vote.reader))] == first
