"""Who is told what: mail digests, private feeds, warnings of unsafe articles, replies, and other servers' webhooks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, true
from sqlalchemy.orm import Mapped, mapped_column

from feedback.db import Model, Moment, uuid7
from feedback.models.kinds import Pace, digest, enum


class Digest(Model):
    """What mail somebody gets about a site; who has no row yet gets what is usual for their role."""

    __tablename__ = "digest"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    pace: Mapped[Pace] = mapped_column(enum(Pace, "pace"))
    told: Mapped[datetime] = mapped_column(Moment, doc="what began to wait until then was in a digest already")
    unsafe: Mapped[bool] = mapped_column(default=True, server_default=true(), doc="whether warnings are wanted")
    drops: Mapped[bool] = mapped_column(default=True, server_default=true(), doc="whether alerts of drops are wanted")
    weekly: Mapped[bool] = mapped_column(default=True, server_default=true(), doc="whether a week's figures are wanted")
    weekly_told: Mapped[datetime | None] = mapped_column(Moment, doc="until when the last week's letter reached")


class FeedToken(Model):
    """What opens the feed of a site's queue to one person; only its hash is kept."""

    __tablename__ = "feed_token"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    hash: Mapped[bytes] = mapped_column(digest(), unique=True)
    created: Mapped[datetime] = mapped_column(Moment)


class Alarm(Model):
    """When the last warning about an article went out, or the next one will."""

    __tablename__ = "alarm"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    last: Mapped[datetime] = mapped_column(Moment)


class Subscription(Model):
    """A reader's wish for mail about the replies to their comment, which has the address."""

    __tablename__ = "subscription"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_subscription_comment"
        ),
        Index("ix_subscription_address", "site_id", "address"),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id"), primary_key=True)
    comment_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    address: Mapped[bytes] = mapped_column(digest(), doc="keyed hash, to know the same address again")
    asked: Mapped[datetime | None] = mapped_column(Moment, doc="when the question was sent, or will be")
    confirmed: Mapped[datetime | None] = mapped_column(Moment)
    last: Mapped[datetime | None] = mapped_column(Moment, doc="when the last letter went out, or the next one will")
    ended: Mapped[datetime | None] = mapped_column(Moment, doc="the address is gone; the question counts for a day")
    notice: Mapped[UUID | None] = mapped_column(doc="its latest row of the outbox")
    created: Mapped[datetime] = mapped_column(Moment)


class Webhook(Model):
    """An address of another server that is told what happens to a site's comments."""

    __tablename__ = "webhook"
    __table_args__ = (Index("ix_webhook_site", "site_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    url: Mapped[str] = mapped_column(String(2000))
    events: Mapped[list[str]] = mapped_column(JSON)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary, doc="what its messages are signed with, encrypted")
    failing_since: Mapped[datetime | None] = mapped_column(Moment, doc="no message was taken since then")
    off: Mapped[datetime | None] = mapped_column(Moment, doc="since when it is told nothing")
    created: Mapped[datetime] = mapped_column(Moment)


class Delivery(Model):
    """A message to a webhook and how its last attempt went; it has the id of its row in the outbox."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_webhook", "webhook_id", "at", "id"), Index("ix_delivery_at", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id"))
    event: Mapped[str] = mapped_column(String(32))
    state: Mapped[str | None] = mapped_column(String(16), doc="of the comment, after what happened")
    who: Mapped[str | None] = mapped_column(String(254), doc="of the staff or a token, `reader` or `rules`")
    at: Mapped[datetime] = mapped_column(Moment)
    tried: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[int | None] = mapped_column(doc="of the HTTP answer, where one came")
    took: Mapped[int | None] = mapped_column(doc="milliseconds until the answer or the fault")
    fault: Mapped[str | None] = mapped_column(String(200), doc="names the host alone")
