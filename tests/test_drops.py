"""Alerts: who wrote or reviewed an article is told, once for each edit, that readers are helped less since then."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import event, insert, select

from feedback import administration, articles, changes, digests, drops, merging, staff, votes
from feedback.db import db, run
from feedback.models import Digest, Outbox, Pace, Revision, Role, Tally
from feedback.revisions import see_revision
from tests.cast import Reader, registration, together
from tests.test_digests import ONE_CLICK, URL, html_of, mailbox, post, sends, text_of, work
from tests.test_queries import Query, cost

__all__ = ["mailbox", "post", "work"]  # fixtures

_readers = count(1)


@pytest.fixture
def cast(do, ask, site, clock):
    """Cast votes by the rule that serves readers, each of another reader: `cast(article, yes=3, no=1)`."""

    def run(article, *, yes=0, no=0, revision="b", **more):
        page = articles.Page(ask(articles.site, site.slug), article.key, article.title, article.url)

        def all_of_them():
            for value in [votes.Choice.YES] * yes + [votes.Choice.NO] * no:
                ballot = votes.Ballot(page, next(_readers).to_bytes(32, "big"), value, revision=revision, **more)
                votes.cast(ballot, now=clock())

        do(all_of_them)

    return run


@pytest.fixture
def article(ann, rex, do, site, clock):
    """By Ann, reviewed by Rex, who have accounts by now."""
    return do(articles.register, site.id, registration(site), now=clock())[0]


@pytest.fixture
def edited(article, cast, do, clock):
    """Seven of ten were helped; then it was edited, and 6 of 22 are: two more No raise the alarm."""
    cast(article, yes=70, no=30, revision="a")
    clock.forward(days=3)
    note = {"registered": True, "note": "A shorter text, see www.evil.example", "now": clock()}
    do(see_revision, article.id, "b", **note)
    clock.forward(days=1)
    cast(article, yes=6, no=16)
    return article


@pytest.fixture
def told(rows):
    """Whom the alerts in the outbox are for, by their ids."""
    return lambda: sorted(row.about["user"] for row in rows(select(Outbox).where(Outbox.kind == "drop")))


def ids(*people):
    return sorted(person.id.hex for person in people)


def test_authors_and_reviewers_are_told_once_as_soon_as_the_votes_leave_little_doubt(
    ann, rex, ada, mo, edited, cast, told, rows, clock, work, mailbox
):
    assert told() == []
    cast(edited, no=1)
    assert told() == []
    cast(edited, no=1)
    assert told() == ids(ann, rex)
    assert rows(select(Revision.alerted).where(Revision.label == "b")) == [clock()]
    cast(edited, no=5)
    assert told() == ids(ann, rex)
    assert work() == 2
    assert {message["To"] for message in mailbox.messages} == {ann.email, rex.email}
    message = mailbox.messages[0]
    assert message["Subject"].strip() == f"Fewer readers are helped: {edited.title}"
    sentence = "Since the edit of 7 May, 6 of the 29 readers who voted found this helpful. Before it, 60–78 % did."
    for shown in (text_of(message), html_of(message)):
        assert sentence in shown and edited.title in shown
        assert "A shorter text, see www[.]evil[.]example" in shown
        assert f"{URL}/articles/health?article={edited.key}" in shown


def test_the_link_opens_the_figures_for_whoever_got_it(ann, edited, cast, work, mailbox):
    cast(edited, no=2)
    work()
    [message] = [each for each in mailbox.messages if each["To"] == ann.email]
    path = text_of(message).partition("Its figures: ")[2].split()[0].removeprefix(URL)
    assert "Fewer readers are helped than before." in ann.signs_in().get(path).text


@pytest.mark.parametrize(("before", "after"), [((180, 20), (27, 3)), ((17, 2), (0, 12)), ((90, 10), (0, 9))])
def test_no_drop_no_baseline_of_20_or_no_10_votes_tells_nobody(article, cast, clock, told, before, after):
    cast(article, yes=before[0], no=before[1], revision="a")
    clock.forward(days=3)
    cast(article, yes=after[0], no=after[1])
    assert told() == []


def test_a_drop_that_comes_again_after_its_day_was_set_aside_is_news(
    ann, rex, ada, article, cast, told, do, site, clock, rows, work, mailbox
):
    for _ in range(10):
        cast(article, yes=7, no=3, revision="a")
        clock.forward(days=1)
    cast(article, no=40)
    assert told() == ids(ann, rex)
    assert work() == 2
    flood = clock().date()
    clock.forward(days=1)
    by = changes.By(staff.Actor("Ada", ada.id), [site.id], clock())
    assert do(administration.set_aside, site.id, article, flood, by) is not None
    assert rows(select(Revision.alerted).where(Revision.alerted.is_not(None))) == []
    cast(article, yes=1, no=12)
    assert work() == 2
    assert len(mailbox.messages) == 4
    # Counted again, the day bears out what has been told of.
    assert do(administration.count_again, site.id, article, flood, by) is not None
    assert work() == 0


def test_a_drop_that_shows_once_a_flood_of_yes_is_set_aside_is_told_of(
    ann, rex, ada, article, cast, told, do, site, clock, work, mailbox
):
    for _ in range(10):
        cast(article, yes=7, no=3, revision="a")
        clock.forward(days=1)
    cast(article, yes=1, no=12)
    assert told() == ids(ann, rex)
    flood = clock().date() + timedelta(days=1)
    clock.forward(days=1)
    cast(article, yes=60)
    clock.forward(days=1)
    by = changes.By(staff.Actor("Ada", ada.id), [site.id], clock())
    do(drops.forget, article.id)
    assert do(administration.set_aside, site.id, article, flood, by) is not None
    assert told() == ids(ann, rex), "who waits for the letter needs no second one"
    assert work() == 2
    do(drops.forget, article.id)
    assert told() == ids(ann, rex), "what stands is not forgotten"


def test_a_text_that_came_back_and_drops_again_is_told_of_again(ann, rex, edited, cast, told, clock, do, work):
    cast(edited, no=2)
    assert told() == ids(ann, rex)
    assert work() == 2
    clock.forward(days=1)
    cast(edited, yes=95, no=5, revision="c")
    clock.forward(days=1)
    cast(edited, yes=1, revision="d")
    do(merging.merge, edited.id, "d", "b")
    cast(edited, no=20, revision="d")
    assert len(told()) == 4


def test_a_drop_that_was_told_of_is_not_told_again_under_another_name(ann, rex, edited, cast, told, clock, do, work):
    cast(edited, no=2)
    assert work() == 2
    cast(edited, yes=1, revision="b2")
    do(merging.merge, edited.id, "b", "b2")
    cast(edited, no=9, revision="b2")
    assert told() == ids(ann, rex)


def test_what_happened_to_an_older_revision_is_nobodys_concern(edited, cast, told, clock):
    clock.forward(hours=1)
    cast(edited, yes=5, revision="c")
    cast(edited, no=5, revision="b")
    assert told() == []


def test_each_edit_is_told_of(ann, rex, edited, cast, told, clock):
    cast(edited, no=2)
    clock.forward(days=2)
    cast(edited, no=30, revision="c")
    assert told() == sorted(2 * ids(ann, rex))


def test_a_vote_that_is_changed_to_no_and_to_yes_and_to_no_tells_once(ann, rex, rae, edited, cast, told):
    cast(edited, no=1)
    rae.votes(edited, "yes", revision="b")
    assert told() == []
    for value in ("no", "yes", "no"):
        assert rae.votes(edited, value, revision="b").status_code == 200
    cast(edited, no=1)
    assert told() == ids(ann, rex)


def test_what_a_no_is_given_later_is_not_looked_at_again(rae, edited, ask, cast):
    def statements(**more):
        seen = []
        with rae.http.application.app_context():
            engine = db.engine
        listener = lambda *given: seen.append(given[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", listener)
        assert rae.votes(edited, "no", revision="b", **more).status_code == 200
        event.remove(engine, "before_cursor_execute", listener)
        return [each for each in seen if "merged_into" in each]

    assert len(statements()) == 1, "a No asks one statement"
    assert statements(reason="unclear") == statements(note="What is a dose?") == []


def test_two_no_at_once_tell_once(ann, rex, site, edited, cast, connect, told):
    cast(edited, no=1)
    clients = iter(
        [Reader(connect(), site, f"many-many-many-many-{n:02}", f"203.0.{n}.9", site.origins[0]) for n in range(8)]
    )
    answers = together(lambda: next(clients).votes(edited, "no", revision="b"), times=8)
    assert {answer.status_code for answer in answers} == {200}
    assert told() == ids(ann, rex)


def test_where_the_drop_stands_no_more_nothing_is_sent(rae, stan, edited, cast, told, work, mailbox):
    assert rae.votes(edited, "no", revision="b").status_code == 200
    assert stan.votes(edited, "no", revision="b").status_code == 200
    assert len(told()) == 2
    assert rae.votes(edited, "none").status_code == 200
    assert work() == 2
    assert mailbox.messages == []
    # Nobody was told; where the votes leave little doubt again, it is news.
    cast(edited, no=1)
    assert work() == 2
    assert len(mailbox.messages) == 2
    cast(edited, no=1)
    assert work() == 0


def test_what_was_usual_is_frozen_with_the_first_vote(article, cast, do, rows, clock):
    """The last whole days that together hold 200 votes: not those before them, and not today's."""
    frozen = select(Revision.baseline_yes, Revision.baseline_votes).where(Revision.label == "b")
    do(see_revision, article.id, "b", registered=True, now=clock())
    for yes, no in ((0, 100), (100, 50), (80, 20)):
        cast(article, yes=yes, no=no, revision="a")
        clock.forward(days=1)
    cast(article, no=5, revision="a")
    with_columns = select(Revision.baseline_votes).where(Revision.label == "b")
    assert rows(with_columns) == [None]
    cast(article, yes=1)
    assert (rows(frozen), rows(with_columns)) == ([180], [250])
    clock.forward(days=1)
    cast(article, no=9)
    assert (rows(frozen), rows(with_columns)) == ([180], [250])


