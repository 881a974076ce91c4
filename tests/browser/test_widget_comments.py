"""What readers do with comments in the widget: write, preview, change, withdraw, like, order, fold, find again."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import expect
from sqlalchemy import select, update

from feedback import articles, clock
from feedback.db import db, transact
from feedback.models import Comment, State
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.browser.reading import NO_LOAD, answered, button, comment, pressed, says, told, write
from tests.cast import KEY

DRAFTS = "feedback:drafts"
BODY = "Your comment"


def as_reader(reader):
    """What a browser begins with that this reader has used before."""
    return f"localStorage.setItem('feedback:reader', '{reader.token}');"


def happened(place, ago):
    """Make the site's comments older than they are."""
    move = update(Comment).where(Comment.site_id == place.site.id).values(created=clock.now() - ago)
    place.do(db.session.execute, move)


@pytest.fixture
def published(place):
    """Marta's comment, published at once."""
    place.settles(moderation="post")
    return place.reader("marta").comments(KEY, "It made me dizzy.", name="Marta").json["comment"]


@pytest.fixture
def own(place, published):
    """Rae, and her comment, published a moment ago."""
    rae = place.reader("rae")
    assert rae.comments(KEY, "My own words.", name="Rae").status_code == 201
    return rae


# Drafts


def test_what_was_typed_is_there_again_after_a_reload(place, visit):
    page = visit(place.page())
    page.get_by_role("textbox", name=BODY).fill("Half a thought")
    page.get_by_role("textbox", name="Your name (optional)").fill("Rae")
    expect(button(page, "Preview")).to_be_visible()
    page.get_by_role("textbox", name=BODY).press_sequentially(".")
    page.reload()
    expect(page.get_by_role("textbox", name=BODY)).to_have_value("Half a thought.")
    expect(page.get_by_role("textbox", name="Your name (optional)")).to_have_value("Rae")
    button(page, "Send comment").click()
    says(page, "waits for moderation")
    assert page.evaluate(f"sessionStorage.getItem('{DRAFTS}')") is None
    page.reload()
    expect(comment(page, "Half a thought.")).to_be_visible()
    expect(page.get_by_role("textbox", name=BODY)).to_have_value("")


def test_each_thread_and_article_has_a_draft_of_its_own(place, visit, published):
    page = visit(place.page())
    button(page, "Reply to Marta").click()
    page.get_by_role("textbox", name="Your reply").press_sequentially("To Marta")
    page.get_by_role("textbox", name=BODY).press_sequentially("To all")
    page.reload()
    expect(page.get_by_role("textbox", name=BODY)).to_have_value("To all")
    button(page, "Reply to Marta").click()
    expect(page.get_by_role("textbox", name="Your reply")).to_have_value("To Marta")
    page.locator("article-feedback").evaluate("(element) => element.setAttribute('article', 'another')")
    expect(page.get_by_text("No comments yet")).to_be_visible()
    expect(page.get_by_role("textbox", name=BODY)).to_have_value("")


def test_a_draft_lives_as_long_as_the_page_where_storage_is_refused(place, visit):
    refused = (
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError') } })"
    )
    page = visit(place.page(), before=refused)
    box = page.get_by_role("textbox", name=BODY)
    box.press_sequentially("Without")
    button(page, "No").click()
    says(page, "What would have helped you?")
    expect(box).to_have_value("Without")
    page.reload()
    expect(box).to_have_value("")
    write(page, "Without storage.")
    says(page, "waits for moderation")


# Writing


def test_a_preview_shows_what_a_comment_will_look_like(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page())
    box = page.get_by_role("textbox", name=BODY)
    box.fill("It **helped**.")
    button(page, "Preview").click()
    preview = page.get_by_role("group", name="Preview")
    expect(preview).to_be_focused()
    expect(preview.get_by_role("strong")).to_have_text("helped")
    # Only what is sent leaves anything in the browser.
    assert page.evaluate("Object.keys(localStorage)") == []
    box.press_sequentially(" Much.")
    expect(preview).to_have_count(0)
    box.fill("")
    button(page, "Preview").click()
    expect(box).to_be_focused()
    expect(box).to_have_accessible_description(re.compile("This is missing"))


