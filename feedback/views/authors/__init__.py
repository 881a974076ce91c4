"""What authors and reviewers see of their articles, and administrators of all."""

from feedback.views.authors import announcement, bursts, figures, notes, overview, revisions, undoing
from feedback.views.authors.room import bp

__all__ = ["announcement", "bp", "bursts", "figures", "notes", "overview", "revisions", "undoing"]
