"""Sites of a known size, written in bulk: the benchmarks measure reading and single writes, not this."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from feedback import articles, statistics, text
from feedback.db import db, uuid7
from feedback.models import Comment, Standing, State, Tally

START = datetime(2024, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)  # between two comments
BATCH = 2_000
SOURCE = "Thank you, the part on stopping slowly was **clear**. Does the same hold for older people?"


def site() -> articles.SiteView:
    articles.add_site("health", origins=["http://articles.test"], now=START)
    return articles.site("health")


def article(site: articles.SiteView, key: str, *, comments: int, votes: int, state: State = State.APPROVED) -> None:
    """Make an article with so many comments (one thread each) and votes over two years."""
    given = articles.Registration(key, "A benchmark's article", f"http://articles.test/{key}")
    row, _ = articles.register(site.id, given, now=START)
    html = text.comment_html(SOURCE)
    rows: list[dict[str, Any]] = []
    for number in range(comments):
        created = START + number * STEP
        rows.append(_comment(site, row.id, html, state, created))
        if len(rows) == BATCH or number == comments - 1:
            db.session.execute(insert(Comment.__table__), rows)  # type: ignore[arg-type]
            rows = []
    days = min(730, max(1, votes))
    each = votes // days
    cells = [_cell(row.id, START.date() + timedelta(days=day), each) for day in range(days)]
    db.session.execute(insert(Tally.__table__), cells)  # type: ignore[arg-type]
    yes, no = sum(cell["yes"] for cell in cells), sum(cell["no"] for cell in cells)
    interval = statistics.wilson(yes, yes + no)
    standing = db.session.get_one(Standing, row.id)
    standing.yes, standing.no, standing.votes = yes, no, yes + no
    standing.low, standing.high = interval.low, interval.high
    standing.comments, standing.pending = (comments, 0) if state is State.APPROVED else (0, comments)


def _cell(article_id: Any, day: date, each: int) -> dict[str, Any]:
    no = each // 4
    return {
        "article_id": article_id,
        "revision": "",
        "day": day,
        "yes": each - no,
        "no": no,
        "quarantined_yes": 0,
        "quarantined_no": 0,
    }


def _comment(site: articles.SiteView, article_id: Any, html: str, state: State, created: datetime) -> dict[str, Any]:
    return {
        "article_id": article_id,
        "id": uuid7(),
        "site_id": site.id,
        "reader": secrets.token_bytes(32),
        "name": "Rae",
        "source": SOURCE,
        "html": html,
        "policy": text.POLICY,
        "text_hash": secrets.token_bytes(32),
        "state": state,
        "held_for": ["premoderation", "first_comment"],
        "likes": 0,
        "flags": 0,
        "pinned": False,
        "version": 1,
        "created": created,
    }
