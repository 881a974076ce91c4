"""What the database holds of a site's votes, in the terms of the model, and whether its sums are those of its rows."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from feedback.db import db
from feedback.models import Article, Comment, ReasonTally, Revision, Site, Standing, State, Tally, Vote
from tests.machines.ballots import Ballots, Mark, Seen

COLUMNS = ("yes", "no", "quarantined_yes", "quarantined_no")
Z = 1.959963984540054  # of Wilson's interval at 95 %
CLOSE = 1e-9  # figures worked out in another order may differ in their last digits


@dataclass(frozen=True)
class Stored:
    """A site's votes and all that is kept beside them, by article key."""

    votes: Ballots  # by (article key, reader's digest)
    cells: Counter[Any]
    named: Counter[Any]
    standings: dict[str, Standing]
    published: Counter[str]
    prior: tuple[float, float]


def stored(app: Flask, site_id: UUID) -> Stored:
    """Read a site's votes and their sums in one transaction."""
    with app.app_context():
        site = db.session.get_one(Site, site_id)
        keys = {row.id: row.key for row in db.session.execute(select(Article).filter_by(site_id=site_id)).scalars()}

        def rows(model: Any) -> list[Any]:
            return list(db.session.execute(select(model).where(model.article_id.in_(keys))).scalars())

        votes = Ballots(
            {(keys[row.article_id], row.reader): _mark(row) for row in rows(Vote)},
            {(keys[row.article_id], row.label): _seen(row) for row in rows(Revision)},
        )
        cells = {
            (keys[row.article_id], row.revision, row.day, column): getattr(row, column)
            for row in rows(Tally)
            for column in COLUMNS
        }
        named = {
            (keys[row.article_id], row.revision, row.day, row.kind.value, row.code): row.votes
            for row in rows(ReasonTally)
        }
        return Stored(
            votes,
            # A cell that is left has a row of zeros, which stands for nothing.
            Counter({cell: number for cell, number in cells.items() if number}),
            Counter({cell: number for cell, number in named.items() if number}),
            {keys[row.article_id]: row for row in rows(Standing)},
            Counter(keys[row.article_id] for row in rows(Comment) if row.state is State.APPROVED),
            (site.prior_mean, site.prior_weight),
        )


def _mark(row: Vote) -> Mark:
    names = ("revision", "day", "reason", "section", "note", "counted", "network", "created", "updated", "burst_day")
    return Mark(row.value.value, **{name: getattr(row, name) for name in names})


def _seen(row: Revision) -> Seen:
    return Seen(row.first_seen, row.baseline_yes or 0, row.baseline_votes or 0)


def assert_added_up(found: Stored) -> None:
    """Fail where a tally, a reason tally or a standing is not the sum of the rows."""
    assert found.cells == found.votes.cells()
    assert found.named == found.votes.named()
    for article, standing in found.standings.items():
        count = found.votes.count(article)
        assert (standing.yes, standing.no, standing.votes) == (count["yes"], count["no"], count["total"])
        assert standing.quarantined == len(found.votes.on(article)) - count["total"]
        assert standing.comments == found.published[article]
        assert math.isclose(standing.low, _wilson(standing.yes, standing.votes)[0], abs_tol=CLOSE)
        assert math.isclose(standing.high, _wilson(standing.yes, standing.votes)[1], abs_tol=CLOSE)
        assert math.isclose(standing.fails, _failed(standing.yes, standing.votes, *found.prior), abs_tol=CLOSE)
    assert {article for article, _ in found.votes.marks} <= set(found.standings)


def _wilson(yes: int, votes: int) -> tuple[float, float]:
    if not votes:
        return 0.0, 1.0
    share, spread = yes / votes, Z * Z / votes
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / votes + spread / (4 * votes))
    return middle - half, middle + half


def _failed(yes: int, votes: int, mean: float, weight: float) -> float:
    """Return the readers beyond the site's usual who went away without help, the share drawn to the site's mean."""
    shrunk = (weight * mean + yes) / (weight + votes) if weight + votes else mean
    return votes * max(0.0, mean - shrunk)
