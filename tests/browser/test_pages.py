"""The pages without JavaScript in a real browser: scripts switched off, and in a frame on another site.

The service is 127.0.0.1 and the articles are localhost, which are two sites to a browser.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect
from sqlalchemy import select

from feedback import articles
from feedback.models import Article, Comment, Flag, Site, State, Vote
from feedback.views import pages
from tests.browser.conftest import PATIENCE, PHONE, Problems, Publisher, Service, axe, chromium, scrolls_sideways
from tests.cast import KEY, Reader

ALLOW, BLOCK = 0, 1  # Chromium's `cookie_controls_mode`: of other sites' cookies
REFUSE_ALL = 2  # its content setting for all cookies
ICON = '<link rel="icon" href="data:,">'  # so that no other is asked for
REFUSED = "status of 4(03|22)"


def button(page: Page | Frame, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def write(page: Page | Frame, words: str, name: str = "") -> None:
    page.get_by_role("textbox", name="Your comment").fill(words)
    page.get_by_role("textbox", name="Your name (optional)").fill(name)
    button(page, "Send comment").click()


@pytest.fixture
def address(service: Service, site: Site, article: Article) -> str:
    return f"{service.url}/f/{site.slug}?article={article.key}"


@pytest.fixture
def visit(open_page: Callable[..., Page], address: str) -> Callable[..., Page]:
    """Open the page of the article in a browser of its own, with scripts switched off."""
    return lambda query="", **options: open_page(address + query, **{"java_script_enabled": False, **options})


# Without scripts


def test_a_reader_answers_and_says_why(visit, rows, site):
    page = visit()
    button(page, "No").click()
    expect(page.get_by_role("button", name="No", exact=True, pressed=True)).to_be_visible()
    page.get_by_role("radio", name="Out of date").check()
    page.get_by_role("textbox", name="Which part of the article?").fill("Side effects")
    page.get_by_role("textbox", name="A note to the author").fill("The dose is old.")
    button(page, "Send to the author").click()
    expect(page.get_by_role("status")).to_have_text("Thank you. The author will see this.")
    (vote,) = rows(select(Vote).where(Vote.site_id == site.id))
    assert (vote.value, vote.reason, vote.section, vote.note) == (
        "no",
        "outdated",
        "Side effects",
        "The dose is old.",
    )
    page.reload()
    expect(page.get_by_role("radio", name="Out of date")).to_be_checked()
    button(page, "Take it back").click()
    expect(page.get_by_role("status")).to_have_text("Your answer was taken back.")
    assert rows(select(Vote).where(Vote.site_id == site.id)) == []


def test_a_comment_waits_is_approved_answered_and_withdrawn(visit, mo, rows, site):
    page, other = visit(), visit()
    write(page, "It *helped* me.", "Rae")
    own = page.get_by_role("article").filter(has_text="It helped me.")
    expect(own).to_contain_text("Waiting for moderation")
    expect(page.get_by_role("status")).to_be_in_viewport()
    other.reload()
    expect(other.get_by_role("article")).to_have_count(0)

    (item,) = mo.gets("/queue").json["items"]
    mo.posts("/decisions", comment=item["id"], version=item["version"], action="approve")
    other.reload()
    other.get_by_role("link", name="Reply to Rae").click()
    expect(other.get_by_role("article").first).to_be_in_viewport()
    other.get_by_role("textbox", name="Your reply").fill("Me too.")
    button(other, "Send reply").click()
    expect(other.get_by_role("list", name="Replies").get_by_role("article")).to_contain_text("Me too.")

    page.reload()
    own.get_by_text("Withdraw", exact=True).click()
    button(own, "Withdraw my comment").click()
    expect(page.get_by_role("status")).to_have_text("Your comment was withdrawn.")
    states = {row.source: row.state for row in rows(select(Comment).where(Comment.site_id == site.id))}
    assert states == {"It *helped* me.": State.WITHDRAWN, "Me too.": State.PENDING}


def test_a_reader_flags_a_comment_by_keyboard_alone(visit, site, rae, article, do, rows):
    do(articles.change_site, site.slug, moderation="post")
    assert rae.comments(article, "Just double the dose.", name="Rae").status_code == 201
    page = visit()
    page.get_by_role("link", name="Flag what Rae wrote").focus()
    page.keyboard.press("Enter")
    reasons = page.get_by_role("group", name="What is wrong with this comment?")
    expect(reasons).to_be_in_viewport()
    button(page, "Send").click()
    expect(reasons.get_by_role("radio", name="Advertising")).to_have_js_property("validity.valueMissing", True)
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(reasons.get_by_role("radio", name="Could harm somebody")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Anything to add? (optional)")).to_be_focused()
    page.keyboard.type("Ask a doctor first.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Thank you. The moderators will look at it.")
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.get_by_role("article")).to_contain_text("Flagged")
    expect(page.get_by_role("link", name="Flag what Rae wrote")).to_have_count(0)
    assert [(row.reason, row.note) for row in rows(select(Flag).where(Flag.site_id == site.id))] == [
        ("unsafe", "Ask a doctor first.")
    ]


def test_the_focus_is_where_the_error_is(visit, problems):
    problems.expect(REFUSED)
    page = visit()
    write(page, "", "Rae")
    body = page.get_by_role("textbox", name="Your comment")
    expect(body).to_be_focused()
    expect(body).to_have_accessible_description(re.compile("This is missing."))
    expect(page.get_by_role("textbox", name="Your name (optional)")).to_have_value("Rae")
    page.locator("input[name=token]").last.evaluate("(field) => { field.value = 'forged' }")
    page.get_by_role("textbox", name="Your comment").fill("Kept")
    button(page, "Send comment").click()
    expect(page.get_by_text("nothing was sent").first).to_be_focused()
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Kept")


def test_what_was_typed_is_there_again_after_back(visit):
    page = visit()
    page.get_by_role("textbox", name="Your comment").fill("Half a thought")
    page.goto("about:blank")
    page.go_back()
    expect(page.get_by_role("textbox", name="Your comment")).to_have_value("Half a thought")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("frame", ["", "&frame=1"])
def test_axe_finds_nothing_in_any_state(visit, do, site, article, connect, problems, scheme, frame):
    problems.expect(REFUSED)
    do(articles.change_site, site.slug, moderation="post")
    rae = Reader(connect(), site, "rae-reads-rae-reads-ra", "192.0.2.10", site.origins[0])
    thread = rae.comments(article, "With a [link](https://example.org).\n\n> and\n\n`code`", name="Rae")
    for number in range(5):
        rae.comments(article, f"Answer {number}", parent=thread.json["comment"]["id"])
    do(articles.change_site, site.slug, moderation="pre")
    # axe is a script; the page has none of its own (or one, in a frame).
    page = visit(frame, java_script_enabled=True, color_scheme=scheme, viewport=PHONE)

    def is_fine():
        assert axe(page) == []
        assert not scrolls_sideways(page)

    is_fine()
    button(page, "No").click()
    page.get_by_role("textbox", name="A note to the author").fill("n" * 1_001)
    button(page, "Send to the author").click()
    expect(page.get_by_text("too long")).to_be_visible()
    is_fine()
    write(page, "Waits. " + "A" * 300)
    expect(page.get_by_text("Waiting for moderation")).to_be_visible()
    page.get_by_text("Withdraw", exact=True).click()
    is_fine()
    page.get_by_role("link", name="Reply to Rae").click()
    button(page, "Send reply").click()
    expect(page.get_by_text("This is missing.")).to_be_visible()
    is_fine()
    page.get_by_role("link", name="Show more replies").click()
    is_fine()
    page.get_by_role("link", name="Flag what Rae wrote").click()
    expect(page.get_by_role("group", name="What is wrong with this comment?")).to_be_visible()
    page.get_by_role("radio", name="Personal details").check()
    page.get_by_role("textbox", name="Anything to add?").fill("n" * 1_001)
    button(page, "Send").click()
    expect(page.get_by_text("too long")).to_be_visible()
    is_fine()


def test_an_unknown_site_has_a_page_that_axe_likes(service, open_page, problems):
    problems.expect("status of 404")
    page = open_page(f"{service.url}/f/nowhere?article=a", viewport=PHONE)
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert axe(page) == [] and not scrolls_sideways(page)


@pytest.mark.parametrize("options", [{"viewport": PHONE, "color_scheme": "dark"}, {}], ids=["phone", "desk"])
def test_the_api_has_a_page_that_fits_and_that_axe_likes(service, open_page, options):
    page = open_page(f"{service.url}/api/", **options)
    expect(page.get_by_role("heading", name="POST /vote")).to_be_visible()
    assert axe(page) == [] and not scrolls_sideways(page)


# In a frame on another site


@pytest.fixture
def profile(browser: Browser, problems: Problems, tmp_path_factory: Any) -> Iterator[Callable[..., BrowserContext]]:
    """Start a browser whose owner has chosen what cookies to keep."""
    started: list[BrowserContext] = []

    def start(**preferences: Any) -> BrowserContext:
        folder = tmp_path_factory.mktemp("profile")
        (folder / "Default").mkdir()
        (folder / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}))
        context = browser.browser_type.launch_persistent_context(folder, **chromium())
        context.set_default_timeout(PATIENCE)
        context.on("page", problems.watch)
        started.append(context)
        return context

    yield start
    for context in started:
        context.close()


@pytest.fixture
def strict(profile: Callable[..., BrowserContext]) -> BrowserContext:
    """A browser that keeps no cookies of other sites."""
    return profile(cookie_controls_mode=BLOCK, block_third_party_cookies=True)


@pytest.fixture
def framed(publisher: Publisher, service: Service, site: Site, address: str) -> str:
    """An article with the snippet for frames in it, under a policy that allows the service alone."""
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A stiff neck</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/site.css">
<script async src="{service.url}/embed.js"></script></head>
<body><main><h1>A stiff neck</h1>
<iframe src="{address}&amp;frame=1" title="Did this article help you?" width="100%" height="200"></iframe>
</main></body></html>"""
    policy = f"default-src 'none'; style-src 'self'; script-src {service.url}; frame-src {service.url}"
    return publisher.serves(f"/{site.slug}/framed", html, policy=policy)


