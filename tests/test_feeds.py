"""Feeds show what is published, as RFC 4287 wants it; spreadsheets get text, never a formula."""

import csv
from io import StringIO
from xml.etree import ElementTree

import pytest

from feedback.views import spreadsheet
from tests.allowlist import violations

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def published(rae, mo, article):
    """Publish a comment and return its id."""

    def publish(body, **more):
        comment = rae.comments(article, body, **more).json["comment"]
        mo.posts("/decisions", comment=comment["id"], version=1, action="approve")
        return comment["id"]

    return publish


def feed(client, path="/feeds/health.atom", **query):
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/atom+xml"
    return ElementTree.fromstring(answer.data)


def one(element, name):
    [found] = element.findall(ATOM + name)
    return found


def check(root):
    """The musts of RFC 4287 for feeds and entries."""
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):
        assert one(element, "id").text.startswith(("urn:uuid:", "http"))
        assert one(element, "title").text
        assert one(element, "updated").text.endswith(("Z", "+00:00"))
        assert element.findall(f"{ATOM}link")
    for entry in root.findall(f"{ATOM}entry"):
        assert one(one(entry, "author"), "name").text
        assert one(entry, "content").get("type") == "html"
    ids = [one(entry, "id").text for entry in root.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))


def test_a_site_without_comments_has_an_empty_feed(client, site):
    root = feed(client)
    assert root.findall(f"{ATOM}entry") == []
    assert one(root, "id").text


def test_the_feed_shows_what_is_published_newest_first(client, rae, article, published):
    published("the **first** one", name="Rae & <co>")
    second = published("the second one")
    rae.comments(article, "still waiting")
    root = feed(client)
    check(root)
    entries = root.findall(f"{ATOM}entry")
    assert [one(entry, "content").text for entry in entries] == [
        "<p>the second one</p>",
        "<p>the <strong>first</strong> one</p>",
    ]
    assert one(one(entries[1], "author"), "name").text == "Rae & <co>"
    assert one(entries[0], "title").text == f"A reader on {article.title}"
    assert one(entries[0], "link").get("href") == f"{article.url}#comment-{second}"


def test_an_articles_feed_has_its_own_comments_only(client, rae, mo, article, published):
    published("here")
    other = rae.comments("another-article", "there").json["comment"]
    mo.posts("/decisions", comment=other["id"], version=1, action="approve")
    assert len(feed(client).findall(f"{ATOM}entry")) == 2
    root = feed(client, "/feeds/health/article.atom", article=article.key)
    check(root)
    assert [one(entry, "content").text for entry in root.findall(f"{ATOM}entry")] == ["<p>here</p>"]


def test_a_feed_can_be_kept_and_asked_for_again(client, published):
    published("once")
    first = client.get("/feeds/health.atom")
    assert first.headers["ETag"].startswith("W/")
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in first.headers["Cache-Control"]
    again = client.get("/feeds/health.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    ["/feeds/nowhere.atom", "/feeds/health/article.atom?article=never-seen", "/feeds/nowhere/article.atom?article=a"],
)
def test_what_is_not_there_is_404(client, site, path):
    assert client.get(path).status_code == 404


def test_a_feed_without_its_article_is_refused(client, site):
    assert client.get("/feeds/health/article.atom").status_code == 422


def test_hidden_comments_are_in_no_feed(client, site, article, published, do):
    from feedback import articles
    from feedback.models import Accepts

    published("once")
    do(articles.set_accepts, site.id, article.key, Accepts.HIDDEN)
    assert feed(client).findall(f"{ATOM}entry") == []


def test_feed_content_is_of_the_allow_list(client, published):
    published("<script>alert(1)</script> [x](javascript:alert(1)) **b** <img src=x onerror=alert(1)>")
    [entry] = feed(client).findall(f"{ATOM}entry")
    assert violations(one(entry, "content").text) == []


# CSV


def rows(text):
    assert text.startswith("\ufeff")
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_would_be_a_formula_is_made_harmless(start):
    assert spreadsheet.harmless(f"{start}cmd") == f"'{start}cmd"


@pytest.mark.parametrize("cell", ["plain", "1-2", "", None, -5, 1.5, "a=b"])
def test_other_cells_stay_as_they_are(cell):
    assert spreadsheet.harmless(cell) == cell


def test_lines_are_written_one_by_one():
    taken = []

    def source():
        for number in range(3):
            taken.append(number)
            yield (number, "a,b", 'say "hi"', "two\nlines", "ä漢")

    lines = spreadsheet.lines(("n", "text"), source())
    assert next(lines) == "\ufeffn,text\r\n"
    assert next(lines) == '0,"a,b","say ""hi""","two\nlines",ä漢\r\n'
    assert taken == [0]


def test_the_queue_as_csv_has_all_that_matches(rae, stan, mo, article):
    for number in range(5):
        rae.comments(article, f"=HYPERLINK({number})", name="+Rae")
    mo_pages = mo.signs_in()
    answer = mo_pages.get("/moderation/comments.csv?state=pending", buffered=True)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert 'filename="comments-pending.csv"' in answer.headers["Content-Disposition"]
    header, *body = rows(answer.text)
    assert [row[header.index("text")] for row in body] == [f"'=HYPERLINK({number})" for number in range(5)]
    assert {row[header.index("name")] for row in body} == {"'+Rae"}
    assert {row[header.index("article")] for row in body} == {article.key}
    assert rows(mo_pages.get("/moderation/comments.csv?state=approved", buffered=True).text) == [header]


def test_a_download_longer_than_a_page_is_whole(rae, mo, article, monkeypatch):
    monkeypatch.setattr("feedback.moderation.lists.MAX_PAGE", 4)
    for number in range(11):
        rae.comments(article, f"number {number}")
    _, *body = rows(mo.signs_in().get("/moderation/comments.csv", buffered=True).text)
    assert [row[5] for row in body] == [f"number {number}" for number in range(11)]


def test_a_stranger_gets_no_download(client, site):
    assert client.get("/moderation/comments.csv").status_code == 303


def test_an_authors_page_as_csv_says_what_the_page_says(ann, rae, stan, article):
    rae.votes(article, "no", reason="unclear", section="side-effects", note="=SUM(A1)", revision="r1")
    stan.votes(article, "yes", revision="r1")
    answer = ann.signs_in().get("/articles/health/figures.csv", query_string={"article": article.key}, buffered=True)
    header, *body = rows(answer.text)
    found = {row[0]: dict(zip(header, row, strict=True)) for row in body}
    assert (found["article"]["yes"], found["article"]["no"], found["article"]["share"]) == (
        "1",
        "1",
        "",
    )  # of a handful
    assert (found["reason"]["code"], found["reason"]["no"]) == ("unclear", "1")
    assert (found["section"]["code"], found["section"]["title"]) == ("side-effects", "Side effects")
    assert found["note"]["text"] == "'=SUM(A1)"
    assert found["votes"]["yes"] == "1"


def test_another_authors_page_is_no_download(mo, article):
    path = f"/articles/health/figures.csv?article={article.key}"
    assert mo.signs_in().get(path).status_code == 403
