"""A real SMTP server on loopback, plain or with TLS, that keeps what it is given and can be told to refuse."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# Settings of a service that may send mail, where none is delivered in the test.
NOWHERE = {"mail_url": "smtp://127.0.0.1:1", "mail_from": "feedback@example.org", "public_url": "http://localhost"}


@dataclass
class Mailbox:
    """What arrived. `answer` is given to the next letters instead of taking them, `refusals` to their recipients.

    A recipient that is refused with nothing is left out without a word, so that the letter is refused before its text.
    """

    messages: list[EmailMessage] = field(default_factory=list)
    answer: str | None = None
    hangs_up: bool = False  # after that answer
    before_data: Any = None
    senders: str | None = None  # what every sender is answered
    refusals: dict[str, str] = field(default_factory=dict)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.senders:
            return self.senders
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.refusals:
            return self.refusals[address] or "250 OK"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.before_data:
            self.before_data()
        if self.answer and self.hangs_up:
            await server.push(self.answer)
            server.transport.close()
        if self.answer:
            return self.answer
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 Taken"


@contextmanager
def mail_server(mailbox: Mailbox, port: int, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[str]:
    """Run the server; yields `host:port`."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, tls_context=tls, **options)
    controller.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        controller.stop()


def certificate(folder: Path, *names: str) -> Path:
    """Make a self-signed certificate for 127.0.0.1, or for these names; certificate and key stand in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    hosts = [x509.DNSName(each) for each in names] or [x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path
