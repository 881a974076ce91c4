"""The people in the tests: Rae reads and Stan is a stranger; Ann writes, Rex reviews, Mo moderates, Ada administers.

Readers act as the widget does, over HTTP with the origin of an article page. Staff act with a bearer token, or in a
browser session after `signs_in()`.
"""

import csv
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from feedback import articles, clock, staff
from feedback.db import transact
from feedback.models import Article, Role, Site

SLUG = "health"
ORIGIN = "http://articles.test"
KEY = "baclofen-neck-pain"
TITLE = "Baclofen for neck pain: what is known"
PASSWORD = "correct horse battery staple"
SIGN_IN = "/account/sign-in"
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Client(FlaskClient):
    """Runs every request in a context of its own, so that an app context which a test holds open stays out of it."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return Context().run(super().open, *args, **kwargs)


@dataclass(frozen=True)
class Reader:
    """Someone on an article page: a token in a browser, a network, an origin."""

    http: Any
    site: Site
    token: str
    address: str
    origin: str = ORIGIN

    def at(self, app: Flask) -> "Reader":
        """Return the same reader talking to another app on the same database."""
        return replace(self, http=app.test_client())

    def votes(self, article: Article | str, value: str, **more: str) -> Any:
        return self.posts("/vote", article=article, value=value, **more)

    def comments(self, article: Article | str, body: str, **more: str) -> Any:
        return self.posts("/comments", article=article, body=body, **more)

    def mine(self, article: Article | str) -> Any:
        return self.posts("/mine", article=article)

    def reads(self, article: Article | str, **query: str) -> Any:
        return self.gets("/feedback", article=_key(article), **query)

    def gets(self, path: str, **query: Any) -> Any:
        return self.http.get(f"/api/v1/{self.site.slug}{path}", query_string=query, **self._call())

    def posts(self, path: str, **fields: Any) -> Any:
        """Send a form as the widget does, with this reader's token; a field given as None is left out."""
        given = {"reader": self.token} | {name: _key(value) for name, value in fields.items()}
        data = {name: value for name, value in given.items() if value is not None}
        return self.http.post(f"/api/v1/{self.site.slug}{path}", data=data, **self._call())

    def _call(self) -> dict[str, Any]:
        return {"headers": {"Origin": self.origin}, "environ_base": {"REMOTE_ADDR": self.address}}


@dataclass
class Staff:
    """Someone with an account and one role on the site."""

    app: Flask
    connect: Callable[[], Any]
    site: Site
    role: Role
    name: str
    email: str
    id: UUID
    password: str = field(default=PASSWORD, repr=False)

    @cached_property
    def token(self) -> str:
        """A bearer token of this person, made at first use."""
        with self.app.app_context():
            user = staff.find_user(self.email)
            return transact(staff.issue_token, self.site, self.role, user=user, now=clock.now())

    def signs_in(self) -> Any:
        """Return a client that carries this person's session."""
        client = self.connect()
        page = client.get(SIGN_IN)
        found = CSRF.search(page.text)
        assert found, f"{SIGN_IN} shows no form: {page.status_code}"
        fields = {"csrf_token": found[1], "email": self.email, "password": self.password}
        answer = client.post(SIGN_IN, data=fields, headers={"Referer": f"http://localhost{SIGN_IN}"})
        assert answer.status_code in (302, 303), answer.text
        return client

    def gets(self, path: str, **query: Any) -> Any:
        return self._asks("get", path, query_string=query)

    def posts(self, path: str, **body: Any) -> Any:
        return self._asks("post", path, json=body)

    def puts(self, path: str, **body: Any) -> Any:
        return self._asks("put", path, json=body)

    def _asks(self, method: str, path: str, **call: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return getattr(self.connect(), method)(f"/api/v1/{self.site.slug}{path}", headers=headers, **call)


def hire(app: Flask, connect: Callable[[], Any], site: Site, name: str, role: Role, password_hash: str) -> Staff:
    """Make an account with one role on the site."""
    # The address carries the slug, because the browser tests share one database between sites.
    email = address_of(name, site)
    with app.app_context():
        user = transact(staff.add_user, email, name=name, password_hash=password_hash, now=clock.now())
        transact(staff.join, user, site, role)
    return Staff(app, connect, site, role, name, email, user.id)


def address_of(name: str, site: Site) -> str:
    return f"{name.lower()}@{site.slug}.example.org"


def registration(site: Site, key: str = KEY, title: str = TITLE, **more: Any) -> articles.Registration:
    """An article by Ann, reviewed by Rex."""
    bylines = (
        articles.Byline("Ann Hollis", Role.AUTHOR, address_of("ann", site)),
        articles.Byline("Rex Adeyemi", Role.REVIEWER, address_of("rex", site)),
    )
    return articles.Registration(key, title, f"{site.origins[0]}/{key}", bylines, **more)


def together(act: Callable[[], Any], times: int) -> list[Any]:
    """Do the same thing in as many threads at once, and return what each saw."""
    with ThreadPoolExecutor(times) as pool:
        return [each.result() for each in [pool.submit(act) for _ in range(times)]]


def rows_of(answer: Any) -> list[dict[str, str]]:
    """Read a CSV as a spreadsheet does."""
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def _key(value: Any) -> Any:
    return value.key if isinstance(value, Article) else value
