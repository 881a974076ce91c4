"""Who works here, as people and as machines."""

from datetime import datetime
from uuid import UUID

from flask_security.core import UserMixin
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from feedback.db import Model, Moment, uuid7
from feedback.models.kinds import Role, digest, enum
from feedback.models.sites import Site


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


class SecondFactor(Model):
    """What makes a person's codes: the key, encrypted, and the last time step whose code was accepted."""

    __tablename__ = "second_factor"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    step: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime] = mapped_column(Moment)


class RecoveryCode(Model):
    """A code that stands in for the second factor once; only its hash is kept, and that goes when it is used."""

    __tablename__ = "recovery_code"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    hash: Mapped[bytes] = mapped_column(digest(), primary_key=True)


class Membership(Model):
    __tablename__ = "membership"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(enum(Role, "role"), primary_key=True)

    site: Mapped[Site] = relationship(lazy="raise")


class Token(Model):
    """A bearer token of one site with one role; only its hash is kept."""

    __tablename__ = "token"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(String(80))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    role: Mapped[Role] = mapped_column(enum(Role, "role"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    hash: Mapped[bytes] = mapped_column(digest(), unique=True)
    created: Mapped[datetime] = mapped_column(Moment)
    last_used: Mapped[datetime | None] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)
