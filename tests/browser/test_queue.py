"""A moderator in the queue: reading what waits and why, deciding with mouse, keys and thumbs, undoing, looking back."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from feedback import articles, moderation
from feedback import clock as real_clock
from feedback.models import Comment, Decision, State
from feedback.staff import Actor
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot

REMARKS = (
    "Does baclofen make you *sleepy*?",
    "Write to me at rita@example.org, I collect stories.",
    "Look at https://a.example and https://b.example and https://c.example",
    "It took two weeks until I noticed anything.",
    "Thank you, this is what I was looking for.",
)


@pytest.fixture
def waiting(rae: Any, article: Any) -> tuple[str, ...]:
    """Five comments of Rae's that wait, oldest first."""
    for remark in REMARKS:
        assert rae.comments(article, remark, name="Rae").status_code == 202
    return REMARKS


@pytest.fixture
def queue(sign_in: Callable[..., Page], mo: Any, waiting: tuple[str, ...]) -> Page:
    """The page Mo sees after signing in."""
    page = sign_in(mo)
    expect(page.get_by_role("heading", level=1)).to_have_text("Comments")
    return page


@pytest.fixture
def state_of(rows: Callable[..., list[Any]], site: Any) -> Callable[[str], State]:
    """The state of the comment that begins with these words, read from the database."""

    def state(words: str) -> State:
        (found,) = rows(select(Comment.state).where(Comment.site_id == site.id, Comment.source.startswith(words)))
        return State(found)

    return state


@pytest.fixture
def decided(rows: Callable[..., list[Any]], site: Any) -> Callable[[], list[tuple[str, str]]]:
    """(who, action) of every decision on the site, in order."""
    query = select(Decision).where(Decision.site_id == site.id).order_by(Decision.at, Decision.id)
    return lambda: [(row.who, row.action) for row in rows(query)]


def card(page: Page, words: str) -> Any:
    return page.get_by_role("article").filter(has_text=words)


def told(page: Page) -> Any:
    """What the page says; at once where a script decides, and then only once it has been sent."""
    expect(page.locator("[data-queue][data-sending]")).to_have_count(0)
    return page.locator(".messages:not(:empty)")


def current(page: Page) -> str:
    """What the item that the keys act on says."""
    return page.locator(".item.current .said").last.inner_text()


