"""What a site says in words of its own: which sentences it may, and what of each has to stay."""

from collections.abc import Mapping
from typing import Any

from feedback import text
from feedback.languages import ALL, ENGLISH, Language, Sentence, placeholders

MAX_CHARS = 500  # three times our longest
# What follows from a setting of its own: the question, the reasons, the guidelines, the notice.
FIXED = "usual."
NAMES = tuple(name for name in ENGLISH.sentences if not name.startswith(FIXED))


def read(value: Any) -> dict[str, dict[str, Sentence]]:
    """Check {language: {name: sentence}} and return it, without languages of no sentence. Raises ValueError."""
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise ValueError("This should be an object of languages, each with sentences by their names.")
    unknown = [code for code in value if code not in ALL]
    if unknown:
        raise ValueError(f"“{unknown[0][:64]}” is none of the languages {', '.join(ALL)}.")
    return {code: _language(ALL[code], given) for code, given in value.items() if given}


def _language(language: Language, given: Mapping[str, Any]) -> dict[str, Sentence]:
    found: dict[str, Sentence] = {}
    for name, sentence in given.items():
        if name not in NAMES:
            raise ValueError(f"There is no sentence called “{name[:64]}”.")
        try:
            found[name] = _sentence(sentence, language, language.sentences[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return found


def _sentence(given: Any, language: Language, original: Sentence) -> Sentence:
    """Return one sentence, or its forms by number where the original has forms too. Raises ValueError."""
    if isinstance(given, str):
        return _form(given, placeholders(original))
    if isinstance(original, str) or not isinstance(given, dict) or set(given) != set(original):
        wanted = "one text" if isinstance(original, str) else f"one text, or one each for {', '.join(original)}"
        raise ValueError(f"This should be {wanted}.")
    return {category: form(words, original[category]) for category, words in given.items()}


def form(given: Any, original: str) -> str:
    """Return one form of a sentence, which says what the original one says. Raises ValueError."""
    return _form(given, placeholders(original))


def _form(given: Any, needed: set[str]) -> str:
    if not isinstance(given, str):
        raise ValueError("This should be a text.")
    line = text.line(given)
    if not line:
        raise ValueError("Readers would see nothing here.")
    if len(line) > MAX_CHARS:
        raise ValueError(f"This is too long: at most {MAX_CHARS} characters.")
    kept = placeholders(line)
    if kept != needed:
        raise ValueError(_misplaced(kept, needed))
    return line


def numbers(language: Language, category: str) -> list[int]:
    """Return the first numbers that take a plural form, a million where no smaller one does; none for fractions."""
    tried = (*range(201), 1_000_000)
    return [number for number in tried if language.locale.plural_form(number) == category][:3]


def _misplaced(kept: set[str], needed: set[str]) -> str:
    missing, foreign = sorted(needed - kept), sorted(kept - needed)
    if missing:
        return f"{{{missing[0]}}} has to stand in it: there readers see a value."
    return f"{{{foreign[0]}}} cannot stand in it: nothing is put there."
