"""Filters, comparison and revisions on an article's page: the address says what is shown, and all can be taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, merging, outline
from feedback.db import db
from feedback.models import Article, Change, Revision, Role
from feedback.policy import Policy
from feedback.revisions import see_revision
from tests.cast import CSRF, KEY, rows_of
from tests.conftest import NOON
from tests.test_authors import page, text_of

LATER = NOON + timedelta(days=10)


@pytest.fixture
def edited(article: Article, cast: Callable[..., None]) -> Article:
    """Two dated revisions with reasons, sections and a note."""
    cast(article, yes=14, no=2, revision="2026-05-01", reason="")
    cast(article, no=4, revision="2026-05-01", reason="unclear", section="dose")
    cast(article, no=3, revision="2026-05-01", reason="outdated", section="side-effects-and-cautions")
    cast(article, yes=20, revision="2026-05-14", at=LATER)
    cast(article, no=1, revision="2026-05-14", reason="unclear", note="How much a day?", at=LATER)
    return article


def posts(client: Any, site: str, path: str, *, article: str = KEY, **fields: str) -> Any:
    """Send a form of the article's page, as a browser does after it was shown."""
    token = CSRF.search(client.get("/account/").text)
    assert token, "no form to take the token from"
    return client.post(
        f"/articles/{site}{path}",
        query_string={"article": article, **({"label": fields.pop("about")} if "about" in fields else {})},
        data={"csrf_token": token[1], **fields},
        headers={"Referer": "http://localhost/"},
    )


def options(answer: Any, name: str) -> list[tuple[str, bool]]:
    """The values a select of the page offers, each with whether it is the chosen one."""
    found = re.search(rf'<select name="{name}"[^>]*>(.*?)</select>', answer.text, flags=re.S)
    assert found, f"no select {name}"
    return [(unescape(value), bool(chosen)) for value, chosen in re.findall(r'value="(.*?)"( selected)?', found[1])]


def csv_of(client: Any, site: str) -> Any:
    return client.get(f"/articles/{site}/figures.csv", query_string={"article": KEY}, buffered=True)


def test_the_json_is_what_the_api_answers_with_all_notes(ann, edited, do):
    do(outline.replace, edited.id, [("dose", 2, "How much to take")])
    query = {"article": KEY, "revision": "2026-05-01", "from": "2026-05-01", "by": "week"}
    client = ann.signs_in()
    told = client.get(f"/articles/{ann.site.slug}/figures.json", query_string=query).json
    notes = told.pop("notes")
    assert told == ann.gets("/stats", **query).json and told["votes"]["total"] == 23
    assert notes == []
    more = {"article": KEY, "q": "much a day"}
    told = client.get(f"/articles/{ann.site.slug}/figures.json", query_string=more).json
    assert [note["note"] for note in told["notes"]] == ["How much a day?"]
    wrong = client.get(f"/articles/{ann.site.slug}/figures.json", query_string={"article": KEY, "by": "x"})
    assert wrong.status_code == 422


def test_a_note_names_its_section_as_the_page_does(ann, edited, cast, do):
    do(outline.replace, edited.id, [("dose", 2, "How much to take")])
    cast(edited, no=1, section="dose", note="In mg, please.", at=LATER)
    assert "No · How much to take · " in text_of(page(ann.signs_in(), ann.site.slug))


# Filters


def test_a_revision_in_the_address_narrows_the_page(ann, edited):
    answer = page(ann.signs_in(), ann.site.slug, revision="2026-05-14")
    words = text_of(answer)
    assert "Revision 14 May: 95 % of the 21 readers who voted found this helpful" in words
    assert "1 of the 1 reader who said No gave a reason" in words
    assert options(answer, "revision") == [("", False), ("2026-05-14", True), ("2026-05-01", False)]


def test_a_reason_or_section_narrows_the_chart_and_says_so(ann, edited):
    client = ann.signs_in()
    by_reason = text_of(page(client, ann.site.slug, reason="unclear"))
    assert "Only readers who said No and gave the reason “Hard to understand”." in by_reason
    assert "0 Yes and 5 No from" in by_reason
    assert "5 of the 10 readers who said No gave this reason" in by_reason
    by_section = text_of(page(client, ann.site.slug, section="dose"))
    assert "Only readers who said No and pointed at “Dose”." in by_section
    assert "0 Yes and 4 No from" in by_section
    assert "Side effects and cautions" not in by_section.partition("Where it failed them")[2].partition("Before and")[0]
    both = text_of(page(client, ann.site.slug, section="dose", reason="unclear"))
    assert "34 Yes and 10 No from" in both
    assert "votes are counted by reason and by section, but not by both at once" in both


