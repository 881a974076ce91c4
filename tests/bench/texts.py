"""What a text costs: the worst that were found for each door, as multiples of a plain comment's cost."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from feedback import forms, personal, text, votes
from feedback.comments import MAX_NAME_CHARS
from feedback.forms.shape import most_typed
from tests.bench import bodies

Recipes = tuple[tuple[str, str], ...]
MOST_TYPED, MOST_TYPED_NAME = most_typed(text.MAX_CHARS), most_typed(MAX_NAME_CHARS)


def posted(body: str) -> str:
    """Return what becomes of a comment, from the field of its form on."""
    return text.comment_html(forms.lines(text.MAX_CHARS)(body))


DOORS: dict[str, tuple[Callable[[str], Any], Recipes, tuple[int, ...]]] = {
    "comment": (posted, bodies.COSTLY_COMMENTS, (text.MAX_CHARS * 9 // 10, text.MAX_CHARS)),
    "body far too long": (posted, bodies.COSTLY_BODIES, (MOST_TYPED, bodies.BODY_BYTES)),
    "import": (text.imported_html, bodies.COSTLY_IMPORTS, (text.MAX_HTML_BYTES * 3 // 4, text.MAX_HTML_BYTES)),
    "name": (forms.name, bodies.COSTLY_NAMES, (MOST_TYPED_NAME, bodies.BODY_BYTES)),
    "note": (personal.redact, bodies.COSTLY_NOTES, (votes.MAX_NOTE_CHARS,)),
}


def costs() -> dict[str, Any]:
    """Return the milliseconds of processor time of a plain comment and of the worst texts, and their ratios."""
    plain = cost(text.comment_html, bodies.PLAIN, times=200)
    found: dict[str, Any] = {"text, a plain comment, ms": 1000 * plain}
    for door, (function, recipes, lengths) in DOORS.items():
        worst = max(cost(function, bodies.repeated(each, length)) for each in recipes for length in lengths)
        found |= {f"text, worst {door}, ms": 1000 * worst, f"text, worst {door} / plain comment": worst / plain}
    return found


def cost(function: Callable[[str], Any], source: str, times: int = 5) -> float:
    """Return the seconds of processor time that a text costs, taken or refused: the least of several."""
    return min(_once(function, source) for _ in range(times))


def _once(function: Callable[[str], Any], source: str) -> float:
    began = time.thread_time()
    with suppress(ValueError):
        function(source)
    return time.thread_time() - began
