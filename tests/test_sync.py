"""Reading articles from a sitemap, against a real server on loopback: what is registered, and what nothing can upset.

127.0.0.1 is allowed here and stands for the publisher; the rest of loopback is as private as it always is.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, outline, staff, sync
from feedback.articles import Byline
from feedback.db import db
from feedback.errors import Refused
from feedback.models import Article, Revision, Role, Site, Standing
from feedback.sync import page, robots, sitemap
from feedback.sync.sitemap import Entry
from tests.cast import Reader
from tests.keys import HERE, KEYS
from tests.publisher import Publisher
from tests.test_cli import feedback, said  # noqa: F401

ALLOWED = (ip_network("127.0.0.1/32"),)
NEW_SITE = "journal"
WRITTEN = """<!doctype html><html><head><title>Neck pain | Journal</title>
<script type="application/ld+json">{"@context": "https://schema.org", "@type": "Article",
"headline": "Neck pain: what helps", "dateModified": "2026-05-03T10:00:00+02:00",
"author": [{"@type": "Person", "name": "Ann Hollis"}, {"name": "Ben Ode"}], "reviewedBy": "Rex Adeyemi"}</script>
</head><body><nav><h2 id="menu">Menu</h2></nav>
<main><article><h1>Neck pain</h1><h2 id="rest">Rest &amp; <em>movement</em></h2><h3 id="nights">At
 night</h3><h2>Without an id</h2><h2 id="rest">Again</h2></article></main></body></html>"""


class Run:
    """One sync of the publisher's site, and what it told."""

    def __init__(self, ask: Callable[..., Any], site: Any) -> None:
        self.ask, self.site = ask, site
        self.told: list[str] = []
        self.pauses: list[float] = []
        self.seconds = 20.0
        self.steps: list[tuple[str, int, int | None]] = []
        self.report = sync.Report(self.told.append)

    def __call__(self, url: str, *, pause: float = 0.0, **more: Any) -> sync.Report:
        self.report = sync.Report(self.told.append)
        visitor = sync.Visitor(pause=pause, allow=ALLOWED, seconds=self.seconds, sleep=self.pauses.append)
        step = lambda *given: self.steps.append(given)  # noqa: E731
        self.ask(sync.sync, self.site, url, visitor, self.report, step, **more)
        return self.report


@pytest.fixture
def journal(do: Callable[..., Any], publisher: Publisher, clock: Any) -> Site:
    row: Site = do(articles.add_site, NEW_SITE, origins=[publisher.origin], now=clock())
    return row


@pytest.fixture
def run(ask: Callable[..., Any], journal: Site) -> Run:
    return Run(ask, ask(articles.site, journal.slug))


@pytest.fixture
def known(ask: Callable[..., Any], journal: Site) -> Callable[[str], articles.Registration | None]:
    """Return what is registered under a key."""

    def look(key: str) -> articles.Registration | None:
        row = articles.get(journal.id, key)
        return articles.registered(row) if row else None

    return lambda key: ask(look, key)


def neck(publisher: Publisher, html: str = WRITTEN, path: str = "/neck-pain", **more: Any) -> str:
    return publisher.sitemap(publisher.page(path, html, **more))


def article_of(data: Any, head: str = "", body: str = "") -> str:
    script = f'<script type="application/ld+json">{json.dumps(data)}</script>'
    return f"<html><head><title>T</title>{script}{head}</head><body>{body}</body></html>"


def people(html: str) -> list[tuple[str, str]]:
    return [(role.value, name) for role, name in page.read(html.encode(), "http://a.test/").people]


# What a page says


def test_an_article_is_registered_as_its_page_has_it(publisher, run, known, rows, ask, journal):
    report = run(neck(publisher))
    assert (report.new, report.known, report.failed, run.told) == (1, 0, 0, [])
    found = known("/neck-pain")
    assert (found.title, found.url) == ("Neck pain: what helps", f"{publisher.origin}/neck-pain")
    assert [(each.role, each.name) for each in found.contributors] == [
        (Role.AUTHOR, "Ann Hollis"), (Role.AUTHOR, "Ben Ode"), (Role.REVIEWER, "Rex Adeyemi"),
    ]  # fmt: skip
    (revision,) = rows(select(Revision))
    assert (revision.label, revision.registered) == ("2026-05-03T10:00:00+02:00", True)
    article_id = rows(select(Article.id))[0]
    assert ask(outline.of, article_id) == [("rest", 2, "Rest & movement"), ("nights", 3, "At night")]
    assert rows(select(Standing.article_id)) == [article_id]
    assert publisher.names == {"reader-feedback"}


def test_reading_again_brings_up_to_date(publisher, run, known, rows, ask):
    url = neck(publisher)
    run(url)
    changed = WRITTEN.replace("what helps", "what does").replace("2026-05-03T10", "2026-05-09T10")
    neck(publisher, changed.replace('<h3 id="nights">', '<h3 id="days">'))
    report = run(url)
    assert (report.new, report.known) == (0, 1)
    assert known("/neck-pain").title == "Neck pain: what does"
    assert sorted(rows(select(Revision.label))) == ["2026-05-03T10:00:00+02:00", "2026-05-09T10:00:00+02:00"]
    assert [id for id, _, _ in ask(outline.of, rows(select(Article.id))[0])] == ["rest", "days"]


