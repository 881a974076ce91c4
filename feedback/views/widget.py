"""Cross-origin JSON for article pages: the question, the comments, one's own."""

import hashlib
import json
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from feedback import articles, clock, comments, forms, readers, rights, summary, votes
from feedback.db import scrub, transact
from feedback.models import State
from feedback.views import access, intake, spoken

bp = Blueprint("widget", __name__, url_prefix="/api/v1/<site>")
access.guard(bp, public=("feedback", "counts"), reading=("mine",))

CACHEABLE = "public, max-age=10, stale-while-revalidate=10"


@bp.get("/feedback")
def feedback() -> ResponseReturnValue:
    asked = forms.read(forms.SUMMARY, request.args)
    place = summary.Place(asked["sort"] or "best", asked["cursor"], asked["parent"], asked["around"])
    return cacheable(summary.of(access.site(), asked["article"], place, notify=intake.notifies()))


@bp.get("/counts")
def counts() -> ResponseReturnValue:
    asked = forms.read(forms.COUNTS, {"article": request.args.getlist("article")})
    return cacheable(comments.counts(access.site().id, asked["article"]))


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
    given = forms.read(forms.VOTE, spoken.fields())
    ballot = intake.ballot(access.site(), given)
    return transact(votes.cast, ballot, now=clock.now()).public()


@bp.post("/comments")
def comment() -> ResponseReturnValue:
    sent = spoken.fields()
    draft = intake.draft(access.site(), forms.read(forms.COMMENT, sent), typed_name=sent.get("name"))
    stored = transact(comments.submit, draft, now=clock.now())
    return {"comment": comments.own(stored)}, 201 if stored.state is State.APPROVED else 202


@bp.post("/comments/<comment_id>/edit")
def edit(comment_id: str) -> ResponseReturnValue:
    amendment = intake.amendment(access.site(), comment_id, forms.read(forms.EDIT, spoken.fields()))
    stored = transact(comments.amend, amendment, site=access.site(), now=clock.now())
    return {"comment": comments.own(stored)}, 200 if stored.state is State.APPROVED else 202


@bp.post("/comments/<comment_id>/like")
def like(comment_id: str) -> ResponseReturnValue:
    given, site = forms.read(forms.LIKE, spoken.fields()), access.site()
    reader = readers.digest(site.id, given["reader"])
    intake.count_like(reader)
    likes = given["value"] == "yes"
    return {"likes": transact(comments.like, comment_id, reader, likes, site_id=site.id, now=clock.now())}


@bp.post("/preview")
def preview() -> ResponseReturnValue:
    given = forms.read(forms.PREVIEW, spoken.fields())
    return {"html": intake.preview(access.site(), given)}, {"Cache-Control": "no-store"}


@bp.post("/comments/<comment_id>/withdraw")
def withdraw(comment_id: str) -> ResponseReturnValue:
    reader = _owner()
    gone = transact(comments.withdraw, comment_id, reader, site_id=access.site().id, now=clock.now())
    return {"comment": comments.own(gone)}


@bp.post("/comments/<comment_id>/flag")
def flag(comment_id: str) -> ResponseReturnValue:
    report = intake.report(access.site(), comment_id, forms.read(forms.FLAG, spoken.fields()))
    transact(comments.flag, report, site=access.site(), now=clock.now())
    # The same answer to a first flag and to a second, whatever it weighs.
    return {}, 202


@bp.post("/mine")
def mine() -> ResponseReturnValue:
    given = forms.read(forms.MINE, spoken.fields())
    site = access.site()
    found = articles.find(site.id, given["article"])
    reader = readers.digest(site.id, given["reader"])
    vote = votes.look(found.id, reader) if found else None
    own = comments.mine(found.id, reader) if found else []
    answer = {
        "vote": vote.public() if vote else None,
        "votes": (votes.count(found.id) if found else votes.Count()).public(),
        "comments": [comments.own(item) for item in own],
        "likes": comments.liked_on(found.id, reader) if found else [],
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
    """Return the reader whose token the request carries."""
    site = access.site()
    return readers.digest(site.id, forms.read(forms.OF_READER, spoken.fields())["reader"])
