"""The requests of the write benchmarks for the Python client; vote.lua and comment.lua send the same."""

import secrets
from urllib.parse import urlencode

HEADERS = {"Origin": "http://articles.test", "Content-Type": "application/x-www-form-urlencoded"}
TEXT = "Thank you, the part on stopping slowly was **clear**. Does the same hold for older people? "


def body(script: str) -> tuple[str, str, dict[str, str]]:
    reader = secrets.token_urlsafe(16)
    # Each request comes from a network of its own, as behind a proxy, so that limits and quarantine are at work.
    headers = HEADERS | {"X-Forwarded-For": ".".join(str(secrets.randbelow(223) + 1) for _ in range(4))}
    if script == "vote.lua":
        return "/api/v1/health/vote", urlencode({"article": "article-20", "reader": reader, "value": "yes"}), headers
    text = TEXT * 3 + reader
    fields = {"article": "article-20", "reader": reader, "name": "Rae", "body": text, "submission": reader}
    return "/api/v1/health/comments", urlencode(fields), headers
