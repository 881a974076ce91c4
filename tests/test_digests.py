"""What the staff is told by mail and by the private feed: once, deciding nothing, ended by one click."""

import re
import socket
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from feedback import alarms, articles, delivery, digests, mail, moderation, notices, opaque, staff, worker
from feedback.db import transact
from feedback.models import Comment, Digest, FeedToken, Outbox, Pace, Role, State
from feedback.staff import Actor
from feedback.views import letters
from tests.cast import CSRF, registration, together
from tests.mailserver import Mailbox, mail_server

URL = "https://feedback.example.org"
SENDER = "Reader feedback <feedback@example.org>"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def post(make_app, mailbox):
    """The service with a mail server that works."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with mail_server(mailbox, port) as address:
        yield make_app(mail_url=f"smtp://{address}", mail_from=SENDER, public_url=URL)


@pytest.fixture
def work(post):
    """Announce and deliver what is due, as a worker does; returns how many letters were leased."""

    def run(write=letters.write):
        worker.announce(post)
        with post.app_context():
            return delivery.deliver(post.config["SETTINGS"], write)

    return run


@pytest.fixture
def every(mo, do):
    """Let Mo have a digest at another pace."""
    return lambda pace, unsafe=True: do(digests.choose, mo.id, mo.site.id, digests.Wish(pace, unsafe))


@pytest.fixture
def decide(ask, do, clock, mo, article, rows):
    def run(identifier, action=moderation.Action.APPROVE):
        key = opaque.parse_identifier(identifier)
        version = rows(select(Comment.version).where(Comment.id == key[1]))[0]
        choice = moderation.Choice(identifier, version)
        return do(moderation.decide, [choice], action, who=Actor("Mo", mo.id), site_ids=[mo.site.id], now=clock())

    return run


def identifier(answer):
    return answer.json["comment"]["id"]


def text_of(message):
    return message.get_body(("plain",)).get_content()


def html_of(message):
    return message.get_body(("html",)).get_content()


# Digests


def test_a_moderator_gets_an_hourly_digest_without_asking_for_it(mo, ada, rex, rae, article, work, mailbox, clock):
    clock.forward(minutes=10)
    assert rae.comments(article, "Does it help against stiffness?").status_code == 202
    clock.forward(minutes=20)
    assert work() == 0, "the hour is not over"
    clock.forward(minutes=31)
    assert work() == 1
    [message] = mailbox.messages
    assert message["To"] == mo.email
    assert message["Subject"] == "1 comment waits at Quiet Health"
    for shown in (text_of(message), html_of(message)):
        assert "Does it help against stiffness?" in shown
        assert article.title in shown
        assert "every comment waits on this site" in shown
    clock.forward(hours=1)
    assert work() == 0, "nothing new waits"


def test_no_comment_is_in_two_digests(mo, rae, article, work, mailbox, clock, every):
    every(Pace.EACH)
    sent = []
    for number in range(6):
        clock.forward(minutes=1)
        sent.append(f"Question number {number} of six.")
        rae.comments(article, sent[-1])
        work()
    clock.forward(minutes=2)
    work()
    told = [re.findall(r"Question number \d of six", text_of(message)) for message in mailbox.messages]
    assert len(told) > 2
    assert sorted(f"{each}." for one in told for each in one) == sent


def test_what_is_still_on_its_way_into_storage_is_in_the_next_one(mo, rae, article, work, mailbox, clock, every):
    every(Pace.EACH)
    clock.forward(minutes=5)
    rae.comments(article, "The first.")
    clock.forward(seconds=40)
    assert work() == 1
    # Timed before that digest left, stored after it.
    clock.forward(seconds=-20)
    rae.comments(article, "The second, which took its time.")
    clock.forward(minutes=1)
    assert work() == 1
    assert "The second" in text_of(mailbox.messages[1])


@pytest.mark.parametrize("pace", [Pace.EACH, Pace.HOURLY, Pace.DAILY])
def test_a_clock_that_is_set_back_hides_no_comment(mo, rae, article, work, mailbox, clock, every, pace):
    every(pace)
    rae.comments(article, "Sent before.")
    clock.forward(hours=20, minutes=31)
    assert work() == 1, "at 5:31 of the next day"
    # An hour comes a second time, and what is sent in it has moments that the letter covered.
    clock.forward(hours=-1)
    rae.comments(article, "Sent in that hour.")
    clock.forward(minutes=1)
    work()
    for _ in range(25):
        clock.forward(hours=1)
        work()
    told = [text_of(message) for message in mailbox.messages[1:]]
    assert any("Sent in that hour." in each for each in told)
    assert len(told) <= 2


def test_what_was_decided_before_the_letter_left_is_not_in_it(rae, article, work, mailbox, clock, decide):
    first = identifier(rae.comments(article, "Decided in between."))
    rae.comments(article, "Still there.")
    clock.forward(hours=2)
    decide(first)
    work()
    assert "Decided in between" not in text_of(mailbox.messages[0])
    assert "Still there" in text_of(mailbox.messages[0])


def test_nothing_left_is_no_letter(rae, article, post, work, mailbox, clock, decide, rows):
    first = identifier(rae.comments(article, "Gone in a moment."))
    clock.forward(hours=2)
    worker.announce(post)
    decide(first)
    assert work() == 1
    assert mailbox.messages == []
    assert [row.fault for row in rows(select(Outbox).where(Outbox.done.is_not(None)))] == [None]


def test_a_published_comment_that_flags_put_back_is_told_of(rae, stan, site, article, work, mailbox, clock, do, mo):
    do(articles.change_site, site.slug, moderation="post", flag_limit=1)
    sent = identifier(rae.comments(article, "Published at once."))
    clock.forward(hours=3)
    assert work() == 0
    assert stan.posts(f"/comments/{sent}/flag", reason="abuse").status_code == 202
    clock.forward(hours=1)
    assert work() == 1
    assert "Published at once." in text_of(mailbox.messages[0])
    clock.forward(hours=1)
    assert work() == 0


@pytest.mark.parametrize("by", ["flags", "its reader"])
def test_what_readers_put_back_is_told_of_again(rae, stan, site, article, work, mailbox, clock, do, decide, by):
    do(articles.change_site, site.slug, flag_limit=1)
    clock.forward(minutes=55)
    sent = identifier(rae.comments(article, "Sent before the hour."))
    clock.forward(minutes=6)
    assert work() == 1
    decide(sent)
    if by == "flags":
        assert stan.posts(f"/comments/{sent}/flag", reason="abuse").status_code == 202
    else:
        assert rae.posts(f"/comments/{sent}/edit", body="Changed after the hour.").status_code == 202
    clock.forward(hours=1)
    assert work() == 1
    assert mailbox.messages[1]["Subject"].startswith("1 comment waits")
    clock.forward(hours=1)
    assert work() == 0


def test_what_comes_and_goes_and_comes_again_within_the_hour_is_told_of_once(
    rae, stan, site, article, work, mailbox, clock, do, decide
):
    do(articles.change_site, site.slug, flag_limit=1)
    sent = identifier(rae.comments(article, "To and fro."))
    clock.forward(minutes=5)
    decide(sent)
    stan.posts(f"/comments/{sent}/flag", reason="abuse")
    clock.forward(hours=1)
    assert work() == 1
    assert mailbox.messages[0]["Subject"].startswith("1 comment waits")


def test_what_was_told_of_and_comes_back_is_not_told_of_twice(rae, article, work, mailbox, clock, decide):
    sent = identifier(rae.comments(article, "To and fro."))
    clock.forward(hours=1)
    assert work() == 1
    decide(sent)
    clock.forward(hours=1)
    decide(sent, moderation.Action.HOLD)
    clock.forward(hours=2)
    assert work() == 0


def test_the_same_digest_again_has_the_same_id_and_the_same_comments(rae, article, work, mailbox, clock, mo, post):
    rae.comments(article, "In the first digest.")
    clock.forward(hours=1, minutes=31)

    class Killed(BaseException):
        pass

    def die(notice):
        letter = letters.write(notice)
        with mail.server(post.config["SETTINGS"].mail_url) as smtp:
            mail.send(smtp, mail.compose(letter, sender=SENDER, notice_id=notice.id, now=clock()))
        raise Killed

    with pytest.raises(Killed):
        work(die)
    rae.comments(article, "Came later.")
    clock.forward(seconds=notices.LEASE.total_seconds() + 1)
    assert work() == 1
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first) == text_of(second)
    clock.forward(hours=1)
    assert work() == 1
    assert "Came later" in text_of(mailbox.messages[2])


def test_of_many_workers_one_makes_the_digest(rae, article, mo, app, clock, rows):
    rae.comments(article, "Once is enough.")
    clock.forward(hours=1)
    together(lambda: worker.announce(app), times=6)
    assert [row.kind for row in rows(select(Outbox))] == ["digest"]


def test_a_daily_digest_comes_at_five(rae, article, work, mailbox, clock, every):
    every(Pace.DAILY)
    rae.comments(article, "Patience.")
    clock.forward(hours=19, minutes=59)
    assert work() == 0
    clock.forward(minutes=2)
    assert work() == 1


@pytest.mark.parametrize("pace", [Pace.NEVER])
def test_never_is_never_until_one_says_otherwise(rae, article, work, mailbox, clock, every, pace):
    every(pace)
    rae.comments(article, "Nobody is told.")
    clock.forward(days=3)
    assert work() == 0
    every(Pace.HOURLY)
    assert work() == 1, "it waits, and nobody was told of it"


def test_who_moderates_no_more_gets_no_letter_that_is_on_its_way(rae, article, work, mailbox, clock, post, do, mo, ask):
    rae.comments(article, "For moderators.")
    clock.forward(hours=1)
    worker.announce(post)
    do(lambda: staff.leave(staff.find_user(mo.email), mo.site, Role.MODERATOR))
    work()
    assert mailbox.messages == []


def test_a_long_queue_is_counted_and_its_oldest_shown(rae, article, work, mailbox, clock, mo):
    for number in range(digests.SHOWN + 3):
        clock.forward(seconds=1)
        rae.comments(article, f"Text of number {number}.")
    clock.forward(hours=2)
    work()
    text = text_of(mailbox.messages[0])
    assert "28 comments wait" in text
    assert text.count("Decide: ") == digests.SHOWN
    assert "And 3 more in the queue." in text
    assert "Text of number 0." in text


HOSTILE = (
    "Look at https://evil.example/x?y=1 and [this](https://evil.example/z) or www.evil.example, "
    "![pixel](https://evil.example/p.gif) mailto:eve@evil.example evil.example/path tel:+15551234 <b>bold</b>"
)


def test_a_letter_has_no_link_and_no_image_of_a_comments_making(rae, article, work, mailbox, clock, mo):
    assert rae.comments(article, HOSTILE, name="www.evil.example").status_code == 202
    clock.forward(hours=1)
    work()
    text, html = text_of(mailbox.messages[0]), html_of(mailbox.messages[0])
    for shown in (text, html):
        assert "evil.example" not in shown and "evil[.]example" in shown
        assert {each.split("/")[2] for each in re.findall(r"https?://[^\s\"<]+", shown)} == {"feedback.example.org"}
        assert not re.search(r"<img|tel:|mailto:|eve@", shown)
    assert "&lt;b&gt;bold" in html


def test_a_quote_is_one_short_line():
    quote = mail.quoted("word " * 200 + "\n\nBcc: everybody")
    assert len(quote) <= mail.MAX_QUOTE_CHARS and "\n" not in quote and quote.endswith("…")


def test_a_link_in_the_letter_decides_nothing(rae, article, work, mailbox, clock, mo, rows):
    rae.comments(article, "Still undecided.")
    clock.forward(hours=1)
    work()
    client = mo.signs_in()
    for link in re.findall(rf"{URL}(/\S+)", text_of(mailbox.messages[0])):
        assert client.get(link).status_code == 200, link
    assert rows(select(Comment.state)) == [State.PENDING]
    assert [row.pace for row in rows(select(Digest))] == [Pace.HOURLY], "nor does the link that unsubscribes"


# Unsubscribing


@pytest.fixture
def letter(rae, article, work, mailbox, clock, mo):
    rae.comments(article, "Enough of these.")
    clock.forward(hours=1)
    work()
    return mailbox.messages[-1]


def test_one_click_ends_the_digests_without_signing_in(letter, post, rows, work, rae, article, clock):
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = letter["List-Unsubscribe"].strip("<>").removeprefix(URL)
    stranger = post.test_client()
    page = stranger.get(path, base_url=URL)
    assert page.status_code == 200 and "Send no more of them" in page.text
    assert [row.pace for row in rows(select(Digest))] == [Pace.HOURLY], "a mail program that follows links ends nothing"
    done = stranger.post(path, base_url=URL, data=ONE_CLICK)
    assert done.status_code == 200 and "Set-Cookie" not in done.headers
    assert done.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in done.headers["Content-Security-Policy"]
    assert [(row.pace, row.unsafe) for row in rows(select(Digest))] == [(Pace.NEVER, True)]
    rae.comments(article, "Nobody hears.")
    clock.forward(days=1)
    assert work() == 0


def test_a_link_of_somebody_elses_making_ends_nothing(letter, post, rows):
    path = letter["List-Unsubscribe"].strip("<>").removeprefix(URL)
    for wrong in (path[:-1] + ("A" if path[-1] != "A" else "B"), "/unsubscribe/x", "/unsubscribe/e30.x"):
        assert post.test_client().post(wrong, base_url=URL, data=ONE_CLICK).status_code == 404
    assert [row.pace for row in rows(select(Digest))] == [Pace.HOURLY]


# Choosing


def sends(client, path, **fields):
    token = CSRF.search(client.get("/account/notices").text)[1]
    return client.post(path, data={"csrf_token": token, **fields}, headers={"Referer": "http://localhost/"})


def test_everybody_chooses_for_themselves(mo, ada, rows, site):
    client = mo.signs_in()
    page = client.get("/account/notices").text
    assert re.search(r'value="hourly" checked', page) and "checked" in page.split('name="unsafe"')[1][:40]
    assert sends(client, f"/account/notices/{site.slug}", pace="daily").status_code == 303
    assert [(row.user_id, row.pace, row.unsafe) for row in rows(select(Digest))] == [(mo.id, Pace.DAILY, False)]
    assert sends(client, f"/account/notices/{site.slug}", pace="often").status_code == 422
    assert re.search(r'value="never" checked', ada.signs_in().get("/account/notices").text)


def test_nobody_chooses_for_a_site_of_others(rex, ann, mo, do, clock, site):
    do(articles.add_site, "other", origins=["https://other.test"], now=clock())
    assert sends(mo.signs_in(), "/account/notices/other", pace="each").status_code == 404
    assert "A reader says" in rex.signs_in().get("/account/notices").text
    assert 'name="pace"' not in rex.signs_in().get("/account/notices").text
    assert 'name="unsafe"' not in ann.signs_in().get("/account/notices").text
    reviewer = rex.signs_in()
    token = CSRF.search(reviewer.get("/account/password").text)[1]
    assert reviewer.post(f"/account/notices/{site.slug}/feed", data={"csrf_token": token}).status_code == 404


# The feed


@pytest.fixture
def feed(mo, site):
    """Make Mo's feed, and return its path and the client that made it."""
    client = mo.signs_in()
    page = sends(client, f"/account/notices/{site.slug}/feed")
    return client, re.search(r"http://localhost(/feeds/[^<]+)", page.text)[1]


