"""What the authors' pages share: who may enter, which site and article a request is about, how days are written."""

from typing import Any

from flask import Blueprint, g, request

from feedback import articles, statistics, stats
from feedback.errors import Missing
from feedback.models import Role
from feedback.stats import words
from feedback.views import desk, spreadsheet

bp = Blueprint("authors", __name__, url_prefix="/articles")
desk.guard(bp, Role.AUTHOR, Role.REVIEWER)


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


def share(votes: stats.Votes) -> dict[str, spreadsheet.Cell]:
    """Write a share and how far it can be trusted in the cells of a spreadsheet."""
    known = votes.count.share if votes.total else None
    return {"yes": votes.yes, "no": votes.no, "share": known, "low": votes.interval.low, "high": votes.interval.high}