def test_every_filter_stays_in_the_links_and_forms_of_the_page(ann, edited):
    query = {"revision": "2026-05-01", "reason": "unclear", "compare": "2026-05-01", "with": "2026-05-14"}
    answer = page(ann.signs_in(), ann.site.slug, **query)
    assert answer.status_code == 200
    download = re.search(r'href="([^"]*figures\.csv[^"]*)"', answer.text)
    assert download and all(f"{name}={value}" in unescape(download[1]) for name, value in query.items())
    for name in ("compare", "with"):
        assert f'<input type="hidden" name="{name}" value="{query[name]}">' in answer.text
    for name in ("revision", "reason"):
        assert f'<input type="hidden" name="{name}" value="{query[name]}">' in answer.text


def test_the_unnamed_revision_can_be_asked_for(ann, article, cast):
    cast(article, yes=5)
    cast(article, yes=5, revision="2026-05-14", at=LATER)
    answer = page(ann.signs_in(), ann.site.slug, revision=" ")
    assert "The unnamed version: early: 100 % of the 5 readers who voted" in text_of(answer)
    assert (" ", True) in options(answer, "revision")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"revision": "never seen"}, "Revision: There is no such revision of this article"),
        ({"revision": "x" * 65}, "Revision: This is too long"),
        ({"section": "x" * 256}, "Section: This is too long"),
        ({"compare": "2026-05-01"}, "Name two revisions to compare."),
        ({"compare": "2026-05-01", "with": "2026-05-01"}, "Choose two different revisions."),
        ({"compare": "2026-05-01", "with": "<b>"}, "There is no such revision of this article"),
    ],
)
def test_a_filter_that_means_nothing_here_is_named_beside_the_whole_figures(ann, edited, query, told):
    answer = page(ann.signs_in(), ann.site.slug, **query)
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert "77 % of the 44 readers who voted" in text_of(answer)
    assert "<b>" not in answer.text


def test_the_csv_holds_what_the_page_shows(ann, edited):
    client = ann.signs_in()
    query = {"article": KEY, "revision": "2026-05-01", "section": "dose"}
    found = rows_of(client.get(f"/articles/{ann.site.slug}/figures.csv", query_string=query, buffered=True))
    assert [(row["yes"], row["no"]) for row in found if row["figure"] == "article"] == [("14", "9")]
    assert [(row["code"], row["no"]) for row in found if row["figure"] == "section"] == [("dose", "4")]
    assert [row["no"] for row in found if row["figure"] == "votes"] == ["4"]
    (compared,) = [row for row in found if row["figure"] == "comparison"]
    assert (compared["code"], compared["revision"]) == ("2026-05-01", "2026-05-14")
    refused = client.get(f"/articles/{ann.site.slug}/figures.csv", query_string={**query, "revision": "never seen"})
    assert refused.status_code == 422


def test_the_csv_tells_no_difference_between_two_handfuls(ann, article, cast, do):
    for label in ("a", "b"):
        do(see_revision, article.id, label, registered=True, now=LATER)
    cast(article, yes=1, revision="a")
    cast(article, yes=1, no=1, revision="b", at=LATER)
    (compared,) = [row for row in rows_of(csv_of(ann.signs_in(), ann.site.slug)) if row["figure"] == "comparison"]
    assert compared["text"].startswith("not enough votes to tell")
    assert [compared[name] for name in ("share", "low", "high", "title")] == [""] * 4


def test_the_csv_holds_the_alert_in_words(ann, article, cast):
    cast(article, yes=80, no=20, revision="a")
    cast(article, yes=3, no=17, revision="b", at=LATER)
    path, query = f"/articles/{ann.site.slug}/figures.csv", {"article": KEY}
    found = rows_of(ann.signs_in().get(path, query_string=query, buffered=True))
    (alert,) = [row for row in found if row["figure"] == "alert"]
    assert alert["revision"] == "b"
    assert "3 of the 20 readers who voted found this helpful" in alert["text"]


