"""Calls to other servers, against real ones on loopback: what is refused, what is limited, what is never told.

Loopback itself is a network that is refused, so 127.0.0.2 stands for the public internet where one is needed: it is
allowed, and nothing else of loopback is. What names stand for outside is said by look-ups of the tests' own, one that
changes its mind among them; everything behind a name is real.
"""

import gzip
import re
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from feedback import outbound
from feedback.addresses import Barred, Failed, Target, is_public
from feedback.outbound import NoAnswer
from tests.mailserver import certificate

PUBLIC = [ip_network("127.0.0.2/32")]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8\r\nContent-Length: 5\r\n\r\nHello"
SOON = 0.6  # seconds that a call gets where the server wants to hold it
PATIENCE = 3.0  # seconds in which it has to be over, on a machine that does much else

Say = Callable[[bytes], Iterable[bytes]]


@dataclass
class Web:
    """A server that says to every request what a test wants, piece by piece, and remembers who came."""

    say: Say
    host: str
    tls: ssl.SSLContext | None = None
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.listener = socket.create_server((self.host, self.port), family=family)
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.threads.append(threading.Thread(target=self._answer, args=[connection]))
            self.threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(_request(connection))
                for piece in self.say(self.requests[-1]):
                    if self.over.is_set():
                        return
                    connection.sendall(piece)

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):  # a test closed it
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


def _request(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65536)
        if not piece:
            return found
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def web() -> Iterator[Callable[..., Web]]:
    """Start a server: `web(OK)`, or with a function from the request to the pieces of an answer."""
    started: list[Web] = []

    def start(say: bytes | Say = OK, host: str = "127.0.0.2", **more: Any) -> Web:
        started.append(Web((lambda _request: [say]) if isinstance(say, bytes) else say, host, **more))
        return started[-1]

    yield start
    for server in started:
        server.close()


def known(**names: str | list[str]) -> Callable[[str, int], Sequence[str]]:
    """Look up names as the outside world would: `known(articles="127.0.0.2")` for articles.test."""

    def look_up(host: str, port: int) -> Sequence[str]:
        try:
            found = names[host.removesuffix(".").removesuffix(".test")]
        except KeyError:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return [found] if isinstance(found, str) else found

    return look_up


