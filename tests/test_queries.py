"""No page walks through a table that grows: every statement behind every page is explained, on both engines.

The pages are asked for, all of them, and what they say to the database is listened to. The database holds so many rows
that the planner is free to choose; and what a statement really visits is measured, because an index that is read from
end to end is a scan all the same.
"""

import html
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, request, request_started
from sqlalchemy import event, insert, select

from feedback import articles, digests, moderation, notices, opaque, queue_feeds, readers, staff, stats, subscriptions
from feedback.db import db, transact, uuid7
from feedback.models import (
    Article,
    Change,
    Comment,
    Contributor,
    Decision,
    Delivery,
    Kind,
    Like,
    NoteStatus,
    Outbox,
    ReasonTally,
    Revision,
    Role,
    Site,
    SiteDay,
    Standing,
    State,
    Subscription,
    Tally,
    Token,
    User,
    Value,
    Vote,
    Webhook,
)
from feedback.views import front
from tests.cast import ORIGIN, Reader, Staff

GROWING = {"article", "change", "comment", "contributor", "decision", "erasure", "outbox", "reason_tally", "revision"}
GROWING |= {
    "alarm",
    "batch",
    "delivery",
    "flag",
    "like",
    "section",
    "site_day",
    "standing",
    "subscription",
    "tally",
    "vote",
}
# What has as many rows as a service has staff, sites, or days to remember.
BOUNDED = {"ban", "digest", "feed_token", "membership", "network_key", "recovery_code", "second_factor", "sighting"}
BOUNDED |= {"site", "token", "triage_model", "user", "webhook", "word"}

ARTICLES = 3_000  # of the site; each with a vote
THREADS = 3_000  # on one article, of which one in three is published; as many wait
REPLIES = 1_500  # in one thread
VOTERS = 3_000  # on one article, a note from one in ten
DAYS = 200  # with votes
MESSAGES = 3_000  # to one webhook; one in ten is still due
NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)

MANY = 1_000  # rows: what a page may visit. It shows 50 things, and each has a few others beside it
WORK = 100  # thousand steps of SQLite's machine, likewise


@dataclass(frozen=True)
class Walk:
    """A statement that may visit as many rows as there are: on which pages (its path and what is asked), and why."""

    page: str
    statement: str
    why: str


WALKS = (
    Walk(r".* q\b.*", r"LIKE", "a search for words reads what it searches; there is no index of words"),
    Walk(r".* held\b.*", r"LIKE", "how many are held for a reason is counted among those of the list"),
    Walk(
        r"(/moderation/|.*/queue).* article\b.*", r"count\(\*\)", "those of one article are counted in its own comments"
    ),
    Walk(
        r"(/moderation/|.*/queue).* article\b.*", r"FROM comment", "one article's comments are read to find its list's"
    ),
    Walk(r"(/moderation/|.*/queue).*", r"sum\(standing", "the numbers on the tabs add up one row an article"),
    Walk(r"/metrics.*", r"sum\(standing", "votes and comments are added up one row an article"),
    Walk(r"/moderation/comments.csv.*", r"FROM comment", "gives a whole list to a spreadsheet, 200 at a time"),
    Walk(r"/articles/\w+/articles\.(csv|json).*", r"FROM (standing|article)", "gives a whole list at once"),
    Walk(r"/admin/sites/\w+/articles.*", r"count\(\*\).* FROM article", "the list says how many articles there are"),
)


@pytest.fixture
def crowded(app: Flask, site: Site, article: Article, ann: Staff, mo: Staff, ada: Staff) -> Site:
    """Fill the tables, and return a second site on which Mo moderates too."""
    with app.app_context():
        other = articles.add_site("other", origins=[ORIGIN], now=NOW)
        for person, role in ((mo, Role.MODERATOR), (ada, Role.ADMINISTRATOR)):
            user = db.session.get_one(User, person.id)
            staff.join(user, other, role)
        for table, rows in _rows(site, other, article, ann):
            for place in range(0, len(rows), 1_000):
                db.session.execute(insert(table), rows[place : place + 1_000])
        db.session.commit()
        _analyze()
    return other


def _analyze() -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # SQLite plans without figures, as it does in an installation that nobody has tuned.
        if db.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")


