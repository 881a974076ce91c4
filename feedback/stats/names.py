"""What a note is called where people and machines see it: a name that does not say whose note it is.

It is the reader's hash and a mark of the text, sealed under a key of the service (AES-SIV, RFC 5297). So it leads to
the row without a search, is the same on every page, and tells nothing without the key: not who wrote a note, and not
whether notes on two articles are one reader's. A note that its reader changes has another name.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

READER_BYTES = 32
MARK_BYTES = 15  # enough to tell texts apart; and names so come out in whole letters of base64
KEY_BYTES = 32  # two keys of AES-128, as SIV takes them


def mark(text: str) -> bytes:
    """Tell a text from any other."""
    return hashlib.sha256(text.encode()).digest()[:MARK_BYTES]


class Names:
    """Names notes under the first of the service's keys, and knows the names that any of them made."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self.boxes = [AESSIV(_derived(key)) for key in secret_keys]

    def of(self, article_id: UUID, reader: bytes, text: str) -> str:
        sealed = self.boxes[0].encrypt(reader + mark(text), [article_id.bytes])
        return urlsafe_b64encode(sealed).decode()

    def read(self, article_id: UUID, name: str) -> tuple[bytes, bytes] | None:
        """Return the reader and the mark of the text; None for what names no note of this article."""
        try:
            sealed = urlsafe_b64decode(name.encode("ascii"))
        except ValueError:
            return None
        for box in self.boxes:
            try:
                plain = box.decrypt(sealed, [article_id.bytes])
            except (InvalidTag, ValueError):
                continue
            return plain[:READER_BYTES], plain[READER_BYTES:]
        return None


def _derived(secret_key: str) -> bytes:
    # Derived, so that what signs sessions is not also what seals names.
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"names of notes").derive(secret_key.encode())
