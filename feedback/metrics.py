"""What a monitoring system watches of a site: how much waits, for how long, and what could not be delivered.

Everything is read from the database, so that it is the same whichever process is asked. Written in Prometheus' text
format, version 0.0.4; no value or label comes from what a reader typed.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from feedback import moderation, notices
from feedback.db import db
from feedback.models import Site, Standing

Gauge = tuple[str, str, str, Mapping[str, float]]  # name, meaning, the label's name, values by label


def of(site_id: UUID, *, now: datetime) -> str:
    """Return the gauges of a site."""
    slug = db.session.get_one(Site, site_id).slug
    return "".join(line for gauge in _gauges(site_id, now) for line in _lines(slug, gauge))


def _gauges(site_id: UUID, now: datetime) -> Iterator[Gauge]:
    columns = (Standing.yes, Standing.no, Standing.quarantined)
    votes = db.session.execute(
        select(*(func.coalesce(func.sum(column), 0) for column in columns)).where(Standing.site_id == site_id)
    ).one()
    yield "votes", "Votes that stand, by answer; quarantined ones count in no figure.", "answer", _named(columns, votes)
    totals = moderation.totals([site_id])
    yield "comments", "Comments by list; those that are flagged are in another list, too.", "list", totals
    oldest = moderation.ageing([site_id]).oldest
    wait = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield "oldest_wait_seconds", "Since when the oldest comment that waits was sent; 0 where none does.", "", {"": wait}
    letters = {"waiting": notices.waiting([site_id]), "given_up": len(notices.given_up([site_id]))}
    yield "letters", "Mail about the site that waits, and that could not be delivered (200 at most).", "state", letters


def _named(columns: tuple[object, ...], values: tuple[float, ...]) -> dict[str, float]:
    return {column.key: value for column, value in zip(columns, values, strict=True)}  # type: ignore[attr-defined]


def _lines(slug: str, gauge: Gauge) -> Iterator[str]:
    name, meaning, label, values = gauge
    yield f"# HELP feedback_{name} {meaning}\n# TYPE feedback_{name} gauge\n"
    for value, number in values.items():
        more = f',{label}="{value}"' if label else ""
        yield f'feedback_{name}{{site="{slug}"{more}}} {number}\n'