def test_after_a_preview_that_did_not_come_nothing_is_sent_by_trying_again(place, visit, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(), routes={"**/preview": lambda route: route.abort()})
    page.get_by_role("textbox", name=BODY).fill("Not yet.")
    button(page, "Preview").click()
    expect(page.get_by_text("The connection was lost")).to_be_focused()
    expect(button(page, "Try again")).to_have_count(0)
    expect(button(page, "Send comment")).to_be_visible()
    page.context.unroute("**/preview")
    button(page, "Preview").click()
    expect(page.get_by_role("group", name="Preview")).to_be_focused()
    assert place.rows(Comment) == []


def test_a_preview_of_what_has_changed_meanwhile_is_not_shown(place, visit):
    held = []
    page = visit(place.page(), routes={"**/preview": lambda route: held.append(route)})
    page.get_by_role("textbox", name=BODY).fill("First")
    with page.expect_request("**/preview"):
        button(page, "Preview").click()
    page.get_by_role("textbox", name=BODY).press_sequentially(" thoughts")
    with answered(page, "preview"):
        held.pop().continue_()
    page.wait_for_timeout(200)
    expect(page.get_by_role("group", name="Preview")).to_have_count(0)
    expect(page.get_by_role("textbox", name=BODY)).to_be_focused()


@pytest.mark.parametrize(
    "text", ["Write to rae@example.org.", "Call me: 0151 234 567 89", "Ring +44 20 7946 0958, please."]
)
def test_an_address_or_a_number_to_call_is_asked_about_once(place, visit, text):
    page = visit(place.page())
    write(page, text)
    question = page.get_by_role("group", name=re.compile("seems to hold an e-mail address or a phone number"))
    expect(question).to_be_focused()
    button(question, "Change it").click()
    expect(page.get_by_role("textbox", name=BODY)).to_be_focused()
    assert place.rows(Comment) == []
    button(page, "Send comment").click()
    button(question, "Send anyway").click()
    says(page, "waits for moderation")
    assert [row.source for row in place.rows(Comment)] == [text]


@pytest.mark.parametrize("text", ["I took 10 mg 3 times a day in 2019-2020.", "p < 0.05, n = 1 204", "Mail @ work"])
def test_doses_and_dates_are_not_asked_about(place, visit, text):
    page = visit(place.page())
    write(page, text)
    says(page, "waits for moderation")


def test_who_wants_to_be_told_of_replies_gives_an_address(place, visit, problems, start_service):
    problems.expect(NO_LOAD)
    posting = start_service(
        FEEDBACK_MAIL_URL="smtp://127.0.0.1:1",
        FEEDBACK_MAIL_FROM="feedback@example.org",
        FEEDBACK_MAIL_KEYS=Fernet.generate_key().decode(),
        FEEDBACK_PUBLIC_URL="http://127.0.0.1",
    )
    with posting.app.app_context():
        transact(articles.add_site, place.site.slug, origins=place.site.origins, now=clock.now())
    page = visit(replace(place, publisher=replace(place.publisher, service=posting.url)).page())
    page.get_by_role("textbox", name=BODY).fill("Does it pass?")
    expect(page.get_by_role("textbox", name="Your e-mail address")).to_have_count(0)
    page.get_by_role("checkbox", name="E-mail me when somebody replies").check()
    address = page.get_by_role("textbox", name="Your e-mail address")
    expect(address).to_be_focused()
    expect(address).to_have_accessible_description(re.compile("asks you to confirm it"))
    address.fill("rae..r@example.org")
    button(page, "Send comment").click()
    expect(address).to_be_focused()
    expect(address).to_have_accessible_description(re.compile("This is no e-mail address"))
    shoot(page, "widget-notify")
    assert axe(page) == []
    address.fill("rae@example.org")
    button(page, "Send comment").click()
    says(page, "waits for moderation")
    with posting.app.app_context():
        (row,) = db.session.execute(select(Comment)).scalars()
        assert row.sealed_email


