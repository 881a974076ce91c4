"""Which language a request is answered in, with the sentences that its site says in words of its own.

Calls of the element name it in their field `lang`. A page's address names it in `lang`; else it is the site's, and
where the site's is none of ours, the one that the browser prefers.
"""

from contextlib import suppress
from typing import Any, cast

from flask import g, request
from werkzeug.exceptions import HTTPException

from feedback import articles, forms, languages
from feedback.errors import Refused
from feedback.languages import Language


def fields() -> dict[str, Any]:
    """Return what a reader's call has sent; from here on it is answered in the language that it names."""
    sent = forms.flat(request)
    g.language = _named(sent.get("lang"))
    return sent


def learn() -> None:
    """Choose the language of what is refused before its fields were read."""
    if is_for_readers():
        choose(g.get("site"))
    elif request.blueprint == "widget" and request.method == "POST":
        # What cannot be read is refused as it is.
        with suppress(Refused, HTTPException):
            fields()


def is_for_readers() -> bool:
    """Whether the address is one of a page for readers, and be it none that exists."""
    return request.path.startswith(("/f/", "/replies/"))


def choose(site: articles.SiteView | None) -> None:
    """Choose the language of a page."""
    preferred = request.accept_languages.values()
    g.language = languages.pick(request.args.get("lang"), site.policy.lang if site else None, *preferred)


def _named(tag: Any) -> Language | None:
    return languages.pick(tag) if isinstance(tag, str) else None


def language() -> Language:
    return cast(Language | None, g.get("language")) or languages.ENGLISH


def say(name: str, /, **values: Any) -> str:
    """Return a sentence of our tables, or the site's own in its place."""
    return language().say(name, _own(), **values)


def words() -> dict[str, Any]:
    """Return what a page says its sentences by."""
    return {"say": say, "language": language()}


def retell(english: str) -> str:
    """Return what a rule said in English, for the reader who asked."""
    return language().retell(english, _own())


def _own() -> languages.Own:
    site = cast(articles.SiteView | None, g.get("site"))
    # The staff's pages and calls have sites too, and no language.
    return site.policy.texts.get(language().code, languages.NOTHING) if site and "language" in g else languages.NOTHING
