"""An article's figures narrowed by revision, reason and section; any two revisions compared; merged ones are one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from feedback import merging, outline, statistics, stats
from feedback.clock import rfc3339
from feedback.errors import Invalid
from feedback.models import Article, Tally
from feedback.revisions import see_revision
from feedback.stats import Asked, Period
from tests.conftest import NOON

LATER = NOON + timedelta(days=10)


@pytest.fixture
def figures(ask: Callable[..., Any], article: Article) -> Callable[..., Any]:
    """The article's figures as GET /stats answers them."""
    return lambda **asked: ask(stats.article, article, **asked).public()


@pytest.fixture
def merge(do: Callable[..., Any], article: Article) -> Callable[[str, str | None], None]:
    return lambda label, into: do(merging.merge, article.id, label, into)


def labels(figures: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(each["label"], each["yes"], each["no"]) for each in figures["revisions"]]


# Filters


@pytest.fixture
def edited(article: Article, cast: Callable[..., None]) -> None:
    """Two revisions with reasons and sections: “dose” and “unclear” are named on both."""
    cast(article, yes=6, no=1, revision="a")
    cast(article, no=2, revision="a", reason="unclear", section="dose")
    cast(article, no=3, revision="a", reason="outdated", section="risks")
    cast(article, yes=8, revision="b", at=LATER)
    cast(article, no=1, revision="b", reason="unclear", section="dose", at=LATER)
    cast(article, no=1, revision="b", section="risks", at=LATER + timedelta(days=1))


def test_a_revision_narrows_votes_share_reasons_sections_and_series(figures, edited):
    found = figures(asked=Asked(revision="b"))
    assert found["votes"]["total"] == 10
    assert found["helpful"]["share"] == 0.8
    assert found["reasons"] == {"unclear": 1}
    assert [(each["id"], each["no"]) for each in found["sections"]] == [("dose", 1), ("risks", 1)]
    assert [(bar["yes"], bar["no"]) for bar in found["series"]] == [(8, 1), (0, 1)]


def test_a_revision_leaves_revisions_and_their_comparison_whole(figures, edited):
    whole, narrowed = figures(), figures(asked=Asked(revision="b"))
    assert narrowed["revisions"] == whole["revisions"]
    assert narrowed["comparison"] == whole["comparison"]
    assert whole["comparison"] is not None


def test_a_reason_narrows_its_list_and_the_series_to_who_gave_it(figures, edited):
    whole, narrowed = figures(), figures(asked=Asked(reason="unclear"))
    assert narrowed["reasons"] == {"unclear": 3}
    assert narrowed["series"] == [
        {"day": "2026-05-04", "yes": 0, "no": 2},
        {"day": "2026-05-14", "yes": 0, "no": 1},
    ]
    assert (narrowed["votes"], narrowed["sections"]) == (whole["votes"], whole["sections"])


def test_a_section_narrows_its_list_and_the_series_to_who_pointed_at_it(figures, edited):
    narrowed = figures(asked=Asked(Period(start=LATER.date()), section="risks"))
    assert narrowed["sections"] == [{"id": "risks", "title": "Risks", "no": 1}]
    assert narrowed["series"] == [{"day": "2026-05-15", "yes": 0, "no": 1}]
    assert narrowed["reasons"] == {"unclear": 1}


def test_a_reason_and_a_section_together_narrow_their_lists_and_not_the_series(figures, edited):
    narrowed = figures(asked=Asked(reason="unclear", section="risks"))
    assert narrowed["reasons"] == {"unclear": 3}
    assert narrowed["sections"] == [{"id": "risks", "title": "Risks", "no": 4}]
    assert narrowed["series"] == figures()["series"]


def test_what_nobody_named_is_nothing(figures, edited):
    narrowed = figures(asked=Asked(reason="unsafe"))
    assert (narrowed["reasons"], narrowed["series"]) == ({}, [])
    assert figures(asked=Asked(section="dose' OR 1=1"))["sections"] == []


def test_an_asked_section_is_found_behind_any_number_of_others(figures, article, cast):
    for place in range(stats.figures.MOST_CODES):
        cast(article, no=2, section=f"made-up-{place}")
    cast(article, no=1, section="dose")
    assert "dose" not in [each["id"] for each in figures()["sections"]]
    assert figures(asked=Asked(section="dose"))["sections"] == [{"id": "dose", "title": "Dose", "no": 1}]


