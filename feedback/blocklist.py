"""Whom and what a site does not want: banned readers and networks, blocked and watched words, links and names.

What is blocked goes to spam, and its reader is answered as if it waited; what is watched waits. Every entry says who
made it, why, and until when it holds.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import or_, select

from feedback import opaque, readers, text
from feedback.clock import rfc3339
from feedback.db import db, uuid7
from feedback.errors import Conflict, Invalid, Missing, Refused
from feedback.models import Ban, Banned, Comment, Effect, Listed, Word
from feedback.staff import Actor

MAX_WORDS = 1_000  # of a site; each comment is held against all of them
MAX_PATTERN_CHARS = 200
MAX_WHY_CHARS = 300
MAX_BAN_DAYS = 365  # who comes back after a year may be somebody else at the same device
HREF = re.compile(r'<a href="([^"]*)"')
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
    found = {word.effect for word in _standing_words(site_id, now) if _matches(word, traits)}
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


def _matches(word: Word, traits: Traits) -> bool:
    if word.kind is Listed.LINK:
        return any(_leads_to(word.pattern, address) for address in HREF.findall(traits.html))
    return bool(_expression(word.pattern).search(fold(traits.name if word.kind is Listed.NAME else traits.source)))


def fold(words: str) -> str:
    """Return words as they are compared: letters of one size, look-alike forms of a letter as that letter."""
    return " ".join(text.name(words).casefold().split())


@lru_cache(maxsize=4 * MAX_WORDS)
def _expression(pattern: str) -> re.Pattern[str]:
    """Return what finds a folded word as a whole word; a star at its end stands for any ending."""
    stem = re.escape(pattern.removesuffix("*"))
    if UNSPACED.search(pattern):
        # These scripts put no space between words.
        return re.compile(stem)
    return re.compile(rf"(?<!\w){stem}" + ("" if pattern.endswith("*") else r"(?!\w)"))


def _leads_to(pattern: str, address: str) -> bool:
    """Whether a link leads to a listed host, to one under it, or to a listed part of one."""
    host, _, path = pattern.partition("/")
    try:
        parts = urlsplit(address)
        on_host = f".{_ascii(parts.hostname or '')}".endswith(f".{_ascii(host)}")
    except ValueError:
        return False
    return on_host and parts.path.casefold().startswith(f"/{path}" if path else "")


def _ascii(host: str) -> str:
    """Return a host as it travels, so that its two spellings are one. Raises ValueError for what is no host."""
    return host if host.isascii() else host.encode("idna").decode()


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
    if entry.kind is Listed.LINK and "." not in pattern.partition("/")[0]:
        raise Invalid({"pattern": ["This should be a host such as example.org, or a part of one: example.org/shop."]})
    if not any(letter.isalnum() for letter in pattern):
        raise Invalid({"pattern": ["This needs a letter or a digit."]})
    if "*" in pattern[:-1]:
        raise Invalid({"pattern": ["A star may stand at the end only, for any ending."]})
    if len(pattern) > MAX_PATTERN_CHARS:
        raise Invalid({"pattern": [f"This is too long: at most {MAX_PATTERN_CHARS} characters."]})
    return pattern


def _link(pattern: str) -> str:
    folded = fold(pattern)
    bare = re.sub(r"\A(?:[a-z]+:)?//", "", folded).removeprefix("www.")
    return bare.rstrip("/")


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

    Raises Missing for a comment that is not there, Refused where nobody knows any more who wrote it.
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
