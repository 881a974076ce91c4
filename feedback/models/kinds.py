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


class FlagReason(StrEnum):
    """What a reader says is wrong with a comment."""

    SPAM = "spam"
    ABUSE = "abuse"
    UNSAFE = "unsafe"
    PERSONAL = "personal"
    OTHER = "other"


class Resolved(StrEnum):
    """What became of a reader's flag: the comment was taken down for it, or approved in spite of it."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"


class Banned(StrEnum):
    """Whom a ban is about."""

    READER = "reader"
    NETWORK = "network"


class Listed(StrEnum):
    """Where a listed word is looked for: in the text, among the links, in the name."""

    WORD = "word"
    LINK = "link"
    NAME = "name"


class Effect(StrEnum):
    """What a listed word does to a comment: spam it, or hold it."""

    BLOCK = "block"
    WATCH = "watch"


class Pace(StrEnum):
    """How often somebody gets a digest of what waits."""

    EACH = "each"
    HOURLY = "hourly"
    DAILY = "daily"
    NEVER = "never"


class Progress(StrEnum):
    """How far a batch is."""

    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


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
