"""The goal of the queue: 300 comments decided by keyboard alone, while somebody else decides in the same queue.

Every state is read from the page, then held against the rows: each comment ends where it was sent, by one decision.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from feedback import articles, comments, text
from feedback.models import Comment, Decision, State

MANY = 300
OTHERS = 60
MINUTES = 15  # in which a moderator is to decide them; a third may go to the service and the browser
KEYS = {"a": "Approved", "r": "Rejected", "s": "Spam"}
STATES = {"a": State.APPROVED, "r": State.REJECTED, "s": State.SPAM}
NUMBER = re.compile(r"Remark number (\d+)\.")


@pytest.fixture
def waiting(do: Callable[..., Any], site: Any, article: Any, clock: Any) -> int:
    """Write so many comments, each by a reader of its own."""

    def write() -> None:
        for number in range(MANY):
            body = f"Remark number {number}."
            draft = comments.Draft(
                articles.Page(articles.site(site.slug), article.key),
                number.to_bytes(32),
                body,
                text.comment_html(body),
                number.to_bytes(32),
                name=f"Reader {number}",
            )
            comments.submit(draft, now=clock())

    do(write)
    return MANY


def key_for(number: int) -> str:
    """Which key a moderator presses on a comment: it depends on the comment alone."""
    return "arsa"[number % 4]


def shown(page: Page) -> int:
    """The number of the comment that the keys act on, read from the page."""
    return int(NUMBER.search(page.locator(".item.current .said").inner_text())[1])


def is_settled(page: Page) -> bool:
    return bool(page.locator(".empty").count())


def decide(page: Page, sent: dict[int, str]) -> None:
    """Read the comment that is shown, press its key, and see that another one is shown at once."""
    number = shown(page)
    assert number not in sent, f"the page shows comment {number} again"
    sent[number] = key_for(number)
    page.keyboard.press(sent[number])
    assert page.locator(f".item:has-text('Remark number {number}.')").count() == 0
    focused = page.evaluate("document.activeElement.matches('.item.current, .column-list, .empty')")
    assert focused, "the focus is lost"


def listed(page: Page, service: Any, state: str) -> set[int]:
    """Which comments a list shows, page after page, as a moderator sees it."""
    page.goto(f"{service.url}/moderation/?state={state}")
    found: set[int] = set()
    while True:
        found |= {int(number) for number in NUMBER.findall(" ".join(page.locator(".said").all_inner_texts()))}
        following = page.locator(".pager [rel=next]")
        if not following.count():
            return found
        following.click()
        page.wait_for_load_state()


def test_300_comments_are_decided_by_keyboard_while_another_decides_too(
    sign_in, service, mo, ada, site, rows, waiting, problems
):
    problems.expect("status of (409|503)")  # Decided by the other; or writers wait, and the page tries again.
    mine, hers = sign_in(mo), sign_in(ada)
    # She begins at the other end, so that they meet.
    hers.goto(f"{service.url}/moderation/?sort=newest")
    expect(mine.locator(".tabs [aria-current] .count")).to_have_text(str(MANY))
    by_me: dict[int, str] = {}
    by_her: dict[int, str] = {}
    began = time.monotonic()
    while not is_settled(mine):
        if not mine.locator(".item.current").count():
            mine.wait_for_selector(".item.current, .empty")
            continue
        decide(mine, by_me)
        if len(by_her) < OTHERS and len(by_me) % 4 == 0:
            decide(hers, by_her)
    expect(mine.get_by_role("heading", name="Nothing waits. Thank you!")).to_be_visible()
    assert time.monotonic() - began < MINUTES * 60 / 3
    # Where they met, the second one was told.
    assert set(by_me) & set(by_her)
    expect(mine.locator("#said")).to_contain_text("by Ada")
    assert len(by_her) == OTHERS and set(by_me) | set(by_her) == set(range(MANY))

    # As the page says.
    expected = {
        state: {number for number in range(MANY) if STATES[key_for(number)] is state} for state in STATES.values()
    }
    for state in STATES.values():
        assert listed(mine, service, state.value) == expected[state]
    mine.goto(f"{service.url}/moderation/")
    counts = {name: mine.locator(f".tabs [data-list={name}] .count").inner_text() for name in ("pending", "all")}
    assert counts == {"pending": "0", "all": str(MANY)}

    # As it is stored.
    stored = rows(select(Comment).where(Comment.site_id == site.id))
    assert {
        state: {int(NUMBER.search(row.source)[1]) for row in stored if row.state is state} for state in expected
    } == expected
    decisions = rows(select(Decision).where(Decision.site_id == site.id))
    assert Counter(row.comment_id for row in decisions) == {row.id: 1 for row in stored}
    who = Counter(row.who for row in decisions)
    assert who["Ada"] == OTHERS and who["Mo"] == MANY - OTHERS
