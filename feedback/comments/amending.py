"""A reader changes their own comment within 15 minutes: held again as a new one would be, the text before it kept.

What waits goes on waiting, unless the new text has what is blocked and goes to spam, and what a moderator marked goes
on being so: changing a text never publishes anything.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from feedback import articles, blocklist, text, triage
from feedback.comments.owners import editable_until, is_editable, owned
from feedback.comments.states import change_state, changed, record
from feedback.comments.submission import is_closed, is_first, is_repeated
from feedback.db import db
from feedback.errors import Conflict
from feedback.models import Accepts, Article, Comment, Decision, Effect, State

AMEND = "amend"  # how the history calls it; `edit` is a moderator's
# What holds a comment for how it came, and not for its text, holds it still.
STAYING = ("honeypot", "name", "fast", "flags")


@dataclass(frozen=True)
class Amendment:
    """A comment's new text as its reader sent it, checked and cleaned, so that the transaction stays short."""

    comment: str
    reader: bytes
    source: str
    html: str
    text_hash: bytes
    older_hashes: tuple[bytes, ...] = ()
    networks: tuple[bytes, ...] = ()
    score: float | None = None


def amend(amendment: Amendment, *, site: articles.SiteView, now: datetime) -> Comment:
    """Replace a reader's text and return the comment; a published one waits again where a new one would.

    The text that stands there already changes nothing. Raises Missing, Refused, Conflict once it is too late.
    """
    comment = owned(amendment.comment, amendment.reader, site.id)
    _require_editable(comment, site, now)
    if comment.source == amendment.source:
        return comment
    verdict = _judged(amendment, comment, site, now)
    before, decided_on = comment.source, comment.text_hash
    _reword(comment, amendment, verdict, now)
    to = _outcome(comment, verdict)
    if to is not comment.state:
        row = change_state(comment, to, who="reader", action=AMEND, now=now)
    else:
        comment.version += 1
        row = record(comment, who="reader", action=AMEND, now=now)
        changed(comment)
    # What was decided on before is the text that went.
    row.replaced, row.text_hash = before, decided_on
    db.session.flush()
    return comment


def _outcome(comment: Comment, verdict: triage.Verdict) -> State:
    """Return where a comment stands with its new text: what would be spam if it was sent now, is spam."""
    if verdict.state is State.SPAM:
        return State.SPAM
    held = verdict.state is not State.APPROVED and not verdict.trusted
    return State.PENDING if comment.state is State.APPROVED and held else comment.state


def earlier(comment: Comment) -> list[str]:
    """Return what a comment's reader had written before each of their changes, the oldest first."""
    query = select(Decision.replaced).where(
        Decision.article_id == comment.article_id,
        Decision.comment_id == comment.id,
        Decision.action == AMEND,
        Decision.replaced.is_not(None),
    )
    return [text for text in db.session.execute(query.order_by(Decision.version)).scalars() if text]


def _require_editable(comment: Comment, site: articles.SiteView, now: datetime) -> None:
    article = db.session.get_one(Article, comment.article_id)
    if not is_editable(comment):
        raise Conflict("This comment can no longer be changed.")
    if now > editable_until(comment):
        raise Conflict("A comment can be changed for 15 minutes. You can still withdraw it.")
    if article.accepts is not Accepts.OPEN or site.policy.moderation == "closed":
        raise Conflict("This article takes no comments any more. You can still withdraw yours.")


def _judged(amendment: Amendment, comment: Comment, site: articles.SiteView, now: datetime) -> triage.Verdict:
    """Return what a new comment with this text would be met with."""
    name, policy = comment.name or "", site.policy
    traits = blocklist.Traits(amendment.source, amendment.html, name, amendment.reader, amendment.networks)
    listed = blocklist.effects(site.id, traits, now=now)
    hashes = (amendment.text_hash, *amendment.older_hashes)
    evidence = triage.Evidence(
        source=amendment.source,
        html=amendment.html,
        name=name,
        typed_name="",
        honeypot=False,
        opened_ms=None,
        first=is_first(site.id, amendment.reader, but=comment.id),
        repeated=is_repeated(site.id, hashes, now, but=comment.id),
        blocked=Effect.BLOCK in listed,
        watched=Effect.WATCH in listed,
        thread_closed=comment.thread_id is not None and is_closed(comment),
        score=amendment.score,
    )
    return triage.judge(
        evidence,
        moderation=policy.moderation,
        max_links=policy.max_links,
        score_limit=policy.score_limit,
        score_trust=policy.score_trust,
    )


def _reword(comment: Comment, amendment: Amendment, verdict: triage.Verdict, now: datetime) -> None:
    waits = comment.state is not State.APPROVED
    # That flags took the text before down says nothing of what its reader makes of it once it is published again.
    comment.flagged_down = comment.flagged_down and waits
    staying = [code for code in comment.held_for if waits and code in STAYING]
    comment.source, comment.html, comment.text_hash = amendment.source, amendment.html, amendment.text_hash
    comment.policy, comment.edited = text.POLICY, now
    comment.held_for = [*staying, *(code for code in verdict.held_for if code not in staying)]
    comment.score, comment.risk = amendment.score, triage.risk(amendment.score, comment.held_for)
