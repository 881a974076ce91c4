"""What is to be done later: notices to deliver, erasures to carry out again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from feedback.db import Model, Moment, uuid7
from feedback.models.kinds import digest


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


class Erasure(Model):
    """One erasure, so that `feedback restore` carries it out again on a backup that was made before it.

    The mark is a hash of what was erased: it finds that again where it still is, and tells nothing by itself.
    """

    __tablename__ = "erasure"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    mark: Mapped[bytes] = mapped_column(digest())
