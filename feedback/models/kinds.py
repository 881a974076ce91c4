"""What values a column may have."""

from enum import StrEnum

from sqlalchemy import Enum, LargeBinary


class Value(StrEnum):
    YES = "yes"
    NO = "no"


class State(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class Role(StrEnum):
    """What a person or a token may do on one site; an administrator may also do what the others may."""

    ADMINISTRATOR = "administrator"
    MODERATOR = "moderator"
    AUTHOR = "author"
    REVIEWER = "reviewer"


class Accepts(StrEnum):
    """Whether an article takes comments, shows them only, or hides them."""

    OPEN = "open"
    CLOSED = "closed"
    HIDDEN = "hidden"


class NoteStatus(StrEnum):
    NEW = "new"
    DONE = "done"
    FIXED = "fixed"


class Kind(StrEnum):
    """What a reason tally counts."""

    REASON = "reason"
    SECTION = "section"


def enum(kind: type[StrEnum], name: str) -> Enum:
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


def digest() -> LargeBinary:
    return LargeBinary(32)
