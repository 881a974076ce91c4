"""What administrators do that is more than one change: open a site, invite somebody, register an article, secrets.

Secrets are returned once, where they are made; a change that has to do with one names it and cannot be undone.
"""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit
from uuid import UUID

from feedback import articles, catalogue, changes, notices, staff, stats, webhooks
from feedback.aspects import article_state, site_state
from feedback.changes import By, Kind, Subject
from feedback.db import db, uuid7
from feedback.errors import Conflict, Missing, Refused
from feedback.models import Article, Change, Role, Site, Token, User, Webhook
from feedback.revisions import see_revision


def open_site(slug: str, *, name: str, origins: Sequence[str], by: By) -> Site:
    """Make a site with its maker as administrator. Raises Invalid, and Conflict when the slug is taken."""
    site = articles.add_site(slug, origins=origins, name=name, now=by.now)
    maker = db.session.get(User, by.who.id)
    if maker is None:
        raise Missing("There is no such account any more.")
    staff.join(maker, site, Role.ADMINISTRATOR)
    changes.note(Subject(site.id, Kind.SITE, {"opened": slug}), f"added the site {slug}", by)
    return site


def list_origin(site: articles.SiteView, origin: str, by: By) -> Change | None:
    """Let the pages of one more origin ask their readers; None where it is listed already. Raises Invalid."""
    subject = Subject(site.id, Kind.SITE, {})
    present = db.session.get_one(Site, site.id)
    return changes.make(subject, site_state(present, origins=list(dict.fromkeys([*present.origins, origin]))), by)


def register(site_id: UUID, given: articles.Registration, by: By) -> Change:
    """Register an article that is not registered yet, with its revision. Raises Conflict where it is."""
    subject = Subject(site_id, Kind.ARTICLE, {"article": given.key})
    known = articles.get(site_id, given.key)
    if known is not None and known.registered:
        raise Conflict("This article is registered already.")
    change = changes.make(subject, article_state(given), by)
    assert change is not None
    if given.revision:
        article = catalogue.one(site_id, given.key)
        see_revision(article.id, given.revision, registered=True, note=given.note, now=by.now)
    return change


def set_aside(site_id: UUID, article: Article, day: date, by: By) -> Change | None:
    """Take a burst's votes out of the figures; None where they are already. Never done for anybody but administrators.

    Raises Refused where the day is not over, or its votes are not unlikely in number and in what they say.
    """
    _administers(site_id, by)
    if day >= by.now.date():
        raise Refused("This day is not over yet (in UTC). It can be set aside tomorrow.")
    found = stats.burst(article, day)
    if found is None or not found.unlikely:
        raise Refused("The votes of that day are not unusual enough to be set aside.")
    return changes.make(_burst(site_id, article, day), True, by)


def count_again(site_id: UUID, article: Article, day: date, by: By) -> Change | None:
    """Count the votes of a day that was set aside; None where none are. For administrators alone, as setting aside."""
    _administers(site_id, by)
    return changes.make(_burst(site_id, article, day), False, by)


def _administers(site_id: UUID, by: By) -> None:
    # An author must not be able to make criticism go away.
    if site_id not in by.sites:
        raise Refused("Only an administrator of the site can say which votes count.")


def _burst(site_id: UUID, article: Article, day: date) -> Subject:
    return Subject(site_id, Kind.BURST, {"article": article.key, "day": day.isoformat()})


def add_revision(site_id: UUID, key: str, label: str, note: str | None, by: By) -> Change:
    """Register a revision of an article. Raises Conflict where staff have registered it already."""
    article = catalogue.one(site_id, key)
    known = catalogue.revision(article.id, label)
    if known is not None and known.registered:
        raise Conflict("There is a revision of this label already. Its note can be changed in the list.")
    subject = Subject(site_id, Kind.REVISION, {"article": key, "label": label})
    change = changes.make(subject, {"registered": True, "note": note or (known.note if known else None)}, by)
    assert change is not None
    return change


