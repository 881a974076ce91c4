"""What a sitemap lists: addresses of pages, or further sitemaps, each perhaps with when it last changed.

Read by expat alone, which opens nothing: a document type is refused before anything in it counts, and with it every
entity of the document's own.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from xml.parsers import expat

from feedback.outbound import MAX_PAGE_BYTES
from feedback.sync.address import join

MAX_ADDRESSES = 50_000  # of one sitemap, as sitemaps.org says
MAX_ADDRESS_CHARS = 2_000  # what an article's address may have
MAX_DEPTH = 20  # of elements; a sitemap has four
WEST = timedelta(hours=12)  # behind UTC, where a day ends last
CHUNK = 64 * 1024
GZIP = b"\x1f\x8b"


class Unreadable(ValueError):
    """This is no sitemap. The message is a sentence that follows the address."""


def _ends(written: str) -> datetime | None:
    """Return the last moment that a date or time may mean: a day without a zone ends last in the far west."""
    try:
        found = datetime.fromisoformat(written)
        if found.tzinfo is not None:
            return found
        day = timedelta(days=1) if len(written) == len("2026-05-03") else timedelta()
        return found.replace(tzinfo=UTC) + day + WEST
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Entry:
    """A page, or in an index a sitemap; `changed` is what its `lastmod` says, as it is written."""

    url: str
    changed: str | None = None

    def unchanged(self, label: str, seen: datetime) -> bool:
        """Whether a page's newest revision, of that label and first seen then, is the one that the sitemap tells of."""
        changed = _ends(self.changed or "")
        return changed is not None and (changed <= seen or changed == _ends(label))


@dataclass
class Sitemap:
    """What one file lists; `left_out` counts what is no http(s) address, or stands behind the largest number."""

    is_index: bool = False
    entries: list[Entry] = field(default_factory=list)
    left_out: int = 0


def read(body: bytes) -> Sitemap:
    """Read a sitemap or an index of sitemaps, packed by gzip or not. Raises Unreadable."""
    reader = _Reader()
    try:
        for piece in _unpacked(body):
            reader.parser.Parse(piece, False)
        reader.parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise error if isinstance(error, Unreadable) else Unreadable("is no sitemap.") from error
    return reader.found


def _unpacked(body: bytes) -> Iterator[bytes]:
    if not body.startswith(GZIP):
        yield body
        return
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    size = 0
    while not unpacking.eof:
        try:
            piece = unpacking.decompress(body, CHUNK)
        except zlib.error as error:
            raise Unreadable("is packed and cannot be unpacked.") from error
        size += len(piece)
        if size > MAX_PAGE_BYTES:
            raise Unreadable(f"has more than {MAX_PAGE_BYTES:,} bytes when it is unpacked.")
        if not piece and not unpacking.unconsumed_tail:
            raise Unreadable("is packed and ends too soon.")
        body = unpacking.unconsumed_tail
        yield piece


class _Reader:
    """Keeps what stands at urlset/url and sitemapindex/sitemap; pictures and videos have addresses of their own."""

    def __init__(self) -> None:
        self.found = Sitemap()
        self.path: list[str] = []
        self.fields: dict[str, str] = {}
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _refuse(self, *_declared: object) -> None:
        raise Unreadable("declares a document type, which no sitemap needs, and is not read.")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if not self.path:
            if local not in ("urlset", "sitemapindex"):
                raise Unreadable("is no sitemap.")
            self.found.is_index = local == "sitemapindex"
        if len(self.path) == MAX_DEPTH:
            raise Unreadable("is no sitemap: its elements lie too deep.")
        self.path.append(local)
        if len(self.path) == 2:
            self.fields = {}

    def _text(self, text: str) -> None:
        if len(self.path) == 3 and self.path[2] in ("loc", "lastmod"):
            before = self.fields.get(self.path[2], "")
            if len(before) <= MAX_ADDRESS_CHARS:
                self.fields[self.path[2]] = before + text

    def _end(self, _name: str) -> None:
        if self.path[1:] in (["url"], ["sitemap"]):
            self._keep()
        self.path.pop()

    def _keep(self) -> None:
        given = self.fields.get("loc", "").strip()
        whole = given.lower().startswith(("http://", "https://")) and len(given) <= MAX_ADDRESS_CHARS
        url = join("", given) if whole else None
        if url is None or len(self.found.entries) == MAX_ADDRESSES:
            self.found.left_out += 1
        else:
            self.found.entries.append(Entry(url, self.fields.get("lastmod", "").strip() or None))