def test_the_feed_shows_what_waits_and_is_kept_nowhere(feed, rae, article, client, decide, rows):
    waits = identifier(rae.comments(article, "Waits *here*."))
    decide(identifier(rae.comments(article, "Published.")))
    answer = client.get(feed[1])
    assert answer.status_code == 200 and answer.mimetype == "application/atom+xml"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers and "Set-Cookie" not in answer.headers
    [entry] = ElementTree.fromstring(answer.data).iter(f"{ATOM}entry")
    assert entry.find(f"{ATOM}content").text == "<p>Waits <em>here</em>.</p>"
    assert entry.find(f"{ATOM}link").get("href").endswith(f"/moderation/comments/{waits}")
    secret = feed[1].partition("token=")[2]
    assert secret not in answer.text
    assert secret.encode() not in b"".join(row.hash for row in rows(select(FeedToken)))


def test_its_token_opens_nothing_else(feed, client, site, article, rae):
    rae.comments(article, "Waits.")
    secret = feed[1].partition("token=")[2]
    for headers in ({"Authorization": f"Bearer {secret}"},):
        assert client.get(f"/api/v1/{site.slug}/queue", headers=headers).status_code == 401
    assert client.get(f"/moderation/?token={secret}").status_code == 303
    assert client.post(feed[1]).status_code == 405


