"""Every table, with the rules the database itself keeps.

Rows that grow without bound (votes, tallies, comments, decisions) carry `article_id` in their primary key and in
every unique constraint, keys are made by the application, and nothing locks across articles, so that the schema also
fits engines that shard PostgreSQL's dialect.
"""

from feedback.models.comments import MAX_HTML_BYTES, Comment, Decision, Like
from feedback.models.kinds import (
    Accepts,
    Banned,
    Effect,
    FlagReason,
    Kind,
    Listed,
    NoteStatus,
    Pace,
    Progress,
    Resolved,
    Role,
    State,
    Value,
)
from feedback.models.learning import TriageModel
from feedback.models.moderation import Ban, Batch, Flag, Word
from feedback.models.sites import Article, Change, Contributor, Revision, Section, Sighting, Site, SiteDay
from feedback.models.staff import Membership, RecoveryCode, SecondFactor, Token, User
from feedback.models.telling import Alarm, Delivery, Digest, FeedToken, Subscription, Webhook
from feedback.models.votes import NetworkKey, ReasonTally, Standing, Tally, Vote
from feedback.models.work import Erasure, Outbox

__all__ = [
    "Accepts",
    "Alarm",
    "Article",
    "Ban",
    "Banned",
    "Batch",
    "Change",
    "Comment",
    "Contributor",
    "Decision",
    "Delivery",
    "Digest",
    "Effect",
    "Erasure",
    "FeedToken",
    "Flag",
    "FlagReason",
    "Kind",
    "Like",
    "Listed",
    "MAX_HTML_BYTES",
    "Membership",
    "NetworkKey",
    "NoteStatus",
    "Outbox",
    "Pace",
    "Progress",
    "ReasonTally",
    "RecoveryCode",
    "Resolved",
    "Revision",
    "Role",
    "SecondFactor",
    "Section",
    "Sighting",
    "Site",
    "SiteDay",
    "Standing",
    "State",
    "Subscription",
    "Tally",
    "Token",
    "TriageModel",
    "User",
    "Value",
    "Vote",
    "Webhook",
    "Word",
]
