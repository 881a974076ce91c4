"""The list of articles, in four orders and searched, and all of it for a spreadsheet and for a program."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flask import g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from feedback import articles, forms, statistics, stats
from feedback.stats import Sort, Viewer
from feedback.views import spreadsheet
from feedback.views.authors.room import bp, given, one_of, open_site, share, viewer

TABS = {
    Sort.NEEDS_WORK: "Needs work",
    Sort.WHERE_TO_START: "Where to start",
    Sort.MOST_HELPFUL: "Most helpful",
    Sort.VOTES: "Most votes",
}
COLUMNS = ("place", "article", "title", "yes", "no", "share", "low", "high", "fails")


@bp.get("/")
def index() -> ResponseReturnValue:
    asked = forms.read(forms.ARTICLES, given())
    sites = articles.sites(g.site_ids)
    site = one_of(sites, asked["site"])
    person = viewer(site)
    sort, words = Sort(asked["sort"] or Sort.NEEDS_WORK), asked["q"]
    page = stats.listing(person, sort=sort, words=words, cursor=asked["cursor"])
    # An administrator's would be all of the site's: those that a search finds are here, and all in the overview.
    hides_unvoted = page.next or (person.sees_all and not words)
    return render_template(
        "authors/index.html",
        page=page,
        site=site,
        sites=sites,
        sort=sort,
        tabs=TABS,
        searched=words,
        begun=asked["cursor"] is not None,
        sees_all=person.sees_all,
        unvoted=[] if hides_unvoted else stats.unvoted(person, words=words, most=stats.MOST_UNVOTED + 1),
        most_unvoted=stats.MOST_UNVOTED,
    )


class Whole(NamedTuple):
    """A list that is wanted as a whole: whose, in which order, searched for what."""

    site: articles.SiteView
    person: Viewer
    sort: Sort
    words: str | None

    def voted(self) -> Iterator[stats.Line]:
        return stats.whole_listing(self.person, sort=self.sort, words=self.words)

    def unvoted(self) -> Sequence[Row[Any]]:
        return stats.unvoted(self.person, words=self.words)


def _wanted(slug: str) -> Whole:
    """Read which list is wanted. Raises Invalid, Missing."""
    site = open_site(slug)
    asked = forms.read(forms.ARTICLES, given())
    return Whole(site, viewer(site), Sort(asked["sort"] or Sort.NEEDS_WORK), asked["q"])


@bp.get("/<slug>/articles.csv")
def list_as_csv(slug: str) -> ResponseReturnValue:
    """Give every page of the list to a spreadsheet, then the articles without a vote."""
    return spreadsheet.answer("articles.csv", COLUMNS, _rows(_wanted(slug)))


def _rows(whole: Whole) -> Iterator[tuple[spreadsheet.Cell, ...]]:
    for line in whole.voted():
        # Like the share, it says nothing where only a handful voted.
        fails = round(line.fails, 1) if line.votes.total >= statistics.FEW else None
        cells = {"place": line.rank, "article": line.key, "title": line.title, "fails": fails}
        yield spreadsheet.row(COLUMNS, cells | share(line.votes))
    for each in whole.unvoted():
        yield spreadsheet.row(COLUMNS, {"article": each.key, "title": each.title, "yes": 0, "no": 0})


@bp.get("/<slug>/articles.json")
def list_as_json(slug: str) -> ResponseReturnValue:
    """Give the same to a program: the items of `GET /stats`, and the usual that they are weighed against."""
    whole = _wanted(slug)
    return {
        "sort": whole.sort.value,
        "usual": {"share": whole.site.prior_mean, "votes": whole.site.prior_weight},
        "items": [line.public() for line in whole.voted()],
        "unvoted": [{"key": each.key, "title": each.title} for each in whole.unvoted()],
    }