def test_without_its_token_there_is_no_feed(feed, client, do, clock, mo, site, ask):
    path = feed[1].partition("?")[0]
    for wrong in ("", "?token=", "?token=fq_wrong", f"?token={feed[1].partition('token=')[2]}x"):
        assert client.get(path + wrong).status_code == 404
    do(articles.add_site, "other", origins=["https://other.test"], now=clock())
    assert client.get(feed[1].replace("/health/", "/other/")).status_code == 404


def test_a_new_address_closes_the_old_and_revoking_closes_it(feed, client, site):
    moderator, old = feed
    new = re.search(r"http://localhost(/feeds/[^<]+)", sends(moderator, f"/account/notices/{site.slug}/feed").text)[1]
    assert [client.get(each).status_code for each in (old, new)] == [404, 200]
    assert sends(moderator, f"/account/notices/{site.slug}/feed/revoke").status_code == 303
    assert client.get(new).status_code == 404


def test_who_moderates_no_more_reads_no_more(feed, client, do, mo):
    do(lambda: staff.leave(staff.find_user(mo.email), mo.site, Role.MODERATOR))
    assert client.get(feed[1]).status_code == 404


# Unsafe


def flag(reader, comment, reason="unsafe", note=None):
    answer = reader.posts(f"/comments/{comment}/flag", reason=reason, note=note)
    assert answer.status_code == 202, answer.text


