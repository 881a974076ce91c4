"""All that is told of one article, as `GET /stats` and the authors' JSON answer it."""

from typing import Any

from feedback.models import Article
from feedback.stats.ask import Asked, By
from feedback.stats.bursts import bursts
from feedback.stats.comments import below
from feedback.stats.figures import article as figures


def told(article: Article, *, asked: Asked, by: By, pair: tuple[str, str] | None) -> dict[str, Any]:
    """Return an article's figures, the days that stand out among its alerts, and its comments. Raises Invalid."""
    found = figures(article, asked=asked, pair=pair).public(by)
    found["alerts"] += [burst.public() for burst in bursts(article, period=asked.period)]
    return found | {"comments": below(article).public()}
