"""What the API answers, in JSON Schema. The tests hold every answer against these."""

from typing import Any

from feedback import moderation

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
DAY: Schema = {"type": "string", "format": "date"}
SHARE: Schema = {"type": "number", "minimum": -1, "maximum": 1}
VALUE: Schema = {"enum": ["yes", "no"]}
STATES: Schema = {"enum": ["pending", "approved", "rejected", "spam", "withdrawn", "erased"]}
ROLE: Schema = {"enum": ["author", "reviewer"]}
STAFF: Schema = {"enum": ["administrator", "moderator", "author", "reviewer"]}


def thing(properties: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object with exactly these properties, and perhaps the optional ones."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def by_key(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


_ITEM = {
    "id": TEXT,
    "parent": maybe(TEXT),
    "name": maybe(TEXT),
    "html": maybe(TEXT),
    "created": TIME,
    "edited": maybe(TIME),
    "likes": COUNT,
    "pinned": FLAG,
    "staff": maybe(TEXT),
}
_EDITED_BY: Schema = {"const": "moderator"}
_MARKED: dict[str, Schema] = {"gone": {"enum": ["withdrawn", "removed"]}, "edited_by": _EDITED_BY}
_YOURS = {
    "value": VALUE,
    "reason": maybe(TEXT),
    "section": maybe(TEXT),
    "note": maybe(TEXT),
    "revision": maybe(TEXT),
}
_OWN = {"state": STATES, "source": maybe(TEXT), "version": COUNT, "editable_until": maybe(TIME)}
_ARTICLE = {"key": TEXT, "title": maybe(TEXT)}
_REGISTERED = {**_ARTICLE, "url": maybe(TEXT), "contributors": many(ref("Contributor"))}
_DECISION = {"id": TEXT, "comment": TEXT, "from": STATES, "to": STATES}
_BATCH = {
    "id": TEXT,
    "action": {"enum": ["approve", "reject", "spam", "hold"]},
    "state": {"enum": ["running", "done", "undoing", "undone"]},
    "total": COUNT,
    "decided": COUNT,
    "undone": COUNT,
    "skipped": many(TEXT),
    "created": TIME,
    "finished": maybe(TIME),
}
_FLAG = {
    "reason": {"enum": ["spam", "abuse", "unsafe", "personal", "other"]},
    "note": maybe(TEXT),
    "weight": COUNT,
    "resolved": {"enum": ["upheld", "dismissed", None]},
    "created": TIME,
}
_LISTED = {"why": TEXT, "who": TEXT, "until": maybe(TIME), "created": TIME}
_HELPFUL = thing({"share": maybe(SHARE), "low": SHARE, "high": SHARE, "wording": TEXT})
_TALLY = thing({"yes": COUNT, "no": COUNT, "total": COUNT, "quarantined": COUNT})

ANSWERS: dict[str, Schema] = {
    "Contributor": thing({"name": TEXT, "role": ROLE}),
    "Votes": thing({"yes": COUNT, "no": COUNT, "total": COUNT}),
    "Yours": thing(_YOURS),
    "Comment": thing(_ITEM, _MARKED),
    "Thread": thing({**_ITEM, "replies": many(ref("Comment"))}, {**_MARKED, "more": TEXT, "closed": FLAG}),
    "OwnComment": thing({**_ITEM, **_OWN, "replies": many(ref("Comment"))}, {"edited_by": _EDITED_BY}),
    "Summary": thing(
        {
            # `changed`: what authors say that they changed for readers.
            "article": thing(_REGISTERED, {"changed": thing({"text": TEXT, "day": DAY})}),
            "votes": ref("Votes"),
            "comments": thing(
                {
                    "open": FLAG,
                    "total": COUNT,
                    "next": maybe(TEXT),
                    "items": many({"anyOf": [ref("Thread"), ref("Comment")]}),
                }
            ),
            "settings": thing(
                {
                    "question": TEXT,
                    "reasons": many(thing({"code": TEXT, "label": TEXT})),
                    "max_chars": COUNT,
                    "moderation": {"enum": ["pre", "first", "post", "closed"]},
                    "guidelines": TEXT,
                    "notice": TEXT,
                    "origins": many(TEXT),
                    "lang": TEXT,
                },
                # `texts`: the site's own sentences in place of the element's, by name; some have a form a plural.
                # `notify`: replies are announced by mail. `figure`: how many an article helped is shown, from 20 votes.
                {
                    "texts": by_key({"anyOf": [TEXT, by_key(TEXT)]}),
                    "notify": {"const": True},
                    "figure": {"const": True},
                },
            ),
        }
    ),
    "Counts": by_key(thing({"yes": COUNT, "no": COUNT, "comments": COUNT})),
    "VoteAnswer": thing({"votes": ref("Votes"), "yours": maybe(ref("Yours"))}),
    "CommentAnswer": thing({"comment": ref("OwnComment")}),
    "LikeAnswer": thing({"likes": COUNT}),
    "Preview": thing({"html": TEXT}),
    "Nothing": thing({}),
    "Mine": thing(
        {
            "vote": maybe(ref("Yours")),
            "votes": ref("Votes"),
            "comments": many(ref("OwnComment")),
            "likes": many(TEXT),
        }
    ),
    "Erased": thing({"votes": COUNT, "comments": COUNT, "flags": COUNT, "likes": COUNT}),
    "Export": thing({name: many({"type": "object"}) for name in ("votes", "comments", "flags", "likes")}),
    "ArticleAnswer": thing({"article": thing(_REGISTERED)}),
    "Queue": thing({"total": COUNT, "next": maybe(TEXT), "items": many(ref("Waiting"))}),
    "Waiting": thing(
        {
            "id": TEXT,
            "article": thing(_ARTICLE),
            "parent": maybe(TEXT),
            "name": maybe(TEXT),
            "html": maybe(TEXT),
            "source": maybe(TEXT),
            "state": STATES,
            "held_for": many(TEXT),
            "score": maybe(SHARE),
            "flags": COUNT,
            "likes": COUNT,
            "created": TIME,
            "version": COUNT,
        },
        # `record`: what became of all else of its reader, if of anything. `explanation`: of a score from one half on.
        {
            "pinned": {"const": True},
            "closed": {"const": True},
            "staff": STAFF,
            "original": TEXT,
            "record": thing({"approved": COUNT, "rejected": COUNT, "spam": COUNT}),
            "explanation": many(TEXT),
        },
    ),
    "QueueFigures": thing(
        {
            "lists": thing(dict.fromkeys(moderation.LISTS, COUNT)),
            "oldest": maybe(TIME),
            "usual_seconds": maybe({"type": "number"}),
            "promise_hours": COUNT,
            "today": thing({"mine": COUNT, "all": COUNT}),
            "score": maybe(
                thing(
                    {
                        **dict.fromkeys(("decisions", "bad", "over", "right"), COUNT),
                        **dict.fromkeys(("precision", "recall"), maybe(SHARE)),
                    }
                )
            ),
            "rejections": many(TEXT),
        }
    ),
    "Decisions": thing({"decisions": many(thing(_DECISION))}),
    "History": thing(
        {
            "decisions": many(
                thing(
                    {
                        **_DECISION,
                        "who": TEXT,
                        "by": maybe(TEXT),
                        "action": TEXT,
                        "reason": maybe(TEXT),
                        "note": maybe(TEXT),
                        "at": TIME,
                    }
                )
            )
        },
        {"next": maybe(TEXT)},
    ),
    "BatchBegun": thing({"batch": TEXT}),
    "BatchAnswer": thing({"batch": thing(_BATCH)}),
    "Flags": thing({"flags": many(thing(_FLAG))}),
    "ReplyAnswer": thing({"comment": ref("Comment")}),
    "BanAnswer": thing({"ban": ref("Ban")}),
    "Bans": thing({"bans": many(ref("Ban"))}),
    "Ban": thing({"id": TEXT, "kind": {"enum": ["reader", "network"]}, **_LISTED}),
    "WordAnswer": thing({"word": ref("Word")}),
    "Words": thing({"words": many(ref("Word"))}),
    "Word": thing(
        {
            "id": TEXT,
            "kind": {"enum": ["word", "link", "name"]},
            "effect": {"enum": ["block", "watch"]},
            "pattern": TEXT,
            **_LISTED,
        }
    ),
    "Purged": thing({"comment": thing({"id": TEXT, "state": STATES, "version": COUNT})}),
    "Stats": {"anyOf": [ref("ArticleStats"), ref("StatsList")]},
    "ArticleStats": thing(
        {
            "article": thing({**_ARTICLE, "url": maybe(TEXT)}, {"changed": thing({"text": TEXT, "day": DAY})}),
            "votes": _TALLY,
            "helpful": _HELPFUL,
            "reasons": by_key(COUNT),
            "sections": many(thing({"id": TEXT, "title": TEXT, "no": COUNT})),
            "revisions": many(
                thing(
                    {
                        "label": TEXT,
                        "yes": COUNT,
                        "no": COUNT,
                        "low": SHARE,
                        "high": SHARE,
                        "first_seen": TIME,
                        "note": maybe(TEXT),
                        "merged": many(TEXT),
                    }
                )
            ),
            "comparison": maybe(
                thing(
                    {
                        "from": TEXT,
                        "to": TEXT,
                        "difference": SHARE,
                        "low": SHARE,
                        "high": SHARE,
                        "probability": SHARE,
                        "verdict": TEXT,
                    }
                )
            ),
            "series": many(thing({"day": DAY, "yes": COUNT, "no": COUNT})),
            "alerts": many({"type": "object"}),
            "comments": thing(
                {
                    "approved": COUNT,
                    "pending": COUNT,
                    "rejected": COUNT,
                    "spam": COUNT,
                    "withdrawn": COUNT,
                    "flagged": COUNT,
                    "newest": many(ref("Comment")),
                }
            ),
        }
    ),
    "StatsList": thing(
        {
            "items": many(
                thing(
                    {
                        "article": thing(_ARTICLE),
                        "votes": _TALLY,
                        "helpful": _HELPFUL,
                        # What "where to start" is ordered by; the place among those with 20 votes, not of a search.
                        "fails": {"type": "number", "minimum": 0},
                        "rank": maybe(COUNT),
                    }
                )
            ),
            "next": maybe(TEXT),
        }
    ),
    "Notes": thing(
        {
            "items": many(
                thing(
                    {
                        # Names the note as it reads now, and says nothing of who wrote it.
                        "id": TEXT,
                        "note": TEXT,
                        "reason": maybe(TEXT),
                        "section": maybe(TEXT),
                        "revision": maybe(TEXT),
                        "day": DAY,
                        "value": VALUE,
                        "status": {"enum": ["new", "done", "fixed"]},
                        "fixed_in": maybe(TEXT),
                    }
                )
            ),
            "next": maybe(TEXT),
        }
    ),
    "Problem": {
        "type": "object",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": by_key(many(TEXT)),
            "current": many({"type": "object"}),
        },
        "required": ["type", "title", "status", "detail"],
    },
}