def _rows(site: Site, other: Site, hot: Article, ann: Staff) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    made = [(uuid7(), (site, other)[number % 10 == 0], f"page-{number:05}") for number in range(ARTICLES)]
    yield (
        Article,
        [
            {"id": key, "site_id": of.id, "key": name, "title": f"About {name}", "url": f"{ORIGIN}/{name}",
             "registered": True, "accepts": "open", "created": NOW}
            for key, of, name in made
        ],
    )  # fmt: skip
    yield (
        Standing,
        [
            {"article_id": key, "site_id": of.id, "yes": number % 7, "no": 1, "votes": number % 7 + 1, "quarantined": 0,
             "comments": 1, "low": number / ARTICLES, "high": 1 - number / ARTICLES / 2, "fails": number % 50 / 10,
             "stamp": 1, "as_of": NOW}
            for number, (key, of, _) in enumerate(made)
        ],
    )  # fmt: skip
    yield (
        Contributor,
        [
            {"article_id": key, "role": "author", "name": "Ann Hollis" if number % 30 == 0 else "Somebody",
             "position": 0, "user_id": ann.id if number % 30 == 0 else None, "email": None}
            for number, (key, _, _) in enumerate(made)
        ],
    )  # fmt: skip
    voters = [readers.digest(site.id, f"{number:022d}") for number in range(VOTERS)]
    yield Vote, [_vote(hot.id, site, reader, number) for number, reader in enumerate(voters)]
    yield Vote, [_vote(key, of, voters[number % 1_000], 1) for number, (key, of, _) in enumerate(made)]
    days = [(NOW - timedelta(days=number)).date() for number in range(DAYS)]
    yield (
        Revision,
        [
            {"article_id": hot.id, "label": label, "registered": True, "first_seen": NOW, "note": None,
             "merged_into": "r1" if label == "r0" else None}
            for label in ("r0", "r1", "r2", "r3")
        ],
    )  # fmt: skip
    yield Tally, [_tally(hot.id, label, day) for day in days for label in ("r1", "r2", "r3")]
    yield Tally, [_tally(key, "", days[0]) for key, _, _ in made]
    yield (
        ReasonTally,
        [
            {"article_id": key, "revision": "r1", "day": days[0], "kind": Kind.SECTION, "code": "s1", "votes": 1}
            for key, _, _ in made
        ],
    )
    yield SiteDay, [
        {"site_id": of.id, "day": (NOW - timedelta(days=number)).date(), "yes": 1, "no": 1, "comments": 1, "held": 1,
         "decided": 1, "wait": 60, "renewed": NOW}
        for of in (site, other) for number in range(1_500)
    ]  # fmt: skip
    unvoted = [(uuid7(), f"new-{number:05}") for number in range(2_000)]
    yield Article, [
        {"id": key, "site_id": site.id, "key": name, "title": name, "url": f"{ORIGIN}/{name}", "registered": True,
         "accepts": "open", "created": NOW}
        for key, name in unvoted
    ]  # fmt: skip
    yield Standing, [{"article_id": key, "site_id": site.id, "stamp": 1, "as_of": NOW} for key, _ in unvoted]
    threads = [uuid7() for _ in range(THREADS)]
    states = (State.APPROVED, State.PENDING, State.PENDING)
    yield (
        Comment,
        [
            _comment(hot.id, site, number, voters[number], key, None, states[number % 3])
            for number, key in enumerate(threads)
        ],
    )
    yield (
        Comment,
        [
            _comment(hot.id, site, THREADS + number, voters[number], uuid7(), threads[0], states[number % 3 % 2])
            for number in range(REPLIES)
        ],
    )
    elsewhere = [(uuid7(), key, of) for key, of, _ in made]
    every = (State.APPROVED, State.PENDING, State.REJECTED, State.SPAM, State.WITHDRAWN)
    yield (
        Comment,
        [
            _comment(key, of, number, voters[number % 1_000], own, None, every[number % 5])
            for number, (own, key, of) in enumerate(elsewhere)
        ],
    )
    known = [(hot.id, own, site) for own in threads] + [(key, own, of) for own, key, of in elsewhere]
    yield Like, [
        {"article_id": key, "comment_id": own, "reader": voters[number % 1_000 + 1], "site_id": of.id, "created": NOW}
        for number, (key, own, of) in enumerate(known)
    ]  # fmt: skip
    yield Subscription, [
        {"article_id": key, "comment_id": own, "site_id": of.id, "address": number.to_bytes(32, "big"), "asked": NOW,
         "confirmed": NOW, "created": NOW}
        for number, (key, own, of) in enumerate(known)
    ]  # fmt: skip
    yield Decision, [
        {"article_id": key, "id": uuid7(), "site_id": of.id, "comment_id": own, "who": "Mo", "who_id": None,
         "action": "approve", "from_state": State.PENDING, "to_state": every[number % 5], "version": 2,
         "at": NOW - timedelta(minutes=number)}
        for number, (own, key, of) in enumerate(elsewhere)
    ]  # fmt: skip
    yield Change, [
        {"id": uuid7(), "site_id": site.id, "who": "Ada", "who_id": None, "kind": "comments",
         "about": {"article": f"page-{number:05}"}, "what": "closed the comments", "before": "open", "after": "closed",
         "at": NOW - timedelta(minutes=number)}
        for number in range(2_000)
    ]  # fmt: skip
    yield Outbox, [
        {"id": uuid7(), "kind": "reset", "about": {"user": ann.id.hex}, "site_id": site.id,
         "due": NOW, "attempts": 1, "done": NOW, "dead": NOW if number % 500 == 0 else None, "created": NOW}
        for number in range(2_000)
    ]  # fmt: skip
    yield from _messages(site)


