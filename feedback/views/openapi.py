"""The served contract: OpenAPI 3.1 made of the very checks that read the requests, and a page to read it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from feedback import forms
from feedback.forms import Field
from feedback.views.answers import ANSWERS

bp = Blueprint("openapi", __name__, url_prefix="/api")

CACHEABLE = "public, max-age=300"
SITE = {
    "name": "site",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The public slug of the site.",
}
REFUSALS = {
    400: "The request cannot be read.",
    401: "No bearer token, or one that is not known.",
    403: "The origin, the role or the ownership is not enough.",
    404: "There is no such site, article, comment or decision, or nothing else of this name.",
    405: "This address does not take that method.",
    409: "What was acted on has changed meanwhile; `current` says to what.",
    413: "The body is over 64 KiB.",
    415: "The body is neither a form nor JSON.",
    422: "A field is not acceptable; `errors` names each.",
    429: "Too often; `Retry-After` says when to come back.",
    503: "Storage does not answer; nothing was stored.",
}
READS, WRITES = (400, 404, 422, 503), (400, 401, 403, 404, 413, 415, 422, 429, 503)


@dataclass(frozen=True)
class Call:
    """One call of the contract: what it takes is what its form reads, what it answers is checked by the tests."""

    method: str
    path: str
    summary: str
    answers: Mapping[int, str]  # status → name of a schema in `answers.py`
    query: Sequence[Field] = ()
    body: Sequence[Field] = ()
    audience: str = "readers"
    refusals: Sequence[int] = ()
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> Sequence[Field]:
        return self.query or self.body

    @property
    def url(self) -> str:
        return f"/api/v1/health{self.path}" + (f"?{urlencode(self.example)}" if self.query else "")

    @property
    def sent(self) -> str:
        """The example's body, as a form where it is flat and as JSON where it is not."""
        return json.dumps(self.example) if self.as_json else urlencode(self.example)

    @property
    def as_json(self) -> bool:
        return self.audience != "readers"