def test_where_it_was_edited_meanwhile_nothing_is_sent(edited, cast, work, mailbox, clock):
    cast(edited, no=2)
    clock.forward(minutes=1)
    cast(edited, yes=5, revision="c")
    assert work() == 2
    assert mailbox.messages == []


def test_votes_of_revisions_that_are_counted_as_one_tell_together(ann, rex, edited, do, cast, told, clock):
    """Neither of the two has the evidence alone."""
    do(see_revision, edited.id, "b2", now=clock())
    do(merging.merge, edited.id, "b2", "b")
    cast(edited, no=1, revision="b2")
    assert told() == []
    cast(edited, no=1, revision="b")
    assert told() == ids(ann, rex)


def test_set_aside_votes_tell_nobody(edited, site, do, cast, told):
    do(articles.change_site, site.slug, quarantine_limit=1)
    cast(edited, no=1, network=b"n" * 32)
    cast(edited, no=20, network=b"n" * 32)
    assert told() == []


# Who


def test_the_author_of_another_article_is_told_nothing(ann, rex, new_hire, do, site, edited, cast, told, clock):
    new_hire("Zoe", Role.AUTHOR)
    zoe = articles.Byline("Zoe", Role.AUTHOR, "zoe@health.example.org")
    do(articles.register, site.id, articles.Registration("other", "Other", f"{URL}/other", (zoe,)), now=clock())
    cast(edited, no=2)
    assert told() == ids(ann, rex)


