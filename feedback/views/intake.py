"""From the fields a reader sent to what the rules take, the same for the widget and for the pages without JavaScript.

Every vote, comment, change, like and flag is counted against the limits here, before anything is stored.
"""

from typing import Any, cast
from uuid import UUID

from flask import current_app

from feedback import (
    articles,
    comments,
    delivery,
    mailbox,
    moderation,
    personal,
    readers,
    subscriptions,
    text,
    triage,
    votes,
)
from feedback.config import Settings
from feedback.errors import Invalid
from feedback.models import FlagReason
from feedback.origins import origin_of
from feedback.views import access


def ballot(site: articles.SiteView, given: dict[str, Any]) -> votes.Ballot:
    """Return the vote that these values of forms.VOTE make. Raises Invalid, TooMany."""
    page, reader, network = _sender(site, given)
    _count("vote", page, reader, network, makes_article=given["value"] != "none")
    return votes.Ballot(
        page,
        reader,
        votes.Choice(given["value"]),
        given["revision"],
        given["section"],
        given["reason"],
        given["note"],
        network if _quarantines() else None,
    )


def draft(site: articles.SiteView, given: dict[str, Any], *, typed_name: str | None) -> comments.Draft:
    """Return the comment that these values of forms.COMMENT make; `typed_name` is as sent. Raises Invalid, TooMany."""
    page, reader, network = _sender(site, given)
    # Whoever saw no answer sends the same again, gets the comment that is there, and has written one, not two.
    is_new = not comments.is_stored(site.id, page.key, reader, given["submission"])
    if is_new:
        _count("comment", page, reader, network)
    source = given["body"]
    current, *older = _hashes(site.id, source)
    return comments.Draft(
        page,
        reader,
        source,
        _html(site, source),
        current,
        older_hashes=tuple(older),
        name=given["name"] or "",
        typed_name=typed_name or "",
        parent=given["parent"] or None,
        submission=given["submission"] or None,
        honeypot=bool(given["website"]),
        opened_ms=given["opened"],
        network=network,
        networks=access.networks(),
        sealed_email=_sealed(given),
        address=_address(site.id, given, is_new),
        score=_score(site, given),
    )


def amendment(site: articles.SiteView, comment_id: str, given: dict[str, Any]) -> comments.Amendment:
    """Return the change of a comment that these values of forms.EDIT make.

    Raises Missing, Refused, Invalid, TooMany.
    """
    reader = readers.digest(site.id, given["reader"])
    access.limiter().hit("edit", access.network(), reader)
    written = comments.owned(comment_id, reader, site.id, locked=False)
    source = given["body"]
    current, *older = _hashes(site.id, source)
    return comments.Amendment(
        comment_id,
        reader,
        source,
        _html(site, source),
        current,
        older_hashes=tuple(older),
        networks=access.networks(),
        score=triage.score(site.id, triage.Sample(source, written.name or "", "fast" in written.held_for)),
    )


def preview(site: articles.SiteView, given: dict[str, Any]) -> str:
    """Return the HTML that this value of forms.PREVIEW would become as a comment. Raises Invalid, TooMany."""
    access.limiter().hit("preview", access.network())
    return _html(site, given["body"])


def count_like(reader: bytes) -> None:
    """Count a like against the limits. Raises TooMany."""
    access.limiter().hit("like", access.network(), reader)


def report(site: articles.SiteView, comment_id: str, given: dict[str, Any]) -> comments.Report:
    """Return the flag that these values of forms.FLAG make, without what identifies a person. Raises TooMany."""
    reader, limiter = readers.digest(site.id, given["reader"]), access.limiter()
    limiter.hit("flag", access.network(), reader)
    return comments.Report(
        comment_id,
        reader,
        FlagReason(given["reason"]),
        personal.redact(given["note"] or "")[: comments.MAX_FLAG_NOTE_CHARS] or None,
        networks=access.networks(),
        one_network_once=limiter.enabled,
    )


def wording(site_id: UUID, body: str) -> moderation.Wording:
    """Return a text of the staff's, cleaned before any transaction. Raises Invalid where it cannot become a comment."""
    try:
        html = text.comment_html(body)
    except text.Unfit as error:
        raise Invalid({"body": [str(error)]}) from error
    return moderation.Wording(body, html, comments.text_hash(_settings().secret_keys[0], site_id, body))


def _sender(site: articles.SiteView, given: dict[str, Any]) -> tuple[articles.Page, bytes, bytes]:
    """Return (page, reader, network) of a vote or comment."""
    page = articles.Page(site, given["article"], given["title"] or None, _listed(given["url"], site))
    return page, readers.digest(site.id, given["reader"]), access.network()


def _count(kind: str, page: articles.Page, reader: bytes, network: bytes, *, makes_article: bool = True) -> None:
    """Count what is about to be written, and the article where it makes one. Raises TooMany."""
    limiter = access.limiter()
    limiter.hit(kind, network, reader)
    if limiter.enabled and makes_article and articles.find(page.site.id, page.key) is None:
        limiter.hit("article", network)
        limiter.hit("site articles", page.site.slug)


def _listed(url: str | None, site: articles.SiteView) -> str | None:
    """Return the page's address where it lies on an origin of the site; a reader's word is not trusted further."""
    if not url:
        return None
    if origin_of(url) not in site.origins:
        raise Invalid({"url": ["This page does not lie on an origin of the site."]})
    return url


def _settings() -> Settings:
    return cast(Settings, current_app.config["SETTINGS"])


def _quarantines() -> bool:
    return access.limiter().enabled and access.tells_networks_apart()


def _html(site: articles.SiteView, source: str) -> str:
    if len(source) > site.policy.max_chars:
        raise Invalid({"body": [f"This is too long: at most {site.policy.max_chars:,} characters."]})
    try:
        return text.comment_html(source)
    except text.Unfit as error:
        raise Invalid({"body": [str(error)]}) from error


def _hashes(site_id: UUID, source: str) -> list[bytes]:
    """Return the hashes of a text under the present secret key and those before it."""
    return [comments.text_hash(key, site_id, source) for key in _settings().secret_keys]


def _score(site: articles.SiteView, given: dict[str, Any]) -> float | None:
    """Return the learned score, found before anything is locked."""
    return triage.score(site.id, triage.Sample(given["body"], given["name"] or "", triage.is_fast(given["opened"])))


def notifies() -> bool:
    """Whether this service can announce replies by mail."""
    return delivery.can_notify(_settings())


def _sealed(given: dict[str, Any]) -> bytes | None:
    """Return the address, encrypted, of a reader who asked for replies; any other address is not kept."""
    if given["notify"] != "replies":
        return None
    if not given["email"]:
        raise Invalid({"email": ["Name the address that replies should be announced to."]})
    if not notifies():
        raise Invalid({"notify": ["This service does not announce replies by mail."]})
    return mailbox.seal(given["email"], _settings().mail_keys)


def _address(site_id: UUID, given: dict[str, Any], is_new: bool) -> bytes | None:
    """Return the hash of an address that replies are announced to, counted, so that nobody has us mail strangers."""
    if given["notify"] != "replies":
        return None
    found = subscriptions.address_hash(_settings().secret_keys[0], site_id, given["email"])
    if is_new:
        access.limiter().hit("address", found)
    return found