def test_what_is_typed_while_a_comment_travels_stays(place, visit, published):
    held = []
    page = visit(place.page(), routes={"**/comments": lambda route: held.append(route)})
    write(page, "It helped.")
    box = page.get_by_role("textbox", name=BODY)
    expect(page.locator("form[aria-busy=true]")).to_be_visible()
    box.press_sequentially(" One more thing")
    held.pop().continue_()
    says(page, "Thank you.")
    expect(box).to_be_focused()
    expect(box).to_have_value("One more thing")
    assert "One more thing" in page.evaluate(f"sessionStorage.getItem('{DRAFTS}')")
    assert sorted(row.source for row in place.rows(Comment)) == ["It helped.", "It made me dizzy."]


# One's own


def test_a_reader_changes_a_comment_of_their_own(place, visit, own):
    page = visit(place.page(), before=as_reader(own))
    mine = comment(page, "My own words.")
    button(mine, "Edit").click()
    box = page.get_by_role("textbox", name="Change your comment")
    expect(box).to_be_focused()
    expect(box).to_have_value("My own words.")
    button(page, "Cancel").click()
    expect(button(mine, "Edit")).to_be_focused()
    button(mine, "Edit").click()
    box.fill("My better words.")
    button(page, "Save").click()
    changed = comment(page, "My better words.")
    expect(changed).to_be_focused()
    expect(changed).to_contain_text("edited")
    says(page, "Your comment was changed")
    expect(page.get_by_text("My own words.")).to_have_count(0)
    expect(page.get_by_role("heading", name="Comments (2)")).to_be_visible()
    assert "My better words." in [row.source for row in place.rows(Comment)]


def test_a_changed_comment_waits_again_where_the_site_moderates(place, visit, own):
    place.settles(moderation="pre")
    page = visit(place.page(), before=as_reader(own))
    mine = comment(page, "My own words.")
    button(mine, "Edit").click()
    page.get_by_role("textbox", name="Change your comment").fill("Other words.")
    button(page, "Save").click()
    says(page, "It waits for moderation")
    expect(comment(page, "Other words.")).to_contain_text("Waiting for moderation")
    expect(page.get_by_role("heading", name="Comments (1)")).to_be_visible()


def test_the_button_to_change_goes_when_its_time_is_up(place, visit, own):
    page = visit(place.page(), before=as_reader(own))
    mine = comment(page, "My own words.")
    expect(button(mine, "Edit")).to_be_visible()
    page.clock.install()
    page.reload()
    button(mine, "Edit").focus()
    page.clock.fast_forward("16:00")
    expect(button(mine, "Edit")).to_have_count(0)
    expect(mine).to_be_focused()
    expect(button(mine, "Withdraw")).to_be_visible()
    happened(place, timedelta(hours=1))
    page.reload()
    expect(button(mine, "Withdraw")).to_be_visible()
    expect(button(mine, "Edit")).to_have_count(0)


def test_a_form_that_outlives_its_button_gives_the_focus_to_the_comment(place, visit, own):
    page = visit(place.page(), before=as_reader(own))
    mine = comment(page, "My own words.")
    expect(button(mine, "Edit")).to_be_visible()
    page.clock.install()
    page.reload()
    button(mine, "Edit").click()
    page.clock.fast_forward("16:00")
    button(page, "Cancel").click()
    expect(mine).to_be_focused()


def test_what_a_reader_does_outruns_a_slow_answer_about_before(place, visit, own, published):
    own.votes(KEY, "yes")
    held = []
    page = visit(place.page(), before=as_reader(own), routes={"**/mine": lambda route: held.append(route)})
    button(page, "Like what Marta wrote").click()
    says(page, "You like this comment")
    button(page, "Yes").click()
    told(page, "vote", value="yes")
    button(page, "Undo").click()
    told(page, "vote", value="none")
    before = {"vote": {"value": "yes"}, "comments": [], "likes": []}
    held.pop().fulfill(json=before, headers={"Access-Control-Allow-Origin": "*"})
    page.wait_for_load_state("networkidle")
    expect(pressed(page, "Like what Marta wrote")).to_be_visible()
    expect(pressed(page, "Yes")).to_have_count(0)


