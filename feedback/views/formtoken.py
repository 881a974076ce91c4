"""The signed token in the forms of pages without a session: it says for which article a form was made, and when.

It also holds a reader token, which is used where the reader has none yet: what is sent twice from one page, by a
double click or after Back, so comes from one reader, even where the browser keeps no cookie.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from feedback import articles, readers
from feedback.errors import Invalid, Refused

SALT = "feedback.pages.form"
LIFETIME = timedelta(hours=24)  # a page left open overnight still works; a copied form does not work for long
EXPIRED = "This page was open for more than a day, so nothing was sent. What you entered is still here: send it again."
FOREIGN = "This form was not made by this page, so nothing was sent. What you entered is still here: send it again."


@dataclass(frozen=True)
class FormToken:
    """What a form brought back: its token as text, the reader it would make, how long ago it was made."""

    text: str
    reader: str
    age: timedelta

    @property
    def opened_ms(self) -> int | None:
        """How long the form was open; None where the clock was put back, which is no evidence."""
        return max(0, int(self.age / timedelta(milliseconds=1))) if self.age >= timedelta() else None

    def submission(self, body: str) -> str:
        """Name a comment of this form: the same text sent again is the same comment, another text another one."""
        return hashlib.sha256(f"{self.text}\n{body}".encode()).hexdigest()


def make(keys: Sequence[str], site: articles.SiteView, article: str, now: datetime) -> str:
    """Return the token for the forms of one page. The first of the keys signs."""
    milliseconds = int(now.timestamp() * 1000)
    return _serializer(keys).dumps([site.id.hex, article, milliseconds, readers.new_token()])


def read(keys: Sequence[str], token: str, site: articles.SiteView, article: str, now: datetime) -> FormToken:
    """Return what a form's token says. Raises Refused for one of another article, Invalid for an old one."""
    try:
        site_id, key, milliseconds, reader = _serializer(keys).loads(token)
    except BadData as error:
        raise Refused(FOREIGN) from error
    if (site_id, key) != (site.id.hex, article):
        raise Refused(FOREIGN)
    age = now - datetime.fromtimestamp(milliseconds / 1000, now.tzinfo)
    if age > LIFETIME:
        raise Invalid({"token": [EXPIRED]})
    return FormToken(token, reader, age)


def _serializer(keys: Sequence[str]) -> URLSafeSerializer:
    # Here the newest key stands first; there it stands last.
    return URLSafeSerializer([*reversed(keys)], salt=SALT, signer_kwargs={"digest_method": hashlib.sha256})
