"""Whom and what a site does not want: banned readers and networks, blocked and watched words, links and names.

What is blocked goes to spam, and its reader is answered as if it waited; what is watched waits. Every entry says who
made it, why, and until when it holds.
"""

import html
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from sqlalchemy import delete, or_, select

from feedback import opaque, readers, text
from feedback.clock import rfc3339
from feedback.db import db, uuid7
from feedback.errors import Conflict, Invalid, Missing, Refused
from feedback.models import Ban, Banned, Comment, Effect, Listed, Site, Word
from feedback.staff import Actor

MAX_WORDS = 1_000  # of a site; each comment is held against all of them
MAX_PATTERN_CHARS = 200
MAX_WHY_CHARS = 300
MAX_BAN_DAYS = 365  # who comes back after a year may be somebody else at the same device
HREF = re.compile(r'<a href="([^"]*)"')
# Letters of two scripts that look alike are how listed words are written to get past: Cyrillic and Greek ones as Latin.
LOOK_ALIKES = str.maketrans("авсԁеһіјкмнорԛѕтухԝαβεικνορτυχ", "abcdehijkmhopqstyxwabeiknoptux")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


# What a comment has that is listed


@dataclass(frozen=True)
class Traits:
    """What of a new comment the list is held against."""

    source: str
    html: str
    name: str
    reader: bytes
    networks: tuple[bytes, ...] = ()


def effects(site_id: UUID, traits: Traits, *, now: datetime) -> frozenset[Effect]:
    """Return what the site's list does to a comment: block it, have it watched, both or neither."""
    looked_at = _LookedAt.of(traits)
    found = {word.effect for word in _standing_words(site_id, now) if _matches(word, looked_at)}
    if is_banned(site_id, traits.reader, traits.networks, now=now):
        found.add(Effect.BLOCK)
    return frozenset(found)


def is_banned(site_id: UUID, reader: bytes, networks: Collection[bytes], *, now: datetime) -> bool:
    """Whether a reader, or one of the hashes that stand for their network, is banned from a site."""
    query = select(Ban.id).where(Ban.site_id == site_id, Ban.subject.in_((reader, *networks)), Ban.until > now)
    return db.session.execute(query.limit(1)).first() is not None


def _standing_words(site_id: UUID, now: datetime) -> Sequence[Word]:
    query = select(Word).where(Word.site_id == site_id, or_(Word.until.is_(None), Word.until > now))
    return db.session.execute(query).scalars().all()


@dataclass(frozen=True)
class _LookedAt:
    """What of a comment is compared, made once for all words: its text and name, and where its links lead."""

    source: str
    name: str
    links: tuple[tuple[str, str], ...]  # (host, path)

    @classmethod
    def of(cls, traits: Traits) -> "_LookedAt":
        links = (_place(html.unescape(address)) for address in HREF.findall(traits.html))
        # What formatting hides in the source is read all the same: `_casino_`, `ca**si**no`. Mostly it hides nothing.
        sources = {" ".join(words.split()) for words in (traits.source, text.shown(traits.html))}
        return cls("\n".join(map(_compared, sources)), _compared(traits.name), tuple(link for link in links if link))


def _matches(word: Word, looked_at: _LookedAt) -> bool:
    if word.kind is Listed.LINK:
        return any(_leads_to(word.pattern, *link) for link in looked_at.links)
    words = looked_at.name if word.kind is Listed.NAME else looked_at.source
    letters, whole = _expression(word.pattern)
    # Hardly any word stands in a comment: to look for its letters alone costs a fraction of looking for whole words.
    return letters in words and bool(whole.search(words))


def fold(words: str) -> str:
    """Return words as they are listed: one space between them, letters of one size and in one form."""
    return " ".join(text.name(words).casefold().split())


def _compared(words: str) -> str:
    """Return words as they are compared: also letters of other scripts as those that they look like."""
    return fold(words).translate(LOOK_ALIKES)


@lru_cache(maxsize=4 * MAX_WORDS)
def _expression(pattern: str) -> tuple[str, re.Pattern[str]]:
    """Return a word's letters, and what finds them as a whole word; a star at its end stands for any ending."""
    letters = _compared(pattern.removesuffix("*"))
    if UNSPACED.search(pattern):
        # These scripts put no space between words.
        return letters, re.compile(re.escape(letters))
    return letters, re.compile(rf"(?<!\w){re.escape(letters)}" + ("" if pattern.endswith("*") else r"(?!\w)"))


def _leads_to(pattern: str, host: str, path: str) -> bool:
    """Whether a place is on a listed host, on one under it, or in a listed part of one."""
    listed, _, part = pattern.partition("/")
    on_host = f".{host}".endswith(f".{listed}")
    return on_host and (not part or f"{path}/".startswith(f"/{part}/"))


def _place(address: str) -> tuple[str, str] | None:
    """Return the host and path that an address leads to, as links are listed; None for what leads to no host."""
    try:
        parts = urlsplit(address)
        return (_spelled_out(parts.hostname), unquote(parts.path).casefold().rstrip("/")) if parts.hostname else None
    except ValueError:
        return None


def _spelled_out(host: str) -> str:
    """Return a host in the letters that people read, whichever way it was written. Raises ValueError for no host."""
    labels = (
        label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
        for label in host.lower().rstrip(".").split(".")
    )
    return fold(".".join(labels))


# Listing


def words(site_ids: Collection[UUID]) -> list[Word]:
    """Return all listed words of these sites, the newest first."""
    query = select(Word).where(Word.site_id.in_(site_ids)).order_by(Word.created.desc(), Word.id.desc())
    return list(db.session.execute(query).scalars())


