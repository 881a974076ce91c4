"""What a reader does on an article page: everything is found by role and name, as people and screen readers find it."""

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from feedback import articles, clock
from feedback.models import Accepts
from tests.cast import KEY, Reader, registration

NO_LOAD = "Failed to load resource|net::ERR"
WATCH = """
window.events = [];
for (const name of ["ready", "vote", "comment", "error"])
  document.addEventListener("feedback:" + name, (event) => events.push([name, event.detail]));
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Place:
    """The site of a test, with one article on the publisher's pages."""

    site: object
    publisher: object
    do: object
    rows_of: object
    connect: object

    def page(self, *, article=KEY, attributes="", before="", **more):
        key = f'article="{article}"' if article else ""
        link = f'<a href="{self.publisher.service}/f/{self.site.slug}">Did this article help you?</a>'
        tag = f'<article-feedback site="{self.site.slug}" {key} {attributes}>{link}</article-feedback>'
        return self.publisher.writes(self.site, tag=before + tag, **more)

    def reader(self, name="rita"):
        return Reader(self.connect(), self.site, f"{name:-<22}", "127.0.0.1", self.site.origins[0])

    def settles(self, **policy):
        self.do(articles.change_site, self.site.slug, **policy)

    def registers(self):
        self.do(articles.register, self.site.id, registration(self.site), now=clock.now())

    def closes(self):
        self.do(articles.set_accepts, self.site.id, KEY, Accepts.CLOSED)

    def rows(self, kind):
        return self.rows_of(select(kind).where(kind.site_id == self.site.id))


@dataclass
class Visits:
    """Pages opened in browsers of their own, and what they asked for."""

    open_page: object
    requests: list = field(default_factory=list)

    def __call__(self, url, *, before="", routes=None, **options):
        page = self.open_page(**options)
        page.context.add_init_script(WATCH + before)
        for pattern, handler in (routes or {}).items():
            page.context.route(pattern, handler)
        page.on("request", lambda request: self.requests.append(request))
        page.goto(url)
        return page

    def asked(self, path):
        return [request for request in self.requests if f"/{path}" in request.url]


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def pressed(page, name):
    return page.get_by_role("button", name=name, exact=True, pressed=True)


def says(page, words):
    expect(page.get_by_role("status")).to_contain_text(words)


def comment(page, words):
    return page.get_by_role("article").filter(has_text=words).last


def write(page, words, name=""):
    page.get_by_role("textbox", name="Your comment").fill(words)
    page.get_by_role("textbox", name="Your name (optional)").fill(name)
    button(page, "Send comment").click()


def answered(page, path):
    """A block that ends when the service has answered what is sent to that path in it: votes and likes show before."""
    return page.expect_response(lambda answer: answer.url.endswith("/" + path) and answer.ok)


def told(page, name, **fields):
    """Wait for the page to be told of an event like this, and return the last one's detail.

    Playwright's own waiting evaluates strings inside the page, which the page's policy refuses.
    """
    for _ in range(100):
        details = [detail for kind, detail in page.evaluate("window.events") if kind == name]
        if details and fields.items() <= details[-1].items():
            return details[-1]
        page.wait_for_timeout(50)
    return pytest.fail(f"the page was not told of {name} {fields} but of {page.evaluate('window.events')}")
