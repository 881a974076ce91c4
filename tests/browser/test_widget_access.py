"""The widget for everybody: keyboard, screen reader, small screens, dark rooms, hostile pages, slow lines."""

import re
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from feedback import articles, clock, create_app
from feedback.models import Accepts, Comment, State, Vote
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import NO_LOAD, answered, button, comment, pressed, says, write
from tests.cast import KEY

STATIC = Path(create_app.__code__.co_filename).parent / "static"
FIRST_BUDGET, REST_BUDGET = 7 * 1024, 9 * 1024  # bytes, brotli
WORDS = "<p>The neck carries the head, and by the evening it says so.</p>"


# Every state

PALETTES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active", "color_scheme": "dark"},
}


def asked(page, place):
    expect(comment(page, "The last. A link.")).to_be_visible()
    expect(page.get_by_text("Written by Ann Hollis")).to_be_visible()


def voted(page, place):
    button(page, "Yes").click()
    expect(button(page, "Leave a note for the author")).to_be_visible()


def note_refused(page, place):
    button(page, "Leave a note for the author").click()
    page.get_by_role("textbox", name="A note to the author").fill("a" * 1_001)
    button(page, "Send note").click()
    expect(page.get_by_text("too long").last).to_be_visible()


def taken_back(page, place):
    button(page, "Undo").click()
    says(page, "taken back")


def reasons_open(page, place):
    button(page, "No").click()
    expect(page.get_by_role("group", name="What was the problem?")).to_be_visible()


def reason_chosen(page, place):
    button(page, "Out of date").click()
    expect(pressed(page, "Out of date")).to_be_visible()
    says(page, "The author will see this")


def reply_refused(page, place):
    button(page, "Reply to Marta").click()
    page.get_by_role("textbox", name="Your reply").fill("x")
    page.get_by_role("textbox", name="Your name (optional)").last.fill("n" * 81)
    button(page, "Send reply").click()
    expect(page.get_by_text("too long")).to_be_visible()


def flag_open(page, place):
    button(page, "Cancel").click()
    button(page, "Flag what Marta wrote").click()
    page.get_by_role("radio", name="Personal details").check()


def flag_sent(page, place):
    button(page, "Send").click()
    expect(page.get_by_text("Flagged", exact=True)).to_be_focused()


def sent(page, place):
    write(page, "Waits.")
    expect(comment(page, "Waits.")).to_contain_text("Waiting for moderation")


def liked(page, place):
    button(page, "Like what Marta wrote").click()
    says(page, "You like this comment")


def editing(page, place):
    button(page, "Edit").click()
    expect(page.get_by_role("textbox", name="Change your comment")).to_be_focused()


def edited(page, place):
    page.get_by_role("textbox", name="Change your comment").fill("Still waits.")
    button(page, "Save").click()
    says(page, "Your comment was changed")


def withdrawing(page, place):
    button(page, "Withdraw").click()
    expect(button(page, "Withdraw it")).to_be_visible()


def kept(page, place):
    button(page, "Keep it").click()
    expect(button(page, "Withdraw")).to_be_focused()


def withdrawn(page, place):
    withdrawing(page, place)
    button(page, "Withdraw it").click()
    says(page, "Your comment was withdrawn")


def previewed(page, place):
    page.get_by_role("textbox", name="Your comment").fill("With **weight**.\n\n- one\n- two")
    button(page, "Preview").click()
    expect(page.get_by_role("group", name="Preview")).to_be_focused()


def private(page, place):
    write(page, "Write to rae@example.org.")
    expect(button(page, "Send anyway")).to_be_visible()


def not_sent(page, place):
    button(page, "Change it").click()
    expect(page.get_by_role("textbox", name="Your comment")).to_be_focused()


def too_long(page, place):
    page.get_by_role("textbox", name="Your comment").fill("a" * 5_010)
    expect(page.get_by_text("10 characters too many")).to_be_visible()


def lost(page, place):
    page.context.set_offline(True)
    write(page, "Offline.")
    expect(page.get_by_text("The connection was lost")).to_be_focused()
    page.context.set_offline(False)