def _messages(site: Site) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    hook, events = uuid7(), ["comment.waiting"]
    yield Webhook, [
        {"id": key, "site_id": site.id, "url": f"https://hooks.example.org/{key}", "events": events,
         "sealed_secret": b"sealed", "failing_since": None, "off": None, "created": NOW}
        for key in (hook, uuid7())
    ]  # fmt: skip
    messages = [(uuid7(), NOW - timedelta(minutes=number)) for number in range(MESSAGES)]
    yield Outbox, [
        {"id": key, "kind": notices.Kind.WEBHOOK, "about": {"webhook": str(hook)}, "site_id": site.id, "due": at,
         "attempts": 1, "done": at if number % 10 else None, "dead": None, "created": at}
        for number, (key, at) in enumerate(messages)
    ]  # fmt: skip
    yield Delivery, [
        {"id": key, "webhook_id": hook, "event": events[0], "state": State.PENDING, "who": "reader", "at": at,
         "tried": at, "attempts": 1, "status": 200, "took": 30, "fault": None}
        for key, at in messages
    ]  # fmt: skip


def _vote(article_id: UUID, site: Site, reader: bytes, number: int) -> dict[str, Any]:
    return {
        "article_id": article_id, "reader": reader, "site_id": site.id, "value": (Value.YES, Value.NO)[number % 2],
        "revision": "r1", "day": NOW.date(), "section": None, "reason": None,
        "note": f"Note {number}" if number % 10 == 0 else None, "note_status": NoteStatus.NEW, "network": None,
        "counted": True, "created": NOW, "updated": NOW - timedelta(seconds=number),
    }  # fmt: skip


def _tally(article_id: UUID, revision: str, day: Any) -> dict[str, Any]:
    return {"article_id": article_id, "revision": revision, "day": day, "yes": 1, "no": 1, "quarantined_yes": 0,
            "quarantined_no": 0}  # fmt: skip


