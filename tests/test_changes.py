"""What staff change is written down, can be undone while it stands, and overwrites nothing unseen."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from feedback import (
    administration,
    articles,
    blocklist,
    catalogue,
    changes,
    moderation,
    notices,
    removal,
    sightings,
    staff,
)
from feedback.aspects import site_state
from feedback.changes import By, Kind, Subject
from feedback.db import Model
from feedback.errors import Conflict, Invalid, Malformed, Missing, Refused
from feedback.models import (
    Accepts,
    Article,
    Change,
    Effect,
    Listed,
    Membership,
    Outbox,
    Revision,
    Role,
    Token,
    User,
    Webhook,
)
from feedback.moderation import batches
from feedback.policy import Policy
from tests.cast import KEY, ORIGIN, together


@pytest.fixture
def by(ada: Any, site: Any, clock: Any) -> Any:
    """Ada, administrator of the site, at this moment."""
    return lambda *sites: By(staff.Actor("Ada", ada.id), sites or (site.id,), clock.forward(minutes=1))


@pytest.fixture
def settings(site: Any) -> Subject:
    return Subject(site.id, Kind.SITE, {})


@pytest.fixture
def present(ask: Any) -> Any:
    return lambda: ask(articles.site, "health")


def asks(view: Any, question: str) -> dict[str, Any]:
    """The site's state with another question."""
    state = site_state(view)
    return {**state, "settings": {**state["settings"], "question": question}}


# Settings


def test_a_change_says_who_changed_what_and_when(do, by, settings, present, rows):
    do(changes.make, settings, asks(present(), "Was it any good?"), by())
    [row] = rows(select(Change))
    assert (row.who, row.what) == ("Ada", "changed the question")
    assert present().policy.question == "Was it any good?"


def test_what_is_so_already_is_no_change(do, by, settings, present, rows):
    assert do(changes.make, settings, site_state(present()), by()) is None
    assert rows(select(Change)) == []


def test_a_setting_that_is_the_default_is_not_stored(do, by, settings, present, site, rows):
    do(changes.make, settings, asks(present(), "Was it any good?"), by())
    do(changes.make, settings, asks(present(), Policy().question), by())
    assert rows(select(articles.Site.settings)) == [{}]


def test_a_change_is_undone_and_done_again(do, by, settings, present):
    change = do(changes.make, settings, asks(present(), "Was it any good?"), by())
    back = do(changes.undo, change.site_id, change.id, by())
    assert present().policy.question == Policy().question
    assert back.what == "changed the question (undo)"
    do(changes.undo, back.site_id, back.id, by())
    assert present().policy.question == "Was it any good?"


def test_a_change_that_something_came_after_is_not_undone(do, by, settings, present):
    first = do(changes.make, settings, asks(present(), "First?"), by())
    do(changes.make, settings, asks(present(), "Second?"), by())
    with pytest.raises(Conflict):
        do(changes.undo, first.site_id, first.id, by())
    assert present().policy.question == "Second?"


def test_a_change_by_the_command_line_comes_after_too(do, by, settings, present):
    change = do(changes.make, settings, asks(present(), "First?"), by())
    do(articles.change_site, "health", notice="Changed elsewhere.")
    with pytest.raises(Conflict):
        do(changes.undo, change.site_id, change.id, by())


def test_a_change_of_another_site_is_not_there(do, by, settings, present, clock):
    change = do(changes.make, settings, asks(present(), "First?"), by())
    other = do(articles.add_site, "other", origins=[ORIGIN], now=clock())
    with pytest.raises(Missing):
        do(changes.undo, other.id, change.id, by(other.id, settings.site_id))


def test_an_editor_who_saw_an_older_state_is_told_who_changed_it(do, ask, by, settings, present):
    seen = ask(changes.version, settings)
    mine = asks(present(), "Mine?")
    do(changes.make, settings, asks(present(), "Theirs?"), by(), seen=seen)
    with pytest.raises(Conflict) as refusal:
        do(changes.make, settings, mine, by(), seen=seen)
    assert refusal.value.extra["last"][0] == "Ada"
    assert present().policy.question == "Theirs?"


