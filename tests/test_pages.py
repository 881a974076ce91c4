"""The pages without JavaScript over HTTP: what a reader with a plain browser sees, sends and gets back."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.dom.minidom import Element

import html5lib
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from itsdangerous import URLSafeSerializer
from sqlalchemy import select

from feedback import articles, opaque, readers
from feedback.db import run
from feedback.models import Accepts, Article, Comment, Flag, NetworkKey, Site, State, Vote
from feedback.views import formtoken, pages
from tests.allowlist import violations
from tests.cast import KEY, ORIGIN, SLUG, Reader, Staff, together
from tests.conftest import SECRET
from tests.mailserver import NOWHERE

# Where only the answer's form is at stake, one engine says as much as two.
sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
OWN = "http://localhost"  # where the test client finds the service
UNSURE = "it will not remember this"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><script>alert(1)</script>",
    "[a](javascript:alert(1)) ![b](http://x.test/p.png)",
    "{{ 7 * 7 }} {% raw %}",
    "' autofocus onfocus='alert(1)",
)


@dataclass
class Browser:
    """A browser without scripts: it follows links, fills in forms, keeps cookies (or does not)."""

    http: Any
    slug: str = SLUG
    origin: str | None = OWN
    keeps_cookies: bool = True
    address: str = "192.0.2.10"
    url: str = ""
    answer: Any = None
    said: list[str] = field(default_factory=list)

    def opens(self, article: Article | str = KEY, **query: str) -> "Browser":
        key = article.key if isinstance(article, Article) else article
        return self.goes(f"/f/{self.slug}", query_string={"article": key} | query)

    def goes(self, url: str, **call: Any) -> "Browser":
        self._keep(self.http.get(url, environ_base={"REMOTE_ADDR": self.address}, **call))
        self.url = self.answer.request.full_path
        return self

    def follows(self, name: str) -> "Browser":
        link = next(node for node in self.all("a") if name in (text(node).strip(), node.getAttribute("aria-label")))
        return self.goes(urljoin(self.url, link.getAttribute("href")))

    def sends(self, form: str, **fields: str) -> "Browser":
        """Fill in a form of the page (`vote`, `note`, `comment`, `withdraw`) and go where the answer leads."""
        return self.posts(self.form(form), **fields)

    def posts(self, form: tuple[str, dict[str, str]], **fields: str) -> "Browser":
        """Send a form as it was read earlier; a field given as None is left out."""
        action, values = form
        data = {name: value for name, value in (values | fields).items() if value is not None}
        headers = {"Origin": self.origin} if self.origin else {}
        self._keep(self.http.post(action, data=data, headers=headers, environ_base={"REMOTE_ADDR": self.address}))
        return self.goes(self.answer.headers["Location"]) if self.answer.status_code == 303 else self

    def _keep(self, answer: Any) -> None:
        self.answer = answer
        self.said += answer.headers.getlist("Set-Cookie")
        if not self.keeps_cookies:
            self.http.delete_cookie(pages.COOKIE, path="/f/")

    @property
    def page(self) -> Any:
        return html5lib.parse(self.answer.text, treebuilder="dom")

    def all(self, tag: str) -> list[Element]:
        return list(self.page.getElementsByTagName(tag))

    def form(self, name: str, number: int = 0) -> tuple[str, dict[str, str]]:
        """Return (address, fields with their values) of a form; `note` is the form of a vote that has a note."""
        part = "vote" if name == "note" else name
        found = [form for form in self.all("form") if urlsplit(form.getAttribute("action")).path.endswith(f"/{part}")]
        fields = [(form.getAttribute("action"), values(form)) for form in found]
        return [each for each in fields if part != "vote" or ("note" in each[1]) is (name == "note")][number]

    @property
    def status(self) -> int:
        return int(self.answer.status_code)

    def sees(self, words: str) -> bool:
        return words in re.sub(r"\s+", " ", text(self.page.documentElement))

    def comments(self) -> list[str]:
        """Return what each comment on the page says, in its order."""
        return [text(node).strip() for node in self.all("div") if node.getAttribute("class") == "text"]

    def pressed(self) -> list[str]:
        return [text(node) for node in self.all("button") if node.getAttribute("aria-pressed") == "true"]

    def beside(self, name: str) -> str:
        """Return the error that stands beside a field, as a screen reader finds it."""
        box = next(node for node in [*self.all("textarea"), *self.all("input")] if node.getAttribute("id") == name)
        assert box.getAttribute("aria-invalid") == "true"
        ids = box.getAttribute("aria-describedby").split()
        return next(text(node) for node in self.all("p") if node.getAttribute("id") in ids and "error" in attr(node))


def _payload(token: str) -> Any:
    """Return what a form's token says, without asking who signed it."""
    return URLSafeSerializer(SECRET, salt=formtoken.SALT).loads_unsafe(token)[1]


def attr(node: Element) -> str:
    return node.getAttribute("class")


def text(node: Any) -> str:
    return node.data if node.nodeType == node.TEXT_NODE else "".join(text(child) for child in node.childNodes)


def values(form: Element) -> dict[str, str]:
    given: dict[str, str] = {}
    for node in form.getElementsByTagName("input"):
        if node.getAttribute("type") != "radio" or node.hasAttribute("checked"):
            given[node.getAttribute("name")] = node.getAttribute("value")
    # A browser drops the line break that a text area begins with; so does the parser.
    given |= {node.getAttribute("name"): text(node) for node in form.getElementsByTagName("textarea")}
    return given


@pytest.fixture
def plain(connect: Callable[[], Any], site: Site) -> Browser:
    """A reader with a plain browser, who has been nowhere yet."""
    return Browser(connect())


@pytest.fixture
def another(connect: Callable[[], Any], site: Site) -> Browser:
    return Browser(connect(), address="198.51.100.20")


