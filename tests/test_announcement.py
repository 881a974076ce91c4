"""You said, we changed: what an author tells readers, from the form to every page that shows it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from feedback.models import Article, Change
from tests.cast import CSRF, KEY

PAGE = f"/articles/health/announcement?article={KEY}"
TEXT = "Readers said the dosage was unclear; we added a <b>table</b>."


def announce(client, text=TEXT, on="2026-05-03", **more):
    """Fill the form in and send it."""
    shown = client.get(PAGE)
    version = shown.text.partition('name="version" value="')[2].partition('"')[0]
    fields = {"csrf_token": CSRF.search(shown.text)[1], "version": version, "text": text, "on": on, **more}
    return client.post(PAGE, data=fields, headers={"Referer": f"http://localhost{PAGE}"})


def test_readers_find_what_an_author_says_under_the_question(ann, rae, article):
    assert "changed" not in rae.reads(article).json["article"]
    answer = announce(ann.signs_in())
    assert answer.status_code == 303
    assert rae.reads(article).json["article"]["changed"] == {"text": TEXT, "day": "2026-05-03"}
    plain = rae.http.get(f"/f/health?article={KEY}").text
    assert "You said, we changed" in plain and "we added a &lt;b&gt;table&lt;/b&gt;" in plain
    assert "3 May 2026" in plain


def test_the_page_without_javascript_says_it_in_the_readers_language(ann, rae, article):
    announce(ann.signs_in())
    plain = rae.http.get(f"/f/health?article={KEY}&lang=de").text
    assert "Sie haben es gesagt, wir haben es geändert" in plain and "3. Mai 2026" in plain


def test_a_summary_that_was_kept_is_made_anew(ann, rae, article):
    first = rae.reads(article).headers["ETag"]
    announce(ann.signs_in())
    assert rae.reads(article).headers["ETag"] != first


def test_it_is_taken_down_and_put_back(ann, rae, article):
    client = ann.signs_in()
    announce(client)
    told = client.get(announce(client, down="yes").location)
    assert "You took down what readers of" in told.text
    assert "changed" not in rae.reads(article).json["article"]
    undo = told.text.partition('action="/articles/health/changes/')[2].partition('"')[0]
    path = f"/articles/health/changes/{undo}".replace("&amp;", "&")
    token = CSRF.search(told.text)[1]
    answer = client.post(path, data={"csrf_token": token}, headers={"Referer": "http://localhost/"})
    assert answer.status_code == 303
    assert rae.reads(article).json["article"]["changed"]["text"] == TEXT


def test_who_said_it_is_written_down(ann, rows, article):
    announce(ann.signs_in())
    [change] = rows(select(Change))
    assert change.who.endswith("Ann") and "what readers of" in change.what
    [row] = rows(select(Article))
    assert f"{row.we_changed_on}" == "2026-05-03"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": " "}, "Say what was changed."),
        ({"text": "x" * 301}, "at most 300"),
        ({"text": "a\0b"}, "This"),
        ({"on": "2026-05-05"}, "This day has not come yet."),
        ({"on": ""}, "Say since when"),
        ({"on": "3 May"}, "written like 2026-05-03"),
    ],
)
def test_what_cannot_be_published_comes_back_with_a_sentence(ann, rae, article, wrong, sentence):
    answer = announce(ann.signs_in(), **wrong)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "changed" not in rae.reads(article).json["article"]


def test_two_authors_do_not_overwrite_each_other(ann, rex, rae, article):
    hers, his = ann.signs_in(), rex.signs_in()
    stale = his.get(PAGE).text
    announce(hers)
    version = stale.partition('name="version" value="')[2].partition('"')[0]
    answer = announce(his, text="We moved it to the top.", version=version)
    assert answer.status_code == 409
    assert "We moved it to the top." in answer.text and "we added a &lt;b&gt;" in answer.text
    assert rae.reads(article).json["article"]["changed"]["text"] == TEXT


def test_only_whose_article_it_is_speaks_for_it(article, ann, rex, mo, ada, hide_from):
    for person in (ann, rex, ada):
        assert person.signs_in().get(PAGE).status_code == 200, person.name
    assert mo.signs_in().get(PAGE).status_code == 403
    assert hide_from(ann).get(PAGE).status_code == 403


@pytest.fixture
def hide_from(do, site):
    """Take somebody out of the bylines, and return their session."""
    from feedback import articles
    from feedback.clock import now
    from tests.cast import ORIGIN, TITLE

    def take_out(person):
        given = articles.Registration(KEY, TITLE, f"{ORIGIN}/{KEY}", ())
        do(articles.register, site.id, given, now=now())
        return person.signs_in()

    return take_out


def test_an_author_undoes_what_authors_do_and_nothing_else(ada, ann, do, site, rows, article):
    from feedback import changes
    from feedback.clock import now
    from feedback.staff import Actor

    by = changes.By(Actor("Ada", ada.id), [site.id], now())
    do(changes.make, changes.Subject(site.id, changes.Kind.COMMENTS, {"article": KEY}), "closed", by)
    [change] = rows(select(Change))
    client = ann.signs_in()
    token = CSRF.search(client.get(PAGE).text)[1]
    address = f"/articles/health/changes/{change.id}/undo?article={KEY}"
    answer = client.post(address, data={"csrf_token": token}, headers={"Referer": "http://localhost/"})
    assert answer.status_code == 404
    unknown = f"/articles/health/changes/nothing/undo?article={KEY}"
    assert client.post(unknown, data={"csrf_token": token}, headers={"Referer": "http://localhost/"}).status_code == 404
