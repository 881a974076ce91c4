"""Sites, articles, contributors: how they are found, registered, and first seen from a reader."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import selectinload

from feedback import text
from feedback.db import db, insert, run, uuid7
from feedback.errors import Conflict, Invalid, Missing
from feedback.models import Accepts, Article, Contributor, Role, Site, Standing, User
from feedback.origins import parse_origin
from feedback.policy import Policy, read_policy, sentence, stored_policy
from feedback.revisions import see_revision

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
MAX_KEY_CHARS = 255
MAX_TITLE_CHARS = 300
MAX_URL_CHARS = 2_000
MAX_REVISION_CHARS = 64
MAX_NAME_CHARS = 80
MAX_SITE_NAME_CHARS = 120
MAX_NOTE_CHARS = 1_000
MAX_ANNOUNCEMENT_CHARS = 300  # a line or two under the question
MAX_CONTRIBUTORS = 50  # more is a mistake in the caller's data


@dataclass(frozen=True)
class SiteView:
    """A site as one request sees it."""

    id: UUID
    slug: str
    name: str
    origins: tuple[str, ...]
    policy: Policy
    stamp: int
    prior_mean: float
    prior_weight: float


SITE = select(
    Site.id, Site.slug, Site.name, Site.origins, Site.settings, Site.stamp, Site.prior_mean, Site.prior_weight
)
OF_SLUG = SITE.where(Site.slug == bindparam("slug"))


def site(slug: str) -> SiteView:
    """Return the site of that slug. Raises Missing."""
    # What no slug can be is not asked for: the database would refuse some of it.
    row = run(OF_SLUG, {"slug": slug}).one_or_none() if SLUG.fullmatch(slug) else None
    if row is None:
        raise Missing(f"There is no site called “{slug[:64]}” here.")
    return _view(row)


def sites(ids: Sequence[UUID] | None = None) -> list[SiteView]:
    """Return the sites of these ids, or all, by slug."""
    query = SITE.order_by(Site.slug) if ids is None else SITE.where(Site.id.in_(ids)).order_by(Site.slug)
    return [_view(row) for row in db.session.execute(query)]


def _view(row: Row[Any]) -> SiteView:
    policy = stored_policy(json.dumps(row.settings, sort_keys=True))
    return SiteView(row.id, row.slug, row.name, tuple(row.origins), policy, row.stamp, row.prior_mean, row.prior_weight)


def add_site(slug: str, *, origins: Sequence[str], now: datetime, name: str = "", **settings: Any) -> Site:
    """Make a site. Raises Invalid for a bad slug, name, origin or setting, Conflict when the slug is taken."""
    if not SLUG.fullmatch(slug):
        raise Invalid({"slug": ["A slug has small letters, digits and hyphens, at most 64."]})
    if find_site(slug) is not None:
        raise Conflict(f"There is already a site called “{slug}”.")
    read_policy(settings)
    row = Site(slug=slug, name=_site_name(name) or slug, origins=_origins(origins), settings=settings, created=now)
    db.session.add(row)
    db.session.flush()
    return row


def _site_name(value: str) -> str:
    """Return a site's name as one line: it stands in the subject of letters and in feeds. Raises Invalid."""
    try:
        return sentence(MAX_SITE_NAME_CHARS)(value)
    except ValueError as error:
        raise Invalid({"name": [str(error)]}) from error


def find_site(slug: str) -> Site | None:
    """Return the row of a site, for whoever changes it."""
    return db.session.execute(select(Site).where(Site.slug == slug)).scalar_one_or_none()


