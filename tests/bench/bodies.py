"""What the benchmarks send: what vote.lua and comment.lua send, for the Python client, and texts that cost most."""

import secrets
from urllib.parse import urlencode

HEADERS = {"Origin": "http://articles.test", "Content-Type": "application/x-www-form-urlencoded"}
BODY_BYTES = 64_000  # of a text that just fits into a request
TEXT = "Thank you, the part on stopping slowly was **clear**. Does the same hold for older people? "

PLAIN = TEXT * 3

# The costliest texts that `python -m tests.fuzz.slow` has found so far, what begins each and what it repeats.
COSTLY_COMMENTS = (
    ("", "![!["),
    ("1", "![![1"),
    (":", "*[:::::::"),
    ("\u05d0", "> - ~~~\n> - \u05d0"),
    ("", "a*mailto:a@b.ca"),
    ("", "0mailto:a@b.ca\n"),
    ("", "\\[![`////////"),
    ("> - \u00e9`" * 600, "> - =\n"),
    ("[a](http://b)" * 100, "*a :::::"),
    ("http://a@b[` " * 100, "> - \u00e9`=="),
)
COSTLY_IMPORTS = (
    ("\x91", "\n\n\u2069\u0130"),
    ("DE89", "\r\u202c"),
    ("\u0316", "&gt;&gt;&gt;&gt;&gt;&gt;&gt;\u0316"),
    ("<pre>" * 400, "a"),
    ("<a href='mailto:a@b'>" * 150 + "<i>" * 250, "x"),
    ("<a x>" * 300 + "<i>" * 100, "x"),
    ("http://a.b/( " * 300 + "<b>" * 400, "a"),
    ("&lt;" * 50, "\u2069mailto:a@b "),
)
COSTLY_BODIES = (
    ("", "\n\u202e"),
    ("", "\u2066\u2069"),
    ("", "\ufeff\ufdfa"),
)
COSTLY_NAMES = (("", "\ufdfa"), ("@", "\u200d'"), ("", "\u3164"))
COSTLY_NOTES = (("+", "DE89 3704 "), ("", "0044 "), ("++", "DE89 3704 77-"))


def repeated(recipe: tuple[str, str], length: int) -> str:
    """Return a text of that length, or a body where it would be longer than one."""
    before, unit = recipe
    return (before + unit * length)[:length].encode()[:BODY_BYTES].decode(errors="ignore")


def body(script: str) -> tuple[str, str, dict[str, str]]:
    reader = secrets.token_urlsafe(16)
    # Each request comes from a network of its own, as behind a proxy, so that limits and quarantine are at work.
    headers = HEADERS | {"X-Forwarded-For": ".".join(str(secrets.randbelow(223) + 1) for _ in range(4))}
    if script == "vote.lua":
        return "/api/v1/health/vote", urlencode({"article": "article-20", "reader": reader, "value": "yes"}), headers
    text = TEXT * 3 + reader
    fields = {"article": "article-20", "reader": reader, "name": "Rae", "body": text, "submission": reader}
    return "/api/v1/health/comments", urlencode(fields), headers
