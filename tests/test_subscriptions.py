"""Mail about replies: asked once the comment is published, sent once that is confirmed, and ended by one click."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import html5lib
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from feedback import articles, delivery, doctor, languages, mailbox, subscriptions, worker
from feedback.models import Comment, Outbox, Subscription
from feedback.views import letters
from tests.cast import Reader
from tests.mailserver import Mailbox, mail_server
from tests.recount import assert_counted
from tests.test_languages import bracketed

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
URL = "https://feedback.example.org"
ADDRESS = "rae@readers.example"
KEY = Fernet.generate_key().decode()
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[a](javascript:alert(1)) ![b](http://x.test/p.png) https://pills.example",
    "{{ 7 * 7 }} {% raw %} =?utf-8?q?=0D=0ABcc:_all?=",
)
USUAL = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
USUAL |= {"List-Unsubscribe", "List-Unsubscribe-Post"}
LINK = re.compile(r"https://feedback\.example\.org(/replies/\S+/(?:confirm|end))")


@pytest.fixture
def inbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def post(make_app: Callable[..., Any], inbox: Mailbox) -> Iterator[Any]:
    """The service with a mail server that works, and keys for addresses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with mail_server(inbox, port) as address:
        yield make_app(mail_url=f"smtp://{address}", mail_from="f@example.org", public_url=URL, mail_keys=(KEY,))


@pytest.fixture
def sends(post: Any, inbox: Mailbox) -> Callable[[], list[Any]]:
    """Deliver what is due, and return the letters that arrived with it."""

    def deliver() -> list[Any]:
        before = len(inbox.messages)
        with post.app_context():
            while delivery.deliver(post.config["SETTINGS"], letters.write):
                pass
        return inbox.messages[before:]

    return deliver


class Page:
    """Opens the links of letters, at the address that they name."""

    def __init__(self, post: Any) -> None:
        self.http = post.test_client()

    def opens(self, path: str) -> Any:
        return self.http.get(path, base_url=URL)

    def presses(self, path: str, **fields: str) -> Any:
        return self.http.post(path, base_url=URL, data=fields)


@pytest.fixture
def page(post: Any) -> Page:
    return Page(post)


@pytest.fixture
def asker(post: Any, rae: Reader) -> Reader:
    return replace(rae, http=_at(post))


@pytest.fixture
def answerer(post: Any, stan: Reader) -> Reader:
    return replace(stan, http=_at(post))


def _at(post: Any) -> Any:
    """A client that names the service by its own address."""
    http = post.test_client()

    class Known:
        def post(self, path: str, **call: Any) -> Any:
            return http.post(path, base_url=URL, **call)

        def get(self, path: str, **call: Any) -> Any:
            return http.get(path, base_url=URL, **call)

    return Known()


def asks(reader: Reader, article: Any, body: str = "Does it help at night?", email: str = ADDRESS, **more: str) -> str:
    answer = reader.comments(article, body, email=email, notify="replies", **more)
    assert answer.status_code in (201, 202), answer.text
    return str(answer.json["comment"]["id"])


def approve(mo: Any, comment: str, version: int = 1) -> None:
    answer = mo.posts("/decisions", comment=comment, action="approve", version=version)
    assert answer.status_code == 200, answer.text


def link(letter: Any) -> str:
    found = LINK.search(letter.get_body(("plain",)).get_content())
    assert found, letter.as_string()
    return found[1]


def words(letter: Any) -> str:
    return str(letter.get_body(("plain",)).get_content())


@pytest.fixture
def confirmed(asker: Reader, article: Any, mo: Any, sends: Any, page: Page) -> str:
    """A published comment of Rae's, about whose replies she is told."""
    comment = asks(asker, article)
    approve(mo, comment)
    [letter] = sends()
    assert page.presses(link(letter)).status_code == 200
    return comment


@pytest.fixture
def replies(answerer: Reader, article: Any, mo: Any) -> Callable[..., str]:
    """Publish a reply to a comment, and return its id."""

    def reply(parent: str, body: str, by: Reader | None = None, **more: str) -> str:
        comment = (by or answerer).comments(article, body, parent=parent, **more).json["comment"]["id"]
        approve(mo, comment)
        return str(comment)

    return reply


# The question