def inside(page: Page) -> Frame:
    """Return the service's frame once it has loaded."""
    page.frame_locator("iframe").get_by_role("group", name="Did this article help you?").wait_for()
    return page.frames[1]


def height(page: Page) -> float:
    return float(page.locator("iframe").first.bounding_box()["height"])


def fits(page: Page) -> None:
    """Wait until the frame is as tall as what it shows: nothing in it is left to scroll."""
    frame = inside(page)
    for _ in range(100):
        root = frame.evaluate("[document.documentElement.getBoundingClientRect().height, innerHeight]")
        if root[1] - 1 <= root[0] <= root[1] and height(page) > 300:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"the frame shows {root[1]} of {root[0]} pixels")


@pytest.mark.parametrize("mode", [ALLOW, BLOCK])
def test_the_browser_of_these_tests_really_blocks_other_sites_cookies(profile, publisher, site, mode):
    port = publisher.origin.rpartition(":")[2]
    publisher.serves(f"/{site.slug}/probe", "<p>probe", policy="", **{"Set-Cookie": "probe=1; SameSite=None; Secure"})
    foreign = f"http://127.0.0.1:{port}/{site.slug}/probe"
    around = publisher.serves(
        f"/{site.slug}/around", f'<title>a</title>{ICON}<iframe src="{foreign}"></iframe>', policy=""
    )
    context = profile(cookie_controls_mode=mode, block_third_party_cookies=mode == BLOCK)
    page = context.new_page()
    page.goto(around)
    page.frame_locator("iframe").get_by_text("probe").wait_for()
    assert [cookie["name"] for cookie in context.cookies()] == (["probe"] if mode == ALLOW else [])