@pytest.fixture
def published(rae, article, decide):
    sent = identifier(rae.comments(article, "Just take ten tablets."))
    decide(sent)
    return sent


def test_an_unsafe_comment_goes_to_the_reviewer_at_once(rex, mo, stan, article, do, work, mailbox, clock, published):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    flag(stan, published, note="Ten would kill somebody. See www.evil.example")
    assert work() == 1
    [message] = mailbox.messages
    assert message["To"] == rex.email
    assert message["Subject"].strip() == f"Said to be unsafe: {article.title}"
    for shown in (text_of(message), html_of(message)):
        assert "Just take ten tablets." in shown and "Ten would kill somebody. See www[.]evil[.]example" in shown
    assert "/moderation/" not in text_of(message), "the queue is closed to reviewers"
    assert message["List-Unsubscribe"].startswith(f"<{URL}/unsubscribe/")


def test_without_a_reviewer_the_moderators_are_told(mo, ada, stan, work, mailbox, published):
    flag(stan, published)
    assert work() == 2
    assert {message["To"] for message in mailbox.messages} == {mo.email, ada.email}
    assert f"{URL}/moderation/comments/{published}" in text_of(mailbox.messages[0])


def test_who_reviews_no_more_is_not_told(rex, mo, ada, site, stan, article, do, work, mailbox, clock, published):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    do(lambda: staff.leave(staff.find_user(rex.email), site, Role.REVIEWER))
    flag(stan, published)
    assert work() == 2
    assert {message["To"] for message in mailbox.messages} == {mo.email, ada.email}