def more_comments(page, place):
    button(page, "Show more comments").click()
    expect(comment(page, "The first of all.")).to_be_visible()


def thread_open(page, place):
    button(page, "Show more replies").click()
    expect(comment(page, "Answer 5.")).to_be_visible()


def thread_folded(page, place):
    button(page, "Show fewer replies").click()
    expect(comment(page, "Answer 5.")).to_be_hidden()


def ordered(page, place):
    button(page, "Sort").click()
    page.get_by_role("combobox", name="Order of the comments").select_option("Oldest first")
    says(page, "Oldest first")


def data_shown(page, place):
    button(page, "Your data").click()
    button(page, "Show what is stored").click()
    expect(page.get_by_role("group", name="Your data").get_by_role("list")).to_be_visible()


def erasing(page, place):
    button(page, "Erase everything").click()
    expect(page.get_by_text("Erase all that you sent to this site")).to_be_visible()


def erased(page, place):
    button(page, "Erase everything").last.click()
    says(page, "Everything you sent was erased")


def data_closed(page, place):
    button(page, "Close").click()
    expect(button(page, "Your data")).to_be_focused()


def unloaded(page, place):
    page.context.route("**/feedback?*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("The comments could not be loaded.")).to_be_visible()
    page.context.unroute("**/feedback?*")


def turns_to(page, **attributes):
    turn = "(element, given) => Object.entries(given).forEach(([name, value]) => element.setAttribute(name, value))"
    page.locator("article-feedback").evaluate(turn, attributes)


def closed(page, place):
    place.reader().comments("closed", "The last word.")
    place.do(articles.set_accepts, place.site.id, "closed", Accepts.CLOSED)
    turns_to(page, article="closed")
    expect(page.get_by_text("Comments are closed here.")).to_be_visible()


def refused(page, place):
    other = f"{place.site.slug}-elsewhere"
    place.do(articles.add_site, other, origins=["https://elsewhere.example"], name="Elsewhere", now=clock.now())
    turns_to(page, site=other)
    expect(page.get_by_text("is not on the list")).to_be_visible()


def loaded_again(page, place):
    button(page, "Try again").click()
    expect(comment(page, "The last.")).to_be_visible()


STATES = (
    asked,
    voted,
    note_refused,
    taken_back,
    reasons_open,
    reason_chosen,
    reply_refused,
    flag_open,
    flag_sent,
    liked,
    sent,
    editing,
    edited,
    withdrawing,
    kept,
    withdrawn,
    previewed,
    private,
    not_sent,
    too_long,
    lost,
    more_comments,
    thread_open,
    thread_folded,
    ordered,
    data_shown,
    erasing,
    erased,
    data_closed,
    unloaded,
    loaded_again,
    closed,
    refused,
)
BY_THE_PAGE = (asked, unloaded, closed, refused)  # comes without the reader pressing anything

FOCUSED = """() => {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  const lost = !node || node === document.body || node.localName === "article-feedback" || !node.checkVisibility();
  return lost ? null : node.ariaLabel || node.textContent || node.localName;
}"""


def focused(page):
    """Return what has the focus, inside the element; None where a keyboard would have to begin at the page's top."""
    # A focused element that vanished loses the focus with the next picture.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate(FOCUSED)


@pytest.fixture
def talk(place):
    """A conversation of two pages, with a thread that folds."""
    place.settles(moderation="post")
    place.registers()
    rita = place.reader("rita")
    first = rita.comments(KEY, "The first of all.").json["comment"]["id"]
    for number in range(1, 6):
        rita.comments(KEY, f"Answer {number}.", parent=first)
    for number in range(1, 21):
        rita.comments(KEY, f"Comment {number}.")
    rita.comments(KEY, "The last. A [link](https://example.org).\n\n> and\n\n    code", name="Marta")
    place.settles(moderation="pre")


@pytest.mark.parametrize("palette", PALETTES)
def test_no_state_shuts_anybody_out(place, visit, talk, palette, problems):
    """Axe finds nothing, the focus is where the reader was, and one region tells what changed."""
    problems.expect(f"{NO_LOAD}|is not on the list|blocked by CORS policy")
    url = place.page(attributes='show="byline share print vote comments"')
    page = visit(url, viewport=PHONE, **PALETTES[palette])
    for state in STATES:
        state(page, place)
        assert axe(page) == [], state.__name__
        assert focused(page) or state in BY_THE_PAGE, state.__name__
        expect(page.get_by_role("status")).to_have_count(int(state is not refused))
        if palette == "forced":
            shoot(page, f"widget-forced-{state.__name__}")


@pytest.mark.parametrize("held", ["Undo", "Out of date"])
def test_focus_stays_when_what_has_it_goes(place, visit, problems, held):
    """The service may refuse an answer when the reader is already further on."""
    problems.expect(NO_LOAD)
    waiting = []
    page = visit(place.page(), routes={"**/vote": lambda route: waiting.append(route)})
    expect(page.get_by_text("No comments yet")).to_be_visible()
    reasons_open(page, place)
    button(page, held).focus()
    answer = {"status": 403, "json": {"detail": "This article takes no votes."}}
    waiting[0].fulfill(headers={"Access-Control-Allow-Origin": "*"}, **answer)
    says(page, "This article takes no votes.")
    expect(page.get_by_role("group", name="What was the problem?")).to_have_count(0)
    expect(button(page, "Yes")).to_be_focused()


# What is said


def test_the_live_region_says_what_changed(place, visit, problems):
    place.settles(moderation="post")
    place.reader().comments(KEY, "About necks.", name="Marta")
    allowed = ["clipboard-read", "clipboard-write"]
    page = visit(place.page(attributes='show="share vote comments"'), permissions=allowed)
    region = page.get_by_role("status")
    expect(region).to_have_count(1)
    expect(region).to_have_text("")
    for press, sentence in (
        ("Yes", "We are glad it helped"),
        ("No", "What would have helped you?"),
        ("Out of date", "The author will see this"),
        ("Undo", "Your answer was taken back"),
    ):
        button(page, press).click()
        says(page, sentence)
    button(page, "Flag what Marta wrote").click()
    page.get_by_role("radio", name="Advertising").check()
    button(page, "Send").click()
    says(page, "The moderators will look at it")
    button(page, "Yes").click()
    button(page, "Leave a note for the author").click()
    page.get_by_role("textbox", name="A note to the author").fill("Well said.")
    button(page, "Send note").click()
    says(page, "Your note was sent")
    page.evaluate("delete Navigator.prototype.share")
    button(page, "Share this post").click()
    says(page, "The link was copied")
    button(page, "Reply to Marta").click()
    page.get_by_role("textbox", name="Your reply").fill("Same here.")
    button(page, "Send reply").click()
    expect(comment(page, "Same here.")).to_be_focused()
    expect(region).to_have_text(re.compile("waits for moderation|is published"))


def tab_to(target):
    """Press the Tab key until it has led there, and return the keyboard."""
    keyboard = target.page.keyboard
    for _ in range(120):
        if target.evaluate("(node) => node.getRootNode().activeElement === node"):
            return keyboard
        keyboard.press("Tab")
    return pytest.fail(f"the Tab key does not lead to {target}")


def test_the_keyboard_alone_answers_and_writes(place, visit):
    page = visit(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()

    tab_to(button(page, "No"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="About your answer")).to_be_focused()
    tab_to(button(page, "Out of date"))
    page.keyboard.press("Space")
    tab_to(page.get_by_role("combobox"))
    page.keyboard.press("ArrowDown")
    tab_to(page.get_by_role("textbox", name="A note to the author"))
    page.keyboard.type("By keyboard.")
    tab_to(button(page, "Send note"))
    page.keyboard.press("Enter")
    says(page, "Your note was sent")
    tab_to(page.get_by_role("textbox", name="Your comment"))
    page.keyboard.type("Typed.")
    tab_to(page.get_by_role("textbox", name="Your name (optional)"))
    page.keyboard.type("Rae")
    page.keyboard.press("Enter")
    says(page, "waits for moderation")
    expect(comment(page, "Typed.")).to_be_focused()
    (vote,) = place.rows(Vote)
    assert (vote.reason, vote.section, vote.note) == ("outdated", "what-it-is", "By keyboard.")


def test_the_keyboard_alone_takes_part_in_the_conversation(place, visit, talk):
    """From the top of the page to its end, without ever going back for something that was passed."""
    rae = place.reader("rae")
    assert rae.comments(KEY, "My own words.", name="Rae").status_code == 202
    page = visit(place.page(), before=f"localStorage.setItem('feedback:reader', '{rae.token}')")
    expect(button(page, "Withdraw")).to_be_visible()
    tab_to(button(page, "Sort")).press("Enter")
    expect(page.get_by_role("combobox", name="Order of the comments")).to_be_focused()

    tab_to(button(page, "Edit")).press("Enter")
    expect(page.get_by_role("textbox", name="Change your comment")).to_be_focused()
    page.keyboard.type(" Better.")
    tab_to(button(page, "Preview").last).press("Enter")
    expect(page.get_by_role("group", name="Preview")).to_be_focused()
    tab_to(button(page, "Save")).press("Enter")
    mine = comment(page, "My own words. Better.")
    expect(mine).to_be_focused()
    tab_to(button(mine, "Withdraw")).press("Space")
    expect(page.get_by_role("group", name="Take this comment off")).to_be_focused()
    tab_to(button(page, "Withdraw it")).press("Enter")
    expect(comment(page, "Withdrawn by its author.")).to_be_focused()

    with answered(page, "like"):
        tab_to(button(page, "Like what Marta wrote")).press("Space")
    expect(pressed(page, "Like what Marta wrote")).to_be_focused()
    tab_to(button(page, "Reply to Marta")).press("Enter")
    page.keyboard.type("An answer by keyboard.")
    tab_to(button(page, "Send reply")).press("Enter")
    expect(comment(page, "An answer by keyboard.")).to_be_focused()

    tab_to(comment(page, "Comment 20.").get_by_role("link")).press("Enter")
    expect(comment(page, "Comment 20.")).to_be_focused()
    tab_to(button(page, "Show more comments")).press("Enter")
    says(page, "more comments are shown")
    tab_to(button(page, "Show more replies")).press("Enter")
    expect(comment(page, "Answer 4.")).to_be_focused()
    tab_to(button(page, "Show fewer replies")).press("Enter")
    expect(comment(page, "Answer 4.")).to_be_hidden()
    expect(button(page, "Show more replies")).to_be_focused()
    own = {row.source: row.state for row in place.rows(Comment) if row.name != "Marta"}
    assert own["An answer by keyboard."] == State.PENDING and own["My own words. Better."] == State.WITHDRAWN
    assert [row.likes for row in place.rows(Comment) if row.name == "Marta"] == [1]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_scrolls_sideways_and_targets_are_large_enough(place, visit, width):
    place.settles(moderation="post")
    place.reader().comments(KEY, "`" + "a" * 300 + "` https://example.org/" + "b" * 300, name="n" * 80)
    size = {"width": width, "height": 800}
    page = visit(place.page(attributes='show="share print vote comments"'), viewport=size)
    button(page, "No").click()
    page.get_by_role("button", name="Reply to").click()
    expect(page.get_by_role("textbox", name="Your reply")).to_be_focused()
    assert not scrolls_sideways(page)
    boxes = [each.bounding_box() for each in page.get_by_role("button").or_(page.get_by_role("textbox")).all()]
    assert all(box and box["width"] >= 24 and box["height"] >= 24 for box in boxes)


def test_the_page_does_not_move_when_comments_arrive(place, visit):
    place.settles(moderation="post")
    for number in range(5):
        place.reader().comments(KEY, f"Comment {number}.\n\n" + "words " * 80)
    page = visit(place.page(before=WORDS * 80, after="<p>What follows the widget.</p>"))
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight"):
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(30)
        if visit.asked("feedback?"):  # an ordinary line answers before the reader is there
            expect(comment(page, "Comment 4.")).to_be_attached()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []


def test_the_page_does_not_move_for_who_answers_while_comments_are_on_their_way(place, visit):
    place.reader().comments(KEY, "A comment.")
    held = []
    page = visit(
        place.page(before=WORDS * 20, after="<p>What follows the widget.</p>" * 20),
        routes={"**/feedback?*": lambda route: held.append(route)},
        viewport={"width": 1280, "height": 600},
    )
    page.locator("article-feedback").evaluate("(element) => element.scrollIntoView()")
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(page.get_by_text("No comments yet")).to_be_attached()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []


def test_the_page_does_not_move_for_who_comes_back_to_what_they_answered(place, visit):
    """Their place in the page is kept by the browser, so that all of the element is seen while it loads."""
    place.registers()
    rae = place.reader("rae")
    rae.votes(KEY, "no", reason="outdated")
    page = visit(
        place.page(attributes='show="byline share print vote comments"', before=WORDS * 20, after=WORDS * 20),
        before=f"localStorage.setItem('feedback:reader', '{rae.token}')",
    )
    page.locator("article-feedback").evaluate("(element) => element.scrollIntoView()")
    expect(pressed(page, "No")).to_be_visible()
    page.reload()
    expect(pressed(page, "No")).to_be_in_viewport()
    expect(page.get_by_text("Written by Ann Hollis")).to_be_in_viewport()
    button(page, "About your answer").focus()
    page.wait_for_timeout(300)
    assert page.evaluate("shifts") == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="About your answer")).to_be_focused()
    expect(pressed(page, "Out of date")).to_be_visible()