def test_of_two_editors_at_once_one_wins(do, ask, by, settings, present, rows):
    seen, states = ask(changes.version, settings), [asks(present(), f"Number {number}?") for number in range(8)]

    def save() -> bool:
        try:
            do(changes.make, settings, states.pop(), by(), seen=seen)
        except Conflict:
            return False
        return True

    assert sorted(together(save, times=8)) == [False] * 7 + [True]
    assert len(rows(select(Change))) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Calm Health"}, "changed the name"),
        ({"origins": [ORIGIN, "https://b.example"]}, "listed https://b.example"),
        ({"origins": ["https://b.example"]}, f"listed https://b.example; unlisted {ORIGIN}"),
        ({"settings": {"moderation": "post"}}, "changed who is moderated"),
        ({"settings": {"lang": "de", "max_links": 5}}, "changed the language and how many links are too many"),
    ],
)
def test_a_change_is_put_in_words(do, by, settings, present, change, words):
    assert do(changes.make, settings, site_state(present()) | change, by()).what == words


def test_a_bad_state_changes_nothing(do, by, settings, present, rows):
    state = site_state(present())
    for bad in ({"origins": ["nowhere"]}, {"origins": []}, {"settings": {"max_chars": 7}}):
        with pytest.raises(Invalid):
            do(changes.make, settings, state | bad, by())
    assert rows(select(Change)) == []
    assert site_state(present()) == state


# Articles


@pytest.fixture
def registration() -> articles.Registration:
    people = (articles.Byline("Ann Hollis", Role.AUTHOR, "ann@health.example.org"),)
    return articles.Registration("new-key", "A new one", "http://articles.test/new-key", people, "2026-05-01", "First.")


def test_registering_is_undone_while_no_reader_came(do, ask, by, site, registration, rows):
    change = do(administration.register, site.id, registration, by())
    assert change.what == "registered the article “A new one”"
    assert rows(select(Revision.label)) == ["2026-05-01"]
    do(changes.undo, change.site_id, change.id, by())
    assert rows(select(Article.key)) == []


def test_registering_is_not_undone_once_a_reader_voted(do, by, site, registration, rae, rows):
    change = do(administration.register, site.id, registration, by())
    rae.votes("new-key", "yes")
    with pytest.raises(Refused):
        do(changes.undo, change.site_id, change.id, by())
    assert rows(select(Article.key)) == ["new-key"]


def test_an_article_seen_from_a_reader_is_that_again(do, ask, by, site, registration, rae):
    rae.votes("new-key", "yes", title="As the reader saw it")
    change = do(administration.register, site.id, registration, by())
    do(changes.undo, change.site_id, change.id, by())
    article = ask(catalogue.one, site.id, "new-key")
    assert (article.registered, article.title, article.contributors) == (False, "As the reader saw it", [])


def test_registering_twice_is_refused(do, by, article, site, registration):
    with pytest.raises(Conflict):
        do(administration.register, site.id, articles.Registration(KEY, "Other", ORIGIN), by())


def test_what_is_registered_comes_back_with_its_people(do, ask, by, site, article, ann, rex):
    subject = Subject(site.id, Kind.ARTICLE, {"article": KEY})
    before = ask(articles.registered, ask(catalogue.one, site.id, KEY))
    state = {"registered": True, "title": "Shorter", "url": f"{ORIGIN}/x", "contributors": []}
    change = do(changes.make, subject, state, by())
    assert change.what == "changed the title, the address and who wrote and reviewed it of “Shorter”"
    assert ask(articles.registered, ask(catalogue.one, site.id, KEY)).contributors == ()
    do(changes.undo, change.site_id, change.id, by())
    assert ask(articles.registered, ask(catalogue.one, site.id, KEY)) == before


def people(*bylines: tuple[str, str | None]) -> dict[str, Any]:
    """The article's state, written by these."""
    contributors = [{"name": name, "role": "author", "email": email} for name, email in bylines]
    return {"registered": True, "title": "A title", "url": f"{ORIGIN}/x", "contributors": contributors}


