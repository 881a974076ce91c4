"""Which addresses the service may call: the shape of one, and whether what a host stands for is in the public internet.

Private, loopback, link-local and reserved addresses are refused, however they are written, and so are those that carry
an IPv4 address to somewhere else. FEEDBACK_ALLOW_NETWORKS makes exceptions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = {"http": 80, "https": 443}
MAX_HOST_CHARS = 253  # the longest name there is
HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
# The C library takes 2130706433, 0x7f.1 and 0177.0.0.1 for 127.0.0.1; here an address has one spelling.
NUMBER_AT_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
UNFIT = re.compile(r"[\x00-\x20\x7f\\]")  # what parsers of addresses are known to read differently

# What is not on the public internet, of the special-purpose registries of IANA, the same on every version of Python.
NOT_PUBLIC_4 = [
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # looks public, and is the platform's own address inside every machine of a large cloud
    )
]  # fmt: skip
PUBLIC_6 = ip_network("2000::/3")  # all that was ever given out; IPv4-mapped and NAT64 addresses lie outside
NOT_PUBLIC_6 = [
    ip_network(network)
    for network in (
        "2001::/23",  # protocols' own: Teredo, which carries an IPv4 address, and benchmarks
        "2001:db8::/32", "3fff::/20",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
    )
]  # fmt: skip


class Failed(Exception):
    """A call came to nothing. The message is a sentence for whoever entered the address; it names the host alone."""


class Barred(Failed):
    """This address is not called; trying again changes nothing."""


@dataclass(frozen=True)
class Target:
    """An address that has the shape of one that may be called."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> "Target":
        """Read an address. Raises Barred with what is wrong with it."""
        try:
            parts = parse_url("" if UNFIT.search(url) else url)
        except LocationParseError:
            raise Barred("This is no address that can be called.") from None
        if parts.scheme not in PORTS:
            raise Barred("An address to call begins with http:// or https://.")
        if parts.auth is not None:
            raise Barred("An address to call has no name and no password in it.")
        host, port = parts.host or "", PORTS[parts.scheme] if parts.port is None else parts.port
        if not _is_host(host) or not 0 < port < 65536:
            raise Barred("This is no address that can be called.")
        return cls(parts.url, parts.scheme, host, port, parts.request_uri)

    @property
    def name(self) -> str:
        """The host as servers and certificates know it: without brackets and without the dot at the end."""
        return self.host.strip("[]").removesuffix(".")

    @property
    def authority(self) -> str:
        """What stands in the Host header."""
        host = self.host.removesuffix(".")
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return "%" not in host and _is_literal(host[1:-1], IPv6Address)
    if len(host) > MAX_HOST_CHARS or not HOST_NAME.fullmatch(host):
        return False
    return not NUMBER_AT_END.fullmatch(host) or _is_literal(host, IPv4Address)


def _is_literal(text: str, kind: type[Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, as opposed to private, reserved, or a way to such a one."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_4)
    return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)


def require_reachable(target: Target, addresses: Sequence[Address], allow: Sequence[Network]) -> None:
    """Raise Barred where one of a host's addresses is neither public nor in an allowed network."""
    for address in addresses:
        if not is_public(address) and not any(address in network for network in allow):
            raise Barred(
                f"{target.name} does not lie in the public internet, so it is not called. "
                "The operator of this service can allow its network with FEEDBACK_ALLOW_NETWORKS."
            )