def test_a_waiting_answer_is_left_out_until_its_thread_is_shown(place, visit, many):
    place.settles(moderation="pre")
    rae = place.reader("rae")
    assert rae.comments(KEY, "Mine waits.", parent=many[0], name="Rae").status_code == 202
    page = visit(place.page(), before=as_reader(rae))
    page.wait_for_load_state("networkidle")
    expect(comment(page, "Comment 23.")).to_be_visible()
    expect(page.get_by_text("Mine waits.")).to_have_count(0)
    button(page, "Show more comments").click()
    expect(comment(page, "Mine waits.")).to_be_visible()


def test_a_change_that_comes_too_late_says_so_and_keeps_the_text(place, visit, own, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(), before=as_reader(own))
    button(comment(page, "My own words."), "Edit").click()
    happened(place, timedelta(hours=1))
    box = page.get_by_role("textbox", name="Change your comment")
    box.fill("Too late.")
    button(page, "Save").click()
    expect(page.get_by_text("can be changed for 15 minutes")).to_be_focused()
    expect(box).to_have_value("Too late.")


def test_a_reader_withdraws_a_comment_and_is_asked_once(place, visit, own):
    page = visit(place.page(), before=as_reader(own))
    mine = comment(page, "My own words.")
    button(mine, "Withdraw").click()
    question = page.get_by_role("group", name="Take this comment off the page for good?")
    expect(question).to_be_focused()
    button(question, "Keep it").click()
    expect(button(mine, "Withdraw")).to_be_focused()
    button(mine, "Withdraw").click()
    button(question, "Withdraw it").click()
    expect(comment(page, "Withdrawn by its author.")).to_be_focused()
    says(page, "Your comment was withdrawn")
    expect(page.get_by_role("heading", name="Comments (1)")).to_be_visible()
    assert sorted(row.state for row in place.rows(Comment)) == [State.APPROVED, State.WITHDRAWN]
    # The shared answer may be some seconds old; what was withdrawn is not shown all the same.
    page.reload()
    expect(page.get_by_text("It made me dizzy.")).to_be_visible()
    expect(button(page, "Withdraw")).to_have_count(0)
    expect(page.get_by_text("My own words.")).to_have_count(0)


# Others'


def test_a_reader_likes_a_comment_and_takes_it_back(place, visit, published):
    page = visit(place.page())
    hers = comment(page, "It made me dizzy.")
    like = button(hers, "Like what Marta wrote")
    expect(like).to_have_attribute("aria-pressed", "false")
    like.click()
    expect(pressed(hers, "Like what Marta wrote")).to_be_focused()
    says(page, "You like this comment")
    expect(hers.get_by_text("1 like", exact=True)).to_be_visible()
    page.reload()
    expect(pressed(hers, "Like what Marta wrote")).to_be_visible()
    with answered(page, "like"):
        pressed(hers, "Like what Marta wrote").click()
    says(page, "no longer like")
    expect(hers.get_by_text(re.compile(r"^\d+ likes?$"))).to_have_count(0)
    assert [row.likes for row in place.rows(Comment)] == [0]


def test_a_like_that_does_not_arrive_is_taken_back_and_said(place, visit, published, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(), routes={"**/like": lambda route: route.abort()})
    button(page, "Like what Marta wrote").click()
    says(page, "The connection was lost")
    expect(button(page, "Like what Marta wrote")).to_have_attribute("aria-pressed", "false")


def test_ones_own_is_not_liked(place, visit, own):
    page = visit(place.page(), before=as_reader(own))
    expect(button(comment(page, "My own words."), "Withdraw")).to_be_visible()
    expect(button(page, "Like what Rae wrote")).to_have_count(0)
    expect(button(page, "Like what Marta wrote")).to_be_visible()


