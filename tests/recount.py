"""Adds up the rows of a test's database and holds every figure that is kept beside them against the sums."""

from collections import Counter
from typing import Any

from flask import Flask
from sqlalchemy import select

from feedback import statistics
from feedback.db import db
from feedback.models import Comment, Flag, Kind, Like, ReasonTally, Site, Standing, State, Tally, Vote

STATES = (State.APPROVED, State.PENDING, State.REJECTED, State.SPAM, State.WITHDRAWN)
COLUMNS = ("yes", "no", "quarantined_yes", "quarantined_no")


def assert_counted(app: Flask) -> None:
    """Fail where a tally, a reason tally or a standing differs from the votes, comments and flags it counts."""
    with app.app_context():
        votes = _all(Vote)
        assert _cells(votes) == _kept_cells()
        assert _reasons(votes) == _kept_reasons()
        for standing in _all(Standing):
            _assert_standing(standing, [vote for vote in votes if vote.article_id == standing.article_id])


def _all(model: Any) -> list[Any]:
    return list(db.session.execute(select(model)).scalars())


def _cells(votes: list[Vote]) -> Counter[Any]:
    return Counter(
        (vote.article_id, vote.revision, vote.day, vote.value.value if vote.counted else f"quarantined_{vote.value}")
        for vote in votes
    )


def _kept_cells() -> Counter[Any]:
    return Counter(
        {
            (cell.article_id, cell.revision, cell.day, column): getattr(cell, column)
            for cell in _all(Tally)
            for column in COLUMNS
            if getattr(cell, column)
        }
    )


def _reasons(votes: list[Vote]) -> Counter[Any]:
    return Counter(
        (vote.article_id, vote.revision, vote.day, kind, code)
        for vote in votes
        if vote.counted
        for kind, code in ((Kind.REASON, vote.reason), (Kind.SECTION, vote.section))
        if code
    )


def _kept_reasons() -> Counter[Any]:
    cells = _all(ReasonTally)
    return Counter(
        {(row.article_id, row.revision, row.day, row.kind, row.code): row.votes for row in cells if row.votes}
    )


def _assert_standing(standing: Standing, votes: list[Vote]) -> None:
    yes = sum(vote.counted and vote.value == "yes" for vote in votes)
    no = sum(vote.counted and vote.value == "no" for vote in votes)
    assert (standing.yes, standing.no, standing.votes) == (yes, no, yes + no)
    assert standing.quarantined == len(votes) - yes - no
    interval = statistics.wilson(yes, yes + no)
    assert (standing.low, standing.high) == (interval.low, interval.high)
    site = db.session.get_one(Site, standing.site_id)
    prior = statistics.Prior(site.prior_mean, site.prior_weight)
    if yes + no:
        assert standing.fails == statistics.readers_failed(yes, yes + no, prior)
    _assert_states(standing, [row for row in _all(Comment) if row.article_id == standing.article_id])


def _assert_states(standing: Standing, comments: list[Comment]) -> None:
    found = Counter(comment.state for comment in comments)
    kept = (standing.comments, standing.pending, standing.rejected, standing.spam, standing.withdrawn)
    assert kept == tuple(found[state] for state in STATES)
    flags: Counter[Any] = Counter()
    for flag in _all(Flag):
        flags[flag.comment_id] += flag.weight if flag.resolved is None else 0
    assert {comment.id: comment.flags for comment in comments} == {
        comment.id: flags[comment.id] if comment.state in (State.PENDING, State.APPROVED) else 0 for comment in comments
    }
    likes = Counter(row.comment_id for row in _all(Like))
    assert [comment.likes for comment in comments] == [likes[comment.id] for comment in comments]
    open_ones = [each for each in comments if each.flags and each.state in (State.APPROVED, State.PENDING)]
    assert standing.flagged == len(open_ones)