def _comment(
    article_id: UUID, site: Site, number: int, reader: bytes, own: UUID, thread: UUID | None, state: State
) -> dict[str, Any]:
    return {
        "article_id": article_id, "id": own, "site_id": site.id, "parent_id": thread, "thread_id": thread,
        "reader": reader, "name": "Rae", "source": f"Words {number}", "html": f"<p>Words {number}</p>", "policy": 1,
        "text_hash": number.to_bytes(32, "big"), "state": state, "held_for": ["links"] if number % 3 else [],
        "score": None, "likes": number % 5, "flags": number % 100 == 0, "pinned": False, "version": 1,
        "created": NOW - timedelta(minutes=number),
    }  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A statement, as a page sent it."""

    page: str
    statement: str
    parameters: Any


@dataclass(frozen=True)
class Cost:
    """How a statement was answered: which growing tables it walked through, and how much it visited in all."""

    scanned: tuple[str, ...]
    visited: int
    plan: str


class Listener:
    """Keeps each statement once for the page that was asked for, and which routes there were."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.page = ""
        self.seen: dict[tuple[str, str], Query] = {}
        self.endpoints: set[str] = set()
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", self._note)
        request_started.connect(self._note_endpoint, app)

    def _note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if self.page and statement.startswith(("SELECT", "UPDATE", "DELETE")):
            self.seen.setdefault((self.page, statement), Query(self.page, statement, parameters))

    def _note_endpoint(self, _app: Flask) -> None:
        self.endpoints.add(request.endpoint or "")

    def get(self, client: Any, path: str, **query: Any) -> Any:
        """Ask for a page, and for the one after it where it leads to one."""
        answer = self._ask("get", client, path, query_string=query)
        following = NEXT.search(answer.text) if answer.mimetype == "text/html" else None
        if following:
            self._ask("get", client, html.unescape(following[1]))
        return answer

    def post(self, client: Any, path: str, **call: Any) -> Any:
        return self._ask("post", client, path, **call)

    def _ask(self, method: str, client: Any, path: str, **call: Any) -> Any:
        bare, _, asked = path.partition("?")
        names = [*call.get("query_string", ()), *(part.partition("=")[0] for part in asked.split("&"))]
        self.page = " ".join([bare, *sorted(filter(None, names))])
        try:
            answer = getattr(client, method)(path, buffered=True, **call)
        finally:
            self.page = ""
        assert answer.status_code in (200, 201, 202), (path, call, answer.status_code, answer.text[:300])
        return answer


NEXT = re.compile(r'rel="next" href="([^"]+)"')


class Bearer:
    """A client that carries a token."""

    def __init__(self, person: Staff) -> None:
        self.client, self.headers = person.connect(), {"Authorization": f"Bearer {person.token}"}

    def get(self, path: str, **call: Any) -> Any:
        return self.client.get(path, headers=self.headers, **call)

    def post(self, path: str, **call: Any) -> Any:
        return self.client.post(path, headers=self.headers, **call)


@pytest.fixture
def heard(app: Flask, crowded: Site, site: Site, article: Article, rae: Reader, ann: Staff, mo: Staff, ada: Staff,
          rows: Callable[..., list[Any]]) -> Listener:  # fmt: skip
    """Ask for every page there is, with every filter and order, and listen."""
    signed_in = {person.name: person.signs_in() for person in (ann, mo, ada)}
    tokens = {person.name: Bearer(person) for person in (ann, mo, ada)}
    for bearer in tokens.values():
        bearer.get(f"/api/v1/{site.slug}/stats")  # A first use is written down.
    listener = Listener(app)
    public(listener, app, site, article, rae)
    queue(listener, signed_in["Mo"], tokens["Mo"], site, article, rows)
    for person in ("Ann", "Ada"):
        figures(listener, signed_in[person], tokens[person], site, article)
    listener.get(tokens["Ada"], "/metrics")
    overview(listener, signed_in["Ada"], site)
    administration(listener, signed_in["Ada"], site, article, ada, rows)
    telling(listener, app, signed_in, mo, site, rows)
    return listener


