"""From which origins a site's pages have asked lately: what tells a developer whether the two lines work.

Only origins and times are kept, of each site the listed ones and the few others that came last. Nobody reads here
who read a page.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select

from feedback import articles
from feedback.db import db, insert, run
from feedback.models import Sighting, Site
from feedback.origins import parse_origin

MAX_ORIGIN_CHARS = 255  # a host name has at most 253
MAX_UNLISTED = 10  # of a site: the usual mistake is one, and anybody can send more
KEPT_UNLISTED = timedelta(days=30)
NO_ORIGIN = "null"  # what browsers send for a file on disk and for a frame in a sandbox


@dataclass(frozen=True)
class Check:
    """What was seen of a site's pages, the latest first."""

    listed: tuple[Sighting, ...]
    unlisted: tuple[Sighting, ...]


def sane(origin: str) -> bool:
    """Whether this is an origin as browsers write it."""
    if len(origin) > MAX_ORIGIN_CHARS or not origin.isascii():
        return False
    try:
        return origin == NO_ORIGIN or parse_origin(origin) == origin
    except ValueError:
        return False


def record(seen: Iterable[tuple[str, str]], *, now: datetime) -> None:
    """Note (slug, origin) pairs as seen now; what is no site or no origin is passed over."""
    by_slug: dict[str, set[str]] = {}
    for slug, origin in seen:
        if articles.SLUG.fullmatch(slug) and sane(origin):
            by_slug.setdefault(slug, set()).add(origin)
    query = select(Site.id, Site.slug, Site.origins).where(Site.slug.in_(by_slug)).order_by(Site.id)
    for site in run(query).all():
        for origin in sorted(by_slug[site.slug]):
            _note(site.id, origin, now)
        _trim(site, now)


def _note(site_id: UUID, origin: str, now: datetime) -> None:
    values: Any = {"site_id": site_id, "origin": origin, "first_seen": now, "last_seen": now}
    known = {"index_elements": ["site_id", "origin"], "set_": {"last_seen": now}}
    run(insert(Sighting).values(values).on_conflict_do_update(**known))


def _trim(site: Row[Any], now: datetime) -> None:
    """Forget the oldest of the origins that the site does not list; the listed ones stay."""
    unlisted = (
        select(Sighting.origin, Sighting.last_seen)
        .where(Sighting.site_id == site.id, Sighting.origin.not_in(site.origins))
        .order_by(Sighting.last_seen.desc(), Sighting.origin)
    )
    kept = [row.origin for row in run(unlisted).all()[:MAX_UNLISTED] if row.last_seen > now - KEPT_UNLISTED]
    gone = Sighting.origin.not_in([*site.origins, *kept])
    run(delete(Sighting).where(Sighting.site_id == site.id, gone))


def of(site_id: UUID, origins: Collection[str]) -> Check:
    """Return what was seen of a site that lists these origins."""
    query = select(Sighting).where(Sighting.site_id == site_id)
    rows = db.session.execute(query.order_by(Sighting.last_seen.desc(), Sighting.origin)).scalars().all()
    return Check(
        tuple(row for row in rows if row.origin in origins), tuple(row for row in rows if row.origin not in origins)
    )
