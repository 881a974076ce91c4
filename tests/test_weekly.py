"""A letter a week to authors and reviewers: on Mondays, of what has something to say, what needs work first."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from feedback import articles, digests, mail, notices, opaque, staff, weekly, worker
from feedback.db import db
from feedback.models import Digest, NoteStatus, Outbox, Pace, Role, Vote
from feedback.views import letters
from tests.cast import registration, together
from tests.test_digests import HOSTILE, ONE_CLICK, SENDER, URL, html_of, mailbox, post, sends, text_of, work
from tests.test_drops import article, cast

__all__ = ["article", "cast", "mailbox", "post", "work"]  # fixtures


@pytest.fixture
def begun(ann, rex, article, work, clock):
    """A worker has seen Ann and Rex on Monday, 4 May; what comes now is in the letter of the 11th."""
    assert work() == 0
    clock.forward(days=1)


@pytest.fixture
def monday(clock):
    """Go to a minute past six of the Monday after this many weeks from 4 May."""

    def go(weeks=1, **more):
        clock.moment = datetime(2026, 5, 4, 6, 1, tzinfo=UTC)
        return clock.forward(weeks=weeks, **more)

    return go


@pytest.fixture
def told(work, mailbox):
    """Deliver what is due, and return to whom new letters went."""

    def run():
        before = len(mailbox.messages)
        work()
        return sorted(message["To"] for message in mailbox.messages[before:])

    return run


def test_the_letter_leaves_on_monday_at_six_and_tells_of_the_week(
    ann, rex, mo, ada, begun, article, cast, monday, told, mailbox
):
    cast(article, yes=14, no=6)
    cast(article, no=1, reason="unclear", note="It names no dose, see www.evil.example")
    monday(minutes=-2)
    assert told() == []
    monday()
    assert told() == [ann.email, rex.email], "and nobody who neither wrote nor reviewed it"
    message = mailbox.messages[0]
    assert message["Subject"] == "Your week at Quiet Health: 1 article has something to say"
    for shown in (text_of(message), html_of(message)):
        assert "about the days from 4 May to 10 May" in shown and article.title in shown
        assert "67 % of the 21 readers who voted found this helpful, 45–83 %." in shown
        assert "21 new votes." in shown and "1 new note:" in shown
        assert "It names no dose, see www[.]evil[.]example" in shown
        assert f"{URL}/articles/health?article={article.key}" in shown
    monday(hours=20)
    assert told() == []
    monday(2)
    assert told() == [], "it has nothing new to say"


@pytest.mark.parametrize(("yes", "sent"), [(weekly.NEWS - 1, False), (weekly.NEWS, True)])
def test_nothing_to_say_is_no_letter(begun, article, cast, monday, told, rows, yes, sent):
    cast(article, yes=yes)
    monday()
    assert bool(told()) == sent
    assert all(row.done and not row.fault for row in rows(select(Outbox)))


def test_under_five_votes_there_is_no_percentage(begun, article, cast, monday, told, mailbox):
    cast(article, yes=3, note="Clear at last.")
    monday()
    assert told()
    assert "3 of the 3 readers who voted found this helpful." in text_of(mailbox.messages[0])
    assert "%" not in text_of(mailbox.messages[0])


def test_sunday_is_in_the_letter_and_monday_in_the_next(begun, article, cast, clock, monday, told, mailbox):
    monday(hours=-6, minutes=-2)
    cast(article, no=1, note="A minute before midnight.")
    monday(hours=-6)
    cast(article, no=1, note="At midnight.")
    monday()
    told()
    assert "A minute before midnight." in text_of(mailbox.messages[0])
    assert "At midnight." not in text_of(mailbox.messages[0])
    mailbox.messages.clear()
    monday(2)
    told()
    assert "At midnight." in text_of(mailbox.messages[0])
    assert "A minute before midnight." not in text_of(mailbox.messages[0])


def test_who_is_new_gets_the_first_letter_on_the_next_monday(ann, rex, article, cast, clock, monday, told):
    cast(article, no=1, note="Before anybody looked.")
    monday(1, days=2)
    assert told() == []
    cast(article, no=1, note="Of this week.")
    monday(2)
    assert told() == [ann.email, rex.email]


def test_a_worker_that_comes_late_tells_late_and_of_all(ann, begun, article, cast, clock, monday, told, mailbox):
    cast(article, no=1, note="Of the first week.")
    monday(1, days=3)
    cast(article, no=1, note="Of the second week.")
    monday(2, days=1)
    assert ann.email in told()
    text = text_of(mailbox.messages[0])
    assert "from 4 May to 17 May" in text
    assert "Of the first week." in text and "Of the second week." in text


# The clock


def test_a_clock_set_back_on_monday_morning_tells_nothing_twice(begun, article, cast, clock, monday, told):
    cast(article, no=1, note="Once is enough.")
    monday(minutes=30)
    assert len(told()) == 2
    for _ in range(3):
        clock.forward(minutes=-50)
        assert told() == []
        clock.forward(minutes=30)
    monday(hours=1)
    assert told() == []


def test_a_clock_set_back_to_sunday_hides_no_note(ann, begun, article, cast, clock, monday, told, mailbox):
    cast(article, no=1, note="Told already.")
    monday()
    assert len(told()) == 2
    monday(hours=-7)
    assert told() == []
    cast(article, no=1, note="In the hour that came twice.")
    monday()
    assert ann.email in told()
    assert "In the hour that came twice." in text_of(mailbox.messages[-1])
    monday(hours=1)
    assert told() == []


def test_a_clock_that_was_years_ahead_stops_no_letter(ann, begun, article, cast, monday, told, clock):
    moment = clock()
    monday(300)
    told()
    clock.moment = moment
    assert told() == []
    cast(article, no=1, note="Of an ordinary week.")
    monday()
    assert ann.email in told()


# Once


def test_of_many_workers_one_makes_the_letter(ann, rex, begun, article, cast, app, monday, rows):
    cast(article, no=1, note="Once is enough.")
    monday()
    together(lambda: worker.announce(app), times=6)
    found = rows(select(Outbox))
    assert sorted(row.about["user"] for row in found) == sorted([ann.id.hex, rex.id.hex])
    assert {row.kind for row in found} == {"weekly"}


def test_the_same_letter_again_says_the_same(ann, rex, do, begun, article, cast, work, mailbox, clock, monday, post):
    do(staff.set_active, rex.id, False)
    cast(article, yes=20, no=5, note="Of the week.")
    monday()

    class Killed(BaseException):
        pass

    def die(notice):
        letter = letters.write(notice)
        with mail.server(post.config["SETTINGS"].mail_url) as smtp:
            mail.send(smtp, mail.compose(letter, sender=SENDER, notice_id=notice.id, now=clock()))
        raise Killed

    with pytest.raises(Killed):
        work(die)
    cast(article, no=30, revision="c", note="Came later.")
    clock.forward(seconds=notices.LEASE.total_seconds() + 1)
    assert work() == 1 + 1, "and an alert"
    first, second = [each for each in mailbox.messages if each["Subject"].startswith("Your week")]
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first) == text_of(second)


def test_after_two_weeks_without_a_mail_server_one_letter_leaves(
    ann, rex, do, begun, article, cast, app, monday, told, mailbox
):
    do(staff.set_active, rex.id, False)
    cast(article, no=1, note="Of the first week.")
    monday()
    worker.announce(app)
    cast(article, no=1, note="Of the second week.")
    monday(2)
    assert told() == [ann.email]
    assert "Of the second week." in text_of(mailbox.messages[0])


# What


def test_an_erased_note_is_not_in_the_letter(begun, rae, article, cast, post, monday, told, mailbox):
    rae.votes(article, "no", reason="unclear", note="My brother takes forty milligrams.")
    cast(article, no=1, note="It stays.")
    monday()
    worker.announce(post)
    assert rae.posts("/erase").status_code == 200
    assert told()
    assert "It stays." in text_of(mailbox.messages[0]) and "brother" not in text_of(mailbox.messages[0])


def test_a_note_that_was_dealt_with_is_not_in_the_letter(begun, article, cast, do, monday, told):
    cast(article, no=1, note="Mended by now.")
    do(lambda: db.session.execute(update(Vote).values(note_status=NoteStatus.DONE)))
    monday()
    assert told() == []


def test_the_newest_notes_are_quoted_and_the_others_counted(begun, article, cast, clock, monday, told, mailbox):
    for number in range(weekly.QUOTED + 2):
        clock.forward(minutes=1)
        cast(article, no=1, note=f"Note number {number}.")
    monday()
    told()
    text = text_of(mailbox.messages[0])
    assert re.findall(r"Note number \d", text) == ["Note number 4", "Note number 3", "Note number 2"]
    assert "5 new notes:" in text and "And 2 more." in text


def test_a_letter_has_no_link_of_a_notes_making(begun, article, cast, monday, told, mailbox):
    cast(article, no=1, note=HOSTILE)
    monday()
    told()
    for shown in (text_of(mailbox.messages[0]), html_of(mailbox.messages[0])):
        assert "evil.example" not in shown and "evil[.]example" in shown
        assert {each.split("/")[2] for each in re.findall(r"https?://[^\s\"<]+", shown)} == {"feedback.example.org"}
    assert "&lt;b&gt;bold" in html_of(mailbox.messages[0])


def test_what_is_said_to_be_unsafe_is_in_it(rae, stan, mo, begun, article, cast, monday, told, mailbox):
    sent = rae.comments(article, "Just take ten tablets.").json["comment"]["id"]
    assert mo.posts("/decisions", comment=sent, version=1, action="approve").status_code == 200
    assert stan.posts(f"/comments/{sent}/flag", reason="unsafe").status_code == 202
    assert opaque.parse_identifier(sent)[0] == article.id
    cast(article, no=2, reason="unsafe")
    monday()
    told()
    text = text_of(next(each for each in mailbox.messages if each["Subject"].startswith("Your week")))
    assert "2 readers say that it could be unsafe." in text
    assert "1 comment on it was said to be unsafe." in text


@pytest.mark.parametrize(("weeks", "sent"), [(2, True), (6, False)])
def test_whether_an_edit_helped_is_news_for_four_weeks(begun, article, cast, clock, monday, told, mailbox, weeks, sent):
    cast(article, yes=10, no=40, revision="a")
    clock.forward(hours=1)
    cast(article, yes=40, no=10, revision="b")
    for week in range(1, weeks):
        monday(week, days=1)
        told()
    mailbox.messages.clear()
    cast(article, yes=1)
    monday(weeks)
    assert bool(told()) == sent
    if sent:
        assert "up from 20 % to 80 % since the edit of 5 May, likely better." in text_of(mailbox.messages[0])


def test_a_drop_that_stands_is_in_it(begun, article, cast, monday, told, mailbox):
    cast(article, yes=70, no=30, revision="a")
    monday(1, days=1)
    cast(article, yes=6, no=18)
    told()
    mailbox.messages.clear()
    monday(2)
    assert told()
    text = text_of(mailbox.messages[0])
    assert "Fewer readers are helped than before. Since the edit of 12 May, 6 of the 24 readers" in text
    assert "Before it, 60–78 % did." in text
    monday(3)
    assert told() == [], "nobody answered on it since"


def test_what_needs_work_comes_first_and_the_rest_is_counted(
    ann, rex, do, site, begun, article, cast, clock, monday, told, mailbox
):
    do(staff.set_active, rex.id, False)

    def write(key):
        return do(articles.register, site.id, registration(site, key, f"About {key}"), now=clock())[0]

    for number in range(weekly.SHOWN):
        cast(write(f"liked-{number:02}"), yes=20, note="Thank you.")
    cast(write("disliked"), yes=2, no=20)
    cast(write("feared"), yes=30, no=1, reason=None)
    cast(write("feared"), no=1, reason="unsafe")
    cast(write("quiet"), yes=1)
    told()
    mailbox.messages.clear()
    monday()
    assert told() == [ann.email]
    text = text_of(mailbox.messages[0])
    assert "22 articles have something to say" in mailbox.messages[0]["Subject"]
    titles = re.findall(r"^\* About (\S+)", text, re.MULTILINE)
    assert len(titles) == weekly.SHOWN and titles[:3] == ["feared", "disliked", "liked-00"]
    assert "2 more have something to say." in text
    assert "quiet" not in text


# Who


def test_the_author_of_another_article_gets_nothing(
    ann, rex, new_hire, do, site, begun, article, cast, monday, told, clock
):
    zoe = new_hire("Zoe", Role.AUTHOR)
    told()
    hers = (articles.Byline("Zoe", Role.AUTHOR, zoe.email),)
    do(articles.register, site.id, articles.Registration("hers", "Hers", f"{URL}/hers", hers), now=clock())
    cast(article, no=1, note="For Ann and Rex.")
    monday()
    assert told() == [ann.email, rex.email]


def test_who_has_both_roles_gets_one_letter_with_the_article_once(
    ann, rex, do, site, begun, article, cast, monday, told, mailbox, clock
):
    people = tuple(articles.Byline("Ann Hollis", role, ann.email) for role in (Role.AUTHOR, Role.REVIEWER))
    do(articles.register, site.id, articles.Registration(article.key, "Twice", article.url, people), now=clock())
    do(lambda: staff.join(staff.find_user(ann.email), site, Role.REVIEWER))
    cast(article, no=1, note="Once is enough.")
    monday()
    assert told() == [ann.email]
    assert text_of(mailbox.messages[0]).count("* Twice") == 1


def test_an_account_that_sleeps_gets_nothing(ann, rex, do, begun, article, cast, monday, told, app):
    cast(article, no=1, note="For whoever is awake.")
    do(staff.set_active, ann.id, False)
    monday()
    worker.announce(app)
    do(staff.set_active, rex.id, False)
    assert told() == [], "nor a letter that is on its way"


def test_an_administrator_gets_one_only_of_what_they_wrote(
    ann, ada, do, site, begun, article, cast, monday, told, clock
):
    told()
    cast(article, no=1, note="Of Ann’s.")
    monday()
    assert ada.email not in told()
    hers = (articles.Byline("Ada", Role.AUTHOR, ada.email),)
    own = do(articles.register, site.id, articles.Registration("own", "Own", f"{URL}/own", hers), now=clock())[0]
    assert told() == []
    cast(own, no=1, note="Of Ada’s.")
    monday(2)
    assert told() == [ada.email]


def test_who_writes_here_no_more_gets_nothing(ann, rex, do, begun, article, cast, monday, told, post):
    cast(article, no=1, note="For whoever is here.")
    do(lambda: staff.leave(staff.find_user(ann.email), ann.site, Role.AUTHOR))
    monday()
    worker.announce(post)
    do(lambda: staff.leave(staff.find_user(rex.email), rex.site, Role.REVIEWER))
    assert told() == []


# Choosing


def test_who_begins_to_moderate_is_told_of_the_queue_as_moderators_are(ann, rae, do, begun, article, told, clock, rows):
    assert [row.pace for row in rows(select(Digest).where(Digest.user_id == ann.id))] == [Pace.NEVER]
    do(lambda: staff.join(staff.find_user(ann.email), ann.site, Role.MODERATOR))
    rae.comments(article, "Does it help against stiffness?")
    clock.forward(hours=1)
    assert told() == [ann.email]


def test_whoever_wants_none_gets_none_and_begins_anew_on_a_monday(
    ann, rex, do, begun, article, cast, monday, told, clock
):
    do(staff.set_active, rex.id, False)
    do(digests.choose, ann.id, ann.site.id, digests.Wish(Pace.NEVER, weekly=False))
    cast(article, no=1, note="Nobody is told.")
    monday()
    assert told() == []
    monday(1, days=2)
    do(digests.choose, ann.id, ann.site.id, digests.Wish(Pace.NEVER))
    assert told() == [], "the next Monday is soon enough"
    cast(article, no=1, note="In time.")
    monday(2)
    assert told() == [ann.email]


def test_the_letter_is_offered_to_who_has_articles(ann, ada, mo, article, do, site, clock, rows):
    assert "A weekly letter about your articles" in ann.signs_in().get("/account/notices").text
    for person in (ada, mo):
        assert 'name="weekly"' not in person.signs_in().get("/account/notices").text
    assert sends(ada.signs_in(), f"/account/notices/{site.slug}", pace="never").status_code == 303
    assert rows(select(Digest.weekly)) == [True], "who was not asked has not said no"
    hers = (articles.Byline("Ada", Role.AUTHOR, ada.email),)
    do(articles.register, site.id, articles.Registration("own", "Own", f"{URL}/own", hers), now=clock())
    assert 'name="weekly"' in ada.signs_in().get("/account/notices").text
    assert sends(ann.signs_in(), f"/account/notices/{site.slug}", drops="yes").status_code == 303
    [row] = rows(select(Digest).where(Digest.user_id == ann.id))
    assert (row.drops, row.weekly) == (True, False)


def test_one_click_ends_the_weekly_letter_alone(ann, begun, article, cast, monday, told, mailbox, post, rows):
    cast(article, no=1, note="Enough of these.")
    monday()
    told()
    [message] = [each for each in mailbox.messages if each["To"] == ann.email]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = message["List-Unsubscribe"].strip("<>").removeprefix(URL)
    assert "gets weekly letters about their articles" in post.test_client().get(path, base_url=URL).text
    [row] = rows(select(Digest).where(Digest.user_id == ann.id))
    assert row.weekly, "a mail program that follows links ends nothing"
    assert post.test_client().post(path, base_url=URL, data=ONE_CLICK).status_code == 200
    [row] = rows(select(Digest).where(Digest.user_id == ann.id))
    assert (row.weekly, row.drops, row.unsafe) == (False, True, True)
