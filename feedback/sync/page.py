"""What an article's page says of itself: its key, title, revision, people and headings. Never more than is there.

Key and revision are found as widget.js finds them, or readers would vote on one article and authors look at another.
"""

import codecs
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import islice
from typing import Any

from feedback import articles, text
from feedback.models import Role
from feedback.origins import origin_of
from feedback.sync.address import join, key_of

MAX_SECONDS = 10.0  # that reading a page may take; html.parser is slow on pages made to be slow
MAX_DATA = 100  # scripts of linked data, and things in all of them, that are looked at
MAX_SECTIONS = 200  # headings of one page
CHUNK = 64 * 1024  # characters between two looks at the clock
REVISION = re.compile(r'"dateModified"[\s\ufeff]*:[\s\ufeff]*"([^"]+)"')
CHARSET = re.compile(rb"""<meta[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
LOOKED_FOR = 1024  # bytes in which a page has to say how it is encoded
# Encodings of pages; Python knows others, of which some take the square of a text's length.
ENCODINGS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|iso8859-\d+|cp\d+|koi8-[ru]|mac-[a-z]+|gb[\dk]+|big5|shift_jis|euc_..|tis-620"
)
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
SCOPES = ("article", "main")
HIDDEN = ("template", "noscript", "svg")  # what is in them is no part of the page's own
ARTICLES = {
    "Article", "AdvertiserContentArticle", "AnalysisNewsArticle", "APIReference", "AskPublicNewsArticle",
    "BackgroundNewsArticle", "BlogPosting", "DiscussionForumPosting", "LiveBlogPosting", "MedicalScholarlyArticle",
    "NewsArticle", "OpinionNewsArticle", "Report", "ReportageNewsArticle", "ReviewNewsArticle", "SatiricalArticle",
    "ScholarlyArticle", "SocialMediaPosting", "TechArticle",
}  # fmt: skip
KINDS = (ARTICLES, {"MedicalWebPage"}, {"WebPage"})  # whose word counts first
PROPERTIES = {"author": Role.AUTHOR, "reviewedBy": Role.REVIEWER}


class Unreadable(ValueError):
    """The page cannot be read. The message is a sentence that follows its address."""


@dataclass(frozen=True)
class Page:
    """What is registered of a page; `sections` are (id, level, title) of its headings, in their order."""

    key: str
    url: str
    title: str
    revision: str | None
    people: tuple[tuple[Role, str], ...]
    sections: tuple[tuple[str, int, str], ...]


def read(body: bytes, url: str, *, charset: str | None = None, origins: tuple[str, ...] = ()) -> Page:
    """Read the page that stood at an address; one that calls itself another by its canonical link is that one.

    Raises Unreadable where it takes too long, or has no key, address or title that an article can have.
    """
    markup = _decoded(body, charset)
    reader = _Reader()
    until = time.monotonic() + MAX_SECONDS
    try:
        # Never closed: html.parser reads what is left open at the end again from each of its beginnings.
        for at in range(0, len(markup), CHUNK):
            reader.feed(markup[at : at + CHUNK])
            if time.monotonic() > until:
                raise Unreadable(f"takes longer than {MAX_SECONDS:g} seconds to read.")
    except AssertionError:
        pass  # a declaration that it does not know; what came before counts
    except Unreadable:
        raise
    except ValueError as error:
        # html.parser makes numbers of references such as &#8217; and int() takes no more than 4,300 digits.
        raise Unreadable("is no markup that can be read.") from error
    base = join(url, reader.base) if reader.base else None
    canonical = join(base or url, reader.canonical) if reader.canonical else None
    things = _things(reader.data)
    return Page(
        _key(canonical or url),
        _address(canonical if canonical and origin_of(canonical) in origins else url),
        _title(reader, things),
        _revision(reader),
        tuple(_people(things)),
        tuple(_sections(reader)),
    )


def _decoded(body: bytes, charset: str | None) -> str:
    """Decode a page as browsers do: by its first bytes, by what the server says, by what it says itself, else UTF-8."""
    for mark, name in MARKS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    said = CHARSET.search(body[:LOOKED_FOR])
    for given in (charset, said[1].decode("ascii", "replace") if said else None):
        encoding = _encoding(given) if given else None
        if encoding:
            return body.decode(encoding, "replace")
    return body.decode("utf-8", "replace")


def _encoding(name: str) -> str | None:
    try:
        found = codecs.lookup(name.strip("\"' ")).name
    except (LookupError, ValueError):
        return None
    if found in ("iso8859-1", "ascii"):
        return "cp1252"  # which pages mean that say so
    return found if ENCODINGS.fullmatch(found) else None


@dataclass
class _Heading:
    id: str
    level: int
    scopes: tuple[int, ...]
    words: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Keeps what is looked for of the page's markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base = self.canonical = self.modified = self.title = self.shared_title = ""
        self.data: list[str] = []
        self.headings: list[_Heading] = []
        self.asked_in: tuple[int, ...] | None = None  # the articles and mains around the first element that asks
        self.scopes: list[tuple[str, int]] = []
        self.numbers = 0
        self.hidden = 0
        self.linked = False
        self.words: list[str] | None = None  # where the text is kept that comes now
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self.hidden += 1
        if self.hidden:
            return
        given = {name: value or "" for name, value in reversed(attributes)}
        if tag in SCOPES:
            self.numbers += 1
            self.scopes.append((tag, self.numbers))
        elif tag == "base" and "href" in given:
            self.base = self.base or given["href"]
        elif tag == "link" and given.get("rel", "").lower() == "canonical" and not self.linked:
            self.canonical, self.linked = given.get("href", ""), True
        elif tag == "meta":
            self._meta(given)
        elif tag == "article-feedback" and self.asked_in is None:
            self.asked_in = self._around()
        elif tag == "title" and not self.title:
            self._keep("title", [])
        elif tag == "script" and given.get("type", "").lower() == "application/ld+json":
            self._keep("script", [])
        elif tag in ("h2", "h3") and given.get("id"):
            self.headings.append(_Heading(given["id"], int(tag[1]), self._around()))
            self._keep(tag, self.headings[-1].words)

    def _around(self) -> tuple[int, ...]:
        return tuple(number for _, number in self.scopes)

    def _keep(self, tag: str, words: list[str]) -> None:
        self.inside, self.words = tag, words

    def _meta(self, given: Mapping[str, str]) -> None:
        name = given.get("property")
        if name == "article:modified_time" and not self.modified:
            self.modified = given.get("content", "")
        elif name == "og:title" and not self.shared_title:
            self.shared_title = given.get("content", "")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        # Only in a drawing does a slash close an element.
        if tag not in HIDDEN:
            self.handle_starttag(tag, attributes)

    def handle_data(self, data: str) -> None:
        if self.words is not None and not self.hidden:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        if self.hidden:
            return
        if tag in SCOPES and any(tag == name for name, _ in self.scopes):
            while self.scopes.pop()[0] != tag:
                pass
        if tag == self.inside and self.words is not None:
            kept, self.words, self.inside = "".join(self.words), None, ""
            if tag == "title":
                self.title = kept
            elif tag == "script" and len(self.data) < MAX_DATA:
                self.data.append(kept)


def _key(url: str) -> str:
    try:
        return articles.key(key_of(url))
    except ValueError as error:
        raise Unreadable(f"has no key that an article can have. {error}") from error


def _address(url: str) -> str:
    if len(url) > articles.MAX_URL_CHARS:
        raise Unreadable(f"has an address of more than {articles.MAX_URL_CHARS:,} characters.")
    return url


def _revision(reader: _Reader) -> str | None:
    """Return the label with which the element sends a vote."""
    found = REVISION.search(",".join(reader.data))
    label = (reader.modified or (found[1] if found else "")).strip()[: articles.MAX_REVISION_CHARS]
    return _line(label, articles.MAX_REVISION_CHARS) or None


def _title(reader: _Reader, things: list[dict[str, Any]]) -> str:
    said = [each["headline"] for each in things if isinstance(each.get("headline"), str)]
    for title in (*said, reader.shared_title, reader.title):
        line = _line(title, articles.MAX_TITLE_CHARS)
        if line:
            return line
    raise Unreadable("has no title.")


def _sections(reader: _Reader) -> Iterator[tuple[str, int, str]]:
    """Yield the headings that a No can point at: of the nearest article or main, else of the first, else all."""
    around = reader.asked_in or ((1,) if reader.numbers else ())
    seen: set[str] = set()
    for heading in reader.headings:
        title = _line("".join(heading.words), articles.MAX_TITLE_CHARS)
        inside = not around or around[-1] in heading.scopes
        # A vote names a section in as many characters as it does an article.
        if inside and title and heading.id == _line(heading.id, articles.MAX_KEY_CHARS) and heading.id not in seen:
            seen.add(heading.id)
            yield heading.id, heading.level, title
        if len(seen) == MAX_SECTIONS:
            return


def _line(words: str, most: int) -> str:
    """Return words in one line, cut where they are too long; "" for what no text can be."""
    try:
        return text.line(words[: 4 * most])[:most].rstrip()
    except ValueError:
        return ""


# Linked data


def _things(scripts: list[str]) -> list[dict[str, Any]]:
    """Return what the page's linked data says of its article: articles first, then pages, each in their order."""
    every: list[dict[str, Any]] = []
    for script in scripts:
        try:
            every.extend(_flat(json.loads(script)))
        except (ValueError, RecursionError):
            continue  # one that is broken says nothing; the others do
    del every[MAX_DATA:]
    by_id = {each["@id"]: each for each in reversed(every) if isinstance(each.get("@id"), str) and len(each) > 1}
    kept = [(place, each) for each in every for place, kinds in enumerate(KINDS) if _kinds(each) & kinds]
    return [{**each, "": by_id} for _, each in sorted(kept, key=lambda pair: pair[0])]


def _flat(value: Any) -> list[dict[str, Any]]:
    """Return the things in a document: of a list, of a graph, of what a page is mainly about."""
    found: list[dict[str, Any]] = []
    waiting = [value]
    while waiting and len(found) < MAX_DATA:
        each = waiting.pop(0)
        if isinstance(each, list):
            waiting[:0] = each[:MAX_DATA]
        elif isinstance(each, dict):
            found.append(each)
            inner = (each.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage"))
            waiting.extend(item for item in inner if isinstance(item, list | dict))
    return found


def _kinds(thing: Mapping[str, Any]) -> set[str]:
    """Return what a thing is, without the vocabulary that the word is of."""
    given = thing.get("@type")
    named = given if isinstance(given, list) else [given]
    return {re.split("[/:#]", name)[-1] for name in named if isinstance(name, str)}


def _people(things: list[dict[str, Any]]) -> Iterator[tuple[Role, str]]:
    """Yield who wrote and who reviewed the article, each once in each role."""
    for word, role in PROPERTIES.items():
        said = (list(_names(each[word], each[""])) for each in things if each.get(word))
        names = next(filter(None, said), [])
        yield from ((role, name) for name in list(dict.fromkeys(names))[: articles.MAX_CONTRIBUTORS // 2])


def _names(value: Any, by_id: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names among the first of what is said of people."""
    for each in islice(_said(value, by_id), articles.MAX_CONTRIBUTORS):
        if isinstance(each, str) and "://" not in each:
            with suppress(ValueError):
                name = text.name(each[: 4 * articles.MAX_NAME_CHARS])[: articles.MAX_NAME_CHARS].rstrip()
                if name:
                    yield name


def _said(value: Any, by_id: Mapping[str, Any], depth: int = 0) -> Iterator[Any]:
    """Yield what stands in a name, a person, a pointer to one, or a list of these; names, if all is well."""
    if isinstance(value, list) and depth < 3:
        for each in value[:MAX_DATA]:
            yield from _said(each, by_id, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        there = by_id.get(value["@id"]) if isinstance(value.get("@id"), str) and "name" not in value else value
        if isinstance(there, dict):
            yield from _said(there.get("name"), by_id, depth + 1)
    else:
        yield value
