"""Administration in the browser, without a script: what administrators see, change, undo, and are warned of."""

import re
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from feedback import (
    administration,
    articles,
    catalogue,
    changes,
    delivery,
    notices,
    sightings,
    staff,
    webhooks,
)
from feedback.cli import main
from feedback.db import db
from feedback.models import Accepts, Article, Change, Outbox, Role, Token, User
from feedback.policy import Policy
from feedback.revisions import see_revision
from feedback.views import letters
from tests.cast import CSRF, KEY, ORIGIN, PASSWORD, TITLE, hire
from tests.conftest import SECRET
from tests.mailserver import Mailbox, mail_server
from tests.plain import Browser

SITE = "/admin/sites/health"
SETTINGS = f"{SITE}/settings"
PAGES = f"{SITE}/pages"
ARTICLE = f"{SITE}/article?article={KEY}"
PEOPLE = f"{SITE}/people"
SECOND = "https://second.example"


@pytest.fixture
def desk(ada: Any) -> Browser:
    return Browser(ada.signs_in())


@pytest.fixture
def present(ask: Any) -> Callable[[], articles.SiteView]:
    return lambda: ask(articles.site, "health")


@pytest.fixture
def other(do: Any, clock: Any) -> Any:
    """A site that Ada has no part in."""
    return do(articles.add_site, "other", origins=[SECOND], name="Other", now=clock())


@pytest.fixture
def second_ada(app: Any, connect: Any, site: Any, password_hash: str) -> Browser:
    return Browser(hire(app, connect, site, "Abe", Role.ADMINISTRATOR, password_hash).signs_in())


# Who may enter


def addresses(site: str, user_id: Any, token_id: Any, change_id: Any, hook_id: Any) -> list[tuple[str, str]]:
    """(method, path) of everything in the administration, with things that exist."""
    base = f"/admin/sites/{site}"
    named = f"article={KEY}"
    reads = [
        "settings",
        "remove",
        "pages",
        "articles",
        "new-article",
        f"article?{named}",
        "people",
        "invite",
        "tokens",
        f"people/{user_id}",
        f"tokens/{token_id}/revoke",
        "mail",
        "changes",
        "webhooks",
        f"webhooks/{hook_id}",
        f"webhooks/{hook_id}/remove",
        "texts",
        "text/widget.write",
    ]
    writes = ["settings", "remove", "origins", "new-article", f"article?{named}", f"article/comments?{named}", "invite",
              f"article/revisions?{named}", f"people/{user_id}", "tokens",
              f"people/{user_id}/active", f"people/{user_id}/invitation", f"tokens/{token_id}/revoke",
              f"mail/{uuid4()}/again", f"changes/{change_id}/undo", "webhooks", f"webhooks/{hook_id}",
              f"webhooks/{hook_id}/test", f"webhooks/{hook_id}/turn", f"webhooks/{hook_id}/messages/{uuid4()}/again",
              f"webhooks/{hook_id}/remove", "text/widget.write"]  # fmt: skip
    return [("GET", f"{base}/{each}") for each in reads] + [("POST", f"{base}/{each}") for each in writes]


@pytest.fixture
def lived_in(do: Any, site: Any, article: Any, mo: Any, ada: Any, clock: Any, rows: Any) -> tuple[Any, ...]:
    """Ids of a person, a token, a change and a webhook on the site; its article has the revision v1."""
    by = changes.By(staff.Actor("Ada", ada.id), [site.id], clock())
    do(see_revision, article.id, "v1", registered=True, now=clock())
    do(staff.issue_token, site, Role.MODERATOR, name="Bot", now=clock())
    change = do(changes.make, changes.Subject(site.id, changes.Kind.COMMENTS, {"article": KEY}), "closed", by)
    vault = webhooks.Vault([SECRET])
    hook, _ = do(administration.add_webhook, site.id, "https://hooks.example.org/x", ["comment.waiting"], vault, by)
    return mo.id, rows(select(Token.id))[0], change.id, hook.id


def test_every_address_is_walked_here(app, lived_in):
    walked = {path.partition("?")[0] for _, path in addresses("health", *lived_in)}
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.")]
    patterns = [re.sub(r"<[^>]+>", "[^/]+", rule) for rule in rules]
    reached = {pattern for pattern in patterns if any(re.fullmatch(pattern, path) for path in walked)}
    assert set(patterns) - reached == {"/admin/", "/admin/new-site"}


def test_strangers_moderators_and_authors_are_refused_everywhere(lived_in, connect, mo, ann, rex, rows):
    before = len(rows(select(Change)))
    for method, path in [*addresses("health", *lived_in), ("GET", "/admin/"), ("POST", "/admin/new-site")]:
        assert connect().open(path, method=method).headers["Location"].startswith("/account/sign-in"), path
    for person in (mo, ann, rex):
        client = person.signs_in()
        token = CSRF.search(client.get("/account/password").text)[1]
        for method, path in [*addresses("health", *lived_in), ("GET", "/admin/"), ("POST", "/admin/new-site")]:
            answer = client.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
            assert answer.status_code == 403, (person.name, method, path)
    assert len(rows(select(Change))) == before


