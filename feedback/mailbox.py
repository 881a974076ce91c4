"""Readers' mail addresses at rest: encrypted under keys that rotate, the first encrypts, all decrypt."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, MultiFernet


def seal(address: str, keys: Sequence[str]) -> bytes:
    """Encrypt an address under the first key."""
    return _box(keys).encrypt(address.encode())


def unseal(sealed: bytes, keys: Sequence[str]) -> str:
    """Decrypt an address with whichever key fits. Raises cryptography's InvalidToken where none does."""
    return _box(keys).decrypt(sealed).decode()


def _box(keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