def public(listener: Listener, app: Flask, site: Site, article: Article, rae: Reader) -> None:
    client, api, key = rae.http, f"/api/v1/{site.slug}", article.key
    client.set_cookie("feedback_reader", f"{1:022d}", path="/f/")
    for sort in ("best", "newest", "oldest"):
        page = listener.get(client, f"{api}/feedback", article=key, sort=sort).json["comments"]
        following = listener.get(client, f"{api}/feedback", article=key, sort=sort, cursor=page["next"]).json[
            "comments"
        ]
        around = following["items"][0]["id"]
        listener.get(client, f"{api}/feedback", article=key, sort=sort, around=around)
        listener.get(client, f"/f/{site.slug}", article=key, sort=sort)
        listener.get(client, f"/f/{site.slug}", article=key, sort=sort, around=around)
    long = listener.get(client, f"{api}/feedback", article=key, sort="newest").json["comments"]["items"][0]
    more = listener.get(client, f"{api}/feedback", article=key, parent=long["id"]).json["comments"]
    listener.get(client, f"{api}/feedback", article=key, parent=long["id"], cursor=more["next"])
    listener.get(client, f"{api}/feedback", article=key, around=more["items"][-1]["id"])
    listener.get(client, f"/f/{site.slug}", article=key, parent=long["id"], cursor=more["next"])
    listener.get(client, f"/f/{site.slug}", article=key, reply=long["id"])
    listener.get(client, f"/f/{site.slug}", article=key, flag=long["id"])
    listener.get(client, f"{api}/counts", article=[f"page-{number:05}" for number in range(100)])
    listener.get(client, f"/feeds/{site.slug}.atom")
    listener.get(client, f"/feeds/{site.slug}/article.atom", article=key)
    listener.get(client, "/readyz")
    with app.app_context():
        looked_at = front.STAMPS.params(slug=site.slug, key=key).compile(db.engine)
    values = (
        looked_at.params if looked_at.positiontup is None else tuple(looked_at.params[n] for n in looked_at.positiontup)
    )
    listener.seen["front", str(looked_at)] = Query("front", str(looked_at), values)
    sent = {"headers": {"Origin": ORIGIN}}
    mine = {"reader": f"{1:022d}", "article": key}
    listener.post(client, f"{api}/mine", data=mine, **sent)
    listener.post(client, f"{api}/export", data=mine, **sent)
    listener.post(client, f"{api}/vote", data=mine | {"value": "no", "note": "Why?"}, **sent)
    listener.post(client, f"{api}/vote", data=mine | {"value": "none"}, **sent)
    listener.post(client, f"{api}/vote", data=mine | {"value": "yes", "revision": "r9"}, **sent)
    written = listener.post(client, f"{api}/comments", data=mine | {"body": "Said", "submission": "s"}, **sent).json
    own, others = (f"{api}/comments/{each}" for each in (written["comment"]["id"], around))
    listener.post(client, f"{own}/edit", data=mine | {"body": "Said better"}, **sent)
    for value in ("yes", "none"):
        listener.post(client, f"{others}/like", data=mine | {"value": value}, **sent)
    listener.post(client, f"{api}/preview", data={"body": "Said"}, **sent)
    listener.post(client, f"{own}/withdraw", data=mine, **sent)
    listener.post(client, f"{api}/erase", data={"reader": f"{2:022d}"}, **sent)


def queue(
    listener: Listener, mo: Any, token: Bearer, site: Site, article: Article, rows: Callable[..., list[Any]]
) -> None:
    api = f"/api/v1/{site.slug}"
    filters: list[dict[str, Any]] = [{"state": state} for state in moderation.LISTS]
    filters += [{"article": article.key}, {"held": "links"}, {"q": "Words 1"}, {"site": site.slug}]
    for chosen in filters:
        for sort in moderation.SORTS:
            listener.get(mo, "/moderation/", sort=sort, **chosen)
            if "site" not in chosen:
                page = listener.get(token, f"{api}/queue", sort=sort, **chosen).json
                if page["next"]:
                    listener.get(token, f"{api}/queue", sort=sort, cursor=page["next"], **chosen)
    listener.get(mo, "/moderation/comments.csv", state="rejected")
    listener.get(mo, "/moderation/decisions")
    approved = select(Decision).where(Decision.to_state == State.APPROVED, Decision.site_id == site.id)
    (decision,) = rows(approved.limit(1))
    comment = opaque.identifier(decision.article_id, decision.comment_id)
    listener.get(mo, f"/moderation/comments/{comment}")
    listener.get(token, f"{api}/history", comment=comment)
    listener.get(token, f"{api}/flags", comment=comment)
    listener.get(mo, "/moderation/blocklist")
    for path in ("bans", "words", "queue/figures"):
        listener.get(token, f"{api}/{path}")
    bulk = {"filter": {"article": "page-00001"}, "before": "2026-05-05T00:00:00Z", "action": "reject"}
    batch = listener.post(token, f"{api}/decisions", json=bulk).json["batch"]
    listener.get(token, f"{api}/batches/{batch}")
    listener.get(mo, f"/moderation/batches/{batch}")
    waiting = listener.get(token, f"{api}/queue").json["items"][:3]
    ban = {"kind": "reader", "days": 1, "why": "Advertises"}
    made = listener.post(token, f"{api}/comments/{waiting[0]['id']}/ban", json=ban).json["ban"]
    listener.post(token, f"{api}/bans/{made['id']}/lift", json={})
    chosen = {"comments": [{"id": item["id"], "version": item["version"]} for item in waiting], "action": "approve"}
    decided = listener.post(token, f"{api}/decisions", json=chosen).json["decisions"]
    listener.post(token, f"{api}/decisions/{decided[0]['id']}/undo", json={})


