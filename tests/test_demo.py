"""The demo as a stranger starts it: a real process, two origins, two months of readers, and nothing left behind."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest
from flask import Flask
from sqlalchemy import select

from feedback import articles, create_app, outline, stats
from feedback.db import db, dispose
from feedback.demo import PASSWORD
from feedback.demo.seed import outlines, seed
from feedback.demo.site import MAIN, SLUG, create_site, pages, policy
from feedback.demo.voices import AFTER, BEFORE, COMMENTS, ELSEWHERE
from feedback.demo.world import CAST, dates
from feedback.models import Comment, Decision, ReasonTally, Revision, State, Tally, Vote
from tests.conftest import settings
from tests.demo import START_SECONDS, Demo, command, free_port, running, start

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
SERVICE = "http://feedback.test"
SITE = "http://articles.test"
KEYS = sorted(page.key for page in pages(SITE, dates(NOW.date())))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("demo")) as started:
        yield started


def get(url: str) -> tuple[str, Any]:
    with urlopen(url, timeout=10) as answer:
        return answer.read().decode(), answer.headers


def ask_file(demo: Demo, query: str) -> list[tuple[Any, ...]]:
    (path,) = demo.temporary.glob("feedback-demo-*/feedback.sqlite3")
    with closing(sqlite3.connect(path)) as file:
        return list(file.execute(query))


def test_it_says_where_everything_is_and_who_can_sign_in(demo: Demo) -> None:
    for key in KEYS:
        assert f"{demo.site}/{key}\n" in demo.said
    for room in ("Queue", "My articles", "Sign in"):
        assert re.search(rf"{room} +{demo.service}/\S+\n", demo.said)
    assert PASSWORD in demo.said
    for account in CAST:
        assert re.search(rf"{account.name} +{account.email}", demo.said)


@pytest.mark.parametrize("account", CAST, ids=lambda account: account.name)
def test_everybody_it_names_can_sign_in(demo: Demo, account: Any) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = re.findall(r"http://\S+/sign-in", demo.said)[0]
    form = browser.open(page, timeout=10).read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token
    fields = {"csrf_token": token[1], "email": account.email, "password": PASSWORD}
    landed = browser.open(Request(page, urlencode(fields).encode(), {"Referer": page}), timeout=10)
    assert landed.status == 200
    assert account.email in landed.read().decode()


@pytest.mark.parametrize("path", ["", *KEYS])
def test_its_pages_allow_scripts_of_the_service_alone(demo: Demo, path: str) -> None:
    body, headers = get(f"{demo.site}/{path}")
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'self'; script-src {demo.service}; connect-src {demo.service}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert "sample text" in body


def test_its_front_page_lists_the_articles(demo: Demo) -> None:
    body, _ = get(f"{demo.site}/")
    assert re.findall(r'<h2><a href="/([^"]+)">', body) == [MAIN, *(key for key in KEYS[::-1] if key != MAIN)]


def test_a_page_that_is_not_there_says_so(demo: Demo) -> None:
    with pytest.raises(HTTPError, match="404"):
        get(f"{demo.site}/no-such-article")


def test_the_service_has_votes_and_comments_of_its_readers(demo: Demo) -> None:
    body, headers = get(f"{demo.service}/api/v1/{SLUG}/feedback?article={MAIN}")
    summary = json.loads(body)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert 300 <= summary["votes"]["total"] <= 600
    assert summary["comments"]["total"] >= 10
    assert demo.site in summary["settings"]["origins"]
    people = [(person["name"], person["role"]) for person in summary["article"]["contributors"]]
    assert people == [("Ann Hollis", "author"), ("Rex Adeyemi", "reviewer")]


def test_a_reader_of_its_pages_can_vote(demo: Demo) -> None:
    fields = {"article": KEYS[1], "reader": "a" * 22, "value": "yes"}
    call = Request(f"{demo.service}/api/v1/{SLUG}/vote", urlencode(fields).encode(), {"Origin": demo.site})
    with urlopen(call, timeout=10) as answer:
        assert json.load(answer)["yours"]["value"] == "yes"


def test_it_has_comments_in_every_state_and_an_answer_of_the_staff(demo: Demo) -> None:
    found = dict(ask_file(demo, "SELECT state, count(*) FROM comment GROUP BY state"))
    assert set(found) == {state.value for state in State}
    assert sum(found.values()) == 31
    assert ask_file(demo, "SELECT staff FROM comment WHERE staff IS NOT NULL") == [("moderator",)]
    assert ask_file(demo, "SELECT sum(flags) FROM comment") == [(2,)]
    assert ask_file(demo, "SELECT name FROM comment WHERE pinned") == [("Marit",)]
    assert ask_file(demo, "SELECT name FROM comment WHERE original IS NOT NULL") == [("Farid",)]


def test_it_remembers_no_network_for_longer_than_two_days(demo: Demo) -> None:
    days = [day for (day,) in ask_file(demo, "SELECT DISTINCT day FROM vote WHERE network IS NOT NULL")]
    assert len(days) <= 3  # midnight may pass while the tests run
    assert len(ask_file(demo, "SELECT day FROM network_key")) <= 3


@pytest.mark.parametrize("taken", [0, 1], ids=["its own", "the articles'"])
def test_a_port_that_is_taken_is_one_clear_line(taken: int) -> None:
    port = free_port()
    with closing(socket.create_server(("127.0.0.1", port + taken))):
        ended = subprocess.run(command(port), capture_output=True, text=True, timeout=START_SECONDS)
    assert ended.returncode != 0
    assert ended.stderr.splitlines() == [
        f"feedback: Port {port + taken} cannot be used (Address already in use). Choose another with --port."
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_too_and_leave_nothing(tmp_path: Path, number: signal.Signals) -> None:
    demo = start(tmp_path)
    assert demo.stop(number) == 0
    assert demo.process.stdout is not None
    demo.process.stdout.close()
    assert not list(tmp_path.iterdir())
    wait_until_free(demo.port)
    wait_until_free(demo.port + 1)


def test_stopping_it_while_it_fills_leaves_nothing(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path)})
    deadline = time.monotonic() + START_SECONDS
    while not list(tmp_path.glob("*/feedback.sqlite3")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(START_SECONDS) == 0
    assert not list(tmp_path.iterdir())


def wait_until_free(port: int) -> None:
    """Wait until nobody listens there any more: the last process may outlive the first by a moment."""
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline, f"somebody still listens on {port}"
        time.sleep(0.05)


# The readers


def fill(app: Flask, number: int) -> None:
    with app.app_context():
        seed(pages(SITE, dates(NOW.date())), origins=[SITE], password_hash="!", now=NOW, number=number)


@pytest.fixture
def figures(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[int], dict[str, Any]]]:
    """Seed a fresh database with a number and return all that is not random by nature."""
    made: list[Flask] = []

    def of(number: int) -> dict[str, Any]:
        path = shutil.copy(sqlite_template, tmp_path / f"{len(made)}.sqlite3")
        app = create_app(settings(tmp_path, f"sqlite:///{path}"))
        made.append(app)
        fill(app, number)
        with app.app_context():
            return {name: sorted(map(repr, db.session.execute(query))) for name, query in FIGURES.items()}

    yield of
    for app in made:
        dispose(app)


FIGURES = {
    "tallies": select(Tally.revision, Tally.day, Tally.yes, Tally.no),
    "reasons": select(ReasonTally.revision, ReasonTally.day, ReasonTally.kind, ReasonTally.code, ReasonTally.votes),
    "notes": select(Vote.note, Vote.reason, Vote.section, Vote.revision, Vote.updated).where(Vote.note.is_not(None)),
    "comments": select(Comment.name, Comment.html, Comment.state, Comment.held_for, Comment.created, Comment.decided),
    "decisions": select(Decision.who, Decision.action, Decision.from_state, Decision.to_state, Decision.at),
}


def test_the_same_number_gives_the_same_readers(figures: Callable[[int], dict[str, Any]]) -> None:
    assert figures(7) == figures(7)


def test_another_number_gives_other_readers(figures: Callable[[int], dict[str, Any]]) -> None:
    one, other = figures(7), figures(8)
    assert one["tallies"] != other["tallies"]
    assert one["notes"] != other["notes"]


def test_the_figures_of_the_articles_say_something_on_both_engines(app: Flask) -> None:
    fill(app, 2026)
    with app.app_context():
        site = articles.site(SLUG)
        found = {key: stats.article(known(site.id, key)).public() for key in KEYS}
    main = found.pop(MAIN)
    assert main["comparison"]["verdict"].startswith("likely better")
    assert min(revision["yes"] + revision["no"] for revision in main["revisions"]) > 100
    assert main["reasons"]["incomplete"] > 10
    assert main["sections"][0]["id"] == "cautions"
    assert len(main["series"]) > 50
    assert sorted(figure["votes"]["total"] for figure in found.values()) == [3, 14]
    assert sum("early" in figure["helpful"]["wording"] for figure in found.values()) == 1


def test_the_demo_shows_what_authors_can_do(app: Flask) -> None:
    fill(app, 2026)
    with app.app_context():
        shown = pages(SITE, dates(NOW.date()))
        outlines(create_site("http://service.test", shown), shown)
        main = known(articles.site(SLUG).id, MAIN)
        (burst,) = stats.bursts(main)
        assert burst.unlikely, "an administrator may set it aside"
        headings = [heading.id for heading in outline.of(main.id)]
        assert len(headings) > 5
        assert [section.id for section in stats.article(main).sections] == headings, "readers point at what is there"
        assert main.we_changed


def known(site_id: Any, key: str) -> Any:
    article = articles.get(site_id, key)
    assert article is not None
    return article


@pytest.fixture(scope="module")
def all_of(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Any], list[Any]]]:
    """Fill one database for the tests that only look, and read the first column of a select from it."""
    folder = tmp_path_factory.mktemp("filled")
    app = create_app(settings(folder, f"sqlite:///{shutil.copy(sqlite_template, folder / 'filled.sqlite3')}"))
    fill(app, 2026)

    def read(query: Any) -> list[Any]:
        with app.app_context():
            return list(db.session.execute(query).scalars())

    yield read
    dispose(app)


def test_every_comment_ends_as_it_was_written_to(all_of: Callable[[Any], list[Any]]) -> None:
    states = Counter(row.state for row in all_of(select(Comment)) if row.staff is None)
    assert states == Counter(said.fate for said in COMMENTS)


def test_what_waits_is_held_for_different_reasons(all_of: Callable[[Any], list[Any]]) -> None:
    waiting = all_of(select(Comment).where(Comment.state == State.PENDING))
    codes = {code for row in waiting for code in row.held_for}
    assert codes >= {"premoderation", "first_comment", "links", "personal", "name", "repeated", "fast"}


def test_every_decision_is_in_the_history_and_one_was_undone(all_of: Callable[[Any], list[Any]]) -> None:
    decisions = all_of(select(Decision))
    assert {decision.action for decision in decisions} == {
        "approve",
        "reject",
        "spam",
        "undo",
        "withdraw",
        "erase",
        "reply",
        "edit",
        "pin",
    }
    assert {decision.who for decision in decisions} == {"Mo Castell", "Ada Lindgren", "reader"}
    assert all(decision.reason for decision in decisions if decision.action == "reject")


def test_notes_say_nothing_that_would_find_their_readers(all_of: Callable[[Any], list[Any]]) -> None:
    notes = all_of(select(Vote.note).where(Vote.note.is_not(None)))
    assert len(notes) >= 10
    assert not [note for note in notes if "@" in note]
    assert [note for note in notes if "[removed]" in note]


def test_nothing_happens_after_now_or_before_the_first_day(all_of: Callable[[Any], list[Any]]) -> None:
    first = min(all_of(select(Revision.first_seen)))
    for moments in (Comment.created, Vote.created, Vote.updated, Decision.at):
        assert all(first <= moment <= NOW for moment in all_of(select(moments)))


# The pages


class Elements(HTMLParser):
    """Collects (tag, attributes, text) of a page's elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))

    def handle_data(self, data: str) -> None:
        if self.found:
            self.found[-1][2].append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.found if name == tag]


