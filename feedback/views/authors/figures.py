"""One article's figures: the page, and all that it shows for a spreadsheet and for a program."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from feedback import articles, chart, forms, stats
from feedback.errors import Invalid
from feedback.models import Article
from feedback.stats import ArticleFigures, By, words
from feedback.views import spreadsheet
from feedback.views.admin.articles import RevisionForm
from feedback.views.authors import bursts, comments, notes
from feedback.views.authors.room import bp, easier, given, open_article, open_site, share

LATELY = (30, 90)  # days, of the links beside the period
FILTERS = ("article", "from", "to", "revision", "reason", "section", "compare", "with", "by", "status", "q")
OF_NOTES = ("article", "status", "q", "cursor")  # what narrows the notes alone
NOT_THE_ARTICLE = "looking_for_something_else"  # the page was wrong for the reader, not the article


@bp.get("/<slug>")
def article(slug: str) -> ResponseReturnValue:
    site = open_site(slug)
    return show(site, open_article(site))


def show(
    site: articles.SiteView,
    found: Article,
    *,
    revision: RevisionForm | None = None,
    merge_errors: dict[str, list[str]] | None = None,
) -> ResponseReturnValue:
    """Answer an article's page, with what was wrong in one of its forms."""
    query = given()
    asked, figures, errors = _figures(found, query)
    by = By(asked["by"]) if asked.get("by") else easier([bar.day for bar in figures.series])
    # Where a filter cannot be read, the figures are those of all votes, and so are the notes.
    kept = {name: value for name, value in query.items() if not errors or name in OF_NOTES}
    written = notes.shown(figures, kept)
    page = render_template(
        "authors/article.html",
        site=site,
        figures=figures,
        chart=_chart(figures, by),
        by=by,
        labels={reason.code: reason.label for reason in site.policy.reasons},
        reasons={code: votes for code, votes in figures.reasons.items() if code != NOT_THE_ARTICLE},
        elsewhere=figures.reasons.get(NOT_THE_ARTICLE, 0),
        nested=stats.nested,
        **written,
        **bursts.shown(site, found, figures.asked.period),
        **comments.shown(site, found),
        errors=errors,
        given=query,
        filters={name: value for name, value in query.items() if name in FILTERS},
        begun="cursor" in query,
        lately={days: (g.now.date() - timedelta(days=days - 1)).isoformat() for days in LATELY},
        download=_here(site.slug, query, "authors.download", by=by.value),
        as_json=_here(site.slug, query, "authors.as_json", by=by.value),
        here=lambda **changes: _here(site.slug, query, **changes),
        revision=revision or RevisionForm(sent=False),
        merge_errors=merge_errors or {},
    )
    wrong = (errors, written["note_errors"], merge_errors, revision and revision.errors)
    return page, 422 if any(wrong) else 200


def _figures(found: Article, query: dict[str, str]) -> tuple[dict[str, Any], ArticleFigures, dict[str, list[str]]]:
    """Read the filters. One that cannot be read leaves the page whole, and says so beside the field."""
    try:
        asked = forms.read(forms.FIGURES, query)
        return asked, stats.article(found, asked=stats.asked(asked), pair=stats.pair(asked)), {}
    except Invalid as error:
        return {}, stats.article(found), error.errors


COLUMNS = (
    "figure", "revision", "day", "code", "title", "yes", "no", "share", "low", "high", "text", "status", "fixed_in",
)  # fmt: skip


@bp.get("/<slug>/figures.csv")
def download(slug: str) -> ResponseReturnValue:
    """Give all that the article's page shows, narrowed as it is, to a spreadsheet: one figure a row."""
    site = open_site(slug)
    found, asked = open_article(site), _wanted()
    figures = stats.article(found, asked=asked["asked"], pair=asked["pair"])
    below = (
        spreadsheet.row(COLUMNS, cells)
        for cells in chain(
            bursts.lines(stats.bursts(found, period=asked["asked"].period)),
            notes.lines(found, notes.narrowed(given())),
            comments.lines(found),
        )
    )
    return spreadsheet.answer("figures.csv", COLUMNS, chain(_lines(figures, asked["by"], site), below))


