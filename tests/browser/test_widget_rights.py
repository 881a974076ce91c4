"""What a reader knows and decides about what is stored of them, at the foot of the widget."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from feedback.models import Comment, Flag, Like, Vote
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import NO_LOAD, button, comment, pressed, says, told, write
from tests.cast import KEY

STORED = "feedback:reader"


@pytest.fixture
def rae(place):
    """A reader with a vote, a comment, a like and a flag."""
    place.settles(moderation="post")
    marta = place.reader("marta").comments(KEY, "It made me dizzy.", name="Marta").json["comment"]["id"]
    rae = place.reader("rae")
    rae.votes(KEY, "no", note="Which dose?")
    assert rae.comments(KEY, "My own words.", name="Rae").status_code == 201
    rae.posts(f"/comments/{marta}/like", value="yes")
    rae.posts(f"/comments/{marta}/flag", reason="unsafe")
    return rae


@pytest.fixture
def returns(place, visit, rae):
    """Open the page as Rae, who was here before."""
    begin = (
        f"if (!sessionStorage.begun) {{ sessionStorage.begun = 1; localStorage.setItem('{STORED}', '{rae.token}'); }}"
    )

    def come(**options):
        page = visit(place.page(), before=begin, **options)
        expect(button(comment(page, "My own words."), "Withdraw")).to_be_visible()
        expect(pressed(page, "No")).to_be_visible()
        return page

    return come


def opened(page):
    button(page, "Your data").click()
    panel = page.get_by_role("group", name="Your data")
    expect(panel).to_be_focused()
    return panel


def test_who_has_sent_nothing_learns_that_nothing_is_stored(place, visit):
    page = visit(place.page())
    panel = opened(page)
    expect(panel).to_contain_text("nothing is stored about you")
    expect(panel.get_by_role("button")).to_have_text(["Close"])
    button(panel, "Close").click()
    expect(button(page, "Your data")).to_be_focused()
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_reader_sees_what_is_stored(returns):
    panel = opened(returns())
    expect(panel).to_contain_text("No IP address, no cookie")
    button(panel, "Show what is stored").click()
    expect(panel).to_contain_text("1 answer, 1 comment, 1 like, 1 flag")
    expect(panel.get_by_role("listitem")).to_contain_text(["No · Which dose?", "My own words."])


def test_a_reader_downloads_what_is_stored(place, returns):
    page = returns()
    panel = opened(page)
    with page.expect_download() as download:
        button(panel, "Download it").click()
    assert download.value.suggested_filename == f"feedback-{place.site.slug}.json"
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert [each["source"] for each in kept["comments"]] == ["My own words."]
    assert {name: len(rows) for name, rows in kept.items()} == {"votes": 1, "comments": 1, "likes": 1, "flags": 1}


def test_everything_is_erased_after_a_question_and_the_token_forgotten(place, returns):
    page = returns()
    page.get_by_role("textbox", name="Your comment").press_sequentially("A draft.")
    panel = opened(page)
    button(panel, "Erase everything").click()
    question = panel.get_by_role("group", name="Erase all that you sent to this site, from every article, for good?")
    expect(question).to_be_focused()
    button(question, "Cancel").click()
    expect(button(panel, "Erase everything")).to_be_focused()
    assert len(place.rows(Vote)) == 1

    button(panel, "Erase everything").click()
    button(question, "Erase everything").click()
    says(page, "Everything you sent was erased")
    expect(panel).to_contain_text("1 answer, 1 comment, 1 like, 1 flag")
    expect(page.get_by_role("button", pressed=True)).to_have_count(0)
    expect(page.get_by_text("My own words.")).to_have_count(0)
    expect(page.get_by_role("heading", name="Comments (1)")).to_be_visible()
    assert page.evaluate(f"[localStorage.getItem('{STORED}'), sessionStorage.getItem('feedback:drafts')]") == [
        None,
        None,
    ]
    assert place.rows(Vote) == place.rows(Like) == place.rows(Flag) == []
    assert [row.source for row in place.rows(Comment) if row.source] == ["It made me dizzy."]
    button(panel, "Close").click()
    expect(button(page, "Your data")).to_be_focused()

    # Whoever comes back is a stranger, and can begin anew.
    button(page, "Yes").click()
    told(page, "vote", value="yes")
    assert page.evaluate(f"localStorage.getItem('{STORED}')") is not None
    assert len(place.rows(Vote)) == 1


def test_what_was_answered_stays_without_its_words(place, returns, rae):
    (own,) = [row["id"] for row in rae.mine(KEY).json["comments"]]
    assert place.reader("marta").comments(KEY, "I saw that, too.", name="Marta", parent=own).status_code == 201
    page = returns()
    panel = opened(page)
    button(panel, "Erase everything").click()
    panel.get_by_role("group").get_by_role("button", name="Erase everything").click()
    says(page, "Everything you sent was erased")
    expect(page.get_by_text("Removed.", exact=True)).to_be_visible()
    expect(comment(page, "I saw that, too.")).to_be_visible()
    expect(page.get_by_text("My own words.")).to_have_count(0)


def test_every_element_of_the_page_forgets(place, visit, rae):
    second = f'<article-feedback site="{place.site.slug}" article="{KEY}" show="vote"></article-feedback>'
    page = visit(
        place.page(attributes='show="comments"', after=second),
        before=f"localStorage.setItem('{STORED}', '{rae.token}');",
    )
    expect(pressed(page, "No")).to_be_visible()
    button(page, "Your data").first.click()
    button(page, "Erase everything").click()
    page.get_by_role("group", name="Erase all").get_by_role("button", name="Erase everything").click()
    expect(page.get_by_text("Everything you sent was erased").last).to_be_visible()
    expect(page.get_by_role("button", pressed=True)).to_have_count(0)


def test_what_goes_wrong_is_said_and_nothing_is_forgotten(place, returns, rae, problems):
    problems.expect(NO_LOAD)
    page = returns(routes={"**/erase": lambda route: route.abort()})
    panel = opened(page)
    button(panel, "Erase everything").click()
    panel.get_by_role("group").get_by_role("button", name="Erase everything").click()
    expect(panel.get_by_text("The connection was lost")).to_be_visible()
    assert page.evaluate(f"localStorage.getItem('{STORED}')") == rae.token
    expect(pressed(page, "No")).to_be_visible()
    assert told(page, "error")["during"] == "data"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["desk", "phone", "narrow"])
def test_it_is_accessible_and_fits_every_screen(returns, scheme, screen):
    size = {"desk": {"width": 1280, "height": 900}, "phone": PHONE, "narrow": {"width": 320, "height": 640}}[screen]
    page = returns(color_scheme=scheme, viewport=size)
    panel = opened(page)
    button(panel, "Show what is stored").click()
    expect(panel.get_by_role("listitem")).to_have_count(2)
    shoot(page, f"widget-data-{screen}-{scheme}")
    assert axe(page) == []
    button(panel, "Erase everything").click()
    expect(panel.get_by_role("group")).to_be_focused()
    assert axe(page) == []
    assert not scrolls_sideways(page)
    panel.get_by_role("group").get_by_role("button", name="Erase everything").click()
    says(page, "Everything you sent was erased")
    shoot(page, f"widget-erased-{screen}-{scheme}")
    assert axe(page) == []


def test_the_foot_is_there_for_who_only_votes_and_not_for_a_byline(place, visit):
    page = visit(place.page(attributes='show="vote"'))
    expect(button(page, "Your data")).to_be_visible()
    place.registers()
    page = visit(place.page(attributes='show="byline"'))
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    expect(button(page, "Your data")).to_have_count(0)


def test_by_keyboard_alone(returns, place):
    page = returns()
    button(page, "Your data").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Your data")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(button(page, "Erase everything")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Erase all")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    says(page, "Everything you sent was erased")
    assert place.rows(Vote) == []


def test_a_comment_that_waits_is_erased_from_the_page_too(place, visit):
    page = visit(place.page())
    write(page, "Only mine.")
    says(page, "waits for moderation")
    panel = opened(page)
    button(panel, "Erase everything").click()
    panel.get_by_role("group").get_by_role("button", name="Erase everything").click()
    says(page, "Everything you sent was erased")
    expect(page.get_by_text("Only mine.")).to_have_count(0)
    assert [row.source for row in place.rows(Comment)] == [None]
