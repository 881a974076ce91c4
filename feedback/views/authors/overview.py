"""A site's days and its articles without votes, for administrators."""

from datetime import timedelta

from flask import g, render_template
from flask.typing import ResponseReturnValue

from feedback import chart, forms
from feedback.stats import By, overview
from feedback.views.authors.room import bp, easier, given, open_site, viewer
from feedback.views.moderation.room import lasting

LATELY = 30  # days that the sentences are about


@bp.get("/<slug>/overview")
def overview_of(slug: str) -> ResponseReturnValue:
    site, today = open_site(slug), g.now.date()
    asked, person = forms.read(forms.OVERVIEW, given()), viewer(site)
    found = overview.overview(person, today=today)
    by = By(asked["by"]) if asked["by"] else easier([span.day for span in found.days])
    spans = overview.by_week(found.days) if by is By.WEEK else found.days
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
        unvoted=overview.without_votes(person, cursor=asked["cursor"]),
        begun=asked["cursor"] is not None,
        lasting=lasting,
    )


def _drawn(spans: list[overview.Span], above: str, below: str, by: By) -> chart.Chart | None:
    counts = [chart.Count(span.day, getattr(span, above), getattr(span, below)) for span in spans]
    return chart.draw([each for each in counts if each.yes or each.no], [], step=7 if by is By.WEEK else 1)
