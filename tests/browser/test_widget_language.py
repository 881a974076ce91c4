"""The widget in the page's language: fetched where it is needed, before anything is shown, each element its own."""

import json
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import expect

from feedback import languages
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import NO_LOAD, button, comment, told
from tests.cast import KEY

FALLBACK = "Did this article help you?"


def said(code, name):
    return languages.ALL[code].sentences[name]


def test_a_page_is_answered_in_its_language(place, visit):
    page = visit(place.page(attributes='lang="de-AT"'))
    question = page.get_by_role("group", name="Hat Ihnen dieser Artikel geholfen?")
    expect(question).to_be_visible()
    button(page, "Nein").click()
    expect(page.get_by_role("group", name=said("de", "more.reasons"))).to_be_visible()
    page.get_by_role("textbox", name=said("de", "widget.body")).fill("Sehr **gut**.")
    button(page, said("de", "widget.send")).click()
    expect(page.get_by_role("status")).to_have_text(said("de", "more.waits"))
    mine = comment(page, "Sehr gut.")
    expect(mine).to_contain_text("vor")  # so many seconds
    expect(mine).to_contain_text(said("de", "widget.waiting"))
    box = page.locator("article-feedback").evaluate("({ shadowRoot: { firstChild: { lang, dir } } }) => [lang, dir]")
    assert box == ["de", "ltr"]
    # What the service answers is asked for in the same language.
    assert {parse_qs(request.post_data)["lang"][0] for request in visit.asked("api/") if request.method == "POST"} == {
        "de"
    }


@pytest.mark.parametrize("code", [language for language in languages.CODES if language != "en"])
def test_each_language_has_all_that_is_shown_first(place, visit, code):
    page = visit(place.page(attributes=f'lang="{code}"'))
    expect(page.get_by_role("group", name=said(code, "widget.question"))).to_be_visible()
    for name in ("yes", "no", "send", "data"):
        expect(button(page, said(code, f"widget.{name}"))).to_be_visible()
    expect(page.get_by_role("heading", name=said(code, "widget.write"))).to_be_visible()
    expect(page.get_by_text(said(code, "widget.empty"))).to_be_visible()
    page.get_by_role("textbox", name=said(code, "widget.body")).focus()
    expect(button(page, said(code, "more.preview"))).to_be_visible()
    assert [request.url.rpartition("/")[2] for request in visit.asked(f"widget-{code}.js")] == [f"widget-{code}.js"]


def test_until_the_language_is_there_nothing_is_said_in_another(place, visit):
    held = []
    page = visit(place.page(attributes='lang="fr"'), routes={"**/widget-fr.js": lambda route: held.append(route)})
    expect(page.get_by_role("link", name=FALLBACK)).to_be_visible()
    while not held:
        page.wait_for_timeout(20)
    expect(page.get_by_role("button")).to_have_count(0)
    held[0].continue_()
    expect(button(page, "Oui")).to_be_visible()
    expect(page.get_by_role("link", name=FALLBACK)).to_have_count(0)


def test_a_language_that_does_not_come_is_english(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(attributes='lang="it"'), routes={"**/widget-it.js": lambda route: route.abort()})
    expect(button(page, "Yes")).to_be_visible()
    button(page, "Yes").click()
    told(page, "vote", value="yes")
    assert page.locator("article-feedback").evaluate("(element) => element.shadowRoot.firstChild.lang") == "en"


@pytest.mark.parametrize("lang", ["en-GB", "sv", "not a language", ""])
def test_what_has_no_table_of_its_own_is_english_and_asks_for_none(place, visit, lang):
    page = visit(place.page(attributes=f'lang="{lang}"'))
    expect(button(page, "Yes")).to_be_visible()
    told(page, "ready")
    assert [request for request in visit.requests if "/widget-" in request.url and "more" not in request.url] == []


def test_a_language_far_below_is_not_asked_for(place, visit):
    page = visit(place.page(before="<p>The neck carries the head.</p>" * 200, attributes='lang="de"'))
    page.wait_for_load_state("networkidle")
    assert visit.asked("widget-de.js") == visit.asked("api/") == []
    page.locator("article-feedback").scroll_into_view_if_needed()
    expect(button(page, "Ja")).to_be_attached()


def test_two_elements_may_speak_two_languages_and_change_them(place, visit):
    second = f'<article-feedback site="{place.site.slug}" article="{KEY}" show="vote" lang="tr"></article-feedback>'
    page = visit(place.page(attributes='show="vote" lang="pt-BR"', after=second))
    expect(button(page, said("pt", "widget.yes"))).to_be_visible()
    expect(button(page, said("tr", "widget.yes"))).to_be_visible()
    page.locator("article-feedback").first.evaluate("(element) => element.lang = 'nl'")
    expect(button(page, said("nl", "widget.yes"))).to_be_visible()
    expect(button(page, said("pt", "widget.yes"))).to_have_count(0)
    page.locator("article-feedback").first.evaluate("(element) => element.lang = 'en'")
    expect(button(page, "Yes")).to_be_visible()


