"""What moderators send from their pages: which list, what to do with a comment, whom and what to keep out."""

from typing import Any

from feedback import blocklist, comments, moderation
from feedback.forms.shape import Field, line, lines, one_of, says, string, whole
from feedback.forms.staff import LISTING, MAX_OLDER_HOURS, digits, moment, version
from feedback.models import Banned, Effect, Listed

MAX_WORD_DAYS = 3_650  # longer than ten years is for good


@says(type="integer", minimum=1, maximum=2**31 - 1)
def _seen(value: Any) -> int:
    """The version of a comment that was looked at, as a page's form writes it."""
    return version(digits(string(value)))


_REASON = Field("reason", line(moderation.MAX_REASON_CHARS))
_WHY = Field("why", line(blocklist.MAX_WHY_CHARS), required=True)

LIST = (
    *LISTING,
    Field("site", line(64)),
    Field("score", whole(1, 99)),
    Field("older", whole(1, MAX_OLDER_HOURS)),
)
DECISIONS = (Field("cursor", line(500)), Field("who", line(64)))
BULK = (
    *LIST,
    Field("before", moment, required=True),
    Field("action", one_of(*(action.value for action in moderation.Action)), required=True),
    _REASON,
)
WORDING = (
    Field("version", _seen, required=True),
    Field("body", lines(comments.MAX_BODY_CHARS), required=True),
    Field("approve", one_of("yes", "")),
)
MARK = (Field("mark", one_of("pin", "unpin", "close", "reopen"), required=True),)
SEEN = (Field("version", _seen, required=True), _REASON)
BAN = (
    Field("kind", one_of(*(kind.value for kind in Banned)), required=True),
    Field("days", whole(1, blocklist.MAX_BAN_DAYS)),
    _WHY,
)
WORD = (
    Field("site", line(64)),
    Field("kind", one_of(*(kind.value for kind in Listed)), required=True),
    Field("effect", one_of(*(effect.value for effect in Effect)), required=True),
    Field("pattern", line(blocklist.MAX_PATTERN_CHARS), required=True),
    Field("days", whole(1, MAX_WORD_DAYS)),
    _WHY,
)
