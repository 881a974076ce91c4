"""The bed itself: what the other browser tests rely on is really noticed."""

import pytest

from tests.browser.conftest import axe


@pytest.mark.parametrize(
    "head",
    ["<style>p { color: red }</style>", "<script>alert(1)</script>", "<script src='/x.js'></script>"],
)
def test_a_violated_policy_is_reported(open_page, publisher, site, problems, head):
    page = open_page(publisher.writes(site, head=head))
    page.wait_for_load_state("networkidle")
    assert any(each.startswith("policy:") for each in problems.left())
    problems.expect("")


def test_an_assignment_of_html_is_reported(open_page, page_url, problems):
    page = open_page(page_url)
    # Not through evaluate(), which the browser exempts from the policy.
    page.evaluate("setTimeout(() => { document.body.title = 'now'; document.body.innerHTML = '<p>' }, 0)")
    page.wait_for_function("document.body.title === 'now'")
    page.wait_for_load_state("networkidle")
    assert any("TrustedHTML" in each or "trusted-types" in each for each in problems.left())
    problems.expect("")


def test_axe_finds_what_is_wrong(open_page, publisher, site):
    page = open_page(publisher.writes(site, after="<button></button>"))
    assert any("button-name" in each for each in axe(page))


def test_axe_finds_targets_too_small_for_a_finger(open_page, publisher, site, problems):
    problems.expect("favicon.ico")
    small = "<style>p > button { width: 9px; height: 9px; padding: 0 }</style><p>" + 2 * "<button>a</button>"
    page = open_page(publisher.writes(site, after=small, policy=""))
    assert [each.partition(":")[0] for each in axe(page)] == ["target-size"] * 2


def test_two_pages_are_two_browsers(open_page, page_url):
    first, second = open_page(page_url), open_page(page_url)
    first.evaluate("localStorage.setItem('x', '1')")
    assert second.evaluate("localStorage.getItem('x')") is None