def test_in_a_frame_the_reader_is_known_again_without_other_sites_cookies(strict, framed, rows, site):
    page = strict.new_page()
    page.goto(framed)
    assert strict.cookies() == []
    button(inside(page), "No").click()
    expect(inside(page).get_by_role("status")).to_contain_text("What would have helped you?")
    write(inside(page), "From a frame")
    expect(inside(page).get_by_text("Waiting for moderation")).to_be_visible()
    (cookie,) = strict.cookies()
    assert cookie["name"] == pages.COOKIE and cookie["partitionKey"].startswith("http://localhost")
    page.goto(framed)
    expect(inside(page).get_by_role("button", name="No", exact=True, pressed=True)).to_be_visible()
    expect(inside(page).get_by_text("Waiting for moderation")).to_be_visible()
    button(inside(page), "Yes").click()
    expect(inside(page).get_by_role("status")).to_contain_text("glad")
    assert [vote.value for vote in rows(select(Vote).where(Vote.site_id == site.id))] == ["yes"]


@pytest.mark.parametrize("in_frame", [True, False])
def test_where_all_cookies_are_refused_it_works_and_says_what_is_lost(profile, framed, address, rows, site, in_frame):
    page = profile(default_content_setting_values={"cookies": REFUSE_ALL}).new_page()
    page.goto(framed if in_frame else address)
    spot = inside(page) if in_frame else page
    button(spot, "Yes").click()
    expect(spot.get_by_text("it will not remember this")).to_be_visible()
    write(spot, "Without a trace")
    expect(spot.get_by_role("status")).to_have_text("Thank you. Your comment waits for moderation.")
    expect(spot.get_by_text("it will not remember this")).to_be_visible()
    assert [vote.value for vote in rows(select(Vote).where(Vote.site_id == site.id))] == ["yes"]
    assert [row.source for row in rows(select(Comment).where(Comment.site_id == site.id))] == ["Without a trace"]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_frame_is_as_tall_as_what_it_shows(open_page, framed, width):
    page = open_page(framed, viewport={"width": width, "height": 800})
    fits(page)
    assert page.locator("iframe").evaluate("(frame) => getComputedStyle(frame).borderTopWidth") == "0px"
    before = height(page)
    button(inside(page), "No").click()
    inside(page).get_by_role("radio", name="Out of date").wait_for()
    fits(page)
    assert height(page) > before + 200
    assert not scrolls_sideways(page) and axe(page) == []


