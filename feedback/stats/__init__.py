"""What authors are told: figures by SQL, lists by `standing`, notes; who may see which. The maths: `statistics`."""

from feedback.stats.access import Viewer, open_article
from feedback.stats.ask import EVER, By, Period, Sort, period
from feedback.stats.bursts import Burst, burst, bursts
from feedback.stats.figures import ArticleFigures, Bar, Votes, article, readable, weeks
from feedback.stats.lists import Line, Page, fit, fit_sites, listing, unvoted
from feedback.stats.names import Names
from feedback.stats.notes import Note, all_notes, mark_note, notes

__all__ = [
    "EVER",
    "ArticleFigures",
    "Bar",
    "Burst",
    "By",
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
    "burst",
    "bursts",
    "fit",
    "fit_sites",
    "listing",
    "mark_note",
    "notes",
    "open_article",
    "period",
    "readable",
    "unvoted",
    "weeks",
]
