"""A letter a week to authors and reviewers: only those of their articles that have something to say.

It speaks of whole days, from one Monday's midnight to another's (UTC), which are fixed with its row in the outbox; the
next one begins where it ended. What it says is of those days, or as things stood at their end, so that the same letter
sent again says the same, less what readers took back and authors dealt with meanwhile. Nothing to say is no letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, func, select

from feedback import alarms, digests, notices, staff, stats
from feedback.db import db
from feedback.models import (
    Article,
    Comment,
    Contributor,
    Digest,
    Flag,
    FlagReason,
    Kind,
    Membership,
    NoteStatus,
    ReasonTally,
    Role,
    State,
    Tally,
    User,
    Vote,
)
from feedback.stats import Drop, Edit, Period, Votes, words

WEEK = timedelta(days=7)
MONDAY_AT = time(6)  # UTC: on the desk when the week begins in Europe and Africa
FARTHEST = 4 * WEEK  # that a letter reaches back, after an account slept or no worker ran
FRESH = 4 * WEEK  # that it is news whether an edit helped: votes take their time
NEWS = 10  # votes in a week that are news by themselves
SHOWN = 20  # articles of a letter; it counts the others
QUOTED = 3  # notes of an article, the newest; likewise

Window = tuple[datetime, datetime]


# When


def due(now: datetime) -> list[tuple[UUID, UUID]]:
    """Return (user, site) of everybody whose week is to be looked at by now. Reads; changes nothing."""
    theirs = (
        select(Contributor.article_id)
        .join(Article, Article.id == Contributor.article_id)
        .where(Contributor.user_id == Membership.user_id, Article.site_id == Membership.site_id)
    )
    query = (
        select(Membership.user_id, Membership.site_id, Digest.weekly_told)
        .join(User, User.id == Membership.user_id)
        .outerjoin(Digest, and_(Digest.user_id == Membership.user_id, Digest.site_id == Membership.site_id))
        .where(User.active, User.password.is_not(None), func.coalesce(Digest.weekly, True))
        .where(Membership.role.in_((*staff.BYLINES, Role.ADMINISTRATOR)), theirs.exists())
        .distinct()
        .order_by(Membership.user_id, Membership.site_id)
    )
    return [(row.user_id, row.site_id) for row in db.session.execute(query) if _is_due(row.weekly_told, now)]


def put(user_id: UUID, site_id: UUID, *, now: datetime) -> UUID | None:
    """Put somebody's week into the outbox and return its id; None where another worker just did, or there is none.

    Whoever is new gets their first letter on the next Monday; so does everybody after the clock was set back to before
    the last one, with the days that come a second time then.
    """
    row = digests.row_of(user_id, site_id)
    if not _is_due(row.weekly_told, now):
        return None
    told, row.weekly_told = row.weekly_told, _monday(now)
    if told is None or told > now or not row.weekly or not has_articles(user_id, site_id):
        return None
    after = max(told, row.weekly_told - FARTHEST)
    about: dict[str, UUID | datetime] = {"user": user_id, "site": site_id, "after": after, "until": row.weekly_told}
    return notices.put(notices.Kind.WEEKLY, about, now=now, site_id=site_id)


def _is_due(told: datetime | None, now: datetime) -> bool:
    return told is None or told > now or told < _monday(now)


def _monday(now: datetime) -> datetime:
    """Return the midnight at which the latest week ended whose letter may leave by now."""
    day = (now - timedelta(hours=MONDAY_AT.hour)).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), UTC)


def reads(user_id: UUID, site_id: UUID, until: datetime) -> bool:
    """Whether somebody still wants the letter of the week that ended then: a later one takes its place."""
    row = db.session.get(Digest, (user_id, site_id))
    return row is not None and row.weekly and row.weekly_told == until


# What


@dataclass(frozen=True)
class News:
    """What an article has to say."""

    article: Article
    votes: Votes  # all until the end of the week
    new: int  # votes of the week
    notes: int
    unsafe: int  # readers who found it unsafe
    flagged: int  # comments on it that were said to be unsafe
    edit: Edit | None
    drop: Drop | None
    fresh: bool  # the edit is so young that it is news whether it helped

    @property
    def urgent(self) -> bool:
        return bool(self.unsafe or self.flagged)

    def verdict(self, wanted: str) -> bool:
        return self.edit is not None and self.fresh and self.edit.compared.verdict == wanted

    @property
    def matters(self) -> bool:
        told = self.verdict("likely better") or self.verdict("likely worse")
        return self.urgent or bool(self.notes) or self.drop is not None or told or self.new >= NEWS

    @property
    def place(self) -> tuple[Any, ...]:
        """What needs work first comes first."""
        worse = self.verdict("likely worse")
        return not self.urgent, self.drop is None, not worse, self.votes.interval.high, self.article.key

    def said(self, today: date) -> list[str]:
        """Return it in sentences; the last one is of the notes, where there are any."""
        return [
            *_line(self.unsafe, "reader says that it could be unsafe.", "readers say that it could be unsafe."),
            *_line(self.flagged, "comment on it was said to be unsafe.", "comments on it were said to be unsafe."),
            *([f"Fewer readers are helped than before. {words.dropped(self.drop, today)}"] if self.drop else []),
            words.overall(self.votes, self.edit, today),
            *_line(self.new, "new vote.", "new votes."),
            *_line(self.notes, "new note:", "new notes:"),
        ]


def _line(number: int, one: str, many: str) -> list[str]:
    return [f"{number} {one if number == 1 else many}"] if number else []


def news(user_id: UUID, site_id: UUID, window: Window) -> list[News]:
    """Return those of somebody's articles that have something to say about a week, what needs work first."""
    mine = _mine(user_id, site_id)
    votes, notes = _votes(mine, window), _counted(_notes(mine, window))
    unsafe, flagged = _unsafe(mine, window), _flagged(mine, window)
    voted = {article_id for article_id, (_, new) in votes.items() if new}
    found = []
    for article_id in voted | set(notes) | set(unsafe) | set(flagged):
        so_far, new = votes.get(article_id, (Votes(0, 0), 0))
        edit, drop = stats.last_edit_and_drop(article_id, Period(None, _last_day(window)))
        found.append(
            News(
                db.session.get_one(Article, article_id),
                so_far,
                new,
                notes.get(article_id, 0),
                unsafe.get(article_id, 0),
                flagged.get(article_id, 0),
                edit,
                drop,
                edit is not None and edit.after.began >= window[1] - FRESH,
            )
        )
    return sorted((each for each in found if each.matters), key=lambda each: each.place)


