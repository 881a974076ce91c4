"""The widget in pages that were not made for it: strict policies, hostile styles, dialogs, apps, bad lines, paper.

Everything is found by role and name; `article-feedback` itself is touched only where the page touches it, too.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from feedback.models import Comment, Vote
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import NO_LOAD, button, comment, pressed, says, told, write
from tests.cast import KEY

FAVICON = "favicon.ico"  # a page without a policy lets the browser ask for it
MANUAL = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
TRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'"


def answers(page, value="Yes"):
    """Answer and wait until the service has it."""
    button(page, value).click()
    told(page, "vote", value=value.lower())


def runs_freely(page):
    """Tell whether the page has a size to be seen and a place to be clicked at."""
    box = button(page, "Yes").bounding_box()
    return bool(box and box["width"] >= 24 and box["height"] >= 24)


# Policies


def manual_policy(service):
    """The two directives as the manual gives them, for this service, in a page that allows nothing else."""
    (given,) = re.findall(r"^(script-src \S+; connect-src \S+)$", MANUAL, re.MULTILINE)
    return f"default-src 'none'; {given.replace('https://feedback.example.org', service)}; {TRUSTED}"


def test_the_policy_of_the_manual_is_all_it_needs(place, visit, problems):
    problems.expect("site.css|favicon.ico")  # the test's own page has a style sheet, which this policy refuses
    place.settles(moderation="post")
    place.registers()
    place.reader().comments(KEY, "A comment with a [link](https://example.org).", name="Marta")
    policy = manual_policy(place.publisher.service)
    page = visit(place.page(attributes='show="byline share print vote comments"', policy=policy), viewport=PHONE)
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    button(page, "No").click()
    button(page, "Out of date").click()
    page.get_by_role("textbox", name="A note to the author").fill("Under a policy.")
    button(page, "Send note").click()
    says(page, "Your note was sent")
    button(page, "Reply to Marta").click()
    page.get_by_role("textbox", name="Your reply").fill("An answer.")
    button(page, "Send reply").click()
    expect(comment(page, "An answer.")).to_be_focused()
    button(page, "Flag what Marta wrote").click()
    page.get_by_role("radio", name="Advertising").check()
    button(page, "Send").click()
    says(page, "The moderators will look at it")
    write(page, "A comment under a policy.")
    expect(comment(page, "A comment under a policy.")).to_be_focused()
    paint = "(node) => getComputedStyle(node).borderTopLeftRadius"
    assert button(page, "Send comment").evaluate(paint) != "0px"  # its looks came through, too


@pytest.mark.parametrize("left_out", ["script-src", "connect-src"])
def test_what_a_policy_leaves_out_is_missed_where_it_is_looked_for(place, visit, problems, left_out):
    """The policy above is no larger than it must be; and without it the page stays a page."""
    problems.expect("policy|Content Security|Failed to load|site.css|Refused|violates|Fetch API")
    policy = re.sub(rf"{left_out} \S+;", "", manual_policy(place.publisher.service))
    page = visit(place.page(policy=policy))
    expect(page.get_by_role("heading", name="Side effects and cautions")).to_be_visible()
    if left_out == "script-src":
        expect(page.get_by_role("link", name="Did this article help you?")).to_be_visible()
    else:
        expect(page.get_by_text("The comments could not be loaded.")).to_be_visible()
    assert any(left_out in each or "default-src" in each for each in problems.seen)


# Style sheets

HOSTILE_STYLES = {
    "all unset": "* { all: unset !important }",
    "no buttons": "button, fieldset, legend, input, textarea, select, label, form { display: none !important }",
    "nothing but frames": "*:not(html, body, main, article-feedback) { display: none !important }",
    "the element itself": "article-feedback { color: transparent; font: 0/0 serif; visibility: hidden; "
    "text-transform: uppercase; letter-spacing: 1em; white-space: pre; cursor: none; pointer-events: none; "
    "user-select: none; text-indent: -9999px; word-spacing: 9em; direction: inherit; float: left; opacity: 1 }",
    "animations": "*, *::before, *::after { transition: all 60s !important; animation: none 60s !important }",
    "a reset": "* { margin: 0 !important; padding: 0 !important; border: 0 !important; outline: 0 !important; "
    "background: red !important; color: red !important; min-height: 0 !important; appearance: none !important }",
    "its own names": ".box, .vote, .section, .comment, .field { display: none !important } "
    "[aria-pressed] { visibility: hidden !important } :root { --text: red; --accent: red; --radius: 90px }",
}


@pytest.mark.parametrize("style", HOSTILE_STYLES)
def test_no_style_sheet_of_the_page_takes_it_apart(place, visit, problems, style):
    problems.expect(FAVICON)
    place.settles(moderation="post")
    place.reader("marta").comments(KEY, "Still legible.", name="Marta")
    page = visit(place.page(head=f"<style>{HOSTILE_STYLES[style]}</style>", policy=""))
    quiet = visit(place.page(article="quiet", policy=""))
    expect(comment(page, "Still legible.")).to_be_visible()
    shoot(page, f"hostile-{style.replace(' ', '-')}")
    looks = ["color", "backgroundColor", "borderTopWidth", "outlineStyle", "minHeight", "visibility", "display"]
    looks += ["textTransform", "letterSpacing", "cursor", "pointerEvents", "lineHeight", "fontSize", "textIndent"]
    read = "(node, names) => names.map((name) => getComputedStyle(node)[name])"
    assert button(page, "Yes").evaluate(read, looks) == button(quiet, "Yes").evaluate(read, looks)
    answers(page, "No")
    expect(page.get_by_role("combobox", name="Which part of the article?")).to_be_visible()
    assert runs_freely(page)
    write(page, "Sent all the same.")
    expect(comment(page, "Sent all the same.")).to_be_focused()


def test_a_page_that_hides_it_means_it(place, visit):
    page = visit(place.page())
    expect(button(page, "Yes")).to_be_visible()
    page.locator("article-feedback").evaluate("(element) => { element.hidden = true }")
    expect(button(page, "Yes")).to_have_count(0)


# A dialog

DIALOG = """<dialog aria-label="Feedback"><form method="dialog"><button>Close</button></form>{element}</dialog>"""


def test_in_a_modal_dialog_it_begins_when_the_dialog_opens(place, visit):
    element = f'<article-feedback site="{place.site.slug}" article="{KEY}"></article-feedback>'
    page = visit(place.page(article="elsewhere", attributes="hidden", after=DIALOG.format(element=element)))
    page.wait_for_load_state("networkidle")
    assert visit.asked("api/") == []
    page.evaluate("document.querySelector('dialog').showModal()")
    dialog = page.get_by_role("dialog", name="Feedback")
    expect(dialog.get_by_text("No comments yet")).to_be_visible()
    answers(dialog.page, "No")
    expect(dialog.get_by_role("group", name="About your answer")).to_be_focused()
    write(dialog.page, "From a dialog.")
    expect(comment(page, "From a dialog.")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.evaluate("document.querySelector('dialog').showModal()")
    expect(pressed(page, "No")).to_be_visible()
    assert [row.source for row in place.rows(Comment)] == ["From a dialog."]


# Apps

# What a router does: another address, another canonical link, another element in the old one's place.
GO = """(key) => {
  const path = `/app/${key}`;
  history.pushState({}, "", path);
  document.title = `About ${key}`;
  const canonical = document.querySelector("link[rel=canonical]") ?? document.createElement("link");
  canonical.rel = "canonical";
  canonical.href = path;
  document.head.append(canonical);
  const old = document.querySelector("article-feedback");
  const fresh = document.createElement("article-feedback");
  fresh.setAttribute("site", old.getAttribute("site"));
  (window.left ??= []).push(new WeakRef(old));
  old.replaceWith(fresh);
}"""


@pytest.fixture
def app_page(place, visit):
    """A single-page app that shows the articles `/app/<key>`; each has a comment that names it."""
    place.settles(moderation="post")
    keys = [f"n{number}" for number in range(10)]
    for key in keys:
        place.reader().comments(f"/app/{key}", f"This is about {key}.")

    def begin(**options):
        page = visit(place.page(article=None), **options)
        return page, keys

    return begin


def test_an_app_that_swaps_articles_shows_each_articles_own(place, visit, app_page):
    page, keys = app_page()
    expect(page.get_by_text("No comments yet")).to_be_visible()
    for key in keys[:3]:
        page.evaluate(GO, key)
        expect(comment(page, f"This is about {key}.")).to_be_visible()
        expect(page.get_by_role("article").filter(has_text="This is about")).to_have_count(1)
        expect(page.get_by_role("button", pressed=True)).to_have_count(0)
        answers(page, "No" if key == "n1" else "Yes")
    page.evaluate(GO, "n1")
    expect(pressed(page, "No")).to_be_visible()
    assert sorted(vote.value for vote in place.rows(Vote)) == ["no", "yes", "yes"]


def test_of_ten_swaps_a_second_the_last_one_stays(place, visit, app_page):
    held = []
    page, keys = app_page(routes={"**/feedback?*": lambda route: held.append(route)})
    for key in keys:
        page.evaluate(GO, key)
        page.wait_for_timeout(100)
    # The answers come in the opposite order, those of articles long left last of all.
    for route in reversed(held):
        route.continue_()
    last = comment(page, f"This is about {keys[-1]}.")
    expect(last).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("article").filter(has_text="This is about")).to_have_count(1)
    assert [detail["article"] for kind, detail in page.evaluate("events") if kind == "ready"] == ["/app/n9"]
    assert not [each for each in page.evaluate("events") if each[0] == "error"]


def test_what_an_app_has_removed_is_forgotten(place, visit, app_page):
    """No listener, timer or observer keeps an element alive that is in the page no more."""
    page, keys = app_page()
    expect(page.get_by_text("No comments yet")).to_be_visible()
    for key in keys[:4]:
        page.evaluate(GO, key)
        expect(comment(page, f"This is about {key}.")).to_be_visible()
        answers(page, "No")
        page.get_by_role("textbox", name="Your comment").fill("half a thought")
    page.evaluate(GO, "n5")
    expect(comment(page, "This is about n5.")).to_be_visible()
    devtools = page.context.new_cdp_session(page)
    for _ in range(50):  # answers may still be on their way to where nobody waits for them
        devtools.send("HeapProfiler.collectGarbage")
        kept = page.evaluate("left.filter((each) => each.deref()).length")
        if not kept:
            break
        page.wait_for_timeout(100)
    assert kept == 0


# Lines and devices


def test_on_a_slow_line_the_question_comes_first_and_the_comments_later(place, visit):
    place.settles(moderation="post")
    place.reader().comments(KEY, "I took my time.")
    held = []
    page = visit(place.page(), routes={"**/feedback?*": lambda route: held.append(route)})
    expect(button(page, "Yes")).to_be_visible()
    expect(page.get_by_text("Loading comments")).to_be_visible()
    answers(page, "No")
    assert [vote.value for vote in place.rows(Vote)] == ["no"]
    expect(page.get_by_text("Loading comments")).to_be_visible()
    held[0].continue_()
    expect(comment(page, "I took my time.")).to_be_visible()
    expect(pressed(page, "No")).to_be_visible()
    expect(page.get_by_role("group", name="What was the problem?")).to_be_visible()


def test_offline_the_answer_and_the_text_are_kept_until_they_can_travel(place, visit, problems):
    """Even where the second script never came: this reader had only looked."""
    problems.expect(NO_LOAD)
    page = visit(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    button(page, "No").click()
    says(page, "The connection was lost")
    expect(pressed(page, "No")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: "/widget-more.js" in request.url):
        write(page, "Written in a tunnel.", "Rae")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/vote")):
        button(page, "Try again").click()
    says(page, "The connection was lost")
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Written in a tunnel.")
    assert place.rows(Vote) == place.rows(Comment) == []

    page.context.set_offline(False)
    button(page, "Try again").first.click()
    told(page, "vote", value="no")
    expect(page.get_by_role("group", name="What was the problem?")).to_be_visible()
    button(page, "Send comment").click()
    expect(comment(page, "Written in a tunnel.")).to_be_focused()
    assert [vote.value for vote in place.rows(Vote)] == ["no"]
    assert [row.source for row in place.rows(Comment)] == ["Written in a tunnel."]


REFUSED = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });"""
FULL = """Storage.prototype.setItem = () => { throw new DOMException("", "QuotaExceededError"); };"""


