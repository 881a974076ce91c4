"""Whose account a byline is: what staff said of a name on one article holds for it on all others of the site.

A page says a name and no account. Only staff say whose it is, by an address at a byline; a name that stands for two
accounts, or for one and another address, is left to them.
"""

import unicodedata
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update

from feedback.db import db, run
from feedback.models import Article, Contributor


def spelling(name: str) -> str:
    """Return what is the same for a name in capitals or small letters, with one space or two."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def link(site_id: UUID) -> int:
    """Give the bylines of a site that lead to nobody the account or address of their name, and return how many."""
    known, linked = _known(site_id), 0
    nobody = (Contributor.user_id.is_(None), Contributor.email.is_(None), _on(site_id))
    for name in db.session.execute(select(Contributor.name).where(*nobody).distinct()).scalars().all():
        if found := known.get(spelling(name)):
            values = dict(zip(("user_id", "email"), found, strict=True))
            linked += run(update(Contributor).where(*nobody, Contributor.name == name).values(values)).rowcount
    return linked


def _known(site_id: UUID) -> dict[str, tuple[UUID | None, str | None]]:
    """Return (account, address) by name, of those names that lead to one person and no other."""
    query = (
        select(Contributor.name, Contributor.user_id, Contributor.email)
        .where(or_(Contributor.user_id.is_not(None), Contributor.email.is_not(None)), _on(site_id))
        .distinct()
    )
    found: dict[str, set[tuple[UUID | None, str | None]]] = {}
    for name, user_id, email in db.session.execute(query):
        found.setdefault(spelling(name), set()).add((user_id, email))
    return {name: people.pop() for name, people in found.items() if len(people) == 1}


def _on(site_id: UUID) -> ColumnElement[bool]:
    return Contributor.article_id.in_(select(Article.id).where(Article.site_id == site_id))
