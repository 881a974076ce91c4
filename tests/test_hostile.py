"""No string becomes more than text: not where it is typed, nor where it is shown to readers, staff or machines."""

import csv
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email import message_from_bytes, policy
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID
from xml.etree import ElementTree

import pytest
from flask_security.utils import hash_password
from sqlalchemy import select

from feedback import alarms, articles, clock, create_app, digests, mail
from feedback.db import db, dispose, transact
from feedback.models import (
    Comment,
    Contributor,
    Digest,
    Pace,
    Revision,
    Role,
    Site,
    State,
    Tally,
    User,
    Vote,
    Webhook,
)
from feedback.notices import Kind, Notice
from feedback.views import letters, spreadsheet
from tests.allowlist import violations
from tests.cast import CSRF, KEY, ORIGIN, PASSWORD, SIGN_IN, SLUG, Client, hire
from tests.conftest import fresh_database, settings
from tests.hostile import OWN, packed, read
from tests.hostile_house import RAE, TOGETHER, House, Shelf

ATOM = "{http://www.w3.org/2005/Atom}"
NOTICE = UUID(int=7)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Our own strings: on SQLite each has an article to itself, on PostgreSQL several share one."""
    folder = tmp_path_factory.mktemp("house")
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("sqlite_template"), folder / "feedback.sqlite3")
        yield from build(folder, f"sqlite:///{path}", OWN, 1)
    else:
        template = request.getfixturevalue("postgres_template")
        for url in fresh_database(request.getfixturevalue("postgres"), template):
            yield from build(folder, url, OWN, TOGETHER)


def build(
    folder: Path, url: str, strings: Sequence[str], together: int, *, slug: str = SLUG, origin: str = ORIGIN
) -> Iterator[House]:
    app = create_app(settings(folder, url, public_url="http://localhost"))
    app.testing, app.test_client_class = True, Client
    with app.app_context():
        site = transact(articles.add_site, slug, origins=[origin], name="Quiet Health", now=clock.now())
        password = hash_password(PASSWORD)
    yield House(app, site, hire(app, app.test_client, site, "Ada", Role.ADMINISTRATOR, password), strings, together)
    dispose(app)


@pytest.fixture(scope="module")
def desk(house: House) -> Any:
    """A browser of Ada's, who may open every page, and in which Rae has written before."""
    client = house.ada.signs_in()
    client.set_cookie("feedback_reader", RAE, path="/f/")
    return client


def said(client: Any, path: str | None) -> str:
    """Return what a page and those that follow it say."""
    told: list[str] = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        page = read(answer.text)
        told.append(page.text)
        path = page.following
    return "\n".join(told)


# Pages


def test_every_page_about_an_article_shows_texts_as_texts(house, desk):
    for shelf in house.shelves:
        house.settle(shelf)
        for path, texts in house.pages(shelf).items():
            page = said(desk, path)
            assert [each for each in texts if each not in page] == [], path


def test_every_list_shows_texts_as_texts(house, desk):
    for path, texts in house.lists().items():
        page = said(desk, path)
        assert [each for each in texts if each not in page] == [], path


# Machines and letters


