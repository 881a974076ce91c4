"""What HTML of a comment may hold, written a second time and checked with other parsers than the service uses.

`violations` parses with html5lib as a browser would; `tokens` and `second_opinion` compare with nh3 (Ammonia), as
lists of tokens, since two serializers may write the same document in different letters; `irregular` holds it against
the grammar that the widget reads. `assert_clean` asks all of them.
"""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import html5lib
import nh3

TAGS = {"p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
REL = "nofollow ugc noopener"
HREF = re.compile(r'\A(?:https?://|mailto:)[^\s\x00-\x20\\<>"`]+\Z')

MAX_DEPTH, MAX_BYTES = 16, 20_480

# The grammar of feedback/text.py, read as the widget reads it: one piece after the other, nothing left over.
PIECE = re.compile(
    r"(?P<text>[^<>&]+)|(?P<entity>&(?:amp|lt|gt|quot);)|(?P<br><br>)"
    r"|<(?P<start>p|em|strong|code|pre|blockquote|ul|ol|li)>|</(?P<end>p|em|strong|code|pre|blockquote|ul|ol|li|a)>"
    rf'|<(?P<a>a) href="(?P<href>(?:[^"<>&]|&(?:amp|lt|gt|quot);)+)" rel="{REL}"'
    r'(?: title="(?:[^"<>&]|&(?:amp|lt|gt|quot);)+")?>'
)

Token = tuple[str, str, dict[str, str | None]]


def irregular(markup: str) -> str | None:
    """Return the place from which the markup departs from the grammar, None where it does not."""
    at, inside = 0, []
    while at < len(markup):
        piece = PIECE.match(markup, at)
        if piece is None:
            return markup[at : at + 60]
        if piece["end"] and (not inside or inside.pop() != piece["end"]):
            return f"{piece[0]} inside {inside}"
        if piece["a"] and ("a" in inside or not HREF.match(unescape(piece["href"]))):
            return piece[0]
        if piece["start"] or piece["a"]:
            inside.append(piece["start"] or piece["a"])
        if len(inside) > MAX_DEPTH:
            return f"{len(inside)} deep"
        at = piece.end()
    return f"open at the end: {inside}" if inside else None


def assert_clean(markup: str) -> None:
    assert violations(markup) == []
    assert irregular(markup) is None
    ours, theirs = second_opinion(markup)
    assert ours == theirs
    assert len(markup.encode()) <= MAX_BYTES


def violations(html: str) -> list[str]:
    """Return a sentence for everything in the HTML that is not on the allow-list; an empty list is good."""
    fragment = html5lib.parseFragment(html, container="div", treebuilder="dom")
    return [sentence for node in _descendants(fragment) for sentence in _faults(node)]


def _descendants(node) -> Iterator:
    for child in node.childNodes:
        yield child
        yield from _descendants(child)


def _faults(node) -> Iterator[str]:
    if node.nodeType == node.TEXT_NODE:
        return
    if node.nodeType != node.ELEMENT_NODE:
        yield f"a node of type {node.nodeType}: {node.toxml()!r}"
        return
    if node.tagName not in TAGS or node.namespaceURI not in (None, "http://www.w3.org/1999/xhtml"):
        yield f"the element {node.tagName!r} of {node.namespaceURI}"
    attributes = dict(node.attributes.items())
    if node.tagName != "a":
        yield from (f"the attribute {name!r} on {node.tagName!r}" for name in attributes)
        return
    yield from (f"the attribute {name!r} on a link" for name in attributes.keys() - {"href", "rel", "title"})
    if not HREF.match(attributes.get("href", "")):
        yield f"the address {attributes.get('href')!r}"
    if attributes.get("rel") != REL:
        yield f"the relation {attributes.get('rel')!r}"


def second_opinion(html: str) -> tuple[list[Token], list[Token]]:
    """Return the tokens of the HTML and of what nh3 leaves of it: equal where nh3 has nothing to clean.

    nh3 also drops addresses whose host cannot be looked up ("http://1.1.1.1.1"). That is no flaw: where ours matches
    HREF, which is the rule, and theirs is gone, theirs is taken for ours. And it takes what begins with a byte order
    mark for a file, not for a text that begins with a space of no width.
    """
    html = html.removeprefix("\ufeff")
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href", "rel", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    ours, theirs = tokens(html), tokens(cleaned)
    for mine, yours in zip(ours, theirs, strict=False):
        if mine[1] == yours[1] == "a" and "href" not in yours[2] and HREF.match(mine[2].get("href") or ""):
            yours[2]["href"] = mine[2]["href"]
    return ours, theirs


def tokens(html: str) -> list[Token]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.read


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.read: list[Token] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.read.append(("start", tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.read.append(("end", tag, {}))

    def handle_data(self, data: str) -> None:
        if self.read and self.read[-1][0] == "text":
            data = self.read.pop()[1] + data
        self.read.append(("text", data, {}))

    def handle_comment(self, data: str) -> None:
        self.read.append(("comment", data, {}))
