"""A site as its administrators see it: what each day brought, added up beforehand, and articles without a vote.

`count` reads all that the days are made of and `keep` writes what changed, so that the reading holds no writer up.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from feedback import opaque
from feedback.db import db, insert, run
from feedback.errors import Refused
from feedback.models import Article, Comment, Decision, Site, SiteDay, Standing, State, Tally
from feedback.stats.access import Viewer
from feedback.stats.ask import By
from feedback.stats.lists import PAGE

DAY = timedelta(days=1)
RENEWED = 60 * DAY  # of comments: whoever has not decided on one by then is not measured by it
SHOWN = 52 * 7  # days of an overview

Days = dict[date, dict[str, Any]]


@dataclass(frozen=True)
class Span:
    """A day, or several that begin with `day`: votes, readers' comments, how many of those waited for a moderator.

    `decided` of the held ones were decided on, half of them within `wait`, which for several days is about right.
    """

    day: date
    yes: int
    no: int
    comments: int
    held: int
    decided: int
    wait: timedelta | None

    @property
    def votes(self) -> int:
        return self.yes + self.no

    @property
    def unheld(self) -> int:
        return self.comments - self.held

    def public(self) -> dict[str, Any]:
        """Return it as JSON has it, the wait in seconds."""
        wait = None if self.wait is None else round(self.wait.total_seconds())
        return {**asdict(self), "day": self.day.isoformat(), "wait": wait}


@dataclass(frozen=True)
class Overview:
    """The days of a site on which something came in, oldest first, and as of when they are; None before the first."""

    days: list[Span]
    as_of: datetime | None

    def steps(self, by: By) -> list[Span]:
        return by_week(self.days) if by is By.WEEK else self.days


# Adding up


def count(now: datetime) -> dict[UUID, Days]:
    """Return the days of every site: all that had votes, and what became of the comments of the last ones."""
    since = datetime.combine((now - RENEWED).date(), datetime.min.time(), now.tzinfo)
    found: dict[UUID, Days] = {}
    for site_id in db.session.execute(select(Site.id).order_by(Site.id)).scalars().all():
        first = not db.session.execute(select(SiteDay.day).where(SiteDay.site_id == site_id).limit(1)).first()
        votes = _votes(site_id)
        comments = _comments(site_id, None if first else since)
        days = {day: votes.get(day, {"yes": 0, "no": 0}) for day in {*votes, *comments, now.date()}}
        quiet = {"comments": 0, "held": 0, "decided": 0, "wait": None}
        found[site_id] = {
            day: counts | (comments.get(day, quiet) if first or day >= since.date() else {})
            for day, counts in days.items()
        }
    return found


def _votes(site_id: UUID) -> Days:
    rows = db.session.execute(
        select(Tally.day, func.sum(Tally.yes), func.sum(Tally.no))
        .join(Article, Article.id == Tally.article_id)
        .where(Article.site_id == site_id)
        .group_by(Tally.day)
    )
    return {day: {"yes": int(yes), "no": int(no)} for day, yes, no in rows}


def _comments(site_id: UUID, since: datetime | None) -> Days:
    decided = _first_decisions(site_id, since)
    query = select(Comment.id, Comment.created, Comment.state, Comment.held_for, Comment.flagged_down)
    query = query.where(Comment.site_id == site_id, Comment.staff.is_(None))
    if since is not None:
        query = query.where(Comment.created >= since)
    days: Days = defaultdict(lambda: {"comments": 0, "held": 0, "waits": []})
    for row in db.session.execute(query.execution_options(yield_per=1_000)):
        day = days[row.created.date()]
        day["comments"] += 1
        if _waited(row.state, row.held_for, row.flagged_down, row.id in decided):
            day["held"] += 1
            if row.id in decided:
                day["waits"].append(int((decided[row.id] - row.created).total_seconds()))
    return {day: _summed(**counts) for day, counts in days.items()}


def _waited(state: State, held_for: Sequence[str], flagged: bool, decided: bool) -> bool:
    """Whether a comment had to wait: not what flags alone put back, nor what the rules called spam by themselves."""
    if state is State.SPAM and not decided:
        return False
    return any(code != "flags" for code in held_for) or (decided and not flagged)


def _summed(comments: int, held: int, waits: list[int]) -> dict[str, Any]:
    wait = round(median(waits)) if waits else None
    return {"comments": comments, "held": held, "decided": len(waits), "wait": wait}


def _first_decisions(site_id: UUID, since: datetime | None) -> dict[UUID, datetime]:
    """Return when somebody first decided on each comment that waited."""
    query = select(Decision.comment_id, Decision.at).where(
        Decision.site_id == site_id,
        Decision.from_state == State.PENDING,
        Decision.to_state != State.PENDING,
        Decision.who_id.is_not(None),
        Decision.undoes.is_(None),
    )
    if since is not None:
        query = query.where(Decision.at >= since)
    rows = db.session.execute(query.order_by(Decision.at.desc()).execution_options(yield_per=1_000))
    return {row.comment_id: row.at for row in rows}


def keep(found: dict[UUID, Days], now: datetime) -> None:
    """Write the days that changed, and today, which says as of when all are."""
    for site_id, days in found.items():
        if not run(select(Site.id).where(Site.id == site_id)).first():
            continue  # it was removed meanwhile
        known = {row.day: row for row in run(select(SiteDay.__table__).where(SiteDay.site_id == site_id))}
        # A day whose votes have all moved away has none left.
        gone = {day: {"yes": 0, "no": 0} for day in known if day not in days}
        for day, counts in {**days, **gone}.items():
            old = known.get(day)
            if old is None or day == now.date() or any(getattr(old, name) != value for name, value in counts.items()):
                row = {"site_id": site_id, "day": day, "renewed": now, **counts}
                changed = {name: value for name, value in row.items() if name not in ("site_id", "day")}
                run(insert(SiteDay).values(row).on_conflict_do_update(index_elements=["site_id", "day"], set_=changed))


# Looking


def overview(viewer: Viewer, *, today: date) -> Overview:
    """Return the days of the last year. Raises Refused for whoever does not administer the site."""
    _require(viewer)
    query = select(SiteDay).where(SiteDay.site_id == viewer.site_id, SiteDay.day > today - SHOWN * DAY)
    rows = db.session.execute(query.order_by(SiteDay.day)).scalars().all()
    spans = [_span(row) for row in rows if row.yes or row.no or row.comments]
    return Overview(spans, rows[-1].renewed if rows else None)


def _require(viewer: Viewer) -> None:
    if not viewer.sees_all:
        raise Refused("This overview is for the site's administrators.")


def _span(row: SiteDay) -> Span:
    wait = None if row.wait is None else timedelta(seconds=row.wait)
    return Span(row.day, row.yes, row.no, row.comments, row.held, row.decided, wait)


def together(day: date, spans: Iterable[Span]) -> Span:
    """Add days up. The wait is the middle of the days', each as often as comments were decided on."""
    spans = list(spans)
    waits = [span.wait for span in spans if span.wait is not None for _ in range(span.decided)]
    sums = {name: sum(getattr(span, name) for span in spans) for name in ("yes", "no", "comments", "held", "decided")}
    return Span(day, **sums, wait=sorted(waits)[(len(waits) - 1) // 2] if waits else None)


def by_week(days: Sequence[Span]) -> list[Span]:
    """Add days up to weeks, each under its Monday."""
    weeks = groupby(days, key=lambda span: span.day - span.day.weekday() * DAY)
    return [together(monday, spans) for monday, spans in weeks]


@dataclass(frozen=True)
class Unvoted:
    """Some of the articles that nobody has voted on, (key, title), newest first, and the cursor of what follows."""

    items: Sequence[Row[Any]]
    next: str | None


def without_votes(viewer: Viewer, *, cursor: str | None = None) -> Unvoted:
    """Return a page of the site's articles without a vote. Raises Refused as `overview`, Malformed."""
    _require(viewer)
    query = (
        select(Article.key, Article.title, Standing.article_id)
        .join(Article, Article.id == Standing.article_id)
        .where(Standing.site_id == viewer.site_id, Standing.votes == 0)
    )
    at = opaque.parse_cursor(cursor, UUID)
    if at is not None:
        query = query.where(Standing.article_id < at[0])
    rows: list[Row[Any]] = list(db.session.execute(query.order_by(Standing.article_id.desc()).limit(PAGE + 1)))
    return Unvoted(rows[:PAGE], opaque.cursor(rows[PAGE - 1].article_id) if len(rows) > PAGE else None)