def test_an_administrator_of_another_site_finds_nothing_here(lived_in, other, app, connect, password_hash, rows):
    eve = Browser(hire(app, connect, other, "Eve", Role.ADMINISTRATOR, password_hash).signs_in())
    before = len(rows(select(Change)))
    for method, path in addresses("health", *lived_in):
        page = eve.opens(path) if method == "GET" else eve.sends(path)
        assert page.status == 404, (method, path)
    # Nor by the way of their own site.
    user_id, token_id, change_id, hook_id = lived_in
    person, token, change = f"people/{user_id}", f"tokens/{token_id}", f"changes/{change_id}"
    hook = f"webhooks/{hook_id}"
    for path in (person, f"{person}/active", f"{token}/revoke", f"{change}/undo", f"{hook}/test", f"{hook}/remove"):
        assert eve.sends(f"/admin/sites/other/{path}", roles="administrator", active="no").status == 404, path
    assert "Quiet Health" not in eve.opens("/admin/").text
    assert len(rows(select(Change))) == before
    assert rows(select(Token.revoked)) == [None]


def test_no_form_works_without_its_token(lived_in, desk):
    for method, path in addresses("health", *lived_in):
        if method == "POST":
            assert desk.client.post(path, data={"csrf_token": "wrong"}).status_code == 400, path


def test_pages_have_no_script_or_style_of_their_own(lived_in, desk):
    for method, path in addresses("health", *lived_in):
        if method == "GET":
            page = desk.client.get(path)
            assert page.status_code == 200, path
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page.text), path


def test_the_navigation_leads_there_for_administrators_alone(ada, mo):
    assert 'href="/admin/"' in ada.signs_in().get("/moderation/").text
    assert 'href="/admin/"' not in mo.signs_in().get("/moderation/").text


def test_a_storage_that_fails_half_way_has_a_page_too(desk, app):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    page = desk.opens(SETTINGS)
    assert page.status == 503
    assert "Not available just now" in page.text


# Settings


def test_a_setting_that_is_not_sent_stays(desk, present):
    before = present()
    page = desk.sends(SETTINGS, question="Was it any good?")
    assert page.status == 200
    assert "You changed the question." in page.notices
    assert present().policy == replace(before.policy, question="Was it any good?")


def test_settings_are_saved_confirmed_and_undone(desk, present):
    page = desk.presses(
        desk.opens(SETTINGS), "Save", question="Was it any good?", moderation="post", max_chars="2,000", lang="de"
    )
    assert "You changed the question, who is moderated, the language and how long a comment may be." in page.notices
    policy = present().policy
    assert (policy.question, policy.moderation) == ("Was it any good?", "post")
    assert (policy.max_chars, policy.lang) == (2000, "de")
    page = desk.presses(page, "Undo")
    assert "(undo)" in page.notices
    assert present().policy == Policy()


def test_saving_what_is_so_already_changes_nothing(desk, rows):
    page = desk.presses(desk.opens(SETTINGS), "Save")
    assert "Nothing was changed" in page.notices
    assert rows(select(Change)) == []


def test_a_reader_sees_the_question_at_once(desk, rae, article):
    assert rae.reads(article).json["settings"]["question"] == "Did this article help you?"
    desk.presses(desk.opens(SETTINGS), "Save", question="Was it any good?")
    assert rae.reads(article).json["settings"]["question"] == "Was it any good?"


