"""What a text may consist of: normal form, no control that harms, nothing invisible in a name.

`feedback.text` passes all of this on, and is what the rest of the house imports.
"""

import re
import textwrap
import unicodedata

MAX_TYPED = 20_480  # Of a text before it is normalised: what an import may have, four times the longest comment.
MAX_TYPED_NAME = 6_000  # Of a name before it is normalised: NFKC makes 18 characters of one, all of which cost time.
MAX_MARKS = 4  # Combining marks on one letter: Vietnamese needs two, pointed Hebrew four, stacked "zalgo" dozens.
STREAM_SAFE = 30  # Marks in a row that no language exceeds (UAX #15); sorting them costs the square of their number.

_NEWLINE = re.compile(r"\r\n?|[\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Controls but tab and newline, and noncharacters, which XML refuses.
_NONCHARACTERS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_DROPPED = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef{_NONCHARACTERS}]")
# Unicode's Default_Ignorable_Code_Point, and what is blank without being a space.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069\n]")  # and what ends a paragraph
_END_OF_EMBEDDING, _END_OF_ISOLATE, _ISOLATES = "\u202c", "\u2069", "\u2066\u2067\u2068"

# Python knows no script property, but Unicode names each letter after its script: "CYRILLIC CAPITAL LETTER A". That
# is exact for the mixes that matter, and needs neither a table of ours nor a dependency that ages.
_NO_SCRIPT = {"", "MODIFIER"}
_HAN = {"CJK", "IDEOGRAPHIC", "LATIN"}
_USUAL_MIXES = (_HAN | {"HIRAGANA", "KATAKANA"}, _HAN | {"BOPOMOFO"}, _HAN | {"HANGUL"})
_JOINERS = "\u200c\u200d"  # They change how letters are drawn, and are spelling in these scripts:
_JOINED = {"ARABIC", "SYRIAC", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA"}
_JOINED |= {"TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"}
_EMOJI_STYLE, _KEYCAP = "\ufe0f", "\u20e3"


class Unfit(ValueError):
    """The text cannot be taken. The message is a sentence that tells the reader what to do."""


def normalise(text: str) -> str:
    """Return text of several lines as it is stored: NFC, without the characters that only do harm, stripped.

    Raises Unfit for a NUL or half a surrogate pair: no keyboard makes them, so dropping them would hide a fault. And
    for a text so long that to normalise it before it is refused would cost more than it is worth.
    """
    if len(text) > MAX_TYPED:
        raise Unfit(f"This text has {len(text):,} characters, far more than fit. Please shorten it.")
    if "\0" in text or _SURROGATE.search(text):
        raise Unfit("This text contains a broken character. Please type it again instead of pasting it.")
    text = _DROPPED.sub("", _NEWLINE.sub("\n", text))
    if not text.isascii():
        text = _unstacked(unicodedata.normalize("NFC", _unstacked(_paired(text), STREAM_SAFE)), MAX_MARKS)
    # Stripping alone would take the indentation of the first line only, and so nest a list in its first item.
    return textwrap.dedent(text).strip()


def line(text: str) -> str:
    """Return a field of one line, normalised; line breaks and tabs become one space. Raises Unfit as `normalise`."""
    return " ".join(filter(None, map(str.strip, re.split(r"[\n\t]", normalise(text)))))


def name(text: str) -> str:
    """Return a display name: one line, NFKC, nothing invisible but what its spelling needs, "" where nothing is left.

    Raises Unfit as `normalise`.
    """
    if len(text) > MAX_TYPED_NAME:
        raise Unfit(f"This name has {len(text):,} characters, far more than fit. Please shorten it.")
    shown = unicodedata.normalize("NFKC", _without_invisible(line(text)))
    shown = " ".join(_unstacked(_without_invisible(shown), MAX_MARKS).split())
    return shown if visible(shown) else ""


def odd_name(text: str) -> bool:
    """Return whether a moderator should look at a name, given as typed, before `name` cleaned it.

    Odd is what can pass for another name: invisible characters, and letters of scripts that no language mixes
    (Unicode's "highly restrictive" level, UTS #39: one script, or Latin with those of Chinese, Japanese or Korean).
    """
    letters = [char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char)[0] == "L"]
    scripts = set(map(_script, letters)) - _NO_SCRIPT
    mixed = len(scripts) > 1 and not any(scripts <= usual for usual in _USUAL_MIXES)
    return mixed or _without_invisible(text) != text or any(map(_is_control, text.strip()))


def visible(text: str) -> bool:
    """Return whether anything of the text leaves ink: letters, digits, signs; not marks or blanks alone."""
    return any(unicodedata.category(char)[0] not in "ZM" and not _is_control(char) for char in _INVISIBLE.sub("", text))


def _paired(text: str) -> str:
    """Drop the bidi controls that open or close nothing in their paragraph: they would turn around what follows."""
    opened: list[int] = []
    isolates = 0
    unpaired: set[int] = set()
    for match in _BIDI.finditer(text):
        at, char = match.start(), match[0]
        if char == "\n":
            unpaired.update(opened)
            opened, isolates = [], 0
        elif char == _END_OF_ISOLATE and isolates:
            # It also ends every embedding begun inside.
            while text[inner := opened.pop()] not in _ISOLATES:
                unpaired.add(inner)
            isolates -= 1
        elif char == _END_OF_EMBEDDING and opened and text[opened[-1]] not in _ISOLATES:
            opened.pop()
        elif char in (_END_OF_ISOLATE, _END_OF_EMBEDDING):
            unpaired.add(at)
        else:
            opened.append(at)
            isolates += char in _ISOLATES
    unpaired.update(opened)
    return "".join(char for at, char in enumerate(text) if at not in unpaired) if unpaired else text


def _unstacked(text: str, most: int) -> str:
    """Keep the first marks on each letter. A joiner between marks does not begin a new letter."""
    kept, marks = [], 0
    for char in text:
        category = "" if char < "\u0300" else unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
        elif category != "Cf":
            marks = 0
        if marks <= most or category == "Cf":
            kept.append(char)
    return "".join(kept)


def _without_invisible(text: str) -> str:
    """Drop invisible characters, but keep joiners within a script that is spelt with them, and within emoji."""
    return _INVISIBLE.sub(lambda match: match[0] if _belongs(text, match.start()) else "", text)


def _belongs(text: str, at: int) -> bool:
    char, before, after = text[at], text[max(at - 1, 0)], text[min(at + 1, len(text) - 1)]
    if char == _EMOJI_STYLE:
        return unicodedata.category(before) == "So" or (before in "0123456789#*" and after == _KEYCAP)
    if char not in _JOINERS:
        return False
    spelling = _script(before) in _JOINED and _script(after) in _JOINED
    emoji = unicodedata.category(before) in ("So", "Sk") or before == _EMOJI_STYLE
    return spelling or (emoji and unicodedata.category(after) == "So")


def _script(char: str) -> str:
    return re.split("[ -]", unicodedata.name(char, ""))[0]


def _is_control(char: str) -> bool:
    return unicodedata.category(char) == "Cc"
