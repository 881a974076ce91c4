"""What readers wrote below an article: how many comments stand where, and the newest that are published."""

from dataclasses import dataclass
from typing import Any

from feedback import comments
from feedback.db import db
from feedback.models import Article, Comment, Standing

NEWEST = 5  # comments that are told; the page of the article has them all


@dataclass(frozen=True)
class Comments:
    """How many comments of an article are in each state, and how many of them readers flagged; the newest published."""

    approved: int
    pending: int
    rejected: int
    spam: int
    withdrawn: int
    flagged: int
    newest: list[Comment]

    @property
    def counts(self) -> dict[str, int]:
        return {name: number for name, number in vars(self).items() if name != "newest"}

    def public(self) -> dict[str, Any]:
        return {**self.counts, "newest": [comments.public(comment) for comment in self.newest]}


def below(article: Article) -> Comments:
    """Return what is told of an article's comments; of hidden ones only how many they are."""
    standing = db.session.get_one(Standing, article.id)
    newest = comments.latest(article.site_id, article_id=article.id, limit=NEWEST)
    return Comments(
        approved=standing.comments,
        pending=standing.pending,
        rejected=standing.rejected,
        spam=standing.spam,
        withdrawn=standing.withdrawn,
        flagged=standing.flagged,
        newest=[each.comment for each in newest],
    )
