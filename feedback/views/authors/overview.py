"""A site's days and its articles without votes, for administrators, the days also for a spreadsheet and a program."""

from datetime import timedelta
from typing import Any

from flask import g, render_template
from flask.typing import ResponseReturnValue

from feedback import articles, chart, clock, forms
from feedback.stats import By, overview
from feedback.views import spreadsheet
from feedback.views.authors.room import bp, easier, given, open_site, viewer
from feedback.views.moderation.room import lasting

LATELY = 30  # days that the sentences are about
COLUMNS = ("day", "yes", "no", "comments", "held", "decided", "wait")  # the last in seconds


@bp.get("/<slug>/overview")
def overview_of(slug: str) -> ResponseReturnValue:
    site, today = open_site(slug), g.now.date()
    asked, found = _days(site)
    by = By(asked["by"]) if asked["by"] else easier([span.day for span in found.days])
    spans = found.steps(by)
    since = today - timedelta(days=LATELY - 1)
    return render_template(
        "authors/overview.html",
        site=site,
        as_of=found.as_of,
        lately=overview.together(since, [span for span in found.days if span.day >= since]),
        days=LATELY,
        spans=spans,
        by=by,
        votes=_drawn(spans, "yes", "no", by),
        comments=_drawn(spans, "unheld", "held", by),
        unvoted=overview.without_votes(viewer(site), cursor=asked["cursor"]),
        begun=asked["cursor"] is not None,
        lasting=lasting,
    )


def _days(site: articles.SiteView) -> tuple[dict[str, Any], overview.Overview]:
    """Return what is asked for, and the site's days. Raises Invalid, Refused."""
    return forms.read(forms.OVERVIEW, given()), overview.overview(viewer(site), today=g.now.date())


@bp.get("/<slug>/overview.csv")
def overview_as_csv(slug: str) -> ResponseReturnValue:
    """Give the table of days, or of weeks, to a spreadsheet."""
    asked, found = _days(open_site(slug))
    rows = (spreadsheet.row(COLUMNS, span.public()) for span in found.steps(By(asked["by"] or By.DAY)))
    return spreadsheet.answer("overview.csv", COLUMNS, rows)


@bp.get("/<slug>/overview.json")
def overview_as_json(slug: str) -> ResponseReturnValue:
    """Give the same to a program, and as of when it is."""
    asked, found = _days(open_site(slug))
    return {
        "as_of": found.as_of and clock.rfc3339(found.as_of),
        "days": [span.public() for span in found.steps(By(asked["by"] or By.DAY))],
    }


def _drawn(spans: list[overview.Span], above: str, below: str, by: By) -> chart.Chart | None:
    counts = [chart.Count(span.day, getattr(span, above), getattr(span, below)) for span in spans]
    return chart.draw([each for each in counts if each.yes or each.no], [], step=7 if by is By.WEEK else 1)