def test_where_the_reviewer_wants_no_more_the_next_ones_are_told(
    rex, mo, stan, rae, article, do, work, mailbox, clock, published
):
    """The second word waits for the end of the hour; until then Rex has lost the role."""
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    flag(stan, published)
    assert work() == 1
    clock.forward(minutes=1)
    rae.votes(article, "no", reason="unsafe", note="It names no dose.")
    do(lambda: staff.leave(staff.find_user(rex.email), rex.site, Role.REVIEWER))
    clock.forward(hours=1)
    work()
    work()
    [_, handed_on] = mailbox.messages
    assert handed_on["To"] == mo.email
    assert "It names no dose." in text_of(handed_on)
    assert work() == 0


def test_another_reason_waits_for_the_digest(mo, stan, rae, article, published, rows):
    flag(stan, published, reason="abuse")
    rae.votes(article, "no", reason="unclear", note="What does it mean?")
    assert rows(select(Outbox)) == []


def test_an_unsafe_vote_is_told_and_its_note_too(rex, rae, article, do, work, mailbox, clock):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    assert rae.votes(article, "no", reason="unsafe").status_code == 200
    assert work() == 1
    assert "Of the article itself." in text_of(mailbox.messages[0])
    clock.forward(minutes=1)
    rae.votes(article, "no", reason="unsafe", note="It names no dose.")
    rae.votes(article, "no", reason="unsafe", note="It names no dose.")
    assert work() == 0
    clock.forward(hours=1)
    assert work() == 1
    assert "It names no dose." in text_of(mailbox.messages[1])


