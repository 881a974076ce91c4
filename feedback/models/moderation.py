"""What moderators work with: readers' flags, decisions in bulk, bans and listed words."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from feedback.db import Model, Moment, uuid7
from feedback.models.kinds import Banned, Effect, FlagReason, Listed, Progress, Resolved, digest, enum


class Flag(Model):
    """A reader's word that something is wrong with a comment; one per reader."""

    __tablename__ = "flag"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_flag_comment"
        ),
        Index("ix_flag_reader", "reader", "resolved"),
        Index(
            "ix_flag_network",
            "created",
            sqlite_where=text("network IS NOT NULL"),
            postgresql_where=text("network IS NOT NULL"),
        ),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    comment_id: Mapped[UUID] = mapped_column(primary_key=True)
    reader: Mapped[bytes] = mapped_column(digest(), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    reason: Mapped[FlagReason] = mapped_column(enum(FlagReason, "flag_reason"))
    note: Mapped[str | None] = mapped_column(String(1000))
    network: Mapped[bytes | None] = mapped_column(digest())
    weight: Mapped[int] = mapped_column(doc="0 to 2, by what became of this reader's earlier flags")
    resolved: Mapped[Resolved | None] = mapped_column(enum(Resolved, "resolved"))
    decision_id: Mapped[UUID | None] = mapped_column(doc="what answered it")
    created: Mapped[datetime] = mapped_column(Moment)


class Batch(Model):
    """One decision on all that matches a filter, made in chunks."""

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_site", "site_id", "created"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    who: Mapped[str] = mapped_column(String(254))
    who_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(300))
    filter: Mapped[dict[str, Any]] = mapped_column(JSON, doc="state, article, held, q")
    before: Mapped[datetime] = mapped_column(Moment, doc="what came later is not decided on: nobody has seen it")
    progress: Mapped[Progress] = mapped_column(enum(Progress, "progress"), default=Progress.RUNNING)
    total: Mapped[int] = mapped_column(doc="how many matched when it began")
    decided: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[list[str]] = mapped_column(JSON, default=list, doc="what somebody else had decided on meanwhile")
    undone: Mapped[int] = mapped_column(default=0)
    place: Mapped[str | None] = mapped_column(String(500), doc="the cursor after its last chunk")
    created: Mapped[datetime] = mapped_column(Moment)
    finished: Mapped[datetime | None] = mapped_column(Moment)


class Ban(Model):
    """A reader, or for as long as its key lives a network, whose comments go to spam."""

    __tablename__ = "ban"
    __table_args__ = (Index("ix_ban_subject", "site_id", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[Banned] = mapped_column(enum(Banned, "banned"))
    subject: Mapped[bytes] = mapped_column(digest())
    why: Mapped[str] = mapped_column(String(300))
    who: Mapped[str] = mapped_column(String(254))
    who_id: Mapped[UUID | None]
    until: Mapped[datetime] = mapped_column(Moment)
    created: Mapped[datetime] = mapped_column(Moment)


class Word(Model):
    """A word, link or name that blocks a comment or has it held."""

    __tablename__ = "word"
    __table_args__ = (Unique("site_id", "kind", "pattern"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[Listed] = mapped_column(enum(Listed, "listed"))
    effect: Mapped[Effect] = mapped_column(enum(Effect, "effect"))
    pattern: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(String(300))
    who: Mapped[str] = mapped_column(String(254))
    who_id: Mapped[UUID | None]
    until: Mapped[datetime | None] = mapped_column(Moment)
    created: Mapped[datetime] = mapped_column(Moment)