# Orders, folding, places


@pytest.fixture
def many(place):
    """23 comments, a minute apart, the first with five replies."""
    place.settles(moderation="post")
    rita = place.reader("rita")
    first = rita.comments(KEY, "Comment 1.").json["comment"]["id"]
    replies = [rita.comments(KEY, f"Answer {n}.", parent=first).json["comment"]["id"] for n in range(1, 6)]
    others = [rita.comments(KEY, f"Comment {n}.").json["comment"]["id"] for n in range(2, 24)]
    return [first, *replies, *others]


def test_comments_come_in_the_order_that_is_asked_for(place, visit, many):
    place.reader("zoe").posts(f"/comments/{many[8]}/like", value="yes")
    page = visit(place.page())
    comments = page.get_by_role("article").filter(has_text=re.compile("^A reader"))
    expect(comments.first).to_contain_text("Comment 4.")
    page.get_by_role("textbox", name=BODY).fill("Typed before.")
    button(page, "Sort").click()
    order = page.get_by_role("combobox", name="Order of the comments")
    expect(order).to_be_focused()
    order.select_option("Oldest first")
    expect(comments.first).to_contain_text("Comment 1.")
    says(page, "Oldest first")
    button(page, "Show more comments").click()
    expect(comments.last).to_contain_text("Comment 23.")
    order.select_option("Newest first")
    expect(comments.first).to_contain_text("Comment 23.")
    order.select_option("Best first")
    expect(comments.first).to_contain_text("Comment 4.")
    expect(button(page, "Show more comments")).to_have_count(1)
    expect(page.get_by_role("textbox", name=BODY)).to_have_value("Typed before.")


def test_of_two_orders_chosen_quickly_the_second_stays(place, visit, many):
    held = []
    page = visit(place.page(), routes={"**/feedback?*sort=oldest*": lambda route: held.append(route)})
    button(page, "Sort").click()
    order = page.get_by_role("combobox", name="Order of the comments")
    with page.expect_request("**/feedback?*sort=oldest*"):
        order.select_option("Oldest first")
    order.select_option("Newest first")
    says(page, "Newest first")
    with page.expect_response("**/feedback?*sort=oldest*"):
        held.pop().continue_()
    page.wait_for_load_state("networkidle")
    says(page, "Newest first")
    expect(page.get_by_text("Comment 23.", exact=True)).to_have_count(1)
    expect(order).to_have_value("newest")


def test_more_comments_do_not_make_the_page_jump(place, visit, many):
    page = visit(place.page())
    more = button(page, "Show more comments")
    more.scroll_into_view_if_needed()
    top = page.evaluate("scrollY")
    more.click()
    says(page, "more comments are shown")
    expect(page.get_by_role("article").filter(has_text="Comment 3.")).to_be_focused()
    assert page.evaluate("scrollY") == top


def test_a_long_thread_folds(place, visit, many):
    page = visit(place.page())
    button(page, "Show more comments").click()
    unfold = button(page, "Show more replies")
    expect(unfold).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_text("Answer 3.")).to_be_visible()
    expect(page.get_by_text("Answer 4.")).to_have_count(0)
    unfold.click()
    expect(comment(page, "Answer 4.")).to_be_focused()
    says(page, "2 more comments are shown")
    fold = button(page, "Show fewer replies")
    expect(fold).to_have_attribute("aria-expanded", "true")
    fold.click()
    expect(page.get_by_text("Answer 4.")).to_be_hidden()
    expect(unfold).to_be_focused()
    expect(unfold).to_have_attribute("aria-expanded", "false")
    unfold.click()
    expect(page.get_by_text("Answer 5.")).to_be_visible()


def test_an_address_leads_to_its_comment(place, visit, many):
    page = visit(f"{place.page()}#comment-{many[5]}")  # the first comment is on the second page, its last reply folded
    last = comment(page, "Answer 5.")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    button(page, "Show all comments").click()
    expect(comment(page, "Comment 23.")).to_be_focused()
    expect(button(page, "Show all comments")).to_have_count(0)


