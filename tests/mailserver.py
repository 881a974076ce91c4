"""A real SMTP server on loopback, plain or with TLS, that keeps what it is given and can be told to refuse."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


@dataclass
class Mailbox:
    """What arrived. `answer` is given to the next letters instead of taking them."""

    messages: list[EmailMessage] = field(default_factory=list)
    answer: str | None = None
    before_data: Any = None

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.before_data:
            self.before_data()
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


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate for 127.0.0.1; certificate and key stand in one file."""
    path = folder / "server.pem"
    key = folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    alternative = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*command, *alternative], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path