def nobody(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up")


def redirect(to: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def assert_tells_nothing(sentence: str, *more: str) -> None:
    """A sentence for a person: no address, no port, no word of a library or of the system."""
    assert re.fullmatch(r"[\x20-\x7e]+\.", sentence), sentence
    for word in ("127.0.0", "10.0.0", "169.254", "::1", "Errno", "Error", "urllib", "object at", "refused", *more):
        assert word not in sentence, sentence


# What is asked and answered


def test_a_page_is_read(web):
    server = web()
    url = f"http://articles.test:{server.port}/sitemap.xml?page=2#top"
    answer = outbound.get(url, allow=PUBLIC, look_up=known(articles="127.0.0.2"), headers={"If-None-Match": '"1"'})
    assert (answer.status, answer.body, answer.media_type) == (200, b"Hello", "text/html")
    assert answer.headers["content-length"] == "5"
    head = server.requests[0].decode()
    assert head.startswith("GET /sitemap.xml?page=2 HTTP/1.1\r\n")
    assert f"\r\nHost: articles.test:{server.port}\r\n" in head
    assert '\r\nIf-None-Match: "1"\r\n' in head
    assert "\r\nUser-Agent: reader-feedback\r\n" in head


def test_what_was_not_modified_is_an_answer(web):
    server = web(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
    answer = outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC)
    assert (answer.status, answer.body, answer.headers["etag"], answer.media_type) == (304, b"", '"1"', "")


def test_a_webhook_is_sent_and_the_start_of_its_answer_kept(web):
    server = web(b"HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n" + b"x" * 100_000)
    url = f"http://127.0.0.2:{server.port}/hook"
    answer = outbound.post(url, b'{"a":1}', allow=PUBLIC, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.body) == (500, b"x" * outbound.MAX_RECEIPT_BYTES)
    assert server.requests[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')


def test_a_packed_page_is_unpacked(web):
    packed = gzip.compress(b"Hello " * 1000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: GZip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    server = web(head + packed)
    assert outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC).body == b"Hello " * 1000
    assert b"\r\nAccept-Encoding: gzip\r\n" in server.requests[0]


def test_an_address_in_any_script_is_written_as_servers_know_it(web):
    server = web()
    answer = outbound.get(
        f"http://Bücher.test:{server.port}/Köln", allow=PUBLIC, look_up=known(**{"xn--bcher-kva": "127.0.0.2"})
    )
    assert answer.status == 200
    assert server.requests[0].startswith(b"GET /K%C3%B6ln HTTP/1.1\r\n")
    assert b"\r\nHost: xn--bcher-kva.test:" in server.requests[0]


def test_the_next_address_is_tried_where_one_takes_no_connection(web):
    server = web()
    allow = [ip_network("127.0.0.2/31")]
    find = known(articles=["127.0.0.3", "127.0.0.2"])
    assert outbound.get(f"http://articles.test:{server.port}/", allow=allow, look_up=find).status == 200


def test_no_proxy_of_the_environment_hears_of_a_call(web, monkeypatch):
    proxy, server = web(), web()
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.2:{proxy.port}")
        monkeypatch.setenv(name.upper(), f"http://127.0.0.2:{proxy.port}")
    assert outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC).status == 200
    assert (proxy.connections, server.connections) == (0, 1)


# The shape of an address


@pytest.mark.parametrize(
    "url",
    [
        "", "articles.test", "//articles.test/", "/sitemap.xml", "ftp://articles.test/", "file:///etc/passwd",
        "gopher://articles.test/", "javascript:alert(1)", "data:text/plain,x", "unix:///x.sock", "https:articles.test",
    ],
)  # fmt: skip
def test_only_http_and_https_are_called(url):
    with pytest.raises(Barred) as refusal:
        outbound.get(url, look_up=nobody)
    assert_tells_nothing(str(refusal.value))


@pytest.mark.parametrize(
    "url",
    [
        "http://articles.test@127.0.0.1/", "http://rae:secret@articles.test/", "http://@articles.test/",
        "http://:@articles.test/", "http://articles.test:80@127.0.0.1/", "http://articles.test%40127.0.0.1/",
        "http://articles.test#@127.0.0.1\\/", "http://articles.test\\@127.0.0.1/", "http://articles.test\t@127.0.0.1/",
        "http://articles.test\n/", "http://articles.test /", " http://articles.test/", "http://articles.test/\x00",
        "http:///127.0.0.1/", "http://", "http://?x", "http://[::1", "http://[::1]x/", "http://[fe80::1%25eth0]/",
        "http://[v1.x]/", "http://articles.test:0/", "http://articles.test:65536/", "http://articles.test:x/",
        "http://-articles.test/", "http://articles.test-/", "http://%61rticles.test/", "http://①②⑦.⓪.⓪.①/",
        "http://articles。test/%", "http://ⓐrticles.test/", f"http://{'a.' * 130}test/", "http://..test/", "http://./",
    ],
)  # fmt: skip
def test_an_address_that_parsers_might_read_differently_is_not_called(url):
    looked_up: list[str] = []

    def note(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    with pytest.raises(Failed) as refusal:
        outbound.get(url, look_up=note)
    assert isinstance(refusal.value, Barred)
    assert_tells_nothing(str(refusal.value), "secret", "rae")
    assert looked_up in ([], ["articles.test"])


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0x", "00",
        "127.0.0.01", "127.0.0.1.", "127.0.0.256", "1.2.3.4.5", "articles.127", "articles.0x7f", "134744072",
    ],
)  # fmt: skip
def test_an_ip_address_has_one_spelling(host):
    with pytest.raises(Barred):
        outbound.get(f"http://{host}/", look_up=nobody)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_called_whatever_it_is_named(host, web):
    # Looked up by the system itself.
    with pytest.raises(Barred) as refusal:
        outbound.get(f"http://{host}:{web(host='127.0.0.1').port}/")
    assert "FEEDBACK_ALLOW_NETWORKS" in str(refusal.value)


def test_a_dot_at_the_end_is_asked_for_and_not_said(web):
    server = web()
    asked: list[str] = []

    def note(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"]

    assert outbound.get(f"http://articles.test.:{server.port}/", allow=PUBLIC, look_up=note).status == 200
    assert asked == ["articles.test."]
    assert f"\r\nHost: articles.test:{server.port}\r\n".encode() in server.requests[0]


# Networks

NOT_PUBLIC = {
    "this network": ["0.0.0.0", "0.255.255.255", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254", "fec0::1"],
    "link-local": ["169.254.169.254", "fe80::1"],
    "shared by carriers": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "broadcast and reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "5f00::1", "100::1"],
    "protocols, benchmarks": ["192.0.0.192", "198.18.0.1", "198.19.255.255", "2001:2::1", "2001:10::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "IPv4 in IPv6": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "192.88.99.1"],
    "Teredo": ["2001:0:7f00:1::"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1"],
    "a cloud's own": ["168.63.129.16"],
}


@pytest.mark.parametrize("address", [each for found in NOT_PUBLIC.values() for each in found])
def test_what_is_not_public_is_not_called(address):
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(Barred) as refusal:
        outbound.post(f"http://{literal}/hook", b"", look_up=nobody)
    with pytest.raises(Barred) as other:
        outbound.get("https://articles.test/", look_up=known(articles=address))
    assert str(other.value) == str(refusal.value).replace(address, "articles.test")
    assert_tells_nothing(str(other.value))
    with pytest.raises(Barred):
        outbound.get("http://articles.test/", look_up=known(articles=["8.8.8.8", address]))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
     "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
     "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"],
)  # fmt: skip
def test_the_public_internet_begins_where_private_networks_end(address):
    assert is_public(ip_address(address))


def test_an_allowed_network_is_called_and_its_neighbours_are_not(web):
    server = web()
    assert outbound.get(f"http://127.0.0.2:{server.port}/", allow=[ip_network("127.0.0.2/31")]).status == 200
    for allow in ([ip_network("127.0.0.4/30")], [ip_network("::/0")]):
        with pytest.raises(Barred):
            outbound.get(f"http://127.0.0.2:{server.port}/", allow=allow)
    # What is allowed for an address is not allowed for its disguise.
    with pytest.raises(Barred):
        outbound.get(f"http://[::ffff:127.0.0.2]:{server.port}/", allow=PUBLIC)
    assert server.connections == 1


# Names that change their mind


def two_faced(*answers: str) -> Callable[[str, int], Sequence[str]]:
    """Look up a name that stands for something else each time it is asked for."""
    left = list(answers)
    return lambda host, port: [left.pop(0)]


def test_a_name_that_answers_otherwise_the_second_time_leads_nowhere_else(web):
    outside = web()
    inside = web(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret", host="127.0.0.1", port=outside.port)
    find = two_faced("127.0.0.2", "127.0.0.1", "127.0.0.1")
    answer = outbound.get(f"http://articles.test:{outside.port}/", allow=PUBLIC, look_up=find)
    assert answer.body == b"Hello"
    assert (outside.connections, inside.connections) == (1, 0)


def test_a_name_is_checked_anew_where_a_redirect_leads_back_to_it(web):
    outside = web(redirect("/again"))
    inside = web(host="127.0.0.1", port=outside.port)
    find = two_faced("127.0.0.2", "127.0.0.1")
    with pytest.raises(Barred):
        outbound.get(f"http://articles.test:{outside.port}/", allow=PUBLIC, look_up=find)
    assert (outside.connections, inside.connections) == (1, 0)


# Redirects


def test_redirects_are_followed_up_to_five_times(web):
    def say(request: bytes) -> list[bytes]:
        number = int(request.split(b" ")[1].rsplit(b"/", 1)[1])
        return [redirect(f"../pages/{number - 1}") if number else OK]

    server = web(say)
    answer = outbound.get(f"http://127.0.0.2:{server.port}/pages/5", allow=PUBLIC)
    assert (answer.status, answer.url) == (200, f"http://127.0.0.2:{server.port}/pages/0")
    with pytest.raises(NoAnswer) as refusal:
        outbound.get(f"http://127.0.0.2:{server.port}/pages/6", allow=PUBLIC)
    assert server.connections == 6 + 6
    assert "5 times" in str(refusal.value)


@pytest.mark.parametrize("status", ["301 Moved", "303 See Other", "307 Again", "308 For Good"])
def test_no_kind_of_redirect_leads_inside(web, status):
    inside = web(host="127.0.0.1")
    outside = web(redirect(f"http://127.0.0.1:{inside.port}/", status))
    with pytest.raises(Barred):
        outbound.get(f"http://127.0.0.2:{outside.port}/", allow=PUBLIC)
    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.parametrize(
    "onward",
    [
        "http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://[::1]:{port}/", "http://localhost:{port}/",
        "http://169.254.169.254/latest/meta-data/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/", "http://127.1:{port}/", "http://127.0.0.1.:{port}/", "http://0:{port}/",
        "http://127.0.0.2@127.0.0.1:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
        "http://internal.test:{port}/", "https://internal.test:{port}/", "file:///etc/passwd", "ftp://127.0.0.1/",
        "http://127.0.0.2\\@127.0.0.1:{port}/", "http://[", "javascript:1",
    ],
)  # fmt: skip
def test_no_redirect_leads_inside(web, onward):
    inside = web(host="127.0.0.1")
    outside = web(redirect(onward.format(port=inside.port)))
    find = known(internal="10.0.0.7", localhost="127.0.0.1")
    with pytest.raises(Barred) as refusal:
        outbound.get(f"http://127.0.0.2:{outside.port}/", allow=PUBLIC, look_up=find)
    assert_tells_nothing(str(refusal.value).replace("127.0.0.1 does", "does").replace("169.254.169.254 does", "does").
                         replace("::1 does", "does"))  # fmt: skip
    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Again", "308 For Good"])
def test_a_webhook_follows_no_redirect(web, status):
    elsewhere = web()
    server = web(redirect(f"http://127.0.0.2:{elsewhere.port}/", status))
    answer = outbound.post(f"http://127.0.0.2:{server.port}/", b"{}", allow=PUBLIC)
    assert answer.status == int(status[:3])
    assert elsewhere.connections == 0


# Certificates


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path, list[str | None]]:
    """Return the context of a server that is articles.test, its certificate, and a list of the names asked for."""
    path = certificate(tmp_path, "articles.test")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    return context, path, asked


def test_over_tls_the_name_is_asked_for_and_proved_while_the_address_is_called(web, tls, monkeypatch):
    context, path, asked = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    outside = web(tls=context)
    inside = web(host="127.0.0.1", port=outside.port, tls=context)
    for name in ("articles.test", "articles.test."):
        find = two_faced("127.0.0.2", "127.0.0.1")
        answer = outbound.post(f"https://{name}:{outside.port}/hook", b"{}", allow=PUBLIC, look_up=find)
        assert answer.status == 200
    assert asked == ["articles.test", "articles.test"]
    assert f"\r\nHost: articles.test:{outside.port}\r\n".encode() in outside.requests[0]
    assert inside.connections == 0


def test_a_certificate_of_another_name_is_none(web, tls, monkeypatch):
    context, path, _asked = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    server = web(tls=context)
    for host in ("other.test", "127.0.0.2"):
        with pytest.raises(NoAnswer) as refusal:
            outbound.get(f"https://{host}:{server.port}/", allow=PUBLIC, look_up=known(other="127.0.0.2"))
        assert str(refusal.value) == f"{host} has no certificate that can be trusted."
    assert server.requests == []


def test_a_certificate_nobody_vouches_for_is_none(web, tls):
    server = web(tls=tls[0])
    with pytest.raises(NoAnswer) as refusal:
        outbound.get(f"https://articles.test:{server.port}/", allow=PUBLIC, look_up=known(articles="127.0.0.2"))
    assert str(refusal.value) == "articles.test has no certificate that can be trusted."
    assert server.requests == []


# Time


def dripping(start: bytes, drop: bytes, *, every: float = 0.05) -> Say:
    """Say something slowly, for as long as anybody listens: each read is quick, and all of them never end."""

    def say(_request: bytes) -> Iterator[bytes]:
        yield start
        while True:
            time.sleep(every)
            yield drop

    return say


SLOW = {
    "nothing at all": dripping(b"", b""),
    "a status without end": dripping(b"HTTP/1.1 200 O", b"K"),
    "a header without end": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "one header after another": dripping(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "a moment, please": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body of a known length": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "a body without a length": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "a body in pieces": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a length of a piece": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
}


@pytest.mark.parametrize(
    ("scheme", "call", "slow"),
    [("http", "get", slow) for slow in SLOW]
    + [("https", "get", slow) for slow in ("nothing at all", "a header without end", "a body without a length")]
    + [("http", "post", slow) for slow in ("nothing at all", "a moment, please", "a body of a known length")],
)
def test_a_server_that_drips_holds_nobody(web, scheme, call, slow, tls, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    server = web(SLOW[slow], tls=tls[0] if scheme == "https" else None)
    url = f"{scheme}://articles.test:{server.port}/"
    more: Any = {"allow": PUBLIC, "look_up": known(articles="127.0.0.2"), "seconds": SOON}
    began = time.monotonic()
    with pytest.raises(NoAnswer) as refusal:
        outbound.get(url, **more) if call == "get" else outbound.post(url, b"{}", **more)
    assert time.monotonic() - began < PATIENCE
    assert str(refusal.value) == "articles.test took longer than 0.6 seconds."


def test_a_handshake_that_never_ends_holds_nobody():
    # Takes connections and says nothing, as a server does that waits for TLS's first word and never answers it.
    with socket.create_server(("127.0.0.2", 0)) as deaf:
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            outbound.get(f"https://127.0.0.2:{deaf.getsockname()[1]}/", allow=PUBLIC, seconds=SOON)
    assert time.monotonic() - began < PATIENCE


def test_a_look_up_that_never_ends_holds_nobody():
    over = threading.Event()

    def forever(host: str, port: int) -> Sequence[str]:
        over.wait(PATIENCE * 4)
        return []

    began = time.monotonic()
    with pytest.raises(NoAnswer) as refusal:
        outbound.get("http://articles.test/", look_up=forever, seconds=SOON)
    over.set()
    assert time.monotonic() - began < PATIENCE
    assert str(refusal.value) == "articles.test took longer than 0.6 seconds."


def test_redirects_share_one_deadline(web):
    def say(_request: bytes) -> Iterator[bytes]:
        time.sleep(0.25)
        yield redirect("/on")

    server = web(say)
    began = time.monotonic()
    with pytest.raises(NoAnswer) as refusal:
        outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC, seconds=SOON)
    assert "longer than" in str(refusal.value)
    assert time.monotonic() - began < 1.2
    assert server.connections <= 3


def test_a_call_leaves_no_thread_and_no_connection(web):
    server = web(SLOW["a body without a length"])
    before = threading.active_count()
    with pytest.raises(NoAnswer):
        outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC, seconds=SOON)
    server.close()
    assert threading.active_count() < before


# Size


def endless(head: bytes, piece: bytes) -> Say:
    def say(_request: bytes) -> Iterator[bytes]:
        yield head
        while True:
            yield piece

    return say


def bomb(megabytes: int) -> bytes:
    """Pack that many megabytes of nothing, about a thousand to one."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


BIG = {
    "as it says": lambda: endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65536),
    "without a length": lambda: endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    "in pieces": lambda: endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"
    ),
    "in one piece": lambda: endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n", b"x" * 65536
    ),
    "packed": lambda: lambda _request: [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", bomb(300)],
    "packed again and again": lambda: endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", bomb(3)),
}


@pytest.mark.parametrize("big", BIG)
def test_an_answer_that_is_too_large_is_none_and_takes_no_room(web, big):
    server = web(BIG[big]())
    tracemalloc.start()
    try:
        with pytest.raises(NoAnswer) as refusal:
            outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC, most=2_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(refusal.value) == "127.0.0.2 sent more than 2,000,000 bytes."
    assert peak < 8_000_000


def test_an_answer_that_just_fits_is_whole(web):
    server = web(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)
    assert len(outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC, most=200_000).body) == 200_000
    with pytest.raises(NoAnswer):
        outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC, most=199_999)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", "zstd", "compress"])
def test_only_the_packing_that_was_asked_for_is_unpacked(web, encoding):
    server = web(f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 1\r\n\r\nx".encode())
    with pytest.raises(NoAnswer):
        outbound.get(f"http://127.0.0.2:{server.port}/", allow=PUBLIC)


# What is no answer


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\r\n", b"SSH-2.0-OpenSSH_9.9\r\n", b"220 mail.test ESMTP\r\n", b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot packed at all",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_said_in_one_sentence(web, answer):
    server = web(answer)
    with pytest.raises(NoAnswer) as refusal:
        outbound.get(f"http://articles.test:{server.port}/", allow=PUBLIC, look_up=known(articles="127.0.0.2"))
    assert str(refusal.value) == "articles.test did not answer as a web server does."


def test_a_host_that_is_not_there_is_said_in_one_sentence():
    with socket.create_server(("127.0.0.2", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(NoAnswer) as silent:
        outbound.get(f"http://articles.test:{port}/", allow=PUBLIC, look_up=known(articles="127.0.0.2"))
    with pytest.raises(NoAnswer) as unknown:
        outbound.get("http://elsewhere.test/", look_up=known())
    assert [str(each.value) for each in (silent, unknown)] == [
        "articles.test does not answer.",
        "elsewhere.test cannot be found.",
    ]
    # Nothing that the system's own look-up chokes on comes through, either.
    with pytest.raises(Failed):
        outbound.get(f"http://{'a' * 64}.test/")


def test_an_address_is_read_once_and_kept_as_it_was_read():
    target = Target.of("HTTPS://Articles.Test.:443/a/../b?c=d#e")
    assert (target.scheme, target.host, target.port, target.path) == ("https", "articles.test.", 443, "/b?c=d")
    assert (target.name, target.authority) == ("articles.test", "articles.test")
    assert Target.of("http://[2606:4700::1111]:8080").authority == "[2606:4700::1111]:8080"
