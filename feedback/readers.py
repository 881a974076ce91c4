"""Who a reader is without knowing who they are: tokens, networks, keyed hashes.

A reader is SHA-256(site id, token), so that one token is two strangers on two sites. A network is a keyed hash of
the /24 or /64 an address lies in; the key is random, one a day, and goes after 48 hours with every hash made from it.
"""

import hashlib
import ipaddress
import re
import secrets
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from feedback.db import insert, run, transact
from feedback.models import Ban, Comment, Flag, NetworkKey, Vote

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 random bits in URL-safe base64
# How some proxies name whom a request came from: with the port. Of an IPv6 address it is told by the brackets alone.
WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[\d.]+):\d+")
KEY_DAYS = 2  # a day's key lives through that day and the next: 48 hours from its first use at most


def new_token() -> str:
    """Return a fresh reader token of 128 random bits."""
    return secrets.token_urlsafe(16)


def digest(site_id: UUID, token: str) -> bytes:
    """Return the 32 bytes under which a reader's rows are stored on one site."""
    return hashlib.sha256(site_id.bytes + token.encode()).digest()


class Networks:
    """Hashes addresses with the key of the day, which it reads once and makes where it is the first to need it."""

    def __init__(self) -> None:
        self.keys: dict[date, tuple[bytes, ...]] = {}

    def of(self, address: str | None, now: datetime) -> bytes:
        """Return the 32 bytes that stand for the address's network today; one value for all that have no address."""
        return self.recent(address, now)[0]

    def recent(self, address: str | None, now: datetime) -> tuple[bytes, ...]:
        """Return what stands for the address's network today, and what stood for it yesterday while that is known."""
        network = _network(address).encode()
        return tuple(hashlib.blake2b(network, key=key, digest_size=32).digest() for key in self._keys(now.date()))

    def _keys(self, day: date) -> tuple[bytes, ...]:
        if day not in self.keys:
            self.keys = {day: transact(_day_keys, day)}
        return self.keys[day]


def _network(address: str | None) -> str:
    if (match := WITH_PORT.fullmatch(address or "")) is not None:
        address = match["six"] or match["four"]
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


def _day_keys(day: date) -> tuple[bytes, ...]:
    fresh = {"day": day, "key": secrets.token_bytes(32)}
    run(insert(NetworkKey).values(fresh).on_conflict_do_nothing())
    lately = NetworkKey.day.in_((day, day - timedelta(days=1)))
    return tuple(run(select(NetworkKey.key).where(lately).order_by(NetworkKey.day.desc())).scalars())


def key_ends(now: datetime) -> datetime:
    """Return when the key of today's network hashes is forgotten, and with it whatever is known of a network."""
    return datetime.combine(now.date() + timedelta(days=KEY_DAYS), datetime.min.time(), now.tzinfo)


def expire(now: datetime) -> int:
    """Forget every network key of 48 hours ago and every hash made from it. Returns how many keys went."""
    last = now.date() - timedelta(days=KEY_DAYS)
    midnight = datetime.combine(last + timedelta(days=1), datetime.min.time(), now.tzinfo)
    run(update(Vote).where(Vote.network.is_not(None), Vote.day <= last).values(network=None))
    run(update(Comment).where(Comment.network.is_not(None), Comment.created < midnight).values(network=None))
    run(update(Flag).where(Flag.network.is_not(None), Flag.created < midnight).values(network=None))
    run(delete(Ban).where(Ban.until <= now))
    gone = run(delete(NetworkKey).where(NetworkKey.day <= last))
    return gone.rowcount
