"""The list of articles, and one article's figures."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, chart, forms, stats
from feedback.errors import Invalid
from feedback.stats import By, Sort, words
from feedback.views import spreadsheet
from feedback.views.authors import bursts, comments, notes
from feedback.views.authors.room import bp, given, one_of, open_site, share, viewer

TABS = {
    Sort.NEEDS_WORK: "Needs work",
    Sort.WHERE_TO_START: "Where to start",
    Sort.MOST_HELPFUL: "Most helpful",
    Sort.VOTES: "Most votes",
}
MANY_DAYS = 62  # from here on weeks are easier to read than days, unless days are asked for
LATELY = (30, 90)  # days, of the links beside the period
FILTERS = ("article", "from", "to", "by", "revision", "reason", "section", "status", "q")
NOT_THE_ARTICLE = "looking_for_something_else"  # the page was wrong for the reader, not the article


@bp.get("/")
def index() -> ResponseReturnValue:
    asked = forms.read(forms.ARTICLES, given())
    sites = articles.sites(g.site_ids)
    site = one_of(sites, asked["site"])
    person = viewer(site)
    sort = Sort(asked["sort"] or Sort.NEEDS_WORK)
    page = stats.listing(person, sort=sort, cursor=asked["cursor"])
    return render_template(
        "authors/index.html",
        page=page,
        site=site,
        sites=sites,
        sort=sort,
        tabs=TABS,
        begun=asked["cursor"] is not None,
        sees_all=person.sees_all,
        unvoted=[] if page.next else stats.unvoted(person),
    )


@bp.get("/<slug>")
def article(slug: str) -> ResponseReturnValue:
    site = open_site(slug)
    query = given()
    found = stats.open_article(viewer(site), forms.read(forms.OF_ARTICLE, query)["article"])
    asked, period, errors = _asked(query)
    figures = stats.article(found, period=period, by=By.DAY)
    by = By(asked["by"]) if asked.get("by") else _easier(figures.series)
    bars = stats.weeks(figures.series) if by is By.WEEK else figures.series
    written = notes.shown(figures, query)
    page = render_template(
        "authors/article.html",
        site=site,
        figures=figures,
        chart=_chart(figures, bars, by),
        by=by,
        labels={reason.code: reason.label for reason in site.policy.reasons},
        reasons={code: votes for code, votes in figures.reasons.items() if code != NOT_THE_ARTICLE},
        elsewhere=figures.reasons.get(NOT_THE_ARTICLE, 0),
        **written,
        **bursts.shown(site, found, period),
        **comments.shown(site, found),
        errors=errors,
        given=query,
        begun="cursor" in query,
        lately={days: (g.now.date() - timedelta(days=days - 1)).isoformat() for days in LATELY},
        download=_here(slug, query, "authors.download", by=by.value),
        here=lambda **changes: _here(slug, query, **changes),
    )
    return page, 422 if errors or written["note_errors"] else 200


COLUMNS = (
    "figure", "revision", "day", "code", "title", "yes", "no", "share", "low", "high", "text", "status", "fixed_in",
)  # fmt: skip


@bp.get("/<slug>/figures.csv")
def download(slug: str) -> ResponseReturnValue:
    """Give all that the article's page shows, for its period, to a spreadsheet: one figure a row."""
    site = open_site(slug)
    query = given()
    asked = forms.read(forms.FIGURES, query)
    found = stats.open_article(viewer(site), forms.read(forms.OF_ARTICLE, query)["article"])
    period = stats.period(asked["from"], asked["to"])
    figures = stats.article(found, period=period, by=By(asked["by"] or By.DAY))
    below = chain(bursts.lines(stats.bursts(found, period=period)), notes.lines(found, notes.narrowed(query)))
    return spreadsheet.answer("figures.csv", COLUMNS, chain(_lines(figures, site), map(_row, below)))


def _lines(figures: stats.ArticleFigures, site: articles.SiteView) -> Iterator[tuple[spreadsheet.Cell, ...]]:
    labels = {reason.code: reason.label for reason in site.policy.reasons}
    yield _line("article", title=figures.article.title, code=figures.article.key, **share(figures.votes))
    for bar in figures.series:
        yield _line("votes", day=bar.day.isoformat(), yes=bar.yes, no=bar.no)
    for code, number in figures.reasons.items():
        yield _line("reason", code=code, title=labels.get(code), no=number)
    for section in figures.sections:
        yield _line("section", code=section.id, title=section.title, no=section.no)
    for revision in figures.revisions:
        day = revision.first_seen.date().isoformat()
        yield _line("revision", revision=revision.label, day=day, text=revision.note, **share(revision.votes))
    if figures.edit:
        compared, difference = figures.edit, figures.edit.compared.difference
        yield _line("comparison", revision=compared.after.label, share=difference, text=compared.compared.verdict)


def _line(figure: str, **cells: spreadsheet.Cell) -> tuple[spreadsheet.Cell, ...]:
    return _row({"figure": figure, **cells})


def _row(cells: Mapping[str, spreadsheet.Cell]) -> tuple[spreadsheet.Cell, ...]:
    return tuple(cells.get(column) for column in COLUMNS)


def _asked(given: dict[str, str]) -> tuple[dict[str, Any], stats.Period, dict[str, list[str]]]:
    """Read the filters. One that cannot be read leaves the page whole, and says so beside the field."""
    try:
        asked = forms.read(forms.FIGURES, given)
        return asked, stats.period(asked["from"], asked["to"]), {}
    except Invalid as error:
        return {}, stats.EVER, error.errors


def _easier(days: list[stats.Bar]) -> By:
    return By.WEEK if days and (days[-1].day - days[0].day).days >= MANY_DAYS else By.DAY


def _chart(figures: stats.ArticleFigures, bars: list[stats.Bar], by: By) -> chart.Chart | None:
    today: date = g.now.date()
    marks = [
        chart.Mark(revision.first_seen.date(), words.version(revision.label, today)) for revision in figures.revisions
    ]
    counts = [chart.Count(bar.day, bar.yes, bar.no) for bar in bars]
    return chart.draw(counts, marks, step=7 if by is By.WEEK else 1)


def _here(slug: str, given: dict[str, str], endpoint: str = "authors.article", /, **changes: str | None) -> str:
    """The address of this page with some filters changed; the notes begin anew."""
    query: dict[str, str | None] = {name: given.get(name) for name in FILTERS} | changes
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{url_for(endpoint, slug=slug)}?{asked}"
