"""Revisions that are counted as one: a label that is merged into another is read as that one.

What was counted stays under the label that readers' pages sent, so that taking a merge back leaves no trace.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select, update

from feedback.db import run
from feedback.errors import Invalid, Missing
from feedback.models import Revision

MOST_MERGED = 100  # revisions of one article: each is a branch in the query of every figure by revision


def roots(article_id: UUID) -> dict[str, str]:
    """Return under which label each merged revision of an article is counted, at the end of its chain."""
    links = _links(article_id)
    return {label: list(_chain(label, links))[-1] for label in links}


def _links(article_id: UUID) -> dict[str, str]:
    """Return the label that each merged revision was merged into."""
    merged = select(Revision.label, Revision.merged_into)
    rows = run(merged.where(Revision.article_id == article_id, Revision.merged_into.is_not(None)))
    return {row.label: row.merged_into for row in rows}


def _chain(label: str, links: dict[str, str]) -> Iterator[str]:
    """Walk from a label to the one that it is counted under."""
    yield label
    for _ in links:
        if label not in links:
            return
        label = links[label]
        yield label


def members(label: str, roots: dict[str, str]) -> list[str]:
    """Return the labels that are counted as one with this one, the one that they are counted under first."""
    root = roots.get(label, label)
    return [root, *(each for each, end in roots.items() if end == root)]


def merged_into(article_id: UUID, label: str) -> str | None:
    """Return the label that a revision was merged into; None where it was not, or is not known."""
    query = select(Revision.merged_into).where(Revision.article_id == article_id, Revision.label == label)
    found: str | None = run(query).scalar_one_or_none()
    return found


def merge(article_id: UUID, label: str, into: str | None) -> None:
    """Count a revision with another one of its article; with None by itself again.

    Raises Missing for a label that is not known, Invalid where the two are one already.
    """
    for each in (label, into):
        if each is not None and not _known(article_id, each):
            raise Missing(f"There is no revision “{each}” of this article.")
    if into is not None:
        _check(article_id, label, into)
    row = update(Revision).where(Revision.article_id == article_id, Revision.label == label)
    run(row.values(merged_into=into))


def _known(article_id: UUID, label: str) -> bool:
    query = select(Revision.label).where(Revision.article_id == article_id, Revision.label == label)
    return run(query).first() is not None


def _check(article_id: UUID, label: str, into: str) -> None:
    links = _links(article_id)
    if label == into:
        raise Invalid({"into": ["A revision cannot be counted with itself. Choose two."]})
    if label in _chain(into, links):
        raise Invalid({"into": [f"“{into}” is counted with “{label}” already. Take that back first."]})
    if len(links) >= MOST_MERGED and label not in links:
        raise Invalid({"into": [f"At most {MOST_MERGED} revisions of an article can be counted with others."]})


def leads(article_id: UUID, label: str) -> bool:
    """Whether other revisions are counted with this one."""
    query = select(Revision.label).where(Revision.article_id == article_id, Revision.merged_into == label)
    return run(query.limit(1)).first() is not None