def test_a_height_is_taken_from_the_frame_alone_and_only_a_sensible_one(open_page, framed, publisher, site):
    publisher.serves(f"/{site.slug}/liar", "<p>liar", policy="")
    page = open_page(framed)
    fits(page)
    before = height(page)
    forged = "{ type: 'feedback:height', height: 5 }"
    page.evaluate(f"postMessage({forged}, '*')")
    for value in ("-5", "0", "1e9", "'5px'", "null", "5.5", "NaN"):
        inside(page).evaluate(f"parent.postMessage({{ type: 'feedback:height', height: {value} }}, '*')")
    inside(page).evaluate("parent.postMessage({ type: 'other', height: 5 }, '*')")
    inside(page).evaluate("parent.postMessage(null, '*')")
    page.wait_for_timeout(300)
    assert height(page) == before
    # The same message from where it should come from is taken, so that the silence above is no accident.
    inside(page).evaluate(f"parent.postMessage({forged}, '*')")
    page.wait_for_function("document.querySelector('iframe').offsetHeight < 20")


def test_of_two_frames_each_has_its_own_height(open_page, framed, publisher, address, site, service):
    frames = "".join(f'<iframe src="{address}{key}&amp;frame=1" height="200"></iframe>' for key in ("", "-2"))
    html = f'<title>a</title>{ICON}<script async src="{service.url}/embed.js"></script>{frames}'
    page = open_page(publisher.serves(f"/{site.slug}/two", html, policy=""))
    page.wait_for_function("[...document.querySelectorAll('iframe')].every(({ offsetHeight }) => offsetHeight > 300)")
    before = height(page)
    page.frames[2].evaluate("parent.postMessage({ type: 'feedback:height', height: 123 }, '*')")
    page.wait_for_function("document.querySelectorAll('iframe')[1].offsetHeight === 123")
    assert height(page) == before


