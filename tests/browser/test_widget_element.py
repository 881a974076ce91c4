"""The element in its page: when it asks, what its attributes do, how it comes and goes, what it tells."""

from unittest.mock import ANY

import pytest
from playwright.sync_api import expect

from feedback.models import Vote
from tests.browser.reading import button, comment, says, told, write
from tests.cast import KEY
from tests.keys import HERE, KEYS

# Counts what the page is left with: timers, observers, and what listens to the window or the document.
COUNT = """
window.held = { timers: new Set(), observers: new Set(), listeners: new Set() };
for (const kind of ["Timeout", "Interval"]) {
  const set = window["set" + kind], clear = window["clear" + kind];
  window["set" + kind] = (act, ...more) => {
    const timer = set((...given) => {
      if (kind === "Timeout") held.timers.delete(timer);
      act(...given);
    }, ...more);
    held.timers.add(timer);
    return timer;
  };
  window["clear" + kind] = (timer) => held.timers.delete(timer) && clear(timer);
}
for (const name of ["IntersectionObserver", "MutationObserver", "ResizeObserver"]) {
  const { observe, disconnect } = window[name].prototype;
  window[name].prototype.observe = function (...given) {
    held.observers.add(this);
    return observe.apply(this, given);
  };
  window[name].prototype.disconnect = function () {
    held.observers.delete(this);
    return disconnect.call(this);
  };
}
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (type, act, options) {
  const entry = { type };
  if (this === window || this === document) held.listeners.add(entry);
  if (options?.signal) listen.call(options.signal, "abort", () => held.listeners.delete(entry));
  return listen.call(this, type, act, options);
};
"""
HELD = "Object.values(held).map(({ size }) => size)"
WORDS = "<p>The neck carries the head, and by the evening it says so.</p>"


def test_nothing_is_requested_until_it_nears_the_viewport(place, visit):
    page = visit(place.page(before=WORDS * 200))
    page.wait_for_load_state("networkidle")
    assert visit.asked("api/") == []
    button(page, "Yes").scroll_into_view_if_needed()
    expect(page.get_by_text("No comments yet")).to_be_attached()
    assert len(visit.asked("api/")) == 1


def test_a_page_that_is_only_read_loads_one_script_and_asks_once(place, visit):
    place.settles(moderation="post")
    place.reader().comments(KEY, "A comment.", name="Marta")
    page = visit(place.page())
    expect(comment(page, "A comment.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Your comment")).to_be_visible()
    page.wait_for_load_state("networkidle")
    of_ours = [request.url for request in visit.requests if request.url.startswith(place.publisher.service)]
    assert of_ours == [
        f"{place.publisher.service}/widget.js",
        f"{place.publisher.service}/api/v1/{place.site.slug}/feedback?article={KEY}",
    ]
    button(page, "Yes").hover()  # the rest is on its way before the click
    page.wait_for_load_state("networkidle")
    assert len(visit.asked("widget-more.js")) == 1


def test_it_loads_at_once_where_lazy_is_off(place, visit):
    page = visit(place.page(before=WORDS * 200, attributes='lazy="off"'))
    expect(page.get_by_text("No comments yet")).to_be_attached()
    assert page.evaluate("scrollY") == 0


def test_the_last_of_many_articles_stays_and_no_late_answer_shows(place, visit):
    place.settles(moderation="post")
    place.reader().comments(KEY, "About necks.")
    place.reader().comments("back", "About backs.")
    held = []
    page = visit(place.page(), routes={f"**/feedback?article={KEY}": lambda route: held.append(route)})
    page.wait_for_timeout(100)
    for article in (*"abcdefghi", "back"):
        page.locator("article-feedback").evaluate("(element, key) => element.setAttribute('article', key)", article)
    expect(comment(page, "About backs.")).to_be_visible()
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.get_by_text("About necks.")).to_have_count(0)
    expect(comment(page, "About backs.")).to_be_visible()
    assert told(page, "ready")["article"] == "back"


def test_attributes_changed_together_are_answered_together(place, visit):
    page = visit(place.page(attributes='lazy="off"'))
    told(page, "ready")
    page.locator("article-feedback").evaluate(
        "(element) => { for (const [name, value] of [['article', 'back'], ['revision', '2'], ['show', 'vote']])"
        "element.setAttribute(name, value) }"
    )
    assert told(page, "ready", article="back")
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert len(visit.asked("feedback?")) == 2
    button(page, "Yes").click()
    told(page, "vote", article="back", revision="2")


def test_a_removed_element_falls_silent_and_starts_again_when_it_returns(place, visit):
    held = []
    page = visit(place.page(), routes={"**/feedback?*": lambda route: held.append(route)})
    page.wait_for_timeout(100)
    page.evaluate("window.kept = document.querySelector('article-feedback'); kept.remove()")
    assert len(held) == 1
    page.context.unroute("**/feedback?*")
    page.wait_for_timeout(200)
    assert page.evaluate("events") == []
    page.evaluate("document.querySelector('main').append(kept)")
    expect(page.get_by_text("No comments yet")).to_be_visible()