def test_a_hostile_style_sheet_does_not_reach_it(place, visit, problems):
    problems.expect("favicon.ico")  # which the strict policy does not let the browser ask for
    style = (
        "<style>* { all: unset !important } button, p, fieldset { display: none !important }"
        "body { text-transform: uppercase !important; letter-spacing: 1em !important; cursor: wait !important }</style>"
    )
    page = visit(place.page(head=style, policy=""))
    button(page, "No").click()
    looks = {"display": "block", "text-transform": "none", "letter-spacing": "normal", "cursor": "auto"}
    for name, value in looks.items():
        expect(page.get_by_role("heading", name="Leave a comment")).to_have_css(name, value)
    expect(page.get_by_role("combobox", name="Which part of the article?")).to_be_visible()


@pytest.mark.parametrize(
    ("theme", "scheme", "dark"),
    [("auto", "light", False), ("auto", "dark", True), ("light", "dark", False), ("dark", "light", True)],
)
def test_the_theme_follows_the_attribute_or_the_reader(place, visit, theme, scheme, dark):
    page = visit(place.page(attributes=f'theme="{theme}"'), color_scheme=scheme)
    paint = "(element) => getComputedStyle(element.shadowRoot.firstElementChild).backgroundColor"
    red = int(re.findall(r"\d+", page.locator("article-feedback").evaluate(paint))[0])
    assert (red < 128) is dark