def test_a_vote_that_names_the_revision_first_is_about_the_same_one(publisher, run, rows, journal, connect):
    url = neck(publisher)
    reader = Reader(connect(), journal, "rae-reads-rae-reads-ra", "192.0.2.10", publisher.origin)
    sent = reader.votes("/neck-pain", "no", revision="2026-05-03T10:00:00+02:00", section="rest")
    assert sent.status_code == 200
    assert run(url).known == 1
    assert [(each.label, each.registered) for each in rows(select(Revision))] == [("2026-05-03T10:00:00+02:00", True)]


@pytest.mark.parametrize(("head", "key"), KEYS)
def test_a_page_has_the_key_that_its_element_has(head, key):
    assert page.read(f"<title>T</title>{head}".encode(), f"http://articles.test{HERE}").key == key


def test_a_canonical_address_is_the_articles_where_it_is_the_sites(publisher, run, known):
    neck(publisher, WRITTEN.replace("<head>", '<head><link rel="canonical" href="/neck">'), path="/neck?from=mail")
    run(f"{publisher.origin}/sitemap.xml")
    assert known("/neck").url == f"{publisher.origin}/neck"
    neck(publisher, WRITTEN.replace("<head>", '<head><link rel="canonical" href="https://far.example/knee">'), "/knee")
    run(f"{publisher.origin}/sitemap.xml")
    assert known("/knee").url == f"{publisher.origin}/knee"


@pytest.mark.parametrize(
    ("head", "label"),
    [
        ("", None),
        ('<meta property="article:modified_time" content=" 2026-10-01 ">', "2026-10-01"),
        ('<script type="application/ld+json">{"dateModified" :\n"2026-09-30"}</script>', "2026-09-30"),
        (
            '<script type="application/ld+json">{"dateModified": "2026-09-30"}</script>'
            '<meta property="article:modified_time" content="2026-10-01">',
            "2026-10-01",
        ),
        ('<script type="application/ld+json">{"dateModified": "2026-09-30", broken</script>', "2026-09-30"),
        ('<script>{"dateModified": "2026-09-30"}</script>', None),
        (f'<meta property="article:modified_time" content="{"9" * 80}">', "9" * 64),
    ],
)
def test_the_revision_is_what_the_element_sends(head, label):
    assert page.read(f"<title>T</title>{head}".encode(), "http://a.test/").revision == label


@pytest.mark.parametrize(
    ("html", "title"),
    [
        (article_of({"@type": "NewsArticle", "headline": "In the data"}), "In the data"),
        (article_of([{"@type": "WebSite", "headline": "No"}, {"@type": ["Thing", "BlogPosting"], "headline": "List"}]),
         "List"),
        (article_of({"@graph": [{"@type": "WebPage", "headline": "P"}, {"@type": "schema:Article", "headline": "A"}]}),
         "A"),
        (article_of({"@type": "https://schema.org/MedicalWebPage", "headline": "Medical"}), "Medical"),
        (article_of({"@type": "WebPage", "mainEntity": {"@type": "Article", "headline": "Within"}}), "Within"),
        (article_of({"@type": "Article", "headline": 7}), "T"),
        ('<title>T</title><meta property="og:title" content="Shared">', "Shared"),
        ("<title> Caf&eacute;\n &amp; more </title><svg><title>Icon</title></svg>", "Café & more"),
        (f"<title>{'t' * 400}</title>", "t" * 300),
    ],
)  # fmt: skip
def test_the_title_is_the_headline_else_the_heads(html, title):
    assert page.read(html.encode(), "http://a.test/").title == title


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"@type": "Article", "author": "Ann"}, [("author", "Ann")]),
        ({"@type": "Article", "author": {"name": ["Ann"]}, "reviewedBy": ["Rex", {"name": "Ivy"}, "Rex"]},
         [("author", "Ann"), ("reviewer", "Rex"), ("reviewer", "Ivy")]),
        ({"@graph": [{"@type": "Article", "author": {"@id": "#ann"}}, {"@type": "Person", "@id": "#ann", "name": "Ann"},
                     {"@type": "MedicalWebPage", "reviewedBy": {"name": "Rex"}, "author": "Webmaster"}]},
         [("author", "Ann"), ("reviewer", "Rex")]),
        ({"@graph": [{"@type": "Article", "author": {"@id": "#a"}}, {"@id": "#a", "name": {"@id": "#a"}}]}, []),
        ({"@type": "Article", "author": "https://example.org/ann", "reviewedBy": {"name": {"a": 1}}}, []),
        ({"@type": "Article", "author": ["", "\u200b", "Ann\u0000", None, 7, [["Deep"]]]}, [("author", "Deep")]),
        ({"@type": "Article", "author": "x" * 200}, [("author", "x" * 80)]),
        ({"@type": "Product", "author": "Nobody"}, []),
    ],
)  # fmt: skip
def test_people_are_read_however_they_are_written(data, names):
    assert people(article_of(data)) == names


