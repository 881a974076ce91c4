"""The article site of the demo: three pages on an origin of their own, under the strictest policy a publisher sends.

It stands for a publisher. All it knows of the service is an address and a site's slug; the bylines, the buttons and
the readers' part of each page come from the widget, so that the page itself needs no script.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Flask, Response, abort, render_template

from feedback import folder

SITE_NAME = "Quiet Health"
SLUG = "health"
ANN = "Ann Hollis"
REX = "Rex Adeyemi"
MAIN, HEAT, DESK = "baclofen-neck-pain", "heat-or-cold-stiff-neck", "desk-breaks-neck-pain"


@dataclass(frozen=True)
class Page:
    """One article as its publisher keeps it: dates are days, `minutes` is the time it takes to read."""

    key: str
    title: str
    summary: str
    minutes: int
    author: str
    reviewer: str
    origin: str
    published: date
    modified: date

    @property
    def url(self) -> str:
        return f"{self.origin}/{self.key}"

    @property
    def linked_data(self) -> dict[str, Any]:
        """Return what search engines (and the widget, for the revision) read: schema.org as JSON-LD."""
        return {
            "@context": "https://schema.org",
            "@type": ["Article", "MedicalWebPage"],
            "headline": self.title,
            "description": self.summary,
            "url": self.url,
            "inLanguage": "en",
            "datePublished": self.published.isoformat(),
            "dateModified": self.modified.isoformat(),
            "author": {"@type": "Person", "name": self.author},
            "reviewedBy": {"@type": "Person", "name": self.reviewer},
            "publisher": {"@type": "Organization", "name": SITE_NAME},
        }


@dataclass(frozen=True)
class Dates:
    """When an article first stood on the site and when its text last changed."""

    published: date
    modified: date


def pages(origin: str, dates: dict[str, Dates]) -> list[Page]:
    """Return the three articles in the order of the front page."""
    texts = (
        (
            MAIN,
            "Baclofen for neck pain: what is known",
            "What this muscle relaxant is, how it acts, what trials found, and why nobody should stop it suddenly.",
            5,
            REX,
        ),
        (
            HEAT,
            "Heat or cold for a stiff neck?",
            "What warmth and ice can do for a neck that will not turn, and how to use both without harm.",
            2,
            REX,
        ),
        (
            DESK,
            "Small breaks for a neck that hurts at the desk",
            "Why stillness hurts more than slouching, a break of two minutes, and exercises worth the effort.",
            3,
            "Ines Marsh",
        ),
    )
    return [
        Page(key, title, summary, minutes, ANN, reviewer, origin, dates[key].published, dates[key].modified)
        for key, title, summary, minutes, reviewer in texts
    ]


def policy(service: str) -> str:
    """Return the Content-Security-Policy of every page: the service's script alone, no inline anything, no sinks."""
    return (
        f"default-src 'none'; style-src 'self'; script-src {service}; connect-src {service}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def create_site(service: str, articles: list[Page]) -> Flask:
    """Build the site. `service` is the origin of the feedback service, such as `http://127.0.0.1:8000`."""
    app = Flask(__name__, template_folder=str(folder("templates")))
    by_key = {page.key: page for page in articles}
    app.context_processor(
        lambda: {"site_name": SITE_NAME, "slug": SLUG, "service": service, "origin": articles[0].origin}
    )
    app.add_template_filter(_day, "day")

    @app.get("/")
    def index() -> str:
        return render_template("demo/index.html", pages=articles)

    @app.get("/<key>")
    def article(key: str) -> str:
        page = by_key.get(key) or abort(404)
        return render_template(f"demo/articles/{page.key}.html", page=page)

    @app.errorhandler(404)
    def missing(_error: Exception) -> tuple[str, int]:
        return render_template("demo/missing.html"), 404

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy(service)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    return app


def _day(moment: date) -> str:
    return f"{moment.day} {moment:%B %Y}"