@pytest.mark.parametrize("storage", [REFUSED, FULL], ids=["refused", "full"])
def test_without_storage_a_reader_is_one_reader_while_the_page_is_open(place, visit, storage):
    page = visit(place.page(), before=storage)
    answers(page, "Yes")
    answers(page, "No")
    write(page, "Typed without storage.")
    expect(comment(page, "Typed without storage.")).to_be_focused()
    (row,), (vote,) = place.rows(Comment), place.rows(Vote)
    assert row.reader == vote.reader
    page.locator("article-feedback").evaluate("(element) => element.setAttribute('show', 'comments vote')")
    expect(comment(page, "Typed without storage.")).to_contain_text("Waiting for moderation")
    expect(pressed(page, "No")).to_be_visible()


def test_on_paper_there_is_the_conversation_and_nothing_to_press(place, visit):
    place.settles(moderation="post")
    place.registers()
    place.reader().comments(KEY, "Worth printing.", name="Marta")
    page = visit(place.page(attributes='show="byline share print vote comments"'))
    answers(page, "No")
    button(page, "Reply to Marta").click()
    page.emulate_media(media="print")
    expect(comment(page, "Worth printing.")).to_be_visible()
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()
    for role in ("button", "textbox", "combobox", "radio"):
        expect(page.get_by_role(role)).to_have_count(0)
    expect(page.get_by_role("group", name="Did this article help you?")).to_have_count(0)
    expect(page.get_by_text("Leave a comment")).to_be_hidden()
    shoot(page, "print")