def test_broken_data_says_nothing_and_the_rest_does():
    broken = '<script type="application/ld+json">{"@type": "Article", "author": "Lost",</script>'
    deep = f'<script type="application/ld+json">{"[" * 100_000}</script>'
    assert people(article_of({"@type": "Article", "author": "Ann"}, head=broken + deep)) == [("author", "Ann")]


def test_no_more_is_read_of_linked_data_than_an_article_takes():
    many = {"@type": "Article", "author": [f"Ann {number}" for number in range(60)], "reviewedBy": ["Rex"] * 60}
    assert people(article_of(many)) == [("author", f"Ann {number}") for number in range(25)] + [("reviewer", "Rex")]
    others = f'<script type="application/ld+json">{json.dumps([{"@type": "Thing"}] * 60)}</script>' * 2
    assert people(others + article_of(many)) == []


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ("<h2 id=a>A</h2><article><h2 id=b>B</h2></article><article><h2 id=c>C</h2></article>", ["b"]),
        ("<h2 id=a>A</h2><h3 id=b>B</h3><h4 id=c>C</h4>", ["a", "b"]),
        ("<article><h2 id=a>A</h2></article><main><h2 id=b>B</h2><article-feedback></article-feedback></main>", ["b"]),
        ("<main><h2 id=a>A</h2><article><h2 id=b>B</h2></article><article-feedback /></main>", ["a", "b"]),
        ("<main><article><h2 id=a>A</h2><article-feedback></article-feedback></article><h2 id=b>B</h2></main>", ["a"]),
        ("<template><h2 id=a>A</h2></template><h2 id=''>B</h2><h2 id=c> </h2>", []),
        (f"<h2 id={'x' * 300}>A</h2>", []),
        ("".join(f"<h2 id=n{number}>N</h2>" for number in range(300)), [f"n{number}" for number in range(200)]),
    ],
)  # fmt: skip
def test_the_outline_is_what_a_no_can_point_at(body, ids):
    found = page.read(f"<title>T</title><body>{body}".encode(), "http://a.test/").sections
    assert [id for id, _, _ in found] == ids


# People stay who they are


def test_who_is_linked_to_an_account_stays_so_by_name(publisher, run, known, do, journal, ann, clock):
    linked = (Byline("Ann Hollis", Role.AUTHOR, ann.email), Byline("Rex Adeyemi", Role.REVIEWER, "rex@example.org"))
    given = articles.Registration("/neck-pain", "Old", f"{publisher.origin}/neck-pain", linked)
    do(articles.register, journal.id, given, now=clock())
    run(neck(publisher))
    assert {(each.name, each.email) for each in known("/neck-pain").contributors} == {
        ("Ann Hollis", ann.email), ("Ben Ode", None), ("Rex Adeyemi", "rex@example.org"),
    }  # fmt: skip


def test_a_role_of_which_the_page_names_nobody_stays(publisher, run, known, do, journal, clock):
    linked = (Byline("Ann Hollis", Role.AUTHOR), Byline("Ivy", Role.REVIEWER, "ivy@example.org"))
    given = articles.Registration("/neck-pain", "Old", f"{publisher.origin}/neck-pain", linked)
    do(articles.register, journal.id, given, now=clock())
    run(neck(publisher, article_of({"@type": "Article", "author": "Ben"})))
    assert [(each.name, each.email) for each in known("/neck-pain").contributors] == [
        ("Ben", None), ("Ivy", "ivy@example.org"),
    ]  # fmt: skip


def by(publisher: Publisher, path: str, *names: str) -> str:
    return publisher.page(path, article_of({"@type": "Article", "headline": path, "author": list(names)}))


def addresses_of(found: articles.Registration) -> dict[str, str | None]:
    return {each.name: each.email for each in found.contributors}


def test_a_new_byline_leads_to_the_one_person_of_its_name(publisher, run, known, do, journal, ann, clock):
    registered = {
        "/first": (Byline("Ann Hollis", Role.AUTHOR, ann.email), Byline("Kim Lee", Role.AUTHOR, "kim@example.org"),
                   Byline("Bo Ek", Role.AUTHOR, "bo@example.org"), Byline("Ida", Role.AUTHOR, "ida@example.org")),
        "/second": (Byline("Kim Lee", Role.AUTHOR, ann.email), Byline("Ida", Role.REVIEWER)),
    }  # fmt: skip
    for key, people in registered.items():
        do(articles.register, journal.id, articles.Registration(key, key, publisher.origin + key, people), now=clock())
    run(
        publisher.sitemap(
            by(publisher, "/third", "Ann Hollis", "Kim Lee"), by(publisher, "/fourth", "ANN  HOLLIS", "Bo Ek", "Ida")
        )
    )
    assert addresses_of(known("/third")) == {"Ann Hollis": ann.email, "Kim Lee": None}, "there are two Kims"
    # And of Ida, somebody on the second article may be another one.
    assert addresses_of(known("/fourth")) == {"ANN HOLLIS": ann.email, "Bo Ek": "bo@example.org", "Ida": None}


