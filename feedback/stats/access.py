"""Authors see what they wrote, reviewers what they reviewed, administrators all of their site."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, select, true

from feedback import articles
from feedback.db import db
from feedback.errors import Missing, Refused
from feedback.models import Article, Contributor, Role
from feedback.staff import BYLINES


@dataclass(frozen=True)
class Viewer:
    """A person, or a token that names one, with their roles on one site."""

    site_id: UUID
    roles: frozenset[Role]
    user_id: UUID | None

    @property
    def sees_all(self) -> bool:
        return Role.ADMINISTRATOR in self.roles


def theirs(viewer: Viewer, article_id: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """The condition under which an article is the viewer's: all for administrators, else by their byline and role.

    Raises Refused for whoever is neither author nor reviewer here.
    """
    if viewer.sees_all:
        return true()
    roles = viewer.roles & BYLINES
    if not roles or viewer.user_id is None:
        raise Refused("These figures are for the articles' authors and reviewers, and for administrators.")
    bylines = select(Contributor.article_id).where(
        Contributor.user_id == viewer.user_id, Contributor.role.in_(sorted(roles))
    )
    return article_id.in_(bylines)


def open_article(viewer: Viewer, key: str) -> Article:
    """Return the article whose figures the viewer asks for. Raises Missing, or Refused where it is not theirs."""
    condition = theirs(viewer, Article.id)
    article = articles.get(viewer.site_id, key)
    if article is None:
        raise Missing("There is no article of that key on this site.")
    if not db.session.execute(select(Article.id).where(Article.id == article.id, condition)).first():
        raise Refused("You see the figures of articles that you wrote or reviewed. This is not one of them.")
    return article