def test_reasons_are_renamed_added_dropped_and_ordered(desk, present):
    typed = ["other: Something else", "unclear:  Too hard ", "", "Too long, didn't read", "costs_much: Money: too dear"]
    desk.presses(desk.opens(SETTINGS), "Save", reasons="\r\n".join(typed))
    assert [(reason.code, reason.label) for reason in present().policy.reasons] == [
        ("other", "Something else"),
        ("unclear", "Too hard"),
        ("too_long_didn_t_read", "Too long, didn't read"),
        ("costs_much", "Money: too dear"),
    ]
    assert "too_long_didn_t_read: Too long, didn't read" in unescape(desk.opens(SETTINGS).html)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "A site needs a name."),
        ({"name": "x" * 121}, "at most 120"),
        ({"origins": ""}, "A site needs at least one origin"),
        ({"origins": f"{ORIGIN}\nhttps://a.example/path"}, "Line 2: “https://a.example/path” is no origin."),
        ({"origins": "https://*.example.org"}, "is no origin"),
        ({"origins": "\n".join(f"https://x{number}.example" for number in range(51))}, "At most 50 lines"),
        ({"question": "  "}, "A site needs a question."),
        ({"question": "x" * 201}, "at most 200"),
        ({"question": "a\x00b"}, "a broken character"),
        ({"reasons": ""}, "A site needs at least one reason."),
        ({"reasons": "other: A\nother: B"}, "Each reason needs a code of its own."),
        ({"reasons": "Слишком длинно"}, "Line 1: Put a code"),
        ({"reasons": "other:"}, "Line 1: The words that readers see are missing."),
        ({"reasons": "\n".join(f"r{number}: x" for number in range(21))}, "At most 20 lines"),
        ({"moderation": "never"}, "Choose one of these."),
        ({"admits": ""}, "Choose one of these."),
        ({"lang": "no language"}, "language tag"),
        ({"max_chars": "99"}, "from 100 to 5000"),
        ({"max_chars": "many"}, "from 100 to 5000"),
        ({"max_links": "-1"}, "from 0 to 50"),
        ({"quarantine_limit": "0"}, "from 1 to 100000"),
        ({"guidelines": "x" * 1001}, "at most 1,000"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(desk, present, rows, changed, sentence):
    (name, typed) = next(iter(changed.items()))
    page = desk.presses(desk.opens(SETTINGS), "Save", **(changed | {"notice": "Kept as typed."}))
    assert page.status == 422
    assert sentence in page.text
    assert f'id="{name}-error"' in page.html and f'href="#{name}"' in page.html
    _, fields = page.form("Save")
    if name not in ("moderation", "admits", "show_figure", "explains") and "\x00" not in typed:
        assert "".join(fields[name]).split() == typed.split()
    assert fields["notice"] == ["Kept as typed."]
    assert present().policy == Policy()
    assert rows(select(Change)) == []


def test_text_with_markup_is_shown_as_typed(desk, present):
    hostile = "<script>alert(1)</script>\"'><b>"
    page = desk.presses(desk.opens(SETTINGS), "Save", question=hostile, reasons=f"x: {hostile}", guidelines=hostile)
    assert present().policy.question == hostile
    assert "<script>alert" not in page.html
    assert page.form("Save")[1]["guidelines"] == [hostile]


def test_two_administrators_at_once_overwrite_nothing_unseen(desk, second_ada, present):
    mine, theirs = desk.opens(SETTINGS), second_ada.opens(SETTINGS)
    second_ada.presses(theirs, "Save", question="Theirs?", notice="Their notice.")
    page = desk.presses(mine, "Save", question="Mine?", lang="fr")
    assert page.status == 409
    assert "Abe changed this just now" in page.notices
    assert page.form("Save")[1]["question"] == ["Mine?"]
    assert "Saved now: Theirs?" in page.text and "Saved now: Their notice." in page.text
    assert present().policy.question == "Theirs?"
    # Having seen it, one may still decide for one's own.
    page = desk.presses(page, "Save")
    assert page.status == 200
    assert (present().policy.question, present().policy.lang) == ("Mine?", "fr")


def test_a_form_of_before_a_command_is_told_too(desk, do, present):
    page = desk.opens(SETTINGS)
    do(articles.change_site, "health", question="By command?")
    page = desk.presses(page, "Save", notice="Mine.")
    assert page.status == 409
    assert "this was changed, while you were at it" in page.notices
    assert "Saved now: By command?" in page.text


def test_a_removed_origin_comes_back(desk, rae, article, present):
    page = desk.presses(desk.opens(SETTINGS), "Save", origins=SECOND)
    assert f"You listed {SECOND}; unlisted {ORIGIN}." in page.notices
    assert rae.votes(article, "yes").status_code == 403
    desk.presses(page, "Undo")
    assert present().origins == (ORIGIN,)
    assert rae.votes(article, "yes").status_code == 200


def test_the_limit_of_one_network_says_what_it_means_for_a_school(desk):
    assert "A school, a clinic or an office behind one address is one network" in desk.opens(SETTINGS).text


# Adding and removing sites


def test_a_site_is_added_with_its_lines_and_its_maker(desk, ask, ada):
    page = desk.presses(desk.opens("/admin/new-site"), "Add the site", name="Second", slug="second", origins=SECOND)
    assert page.path == "/admin/sites/second/pages"
    assert "You added the site Second." in page.notices
    assert '<article-feedback site="second"></article-feedback>' in page.text
    assert ask(articles.site, "second").origins == (SECOND,)
    assert [each.id for each in ask(staff.members, ask(articles.site, "second").id)] == [ada.id]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"slug": "health"}, "There is already a site called “health”."),
        ({"slug": "Bad Slug"}, "small letters, digits and hyphens"),
        ({"name": ""}, "A site needs a name."),
        ({"origins": "nowhere"}, "Line 1: “nowhere” is no origin."),
    ],
)
def test_a_site_that_cannot_be_is_not_added(desk, ask, changed, sentence):
    given = {"name": "Second", "slug": "second", "origins": SECOND} | changed
    page = desk.presses(desk.opens("/admin/new-site"), "Add the site", **given)
    assert page.status == 422
    assert sentence in page.text
    assert [site.slug for site in ask(articles.sites)] == ["health"]


def test_a_site_without_articles_is_removed_after_a_question(desk, ask):
    desk.presses(desk.opens("/admin/new-site"), "Add the site", name="Second", slug="second", origins=SECOND)
    page = desk.opens("/admin/sites/second/remove")
    assert "This cannot be undone." in page.text
    page = desk.presses(page, "Remove the site")
    assert [site.slug for site in ask(articles.sites)] == ["health"]
    assert "Second is gone" in page.notices
    assert page.path == "/admin/"


def test_a_site_with_articles_stays(desk, article, ask):
    page = desk.presses(desk.opens(f"{SITE}/remove"), "Remove the site")
    assert "has articles" in page.notices
    assert len(ask(articles.sites)) == 1


def test_the_list_says_which_sites_work(desk, do, clock, ada, other, ask):
    assert "Not seen yet" in desk.opens("/admin/").text
    assert "Other" not in desk.opens("/admin/").text
    do(sightings.record, [("health", SECOND)], now=clock())
    assert "Pages ask from an origin that is not listed." in desk.opens("/admin/").text
    do(sightings.record, [("health", ORIGIN)], now=clock())
    clock.forward(minutes=5)
    assert "Its pages last asked 5 minutes ago." in desk.opens("/admin/").text