@pytest.fixture
def approve(mo: Staff) -> Callable[[], None]:
    """Let Mo approve everything that waits."""

    def act() -> None:
        waiting = mo.gets("/queue").json["items"]
        picks = [{"id": item["id"], "version": item["version"]} for item in waiting]
        assert mo.posts("/decisions", comments=picks, action="approve").status_code == 200

    return act


# Reading


def test_the_page_of_an_article_is_whole(plain: Browser, article: Article) -> None:
    plain.opens(article)
    assert plain.status == 200
    assert plain.sees(article.title) and plain.sees("Written by Ann Hollis · Reviewed by Rex Adeyemi")
    assert plain.sees("Did this article help you?") and plain.sees("No comments yet.")
    assert plain.sees("Be kind") and plain.sees("no medical advice")
    assert plain.follows("← Back to the article").answer.request.path == f"/{KEY}"


def test_an_article_never_seen_has_a_page_and_reading_makes_nothing_of_it(
    plain: Browser, rows: Callable[..., Any]
) -> None:
    plain.opens("not-yet")
    assert plain.status == 200 and plain.sees("No comments yet.")
    assert rows(select(Article)) == []


def test_reading_sets_no_cookie(plain: Browser, article: Article, rae: Reader) -> None:
    rae.comments(article, "Hello")
    plain.opens(article).opens(article, sort="newest", frame="1")
    assert plain.said == []
    assert "Cookie" in plain.answer.headers["Vary"]


