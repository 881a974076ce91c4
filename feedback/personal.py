"""What in a text says who somebody is: e-mail addresses, phone numbers, card numbers, bank accounts.

Doses, dates and study numbers stay: only what is named here is found, and nothing else.
"""

import re

REMOVED = "[removed]"

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_GAP = r"[ \u00a0().\-/]{0,2}"
_PHONE = re.compile(rf"(?<![\w+])(?:\+|00|0)(?:{_GAP}\d){{7,15}}(?!\w)")
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE)
MIN_PHONE_DIGITS = 9


def redact(note: str) -> str:
    """Return a note to authors with what names a person replaced by "[removed]"."""
    note = _EMAIL.sub(REMOVED, note)
    note = _IBAN.sub(lambda match: REMOVED if _is_iban(match[0]) else match[0], note)
    note = _CARD.sub(lambda match: REMOVED if _is_card(match[0]) else match[0], note)
    return _PHONE.sub(lambda match: REMOVED if _is_phone(match[0]) else match[0], note)


def found(text: str) -> bool:
    """Whether a text seems to hold an e-mail address or a phone number."""
    return bool(_EMAIL.search(text)) or any(_is_phone(match[0]) for match in _PHONE.finditer(text))


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _is_phone(text: str) -> bool:
    return len(_digits(text)) >= MIN_PHONE_DIGITS


def _is_card(text: str) -> bool:
    """The Luhn check of ISO/IEC 7812."""
    digits = [int(digit) for digit in _digits(text)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check of ISO 13616: modulo 97 is 1."""
    plain = text.replace(" ", "").upper()
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1