def test_a_removed_element_leaves_no_timer_no_observer_and_no_listener(place, visit):
    place.settles(moderation="post")
    rae = place.reader("rae")
    rae.comments(KEY, "My own words.", name="Rae")
    token = f"localStorage.setItem('feedback:reader', '{rae.token}');"
    page = visit(place.page(after="<p>What follows.</p>" * 200), before=COUNT + token)
    button(page, "Edit").click()
    button(page, "No").click()
    page.get_by_role("combobox", name="Which part of the article?").select_option("Stopping")
    told(page, "vote", section="stopping")
    # The clock of the dates, the end of the time to edit, and what hears of another address.
    timers, observers, listeners = page.evaluate(HELD)
    assert timers >= 2
    assert listeners >= 1
    page.evaluate("document.querySelector('article-feedback').setAttribute('article', 'another')")
    told(page, "ready", article="another")
    page.evaluate("document.querySelector('article-feedback').remove()")
    assert page.evaluate(HELD) == [0, 0, 0]


def test_one_that_never_came_into_view_leaves_nothing_either(place, visit):
    page = visit(place.page(before=WORDS * 200), before=COUNT)
    expect(button(page, "Yes")).to_be_attached()
    assert page.evaluate(HELD)[1] == 1
    page.evaluate("document.querySelector('article-feedback').remove()")
    assert page.evaluate(HELD) == [0, 0, 0]


def test_one_of_two_that_asked_together_may_leave(place, visit):
    held = []
    second = f'<article-feedback site="{place.site.slug}" article="{KEY}" show="comments"></article-feedback>'
    routes = {"**/feedback?*": lambda route: held.append(route)}
    page = visit(place.page(attributes='show="comments"', after=second), routes=routes)
    page.wait_for_timeout(200)
    page.evaluate("window.left = document.querySelector('article-feedback'); left.remove()")
    assert len(held) == 1
    held[0].continue_()
    told(page, "ready")
    expect(page.get_by_text("No comments yet")).to_be_visible()
    assert "No comments yet" not in page.evaluate("left.shadowRoot.textContent")


def test_several_elements_share_one_script_and_one_question(place, visit):
    place.registers()
    page = visit(
        place.page(
            attributes='show="vote comments"',
            after=f'<article-feedback site="{place.site.slug}" article="{KEY}" show="byline"></article-feedback>'
            f'<script async src="{place.publisher.service}/widget.js"></script>',
        )
    )
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    expect(page.get_by_text("Reviewed by Rex Adeyemi")).to_be_visible()
    expect(page.get_by_text("No comments yet")).to_be_visible()
    assert len(visit.asked("feedback?")) == len(visit.asked("widget-more.js")) == 1


def test_share_copies_the_address_and_print_prints(place, visit):
    place.registers()
    allowed = ["clipboard-read", "clipboard-write"]
    page = visit(place.page(attributes='show="byline share print"'), permissions=allowed)
    page.evaluate("window.printed = 0; window.print = () => { printed++ }; delete Navigator.prototype.share")
    button(page, "Share this post").click()
    says(page, "The link was copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    button(page, "Print").click()
    assert page.evaluate("printed") == 1
    expect(page.get_by_role("group", name="Did this article help you?")).to_have_count(0)


def test_where_nothing_can_be_copied_the_address_is_there_to_be_selected(place, visit):
    page = visit(place.page(attributes='show="share"'))
    page.evaluate("() => { navigator.share = null; navigator.clipboard.writeText = () => Promise.reject(Error()) }")
    button(page, "Share this post").click()
    says(page, f"Copy this link: {page.url}")


def test_who_closes_the_share_sheet_is_told_nothing(place, visit):
    page = visit(place.page(attributes='show="share"'))
    page.evaluate("() => { navigator.share = () => Promise.reject(new DOMException('', 'AbortError')) }")
    button(page, "Share this post").click()
    page.wait_for_timeout(200)
    expect(page.get_by_role("status")).to_have_text("")


def test_an_article_without_a_key_is_known_by_its_canonical_address(place, visit):
    tag = f'<article-feedback site="{place.site.slug}" lazy="off"></article-feedback>'
    script = f'<script async src="{place.publisher.service}/widget.js"></script>'
    pages = place.publisher
    html = f"<!doctype html><html lang='en'><head><title>Neck</title>%s{script}</head><body>{tag}</body></html>"
    page = visit(pages.serves(HERE, html % ""))
    for head, key in KEYS:
        pages.serves(HERE, html % head)
        page.goto(pages.origin + HERE)
        assert told(page, "ready")["article"] == key, head


@pytest.mark.parametrize(
    ("head", "attributes", "revision"),
    [
        ("", "", ""),
        ("", 'revision="third edition"', "third edition"),
        ('<meta property="article:modified_time" content="2026-10-01T08:00:00Z">', "", "2026-10-01T08:00:00Z"),
        (
            '<script type="application/ld+json">{"@graph": [{"@type": "WebPage"}, {"@type": "Article", '
            '"dateModified" : "2026-09-30"}]}</script>',
            "",
            "2026-09-30",
        ),
    ],
)
def test_a_vote_says_which_revision_it_is_about(place, visit, head, attributes, revision):
    page = visit(place.page(head=head, attributes=attributes))
    button(page, "Yes").click()
    told(page, "vote")
    assert [vote.revision for vote in place.rows(Vote)] == [revision]


def test_events_tell_the_page_what_happened(place, visit):
    page = visit(place.page())
    button(page, "No").click()
    write(page, "Told.")
    says(page, "waits for moderation")
    where = {"site": place.site.slug, "article": KEY}
    assert told(page, "ready") == where | {"votes": {"yes": 0, "no": 0, "total": 0}, "comments": 0}
    votes = {"yes": 0, "no": 1, "total": 1}
    assert told(page, "vote") == where | {
        "value": "no",
        "reason": None,
        "section": None,
        "revision": None,
        "votes": votes,
    }
    assert told(page, "comment") == where | {"id": ANY, "parent": None, "state": "pending"}
