"""A service full of strings: each was put into every field that takes a text, and says on which pages it is shown."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask

from feedback import articles, changes, clock, comments, forms, moderation, notices, opaque, readers, staff, text, votes
from feedback.aspects import site_state
from feedback.changes import By, Kind, Subject
from feedback.db import transact
from feedback.models import Role, Site
from feedback.revisions import see_revision
from tests.cast import Staff
from tests.hostile import packed

TOGETHER = 20  # strings on one article: as many as a page has comments, notes and reasons
RAE = "rae-reads-rae-reads-ra"  # who wrote the first of them
CODES = [f"code_{number}" for number in range(TOGETHER)]


@dataclass
class Shelf:
    """An article and what was taken of some strings in each field."""

    key: str
    strings: Sequence[str]
    title: str = ""
    reason: str = ""
    words: dict[str, str] = field(default_factory=dict)  # the site's name, question, guidelines and notice
    labels: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)  # of further articles
    people: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    revisions: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)  # what each revision is said to have changed
    comments: list[str] = field(default_factory=list)  # ids


class House:
    """The service, the shelves in it, and its pages."""

    def __init__(self, app: Flask, site: Site, ada: Staff, strings: Sequence[str], together: int) -> None:
        self.app, self.site, self.ada = app, site, ada
        self.strings, self.numbers = strings, count(1)
        reasons = [{"code": code, "label": "Plain words"} for code in CODES]
        self.do(articles.change_site, site.slug, reasons=reasons)
        batches = [strings[start : start + together] for start in range(0, len(strings), together)]
        self.shelves = self.do(self._fill, batches, clock.now())

    def do(self, rule: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.app.app_context():
            return transact(rule, *args, **kwargs)

    # What is put where

    def _fill(self, batches: Sequence[Sequence[str]], now: datetime) -> list[Shelf]:
        self.view = articles.site(self.site.slug)
        return [self._shelf(Shelf(f"shelf-{number}", batch), now) for number, batch in enumerate(batches)]

    def _shelf(self, shelf: Shelf, now: datetime) -> Shelf:
        first, half = shelf.strings[0], len(shelf.strings) // 2
        shelf.title = line(first, 300) or "Plain words"
        shelf.reason = line(first, 300)
        shelf.labels = [line(string, 80) or "Plain words" for string in shelf.strings]
        shelf.words = {
            "name": line(first, 120) or "Plain words",
            "question": line(first, 200) or "Plain words",
            "guidelines": line(" ".join(line(string, 90) for string in shelf.strings[half:]), 1_000),
            "notice": line(" ".join(line(string, 90) for string in shelf.strings[: half or 1]), 1_000),
        }
        shelf.people = list(dict.fromkeys(filter(None, map(name_of, shelf.strings))))
        article_id = self._register(shelf, now)
        for several in packed(shelf.strings, 255):
            self._titled(shelf, several, now)
        for code, string in zip(CODES, shelf.strings, strict=False):
            self._comment(shelf, string, now)
            self._vote(shelf, article_id, string, code, now)
        chosen = [moderation.Choice(comment, 1) for comment in shelf.comments]
        who = staff.Actor(self.ada.name, self.ada.id)
        moderation.decide(
            chosen, moderation.Action.APPROVE, who=who, site_ids=[self.site.id], reason=shelf.reason or None, now=now
        )
        self._hire(shelf.people[0] if shelf.people else "Plain words", now)
        return shelf

    def _register(self, shelf: Shelf, now: datetime) -> UUID:
        roles = (Role.AUTHOR, Role.REVIEWER)
        bylines = tuple(articles.Byline(name, roles[number % 2]) for number, name in enumerate(shelf.people))
        url = f"{self.site.origins[0]}/a"
        given = articles.Registration(shelf.key, shelf.title, url, bylines, "First edition")
        return articles.register(self.site.id, given, now=now)[0].id

    def _titled(self, shelf: Shelf, several: str, now: datetime) -> None:
        """An article that has the text for a key and a title, as a reader's vote makes it known."""
        if title := line(several, 255):
            page = self._page(taken(forms.article_key, several, 255), title)
            votes.cast(votes.Ballot(page, self._reader(), votes.Choice.YES), now=now)
            shelf.titles.append(title)

    def _comment(self, shelf: Shelf, string: str, now: datetime) -> None:
        reader = self._reader(shelf.comments)
        (source, html), name = cleaned(string), name_of(string)
        number = next(self.numbers).to_bytes(32, "big")
        draft = comments.Draft(self._page(shelf.key), reader, source, html, number, name=name)
        stored = comments.submit(draft, now=now)
        shelf.comments.append(opaque.identifier(stored.article_id, stored.id))
        shelf.bodies.append(source)
        shelf.names.append(name)

    def _vote(self, shelf: Shelf, article_id: UUID, string: str, code: str, now: datetime) -> None:
        page, reader = self._page(shelf.key), self._reader(shelf.sections)
        section, revision = line(string, 255), line(string, 64)
        note = taken(forms.lines(1_000), string, 1_000)
        if revision and revision not in shelf.revisions:
            see_revision(article_id, revision, registered=True, note=note or None, now=now)
            shelf.changes.append(note)
        ballot = votes.Ballot(page, reader, votes.Choice.NO, revision, section, code, note)
        yours = votes.cast(ballot, now=now).yours
        assert yours is not None
        shelf.sections.append(yours.section or "")
        shelf.notes.append(yours.note or "")
        shelf.revisions.append(yours.revision)

    def _hire(self, name: str, now: datetime) -> None:
        """Somebody of that name, a token that is called so, and a letter to them that was given up."""
        email = f"person-{next(self.numbers)}@{self.site.slug}.example.org"
        user = staff.add_user(email, name=name, password_hash=None, now=now)
        staff.join(user, self.site, Role.MODERATOR)
        staff.issue_token(self.site, Role.MODERATOR, name=name, now=now)
        about = {"user": user.id, "site": self.site.id}
        sent = notices.put(notices.Kind.INVITATION, about, now=now, site_id=self.site.id)
        notices.fail(notices.Notice(sent, notices.Kind.INVITATION, {}, 1), name, now=now, for_good=True)

    def _page(self, key: str, title: str | None = None) -> articles.Page:
        return articles.Page(self.view, key, title)

    def _reader(self, before: Sequence[str] = (RAE,)) -> bytes:
        """Rae where nobody was before, else somebody else."""
        return readers.digest(self.site.id, f"{next(self.numbers):022}" if before else RAE)

    def settle(self, shelf: Shelf) -> None:
        """Let the site say these strings in its name, question, guidelines, notice and reasons."""
        labels = [*shelf.labels, *["Plain words"] * (TOGETHER - len(shelf.labels))]
        reasons = [{"code": code, "label": label} for code, label in zip(CODES, labels, strict=True)]
        settings = {**shelf.words, "reasons": reasons}
        name = settings.pop("name")

        def change() -> None:
            wanted = site_state(articles.site(self.site.slug), name=name, settings=settings)
            by = By(staff.Actor(self.ada.name, self.ada.id), [self.site.id], clock.now())
            changes.make(Subject(self.site.id, Kind.SITE, {}), wanted, by)

        self.do(change)

    # Where it is shown

    def pages(self, shelf: Shelf) -> dict[str, list[str]]:
        """Return the pages about an article, each with the texts that it shows to Ada, while the site is so settled."""
        slug, query, words = self.site.slug, urlencode({"article": shelf.key}), shelf.words
        revision = urlencode({"label": shelf.revisions[0] or "none"})
        names, notes, revisions = filled(shelf.names), filled(shelf.notes), filled(shelf.revisions)
        return {
            f"/f/{slug}?{query}": [shelf.title, *words.values(), *shelf.labels, *names, shelf.sections[0], notes[0]],
            f"/f/{slug}?{query}&frame=1": [shelf.title, words["question"], *names],
            f"/articles/{slug}?{query}": [shelf.title, *shelf.labels, *notes, *revisions, *shelf.changes],
            f"/articles/{slug}/revision?{query}&{revision}": [shelf.title],
            f"/admin/sites/{slug}/article?{query}": [shelf.title, *shelf.people, *revisions, *shelf.changes],
            f"/admin/sites/{slug}/settings": [*words.values(), *shelf.labels],
            f"/moderation/comments/{shelf.comments[0]}": [shelf.names[0], shelf.bodies[0], shelf.title, shelf.reason],
        }

    def lists(self) -> dict[str, list[str]]:
        """Return the lists, each with the texts that its pages show to Ada."""
        admin = f"/admin/sites/{self.site.slug}"
        titles = [title for shelf in self.shelves for title in shelf.titles]
        names = [name for shelf in self.shelves for name in shelf.names]
        bodies = [body for shelf in self.shelves for body in shelf.bodies]
        people = [shelf.people[0] for shelf in self.shelves if shelf.people]
        return {
            "/moderation/?state=approved": [*names, *bodies, *(shelf.title for shelf in self.shelves)],
            "/moderation/decisions": [*names, *(shelf.reason for shelf in self.shelves)],
            "/articles/": titles,
            f"{admin}/articles": titles,
            f"{admin}/people": people,
            f"{admin}/tokens": people,
            f"{admin}/mail": people,
            f"{admin}/changes": [],
            f"{admin}/pages": [],
            f"{admin}/invite": [],
            f"{admin}/remove": [],
            "/admin/": [],
        }


def taken(field: Callable[[str], str], string: str, most: int) -> str:
    """Return the string as the field stores it, cut until the field takes it; "" where it takes nothing of it."""
    string = string[:most]
    while string:
        with suppress(ValueError):
            return field(string)
        string = string[: len(string) // 2]
    return ""


def line(string: str, most: int) -> str:
    return taken(forms.line(most), string, most)


def name_of(string: str) -> str:
    return taken(forms.name, string, 80)


def cleaned(string: str) -> tuple[str, str]:
    """Return a comment as it is stored: source and HTML."""
    while string:
        with suppress(ValueError):
            source = forms.lines(5_000)(string)
            return source, text.comment_html(source)
        string = string[: len(string) // 2]
    return "Plain words", "<p>Plain words</p>"


def filled(texts: Sequence[str]) -> list[str]:
    return [each for each in texts if each]
