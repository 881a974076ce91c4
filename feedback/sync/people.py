"""Whose account a byline is. A page says a name; whose it is only staff say, by an address at a byline.

A byline that is new gets the address of its name where all bylines of that name on the site lead to one and the same
person. Where one of them leads to nobody, or to another one, no name decides: `link` is how staff say it for all.
"""

import unicodedata
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select, tuple_, update

from feedback import staff
from feedback.db import db, run
from feedback.models import Article, Contributor, User

CHUNK = 200  # bylines in one transaction: some hundredths of a second, for which writers on SQLite wait


def spelling(name: str) -> str:
    """Return what is the same for a name in capitals or small letters, with one space or two."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def addresses(site_id: UUID) -> dict[str, str]:
    """Return the address of each name, as `spelling` has it, all of whose bylines on a site lead to one person."""
    query = (
        select(Contributor.name, func.coalesce(User.email, Contributor.email))
        .join(Article, Article.id == Contributor.article_id)
        .outerjoin(User, User.id == Contributor.user_id)
        .where(Article.site_id == site_id)
        .distinct()
    )
    found: dict[str, set[str | None]] = {}
    for name, email in db.session.execute(query):
        found.setdefault(spelling(name), set()).add(email)
    return {name: email for name, (email, *others) in found.items() if email and not others}


def unlinked(site_id: UUID, name: str) -> list[tuple[UUID, str, str]]:
    """Return (article, role, name) of a name's bylines on a site that lead to nobody."""
    query = (
        select(Contributor.article_id, Contributor.role, Contributor.name)
        .join(Article, Article.id == Contributor.article_id)
        .where(Article.site_id == site_id, Contributor.user_id.is_(None), Contributor.email.is_(None))
    )
    return [(id, role, spelt) for id, role, spelt in db.session.execute(query) if spelling(spelt) == spelling(name)]


def chunks(bylines: list[tuple[UUID, str, str]]) -> Iterator[list[tuple[UUID, str, str]]]:
    return (bylines[place : place + CHUNK] for place in range(0, len(bylines), CHUNK))


def link(bylines: list[tuple[UUID, str, str]], email: str) -> int:
    """Let bylines that lead to nobody lead to the account of an address, or wait for it; return how many did."""
    user = staff.find_user(email)
    values = {"user_id": user.id, "email": None} if user else {"user_id": None, "email": email.strip().lower()}
    key = tuple_(Contributor.article_id, Contributor.role, Contributor.name)
    still = (key.in_(bylines), Contributor.user_id.is_(None), Contributor.email.is_(None))
    return int(run(update(Contributor).where(*still).values(values)).rowcount)
