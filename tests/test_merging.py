"""Revisions counted as one: chains end in one label, never in a circle, and every link can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from feedback import articles, catalogue, changes, merging
from feedback.changes import By, Kind, Subject
from feedback.errors import Invalid, Missing, Refused
from feedback.models import Article, Change
from feedback.revisions import see_revision
from feedback.staff import Actor
from tests.conftest import NOON

LATER = NOON + timedelta(days=10)


@pytest.fixture
def by(ada: Any, site: Any) -> By:
    return By(Actor(ada.name, ada.id), {site.id}, LATER)


@pytest.fixture
def merge(do: Callable[..., Any], article: Article, by: By) -> Callable[[str, str | None], Any]:
    """Count a revision of the article, which has a, b and c, with another one; with None by itself again."""
    for label in ("a", "b", "c"):
        do(see_revision, article.id, label, registered=True, now=NOON)

    def run(label: str, into: str | None) -> Change | None:
        subject = Subject(article.site_id, Kind.MERGE, {"article": article.key, "label": label})
        change: Change | None = do(changes.make, subject, into, by)
        return change

    return run


@pytest.fixture
def roots(ask: Callable[..., Any], article: Article) -> Callable[[], dict[str, str]]:
    return lambda: ask(merging.roots, article.id)


def test_a_chain_ends_in_one_label_and_comes_apart_link_by_link(merge, roots):
    merge("a", "b")
    merge("b", "c")
    assert roots() == {"a": "c", "b": "c"}
    assert merging.members("b", roots()) == ["c", "a", "b"]
    merge("b", None)
    assert roots() == {"a": "b"}
    assert merging.members("c", roots()) == ["c"]


def test_a_revision_that_moves_on_closes_no_circle_either(merge, roots):
    merge("a", "c")
    merge("b", "a")
    with pytest.raises(Invalid):
        merge("a", "b")
    assert roots() == {"a": "c", "b": "c"}


@pytest.mark.parametrize("label", ["a", "b"])
def test_a_revision_is_never_counted_with_itself(merge, roots, label):
    merge("a", "b")
    with pytest.raises(Invalid):
        merge("b", label)
    assert roots() == {"a": "b"}


def test_a_longer_circle_is_refused_too(merge, roots):
    merge("a", "b")
    merge("b", "c")
    with pytest.raises(Invalid):
        merge("c", "a")
    assert roots() == {"a": "c", "b": "c"}


@pytest.mark.parametrize(("label", "into"), [("a", "never seen"), ("never seen", "a"), ("a", "' OR 1=1 --")])
def test_a_label_that_is_not_known_is_merged_with_nothing(merge, roots, label, into):
    with pytest.raises(Missing):
        merge(label, into)
    assert roots() == {}


def test_a_revision_of_another_article_is_merged_with_nothing(merge, roots, do, site):
    other = do(articles.register, site.id, articles.Registration("other", "Other", "https://a.test/o"), now=NOON)[0]
    do(see_revision, other.id, "elsewhere", registered=True, now=NOON)
    with pytest.raises(Missing):
        merge("a", "elsewhere")
    assert roots() == {}


def test_a_merge_is_undone_while_nothing_came_after_it(merge, roots, do, site, by):
    first = merge("a", "b")
    do(changes.undo, site.id, first.id, by)
    assert roots() == {}
    back = merge("b", "a")
    # What it led to no longer stands.
    with pytest.raises(Refused):
        do(changes.undo, site.id, first.id, by)
    assert roots() == {"b": "a"}
    do(changes.undo, site.id, back.id, by)
    assert roots() == {}


def test_undoing_never_closes_a_circle(merge, roots, do, site, by):
    merge("a", "b")
    apart = merge("a", None)
    merge("b", "a")
    with pytest.raises(Invalid):
        do(changes.undo, site.id, apart.id, by)
    assert roots() == {"b": "a"}


def test_a_change_says_which_revisions_were_merged(merge):
    assert merge("a", "b").what.startswith("counted the revision a with b in the figures of")
    assert merge("a", None).what.startswith("counted the revision a by itself again, no longer with b,")


def test_a_revision_that_others_are_counted_with_stays(merge, do, article):
    merge("a", "b")
    with pytest.raises(Refused):
        do(catalogue.drop_revision, article.id, "b")
    merge("a", None)
    do(catalogue.drop_revision, article.id, "b")


def test_only_so_many_revisions_are_merged(merge, roots, monkeypatch):
    monkeypatch.setattr(merging, "MOST_MERGED", 1)
    merge("a", "c")
    merge("a", "b")
    with pytest.raises(Invalid):
        merge("b", "c")
    assert roots() == {"a": "b"}
