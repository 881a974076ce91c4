"""Votes over time: an article that has changed is asked about anew, and a site may show what readers answered."""

from datetime import date

import pytest
from playwright.sync_api import expect

from feedback import articles
from feedback.models import Vote
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import button, pressed, says, told
from tests.cast import KEY

FOUND = "readers found this helpful"


def test_the_thanks_depend_on_the_answer(place, visit):
    page = visit(place.page())
    button(page, "Yes").click()
    says(page, "glad it helped")
    button(page, "No").click()
    says(page, "What would have helped you?")


def test_after_an_edit_of_the_article_the_question_is_asked_anew(place, visit):
    page = visit(place.page(attributes='revision="first"'))
    button(page, "No").click()
    button(page, "Out of date").click()
    told(page, "vote", reason="outdated")
    page.reload()
    expect(pressed(page, "No")).to_be_visible()

    page.goto(place.page(attributes='revision="second"'))
    says(page, "This article has changed since you answered “No”. Does it help you now?")
    expect(page.get_by_role("button", pressed=True)).to_have_count(0)
    expect(page.get_by_role("group", name="What was the problem?")).to_have_count(0)
    button(page, "Yes").click()
    says(page, "glad it helped")
    told(page, "vote", value="yes", revision="second")
    assert [(vote.value, vote.revision, vote.reason) for vote in place.rows(Vote)] == [("yes", "second", None)]
    page.reload()
    expect(pressed(page, "Yes")).to_be_visible()


def test_an_answer_to_an_earlier_text_can_be_taken_back_or_given_again(place, visit):
    page = visit(place.page(attributes='revision="first"'))
    button(page, "No").click()
    button(page, "Out of date").click()
    told(page, "vote", reason="outdated")
    page.goto(place.page(attributes='revision="second"'))
    says(page, "has changed since you answered")
    button(page, "No").click()
    expect(pressed(page, "No")).to_be_visible()
    # What was the problem before may still be one.
    expect(pressed(page, "Out of date")).to_be_visible()
    told(page, "vote", revision="second")

    page.goto(place.page(attributes='revision="third"'))
    says(page, "has changed since you answered")
    button(page, "Undo").click()
    says(page, "taken back")
    told(page, "vote", value="none")
    assert place.rows(Vote) == []


def test_a_page_that_names_no_revision_asks_once(place, visit):
    page = visit(place.page(attributes='revision="first"'))
    button(page, "Yes").click()
    told(page, "vote")
    page.goto(place.page())
    expect(pressed(page, "Yes")).to_be_visible()


@pytest.mark.parametrize(("yes", "no", "shown"), [(17, 3, "17 of 20"), (16, 3, None)])
def test_the_figure_is_shown_from_twenty_votes_on_where_the_site_wants_it(place, visit, yes, no, shown):
    for number in range(yes + no):
        answer = place.reader(f"reader{number}").votes(KEY, "yes" if number < yes else "no")
        assert answer.status_code == 200
    page = visit(place.page())
    told(page, "ready")
    expect(page.get_by_text(FOUND)).to_have_count(0)
    place.settles(show_figure="on")
    page = visit(place.page())
    told(page, "ready")
    expect(page.get_by_text(f"{shown} {FOUND}" if shown else FOUND)).to_have_count(1 if shown else 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_asked_anew_with_a_figure_it_is_accessible_and_fits(place, visit, scheme, screen):
    place.settles(show_figure="on")
    for number in range(20):
        place.reader(f"reader{number}").votes(KEY, "yes")
    size = PHONE if screen == "phone" else {"width": 1280, "height": 900}
    page = visit(place.page(attributes='revision="first"'), color_scheme=scheme, viewport=size)
    button(page, "No").click()
    told(page, "vote")
    page.goto(place.page(attributes='revision="second"'))
    says(page, "has changed since you answered")
    expect(page.get_by_text(FOUND)).to_be_visible()
    shoot(page, f"widget-anew-{screen}-{scheme}")
    assert axe(page) == []
    assert not scrolls_sideways(page)


@pytest.mark.parametrize(
    ("lang", "heading", "day"), [("en", "You said, we changed", "May 3, 2026"), ("ar", "قلتم فغيّرنا", "3 مايو")]
)
def test_what_authors_changed_for_readers_stands_under_the_question(place, visit, lang, heading, day):
    def announce():
        row = articles.get(place.site.id, KEY)
        articles.announce(row, "Readers said the dosage was unclear; we added a table.", date(2026, 5, 3))

    place.registers()
    place.do(announce)
    page = visit(place.page(attributes=f'lang="{lang}"'), viewport=PHONE)
    line = page.get_by_text(heading)
    expect(line).to_be_visible()
    said = page.get_by_text("we added a table.")
    expect(said).to_have_attribute("dir", "auto")
    expect(said).to_have_attribute("lang", "en")
    expect(page.get_by_role("time").first).to_contain_text(day)
    page.clock.install()
    page.goto(page.url)
    expect(line).to_be_visible()
    page.clock.fast_forward("05:00")
    expect(page.get_by_role("time").first).to_contain_text(day)  # a day, and not how long ago it was
    shoot(page, f"widget-changed-{lang}")
    assert axe(page) == []
    assert not scrolls_sideways(page)
