"""Cross-origin JSON for article pages: the question, the comments, one's own."""

import hashlib
import json
from typing import Any

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from feedback import articles, clock, comments, forms, mailbox, readers, rights, summary, text, votes
from feedback.db import scrub, transact
from feedback.errors import Invalid
from feedback.models import State
from feedback.views import access

bp = Blueprint("widget", __name__, url_prefix="/api/v1/<site>")
access.guard(bp, public=("feedback", "counts"))

CACHEABLE = "public, max-age=10, stale-while-revalidate=10"


@bp.get("/feedback")
def feedback() -> ResponseReturnValue:
    asked = forms.read(forms.SUMMARY, request.args)
    place = summary.Place(asked["sort"] or "best", asked["cursor"], asked["parent"], asked["around"])
    return cacheable(summary.of(access.site(), asked["article"], place))


@bp.get("/counts")
def counts() -> ResponseReturnValue:
    keys = [_key(value) for value in request.args.getlist("article")]
    if not 1 <= len(keys) <= forms.MAX_ARTICLES:
        raise Invalid({"article": [f"Ask for 1 to {forms.MAX_ARTICLES} articles."]})
    return cacheable(comments.counts(access.site().id, keys))


def _key(value: str) -> str:
    try:
        return articles.key(value)
    except ValueError as error:
        raise Invalid({"article": [str(error)]}) from error


def cacheable(answer: dict[str, Any]) -> Response:
    """Return a public answer with an ETag that is the same in every process, or 304 where the caller has it."""
    data = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(data, mimetype="application/json")
    response.set_etag(hashlib.sha256(data).hexdigest()[:32], weak=True)
    response.headers["Cache-Control"] = CACHEABLE
    response.make_conditional(request)
    return response


@bp.post("/vote")
def vote() -> ResponseReturnValue:
    given = forms.read(forms.VOTE, forms.body(request))
    page, reader, network = _reader(given, "vote")
    ballot = votes.Ballot(
        page,
        reader,
        votes.Choice(given["value"]),
        given["revision"],
        given["section"],
        given["reason"],
        given["note"],
        network if _quarantines() else None,
    )
    return transact(votes.cast, ballot, now=clock.now()).public()


@bp.post("/comments")
def comment() -> ResponseReturnValue:
    sent = forms.body(request)
    given = forms.read(forms.COMMENT, sent)
    page, reader, network = _reader(given, "comment")
    draft = _draft(given, sent, page, reader, network)
    stored = transact(comments.submit, draft, now=clock.now())
    return {"comment": comments.own(stored)}, 201 if stored.state is State.APPROVED else 202


@bp.post("/comments/<comment_id>/withdraw")
def withdraw(comment_id: str) -> ResponseReturnValue:
    reader = _owner()
    gone = transact(comments.withdraw, comment_id, reader, site_id=access.site().id, now=clock.now())
    return {"comment": comments.own(gone)}


@bp.post("/mine")
def mine() -> ResponseReturnValue:
    given = forms.read(forms.MINE, forms.body(request))
    site = access.site()
    found = articles.find(site.id, given["article"])
    reader = readers.digest(site.id, given["reader"])
    vote = votes.look(found.id, reader) if found else None
    own = comments.mine(found.id, reader) if found else []
    answer = {
        "vote": vote.public() if vote else None,
        "votes": (votes.count(found.id) if found else votes.Count()).public(),
        "comments": [comments.own(item) for item in own],
    }
    return answer, {"Cache-Control": "no-store"}


@bp.post("/erase")
def erase() -> ResponseReturnValue:
    reader = _owner()
    erased = transact(rights.erase, access.site(), reader, now=clock.now())
    scrub()
    return erased.public(), {"Cache-Control": "no-store"}


@bp.post("/export")
def export() -> ResponseReturnValue:
    return rights.export(access.site().id, _owner()), {"Cache-Control": "no-store"}


def _owner() -> bytes:
    """Return the reader whose token the request carries, after counting it against the limits."""
    given = forms.read(forms.OF_READER, forms.body(request))
    access.limiter().hit("write", access.network())
    return readers.digest(access.site().id, given["reader"])


def _reader(given: dict[str, Any], kind: str) -> tuple[articles.Page, bytes, bytes]:
    """Return (page, reader, network) of a write, after counting it against the limits."""
    site = access.site()
    page = articles.Page(site, given["article"], given["title"] or None, _listed(given["url"], site))
    reader = readers.digest(site.id, given["reader"])
    network = access.network()
    limiter = access.limiter()
    limiter.hit("write", network)
    limiter.hit(kind, network, reader)
    if limiter.enabled and articles.find(site.id, page.key) is None and given.get("value") != "none":
        limiter.hit("article", network)
        limiter.hit("site articles", site.slug)
    return page, reader, network


def _listed(url: str | None, site: articles.SiteView) -> str | None:
    """Return the page's address where it lies on an origin of the site; a reader's word is not trusted further."""
    if not url:
        return None
    if articles.origin_of(url) not in site.origins:
        raise Invalid({"url": ["This page does not lie on an origin of the site."]})
    return url


def _quarantines() -> bool:
    return access.limiter().enabled and access.tells_networks_apart()


def _draft(
    given: dict[str, Any], sent: dict[str, Any], page: articles.Page, reader: bytes, network: bytes
) -> comments.Draft:
    source = given["body"]
    if len(source) > page.site.policy.max_chars:
        raise Invalid({"body": [f"This is too long: at most {page.site.policy.max_chars:,} characters."]})
    try:
        html = text.comment_html(source)
    except text.Unfit as error:
        raise Invalid({"body": [str(error)]}) from error
    return comments.Draft(
        page,
        reader,
        source,
        html,
        comments.text_hash(current_app.config["SECRET_KEY"], page.site.id, source),
        name=given["name"] or "",
        typed_name=sent.get("name") or "",
        parent=given["parent"] or None,
        submission=given["submission"] or None,
        honeypot=bool(given["website"]),
        opened_ms=given["opened"],
        network=network,
        sealed_email=_sealed(given),
    )


def _sealed(given: dict[str, Any]) -> bytes | None:
    """Return the address, encrypted, of a reader who asked for replies; any other address is not kept."""
    if given["notify"] != "replies":
        return None
    if not given["email"]:
        raise Invalid({"email": ["Name the address that replies should be announced to."]})
    keys = current_app.config["SETTINGS"].mail_keys
    if not keys:
        raise Invalid({"notify": ["This service does not announce replies by mail."]})
    return mailbox.seal(given["email"], keys)
