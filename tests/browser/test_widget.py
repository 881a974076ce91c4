"""The reader's way through the widget, on a page of another origin that allows the service's script and nothing else.

Everything is found by role and name, as people and their screen readers find it. A test fails where the page reports
a violation of its policy, an error or a warning that the test did not expect.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import brotli
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect, sync_playwright
from rjsmin import jsmin
from sqlalchemy import select

from feedback import articles, clock, create_app
from feedback.db import db, dispose, transact
from feedback.models import Accepts, Comment, State, Vote
from tests.browser.press import Press, Serving
from tests.cast import Reader, registration
from tests.conftest import settings

STATIC = Path(create_app.__code__.co_filename).parent / "static"
FIRST_BUDGET, REST_BUDGET = 7 * 1024, 9 * 1024  # bytes, brotli
LOAD_REFUSED = "Failed to load resource|net::ERR"
STORED = "feedback:reader"
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
window.events = [];
for (const name of ["ready", "vote", "comment", "error"])
  document.addEventListener("feedback:" + name, (event) => events.push([name, event.detail]));
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_slugs = (f"site-{number}" for number in count(1))


# The bed: the real service, a publisher, browsers


@dataclass
class Place:
    """A site of its own for each test, on a service and a publisher that all tests share."""

    app: Flask
    service: str
    press: Press
    slug: str

    def page(self, **more: Any) -> str:
        return self.press.prints(self.service, site=self.slug, **more)

    def reader(self, name: str = "rae") -> Reader:
        return Reader(self.app.test_client(), self.site(), f"{name:-<22}", "192.0.2.10", self.press.origin)

    def site(self) -> Any:
        with self.app.app_context():
            return articles.site(self.slug)

    def settles(self, **policy: Any) -> None:
        with self.app.app_context():
            transact(articles.change_site, self.slug, **policy)

    def registers(self, key: str = "neck") -> None:
        with self.app.app_context():
            transact(articles.register, self.site().id, registration(self.site(), key), now=clock.now())

    def closes(self, key: str = "neck") -> None:
        with self.app.app_context():
            transact(articles.set_accepts, self.site().id, key, Accepts.CLOSED)

    def rows(self, kind: Any) -> list[Any]:
        site = self.site()
        with self.app.app_context():
            return list(db.session.execute(select(kind).where(kind.site_id == site.id)).scalars())


@pytest.fixture(scope="module", params=[False], ids=["unlimited"])
def app(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("widget")
    path = folder / "feedback.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    app = create_app(settings(folder, f"sqlite:///{path}", limits=request.param))
    yield app
    dispose(app)


@pytest.fixture(scope="module")
def service(app: Flask) -> Iterator[str]:
    with Serving(app) as serving:
        yield serving.origin


@pytest.fixture(scope="module")
def press() -> Iterator[Press]:
    press = Press()
    with Serving(press) as serving:
        press.origin = serving.origin
        yield press


@pytest.fixture
def place(app: Flask, service: str, press: Press) -> Place:
    slug = next(_slugs)
    with app.app_context():
        transact(articles.add_site, slug, origins=[press.origin], now=clock.now())
    return Place(app, service, press, slug)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


@dataclass
class Desk:
    """One person's browser. What its pages report is kept, and judged when the test is over."""

    context: BrowserContext
    reports: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    expected: str = "^$"

    def opens(self, url: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(5_000)
        page.on("console", lambda message: self.reports.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.reports.append(f"error: {error}"))
        page.on("request", lambda request: self.requests.append(request))
        page.goto(url)
        return page

    def expects(self, pattern: str) -> None:
        self.expected = pattern

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if f"/{path}" in request.url]

    def judge(self) -> None:
        violations = [line for page in self.context.pages for line in page.evaluate("window.violations ?? []")]
        assert violations == []
        assert [line for line in self.reports if not re.search(self.expected, line)] == []


@pytest.fixture
def person(chromium: Browser) -> Iterator[Callable[..., Desk]]:
    """Seat somebody at a browser of their own: `person(color_scheme="dark")`."""
    desks: list[Desk] = []

    def seat(**options: Any) -> Desk:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"} | options))
        context.add_init_script(WATCH)
        desks.append(Desk(context))
        return desks[-1]

    yield seat
    for desk in desks:
        desk.judge()
        desk.context.close()


@pytest.fixture
def rae(person: Callable[..., Desk]) -> Desk:
    return person()


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def pressed(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True, pressed=True)


def says(page: Page, words: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("status")).to_contain_text(words)


