"""The one place from which the service calls other servers by HTTP: what webhooks send, what sitemaps and pages say.

A host is looked up once, every address it has must be a public one or lie in FEEDBACK_ALLOW_NETWORKS, and the
connection goes to an address that was checked. So a name that answers otherwise the second time leads nowhere else,
and each redirect is looked up and checked like the first address. An answer is limited in size as it is unpacked, and
a call in time as a whole, however slowly a server drips. The environment plays no part: no proxy, no stored password.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from ipaddress import ip_address
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from feedback.addresses import Address, Failed, Network, Target, require_reachable

LookUp = Callable[[str, int], Sequence[str]]

GET_SECONDS = 20.0  # a sitemap of 10 MB over a slow line; nobody waits at a page for it
POST_SECONDS = 10.0  # a receiver has only to take note, and others wait behind it
MAX_PAGE_BYTES = 10 * 1024 * 1024  # unpacked; sitemaps of 50,000 addresses are smaller
MAX_RECEIPT_BYTES = 2048  # of a webhook's answer: enough to see what its server complains of
MAX_REDIRECTS = 5  # http to https, to www, to the language, and some to spare
CHUNK = 64 * 1024
REDIRECTS = (301, 302, 303, 307, 308)
NAME = "reader-feedback"


class NoAnswer(Failed):
    """No answer that can be used; it may be another at another time."""


@dataclass(frozen=True)
class Answer:
    """What a server said: `url` is where, after redirects; names of headers are found in any case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The type of the body without its parameters, "" where none is given."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def onward(self) -> str | None:
        """Where a redirect leads; None for every other answer."""
        given = self.headers.get("Location") if self.status in REDIRECTS else None
        return None if given is None else _joined(self.url, given)


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Deadline:
    """The moment at which a call ends, whatever it waits for."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.until = seconds, time.monotonic() + seconds

    def left(self, host: str) -> float:
        """Return the seconds that are left. Raises NoAnswer when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise NoAnswer(f"{host} took longer than {self.seconds:g} seconds.")
        return left

    @contextmanager
    def cuts(self, sock: socket.socket, host: str) -> Iterator[None]:
        """End what is read from the socket at the deadline: a timeout alone begins anew with each byte that drips."""

        def cut() -> None:
            with suppress(OSError):
                # The plain socket's way: that of TLS takes the encryption from under whoever is reading.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(self.left(host), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            # An answer without a length, cut off, looks like a whole one.
            self.left(host)


def get(
    url: str,
    *,
    allow: Sequence[Network] = (),
    headers: Mapping[str, str] | None = None,
    seconds: float = GET_SECONDS,
    most: int = MAX_PAGE_BYTES,
    look_up: LookUp = look_up,
    follows: bool = True,
) -> Answer:
    """Return what stands at an address, after at most five redirects if it follows any, its body whole and unpacked.

    Raises Barred for an address that is not called, NoAnswer where nothing comes, too much, or too slowly.
    """
    deadline = Deadline(seconds)
    asked = {"Accept-Encoding": "gzip", **(headers or {})}
    for _ in range(MAX_REDIRECTS + 1):
        target = Target.of(url)
        with _calling("GET", target, None, asked, allow, deadline, look_up) as response:
            answer = Answer(response.status, target.url, response.headers, b"")
            if answer.onward is None or not follows:
                return replace(answer, body=_whole(response, target, most))
        url = answer.onward
    raise NoAnswer(f"{target.name} leads from one address to the next more than {MAX_REDIRECTS} times.")


def _joined(url: str, onward: str) -> str:
    try:
        return urljoin(url, onward)
    except ValueError:
        return onward  # which is then refused for what it is


def post(
    url: str,
    body: bytes,
    *,
    allow: Sequence[Network] = (),
    headers: Mapping[str, str] | None = None,
    seconds: float = POST_SECONDS,
    look_up: LookUp = look_up,
) -> Answer:
    """Send a body to an address and return its answer, of which the first bytes are kept. Follows no redirect.

    Raises Barred for an address that is not called, NoAnswer where no answer comes in time.
    """
    target, deadline = Target.of(url), Deadline(seconds)
    with _calling("POST", target, body, headers or {}, allow, deadline, look_up) as response:
        return Answer(response.status, target.url, response.headers, response.read(MAX_RECEIPT_BYTES))


@contextmanager
def _calling(
    method: str,
    target: Target,
    body: bytes | None,
    headers: Mapping[str, str],
    allow: Sequence[Network],
    deadline: Deadline,
    look_up: LookUp,
) -> Iterator[BaseHTTPResponse]:
    """Yield the answer of one server, its body unread; what goes wrong on the way becomes NoAnswer."""
    addresses = _looked_up(target, look_up, deadline)
    require_reachable(target, addresses, allow)
    connection = _connect(target, addresses, deadline)
    try:
        with deadline.cuts(connection.sock, target.name):
            connection.timeout = deadline.left(target.name)
            ours = {"Host": target.authority, "User-Agent": NAME, "Connection": "close"}
            connection.request(
                method, target.path, body, {**headers, **ours}, preload_content=False, decode_content=method == "GET"
            )
            response = connection.getresponse()
            with response:
                yield response
    except (OSError, HTTPException, HTTPError) as error:
        raise NoAnswer(f"{target.name} did not answer as a web server does.") from error
    finally:
        connection.close()


def _whole(response: BaseHTTPResponse, target: Target, most: int) -> bytes:
    """Return the body, unpacked. Raises NoAnswer where it is larger, or packed in a way that nobody asked for."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("gzip", "x-gzip", "identity"):
        raise NoAnswer(f"{target.name} sent an encoding other than the gzip it was asked for.")
    content = bytearray()
    while chunk := response.read(CHUNK):
        content += chunk
        if len(content) > most:
            raise NoAnswer(f"{target.name} sent more than {most:,} bytes.")
    return bytes(content)


def _looked_up(target: Target, look_up: LookUp, deadline: Deadline) -> list[Address]:
    """Look a host up, once. The system's own patience is longer than ours, hence the thread."""
    with suppress(ValueError):
        return [ip_address(target.name)]
    found: list[Address] = []

    def ask() -> None:
        # Names of which the system cannot make a question (a label of 64 characters) are found nowhere, too.
        with suppress(OSError, ValueError):
            found.extend([ip_address(each) for each in look_up(target.host, target.port)])

    asking = threading.Thread(target=ask, daemon=True, name="look-up")
    asking.start()
    asking.join(deadline.left(target.name))
    deadline.left(target.name)
    if not found:
        raise NoAnswer(f"{target.name} cannot be found.")
    return found


def _connect(target: Target, addresses: list[Address], deadline: Deadline) -> HTTPConnection:
    """Return a connection to the first address that takes one. Raises NoAnswer."""
    reason = "does not answer"
    for number, address in enumerate(addresses):
        # One half for the connection, one for the handshake, and something for each address that is left.
        timeout = deadline.left(target.name) / (len(addresses) - number) / 2
        connection = _connection(target, address, timeout)
        try:
            connection.connect()
            return connection
        except (OSError, HTTPError) as error:
            connection.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                reason = "has no certificate that can be trusted"
    deadline.left(target.name)
    raise NoAnswer(f"{target.name} {reason}.")


def _connection(target: Target, address: Address, timeout: float) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(str(address), target.port, timeout=timeout)
    return HTTPSConnection(
        str(address),
        target.port,
        timeout=timeout,
        # The certificate must be that of the name; the address is only where the name's server was found.
        server_hostname=target.name,
        ssl_context=ssl.create_default_context(),
    )
