"""What authors and reviewers see of their articles, and administrators of all."""

from feedback.views.authors import figures, notes
from feedback.views.authors.room import bp

__all__ = ["bp", "figures", "notes"]
