"""Sites, their articles, who wrote and reviewed them, and what was changed of them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.db import Model, Moment, uuid7
from feedback.models.kinds import Accepts, Role, enum


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
    accepts: Mapped[Accepts] = mapped_column(enum(Accepts, "accepts"), default=Accepts.OPEN)
    published_at: Mapped[datetime | None] = mapped_column(Moment)
    we_changed: Mapped[str | None] = mapped_column(String(300), doc="what was changed for readers, said on the page")
    we_changed_on: Mapped[date | None]
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
    role: Mapped[Role] = mapped_column(enum(Role, "role"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    email: Mapped[str | None] = mapped_column(String(254), doc="until an account of that address exists")


class Revision(Model):
    __tablename__ = "revision"
    __table_args__ = (
        # Most articles have none: every vote may ask.
        Index("ix_revision_merged", "article_id", sqlite_where=text("merged_into IS NOT NULL"),
              postgresql_where=text("merged_into IS NOT NULL")),
    )  # fmt: skip

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    registered: Mapped[bool] = mapped_column(default=False)
    first_seen: Mapped[datetime] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(String(1000), doc="what changed")
    merged_into: Mapped[str | None] = mapped_column(String(64))
    # "As good as before": the votes just before this revision's first one, frozen then (see statistics, alerts).
    baseline_yes: Mapped[int | None]
    baseline_votes: Mapped[int | None]
    alerted: Mapped[datetime | None] = mapped_column(Moment, doc="when its drop was told; it is told once")


class Section(Model):
    """A heading of an article's page, as the page had it when it was last read: part of its outline."""

    __tablename__ = "section"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(255), primary_key=True, doc="of the heading, which votes name")
    position: Mapped[int]
    level: Mapped[int] = mapped_column(doc="2 for h2, 3 for h3")
    title: Mapped[str] = mapped_column(String(300))


class SiteDay(Model):
    """What a day brought to a site, added up by the worker, so that no page adds up a site's articles."""

    __tablename__ = "site_day"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    yes: Mapped[int] = mapped_column(default=0)
    no: Mapped[int] = mapped_column(default=0)
    comments: Mapped[int] = mapped_column(default=0, doc="that were sent on this day, in any state now")
    held: Mapped[int] = mapped_column(default=0, doc="of them, those that had to wait for a moderator")
    decided: Mapped[int] = mapped_column(default=0, doc="of those, the ones that somebody has decided on")
    wait: Mapped[int | None] = mapped_column(doc="median seconds from sending to that decision")
    renewed: Mapped[datetime] = mapped_column(Moment, doc="when it was added up; today's row says so of all")


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