STAFF = (400, 401, 403, 404, 413, 415, 422, 429, 503)
ASKED = (400, 401, 403, 404, 422, 503)
PAGE = {"article": "baclofen-neck-pain", "reader": "AAAAAAAAAAAAAAAAAAAAAA"}
CALLS = (
    Call("get", "/feedback", "Votes, published comments and the site's words", {200: "Summary"}, forms.SUMMARY,
         refusals=READS, audience="everybody", example={"article": PAGE["article"]}),
    Call("get", "/counts", "Votes and comments of up to 100 articles", {200: "Counts"}, forms.COUNTS,
         refusals=READS, audience="everybody", example={"article": PAGE["article"]}),
    Call("post", "/vote", "Cast, change, explain or take back a vote", {200: "VoteAnswer"}, body=forms.VOTE,
         refusals=WRITES, example=PAGE | {"value": "no", "reason": "unclear", "section": "side-effects"}),
    Call("post", "/comments", "Send a comment", {201: "CommentAnswer", 202: "CommentAnswer"}, body=forms.COMMENT,
         refusals=WRITES, example=PAGE | {"body": "Thank you, this was **clear**.", "name": "Rae"}),
    Call("post", "/comments/{id}/edit", "Change one's own comment, within 15 minutes; it may wait again",
         {200: "CommentAnswer", 202: "CommentAnswer"}, body=forms.EDIT, refusals=(*WRITES, 409),
         example={"reader": PAGE["reader"], "body": "Thank you, this was **very** clear."}),
    Call("post", "/comments/{id}/like", "Like a published comment of somebody else's, or no longer",
         {200: "LikeAnswer"}, body=forms.LIKE, refusals=WRITES, example={"reader": PAGE["reader"], "value": "yes"}),
    Call("post", "/preview", "What a text would look like as a comment; stores nothing", {200: "Preview"},
         body=forms.PREVIEW, refusals=WRITES, example={"body": "Thank you, this was **clear**."}),
    Call("post", "/comments/{id}/withdraw", "Take back one's own comment", {200: "CommentAnswer"},
         body=forms.OF_READER, refusals=WRITES, example={"reader": PAGE["reader"]}),
    Call("post", "/comments/{id}/flag", "Say that something is wrong with a comment, once", {202: "Nothing"},
         body=forms.FLAG, refusals=WRITES, example={"reader": PAGE["reader"], "reason": "spam"}),
    Call("post", "/mine", "One's own vote and comments on an article", {200: "Mine"}, body=forms.MINE,
         refusals=WRITES, example=PAGE),
    Call("post", "/erase", "Erase everything of a reader", {200: "Erased"}, body=forms.OF_READER, refusals=WRITES,
         example={"reader": PAGE["reader"]}),
    Call("post", "/export", "Everything stored about a reader", {200: "Export"}, body=forms.OF_READER,
         refusals=WRITES, example={"reader": PAGE["reader"]}),
    Call("put", "/articles", "Register an article, or renew it", {200: "ArticleAnswer", 201: "ArticleAnswer"},
         body=forms.ARTICLE, audience="administrator", refusals=STAFF, example={
             "key": "baclofen-neck-pain", "title": "Baclofen for neck pain", "url": "https://example.org/baclofen",
             "contributors": [{"name": "Ann Hollis", "role": "author"}], "revision": "2026-05-03"}),
    Call("get", "/queue", "Comments waiting, or in any other state; `older` than so many hours", {200: "Queue"},
         forms.QUEUE, audience="moderator", refusals=ASKED, example={"state": "pending"}),
    Call("get", "/queue/figures", "How full the lists are, how long comments wait, the day's work, the learned score's",
         {200: "QueueFigures"}, audience="moderator", refusals=(400, 401, 403, 404, 503)),
    Call("post", "/decisions", "Decide on one comment, on several, or with `filter` and `before` on all that match",
         {200: "Decisions", 202: "BatchBegun"}, body=forms.DECISION, audience="moderator", refusals=(*STAFF, 409),
         example={"comment": "…", "version": 1, "action": "approve"}),
    Call("post", "/decisions/{id}/undo", "Take a decision back", {200: "Decisions"}, audience="moderator",
         refusals=(400, 401, 403, 404, 409, 413, 503)),
    Call("post", "/undo", "Take several decisions back, all or none", {200: "Decisions"}, body=forms.UNDO,
         audience="moderator", refusals=(*STAFF, 409), example={"decisions": ["…"]}),
    Call("get", "/batches/{id}", "How far a decision on all that match is", {200: "BatchAnswer"},
         audience="moderator", refusals=(400, 401, 403, 404, 503)),
    Call("post", "/batches/{id}/undo", "Take back all that it decided", {202: "BatchBegun"}, audience="moderator",
         refusals=(400, 401, 403, 404, 409, 413, 503)),
    Call("get", "/flags", "What readers said about a comment; never who", {200: "Flags"}, forms.FLAGS,
         audience="moderator", refusals=ASKED, example={"comment": "…"}),
    Call("post", "/comments/{id}/pin", "Let a published comment lead its page, or no longer", {200: "Decisions"},
         body=forms.PIN, audience="moderator", refusals=STAFF, example={"pinned": True}),
    Call("post", "/comments/{id}/close", "Close a thread, or let it take replies again", {200: "Decisions"},
         body=forms.CLOSE, audience="moderator", refusals=STAFF, example={"closed": True}),
    Call("post", "/comments/{id}/reply", "Answer as staff, with `approve` publishing what is answered",
         {201: "ReplyAnswer"}, body=forms.REPLY, audience="moderator", refusals=(*STAFF, 409),
         example={"body": "Thank you, we have corrected it.", "version": 1, "approve": True}),
    Call("post", "/comments/{id}/revise", "Change a comment's text; its reader's own is kept", {200: "Decisions"},
         body=forms.REVISION, audience="moderator", refusals=(*STAFF, 409),
         example={"version": 1, "body": "Without the address."}),
    Call("post", "/comments/{id}/ban", "Ban whoever wrote it for `days`, or their network while its key lives",
         {201: "BanAnswer"}, body=forms.BANNED, audience="moderator", refusals=STAFF,
         example={"kind": "reader", "days": 30, "why": "Advertises again and again"}),
    Call("get", "/bans", "Whoever is banned now", {200: "Bans"}, audience="moderator",
         refusals=(400, 401, 403, 404, 503)),
    Call("post", "/bans/{id}/lift", "End a ban", {200: "BanAnswer"}, audience="moderator",
         refusals=(400, 401, 403, 404, 413, 503)),
    Call("get", "/words", "Blocked and watched words, links and names", {200: "Words"}, audience="moderator",
         refusals=(400, 401, 403, 404, 503)),
    Call("post", "/words", "Block or watch a word, a link or a name", {201: "WordAnswer"}, body=forms.LISTED,
         audience="moderator", refusals=(*STAFF, 409),
         example={"kind": "word", "effect": "watch", "pattern": "miracle*", "why": "Mostly advertising"}),
    Call("post", "/words/{id}/remove", "Take one off the list", {200: "WordAnswer"}, audience="moderator",
         refusals=(400, 401, 403, 404, 413, 503)),
    Call("post", "/comments/{id}/purge", "Erase a comment's text and name for good", {200: "Purged"},
         body=forms.PURGE, audience="administrator", refusals=(*STAFF, 409), example={"version": 1}),
    Call("get", "/history", "All decisions on a comment, oldest first, or `by` a person or token, newest first",
         {200: "History"}, forms.HISTORY, audience="moderator", refusals=ASKED, example={"comment": "…"}),
    Call("get", "/stats", "Figures of an article, or the list of one's articles", {200: "Stats"}, forms.FIGURES,
         audience="author or reviewer", refusals=ASKED, example={"article": PAGE["article"]}),
    Call("get", "/notes", "Readers' notes on an article", {200: "Notes"}, forms.NOTES,
         audience="author or reviewer", refusals=ASKED, example={"article": PAGE["article"]}),
)  # fmt: skip


