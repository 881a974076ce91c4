"""The moderators' other pages: one comment, bans and words, erasing, bulk decisions, notices, webhooks; with and
without a script, by name and role, accessible and on every screen."""

import re
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from feedback.models import Ban, Comment, State, Webhook, Word
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot

SCREEN = {"width": 1280, "height": 900}
NOWHERE = "http://127.0.0.1:9/hook"  # the service sends nothing to its own machine unless it is told that it may

with_and_without_scripts = pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["js", "plain"])


@pytest.fixture
def enter(sign_in: Callable[..., Page], service: Any) -> Callable[..., Page]:
    """Open a page as somebody: `enter(mo, "/moderation/")`."""

    def go(who: Any, path: str, **options: Any) -> Page:
        page = sign_in(who, **options)
        page.goto(service.url + path)
        return page

    return go


@pytest.fixture
def comment(rae: Any, article: Any) -> str:
    """The id of a comment of Rae's that waits."""
    answer = rae.comments(article, "My neighbour Olga has multiple sclerosis.", name="Rae")
    assert answer.status_code == 202
    return str(answer.json["comment"]["id"])


@pytest.fixture
def state_of(rows: Callable[..., list[Any]], site: Any) -> Callable[[str], State]:
    def state(words: str) -> State:
        (found,) = rows(select(Comment.state).where(Comment.site_id == site.id, Comment.source.startswith(words)))
        return State(found)

    return state


def told(page: Page) -> Any:
    return page.locator(".messages")


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


@with_and_without_scripts
def test_a_word_is_blocked_for_a_while_and_removed_again(enter, mo, rae, article, rows, site, state_of, options):
    page = enter(mo, "/moderation/blocklist", **options)
    expect(page.get_by_text("None is listed.")).to_be_visible()
    page.get_by_role("textbox", name="Word, host or name").fill("casino*")
    page.get_by_role("combobox", name="Effect").select_option(label="Block: the comment goes to spam")
    page.get_by_role("combobox", name="Until").select_option(label="for a week")
    page.get_by_role("textbox", name="Why").fill("A campaign")
    page.keyboard.press("Enter")
    expect(told(page)).to_contain_text("“casino*” is blocked from now on.")
    listed = page.get_by_role("region", name="Words, links and names").get_by_role("listitem")
    expect(listed).to_contain_text("A campaign Mo,")
    rae.comments(article, "Visit my casinos today", name="Rae")
    assert state_of("Visit") is State.SPAM
    button(page, "Remove casino*").click()
    expect(told(page)).to_contain_text("“casino*” is on the list no longer.")
    assert rows(select(Word).where(Word.site_id == site.id)) == []


def test_a_word_that_is_none_is_explained_and_kept(enter, mo, problems):
    problems.expect("status of 4")
    page = enter(mo, "/moderation/blocklist")
    page.get_by_role("combobox", name="What").select_option(label="Link")
    page.get_by_role("textbox", name="Word, host or name").fill("no host at all")
    page.get_by_role("textbox", name="Why").fill("A campaign")
    button(page, "Add").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("textbox", name="Word, host or name")).to_have_value("no host at all")
    expect(page.get_by_role("combobox", name="What")).to_have_value("link")
    assert axe(page) == []


@with_and_without_scripts
def test_a_reader_is_banned_and_let_in_again(enter, mo, rae, article, comment, rows, site, state_of, options):
    page = enter(mo, "/moderation/", **options)
    page.get_by_role("link", name="More about the comment of Rae: ban, history").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Comment of Rae")
    page.get_by_role("textbox", name="Why").fill("Talks about others’ health")
    page.get_by_role("combobox", name="For how long").select_option(label="7 days")
    button(page, "Ban the reader").click()
    expect(told(page)).to_contain_text("The reader is banned until")
    rae.comments(article, "Olga again", name="Rae")
    assert state_of("Olga again") is State.SPAM
    told(page).get_by_role("link", name="All bans and words").click()
    bans = page.get_by_role("region", name="Bans")
    expect(bans.get_by_role("listitem")).to_contain_text("A reader: Talks about others’ health")
    button(page, "Lift the ban: Talks about others’ health").click()
    expect(told(page)).to_contain_text("The ban is lifted.")
    assert rows(select(Ban).where(Ban.site_id == site.id)) == []