def figures(listener: Listener, client: Any, token: Bearer, site: Site, article: Article) -> None:
    api = f"/api/v1/{site.slug}"
    for sort in stats.Sort:
        listener.get(client, "/articles/", sort=sort.value, site=site.slug)
        page = listener.get(token, f"{api}/stats", sort=sort.value).json
        if page["next"]:
            listener.get(token, f"{api}/stats", sort=sort.value, cursor=page["next"])
        listener.get(client, "/articles/", sort=sort.value, site=site.slug, q="page-0001")
        listener.get(token, f"{api}/stats", sort=sort.value, q="page-0001")
    period = {"from": "2026-04-01", "to": "2026-05-31"}
    narrowed = {"revision": "r1", "reason": "unclear", "compare": "r1", "with": "r2"}
    for query in ({}, period, {"by": "week"}, narrowed, {"section": "s1"}):
        listener.get(client, f"/articles/{site.slug}", article=article.key, **query)
        listener.get(token, f"{api}/stats", article=article.key, **query)
    for form in ("csv", "json"):
        listener.get(client, f"/articles/{site.slug}/articles.{form}", q="page")
        listener.get(client, f"/articles/{site.slug}/figures.{form}", article=article.key, **narrowed)
        listener.get(client, f"/articles/{site.slug}/figures.{form}", article=article.key)
    listener.get(client, f"/articles/{site.slug}/announcement", article=article.key)
    listener.get(client, f"/articles/{site.slug}/revision", article=article.key, label="r1")
    notes = listener.get(token, f"{api}/notes", article=article.key).json
    listener.get(token, f"{api}/notes", article=article.key, cursor=notes["next"])
    listener.get(token, f"{api}/notes", article=article.key, q="zebra", status="done", reason="unclear")
    listener.get(client, f"/articles/{site.slug}", article=article.key, status="done", q="zebra")


def overview(listener: Listener, ada: Any, site: Site) -> None:
    listener.get(ada, "/articles/", site=site.slug, q="new-0001")  # among those without a vote
    for by in stats.By:
        listener.get(ada, f"/articles/{site.slug}/overview", by=by.value)
    for form in ("csv", "json"):
        listener.get(ada, f"/articles/{site.slug}/overview.{form}")
        listener.get(ada, f"/articles/{site.slug}/articles.{form}")


def administration(
    listener: Listener, ada: Any, site: Site, article: Article, person: Staff, rows: Callable[..., list[Any]]
) -> None:
    here = f"/admin/sites/{site.slug}"
    (token, *_) = rows(select(Token).where(Token.site_id == site.id))
    for path in ("settings", "pages", "remove", "articles", "new-article", "people", "invite", "tokens", "changes",
                 "mail", "texts", "text/widget.write", f"people/{person.id}", f"tokens/{token.id}/revoke"):  # fmt: skip
        listener.get(ada, f"{here}/{path}")
    (comment,) = rows(select(Comment).where(Comment.article_id == article.id).limit(1))
    listener.get(ada, f"/moderation/comments/{opaque.identifier(article.id, comment.id)}/purge")
    listener.get(ada, f"{here}/articles", q="page-0001")
    listener.get(ada, f"{here}/article", article=article.key)
    listener.get(ada, f"/articles/{site.slug}/revision", article=article.key, label="r1")
    for path in ("/admin/", "/admin/new-site", "/account/password"):
        listener.get(ada, path)


