"""The moderators' pages: the queue, one comment, bulk decisions, bans and words, history. Plain forms do it all."""

from feedback.views.moderation import batches, blocklist, comment, history, queue
from feedback.views.moderation.room import NAMES, bp

__all__ = ["NAMES", "batches", "blocklist", "bp", "comment", "history", "queue"]