def change_site(slug: str, *, name: str | None = None, origins: Sequence[str] | None = None, **settings: Any) -> Site:
    """Change a site's name, origins or settings; a setting of None is its default again. Raises Missing, Invalid."""
    # Two changes follow each other: each keeps what the other set, and the stamp moves twice.
    row = db.session.execute(select(Site).where(Site.slug == slug).with_for_update()).scalar_one_or_none()
    if row is None:
        raise Missing(f"There is no site called “{slug[:64]}” here.")
    merged = {key: value for key, value in {**row.settings, **settings}.items() if value is not None}
    read_policy(merged)
    row.settings = merged
    row.name = _site_name(name or "") or row.name
    row.origins = _origins(origins) if origins is not None else row.origins
    row.stamp += 1
    return row


def snippet(slug: str, url: str) -> str:
    """Return the two lines that the pages of a site need, for a service at that address."""
    return f'<script async src="{url}/widget.js"></script>\n<article-feedback site="{slug}"></article-feedback>'


def _origins(origins: Sequence[str]) -> list[str]:
    try:
        cleaned = [parse_origin(value) for value in origins]
    except ValueError as error:
        raise Invalid({"origin": [str(error)]}) from error
    if not cleaned:
        raise Invalid({"origin": ["A site needs at least one origin that its pages come from."]})
    return list(dict.fromkeys(cleaned))


# Articles


def key(value: str) -> str:
    """Return an article's key, normalised: NFC, no control characters, 1 to 255 characters. Raises ValueError."""
    cleaned = text.line(value)
    if not cleaned:
        raise ValueError("Name the article by its key.")
    if len(cleaned) > MAX_KEY_CHARS:
        raise ValueError(f"A key has at most {MAX_KEY_CHARS} characters.")
    return cleaned


FIND = select(Article.id, Article.accepts).where(
    Article.site_id == bindparam("site_id"), Article.key == bindparam("key")
)


def find(site_id: UUID, article_key: str) -> Row[Any] | None:
    """Return (id, accepts) of an article, or None."""
    return run(FIND, {"site_id": site_id, "key": article_key}).one_or_none()


def get(site_id: UUID, article_key: str) -> Article | None:
    """Return the row of an article with its contributors, or None."""
    query = select(Article).where(Article.site_id == site_id, Article.key == article_key)
    return db.session.execute(query.options(selectinload(Article.contributors))).scalar_one_or_none()


@dataclass(frozen=True)
class Page:
    """What a reader's request says of the page it came from. Not trusted: registration replaces it."""

    site: SiteView
    key: str
    title: str | None = None
    url: str | None = None


def find_or_make(page: Page, *, now: datetime) -> tuple[UUID, Accepts]:
    """Return (id, accepts) of the page's article, which a reader's first vote or comment makes known.

    Raises Missing where the site takes registered articles only and this is none.
    """
    row = find(page.site.id, page.key)
    if row is None:
        if page.site.policy.admits == "registered":
            raise Missing("This article is not registered with the feedback service.")
        _make(page.site.id, page.key, page.title, page.url, now)
        row = find(page.site.id, page.key)
        assert row is not None
    return row.id, row.accepts


def _make(site_id: UUID, article_key: str, title: str | None, url: str | None, now: datetime) -> bool:
    """Insert an article that is not known yet. Returns False where somebody else just did."""
    article_id = uuid7()
    values = {
        "id": article_id,
        "site_id": site_id,
        "key": article_key,
        "title": title,
        "url": url,
        "registered": False,
        "accepts": Accepts.OPEN,
        "created": now,
    }
    # Two first readers of a page can arrive together: whoever inserts second finds the row of the first.
    made = run(insert(Article).values(values).on_conflict_do_nothing()).rowcount > 0
    if made:
        run(insert(Standing).values({"article_id": article_id, "site_id": site_id, "as_of": now}))
    return made


@dataclass(frozen=True)
class Byline:
    """Who wrote or reviewed an article; the address links to an account, now or once there is one."""

    name: str
    role: Role
    email: str | None = None


@dataclass(frozen=True)
class Registration:
    """What staff say of an article."""

    key: str
    title: str
    url: str
    contributors: tuple[Byline, ...] = ()
    revision: str | None = None
    note: str | None = None
    keeps_contributors: bool = False  # whether none given means that those there are stay


