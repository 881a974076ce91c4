"""What readers send: votes, comments, and what they ask of us."""

from typing import Any

from feedback import articles, comments, votes
from feedback.forms.shape import (
    MAX_ARTICLES,
    Field,
    article_key,
    email,
    line,
    lines,
    milliseconds,
    name,
    one_of,
    reader_token,
    says,
    web_address,
)
from feedback.models import FlagReason

MAX_LANG_CHARS = 35  # what RFC 5646 advises to have room for

_LANG = Field("lang", line(MAX_LANG_CHARS))  # what refusals are said in
_READER = (Field("reader", reader_token, required=True), _LANG)
_PAGE = (Field("article", article_key, required=True), *_READER)
_OF_THE_PAGE = (Field("title", line(articles.MAX_TITLE_CHARS)), Field("url", web_address))

VOTE = (
    *_PAGE,
    Field("value", one_of(*(choice.value for choice in votes.Choice)), required=True),
    Field("revision", line(articles.MAX_REVISION_CHARS)),
    Field("section", line(votes.MAX_SECTION_CHARS)),
    Field("reason", line(64)),
    Field("note", lines(votes.MAX_NOTE_CHARS)),
    *_OF_THE_PAGE,
)
COMMENT = (
    *_PAGE,
    Field("body", lines(comments.MAX_BODY_CHARS), required=True),
    Field("name", name),
    Field("email", email),
    Field("parent", line(64)),
    Field("submission", line(comments.MAX_SUBMISSION_CHARS)),
    Field("notify", one_of("replies", "")),
    Field("website", line(comments.MAX_BODY_CHARS)),
    Field("opened", milliseconds),
    *_OF_THE_PAGE,
)
MINE = _PAGE


@says(type="array", minItems=1, maxItems=MAX_ARTICLES, items={"type": "string", "minLength": 1})
def article_keys(value: Any) -> list[str]:
    """The keys of one call for counts."""
    if not 1 <= len(value) <= MAX_ARTICLES:
        raise ValueError(f"Ask for 1 to {MAX_ARTICLES} articles.")
    return [article_key(each) for each in value]


COUNTS = (Field("article", article_keys, required=True),)
OF_READER = _READER
SUMMARY = (
    Field("article", article_key, required=True),
    Field("sort", one_of(*comments.SORTS)),
    Field("cursor", line(500)),
    Field("parent", line(64)),
    Field("around", line(64)),
)
PLACE = (
    *SUMMARY,
    Field("reply", line(64)),
    Field("flag", line(64)),
    Field("edit", line(64)),
    Field("revision", line(articles.MAX_REVISION_CHARS)),
    _LANG,
)
FLAG = (
    *_READER,
    Field("reason", one_of(*(reason.value for reason in FlagReason)), required=True),
    Field("note", lines(comments.MAX_FLAG_NOTE_CHARS)),
)
EDIT = (
    *_READER,
    Field("body", lines(comments.MAX_BODY_CHARS), required=True),
)
LIKE = (
    *_READER,
    Field("value", one_of("yes", "none"), required=True),
)
PREVIEW = (Field("body", lines(comments.MAX_BODY_CHARS), required=True), _LANG)
