"""What each notice says. Everything is read when it is delivered; what no longer exists says nothing."""

from collections.abc import Callable
from uuid import UUID

from flask import current_app, render_template

from feedback import notices, passwords
from feedback.db import db
from feedback.mail import Letter
from feedback.models import Site, User
from feedback.notices import Kind, Notice


def write(notice: Notice) -> Letter | None:
    """Return the letter of a notice, or None where there is nothing left to tell. Reads; changes nothing."""
    return LETTERS[notice.kind](notice)


def _reset(notice: Notice) -> Letter | None:
    user = _user(notice)
    if user is None:
        return None
    link = _link(user, passwords.RESET)
    return _letter(user, "Choose a new password", "reset", link=link, hours=passwords.RESET.hours)


def _invitation(notice: Notice) -> Letter | None:
    user, site = _user(notice), db.session.get(Site, UUID(notice.about["site"]))
    # Whoever has a password by now has no need of the link.
    if user is None or site is None or user.password is not None:
        return None
    link = _link(user, passwords.INVITATION)
    days = passwords.INVITATION.hours // 24
    return _letter(user, f"Your account at {site.name}", "invitation", site=site.name, link=link, days=days)


def _user(notice: Notice) -> User | None:
    user = db.session.get(User, UUID(notice.about["user"]))
    return user if user is not None and user.active else None


def _link(user: User, purpose: passwords.Purpose) -> str:
    signer = passwords.Signer(current_app.config["SETTINGS"].secret_keys)
    return f"{current_app.config['SETTINGS'].public_url}/account/choose/{signer.sign(user, purpose)}"


def _letter(user: User, subject: str, template: str, **values: object) -> Letter:
    text, html = (
        render_template(f"mail/{template}.{kind}", name=user.name, subject=subject, **values)
        for kind in ("txt", "html")
    )
    return Letter(user.email, subject, text, html)


LETTERS: dict[Kind, Callable[[notices.Notice], Letter | None]] = {Kind.RESET: _reset, Kind.INVITATION: _invitation}