def register(site_id: UUID, given: Registration, *, now: datetime) -> tuple[Article, bool]:
    """Make an article known, or bring it up to date, and register its revision. Returns (article, whether it is new).

    What a reader's request said of it is replaced. Raises Invalid for a person who stands twice in one role.
    """
    created = _make(site_id, given.key, given.title, given.url, now)
    # Two registrations of one article follow each other, since each replaces the contributors of the other.
    held = select(Article.id).where(Article.site_id == site_id, Article.key == given.key)
    db.session.execute(held.with_for_update(key_share=True))
    article = get(site_id, given.key)
    assert article is not None
    article.title, article.url, article.registered = given.title, given.url, True
    if given.contributors or not given.keeps_contributors:
        _set_contributors(article, given.contributors)
    if given.revision is not None:
        see_revision(article.id, given.revision, registered=True, note=given.note, now=now)
    touch(article.id)
    db.session.flush()
    return article, created


def _set_contributors(article: Article, bylines: Sequence[Byline]) -> None:
    people = list(dict.fromkeys(bylines))
    if len({(byline.role, byline.name) for byline in people}) < len(people):
        raise Invalid({"contributors": ["Name each person once in each role."]})
    # Deleted first: the same name may stay with another account or place.
    article.contributors.clear()
    db.session.flush()
    for position, byline in enumerate(people):
        email = byline.email.lower() if byline.email else None
        user_id = db.session.execute(select(User.id).where(User.email == email)).scalar_one_or_none()
        article.contributors.append(
            Contributor(
                role=byline.role,
                name=byline.name,
                position=position,
                user_id=user_id,
                email=None if user_id else email,
            )
        )
    db.session.flush()


def listing(site_id: UUID) -> list[Row[Any]]:
    """Return (key, title, accepts, votes, comments) of every article of a site, by key."""
    query = (
        select(Article.key, Article.title, Article.accepts, Standing.votes, Standing.comments)
        .join(Standing, Standing.article_id == Article.id)
        .where(Article.site_id == site_id)
        .order_by(Article.key)
    )
    return list(db.session.execute(query))


def registered(article: Article) -> Registration:
    """Return what is registered of an article, with the addresses of linked accounts, so that it can be given again."""
    linked = select(User.id, User.email).join(Contributor).where(Contributor.article_id == article.id)
    emails = {row.id: row.email for row in db.session.execute(linked)}
    people = [
        Byline(person.name, person.role, emails.get(person.user_id, person.email)) for person in article.contributors
    ]
    return Registration(article.key, article.title or "", article.url or "", tuple(people))


def public(article: Article) -> dict[str, Any]:
    """Return what staff have registered of an article."""
    people = [{"name": person.name, "role": person.role.value} for person in article.contributors]
    return {"key": article.key, "title": article.title, "url": article.url, "contributors": people}


def set_accepts(site_id: UUID, article_key: str, accepts: Accepts) -> Article:
    """Open, close or hide the comments of an article. Raises Missing."""
    article = get(site_id, article_key)
    if article is None:
        raise Missing(f"There is no article “{article_key}” on this site.")
    article.accepts = accepts
    touch(article.id)
    return article


def announce(article: Article, words: str | None, on: date | None) -> None:
    """Say on the article's page what was changed for its readers, and when; None says nothing any more."""
    article.we_changed, article.we_changed_on = words, on
    touch(article.id)


def announcement(article: Article) -> dict[str, dict[str, str]]:
    """Return under `changed` what readers are told was changed for them; nothing where they are told nothing."""
    if article.we_changed is None:
        return {}
    return {"changed": {"text": article.we_changed, "day": f"{article.we_changed_on}"}}


def touch(article_id: UUID) -> None:
    """Move the article's stamp: what readers' answers show of it has changed."""
    db.session.execute(update(Standing).where(Standing.article_id == article_id).values(stamp=Standing.stamp + 1))