def test_every_thread_is_reached_once_by_the_links(
    make_app: Callable[..., Flask], plain: Browser, rae: Reader, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    for number in range(25):
        assert rae.comments(article, f"Comment {number}").status_code == 201
    seen = plain.opens(article, sort="oldest").comments()
    assert len(seen) == 20
    seen += plain.follows("Show more comments").comments()
    assert seen == [f"Comment {number}" for number in range(25)]
    assert plain.follows("Newest first").comments()[0] == "Comment 24"
    assert plain.opens(article, sort="oldest").follows("Newest first").follows("Show more comments").comments() == [
        f"Comment {number}" for number in range(4, -1, -1)
    ]
    assert plain.follows("Back to the first comments").comments()[0] == "Comment 24"


def test_further_replies_stand_under_the_comment_they_answer(
    plain: Browser, rae: Reader, stan: Reader, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    thread = rae.comments(article, "The thread").json["comment"]["id"]
    for number in range(5):
        stan.comments(article, f"Answer {number}", parent=thread)
    assert plain.opens(article).comments() == ["The thread", "Answer 0", "Answer 1", "Answer 2"]
    assert plain.follows("Show more replies").comments() == ["The thread", "Answer 3", "Answer 4"]
    rae.posts(f"/comments/{thread}/withdraw")
    assert plain.opens(article).sees("Withdrawn by its author.")
    assert plain.follows("Show more replies").comments() == ["Answer 3", "Answer 4"]


def test_the_date_of_a_comment_is_its_address(
    plain: Browser, rae: Reader, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    for number in range(22):
        rae.comments(article, f"Comment {number}")
    plain.opens(article).follows("Show more comments")
    assert plain.comments() == ["Comment 1", "Comment 0"]
    plain.follows("4 May 2026")
    assert plain.comments()[0] == "Comment 1"


def test_a_comment_that_is_gone_says_so_and_shows_the_others(
    plain: Browser, rae: Reader, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    gone = rae.comments(article, "Soon gone").json["comment"]["id"]
    rae.comments(article, "Stays")
    rae.posts(f"/comments/{gone}/withdraw")
    plain.opens(article, around=gone)
    assert plain.status == 404
    assert plain.sees("This comment is not there any more.") and plain.comments() == ["Stays"]


@sqlite_only
def test_closed_comments_are_shown_without_a_form(
    plain: Browser, rae: Reader, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    rae.comments(article, "Before the end")
    do(articles.change_site, SLUG, moderation="closed")
    plain.opens(article)
    assert plain.sees("Comments are closed here.") and plain.comments() == ["Before the end"]
    assert [node for node in plain.all("form") if "comment" in node.getAttribute("action").split("?")[0]] == []
    assert not plain.sees("Reply")


def test_a_closed_thread_says_so_and_offers_no_reply(
    plain: Browser, rae: Reader, mo: Staff, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    ends, goes_on = (rae.comments(article, body).json["comment"]["id"] for body in ("Enough", "Go on"))
    rae.comments(article, "An answer", parent=ends)
    form = plain.opens(article, reply=ends).form("comment")
    assert mo.posts(f"/comments/{ends}/close", closed=True).status_code == 200
    plain.opens(article)
    assert [text(node) for node in plain.all("a")].count("Reply") == 1
    assert [text(node) for node in plain.all("p")].count("This thread is closed.") == 1
    assert "parent" not in plain.opens(article, reply=ends).form("comment")[1]
    assert plain.opens(article, reply=goes_on).form("comment")[1]["parent"] == goes_on
    assert plain.posts(form, body="").form("comment")[1]["parent"] == ends, "what was typed is kept"


@sqlite_only
@pytest.mark.parametrize("path", ["/f/nowhere?article=a", "/f/health/vote/more", "/f/"])
def test_what_is_not_there_is_said_in_the_look_of_the_pages(plain: Browser, path: str) -> None:
    plain.goes(path)
    assert plain.status == 404 and plain.sees("There is nothing here")
    assert [node.getAttribute("href") for node in plain.all("link")][1].startswith("/static/pages.css")
    assert "frame-ancestors 'none'" in plain.answer.headers["Content-Security-Policy"]
    assert plain.said == []


@sqlite_only
@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({}, 422, "This address names no article."),
        ({"article": "\0"}, 422, "This did not work"),
        ({"article": "a", "sort": "loudest"}, 422, "best, newest or oldest"),
    ],
)
def test_a_mistyped_address_is_explained(plain: Browser, query: dict[str, str], status: int, words: str) -> None:
    plain.goes(f"/f/{SLUG}", query_string=query)
    assert plain.status == status
    assert plain.sees(words)


def test_a_foreign_cursor_is_refused(plain: Browser, article: Article) -> None:
    assert plain.opens(article, cursor="bm90IG91cnM").status == 400


# Voting


def test_a_reader_answers_changes_and_takes_it_back(plain: Browser, article: Article, rows: Callable[..., Any]) -> None:
    plain.opens(article).sends("vote", value="yes")
    assert plain.status == 200 and plain.pressed() == ["Yes"] and plain.sees("We are glad it helped.")
    plain.sends("vote", value="no")
    assert plain.pressed() == ["No"] and plain.sees("What would have helped you?")
    assert [vote.value for vote in rows(select(Vote))] == ["no"]
    assert plain.opens(article).sees("Your answer: No.")
    plain.sends("vote", value="none")
    assert plain.pressed() == [] and plain.sees("Your answer was taken back.")
    assert rows(select(Vote)) == []


@sqlite_only
def test_a_form_that_was_taken_leads_on(plain: Browser, article: Article) -> None:
    action, fields = plain.opens(article).form("vote")
    answer = plain.http.post(action, data=fields | {"value": "yes"}, headers={"Origin": OWN})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/f/{SLUG}?article={KEY}&done=yes#question"


def test_after_no_a_reason_a_section_and_a_note_reach_the_author(
    plain: Browser, article: Article, rows: Callable[..., Any]
) -> None:
    plain.opens(article).sends("vote", value="no")
    plain.sends("note", reason="outdated", section="Side effects", note="Ring me: +44 20 7946 0123.\nThe dose is old.")
    assert plain.sees("The author will see this.")
    (vote,) = rows(select(Vote))
    assert (vote.reason, vote.section, vote.note) == (
        "outdated",
        "Side effects",
        "Ring me: [removed].\nThe dose is old.",
    )
    shown = plain.opens(article).form("note")[1]
    assert (shown["reason"], shown["section"]) == ("outdated", "Side effects")
    assert shown["note"].strip() == vote.note
    plain.sends("note", reason="", section="", note="")
    (vote,) = rows(select(Vote))
    assert (vote.value, vote.reason, vote.section, vote.note) == ("no", None, None, None)


def test_after_yes_a_note_can_be_left(plain: Browser, article: Article, rows: Callable[..., Any]) -> None:
    plain.opens(article).sends("vote", value="yes")
    assert "reason" not in plain.form("note")[1]
    plain.sends("note", note="Thank you")
    assert [(vote.value, vote.note) for vote in rows(select(Vote))] == [("yes", "Thank you")]


def test_a_refused_note_stays_in_its_box_with_the_error_beside_it(
    plain: Browser, article: Article, rows: Callable[..., Any]
) -> None:
    plain.opens(article).sends("vote", value="no")
    plain.sends("note", reason="unclear", section="Dose", note="n" * 1_001)
    assert plain.status == 422 and "too long" in plain.beside("note")
    kept = plain.form("note")[1]
    assert (kept["reason"], kept["section"], kept["note"]) == ("unclear", "Dose", "n" * 1_001)
    assert [vote.note for vote in rows(select(Vote))] == [None]
    plain.sends("note", note="Short")
    assert [(vote.reason, vote.note) for vote in rows(select(Vote))] == [("unclear", "Short")]


@sqlite_only
@pytest.mark.parametrize("fields", [{"value": "maybe"}, {}, {"value": "no", "reason": "none-of-ours"}])
def test_a_vote_that_is_none_is_refused(
    plain: Browser, article: Article, rows: Callable[..., Any], fields: dict[str, str]
) -> None:
    plain.opens(article).sends("vote", **fields)
    assert plain.status == 422 and rows(select(Vote)) == []


def test_the_revision_in_the_address_is_the_votes(plain: Browser, article: Article, rows: Callable[..., Any]) -> None:
    plain.opens(article, revision="2026-05").sends("vote", value="no")
    plain.sends("note", note="Still old")
    assert [vote.revision for vote in rows(select(Vote))] == ["2026-05"]


def test_the_same_form_many_times_at_once_is_one_vote(
    plain: Browser, article: Article, connect: Callable[[], Any], rows: Callable[..., Any]
) -> None:
    action, fields = plain.opens(article).form("vote")
    send = lambda: connect().post(action, data=fields | {"value": "yes"}, headers={"Origin": OWN})  # noqa: E731
    assert {answer.status_code for answer in together(send, times=8)} == {303}
    assert len(rows(select(Vote))) == 1


# Commenting


def test_a_comment_waits_where_its_reader_alone_sees_it(
    plain: Browser, another: Browser, article: Article, approve: Callable[[], None]
) -> None:
    plain.opens(article).sends("comment", body="It *helped* me.", name="Rae")
    assert plain.status == 200 and plain.sees("waits for moderation; until then only you can see it")
    assert plain.comments() == ["It helped me."] and plain.sees("Waiting for moderation")
    assert plain.opens(article).sees("Waiting for moderation")
    assert another.opens(article).comments() == [] and not another.sees("Waiting")
    approve()
    assert another.opens(article).comments() == ["It helped me."]
    assert plain.opens(article).comments() == ["It helped me."] and not plain.sees("Waiting for moderation")


def test_a_comment_is_published_at_once_where_the_site_wants_that(
    plain: Browser, article: Article, do: Callable[..., Any], clock: Any
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    plain.opens(article)
    clock.forward(seconds=20)
    plain.sends("comment", body="Here at once")
    assert plain.sees("Your comment is published.") and plain.comments() == ["Here at once"]


def test_what_is_sent_faster_than_anybody_writes_is_held(
    plain: Browser, article: Article, do: Callable[..., Any], clock: Any, rows: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    plain.opens(article)
    clock.forward(seconds=1)
    plain.sends("comment", body="Buy now")
    assert plain.sees("Waiting for moderation")
    assert [row.held_for for row in rows(select(Comment))] == [["fast"]]


def test_a_clock_put_back_is_no_evidence(
    plain: Browser, article: Article, do: Callable[..., Any], clock: Any, rows: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, moderation="post")
    plain.opens(article)
    clock.forward(hours=-1)
    plain.sends("comment", body="Written in an hour that came twice")
    assert [row.state for row in rows(select(Comment))] == [State.APPROVED]


def test_a_machine_that_fills_in_the_trap_is_answered_as_if_held(
    plain: Browser, article: Article, rows: Callable[..., Any]
) -> None:
    plain.opens(article).sends("comment", body="Cheap watches", website="http://watches.test")
    assert plain.sees("Waiting for moderation")
    assert [row.state for row in rows(select(Comment))] == [State.SPAM]


def test_a_reply_is_written_under_the_comment_and_waits_in_its_thread(
    plain: Browser, another: Browser, rae: Reader, article: Article, approve: Callable[[], None]
) -> None:
    rae.comments(article, "Which dose?", name="Rae")
    rae.comments(article, "Another thread", name="Stan")
    approve()
    plain.opens(article).follows("Reply to Rae")
    assert plain.comments()[0] == "Which dose?" and plain.form("comment")[1]["parent"]
    plain.sends("comment", body="Five, I was told.")
    assert plain.comments()[:2] == ["Which dose?", "Five, I was told."] and plain.sees("Waiting for moderation")
    approve()
    assert "Five, I was told." in another.opens(article).comments()


def test_a_reply_to_what_was_withdrawn_meanwhile_keeps_its_text(
    plain: Browser, rae: Reader, article: Article, approve: Callable[[], None], rows: Callable[..., Any]
) -> None:
    asked = rae.comments(article, "Which dose?", name="Rae").json["comment"]["id"]
    approve()
    plain.opens(article).follows("Reply to Rae")
    rae.posts(f"/comments/{asked}/withdraw")
    plain.sends("comment", body="Five, I was told.", name="Stan")
    assert plain.status == 422 and plain.sees("The comment you answer is not there any more.")
    kept = plain.form("comment")[1]
    assert (kept["body"].strip(), kept["name"]) == ("Five, I was told.", "Stan") and "parent" not in kept
    plain.sends("comment")
    assert plain.status == 200 and len(rows(select(Comment).where(Comment.parent_id.is_(None)))) == 2


@sqlite_only
@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("body", {"body": "", "name": "Rae"}, "missing"),
        ("body", {"body": "x" * 5_001, "name": "Rae"}, "too long"),
        ("body", {"body": "<" * 60, "name": "Rae"}, "signs"),
        ("name", {"body": "Kept", "name": "R" * 81}, "too long"),
    ],
)
def test_an_error_stands_beside_its_field_and_the_text_is_kept(
    plain: Browser, article: Article, rows: Callable[..., Any], name: str, fields: dict[str, str], words: str
) -> None:
    plain.opens(article).sends("comment", **fields)
    assert plain.status == 422 and words in plain.beside(name)
    assert plain.form("comment")[1].items() >= fields.items()
    assert text(plain.all("title")[0]).startswith("Not sent")
    assert rows(select(Comment)) == [] and plain.said == []
    plain.sends("comment", body="Now it fits", name="Rae")
    assert [row.source for row in rows(select(Comment))] == ["Now it fits"]


@sqlite_only
def test_line_breaks_come_back_as_they_were_typed(plain: Browser, article: Article) -> None:
    typed = "\n\nTwo lines above\n  and one more"
    plain.opens(article).sends("comment", body=typed, name="R" * 81)
    assert plain.form("comment")[1]["body"] == typed


def test_the_same_text_twice_is_one_comment_and_another_text_another(
    plain: Browser, article: Article, rows: Callable[..., Any]
) -> None:
    form = plain.opens(article).form("comment")
    plain.posts(form, body="Once")
    plain.posts(form, body="Once")
    plain.posts(form, body="Then again")
    assert sorted(row.source for row in rows(select(Comment))) == ["Once", "Then again"]


def test_a_reader_withdraws_their_own(
    plain: Browser, another: Browser, article: Article, approve: Callable[[], None], rows: Callable[..., Any]
) -> None:
    plain.opens(article).sends("comment", body="Published soon")
    approve()
    plain.opens(article).sends("comment", body="Waiting long")
    another.opens(article)
    assert not another.sees("Withdraw")
    while plain.comments():
        plain.sends("withdraw")
        assert plain.sees("Your comment was withdrawn.")
    assert {row.state for row in rows(select(Comment))} == {State.WITHDRAWN}
    assert another.opens(article).comments() == []


def test_nobody_withdraws_what_is_not_theirs(
    plain: Browser, another: Browser, article: Article, approve: Callable[[], None], rows: Callable[..., Any]
) -> None:
    plain.opens(article).sends("comment", body="Mine")
    approve()
    action, fields = plain.opens(article).form("withdraw")
    another.opens(article).sends("vote", value="yes")
    another.posts((action, fields | {"token": another.form("comment")[1]["token"]}))
    assert another.status == 403 and another.sees("This comment is not yours.")
    assert [row.state for row in rows(select(Comment))] == [State.APPROVED]


# Flagging


@pytest.fixture
def published(rae: Reader, article: Article, do: Callable[..., Any]) -> str:
    """The id of a comment of Rae's that everybody sees."""
    do(articles.change_site, SLUG, moderation="post")
    answer = rae.comments(article, "Just double the dose.", name="Rae")
    assert answer.status_code == 201
    return str(answer.json["comment"]["id"])


def test_a_reader_flags_a_comment_once(
    plain: Browser, another: Browser, article: Article, published: str, rows: Callable[..., Any]
) -> None:
    form = plain.opens(article).follows("Flag what Rae wrote").form("flag")
    assert plain.comments() == ["Just double the dose."] and plain.sees("What is wrong with this comment?")
    plain.posts(form, reason="unsafe", note="Ask me: rita@example.org")
    assert plain.status == 200 and plain.sees("Thank you. The moderators will look at it.")
    plain.posts(form, reason="spam")
    assert plain.sees("Thank you. The moderators will look at it.")
    assert [(row.reason, row.note, row.weight) for row in rows(select(Flag))] == [("unsafe", "Ask me: [removed]", 1)]
    assert plain.opens(article).sees("Flagged")
    assert not plain.opens(article, flag=published).sees("What is wrong with this comment?")
    assert not another.opens(article).sees("Flagged")


def test_ones_own_comment_and_what_waits_cannot_be_flagged(
    plain: Browser, article: Article, published: str, do: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    form = plain.opens(article).follows("Flag what Rae wrote").form("flag")
    do(articles.change_site, SLUG, moderation="pre")
    plain.opens(article).sends("comment", body="Mine, and it waits")
    (mine,) = [row for row in rows(select(Comment)) if row.source.startswith("Mine")]
    assert [node.getAttribute("aria-label") for node in plain.all("a") if text(node) == "Flag"] == [
        "Flag what Rae wrote"
    ]
    identifier = opaque.identifier(mine.article_id, mine.id)
    assert not plain.opens(article, flag=identifier).sees("What is wrong")
    plain.posts(form, comment=identifier, reason="spam")
    assert plain.status == 403 and plain.sees("This comment is yours.") and rows(select(Flag)) == []


@sqlite_only
def test_a_flag_needs_a_reason_and_keeps_what_was_typed(
    plain: Browser, article: Article, published: str, rows: Callable[..., Any]
) -> None:
    plain.opens(article).follows("Flag what Rae wrote").sends("flag", note="Harmful")
    assert plain.status == 422 and plain.sees("This is missing.")
    assert plain.form("flag")[1]["note"] == "Harmful"
    plain.sends("flag", reason="unsafe", note="n" * 1_001)
    assert plain.status == 422 and "too long" in plain.beside("flag-note")
    assert plain.form("flag")[1]["reason"] == "unsafe"
    plain.sends("flag", note="Short")
    assert [(row.reason, row.note) for row in rows(select(Flag))] == [("unsafe", "Short")]


def test_the_flag_that_takes_a_comment_down_is_thanked_for(
    plain: Browser, article: Article, published: str, do: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, flag_limit=1)
    plain.opens(article).follows("Flag what Rae wrote").sends("flag", reason="abuse")
    assert plain.status == 200 and plain.sees("Thank you. The moderators will look at it.")
    assert plain.comments() == [] and not plain.sees("not there any more")
    assert [row.state for row in rows(select(Comment))] == [State.PENDING]


def test_a_flag_on_what_is_gone_says_so(
    plain: Browser, rae: Reader, article: Article, published: str, rows: Callable[..., Any]
) -> None:
    plain.opens(article).follows("Flag what Rae wrote")
    rae.posts(f"/comments/{published}/withdraw")
    plain.sends("flag", reason="abuse", note="Kept from nobody")
    assert plain.status == 404 and plain.sees("This comment is not there any more.") and rows(select(Flag)) == []


@sqlite_only
def test_where_comments_are_closed_they_can_still_be_flagged(
    plain: Browser, article: Article, published: str, do: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    do(articles.set_accepts, article.site_id, article.key, Accepts.CLOSED)
    plain.opens(article).follows("Flag what Rae wrote").sends("flag", reason="other")
    assert [row.reason for row in rows(select(Flag))] == ["other"]


@sqlite_only
def test_without_cookies_a_flag_is_taken_too(
    plain: Browser, article: Article, published: str, rows: Callable[..., Any]
) -> None:
    plain.keeps_cookies = False
    plain.opens(article).follows("Flag what Rae wrote").sends("flag", reason="spam")
    assert plain.sees("Thank you. The moderators will look at it.") and not plain.sees(UNSURE)
    assert len(rows(select(Flag))) == 1


# Who a reader is


# Liking and changing


def test_a_reader_likes_a_comment_and_takes_it_back(
    plain: Browser, another: Browser, article: Article, published: str
) -> None:
    plain.opens(article).sends("like", value="yes")
    assert plain.sees("You like this comment.") and plain.sees("1 like")
    assert plain.pressed() == ["Like"]
    another.opens(article).sends("like", value="yes")
    assert another.sees("2 likes") and another.pressed() == ["Like"]
    plain.sends("like", value="none")
    assert plain.sees("You no longer like this comment.") and plain.sees("1 like") and plain.pressed() == []


def test_ones_own_comment_cannot_be_liked(
    plain: Browser, another: Browser, article: Article, published: str, clock: Any
) -> None:
    action, fields = another.opens(article).form("like")
    plain.opens(article)
    clock.forward(seconds=30)
    plain.sends("comment", body="Mine, and published")
    assert [text(node) for node in plain.all("button")].count("Like") == 1
    mine = plain.form("withdraw")[1]["comment"]
    plain.posts((action, fields | {"comment": mine, "value": "yes", "token": plain.form("comment")[1]["token"]}))
    assert plain.status == 403 and plain.sees("What others think of it is up to them.")


def test_a_reader_changes_what_waits_for_a_quarter_of_an_hour(
    plain: Browser, another: Browser, article: Article, rows: Callable[..., Any], clock: Any
) -> None:
    plain.opens(article).sends("comment", body="At first\n& then")
    action, fields = plain.opens(article).follows("Edit").form("edit")
    assert fields["body"] == "At first\n& then"
    plain.posts((action, fields), body="")
    assert plain.status == 422 and plain.beside("edit-body") == "This is missing."
    plain.posts((action, fields), body="Better")
    assert plain.sees("waits for moderation") and plain.comments() == ["Better"]
    assert [row.source for row in rows(select(Comment))] == ["Better"]
    another.opens(article).posts((action, fields | {"token": another.form("comment")[1]["token"]}), body="Not mine")
    assert another.status == 403
    clock.forward(minutes=16)
    assert "Edit" not in [text(node) for node in plain.opens(article).all("a")]
    plain.posts((action, fields), body="Too late")
    assert plain.status == 409 and plain.sees("A comment can be changed for 15 minutes.")


def test_a_change_that_comes_too_late_is_shown_to_be_copied(plain: Browser, article: Article, clock: Any) -> None:
    plain.opens(article).sends("comment", body="At first")
    form = plain.opens(article).follows("Edit").form("edit")
    clock.forward(minutes=16)
    plain.posts(form, body="\nToo late </textarea>\n& lost?")
    [kept] = [node for node in plain.all("textarea") if node.hasAttribute("readonly")]
    assert (plain.status, text(kept)) == (409, "\nToo late </textarea>\n& lost?")
    assert [text(node) for node in plain.all("label") if node.getAttribute("for") == kept.getAttribute("id")] != []
    assert [node for node in plain.opens(article).all("textarea") if node.hasAttribute("readonly")] == []


def test_a_reader_changes_what_is_published(plain: Browser, article: Article, published: str, clock: Any) -> None:
    plain.opens(article)
    clock.forward(seconds=30)
    plain.sends("comment", body="Mine")
    form = plain.follows("Edit").form("edit")
    plain.posts(form, body="Mine, better")
    assert plain.sees("Your comment is published.") and "Mine, better" in plain.comments()


def test_replies_are_announced_to_who_names_an_address(
    make_app: Callable[..., Flask], article: Article, plain: Browser, rows: Callable[..., Any]
) -> None:
    assert "email" not in plain.opens(article).form("comment")[1]
    reader = Browser(make_app(mail_keys=(Fernet.generate_key().decode(),), **NOWHERE).test_client())
    reader.opens(article).sends("comment", body="No mail", email=" ")
    reader.opens(article).sends("comment", body="Mail, please", email="rae@")
    assert reader.status == 422 and reader.beside("email") == "This is no e-mail address."
    reader.sends("comment", body="Mail, please", email="rae@example.org")
    assert {row.source: row.sealed_email is not None for row in rows(select(Comment))} == {
        "No mail": False,
        "Mail, please": True,
    }


@sqlite_only
def test_the_cookie_comes_with_the_first_thing_sent_and_is_the_readers_alone(
    plain: Browser, article: Article, site: Site, rows: Callable[..., Any]
) -> None:
    plain.opens(article)
    assert plain.said == []
    plain.sends("vote", value="yes")
    (cookie,) = plain.said
    name, _, rest = cookie.partition("=")
    token, *attributes = rest.split("; ")
    assert name == "feedback_reader" and readers.TOKEN.fullmatch(token)
    assert {"HttpOnly", "Path=/f/", "SameSite=Lax"} <= set(attributes)
    assert not {"Secure", "Partitioned"} & set(attributes)
    assert [vote.reader for vote in rows(select(Vote))] == [readers.digest(site.id, token)]


@sqlite_only
@pytest.mark.parametrize("public_url", ["https://feedback.test"])
def test_the_cookie_is_secure_on_https(make_app: Callable[..., Flask], article: Article, public_url: str) -> None:
    there = Browser(make_app(public_url=public_url).test_client(), origin=public_url)
    there.opens(article).sends("vote", value="yes")
    assert "Secure" in there.said[0].split("; ")


@sqlite_only
def test_in_a_frame_the_cookie_belongs_to_the_page_around(plain: Browser, article: Article) -> None:
    plain.opens(article, frame="1").sends("vote", value="yes")
    assert {"Secure", "HttpOnly", "Path=/f/", "SameSite=None", "Partitioned"} <= set(plain.said[0].split("; "))


def test_what_the_pages_keep_is_the_same_reader_as_the_widgets_token(
    plain: Browser, rae: Reader, article: Article, rows: Callable[..., Any]
) -> None:
    rae.votes(article, "yes")
    plain.http.set_cookie(pages.COOKIE, rae.token, path="/f/")
    plain.opens(article)
    assert plain.pressed() == ["Yes"]
    plain.sends("vote", value="no")
    assert [vote.value for vote in rows(select(Vote))] == ["no"]


@sqlite_only
def test_a_cookie_that_was_never_ours_is_no_reader(plain: Browser, article: Article) -> None:
    plain.http.set_cookie(pages.COOKIE, "short", path="/f/")
    plain.opens(article).sends("vote", value="yes")
    assert plain.pressed() == ["Yes"]


@sqlite_only
def test_without_cookies_everything_works_and_nothing_is_remembered(
    plain: Browser, article: Article, rows: Callable[..., Any]
) -> None:
    plain.keeps_cookies = False
    plain.opens(article).sends("vote", value="no")
    assert plain.status == 200 and plain.sees(UNSURE) and plain.pressed() == []
    plain.sends("comment", body="No cookies, please")
    assert plain.sees(UNSURE) and plain.sees("waits for moderation") and not plain.sees("only you can see it")
    assert len(rows(select(Vote))) == len(rows(select(Comment))) == 1


def test_without_cookies_one_page_is_one_reader(plain: Browser, article: Article, rows: Callable[..., Any]) -> None:
    plain.keeps_cookies = False
    form = plain.opens(article).form("vote")
    note = plain.form("comment")
    for value in ("yes", "no", "yes"):
        plain.posts(form, value=value)
    plain.posts(note, body="Twice by a double click")
    plain.posts(note, body="Twice by a double click")
    assert [vote.value for vote in rows(select(Vote))] == ["yes"]
    assert len(rows(select(Comment))) == 1


@sqlite_only
def test_the_token_of_a_form_is_not_stored(plain: Browser, article: Article, rows: Callable[..., Any]) -> None:
    plain.opens(article).sends("comment", body="Hello")
    token = plain.said[0].partition("=")[2].partition(";")[0]
    (row,) = rows(select(Comment))
    assert token not in repr(vars(row))


# Whose form it was


@sqlite_only
@pytest.mark.parametrize("origin", ["https://evil.test", "null", ORIGIN, "http://localhost:81", "https://localhost"])
def test_a_form_of_another_site_is_refused(
    plain: Browser, article: Article, rows: Callable[..., Any], origin: str
) -> None:
    plain.origin = origin
    plain.opens(article).sends("vote", value="yes")
    assert plain.status == 403 and plain.sees("came from another site")
    assert rows(select(Vote)) == [] and plain.said == []


@sqlite_only
def test_a_text_browser_that_sends_no_origin_is_served(plain: Browser, article: Article) -> None:
    plain.origin = None
    assert plain.opens(article).sends("vote", value="yes").pressed() == ["Yes"]


@sqlite_only
def test_the_public_address_is_the_services_own(make_app: Callable[..., Flask], article: Article) -> None:
    there = Browser(make_app(public_url="https://feedback.test").test_client(), origin="https://feedback.test")
    assert there.opens(article).sends("vote", value="yes").sees("We are glad")


@sqlite_only
@pytest.mark.parametrize("origin", [OWN, None])
@pytest.mark.parametrize(
    "forge", ["missing", "empty", "changed", "other article", "other site", "other key", "other salt"]
)
def test_a_form_without_its_token_is_refused_and_keeps_the_text(
    plain: Browser,
    article: Article,
    ask: Callable[..., Any],
    do: Callable[..., Any],
    clock: Any,
    rows: Callable[..., Any],
    forge: str,
    origin: str | None,
) -> None:
    do(articles.add_site, "other", origins=[ORIGIN], now=clock())
    here, there = ask(articles.site, SLUG), ask(articles.site, "other")
    good = plain.opens(article).form("comment")[1]["token"]
    forged = {
        "missing": None,
        "empty": "",
        "changed": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "other article": formtoken.make([SECRET], here, "another", clock()),
        "other site": formtoken.make([SECRET], there, KEY, clock()),
        "other key": formtoken.make([SECRET[::-1]], here, KEY, clock()),
        # What another part of the service signs with the same key is no form's token.
        "other salt": URLSafeSerializer(SECRET, salt="session").dumps(_payload(good)),
    }[forge]
    plain.origin = origin
    plain.sends("comment", token=forged, body="My words")
    assert plain.status == 403 and plain.form("comment")[1]["body"] == "My words"
    assert rows(select(Comment)) == [] and plain.said == []
    assert plain.sends("comment").status == 200 and len(rows(select(Comment))) == 1


@sqlite_only
def test_a_page_left_open_for_a_day_says_so_and_keeps_the_text(
    plain: Browser, article: Article, clock: Any, rows: Callable[..., Any]
) -> None:
    plain.opens(article)
    clock.forward(hours=24, seconds=1)
    plain.sends("comment", body="A long thought", name="Rae")
    assert plain.status == 422 and plain.sees("This page was open for more than a day")
    assert plain.form("comment")[1].items() >= {"body": "A long thought", "name": "Rae"}.items()
    assert rows(select(Comment)) == []
    assert plain.sends("comment").status == 200 and len(rows(select(Comment))) == 1


@sqlite_only
def test_a_page_left_open_overnight_still_works(plain: Browser, article: Article, clock: Any) -> None:
    plain.opens(article)
    clock.forward(**{"hours": formtoken.LIFETIME / timedelta(hours=1)})
    assert plain.sends("vote", value="yes").pressed() == ["Yes"]


@sqlite_only
def test_forms_signed_before_the_key_changed_are_still_taken(
    make_app: Callable[..., Flask], plain: Browser, article: Article
) -> None:
    form = plain.opens(article).form("vote")
    changed = Browser(make_app(secret_keys=("a-newer-key-that-signs-from-now-on", SECRET)).test_client())
    assert changed.posts(form, value="yes").pressed() == ["Yes"]


# What goes wrong


@sqlite_only
def test_a_limit_is_explained_and_keeps_the_text(limited_app: Flask, article: Article) -> None:
    often = Browser(limited_app.test_client())
    often.opens(article)
    for number in range(4):
        often.sends("comment", body=f"Comment {number}")
    assert often.status == 429 and int(often.answer.headers["Retry-After"]) >= 1
    assert often.sees("many comments in a short time")
    assert often.form("comment")[1]["body"] == "Comment 3"


def test_new_articles_are_limited_here_too(limited_app: Flask, site: Site, rows: Callable[..., Any]) -> None:
    often = Browser(limited_app.test_client())
    for number in range(22):
        often.opens(f"made-up-{number}").sends("vote", value="yes")
    assert often.status == 429
    assert len(rows(select(Article))) == 20


@sqlite_only  # PostgreSQL has no single writer to wait for
def test_storage_that_does_not_answer_keeps_the_text(
    app: Flask, plain: Browser, article: Article, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.opens(article).sends("vote", value="yes")
    monkeypatch.setattr("feedback.writers.WRITER_DEADLINE", 0.1)
    with app.extensions["writers_place"].taken():
        plain.sends("comment", body="Precious words")
    assert plain.status == 503 and plain.answer.headers["Retry-After"]
    assert plain.form("comment")[1]["body"] == "Precious words"
    assert plain.sends("comment").status == 200 and len(rows(select(Comment))) == 1


@sqlite_only
def test_other_types_of_body_are_refused(plain: Browser, article: Article) -> None:
    for call in ({"json": {"value": "yes"}}, {"data": {"value": "yes"}, "content_type": "multipart/form-data"}):
        answer = plain.http.post(f"/f/{SLUG}/vote?article={KEY}", headers={"Origin": OWN}, **call)
        assert answer.status_code == 415
    answer = plain.http.post(f"/f/{SLUG}/vote?article={KEY}", data={"value": "x" * 70_000}, headers={"Origin": OWN})
    assert answer.status_code == 413 and "text/html" in answer.headers["Content-Type"]


@sqlite_only
@pytest.mark.parametrize("form", ["vote", "comment", "withdraw", "edit", "like", "flag"])
def test_the_address_of_a_form_leads_to_the_page(plain: Browser, article: Article, form: str) -> None:
    answer = plain.http.get(f"/f/{SLUG}/{form}?article={KEY}&frame=1")
    assert answer.status_code == 303 and answer.headers["Location"] == f"/f/{SLUG}?article={KEY}&frame=1"


# Frames and headers


def policy(browser: Browser) -> dict[str, list[str]]:
    parts = browser.answer.headers["Content-Security-Policy"].split("; ")
    return {name: sources for name, *sources in (part.split() for part in parts)}


@sqlite_only
def test_only_the_frame_may_be_framed_and_only_by_the_sites_own_pages(
    plain: Browser, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, origins=[ORIGIN, "https://www.articles.test:8443"])
    plain.opens(article)
    alone = policy(plain)
    assert alone["frame-ancestors"] == ["'none'"] and "script-src" not in alone
    plain.opens(article, frame="1")
    framed = policy(plain)
    assert framed["frame-ancestors"] == [ORIGIN, "https://www.articles.test:8443"]
    assert framed["script-src"] == ["'self'"]
    for each in (alone, framed):
        assert each["default-src"] == each["base-uri"] == ["'none'"]
        assert each["style-src"] == each["form-action"] == ["'self'"]
        assert "unsafe" not in str(each)


@sqlite_only
def test_origins_stand_in_the_header_as_browsers_write_them(
    plain: Browser, article: Article, do: Callable[..., Any]
) -> None:
    do(articles.change_site, SLUG, origins=["https://b\u00fccher.test:443", "http://[::1]:8080"])
    plain.opens(article, frame="1")
    assert policy(plain)["frame-ancestors"] == ["https://xn--bcher-kva.test", "http://[::1]:8080"]
    assert plain.page.documentElement.getAttribute("data-origins").split() == policy(plain)["frame-ancestors"]


@sqlite_only
@pytest.mark.parametrize("frame", ["", "1"])
def test_nothing_on_the_page_is_inline(plain: Browser, article: Article, frame: str) -> None:
    plain.opens(article, frame=frame).sends("vote", value="no")
    assert not plain.all("style")
    assert [text(node).strip() for node in plain.all("script")] == ([""] if frame else [])
    for node in plain.all("*"):
        assert not [name for name in node.attributes.keys() if name == "style" or name.startswith("on")]  # noqa: SIM118


@sqlite_only
def test_a_frame_stays_a_frame(plain: Browser, article: Article, rae: Reader, do: Callable[..., Any]) -> None:
    do(articles.change_site, SLUG, moderation="post")
    rae.comments(article, "See https://example.org/", name="Rae")
    plain.opens(article, frame="1").sends("vote", value="no")
    assert "frame=1" in plain.url
    assert [node.getAttribute("target") for node in plain.all("base")] == ["_blank"]
    for node in [*plain.all("a"), *plain.all("form")]:
        inside = (node.getAttribute("href") or node.getAttribute("action")).startswith(f"/f/{SLUG}")
        assert inside == ("frame=1" in (node.getAttribute("href") or node.getAttribute("action")))
        assert node.getAttribute("target") == ("_self" if inside else "")
    plain.sends("comment", body="")
    assert plain.status == 422 and policy(plain)["frame-ancestors"] == [ORIGIN]


@sqlite_only
def test_the_counterpart_of_the_frame_is_for_every_page(client: Any, site: Site) -> None:
    answer = client.get("/embed.js")
    assert answer.status_code == 200 and answer.mimetype == "text/javascript"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    assert client.get("/embed.js", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@sqlite_only
def test_no_address_or_session_is_kept(plain: Browser, article: Article, app: Flask, rows: Callable[..., Any]) -> None:
    plain.opens(article).sends("comment", body="Hello")
    assert [cookie.partition("=")[0] for cookie in plain.said] == [pages.COOKIE]
    assert len(rows(select(NetworkKey))) == 1
    with app.app_context():
        kept = repr([tuple(row) for table in (Comment, Vote) for row in run(select(table))])
    assert plain.address not in kept


# Hostile text


@sqlite_only
@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(
    plain: Browser, another: Browser, rae: Reader, do: Callable[..., Any], words: str
) -> None:
    do(
        articles.change_site,
        SLUG,
        name=words,
        moderation="post",
        question=words,
        notice=words,
        guidelines=words,
        reasons=[{"code": "other", "label": words}],
    )
    rae.comments(words, words, name=words, title=words)
    plain.opens(words).sends("vote", value="no")
    plain.sends("note", section=words, note=words, reason=words)
    assert plain.status == 422
    plain.sends("note", section=words, note=words, reason="other")
    plain.sends("comment", body=words, name=words)
    plain.opens(words, done=words)
    kept = plain.form("note")[1]
    assert (kept["section"], kept["note"]) == (words, words)
    for page in (plain, another.opens(words)):
        assert page.status == 200 and not page.all("script") and not page.all("img")
        assert [
            attr(node) for node in page.all("*") if any(name.startswith("on") for name in dict(node.attributes))
        ] == []
        for node in page.all("div"):
            if attr(node) == "text":
                assert violations("".join(child.toxml() for child in node.childNodes)) == []
        assert all(link.getAttribute("href").startswith(("http", "/f/", "mailto:")) for link in page.all("a"))
