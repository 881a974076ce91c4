"""The queue's pages without a script: what waits and why, deciding one by one and together, undoing, history."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, comments, staff, text
from feedback.db import db
from feedback.models import Comment, Decision, Role, State
from tests.cast import hire

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
QUEUE = "/moderation/"
FORM = re.compile(r'<form class="decide".*?</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Desk:
    """Somebody in the queue, with a browser that runs no script: reads cards, presses the buttons that are there."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def cards(self, query: str = "") -> list[str]:
        page = self.client.get(QUEUE + query)
        assert page.status_code == 200
        return re.findall(r'<article class="card item".*?</article>', page.text, re.DOTALL)

    def card(self, words: str, query: str = "") -> str:
        (found,) = [card for card in self.cards(query) if words in card]
        return found

    def presses(self, card: str, action: str, reason: str | None = None) -> Any:
        """Press a card's button and return the page it leads to."""
        form = FORM.search(card)
        assert form and f'value="{action}"' in form[0]
        fields = {name: unescape(value) for name, value in FIELD.findall(form[0])}
        return self.sends("/moderation/decide", fields | {"action": action} | ({"reason": reason} if reason else {}))

    def sends(self, path: str, fields: dict[str, Any]) -> Any:
        return self.client.post(path, data=fields, follow_redirects=True)

    def token(self) -> str:
        return str(re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/account/password").text)[1])

    def picks(self, cards: list[str], action: str, reason: str = "") -> Any:
        """Tick the boxes of these cards and press a button of the bar."""
        picks = [re.search(r'form="bulk" value="([^"]+)"', card)[1] for card in cards]
        fields = {"csrf_token": self.token(), "pick": picks, "action": action, "reason": reason, "back": QUEUE}
        return self.sends("/moderation/decide", fields)

    def undoes(self, page: Any) -> Any:
        """Press the Undo of the notice on a page."""
        form = re.search(r'<form method="post" action="/moderation/undo">.*?</form>', page.text, re.DOTALL)
        assert form, "the page offers no undo"
        return self.sends("/moderation/undo", {name: unescape(value) for name, value in FIELD.findall(form[0])})


@pytest.fixture
def desk(mo: Any) -> Desk:
    return Desk(mo.signs_in())


@pytest.fixture
def states(rows: Callable[..., list[Any]]) -> Callable[[], list[str]]:
    return lambda: [state.value for state in rows(select(Comment.state).order_by(Comment.created))]


@pytest.fixture
def three(rae: Any, article: Any, clock: Any) -> None:
    for body in ("The first remark.", "The second remark.", "The third remark."):
        assert rae.comments(article, body, name="Rae").status_code == 202
        clock.forward(minutes=1)


def told(page: Any) -> str:
    """The notices of a page as text."""
    found = re.search(r'<div class="messages".*?</div>\s*</div>', page.text, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>|\s+", " ", found[0])) if found else ""


def test_an_empty_queue_says_so_kindly(desk, article):
    page = desk.client.get(QUEUE).text
    assert "Nothing waits. Thank you!" in page
    assert "Spam <span" in page


def test_a_waiting_comment_stands_there_with_its_context(desk, rae, article, clock):
    rae.comments(article, "Ask *your doctor* https://a.example https://b.example https://c.example", name="Rae")
    clock.forward(hours=3)
    card = desk.card("Ask")
    assert "Rae</h2>" in card
    assert article.title in card and article.url in card
    assert "3 hours ago" in card
    assert "first comment of this reader, contains 3 links" in card
    assert "<em>your doctor</em>" in card
    assert "Ask *your doctor*" in card
    assert "Nothing else of this reader was decided on yet" in card


def test_a_reply_shows_what_it_answers(desk, rae, stan, article):
    parent = rae.comments(article, "Does it make you sleepy?", name="Rae").json["comment"]["id"]
    desk.presses(desk.card("sleepy"), "approve")
    stan.comments(article, "It did, for a week.", name="Stan", parent=parent)
    assert "In reply to <bdi>Rae</bdi>: <bdi>Does it make you sleepy?</bdi>" in desk.card("for a week")


def test_what_a_reader_did_before_is_on_the_card(desk, rae, article, three):
    desk.presses(desk.card("first remark"), "approve")
    desk.presses(desk.card("second remark"), "reject")
    assert "This reader so far: 1 approved, 1 rejected" in desk.card("third remark")


@pytest.mark.parametrize(("action", "state"), [("approve", "approved"), ("reject", "rejected"), ("spam", "spam")])
def test_one_button_decides(desk, three, states, rows, action, state):
    page = desk.presses(desk.card("second remark"), action)
    assert states() == ["pending", state, "pending"]
    assert "The comment is" in told(page) and "second remark" not in desk.client.get(QUEUE).text
    (row,) = rows(select(Decision))
    assert (row.who, row.action, row.from_state, row.to_state) == ("Mo", action, State.PENDING, State(state))


def test_an_approved_comment_is_on_the_article_page(desk, rae, article, three):
    desk.presses(desk.card("second remark"), "approve")
    (item,) = rae.reads(article).json["comments"]["items"]
    assert "The second remark." in item["html"]


def test_a_decision_leads_on_to_the_next_comment(desk, three):
    cards = desk.cards()
    following = re.search(r'id="(c-[^"]+)"', cards[1])[1]
    fields = {name: unescape(value) for name, value in FIELD.findall(FORM.search(cards[0])[0])}
    answer = desk.client.post("/moderation/decide", data=fields | {"action": "approve"})
    assert answer.headers["Location"] == f"/moderation/#{following}"


def test_a_rejection_keeps_its_reason(desk, three, rows):
    desk.presses(desk.card("first remark"), "reject", "Personal details")
    (row,) = rows(select(Decision))
    assert row.reason == "Personal details"
    assert "rejected it: Personal details" in desk.client.get("/moderation/decisions").text


def test_several_are_decided_at_once(desk, three, states, rows):
    page = desk.picks(desk.cards()[:2], "spam", "Advertising")
    assert states() == ["spam", "spam", "pending"]
    assert "2 comments are marked as spam." in told(page)
    assert [row.reason for row in rows(select(Decision))] == ["Advertising", "Advertising"]


def test_several_are_all_or_none(desk, three, states, rows):
    cards = desk.cards()
    desk.presses(cards[1], "approve")
    page = desk.picks(cards, "reject")
    assert states() == ["pending", "approved", "pending"]
    assert "Nothing was changed" in told(page) and "approved, by Mo" in told(page)
    assert len(rows(select(Decision))) == 1


def test_two_hundred_are_the_most(desk, do, site, article, clock, rows):
    def many() -> None:
        for number in range(201):
            draft = comments.Draft(
                articles.Page(articles.site(site.slug), article.key),
                number.to_bytes(32),
                f"Remark {number}",
                text.comment_html(f"Remark {number}"),
                number.to_bytes(32),
            )
            comments.submit(draft, now=clock())

    do(many)
    cards = desk.cards("?limit=200") + [desk.cards("?sort=newest&limit=1")[0]]
    assert desk.picks(cards, "approve").status_code == 422
    assert not rows(select(Decision))
    assert desk.picks(cards[:200], "approve").status_code == 200
    assert len(rows(select(Decision))) == 200


def test_undo_takes_one_back(desk, three, states, rows):
    page = desk.presses(desk.card("first remark"), "approve")
    page = desk.undoes(page)
    assert "Undone. The comment is waiting." in told(page)
    assert states() == ["pending"] * 3
    assert sorted(row.action for row in rows(select(Decision))) == ["approve", "undo"]


def test_undo_takes_back_all_that_was_decided_together(desk, three, states, rows):
    desk.undoes(desk.picks(desk.cards(), "reject"))
    assert states() == ["pending"] * 3
    assert len(rows(select(Decision))) == 6


def test_undo_leads_back_to_the_comment(desk, three):
    card = desk.card("second remark")
    page = desk.presses(card, "approve")
    form = re.search(r'<form method="post" action="/moderation/undo">.*?</form>', page.text, re.DOTALL)[0]
    fields = {name: unescape(value) for name, value in FIELD.findall(form)}
    answer = desk.client.post("/moderation/undo", data=fields)
    assert answer.headers["Location"].endswith("#" + re.search(r'id="(c-[^"]+)"', card)[1])


def test_undo_changes_nothing_when_something_happened_since(desk, ada, three, states):
    page = desk.presses(desk.card("first remark"), "approve")
    hers = Desk(ada.signs_in())
    hers.presses(hers.card("first remark", "?state=approved"), "spam")
    page = desk.undoes(page)
    assert states() == ["spam", "pending", "pending"]
    assert "marked as spam, by Ada" in told(page)


def test_nobody_undoes_what_another_decided_at_that_moment(desk, ada, three, states):
    page = desk.presses(desk.card("first remark"), "approve")
    at = re.search(r'name="at" value="([^"]+)"', page.text)[1]
    hers = Desk(ada.signs_in())
    answer = hers.sends("/moderation/undo", {"csrf_token": hers.token(), "at": at, "back": QUEUE})
    assert answer.status_code == 404
    assert states()[0] == "approved"


@pytest.mark.parametrize("at", ["", "yesterday", "2026-05-04T09:00:00", "0", "\x00"])
def test_a_moment_that_is_none_undoes_nothing(desk, three, at):
    assert desk.sends("/moderation/undo", {"csrf_token": desk.token(), "at": at}).status_code == 422


def test_a_stale_card_shows_what_happened_and_changes_nothing(desk, ada, three, states, rows):
    card = desk.card("first remark")
    hers = Desk(ada.signs_in())
    hers.presses(hers.card("first remark"), "reject")
    page = desk.presses(card, "approve")
    assert states() == ["rejected", "pending", "pending"]
    assert "Nothing was changed, because this happened meanwhile:" in told(page)
    assert "The comment is rejected, by Ada, just now." in told(page)
    assert len(rows(select(Decision))) == 1


def test_a_comment_withdrawn_meanwhile_stays_withdrawn(desk, rae, article, states):
    comment = rae.comments(article, "I should not have said so.").json["comment"]["id"]
    card = desk.card("not have said")
    assert rae.posts(f"/comments/{comment}/withdraw").status_code == 200
    assert "withdrawn, by its reader" in told(desk.presses(card, "approve"))
    assert states() == ["withdrawn"]
    assert not FORM.search(desk.card("not have said", "?state=all"))


@pytest.mark.parametrize("pick", ["", "nonsense", "nonsense 1", "x" * 43 + " 1", " 1", "a 0", "a -1", "a 9999999999"])
def test_a_choice_that_is_none_is_refused(desk, three, rows, pick):
    fields = {"csrf_token": desk.token(), "pick": pick, "action": "approve"}
    assert desk.sends("/moderation/decide", fields).status_code in (404, 422)
    assert not rows(select(Decision))


@pytest.mark.parametrize("fields", [{"action": "explode"}, {"action": ""}, {"action": "reject", "reason": "x" * 301}])
def test_an_action_that_is_none_is_refused(desk, three, rows, fields):
    pick = re.search(r'form="bulk" value="([^"]+)"', desk.cards()[0])[1]
    assert desk.sends("/moderation/decide", {"csrf_token": desk.token(), "pick": pick} | fields).status_code == 422
    assert not rows(select(Decision))


def test_nothing_chosen_is_said_so(desk, three):
    answer = desk.sends("/moderation/decide", {"csrf_token": desk.token(), "action": "approve"})
    assert answer.status_code == 422


def test_a_decision_leads_to_no_other_host(desk, three):
    pick = re.search(r'form="bulk" value="([^"]+)"', desk.cards()[0])[1]
    fields = {"csrf_token": desk.token(), "pick": pick, "action": "approve", "back": "//evil.example"}
    assert desk.client.post("/moderation/decide", data=fields).headers["Location"] == "/"


# Lists


def test_each_list_shows_its_own(desk, three):
    for card, action in zip(desk.cards(), ("approve", "reject", "spam"), strict=True):
        desk.presses(card, action)
    shown = {state: [bool(desk.cards(f"?state={state}")), len(desk.cards(f"?state={state}"))] for state in
             ("pending", "approved", "rejected", "spam", "all")}  # fmt: skip
    assert shown == {
        "pending": [False, 0],
        "approved": [True, 1],
        "rejected": [True, 1],
        "spam": [True, 1],
        "all": [True, 3],
    }


def test_tabs_carry_their_counts(desk, three):
    desk.presses(desk.card("first remark"), "approve")
    page = desk.client.get(QUEUE).text
    found = dict(re.findall(r'">(\w+) <span class="count">(\d+)</span>', page))
    assert found == {
        "Waiting": "2",
        "Flagged": "0",
        "Approved": "1",
        "Rejected": "0",
        "Spam": "0",
        "Withdrawn": "0",
        "All": "3",
    }


def test_an_approved_comment_can_go_back_to_waiting(desk, three, states):
    desk.presses(desk.card("first remark"), "approve")
    desk.presses(desk.card("first remark", "?state=approved"), "hold")
    assert states() == ["pending"] * 3


def test_the_order_is_oldest_first_or_newest(desk, three):
    oldest = [re.search("The (first|second|third)", card)[1] for card in desk.cards()]
    newest = [re.search("The (first|second|third)", card)[1] for card in desk.cards("?sort=newest")]
    assert oldest == newest[::-1] == ["first", "second", "third"]


def test_text_and_names_are_searched(desk, rae, stan, article):
    rae.comments(article, "Ibuprofen helped me.", name="Rae")
    stan.comments(article, "Nothing helped me.", name="Stan")
    assert len(desk.cards("?q=HELPED")) == 2
    assert len(desk.cards("?q=ibu")) == 1
    assert len(desk.cards("?q=stan")) == 1
    assert "No comment matches" in desk.client.get(QUEUE + "?q=100%25_sure").text


def test_a_reason_held_filters(desk, rae, article):
    rae.comments(article, "Call me at rae@example.org")
    rae.comments(article, "Nothing special.")
    assert len(desk.cards("?held=personal")) == 1
    assert len(desk.cards("?held=first_comment")) == 2


def test_an_article_filters_and_its_chip_takes_the_filter_away(desk, rae, article):
    rae.comments(article, "Here.")
    rae.comments("another-page", "There.")
    link = re.search(r'href="([^"]+)">only this article', desk.card("Here."))[1]
    page = desk.client.get(unescape(link)).text
    assert "Here." in page and "There." not in page
    assert re.search(r'class="chip" href="/moderation/">Article: ', page)


def test_a_site_filters_where_somebody_has_several(desk, mo, do, ask, rae, article, clock):
    other = do(articles.add_site, "other", origins=["http://other.test"], name="Other", now=clock())
    do(staff.join, ask(staff.find_user, mo.email), other, Role.MODERATOR)
    rae.comments(article, "On health.")
    replace(rae, site=other, origin=other.origins[0]).comments("page", "On the other.")
    assert len(desk.cards()) == 2
    assert ["On the other." in card for card in desk.cards("?site=other")] == [True]


def test_a_card_repeats_little_and_hides_no_field(desk, rae, article):
    # 200 of them are a page: each field in something closed would have a browser lay all of it out once more.
    rae.comments(article, "Short.")
    [card] = desk.cards()
    assert len(card) < 3_500
    assert card.count('name="csrf_token"') == 1
    assert not re.search(r"<details(?:(?!</details>).)*<(?:input|button)", card, re.DOTALL)


def test_pages_follow_each_other_without_gap_or_double(desk, stan, article, clock):
    for number in range(7):
        stan.comments(article, f"Remark number {number}.")
        clock.forward(minutes=1)
    seen, path = [], QUEUE + "?limit=3"
    while path:
        page = desk.client.get(path).text
        seen += re.findall(r"<p>Remark number (\d)", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = unescape(following[1]) if following else None
    assert seen == list("0123456")


def test_a_decision_on_a_later_page_stays_on_that_page(desk, three):
    page = desk.client.get(QUEUE + "?limit=1").text
    path = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    card = re.findall(r'<article class="card item".*?</article>', desk.client.get(path).text, re.DOTALL)[0]
    fields = {name: unescape(value) for name, value in FIELD.findall(FORM.search(card)[0])}
    answer = desk.client.post("/moderation/decide", data=fields | {"action": "approve"})
    assert answer.headers["Location"] == path


# History


def test_the_history_tells_who_did_what(desk, ada, three):
    card = desk.card("first remark")
    desk.presses(card, "approve")
    hers = Desk(ada.signs_in())
    hers.presses(hers.card("first remark", "?state=approved"), "reject", "Unkind")
    path = re.search(r'href="(/moderation/comments/[^"]+)"', card)[1]
    page = re.sub(r"<[^>]+>|\s+", " ", desk.client.get(path).text)
    history = re.sub(" +", " ", page[page.index("History") :])
    assert re.search(r"Sent by its reader .* Mo approved it .* Ada rejected it: Unkind .* Undo", history)


def test_the_last_decision_is_undone_from_the_history(desk, three, states):
    card = desk.card("first remark")
    desk.presses(card, "spam")
    path = re.search(r'href="(/moderation/comments/[^"]+)"', card)[1]
    page = desk.client.get(path).text
    form = re.search(r'<form method="post" action="(/moderation/decisions/[^"]+/undo)">(.*?)</form>', page, re.DOTALL)
    answer = desk.sends(form[1], dict(FIELD.findall(form[2])))
    assert states() == ["pending"] * 3
    assert "took the decision back: waiting again" in answer.text


def test_only_what_can_be_undone_offers_it(desk, rae, article, three):
    desk.presses(desk.card("first remark"), "approve")
    desk.presses(desk.card("first remark", "?state=approved"), "reject")
    page = desk.client.get("/moderation/decisions").text
    assert page.count("/undo") == 1


def test_a_decision_of_another_site_is_not_there(desk, do, app, connect, clock, password_hash, three):
    desk.presses(desk.card("first remark"), "approve")
    page = desk.client.get("/moderation/decisions").text
    other = do(articles.add_site, "other", origins=["http://other.test"], name="Other", now=clock())
    foreign = Desk(hire(app, connect, other, "Ada", Role.ADMINISTRATOR, password_hash).signs_in())
    undo = re.search(r'action="(/moderation/decisions/[^"]+/undo)"', page)[1]
    assert foreign.sends(undo, {"csrf_token": foreign.token()}).status_code == 404
    comment = re.search(r'href="(/moderation/comments/[^"]+)"', page)[1]
    assert foreign.client.get(comment).status_code == 404


def test_what_readers_write_is_never_markup_of_ours(desk, rae, article):
    name = 'Rae"><b>x</b>'
    rae.comments(article, "<script>alert(1)</script> & <img src=x onerror=alert(1)>", name=name)
    page = desk.client.get(QUEUE).text
    assert "<script>alert" not in page and "<img" not in page and "<b>x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;img" in page


# Filters, ageing, one moderator's history


def test_age_and_score_filter(desk, three, clock, do):
    clock.forward(hours=5)
    assert len(desk.cards("?older=5")) == 3 and desk.cards("?older=6") == []

    def score() -> None:
        row = db.session.execute(select(Comment).where(Comment.source.startswith("The second"))).scalar_one()
        row.score = 0.834

    do(score)
    (card,) = desk.cards("?score=80")
    assert "The second remark." in card and "Risk 83 %" in card
    assert desk.cards("?score=90") == []


@pytest.mark.parametrize("query", ["older=0", "older=x", "score=100", "score=-1", "state=erased", "sort=best"])
def test_a_filter_that_is_none_is_refused(desk, query):
    assert desk.client.get(f"{QUEUE}?{query}").status_code == 422


def test_what_waits_for_longer_than_promised_is_late(desk, three, clock, do, site):
    assert "Late" not in desk.card("first remark")
    do(articles.change_site, site.slug, promise_hours=2)
    clock.forward(hours=2)
    assert [">Late<" in card for card in desk.cards()] == [True, True, True]
    page = desk.client.get(QUEUE).text
    assert "promised within 2 hours" in page and "what is late" in page


def test_how_soon_decisions_come_is_said(desk, three, clock):
    assert "usually decided" not in desk.client.get(QUEUE).text
    clock.forward(hours=3)
    desk.presses(desk.card("first remark"), "approve")
    assert "usually decided after 3 hours" in desk.client.get(QUEUE).text


def test_the_record_leaves_the_comment_itself_out(desk, three):
    desk.presses(desk.card("first remark"), "approve")
    assert "Nothing else of this reader was decided on yet" in desk.card("first remark", "?state=approved")
    desk.presses(desk.card("second remark"), "reject")
    assert "0 approved, 1 rejected" in desk.card("first remark", "?state=approved")


def test_an_empty_queue_shows_the_days_work(desk, ada, three):
    desk.picks(desk.cards()[:2], "approve")
    hers = Desk(ada.signs_in())
    hers.presses(hers.card("third remark"), "reject")
    page = re.sub(r"<[^>]+>", "", desk.client.get(QUEUE).text)
    assert "Decided today: 2 by you, 3 by all." in page


def test_a_name_leads_to_all_that_somebody_decided(desk, ada, three):
    desk.presses(desk.card("first remark"), "approve")
    hers = Desk(ada.signs_in())
    hers.presses(hers.card("second remark"), "reject")
    page = desk.client.get("/moderation/decisions").text
    link = re.search(r'href="([^"]+who=[^"]+)">Ada<', page)[1]
    only = desk.client.get(unescape(link)).text
    assert "Decisions of Ada" in only and "The second remark." in only and "The first remark." not in only
    assert desk.client.get("/moderation/decisions?who=nobody").status_code == 404


# With a script


def test_a_script_is_answered_in_json(desk, three, ada):
    card = desk.card("first remark")
    fields = {name: unescape(value) for name, value in FIELD.findall(FORM.search(card)[0])}
    call = {"data": fields | {"action": "approve"}, "headers": {"Accept": "application/json"}}
    answer = desk.client.post("/moderation/decide", **call)
    assert answer.status_code == 200 and answer.json["undo"]
    assert list(answer.json["versions"].values()) == [2]
    stale = desk.client.post("/moderation/decide", **call)
    assert stale.status_code == 409
    (item,) = stale.json["stale"]
    assert item["state"] == "approved" and item["text"].startswith("The comment is approved, by Mo")
    undone = {"csrf_token": desk.token(), "at": answer.json["undo"]}
    back = desk.client.post("/moderation/undo", data=undone, headers={"Accept": "application/json"})
    assert list(back.json["versions"].values()) == [3]


# Beside deciding


def address(card: str) -> str:
    return str(re.search(r'href="(/moderation/comments/[^"?]+)"', card)[1])


def version(card: str) -> str:
    return str(re.search(r'name="pick" value="\S+ (\d+)"', card)[1])


def test_no_typed_text_is_lost_when_the_comment_changed(desk, three, states):
    card = desk.card("first remark")
    where = address(card)
    desk.presses(card, "reject")
    fields = {"csrf_token": desk.token(), "version": version(card), "body": "Please see the second section."}
    for part in ("edit", "reply"):
        answer = desk.sends(f"{where}/{part}", fields)
        assert answer.status_code == 409
        assert "this happened meanwhile" in answer.text
        assert ">\nPlease see the second section.</textarea>" in answer.text
        assert "The comment is rejected, by Mo" in answer.text


@pytest.mark.parametrize("body", ["", " ", "x" * 5_001])
def test_a_text_that_is_none_is_refused_and_kept(desk, three, body):
    card = desk.card("first remark")
    fields = {"csrf_token": desk.token(), "version": version(card), "body": body}
    assert desk.sends(f"{address(card)}/edit", fields).status_code == 422
    assert "The first remark." in desk.card("first remark")


def test_a_reader_is_banned_and_the_ban_lifted(desk, rae, article, three, states):
    fields = {"csrf_token": desk.token(), "kind": "reader", "days": "30", "why": "Insults others"}
    page = desk.sends(f"{address(desk.card('first remark'))}/ban", fields)
    assert "The reader is banned until" in told(page)
    rae.comments(article, "Again something.", name="Rae")
    assert states()[-1] == "spam"
    bans = desk.client.get("/moderation/blocklist").text
    assert "Insults others" in bans and "Mo, just now" in bans
    lift = re.search(r'action="(/moderation/blocklist/bans/[^"]+/lift)"', bans)[1]
    assert "The ban is lifted." in told(desk.sends(lift, {"csrf_token": desk.token()}))
    rae.comments(article, "And once more.", name="Rae")
    assert states()[-1] == "pending"


def test_a_network_is_banned_until_its_key_goes(desk, three):
    where = address(desk.card("first remark"))
    page = desk.client.get(where).text
    until = re.search(r"Until ([^,]+, [^,]+), about 48 hours at most", page)[1]
    fields = {"csrf_token": desk.token(), "kind": "network", "why": "A flood"}
    assert f"The network is banned until {until}" in told(desk.sends(f"{where}/ban", fields))


def test_a_ban_wants_a_reason(desk, three):
    fields = {"csrf_token": desk.token(), "kind": "reader", "days": "30", "why": ""}
    assert desk.sends(f"{address(desk.card('first remark'))}/ban", fields).status_code == 422


def test_a_word_is_watched_and_removed(desk, ada, article, stan, states):
    word = {"csrf_token": desk.token(), "kind": "word", "effect": "block", "pattern": "casino*", "why": "Advertising"}
    assert "“casino*” is blocked from now on." in told(desk.sends("/moderation/blocklist/words", word | {"days": "7"}))
    again = desk.sends("/moderation/blocklist/words", word | {"why": "A second time"})
    assert again.status_code == 409 and 'value="A second time"' in again.text
    stan.comments(article, "The best casinos of all.", name="Stan")
    assert states() == ["spam"]
    page = desk.client.get("/moderation/blocklist").text
    assert "Advertising" in page and "Mo, just now" in page
    remove = re.search(r'action="(/moderation/blocklist/words/[^"]+/remove)"', page)[1]
    desk.sends(remove, {"csrf_token": desk.token()})
    assert "casino" not in re.sub(r"<kbd>[^<]+</kbd>", "", desk.client.get("/moderation/blocklist").text)
    assert desk.sends(remove, {"csrf_token": desk.token()}).status_code == 404


def test_only_an_administrator_purges_and_is_asked_first(desk, ada, three, rows):
    where = address(desk.card("first remark"))
    assert "Erase this comment" not in desk.client.get(where).text
    fields = {"csrf_token": desk.token(), "version": "1"}
    assert desk.sends(f"{where}/purge", fields).status_code == 404
    hers = Desk(ada.signs_in())
    assert f'href="{where}/purge"' in hers.client.get(where).text
    assert "This cannot be undone." in hers.client.get(f"{where}/purge").text
    assert "first remark" in hers.client.get(where).text
    page = hers.sends(f"{where}/purge", fields | {"csrf_token": hers.token(), "reason": "Health data"})
    assert "erased for good" in told(page) and "first remark" not in page.text
    assert "Ada</a> erased it: Health data" in re.sub(r"\s+", " ", page.text)


@sqlite_only
def test_nothing_of_a_purged_text_stays_in_the_files(ada, three, tmp_path):
    files = list(tmp_path.glob("feedback.sqlite3*"))
    assert any(b"The first remark." in file.read_bytes() for file in files)
    hers = Desk(ada.signs_in())
    fields = {"csrf_token": hers.token(), "version": "1"}
    page = hers.sends(f"{address(hers.card('first remark'))}/purge", fields)
    assert "erased for good" in told(page)
    assert not [file.name for file in files if b"The first remark." in file.read_bytes()]


def test_marks_are_set_and_taken_back(desk, three):
    card = desk.card("first remark")
    fields = {"csrf_token": desk.token(), "back": address(card)}
    assert "Approve it first" in told(desk.sends(f"{address(card)}/mark", fields | {"mark": "pin"}))
    desk.presses(card, "approve")
    for mark, badge in (("pin", ">Pinned<"), ("close", ">Thread closed<")):
        assert badge in desk.sends(f"{address(card)}/mark", fields | {"mark": mark}).text
    for mark, badge in (("unpin", ">Pinned<"), ("reopen", ">Thread closed<")):
        assert badge not in desk.sends(f"{address(card)}/mark", fields | {"mark": mark}).text
    assert desk.sends(f"{address(card)}/mark", fields | {"mark": "explode"}).status_code == 422


# All that match


def begins(desk: Desk, action: str, query: str = "", **more: str) -> Any:
    page = desk.client.get(QUEUE + query).text
    form = re.search(r'<form method="post" action="/moderation/batches".*?</form>', page, re.DOTALL)[0]
    fields = {name: unescape(value) for name, value in FIELD.findall(form)}
    return desk.sends("/moderation/batches", fields | {"action": action} | more)


def test_all_that_match_are_decided_and_undone(desk, three, states, rae, article):
    rae.comments(article, "Something else.", name="Rae")
    page = begins(desk, "reject", "?q=remark", reason="A campaign")
    assert "3 comments rejected" in page.text and "A campaign" in page.text
    assert states() == ["rejected", "rejected", "rejected", "pending"]
    undo = re.search(r'action="(/moderation/batches/[^"]+/undo)"', page.text)[1]
    assert "Undone: 3 of 3" in desk.sends(undo, {"csrf_token": desk.token()}).text
    assert states() == ["pending"] * 4


def test_what_came_after_the_page_was_shown_is_left_alone(desk, three, states, rae, article, clock):
    page = desk.client.get(QUEUE).text
    fields = dict(
        FIELD.findall(re.search(r'<form method="post" action="/moderation/batches".*?</form>', page, re.DOTALL)[0])
    )
    clock.forward(minutes=1)
    rae.comments(article, "Nobody has seen this.", name="Rae")
    desk.sends("/moderation/batches", {name: unescape(value) for name, value in fields.items()} | {"action": "approve"})
    assert states() == ["approved", "approved", "approved", "pending"]


def test_a_batch_of_another_site_is_not_there(desk, do, app, connect, clock, password_hash, three):
    page = begins(desk, "spam")
    where = page.request.path
    other = do(articles.add_site, "other", origins=["http://other.test"], name="Other", now=clock())
    foreign = Desk(hire(app, connect, other, "Ada", Role.ADMINISTRATOR, password_hash).signs_in())
    assert desk.client.get(where).status_code == 200
    assert foreign.client.get(where).status_code == 404
    assert foreign.sends(f"{where}/undo", {"csrf_token": foreign.token()}).status_code == 404