def test_no_address_is_written_down_with_a_change(do, ask, rows, by, site, article, ann):
    subject, stranger = Subject(site.id, Kind.ARTICLE, {"article": KEY}), "guest@elsewhere.example"
    do(changes.make, subject, people(("Ann Hollis", ann.email), ("A guest", stranger)), by())
    change = do(changes.make, subject, people(("Ann Hollis", ann.email)), by())
    assert change.what == "changed who wrote and reviewed it of “A title”"
    for row in rows(select(Change)):
        assert "@" not in str((row.before, row.after, row.what))
    # Who has an account is linked again; a guest comes back by name, for nobody knows the address any more.
    do(changes.undo, change.site_id, change.id, by())
    contributors = ask(articles.registered, ask(catalogue.one, site.id, KEY)).contributors
    assert [(each.name, each.email) for each in contributors] == [("Ann Hollis", ann.email), ("A guest", None)]


def test_an_address_stays_where_something_else_is_undone(do, ask, by, site, article):
    subject, stranger = Subject(site.id, Kind.ARTICLE, {"article": KEY}), "guest@elsewhere.example"
    do(changes.make, subject, people(("A guest", stranger)), by())
    change = do(changes.make, subject, {**people(("A guest", stranger)), "title": "Another"}, by())
    do(changes.undo, change.site_id, change.id, by())
    assert do(changes.state, subject) == people(("A guest", stranger))


def test_a_change_of_an_address_alone_is_not_undone(do, by, site, article):
    subject = Subject(site.id, Kind.ARTICLE, {"article": KEY})
    do(changes.make, subject, people(("A guest", "old@elsewhere.example")), by())
    change = do(changes.make, subject, people(("A guest", "new@elsewhere.example")), by())
    assert [undoable for _, undoable in do(changes.recent, site.id).items][0] is False
    with pytest.raises(Conflict):
        do(changes.undo, change.site_id, change.id, by())


def test_hidden_comments_come_back(do, rows, by, site, article):
    subject = Subject(site.id, Kind.COMMENTS, {"article": KEY})
    change = do(changes.make, subject, "hidden", by())
    assert change.what == "hid the comments of “Baclofen for neck pain: what is known”"
    assert rows(select(Article.accepts)) == [Accepts.HIDDEN]
    do(changes.undo, change.site_id, change.id, by())
    assert rows(select(Article.accepts)) == [Accepts.OPEN]


def test_a_revision_is_added_described_and_dropped(do, ask, by, site, article):
    subject = Subject(site.id, Kind.REVISION, {"article": KEY, "label": "v2"})
    added = do(administration.add_revision, site.id, KEY, "v2", "Clearer.", by())
    described = do(changes.make, subject, {"registered": True, "note": "Much clearer."}, by())
    assert described.what == "said what changed in the revision v2 of “Baclofen for neck pain: what is known”"
    do(changes.undo, described.site_id, described.id, by())
    assert ask(catalogue.revision, article.id, "v2").note == "Clearer."
    do(changes.undo, added.site_id, added.id, by())
    assert ask(catalogue.revision, article.id, "v2") is None


def test_a_revision_that_was_voted_on_stays(do, ask, by, site, article, rae):
    added = do(administration.add_revision, site.id, KEY, "v2", None, by())
    rae.votes(article, "yes", revision="v2")
    with pytest.raises(Refused):
        do(changes.undo, added.site_id, added.id, by())
    [row] = [row for row in ask(catalogue.revisions, article.id) if row.label == "v2"]
    assert row.votes == 1


def test_a_revision_is_registered_once(do, ask, by, site, article, rae):
    rae.votes(article, "yes", revision="v2")
    do(administration.add_revision, site.id, KEY, "v2", "Now known.", by())
    with pytest.raises(Conflict):
        do(administration.add_revision, site.id, KEY, "v2", "Again.", by())


