"""The second factor in a real browser: set up with a phone, asked for at sign-in, and the day the phone is gone."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from feedback import clock
from tests.browser.conftest import PHONE, axe, scrolls_sideways, shoot
from tests.test_second_factor import code_of

DESK = {"width": 1280, "height": 900}


def looks_right(page: Page, name: str) -> None:
    shoot(page, f"second-factor-{name}-{page.viewport_size['width']}")
    assert axe(page) == []
    assert not scrolls_sideways(page)


def gives(page: Page, code: str, button: str, password: str | None = None) -> None:
    page.get_by_label("Code", exact=True).fill(code)
    if password is not None:
        page.get_by_label("Present password").fill(password)
    page.get_by_role("button", name=button).click()


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_a_phone_is_set_up_asked_for_and_lost(sign_in, mo, problems, size, scheme):
    problems.expect("status of 422")
    look = {"viewport": size, "color_scheme": scheme}
    page = sign_in(mo, **look)
    page.locator("summary", has_text="Mo").click()
    page.get_by_role("link", name="Second factor").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    looks_right(page, "offer")
    key = page.locator(".key").inner_text()
    gives(page, "000000", "Turn it on", mo.password)
    expect(page.get_by_text("This code is not right")).to_be_visible()
    looks_right(page, "wrong")
    gives(page, code_of(key, clock.now()), "Turn it on", mo.password)
    expect(page.get_by_role("heading", name="Your second factor is on")).to_be_visible()
    looks_right(page, "codes")
    paper = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()

    page = sign_in(mo, **look)
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    looks_right(page, "step")
    # The code of the next step, which counts already: that of this one was used a moment ago.
    gives(page, code_of(key, clock.now() + timedelta(seconds=30)), "Sign in")
    expect(page.get_by_role("heading", name="Comments")).to_be_visible()

    page = sign_in(mo, **look)
    page.get_by_role("link", name="Use a recovery code").click()
    looks_right(page, "recovery")
    gives(page, paper[0], "Sign in")
    expect(page.get_by_text("You used a recovery code. 9 are left.")).to_be_visible()
    page.locator("summary", has_text="Mo").click()
    page.get_by_role("link", name="Second factor").click()
    looks_right(page, "on")
    gives(page, paper[1], "Turn it off", mo.password)
    expect(page.get_by_text("Your second factor is off.")).to_be_visible()