def test_the_date_of_a_comment_is_its_address(place, visit, many):
    page = visit(place.page())
    at = comment(page, "Comment 20.")
    at.get_by_role("link", name="ago").click()
    expect(at).to_be_focused()
    assert page.url.endswith(f"#comment-{many[-4]}")
    # Going back in the browser and forward again leads there, too.
    button(page, "Yes").focus()
    page.evaluate("location.hash = ''")
    page.go_back()
    expect(at).to_be_focused()


def test_a_link_to_a_comment_leads_there_before_the_reader_came_near(place, visit, many):
    link = f'<a href="#comment-{many[5]}">What another reader says</a>'
    page = visit(place.page(before=link + "<p>The neck carries the head.</p>" * 200))
    page.wait_for_load_state("networkidle")
    assert visit.asked("api/") == []
    page.get_by_role("link", name="What another reader says").click()
    expect(comment(page, "Answer 5.")).to_be_focused()
    expect(comment(page, "Answer 5.")).to_be_in_viewport()


def test_an_address_of_ones_own_comment_that_waits_leads_to_it(place, visit):
    rae = place.reader("rae")
    mine = rae.comments(KEY, "Mine waits.", name="Rae").json["comment"]["id"]
    page = visit(f"{place.page()}#comment-{mine}", before=as_reader(rae))
    expect(comment(page, "Mine waits.")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("")


def test_an_address_of_ones_own_answer_that_waits_opens_its_thread(place, visit, many):
    place.settles(moderation="pre")
    rae = place.reader("rae")
    mine = rae.comments(KEY, "Mine waits.", parent=many[0], name="Rae").json["comment"]["id"]
    page = visit(f"{place.page()}#comment-{mine}", before=as_reader(rae))
    expect(comment(page, "Mine waits.")).to_be_focused()
    expect(comment(page, "Comment 1.")).to_be_visible()


def test_an_address_of_no_comment_says_so(place, visit, many, problems):
    problems.expect(NO_LOAD)
    page = visit(f"{place.page()}#comment-nowhere")
    says(page, "This comment is not there any more.")
    expect(comment(page, "Comment 23.")).to_be_visible()


def test_an_address_of_ones_own_comment_keeps_the_focus_there(place, visit, own):
    (mine,) = [row["id"] for row in own.mine(KEY).json["comments"]]
    page = visit(f"{place.page()}#comment-{mine}", before=as_reader(own))
    expect(button(comment(page, "My own words."), "Withdraw")).to_be_visible()
    expect(comment(page, "My own words.")).to_be_focused()


def test_a_published_comment_is_shown_at_once_among_many(place, visit, many):
    page = visit(place.page())
    page.clock.install()
    page.reload()
    page.get_by_role("textbox", name=BODY).focus()
    page.clock.fast_forward(10_000)
    write(page, "The newest of them.")
    says(page, "Your comment is published")
    expect(comment(page, "The newest of them.")).to_be_focused()
    button(page, "Sort").click()
    page.get_by_role("combobox", name="Order of the comments").select_option("Oldest first")
    says(page, "Oldest first")
    expect(page.get_by_text("The newest of them.")).to_have_count(1)


# What a comment says about itself


def test_times_are_relative_exact_in_the_title_and_grow(place, visit, published):
    happened(place, timedelta(hours=3))
    page = visit(place.page())
    page.clock.install()
    page.reload()
    time = comment(page, "It made me dizzy.").get_by_role("time")
    expect(time).to_have_text("3 hours ago")
    expect(time).to_have_attribute("title", re.compile(r"\d{4}.*\d:\d\d"))
    page.clock.fast_forward(61 * 3_600_000)
    expect(time).to_have_text("2 days ago")


def test_badges_pins_edits_and_closed_threads_are_said(place, visit, published):
    def item(name, **more):
        more = {"id": name, "parent": None, "name": name, "html": f"<p>From {name}.</p>", "replies": []} | more
        return more | {"created": "2026-05-04T09:00:00Z", "edited": None, "likes": 0, "pinned": False} | more

    answer = place.reader().reads(KEY).json
    answer["comments"]["items"] = [
        item("Pia", pinned=True, closed=True, replies=[item("Ron", parent="Pia")]),
        item("Ann", staff="author"),
        item("Rex", staff="reviewer", likes=1_234),
        item("Mo", staff="moderator", edited="2026-05-04T10:00:00Z", edited_by="moderator"),
        item("Ada", staff="administrator", edited="2026-05-04T10:00:00Z"),
    ]
    shared = {"**/feedback?*": lambda route: route.fulfill(json=answer, headers={"Access-Control-Allow-Origin": "*"})}
    page = visit(place.page(), routes=shared)
    expect(comment(page, "From Pia.")).to_contain_text("Pinned")
    expect(comment(page, "From Pia.")).to_contain_text("This thread is closed.")
    for name in ("Pia", "Ron"):
        expect(button(page, f"Reply to {name}")).to_have_count(0)
        expect(button(page, f"Flag what {name} wrote")).to_be_visible()
    expect(comment(page, "From Ann.").get_by_text("Author", exact=True)).to_be_visible()
    expect(comment(page, "From Rex.").get_by_text("Reviewer", exact=True)).to_be_visible()
    expect(comment(page, "From Rex.").get_by_text("1,234 likes", exact=True)).to_be_visible()
    expect(comment(page, "From Mo.").get_by_text("Moderator", exact=True)).to_be_visible()
    expect(comment(page, "From Mo.").get_by_text("edited by a moderator", exact=True)).to_be_visible()
    expect(comment(page, "From Ada.").get_by_text("Team", exact=True)).to_be_visible()
    expect(comment(page, "From Ada.").get_by_text("edited", exact=True)).to_be_visible()
    shoot(page, "widget-badges")


# Access


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", ["desk", "phone", "narrow"])
def test_every_new_state_is_accessible_and_fits(place, visit, own, many, scheme, screen):
    size = {"desk": {"width": 1280, "height": 900}, "phone": PHONE, "narrow": {"width": 320, "height": 640}}[screen]
    page = visit(f"{place.page()}#comment-{many[5]}", before=as_reader(own), color_scheme=scheme, viewport=size)
    expect(comment(page, "Answer 5.")).to_be_focused()
    button(page, "Show all comments").click()
    page.get_by_role("textbox", name=BODY).fill("It **helped**. Write to me: rae@example.org")
    button(page, "Preview").click()
    expect(page.get_by_role("group", name="Preview")).to_be_focused()
    button(page, "Send comment").click()
    expect(button(page, "Send anyway")).to_be_visible()
    button(page, "Sort").click()
    page.get_by_role("combobox", name="Order of the comments").select_option("Oldest first")
    expect(comment(page, "It made me dizzy.")).to_be_visible()
    mine = comment(page, "My own words.")
    button(page, "Like what Marta wrote").click()
    expect(pressed(page, "Like what Marta wrote")).to_be_visible()
    button(mine, "Withdraw").click()
    button(mine, "Edit").click()
    expect(page.get_by_role("textbox", name="Change your comment")).to_be_focused()
    shoot(page, f"widget-comments-{screen}-{scheme}")
    assert axe(page) == []
    assert not scrolls_sideways(page)


def test_the_page_is_told_of_what_went_wrong(place, visit, own, problems):
    problems.expect(NO_LOAD)
    page = visit(place.page(), before=as_reader(own), routes={"**/withdraw": lambda route: route.abort()})
    button(comment(page, "My own words."), "Withdraw").click()
    button(page, "Withdraw it").click()
    says(page, "The connection was lost")
    assert told(page, "error")["during"] == "withdraw"
    expect(button(comment(page, "My own words."), "Withdraw")).to_be_focused()