def test_the_catalogue_finds_and_pages(do, ask, site, clock, monkeypatch):
    monkeypatch.setattr(catalogue, "PAGE", 2)
    for key, title in (("a", "Knee"), ("b", "Neck"), ("c/é", "Größe"), ("d", "100% sure")):
        do(articles.register, site.id, articles.Registration(key, title, f"{ORIGIN}/{key}"), now=clock())
    first = ask(catalogue.page, site.id)
    assert ([row.key for row in first.items], first.total) == (["a", "b"], 4)
    rest = ask(catalogue.page, site.id, after=first.next)
    assert ([row.key for row in rest.items], rest.next) == (["c/é", "d"], None)
    for words, found in (("neck", ["b"]), ("GRÖSSE", []), ("größe", ["c/é"]), ("articles.test/d", ["d"]), ("%", ["d"])):
        assert [row.key for row in ask(catalogue.page, site.id, words=words).items] == found
    for cursor in ("nonsense", changes.opaque.cursor("\x00"), changes.opaque.cursor("")):
        with pytest.raises(Malformed):
            ask(catalogue.page, site.id, after=cursor)


# People


def test_an_invitation_makes_an_account_and_a_notice(do, by, site, rows):
    user, change = do(administration.invite, site.id, "Nora@Example.org", Role.MODERATOR, name="Nora", by=by())
    assert (user.email, user.password) == ("nora@example.org", None)
    assert change.what == "made Nora moderator"
    [notice] = rows(select(Outbox))
    assert (notice.kind, notice.about["user"], notice.site_id) == (notices.Kind.INVITATION, user.id.hex, site.id)


def test_somebody_with_an_account_gets_the_role_and_no_letter(do, by, site, mo, rows):
    user, change = do(administration.invite, site.id, mo.email, Role.AUTHOR, name="Somebody else", by=by())
    assert (user.id, user.name, change.what) == (mo.id, "Mo", "made Mo author")
    assert rows(select(Outbox)) == []
    _, again = do(administration.invite, site.id, mo.email, Role.AUTHOR, name="", by=by())
    assert again is None


def test_roles_are_given_taken_and_given_back(do, ask, by, site, mo):
    subject = Subject(site.id, Kind.ROLES, {"user": mo.id.hex})
    change = do(changes.make, subject, ["author", "reviewer"], by())
    assert change.what == "made Mo author and reviewer; took the role moderator from Mo"
    assert ask(staff.member, site.id, mo.id).roles == (Role.AUTHOR, Role.REVIEWER)
    do(changes.undo, change.site_id, change.id, by())
    assert ask(staff.member, site.id, mo.id).roles == (Role.MODERATOR,)


def test_the_last_administrator_who_can_sign_in_stays(do, by, site, ada, mo, rows):
    subject = Subject(site.id, Kind.ROLES, {"user": ada.id.hex})
    with pytest.raises(Refused):
        do(changes.make, subject, [], by())
    # Invited but never seen, or put to sleep: neither could let anybody in again.
    nora, _ = do(administration.invite, site.id, "nora@example.org", Role.ADMINISTRATOR, name="Nora", by=by())
    do(administration.invite, site.id, mo.email, Role.ADMINISTRATOR, name="", by=by())
    do(staff.set_active, mo.id, False)
    with pytest.raises(Refused):
        do(changes.make, subject, [], by())
    do(staff.set_active, mo.id, True)
    do(changes.make, subject, [], by())
    assert set(rows(select(Membership.user_id).where(Membership.role == Role.ADMINISTRATOR))) == {nora.id, mo.id}


def test_an_account_is_put_to_sleep_and_woken(do, ask, by, site, mo, rows):
    key = rows(select(User.fs_uniquifier).where(User.id == mo.id))
    subject = Subject(site.id, Kind.ACCOUNT, {"user": mo.id.hex})
    change = do(changes.make, subject, False, by())
    assert change.what == "deactivated the account of Mo"
    assert rows(select(User.fs_uniquifier).where(User.id == mo.id)) != key
    assert do(changes.undo, change.site_id, change.id, by()).what == "reactivated the account of Mo (undo)"
    assert ask(staff.member, site.id, mo.id).active


def test_an_account_with_a_role_elsewhere_is_not_ours_to_put_to_sleep(do, ask, by, site, mo, clock):
    other = do(articles.add_site, "other", origins=[ORIGIN], now=clock())
    do(staff.join, ask(staff.find_user, mo.email), other, Role.AUTHOR)
    subject = Subject(site.id, Kind.ACCOUNT, {"user": mo.id.hex})
    with pytest.raises(Refused):
        do(changes.make, subject, False, by())
    do(changes.make, subject, False, by(site.id, other.id))


