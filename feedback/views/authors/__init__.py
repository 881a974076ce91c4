"""What authors and reviewers see of their articles, and administrators of all."""

from feedback.views.authors import announcement, bursts, figures, lists, notes, overview, revisions, undoing
from feedback.views.authors.room import bp

__all__ = ["announcement", "bp", "bursts", "figures", "lists", "notes", "overview", "revisions", "undoing"]
