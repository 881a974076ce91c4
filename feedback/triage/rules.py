"""Why a comment is held. Every rule that matches is recorded, by code, and shown in a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from feedback import personal, text
from feedback.models import State

FAST_MS = 3_000  # nobody writes a considered comment in under 3 s
REPEATED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Evidence:
    """All that the rules look at; what needs the database is already known."""

    source: str
    html: str
    name: str
    typed_name: str
    honeypot: bool
    opened_ms: int | None  # since the form was opened; None is no evidence
    first: bool  # nothing of this reader was approved yet
    repeated: bool  # the same text stands on this site since a day ago or less
    blocked: bool = False  # a blocked word, link or name, or a banned reader
    watched: bool = False  # a watched word, link or name
    thread_closed: bool = False  # it answers in a thread that was closed meanwhile
    score: float | None = None  # learned: how likely spam or abuse, 0 to 1


@dataclass(frozen=True)
class Verdict:
    """Where a new comment goes, and every code that says why."""

    state: State
    held_for: tuple[str, ...]
    trusted: bool = False  # nothing but the site's policy holds it, and its score is as low as the site asks for


BLOCKING = frozenset({"honeypot", "blocked"})
BY_POLICY = frozenset({"premoderation", "first_comment"})
SENTENCES = {
    "honeypot": "a hidden field that people do not see was filled",
    "blocked": "a blocked word, link, name or reader",
    "premoderation": "every comment waits on this site",
    "first_comment": "first comment of this reader",
    "links": "more links than the site allows",
    "words": "a watched word, link or name",
    "repeated": "the same text was sent within a day",
    "personal": "contains an e-mail address or phone number",
    "name": "the name mixes scripts or has invisible characters",
    "fast": "sent within 3 seconds of opening the form",
    "closed_thread": "its thread was closed meanwhile",
    "flags": "readers flagged it",
    "score": "its words are like those of comments that were not published here",
}


def judge(
    evidence: Evidence, *, moderation: str, max_links: int, score_limit: int = 100, score_trust: int = 0
) -> Verdict:
    """Return the state of a new comment under a site's policy (`pre`, `first` or `post`) and all that holds it.

    A score over `score_limit` percent holds it; one under `score_trust` percent lets it be published although the
    policy alone would hold it.
    """
    found = tuple(_codes(evidence, moderation, max_links))
    if over(evidence.score, score_limit):
        found += ("score",)
    if not BLOCKING.isdisjoint(found):
        return Verdict(State.SPAM, found)
    trusted = evidence.score is not None and 100 * evidence.score < score_trust and BY_POLICY.issuperset(found)
    return Verdict(State.PENDING if found else State.APPROVED, found, trusted=bool(found) and trusted)


def _codes(evidence: Evidence, moderation: str, max_links: int) -> Iterable[str]:
    if evidence.honeypot:
        yield "honeypot"
    if evidence.blocked:
        yield "blocked"
    if moderation == "pre":
        yield "premoderation"
    if evidence.first and moderation in ("pre", "first"):
        yield "first_comment"
    if links(evidence.html) > max_links:
        yield "links"
    if evidence.watched:
        yield "words"
    if evidence.repeated:
        yield "repeated"
    if any(map(personal.found, (evidence.source, text.shown(evidence.html), evidence.name))):
        yield "personal"
    if text.odd_name(evidence.typed_name):
        yield "name"
    if is_fast(evidence.opened_ms):
        yield "fast"
    if evidence.thread_closed:
        yield "closed_thread"


def is_fast(opened_ms: int | None) -> bool:
    """Whether a comment was sent sooner after its form was opened than anybody writes one; None is no evidence."""
    return opened_ms is not None and opened_ms < FAST_MS


def over(score: float | None, percent: int) -> bool:
    """Whether a learned score is over a threshold in percent."""
    return score is not None and 100 * score > percent


def risk(score: float | None, held_for: Sequence[str]) -> float:
    """Return what puts the riskiest first: the learned score, and before there is one how many rules hold."""
    return score if score is not None else len(held_for) / 1000


def links(html: str) -> int:
    """Count the links of a comment's clean HTML."""
    return html.count('<a href="')


def explain(held_for: Sequence[str], html: str | None = None) -> str:
    """Say in words why a comment is held: "first comment of this reader, contains 3 links"."""
    exact = {"links": f"contains {links(html)} links"} if html else {}
    return ", ".join(exact.get(code) or SENTENCES.get(code, code) for code in held_for)
