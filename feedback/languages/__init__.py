"""Every sentence that readers see, in twelve languages: one JSON file each, English the one that the others follow.

A sentence has a dotted name, `widget.write`. Where its words depend on a number `n` it has a form for each of the
language's plural categories, as CLDR tells them apart. Rules know no language: they refuse in English, and `retell`
finds that sentence again, with what stands in it, and says it in another language.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

CODES = ("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "ar", "zh", "ja")
GROUPS = ("widget", "more", "pages", "mail", "says", "usual")
CATEGORIES = frozenset(("zero", "one", "two", "few", "many", "other"))
PLACEHOLDER = re.compile(r"{(\w+)}")
NUMBER = re.compile(r"\d{1,3}(?:,\d{3})*|\d+")

Sentence = str | Mapping[str, str]  # a sentence, or its forms by plural category
Own = Mapping[str, Sentence]  # sentences that a site says in words of its own, by their names
NOTHING: Own = {}


@dataclass(frozen=True)
class Language:
    """One language: its name in itself, the direction it is written in, its sentences by name."""

    code: str
    name: str
    dir: str
    groups: Mapping[str, Any]

    @cached_property
    def locale(self) -> Locale:
        # The day before the month, as everywhere but in America.
        return Locale.parse("en_GB" if self.code == "en" else self.code)

    @cached_property
    def sentences(self) -> dict[str, Sentence]:
        return dict(_flat(self.groups))

    def say(self, name: str, own: Own = NOTHING, /, **values: Any) -> str:
        """Return a sentence with its values filled in; numbers as the language writes them."""
        sentence = own.get(name) or self.sentences[name]
        if not isinstance(sentence, str):
            sentence = sentence[self.locale.plural_form(values["n"])]
        return PLACEHOLDER.sub(lambda match: self._written(values[match[1]]), sentence)

    def retell(self, english: str, own: Own = NOTHING) -> str:
        """Return what a rule said in English in this language; a sentence that readers never get stays as it is."""
        if self.code == "en" and not own:
            return english
        told = _recognise(english)
        return english if told is None else self.say(told[0], own, **told[1])

    def day(self, moment: date) -> str:
        """Write a day for people: "3 May 2026"."""
        return format_date(moment, "long", locale=self.locale)

    def names(self, names: Sequence[str]) -> str:
        """Write names one after the other: "Ann and Rex"."""
        return format_list(names, "standard", locale=self.locale)

    def _written(self, value: Any) -> str:
        return format_decimal(value, locale=self.locale) if isinstance(value, int) else str(value)


def _flat(group: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Sentence]]:
    found: list[tuple[str, Sentence]] = []
    for name, value in group.items():
        if isinstance(value, str) or is_plural(value):
            found.append((prefix + name, value))
        else:
            found += _flat(value, f"{prefix}{name}.")
    return found


def is_plural(value: Any) -> bool:
    """Whether a value is a sentence's forms by number, and not a group of sentences."""
    return isinstance(value, Mapping) and "other" in value and CATEGORIES.issuperset(value)


def placeholders(sentence: Sentence) -> set[str]:
    """Return what a sentence, or any form of it, leaves room for."""
    forms = [sentence] if isinstance(sentence, str) else list(sentence.values())
    return {name for form in forms for name in PLACEHOLDER.findall(form)}


def _load(code: str) -> Language:
    read = json.loads((Path(__file__).parent / f"{code}.json").read_text("utf-8"))
    return Language(code, read["name"], read["dir"], {group: read[group] for group in GROUPS})


ALL = {code: _load(code) for code in CODES}
ENGLISH = ALL["en"]


def pick(*tags: str | None) -> Language | None:
    """Return the language of the first of these tags that is one of ours: zh-TW is zh. None where none is."""
    bases = (re.split("[-_]", tag, maxsplit=1)[0].lower() for tag in tags if tag)
    return next((ALL[base] for base in bases if base in ALL), None)


# What rules said in English


def _recognise(english: str) -> tuple[str, dict[str, Any]] | None:
    """Return the name of a sentence that was said in English and the values in it; None for one that is not ours."""
    plain, patterns = _said()
    if english in plain:
        return plain[english], {}
    for pattern, name in patterns:
        if (match := pattern.fullmatch(english)) is not None:
            return name, {key: _number(value) for key, value in match.groupdict().items()}
    return None


@cache
def _said() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Return what rules say: whole sentences by their words, and patterns of those with values, the longest first."""
    plain: dict[str, str] = {}
    patterns: list[tuple[re.Pattern[str], str]] = []
    said = {name: form for name, form in ENGLISH.sentences.items() if name.startswith("says.")}
    for name, sentence in sorted(said.items(), key=lambda each: -len(str(each[1]))):
        for form in [sentence] if isinstance(sentence, str) else sentence.values():
            if PLACEHOLDER.search(form):
                words = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(form))
                patterns.append((re.compile(words, re.DOTALL), name))
            else:
                plain[form] = name
    return plain, patterns


def _number(value: str) -> int | str:
    return int(value.replace(",", "")) if NUMBER.fullmatch(value) else value