@with_and_without_scripts
def test_an_administrator_erases_for_good(enter, ada, comment, rows, site, options):
    page = enter(ada, f"/moderation/comments/{comment}", **options)
    page.get_by_role("link", name="Erase this comment for good…").click()
    expect(page.get_by_role("heading", name="Erase this comment for good?")).to_be_visible()
    page.get_by_role("link", name="Keep it").click()
    page.get_by_role("link", name="Erase this comment for good…").click()
    page.get_by_role("textbox", name="Reason, for the history").fill("Somebody else’s illness")
    button(page, "Erase it for good").click()
    expect(told(page)).to_contain_text("The comment is erased for good.")
    expect(page.get_by_role("region", name="History")).to_contain_text("Ada erased it: Somebody else’s illness")
    expect(page.get_by_text("Olga")).to_have_count(0)
    (row,) = rows(select(Comment).where(Comment.site_id == site.id))
    assert (row.state, row.source, row.name, row.reader) == (State.ERASED, None, None, None)


def test_a_moderator_finds_no_way_to_erase(enter, mo, comment, service, problems):
    problems.expect("status of 4")
    page = enter(mo, f"/moderation/comments/{comment}")
    expect(page.get_by_role("region", name="History")).to_be_visible()
    expect(page.get_by_role("link", name="Erase this comment")).to_have_count(0)
    answer = page.goto(f"{service.url}/moderation/comments/{comment}/purge")
    assert answer is not None and answer.status == 404


@with_and_without_scripts
def test_notices_are_chosen_and_a_private_feed_is_made(enter, mo, comment, options):
    page = enter(mo, "/account/notices", **options)
    page.get_by_role("radio", name="Daily").check()
    page.get_by_role("checkbox", name="A reader says that something could be unsafe").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(told(page)).to_contain_text("Saved: what you get about Quiet Health.")
    expect(page.get_by_role("radio", name="Daily")).to_be_checked()
    expect(page.get_by_role("checkbox", name="A reader says that something could be unsafe")).not_to_be_checked()
    page.get_by_role("button", name="Make the feed").click()
    address = page.get_by_label("The address of the feed").inner_text()
    with urlopen(address, timeout=10) as feed:
        assert "Olga" in feed.read().decode()
    page.get_by_role("button", name="Close the feed").click()
    expect(told(page)).to_contain_text("its address is worth nothing any more")


@with_and_without_scripts
def test_a_webhook_is_added_tried_turned_off_and_removed(enter, ada, site, rows, options):
    page = enter(ada, f"/admin/sites/{site.slug}/webhooks", **options)
    page.get_by_role("textbox", name="Address").fill(NOWHERE)
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_label("The secret")).to_contain_text("whsec_")
    page.get_by_role("link", name="I have copied it").click()
    button(page, "Send a test").click()
    expect(told(page)).to_contain_text("A test is on its way.")
    messages = page.get_by_role("region", name="Messages").get_by_role("listitem")
    expect(messages).to_contain_text("Test")
    button(page, "Switch it off").click()
    expect(told(page)).to_contain_text("The webhook is switched off.")
    page.get_by_role("link", name="Remove it").click()
    button(page, "Remove the webhook").click()
    expect(told(page)).to_contain_text("The webhook is removed.")
    assert rows(select(Webhook).where(Webhook.site_id == site.id)) == []