def test_publishers_can_colour_it(place, visit, problems):
    problems.expect("favicon.ico")
    style = (
        "<style>article-feedback { --feedback-accent: rgb(120, 0, 120); --feedback-radius: 0 }"
        "article-feedback::part(heading) { color: rgb(0, 0, 200) }</style>"
    )
    page = visit(place.page(head=style, policy=""))
    button(page, "Yes").click()
    colour = "(node, name) => getComputedStyle(node)[name]"
    assert pressed(page, "Yes").evaluate(colour, "backgroundColor") == "rgb(120, 0, 120)"
    assert page.get_by_role("heading", name="Leave a comment").evaluate(colour, "color") == "rgb(0, 0, 200)"


@pytest.mark.parametrize(("name", "budget"), [("widget.js", FIRST_BUDGET), ("widget-more.js", REST_BUDGET)])
def test_a_script_stays_within_its_budget(service, name, budget):
    asked = Request(f"{service.url}/{name}", headers={"Accept-Encoding": "br"})
    with urlopen(asked) as answer:
        assert answer.headers["Content-Encoding"] == "br"
        assert len(answer.read()) <= budget


def test_the_script_needs_none_of_what_strict_policies_forbid():
    source = "".join((STATIC / name).read_text("utf-8") for name in ("widget.js", "widget-more.js"))
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|\beval\b|new Function|\.cookie|document\.write"
    assert re.findall(forbidden, source) == []
