"""What authors are told: figures by SQL, lists by `standing`, notes; who may see which. The maths: `statistics`."""

from feedback.stats.access import Viewer, open_article
from feedback.stats.ask import EVER, EVERYTHING, Asked, By, Period, Sort, asked, pair, period
from feedback.stats.bursts import Burst, burst, bursts
from feedback.stats.comments import below
from feedback.stats.figures import ArticleFigures, Bar, article, nested, readable
from feedback.stats.lists import MOST_UNVOTED, Line, Page, fit, fit_sites, listing, unfitted, unvoted, whole_listing
from feedback.stats.names import Names
from feedback.stats.notes import Note, all_notes, mark_note, notes
from feedback.stats.revisions import BASELINE_LEAST, Drop, Edit, drop, last_edit_and_drop
from feedback.stats.shares import Votes
from feedback.stats.told import told

__all__ = [
    "BASELINE_LEAST",
    "MOST_UNVOTED",
    "EVER",
    "EVERYTHING",
    "ArticleFigures",
    "Asked",
    "Bar",
    "Burst",
    "By",
    "Drop",
    "Edit",
    "Line",
    "Names",
    "Note",
    "Page",
    "Period",
    "Sort",
    "Viewer",
    "Votes",
    "all_notes",
    "article",
    "drop",
    "asked",
    "below",
    "burst",
    "bursts",
    "fit",
    "fit_sites",
    "last_edit_and_drop",
    "listing",
    "nested",
    "mark_note",
    "notes",
    "open_article",
    "pair",
    "period",
    "readable",
    "told",
    "unfitted",
    "unvoted",
    "whole_listing",
]
