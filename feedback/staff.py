"""Who on the staff may do what: accounts, memberships, bearer tokens. A role holds on one site only."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, func, or_, select, update

from feedback.db import db, run
from feedback.errors import Conflict, Invalid, Missing, Refused
from feedback.models import (
    Contributor,
    Digest,
    FeedToken,
    Membership,
    Pace,
    RecoveryCode,
    Role,
    SecondFactor,
    Site,
    Token,
    User,
)

TOKEN_PREFIX = "fb_"  # so that a token found in a log or a repository can be recognised
LAST_USED_STEP = timedelta(minutes=10)  # "last used" is worth no write on every call
BYLINES = frozenset({Role.AUTHOR, Role.REVIEWER})


@dataclass(frozen=True)
class Actor:
    """Who does something: a person or a token. `name` is what the history shows."""

    name: str
    id: UUID | None = None


@dataclass(frozen=True)
class Principal:
    """A bearer token that was accepted: its actor, site and role, and the person it speaks for."""

    actor: Actor
    site_id: UUID
    role: Role
    user_id: UUID | None
    stale: bool  # "last used" is to be renewed


def may(roles: Collection[Role], *wanted: Role) -> bool:
    """Whether one of these roles is enough: an administrator may do what the others may."""
    return Role.ADMINISTRATOR in roles or not set(roles).isdisjoint(wanted)


def roles_of(user_id: UUID) -> dict[UUID, set[Role]]:
    """Return a person's roles by site."""
    found: dict[UUID, set[Role]] = {}
    rows = db.session.execute(select(Membership.site_id, Membership.role).where(Membership.user_id == user_id))
    for site_id, role in rows:
        found.setdefault(site_id, set()).add(role)
    return found


def find_user(email: str) -> User | None:
    """Return the account of an address, whatever its case."""
    return db.session.execute(select(User).where(User.email == email.strip().lower())).scalar_one_or_none()


def add_user(email: str, *, password_hash: str | None, now: datetime, name: str = "") -> User:
    """Make an account and link it to the bylines that wait for its address. Raises Conflict when there is one."""
    email = email.strip().lower()
    if find_user(email) is not None:
        raise Conflict(f"There is already an account of {email}.")
    user = User(
        email=email,
        name=name or email.split("@")[0].title(),
        password=password_hash,
        fs_uniquifier=secrets.token_hex(32),
        created=now,
    )
    db.session.add(user)
    db.session.flush()
    waiting = update(Contributor).where(func.lower(Contributor.email) == email)
    db.session.execute(waiting.values(user_id=user.id, email=None))
    return user


def signed_in(session_key: str) -> User | None:
    """Return the active account whose sessions carry this key."""
    query = select(User).where(User.fs_uniquifier == session_key, User.active)
    return db.session.execute(query).scalar_one_or_none()


def end_sessions(user_id: UUID) -> None:
    """Make every session of a person useless, also one whose cookie was copied."""
    db.session.execute(update(User).where(User.id == user_id).values(fs_uniquifier=secrets.token_hex(32)))


def set_password(user_id: UUID, password_hash: str) -> User:
    """Give a person a new password and end every session opened with the old one. Raises Missing."""
    user = db.session.get(User, user_id)
    if user is None:
        raise Missing("There is no such account.")
    user.password, user.fs_uniquifier = password_hash, secrets.token_hex(32)
    return user


