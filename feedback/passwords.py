"""What a password may be, and links that let their holder choose one.

Any characters will do, 12 to 128 of them, unless everybody would try them: a common password, or little more than the
names of the person, their sites and this service. A link is signed, short-lived, and worth nothing once a password was
chosen.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select

from feedback.db import db
from feedback.models import Membership, Site, User

MIN_CHARS = 12
MAX_CHARS = 128  # hashing costs by length, and nobody types more
LENGTH = f"A password has {MIN_CHARS} to {MAX_CHARS} characters."
COMMON = "Many people use this password, so that it is among the first to be tried. A short sentence is a good one."
NAMES = "This password is little more than names that others know, such as yours or the site's. Choose other words."
OUR_NAMES = ("reader", "feedback", "password", "administrator", "moderator", "author", "reviewer")
MIN_OWN_LETTERS = 4  # that are left of a password without the names


def check(password: str, about: Iterable[str] = ()) -> None:
    """Raise ValueError, with a sentence, for a password that will not do; `about` names the person and their sites."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise ValueError(LENGTH)
    typed = _plain(password)
    if typed in _common():
        raise ValueError(COMMON)
    rest = typed
    for name in sorted(_words(" ".join((*OUR_NAMES, *about))), key=len, reverse=True):
        rest = rest.replace(name, " ")
    if rest != typed and sum(character.isalpha() for character in rest) < MIN_OWN_LETTERS:
        raise ValueError(NAMES)


def about(user: User) -> list[str]:
    """Return what others know of a person: address, name, and the names of the sites they work on."""
    sites = db.session.execute(select(Site).join(Membership).where(Membership.user_id == user.id)).scalars()
    known = [text for site in sites for text in (site.slug, site.name, *site.origins)]
    return [user.email, user.name, *known]


@cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", _plain(text)))


# Links


@dataclass(frozen=True)
class Purpose:
    """Why a link was sent, and for how long it holds."""

    name: str
    hours: int


RESET = Purpose("reset", 2)
INVITATION = Purpose("invitation", 14 * 24)
PURPOSES = {purpose.name: purpose for purpose in (RESET, INVITATION)}


class Signer:
    """Signs with the first of the service's keys, verifies with all."""

    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous signs with the last of its keys.
        self.serializer = URLSafeTimedSerializer(list(reversed(keys)), salt="choose-password")

    def sign(self, user: User, purpose: Purpose) -> str:
        """Return the token of a link for this person."""
        return str(self.serializer.dumps([user.id.hex, purpose.name, state_of(user)]))

    def read(self, token: str) -> User | None:
        """Return whose token this is; None where it was never ours, is too old or was used."""
        try:
            claimed, name, state = self.serializer.loads(token)
            seconds = PURPOSES[name].hours * 3600
            self.serializer.loads(token, max_age=seconds)
        except (BadSignature, KeyError, TypeError, ValueError):
            return None
        user = db.session.get(User, UUID(claimed))
        if user is None or not user.active or state_of(user) != state:
            return None
        return user


def state_of(user: User) -> str:
    """Return what changes with every new password and whenever all sessions end."""
    return hashlib.sha256(f"{user.fs_uniquifier} {user.password}".encode()).hexdigest()[:16]
