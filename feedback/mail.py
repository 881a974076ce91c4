"""Mail: how a letter looks, and the way to the mail server. Text and simple HTML say the same."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from email_validator import validate_email

TIMEOUT = 20  # seconds for each step; far below the lease of a notice
PORTS = {"smtp": 25, "smtps": 465}
CLOSING = 421  # what a server says that ends the connection


class Undeliverable(Exception):
    """The server refuses this letter for good; the message is safe to store and log."""


class Deferred(Exception):
    """The server does not take this letter now, others it may; the message is safe to store and log."""


class Unreachable(Exception):
    """The server cannot be reached, or takes nothing from us now; the message is safe to store and log."""


@dataclass(frozen=True)
class Letter:
    """One mail to one person. `subject` must be one line; `text` and `html` say the same."""

    to: str
    subject: str
    text: str
    html: str
    unsubscribe: str | None = None  # the address that takes a POST, where the person may want no more of these


MAX_QUOTE_CHARS = 300  # of a comment in a letter: enough to see what it is about
_MARKDOWN_LINK = re.compile(r"!?\[([^\]\n]*)\]\(([^)\s]*)[^)\n]*\)")
_SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}:(?=[^\s])/{0,2}", re.IGNORECASE)
_DOT_IN_NAME = re.compile(r"(?<=\w)\.(?=\w{2})")


def quoted(source: str | None, most: int = MAX_QUOTE_CHARS) -> str:
    """Return what somebody wrote as one short line in which no mail program finds a link or an image.

    The address of a link stays readable, `example[.]org`, for whoever has to decide about it.
    """
    line = " ".join((source or "").split())
    line = line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
    line = _MARKDOWN_LINK.sub(r"\1 (\2)", line)
    line = _SCHEME.sub("", line)
    return _DOT_IN_NAME.sub("[.]", line.replace("@", "[at]"))


def compose(letter: Letter, *, sender: str, notice_id: UUID, now: datetime) -> EmailMessage:
    """Return the message, the same Message-ID for the same notice. Raises ValueError for a header with a line break."""
    message = EmailMessage()
    # Assigned through the policy that refuses line breaks, so that no value can add a header of its own.
    message["From"] = sender
    message["To"] = Address(addr_spec=_in_ascii(letter.to))
    # "=?…?=" is how headers encode: typed into a name, it would be decoded here, with whatever line breaks it hides.
    message["Subject"] = letter.subject.replace("=?", "= ?")
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice_id.hex}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        if letter.unsubscribe.startswith("https:"):  # which RFC 8058 asks for
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _in_ascii(address: str) -> str:
    """Return the address with its domain as DNS has it, which every server takes."""
    return validate_email(address, check_deliverability=False, globally_deliverable=False).ascii_email or address


@contextmanager
def server(url: str) -> Iterator[smtplib.SMTP]:
    """Open the way to the mail server, `smtp://user:password@host:port?tls=start` or `smtps://…`.

    Raises Unreachable. With `tls=start` a server that offers no TLS is not used.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        if parts.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
        with smtp:
            if parse_qs(parts.query).get("tls") == ["start"]:
                smtp.starttls(context=ssl.create_default_context())
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            yield smtp
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(_safely(error)) from error


def send(smtp: smtplib.SMTP, message: EmailMessage) -> None:
    """Hand a message to the server. Raises Undeliverable, or Deferred and Unreachable where trying again may help."""
    try:
        smtp.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise _refusal(code)(f"the recipient was refused with {code}") from error
    except smtplib.SMTPSenderRefused as error:
        # Whatever the code, it is about all of our letters: a wrong FEEDBACK_MAIL_FROM must not lose them.
        raise Unreachable(_safely(error)) from error
    except smtplib.SMTPResponseException as error:
        if error.smtp_code != CLOSING:
            # smtplib leaves that out where the letter is refused before its text; the next one needs it.
            with suppress(smtplib.SMTPServerDisconnected):  # some servers hang up after a refusal, which still holds
                smtp.rset()
        raise _refusal(error.smtp_code)(_safely(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(_safely(error)) from error


def _refusal(code: int) -> type[Undeliverable | Deferred | Unreachable]:
    """Return what a code of a letter's refusal says: 421 ends the talk, whatever it was about."""
    if code == CLOSING:
        return Unreachable
    return Undeliverable if code >= 500 else Deferred


def _safely(error: Exception) -> str:
    """Say what went wrong without the server's own words, which often repeat an address."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__}: the mail server answered {code}" if code else type(error).__name__