def test_who_was_unlinked_or_has_left_stays_so(publisher, run, known, do, journal, ann, clock):
    """Two of one name, of whom one leaves: her articles do not become the other one's."""
    one, other = (Byline("Kim Lee", Role.AUTHOR, email) for email in (ann.email, "kim@example.org"))
    for key, person in (("/first", one), ("/second", other)):
        given = articles.Registration(key, key, publisher.origin + key, (person,))
        do(articles.register, journal.id, given, now=clock())
    do(staff.dismiss, ann.id)
    run(publisher.sitemap(by(publisher, "/first", "Kim Lee"), by(publisher, "/third", "Kim Lee")), unchanged_too=True)
    assert [addresses_of(known(key)) for key in ("/first", "/second", "/third")] == [
        {"Kim Lee": None}, {"Kim Lee": "kim@example.org"}, {"Kim Lee": None},
    ]  # fmt: skip


def test_staff_say_once_whose_a_name_is(publisher, run, known, journal, ann, feedback):  # noqa: F811
    pages = [by(publisher, f"/{number}", "Ann Hollis", "Bo") for number in range(3)]
    run(publisher.sitemap(by(publisher, "/capitals", "ANN HOLLIS"), *pages))
    told = feedback("article", "link", NEW_SITE, "ann hollis", ann.email).output.strip()
    assert told.endswith(f"4 bylines of ann hollis linked to {ann.email}.")
    assert [addresses_of(known(f"/{number}")) for number in range(3)] == [{"Ann Hollis": ann.email, "Bo": None}] * 3
    told = feedback("article", "link", NEW_SITE, "Ann Hollis", "other@example.org").output
    assert "0 bylines of Ann Hollis" in told, "who leads to somebody stays"
    run(publisher.sitemap(by(publisher, "/later", "Ann Hollis")))
    assert addresses_of(known("/later")) == {"Ann Hollis": ann.email}
    assert "e-mail address" in said(feedback("article", "link", NEW_SITE, "Bo", "nowhere"))


def test_a_name_is_linked_on_its_own_site_alone(publisher, run, known, do, site, article, clock):
    """Ann is known to another site, by the article that the house registers."""
    run(neck(publisher))
    assert {each.email for each in known("/neck-pain").contributors} == {None}


# What a sitemap lists


def test_pages_of_other_origins_are_counted_and_not_read(publisher, open_publisher, run):
    other = open_publisher()
    own = publisher.page("/neck-pain", WRITTEN)
    report = run(publisher.sitemap(own, other.page("/knee", WRITTEN), "https://far.example/x", "ftp://far.example/"))
    assert (report.new, report.elsewhere, report.left_out, other.asked) == (1, 2, 1, [])


def test_an_index_leads_to_its_sitemaps_and_no_further(publisher, run):
    first = publisher.sitemap(publisher.page("/neck", WRITTEN), path="/1.xml")
    packed = gzip.compress(publisher.answers["/1.xml"][2].replace(b"/neck", b"/knee"))
    second = publisher.says("/2.xml.gz", packed, **{"Content-Type": "application/gzip"})
    publisher.page("/knee", WRITTEN)
    inner = publisher.sitemap(first, path="/index2.xml", kind="sitemapindex")
    away = "https://far.example/sitemap.xml"
    report = run(publisher.sitemap(first, second, inner, f"{publisher.origin}/gone.xml", away, kind="sitemapindex"))
    assert (report.new, report.failed, report.elsewhere) == (2, 2, 1)
    assert run.told == [
        f"{inner}: is an index within an index, which is not followed.",
        f"{publisher.origin}/gone.xml: answers with 404.",
    ]


def test_a_page_in_two_sitemaps_is_read_once(publisher, run):
    own = publisher.page("/neck", WRITTEN)
    maps = [publisher.sitemap(own, own, path=f"/{number}.xml") for number in range(2)]
    assert run(publisher.sitemap(*maps, kind="sitemapindex")).new == 1
    assert publisher.paths.count("/neck") == 1


def test_the_largest_numbers_hold(publisher, run, monkeypatch):
    monkeypatch.setattr(sync, "MAX_SITEMAPS", 2)
    monkeypatch.setattr(sync, "MAX_ADDRESSES", 3)
    monkeypatch.setattr(sitemap, "MAX_ADDRESSES", 2)
    urls = [publisher.page(f"/{number}", WRITTEN) for number in range(6)]
    maps = [publisher.sitemap(*urls[at : at + 3], path=f"/map{at}.xml") for at in (0, 3, 1)]
    report = run(publisher.sitemap(*maps[:2], kind="sitemapindex"))
    assert (report.new, report.left_out) == (3, 3)
    monkeypatch.setattr(sitemap, "MAX_ADDRESSES", 10)
    report = run(publisher.sitemap(*maps, kind="sitemapindex"))
    assert (report.new + report.known, report.left_out, publisher.paths.count("/map1.xml")) == (3, 4, 0)