@bp.get("/<slug>/figures.json")
def as_json(slug: str) -> ResponseReturnValue:
    """Give the same to a program, as `GET /stats` does, with all notes."""
    found = open_article(open_site(slug))
    written = stats.all_notes(found, **notes.narrowed(given()))
    return stats.told(found, **_wanted()) | {"notes": [note.public() for note in written]}


def _wanted() -> dict[str, Any]:
    """Read what a download is asked for. Raises Invalid."""
    asked = forms.read(forms.FIGURES, given())
    return {"asked": stats.asked(asked), "by": By(asked["by"] or By.DAY), "pair": stats.pair(asked)}


def _lines(figures: ArticleFigures, by: By, site: articles.SiteView) -> Iterator[tuple[spreadsheet.Cell, ...]]:
    labels = {reason.code: reason.label for reason in site.policy.reasons}
    article, votes = figures.article, figures.votes
    yield _line("article", title=article.title, code=article.key, **share(votes))
    if votes.quarantined:
        yield _line("set aside", text=f"{votes.quarantined} {'vote' if votes.quarantined == 1 else 'votes'}")
    if article.we_changed:
        yield _line("announcement", day=f"{article.we_changed_on}", text=article.we_changed)
    for bar in figures.steps(by):
        yield _line("votes", day=bar.day.isoformat(), yes=bar.yes, no=bar.no)
    for code, number in figures.reasons.items():
        yield _line("reason", code=code, title=labels.get(code), no=number)
    for section in figures.sections:
        yield _line("section", code=section.id, title=section.title, no=section.no)
    for revision in figures.revisions:
        day = revision.first_seen.date().isoformat()
        merged = ", ".join(label or "the unnamed one" for label in revision.merged)
        said = {"title": merged and f"with {merged}", "text": revision.note}
        yield _line("revision", revision=revision.label, day=day, **said, **share(revision.votes))
    if figures.edit:
        edit, compared = figures.edit, figures.edit.compared
        cells: dict[str, spreadsheet.Cell] = {"revision": edit.after.label, "code": edit.before.label}
        if edit.tells:
            cells |= {"share": compared.difference, "low": compared.low, "high": compared.high}
            cells["title"] = f"better: {words.chance(compared.probability)} likely"
        yield _line("comparison", text=compared.verdict, **cells)
    for alert in figures.alerts:
        yield _line("alert", revision=alert.revision.label, text=words.dropped(alert, g.now.date()))


def _line(figure: str, **cells: spreadsheet.Cell) -> tuple[spreadsheet.Cell, ...]:
    return spreadsheet.row(COLUMNS, {"figure": figure, **cells})


def _chart(figures: ArticleFigures, by: By) -> chart.Chart | None:
    today: date = g.now.date()
    counts = [chart.Count(bar.day, bar.yes, bar.no) for bar in figures.steps(by)]
    # What was edited before anybody voted began, for the readers who did, with the first of them.
    seen = [each.first_seen.date() for each in figures.revisions] if figures.asked.period.start else []
    first = min([*seen, *(bar.day for bar in counts)], default=today)
    marks = [
        chart.Mark(
            revision.day if revision.day >= first else revision.first_seen.date(),
            words.version(revision.label, today),
            revision.note,
        )
        for revision in figures.revisions
        if revision.day <= (figures.asked.period.end or revision.day)
    ]
    marks.sort(key=lambda mark: mark.day)
    return chart.draw(counts, marks, step=7 if by is By.WEEK else 1)


def _here(slug: str, given: dict[str, str], endpoint: str = "authors.article", /, **changes: str | None) -> str:
    """The address of this page with some filters changed; the notes begin anew."""
    query: dict[str, str | None] = {name: given.get(name) for name in FILTERS} | changes
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{url_for(endpoint, slug=slug)}?{asked}"
