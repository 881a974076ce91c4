"""Flagging a comment in the widget: on others' published comments alone, by keyboard, once a page."""

import pytest
from playwright.sync_api import expect

from feedback.models import Flag
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import NO_LOAD, button, says, write
from tests.cast import KEY


@pytest.fixture
def published(place):
    """Marta's comment, published at once."""
    place.settles(moderation="post")
    return place.reader("marta").comments(KEY, "It made me dizzy, so I doubled it.", name="Marta").json["comment"]


def test_a_reader_flags_a_comment_by_keyboard_alone(place, visit, published):
    page = visit(place.page())
    opener = button(page, "Flag what Marta wrote")
    opener.focus()
    page.keyboard.press("Enter")
    reasons = page.get_by_role("group", name="What is wrong with this comment?")
    expect(reasons.get_by_role("radio", name="Advertising")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(reasons.get_by_role("radio", name="Could harm somebody")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Anything to add? (optional)")).to_be_focused()
    page.keyboard.type("Ask me: rae@example.org")
    page.keyboard.press("Tab")
    expect(button(page, "Send")).to_be_focused()
    page.keyboard.press("Enter")
    says(page, "The moderators will look at it")
    expect(page.get_by_text("Flagged", exact=True)).to_be_focused()
    expect(opener).to_have_count(0)
    (row,) = place.rows(Flag)
    assert (row.reason, row.note) == ("unsafe", "Ask me: [removed]")


def test_what_was_flagged_is_remembered_for_the_page(place, visit, published):
    page = visit(place.page())
    button(page, "Flag what Marta wrote").click()
    page.get_by_role("radio", name="Unkind or hateful").check()
    button(page, "Send").click()
    says(page, "Thank you")
    page.locator("article-feedback").evaluate("(element) => element.setAttribute('show', 'comments')")
    button(page, "Flag what Marta wrote").click()
    expect(page.get_by_text("Flagged", exact=True)).to_be_focused()
    assert [row.reason for row in place.rows(Flag)] == ["abuse"]


def test_a_flag_can_be_left_unsent_and_needs_a_reason(place, visit, published):
    page = visit(place.page())
    button(page, "Flag what Marta wrote").click()
    button(page, "Send").click()
    expect(page.get_by_role("radio", name="Advertising")).to_have_js_property("validity.valueMissing", True)
    button(page, "Cancel").click()
    expect(button(page, "Flag what Marta wrote")).to_be_focused()
    expect(page.get_by_role("radio")).to_have_count(0)
    assert place.rows(Flag) == []


def test_ones_own_and_what_is_not_published_has_no_flag(place, visit, published):
    rae = place.reader("rae")
    assert rae.comments(KEY, "My own words", name="Rae").status_code == 201
    page = visit(place.page(), before=f"localStorage.setItem('feedback:reader', '{rae.token}')")
    expect(button(page, "Flag what Marta wrote")).to_be_visible()
    expect(button(page, "Reply to Rae")).to_be_visible()
    expect(button(page, "Flag what Rae wrote")).to_have_count(0)
    # In a browser just opened nobody types as long as three seconds: this one waits.
    write(page, "Something else of mine", name="Rae")
    says(page, "waits for moderation")
    expect(page.get_by_role("button", name="Flag what")).to_have_count(1)


def test_where_comments_are_closed_they_can_still_be_flagged(place, visit, published):
    place.closes()
    page = visit(place.page())
    expect(button(page, "Flag what Marta wrote")).to_be_visible()
    expect(page.get_by_role("button", name="Reply to")).to_have_count(0)


def test_what_goes_wrong_is_said_beside_the_form(place, visit, published, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page())
    button(page, "Flag what Marta wrote").click()
    page.get_by_role("radio", name="Something else").check()
    note = page.get_by_role("textbox", name="Anything to add? (optional)")
    note.fill("a" * 1_001)
    button(page, "Send").click()
    expect(note).to_be_focused()
    too_long = "Only moderators and reviewers read this. This is too long: at most 1,000 characters, not 1,001."
    expect(note).to_have_accessible_description(too_long)
    page.route("**/flag", lambda route: route.abort())
    note.fill("Short")
    button(page, "Send").click()
    expect(page.get_by_text("The connection was lost.")).to_be_focused()
    expect(note).to_have_value("Short")
    page.unroute("**/flag")
    button(page, "Send").click()
    says(page, "Thank you")
    assert [row.note for row in place.rows(Flag)] == ["Short"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_the_form_is_accessible_and_fits_every_screen(place, visit, published, scheme, screen):
    size = PHONE if screen == "phone" else {"width": 1280, "height": 900}
    page = visit(place.page(), color_scheme=scheme, viewport=size)
    button(page, "Flag what Marta wrote").click()
    page.get_by_role("radio", name="Personal details").check()
    shoot(page, f"flag-{screen}-{scheme}")
    assert axe(page) == []
    assert not scrolls_sideways(page)