ENTITIES = '<!DOCTYPE urlset [<!ENTITY a "{0}"><!ENTITY b "&a;&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (ENTITIES.format("x" * 100), "declares a document type"),
        ('<!DOCTYPE urlset SYSTEM "file:///etc/passwd"><urlset/>', "declares a document type"),
        ('<?xml version="1.0" encoding="utf-16"?>'.encode("utf-16") + "<!DOCTYPE a [".encode("utf-16-le"),
         "declares a document type"),
        ("<urlset><url><loc>&x;</loc></url></urlset>", "is no sitemap."),
        ("<html><body>Welcome</body></html>", "is no sitemap."),
        ("<rss><channel/></rss>", "is no sitemap."),
        ("", "is no sitemap."),
        ("<urlset><url>", "is no sitemap."),
        ('<?xml version="1.0" encoding="rot13"?><urlset/>', "is no sitemap."),
        (b"\xff\xfe\x00\x01", "is no sitemap."),
        ("<urlset>" + "<url>" * 100_000, "too deep"),
        (gzip.compress(b" " * 20_000_000, mtime=0), "more than 10,485,760 bytes when it is unpacked."),
        (gzip.compress(b"<urlset>" * 100, mtime=0)[:-20], "ends too soon."),
        (b"\x1f\x8bnothing of the kind", "cannot be unpacked."),
    ],
)  # fmt: skip
def test_what_is_no_sitemap_ends_the_run_with_a_sentence(publisher, run, body, why):
    url = publisher.says("/sitemap.xml", body)
    with pytest.raises(Refused) as refusal:
        run(url)
    assert why in refusal.value.detail
    assert url in refusal.value.detail


def test_pictures_of_a_page_are_no_pages():
    body = (
        b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:i="http://www.google.com/schemas/image">'
        b"<url><loc>\n http://a.test/neck </loc><lastmod>2026-05-03</lastmod>"
        b"<i:image><i:loc>http://a.test/neck.png</i:loc></i:image></url></urlset>"
    )
    assert sitemap.read(body).entries == [Entry("http://a.test/neck", "2026-05-03")]


SEEN = datetime(2026, 5, 4, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "label", "unchanged"),
    [
        ("2026-05-03T10:00:00+02:00", "2026-05-03T08:00:00Z", True),  # the moment the page itself gives
        ("2026-05-04T09:00:01Z", "2026-05-03", False),
        ("2026-05-04T08:59:59Z", "anything", True),  # before the revision was seen
        ("2026-05-02", "anything", True),
        ("2026-05-03", "anything", False),  # that day may end later, somewhere
        ("2026-05-03", "2026-05-03", True),
        ("", "2026-05-03", False),
        ("yesterday", "2026-05-03", False),
        ("2026-05", "2026-05-03", False),
        ("9999-12-31", "2026-05-03", False),
    ],
)
def test_a_page_is_unchanged_where_the_sitemap_says_so(changed, label, unchanged):
    assert Entry("http://a.test/", changed).unchanged(label, SEEN) is unchanged


def test_unchanged_pages_are_not_read_again_unless_asked(publisher, run):
    own = publisher.page("/neck-pain", WRITTEN)
    url = publisher.sitemap((own, "2026-05-03T08:00:00Z"))
    assert run(url).new == 1
    again = run(url)
    assert (again.new, again.known, again.unchanged, publisher.paths.count("/neck-pain")) == (0, 0, 1, 1)
    assert run(url, unchanged_too=True).known == 1
    publisher.sitemap((own, "2026-05-06T08:00:00Z"))
    assert run(url).known == 1


# Politeness

TWO = "user-agent: *\ndisallow: /drafts/\nallow: /drafts/open\nCrawl-delay: 2.5\n"


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("", "/", True),
        ("User-agent: *\nDisallow: /", "/", False),
        ("User-agent: *\nDisallow:", "/x", True),
        (TWO, "/drafts/1", False),
        (TWO, "/drafts/open/1", True),
        (TWO, "/Drafts/", True),
        ("user-agent: other\ndisallow: /", "/x", True),
        ("user-agent: *\ndisallow: /\nuser-agent: READER-feedback\ndisallow: /no", "/x", True),
        ("user-agent: *\ndisallow: /\nuser-agent: READER-feedback\ndisallow: /no", "/no", False),
        ("user-agent: a\nuser-agent: *\n\n# all\ndisallow: /x # why", "/x", False),
        ("user-agent: *\ndisallow: /*?print", "/a?print=1", False),
        ("user-agent: *\ndisallow: /*?print", "/a?page=1", True),
        ("user-agent: *\ndisallow: /*.pdf$", "/a.pdf", False),
        ("user-agent: *\ndisallow: /*.pdf$", "/a.pdf?x", True),
        ("user-agent: *\ndisallow: /a$", "/a", False),
        ("user-agent: *\ndisallow: /a$", "/ab", True),
        ("user-agent: *\ndisallow: /*a*b$", "/ab", False),
        ("user-agent: *\ndisallow: /ab*b$", "/ab", True),
        ("user-agent: *\ndisallow: /\nallow: /", "/x", True),
        ("user-agent: *\ndisallow: /caf%c3%a9", "/caf%C3%A9/1", False),
        ("user-agent: *\ndisallow: /café", "/caf%C3%A9", False),
        ("disallow: /", "/x", True),
        ("\ufffd\x00<html>", "/x", True),
    ],
)
def test_robots_are_read_as_their_standard_says(rules, path, allowed):
    assert robots.read(rules, "reader-feedback").allow(f"http://a.test{path}") is allowed


