"""The second factor at sign-in: a code from an authenticator app, or one of ten recovery codes.

Every code counts once. The key that makes an app's codes is encrypted under keys derived from the service's secret
keys: the first encrypts, all decrypt, and each use encrypts it anew under the first. Of recovery codes only hashes are
kept. Whoever turns the second factor on, off or to another app thereby ends every session of theirs.
"""

import hashlib
import logging
import re
import secrets
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from passlib.exc import TokenError
from passlib.totp import TOTP
from sqlalchemy import delete, func, select, update

from feedback import staff
from feedback.db import db, run
from feedback.errors import Conflict, Invalid
from feedback.models import RecoveryCode, SecondFactor

log = logging.getLogger(__name__)

ISSUER = "Reader feedback"
KEY_BYTES = 20  # what RFC 4226 recommends and every app takes
WINDOW = 30  # seconds, one step: a phone's clock may go wrong by that much, and a code may be typed late
OFFER_SECONDS = 3600  # that a page with a key to set up stays good
RECOVERY_CODES = 10
RECOVERY_BYTES = 15  # 120 bits: nobody finds a code by its hash, so that a fast one is enough
WRONG = "This code is not right. Codes change every 30 seconds, and each one counts once."
EXPIRED = "This page was open for too long. Take the new key below."


@dataclass(frozen=True)
class Offer:
    """A key that somebody may set up: as text, as the address that a QR code carries, and sealed for the form."""

    key: str
    uri: str
    sealed: str


@dataclass(frozen=True)
class State:
    """Since when somebody has a second factor, and how many recovery codes are left."""

    since: datetime
    codes_left: int


class Vault:
    """Encrypts keys of second factors; what was sealed for one person opens for nobody else."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self.box = MultiFernet([Fernet(_derived(key)) for key in secret_keys])

    def seal(self, key: bytes, user_id: UUID, now: datetime) -> bytes:
        return self.box.encrypt_at_time(user_id.bytes + key, int(now.timestamp()))

    def open(self, sealed: bytes, user_id: UUID, *, within: int | None = None, now: datetime | None = None) -> bytes:
        """Return the key. Raises InvalidToken for what no key opens, for another's, and for what is too old."""
        if within is None or now is None:
            plain = self.box.decrypt(sealed)
        else:
            plain = self.box.decrypt_at_time(sealed, within, int(now.timestamp()))
        if plain[:16] != user_id.bytes:
            raise InvalidToken
        return plain[16:]


def _derived(secret_key: str) -> bytes:
    # Derived, so that what signs sessions is not also what encrypts.
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"feedback second factor")
    return urlsafe_b64encode(derivation.derive(secret_key.encode()))


def offer(vault: Vault, user_id: UUID, email: str, *, now: datetime, again: str | None = None) -> Offer:
    """Return a fresh key for somebody to set up, or the one of their form again. Nothing is stored."""
    try:
        key = vault.open((again or "").encode(), user_id, within=OFFER_SECONDS, now=now)
    except InvalidToken:
        key, again = secrets.token_bytes(KEY_BYTES), None
    app = TOTP(key, format="raw")
    # An app may show the address beside other services', whose separator is the colon.
    uri = app.to_uri(email.replace(":", ""), issuer=ISSUER)
    return Offer(app.pretty_key(sep=" "), uri, again or vault.seal(key, user_id, now).decode())


def enrol(vault: Vault, user_id: UUID, sealed: str, code: str, *, now: datetime) -> list[str]:
    """Turn the second factor on with a first code of the app, and return the recovery codes, which are shown once.

    Raises Invalid for a wrong code or an old offer, Conflict where there is a second factor already.
    """
    try:
        key = vault.open(sealed.encode(), user_id, within=OFFER_SECONDS, now=now)
    except InvalidToken as error:
        raise Invalid({"code": [EXPIRED]}) from error
    step = _step(key, code, now)
    if step is None:
        raise Invalid({"code": [WRONG]})
    if is_on(user_id):
        raise Conflict("Your second factor is on already. Turn it off to set up another app.")
    db.session.add(SecondFactor(user_id=user_id, sealed_key=vault.seal(key, user_id, now), step=step, since=now))
    db.session.flush()
    staff.end_sessions(user_id)
    return renew_codes(user_id)


def accept(vault: Vault, user_id: UUID, typed: str, *, now: datetime) -> bool:
    """Use up a code of the app, or a recovery code. Returns whether it counted."""
    digits = re.sub(r"[\s-]", "", typed)
    if re.fullmatch("[0-9]{6}", digits):
        return _accept_code(vault, user_id, digits, now)
    used = delete(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.hash == _hash(typed))
    return run(used).rowcount == 1


def _accept_code(vault: Vault, user_id: UUID, code: str, now: datetime) -> bool:
    row = db.session.get(SecondFactor, user_id, populate_existing=True)
    try:
        key = vault.open(row.sealed_key, user_id) if row else b""
    except InvalidToken:
        log.warning("a second factor cannot be decrypted: was a key taken from FEEDBACK_SECRET_KEY too early?")
        return False
    step = _step(key, code, now) if row else None
    if step is None:
        return False
    # Two who send the same code at once both read the step before: the database lets one of them move it.
    later = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.step < step)
    return run(later.values(step=step, sealed_key=vault.seal(key, user_id, now))).rowcount == 1


def _step(key: bytes, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, of those near now."""
    try:
        return int(TOTP(key, format="raw").match(code, time=int(now.timestamp()), window=WINDOW).counter)
    except TokenError:
        return None


def is_on(user_id: UUID) -> bool:
    """Whether somebody has a second factor."""
    return db.session.execute(select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)).first() is not None


def state(user_id: UUID) -> State | None:
    """Return since when somebody has a second factor; None without one."""
    since = db.session.execute(select(SecondFactor.since).where(SecondFactor.user_id == user_id)).scalar_one_or_none()
    if since is None:
        return None
    left = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
    return State(since, db.session.execute(left).scalar_one())


def turn_off(user_id: UUID) -> None:
    """Forget somebody's second factor with its recovery codes, and end their sessions."""
    staff.forget_second_factor(user_id)
    staff.end_sessions(user_id)


def renew_codes(user_id: UUID) -> list[str]:
    """Make ten recovery codes instead of those there were, and return them; they are shown once."""
    run(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [_fresh_code() for _ in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(user_id=user_id, hash=_hash(code)) for code in codes)
    db.session.flush()
    return codes


def _fresh_code() -> str:
    letters = b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _hash(typed: str) -> bytes:
    # On paper nought and o look alike; the alphabet has neither 0 nor 1 nor 8.
    letters = re.sub(r"[\W_]", "", typed.lower()).translate(str.maketrans("018", "olb"))
    return hashlib.sha256(letters.encode()).digest()