def test_who_has_both_roles_gets_one_letter(ann, rex, do, site, article, edited, cast, told, clock):
    people = [articles.Byline("Ann Hollis", role, ann.email) for role in (Role.AUTHOR, Role.REVIEWER)]
    do(articles.register, site.id, articles.Registration(article.key, "A", article.url, tuple(people)), now=clock())
    do(lambda: staff.join(staff.find_user(ann.email), site, Role.REVIEWER))
    cast(edited, no=2)
    assert told() == ids(ann)


def test_an_account_that_sleeps_gets_nothing(ann, rex, do, edited, cast, told):
    do(staff.set_active, ann.id, False)
    cast(edited, no=2)
    assert told() == ids(rex)


def test_administrators_are_told_where_no_author_has_an_account(ann, rex, ada, do, edited, cast, told):
    for person in (ann, rex):
        do(staff.set_active, person.id, False)
    cast(edited, no=2)
    assert told() == ids(ada)


def test_who_writes_here_no_more_is_told_nothing(ann, rex, do, edited, cast, told, work, mailbox):
    do(lambda: staff.leave(staff.find_user(ann.email), ann.site, Role.AUTHOR))
    cast(edited, no=2)
    assert told() == ids(rex)
    do(lambda: staff.leave(staff.find_user(rex.email), rex.site, Role.REVIEWER))
    assert work() == 1
    assert mailbox.messages == [], "nor a letter that is on its way"


