"""Outlines: the headings of a page as it was last read, in its order."""

from sqlalchemy import select

from feedback import outline, removal
from feedback.models import Section


def test_an_outline_keeps_the_order_of_the_page_and_is_replaced_whole(do, ask, article):
    assert ask(outline.of, article.id) == []
    do(outline.replace, article.id, [("what-it-is", 2, "What it is"), ("dose", 3, "Dose, and who needs less")])
    assert ask(outline.of, article.id) == [("what-it-is", 2, "What it is"), ("dose", 3, "Dose, and who needs less")]
    do(outline.replace, article.id, [("dose", 2, "Dose"), ("what-it-is", 2, "What it is")])
    assert [heading.id for heading in ask(outline.of, article.id)] == ["dose", "what-it-is"]
    do(outline.replace, article.id, [])
    assert ask(outline.of, article.id) == []


def test_an_id_that_stands_twice_is_the_first_heading(do, ask, article):
    do(outline.replace, article.id, [("dose", 2, "Dose"), ("end", 2, "End"), ("dose", 3, "Dose for children")])
    assert ask(outline.of, article.id) == [("dose", 2, "Dose"), ("end", 2, "End")]


def test_an_outline_goes_with_its_article(do, site, article, rows):
    do(outline.replace, article.id, [("dose", 2, "Dose")])
    do(removal.remove_article, site.id, article.key)
    assert rows(select(Section.id)) == []