def test_the_csv_holds_what_readers_are_told_and_what_is_set_aside(ann, article, do, cast):
    do(lambda: articles.announce(db.session.merge(article), "The dose stands first.", date(2026, 5, 3)))
    cast(article, yes=Policy().quarantine_limit + 3, network=b"n" * 32)
    client = ann.signs_in()
    found = rows_of(csv_of(client, ann.site.slug))
    (aside,) = [row for row in found if row["figure"] == "set aside"]
    assert aside["text"] == "3 votes"
    assert "3 more votes were set aside" in text_of(page(client, ann.site.slug))
    (told,) = [row for row in found if row["figure"] == "announcement"]
    assert (told["day"], told["text"]) == ("2026-05-03", "The dose stands first.")
    assert "readers find: “The dose stands first.” (3 May)" in text_of(page(client, ann.site.slug))


def test_the_csv_holds_the_comments_below_the_article(ann, mo, rae, article):
    sent = [rae.comments(article, f"comment {number}", name="Rae").json["comment"]["id"] for number in range(9)]
    for comment, action in zip(sent, ["approve"] * 6 + ["reject", "spam"], strict=False):
        assert mo.posts("/decisions", comment=comment, version=1, action=action).status_code == 200
    client = ann.signs_in()
    found = rows_of(csv_of(client, ann.site.slug))
    counts = {row["code"]: row["text"] for row in found if row["figure"] == "comments"}
    assert counts == {
        "approved": "6", "pending": "1", "rejected": "1", "spam": "1", "withdrawn": "0", "flagged": "0"
    }  # fmt: skip
    listed = [(row["day"], row["title"], row["text"]) for row in found if row["figure"] == "comment"]
    assert listed == [("2026-05-04", "Rae", f"comment {number}") for number in (5, 4, 3, 2, 1)]
    below = text_of(page(client, ann.site.slug)).partition(" Comments The newest of 6 published comments.")[2]
    assert re.findall(r"comment \d Rae · 4 May", below) == [
        f"comment {number} Rae · 4 May" for number in (5, 4, 3, 2, 1)
    ]
    assert "Not on the page, or in question: 1 waiting, 1 rejected, 1 spam." in below


def test_the_csv_holds_what_is_counted_with_a_revision(ann, edited, cast):
    cast(edited, yes=10, revision="2026-05-20", at=LATER + timedelta(days=6))
    client = ann.signs_in()
    for label in ("2026-05-01", "2026-05-14"):
        posts(client, ann.site.slug, "/merge", revision=label, into="2026-05-20")
    (kept,) = [row for row in rows_of(csv_of(client, ann.site.slug)) if row["figure"] == "revision"]
    assert (kept["revision"], kept["title"]) == ("2026-05-20", "with 2026-05-14, 2026-05-01")
    assert (kept["yes"], kept["no"]) == ("44", "10")
    shown = text_of(page(client, ann.site.slug))
    assert "with 2026-05-14 Count by itself with 2026-05-01 Count by itself" in shown


# The outline and the chart


def test_sections_are_shown_in_the_outline_of_the_page(ann, do, edited):
    headings = [("what", 2, "What it is & does"), ("dose", 3, "Dose, and who needs less"), ("end", 2, "Stopping")]
    do(outline.replace, edited.id, headings)
    answer = page(ann.signs_in(), ann.site.slug)
    sections = answer.text.partition("Where it failed them")[2].partition("Before and after")[0]
    assert re.search(
        r'<ol class="outline">.*What it is &amp; does.*<ol>.*Dose, and who.*</ol>.*Stopping.*</ol>', sections, re.S
    )
    words = text_of(answer).partition("Where it failed them")[2]
    assert (
        words.index("Stopping 0")
        < words.index("Not in the page as last read")
        < words.index("Side effects and cautions 3")
    )


def test_marks_in_the_chart_carry_what_changed(ann, do, edited):
    do(see_revision, edited.id, "2026-05-14", registered=True, note="A table of doses & times.", now=LATER)
    answer = page(ann.signs_in(), ann.site.slug)
    assert "<title>Revision: 14 May. A table of doses &amp; times.</title>" in answer.text
    table = text_of(answer).partition("Revisions that began in this time")[2].partition("What does this mean?")[0]
    assert "14 May 14 May A table of doses & times." in table
    assert "1 May nobody said" in table


# Comparing


def test_two_revisions_are_chosen_and_compared(ann, edited, cast):
    cast(edited, yes=10, no=20, revision="2026-05-20", at=LATER + timedelta(days=6))
    client = ann.signs_in()
    usual = page(client, ann.site.slug)
    assert "Before: 14 May" in text_of(usual) and "After: 20 May" in text_of(usual)
    chosen = page(client, ann.site.slug, compare="2026-05-20", **{"with": "2026-05-01"})
    assert "Two revisions compared" in text_of(chosen)
    assert "Before: 1 May" in text_of(chosen) and "After: 20 May" in text_of(chosen)
    assert "Likely worse." in text_of(chosen).partition("Two revisions compared")[2]
    # What the last edit did is still what the first sentence tells.
    assert text_of(usual).partition("Votes over time")[0] == text_of(chosen).partition("Votes over time")[0]


