"""Days on which far more readers voted than usual; an administrator may set one aside, and count it again."""

from collections.abc import Iterator
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback import administration, articles, forms, stats
from feedback.db import transact
from feedback.models import Article
from feedback.views import desk, spreadsheet
from feedback.views.authors.room import bp, by, open_site, share, viewer

RULES = {"aside": administration.set_aside, "count": administration.count_again}


def shown(site: articles.SiteView, article: Article, period: stats.Period) -> dict[str, Any]:
    """What the list of bursts needs."""
    return {"bursts": stats.bursts(article, period=period), "may_set_aside": viewer(site).sees_all}


def lines(bursts: list[stats.Burst]) -> Iterator[dict[str, spreadsheet.Cell]]:
    """Say the same in cells: of each day its votes and what was usual, then the article's share with it and without."""
    for burst in bursts:
        day, name = burst.day.isoformat(), "burst set aside" if burst.aside else "burst"
        usual = f"{burst.before.votes} votes in the {burst.days} days before"
        text = f"{usual}; what they said is unlikely too" if burst.unlikely else usual
        yield {"figure": name, "day": day, "yes": burst.votes.yes, "no": burst.votes.no, "text": text}
        for code, votes in (("with", burst.together), ("without", burst.without)):
            yield {"figure": name, "day": day, "code": code, **share(votes)}


@bp.post("/<slug>/bursts")
def settle(slug: str) -> ResponseReturnValue:
    """Set a day aside, or count it again."""
    site = open_site(slug)
    asked = forms.read(forms.BURST, request.form)
    person = viewer(site)
    article = stats.open_article(person, asked["article"])
    change = transact(RULES[asked["action"]], site.id, article, asked["day"], by())
    if change is None:
        desk.tell("Nothing was changed: it was so already.", "done")
    else:
        undo = {"url": url_for("admin.undo", slug=slug, change_id=change.id), "button": "Undo"}
        desk.tell({"text": f"You {change.what}.", "form": undo}, "done")
    return redirect(desk.local(request.form.get("back")) + "#bursts", 303)
