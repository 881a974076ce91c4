"""The reader's way through the widget, on a page of another site that allows the service's script and nothing else.

A test fails where the page reports a violation of its policy, an error or a warning that the test did not expect.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import expect

from feedback import articles, clock
from feedback.db import transact
from feedback.models import Comment, State, Vote
from tests.browser.reading import NO_LOAD, answered, button, comment, pressed, says, told, write
from tests.cast import KEY

STORED = "feedback:reader"


# The question


def test_a_reader_answers_changes_and_takes_it_back(place, visit):
    page = visit(place.page())
    question = page.get_by_role("group", name="Did this article help you?")
    expect(question.get_by_role("button")).to_have_count(2)

    button(page, "Yes").click()
    expect(pressed(page, "Yes")).to_be_visible()
    says(page, "Thank you")
    button(page, "No").click()
    expect(pressed(page, "No")).to_be_visible()
    expect(pressed(page, "Yes")).to_have_count(0)
    told(page, "vote", value="no")
    assert [vote.value for vote in place.rows(Vote)] == ["no"]

    button(page, "Undo").click()
    says(page, "taken back")
    expect(pressed(page, "No")).to_have_count(0)
    expect(button(page, "Undo")).to_have_count(0)
    expect(button(page, "Yes")).to_be_focused()
    told(page, "vote", value="none")
    assert place.rows(Vote) == []


def test_pressing_the_pressed_answer_takes_it_back(place, visit):
    page = visit(place.page())
    button(page, "Yes").click()
    pressed(page, "Yes").click()
    says(page, "taken back")
    told(page, "vote", value="none")
    assert place.rows(Vote) == []


def test_an_answer_is_shown_before_the_service_has_it(place, visit):
    waiting = []
    routes = {"**/vote": lambda route: route.continue_() if waiting else waiting.append(route)}
    page = visit(place.page(), routes=routes)
    button(page, "Yes").click()
    expect(pressed(page, "Yes")).to_be_visible()
    says(page, "Thank you")
    button(page, "No").click()
    expect(pressed(page, "No")).to_be_visible()
    # One at a time, so that the newest answer is the last to arrive.
    assert [route.request.post_data_json["value"] for route in waiting] == ["yes"]
    waiting[0].continue_()
    told(page, "vote", value="no")
    assert [vote.value for vote in place.rows(Vote)] == ["no"]


def test_after_no_a_reason_a_section_and_a_note_reach_the_author(place, visit):
    page = visit(place.page(head='<meta property="article:modified_time" content="2026-10-01">'))
    button(page, "No").click()
    reasons = page.get_by_role("group", name="What was the problem?")
    button(reasons, "Hard to understand").click()
    button(reasons, "Out of date").click()
    expect(reasons.get_by_role("button", pressed=True)).to_have_text("Out of date")
    sections = page.get_by_role("combobox", name="Which part of the article?")
    expect(sections.get_by_role("option")).to_have_text(
        ["The whole article", "What it is", "How it acts", "Side effects and cautions", "Stopping"]
    )
    sections.select_option("Side effects and cautions")
    told(page, "vote", section="side-effects")
    expect(page.get_by_text("Only the author and reviewers read this.")).to_be_visible()
    page.get_by_role("textbox", name="A note to the author").fill("Which dose? Write to me: rae@example.org")
    button(page, "Send note").click()
    says(page, "Your note was sent")
    expect(button(page, "Change your note")).to_be_focused()

    (vote,) = place.rows(Vote)
    assert (vote.value, vote.reason, vote.section, vote.revision) == ("no", "outdated", "side-effects", "2026-10-01")
    assert vote.note == "Which dose? Write to me: [removed]"
    button(page, "Change your note").click()
    expect(page.get_by_role("textbox", name="A note to the author")).to_have_value(vote.note)


def test_a_reason_can_be_left_again(place, visit):
    page = visit(place.page())
    button(page, "No").click()
    button(page, "Other").or_(button(page, "Another reason")).click()
    told(page, "vote", reason="other")
    page.get_by_role("button", pressed=True).last.click()
    told(page, "vote", reason=None)
    assert [vote.reason for vote in place.rows(Vote)] == [None]


def test_after_yes_a_note_can_be_left_and_no_reason_is_asked(place, visit):
    page = visit(place.page())
    button(page, "Yes").click()
    button(page, "Leave a note for the author").click()
    expect(page.get_by_role("group", name="What was the problem?")).to_have_count(0)
    box = page.get_by_role("textbox", name="A note to the author")
    expect(box).to_be_focused()
    box.fill("The table is what I came for.")
    button(page, "Send note").click()
    says(page, "Your note was sent")
    assert [(vote.value, vote.note) for vote in place.rows(Vote)] == [("yes", "The table is what I came for.")]


def test_what_is_typed_while_a_note_travels_stays(place, visit):
    page = visit(place.page())
    button(page, "Yes").click()
    told(page, "vote")
    held = []
    page.context.route("**/vote", lambda route: held.append(route))
    button(page, "Leave a note for the author").click()
    box = page.get_by_role("textbox", name="A note to the author")
    box.fill("The table")
    with page.expect_request("**/vote"):
        button(page, "Send note").click()
    box.press_sequentially(" is good.")
    held.pop().continue_()
    says(page, "Your note was sent")
    expect(box).to_have_value("The table is good.")


def test_a_note_that_is_too_long_says_so_beside_its_field(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page())
    button(page, "Yes").click()
    button(page, "Leave a note for the author").click()
    box = page.get_by_role("textbox", name="A note to the author")
    box.fill("a" * 1_001)
    button(page, "Send note").click()
    expect(box).to_have_accessible_description(re.compile("too long: at most 1,000"))
    expect(box).to_be_focused()
    expect(pressed(page, "Yes")).to_be_visible()


def test_a_page_says_which_headings_are_sections(place, visit):
    page = visit(place.page(attributes='sections="#stopping"'))
    button(page, "No").click()
    expect(page.get_by_role("option")).to_have_text(["The whole article", "Stopping"])


# Comments


def test_a_comment_waits_and_is_there_again_after_a_reload(place, visit):
    page = visit(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    with answered(page, "vote"):
        button(page, "No").click()
    write(page, "It **helped** me, *mostly*.\n\n> rest\n\n- one\n- two\n\n<b>as typed</b> https://example.org/x", "Rae")
    says(page, "waits for moderation")
    mine = comment(page, "helped me")
    expect(mine).to_be_focused()
    expect(mine.get_by_text("Waiting for moderation")).to_be_visible()
    expect(mine.get_by_role("strong")).to_have_text("helped")
    expect(mine.get_by_role("emphasis")).to_have_text("mostly")
    expect(mine.get_by_role("blockquote")).to_have_text("rest")
    expect(mine.get_by_role("listitem")).to_have_text(["one", "two"])
    link = mine.get_by_role("link", name="https://example.org/x")
    expect(link).to_have_attribute("href", "https://example.org/x")
    expect(link).to_have_attribute("rel", "nofollow ugc noopener")
    expect(mine).to_contain_text("<b>as typed</b>")
    expect(mine.get_by_role("time")).to_have_attribute("title", re.compile(r"\d:\d\d"))
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("")

    page.reload()
    expect(comment(page, "helped me").get_by_text("Waiting for moderation")).to_be_visible()
    expect(pressed(page, "No")).to_be_visible()
    expect(page.get_by_role("article").filter(has_text="helped me")).to_have_count(1)


def test_another_browser_sees_neither_the_waiting_comment_nor_the_vote_as_its_own(place, visit):
    page = visit(place.page())
    button(page, "Yes").click()
    write(page, "Only I can see this yet.")
    says(page, "waits for moderation")

    asked = len(visit.asked("mine"))
    other = visit(place.page())
    expect(other.get_by_text("No comments yet")).to_be_visible()
    expect(other.get_by_text("Only I can see this yet.")).to_have_count(0)
    expect(other.get_by_role("button", pressed=True)).to_have_count(0)
    assert len(visit.asked("mine")) == asked


def test_nothing_is_stored_before_the_reader_acts(place, visit):
    page = visit(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    button(page, "Yes").hover()
    page.get_by_role("textbox", name="Your comment").fill("not sent yet")
    assert page.evaluate("Object.keys(localStorage)") == []
    assert visit.asked("mine") == []
    button(page, "Yes").click()
    told(page, "vote")
    assert re.fullmatch(r"[\w-]{22}", page.evaluate(f"localStorage.getItem('{STORED}')"))
    assert page.evaluate("Object.keys(localStorage)") == [STORED]
    assert page.context.cookies() == []


def test_a_comment_is_published_at_once_where_the_site_looks_afterwards(place, visit):
    place.settles(moderation="post")
    page = visit(place.page())
    page.clock.install()
    page.reload()
    page.get_by_role("textbox", name="Your comment").focus()
    page.clock.fast_forward(10_000)
    write(page, "Published.", "Rae")
    says(page, "Your comment is published")
    expect(page.get_by_role("heading", name="Comments (1)")).to_be_visible()
    assert [row.state for row in place.rows(Comment)] == [State.APPROVED]
    assert told(page, "comment")["state"] == "approved"
    # The shared answer may be some seconds old; the reader's own comment is there all the same.
    page.reload()
    expect(comment(page, "Published.")).to_be_visible()


def test_an_answer_stands_in_the_thread_of_what_it_answers(place, visit):
    place.settles(moderation="post")
    for name in ("Marta", "Jonas"):
        place.reader(name).comments(KEY, f"This is {name}.", name=name)
    place.settles(moderation="pre")
    page = visit(place.page())
    button(page, "Reply to Marta").click()
    box = page.get_by_role("textbox", name="Your reply")
    expect(box).to_be_focused()
    button(page, "Cancel").click()
    expect(button(page, "Reply to Marta")).to_be_focused()
    button(page, "Reply to Marta").click()
    box.fill("I saw the same.")
    button(page, "Send reply").click()
    thread = page.get_by_role("listitem").filter(has_text="This is Marta.").first
    expect(thread.get_by_role("article").last).to_be_focused()
    expect(thread.get_by_role("article").last).to_contain_text("I saw the same.")
    expect(box).to_have_count(0)
    page.reload()
    expect(thread.get_by_role("article").last).to_contain_text("Waiting for moderation")


def test_more_comments_and_more_answers_come_when_asked_for(place, visit):
    place.settles(moderation="post")
    rita = place.reader("rita")
    first = rita.comments(KEY, "Comment 1.").json["comment"]["id"]
    for number in range(1, 6):
        rita.comments(KEY, f"Answer {number}.", parent=first)
    for number in range(2, 24):
        rita.comments(KEY, f"Comment {number}.")
    page = visit(place.page())
    expect(page.get_by_role("heading", name="Comments (28)")).to_be_visible()
    comments = page.get_by_role("article").filter(has_text=re.compile(r"^A reader"))
    expect(comments).to_have_count(20)
    button(page, "Show more comments").click()
    expect(button(page, "Show more comments")).to_have_count(0)
    expect(comments).to_have_count(20 + 3 + 3)
    expect(comments.nth(20)).to_be_focused()
    button(page, "Show more replies").click()
    expect(comments).to_have_count(28)
    expect(comments.nth(26)).to_be_focused()
    expect(comments.last).to_contain_text("Answer 5.")


def test_a_field_that_is_refused_says_so_beside_it(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page())
    write(page, "Fine.", "n" * 81)
    name = page.get_by_role("textbox", name="Your name (optional)")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(re.compile("too long: at most 80"))
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Fine.")
    name.fill("Rae")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    button(page, "Send comment").click()
    says(page, "waits for moderation")


def test_the_counter_shows_near_the_limit(place, visit):
    place.settles(max_chars=100)
    page = visit(place.page())
    box = page.get_by_role("textbox", name="Your comment")
    box.press_sequentially("a" * 10)
    expect(box).not_to_have_accessible_description(re.compile("characters"))
    box.fill("é" * 90 + "  ")
    expect(box).to_have_accessible_description(re.compile("10 characters left"))
    box.fill("👩‍⚕️" * 30)
    expect(box).to_have_accessible_description(re.compile("20 characters too many"))


def test_machines_that_fill_in_everything_are_caught(place, visit):
    page = visit(place.page())
    expect(page.get_by_role("textbox", name="Website")).to_have_count(0)
    page.get_by_label("Website").fill("https://spam.example", force=True)
    write(page, "Buy now.")
    says(page, "waits for moderation")  # told as everybody is
    (row,) = place.rows(Comment)
    assert row.state is State.SPAM
    assert "honeypot" in row.held_for


def test_closed_comments_say_so(place, visit):
    place.registers()
    place.closes()
    page = visit(place.page())
    expect(page.get_by_text("Comments are closed here.")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)


# What a hostile answer could hold

ALLOWED = {"P", "BR", "EM", "STRONG", "CODE", "PRE", "BLOCKQUOTE", "UL", "OL", "LI", "A"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<p onclick="alert(1)" style="position:fixed">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href="&#39;https://x">x</a>',
    '<a href="https://x" onmouseover="alert(1)">x</a>',
    '<a title="&quot;><script>alert(1)</script>" href="https://example.org/?a=1&amp;b=2">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<p><template><b>x",
    "</p></div></article><style>*{display:none}</style>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<P><IMG SRC=x>",
    "<" * 2_000,
    "<blockquote>" * 1_000 + "deep" + "</blockquote>" * 1_000,
    '<a href="' * 1_000,
]
LOOK = """(element) => [...element.shadowRoot.querySelectorAll("article > :nth-child(2)")].map((text) => ({
  tags: [...text.querySelectorAll("*")].map((node) => node.tagName),
  attributes: [...text.querySelectorAll("*")].flatMap((node) => node.getAttributeNames()),
  links: [...text.querySelectorAll("a[href]")].map((node) => node.href),
  text: text.textContent,
}))"""


def test_hostile_html_is_shown_as_text_or_not_at_all(place, visit):
    corpus = Path(__file__).parents[3] / "shared/corpora/public_xss.json"
    more = [each["s"] for each in json.loads(corpus.read_text())] if corpus.exists() else []
    page = visit(place.page())
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    answer = place.reader().reads(KEY).json
    answer["comments"]["items"] = [
        {
            "id": str(at),
            "parent": None,
            "name": html[:80],
            "html": html,
            "created": "2026-05-04T09:00:00Z",
            "staff": html,
        }
        for at, html in enumerate(HOSTILE + more)
    ]
    page.context.route(
        "**/feedback?*", lambda route: route.fulfill(json=answer, headers={"Access-Control-Allow-Origin": "*"})
    )
    page.reload()
    told(page, "ready")
    shown = page.locator("article-feedback").evaluate(LOOK)
    assert len(shown) == len(HOSTILE + more)
    assert {tag for each in shown for tag in each["tags"]} <= ALLOWED
    assert {name for each in shown for name in each["attributes"]} <= {"href", "rel", "title"}
    assert all(re.match("https?://|mailto:", link) for each in shown for link in each["links"])
    assert shown[0]["text"] == "<script>alert(1)</script>"
    assert shown[7]["links"] == ["https://example.org/?a=1&b=2"]
    assert shown[12]["text"] == "<script>alert(1)</script>"
    assert dialogs == []


# When things go wrong


def test_a_lost_connection_keeps_the_vote_and_the_text_and_tries_again(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page())
    expect(page.get_by_text("No comments yet")).to_be_visible()
    page.get_by_role("textbox", name="Your comment").focus()
    button(page, "Yes").hover()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    button(page, "Yes").click()
    says(page, "The connection was lost")
    expect(pressed(page, "Yes")).to_be_visible()
    write(page, "Kept.", "Rae")
    failure = page.get_by_text("The connection was lost").last
    expect(failure).to_be_focused()
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Kept.")
    assert place.rows(Vote) == place.rows(Comment) == []

    page.context.set_offline(False)
    button(page, "Try again").first.click()
    says(page, "glad it helped")
    told(page, "vote")
    button(page, "Try again").click()
    expect(comment(page, "Kept.")).to_contain_text("Waiting for moderation")
    assert [vote.value for vote in place.rows(Vote)] == ["yes"]


def test_a_comment_whose_answer_was_lost_is_not_doubled_by_trying_again(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page())

    def lose(route):
        route.fetch()  # it arrives
        route.abort()  # and nobody hears of it

    page.context.route("**/comments", lose)
    write(page, "Once.")
    expect(button(page, "Try again")).to_be_visible()
    page.context.unroute("**/comments")
    button(page, "Try again").click()
    expect(comment(page, "Once.")).to_contain_text("Waiting for moderation")
    assert [row.source for row in place.rows(Comment)] == ["Once."]


def test_comments_that_could_not_be_loaded_can_be_asked_for_again(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(), routes={"**/feedback?*": lambda route: route.abort()})
    expect(page.get_by_text("The comments could not be loaded.")).to_be_visible()
    assert told(page, "error") == {
        "site": place.site.slug,
        "article": KEY,
        "during": "load",
        "status": 0,
        "detail": None,
    }
    button(page, "Yes").click()  # needs no comments
    told(page, "vote")
    page.context.unroute("**/feedback?*")
    button(page, "Try again").click()
    expect(page.get_by_text("No comments yet")).to_be_visible()
    expect(pressed(page, "Yes")).to_be_visible()


def test_the_second_script_is_asked_for_again_after_a_failure(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(), routes={"**/widget-more.js*": lambda route: route.abort()})
    write(page, "Patience.")
    expect(page.get_by_text("The connection was lost")).to_be_visible()
    page.context.unroute("**/widget-more.js*")
    button(page, "Send comment").click()
    expect(comment(page, "Patience.")).to_contain_text("Waiting for moderation")
    # Under another address, because not every browser asks again for what has failed.
    assert len({request.url for request in visit.asked("widget-more.js")}) > 1


def test_what_needs_the_second_script_says_where_it_did_not_come(place, visit, problems):
    problems.expect(NO_LOAD)
    place.settles(moderation="post")
    place.reader("marta").comments(KEY, "It made me dizzy.", name="Marta")
    page = visit(place.page(), routes={"**/widget-more.js*": lambda route: route.abort()})
    button(page, "Reply to Marta").click()
    says(page, "The connection was lost.")
    assert told(page, "error")["during"] == "reply"
    expect(button(page, "Reply to Marta")).to_be_focused()
    page.context.unroute("**/widget-more.js*")
    button(page, "Reply to Marta").click()
    expect(page.get_by_role("textbox", name="Your reply")).to_be_focused()


def test_too_many_at_once_are_told_to_wait_a_little(place, visit, problems, start_service):
    problems.expect(NO_LOAD)
    limited = start_service(FEEDBACK_LIMITS="on")
    with limited.app.app_context():
        transact(articles.add_site, place.site.slug, origins=place.site.origins, now=clock.now())
    page = visit(replace(place, publisher=replace(place.publisher, service=limited.url)).page())
    for number in range(3):
        write(page, f"Comment {number}.")
        expect(comment(page, f"Comment {number}.")).to_be_focused()
    write(page, "Comment 3.")
    expect(page.get_by_text("That was many comments in a short time. Please wait a little")).to_be_focused()
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Comment 3.")
    expect(button(page, "Try again")).to_be_visible()
    assert told(page, "error")["status"] == 429


def test_a_page_whose_origin_is_not_listed_is_told_so(place, visit, problems):
    problems.expect("is not on the list")
    place.settles(origins=["https://elsewhere.example"])
    page = visit(place.page())
    expect(page.get_by_text(f"This page ({place.publisher.origin}) is not on the list")).to_be_visible()
    expect(button(page, "Yes")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert any(line.startswith("warning: <article-feedback>") and place.site.slug in line for line in problems.seen)


def test_it_works_where_storage_is_refused(place, visit):
    refused = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError') } })"
    page = visit(place.page(), before=refused)
    with answered(page, "vote"):
        button(page, "Yes").click()
    write(page, "Without storage.")
    expect(comment(page, "Without storage.")).to_contain_text("Waiting for moderation")
    (row,), (vote,) = place.rows(Comment), place.rows(Vote)
    assert row.reader == vote.reader
