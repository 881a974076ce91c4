"""Every refusal a rule can utter. A rule raises one with a sentence; the doors turn it into an answer."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """Something the caller may not do. `detail` is a sentence for a person, `status` the HTTP code it maps to."""

    status = 403

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class Malformed(Refused):
    """The request cannot be read at all."""

    status = 400


class Unauthorized(Refused):
    """No token, or one that is not (or no longer) valid."""

    status = 401


class Missing(Refused):
    """What was asked for does not exist here."""

    status = 404


class Conflict(Refused):
    """What the caller decided on has changed meanwhile; `current` in `extra` says to what."""

    status = 409


class Invalid(Refused):
    """One or more fields are not acceptable; `errors` maps each field to its sentences."""

    status = 422

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        first = next(iter(errors.values()))[0]
        super().__init__(first)
        self.errors = {field: list(sentences) for field, sentences in errors.items()}


class TooMany(Refused):
    """A limit is reached; `retry_after` is in whole seconds."""

    status = 429

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(Refused):
    """Storage does not answer; nothing was stored, and the same request may be sent again."""

    status = 503
    retry_after = 2