def test_who_wants_no_alerts_gets_none_and_no_administrator_instead(ann, rex, ada, do, edited, cast, told):
    for person in (ann, rex):
        do(digests.choose, person.id, person.site.id, digests.Wish(Pace.NEVER, drops=False))
    cast(edited, no=2)
    assert told() == []


# Choosing


def test_an_author_chooses_and_keeps_what_they_were_not_asked(ann, mo, rows, site):
    client = ann.signs_in()
    page = client.get("/account/notices").text
    assert "Alerts: an article does worse since its last edit" in page
    assert "checked" in page.split('name="drops"')[1][:40]
    assert sends(client, f"/account/notices/{site.slug}").status_code == 303
    assert [(row.pace, row.unsafe, row.drops) for row in rows(select(Digest))] == [(Pace.NEVER, True, False)]
    assert 'name="drops"' not in mo.signs_in().get("/account/notices").text
    assert sends(mo.signs_in(), f"/account/notices/{site.slug}", pace="daily", drops="no").status_code == 303
    assert [row.drops for row in rows(select(Digest).where(Digest.user_id == mo.id))] == [True]


def test_one_click_ends_alerts_alone(ann, rex, edited, cast, work, mailbox, post, rows):
    cast(edited, no=2)
    work()
    [message] = [each for each in mailbox.messages if each["To"] == ann.email]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = message["List-Unsubscribe"].strip("<>").removeprefix(URL)
    page = post.test_client().get(path, base_url=URL)
    assert "gets alerts of articles that do worse since an edit about Quiet Health" in page.text
    assert all(row.drops for row in rows(select(Digest))), "a mail program that follows links ends nothing"
    assert post.test_client().post(path, base_url=URL, data=ONE_CLICK).status_code == 200
    [row] = rows(select(Digest).where(Digest.user_id == ann.id))
    assert (row.drops, row.weekly, row.unsafe) == (False, True, True)


def test_a_look_reads_no_more_than_the_votes_own_revision(edited, app, engine):
    """By the key: not the article's other revisions, however many there are and however many days they had votes."""
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(10)]
    with app.app_context():
        labels = [f"old {number}" for number in range(1_000)]
        revision = {"article_id": edited.id, "registered": True, "first_seen": datetime(2024, 1, 1, tzinfo=UTC)}
        db.session.execute(insert(Revision), [{**revision, "label": label} for label in labels])
        cells = [{"article_id": edited.id, "revision": label, "day": day, "yes": 1} for label in labels for day in days]
        db.session.execute(insert(Tally), cells)
        db.session.commit()
        if engine == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        seen = []
        listener = lambda *given: seen.append(given[2:4])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        run(drops.LOOK, {"article": edited.id, "revision": "b"})
        event.remove(db.engine, "before_cursor_execute", listener)
        [(statement, parameters)] = [each for each in seen if "merged_into" in each[0]]
        spent = cost(Query("a vote", statement, parameters), engine)
    assert not spent.scanned and spent.visited < (10 if engine == "postgresql" else 1), spent.plan