def test_nobody_puts_themselves_to_sleep(do, by, site, ada):
    with pytest.raises(Refused):
        do(changes.make, Subject(site.id, Kind.ACCOUNT, {"user": ada.id.hex}), False, by())


# Sites, tokens, the log


def test_who_opens_a_site_administers_it(do, ask, by, ada, rows):
    site = do(administration.open_site, "second", name="Second", origins=[ORIGIN], by=by())
    assert ask(staff.roles_of, ada.id)[site.id] == {Role.ADMINISTRATOR}
    [change] = rows(select(Change))
    with pytest.raises(Conflict):
        do(changes.undo, site.id, change.id, by(site.id))


def test_a_site_that_was_lived_in_can_be_removed(do, by, ada, rows):
    site = do(administration.open_site, "second", name="Second", origins=[ORIGIN], by=by())
    mo = staff.Actor("Mo", None)
    word = blocklist.Entry(Listed.WORD, Effect.WATCH, "cure", "Mostly advertising")
    do(blocklist.list_word, site.id, word, who=mo, now=by().now)
    chosen = moderation.Filter((site.id,))
    given = {"before": by().now, "reason": None, "who": mo, "now": by().now}
    do(batches.begin, chosen, moderation.Action.REJECT, **given)
    do(administration.invite, site.id, "nora@example.org", Role.MODERATOR, name="", by=by())
    do(sightings.record, [("second", ORIGIN)], now=by().now)
    do(removal.remove_site, "second")
    assert [row.slug for row in rows(select(articles.Site))] == ["health"]
    assert rows(select(Change)) == []


def test_what_belongs_to_a_site_goes_with_it_or_keeps_it():
    bound = {
        table for table in Model.metadata.tables.values() if refers(table, "site") and not refers(table, "article")
    }
    # Webhooks go with their log; a site with articles stays.
    assert bound == {model.__table__ for model in (*removal.OF_SITE, Webhook, Article)}


def refers(table: Any, to: str) -> bool:
    return any(key.column.table.name == to for key in table.foreign_keys)


def test_tokens_are_made_and_revoked_on_their_own_site(do, by, site, ann, ada, rows, clock):
    secret = do(administration.issue_token, site.id, Role.AUTHOR, name="Bot", user_id=ann.id, by=by())
    assert secret.startswith("fb_")
    [token] = rows(select(Token))
    other = do(articles.add_site, "other", origins=[ORIGIN], now=clock())
    with pytest.raises(Missing):
        do(administration.revoke_token, other.id, token.id, by())
    with pytest.raises(Missing):
        do(administration.issue_token, other.id, Role.AUTHOR, name="Bot", user_id=ann.id, by=by())
    do(administration.revoke_token, site.id, token.id, by())
    do(administration.revoke_token, site.id, token.id, by())
    assert [row.what for row in rows(select(Change).order_by(Change.at))] == [
        "made the token “Bot” (author)",
        "revoked the token “Bot”",
    ]
    assert secret not in str([row.__dict__ for row in rows(select(Change))])
    for row in rows(select(Change)):
        with pytest.raises(Refused):
            do(changes.undo, row.site_id, row.id, by())


def test_the_log_is_paged_newest_first_and_says_what_can_be_undone(do, ask, by, settings, present, site, monkeypatch):
    monkeypatch.setattr(changes, "PAGE", 2)
    for question in ("One?", "Two?", "Three?"):
        do(changes.make, settings, asks(present(), question), by())

    def read(after: str | None = None) -> Any:
        page = changes.recent(site.id, after=after)
        return [(row.after["settings"]["question"], undoable) for row, undoable in page.items], page.next

    first, following = ask(read)
    assert first == [("Three?", True), ("Two?", False)]
    assert ask(read, following) == ([("One?", False)], None)
    with pytest.raises(Malformed):
        ask(read, "nonsense")


def test_changes_are_forgotten_after_a_year(do, by, settings, present, rows, clock):
    do(changes.make, settings, asks(present(), "One?"), by())
    do(changes.forget_old, clock() + changes.KEPT)
    assert len(rows(select(Change))) == 1
    do(changes.forget_old, clock() + changes.KEPT + timedelta(seconds=1))
    assert rows(select(Change)) == []
