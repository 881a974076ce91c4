"""A site's articles and their revisions, as its administrators look them up and put them right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, update

from feedback import articles, merging, opaque
from feedback.db import db, has_words, run
from feedback.errors import Malformed, Missing, Refused
from feedback.models import Article, Revision, Standing, Tally, User, Vote

PAGE = 50  # articles on a page


@dataclass(frozen=True)
class Page:
    """Some of a site's articles, by key: (key, title, registered, accepts, votes, comments). `total` match in all."""

    total: int
    items: Sequence[Row[Any]]
    next: str | None


def page(site_id: UUID, *, words: str | None = None, after: str | None = None) -> Page:
    """Return a page of the articles whose key, title or address has these words. Raises Malformed."""
    rules: list[Any] = [Article.site_id == site_id]
    if words:
        rules.append(or_(*(has_words(column, words) for column in (Article.key, Article.title, Article.url))))
    total = db.session.execute(select(func.count()).select_from(Article).where(*rules)).scalar_one()
    query = (
        select(Article.key, Article.title, Article.registered, Article.accepts, Standing.votes, Standing.comments)
        .join(Standing, Standing.article_id == Article.id)
        .where(*rules, *_after(after))
        .order_by(Article.key)
        .limit(PAGE + 1)
    )
    rows: list[Row[Any]] = list(db.session.execute(query))
    return Page(total, rows[:PAGE], opaque.cursor(rows[PAGE - 1].key) if len(rows) > PAGE else None)


def _after(cursor: str | None) -> list[Any]:
    place = opaque.parse_cursor(cursor, str)
    if place is None:
        return []
    try:
        return [Article.key > articles.key(place[0])]
    except ValueError as error:
        raise Malformed("This cursor does not belong to this list. Begin again without it.") from error


def one(site_id: UUID, key: str) -> Article:
    """Return an article with its contributors. Raises Missing."""
    found = articles.get(site_id, key)
    if found is None:
        raise Missing(f"There is no article “{key}” on this site.")
    return found


def accounts(article: Article) -> dict[UUID, str]:
    """Return the addresses of the accounts that an article's contributors are linked to, by account."""
    ids = [person.user_id for person in article.contributors if person.user_id]
    rows = db.session.execute(select(User.id, User.email).where(User.id.in_(ids)))
    return {row.id: row.email for row in rows}


# Revisions


def revisions(article_id: UUID) -> Sequence[Row[Any]]:
    """Return (label, registered, first_seen, note, merged_into, votes) of an article's revisions, newest first."""
    votes = (
        select(func.coalesce(func.sum(Tally.yes + Tally.no), 0))
        .where(Tally.article_id == Revision.article_id, Tally.revision == Revision.label)
        .scalar_subquery()
        .label("votes")
    )
    query = select(
        Revision.label, Revision.registered, Revision.first_seen, Revision.note, Revision.merged_into, votes
    ).where(Revision.article_id == article_id)
    return run(query.order_by(Revision.first_seen.desc(), Revision.label)).all()


def revision(article_id: UUID, label: str) -> Row[Any] | None:
    """Return (registered, note) of one revision, or None."""
    query = select(Revision.registered, Revision.note)
    return run(query.where(Revision.article_id == article_id, Revision.label == label)).one_or_none()


def known_revision(article_id: UUID, label: str) -> Row[Any]:
    """Return (registered, note) of one revision. Raises Missing."""
    found = revision(article_id, label)
    if found is None:
        raise Missing(f"There is no revision “{label}” of this article.")
    return found


def describe_revision(article_id: UUID, label: str, *, registered: bool, note: str | None) -> None:
    """Set what staff say of a known revision."""
    known = update(Revision).where(Revision.article_id == article_id, Revision.label == label)
    run(known.values(registered=registered, note=note))


def drop_revision(article_id: UUID, label: str) -> None:
    """Remove a revision that was registered by mistake. Raises Refused where something is counted under it."""
    if merging.leads(article_id, label):
        raise Refused(f"Other revisions are counted with {label}, so that it stays.")
    if run(select(Tally.day).where(Tally.article_id == article_id, Tally.revision == label).limit(1)).first():
        raise Refused(f"Readers have voted on the revision {label}, so that it stays.")
    if run(select(Vote.reader).where(Vote.article_id == article_id, Vote.fixed_in == label).limit(1)).first():
        raise Refused(f"A note is marked as fixed in the revision {label}, so that it stays.")
    run(delete(Revision).where(Revision.article_id == article_id, Revision.label == label))