class Doors:
    """What holds in every house at doors other than those of pages."""

    def test_the_api_gives_clean_html_and_plain_text(self, house):
        for shelf in house.shelves:
            house.settle(shelf)
            answer = house.app.test_client().get(f"/api/v1/{house.site.slug}/feedback?sort=oldest&{about(shelf)}")
            assert answer.mimetype == "application/json"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            found, items = answer.json["settings"], answer.json["comments"]["items"]
            assert [violations(item["html"]) for item in items] == [[]] * len(shelf.comments)
            assert [item["name"] or "" for item in items] == shelf.names
            assert answer.json["article"]["title"] == shelf.title
            assert [reason["label"] for reason in found["reasons"]][: len(shelf.labels)] == shelf.labels
            assert [found[name] for name in ("question", "guidelines", "notice")] == list(shelf.words.values())[1:]
            given = house.ada.gets("/queue", state="approved", article=shelf.key).json["items"]
            assert [item["html"] for item in given] == [item["html"] for item in items]

    def test_feeds_are_xml_whose_content_is_clean(self, house):
        for shelf in house.shelves:
            answer = house.app.test_client().get(f"/feeds/{house.site.slug}/article.atom?{about(shelf)}")
            assert answer.mimetype == "application/atom+xml"
            entries = ElementTree.fromstring(answer.data).findall(f"{ATOM}entry")
            assert [violations(entry.findtext(f"{ATOM}content")) for entry in entries] == [[]] * len(shelf.comments)
            names = [name or "A reader" for name in reversed(shelf.names)]
            assert [entry.findtext(f"{ATOM}author/{ATOM}name") for entry in entries] == names
            assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
                f"{name} on {shelf.title}" for name in names
            ]
        assert house.app.test_client().get(f"/feeds/{house.site.slug}.atom").status_code == 200

    def test_no_cell_of_a_spreadsheet_is_a_formula(self, house, desk):
        bodies = [body for shelf in house.shelves for body in shelf.bodies]
        comments = cells(desk, "/moderation/comments.csv?state=approved")
        names = [name for shelf in house.shelves for name in shelf.names]
        assert sorted(each["text"] for each in comments) == sorted(map(quoted, bodies))
        assert sorted(each["name"] for each in comments) == sorted(map(quoted, names))
        listed = cells(desk, f"/articles/{house.site.slug}/articles.csv")
        assert {each["title"] for each in listed} >= {quoted(shelf.title) for shelf in house.shelves}
        for shelf in house.shelves:
            figures = cells(desk, f"/articles/{house.site.slug}/figures.csv?{about(shelf)}")
            notes = [each["text"] for each in figures if each["figure"] == "note"]
            assert sorted(notes) == sorted(quoted(note) for note in shelf.notes if note)
            sections = {each["code"] for each in figures if each["figure"] == "section"}
            assert sections == {quoted(section) for section in shelf.sections if section}

    def test_letters_say_names_as_they_are_and_have_no_header_of_their_own(self, house):
        # What readers are told greets nobody by name; test_subscriptions.py has hostile replies in it.
        for kind in letters.LETTERS.keys() - {Kind.CONFIRM, Kind.REPLIES, Kind.REJECTED}:
            usual = letter(house, kind, "Plain words", "Plain words", house.shelves[0]).keys()
            for shelf in house.shelves:
                # Longer than names are, so that every string needs no letter of its own.
                name = ", ".join(shelf.people)
                message = letter(house, kind, name, shelf.words["name"], shelf)
                assert message.keys() == usual, name
                assert f"Hello {name}," in read(message.get_body(("html",)).get_content()).text


class TestOwnStrings(Doors):
    """Ours, in every field."""


def cells(client: Any, path: str) -> list[dict[str, str]]:
    """Download a table; no row has other cells than its header, and none is taken for a formula."""
    answer = client.get(path, buffered=True)
    assert answer.mimetype == "text/csv"
    header, *rows = csv.reader(StringIO(answer.text.removeprefix("\ufeff"), newline=""))
    texts = ("name", "text", "title", "code", "article")
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert not [row for row in found for name in texts if row.get(name, "").startswith(spreadsheet.FORMULA)]
    return found


def quoted(text: str) -> str:
    return f"'{text}" if text.startswith(tuple("=+-@\t\r")) else text


def about(shelf: Shelf) -> str:
    return urlencode({"article": shelf.key})


def letter(house: House, kind: Kind, name: str, site_name: str, shelf: Shelf) -> Any:
    """Return the letter to somebody of that name, from a site of that name, as its receiver reads it."""
    with house.app.app_context(), db.session.no_autoflush:
        # In the browser's house a server writes too: a transaction that begins to write only later would be refused.
        db.session.connection(execution_options={"immediate": True})
        user, site = db.session.get(User, house.ada.id), db.session.get(Site, house.site.id)
        about = occasion(user, site, shelf)
        # Never stored: whoever writes the letter finds the same objects in the session.
        user.name, site.name = name, site_name
        user.password = None if kind is Kind.INVITATION else user.password
        written = letters.write(Notice(NOTICE, kind, about, 1))
        db.session.rollback()
    composed = mail.compose(written, sender="feedback@example.org", notice_id=NOTICE, now=clock.now())
    return message_from_bytes(composed.as_bytes(), policy=policy.default)


def occasion(user: User, site: Site, shelf: Shelf) -> dict[str, str]:
    """Let there be something to tell of every kind, about a shelf's article, and return what a notice says of it."""
    now, article = clock.now(), articles.get(site.id, shelf.key)
    end = now + timedelta(days=2)  # of a week in which all of it was said
    db.session.scalars(select(Comment).where(Comment.article_id == article.id).limit(1)).one().state = State.PENDING
    db.session.scalars(select(Vote).where(Vote.article_id == article.id).limit(1)).one().reason = alarms.UNSAFE
    hook = Webhook(site_id=site.id, url=f"{ORIGIN}/hook", events=[], sealed_secret=b"", off=now, created=now)
    wish = Digest(user_id=user.id, site_id=site.id, pace=Pace.HOURLY, told=digests.BEGINNING, weekly_told=end)
    byline = Contributor(article_id=article.id, role=Role.AUTHOR, name="Ada", user_id=user.id)
    edit = Revision(
        article_id=article.id, label="Newest", registered=True, first_seen=end, note=next(iter(shelf.changes), None)
    )
    edit.baseline_yes = edit.baseline_votes = 100
    tally = Tally(article_id=article.id, revision=edit.label, day=now.date(), no=20)
    db.session.add_all((hook, wish, byline, edit, tally))
    db.session.flush()
    ids = {"user": user.id.hex, "site": site.id.hex, "article": article.id.hex, "webhook": hook.id.hex}
    begin = digests.BEGINNING.isoformat()
    return ids | {"after": begin, "since": begin, "until": end.isoformat(), "revision": edit.label}