# On your pages


@pytest.fixture
def seen(app: Any) -> Callable[[], None]:
    """Write what was seen of the pages, now rather than in a moment."""
    return lambda: app.extensions["front"].lookout.write()


def test_the_lines_carry_the_services_own_address(ada, make_app, site):
    public = replace(ada, connect=make_app(public_url="http://feedback.example.org").test_client)
    page = Browser(public.signs_in()).opens(PAGES)
    assert '<script async src="http://feedback.example.org/widget.js"></script>' in page.text
    assert '<article-feedback site="health"></article-feedback>' in page.text
    assert "works on this machine only" not in page.text


def test_an_address_that_only_this_machine_knows_is_told(desk):
    page = desk.opens(PAGES)
    assert 'src="http://localhost/widget.js"' in page.text
    assert "works on this machine only" in page.notices


def test_pages_over_https_need_a_service_over_https(ada, make_app, do):
    do(articles.change_site, "health", origins=[SECOND])
    public = replace(ada, connect=make_app(public_url="http://feedback.example.org").test_client)
    assert "Browsers refuse to load it there." in Browser(public.signs_in()).opens(PAGES).notices


def test_before_the_first_request_it_says_what_to_look_at(desk):
    page = desk.opens(PAGES)
    assert "No request yet" in page.notices
    assert "scroll to its end" in page.text


def test_the_first_request_is_seen(desk, rae, article, seen, clock):
    rae.reads(article)
    seen()
    clock.forward(minutes=2)
    assert f"We have seen your page’s first request 2 minutes ago, from {ORIGIN}." in desk.opens(PAGES).text


def test_requests_of_an_origin_that_is_not_listed_are_named_and_it_can_be_added(desk, rae, article, seen, present):
    stray = replace(rae, origin=SECOND)
    assert stray.reads(article).status_code == 200
    assert stray.votes(article, "yes").status_code == 403
    seen()
    page = desk.opens(PAGES)
    assert f"Requests come from {SECOND} (last just now), which is not listed" in page.notices
    page = desk.presses(page, f"Add {SECOND}")
    assert f"You listed {SECOND}." in page.notices
    assert f"We have seen your page’s first request just now, from {SECOND}" in page.text
    assert stray.votes(article, "yes").status_code == 200
    desk.presses(page, "Undo")
    assert present().origins == (ORIGIN,)


def test_only_an_origin_that_asked_can_be_added_so(desk, present):
    for origin in ("https://evil.example", "null", "", "x"):
        assert desk.sends(f"{SITE}/origins", origin=origin).status == 404
    assert present().origins == (ORIGIN,)


def test_a_page_from_a_disk_is_told_and_cannot_be_listed(desk, do, clock, present):
    do(sightings.record, [("health", "null")], now=clock())
    page = desk.opens(PAGES)
    assert "a file on a disk, or a frame in a sandbox" in page.notices
    assert desk.sends(f"{SITE}/origins", origin="null").status == 404
    assert present().origins == (ORIGIN,)


# Articles


def test_the_catalogue_searches_and_pages(desk, do, site, article, clock, monkeypatch):
    monkeypatch.setattr(catalogue, "PAGE", 2)
    for number in range(4):
        given = articles.Registration(f"key-{number}", f"Number {number}", f"{ORIGIN}/{number}")
        do(articles.register, site.id, given, now=clock())
    first = desk.opens(f"{SITE}/articles")
    assert TITLE in first.text and "Number 0" in first.text and "Number 1" not in first.text
    following = unescape(re.search(r'rel="next" href="([^"]+)"', first.html)[1])
    assert "Number 1" in desk.opens(following).text
    found = desk.opens(f"{SITE}/articles?q=number+3")
    assert "Number 3" in found.text and "1 matches" in found.text and TITLE not in found.text
    assert "No article matches" in desk.opens(f"{SITE}/articles?q=nothing").text


def test_a_site_without_articles_says_what_to_do(desk):
    assert "No articles yet" in desk.opens(f"{SITE}/articles").text


def test_an_article_is_registered_with_its_people_and_revision(desk, ask, site, ann):
    page = desk.presses(
        desk.opens(f"{SITE}/new-article"), "Register", title="Knees", url=f"{ORIGIN}/knees", key="/knees?part=1",
        authors=f"Ann Hollis, {ann.email}\nBo", reviewers="Rex", revision="v1", note="First.",
    )  # fmt: skip
    assert "You registered the article “Knees”." in page.notices
    assert f"Ann Hollis, author: sees the figures as {ann.email}." in page.text
    article = ask(catalogue.one, site.id, "/knees?part=1")
    assert [(person.name, person.role) for person in article.contributors] == [
        ("Ann Hollis", Role.AUTHOR), ("Bo", Role.AUTHOR), ("Rex", Role.REVIEWER),
    ]  # fmt: skip
    assert ask(catalogue.revision, article.id, "v1").note == "First."
    desk.presses(page, "Undo")
    assert ask(articles.get, site.id, "/knees?part=1") is None


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("title", "", "An article needs a title."),
        ("url", "javascript:alert(1)", "http:// or https://"),
        ("key", "", "Name the article by its key."),
        ("key", KEY, "This article is registered already."),
        ("authors", "Bo, nobody@", "Line 1: This is no e-mail address."),
        ("authors", "Bo\nBo, bo@example.org", "Name each person once in each role."),
        ("reviewers", "\n , rex@example.org", "Line 2: A name is missing."),
        ("revision", "x" * 65, "at most 64"),
    ],
)
def test_a_registration_that_is_wrong_says_where(desk, article, rows, field, typed, sentence):
    given = {"title": "Knees", "url": f"{ORIGIN}/knees", "key": "knees", field: typed}
    page = desk.presses(desk.opens(f"{SITE}/new-article"), "Register", **given)
    assert page.status == 422
    assert sentence in page.text
    assert f'id="{field}-error"' in page.html
    assert "".join(page.form("Register")[1][field]).strip() == typed.strip()
    assert rows(select(Article.key)) == [KEY]