@pytest.mark.parametrize("label", ["never seen", "made up", "' OR 1=1 --"])
def test_a_revision_that_is_not_shown_cannot_be_asked_for(figures, article, cast, label):
    cast(article, yes=4, revision="made up")
    with pytest.raises(Invalid) as refusal:
        figures(asked=Asked(revision=label))
    assert list(refusal.value.errors) == ["revision"]


# The outline


def test_sections_stand_in_the_outline_with_its_titles_and_others_after_it(figures, ask, do, article, edited, cast):
    do(outline.replace, article.id, [("what", 2, "What it is"), ("dose", 3, "Dose, and who needs less")])
    assert figures()["sections"] == [
        {"id": "what", "title": "What it is", "no": 0},
        {"id": "dose", "title": "Dose, and who needs less", "no": 3},
        {"id": "risks", "title": "Risks", "no": 4},
    ]
    levels = [section.level for section in ask(stats.article, article).sections]
    assert levels == [2, 3, None]


def test_a_heading_of_the_outline_keeps_its_count_behind_any_number_of_others(figures, do, article, cast):
    for place in range(stats.figures.MOST_CODES):
        cast(article, no=2, section=f"made-up-{place}")
    cast(article, no=1, section="dose")
    do(outline.replace, article.id, [("dose", 2, "Dose")])
    assert figures()["sections"][0] == {"id": "dose", "title": "Dose", "no": 1}


def test_headings_are_nested_under_the_last_of_a_higher_rank():
    levels = [("a", 3), ("b", 2), ("c", 3), ("d", 4), ("e", 3), ("f", 2)]
    tree = stats.nested([stats.figures.SectionFigure(name, name, 0, level) for name, level in levels])

    def shape(branches: Any) -> Any:
        return [(branch.section.id, shape(branch.parts)) for branch in branches]

    assert shape(tree) == [("a", []), ("b", [("c", [("d", [])]), ("e", [])]), ("f", [])]


# Comparing any two


def test_any_two_revisions_are_compared_the_older_first(figures, article, cast):
    for place, (label, yes) in enumerate((("a", 45), ("b", 80), ("c", 60))):
        cast(article, yes=yes, no=100 - yes, revision=label, at=NOON + timedelta(days=place))
    usual, asked = figures()["comparison"], figures(pair=("a", "c"))["comparison"]
    assert (usual["from"], usual["to"]) == ("b", "c")
    assert (asked["from"], asked["to"], asked["verdict"]) == ("a", "c", "likely better")
    assert asked["probability"] == pytest.approx(0.98285, abs=5e-6)
    assert figures(pair=("c", "a"))["comparison"] == asked


def test_a_revision_without_votes_is_compared_with_nothing(figures, article, cast, do):
    cast(article, yes=5, revision="a")
    do(see_revision, article.id, "b", registered=True, now=LATER)
    assert figures(pair=("a", "b"))["comparison"] is None


@pytest.mark.parametrize(
    ("pair", "field"),
    [(("a", "a"), "with"), (("never", "a"), "compare"), (("a", "never"), "with"), (("a", ""), "with")],
)
def test_two_revisions_that_are_not_two_are_refused(figures, article, cast, pair, field):
    cast(article, yes=5, revision="a")
    with pytest.raises(Invalid) as refusal:
        figures(pair=pair)
    assert list(refusal.value.errors) == [field]


# Merging


def test_merged_revisions_count_as_one_and_the_tally_stays(figures, rows, article, edited, merge):
    before = figures()
    cells = rows(select(Tally.revision).order_by(Tally.revision, Tally.day))
    merge("a", "b")
    merged = figures()
    assert labels(merged) == [("b", 14, 8)]
    assert merged["revisions"][0]["first_seen"] == before["revisions"][0]["first_seen"]
    assert merged["comparison"] is None
    assert (merged["votes"], merged["series"]) == (before["votes"], before["series"])
    assert figures(asked=Asked(revision="b"))["votes"] == before["votes"]
    assert figures(asked=Asked(revision="a")) == figures(asked=Asked(revision="b"))
    assert rows(select(Tally.revision).order_by(Tally.revision, Tally.day)) == cells
    merge("a", None)
    assert figures() == before


def test_a_chain_of_merges_ends_in_one_revision_and_comes_apart_link_by_link(figures, article, cast, merge):
    for label in ("a", "b", "c"):
        cast(article, yes=5, revision=label)
    merge("a", "b")
    merge("b", "c")
    assert labels(figures()) == [("c", 15, 0)]
    merge("b", None)
    assert labels(figures()) == [("b", 10, 0), ("c", 5, 0)]