def test_the_question_goes_out_once_the_comment_is_published(asker, article, mo, sends, inbox, rows):
    comment = asks(asker, article, name="Rae http://evil.example")
    assert sends() == []
    assert rows(select(Outbox)) == []
    approve(mo, comment)
    [letter] = sends()
    assert letter["To"] == ADDRESS
    assert letter["Subject"] == "Replies to your comment at Quiet Health?"
    assert "List-Unsubscribe" not in letter
    for part in ("plain", "html"):
        text = letter.get_body((part,)).get_content()
        assert "/confirm" in text
        assert "evil" not in text and "night" not in text, "nothing that somebody typed"
    assert sends() == []


def test_a_comment_published_at_once_is_asked_about_at_once(asker, article, sends, do, site):
    do(articles.change_site, site.slug, moderation="post")
    asks(asker, article)
    assert [letter["To"] for letter in sends()] == [ADDRESS]


def test_following_the_link_changes_nothing_and_the_button_confirms(asker, article, mo, sends, page, rows, clock):
    approve(mo, asks(asker, article))
    [letter] = sends()
    shown = page.opens(link(letter))
    assert shown.status_code == 200
    assert "Send word of replies?" in shown.text
    assert "Set-Cookie" not in shown.headers
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    [row] = rows(select(Subscription))
    assert (row.asked, row.confirmed) == (clock(), None)
    for _ in range(2):
        answer = page.presses(link(letter))
        assert (answer.status_code, "We send word" in answer.text) == (200, True)
    [row] = rows(select(Subscription))
    assert row.confirmed == clock()
    assert "We send word" in page.opens(link(letter)).text