def article_page(key: str) -> str:
    site = create_site(SERVICE, pages(SITE, dates(NOW.date())))
    return site.test_client().get(f"/{key}").text


@pytest.mark.parametrize("key", KEYS)
def test_a_page_needs_nothing_that_its_policy_forbids(key: str) -> None:
    page = Elements(article_page(key))
    assert {script.get("src") or script.get("type") for script in page.of("script")} == {
        "application/ld+json",
        f"{SERVICE}/widget.js",
    }
    assert not page.of("style") and not page.of("img") and not page.of("iframe")
    for _tag, attributes, _text in page.found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert policy(SERVICE).startswith("default-src 'none';")


@pytest.mark.parametrize("key", KEYS)
def test_a_page_says_what_it_is(key: str) -> None:
    page, dated = Elements(article_page(key)), dates(NOW.date())[key]
    assert {"rel": "canonical", "href": f"{SITE}/{key}"} in page.of("link")
    assert {"property": "article:modified_time", "content": dated.modified.isoformat()} in page.of("meta")
    (linked,) = [text for tag, attributes, text in page.found if attributes.get("type") == "application/ld+json"]
    data = json.loads("".join(linked))
    assert data["dateModified"] == dated.modified.isoformat()
    assert data["author"]["name"] == "Ann Hollis"
    assert data["reviewedBy"]["name"]


