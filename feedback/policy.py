"""What a site has settled for itself: question, reasons, how strict it is; and how its settings are read."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import Any

from feedback import languages, text
from feedback.errors import Invalid
from feedback.languages import own

MODERATION = ("pre", "first", "post", "closed")
ADMITS = ("open", "registered")
SWITCH = ("off", "on")
REASON_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Reason:
    """Why an article did not help, as the site words it."""

    code: str
    label: str


def _usual(language: languages.Language) -> dict[str, Any]:
    """Return what a site says in a language until it has words of its own."""
    words = language.groups["usual"]
    reasons = tuple(Reason(code, label) for code, label in words["reasons"].items())
    return {**words, "reasons": reasons}


USUAL = {code: _usual(language) for code, language in languages.ALL.items()}
ENGLISH = USUAL["en"]
REASONS: tuple[Reason, ...] = ENGLISH["reasons"]
REJECTIONS = ("Off the topic", "Unkind", "Personal details", "Advertising", "Could harm somebody", "Already said above")


@dataclass(frozen=True)
class Policy:
    """What a site has settled for itself; what it has not settled has these defaults."""

    question: str = ENGLISH["question"]
    reasons: tuple[Reason, ...] = REASONS
    moderation: str = "pre"
    guidelines: str = ENGLISH["guidelines"]
    notice: str = ENGLISH["notice"]
    lang: str = "en"
    max_chars: int = 5_000  # two screens; keeps cleaning under 50 ms
    max_links: int = 2
    admits: str = "open"  # whether a reader's first vote or comment may make an article known
    quarantine_limit: int = 30  # counted votes of one network on one article in one day
    score_limit: int = 90  # percent; a comment whose learned score is over it waits
    score_trust: int = 0  # percent; one whose score is under it is published where only the policy would hold it
    flag_limit: int = 3  # weight of readers' flags that puts a published comment back into the queue
    rejections: tuple[str, ...] = REJECTIONS
    promise_hours: int = 0  # within which moderators promise to decide; 0 is no promise
    explains: str = "off"  # whether readers who are told of replies are told why their comment was rejected
    show_figure: str = "off"  # whether readers see how many of them an article helped
    texts: Mapping[str, languages.Own] = field(default_factory=dict)  # its own sentences in place of ours, by language

    def public(self, origins: Sequence[str]) -> dict[str, Any]:
        """Return what the widget needs to know."""
        shown = ("question", "max_chars", "moderation", "guidelines", "notice", "lang")
        return {
            "reasons": [asdict(reason) for reason in self.reasons],
            **{name: getattr(self, name) for name in shown},
            "origins": list(origins),
            **({"figure": True} if self.show_figure == "on" else {}),
            **({"texts": texts} if (texts := self._shown_texts()) else {}),
        }

    def _shown_texts(self) -> dict[str, languages.Sentence]:
        """Return the site's own sentences of the element, in the site's language."""
        language = languages.pick(self.lang)
        texts = self.texts.get(language.code, languages.NOTHING) if language else languages.NOTHING
        return {name: sentence for name, sentence in texts.items() if name.startswith(("widget.", "more."))}


@lru_cache(maxsize=256)
def stored_policy(settings: str) -> Policy:
    """Read settings as they are stored, in JSON: the same ones come with every request. Raises Invalid."""
    return read_policy(json.loads(settings))


def read_policy(settings: Mapping[str, Any]) -> Policy:
    """Check a site's settings and fill in the defaults. Raises Invalid, naming each setting that is wrong."""
    errors: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, value in settings.items():
        read = _READ.get(name)
        if read is None:
            errors[name] = [f"“{name[:64]}” is no setting of a site."]
            continue
        try:
            values[name] = read(value)
        except (TypeError, ValueError) as error:
            errors[name] = [str(error)]
    if errors:
        raise Invalid(errors)
    language = languages.pick(values.get("lang")) or languages.ENGLISH
    return Policy(**{**USUAL[language.code], **values})


def sentence(most: int) -> Callable[[Any], str]:
    """Return what reads a text of at most so many characters as one line, and raises TypeError or ValueError."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("This should be a text.")
        line = text.line(value)
        if len(line) > most:
            raise ValueError(f"This should have at most {most} characters.")
        return line

    return read


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"This should be one of {', '.join(choices)}.")
        return str(value)

    return read


def _number(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"This should be a whole number from {least} to {most}.")
        return value

    return read


def _reasons(value: Any) -> tuple[Reason, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        raise ValueError("This should be a list of 1 to 20 reasons.")
    if not all(isinstance(item, dict) and {"code", "label"} == set(item) for item in value):
        raise ValueError("Each reason should be an object with code and label.")
    reasons = tuple(Reason(str(item["code"]), sentence(80)(item["label"])) for item in value)
    if any(not REASON_CODE.fullmatch(reason.code) for reason in reasons):
        raise ValueError("A reason's code has only small letters, digits and underscores.")
    if len({reason.code for reason in reasons}) < len(reasons):
        raise ValueError("Each reason needs a code of its own.")
    return reasons


def _sentences(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        raise ValueError("This should be a list of 1 to 20 reasons.")
    found = tuple(filter(None, map(sentence(300), value)))
    if len(set(found)) < len(value):
        raise ValueError("Each reason should have words, and stand here once.")
    return found


_READ: dict[str, Callable[[Any], Any]] = {
    "question": sentence(200),
    "reasons": _reasons,
    "moderation": _one_of(*MODERATION),
    "guidelines": sentence(1_000),
    "notice": sentence(1_000),
    "lang": sentence(35),
    "max_chars": _number(100, 5_000),
    "max_links": _number(0, 50),
    "admits": _one_of(*ADMITS),
    "quarantine_limit": _number(1, 100_000),
    "score_limit": _number(1, 100),
    "score_trust": _number(0, 50),
    "flag_limit": _number(1, 100),
    "rejections": _sentences,
    "promise_hours": _number(0, 24 * 31),
    "explains": _one_of(*SWITCH),
    "show_figure": _one_of(*SWITCH),
    "texts": own.read,
}
SETTINGS = tuple(item.name for item in fields(Policy))
assert set(_READ) == set(SETTINGS)
