"""Every table, with the rules the database itself keeps.

Rows that grow without bound (votes, tallies, comments, decisions) carry `article_id` in their primary key and in
every unique constraint, keys are made by the application, and nothing locks across articles, so that the schema also
fits engines that shard PostgreSQL's dialect.
"""

from feedback.models.comments import MAX_HTML_BYTES, Comment, Decision
from feedback.models.kinds import Accepts, Kind, NoteStatus, Role, State, Value
from feedback.models.sites import Article, Change, Contributor, Revision, Sighting, Site
from feedback.models.staff import Membership, RecoveryCode, SecondFactor, Token, User
from feedback.models.votes import NetworkKey, ReasonTally, Standing, Tally, Vote
from feedback.models.work import Erasure, Outbox

__all__ = [
    "Accepts",
    "Article",
    "Change",
    "Comment",
    "Contributor",
    "Decision",
    "Erasure",
    "Kind",
    "MAX_HTML_BYTES",
    "Membership",
    "NetworkKey",
    "NoteStatus",
    "Outbox",
    "ReasonTally",
    "RecoveryCode",
    "Revision",
    "Role",
    "SecondFactor",
    "Sighting",
    "Site",
    "Standing",
    "State",
    "Tally",
    "Token",
    "User",
    "Value",
    "Vote",
]
