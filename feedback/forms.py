"""Shape and normalisation of everything readers and machines send; never a query.

Declared as plain fields, because a WTForms form of nine fields costs a hundred times what these checks cost, and the
reader routes are the hot ones. What a field takes is read once, to the value the rules work with.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from email_validator import EmailNotValidError, validate_email
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from feedback import articles, comments, moderation, readers, stats, text, votes
from feedback.errors import Invalid, Malformed
from feedback.models import Role

MAX_BODY_BYTES = 64 * 1024  # thirteen times the longest comment, in the costliest encoding
MAX_FIELDS = 100  # of a form; ours have at most fourteen
MAX_EMAIL_CHARS = 254  # RFC 5321
MAX_OPENED_MS = 10 * 365 * 24 * 3600 * 1000
MAX_ARTICLES = 100  # of one call for counts
NEVER_IN_URL = re.compile(r'[\s\\<>"`]')
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


T = TypeVar("T")


@dataclass(frozen=True)
class Check(Generic[T]):
    """How one value is read, and the same said in JSON Schema, so that the served contract is what is checked."""

    read: Callable[[Any], T]
    schema: Mapping[str, Any]

    def __call__(self, value: Any) -> T:
        return self.read(value)


@dataclass(frozen=True)
class Field:
    """One field: `read` turns what was sent into a value or raises ValueError with a sentence."""

    name: str
    read: Check[Any]
    required: bool = False


def read(fields: tuple[Field, ...], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every field, None for one left out. Raises Invalid with every field that is wrong."""
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for field in fields:
        given = data.get(field.name)
        try:
            value = None if given is None or (field.required and given == "") else field.read(given)
        except ValueError as error:
            errors[field.name] = [str(error)]
            continue
        values[field.name] = value
        if field.required and (value is None or value == ""):
            errors[field.name] = ["This is missing."]
    if errors:
        raise Invalid(errors)
    return values


def body(request: Request) -> dict[str, Any]:
    """Return the fields of a request's body, as sent. Raises Malformed where it cannot be read, 415 for other types."""
    kind = request.mimetype
    if kind == "application/x-www-form-urlencoded":
        return _form(_data(request))
    if kind == "application/json":
        return _json(_data(request))
    raise UnsupportedMediaType("Send application/x-www-form-urlencoded or application/json.")


def flat(request: Request) -> dict[str, Any]:
    """Return the fields of a reader's body, where nothing is nested. Raises Invalid where it is, and as `body`."""
    fields = body(request)
    nested = [name for name, value in fields.items() if isinstance(value, dict | list)]
    if nested:
        raise Invalid({name: ["This should be a single value."] for name in nested})
    return fields


def _data(request: Request) -> bytes:
    # A body without a length is cut off at Flask's own limit, which is a byte more: what has that byte is too long.
    data = request.get_data(cache=False)
    if len(data) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return data


