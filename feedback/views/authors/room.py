"""What the authors' pages share: who may enter, which site and article a request is about, how days are written."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, g, request, url_for

from feedback import articles, forms, statistics, stats
from feedback.changes import By
from feedback.errors import Missing
from feedback.models import Article, Change, Role
from feedback.stats import By as Step
from feedback.stats import words
from feedback.views import desk, spreadsheet

bp = Blueprint("authors", __name__, url_prefix="/articles")
desk.guard(bp, Role.AUTHOR, Role.REVIEWER)

MANY_DAYS = 62  # from here on weeks are easier to read than days


@bp.context_processor
def helpers() -> dict[str, Any]:
    today = g.now.date()
    return {
        "day": lambda day: words.day_words(day, today),
        "short_day": lambda day: words.short_day(day, today),
        "version": lambda label: words.version(label, today),
        "percent": statistics.percent,
        "readable": stats.readable,
        "words": words,
        "today": today,
    }


def given() -> dict[str, str]:
    """What was asked for; an empty field of a form asks for nothing."""
    return {name: value for name, value in request.args.items() if value}


def one_of(sites: list[articles.SiteView], slug: str | None) -> articles.SiteView:
    """Return the site of that slug, or the first without one. Raises Missing."""
    for site in sites:
        if slug in (None, site.slug):
            return site
    raise Missing("There is no such site here.")


def open_site(slug: str) -> articles.SiteView:
    """Return the site of an address, where the person has a role. Raises Missing."""
    return one_of(articles.sites(g.site_ids), slug)


def viewer(site: articles.SiteView) -> stats.Viewer:
    return stats.Viewer(site.id, frozenset(g.person.roles[site.id]), g.person.id)


def open_article(site: articles.SiteView) -> Article:
    """Return the article that the address names. Raises Invalid, Missing, and Refused where it is not theirs."""
    return stats.open_article(viewer(site), forms.read(forms.OF_ARTICLE, given())["article"])


def by() -> By:
    """Who is at it, and when."""
    return By(g.person.actor, g.person.sites(Role.ADMINISTRATOR), g.now)


def easier(days: Sequence[date]) -> Step:
    """Return the step in which a chart of these days, oldest first, is easier to read where none is asked for."""
    return Step.WEEK if days and (days[-1] - days[0]).days >= MANY_DAYS else Step.DAY


def page_of(slug: str, key: str, part: str | None = None) -> str:
    """Return the address of an article's page, or of a part of it."""
    return url_for("authors.article", slug=slug, article=key, _anchor=part)


def tell(slug: str, change: Change | None) -> None:
    """Confirm a change on the next page, with the button that takes it back."""
    if change is None:
        desk.tell("Nothing was changed: it was so already.", "done")
        return
    undo = {"url": url_for("authors.undo", slug=slug, change_id=change.id), "button": "Undo"}
    desk.tell({"text": f"You {change.what}.", "form": undo}, "done")


def share(votes: stats.Votes) -> dict[str, spreadsheet.Cell]:
    """Write a share and how far it can be trusted in the cells of a spreadsheet; from a handful there is none."""
    counts: dict[str, spreadsheet.Cell] = {"yes": votes.yes, "no": votes.no}
    if votes.total < statistics.FEW:
        return counts
    return counts | {"share": votes.count.share, "low": votes.interval.low, "high": votes.interval.high}