def test_a_crowd_is_one_letter_now_and_one_at_the_end_of_the_hour(
    rex, connect, site, article, do, work, mailbox, clock, published
):
    from tests.cast import Reader

    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    crowd = [Reader(connect(), site, f"many-many-many-many-{n:02}", f"203.0.{n}.9", site.origins[0]) for n in range(12)]

    def warnings():
        return [message for message in mailbox.messages if message["To"] == rex.email]

    flag(crowd[0], published)
    work()
    for reader in crowd[1:]:
        clock.forward(minutes=1)
        flag(reader, published)
        work()
    assert len(warnings()) == 1
    clock.forward(hours=1)
    work()
    clock.forward(hours=3)
    work()
    assert len(warnings()) == 2
    assert "12 readers say" in text_of(warnings()[1]), "the first of them still waits for a decision, too"
    assert "And 2 more." in text_of(warnings()[1])


@pytest.mark.parametrize("delivered", [True, False])
def test_a_clock_that_is_set_back_swallows_no_warning(
    rex, rae, stan, article, do, work, mailbox, clock, published, delivered
):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    flag(stan, published, note="Said first.")
    if delivered:
        work()
    clock.forward(hours=-1)
    assert rae.votes(article, "no", reason="unsafe", note="Said in that hour.").status_code == 200
    work()
    assert "Said in that hour." in text_of(mailbox.messages[-1])
    clock.forward(minutes=1)
    rae.votes(article, "no", reason="unsafe", note="Said a minute later.")
    work()
    assert "a minute later" not in text_of(mailbox.messages[-1])
    clock.forward(hours=1)
    work()
    assert "Said a minute later." in text_of(mailbox.messages[-1])


def test_what_was_decided_meanwhile_is_not_told(rex, stan, article, do, work, mailbox, clock, published, decide):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    flag(stan, published)
    decide(published, moderation.Action.REJECT)
    assert work() == 1
    assert mailbox.messages == []


def test_a_reviewer_who_wants_no_warnings_leaves_them_to_the_moderators(
    rex, mo, stan, article, do, work, mailbox, clock, published
):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    do(digests.choose, rex.id, rex.site.id, digests.Wish(Pace.NEVER, unsafe=False))
    flag(stan, published)
    work()
    assert [message["To"] for message in mailbox.messages] == [mo.email]


def test_one_click_ends_warnings_alone(rex, mo, rae, stan, article, do, post, work, mailbox, clock, published, rows):
    do(articles.register, rex.site.id, registration(rex.site), now=clock())
    flag(stan, published)
    assert work() == 1
    [message] = mailbox.messages
    assert message["To"] == rex.email
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = message["List-Unsubscribe"].strip("<>").removeprefix(URL)
    page = post.test_client().get(path, base_url=URL)
    assert "gets warnings that something could be unsafe about Quiet Health" in page.text
    clock.forward(hours=1)
    rae.votes(article, "no", reason="unsafe", note="A mail program that follows links ends nothing.")
    assert work() == 1
    assert [message["To"] for message in mailbox.messages] == [rex.email] * 2
    assert post.test_client().post(path, base_url=URL, data=ONE_CLICK).status_code == 200
    [row] = rows(select(Digest).where(Digest.user_id == rex.id))
    assert (row.unsafe, row.drops, row.weekly) == (False, True, True)
    clock.forward(hours=1)
    rae.votes(article, "no", reason="unsafe", note="The reviewer hears no more.")
    work()
    clock.forward(hours=2)
    work()
    told = [message["To"] for message in mailbox.messages if "hears no more" in text_of(message)]
    assert told == [mo.email], "the moderators are told in the reviewer's place"


def test_many_at_once_are_one_warning(rex, site, article, do, app, clock, rows):
    do(articles.register, site.id, registration(site), now=clock())

    def sound():
        with app.app_context():
            transact(alarms.sound, article.id, site.id, now=clock())

    together(sound, times=8)
    due = sorted(row.due for row in rows(select(Outbox)))
    assert due == [clock(), clock() + alarms.QUIET]