def _form(data: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            data.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise Malformed("The form cannot be read: it should be URL-encoded UTF-8.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Malformed("A field was sent more than once.")
    return fields


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise Malformed("The JSON cannot be read.") from error
    if not isinstance(value, dict):
        raise Malformed("The JSON should be one object.")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands twice")
    return fields


# What a single value may be


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("This should be a text.")
    return value


def _text(most: int, what: str = "Text") -> dict[str, Any]:
    # No maxLength: what is sent may be longer than what normalisation leaves of it.
    return {"type": "string", "description": f"{what} of at most {most:,} characters after normalisation."}


def says(**schema: Any) -> Callable[[Callable[[Any], T]], Check[T]]:
    """Say in JSON Schema what a function reads."""
    return lambda read: Check(read, schema)


def line(most: int) -> Check[str]:
    """One line of plain text, normalised, of at most so many characters."""
    return Check(lambda value: _short(text.line(string(value)), most), _text(most, "One line"))


def lines(most: int) -> Check[str]:
    """Plain text of any number of lines, normalised, of at most so many characters."""
    return Check(lambda value: _short(text.normalise(string(value)), most), _text(most))


def _short(value: str, most: int) -> str:
    if len(value) > most:
        raise ValueError(f"This is too long: at most {most:,} characters, not {len(value):,}.")
    return value


def one_of(*choices: str) -> Check[str]:
    @says(type="string", enum=list(choices))
    def check(value: Any) -> str:
        if string(value) not in choices:
            raise ValueError(f"This should be {', '.join(choices[:-1])} or {choices[-1]}.")
        return str(value)

    return check


@says(type="string", minLength=1, description="An article's key: 1 to 255 characters, without control characters.")
def article_key(value: Any) -> str:
    return articles.key(string(value))


@says(type="string", pattern=f"^{readers.TOKEN.pattern}$", description="The reader's random token.")
def reader_token(value: Any) -> str:
    if not readers.TOKEN.fullmatch(string(value)):
        raise ValueError("A reader's token has 22 URL-safe characters.")
    return str(value)


@says(**_text(comments.MAX_NAME_CHARS, "A name"))
def name(value: Any) -> str:
    return _short(text.name(string(value)), comments.MAX_NAME_CHARS)


@says(type="string", description="An e-mail address, or nothing.")
def email(value: Any) -> str:
    given = line(MAX_EMAIL_CHARS)(value)
    if not given:
        return ""
    try:
        # An intranet's addresses are as good as the world's; whether one can be reached shows when mail is sent.
        return str(validate_email(given, check_deliverability=False, globally_deliverable=False).normalized)
    except EmailNotValidError as error:
        raise ValueError("This is no e-mail address.") from error


@says(type="string", description=f"An http(s) address of at most {articles.MAX_URL_CHARS:,} characters.")
def web_address(value: Any) -> str:
    """An http(s) address, without what browsers read otherwise than we do: a backslash, somebody's name before an @."""
    given = line(articles.MAX_URL_CHARS)(value)
    try:
        parts = urlsplit(given)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        good = good and not NEVER_IN_URL.search(given)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise ValueError("This should be an address that begins with http:// or https://.")
    return given


@says(type=["integer", "string"], description="Milliseconds, a whole number of 0 or more.")
def milliseconds(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_OPENED_MS:
        raise ValueError("This should be a whole number of milliseconds.")
    return number


def whole(least: int, most: int) -> Check[int]:
    @says(type="integer", minimum=least, maximum=most)
    def check(value: Any) -> int:
        short = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
        number = int(value) if short else value
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            raise ValueError(f"This should be a whole number from {least} to {most}.")
        return number

    return check


@says(type="string", description="A UTC day, written like 2026-05-03.")
def day(value: Any) -> date | None:
    """A day; empty is none."""
    given = string(value)
    try:
        # Python also reads 20260503 and 2026-W18-7, which the contract does not know.
        if not given or ISO_DAY.fullmatch(given):
            return date.fromisoformat(given) if given else None
    except ValueError:
        pass
    raise ValueError("This should be a day, written like 2026-05-03.")


# Readers

_PAGE = (
    Field("article", article_key, required=True),
    Field("reader", reader_token, required=True),
)
_OF_THE_PAGE = (Field("title", line(articles.MAX_TITLE_CHARS)), Field("url", web_address))

VOTE = (
    *_PAGE,
    Field("value", one_of(*(choice.value for choice in votes.Choice)), required=True),
    Field("revision", line(articles.MAX_REVISION_CHARS)),
    Field("section", line(votes.MAX_SECTION_CHARS)),
    Field("reason", line(64)),
    Field("note", lines(votes.MAX_NOTE_CHARS)),
    *_OF_THE_PAGE,
)
COMMENT = (
    *_PAGE,
    Field("body", lines(comments.MAX_BODY_CHARS), required=True),
    Field("name", name),
    Field("email", email),
    Field("parent", line(64)),
    Field("submission", line(comments.MAX_SUBMISSION_CHARS)),
    Field("notify", one_of("replies", "")),
    Field("website", line(comments.MAX_BODY_CHARS)),
    Field("opened", milliseconds),
    *_OF_THE_PAGE,
)
MINE = _PAGE


@says(type="array", minItems=1, maxItems=MAX_ARTICLES, items={"type": "string", "minLength": 1})
def article_keys(value: Any) -> list[str]:
    """The keys of one call for counts."""
    if not 1 <= len(value) <= MAX_ARTICLES:
        raise ValueError(f"Ask for 1 to {MAX_ARTICLES} articles.")
    return [article_key(each) for each in value]


COUNTS = (Field("article", article_keys, required=True),)
OF_READER = (Field("reader", reader_token, required=True),)
SUMMARY = (
    Field("article", article_key, required=True),
    Field("sort", one_of(*comments.SORTS)),
    Field("cursor", line(500)),
    Field("parent", line(64)),
    Field("around", line(64)),
)
PLACE = (*SUMMARY, Field("reply", line(64)), Field("revision", line(articles.MAX_REVISION_CHARS)))


# Staff and machines


@says(type="integer", minimum=1, maximum=2**31 - 1)
def _version(value: Any) -> int:
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
QUEUE = (
    Field("state", one_of(*moderation.LISTS)),
    Field("article", article_key),
    Field("held", line(64)),
    Field("q", line(200)),
    Field("sort", one_of(*moderation.SORTS)),
    Field("cursor", line(500)),
    Field("limit", whole(1, moderation.MAX_PAGE)),
)


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
    return tuple(moderation.Choice(line(64)(item.get("id")), _version(item.get("version"))) for item in value)


@says(type="array", items={"type": "string"})
def _picks(value: Any) -> tuple[moderation.Choice, ...]:
    """Comments as a page's form names them, each by its id and the version that was looked at."""
    return _choices([{"id": comment, "version": _digits(version)} for comment, _, version in map(_halves, value)])


def _halves(pick: str) -> tuple[str, str, str]:
    return pick.partition(" ")


def _digits(value: str) -> Any:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value


@says(type="string", format="date-time")
def _moment(value: Any) -> datetime:
    given = datetime.fromisoformat(string(value))
    if given.tzinfo is None:
        raise ValueError("This should be a time with its zone.")
    return given


CHOICE = (Field("id", line(64), required=True), Field("version", _version, required=True))
HISTORY = (Field("comment", line(64), required=True),)
LIST = (*QUEUE, Field("site", line(64)))
FIGURES = (
    Field("article", article_key),
    Field("from", day),
    Field("to", day),
    Field("by", one_of(*stats.By)),
    Field("sort", one_of(*stats.Sort)),
    Field("cursor", line(500)),
)
NOTES = (Field("article", article_key, required=True), Field("cursor", line(500)))
ARTICLES = (Field("site", line(64)), Field("sort", one_of(*stats.Sort)), Field("cursor", line(500)))
PICKED = (
    Field("pick", _picks, required=True),
    Field("action", one_of(*(action.value for action in moderation.Action)), required=True),
    Field("reason", line(moderation.MAX_REASON_CHARS)),
)
UNDONE = (Field("at", _moment, required=True),)
DECISION = (
    Field("comment", line(64)),
    Field("version", _version),
    Field("comments", _choices),
    Field("action", one_of(*(action.value for action in moderation.Action)), required=True),
    Field("reason", line(moderation.MAX_REASON_CHARS)),
)
PURGE = (Field("version", _version, required=True), Field("reason", line(moderation.MAX_REASON_CHARS)))
