"""Votes and what is counted of them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback.db import Model, Moment
from feedback.models.kinds import Kind, NoteStatus, Value, digest, enum


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
        Index("ix_vote_burst", "article_id", "burst_day", sqlite_where=text("burst_day IS NOT NULL"),
              postgresql_where=text("burst_day IS NOT NULL")),
    )  # fmt: skip

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    reader: Mapped[bytes] = mapped_column(digest(), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    value: Mapped[Value] = mapped_column(enum(Value, "value"))
    revision: Mapped[str] = mapped_column(String(64))
    day: Mapped[date]
    section: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(1000))
    note_status: Mapped[NoteStatus] = mapped_column(enum(NoteStatus, "note_status"), default=NoteStatus.NEW)
    fixed_in: Mapped[str | None] = mapped_column(String(64), doc="the revision that put right what the note says")
    network: Mapped[bytes | None] = mapped_column(digest())
    counted: Mapped[bool]
    burst_day: Mapped[date | None] = mapped_column(doc="the day with whose burst an administrator set it aside")
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
    kind: Mapped[Kind] = mapped_column(enum(Kind, "kind"), primary_key=True)
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
        # Covers the sums over a site's articles that the queue shows beside its lists.
        Index("ix_standing_states", "site_id", "comments", "pending", "rejected", "spam", "withdrawn", "flagged"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    yes: Mapped[int] = mapped_column(default=0)
    no: Mapped[int] = mapped_column(default=0)
    votes: Mapped[int] = mapped_column(default=0, doc="yes and no together")
    quarantined: Mapped[int] = mapped_column(default=0)
    comments: Mapped[int] = mapped_column(default=0, doc="published, replies included")
    pending: Mapped[int] = mapped_column(default=0, server_default=text("0"), doc="that wait; then the other states")
    rejected: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    spam: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    withdrawn: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    flagged: Mapped[int] = mapped_column(default=0, server_default=text("0"), doc="waiting or published, with flags")
    low: Mapped[float] = mapped_column(default=0.0)
    high: Mapped[float] = mapped_column(default=1.0)
    fails: Mapped[float] = mapped_column(default=0.0, doc="readers it fails")
    stamp: Mapped[int] = mapped_column(default=0, doc="moves with every change readers see but the counts")
    as_of: Mapped[datetime] = mapped_column(Moment)


class NetworkKey(Model):
    """The random key of one day's network hashes; dropped with every hash made from it after 48 hours."""

    __tablename__ = "network_key"

    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
