"""How what is sent is read: the body of a request, and the checks that single values pass; never a query.

Declared as plain fields, because a WTForms form of nine fields costs a hundred times what these checks cost, and the
reader routes are the hot ones. What a field takes is read once, to the value the rules work with.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from email_validator import EmailNotValidError, validate_email
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from feedback import articles, comments, readers, text
from feedback.errors import Invalid, Malformed

MAX_BODY_BYTES = 64 * 1024  # thirteen times the longest comment, in the costliest encoding
MAX_FIELDS = 100  # of a form; ours have at most fourteen
MAX_EMAIL_CHARS = 254  # RFC 5321
MAX_OPENED_MS = 10 * 365 * 24 * 3600 * 1000
MAX_ARTICLES = 100  # of one call for counts
NEVER_IN_URL = re.compile(r'[\s\\<>"`]')
TYPED = 3  # characters that normalising may make one of: a Korean syllable, as some systems send it
LEAST_TYPED = 1_000  # that any field takes: spaces and countless stacked marks are a few letters afterwards
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
    return Check(lambda value: _normal(text.line, string(value), most), _text(most, "One line"))


def lines(most: int) -> Check[str]:
    """Plain text of any number of lines, normalised, of at most so many characters."""
    return Check(lambda value: _normal(text.normalise, string(value), most), _text(most))


def most_typed(most: int) -> int:
    """Return how many characters may be sent of a field that has at most so many once it is normalised."""
    return max(TYPED * most, LEAST_TYPED)


def _normal(normalise: Callable[[str], str], typed: str, most: int) -> str:
    # What cannot become short enough is not normalised first: that costs more than all else about a long text.
    value = normalise(typed) if len(typed) <= most_typed(most) else typed
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
    return _normal(text.name, string(value), comments.MAX_NAME_CHARS)


@says(type="string", description="An e-mail address, or nothing.")
def email(value: Any) -> str:
    given = line(MAX_EMAIL_CHARS)(value)
    if not given:
        return ""
    try:
        # An intranet's addresses are as good as the world's; whether one can be reached shows when mail is sent. With
        # letters beyond ASCII before the @ none can: few servers take them, and a letter's header does not.
        known = validate_email(given, check_deliverability=False, globally_deliverable=False, allow_smtputf8=False)
        return str(known.normalized)
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