# Sizes and preferences

SIZES = {
    "a small phone": {"viewport": {"width": 320, "height": 640}},
    "zoomed to 200 %": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "zoomed to 400 %": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
}


@pytest.mark.parametrize("size", SIZES)
def test_nothing_needs_sideways_scrolling(place, visit, size):
    place.settles(moderation="post")
    marta = place.reader("marta")
    first = marta.comments(KEY, "`" + "a" * 300 + "`", name="m" * 80).json["comment"]["id"]
    marta.comments(KEY, "https://example.org/" + "b" * 300, parent=first)
    page = visit(place.page(attributes='show="share print vote comments"'), **SIZES[size])
    button(page, "No").click()
    expect(page.get_by_role("combobox")).to_be_visible()
    page.get_by_role("button", name="Reply to").first.click()
    page.get_by_role("textbox", name="Your reply").fill("w" * 400)
    page.get_by_role("button", name="Flag what").last.click()
    expect(page.get_by_role("radio", name="Advertising")).to_be_focused()
    assert not scrolls_sideways(page)
    width = SIZES[size]["viewport"]["width"]
    for role in ("button", "textbox", "combobox", "radio"):
        for each in page.get_by_role(role).all():
            box = each.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, (role, each.inner_text())
    shoot(page, f"size-{size.replace(' ', '-').replace('%', '')}")