def test_a_large_bulk_decision_shows_how_far_it_is_by_itself(enter, mo, rae, article, rows, site):
    for number in range(130):
        assert rae.comments(article, f"Remark {number}", name="Rae").status_code == 202
    page = enter(mo, "/moderation/")
    page.get_by_text("Decide on all 130 that match").click()
    # A hundred are decided before the answer, and of the others this page tells as they are.
    page.get_by_role("form", name="Decide on all that match").get_by_role("button", name="Approve all 130").click()
    expect(page.get_by_role("heading", name="130 comments approved")).to_be_visible(timeout=30_000)
    expect(button(page, "Undo all 130")).to_be_visible()
    assert axe(page) == []
    button(page, "Undo all 130").click()
    expect(page.get_by_role("heading", name="Undone: 130 of 130")).to_be_visible(timeout=30_000)
    assert {State(state) for state in rows(select(Comment.state).where(Comment.site_id == site.id))} == {State.PENDING}


@with_and_without_scripts
def test_what_a_bulk_decision_left_out_is_listed(enter, mo, ada, rae, article, comment, options):
    page = enter(mo, "/moderation/", **options)
    assert rae.comments(article, "Another one", name="Rae").status_code == 202
    page.reload()
    queue = page.get_by_role("article")
    expect(queue).to_have_count(2)
    page.get_by_text("Decide on all 2 that match").click()
    # What somebody else decided on after the page was shown, and what came then, is not decided on.
    assert ada.posts("/decisions", comment=comment, action="approve", version=1).status_code == 200
    assert rae.comments(article, "Later than the page", name="Rae").status_code == 202
    page.get_by_role("form", name="Decide on all that match").get_by_role("button", name="Reject all 2").click()
    expect(page.get_by_role("heading", name="1 comment rejected")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("heading", name="Left out, because")).to_be_visible()
    left_out = page.get_by_role("region", name="1 comment rejected").get_by_role("listitem")
    expect(left_out).to_have_count(1)
    expect(left_out).to_have_text("Rae: My neighbour Olga has multiple sclerosis. Approved")
    page.get_by_role("link", name="Back to the queue").click()
    expect(page.get_by_role("article")).to_contain_text("Later than the page")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("screen", {"viewport": SCREEN}),
        ("phone-dark", {"viewport": PHONE, "color_scheme": "dark"}),
    ],
)
def test_every_page_is_accessible_and_fits(enter, ada, comment, service, site, name, options):
    page = enter(ada, f"/moderation/comments/{comment}", **options)

    def is_fine(part: str) -> None:
        for closed in page.locator("main details").all():
            closed.evaluate("each => { each.open = true; }")
        assert axe(page) == [], part
        assert not scrolls_sideways(page), part
        shoot(page, f"moderation-{part}-{name}")

    page.get_by_role("textbox", name="Why").fill("A reason " + "that goes on and on " * 12)
    button(page, "Ban the reader").click()
    expect(told(page)).to_contain_text("The reader is banned until")
    page.goto(f"{service.url}/moderation/comments/{comment}")
    button(page, "Close the thread").click()
    expect(told(page)).to_contain_text("The thread is closed")
    is_fine("comment")
    page.goto(f"{service.url}/moderation/comments/{comment}/purge")
    is_fine("purge")
    page.goto(f"{service.url}/moderation/blocklist")
    page.get_by_role("textbox", name="Word, host or name").fill("w" * 120)
    page.get_by_role("textbox", name="Why").fill("A campaign")
    button(page, "Add").click()
    expect(told(page)).to_contain_text("is watched from now on")
    is_fine("blocklist")
    page.goto(f"{service.url}/moderation/decisions")
    is_fine("decisions")
    page.goto(f"{service.url}/account/notices")
    page.get_by_role("button", name="Make the feed").click()
    expect(page.get_by_label("The address of the feed")).to_be_visible()
    is_fine("notices")
    page.goto(f"{service.url}/admin/sites/{site.slug}/webhooks")
    is_fine("webhooks")
    page.get_by_role("textbox", name="Address").fill(NOWHERE)
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_label("The secret")).to_be_visible()
    is_fine("webhook-new")
    page.get_by_role("link", name="I have copied it").click()
    button(page, "Send a test").click()
    expect(told(page)).to_contain_text("A test is on its way.")
    is_fine("webhook")
    page.get_by_role("link", name="Remove it").click()
    expect(page.get_by_role("heading", name=re.compile("Remove this webhook"))).to_be_visible()
    is_fine("webhook-remove")
