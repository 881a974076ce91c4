"""What a reader sends: stored once, published or held as the site's policy and the triage say."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, literal, select

from feedback import articles, blocklist, opaque, subscriptions, text, triage
from feedback.comments.states import add, change_state, lock
from feedback.db import db, uuid7
from feedback.errors import Invalid, Refused
from feedback.models import Accepts, Comment, Effect, State

MAX_NAME_CHARS = 80
MAX_BODY_CHARS = 5_000
MAX_SUBMISSION_CHARS = 64
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Draft:
    """A comment as its reader sent it, already checked and cleaned, so that the transaction stays short."""

    page: articles.Page
    reader: bytes
    source: str
    html: str
    text_hash: bytes
    older_hashes: tuple[bytes, ...] = ()  # of the same text under the secret keys before this one
    name: str = ""
    typed_name: str = ""
    parent: str | None = None
    submission: str | None = None
    honeypot: bool = False
    opened_ms: int | None = None
    network: bytes | None = None
    networks: tuple[bytes, ...] = ()  # what stands for it today and stood yesterday, where networks can be told apart
    sealed_email: bytes | None = None  # of who asked for mail about replies
    address: bytes | None = None  # and the hash by which it is known again
    score: float | None = None  # learned: how likely spam or abuse


def text_hash(key: str, site_id: UUID, source: str) -> bytes:
    """Return the keyed hash that says "the same text" (case and spaces aside) and tells nobody without the key."""
    same = " ".join(source.casefold().split())
    return hmac.digest(key.encode(), site_id.bytes + same.encode(), hashlib.sha256)


def submit(draft: Draft, *, now: datetime) -> Comment:
    """Store a comment and return it, published or held as the site's policy and the triage say.

    The same submission of the same reader returns the comment it made the first time. Raises Refused where the
    article takes no comments, Invalid for a parent that is not there.
    """
    article_id, accepts = articles.find_or_make(draft.page, now=now)
    # One comment of an article at a time: its place in the order and the standing depend on the one before.
    lock(article_id)
    earlier = db.session.execute(_submitted(article_id, draft.reader, draft.submission)).scalar_one_or_none()
    if earlier is not None:
        return earlier
    policy = draft.page.site.policy
    if accepts is not Accepts.OPEN or policy.moderation == "closed":
        raise Refused("This article takes no comments any more.")
    parent = _parent(article_id, draft)
    verdict = triage.judge(
        _evidence(draft, parent, now),
        moderation=policy.moderation,
        max_links=policy.max_links,
        score_limit=policy.score_limit,
        score_trust=policy.score_trust,
    )
    comment = _comment(draft, article_id, parent, verdict, next_moment(article_id, now))
    add(comment, now=now)
    if draft.address is not None:
        subscriptions.begin(comment, draft.address, now=now)
    if verdict.trusted:
        why = f"learned score {draft.score:.1%}, under {policy.score_trust} %"
        change_state(comment, State.APPROVED, who="rules", action="approve", reason=why, now=comment.created)
    return comment


def is_stored(site_id: UUID, key: str, reader: bytes, submission: str | None) -> bool:
    """Whether this submission of the reader has made a comment on the article already."""
    article = articles.find(site_id, key) if submission else None
    if article is None:
        return False
    found = _submitted(article.id, reader, submission).with_only_columns(Comment.id)
    return db.session.execute(found).first() is not None


def _submitted(article_id: UUID, reader: bytes, submission: str | None) -> Select[Comment]:
    # A comparison with NULL is never true: without a submission nothing was submitted before.
    return select(Comment).where(
        Comment.article_id == article_id, Comment.reader == reader, Comment.submission == literal(submission)
    )


def _parent(article_id: UUID, draft: Draft) -> Comment | None:
    if not draft.parent:
        return None
    key = opaque.parse_identifier(draft.parent)
    parent = db.session.get(Comment, key) if key and key[0] == article_id else None
    if parent is None or parent.state is not State.APPROVED:
        raise Invalid({"parent": ["The comment you answer is not there any more."]})
    return parent


def is_closed(parent: Comment) -> bool:
    """Whether the thread that a comment stands in takes no replies any more."""
    first = db.session.get(Comment, (parent.article_id, parent.thread_id)) if parent.thread_id else parent
    return first is not None and first.closed


def _evidence(draft: Draft, parent: Comment | None, now: datetime) -> triage.Evidence:
    site_id = draft.page.site.id
    traits = blocklist.Traits(draft.source, draft.html, draft.name, draft.reader, draft.networks)
    listed = blocklist.effects(site_id, traits, now=now)
    return triage.Evidence(
        source=draft.source,
        html=draft.html,
        name=draft.name,
        typed_name=draft.typed_name,
        honeypot=draft.honeypot,
        opened_ms=draft.opened_ms,
        first=is_first(site_id, draft.reader),
        repeated=is_repeated(site_id, (draft.text_hash, *draft.older_hashes), now),
        blocked=Effect.BLOCK in listed,
        watched=Effect.WATCH in listed,
        thread_closed=parent is not None and is_closed(parent),
        score=draft.score,
    )


def is_first(site_id: UUID, reader: bytes, *, but: UUID | None = None) -> bool:
    """Whether nothing of a reader is published on a site, or nothing but one comment."""
    approved = select(Comment.id).where(
        Comment.reader == reader, Comment.site_id == site_id, Comment.state == State.APPROVED, Comment.id != but
    )
    return db.session.execute(approved.limit(1)).first() is None


def is_repeated(site_id: UUID, hashes: Sequence[bytes], now: datetime, *, but: UUID | None = None) -> bool:
    """Whether a text, known by its hashes, was sent to a site within a day, in another comment than this one."""
    same = select(Comment.id).where(
        Comment.site_id == site_id,
        Comment.text_hash.in_(hashes),
        Comment.created > now - triage.REPEATED_WITHIN,
        Comment.id != but,
    )
    return db.session.execute(same.limit(1)).first() is not None


def next_moment(article_id: UUID, now: datetime) -> datetime:
    """Return now, or just after the article's newest comment where the clock has jumped back."""
    newest = db.session.execute(
        select(Comment.created).where(Comment.article_id == article_id).order_by(Comment.created.desc()).limit(1)
    ).scalar_one_or_none()
    return now if newest is None else max(now, newest + TICK)


def _comment(
    draft: Draft, article_id: UUID, parent: Comment | None, verdict: triage.Verdict, created: datetime
) -> Comment:
    return Comment(
        id=uuid7(),
        article_id=article_id,
        site_id=draft.page.site.id,
        parent_id=parent.id if parent else None,
        thread_id=(parent.thread_id or parent.id) if parent else None,
        submission=draft.submission,
        reader=draft.reader,
        network=draft.network,
        name=draft.name or None,
        sealed_email=draft.sealed_email,
        source=draft.source,
        html=draft.html,
        policy=text.POLICY,
        text_hash=draft.text_hash,
        state=verdict.state,
        held_for=list(verdict.held_for),
        score=draft.score,
        risk=triage.risk(draft.score, verdict.held_for),
        created=created,
    )