def comment(page: Page, words: str) -> Locator:
    return page.get_by_role("article").filter(has_text=words).last


def write(page: Page, words: str, name: str = "") -> None:
    page.get_by_role("textbox", name="Your comment").fill(words)
    page.get_by_role("textbox", name="Your name (optional)").fill(name)
    button(page, "Send comment").click()


def events(page: Page) -> dict[str, Any]:
    """Return the last event of each kind."""
    return {name: detail for name, detail in page.evaluate("window.events")}


def axe(page: Page) -> list[str]:
    """Return what axe finds. It enters by the debugger, which no policy of the page concerns."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE_SCRIPT})
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]


# The question


def test_a_reader_answers_changes_and_takes_it_back(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    question = page.get_by_role("group", name="Did this article help you?")
    expect(question.get_by_role("button")).to_have_count(2)

    button(page, "Yes").click()
    expect(pressed(page, "Yes")).to_be_visible()
    says(page, "Thank you")
    button(page, "No").click()
    expect(pressed(page, "No")).to_be_visible()
    expect(pressed(page, "Yes")).to_have_count(0)
    page.wait_for_function("events.at(-1)[1].value === 'no'")
    assert [vote.value for vote in place.rows(Vote)] == ["no"]

    button(page, "Undo").click()
    says(page, "taken back")
    expect(pressed(page, "No")).to_have_count(0)
    expect(button(page, "Undo")).to_have_count(0)
    expect(button(page, "Yes")).to_be_focused()
    page.wait_for_function("events.at(-1)[1].value === 'none'")
    assert place.rows(Vote) == []


def test_pressing_the_pressed_answer_takes_it_back(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    button(page, "Yes").click()
    pressed(page, "Yes").click()
    says(page, "taken back")
    page.wait_for_function("events.at(-1)[1].value === 'none'")
    assert place.rows(Vote) == []


def test_an_answer_is_shown_before_the_service_has_it(place: Place, rae: Desk) -> None:
    waiting: list[Route] = []
    rae.context.route("**/vote", lambda route: waiting.append(route))
    page = rae.opens(place.page())
    button(page, "Yes").click()
    expect(pressed(page, "Yes")).to_be_visible()
    says(page, "Thank you")
    button(page, "No").click()
    expect(pressed(page, "No")).to_be_visible()
    # One at a time, so that the newest answer is the last to arrive.
    assert [route.request.post_data_json["value"] for route in waiting] == ["yes"]
    rae.context.unroute("**/vote")
    waiting[0].continue_()
    page.wait_for_function("events.at(-1)[1].value === 'no'")
    assert [vote.value for vote in place.rows(Vote)] == ["no"]


def test_after_no_a_reason_a_section_and_a_note_reach_the_author(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page(head='<meta property="article:modified_time" content="2026-10-01">'))
    button(page, "No").click()
    reasons = page.get_by_role("group", name="What was the problem?").last
    button(reasons, "Hard to understand").click()
    button(reasons, "Out of date").click()
    expect(reasons.get_by_role("button", pressed=True)).to_have_text("Out of date")
    sections = page.get_by_role("combobox", name="Which part of the article?")
    expect(sections.get_by_role("option")).to_have_text(
        ["The whole article", "How it acts", "Side effects", "Questions and answers"]
    )
    sections.select_option("Side effects")
    page.wait_for_function("events.at(-1)[1].section === 'side-effects'")
    expect(page.get_by_text("Only the author and reviewers read this.")).to_be_visible()
    page.get_by_role("textbox", name="A note to the author").fill("Which dose? Write to me: rae@example.org")
    button(page, "Send note").click()
    says(page, "Your note was sent")
    expect(button(page, "Change your note")).to_be_focused()

    (vote,) = place.rows(Vote)
    assert (vote.value, vote.reason, vote.section, vote.revision) == ("no", "outdated", "side-effects", "2026-10-01")
    assert vote.note == "Which dose? Write to me: [removed]"
    button(page, "Change your note").click()
    expect(page.get_by_role("textbox", name="A note to the author")).to_have_value(vote.note)


def test_a_reason_can_be_left_again(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    button(page, "No").click()
    button(page, "Other").or_(button(page, "Another reason")).click()
    page.wait_for_function("events.at(-1)[1].reason === 'other'")
    page.get_by_role("button", pressed=True).last.click()
    page.wait_for_function("events.at(-1)[1].reason === null")
    assert [vote.reason for vote in place.rows(Vote)] == [None]


def test_after_yes_a_note_can_be_left_and_no_reason_is_asked(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    button(page, "Yes").click()
    button(page, "Leave a note for the author").click()
    expect(page.get_by_role("group", name="What was the problem?")).to_have_count(0)
    box = page.get_by_role("textbox", name="A note to the author")
    expect(box).to_be_focused()
    box.fill("The table is what I came for.")
    button(page, "Send note").click()
    says(page, "Your note was sent")
    assert [(vote.value, vote.note) for vote in place.rows(Vote)] == [("yes", "The table is what I came for.")]


def test_a_note_that_is_too_long_says_so_beside_its_field(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    page = rae.opens(place.page())
    button(page, "Yes").click()
    button(page, "Leave a note for the author").click()
    box = page.get_by_role("textbox", name="A note to the author")
    box.fill("a" * 1_001)
    button(page, "Send note").click()
    expect(box).to_have_accessible_description(re.compile("too long: at most 1,000"))
    expect(box).to_be_focused()
    expect(pressed(page, "Yes")).to_be_visible()


def test_a_page_says_which_headings_are_sections(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page(attributes='sections="#questions"'))
    button(page, "No").click()
    expect(page.get_by_role("option")).to_have_text(["The whole article", "Questions and answers"])


# Comments


def test_a_comment_waits_and_is_there_again_after_a_reload(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    button(page, "No").click()
    write(page, "It **helped** me, *mostly*.\n\n> rest\n\n- one\n- two\n\n<b>as typed</b> https://example.org/x", "Rae")
    says(page, "waits for moderation")
    mine = comment(page, "helped me")
    expect(mine).to_be_focused()
    expect(mine.get_by_text("Waiting for moderation")).to_be_visible()
    expect(mine.get_by_role("strong")).to_have_text("helped")
    expect(mine.get_by_role("emphasis")).to_have_text("mostly")
    expect(mine.get_by_role("blockquote")).to_have_text("rest")
    expect(mine.get_by_role("listitem")).to_have_text(["one", "two"])
    expect(mine.get_by_role("link")).to_have_attribute("href", "https://example.org/x")
    expect(mine.get_by_role("link")).to_have_attribute("rel", "nofollow ugc noopener")
    expect(mine).to_contain_text("<b>as typed</b>")
    expect(mine.get_by_role("time")).to_have_attribute("title", re.compile(r"\d:\d\d"))
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("")

    page.reload()
    expect(comment(page, "helped me").get_by_text("Waiting for moderation")).to_be_visible()
    expect(pressed(page, "No")).to_be_visible()
    expect(page.get_by_role("article").filter(has_text="helped me")).to_have_count(2)  # the page's own and the comment


def test_another_browser_sees_neither_the_waiting_comment_nor_the_vote_as_its_own(
    place: Place, rae: Desk, person: Callable[..., Desk]
) -> None:
    page = rae.opens(place.page())
    button(page, "Yes").click()
    write(page, "Only I can see this yet.")
    says(page, "waits for moderation")

    stan = person()
    other = stan.opens(place.page())
    expect(other.get_by_text("No comments yet")).to_be_visible()
    expect(other.get_by_text("Only I can see this yet.")).to_have_count(0)
    expect(other.get_by_role("button", pressed=True)).to_have_count(0)
    assert stan.asked("mine") == []


def test_nothing_is_stored_before_the_reader_acts(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    button(page, "Yes").hover()
    page.get_by_role("textbox", name="Your comment").fill("not sent yet")
    assert page.evaluate("Object.keys(localStorage)") == []
    assert rae.asked("mine") == []
    button(page, "Yes").click()
    page.wait_for_function("events.at(-1)[0] === 'vote'")
    assert re.fullmatch(r"[\w-]{22}", page.evaluate(f"localStorage.getItem('{STORED}')"))
    assert page.evaluate("Object.keys(localStorage)") == [STORED]
    assert rae.context.cookies() == []


def test_a_comment_is_published_at_once_where_the_site_looks_afterwards(place: Place, rae: Desk) -> None:
    place.settles(moderation="post")
    rae.context.clock.install()
    page = rae.opens(place.page())
    page.get_by_role("textbox", name="Your comment").focus()
    page.wait_for_timeout(100)
    rae.context.clock.fast_forward(10_000)
    write(page, "Published.", "Rae")
    says(page, "Your comment is published")
    expect(page.get_by_role("heading", name="Comments (1)")).to_be_visible()
    assert [row.state for row in place.rows(Comment)] == [State.APPROVED]
    assert events(page)["comment"]["state"] == "approved"
    # The shared answer may be some seconds old; the reader's own comment is there all the same.
    page.reload()
    expect(comment(page, "Published.")).to_be_visible()


def test_an_answer_stands_in_the_thread_of_what_it_answers(place: Place, rae: Desk) -> None:
    place.settles(moderation="post")
    for name in ("Marta", "Jonas"):
        place.reader(name).comments("neck", f"This is {name}.", name=name)
    place.settles(moderation="pre")
    page = rae.opens(place.page())
    button(page, "Reply to Marta").click()
    box = page.get_by_role("textbox", name="Your reply")
    expect(box).to_be_focused()
    button(page, "Cancel").click()
    expect(button(page, "Reply to Marta")).to_be_focused()
    button(page, "Reply to Marta").click()
    box.fill("I saw the same.")
    button(page, "Send reply").click()
    thread = page.get_by_role("listitem").filter(has_text="This is Marta.").first
    expect(thread.get_by_role("listitem").filter(has_text="I saw the same.")).to_be_focused() if False else None
    expect(thread.get_by_role("article").last).to_be_focused()
    expect(thread.get_by_role("article").last).to_contain_text("I saw the same.")
    expect(box).to_have_count(0)
    page.reload()
    expect(thread.get_by_role("article").last).to_contain_text("Waiting for moderation")


def test_more_comments_and_more_answers_come_when_asked_for(place: Place, rae: Desk) -> None:
    place.settles(moderation="post")
    rita = place.reader("rita")
    first = rita.comments("neck", "Comment 1.").json["comment"]["id"]
    for number in range(1, 6):
        rita.comments("neck", f"Answer {number}.", parent=first)
    for number in range(2, 24):
        rita.comments("neck", f"Comment {number}.")
    page = rae.opens(place.page())
    expect(page.get_by_role("heading", name="Comments (28)")).to_be_visible()
    comments = page.get_by_role("article").filter(has_text=re.compile(r"^A reader"))
    expect(comments).to_have_count(20)
    button(page, "Show more comments").click()
    expect(button(page, "Show more comments")).to_have_count(0)
    expect(comments).to_have_count(20 + 3 + 3)
    expect(comments.nth(20)).to_be_focused()
    button(page, "Show more replies").click()
    expect(comments).to_have_count(28)
    expect(comments.nth(26)).to_be_focused()
    expect(comments.last).to_contain_text("Answer 5.")


def test_a_field_that_is_refused_says_so_beside_it(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    page = rae.opens(place.page())
    write(page, "Fine.", "n" * 81)
    name = page.get_by_role("textbox", name="Your name (optional)")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(re.compile("too long: at most 80"))
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Fine.")
    name.fill("Rae")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    button(page, "Send comment").click()
    says(page, "waits for moderation")


def test_the_counter_shows_near_the_limit(place: Place, rae: Desk) -> None:
    place.settles(max_chars=100)
    page = rae.opens(place.page())
    box = page.get_by_role("textbox", name="Your comment")
    box.press_sequentially("a" * 10)
    expect(box).not_to_have_accessible_description(re.compile("characters"))
    box.fill("é" * 90 + "  ")
    expect(box).to_have_accessible_description(re.compile("10 characters left"))
    box.fill("👩‍⚕️" * 30)
    expect(box).to_have_accessible_description(re.compile("20 characters too many"))


def test_machines_that_fill_in_everything_are_caught(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    expect(page.get_by_role("textbox", name="Website")).to_have_count(0)
    page.get_by_label("Website").fill("https://spam.example", force=True)
    write(page, "Buy now.")
    says(page, "waits for moderation")  # told as everybody is
    (row,) = place.rows(Comment)
    assert (row.state, row.held_for) == (State.SPAM, ["honeypot"])


def test_closed_comments_say_so(place: Place, rae: Desk) -> None:
    place.registers()
    place.closes()
    page = rae.opens(place.page())
    expect(page.get_by_text("Comments are closed here.")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)


# What a hostile answer could hold

ALLOWED = {"P", "BR", "EM", "STRONG", "CODE", "PRE", "BLOCKQUOTE", "UL", "OL", "LI", "A"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<p onclick="alert(1)" style="position:fixed">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href="&#39;https://x">x</a>',
    '<a href="https://x" onmouseover="alert(1)">x</a>',
    '<a title="&quot;><script>alert(1)</script>" href="https://example.org/?a=1&amp;b=2">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<p><template><b>x",
    "</p></div></article><style>*{display:none}</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<P><IMG SRC=x>",
    "<" * 2_000,
    "<blockquote>" * 1_000 + "deep" + "</blockquote>" * 1_000,
    '<a href="' * 1_000,
]
LOOK = """(element) => [...element.shadowRoot.querySelectorAll("article > :nth-child(2)")].map((text) => ({
  tags: [...text.querySelectorAll("*")].map((node) => node.tagName),
  attributes: [...text.querySelectorAll("*")].flatMap((node) => node.getAttributeNames()),
  links: [...text.querySelectorAll("a[href]")].map((node) => node.href),
  text: text.textContent,
}))"""


def test_hostile_html_is_shown_as_text_or_not_at_all(place: Place, rae: Desk) -> None:
    corpus = Path(__file__).parents[3] / "shared/corpora/public_xss.json"
    more = [each["s"] for each in json.loads(corpus.read_text())] if corpus.exists() else []
    page = rae.opens(place.page())
    dialogs: list[Any] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    answer = place.reader().reads("neck").json
    answer["comments"]["items"] = [
        {
            "id": str(at),
            "parent": None,
            "name": html[:80],
            "html": html,
            "created": "2026-05-04T09:00:00Z",
            "staff": html,
        }
        for at, html in enumerate(HOSTILE + more)
    ]
    rae.context.route(
        "**/feedback?*", lambda route: route.fulfill(json=answer, headers={"Access-Control-Allow-Origin": "*"})
    )
    page.reload()
    page.wait_for_function("events.length > 0")
    shown = page.locator("article-feedback").evaluate(LOOK)
    assert len(shown) == len(HOSTILE + more)
    assert {tag for each in shown for tag in each["tags"]} <= ALLOWED
    assert {name for each in shown for name in each["attributes"]} <= {"href", "rel", "title"}
    assert all(re.match("https?://|mailto:", link) for each in shown for link in each["links"])
    assert shown[0]["text"] == "<script>alert(1)</script>"
    assert shown[7]["links"] == ["https://example.org/?a=1&b=2"]
    assert shown[12]["text"] == "<script>alert(1)</script>"
    assert dialogs == []


# When things go wrong


def test_a_lost_connection_keeps_the_vote_and_the_text_and_tries_again(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    page = rae.opens(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    page.get_by_role("textbox", name="Your comment").focus()
    button(page, "Yes").hover()
    page.wait_for_load_state("networkidle")
    rae.context.set_offline(True)
    button(page, "Yes").click()
    says(page, "The connection was lost")
    expect(pressed(page, "Yes")).to_be_visible()
    write(page, "Kept.", "Rae")
    failure = page.get_by_text("The connection was lost").last
    expect(failure).to_be_focused()
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Kept.")
    assert place.rows(Vote) == place.rows(Comment) == []

    rae.context.set_offline(False)
    button(page, "Try again").first.click()
    says(page, "glad it helped")
    page.wait_for_function("events.at(-1)[0] === 'vote'")
    button(page, "Try again").click()
    expect(comment(page, "Kept.")).to_contain_text("Waiting for moderation")
    assert [vote.value for vote in place.rows(Vote)] == ["yes"]


def test_a_comment_whose_answer_was_lost_is_not_doubled_by_trying_again(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    page = rae.opens(place.page())

    def lose(route: Route) -> None:
        route.fetch()  # it arrives
        route.abort()  # and nobody hears of it

    rae.context.route("**/comments", lose)
    write(page, "Once.")
    expect(button(page, "Try again")).to_be_visible()
    rae.context.unroute("**/comments")
    button(page, "Try again").click()
    expect(comment(page, "Once.")).to_contain_text("Waiting for moderation")
    assert [row.source for row in place.rows(Comment)] == ["Once."]


def test_comments_that_could_not_be_loaded_can_be_asked_for_again(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    rae.context.route("**/feedback?*", lambda route: route.abort())
    page = rae.opens(place.page())
    expect(page.get_by_text("The comments could not be loaded.")).to_be_visible()
    assert events(page)["error"] == {"site": place.slug, "article": "neck", "during": "load", "status": 0}
    button(page, "Yes").click()  # needs no comments
    page.wait_for_function("events.at(-1)[0] === 'vote'")
    rae.context.unroute("**/feedback?*")
    button(page, "Try again").click()
    expect(page.get_by_text("No comments yet")).to_be_visible()
    expect(pressed(page, "Yes")).to_be_visible()


def test_the_second_script_is_asked_for_again_after_a_failure(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    rae.context.route("**/widget-more.js*", lambda route: route.abort())
    page = rae.opens(place.page())
    write(page, "Patience.")
    expect(page.get_by_text("The connection was lost")).to_be_visible()
    rae.context.unroute("**/widget-more.js*")
    button(page, "Send comment").click()
    expect(comment(page, "Patience.")).to_contain_text("Waiting for moderation")


def test_too_many_at_once_says_when_to_come_back(place: Place, rae: Desk) -> None:
    rae.expects(LOAD_REFUSED)
    headers = {
        "Access-Control-Allow-Origin": place.press.origin,
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": "3600",
    }
    rae.context.clock.install(time="2026-05-04T09:00:00Z")
    rae.context.route(
        "**/comments", lambda route: route.fulfill(status=429, json={"detail": "Slowly."}, headers=headers)
    )
    page = rae.opens(place.page())
    write(page, "Again and again.")
    expect(page.get_by_text(re.compile(r"Please try again after \d\d:01\."))).to_be_focused()
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Again and again.")
    assert events(page)["error"]["status"] == 429


def test_a_page_whose_origin_is_not_listed_is_told_so(place: Place, rae: Desk) -> None:
    rae.expects("is not on the list")
    place.settles(origins=["https://elsewhere.example"])
    page = rae.opens(place.page())
    expect(page.get_by_text(f"This page ({place.press.origin}) is not on the list")).to_be_visible()
    expect(button(page, "Yes")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert any(line.startswith("warning: <article-feedback>") and place.slug in line for line in rae.reports)


def test_it_works_where_storage_is_refused(place: Place, rae: Desk) -> None:
    rae.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    page = rae.opens(place.page())
    button(page, "Yes").click()
    write(page, "Without storage.")
    expect(comment(page, "Without storage.")).to_contain_text("Waiting for moderation")
    (row,), (vote,) = place.rows(Comment), place.rows(Vote)
    assert row.reader == vote.reader


# The element


def test_nothing_is_requested_until_it_nears_the_viewport(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page(lines=60))
    page.wait_for_load_state("networkidle")
    assert rae.asked("api/") == []
    button(page, "Yes").scroll_into_view_if_needed()
    expect(page.get_by_text("No comments yet")).to_be_attached()
    assert len(rae.asked("api/")) == 1


def test_it_loads_at_once_where_lazy_is_off(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page(lines=60, attributes='lazy="off"'))
    expect(page.get_by_text("No comments yet")).to_be_attached()
    assert page.evaluate("scrollY") == 0


def test_a_changed_attribute_shows_the_other_article_and_no_late_answer(place: Place, rae: Desk) -> None:
    place.settles(moderation="post")
    place.reader().comments("neck", "About necks.")
    place.reader().comments("back", "About backs.")
    held: list[Route] = []
    rae.context.route("**/feedback?article=neck", lambda route: held.append(route))
    page = rae.opens(place.page())
    page.wait_for_timeout(100)
    widget = page.locator("article-feedback")
    for article in (*"abcdefghi", "back"):
        widget.evaluate("(element, article) => element.setAttribute('article', article)", article)
    expect(comment(page, "About backs.")).to_be_visible()
    for route in held:
        route.continue_()
    page.wait_for_timeout(200)
    expect(page.get_by_text("About necks.")).to_have_count(0)
    expect(comment(page, "About backs.")).to_be_visible()
    assert len(rae.asked("feedback?")) == 2  # attributes set one after the other are answered together
    assert [name for name, _ in page.evaluate("events")] == ["ready"]


def test_a_removed_element_falls_silent_and_starts_again_when_it_returns(place: Place, rae: Desk) -> None:
    held: list[Route] = []
    rae.context.route("**/feedback?*", lambda route: held.append(route))
    page = rae.opens(place.page())
    page.wait_for_timeout(100)
    page.evaluate("window.kept = document.querySelector('article-feedback'); kept.remove()")
    assert len(held) == 1
    rae.context.unroute("**/feedback?*")
    page.wait_for_timeout(200)
    assert page.evaluate("events") == []
    page.evaluate("document.querySelector('main').append(kept)")
    expect(page.get_by_text("No comments yet")).to_be_visible()


def test_several_elements_share_one_script_and_one_question(place: Place, rae: Desk) -> None:
    place.registers()
    page = rae.opens(
        place.page(
            attributes='show="vote comments"',
            after=f'<article-feedback site="{place.slug}" article="neck" show="byline share print"></article-feedback>'
            f'<script async src="{place.service}/widget.js"></script>',
        )
    )
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    expect(page.get_by_text("Reviewed by Rex Adeyemi")).to_be_visible()
    expect(page.get_by_text("No comments yet")).to_be_visible()
    assert len(rae.asked("feedback?")) == len(rae.asked("widget-more.js")) == 1


def test_share_copies_the_address_and_print_prints(place: Place, person: Callable[..., Desk]) -> None:
    rae = person(permissions=["clipboard-read", "clipboard-write"])
    place.registers()
    page = rae.opens(place.page(attributes='show="byline share print"'))
    page.evaluate("window.printed = 0; window.print = () => { printed++ }; delete Navigator.prototype.share")
    button(page, "Share this post").click()
    says(page, "The link was copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    button(page, "Print").click()
    assert page.evaluate("printed") == 1
    expect(page.get_by_role("group", name="Did this article help you?")).to_have_count(0)


@pytest.mark.parametrize(
    ("head", "key"),
    [
        ("", "/page"),
        ('<link rel="canonical" href="/neck-pain?page=2#part">', "/neck-pain?page=2"),
        ('<link rel="canonical" href="/caf%c3%a9/%7Erae/ü">', "/caf%C3%A9/~rae/%C3%BC"),
    ],
)
def test_an_article_without_a_key_is_known_by_its_canonical_address(
    place: Place, rae: Desk, head: str, key: str
) -> None:
    page = rae.opens(place.page(article=None, head=head))
    page.wait_for_function("events.length > 0")
    assert events(page)["ready"]["article"] == key


@pytest.mark.parametrize(
    ("head", "attributes", "revision"),
    [
        ("", "", ""),
        ("", 'revision="third edition"', "third edition"),
        ('<meta property="article:modified_time" content="2026-10-01T08:00:00Z">', "", "2026-10-01T08:00:00Z"),
        (
            '<script type="application/ld+json">{"@graph": [{"@type": "WebPage"}, {"@type": "Article", '
            '"dateModified" : "2026-09-30"}]}</script>',
            "",
            "2026-09-30",
        ),
    ],
)
def test_a_vote_says_which_revision_it_is_about(
    place: Place, rae: Desk, head: str, attributes: str, revision: str
) -> None:
    page = rae.opens(place.page(head=head, attributes=attributes))
    button(page, "Yes").click()
    page.wait_for_function("events.at(-1)[0] === 'vote'")
    assert [vote.revision for vote in place.rows(Vote)] == [revision]


def test_events_tell_the_page_what_happened(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    button(page, "No").click()
    write(page, "Told.")
    says(page, "waits for moderation")
    told = events(page)
    where = {"site": place.slug, "article": "neck"}
    assert told["ready"] == where | {"votes": {"yes": 0, "no": 0, "total": 0}, "comments": 0}
    votes = {"yes": 0, "no": 1, "total": 1}
    assert told["vote"] == where | {"value": "no", "reason": None, "section": None, "revision": None, "votes": votes}
    assert told["comment"] == where | {"id": told["comment"]["id"], "parent": None, "state": "pending"}


# Access, looks, weight


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(place: Place, person: Callable[..., Desk], scheme: str) -> None:
    place.settles(moderation="post")
    place.registers()
    place.reader().comments("neck", "A comment with a [link](https://example.org).\n\n> and\n\n    code", name="Marta")
    place.settles(moderation="pre")
    rae = person(color_scheme=scheme, viewport={"width": 390, "height": 800})
    rae.expects(LOAD_REFUSED)
    page = rae.opens(place.page(attributes='show="byline share print vote comments"'))
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    assert axe(page) == []
    button(page, "No").click()
    button(page, "Out of date").click()
    button(page, "Reply to Marta").click()
    page.get_by_role("textbox", name="Your reply").fill("x")
    page.get_by_role("textbox", name="Your name (optional)").last.fill("n" * 81)
    button(page, "Send reply").click()
    expect(page.get_by_text("too long")).to_be_visible()
    assert axe(page) == []
    button(page, "Cancel").click()
    write(page, "Waits.")
    says(page, "waits for moderation")
    assert axe(page) == []


def test_the_keyboard_alone_does_everything(place: Place, rae: Desk) -> None:
    page = rae.opens(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()

    def tab_to(target: Locator) -> None:
        for _ in range(30):
            if target.evaluate("(node) => node.getRootNode().activeElement === node"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"the Tab key does not lead to {target}")

    tab_to(button(page, "No"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="What was the problem?").first).to_be_focused()
    tab_to(button(page, "Out of date"))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("combobox"))
    page.keyboard.press("ArrowDown")
    tab_to(page.get_by_role("textbox", name="A note to the author"))
    page.keyboard.type("By keyboard.")
    tab_to(button(page, "Send note"))
    page.keyboard.press("Enter")
    says(page, "Your note was sent")
    tab_to(page.get_by_role("textbox", name="Your comment"))
    page.keyboard.type("Typed.")
    tab_to(page.get_by_role("textbox", name="Your name (optional)"))
    page.keyboard.type("Rae")
    page.keyboard.press("Enter")
    says(page, "waits for moderation")
    expect(comment(page, "Typed.")).to_be_focused()
    (vote,) = place.rows(Vote)
    assert (vote.reason, vote.section, vote.note) == ("outdated", "what-it-is", "By keyboard.")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_scrolls_sideways_and_targets_are_large_enough(
    place: Place, person: Callable[..., Desk], width: int
) -> None:
    place.settles(moderation="post")
    place.reader().comments("neck", "`" + "a" * 300 + "` https://example.org/" + "b" * 300, name="n" * 80)
    rae = person(viewport={"width": width, "height": 800})
    page = rae.opens(place.page(attributes='show="share print vote comments"'))
    button(page, "No").click()
    page.get_by_role("button", name="Reply to").click()
    expect(page.get_by_role("textbox", name="Your reply")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    boxes = [each.bounding_box() for each in page.get_by_role("button").or_(page.get_by_role("textbox")).all()]
    assert all(box and box["width"] >= 24 and box["height"] >= 24 for box in boxes)


def test_the_page_does_not_move_when_comments_arrive(place: Place, rae: Desk) -> None:
    place.settles(moderation="post")
    for number in range(5):
        place.reader().comments("neck", f"Comment {number}.\n\n" + "words " * 80)
    page = rae.opens(place.page(lines=20, after="<p>What follows the widget.</p>"))
    for _ in range(40):
        page.mouse.wheel(0, 150)
        page.wait_for_timeout(20)
    expect(comment(page, "Comment 4.")).to_be_attached()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []


def test_a_hostile_style_sheet_does_not_reach_it(place: Place, rae: Desk) -> None:
    style = (
        "<style>* { all: unset !important } button, p, fieldset { display: none !important }"
        "body { text-transform: uppercase; letter-spacing: 1em; visibility: visible; color: red }</style>"
    )
    page = rae.opens(place.page(head=style, strict=False))
    button(page, "No").click()
    looks = button(page, "Yes").evaluate(
        "(node) => { const style = getComputedStyle(node);"
        "return [style.display, style.textTransform, style.letterSpacing, style.cursor] }"
    )
    assert looks == ["block", "none", "normal", "pointer"]
    expect(page.get_by_role("combobox", name="Which part of the article?")).to_be_visible()


@pytest.mark.parametrize(
    ("theme", "scheme", "dark"),
    [("auto", "light", False), ("auto", "dark", True), ("light", "dark", False), ("dark", "light", True)],
)
def test_the_theme_follows_the_attribute_or_the_reader(
    place: Place, person: Callable[..., Desk], theme: str, scheme: str, dark: bool
) -> None:
    rae = person(color_scheme=scheme)
    page = rae.opens(place.page(attributes=f'theme="{theme}"'))
    paint = "(element) => getComputedStyle(element.shadowRoot.firstElementChild).backgroundColor"
    red = int(re.findall(r"\d+", page.locator("article-feedback").evaluate(paint))[0])
    assert (red < 128) is dark


def test_publishers_can_colour_it(place: Place, rae: Desk) -> None:
    style = (
        "<style>article-feedback { --feedback-accent: rgb(120, 0, 120); --feedback-radius: 0 }"
        "article-feedback::part(heading) { color: rgb(0, 0, 200) }</style>"
    )
    page = rae.opens(place.page(head=style, strict=False))
    button(page, "Yes").click()
    colour = "(node, name) => getComputedStyle(node)[name]"
    assert pressed(page, "Yes").evaluate(colour, "backgroundColor") == "rgb(120, 0, 120)"
    assert page.get_by_role("heading", name="Leave a comment").evaluate(colour, "color") == "rgb(0, 0, 200)"


@pytest.mark.parametrize(("name", "budget"), [("widget.js", FIRST_BUDGET), ("widget-more.js", REST_BUDGET)])
def test_a_script_stays_within_its_budget(name: str, budget: int) -> None:
    minified = jsmin((STATIC / name).read_text("utf-8")).encode()
    assert len(brotli.compress(minified, quality=11)) <= budget


def test_the_script_needs_none_of_what_strict_policies_forbid() -> None:
    source = "".join((STATIC / name).read_text("utf-8") for name in ("widget.js", "widget-more.js"))
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|\beval\b|new Function|\.cookie|document\.write"
    assert re.findall(forbidden, source) == []