# Counting two as one


def test_an_author_counts_two_revisions_as_one_and_takes_it_back(ann, edited, ask):
    client = ann.signs_in()
    answer = posts(client, ann.site.slug, "/merge", revision="2026-05-01", into="2026-05-14")
    assert answer.status_code == 303
    shown = client.get(answer.location)
    assert "You counted the revision 2026-05-01 with 2026-05-14" in text_of(shown)
    assert "with 2026-05-01 Count by itself" in text_of(shown)
    assert "There is nothing to compare yet" in text_of(shown)
    undo = re.search(r'action="([^"]*/undo)"', shown.text)
    token = CSRF.search(shown.text)
    assert undo and token
    client.post(undo[1], data={"csrf_token": token[1]}, headers={"Referer": "http://localhost/"})
    assert ask(merging.roots, edited.id) == {}
    assert "Before: 1 May" in text_of(page(client, ann.site.slug))


def test_a_merged_revision_is_counted_by_itself_again(ann, rex, edited, ask):
    assert posts(ann.signs_in(), ann.site.slug, "/merge", revision="2026-05-01", into="2026-05-14").status_code == 303
    assert posts(rex.signs_in(), ann.site.slug, "/merge", revision="2026-05-01").status_code == 303
    assert ask(merging.roots, edited.id) == {}


def test_the_unnamed_revision_is_merged_too(ann, article, cast, ask):
    cast(article, yes=5)
    cast(article, yes=5, revision="b")
    assert posts(ann.signs_in(), ann.site.slug, "/merge", revision=" ", into="b").status_code == 303
    assert ask(merging.roots, article.id) == {"": "b"}
    assert posts(ann.signs_in(), ann.site.slug, "/merge", revision=" ", into="").status_code == 303
    assert ask(merging.roots, article.id) == {}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"revision": "2026-05-01", "into": "2026-05-01"}, 422),
        ({"revision": "2026-05-01", "into": "never seen"}, 404),
        ({"revision": "never seen", "into": "2026-05-01"}, 404),
        ({"revision": "never seen"}, 404),
        ({"revision": "", "into": "2026-05-01"}, 422),
        ({"into": "2026-05-01"}, 422),
        ({"revision": "2026-05-01", "into": "x" * 65}, 422),
        ({}, 422),
    ],
)
def test_what_cannot_be_merged_is_refused(ann, edited, ask, fields, status):
    assert posts(ann.signs_in(), ann.site.slug, "/merge", **fields).status_code == status
    assert ask(merging.roots, edited.id) == {}


def test_a_circle_is_refused_beside_the_form(ann, edited, ask):
    client = ann.signs_in()
    posts(client, ann.site.slug, "/merge", revision="2026-05-01", into="2026-05-14")
    answer = posts(client, ann.site.slug, "/merge", revision="2026-05-14", into="2026-05-01")
    assert answer.status_code == 422
    assert "“2026-05-01” is counted with “2026-05-14” already." in text_of(answer)
    assert ask(merging.roots, edited.id) == {"2026-05-01": "2026-05-14"}


# Revisions of one's own


def test_an_author_adds_a_revision_with_what_changed(ann, edited, rows):
    client = ann.signs_in()
    answer = posts(client, ann.site.slug, "/revisions", label="2026-06-01", note="The dose stands first.")
    assert answer.status_code == 303
    shown = client.get(answer.location)
    assert "You added the revision 2026-06-01 of" in text_of(shown)
    assert "2026-06-01The dose stands first. Edit the note" in text_of(shown)
    assert rows(select(Change.who)) == [ann.name]


def test_a_revision_is_added_once_and_with_a_label(ann, edited, rows):
    client = ann.signs_in()
    assert posts(client, ann.site.slug, "/revisions", label="2026-06-01").status_code == 303
    again = posts(client, ann.site.slug, "/revisions", label="2026-06-01", note="Typed <once> more.")
    assert again.status_code == 422
    assert "There is a revision of this label already." in text_of(again)
    assert "Typed &lt;once&gt; more." in again.text
    for label in ("", "   ", "x" * 65):
        assert posts(client, ann.site.slug, "/revisions", label=label).status_code == 422
    assert posts(client, ann.site.slug, "/revisions", label="b", note="x" * 1_001).status_code == 422
    assert rows(select(Revision.label).where(Revision.registered)) == ["2026-06-01"]


