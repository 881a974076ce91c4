"""The demo's comments, from their submission to what moderators and their own readers made of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import current_app

from feedback import articles, comments, forms, moderation, opaque, readers, text
from feedback.db import db
from feedback.models import Comment, Decision, FlagReason, Role, State
from feedback.moderation import Action
from feedback.staff import Actor

from .voices import COMMENTS, Said
from .world import Event, World

BY_ADA = 0.2  # of the decisions; the others are Mo's
STEP = timedelta(minutes=3)  # from one decision on a comment to the next
SOON = timedelta(hours=5)  # from one like of a comment to the next
LATER = timedelta(days=6)  # from one flag on a comment to the next
ERASED_AFTER = timedelta(days=14)
ACTION = {
    State.APPROVED: Action.APPROVE,
    State.ERASED: Action.APPROVE,  # it was on the page until its reader erased it
    State.REJECTED: Action.REJECT,
    State.SPAM: Action.SPAM,
}


def events(world: World) -> Iterator[Event]:
    """Yield every comment and what became of it."""
    conversation = Conversation(world)
    for said in COMMENTS:
        yield from conversation.events(said)


@dataclass
class Conversation:
    """Remembers who wrote what, so that one comment can answer another."""

    world: World
    tokens: dict[str, str] = field(default_factory=dict)
    rows: dict[Said, tuple[UUID, UUID]] = field(default_factory=dict)
    last: dict[str, tuple[UUID, UUID]] = field(default_factory=dict)  # of each tag

    def events(self, said: Said) -> Iterator[Event]:
        """Yield the submission of one comment, then the decisions on it, then its end."""
        chance, at = self.world.chance, self.world.now - timedelta(days=said.days)
        self.tokens.setdefault(said.tag, self.world.token())
        address = self.world.address()
        yield Event(at, lambda at: self._submit(said, address, at))
        by = self.world.people["Ada" if chance.random() < BY_ADA else "Mo"]
        first = at + timedelta(minutes=chance.randint(25, 330))
        for number, act in enumerate(self._fate(said, by)):
            yield Event(first + STEP * number, act)
        later = first + STEP * 3
        for number, (reason, note) in enumerate(said.flagged):
            yield Event(later + LATER * number, partial(self._flag, said, number, reason, note))
        for number in range(said.likes):
            yield Event(later + SOON * number, partial(self._like, said, number))
        if said.staff:
            yield Event(later, lambda at: self._reply(said, by, at))
        if said.pinned:
            yield Event(later, lambda at: self._pin(said, by, at))
        if said.fate is State.ERASED:
            yield Event(at + ERASED_AFTER, lambda at: self._erase(said, at))

    def _submit(self, said: Said, address: str, at: datetime) -> None:
        given = forms.read(forms.COMMENT, self._form(said))
        site = self.world.site
        draft = comments.Draft(
            page=articles.Page(site, given["article"]),
            reader=readers.digest(site.id, given["reader"]),
            source=given["body"],
            html=text.comment_html(given["body"]),
            text_hash=comments.text_hash(current_app.config["SECRET_KEY"], site.id, given["body"]),
            name=given["name"],
            typed_name=said.name,
            parent=given["parent"],
            honeypot=bool(given["website"]),
            opened_ms=given["opened"],
            network=self.world.networks.of(address, at),
        )
        row = comments.submit(draft, now=at)
        self.rows[said] = self.last[said.tag] = (row.article_id, row.id)

    def _form(self, said: Said) -> dict[str, Any]:
        sent = {
            "article": said.article,
            "reader": self.tokens[said.tag],
            "name": said.name,
            "body": said.body,
            "opened": said.opened,
            "website": said.website,
        }
        return sent | ({"parent": opaque.identifier(*self.last[said.answers])} if said.answers else {})

    def _fate(self, said: Said, by: Actor) -> Iterator[Callable[[datetime], Any]]:
        if said.hasty:
            yield lambda at: self._decide(said, Action.APPROVE, by, at)
            yield lambda at: self._undo(said, by, at)
        if said.edited:
            yield lambda at: self._edit(said, by, at)
        if said.fate is State.WITHDRAWN:
            yield lambda at: self._withdraw(said, at)
        elif said.fate in ACTION and not said.website:  # what has the honeypot filled is spam from the start
            yield lambda at: self._decide(said, ACTION[said.fate], by, at)

    def _decide(self, said: Said, action: Action, by: Actor, at: datetime) -> None:
        sites = (self.world.site.id,)
        choice = self._choice(said)
        reason = said.reason if action is Action.REJECT else None
        moderation.decide([choice], action, who=by, site_ids=sites, now=at, reason=reason)

    def _undo(self, said: Said, by: Actor, at: datetime) -> None:
        sites = (self.world.site.id,)
        last: Decision = moderation.history(opaque.identifier(*self.rows[said]), sites)[-1]
        moderation.undo(opaque.identifier(last.article_id, last.id), who=by, site_ids=sites, now=at)

    def _flag(self, said: Said, number: int, reason: FlagReason, note: str, at: datetime) -> None:
        site = self.world.site
        reader = readers.digest(site.id, f"flags {said.tag} {number}")
        comment_id = opaque.identifier(*self.rows[said])
        comments.flag(comments.Report(comment_id, reader, reason, note or None), site=site, now=at)

    def _like(self, said: Said, number: int, at: datetime) -> None:
        site_id = self.world.site.id
        reader = readers.digest(site_id, f"likes {said.tag} {number}")
        comments.like(opaque.identifier(*self.rows[said]), reader, True, site_id=site_id, now=at)

    def _reply(self, said: Said, by: Actor, at: datetime) -> None:
        author = moderation.Author(by, by.name, Role.MODERATOR)
        choice, wording, sites = self._choice(said), self._wording(said.staff), (self.world.site.id,)
        moderation.reply(choice, wording, author=author, approve=False, site_ids=sites, now=at)

    def _edit(self, said: Said, by: Actor, at: datetime) -> None:
        choice, wording, sites = self._choice(said), self._wording(said.edited), (self.world.site.id,)
        moderation.edit(choice, wording, who=by, site_ids=sites, now=at)

    def _pin(self, said: Said, by: Actor, at: datetime) -> None:
        moderation.pin(opaque.identifier(*self.rows[said]), True, who=by, site_ids=(self.world.site.id,), now=at)

    def _wording(self, words: str) -> moderation.Wording:
        hashed = comments.text_hash(current_app.config["SECRET_KEY"], self.world.site.id, words)
        return moderation.Wording(words, text.comment_html(words), hashed)

    def _withdraw(self, said: Said, at: datetime) -> None:
        site_id = self.world.site.id
        reader = readers.digest(site_id, self.tokens[said.tag])
        comments.withdraw(opaque.identifier(*self.rows[said]), reader, site_id=site_id, now=at)

    def _erase(self, said: Said, at: datetime) -> None:
        row = self._row(said)
        comments.lock(row.article_id)
        comments.erase(row, who="reader", now=at)

    def _choice(self, said: Said) -> moderation.Choice:
        return moderation.Choice(opaque.identifier(*self.rows[said]), self._row(said).version)

    def _row(self, said: Said) -> Comment:
        return db.session.get_one(Comment, self.rows[said])
