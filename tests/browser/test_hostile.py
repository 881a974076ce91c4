"""No script of a string's runs in a real browser: some two thousand that others published, and ours, in every field.

Each page is opened with scripts on, held against the allow-list, and watched: no dialog, no call of what the strings
call, no policy violated, no request to anybody else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.allowlist import TAGS
from tests.browser.conftest import Publisher, Service
from tests.cast import Staff
from tests.corpora import FOLDER, corpus
from tests.hostile import ATTRIBUTES, ELEMENTS, IN_COMMENTS, OWN, read
from tests.hostile_house import RAE, TOGETHER, House
from tests.test_hostile import Doors, build, desk

__all__ = ["desk"]  # a fixture

PUBLISHED = "public_xss.json"

# Pages that hold little which others do not: there our own strings are enough.
ALIKE = ("&frame=1", "/revision?", "/moderation/comments/")

# Pages with the HTML of comments are read by html5lib, too.
WITH_HTML = ("/f/", "/moderation/")

# What the strings call, and what would show that they ran. The pages themselves call none of it.
CANARY = """
for (const name of ["alert", "confirm", "prompt", "print", "open"])
  window[name] = (...given) => window.reportRun(`${name}(${given}) on ${location}`);
"""
# Every element below this one, shadow roots included, that could run or load something of its own.
SUSPECTS = """() => {
  const found = [];
  const look = (within) => {
    for (const each of within.querySelectorAll("*")) {
      const handlers = each.getAttributeNames().filter((name) => /^on|^style$|^srcdoc$/i.test(name));
      const runs = each.matches("script:not([src]), iframe, frame, object, embed, img, video, audio, meta[http-equiv]");
      const leads = /^(javascript|data|vbscript):/i.test(each.href?.baseVal ?? each.href ?? each.action ?? "");
      if (handlers.length || runs || leads) found.push(each.outerHTML.slice(0, 200));
      if (each.shadowRoot) look(each.shadowRoot);
    }
  };
  look(document);
  return found;
}"""
# What a page says, where it goes on, and what on it is not of the allow-lists, by the browser's own reading.
LOOK = """({ own, comments }) => {
  const foreign = [], said = [document.documentElement.textContent];
  for (const each of document.querySelectorAll("*")) {
    const [elements, attributes] = each.parentElement?.closest("div.said, div.text") ? comments : own;
    const names = each.getAttributeNames();
    if (!elements.includes(each.localName) || !names.every((name) => attributes.includes(name)))
      foreign.push(each.cloneNode().outerHTML);
    said.push(...names.map((name) => each.getAttribute(name)));
  }
  const following = document.querySelector("a[rel=next]")?.getAttribute("href");
  return { foreign, said: said.join("\\n"), following };
}"""
LISTS = {"own": [[*ELEMENTS], [*ATTRIBUTES]], "comments": [[*TAGS], [*IN_COMMENTS]]}
# Show another article in the element, and return what it says.
TURN = """(article) => new Promise((done) => {
  const element = document.querySelector("article-feedback");
  element.addEventListener("feedback:ready", () => done(element.shadowRoot.textContent), { once: true });
  element.setAttribute("article", article);
})"""


@dataclass
class Watch:
    """What happened on a page that should not."""

    homes: set[str]
    seen: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("dialog", self._dialog)
        page.on("popup", lambda popup: self.seen.append(f"a window: {popup.url}"))
        page.on("request", lambda request: self._request(request.url))

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, url: str) -> None:
        if urlsplit(url).netloc not in self.homes:
            self.seen.append(f"a request: {url}")


@pytest.fixture(scope="module")
def house(service: Service, publisher: Publisher) -> Iterator[House]:
    """A site of its own on the service of all browser tests."""
    published = [case["s"] for case in corpus(PUBLISHED)] if (FOLDER / PUBLISHED).is_file() else []
    url = service.app.config["SETTINGS"].database_url
    yield from build(service.home, url, [*OWN, *published], TOGETHER, slug="hostile", origin=publisher.origin)


class TestPublicStrings(Doors):
    """What others have published, in every field that our own were in."""


@pytest.fixture
def watch(service: Service, publisher: Publisher) -> Iterator[Watch]:
    watched = Watch({urlsplit(url).netloc for url in (service.url, publisher.origin)})
    yield watched
    assert watched.seen == []


@pytest.fixture
def watched(open_page: Callable[..., Page], watch: Watch) -> Page:
    """A page of Rae's, in which nothing may happen that is not ours."""
    page = open_page()
    page.set_default_navigation_timeout(30_000)  # milliseconds: some pages show very much
    page.context.expose_binding("reportRun", lambda _source, what: watch.seen.append(what))
    page.context.add_init_script(CANARY)
    watch.over(page)
    return page


def check(page: Page, path: str | None, texts: list[str]) -> None:
    """Open a page and those that follow it: they show these texts, and nothing that is not the service's own."""
    origin, first, missing = page.evaluate("location.origin"), path, set(texts)
    while path:
        answer = page.goto(origin + path)
        assert answer is not None and answer.status == 200, path
        found = page.evaluate(LOOK, LISTS)
        assert found["foreign"] + page.evaluate(SUSPECTS) == [], path
        if path.startswith(WITH_HTML):
            read(answer.text())
        missing = {text for text in missing if text not in found["said"]}
        path = found["following"]
    assert missing == set(), first


def test_nothing_runs_on_any_page_of_the_service(house, service, watched):
    sign_in(watched, service, house.ada)
    watched.context.add_cookies([{"name": "feedback_reader", "value": RAE, "url": f"{service.url}/f/"}])
    for shelf in house.shelves:
        house.settle(shelf)
        for path, texts in house.pages(shelf).items():
            if not set(shelf.strings).isdisjoint(OWN) or not any(part in path for part in ALIKE):
                check(watched, path, texts)
    for path, texts in house.lists().items():
        check(watched, path, texts)


def sign_in(page: Page, service: Service, who: Staff) -> None:
    page.goto(f"{service.url}/account/sign-in")
    page.get_by_label("E-mail address").fill(who.email)
    page.get_by_label("Password").fill(who.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))


def test_nothing_runs_in_the_widget(house, publisher, watched):
    """On a page without any policy, which would let everything run."""
    tag = f'<article-feedback site="{house.site.slug}" article="none" lazy="off"></article-feedback>'
    watched.context.add_init_script(f"localStorage.setItem('feedback:reader', '{RAE}')")
    publisher.serves("/favicon.ico", "")
    watched.goto(publisher.writes(house.site, tag=tag, policy=""))
    expect(watched.get_by_role("button", name="Yes", exact=True)).to_be_visible()
    for shelf in house.shelves:
        house.settle(shelf)
        said = watched.evaluate(TURN, shelf.key)
        assert watched.evaluate(SUSPECTS) == [], shelf.key
        texts = [shelf.words["question"], shelf.words["guidelines"], shelf.words["notice"], *shelf.labels, *shelf.names]
        assert [each for each in texts if each not in said] == [], shelf.key