def test_a_frame_that_shows_another_site_sets_no_height(open_page, service, publisher, site, address):
    liar = publisher.serves(
        f"/{site.slug}/liar",
        "<p>liar<script>parent.postMessage({type:'feedback:height',height:5},'*')</script>",
        policy="",
    )
    script = f'<script async src="{service.url}/embed.js"></script>'
    html = f'<title>a</title>{ICON}{script}<iframe height="200" src="{liar}"></iframe>'
    page = open_page(publisher.serves(f"/{site.slug}/lied-to", html, policy=""))
    page.frame_locator("iframe").get_by_text("liar").wait_for()
    page.frames[1].evaluate("parent.postMessage({ type: 'feedback:height', height: 5 }, '*')")
    page.wait_for_timeout(300)
    assert height(page) >= 200


HEARD = """
window.heard = [];
addEventListener("message", ({ data, origin }) => heard.push([origin, data.type]));
"""


def test_a_page_of_another_origin_may_not_frame_it(open_page, do, framed, site, problems):
    do(articles.change_site, site.slug, origins=["https://articles.example"])
    problems.expect("frame-ancestors|ERR_BLOCKED_BY_RESPONSE|chrome-error")
    page = open_page(framed)
    page.wait_for_timeout(300)
    assert any("frame-ancestors" in each for each in problems.seen)
    assert "Did this article help you?" not in page.frames[1].content()


@pytest.mark.parametrize("listed", [True, False])
def test_the_frame_tells_its_height_to_listed_pages_only(open_page, do, framed, site, address, listed):
    """Even where nothing keeps the frame out of another page, it says nothing to that page."""
    if not listed:
        do(articles.change_site, site.slug, origins=["https://articles.example"])
    page = open_page()
    page.add_init_script(HEARD)

    def let_in(route: Any) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
        route.fulfill(response=answer, headers=headers)

    page.route("**/f/**", let_in)
    page.goto(framed)
    spot = inside(page)
    page.evaluate("document.querySelector('iframe').contentWindow.postMessage({ type: 'feedback:hello' }, '*')")
    spot.evaluate("document.body.style.paddingBottom = '50px'")
    page.wait_for_timeout(500)
    heard = [tuple(each) for each in page.evaluate("heard")]
    assert set(heard) == ({(address.split("/f/")[0], "feedback:height")} if listed else set())


def test_the_frame_answers_a_page_it_can_only_know_by_its_word(open_page, framed):
    """Some browsers do not name the page around; then the greeting of embed.js does."""
    page = open_page()
    page.add_init_script("Object.defineProperty(Location.prototype, 'ancestorOrigins', { value: undefined })")
    page.goto(framed)
    fits(page)


def test_a_link_in_a_comment_opens_beside_the_article(open_page, do, framed, site, article, connect, publisher):
    do(articles.change_site, site.slug, moderation="post")
    there = publisher.serves(f"/{site.slug}/there", f"<title>There</title>{ICON}", policy="")
    rae = Reader(connect(), site, "rae-reads-rae-reads-ra", "192.0.2.10", site.origins[0])
    rae.comments(article, f"[There]({there})", name="Rae")
    page = open_page(framed)
    with page.expect_popup() as opened:
        inside(page).get_by_role("link", name="There").click()
    assert opened.value.title() == "There"
    inside(page).get_by_role("link", name="Reply to Rae").click()
    expect(inside(page).get_by_role("textbox", name="Your reply")).to_be_visible()
    assert len(page.context.pages) == 2 and page.url == framed


def test_paper_shows_the_comments_and_no_forms(visit, do, site, article, connect):
    do(articles.change_site, site.slug, moderation="post")
    rae = Reader(connect(), site, "rae-reads-rae-reads-ra", "192.0.2.10", site.origins[0])
    rae.comments(article, "On paper", name="Rae")
    page = visit(color_scheme="dark")
    page.emulate_media(media="print")
    expect(page.get_by_text("On paper")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_widgets_fallback_leads_here(open_page, publisher, site, address, article):
    link = (
        f'<article-feedback site="{site.slug}" article="{KEY}"><a href="{address}">Did it help?</a></article-feedback>'
    )
    page = open_page(publisher.writes(site, tag=link), java_script_enabled=False)
    page.get_by_role("link", name="Did it help?").click()
    expect(page.get_by_role("heading", level=1, name=article.title)).to_be_visible()