def test_what_is_registered_is_changed_and_undone(desk, ask, site, article, ann, rex):
    before = ask(articles.registered, ask(catalogue.one, site.id, KEY))
    page = desk.presses(desk.opens(ARTICLE), "Save", title="Shorter", reviewers="")
    assert "You changed the title and who wrote and reviewed it of “Shorter”." in page.notices
    page = desk.presses(page, "Undo")
    assert ask(articles.registered, ask(catalogue.one, site.id, KEY)) == before


def test_a_guest_comes_back_by_name_alone_and_the_pages_say_so(desk, article):
    page = desk.presses(desk.opens(ARTICLE), "Save", reviewers="A guest, guest@elsewhere.example")
    assert "no account of guest@elsewhere.example yet" in page.text
    desk.presses(desk.opens(ARTICLE), "Save", reviewers="")
    log = desk.opens(f"{SITE}/changes")
    assert "without an account comes back by name alone" in log.text and "guest@" not in log.text
    page = desk.presses(log, "Undo")
    assert "A guest, reviewer: no address, so that no account sees the figures." in page.text


def test_an_article_that_another_changed_meanwhile_is_not_overwritten(desk, second_ada, article, ask, site):
    mine = desk.opens(ARTICLE)
    second_ada.presses(second_ada.opens(ARTICLE), "Save", title="Theirs")
    page = desk.presses(mine, "Save", title="Mine")
    assert page.status == 409
    assert "Saved now: Theirs" in page.text
    assert page.form("Save")[1]["title"] == ["Mine"]
    desk.presses(page, "Save")
    assert ask(catalogue.one, site.id, KEY).title == "Mine"


def test_an_article_known_from_readers_is_registered_by_saving(desk, rae, site, ask):
    rae.votes("seen", "yes", title="As seen", url=f"{ORIGIN}/seen")
    page = desk.opens(f"{SITE}/article?article=seen")
    assert "known from its readers’ pages only" in page.notices
    page = desk.presses(page, "Register")
    assert "You registered the article “As seen”." in page.notices
    assert ask(catalogue.one, site.id, "seen").registered


def test_somebody_without_an_account_is_invited_from_the_article(desk, article, site, ann, ask):
    page = desk.opens(ARTICLE)
    link = unescape(re.search(r'href="([^"]*/invite[^"]*)"', page.html)[1])
    page = desk.opens(link)
    _, fields = page.form("Invite")
    assert fields["email"] == ["rex@health.example.org"] and fields["role"] == ["reviewer"]
    desk.presses(page, "Invite")
    assert "Rex Adeyemi, reviewer: sees the figures as rex@health.example.org." in desk.opens(ARTICLE).text


def test_comments_are_closed_hidden_and_opened(desk, article, rows, rae):
    for accepts, deed in (("closed", "closed"), ("hidden", "hid"), ("open", "opened")):
        page = desk.opens(ARTICLE)
        token = page.form("Save")[1]["csrf_token"]
        page = desk.sends(f"{SITE}/article/comments?article={KEY}", csrf_token=token, accepts=accepts)
        assert f"You {deed} the comments of “{TITLE}”." in page.notices
        assert rows(select(Article.accepts)) == [Accepts(accepts)]
        assert rae.reads(article).json["comments"]["open"] is (accepts == "open")
    desk.presses(page, "Undo")
    assert rows(select(Article.accepts)) == [Accepts.HIDDEN]
    assert desk.sends(f"{SITE}/article/comments?article={KEY}", accepts="perhaps").status == 422


def test_a_revision_is_added_and_told_of(desk, article, ask, rae):
    page = desk.presses(desk.opens(ARTICLE), "Add the revision", label="v2", note="Clearer.")
    assert f"You added the revision v2 of “{TITLE}”." in page.notices
    assert "Clearer." in page.text and "0 votes" in page.text
    page = desk.presses(desk.opens(ARTICLE), "Add the revision", label="v2", note="Again.")
    assert page.status == 422 and "There is a revision of this label already." in page.text
    page = desk.opens(f"/articles/health/revision?article={KEY}&label=v2")
    page = desk.presses(page, "Save", note="Much\nclearer.")
    assert ask(catalogue.revision, article.id, "v2").note == "Much\nclearer."
    desk.presses(page, "Undo")
    assert ask(catalogue.revision, article.id, "v2").note == "Clearer."