def forget_second_factor(user_id: UUID) -> None:
    """Remove what a person's second factor is made of."""
    run(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    run(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def keep_hash(user_id: UUID, password_hash: str) -> None:
    """Store the same password under a costlier hash; sessions go on."""
    db.session.execute(update(User).where(User.id == user_id).values(password=password_hash))


def join(user: User, site: Site, role: Role) -> None:
    """Give a person a role on a site; giving it twice changes nothing."""
    held = select(Membership).where(
        Membership.user_id == user.id, Membership.site_id == site.id, Membership.role == role
    )
    if db.session.execute(held).one_or_none() is None:
        if role is Role.MODERATOR and Role.ADMINISTRATOR not in roles_of(user.id).get(site.id, ()):
            # Whatever they chose before, they were not asked how often they want to be told of the queue.
            asked = (Digest.user_id == user.id, Digest.site_id == site.id)
            run(update(Digest).where(*asked).values(pace=Pace.HOURLY))
        db.session.add(Membership(user_id=user.id, site_id=site.id, role=role))
        db.session.flush()


def leave(user: User, site: Site, role: Role) -> None:
    """Take a role from a person. Raises Refused where the site would be left without an administrator."""
    # Two who leave at once must not each find the other still there.
    db.session.execute(select(Site.id).where(Site.id == site.id).with_for_update())
    if role is Role.ADMINISTRATOR and _administrators(site.id) == [user.id]:
        raise Refused(f"{user.email} is the last administrator of “{site.slug}”; name another one first.")
    gone = run(
        delete(Membership).where(Membership.user_id == user.id, Membership.site_id == site.id, Membership.role == role)
    )
    if not gone.rowcount:
        raise Missing(f"{user.email} is no {role} of “{site.slug}”.")


def hire(site: Site, role: Role, *, email: str, name: str, password_hash: str, now: datetime) -> User:
    """Make an account with one role on a site. Raises Conflict when there is one of that address."""
    user = add_user(email, name=name, password_hash=password_hash, now=now)
    join(user, site, role)
    return user


def people(site_id: UUID | None = None) -> list[Row[Any]]:
    """Return (email, name, active, role, slug) for each role of each account, of one site or of all.

    Over all sites an account without a role is there too, its role and slug None.
    """
    query = (
        select(User.email, User.name, User.active, Membership.role, Site.slug)
        .outerjoin(Membership, Membership.user_id == User.id)
        .outerjoin(Site, Site.id == Membership.site_id)
        .order_by(User.email, Site.slug, Membership.role)
    )
    return list(db.session.execute(query if site_id is None else query.where(Site.id == site_id)))


@dataclass(frozen=True)
class Member:
    """Somebody with a role on a site."""

    id: UUID
    email: str
    name: str
    active: bool
    has_password: bool
    roles: tuple[Role, ...]


def members(site_id: UUID) -> list[Member]:
    """Return everybody with a role on a site, by address."""
    query = select(User, Membership.role).join(Membership, Membership.user_id == User.id)
    held: dict[User, set[Role]] = {}
    for user, role in db.session.execute(query.where(Membership.site_id == site_id).order_by(User.email)):
        held.setdefault(user, set()).add(role)
    return [
        Member(
            user.id,
            user.email,
            user.name,
            user.active,
            user.password is not None,
            tuple(role for role in Role if role in roles),
        )
        for user, roles in held.items()
    ]


def member(site_id: UUID, user_id: UUID) -> Member:
    """Return somebody with a role on a site. Raises Missing."""
    for found in members(site_id):
        if found.id == user_id:
            return found
    raise Missing("Nobody of that account has a role on this site.")


def address(user_id: UUID) -> str | None:
    """Return the e-mail address of an account; None where it is gone."""
    return db.session.execute(select(User.email).where(User.id == user_id)).scalar_one_or_none()


def named(article_id: UUID, site_id: UUID, *roles: Role) -> Select[UUID | None]:
    """Select the accounts that an article names in one of these roles, and that still hold it or are administrators."""
    return (
        select(Contributor.user_id)
        .join(Membership, and_(Membership.user_id == Contributor.user_id, Membership.site_id == site_id))
        .where(Contributor.article_id == article_id, Contributor.role.in_(roles))
        .where(or_(Membership.role == Contributor.role, Membership.role == Role.ADMINISTRATOR))
    )


def is_only_on(user_id: UUID, site_ids: Collection[UUID]) -> bool:
    """Whether a person has roles, and all of them on these sites."""
    held = roles_of(user_id)
    return bool(held) and set(held) <= set(site_ids)


def set_active(user_id: UUID, active: bool) -> None:
    """Let a person sign in, or no more; an account put to sleep loses its sessions. Raises Refused for a last one."""
    if not active:
        _spare_last_administrator(user_id)
        end_sessions(user_id)
    db.session.execute(update(User).where(User.id == user_id).values(active=active))


def dismiss(user_id: UUID) -> None:
    """Remove an account with its roles and tokens; bylines and the history keep the person's name.

    Raises Refused where a site would be left without an administrator.
    """
    _spare_last_administrator(user_id)
    run(update(Contributor).where(Contributor.user_id == user_id).values(user_id=None))
    for table in (Token, Digest, FeedToken):
        run(delete(table).where(table.user_id == user_id))
    forget_second_factor(user_id)
    run(delete(Membership).where(Membership.user_id == user_id))
    run(delete(User).where(User.id == user_id))


def _spare_last_administrator(user_id: UUID) -> None:
    administers = (
        select(Site).join(Membership).where(Membership.user_id == user_id, Membership.role == Role.ADMINISTRATOR)
    )
    for site in db.session.execute(administers).scalars():
        if _administrators(site.id) == [user_id]:
            raise Refused(f"This is the last administrator of “{site.slug}”; name another one first.")


def _administrators(site_id: UUID) -> list[UUID]:
    """Return who administers a site and can sign in to do it."""
    query = select(User.id).join(Membership).where(User.active, User.password.is_not(None))
    rule = (Membership.site_id == site_id, Membership.role == Role.ADMINISTRATOR)
    return list(db.session.execute(query.where(*rule)).scalars())


def issue_token(site: Site, role: Role, *, now: datetime, user: User | None = None, name: str = "") -> str:
    """Make a bearer token of a site and return it; only its hash is kept, so that it is shown this once.

    Raises Invalid where an author's or reviewer's token names no person, since it sees that person's articles, and for
    a person without the role.
    """
    if role in BYLINES and user is None:
        raise Invalid({"user": [f"A token for the role {role} needs the person whose articles it sees."]})
    if user is not None and not _holds(user.id, site.id, role):
        raise Invalid({"user": [f"{user.email} is no {role} of “{site.slug}”, and a token can do no more than they."]})
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = Token(
        name=name or f"{role} token",
        site_id=site.id,
        role=role,
        user_id=user.id if user else None,
        hash=_hash(secret),
        created=now,
    )
    db.session.add(row)
    db.session.flush()
    return secret


def authenticate(secret: str, *, now: datetime) -> Principal | None:
    """Return whom a bearer token stands for; None where it is unknown or revoked, or its person may not do so any more.

    Whoever is put to sleep or loses the role does not keep it in a token; given back, it is good again.
    """
    row = db.session.execute(
        select(Token, User.active)
        .outerjoin(User, User.id == Token.user_id)
        .where(Token.hash == _hash(secret), Token.revoked.is_(None))
    ).one_or_none()
    if row is None or row.active is False:
        return None
    token = row.Token
    if token.user_id is not None and not _holds(token.user_id, token.site_id, token.role):
        return None
    stale = token.last_used is None or now - token.last_used > LAST_USED_STEP
    return Principal(Actor(token.name, token.id), token.site_id, token.role, token.user_id, stale)


def _holds(user_id: UUID, site_id: UUID, role: Role) -> bool:
    return may(roles_of(user_id).get(site_id, ()), role)


def use_token(token_id: UUID, *, now: datetime) -> None:
    """Note when a token was last used."""
    db.session.execute(update(Token).where(Token.id == token_id).values(last_used=now))


def tokens(site_id: UUID) -> list[Token]:
    """Return a site's tokens, newest first."""
    query = select(Token).where(Token.site_id == site_id).order_by(Token.created.desc(), Token.id)
    return list(db.session.execute(query).scalars())


def token(site_id: UUID, token_id: UUID) -> Token:
    """Return a site's token. Raises Missing."""
    found = db.session.get(Token, token_id)
    if found is None or found.site_id != site_id:
        raise Missing("There is no such token on this site.")
    return found


def revoke_token(token_id: UUID, *, now: datetime) -> Token:
    """Make a token useless from now on. Raises Missing."""
    token = db.session.get(Token, token_id)
    if token is None:
        raise Missing("There is no such token.")
    token.revoked = token.revoked or now
    return token


def _hash(secret: str) -> bytes:
    # The token has 256 random bits, so that a fast hash is enough.
    return hashlib.sha256(secret.encode()).digest()
