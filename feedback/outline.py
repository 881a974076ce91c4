"""The headings of an article's page, as they were when the page was last read: its outline."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select

from feedback.db import run
from feedback.models import Section


class Heading(NamedTuple):
    """A heading by the id that votes name it with; `level` is 2 for h2, 3 for h3."""

    id: str
    level: int
    title: str


def replace(article_id: UUID, sections: Iterable[tuple[str, int, str]]) -> None:
    """Set the outline of an article to these (id, level, title), in the order of the page.

    An id that a page gives to several headings leads to the first, as in a browser.
    """
    once: dict[str, Heading] = {}
    for section in sections:
        once.setdefault(section[0], Heading(*section))
    run(delete(Section).where(Section.article_id == article_id))
    rows = [{"article_id": article_id, "position": place, **each._asdict()} for place, each in enumerate(once.values())]
    if rows:
        run(insert(Section), rows)


def of(article_id: UUID) -> list[Heading]:
    """Return the outline of an article in the order of its page; empty where the page was never read."""
    query = select(Section.id, Section.level, Section.title).where(Section.article_id == article_id)
    return [Heading(row.id, row.level, row.title) for row in run(query.order_by(Section.position))]