def test_a_note_that_another_wrote_meanwhile_is_not_overwritten(desk, second_ada, article, do, clock, ask):
    do(see_revision, article.id, "v2", registered=True, now=clock())
    path = f"/articles/health/revision?article={KEY}&label=v2"
    mine = desk.opens(path)
    second_ada.presses(second_ada.opens(path), "Save", note="Theirs.")
    page = desk.presses(mine, "Save", note="Mine.")
    assert page.status == 409
    assert "Saved now: Theirs." in page.text
    assert ask(catalogue.revision, article.id, "v2").note == "Theirs."


@pytest.mark.parametrize(
    "path", [f"{SITE}/article?article=nowhere", f"/articles/health/revision?article={KEY}&label=nowhere"]
)
def test_what_is_not_there_is_not_found(desk, article, path):
    assert desk.opens(path).status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("article", 422), ("article?article=", 422), ("articles?cursor=x", 400),
     ("changes?cursor=x", 400), (f"articles?q={'x' * 201}", 422), ("people/x", 404), ("tokens/x/revoke", 404)],
)  # fmt: skip
def test_a_mistyped_address_is_no_fault_of_ours(desk, path, status):
    assert desk.opens(f"{SITE}/{path}").status == status


# People


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mailing(make_app: Any, mailbox: Mailbox) -> Any:
    """The service with a mail server that works."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with mail_server(mailbox, port) as address:
        yield make_app(mail_url=f"smtp://{address}", mail_from="f@example.org", public_url="http://localhost")


def delivered(app: Any, mailbox: Mailbox) -> str:
    """Deliver what is due and return the last letter."""
    with app.app_context():
        assert delivery.deliver(app.config["SETTINGS"], letters.write) > 0
    return str(mailbox.messages[-1].get_body(("plain",)).get_content())


def test_an_invitation_goes_out_and_opens_the_way_in(ada, mailing, mailbox):
    desk = Browser(replace(ada, connect=mailing.test_client).signs_in())
    page = desk.presses(desk.opens(f"{SITE}/invite"), "Invite", email="Nora@Example.org", name="Nora", role="moderator")
    assert "You made Nora moderator. A letter with a link to choose a password is on its way." in page.notices
    assert "feedback user change" not in page.text
    assert "Invited" in desk.opens(PEOPLE).text
    link = re.search(r"http://localhost(/account/choose/\S+)", delivered(mailing, mailbox))
    guest = Browser(mailing.test_client())
    guest.presses(guest.opens(link[1]), "Set the password", new=PASSWORD, again=PASSWORD)
    nora = replace(ada, name="Nora", email="nora@example.org", role=Role.MODERATOR, connect=mailing.test_client)
    assert nora.signs_in().get("/moderation/").status_code == 200
    assert "Invited" not in desk.opens(PEOPLE).text


def test_an_invitation_is_sent_again(ada, mailing, mailbox):
    desk = Browser(replace(ada, connect=mailing.test_client).signs_in())
    page = desk.presses(desk.opens(f"{SITE}/invite"), "Invite", email="nora@example.org", name="Nora", role="moderator")
    page = desk.presses(page, "Send another letter")
    assert "Another letter to nora@example.org is on its way." in page.notices
    delivered(mailing, mailbox)
    assert [message["To"] for message in mailbox.messages] == ["nora@example.org"] * 2


def test_without_mail_the_page_says_how_to_set_a_password(desk, rows):
    page = desk.opens(f"{SITE}/invite")
    assert "This service cannot send mail" in page.notices
    page = desk.presses(page, "Invite", email="o'nora@example.org", name="", role="author")
    assert "No letter was sent" in page.notices
    command = re.search(r"<code>(feedback user change [^<]+)</code>", page.html)
    assert unescape(command[1]) == "feedback user change 'o'\"'\"'nora@example.org' --password-file password.txt"
    assert rows(select(Outbox.done)) == [None]


def test_the_command_that_is_named_sets_the_password(desk, ada, tmp_path, monkeypatch, database_url):
    desk.presses(desk.opens(f"{SITE}/invite"), "Invite", email="nora@example.org", name="Nora", role="moderator")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password.txt").write_text("a password of length")
    for name, value in (("HOME", tmp_path), ("SECRET_KEY", SECRET), ("DATABASE_URL", database_url)):
        monkeypatch.setenv(f"FEEDBACK_{name}", str(value))
    main(["user", "change", "nora@example.org", "--password-file", "password.txt"])
    nora = replace(ada, name="Nora", email="nora@example.org", role=Role.MODERATOR, password="a password of length")
    assert nora.signs_in().get("/moderation/").status_code == 200


def test_somebody_known_gets_the_role_and_keeps_the_password(desk, mo, rows):
    page = desk.presses(desk.opens(f"{SITE}/invite"), "Invite", email=mo.email, name="Other", role="author")
    assert "You made Mo author. They have an account already" in page.notices
    assert rows(select(Outbox)) == []
    assert mo.signs_in().get("/articles/").status_code == 200
    page = desk.presses(page, "Undo")
    assert mo.signs_in().get("/articles/").status_code == 403


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [({"email": "nobody"}, "This is no e-mail address."), ({"email": "zoë@example.org"}, "This is no e-mail address."),
     ({"email": ""}, "Fill in an address."),
     ({"role": "owner"}, "Choose one of these."), ({"role": ""}, "Choose one of these."),
     ({"name": "x" * 81}, "at most 80")],
)  # fmt: skip
def test_an_invitation_that_cannot_be_is_not_made(desk, rows, changed, sentence):
    given = {"email": "nora@example.org", "name": "Nora", "role": "author"} | changed
    page = desk.presses(desk.opens(f"{SITE}/invite"), "Invite", **given)
    assert page.status == 422 and sentence in page.text
    assert len(rows(select(User))) == 1


def test_roles_are_given_and_taken_by_ticking(desk, mo, ask, site):
    page = desk.opens(f"{PEOPLE}/{mo.id}")
    page = desk.presses(page, "Save", roles=["author", "reviewer"])
    assert "You made Mo author and reviewer; took the role moderator from Mo." in page.notices
    assert mo.signs_in().get("/moderation/").status_code == 403
    desk.presses(page, "Undo")
    assert mo.signs_in().get("/moderation/").status_code == 200


def test_somebody_without_a_role_is_no_longer_listed_until_undone(desk, mo):
    path, fields = desk.opens(f"{PEOPLE}/{mo.id}").form("Save")
    page = desk.sends(path, **{name: value for name, value in fields.items() if name != "roles"})
    assert page.path == PEOPLE
    assert mo.email not in page.text
    assert desk.opens(f"{PEOPLE}/{mo.id}").status == 404
    assert mo.email in desk.presses(page, "Undo").text


def test_roles_that_another_changed_meanwhile_are_not_overwritten(desk, second_ada, mo, ask, site):
    mine = desk.opens(f"{PEOPLE}/{mo.id}")
    second_ada.presses(second_ada.opens(f"{PEOPLE}/{mo.id}"), "Save", roles=["author"])
    page = desk.presses(mine, "Save", roles=["moderator", "reviewer"])
    assert page.status == 409
    assert page.form("Save")[1]["roles"] == ["author"]
    assert ask(staff.member, site.id, mo.id).roles == (Role.AUTHOR,)


def test_the_last_administrator_stays_one(desk, ada, ask, site):
    page = desk.presses(desk.opens(f"{PEOPLE}/{ada.id}"), "Save", roles=["moderator"])
    page = desk.presses(page, "Give it up")
    assert page.status == 422
    assert "is the last administrator" in page.text
    assert ask(staff.member, site.id, ada.id).roles == (Role.ADMINISTRATOR,)


def test_giving_up_ones_own_administration_is_asked_about_first(desk, second_ada, ada, ask, site):
    page = desk.presses(desk.opens(f"{PEOPLE}/{ada.id}"), "Save", roles=["moderator"])
    assert "you cannot undo it" in page.text
    assert ask(staff.member, site.id, ada.id).roles == (Role.ADMINISTRATOR,)
    page = desk.presses(page, "Give it up")
    assert page.status == 200
    assert ask(staff.member, site.id, ada.id).roles == (Role.MODERATOR,)
    assert desk.opens("/admin/").status == 403


def test_a_deactivated_account_is_out_at_once_and_comes_back(desk, mo):
    working = mo.signs_in()
    page = desk.presses(desk.opens(f"{PEOPLE}/{mo.id}"), "Deactivate the account")
    assert "You deactivated the account of Mo." in page.notices
    assert working.get("/moderation/").status_code == 303
    assert "Deactivated" in desk.opens(PEOPLE).text
    page = desk.presses(desk.opens(f"{PEOPLE}/{mo.id}"), "Reactivate the account")
    assert "You reactivated the account of Mo." in page.notices
    assert working.get("/moderation/").status_code == 303
    assert mo.signs_in().get("/moderation/").status_code == 200


def test_an_account_with_a_part_elsewhere_is_left_to_those_who_administer_both(desk, mo, other, do, ask, rows):
    do(staff.join, ask(staff.find_user, mo.email), other, Role.AUTHOR)
    page = desk.opens(f"{PEOPLE}/{mo.id}")
    assert "a role on a site that you do not administer" in page.text and "Deactivate the account" not in page.html
    page = desk.sends(f"{PEOPLE}/{mo.id}/active", active="no")
    assert "also has a role on a site that you do not administer" in page.notices
    assert rows(select(User.active).where(User.id == mo.id)) == [True]


def test_nobody_deactivates_themselves(desk, ada, rows):
    assert "Deactivate" not in desk.opens(f"{PEOPLE}/{ada.id}").html.replace("deactivate", "")
    assert "another administrator" in desk.sends(f"{PEOPLE}/{ada.id}/active", active="no").notices
    assert rows(select(User.active)) == [True]


def test_an_invitation_is_not_sent_to_whoever_has_a_password(desk, mo, rows):
    assert desk.sends(f"{PEOPLE}/{mo.id}/invitation").status == 409
    assert rows(select(Outbox)) == []


# Tokens


def test_a_token_is_shown_once_and_works(desk, connect, rae, article):
    page = desk.presses(desk.opens(f"{SITE}/tokens"), "Make the token", name="Night bot", role="moderator")
    secret = re.search(r"fb_[\w-]+", page.text)[0]
    header = {"Authorization": f"Bearer {secret}"}
    assert connect().get("/api/v1/health/queue", headers=header).status_code == 200
    page = desk.opens(f"{SITE}/tokens")
    assert "Night bot" in page.text and secret not in page.html
    assert "made the token “Night bot” (moderator)" in desk.opens(f"{SITE}/changes").text
    link = unescape(re.search(r'href="([^"]+/revoke)"', page.html)[1])
    page = desk.opens(link)
    assert "stops working at once" in page.text
    assert connect().get("/api/v1/health/queue", headers=header).status_code == 200
    page = desk.presses(page, "Revoke the token")
    assert "“Night bot” is worth nothing any more." in page.notices
    assert connect().get("/api/v1/health/queue", headers=header).status_code == 401
    assert "Revoked just now" in page.text


def test_an_authors_token_names_the_author(desk, ann, connect, article):
    page = desk.presses(desk.opens(f"{SITE}/tokens"), "Make the token", name="Figures", role="author")
    assert page.status == 422
    assert "needs the person whose articles it sees" in page.text
    page = desk.presses(page, "Make the token", user=ann.id.hex)
    secret = re.search(r"fb_[\w-]+", page.text)[0]
    header = {"Authorization": f"Bearer {secret}"}
    assert connect().get(f"/api/v1/health/stats?article={KEY}", headers=header).status_code == 200
    assert "Author · Ann" in desk.opens(f"{SITE}/tokens").text


@pytest.mark.parametrize("changed", [{"name": " "}, {"role": "owner"}, {"user": str(uuid4())}])
def test_a_token_that_cannot_be_is_not_made(desk, rows, changed):
    given = {"name": "Bot", "role": "moderator"} | changed
    assert desk.presses(desk.opens(f"{SITE}/tokens"), "Make the token", **given).status == 422
    assert rows(select(Token.id)) == []


# Mail


@pytest.fixture
def given_up(do: Any, mo: Any, site: Any, clock: Any) -> Any:
    """An invitation of Mo that no server took."""
    notice_id = do(notices.put, notices.Kind.INVITATION, {"user": mo.id, "site": site.id}, now=clock(), site_id=site.id)
    [notice] = do(notices.lease, clock())
    do(notices.fail, notice, "the recipient was refused with 550", now=clock(), for_good=True)
    return notice_id


def test_what_could_not_be_delivered_is_listed_and_sent_again(desk, given_up, mo, rows):
    assert "1 letter could not be delivered" in desk.opens("/admin/").text
    page = desk.opens(f"{SITE}/mail")
    assert f"An invitation to {mo.email}" in page.text
    assert "the recipient was refused with 550" in page.text
    assert "No letter waits." in page.text
    page = desk.presses(page, "Send again")
    assert "The letter is due again" in page.notices
    assert "1 letter waits to be delivered." in page.text and "Nothing is undelivered" in page.text
    assert rows(select(Outbox.dead)) == [None]


@pytest.mark.parametrize("kind", sorted(notices.MAIL))
def test_every_kind_of_letter_has_a_name_in_the_list(desk, do, site, clock, kind):
    notice_id = do(notices.put, kind, {}, now=clock(), site_id=site.id)
    do(notices.fail, notices.Notice(notice_id, kind, {}, 1), "no mailbox", now=clock(), for_good=True)
    assert desk.opens(f"{SITE}/mail").text.count("no mailbox") == 1


def test_what_another_site_could_not_deliver_is_theirs(desk, mo, other, do, clock, given_up):
    do(lambda: setattr(db.session.get(Outbox, given_up), "site_id", other.id))
    assert "Nothing is undelivered" in desk.opens(f"{SITE}/mail").text
    assert desk.sends(f"{SITE}/mail/{given_up}/again").status == 404


def test_a_lost_link_to_a_new_password_is_listed_too(desk, mo, mailing, do, clock):
    client = Browser(mailing.test_client())
    client.presses(client.opens("/account/forgotten"), "Send the link", email=mo.email)
    [notice] = do(notices.lease, clock() + timedelta(minutes=1))
    do(notices.fail, notice, "refused", now=clock(), for_good=True)
    assert f"A link to choose a new password to {mo.email}" in desk.opens(f"{SITE}/mail").text


def test_mail_that_cannot_leave_is_told(desk):
    assert "This service cannot send mail." in desk.opens(f"{SITE}/mail").notices


# Changes


def test_every_change_is_listed_with_who_and_undone_from_there(desk, second_ada, present):
    assert "No change yet" in desk.opens(f"{SITE}/changes").text
    second_ada.presses(second_ada.opens(SETTINGS), "Save", question="Theirs?")
    page = desk.opens(f"{SITE}/changes")
    assert "What administrators and authors changed here in the browser, for a year." in page.text
    assert "Abe changed the question just now" in page.text
    desk.presses(page, "Undo")
    assert present().policy.question == Policy().question


def test_a_change_that_something_came_after_says_so(desk, present, rows):
    first = desk.presses(desk.opens(SETTINGS), "Save", question="First?")
    desk.presses(desk.opens(SETTINGS), "Save", question="Second?")
    page = desk.presses(first, "Undo")
    assert "It was not undone. Something was changed after it" in page.notices
    assert present().policy.question == "Second?"