def test_numbers_and_their_nouns_follow_the_language(place, visit):
    place.settles(moderation="post")
    first = place.reader().comments(KEY, "Raz.").json["comment"]["id"]
    for number in range(2):
        place.reader(f"r{number}").posts(f"/comments/{first}/like", value="yes")
    page = visit(place.page(attributes='lang="pl"'))
    expect(comment(page, "Raz.").get_by_text("2 polubienia", exact=True)).to_be_visible()


def test_a_site_says_things_in_its_own_words_in_its_own_language(place, visit):
    texts = {"widget.write": "Ask the pharmacist", "widget.yes": "It did", "more.sendNote": "Tell Ann"}
    place.settles(texts={"en": texts})
    page = visit(place.page())
    expect(page.get_by_role("heading", name="Ask the pharmacist")).to_be_visible()
    button(page, "It did").click()
    button(page, "Leave a note for the author").click()
    expect(button(page, "Tell Ann")).to_be_visible()
    page = visit(place.page(attributes='lang="de"'))
    expect(page.get_by_role("heading", name=said("de", "widget.write"))).to_be_visible()
    expect(button(page, "Ja")).to_be_visible()


def test_a_sites_own_words_keep_their_language_and_direction(place, visit):
    """In an element from right to left, so that nobody reads English with its full stop in front."""
    place.settles(
        question="Was it clear?", guidelines="Be kind.", notice="In an emergency call 112.", moderation="post"
    )
    place.reader().comments(KEY, "Marta writes.", name="Marta")
    page = visit(place.page(attributes='lang="ar"'))
    button(page, said("ar", "widget.no")).click()
    own = [page.get_by_text(words, exact=True) for words in ("Was it clear?", "Be kind.", "In an emergency call 112.")]
    own += [button(page, "Out of date"), page.get_by_text("Marta writes.")]
    look = "(node) => [node.closest('[lang]').lang, getComputedStyle(node).direction]"
    assert [each.evaluate(look) for each in own] == [["en", "ltr"]] * 5
    assert page.get_by_text(said("ar", "widget.body"), exact=True).evaluate(look) == ["ar", "rtl"]
    notice, box = own[2].bounding_box(), page.get_by_role("textbox", name=said("ar", "widget.body")).bounding_box()
    assert 0 < box["y"] - (notice["y"] + notice["height"]) < 100  # beside what it warns about


def test_what_the_widget_says_in_a_comments_place_is_in_its_own_language(place, visit):
    place.settles(moderation="post")
    rae = place.reader("rae")
    first = rae.comments(KEY, "My own words.", name="Rae").json["comment"]["id"]
    place.reader().comments(KEY, "An answer.", parent=first)
    rae.posts(f"/comments/{first}/withdraw")
    page = visit(place.page(attributes='lang="de"'))
    gone = page.get_by_text(said("de", "widget.withdrawn"))
    assert gone.evaluate("(node) => node.closest('[lang]').lang") == "de"
    assert page.get_by_text("An answer.").evaluate("(node) => node.closest('[lang]').lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["desk", "phone", "narrow"])
@pytest.mark.parametrize("code", ["ar", "de", "ja"])
def test_it_is_accessible_and_fits_in_other_scripts(place, visit, code, screen, scheme):
    place.settles(moderation="post", lang=code)
    first = place.reader().comments(KEY, "Marta writes.", name="Marta").json["comment"]["id"]
    place.reader("r2").comments(KEY, "Jonas answers.", name="Jonas", parent=first)
    size = {"desk": {"width": 1280, "height": 900}, "phone": PHONE, "narrow": {"width": 320, "height": 640}}[screen]
    page = visit(place.page(attributes=f'lang="{code}"'), color_scheme=scheme, viewport=size)
    button(page, said(code, "widget.no")).click()
    expect(page.get_by_role("group", name=said(code, "more.reasons"))).to_be_visible()
    button(page, said(code, "widget.data")).click()
    expect(page.get_by_role("group", name=said(code, "more.data"))).to_be_focused()
    shoot(page, f"widget-{code}-{screen}-{scheme}")
    assert axe(page) == []
    assert not scrolls_sideways(page)


def test_the_tables_are_what_the_service_sends(service, connect):
    answer = connect().get("/widget-ar.js")
    table = json.loads(answer.text.removeprefix("export default ").rstrip(";\n"))
    assert table["dir"] == "rtl"
    assert table["widget"]["yes"] == said("ar", "widget.yes")
