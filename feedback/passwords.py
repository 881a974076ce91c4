"""Links that let their holder choose a password: signed, short-lived, and worth nothing once a password was chosen."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from feedback.db import db
from feedback.models import User


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
        return str(self.serializer.dumps([user.id.hex, purpose.name, _state(user)]))

    def read(self, token: str) -> User | None:
        """Return whose token this is; None where it was never ours, is too old or was used."""
        try:
            claimed, name, state = self.serializer.loads(token)
            seconds = PURPOSES[name].hours * 3600
            self.serializer.loads(token, max_age=seconds)
        except (BadSignature, KeyError, TypeError, ValueError):
            return None
        user = db.session.get(User, UUID(claimed))
        if user is None or not user.active or _state(user) != state:
            return None
        return user


def _state(user: User) -> str:
    """Return what changes with every new password and every sign-out of all sessions."""
    return hashlib.sha256(f"{user.fs_uniquifier} {user.password}".encode()).hexdigest()[:16]