def quotes(article_id: UUID, window: Window) -> list[str]:
    """Return the newest of the new notes on an article."""
    query = _notes((article_id,), window).with_only_columns(Vote.note)
    rows = db.session.execute(query.order_by(Vote.updated.desc(), Vote.reader.desc()).limit(QUOTED)).scalars()
    return [note for note in rows if note]


def has_articles(user_id: UUID, site_id: UUID) -> bool:
    """Whether somebody stands in the byline of an article whose figures they see."""
    return db.session.execute(_mine(user_id, site_id).limit(1)).first() is not None


def _mine(user_id: UUID, site_id: UUID) -> Select[UUID]:
    roles = staff.roles_of(user_id).get(site_id, set())
    held = staff.BYLINES if Role.ADMINISTRATOR in roles else staff.BYLINES & roles
    return (
        select(Contributor.article_id)
        .join(Article, Article.id == Contributor.article_id)
        .where(Article.site_id == site_id, Contributor.user_id == user_id, Contributor.role.in_(sorted(held)))
    )


def _last_day(window: Window) -> date:
    return window[1].date() - timedelta(days=1)


def _week(window: Window) -> Period:
    return Period(window[0].date(), _last_day(window))


def _votes(mine: Any, window: Window) -> Mapping[UUID, tuple[Votes, int]]:
    """Return the counted votes of each article until the end of the week, and how many are of the week."""
    new = func.sum(case((_week(window).covers(Tally.day), Tally.yes + Tally.no), else_=0))
    query = (
        select(Tally.article_id, func.sum(Tally.yes), func.sum(Tally.no), new)
        .where(Tally.article_id.in_(mine), Tally.day <= _last_day(window))
        .group_by(Tally.article_id)
    )
    return {key: (Votes(int(yes), int(no)), int(fresh)) for key, yes, no, fresh in db.session.execute(query)}


def _notes(mine: Any, window: Window) -> Select[Any]:
    """Select the counted votes with notes of the week that nobody has dealt with."""
    return select(Vote.article_id).where(
        Vote.article_id.in_(mine),
        Vote.note.is_not(None),
        Vote.counted,
        Vote.note_status == NoteStatus.NEW,
        Vote.updated >= window[0],
        Vote.updated < window[1],
    )


def _unsafe(mine: Any, window: Window) -> Mapping[UUID, int]:
    found = func.sum(ReasonTally.votes)
    query = (
        select(ReasonTally.article_id, found)
        .where(
            ReasonTally.article_id.in_(mine),
            ReasonTally.kind == Kind.REASON,
            ReasonTally.code == alarms.UNSAFE,
            _week(window).covers(ReasonTally.day),
        )
        .group_by(ReasonTally.article_id)
        .having(found > 0)
    )
    return {key: int(number) for key, number in db.session.execute(query)}


def _flagged(mine: Any, window: Window) -> Mapping[UUID, int]:
    query = (
        select(Flag.article_id)
        .join(Comment, and_(Comment.article_id == Flag.article_id, Comment.id == Flag.comment_id))
        .where(
            Flag.article_id.in_(mine),
            Flag.reason == FlagReason.UNSAFE,
            Flag.resolved.is_(None),
            Flag.created >= window[0],
            Flag.created < window[1],
            Comment.state.in_((State.PENDING, State.APPROVED)),
        )
    )
    return _counted(query, func.count(Flag.comment_id.distinct()))


def _counted(query: Select[Any], number: Any = None) -> Mapping[UUID, int]:
    """Return how many rows of a select each article has."""
    (article_id,) = query.selected_columns
    counted = query.add_columns(func.count() if number is None else number).group_by(article_id)
    return {key: int(found) for key, found in db.session.execute(counted)}