def token(client: Any, path: str) -> str:
    return CSRF.search(client.get(path).text)[1]


def as_html_reads(text: str) -> str:
    """The text as a parser of HTML gives it back: a line break is one character, and a NUL is replaced."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


# What is typed, or asked for


def test_what_was_not_taken_comes_back_as_it_was_typed(house, desk):
    """Forms of readers, with a token that was not made for them, and of administrators, with mistakes in them."""
    admin = f"/admin/sites/{house.site.slug}"
    forms = {
        f"/f/{house.site.slug}/comment?article=x": ("body", "name"),
        f"/f/{house.site.slug}/vote?article=x": ("note", "section"),
        f"{admin}/settings": (
            "name",
            "origins",
            "question",
            "reasons",
            "guidelines",
            "notice",
            "lang",
            "max_chars",
        ),
        f"{admin}/new-article": ("key", "title", "url", "authors", "reviewers"),
        f"{admin}/invite": ("name", "email"),
        f"{admin}/tokens": ("name",),
        f"{admin}/text/widget.replyTo": ("say_other",),
    }
    csrf_token = token(desk, "/account/password")
    for path, names in forms.items():
        for typed in packed(house.strings, 1_000):
            fields = dict.fromkeys(names, typed) | {"csrf_token": csrf_token, "token": "theirs", "value": "no"}
            answer = desk.post(path, data=fields)
            assert answer.status_code in (403, 422), (path, typed, answer.status_code)
            assert read(answer.text).text.count(as_html_reads(typed)) >= len(names), path


ADDRESSES = (
    "/moderation/?q={}",
    "/moderation/?article={}",
    "/moderation/?held={}",
    "/moderation/?site={}",
    "/articles/?site={}",
    f"/articles/{SLUG}?article={{}}",
    f"/articles/{SLUG}?article={KEY}&from={{}}",
    f"/admin/sites/{SLUG}/articles?q={{}}",
    f"/admin/sites/{SLUG}/texts?q={{}}",
    f"/admin/sites/{SLUG}/article?article={{}}",
    f"/admin/sites/{SLUG}/invite?name={{0}}&email={{0}}&role={{0}}",
    f"/f/{SLUG}?article={{}}",
    f"/f/{SLUG}?article={KEY}&revision={{}}",
    "/account/sign-in?next={}",
    "/f/{}?article=x",
    "/articles/{}",
    "/moderation/comments/{}",
    "/admin/sites/{}/settings",
    "/feeds/{}.atom",
    "/static/{}",
    "/{}",
)


def test_what_an_address_asks_for_is_said_as_text(ada, article, client):
    browser = ada.signs_in()
    for address in ADDRESSES:
        for asked in packed(OWN, 200):
            path = address.format(quote(asked, safe=""))
            answer = (client if path.startswith("/account") else browser).get(path)
            assert answer.status_code < 500, path
            if answer.mimetype == "text/html" and answer.status_code not in (302, 303, 308):
                read(answer.text)


def test_a_sign_in_that_fails_says_the_address_as_it_was_typed(client):
    csrf_token = token(client, SIGN_IN)
    for typed in packed(OWN, 2_000):
        fields = {"csrf_token": csrf_token, "email": typed, "password": typed}
        answer = client.post(SIGN_IN, data=fields, headers={"Referer": f"http://localhost{SIGN_IN}"})
        assert answer.status_code == 422
        assert typed.split()[0].replace("\0", "").lower() in read(answer.text).text


def test_a_problem_is_json_whatever_it_speaks_of(client, article):
    for text in packed(OWN, 200):
        for answer in (
            client.get(f"/api/v1/{quote(text.replace('/', ''), safe='')}/feedback", query_string={"article": text}),
            client.get(f"/api/v1/{SLUG}/feedback", query_string={"article": KEY, "sort": text}),
            client.post(f"/api/v1/{SLUG}/vote", data={text: text}, headers={"Origin": ascii(text)}),
        ):
            assert 400 <= answer.status_code < 500
            assert answer.mimetype == "application/problem+json"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_about_the_api_takes_no_host_from_a_stranger(client):
    assert read(client.get("/api/").text).text
    for host in ('"><script>alert(1)</script>', "elsewhere.test", "localhost<img src=x>"):
        assert client.get("/api/", headers={"Host": host}).status_code == 400
