"""What readers see, sentence by sentence: an administrator finds one, says it otherwise, and has ours back."""

from typing import Any

import pytest

from feedback import articles
from feedback.languages import ALL
from tests.cast import SLUG
from tests.plain import Browser

TEXTS = f"/admin/sites/{SLUG}/texts"


def address(name: str) -> str:
    return f"/admin/sites/{SLUG}/text/{name}"


@pytest.fixture
def desk(ada: Any) -> Browser:
    return Browser(ada.signs_in())


@pytest.fixture
def texts(ask: Any) -> Any:
    """Return the sentences that the site says its way."""
    return lambda: ask(articles.site, SLUG).policy.texts


def test_every_sentence_is_listed_and_found_by_its_words_and_name(desk):
    page = desk.opens(TEXTS)
    assert page.status == 200 and "Leave a comment" in page.text and "says.missing" in page.text
    for words in ("leave a COMM", "widget.write"):
        found = desk.opens(f"{TEXTS}?q={words}")
        assert "Leave a comment" in found.text and "says.missing" not in found.text
        assert "1 match" in found.text
    assert "No sentence matches" in desk.opens(f"{TEXTS}?q=zzzz").text


def test_a_sentence_is_said_otherwise_and_ours_again(desk, texts, rae, article):
    page = desk.presses(desk.opens(address("widget.write")), "Save", say_other="Ask a question")
    assert "You changed the sentences that readers see." in page.notices
    assert texts() == {"en": {"widget.write": "Ask a question"}}
    assert rae.reads(article).json["settings"]["texts"] == {"widget.write": "Ask a question"}
    assert "Changed" in page.text and "Ask a question" in desk.opens(f"{TEXTS}?q=widget.write").text
    desk.presses(desk.opens(address("more.share")), "Save", say_other="Pass it on")
    desk.presses(desk.opens(address("widget.write")), "Back to the original")
    assert texts() == {"en": {"more.share": "Pass it on"}}
    page = desk.presses(desk.opens(address("more.share")), "Save", say_other=ALL["en"].say("more.share"))
    assert texts() == {}
    desk.presses(page, "Undo")
    assert texts() == {"en": {"more.share": "Pass it on"}}


def test_the_sentences_are_those_of_the_sites_language(desk, do, texts):
    do(articles.change_site, SLUG, lang="pl", texts={"de": {"widget.write": "Fragen Sie uns"}})
    assert ALL["pl"].say("widget.write") in desk.opens(TEXTS).text
    page = desk.opens(address("widget.likes"))
    assert "such as 2, 3, 4" in page.text and "With fractions" in page.text
    desk.presses(page, "Save", say_one="{n} raz", say_few="{n} razy", say_many="{n} razy", say_other="{n} raza")
    own = {"one": "{n} raz", "few": "{n} razy", "many": "{n} razy", "other": "{n} raza"}
    assert texts() == {"de": {"widget.write": "Fragen Sie uns"}, "pl": {"widget.likes": own}}


def test_a_language_that_is_none_of_ours_has_no_sentences(desk, do):
    do(articles.change_site, SLUG, lang="ko")
    assert "in which we have no words yet" in desk.opens(TEXTS).text
    assert desk.opens(address("widget.write")).status == 404


@pytest.mark.parametrize(
    ("name", "said", "sentence"),
    [
        ("widget.write", "", "Readers would see nothing here."),
        ("widget.replyTo", "Answer", "{name} has to stand in it"),
        ("widget.write", "Hello {name}", "{name} cannot stand in it"),
        ("widget.write", "a" * 501, "at most 500 characters"),
    ],
)
def test_what_would_not_work_is_not_saved_and_comes_back(desk, texts, name, said, sentence):
    page = desk.presses(desk.opens(address(name)), "Save", say_other=said)
    assert page.status == 422 and sentence in page.text and "Nothing was saved" in page.notices
    assert said in page.html
    assert texts() == {}


def test_a_sentence_that_does_not_exist_is_not_there(desk):
    assert desk.opens(address("widget.nothing")).status == 404
    assert desk.opens(address("usual.question")).status == 404


def test_two_administrators_at_once_overwrite_nothing_unseen(desk, do, texts):
    page = desk.opens(address("widget.write"))
    do(articles.change_site, SLUG, texts={"en": {"more.share": "Pass it on"}})
    page = desk.presses(page, "Save", say_other="Ask a question")
    assert page.status == 409 and "Nothing was saved yet" in page.notices and "Ask a question" in page.html
    assert texts() == {"en": {"more.share": "Pass it on"}}
    desk.presses(page, "Save")
    assert texts() == {"en": {"more.share": "Pass it on", "widget.write": "Ask a question"}}


def test_the_settings_keep_the_sentences_and_drop_usual_words_of_another_language(desk, do, texts, ask):
    do(articles.change_site, SLUG, lang="de", texts={"de": {"widget.write": "Fragen Sie uns"}})
    page = desk.opens(f"/admin/sites/{SLUG}/settings")
    assert ALL["de"].groups["usual"]["question"] in page.html
    desk.presses(page, "Save", lang="fr")
    policy = ask(articles.site, SLUG).policy
    assert (policy.lang, policy.question) == ("fr", ALL["fr"].groups["usual"]["question"])
    assert policy.reasons[0].label == ALL["fr"].groups["usual"]["reasons"]["unclear"]
    assert texts() == {"de": {"widget.write": "Fragen Sie uns"}}