def test_no_pattern_takes_long():
    rules = robots.read("user-agent: *\n" + f"disallow: /{'*a' * 1_000}$\n" * 100, "reader-feedback")
    began = time.monotonic()
    assert rules.allow(f"http://a.test/{'a' * 1_900}b")
    assert time.monotonic() - began < 3


def test_what_robots_txt_keeps_out_is_not_read(publisher, run):
    publisher.says("/robots.txt", TWO)
    hidden, shown = publisher.page("/drafts/1", WRITTEN), publisher.page("/neck", WRITTEN)
    moved = publisher.page("/moved", "", 302, Location="/drafts/1")
    report = run(publisher.sitemap(hidden, shown, moved))
    assert (report.new, report.closed, report.failed) == (1, 1, 1)
    assert run.told == [f"{moved}: leads to a page that robots.txt keeps out."]
    assert publisher.paths == ["/robots.txt", "/sitemap.xml", "/neck", "/moved"]
    publisher.says("/robots.txt", "user-agent: *\ndisallow: /sitemap")
    with pytest.raises(Refused, match="does not let it be read"):
        run(f"{publisher.origin}/sitemap.xml")


@pytest.mark.parametrize("moved", ["/sitemap.xml", "/inner.xml", "/neck"])
def test_nothing_is_asked_of_a_server_to_which_only_a_redirect_leads(publisher, open_publisher, run, moved):
    away = open_publisher()
    inner = publisher.sitemap(publisher.page("/neck", WRITTEN), path="/inner.xml")
    url = publisher.sitemap(inner, kind="sitemapindex")
    assert run(url).new == 1
    publisher.page(moved, "", 302, Location=f"{away.origin}/away")
    if moved == "/sitemap.xml":
        with pytest.raises(Refused, match="leads to an origin that is not the site's"):
            run(url)
    else:
        run(url)
        assert run.told == [f"{publisher.origin}{moved}: leads to an origin that is not the site's."]
    assert away.asked == []


def test_a_redirect_within_the_site_is_followed_after_a_pause(publisher, open_publisher, run, known, do):
    www = open_publisher()
    do(articles.change_site, NEW_SITE, origins=[publisher.origin, www.origin])
    run.site = replace(run.site, origins=(publisher.origin, www.origin))
    www.says("/robots.txt", "user-agent: *\ncrawl-delay: 5")
    moved = publisher.page("/neck", "", 301, Location=www.page("/neck-pain", WRITTEN))
    assert run(publisher.sitemap(moved), pause=1.0).new == 1
    assert known("/neck-pain").url == f"{www.origin}/neck-pain"
    assert www.paths == ["/robots.txt", "/neck-pain"]
    assert len(run.pauses) == 4  # before each request but the first
    assert max(run.pauses[:3]) <= 1 < run.pauses[3]


@pytest.mark.parametrize(("status", "goes_on"), [(404, True), (410, True), (403, True), (429, False), (503, False)])
def test_a_site_that_does_not_say_what_may_be_read_is_left_alone(publisher, run, status, goes_on):
    publisher.says("/robots.txt", "", status)
    url = neck(publisher)
    if goes_on:
        assert run(url).new == 1
        return
    with pytest.raises(Refused, match=f"answers with {status}"):
        run(url)
    assert publisher.paths == ["/robots.txt"]


def test_a_server_that_is_not_there_ends_the_run_with_a_sentence(open_publisher, run):
    gone = open_publisher()
    gone.server.socket.close()
    with pytest.raises(Refused, match="cannot be found out"):
        run(f"{gone.origin}/sitemap.xml")


def test_requests_come_one_at_a_time_with_a_pause_between(publisher, run):
    urls = [publisher.page(f"/{number}", WRITTEN) for number in range(3)]
    run(publisher.sitemap(*urls), pause=1.0)
    assert len(run.pauses) == 4  # before the sitemap and each page, not before robots.txt
    assert all(0 < pause <= 1.0 for pause in run.pauses)
    assert max(run.pauses) > 0.9
    answered = [(came, done) for _, came, done in publisher.asked]
    assert all(done <= came for (_, done), (came, _) in zip(answered, answered[1:], strict=False))