def test_the_note_of_a_revision_is_edited_and_what_others_wrote_is_not_overwritten(ann, rex, edited, rows):
    notes = select(Revision.note).where(Revision.label == "2026-05-14")
    client = ann.signs_in()
    path = f"/articles/{ann.site.slug}/revision?article={KEY}&label=2026-05-14"
    seen = re.search(r'name="version" value="(\w+)"', client.get(path).text)
    assert seen
    said = {"about": "2026-05-14", "version": seen[1]}
    first = posts(rex.signs_in(), ann.site.slug, "/revision", note="Rex was first.", **said)
    assert first.status_code == 303
    late = posts(client, ann.site.slug, "/revision", note="Ann is late.", **said)
    assert late.status_code == 409
    assert "Rex was first." in late.text and "Ann is late." in late.text
    assert rows(notes) == ["Rex was first."]
    seen = re.search(r'name="version" value="(\w+)"', late.text)
    assert seen
    assert posts(client, ann.site.slug, "/revision", about="2026-05-14", note="", version=seen[1]).status_code == 303
    assert rows(notes) == [None]


def test_a_revision_that_is_not_known_has_no_note(ann, edited):
    client = ann.signs_in()
    where = f"/articles/{ann.site.slug}/revision"
    assert client.get(where, query_string={"article": KEY, "label": "never seen"}).status_code == 404
    assert client.get(where, query_string={"article": KEY}).status_code == 422
    assert posts(client, ann.site.slug, "/revision", about="never seen", note="?").status_code == 404


# Whose they are

FORMS = (
    ("/merge", {"revision": "2026-05-01", "into": "2026-05-14"}),
    ("/revisions", {"label": "2026-06-01"}),
    ("/revision", {"about": "2026-05-14", "note": "Not mine."}),
)


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_what_is_said_of_revisions_is_for_the_articles_own_people(ann, mo, ada, do, edited, ask, rows, path, fields):
    do(articles.register, ann.site.id, articles.Registration("foreign", "Foreign", "https://a.test/f"), now=NOON)
    assert posts(mo.signs_in(), ann.site.slug, path, **fields).status_code == 403
    client = ann.signs_in()
    assert posts(client, ann.site.slug, path, article="foreign", **fields).status_code == 403
    assert posts(client, ann.site.slug, path, article="nowhere", **fields).status_code == 404
    assert posts(client, "elsewhere", path, **fields).status_code == 404
    without_token = client.post(
        f"/articles/{ann.site.slug}{path}",
        query_string={"article": KEY, "label": "2026-05-14"},
        data=fields,
        headers={"Referer": "http://localhost/"},
    )
    assert without_token.status_code == 400
    assert rows(select(Change.id)) == []
    if path != "/revision":
        assert posts(ada.signs_in(), ann.site.slug, path, **fields).status_code == 303


def test_only_what_authors_change_is_undone_by_authors(ann, ada, edited, rows, ask):
    admin, author = ada.signs_in(), ann.signs_in()
    token = CSRF.search(admin.get("/account/").text)
    assert token
    admin.post(
        f"/admin/sites/{ann.site.slug}/article/comments",
        query_string={"article": KEY},
        data={"csrf_token": token[1], "accepts": "closed"},
        headers={"Referer": "http://localhost/"},
    )
    (closed,) = rows(select(Change.id))
    assert posts(author, ann.site.slug, f"/changes/{closed}/undo").status_code == 404
    assert posts(author, ann.site.slug, "/changes/00000000-0000-0000-0000-000000000000/undo").status_code == 404
    assert posts(author, ann.site.slug, "/changes/1/undo").status_code == 404
    assert rows(select(Article.accepts)) == ["closed"]


def test_another_authors_change_is_not_undone(app, ann, rex, edited, do, rows, ask):
    assert posts(ann.signs_in(), ann.site.slug, "/merge", revision="2026-05-01", into="2026-05-14").status_code == 303
    (merged,) = rows(select(Change.id))
    # Rex reviews this article; once he does not, he may no longer touch what was said of it.
    alone = articles.Registration(KEY, "T", "https://a.test/t", (articles.Byline("Ann", Role.AUTHOR, ann.email),))
    do(articles.register, ann.site.id, alone, now=NOON)
    assert posts(rex.signs_in(), ann.site.slug, f"/changes/{merged}/undo").status_code == 403
    assert ask(merging.roots, edited.id) == {"2026-05-01": "2026-05-14"}
