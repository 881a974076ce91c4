"""Every table, with the rules the database itself keeps.

Rows that grow without bound (votes, tallies, comments, decisions) carry `article_id` in their primary key and in
every unique constraint, keys are made by the application, and nothing locks across articles, so that the schema also
fits engines that shard PostgreSQL's dialect.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask_security.core import UserMixin
from sqlalchemy import (
    JSON,
    CheckConstraint,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.db import Codes, Model, Moment, uuid7

MAX_HTML_BYTES = 20_480  # what a comment of 5,000 characters may become; security.md measures why


class Value(StrEnum):
    YES = "yes"
    NO = "no"


class State(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class Role(StrEnum):
    """What a person or a token may do on one site; an administrator may also do what the others may."""

    ADMINISTRATOR = "administrator"
    MODERATOR = "moderator"
    AUTHOR = "author"
    REVIEWER = "reviewer"


class Accepts(StrEnum):
    """Whether an article takes comments, shows them only, or hides them."""

    OPEN = "open"
    CLOSED = "closed"
    HIDDEN = "hidden"


class NoteStatus(StrEnum):
    NEW = "new"
    DONE = "done"
    FIXED = "fixed"


class Kind(StrEnum):
    """What a reason tally counts."""

    REASON = "reason"
    SECTION = "section"


def _enum(kind: type[StrEnum], name: str) -> Enum:
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


def _digest() -> LargeBinary:
    return LargeBinary(32)


class Site(Model):
    __tablename__ = "site"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    origins: Mapped[list[str]] = mapped_column(JSON)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Site-wide helpfulness that small articles are drawn to: mean and weight in votes, fitted hourly.
    prior_mean: Mapped[float] = mapped_column(default=0.7)
    prior_weight: Mapped[float] = mapped_column(default=20.0)
    stamp: Mapped[int] = mapped_column(default=0, doc="moves with every change that readers' answers show")
    created: Mapped[datetime] = mapped_column(Moment)


class Article(Model):
    __tablename__ = "article"
    __table_args__ = (Unique("site_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(String(2000))
    title: Mapped[str | None] = mapped_column(String(300))
    registered: Mapped[bool] = mapped_column(default=False, doc="known from staff, not merely seen from a reader")
    accepts: Mapped[Accepts] = mapped_column(_enum(Accepts, "accepts"), default=Accepts.OPEN)
    published_at: Mapped[datetime | None] = mapped_column(Moment)
    created: Mapped[datetime] = mapped_column(Moment)

    site: Mapped[Site] = relationship(lazy="raise")
    contributors: Mapped[list["Contributor"]] = relationship(
        lazy="raise", order_by="Contributor.position", cascade="all, delete-orphan"
    )


class Contributor(Model):
    __tablename__ = "contributor"
    __table_args__ = (
        CheckConstraint("role IN ('author', 'reviewer')", name="role_of_contributor"),
        Index("ix_contributor_user", "user_id"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(_enum(Role, "role"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    email: Mapped[str | None] = mapped_column(String(254), doc="until an account of that address exists")


class Revision(Model):
    __tablename__ = "revision"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    registered: Mapped[bool] = mapped_column(default=False)
    first_seen: Mapped[datetime] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(String(1000), doc="what changed")
    merged_into: Mapped[str | None] = mapped_column(String(64))
    # "As good as before": the votes just before this revision's first one, frozen then (see statistics, alerts).
    baseline_yes: Mapped[int | None]
    baseline_votes: Mapped[int | None]


class Vote(Model):
    """One row per reader per article."""

    __tablename__ = "vote"
    __table_args__ = (
        Index("ix_vote_reader", "reader"),
        # Counts a network's votes of a day, and finds what is due to be forgotten; it holds 48 hours of rows.
        Index(
            "ix_vote_network",
            "day",
            "article_id",
            "network",
            sqlite_where=text("network IS NOT NULL"),
            postgresql_where=text("network IS NOT NULL"),
        ),
        Index("ix_vote_note", "article_id", "updated", "reader", sqlite_where=text("note IS NOT NULL"),
              postgresql_where=text("note IS NOT NULL")),
    )  # fmt: skip

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    reader: Mapped[bytes] = mapped_column(_digest(), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    value: Mapped[Value] = mapped_column(_enum(Value, "value"))
    revision: Mapped[str] = mapped_column(String(64))
    day: Mapped[date]
    section: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(1000))
    note_status: Mapped[NoteStatus] = mapped_column(_enum(NoteStatus, "note_status"), default=NoteStatus.NEW)
    network: Mapped[bytes | None] = mapped_column(_digest())
    counted: Mapped[bool]
    created: Mapped[datetime] = mapped_column(Moment)
    updated: Mapped[datetime] = mapped_column(Moment)


class Tally(Model):
    """Votes by revision and day; equals the rows of `vote`."""

    __tablename__ = "tally"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    revision: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    yes: Mapped[int] = mapped_column(default=0)
    no: Mapped[int] = mapped_column(default=0)
    quarantined_yes: Mapped[int] = mapped_column(default=0)
    quarantined_no: Mapped[int] = mapped_column(default=0)


class ReasonTally(Model):
    """No votes by what their readers named; equals the rows of `vote`."""

    __tablename__ = "reason_tally"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    revision: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(_enum(Kind, "kind"), primary_key=True)
    code: Mapped[str] = mapped_column(String(255), primary_key=True)
    votes: Mapped[int] = mapped_column(default=0)


class Standing(Model):
    """An article's totals, renewed in the transaction of every change, so that lists and summaries add nothing up."""

    __tablename__ = "standing"
    __table_args__ = (
        Index("ix_standing_low", "site_id", "low", "article_id"),
        Index("ix_standing_high", "site_id", "high", "article_id"),
        Index("ix_standing_fails", "site_id", "fails", "article_id"),
        Index("ix_standing_votes", "site_id", "votes", "article_id"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    yes: Mapped[int] = mapped_column(default=0)
    no: Mapped[int] = mapped_column(default=0)
    votes: Mapped[int] = mapped_column(default=0, doc="yes and no together")
    quarantined: Mapped[int] = mapped_column(default=0)
    comments: Mapped[int] = mapped_column(default=0, doc="published, replies included")
    low: Mapped[float] = mapped_column(default=0.0)
    high: Mapped[float] = mapped_column(default=1.0)
    fails: Mapped[float] = mapped_column(default=0.0, doc="readers it fails")
    stamp: Mapped[int] = mapped_column(default=0, doc="moves with every change readers see but the counts")
    as_of: Mapped[datetime] = mapped_column(Moment)


class Comment(Model):
    __tablename__ = "comment"
    __table_args__ = (
        Unique("article_id", "reader", "submission"),
        ForeignKeyConstraint(
            ["article_id", "parent_id"], ["comment.article_id", "comment.id"], name="fk_comment_parent"
        ),
        ForeignKeyConstraint(
            ["article_id", "thread_id"], ["comment.article_id", "comment.id"], name="fk_comment_thread"
        ),
        CheckConstraint(f"length(html) <= {MAX_HTML_BYTES}", name="html_length"),
        Index("ix_comment_queue", "site_id", "state", "created", "id"),
        Index("ix_comment_site", "site_id", "created", "id"),
        Index("ix_comment_page", "article_id", "thread_id", "state", "created", "id"),
        Index("ix_comment_best", "article_id", "thread_id", "pinned", "likes", "created", "id"),
        Index("ix_comment_order", "article_id", "thread_id", "pinned", "created", "id"),
        Index("ix_comment_newest", "article_id", "created"),
        Index("ix_comment_reader", "reader"),
        Index(
            "ix_comment_network",
            "created",
            sqlite_where=text("network IS NOT NULL"),
            postgresql_where=text("network IS NOT NULL"),
        ),
        Index("ix_comment_text", "site_id", "text_hash", "created"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    parent_id: Mapped[UUID | None] = mapped_column(doc="the comment it answers")
    thread_id: Mapped[UUID | None] = mapped_column(doc="the comment its thread began with; null for that one itself")
    submission: Mapped[str | None] = mapped_column(String(64))
    reader: Mapped[bytes | None] = mapped_column(_digest())
    network: Mapped[bytes | None] = mapped_column(_digest())
    name: Mapped[str | None] = mapped_column(String(80))
    sealed_email: Mapped[bytes | None] = mapped_column(
        LargeBinary, doc="encrypted, only of a reader who asked for replies"
    )
    source: Mapped[str | None] = mapped_column(String(5000), doc="as typed, normalised")
    html: Mapped[str | None]
    policy: Mapped[int] = mapped_column(doc="version of the text policy that made the HTML")
    text_hash: Mapped[bytes | None] = mapped_column(_digest())
    state: Mapped[State] = mapped_column(_enum(State, "state"))
    held_for: Mapped[list[str]] = mapped_column(Codes)
    score: Mapped[float | None]
    likes: Mapped[int] = mapped_column(default=0)
    flags: Mapped[int] = mapped_column(default=0)
    pinned: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1, doc="moves only with text or state")
    created: Mapped[datetime] = mapped_column(Moment)
    edited: Mapped[datetime | None] = mapped_column(Moment)
    decided: Mapped[datetime | None] = mapped_column(Moment)


class Decision(Model):
    """One row for each change of a comment's state after submission. Append-only: erasure may only null a column."""

    __tablename__ = "decision"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_decision_comment"
        ),
        Index("ix_decision_comment", "article_id", "comment_id", "at"),
        Index("ix_decision_site", "site_id", "at", "id"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    comment_id: Mapped[UUID]
    who: Mapped[str] = mapped_column(String(254), doc="a user's or token's id and name, `reader` or `rules`")
    who_id: Mapped[UUID | None] = mapped_column(doc="the user or token, where it was one")
    action: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[State] = mapped_column(_enum(State, "from_state"))
    to_state: Mapped[State] = mapped_column(_enum(State, "to_state"))
    reason: Mapped[str | None] = mapped_column(String(300))
    note: Mapped[str | None] = mapped_column(String(1000))
    version: Mapped[int] = mapped_column(doc="of the comment after this decision; undo needs it unchanged")
    undoes: Mapped[UUID | None] = mapped_column(doc="the decision this one takes back")
    text_hash: Mapped[bytes | None] = mapped_column(_digest(), doc="keyed hash of the text decided on")
    at: Mapped[datetime] = mapped_column(Moment)


class User(Model, UserMixin):
    """A staff account. What a person may do comes from `membership` alone."""

    __tablename__ = "user"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)  # type: ignore[assignment]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(Moment)

    memberships: Mapped[list["Membership"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class Membership(Model):
    __tablename__ = "membership"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(_enum(Role, "role"), primary_key=True)

    site: Mapped[Site] = relationship(lazy="raise")


class Token(Model):
    """A bearer token of one site with one role; only its hash is kept."""

    __tablename__ = "token"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(String(80))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    role: Mapped[Role] = mapped_column(_enum(Role, "role"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    hash: Mapped[bytes] = mapped_column(_digest(), unique=True)
    created: Mapped[datetime] = mapped_column(Moment)
    last_used: Mapped[datetime | None] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)


class NetworkKey(Model):
    """The random key of one day's network hashes; dropped with every hash made from it after 48 hours."""

    __tablename__ = "network_key"

    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))


class Outbox(Model):
    """A notice to deliver. Only ids of what it is about: text and addresses are read when it is delivered."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "due", sqlite_where=text("done IS NULL"), postgresql_where=text("done IS NULL")),
        Index(
            "ix_outbox_dead", "dead", sqlite_where=text("dead IS NOT NULL"), postgresql_where=text("dead IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str] = mapped_column(String(32))
    about: Mapped[dict[str, str]] = mapped_column(JSON)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), doc="whose administrators may send it again")
    due: Mapped[datetime] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None] = mapped_column(Moment, doc="while a worker is at it")
    done: Mapped[datetime | None] = mapped_column(Moment, doc="delivered, or nothing left to deliver")
    dead: Mapped[datetime | None] = mapped_column(Moment, doc="given up; done is set too")
    fault: Mapped[str | None] = mapped_column(String(200), doc="what the last attempt met, without any address")
    created: Mapped[datetime] = mapped_column(Moment)


class Sighting(Model):
    """From which origins a site's pages asked lately: an origin and two times, nothing of whoever read the page."""

    __tablename__ = "sighting"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    origin: Mapped[str] = mapped_column(String(255), primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(Moment)
    last_seen: Mapped[datetime] = mapped_column(Moment)


class Change(Model):
    """What an administrator changed, with what it was before, so that it can be undone while nothing came after it."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_site", "site_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    who: Mapped[str] = mapped_column(String(254))
    who_id: Mapped[UUID | None] = mapped_column(doc="the user; kept when the account is gone")
    kind: Mapped[str] = mapped_column(String(16))
    about: Mapped[dict[str, str]] = mapped_column(JSON, doc="which article, revision or person")
    what: Mapped[str] = mapped_column(String(300), doc="in words, following the name")
    before: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    at: Mapped[datetime] = mapped_column(Moment)