@pytest.mark.parametrize(("delay", "pause"), [("2.5", 2.5), ("600", 30.0), ("-1", 1.0), ("nan", 1.0), ("soon", 1.0)])
def test_the_pause_a_site_asks_for_is_kept_up_to_a_bound(publisher, run, delay, pause):
    publisher.says("/robots.txt", f"user-agent: *\ncrawl-delay: {delay}")
    run(neck(publisher), pause=1.0)
    assert all(pause - 0.9 < each <= pause for each in run.pauses)
    assert len(run.pauses) == 2


def test_no_transaction_is_open_while_other_servers_are_asked(publisher, ask, journal):
    url = publisher.sitemap(publisher.page("/neck", WRITTEN), f"{publisher.origin}/gone")
    held: list[bool] = []

    def note(*_: Any) -> None:
        held.append(db.session().in_transaction())

    def whole() -> sync.Report:
        site = articles.site(journal.slug)
        assert db.session().in_transaction()
        report = sync.Report(note)
        sync.sync(site, url, sync.Visitor(pause=0, allow=ALLOWED, sleep=note), report, note)
        return report

    report = ask(whole)
    assert (report.new, report.failed) == (1, 1)
    assert held == [False] * 8  # progress four times, three pauses, one page that is not there


# Pages that mean no good


def slowly() -> Iterator[bytes]:
    for _ in range(600):
        yield b"<p>"
        time.sleep(0.05)


def test_one_page_that_cannot_be_read_keeps_no_other_from_it(publisher, open_publisher, run, known):
    run.seconds = 1.0
    private = open_publisher("127.0.0.9")
    private.page("/secret", WRITTEN)
    away = open_publisher()
    publisher.page("/huge", b"<p>" * 4_000_000)
    publisher.says("/slow", slowly(), **{"Content-Type": "text/html"})
    publisher.page("/inward", "", 302, Location=f"{private.origin}/secret")
    publisher.page("/away", "", 302, Location=f"{away.origin}/away")
    publisher.page("/round", "", 302, Location="/round")
    publisher.says("/picture", b"GIF89a", **{"Content-Type": "image/gif"})
    publisher.page("/untitled", "<p>Nothing")
    publisher.page("/failing", "Sorry", 500)
    publisher.page("/" + "x" * 300, WRITTEN)
    publisher.page("/fine", WRITTEN)
    paths = ["huge", "slow", "inward", "away", "round", "picture", "untitled", "failing", "x" * 300, "gone", "fine"]
    report = run(publisher.sitemap(*(f"{publisher.origin}/{path}" for path in paths)))
    assert (report.new, report.failed) == (1, 10)
    assert private.asked == away.asked == []
    assert known("/fine").title == "Neck pain: what helps"
    for line, why in zip(
        run.told,
        ["sent more than 10,485,760 bytes", "took longer than 1 seconds", "an origin that is not the site's",
         "an origin that is not the site's", "more than 5 times", "is no page but image/gif", "has no title",
         "answers with 500", "at most 255 characters", "answers with 404"],
        strict=True,
    ):  # fmt: skip
        assert why in line, line


LONG = "/" + "%C3%A9" * 400  # in a sitemap, where it is not escaped, an address of 400 characters


@pytest.mark.parametrize(
    ("path", "shown", "html", "why"),
    [
        ("/digits", "/digits", f"<title>T</title><p>&#{'1' * 5_000};", "is no markup that can be read."),
        ("/digits", "/digits", f"<title>T</title><p title='&#{'1' * 5_000};'>", "is no markup that can be read."),
        (LONG, "/" + "é" * 400, "<link rel=canonical href='//far.example/a'><title>T</title>",
         "has an address of more than 2,000 characters."),
    ],
)  # fmt: skip
def test_a_page_that_no_article_can_be_is_told_and_the_next_is_read(publisher, run, path, shown, html, why):
    publisher.page(path, html)
    report = run(publisher.sitemap(publisher.origin + shown, publisher.page("/fine", WRITTEN)))
    assert (report.new, report.failed) == (1, 1)
    assert run.told == [f"{publisher.origin}{path}: {why}"]


def pointing(name: str) -> str:
    """Linked data of 99 articles, which all point at one list of 10,000 names."""
    people = [[f"{name}{row * 100 + column}" if name else "" for column in range(100)] for row in range(100)]
    articles = [{"@type": "Article", "author": {"@id": "#all"}, "reviewedBy": {"@id": "#all"}}] * 99
    data = json.dumps({"@graph": [{"@id": "#all", "name": people}, *articles]})
    return f'<script type="application/ld+json">{data}</script>'


MADE_TO_BE_SLOW = [
    "<!--", "<a ", "<", "<a b='", '<a b="', "<?", "</", "</a ", "<div>", "<![CDATA[", "<!DOCTYPE a [", "<title>",
    "<a b='' ", "<article>", "<svg>", "<template>", "<h2 id=a>", '<script type="application/ld+json">', "&#", "<![x",
    pytest.param(pointing("Ann "), id="names"), pytest.param(pointing(""), id="no-names"),
]  # fmt: skip


