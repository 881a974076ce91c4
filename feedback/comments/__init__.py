"""Comments of readers: what they submit, what of it is published, and what they may do with their own afterwards."""

from feedback.comments.flagging import (
    Report,
    flag,
)
from feedback.comments.owners import (
    mine,
    own,
    withdraw,
)
from feedback.comments.states import (
    add,
    change_state,
    changed,
    erase,
    is_flagged,
    lock,
    record,
)
from feedback.comments.submission import (
    MAX_BODY_CHARS,
    MAX_NAME_CHARS,
    MAX_SUBMISSION_CHARS,
    Draft,
    submit,
    text_hash,
)
from feedback.comments.threads import (
    MAX_PINNED,
    NEWEST,
    SORTS,
    Latest,
    around,
    counts,
    here,
    latest,
    public,
    published,
    published_on,
    replies_of,
    row_value,
    thread,
)

__all__ = [
    "Draft",
    "Latest",
    "MAX_BODY_CHARS",
    "MAX_NAME_CHARS",
    "MAX_PINNED",
    "MAX_SUBMISSION_CHARS",
    "NEWEST",
    "Report",
    "SORTS",
    "add",
    "around",
    "change_state",
    "changed",
    "counts",
    "erase",
    "flag",
    "here",
    "is_flagged",
    "latest",
    "lock",
    "mine",
    "own",
    "public",
    "published",
    "published_on",
    "record",
    "replies_of",
    "row_value",
    "submit",
    "text_hash",
    "thread",
    "withdraw",
]
