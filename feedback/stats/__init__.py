"""What authors are told: figures by SQL, lists by `standing`, notes; who may see which. The maths: `statistics`."""

from feedback.stats.access import Viewer, open_article
from feedback.stats.ask import EVER, By, Period, Sort, period
from feedback.stats.figures import (
    BASELINE_LEAST,
    ArticleFigures,
    Bar,
    Drop,
    Edit,
    Votes,
    article,
    drop,
    last_edit_and_drop,
    readable,
    weeks,
)
from feedback.stats.lists import Line, Page, fit, fit_sites, listing, unfitted, unvoted
from feedback.stats.notes import Note, all_notes, notes

__all__ = [
    "BASELINE_LEAST",
    "EVER",
    "ArticleFigures",
    "Bar",
    "By",
    "Drop",
    "Edit",
    "Line",
    "Note",
    "Page",
    "Period",
    "Sort",
    "Viewer",
    "Votes",
    "all_notes",
    "article",
    "drop",
    "fit",
    "fit_sites",
    "last_edit_and_drop",
    "listing",
    "notes",
    "open_article",
    "period",
    "readable",
    "unfitted",
    "unvoted",
    "weeks",
]
