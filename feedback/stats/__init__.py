"""What authors are told: figures by SQL, lists by `standing`, notes; who may see which. The maths: `statistics`."""

from feedback.stats.access import Viewer, open_article
from feedback.stats.ask import EVER, EVERYTHING, Asked, By, Period, Sort, asked, pair, period
from feedback.stats.figures import ArticleFigures, Bar, Votes, article, nested, readable, weeks
from feedback.stats.lists import Line, Page, fit, fit_sites, listing, unvoted
from feedback.stats.notes import Note, all_notes, notes

__all__ = [
    "EVER",
    "EVERYTHING",
    "ArticleFigures",
    "Asked",
    "Bar",
    "By",
    "Line",
    "Note",
    "Page",
    "Period",
    "Sort",
    "Viewer",
    "Votes",
    "all_notes",
    "article",
    "asked",
    "fit",
    "fit_sites",
    "listing",
    "nested",
    "notes",
    "open_article",
    "pair",
    "period",
    "readable",
    "unvoted",
    "weeks",
]