def test_few_votes_on_two_made_up_labels_are_shown_once_they_are_one(figures, article, cast, merge):
    cast(article, yes=3, revision="x")
    cast(article, yes=2, revision="y")
    assert labels(figures()) == []
    merge("x", "y")
    assert labels(figures()) == [("y", 5, 0)]


def test_the_drop_of_merged_revisions_is_judged_from_the_first_of_them(figures, article, cast, merge):
    cast(article, yes=80, no=20, revision="a")
    cast(article, yes=3, no=17, revision="b", at=NOON + timedelta(days=1))
    cast(article, yes=2, no=18, revision="c", at=NOON + timedelta(days=2))
    merge("b", "c")
    (alert,) = figures()["alerts"]
    assert (alert["revision"], alert["yes"], alert["votes"]) == ("c", 5, 40)
    assert alert["baseline"] == {"yes": 80, "votes": 100, "low": statistics.wilson(80, 100).low}


def test_a_page_that_went_back_to_an_earlier_text_begins_anew_with_it(figures, article, cast, merge):
    cast(article, yes=80, no=20, revision="a")
    cast(article, yes=10, no=20, revision="b", at=NOON + timedelta(days=1))
    cast(article, yes=16, no=4, revision="c", at=NOON + timedelta(days=2))
    merge("c", "a")
    found = figures()
    assert labels(found) == [("b", 10, 20), ("a", 96, 24)]
    assert (found["comparison"]["from"], found["comparison"]["to"]) == ("b", "a")
    assert found["comparison"]["verdict"] == "likely better"
    assert found["alerts"] == [], "what it was before does no worse any more"
    assert found["revisions"][1]["first_seen"] == rfc3339(NOON)
    assert found["revisions"][1]["merged"] == ["c"]


def test_what_an_earlier_text_had_before_is_no_evidence_since_the_page_went_back(figures, article, cast, merge):
    cast(article, yes=80, no=20, revision="a")
    cast(article, yes=390, no=10, revision="b", at=NOON + timedelta(days=1))
    cast(article, yes=1, revision="c", at=NOON + timedelta(days=2))
    merge("c", "a")
    found = figures()
    assert labels(found)[-1] == ("a", 81, 20)
    assert found["alerts"] == [], "one Yes since then is no drop"
    cast(article, yes=2, no=18, revision="c", at=NOON + timedelta(days=2))
    (alert,) = figures()["alerts"]
    assert (alert["revision"], alert["yes"], alert["votes"]) == ("a", 3, 21)


def test_a_text_that_nobody_has_voted_on_yet_hides_no_alert(figures, article, cast, merge, do):
    cast(article, yes=80, no=20, revision="a")
    cast(article, yes=3, no=17, revision="b", at=NOON + timedelta(days=1))
    do(see_revision, article.id, "c", registered=True, now=NOON + timedelta(days=2))
    merge("c", "a")
    assert [alert["revision"] for alert in figures()["alerts"]] == ["b"]


def test_a_note_names_the_revision_that_its_own_is_counted_with(ask, article, cast, merge):
    cast(article, no=5, revision="a", note="The dose is missing.")
    cast(article, yes=5, revision="b")
    merge("a", "b")
    assert {note.revision for note in ask(stats.notes, article).items} == {"b"}


# Over HTTP


def test_the_api_narrows_and_compares(ann, article, edited):
    found = ann.gets("/stats", article=article.key, revision="b", reason="unclear").json
    assert found["votes"]["total"] == 10
    assert found["series"] == [{"day": "2026-05-14", "yes": 0, "no": 1}]
    compared = ann.gets("/stats", article=article.key, compare="b", **{"with": "a"}).json["comparison"]
    assert (compared["from"], compared["to"]) == ("a", "b")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"revision": "never seen"}, "revision"),
        ({"revision": "a" * 65}, "revision"),
        ({"reason": "x" * 65}, "reason"),
        ({"section": "x" * 256}, "section"),
        ({"compare": "a"}, "with"),
        ({"with": "a"}, "compare"),
        ({"compare": "a", "with": "a"}, "with"),
        ({"compare": "a", "with": "never seen"}, "with"),
    ],
)
def test_the_api_refuses_by_name_what_it_cannot_narrow_by(ann, article, edited, query, field):
    answer = ann.gets("/stats", article=article.key, **query)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
