"""What staff registered by mistake can go again, as long as no reader has left anything there."""

from uuid import UUID

from sqlalchemy import delete, select

from feedback import articles, webhooks
from feedback.db import db, run
from feedback.errors import Missing, Refused
from feedback.models import (
    Alarm,
    Article,
    Ban,
    Batch,
    Change,
    Comment,
    Contributor,
    Digest,
    FeedToken,
    Membership,
    Outbox,
    ReasonTally,
    Revision,
    Section,
    Sighting,
    Site,
    SiteDay,
    Standing,
    Tally,
    Token,
    TriageModel,
    Vote,
    Word,
)

OF_SITE = (Token, Membership, Sighting, SiteDay, Change, Outbox, TriageModel, Digest, FeedToken, Ban, Batch, Word)
OF_ARTICLE = (Contributor, Revision, Section, Tally, ReasonTally, Standing, Alarm)


def remove_site(slug: str) -> None:
    """Remove a site with its roles and tokens. Raises Missing, and Refused while it has articles."""
    site = articles.find_site(slug)
    if site is None:
        raise Missing(f"There is no site called “{slug[:64]}” here.")
    if _any(Article.id, Article.site_id == site.id):
        raise Refused(f"“{slug}” has articles. Remove them first; those with votes or comments stay for good.")
    webhooks.drop_all(site.id)
    for table in OF_SITE:
        run(delete(table).where(table.site_id == site.id))
    run(delete(Site).where(Site.id == site.id))


def remove_article(site_id: UUID, key: str) -> None:
    """Remove an article with its revisions and bylines. Raises Missing, and Refused where readers left anything."""
    found = articles.find(site_id, key)
    if found is None:
        raise Missing(f"There is no article “{key}” on this site.")
    if _any(Vote.article_id, Vote.article_id == found.id) or _any(Comment.article_id, Comment.article_id == found.id):
        raise Refused(f"Readers have voted or commented on “{key}”. Hide its comments instead.")
    for table in OF_ARTICLE:
        run(delete(table).where(table.article_id == found.id))
    run(delete(Article).where(Article.id == found.id))


def _any(column: object, condition: object) -> bool:
    return db.session.execute(select(column).where(condition).limit(1)).first() is not None  # type: ignore[call-overload]
