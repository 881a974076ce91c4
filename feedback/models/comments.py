"""Comments and every decision on them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, false, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from feedback.db import Codes, Model, Moment, uuid7
from feedback.models.kinds import Role, State, digest, enum

MAX_HTML_BYTES = 20_480  # what a comment of 5,000 characters may become; security.md measures why


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
        Index("ix_comment_risk", "site_id", "state", "risk", "created", "id"),
        Index(
            "ix_comment_flagged",
            "site_id",
            "created",
            "id",
            sqlite_where=text("flags > 0"),
            postgresql_where=text("flags > 0"),
        ),
        Index(
            "ix_comment_flagged_risk",
            "site_id",
            "risk",
            "created",
            "id",
            sqlite_where=text("flags > 0"),
            postgresql_where=text("flags > 0"),
        ),
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
    reader: Mapped[bytes | None] = mapped_column(digest())
    network: Mapped[bytes | None] = mapped_column(digest())
    name: Mapped[str | None] = mapped_column(String(80))
    sealed_email: Mapped[bytes | None] = mapped_column(
        LargeBinary, doc="encrypted, only of a reader who asked for replies"
    )
    source: Mapped[str | None] = mapped_column(String(5000), doc="as typed, normalised")
    html: Mapped[str | None]
    policy: Mapped[int] = mapped_column(doc="version of the text policy that made the HTML")
    text_hash: Mapped[bytes | None] = mapped_column(digest())
    state: Mapped[State] = mapped_column(enum(State, "state"))
    held_for: Mapped[list[str]] = mapped_column(Codes)
    score: Mapped[float | None] = mapped_column(doc="learned: how likely spam or abuse, 0 to 1")
    risk: Mapped[float] = mapped_column(
        default=0.0, server_default=text("0"), doc="the riskiest first: the score, or how many rules hold it"
    )
    likes: Mapped[int] = mapped_column(default=0)
    flags: Mapped[int] = mapped_column(default=0, doc="weight of the flags nobody has decided on yet")
    flagged_down: Mapped[bool] = mapped_column(
        default=False, server_default=false(), doc="was put back by flags: never twice"
    )
    pinned: Mapped[bool] = mapped_column(default=False)
    closed: Mapped[bool] = mapped_column(
        default=False, server_default=false(), doc="of a thread's first comment: it takes no replies any more"
    )
    original: Mapped[str | None] = mapped_column(
        String(5000), doc="as its reader typed it, where a moderator has changed it"
    )
    staff: Mapped[Role | None] = mapped_column(enum(Role, "staff"), doc="who answers here for the publisher")
    user_id: Mapped[UUID | None] = mapped_column(doc="who of the staff wrote it; kept when the account is gone")
    version: Mapped[int] = mapped_column(default=1, doc="moves with text, state or a decision alone")
    created: Mapped[datetime] = mapped_column(Moment)
    edited: Mapped[datetime | None] = mapped_column(Moment)
    decided: Mapped[datetime | None] = mapped_column(Moment)


class Like(Model):
    """A reader's thumb for a comment of somebody else's; one per reader."""

    __tablename__ = "like"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_like_comment"
        ),
        Index("ix_like_reader", "reader"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    comment_id: Mapped[UUID] = mapped_column(primary_key=True)
    reader: Mapped[bytes] = mapped_column(digest(), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    created: Mapped[datetime] = mapped_column(Moment)


class Decision(Model):
    """One row for each change of a comment's state after submission. Append-only: erasure may only null a column."""

    __tablename__ = "decision"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_decision_comment"
        ),
        Index("ix_decision_comment", "article_id", "comment_id", "at"),
        Index("ix_decision_site", "site_id", "at", "id"),
        Index("ix_decision_who", "who_id", "at", "id"),
        Index(
            "ix_decision_batch",
            "batch_id",
            "article_id",
            "id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    comment_id: Mapped[UUID]
    who: Mapped[str] = mapped_column(String(254), doc="a user's or token's id and name, `reader` or `rules`")
    who_id: Mapped[UUID | None] = mapped_column(doc="the user or token, where it was one")
    action: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[State] = mapped_column(enum(State, "from_state"))
    to_state: Mapped[State] = mapped_column(enum(State, "to_state"))
    reason: Mapped[str | None] = mapped_column(String(300))
    note: Mapped[str | None] = mapped_column(String(1000))
    version: Mapped[int] = mapped_column(doc="of the comment after this decision; undo needs it unchanged")
    undoes: Mapped[UUID | None] = mapped_column(doc="the decision this one takes back")
    batch_id: Mapped[UUID | None] = mapped_column(doc="the bulk decision it was part of")
    replaced: Mapped[str | None] = mapped_column(String(5000), doc="the text that an edit replaced")
    text_hash: Mapped[bytes | None] = mapped_column(digest(), doc="keyed hash of the text decided on")
    at: Mapped[datetime] = mapped_column(Moment)