def test_letters_twice_as_large_fit_as_well(place, visit, problems):
    problems.expect(FAVICON)
    place.settles(moderation="post")
    place.reader().comments(KEY, "Large letters.", name="Marta")
    page = visit(place.page(head="<style>html { font-size: 200% }</style>", policy=""), viewport=PHONE)
    button(page, "No").click()
    expect(page.get_by_role("combobox")).to_be_visible()
    assert page.get_by_text("Large letters.").evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)") >= 32
    assert not scrolls_sideways(page)


def test_letters_and_lines_may_be_set_wider(place, visit, problems):
    """WCAG 1.4.12: the spacing that a reader's own style sheet asks for cuts nothing off."""
    problems.expect(FAVICON)
    page = visit(place.page(policy=""), viewport=PHONE)
    button(page, "No").click()
    expect(page.get_by_role("combobox")).to_be_visible()
    page.locator("article-feedback").evaluate(
        "(element) => { const wide = new CSSStyleSheet();"
        "wide.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important;"
        "word-spacing: .16em !important } p { margin-block-end: 2em !important }');"
        "element.shadowRoot.adoptedStyleSheets.push(wide) }"
    )
    assert not scrolls_sideways(page)
    cut = "(node) => node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1"
    assert [each.inner_text() for each in page.get_by_role("button").all() if each.evaluate(cut)] == []


def test_nothing_moves_for_who_wants_no_motion(place, visit):
    place.settles(moderation="post")
    place.reader().comments(KEY, "Calm.", name="Marta")
    page = visit(place.page(), reduced_motion="reduce")
    button(page, "No").click()
    button(page, "Reply to Marta").click()
    expect(page.get_by_role("textbox", name="Your reply")).to_be_focused()
    lasting = (
        "(element) => element.shadowRoot.getAnimations()"
        ".filter((each) => each.effect.getComputedTiming().duration > 0).length"
    )
    assert page.locator("article-feedback").evaluate(lasting) == 0
    smooth = (
        "(element) => [...element.shadowRoot.querySelectorAll('*')].filter((node) =>"
        "getComputedStyle(node).scrollBehavior === 'smooth').length"
    )
    assert page.locator("article-feedback").evaluate(smooth) == 0


def test_with_forced_colours_an_answer_still_shows(place, visit):
    page = visit(place.page(), forced_colors="active", color_scheme="dark")
    answers(page, "No")
    expect(page.get_by_role("group", name="What was the problem?")).to_be_visible()
    button(page, "Out of date").click()
    assert axe(page) == []
    paint = "(node) => getComputedStyle(node).backgroundColor"
    assert pressed(page, "No").evaluate(paint) != button(page, "Yes").evaluate(paint)
    shoot(page, "forced-colours")