def bans(site_ids: Collection[UUID], *, now: datetime) -> list[Ban]:
    """Return the bans that hold on these sites, the newest first."""
    query = select(Ban).where(Ban.site_id.in_(site_ids), Ban.until > now).order_by(Ban.created.desc(), Ban.id.desc())
    return list(db.session.execute(query).scalars())


@dataclass(frozen=True)
class Entry:
    """A word, link or name to list."""

    kind: Listed
    effect: Effect
    pattern: str
    why: str
    until: datetime | None = None


def list_word(site_id: UUID, entry: Entry, *, who: Actor, now: datetime) -> Word:
    """Block or watch a word, link or name from now on. Raises Invalid, and Conflict for one that is listed already."""
    pattern = _pattern(entry)
    # Two who list at once wait for each other, so that neither lists what the other has.
    db.session.execute(select(Site.id).where(Site.id == site_id).with_for_update())
    if entry.until is not None and entry.until <= now:
        raise Invalid({"until": ["This should be a time to come."]})
    known = words((site_id,))
    if any(word.kind is entry.kind and word.pattern == pattern for word in known):
        raise Conflict(f"“{pattern}” is listed already. Remove it first to list it otherwise.")
    if len(known) >= MAX_WORDS:
        raise Refused(f"A site lists at most {MAX_WORDS:,} words. Remove some first.")
    word = Word(
        id=uuid7(),
        site_id=site_id,
        kind=entry.kind,
        effect=entry.effect,
        pattern=pattern,
        why=entry.why,
        who=who.name,
        who_id=who.id,
        until=entry.until,
        created=now,
    )
    db.session.add(word)
    db.session.flush()
    return word


def _pattern(entry: Entry) -> str:
    """Return the pattern as it is compared. Raises Invalid where it would match nothing, or everything."""
    pattern = _link(entry.pattern) if entry.kind is Listed.LINK else fold(entry.pattern)
    if entry.kind is Listed.LINK and "." not in pattern.partition("/")[0].strip("."):
        raise Invalid({"pattern": ["This should be a host such as example.org, or a part of one: example.org/shop."]})
    if not any(letter.isalnum() for letter in pattern):
        raise Invalid({"pattern": ["This needs a letter or a digit."]})
    if "*" in pattern[:-1]:
        raise Invalid({"pattern": ["A star may stand at the end only, for any ending."]})
    if len(pattern) > MAX_PATTERN_CHARS:
        raise Invalid({"pattern": [f"This is too long: at most {MAX_PATTERN_CHARS} characters."]})
    return pattern


def _link(pattern: str) -> str:
    """Return a link as it is compared: host and path, without what else an address has. Raises Invalid."""
    bare = re.sub(r"\A(?:[a-z]+:)?//", "", fold(pattern)).removeprefix("www.")
    place = _place(f"//{bare.rstrip('/')}")
    if place is None:
        raise Invalid({"pattern": ["This should be a host such as example.org, or a part of one: example.org/shop."]})
    return "".join(place)


def unlist_word(word_id: UUID, *, site_ids: Collection[UUID]) -> Word:
    """Take a word off the list. Raises Missing."""
    word = db.session.get(Word, word_id)
    if word is None or word.site_id not in site_ids:
        raise Missing("There is no such word on the list.")
    db.session.delete(word)
    return word


# Banning


def ban(
    comment_id: str,
    kind: Banned,
    *,
    why: str,
    days: int,
    who: Actor,
    site_ids: Collection[UUID],
    now: datetime,
) -> Ban:
    """Ban whoever wrote a comment for so many days, or their network for as long as its key lives.

    It takes the place of an earlier ban of the same reader or network, so that lifting one lifts what there is. Raises
    Missing for a comment that is not there, Refused where nobody knows any more who wrote it.
    """
    key = opaque.parse_identifier(comment_id)
    comment = db.session.get(Comment, key) if key else None
    if comment is None or comment.site_id not in site_ids:
        raise Missing("There is no such comment here.")
    if not 1 <= days <= MAX_BAN_DAYS:
        raise Invalid({"days": [f"This should be a whole number from 1 to {MAX_BAN_DAYS}."]})
    subject = comment.reader if kind is Banned.READER else comment.network
    if subject is None:
        raise Refused(_nobody(comment, kind))
    until = now + timedelta(days=days) if kind is Banned.READER else readers.key_ends(comment.created)
    db.session.execute(delete(Ban).where(Ban.site_id == comment.site_id, Ban.subject == subject))
    row = Ban(
        id=uuid7(),
        site_id=comment.site_id,
        kind=kind,
        subject=subject,
        why=why,
        who=who.name,
        who_id=who.id,
        until=until,
        created=now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _nobody(comment: Comment, kind: Banned) -> str:
    if comment.staff is not None:
        return "Nobody can ban their own staff."
    if kind is Banned.NETWORK:
        return "A network is known for 48 hours only; that of this comment is forgotten."
    return "Its reader has erased everything; nobody knows who wrote it."


def lift(ban_id: UUID, *, site_ids: Collection[UUID]) -> Ban:
    """End a ban. Raises Missing."""
    row = db.session.get(Ban, ban_id)
    if row is None or row.site_id not in site_ids:
        raise Missing("There is no such ban.")
    db.session.delete(row)
    return row


# As machines read it


def public_word(word: Word) -> dict[str, Any]:
    return {
        "id": word.id.hex,
        "kind": word.kind.value,
        "effect": word.effect.value,
        "pattern": word.pattern,
        **_entry(word),
    }


def public_ban(row: Ban) -> dict[str, Any]:
    return {"id": row.id.hex, "kind": row.kind.value, **_entry(row)}


def _entry(row: Word | Ban) -> dict[str, Any]:
    return {
        "why": row.why,
        "who": row.who,
        "until": rfc3339(row.until) if row.until else None,
        "created": rfc3339(row.created),
    }