def telling(
    listener: Listener, app: Flask, signed_in: dict[str, Any], mo: Staff, site: Site, rows: Callable[..., list[Any]]
) -> None:
    """What people and other servers are told, and may choose to be told."""
    here = f"/admin/sites/{site.slug}/webhooks"
    listener.get(signed_in["Ada"], here)
    for hook in rows(select(Webhook).where(Webhook.site_id == site.id)):
        listener.get(signed_in["Ada"], f"{here}/{hook.id}")
        listener.get(signed_in["Ada"], f"{here}/{hook.id}/remove")
    for client in signed_in.values():
        listener.get(client, "/account/notices")
    with app.app_context():
        secret = transact(queue_feeds.make, mo.id, site.id, now=NOW)
        unsubscriber = digests.Unsubscriber(app.config["SETTINGS"].secret_keys)
        link = unsubscriber.sign(mo.id, site.id, notices.Kind.DIGEST)
    client = app.test_client()
    listener.get(client, f"/feeds/{site.slug}/queue.atom", token=secret)
    listener.get(client, f"/unsubscribe/{link}")
    (row,) = rows(select(Subscription).where(Subscription.site_id == site.id).limit(1))
    key, links = (row.article_id, row.comment_id), subscriptions.Links(app.config["SETTINGS"].secret_keys)
    for purpose in subscriptions.Purpose:
        listener.get(client, f"/replies/{links.sign(key, purpose)}/{purpose}")


# What a statement costs


def cost(query: Query, engine: str) -> Cost:
    return _postgresql_cost(query) if engine == "postgresql" else _sqlite_cost(query)


def _postgresql_cost(query: Query) -> Cost:
    runs = "ANALYZE, TIMING OFF, " if query.statement.startswith("SELECT") else ""
    rows = db.session.connection().exec_driver_sql(f"EXPLAIN ({runs}FORMAT JSON) {query.statement}", query.parameters)
    plan = rows.scalar_one()
    nodes = list(_nodes(plan[0]["Plan"]))
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    visited = sum(_visited(node) for node in nodes if node["Node Type"] in SCANS)
    return Cost(tuple(sorted(scanned & GROWING)), visited, json.dumps(plan, indent=1))


SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan"}


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _visited(node: dict[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node.get("Actual Rows", 0) + removed) * node.get("Actual Loops", 0))


PARTIAL = ("ix_outbox_due", "ix_outbox_dead")
WALKED = re.compile(r"SCAN (\w+)")


def _sqlite_cost(query: Query) -> Cost:
    connection = db.session.connection()
    plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.statement}", query.parameters)]
    # An index of a few rows only may be read from end to end.
    walked = {found[1] for line in plan if (found := WALKED.match(line)) and not line.endswith(PARTIAL)}
    # A table may stand in a statement under its name with a number behind it.
    scanned = {table for table in GROWING if any(re.fullmatch(rf"{table}(_\d+)?", name) for name in walked)}
    thousands = 0

    def count() -> int:
        nonlocal thousands
        thousands += 1
        return 0

    if query.statement.startswith("SELECT"):
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        driver.set_progress_handler(count, 1_000)
        connection.exec_driver_sql(query.statement, query.parameters).all()
        driver.set_progress_handler(None, 0)
    return Cost(tuple(sorted(scanned)), thousands, "\n".join(plan))


# Pages that ask for no rows, or only for whom they are about; and what needs more than to be asked for.
BARE = {"account.sign_in", "desk.home", "health.healthz", "openapi.contract", "openapi.page", "pages.back", "static"}
BARE |= {
    "password.choose",
    "password.forgotten",
    "scripts.script",
    "scripts.words",
    "second_factor.page",
    "second_factor.step",
}


def test_every_table_is_known_to_grow_or_not(app: Flask) -> None:
    assert GROWING.isdisjoint(BOUNDED)
    assert set(db.metadata.tables) == GROWING | BOUNDED


def test_no_page_walks_through_a_table_that_grows(app: Flask, heard: Listener, engine: str) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert pages - heard.endpoints == BARE, "every page is asked for"
    most = MANY if engine == "postgresql" else WORK
    with app.app_context():
        if engine == "postgresql":
            # A table of so few pages is soon read as a whole. What is asked here is whether an index would serve.
            for way in ("seqscan", "hashjoin", "mergejoin"):
                db.session.connection().exec_driver_sql(f"SET enable_{way} = off")
        costs = [(query, cost(query, engine)) for query in heard.seen.values()]
    walks = [
        f"{each.visited:,} of at most {most:,}, {each.scanned or ''} on {query.page}\n{query.statement}\n{each.plan}"
        for query, each in costs
        if (each.scanned or each.visited > most) and not _may_walk(query)
    ]
    assert not walks, "\n\n".join(walks)


def _may_walk(query: Query) -> bool:
    words = " ".join(query.statement.split())
    return any(re.fullmatch(walk.page, query.page) and re.search(walk.statement, words) for walk in WALKS)