def document(own: str) -> dict[str, Any]:
    """Return the contract as OpenAPI 3.1, for the service at the address `own`."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(f"/api/v1/{{site}}{call.path}", {})[call.method] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Reader feedback",
            "version": "1",
            "description": "Votes, comments, the queue and the figures of articles.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": own}],
        "paths": paths,
        "components": {
            "schemas": {
                **ANSWERS,
                "Byline": _schema(forms.BYLINE),
                "Choice": _schema(forms.CHOICE),
                "Filter": _schema(forms.FILTER),
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "origin": {"type": "apiKey", "in": "header", "name": "Origin"},
            },
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    parameters = [SITE]
    if "{id}" in call.path:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    parameters += [_parameter(each) for each in call.query]
    operation = {
        "summary": call.summary,
        "operationId": f"{call.method}{call.path}".replace("/{id}", "").replace("/", "_"),
        "description": f"For {call.audience}.",
        "tags": [call.audience],
        "parameters": parameters,
        "responses": _responses(call),
        "security": _security(call),
    }
    return operation | ({"requestBody": _body(call)} if call.body else {})


def _security(call: Call) -> list[dict[str, list[str]]]:
    if call.audience == "everybody":
        return []
    return [{"origin": []}, {"bearer": []}] if call.audience == "readers" else [{"bearer": []}]


def _parameter(each: Field) -> dict[str, Any]:
    schema = dict(each.read.schema)
    found = {"name": each.name, "in": "query", "required": each.required, "schema": schema}
    return found | ({"style": "form", "explode": True} if schema.get("type") == "array" else {})


def _body(call: Call) -> dict[str, Any]:
    kinds = ["application/json"]
    # What has lists or objects in it is JSON only.
    if all(_is_single(each) for each in call.body):
        kinds.insert(0, "application/x-www-form-urlencoded")
    content = {kind: {"schema": _schema(call.body), "example": dict(call.example)} for kind in kinds}
    return {"required": True, "content": content}


def _is_single(each: Field) -> bool:
    kind = each.read.schema.get("type")
    return kind == "string" or isinstance(kind, list) and "array" not in kind


def _schema(fields: Sequence[Field]) -> dict[str, Any]:
    """Return the schema of an object with these fields; null is the same as left out, other names are passed over."""
    return {
        "type": "object",
        "properties": {each.name: _property(each) for each in fields},
        "required": [each.name for each in fields if each.required],
    }


def _property(each: Field) -> dict[str, Any]:
    schema = dict(each.read.schema)
    return schema if each.required else {"anyOf": [schema, {"type": "null"}]}


def _responses(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, name in call.answers.items():
        answer = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        found[str(status)] = {"description": call.summary, "content": answer}
    if call.audience == "everybody":
        found["304"] = {"description": "Nothing has changed since the ETag that was sent."}
    for status in sorted({*call.refusals, 405}):
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        found[str(status)] = {"description": REFUSALS[status], "content": problem}
    return found


@bp.get("/v1/openapi.json")
def contract() -> ResponseReturnValue:
    answer: Response = jsonify(document(_own()))
    answer.headers["Cache-Control"] = CACHEABLE
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@bp.get("/")
def page() -> ResponseReturnValue:
    own = _own()
    answer = current_app.make_response(render_template("api/index.html", calls=CALLS, own=own, refusals=REFUSALS))
    answer.headers["Cache-Control"] = CACHEABLE
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
    return answer


def _own() -> str:
    return current_app.config["SETTINGS"].public_url or request.host_url.rstrip("/")
