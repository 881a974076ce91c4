"""What authors and reviewers see of their articles, and administrators of all."""

from feedback.views.authors import bursts, figures, notes
from feedback.views.authors.room import bp

__all__ = ["bp", "bursts", "figures", "notes"]