def presses(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def decides(page: Page, key: str) -> None:
    """Press a key that decides, and wait until the decision has been sent."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press(key)
    expect(page.locator("[data-queue][data-sending]")).to_have_count(0)


def test_what_waits_is_shown_with_its_reasons(queue):
    tab = queue.get_by_role("navigation", name="Lists").get_by_role("link", name="Waiting 5")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(card(queue, "sleepy").locator("em")).to_have_text("sleepy")
    expect(card(queue, "rita@")).to_contain_text("contains an e-mail address or phone number")
    expect(card(queue, "a.example")).to_contain_text("contains 3 links")
    typed = card(queue, "sleepy").locator("details.source")
    expect(typed.locator("pre")).to_be_hidden()
    typed.get_by_text("As typed").click()
    expect(typed.locator("pre")).to_have_text("Does baclofen make you *sleepy*?")


def test_each_button_decides_and_leaves_its_row(queue, state_of, decided):
    for words, button, state in (
        ("Does", "Approve", State.APPROVED),
        ("Write", "Reject", State.REJECTED),
        ("Look at", "Spam", State.SPAM),
    ):
        card(queue, words).get_by_role("button", name=re.compile(f"^{button} the comment")).click()
        expect(told(queue)).to_be_visible()
        expect(card(queue, words)).to_have_count(0)
        assert state_of(words) is state
    assert decided() == [("Mo", "approve"), ("Mo", "reject"), ("Mo", "spam")]
    queue.get_by_role("link", name="Decisions").click()
    rows = queue.get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Mo marked it as spam")


def test_an_approved_comment_is_on_the_article_page(queue, open_page, page_url):
    card(queue, "sleepy").get_by_role("button", name=re.compile("^Approve")).click()
    expect(told(queue)).to_contain_text("Approved.")
    article = open_page(page_url)
    expect(article.get_by_text("Does baclofen make you sleepy?")).to_be_visible()
    expect(article.get_by_text("It took two weeks")).to_have_count(0)


def test_a_rejection_takes_a_reason(queue, rows, site):
    item = card(queue, "rita@")
    item.get_by_text("Reject with a reason").click()
    item.get_by_label("Another reason").fill("Collects addresses")
    item.get_by_label("Another reason").press("Enter")
    expect(told(queue)).to_contain_text("Rejected.")
    other = card(queue, "sleepy")
    other.get_by_text("Reject with a reason").click()
    other.get_by_role("button", name="Off the topic").click()
    expect(told(queue)).to_contain_text("Rejected.")
    reasons = select(Decision.reason).where(Decision.site_id == site.id).order_by(Decision.at)
    assert rows(reasons) == ["Collects addresses", "Off the topic"]


def test_several_are_decided_at_once(queue, state_of, decided):
    bar = queue.get_by_role("form", name="Decide on several")
    expect(bar).to_be_hidden()
    card(queue, "sleepy").get_by_label("Select the comment of Rae").check()
    card(queue, "two weeks").get_by_label("Select the comment of Rae").check()
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Approve the selected").click()
    expect(told(queue)).to_contain_text("Approved: 2 comments.")
    assert [state_of(words) for words in ("Does", "It took", "Thank")] == [
        State.APPROVED,
        State.APPROVED,
        State.PENDING,
    ]
    assert decided() == [("Mo", "approve")] * 2


def test_all_on_the_page_are_selected_with_one_box(queue, decided):
    card(queue, "sleepy").get_by_label("Select the comment of Rae").check()
    everything = queue.get_by_label("All shown")
    expect(everything).to_have_js_property("indeterminate", True)
    everything.check()
    bar = queue.get_by_role("form", name="Decide on several")
    expect(bar).to_contain_text("5 selected")
    bar.get_by_role("button", name="Spam for the selected").click()
    expect(queue.get_by_role("heading", name="Nothing waits. Thank you!")).to_be_visible()
    expect(queue.locator(".empty")).to_contain_text("Decided today: 5 by you")
    expect(queue.locator(".empty")).to_be_focused()
    assert decided() == [("Mo", "spam")] * 5


def test_enter_in_the_bar_decides_nothing(queue, decided):
    card(queue, "sleepy").get_by_label("Select the comment of Rae").check()
    for field in (queue.get_by_label("Reason for all selected"), queue.get_by_label("Select the comment of Rae").first):
        field.press("Enter")
        queue.wait_for_timeout(200)
    assert decided() == []


def test_undo_brings_back_what_was_decided(queue, state_of, decided):
    card(queue, "sleepy").get_by_role("button", name=re.compile("^Spam")).click()
    told(queue).get_by_role("button", name="Undo").click()
    expect(told(queue)).to_contain_text("Undone. The comment is waiting.")
    expect(card(queue, "sleepy")).to_be_visible()
    assert state_of("Does") is State.PENDING
    assert decided() == [("Mo", "spam"), ("Mo", "undo")]


def test_the_history_of_a_comment_undoes_too(queue, state_of):
    card(queue, "sleepy").get_by_role("button", name=re.compile("^Approve")).click()
    expect(told(queue)).to_contain_text("Approved.")
    queue.get_by_role("link", name="Decisions").click()
    queue.get_by_role("listitem").get_by_role("link", name=re.compile("sleepy")).click()
    history = queue.get_by_role("region", name="History")
    expect(history.get_by_role("listitem")).to_have_count(2)
    expect(history).to_contain_text("Mo approved it")
    history.get_by_role("button", name="Undo").click()
    expect(history).to_contain_text("Mo took the decision back: waiting again")
    assert state_of("Does") is State.PENDING


def test_what_another_decided_meanwhile_is_shown(queue, sign_in, ada, state_of, decided, problems):
    problems.expect("status of 409")
    hers = sign_in(ada)
    card(hers, "sleepy").get_by_role("button", name=re.compile("^Reject the")).click()
    expect(told(hers)).to_be_visible()
    card(queue, "sleepy").get_by_role("button", name=re.compile("^Approve")).click()
    expect(told(queue)).to_contain_text("The comment is rejected, by Ada")
    expect(card(queue, "sleepy")).to_have_count(0)
    assert state_of("Does") is State.REJECTED
    assert decided() == [("Ada", "reject")]


def test_a_double_click_decides_once(queue, decided):
    card(queue, "sleepy").get_by_role("button", name=re.compile("^Approve")).dblclick(no_wait_after=True)
    expect(told(queue)).to_contain_text("Approved.")
    assert decided() == [("Mo", "approve")]


# Keys


def test_the_keys_decide_and_move(queue, state_of, decided):
    assert "sleepy" in current(queue)
    presses(queue, "j", "j", "k")
    assert "rita@" in current(queue)
    decides(queue, "r")
    assert "a.example" in current(queue)
    decides(queue, "s")
    assert "two weeks" in current(queue)
    presses(queue, "k")
    assert "sleepy" in current(queue)
    decides(queue, "a")
    assert [state_of(words) for words in ("Does", "Write", "Look", "It took", "Thank")] == [
        State.APPROVED,
        State.REJECTED,
        State.SPAM,
        State.PENDING,
        State.PENDING,
    ]
    decides(queue, "u")
    assert "sleepy" in current(queue)
    assert decided() == [("Mo", "reject"), ("Mo", "spam"), ("Mo", "approve"), ("Mo", "undo")]


def test_keys_move_the_focus_with_them(queue):
    presses(queue, "j")
    expect(card(queue, "rita@")).to_be_focused()
    presses(queue, "Tab")
    expect(card(queue, "rita@").get_by_label("Select the comment of Rae")).to_be_focused()


def test_keys_stop_at_the_ends(queue):
    presses(queue, "k", "k")
    assert "sleepy" in current(queue)
    presses(queue, *"jjjjjjjj")
    assert "Thank you" in current(queue)


def test_selected_items_are_decided_by_a_key(queue, decided, state_of):
    presses(queue, "x", "j", "j", "x")
    expect(queue.get_by_role("form", name="Decide on several")).to_contain_text("2 selected")
    decides(queue, "a")
    expect(told(queue)).to_contain_text("Approved: 2 comments.")
    assert (state_of("Does"), state_of("Write"), state_of("Look")) == (State.APPROVED, State.PENDING, State.APPROVED)


def test_a_capital_r_asks_for_the_reason(queue, rows, site):
    presses(queue, "Shift+R")
    decides(queue, "2")
    assert rows(select(Decision.reason).where(Decision.site_id == site.id)) == ["Unkind"]


def test_typing_in_a_field_decides_nothing(queue, decided):
    queue.get_by_label("Search text and names").click()
    queue.keyboard.type("arsjkxu?")
    expect(queue.get_by_label("Search text and names")).to_have_value("arsjkxu?")
    expect(queue.get_by_role("dialog")).to_be_hidden()
    assert decided() == []


def test_a_chord_of_the_browser_decides_nothing(queue, decided):
    presses(queue, "Control+a", "Alt+s")
    queue.wait_for_timeout(200)
    assert decided() == []


def test_the_help_shows_the_keys_and_closes(queue):
    presses(queue, "?")
    help = queue.get_by_role("dialog", name="Keys")
    expect(help).to_be_visible()
    assert axe(queue) == []
    presses(queue, "Escape")
    expect(help).to_be_hidden()
    queue.get_by_role("button", name=re.compile("Keys")).click()
    help.get_by_role("button", name="Close").click()
    expect(help).to_be_hidden()


def test_the_keys_can_be_turned_off_in_this_browser(queue, decided):
    presses(queue, "?")
    queue.get_by_label("Use these keys in this browser").uncheck()
    presses(queue, "Escape")
    queue.reload()
    presses(queue, "a", "s")
    queue.wait_for_timeout(200)
    assert decided() == []
    presses(queue, "?")
    queue.get_by_label("Use these keys in this browser").check()
    presses(queue, "Escape")
    decides(queue, "a")
    assert decided() == [("Mo", "approve")]


# What goes wrong


def test_a_lost_network_brings_the_comment_back_with_its_reason(queue, problems, decided):
    problems.expect("ERR_FAILED")
    queue.route("**/moderation/decide", lambda route: route.abort())
    presses(queue, "a")
    back = card(queue, "sleepy")
    expect(back).to_contain_text("Not decided: the service could not be reached")
    expect(told(queue)).to_contain_text("A comment is back")
    expect(told(queue)).not_to_contain_text("Approved")
    assert "rita@" in current(queue)
    queue.unroute("**/moderation/decide")
    presses(queue, "k")
    decides(queue, "a")
    assert decided() == [("Mo", "approve")]


def test_who_is_asked_to_wait_waits_and_nothing_is_lost(queue, problems, decided):
    problems.expect("status of 429")
    asked: list[str] = []

    def busy(route: Any) -> None:
        asked.append(route.request.post_data)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"})
        else:
            route.continue_()

    queue.route("**/moderation/decide", busy)
    decides(queue, "a")
    expect(queue.locator("#said")).to_contain_text("asks to wait for 1 s")
    assert decided() == [("Mo", "approve")] and len(asked) == 2


def test_a_text_that_changed_comes_back_as_it_is_now(queue, rae, article, do, site, decided, problems):
    problems.expect("status of 409")
    (row,) = [each for each in rae.mine(article).json["comments"] if "sleepy" in each["source"]]
    wording = moderation.Wording("Does it make you tired?", "<p>Does it make you tired?</p>", b"x" * 32)
    who = Actor("Ada")
    choice = moderation.Choice(row["id"], row["version"])
    do(moderation.edit, choice, wording, who=who, site_ids=(site.id,), now=real_clock.now())
    presses(queue, "a")
    back = card(queue, "tired")
    expect(back).to_contain_text("Not decided: The comment's text was edited, by Ada")
    expect(back).to_contain_text("edited by a moderator")
    assert decided() == [("Ada", "edit")]
    presses(queue, "k")
    decides(queue, "a")
    assert decided() == [("Ada", "edit"), ("Mo", "approve")]


def test_what_is_not_sent_when_the_page_is_left_is_sent_then(queue, service, decided):
    presses(queue, "a", "r", "s", "a")
    queue.goto(f"{service.url}/moderation/decisions")
    # The browser sends them after the page is gone.
    patience = time.monotonic() + 30
    while len(decided()) < 4 and time.monotonic() < patience:
        queue.wait_for_timeout(50)
    assert sorted(action for _, action in decided()) == ["approve", "approve", "reject", "spam"]


def test_the_list_refills_and_undo_reaches_back(sign_in, service, mo, waiting, decided):
    page = sign_in(mo)
    page.goto(f"{service.url}/moderation/?limit=2")
    expect(page.get_by_role("article")).to_have_count(5)
    decides(page, "a")
    decides(page, "r")
    decides(page, "u")
    decides(page, "u")
    assert "sleepy" in current(page)
    expect(page.get_by_role("article")).to_have_count(5)
    decides(page, "s")
    assert decided() == [("Mo", "approve"), ("Mo", "reject"), ("Mo", "undo"), ("Mo", "undo"), ("Mo", "spam")]


def holds_up_a_decision(page: Page) -> Callable[[], None]:
    """Let the next decision wait on its way; the answer, called, lets it go on."""
    held: list[Any] = []
    page.route("**/moderation/decide", lambda route: route.continue_() if held else held.append(route))

    def release() -> None:
        while not held:
            page.wait_for_timeout(10)
        held[0].continue_()

    return release


def test_what_is_not_sent_yet_is_taken_back_without_being_sent(queue, decided):
    release = holds_up_a_decision(queue)
    presses(queue, "a", "r", "u")
    expect(queue.locator("#said")).to_contain_text("Undone.")
    expect(card(queue, "rita@")).to_be_focused()
    release()
    expect(queue.locator("[data-queue][data-sending]")).to_have_count(0)
    assert decided() == [("Mo", "approve")]


def test_the_page_is_not_left_unasked_with_an_undo_to_send(queue, service, decided):
    decides(queue, "a")
    release = holds_up_a_decision(queue)
    presses(queue, "r", "u")
    # Nothing is known yet of what is to be undone: the browser asks first.
    with queue.expect_event("dialog") as asked:
        queue.evaluate("setTimeout(() => location.assign('/moderation/decisions'))")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    release()
    expect(card(queue, "rita@")).to_be_focused()
    expect(queue.locator("[data-queue][data-sending]")).to_have_count(0)
    assert decided() == [("Mo", "approve"), ("Mo", "reject"), ("Mo", "undo")]


def test_the_list_is_looked_at_anew_only_once_all_is_decided(queue):
    asked: list[str] = []
    queue.on("request", lambda request: asked.append(request.method))
    release = holds_up_a_decision(queue)
    presses(queue, *"xjxjxjxjx", "a")
    release()
    expect(queue.get_by_role("heading", name="Nothing waits. Thank you!")).to_be_visible()
    expect(queue.locator(".ageing")).not_to_contain_text("the oldest came")
    # A page from before the decision would show again what has just been decided.
    assert asked == ["POST", "GET"]


def test_the_flagged_list_refills_and_counts(sign_in, service, mo, rae, stan, article, do, site):
    do(articles.change_site, site.slug, moderation="post", flag_limit=9)
    for number in range(5):
        written = rae.comments(article, f"Remark {number}", name="Rae").json["comment"]["id"]
        assert stan.posts(f"/comments/{written}/flag", reason="abuse").status_code == 202
    page = sign_in(mo)
    page.goto(f"{service.url}/moderation/?state=flagged&limit=2")
    expect(page.get_by_role("article")).to_have_count(5)
    decides(page, "a")
    decides(page, "r")
    lists = page.get_by_role("navigation", name="Lists")
    for name in ("Flagged 3", "Approved 4", "Rejected 1"):
        expect(lists.get_by_role("link", name=name)).to_be_visible()
    for _ in range(3):
        decides(page, "a")
    expect(page.get_by_role("heading", name="This list is empty")).to_be_visible()
    for name in ("Flagged 0", "Approved 4", "Rejected 1"):
        expect(lists.get_by_role("link", name=name)).to_be_visible()


# All that match, and one comment's page


def test_all_that_match_are_decided_together_and_undone(queue, decided, state_of):
    queue.get_by_text("Decide on all 5 that match").click()
    bar = queue.get_by_role("form", name="Decide on all that match")
    bar.get_by_label("Reason for all that match").fill("A campaign")
    bar.get_by_role("button", name="Reject all 5").click()
    expect(queue.get_by_role("heading", name="5 comments rejected")).to_be_visible()
    expect(queue.get_by_role("progressbar")).to_be_visible()
    assert axe(queue) == []
    assert decided() == [("Mo", "reject")] * 5
    queue.get_by_role("button", name="Undo all 5").click()
    expect(queue.get_by_role("heading", name="Undone: 5 of 5")).to_be_visible()
    assert state_of("Does") is State.PENDING and len(decided()) == 10


def test_c_replies_in_place_and_publishes(queue, state_of):
    presses(queue, "c")
    reply = card(queue, "sleepy").get_by_label("Your reply, published at once under your name")
    expect(reply).to_be_focused()
    # What is typed are words, no keys.
    queue.keyboard.type("It can, as ever.")
    card(queue, "sleepy").get_by_role("button", name="Approve and reply").click()
    expect(queue.locator("#said")).to_contain_text("Your reply is published.")
    expect(card(queue, "sleepy")).to_have_count(0)
    expect(card(queue, "rita@")).to_be_focused()
    expect(queue.get_by_role("link", name="Waiting 4")).to_be_visible()
    assert (state_of("Does"), state_of("It can,")) == (State.APPROVED, State.APPROVED)


def test_p_pins_in_place_and_u_takes_it_back(queue, service):
    decides(queue, "a")
    queue.goto(f"{service.url}/moderation/?state=approved")
    presses(queue, "p")
    expect(queue.locator("#said")).to_contain_text("The comment is pinned")
    expect(card(queue, "sleepy")).to_contain_text("Pinned")
    expect(card(queue, "sleepy")).to_be_focused()
    presses(queue, "u")
    expect(told(queue)).to_contain_text("Undone.")
    expect(queue.get_by_role("link", name="Approved 1")).to_have_attribute("aria-current", "page")
    expect(card(queue, "sleepy").get_by_text("Pinned", exact=True)).to_have_count(0)


def test_e_edits_in_place_and_keeps_the_original(queue):
    presses(queue, "e")
    text = card(queue, "sleepy").get_by_label("Text. It will say")
    expect(text).to_be_focused()
    expect(text).to_have_value("Does baclofen make you *sleepy*?")
    text.fill("Does it make you sleepy?")
    text.press("Tab")
    queue.keyboard.press("Enter")
    expect(queue.locator("#said")).to_contain_text("The text is changed.")
    item = card(queue, "sleepy")
    expect(item).to_be_focused()
    expect(item).to_contain_text("edited by a moderator")
    item.get_by_text("As its reader had typed it").click()
    expect(item.locator("pre").last).to_have_text("Does baclofen make you *sleepy*?")
    # The card has the version of the new text, and every key.
    decides(queue, "a")
    expect(queue.locator("#said")).to_contain_text("Approved.")


def test_escape_closes_what_holds_no_words_and_keeps_what_does(queue, decided):
    presses(queue, "c")
    box = queue.get_by_label("Your reply")
    expect(box).to_be_focused()
    presses(queue, "Escape")
    expect(box).to_have_count(0)
    expect(card(queue, "sleepy")).to_be_focused()
    presses(queue, "e")
    text = queue.get_by_label("Text. It will say")
    expect(text).to_be_focused()
    text.press("End")
    presses(queue, "!", "Escape")
    expect(text).to_have_value(re.compile("!"))
    queue.get_by_role("link", name="Reply to Rae as staff").nth(1).click()
    expect(text).to_be_focused()
    queue.get_by_role("button", name="Cancel").click()
    expect(text).to_have_count(0)
    assert decided() == []


def test_words_for_a_text_that_has_changed_are_kept_beside_it(queue, rae, article, do, site, decided, problems):
    problems.expect("status of 409")
    presses(queue, "c")
    expect(queue.get_by_label("Your reply")).to_be_focused()
    (row,) = [each for each in rae.mine(article).json["comments"] if "sleepy" in each["source"]]
    wording = moderation.Wording("Does it make you tired?", "<p>Does it make you tired?</p>", b"x" * 32)
    choice = moderation.Choice(row["id"], row["version"])
    do(moderation.edit, choice, wording, who=Actor("Ada"), site_ids=(site.id,), now=real_clock.now())
    queue.keyboard.type("It can.")
    queue.get_by_role("button", name="Approve and reply").click()
    expect(queue.get_by_role("alert")).to_contain_text("The comment's text was edited, by Ada")
    expect(queue.get_by_role("article")).to_contain_text("tired")
    expect(queue.get_by_label("Your reply")).to_have_value("It can.")
    assert decided() == [("Ada", "edit")]


def test_a_lost_network_keeps_the_words(queue, problems, state_of):
    problems.expect("ERR_FAILED")
    presses(queue, "c")
    box = queue.get_by_label("Your reply")
    expect(box).to_be_focused()
    queue.keyboard.type("It can.")
    queue.route("**/reply", lambda route: route.abort())
    queue.get_by_role("button", name="Approve and reply").click()
    expect(queue.locator("#said")).to_contain_text("Not sent: the service could not be reached")
    expect(box).to_be_focused()
    expect(box).to_have_value("It can.")
    queue.unroute("**/reply")
    queue.get_by_role("button", name="Approve and reply").click()
    expect(queue.locator("#said")).to_contain_text("Your reply is published.")
    assert state_of("It can.") is State.APPROVED


# Without a script


def test_everything_works_without_a_script(sign_in, mo, waiting, decided, state_of):
    page = sign_in(mo, java_script_enabled=False)
    card(page, "sleepy").get_by_role("button", name=re.compile("^Approve")).click()
    expect(told(page)).to_contain_text("The comment is approved.")
    told(page).get_by_role("button", name="Undo").click()
    expect(told(page)).to_contain_text("Undone.")
    card(page, "two weeks").get_by_text("Reject with a reason").click()
    card(page, "two weeks").get_by_role("link", name="Choose the reason").click()
    page.get_by_role("button", name="Off the topic").click()
    expect(told(page)).to_contain_text("The comment is rejected.")
    page.get_by_role("link", name="Back to the queue").click()
    for words in ("sleepy", "rita@"):
        card(page, words).get_by_label("Select the comment of Rae").check()
    page.get_by_role("button", name="Reject the selected").click()
    expect(told(page)).to_contain_text("2 comments are rejected.")
    page.get_by_role("link", name="Rejected 3").click()
    expect(page.get_by_role("article")).to_have_count(3)
    assert decided() == [("Mo", "approve"), ("Mo", "undo"), *[("Mo", "reject")] * 3]


# Looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE], ids=["wide", "phone"])
def test_every_page_is_accessible_and_never_scrolls_sideways(
    sign_in, open_page, service, problems, mo, rae, article, waiting, scheme, size
):
    problems.expect("status of 404")
    long = "Donaudampfschifffahrtsgesellschaft" * 12
    rae.comments(article, f"`{long}`\n\n> {long}\n\n1. https://example.org/{long[:300]}", name="R" * 80)
    stranger = open_page(f"{service.url}/account/sign-in", viewport=size, color_scheme=scheme)
    assert axe(stranger) == [] and not scrolls_sideways(stranger)
    page = sign_in(mo, viewport=size, color_scheme=scheme)
    shoot(page, f"queue-{scheme}-{size['width']}")
    card(page, "rita@").get_by_role("button", name=re.compile("^Reject the")).click()
    expect(told(page)).to_be_visible()
    card(page, "sleepy").get_by_label("Select the comment of Rae").check()
    assert axe(page) == [] and not scrolls_sideways(page)
    paths = ("?state=all&sort=newest", "?q=nothing+of+the+kind", "decisions", "?held=personal&state=rejected")
    for path in [*(f"/moderation/{path}" for path in paths), "/account/password", "/nowhere"]:
        page.goto(f"{service.url}{path}")
        assert axe(page) == [], path
        assert not scrolls_sideways(page), path
    page.goto(f"{service.url}/moderation/decisions")
    page.get_by_role("listitem").get_by_role("link").last.click()
    expect(page.get_by_role("region", name="History")).to_be_visible()
    assert axe(page) == [] and not scrolls_sideways(page)


def test_forced_colours_and_reduced_motion_stay_usable(sign_in, mo, waiting):
    page = sign_in(mo, forced_colors="active", reduced_motion="reduce")
    assert axe(page) == []
    outline = page.locator(".item.current").evaluate("(item) => getComputedStyle(item).outlineStyle")
    assert outline == "solid"
    motion = page.get_by_role("button", name=re.compile("^Approve")).first
    assert motion.evaluate("(button) => getComputedStyle(button).transitionDuration") == "0s"


def test_thumbs_find_buttons_of_their_size(sign_in, mo, waiting):
    page = sign_in(mo, viewport=PHONE, has_touch=True, is_mobile=True)
    buttons = card(page, "sleepy").locator("form.decide button")
    expect(buttons).to_have_count(3)
    for button in buttons.all():
        box = button.bounding_box()
        assert box["height"] >= 44 and box["width"] >= 88


def test_an_empty_queue_is_kind(sign_in, mo, article):
    page = sign_in(mo)
    expect(page.get_by_role("heading", name="Nothing waits. Thank you!")).to_be_visible()
    presses(page, "a", "j", "x", "u")
    assert axe(page) == []


# The door


def test_signing_out_leaves_nothing_behind_the_back_button(queue, service):
    queue.locator("summary", has_text="Mo").click()
    queue.get_by_role("button", name="Sign out").click()
    expect(queue.get_by_text("You are signed out, on every device.")).to_be_visible()
    queue.go_back()
    expect(queue.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_told_where_it_happened(open_page, service, mo, problems):
    problems.expect("status of 422")
    page = open_page(f"{service.url}/account/sign-in")
    page.get_by_label("E-mail address").fill(mo.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    expect(page.get_by_label("E-mail address")).to_have_value(mo.email)
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    assert axe(page) == []


def test_the_password_is_changed_in_the_browser(sign_in, mo, problems):
    problems.expect("status of 422")
    page = sign_in(mo)
    page.locator("summary", has_text="Mo").click()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Present password").fill(mo.password)
    page.get_by_label("New password", exact=True).fill("a new long password")
    page.get_by_label("New password, again").fill("a new long passwort")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The two new passwords are not the same.")).to_be_visible()
    assert axe(page) == []
    page.get_by_label("Present password").fill(mo.password)
    page.get_by_label("New password", exact=True).fill("a new long password")
    page.get_by_label("New password, again").fill("a new long password")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