@pytest.mark.parametrize("piece", MADE_TO_BE_SLOW)
def test_no_page_takes_longer_to_read_than_it_may(piece, monkeypatch):
    monkeypatch.setattr(page, "MAX_SECONDS", 1.0)
    body = f"<title>T</title>{piece * (3_000_000 // len(piece))}".encode()
    began = time.process_time()
    try:
        assert page.read(body, "http://a.test/").title
    except page.Unreadable as error:
        assert "takes longer than" in str(error)
    assert time.process_time() - began < 6


@pytest.mark.parametrize(
    ("body", "charset", "title"),
    [
        ("Café".encode(), None, "Café"),
        ("Café".encode("latin-1"), "ISO-8859-1", "Café"),
        ("“Neck”".encode("cp1252"), "latin1", "“Neck”"),
        (b"<meta charset='iso-8859-15'>" + "Œuvre".encode("iso-8859-15"), None, "Œuvre"),
        ("Café".encode("latin-1"), "utf-8", "Caf\ufffd"),
        ("Café".encode(), "no-such", "Café"),
        (b"Caf\\u00e9", "unicode_escape", "Caf\\u00e9"),
        (b"Caf", "idna", "Caf"),
        (b"Caf", "rot13", "Caf"),
        (b"Caf", "x" * 5_000, "Caf"),
    ],
)
def test_a_page_is_decoded_as_browsers_decode_it(body, charset, title):
    assert page.read(b"<title>" + body + b"</title>", "http://a.test/", charset=charset).title == title
    marked = "\ufeff<title>Café</title>"
    for name in ("utf-8", "utf-16-le", "utf-16-be"):
        assert page.read(marked.encode(name), "http://a.test/", charset="latin1").title == "Café"


# The command


@pytest.fixture
def synced(feedback: Any, journal: Site) -> Callable[..., Any]:  # noqa: F811
    def command(url: str, *options: str) -> Any:
        given = ("article", "sync", NEW_SITE, url, "--pause", "0", *options)
        return feedback(*given, FEEDBACK_ALLOW_NETWORKS="127.0.0.1/32")

    return command


def test_the_command_tells_how_far_it_is_and_what_became_of_the_pages(publisher, synced):
    urls = [publisher.page("/neck", WRITTEN), f"{publisher.origin}/gone", "https://far.example/"]
    answer = synced(publisher.sitemap(*urls))
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == (
        "1 new, 0 brought up to date, 0 unchanged, 1 could not be read, 1 on origins that are not the site’s.\n"
    )
    assert answer.stderr.splitlines() == [
        "Reading the sitemap …", "Reading pages …", f"{urls[1]}: answers with 404.",
    ]  # fmt: skip
    assert synced(f"{publisher.origin}/sitemap.xml").stdout.startswith("0 new, 1 brought up to date")


def test_what_a_server_says_moves_no_cursor(publisher, synced):
    url = publisher.says("/picture", b"GIF89a", **{"Content-Type": "image/\x1b]0mine\x07gif\x9b2j"})
    told = synced(publisher.sitemap(url)).stderr.splitlines()[-1]
    assert told == rf"{url}: is no page but image/\x1b]0mine\x07gif\x9b2j."


def test_the_command_reaches_no_private_network_by_itself(publisher, feedback, journal):  # noqa: F811
    answer = feedback("article", "sync", NEW_SITE, neck(publisher), "--pause", "0")
    assert answer.exit_code == 1
    assert "FEEDBACK_ALLOW_NETWORKS" in answer.stderr
    assert publisher.asked == []


@pytest.mark.parametrize("url", ["http://[x/", "sitemap.xml", "ftp://127.0.0.1/sitemap.xml", "http:///sitemap.xml", ""])
def test_what_is_no_address_of_a_sitemap_is_told_in_a_line(synced, url):
    assert said(synced(url)).startswith(f"feedback: “{url}” is no address of a sitemap.")


def test_stopping_leaves_what_is_done(publisher, synced, rows, monkeypatch):
    urls = [publisher.page(f"/{number}", WRITTEN) for number in range(3)]
    read = sync._page

    def stop_at_the_second(site: Any, url: str, visitor: Any) -> Any:
        if url == urls[1]:
            raise KeyboardInterrupt
        return read(site, url, visitor)

    monkeypatch.setattr(sync, "_page", stop_at_the_second)
    answer = synced(publisher.sitemap(*urls))
    assert answer.exit_code == 130
    assert answer.stdout == "1 new, 0 brought up to date, 0 unchanged.\n"
    assert answer.stderr.splitlines()[-1] == "feedback: Stopped."
    assert rows(select(Article.key)) == ["/0"]


def test_an_unknown_site_is_told_in_a_line(feedback, app):  # noqa: F811
    assert "no site called" in said(feedback("article", "sync", "nobody", "http://127.0.0.1/sitemap.xml"))