def invite(site_id: UUID, email: str, role: Role, *, name: str, by: By) -> tuple[User, Change | None]:
    """Give somebody a role, with an account and an invitation where they have none yet.

    Returns the account, and the change; None where they had the role already.
    """
    user = staff.find_user(email) or staff.add_user(email, name=name, password_hash=None, now=by.now)
    subject = Subject(site_id, Kind.ROLES, {"user": user.id.hex})
    held = staff.roles_of(user.id).get(site_id, set()) | {role}
    change = changes.make(subject, [each.value for each in Role if each in held], by)
    if user.password is None:
        send_invitation(site_id, user.id, by)
    return user, change


def send_invitation(site_id: UUID, user_id: UUID, by: By) -> None:
    """Put an invitation into the outbox; what it says is written when it is sent."""
    about = {"user": user_id, "site": site_id}
    notices.put(notices.Kind.INVITATION, about, now=by.now, site_id=site_id)


def issue_token(site_id: UUID, role: Role, *, name: str, user_id: UUID | None, by: By) -> str:
    """Make a bearer token and return it. Raises Invalid, and Missing for a person without a role on the site."""
    site = db.session.get_one(Site, site_id)
    user = db.session.get(User, staff.member(site_id, user_id).id) if user_id else None
    secret = staff.issue_token(site, role, name=name, user=user, now=by.now)
    changes.note(Subject(site_id, Kind.TOKEN, {}), f"made the token “{name or f'{role} token'}” ({role})", by)
    return secret


def revoke_token(site_id: UUID, token_id: UUID, by: By) -> Token:
    """Make a token of the site useless. Raises Missing."""
    token = staff.token(site_id, token_id)
    if token.revoked is None:
        staff.revoke_token(token_id, now=by.now)
        changes.note(Subject(site_id, Kind.TOKEN, {"token": token_id.hex}), f"revoked the token “{token.name}”", by)
    return token


def add_webhook(site_id: UUID, url: str, events: Sequence[str], vault: webhooks.Vault, by: By) -> tuple[Webhook, str]:
    """Add a webhook and return it with its secret. Raises Invalid where the site has too many."""
    webhooks.require_room(site_id)
    secret, webhook_id = webhooks.new_secret(), uuid7()
    row = Webhook(
        id=webhook_id,
        site_id=site_id,
        url=url,
        events=list(events),
        sealed_secret=vault.seal(secret, webhook_id),
        created=by.now,
    )
    db.session.add(row)
    db.session.flush()
    _note_webhook(row, "added", by)
    return row, secret


def change_webhook(site_id: UUID, webhook_id: UUID, url: str, events: Sequence[str], by: By) -> bool:
    """Call another address, or tell of other events. Returns whether that is new. Raises Missing."""
    row = webhooks.one(site_id, webhook_id)
    if (row.url, row.events) == (url, list(events)):
        return False
    row.url, row.events = url, list(events)
    _note_webhook(row, "changed", by)
    return True


def turn_webhook(site_id: UUID, webhook_id: UUID, on: bool, by: By) -> Webhook:
    """Switch a webhook on, or off. Raises Missing."""
    row = webhooks.one(site_id, webhook_id)
    if (row.off is None) is not on:
        row.off, row.failing_since = None if on else by.now, None
        _note_webhook(row, f"switched {'on' if on else 'off'}", by)
    return row


def remove_webhook(site_id: UUID, webhook_id: UUID, by: By) -> Webhook:
    """Remove a webhook with its secret and its log. Raises Missing."""
    row = webhooks.one(site_id, webhook_id)
    _note_webhook(row, "removed", by)
    webhooks.drop(row)
    return row


def _note_webhook(row: Webhook, deed: str, by: By) -> None:
    # The host alone: the rest of an address is often a secret.
    subject = Subject(row.site_id, Kind.WEBHOOK, {"webhook": row.id.hex})
    changes.note(subject, f"{deed} the webhook to {urlsplit(row.url).hostname}", by)
