"""The moderators' pages: the queue, one comment, what was decided. Plain forms do it all."""

from feedback.views.moderation import comment, history, queue
from feedback.views.moderation.room import NAMES, bp

__all__ = ["NAMES", "bp", "comment", "history", "queue"]