@pytest.mark.parametrize("key", KEYS)
def test_a_page_asks_its_readers_at_the_end(key: str) -> None:
    page = Elements(article_page(key))
    elements = page.of("article-feedback")
    assert all((element["site"], element["article"]) == (SLUG, key) for element in elements)
    shown = " ".join(element["show"] or "" for element in elements).split()
    assert shown == ["byline", "share", "print", "vote", "comments"]
    assert {"href": f"{SERVICE}/f/{SLUG}?article={key}"} in page.of("a")


@pytest.mark.parametrize(("key", "least"), [(key, 800 if key == MAIN else 350) for key in KEYS])
def test_a_page_is_a_real_article(key: str, least: int) -> None:
    body = article_page(key)
    prose = re.sub(r"<[^>]+>", " ", body[body.index("<article>") : body.index("</article>")])
    assert least <= len(prose.split()) <= 1_100
    assert "Frequently asked questions" in prose
    assert "no medical advice" in prose


def test_the_sections_readers_point_at_are_headings_of_the_page() -> None:
    main, heat = Elements(article_page(MAIN)), Elements(article_page("heat-or-cold-stiff-neck"))
    for page, complaints in ((main, BEFORE + AFTER), (heat, ELSEWHERE)):
        headings = {attributes.get("id") for tag in ("h2", "h3") for attributes in page.of(tag)}
        assert {complaint.section for complaint in complaints} <= headings | {None}
