"""What holds for any text at all: one judge for each door that a text goes through."""

import re
import unicodedata
from collections.abc import Callable

from feedback import personal, text
from feedback.text import Unfit
from tests.allowlist import assert_clean

SENTENCE = re.compile(r"[A-Z][^\n]{10,200}\.")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def comment(source: str) -> None:
    """A comment becomes clean HTML, the same from what is stored as from what was typed."""
    markup = _taken(text.comment_html, source)
    if markup is not None:
        assert_clean(markup)
        assert text.comment_html(text.normalise(source)) == markup


def imported(source: str) -> None:
    """Foreign HTML becomes clean HTML."""
    markup = _taken(text.imported_html, source)
    if markup is not None:
        assert_clean(markup)


def plain(source: str) -> None:
    """Plain text is in normal form, holds nothing that turns or ends a line unseen, and stays as it is."""
    for function, broken in ((text.normalise, CONTROL_IN_LINES), (text.line, CONTROL)):
        stored = _taken(function, source)
        if stored is not None:
            assert function(stored) == stored
            assert stored == stored.strip()
            assert unicodedata.is_normalized("NFC", stored)
            assert not broken.search(stored)


CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def name(source: str) -> None:
    """A name is one line in which nothing is hidden, and is empty or can be seen."""
    stored = _taken(text.name, source)
    if stored is None:
        return
    assert unicodedata.is_normalized("NFKC", stored)
    assert not CONTROL.search(stored) and not BIDI.search(stored)
    assert not stored or text.visible(stored)
    if len(stored) < 80:  # as many as fit into the field
        assert text.name(stored) == stored
    text.odd_name(source)


def note(source: str) -> None:
    """A note keeps all but what identifies a person, and that is gone."""
    note = _taken(text.normalise, source)
    if note is None:
        return
    redacted = personal.redact(note)
    assert not list(personal._EMAIL.finditer(personal._folded(redacted)[0])), redacted
    at = 0
    for kept in redacted.split(personal.REMOVED):
        at = note.find(kept, at)
        assert at >= 0, (note, redacted)
        at += len(kept)
    assert personal.found(note) or not personal.found(redacted)


JUDGES: tuple[Callable[[str], None], ...] = (comment, imported, plain, name, note)


def _taken(function: Callable[[str], str], source: str) -> str | None:
    """Return what a door makes of a text, None where it is refused in a sentence. Anything else is a fault."""
    try:
        return function(source)
    except Unfit as refusal:
        assert SENTENCE.search(str(refusal)), str(refusal)
        return None
