"""What the staff and machines send, and what their pages ask for."""

from datetime import UTC, datetime
from typing import Any

from feedback import articles, blocklist, comments, moderation, stats, votes
from feedback.errors import Invalid
from feedback.forms.shape import (
    Check,
    Field,
    article_key,
    day,
    email,
    line,
    lines,
    name,
    one_of,
    read,
    says,
    string,
    web_address,
    whole,
)
from feedback.models import Banned, Effect, Listed, NoteStatus, Role

MAX_OLDER_HOURS = 8_760  # a year


@says(type="integer", minimum=1, maximum=2**31 - 1)
def version(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise ValueError("This should be the version you looked at, a whole number.")
    return value


def read_bylines(value: Any) -> tuple[articles.Byline, ...]:
    if not isinstance(value, list) or len(value) > articles.MAX_CONTRIBUTORS:
        raise ValueError(f"This should be a list of at most {articles.MAX_CONTRIBUTORS} people.")
    return tuple(_byline(item) for item in value)


def _byline(item: Any) -> articles.Byline:
    if not isinstance(item, dict):
        raise ValueError("Each contributor should be an object with name and role.")
    try:
        given = read(BYLINE, item)
    except Invalid as error:
        field, sentences = next(iter(error.errors.items()))
        raise ValueError(f"{field}: {sentences[0]}") from error
    return articles.Byline(given["name"], Role(given["role"]), given["email"] or None)


BYLINE = (
    Field("name", name, required=True),
    Field("role", one_of(Role.AUTHOR.value, Role.REVIEWER.value), required=True),
    Field("email", email),
)
_bylines = Check(
    read_bylines,
    {
        "type": ["array", "null"],
        "maxItems": articles.MAX_CONTRIBUTORS,
        "items": {"$ref": "#/components/schemas/Byline"},
    },
)
ARTICLE = (
    Field("key", article_key, required=True),
    Field("title", line(articles.MAX_TITLE_CHARS), required=True),
    Field("url", web_address, required=True),
    Field("contributors", _bylines),
    Field("revision", line(articles.MAX_REVISION_CHARS)),
    Field("note", lines(articles.MAX_NOTE_CHARS)),
)


@says(type="number", minimum=0, maximum=1)
def _likelihood(value: Any) -> float:
    try:
        # In an address everything is a text.
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
        raise ValueError("This should be a number from 0 to 1.")
    return float(number)


@says(type="boolean")
def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("This should be true or false.")
    return value


LISTING = (
    Field("state", one_of(*moderation.LISTS)),
    Field("article", article_key),
    Field("held", line(64)),
    Field("q", line(200)),
    Field("sort", one_of(*moderation.SORTS)),
    Field("cursor", line(500)),
    Field("limit", whole(1, moderation.MAX_PAGE)),
)
QUEUE = (*LISTING, Field("score", _likelihood), Field("older", whole(1, MAX_OLDER_HOURS)))


@says(
    type=["array", "null"],
    minItems=1,
    maxItems=moderation.MAX_CHOICES,
    items={"$ref": "#/components/schemas/Choice"},
)
def _choices(value: Any) -> tuple[moderation.Choice, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= moderation.MAX_CHOICES:
        raise ValueError(f"This should be a list of 1 to {moderation.MAX_CHOICES} comments.")
    if not all(isinstance(item, dict) for item in value):
        raise ValueError("Each comment should be an object with id and version.")
    return tuple(moderation.Choice(line(64)(item.get("id")), version(item.get("version"))) for item in value)


@says(type="array", minItems=1, maxItems=moderation.MAX_CHOICES, items={"type": "string", "maxLength": 64})
def _ids(value: Any) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= moderation.MAX_CHOICES:
        raise ValueError(f"This should be a list of 1 to {moderation.MAX_CHOICES} decisions.")
    return [line(64)(item) for item in value]


@says(type="array", items={"type": "string"})
def _picks(value: Any) -> tuple[moderation.Choice, ...]:
    """Comments as a page's form names them, each by its id and the version that was looked at."""
    return _choices([{"id": comment, "version": digits(seen)} for comment, _, seen in map(_halves, value)])


def _halves(pick: str) -> tuple[str, str, str]:
    return pick.partition(" ")


def digits(value: str) -> Any:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value


@says(type="string", format="date-time")
def moment(value: Any) -> datetime:
    try:
        given = datetime.fromisoformat(string(value))
        if given.tzinfo is not None:
            return given.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("This should be a time with its zone, such as 2026-05-03T09:30:00Z.")


CHOICE = (Field("id", line(64), required=True), Field("version", version, required=True))
HISTORY = (Field("comment", line(64)), Field("by", line(64)), Field("cursor", line(500)))
FLAGS = (Field("comment", line(64), required=True),)


@says(
    type="string",
    description=f"A revision's label, at most {articles.MAX_REVISION_CHARS} characters; one space is the unnamed one.",
)
def revision_label(value: Any) -> str | None:
    """The label of a revision. Nothing asks for none, as an empty field does; a space is the one without a name."""
    return line(articles.MAX_REVISION_CHARS)(value) if string(value) else None


NARROWED = (
    Field("from", day),
    Field("to", day),
    Field("revision", revision_label),
    Field("reason", line(64)),
    Field("section", line(votes.MAX_SECTION_CHARS)),
)
FIGURES = (
    Field("article", article_key),
    *NARROWED,
    Field("compare", revision_label),
    Field("with", revision_label),
    Field("by", one_of(*stats.By)),
    Field("sort", one_of(*stats.Sort)),
    Field("q", line(200)),
    Field("cursor", line(500)),
)
ARTICLES = (
    Field("site", line(64)),
    Field("sort", one_of(*stats.Sort)),
    Field("q", line(200)),
    Field("cursor", line(500)),
)
OVERVIEW = (Field("by", one_of(*stats.By)), Field("cursor", line(500)))
_status_name = one_of(*NoteStatus)
_status = Check(lambda value: NoteStatus(_status_name(value)), _status_name.schema)
OF_ARTICLE = (Field("article", article_key, required=True),)
NOTES = (
    *OF_ARTICLE,
    *NARROWED,
    Field("status", _status),
    Field("q", line(200)),
    Field("cursor", line(500)),
)
MARKED = (
    *OF_ARTICLE,
    Field("note", line(200), required=True),
    Field("status", _status, required=True),
    Field("revision", line(articles.MAX_REVISION_CHARS)),
)
BURST = (*OF_ARTICLE, Field("day", day, required=True), Field("action", one_of("aside", "count"), required=True))
PICKED = (
    Field("pick", _picks, required=True),
    Field("action", one_of(*(action.value for action in moderation.Action)), required=True),
    Field("reason", line(moderation.MAX_REASON_CHARS)),
)
UNDONE = (Field("at", moment, required=True),)


def _read_filter(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("This should be an object: which comments of which list.")
    try:
        return read(FILTER, value)
    except Invalid as error:
        field, sentences = next(iter(error.errors.items()))
        raise ValueError(f"{field}: {sentences[0]}") from error


FILTER = (
    Field("state", one_of(*moderation.LISTS)),
    Field("article", article_key),
    Field("held", line(64)),
    Field("q", line(200)),
    Field("score", _likelihood),
)
_filter = Check(_read_filter, {"$ref": "#/components/schemas/Filter"})
_REASON = Field("reason", line(moderation.MAX_REASON_CHARS))
_VERSION = Field("version", version, required=True)
_WHY = Field("why", line(blocklist.MAX_WHY_CHARS), required=True)

DECISION = (
    Field("comment", line(64)),
    Field("version", version),
    Field("comments", _choices),
    Field("filter", _filter),
    Field("before", moment),
    Field("action", one_of(*(action.value for action in moderation.Action)), required=True),
    _REASON,
)
UNDO = (Field("decisions", _ids, required=True),)
PURGE = (_VERSION, _REASON)
PIN = (Field("pinned", _truth, required=True),)
CLOSE = (Field("closed", _truth, required=True),)
REVISION = (_VERSION, Field("body", lines(comments.MAX_BODY_CHARS), required=True))
REPLY = (*REVISION, Field("approve", _truth))


@says(type="integer", minimum=1, maximum=blocklist.MAX_BAN_DAYS)
def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= blocklist.MAX_BAN_DAYS:
        raise ValueError(f"This should be a whole number from 1 to {blocklist.MAX_BAN_DAYS}.")
    return value


BANNED = (Field("kind", one_of(*Banned), required=True), Field("days", _days), _WHY)
LISTED = (
    Field("kind", one_of(*Listed), required=True),
    Field("effect", one_of(*Effect), required=True),
    Field("pattern", line(blocklist.MAX_PATTERN_CHARS), required=True),
    _WHY,
    Field("until", moment),
)