def test_no_other_link_confirms(asker, article, mo, sends, page):
    approve(mo, asks(asker, article))
    [letter] = sends()
    good = link(letter)
    assert page.presses(good.replace("/confirm", "/end")).status_code == 404
    token = good.split("/")[2]
    assert page.presses(good.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B"))).status_code == 404
    assert page.opens("/replies/nonsense/confirm").status_code == 404


def test_an_address_is_asked_once_a_day_and_site(asker, answerer, article, mo, sends, clock):
    """Whoever it is that gives it, and though they take the comment back."""
    first = asks(asker, article, "One")
    approve(mo, first)
    assert len(sends()) == 1
    asker.posts(f"/comments/{first}/withdraw")
    approve(mo, asks(asker, article, "Two"))
    approve(mo, asks(answerer, article, "Three", email=ADDRESS.upper().replace("READERS", "readers")))
    clock.forward(hours=23)
    assert sends() == []
    clock.forward(hours=2)
    assert len(sends()) == 1
    clock.forward(hours=24)
    assert len(sends()) == 1


def test_one_answer_is_for_all_that_a_reader_asked_with_the_address(asker, article, mo, sends, page, rows):
    comments = [asks(asker, article, f"Comment {number}") for number in range(2)]
    for comment in comments:
        approve(mo, comment)
    [letter] = sends()
    page.presses(link(letter))
    approve(mo, asks(asker, article, "Another"))
    assert sends() == []
    assert [row.confirmed is not None for row in rows(select(Subscription))] == [True] * 3


def test_what_is_not_there_any_more_is_not_asked_about(asker, article, mo, sends):
    comment = asks(asker, article)
    approve(mo, comment)
    mo.posts("/decisions", comment=comment, action="hold", version=2)
    assert sends() == []


def test_what_was_not_there_when_it_was_due_is_asked_about_once_it_is_again(asker, article, mo, sends, page, clock):
    comment = asks(asker, article)
    approve(mo, comment)
    mo.posts("/decisions", comment=comment, action="hold", version=2)
    clock.forward(minutes=1)
    assert sends() == []
    clock.forward(minutes=1)
    approve(mo, comment, 3)
    [letter] = sends()
    clock.forward(minutes=1)
    mo.posts("/decisions", comment=comment, action="hold", version=4)
    clock.forward(days=2)
    approve(mo, comment, 5)
    assert sends() == [], "the question that was sent is out"
    assert page.presses(link(letter)).status_code == 200


def test_a_question_that_was_never_sent_keeps_no_other_comment_from_it(asker, article, mo, sends, clock):
    comment = asks(asker, article, "One")
    approve(mo, comment)
    mo.posts("/decisions", comment=comment, action="hold", version=2)
    clock.forward(minutes=1)
    assert sends() == []
    approve(mo, asks(asker, article, "Two"))
    clock.forward(hours=24)
    assert len(sends()) == 1


@pytest.mark.parametrize("how", ["erase", "purge"])
def test_erasing_a_comment_does_not_let_its_address_be_asked_again(
    asker, article, mo, ada, sends, rows, post, clock, how
):
    for number in range(3):
        comment = asks(asker, article, f"Comment {number}")
        approve(mo, comment)
        assert len(sends()) == (number == 0)
        if how == "erase":
            assert asker.posts("/erase").status_code == 200
        else:
            assert ada.posts(f"/comments/{comment}/purge", version=2).status_code == 200
    [row] = rows(select(Subscription))
    assert (row.asked, row.ended, row.confirmed, row.last, row.notice) == (clock(), clock(), None, None, None)
    assert {(each.reader, each.sealed_email) for each in rows(select(Comment))} == {(None, None)}
    clock.forward(hours=24, seconds=1)
    with post.app_context():
        assert worker.round_of_tasks(clock())
    assert rows(select(Subscription)) == []


def test_several_readers_who_give_an_address_have_it_asked_once_a_day(asker, article, mo, sends, clock):
    for number in range(5):
        approve(mo, asks(replace(asker, token=f"{number:022d}"), article, f"Comment {number}"))
    letters_a_day = []
    for _ in range(6):
        letters_a_day.append(len(sends()))
        clock.forward(hours=24)
    assert letters_a_day == [1, 1, 1, 1, 1, 0]


@sqlite_only
def test_an_address_is_given_five_times_a_day(post, make_app, rae, article):
    with_limits = make_app(
        limits=True, mail_keys=(KEY,), mail_url="smtp://127.0.0.1:1", mail_from="f@example.org", public_url=URL
    )
    answers = []
    for number in range(6):
        reader = replace(rae, http=_at(with_limits), token=f"{number:022d}", address=f"198.51.{number}.1")
        answers.append(reader.comments(article, f"Comment {number}", email=ADDRESS, notify="replies").status_code)
    assert answers == [202] * 5 + [429]


# Word of replies


def test_a_reply_is_told_of_a_few_minutes_later(confirmed, replies, article, sends, clock):
    reply = replies(confirmed, "Yes, it [does](https://pills.example).", name="Stan")
    assert sends() == []
    clock.forward(minutes=5)
    [letter] = sends()
    assert letter["To"] == ADDRESS
    assert letter["Subject"] == "A reply to your comment at Quiet Health"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = words(letter)
    assert "Stan: Yes, it does (pills[.]example)." in text
    assert f"{URL}/f/health?article={article.key}&around={reply}#c-{reply}" in text
    clock.forward(hours=2)
    assert sends() == []


def test_replies_that_come_together_share_a_letter(confirmed, replies, sends, clock):
    for number in range(3):
        replies(confirmed, f"Reply {number}")
        clock.forward(minutes=1)
    clock.forward(minutes=5)
    [letter] = sends()
    assert letter["Subject"] == "3 replies to your comment at Quiet Health"
    assert [f"Reply {number}" in words(letter) for number in range(3)] == [True] * 3


def test_there_is_a_letter_an_hour_at_most(confirmed, replies, sends, clock):
    arrived = []
    for number in range(12):
        replies(confirmed, f"Reply {number}")
        clock.forward(minutes=10)
        arrived += sends()
    clock.forward(hours=1)
    arrived += sends()
    assert len(arrived) == 3
    assert sorted(set(re.findall(r"Reply \d+", "".join(map(words, arrived))))) == sorted(
        f"Reply {number}" for number in range(12)
    )


def test_a_long_letter_counts_what_it_does_not_show(confirmed, replies, sends, clock):
    for number in range(22):
        replies(confirmed, f"Reply {number}")
    clock.forward(minutes=5)
    [letter] = sends()
    assert letter["Subject"].startswith("22 replies")
    assert words(letter).count("Read it:") == subscriptions.SHOWN
    assert "And 2 more." in words(letter)


def test_ones_own_and_what_is_gone_by_then_is_not_told(confirmed, asker, answerer, replies, mo, sends, clock):
    replies(confirmed, "My own", by=asker)
    gone, taken = replies(confirmed, "Withdrawn soon"), replies(confirmed, "Rejected soon")
    kept = replies(confirmed, "Kept")
    replies(kept, "To somebody else")
    answerer.posts(f"/comments/{gone}/withdraw")
    mo.posts("/decisions", comment=taken, action="reject", version=2)
    clock.forward(minutes=5)
    [letter] = sends()
    assert re.findall(r"My own|Withdrawn|Rejected|Kept|somebody else", words(letter)) == ["Kept"]
    answerer.posts(f"/comments/{replies(confirmed, 'Gone, too')}/withdraw")
    clock.forward(hours=2)
    assert sends() == []


def test_a_reply_is_told_of_once_though_it_is_held_and_approved_again(confirmed, replies, mo, sends, clock):
    reply = replies(confirmed, "Once")
    clock.forward(minutes=5)
    assert len(sends()) == 1
    mo.posts("/decisions", comment=reply, action="hold", version=2)
    approve(mo, reply, 3)
    clock.forward(hours=2)
    assert sends() == []


def test_the_staffs_reply_is_told_of_too(confirmed, mo, sends, clock):
    answer = mo.posts(f"/comments/{confirmed}/reply", body="We have corrected it.", version=2)
    assert answer.status_code == 201
    clock.forward(minutes=5)
    assert "We have corrected it." in words(sends()[0])


def test_nothing_is_told_before_it_is_confirmed(asker, article, mo, replies, sends, clock):
    comment = asks(asker, article)
    approve(mo, comment)
    sends()
    replies(comment, "Early")
    clock.forward(hours=2)
    assert sends() == []


def test_a_name_begins_no_header_of_its_own(confirmed, asker, replies, sends, clock, do, site):
    do(articles.change_site, site.slug, name="Health =?utf-8?q?=0D=0ABcc:_all?= x")
    replies(confirmed, "Hello\r\nBcc: everybody@example.org", name="Stan Bcc: all")
    clock.forward(minutes=5)
    [letter] = sends()
    assert "Bcc" not in letter
    assert letter["To"] == ADDRESS


@sqlite_only
@pytest.mark.parametrize("string", HOSTILE)
def test_hostile_replies_stay_words_in_a_letter(confirmed, replies, sends, clock, string):
    replies(confirmed, f"Said: {string}", name="Stan <b>&</b>")
    clock.forward(minutes=5)
    [letter] = sends()
    assert set(letter.keys()) == USUAL
    shown = html5lib.parse(letter.get_body(("html",)).get_content(), treebuilder="dom")
    assert [node.tagName for node in shown.getElementsByTagName("*") if node.tagName in ("script", "img", "b")] == []
    links = [node.getAttribute("href") for node in shown.getElementsByTagName("a")]
    assert [link for link in links if not link.startswith(f"{URL}/")] == []
    [name] = shown.getElementsByTagName("strong")
    assert "".join(node.data for node in name.childNodes) == "Stan <b>&</b>"


# The end of it


def test_one_click_ends_it_and_erases_the_address(confirmed, asker, article, mo, replies, sends, page, rows, clock):
    other = asks(asker, article, "Another")
    approve(mo, other)
    replies(confirmed, "First")
    clock.forward(minutes=5)
    [letter] = sends()
    target = letter["List-Unsubscribe"].strip("<>").removeprefix(URL)
    assert "No more of these?" in page.opens(target).text
    assert len([row for row in rows(select(Comment.sealed_email)) if row]) == 2
    for _ in range(2):
        answer = page.presses(target, **{"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, "no more mail" in answer.text) == (200, True)
    assert [row for row in rows(select(Comment.sealed_email)) if row] == []
    replies(confirmed, "Second"), replies(other, "Third")
    clock.forward(hours=2)
    assert sends() == []


@pytest.mark.parametrize("how", ["withdraw", "erase"])
def test_taking_the_comment_back_ends_it(confirmed, asker, replies, sends, rows, clock, how):
    replies(confirmed, "Just now")
    asker.posts("/erase" if how == "erase" else f"/comments/{confirmed}/withdraw")
    assert [row for row in rows(select(Comment.sealed_email)) if row] == []
    assert rows(select(Outbox).where(Outbox.done.is_(None))) == []
    assert [row.ended for row in rows(select(Subscription))] == [clock()]
    clock.forward(hours=2)
    assert sends() == []


def test_a_purge_ends_it(confirmed, ada, rows, clock):
    assert ada.posts(f"/comments/{confirmed}/purge", version=2).status_code == 200
    assert [row.ended for row in rows(select(Subscription))] == [clock()]
    assert [row for row in rows(select(Comment.sealed_email)) if row] == []


def test_what_nobody_confirms_is_erased_after_a_week(post, asker, article, mo, sends, page, rows, clock):
    approve(mo, asks(asker, article))
    [letter] = sends()
    clock.forward(days=7)
    with post.app_context():
        assert worker.round_of_tasks(clock())
    assert rows(select(Comment.sealed_email)) != [None]
    clock.forward(seconds=1)
    with post.app_context():
        assert worker.round_of_tasks(clock())
    assert rows(select(Comment.sealed_email)) == [None]
    assert rows(select(Subscription)) == []
    assert page.presses(link(letter)).status_code == 404


@pytest.mark.parametrize("action", ["reject", "spam"])
def test_the_address_of_what_stays_rejected_is_erased(post, asker, article, mo, rows, do, clock, action):
    comment, waiting = asks(asker, article, "One"), asks(asker, article, "Two", email="other@readers.example")
    mo.posts("/decisions", comment=comment, action=action, version=1)
    clock.forward(days=8)
    assert do(subscriptions.expire, clock()) == 1
    kept = {row.source: row.sealed_email is not None for row in rows(select(Comment))}
    assert kept == {"One": False, "Two": True}
    assert waiting


# What is kept


def test_the_address_is_stored_sealed_alone(post, asker, article, rows):
    asks(asker, article)
    [row] = rows(select(Subscription))
    [comment] = rows(select(Comment))
    assert ADDRESS.encode() not in comment.sealed_email
    assert mailbox.unseal(comment.sealed_email, (KEY,)) == ADDRESS
    assert row.address == subscriptions.address_hash(post.config["SETTINGS"].secret_keys[0], row.site_id, ADDRESS)
    assert len(row.address) == 32


def test_the_export_shows_the_subscription(confirmed, asker, article):
    asks(asker, article, "Waiting")
    asker.comments(article, "No mail")
    told = {each["source"]: each["subscription"] for each in asker.posts("/export").json["comments"]}
    now = "2026-05-04T09:00:00.000000Z"
    assert told == {
        "Does it help at night?": {"asked": now, "confirmed": now},
        "Waiting": {"asked": None, "confirmed": None},
        "No mail": None,
    }


def test_letters_that_cannot_be_delivered_name_no_reader(confirmed, replies, sends, inbox, ada, clock):
    replies(confirmed, "Hello")
    clock.forward(minutes=5)
    inbox.answer = "550 no"
    assert sends() == []
    shown = ada.signs_in().get("/admin/sites/health/mail").text
    assert "Word of replies" in shown
    assert ADDRESS not in shown


@sqlite_only
def test_the_doctor_says_whether_readers_are_offered_mail(post, make_app, clock, site):
    with post.app_context():
        [found] = [each for each in doctor.findings(post, now=clock()) if each.about == "mail"]
    assert found.good is True
    without = make_app(
        **{name: getattr(post.config["SETTINGS"], name) for name in ("mail_url", "mail_from", "public_url")}
    )
    with without.app_context():
        [found] = [each for each in doctor.findings(without, now=clock()) if each.about == "mail"]
    assert (found.good, "FEEDBACK_MAIL_KEYS" in found.sentence) == (None, True)


def test_the_counts_hold_through_all_of_it(app, confirmed, asker, replies, sends, clock):
    replies(confirmed, "Hello")
    clock.forward(hours=1)
    assert len(sends()) == 1
    asker.posts("/erase")
    assert_counted(app)


# In the site's language


@sqlite_only
def test_letters_and_their_pages_are_in_the_sites_language(asker, article, mo, sends, page, do):
    do(articles.change_site, asker.site.slug, lang="ar")
    arabic = languages.ALL["ar"]
    approve(mo, asks(asker, article))
    [question] = sends()
    assert question["Subject"] == arabic.say("mail.question.subject", site="Quiet Health")
    assert '<html lang="ar" dir="rtl">' in question.get_body(("html",)).get_content()
    shown = page.opens(link(question)).text
    assert arabic.say("pages.mail.asked", site="Quiet Health") in shown and '<html lang="ar" dir="rtl"' in shown
    assert arabic.say("pages.mail.confirmed", site="Quiet Health") in page.presses(link(question)).text
    missing = page.http.get("/replies/x/end", base_url=URL, headers={"Accept-Language": "ar"})
    assert missing.status_code == 404 and arabic.say("says.linkBroken") in missing.text


@sqlite_only
def test_every_sentence_of_letters_and_their_pages_comes_from_the_tables(
    monkeypatch, asker, answerer, article, mo, sends, page, replies, do, clock
):
    monkeypatch.setitem(languages.ALL, "de", languages.Language("de", "", "ltr", bracketed(languages.ENGLISH.groups)))
    do(articles.change_site, asker.site.slug, lang="de", moderation="post")
    asks(asker, article)
    [question] = sends()
    asked = link(question)
    comment = asker.mine(article).json["comments"][0]["id"]
    # Our own words aside, these are the site's and its readers'.
    theirs = re.compile(rf"Quiet Health|{re.escape(article.title)}|https://\S+|7{{3}}")

    def unsaid(*texts: str) -> list[str]:
        found = []
        for words in texts:
            while "⟦" in words:
                words, before = re.sub(r"⟦[^⟦⟧]*⟧", "", words), words
                assert words != before, before
            found += re.findall(r"[^\W\d_]+", theirs.sub("", words))
        return found

    def of(letter: Any) -> tuple[str, ...]:
        bodies = [str(letter.get_body((kind,)).get_content()) for kind in ("plain", "html")]
        return letter["Subject"], bodies[0], re.sub(r"<[^>]*>", "", bodies[1])

    def seen(answer: Any) -> str:
        assert answer.status_code == 200
        return re.sub(r"<[^>]*>", "", answer.text)

    assert unsaid(*of(question), seen(page.opens(asked)), seen(page.presses(asked))) == []
    for number in range(22):
        answerer.comments(article, f"777 {number}", parent=comment)
    clock.forward(hours=2)
    [told] = sends()
    end = link(told)
    assert unsaid(*of(told), seen(page.opens(end)), seen(page.presses(end))) == []


# Why a comment was rejected


@pytest.fixture
def explains(do: Callable[..., Any], site: Any) -> None:
    do(articles.change_site, site.slug, explains="on")


def reject(mo: Any, comment: str, version: int = 2, **more: str) -> str:
    answer = mo.posts("/decisions", comment=comment, action="reject", version=version, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json["decisions"][0]["id"])


def test_whoever_confirmed_is_told_why_their_comment_was_rejected(explains, confirmed, mo, sends, clock, page):
    reject(mo, confirmed, reason="Names a dose <b>without</b> its source")
    assert sends() == []
    clock.forward(minutes=6)
    [letter] = sends()
    assert (letter["To"], letter["Subject"]) == (ADDRESS, "Your comment at Quiet Health was rejected")
    assert "Names a dose <b>without</b> its source" in words(letter)
    html = html5lib.parse(letter.get_body(("html",)).get_content(), namespaceHTMLElements=False)
    assert html.find(".//blockquote").text == "Names a dose <b>without</b> its source" and html.find(".//b") is None
    assert page.presses(link(letter)).status_code == 200
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_rejection_that_was_taken_back_is_not_explained(explains, confirmed, mo, sends, clock):
    decision = reject(mo, confirmed, reason="Off the topic")
    assert mo.posts(f"/decisions/{decision}/undo").status_code == 200
    clock.forward(minutes=6)
    assert sends() == []


def test_only_the_last_of_two_reasons_is_told(explains, confirmed, mo, sends, clock):
    mo.posts(f"/decisions/{reject(mo, confirmed, reason='Off the topic')}/undo")
    reject(mo, confirmed, version=4, reason="Unkind")
    clock.forward(minutes=6)
    [letter] = sends()
    assert "Unkind" in words(letter) and "Off the topic" not in words(letter)


def test_nothing_is_explained_without_a_reason(explains, confirmed, mo, sends, clock):
    reject(mo, confirmed)
    clock.forward(minutes=6)
    assert sends() == []


def test_nothing_is_explained_where_the_site_does_not_ask_for_it(confirmed, mo, sends, clock):
    reject(mo, confirmed, reason="Off the topic")
    clock.forward(minutes=6)
    assert sends() == []


def test_nobody_is_told_a_reason_before_the_address_is_confirmed(explains, asker, article, mo, sends, clock):
    comment = asks(asker, article)
    reject(mo, comment, version=1, reason="Off the topic")
    clock.forward(minutes=6)
    assert sends() == []


def test_a_subscription_that_ended_meanwhile_is_told_no_reason(explains, confirmed, mo, sends, clock, asker):
    reject(mo, confirmed, reason="Off the topic")
    assert asker.posts(f"/comments/{confirmed}/withdraw").status_code == 200
    clock.forward(minutes=6)
    assert sends() == []


def test_an_erased_comment_leaves_no_explanation_waiting(explains, confirmed, mo, asker, rows):
    reject(mo, confirmed, reason="Off the topic")
    assert len(rows(select(Outbox).where(Outbox.done.is_(None)))) == 1
    assert asker.posts("/erase").status_code == 200
    assert rows(select(Outbox).where(Outbox.done.is_(None))) == []
