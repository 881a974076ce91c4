"""What identifies a person is taken out of notes to authors, and makes a comment wait for a moderator.

Taken out are these alone: e-mail addresses; phone numbers of at least 9 digits that begin with +, 00 or 0; card
numbers (13 to 19 digits that pass Luhn's check); IBANs. Doses, dates, times and study numbers stay: they are what
the author needs. Digits of any script, wide signs, odd dashes and invisible characters between them do not hide any.
"""

import re
import unicodedata
from collections.abc import Iterator

REMOVED = "[removed]"
MIN_PHONE_DIGITS = 9

_LOCAL = r"\w.!#$%&'*+/=?^`{|}~-"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,64}}+@(?:[\w-]{{1,63}}+\.)+(?:xn--[a-z0-9-]+|[^\W\d_]{{2,63}})(?!\w)", re.IGNORECASE
)
# Where one of these begins, a phone number does not, and one that is under way ends.
_OTHER_NUMBER = r"""(?:
    \d{1,2}(?:\.\d{1,2}\.|/\d{1,2}/|-\d{1,2}-)(?:\d\d){1,2}(?![./-]?\d)                  # 1.2.2026, 01/02/26
  | \d{4}-\d\d-\d\d(?!\d) | \d{1,2}[ ]\d{1,2}[ ](?:19|20)\d\d(?!\d)                      # 2026-02-01, 01 02 2026
  | \d{1,2}[./-](?:19|20)\d\d(?![./-]?\d)                                                # 05/2026
  | \d{1,2}[:h]\d\d(?!\d) | \d{1,2}\.\d\d(?![./-]?\d)                                    # 10:30, 08.30
  | 0\.\d | \d[\d.,]*+[ ]?(?:[mµμn]?g|mcg|kg|m?l|[ckm]?m|m?mol|ie|iu|[x×%]|times|        # 0.125, 2.5 mg
    tablets?|pills?|hours?|days?|weeks?|months?|years?)(?!\w)
)"""
_PHONE = re.compile(
    rf"""(?<!\w)(?<!\d[./-])(?<!\d\d\d[ ])                    # not the middle of a longer number
        (?:\+[ ]?\(?|\((?=0\d*+\)[ /-]*+\d)|(?=0)(?!{_OTHER_NUMBER}))\d++(?!\w)
        (?:(?:[()./-]{{1,2}}+|[)/-]?[ ](?:[(/-][ ]?)?(?!{_OTHER_NUMBER}))\d++(?!\w))*+""",
    re.VERBOSE | re.IGNORECASE,
)
_GROUPED_DIGITS = re.compile(r"(?<!\w)\d++(?!\w)(?:[ -]\d++(?!\w))*+")
# Not IGNORECASE, under which A-Z takes "\u0130" and "\u017f" too, which are no digits of base 36.
_IBAN = re.compile(r"(?<!\w)(?=([A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}))")


def redact(note: str) -> str:
    """Return a note to authors with what identifies a person replaced by "[removed]"."""
    kept, end = [], 0
    for first, last in sorted(_spans(note)):
        if first >= end:
            kept += [note[end:first], REMOVED]
        end = max(end, last)
    return "".join([*kept, note[end:]])


def found(text: str) -> bool:
    """Return whether an e-mail address or a phone number stands in a comment or a name."""
    plain, _ = _folded(text)
    return _EMAIL.search(plain) is not None or any(True for _ in _phones(plain))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    plain, places = _folded(text)
    emails = (match.span() for match in _EMAIL.finditer(plain))
    for spans in (emails, _phones(plain), _cards(plain), _ibans(plain)):
        for first, last in spans:
            yield places[first], places[last - 1] + 1


def _folded(text: str) -> tuple[str, range | list[int]]:
    """Return the text with digits, dashes and spaces in their ASCII form, and where each character stood."""
    if text.isascii():
        return text, range(len(text))
    places = [at for at, char in enumerate(text) if unicodedata.category(char) != "Cf"]
    return "".join(_ascii(text[at]) for at in places), places


def _ascii(char: str) -> str:
    match unicodedata.category(char):
        case "Nd":
            return str(unicodedata.digit(char))
        case "Pd":
            return "-"
        case "Zs":
            return " "
    return {"\uff0b": "+", "\uff20": "@", "\uff0e": "."}.get(char, char)


def _phones(plain: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(plain):
        groups = re.findall(r"\d+", match[0])
        digits = len("".join(groups))
        # Nobody writes digit by digit what is to be called: "0 1 2 3 4 5 6 7 8 9 10" is a scale of pain.
        if digits >= MIN_PHONE_DIGITS and digits >= 1.6 * len(groups):
            yield match.span()


def _cards(plain: str) -> Iterator[tuple[int, int]]:
    """Yield numbers that pass Luhn's check (ISO/IEC 7812), in one piece or in the groups that cards show them in.

    Such groups have three digits or more, but for the last. What stands before or behind, an expiry date, stays.
    """
    for run in _GROUPED_DIGITS.finditer(plain):
        groups = [(run.start() + group.start(), group[0]) for group in re.finditer(r"\d+", run[0])]
        for at, (first, _) in enumerate(groups):
            digits, found_end = "", 0
            for start, group in groups[at : at + 7]:
                digits += group
                if 13 <= len(digits) <= 19 and _passes_luhn(digits):
                    found_end = start + len(group)
                if len(group) < 3:
                    break
            if found_end:
                yield first, found_end


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def _ibans(plain: str) -> Iterator[tuple[int, int]]:
    """Yield bank accounts that pass the check of ISO 13616: rearranged, as one number, modulo 97 is 1."""
    for match in _IBAN.finditer(plain):
        first, text = match.start(1), match[1]
        # Words behind an account look like its next groups: the longest beginning that passes is the account.
        for length in range(len(text), 14, -1):
            if re.match(r"\w", plain[first + length : first + length + 1]) or not text[length - 1].isalnum():
                continue
            account = re.sub("[ -]", "", text[:length])
            if len(account) >= 15 and int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1:
                yield first, first + length
                break
