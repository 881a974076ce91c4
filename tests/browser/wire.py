"""A client over the wire, with the calls and answers of Flask's test client, so that the cast acts on either."""

import http.client
import json
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self.data = data

    @property
    def text(self) -> str:
        return self.data.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Wire:
    """One client with its cookies. Addresses cannot be chosen here: everybody comes from loopback."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.cookies: SimpleCookie = SimpleCookie()

    def get(self, path: str, **call: Any) -> Answer:
        return self.open("GET", path, **call)

    def post(self, path: str, **call: Any) -> Answer:
        return self.open("POST", path, **call)

    def put(self, path: str, **call: Any) -> Answer:
        return self.open("PUT", path, **call)

    def open(
        self,
        method: str,
        path: str,
        *,
        query_string: dict[str, Any] | None = None,
        data: dict[str, str] | None = None,
        json: Any = None,
        headers: dict[str, str] | None = None,
        environ_base: object = None,
    ) -> Answer:
        body, kind = _body(data, json)
        sent = dict(headers or {}) | ({"Content-Type": kind} if kind else {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, f"{path}?{urlencode(query_string)}" if query_string else path, body, sent)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                self.cookies.load(cookie)
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()


def _body(data: dict[str, str] | None, value: Any) -> tuple[bytes | None, str | None]:
    if value is not None:
        return json.dumps(value).encode(), "application/json"
    if data is not None:
        return urlencode(data).encode(), "application/x-www-form-urlencoded"
    return None, None
