"""Signing in and out, and the password. Flask-Security knows the session and the hash; `membership` says who may what.

Unknown and known accounts get the same answer after the same work, and the limits stand before the work.
"""

import hashlib
import hmac
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import Security, SQLAlchemyUserDatastore, current_user
from flask_security.core import RoleMixin
from flask_security.forms import Form, LoginForm
from flask_security.utils import hash_password, login_user, logout_user, verify_password
from wtforms import EmailField, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length, ValidationError

from feedback import db as ground
from feedback import passwords, second_factor, staff
from feedback.db import db
from feedback.errors import TooMany, Unavailable
from feedback.models import User
from feedback.views import access, desk

MAX_SESSION_SECONDS = 12 * 60 * 60  # a working day; then the password is asked for again
HASHING_WAIT = 4.0  # seconds that a sign-in waits for the one before it
NOT_PRESENT = "This is not your present password."

bp = Blueprint("account", __name__, url_prefix="/account")


class NoRole(RoleMixin):
    """Stands where Flask-Security wants a table of global roles; this service has roles per site only."""


class SignInForm(LoginForm):
    """Address and password. Any address may be tried, so that the answer never depends on whether it exists."""

    email = EmailField("E-mail address", [InputRequired(), Length(max=254)], filters=[lambda typed: as_stored(typed)])
    password = PasswordField("Password", [InputRequired(), Length(max=passwords.MAX_CHARS)])
    remember = None
    submit = None

    def validate_next(self, field: Any) -> None:
        """Accept anything: `desk.local` decides where it leads."""


def as_stored(email: str | None) -> str | None:
    # No address has a NUL in it, and PostgreSQL takes no text that has.
    return email.replace("\0", "").strip().lower() if email else email


class NewPasswordForm(Form):
    """A new password, twice. `about` says whose it is, so that it is not made of their names."""

    new = PasswordField("New password", [InputRequired("Fill in a new password.")])
    again = PasswordField("New password, again", [EqualTo("new", "The two new passwords are not the same.")])
    about: Sequence[str] = ()

    def validate_new(self, field: Any) -> None:
        try:
            passwords.check(field.data, self.about)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class PasswordForm(NewPasswordForm):
    """The present password besides."""

    present = PasswordField(
        "Present password",
        [InputRequired("Fill in your present password."), Length(max=passwords.MAX_CHARS, message=NOT_PRESENT)],
    )


def init_app(app: Flask) -> None:
    """Set up Flask-Security: hashing, the session's account, nothing else. Its own pages and tokens stay off."""
    app.config.from_mapping(
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_HASH="argon2",
        # Hashed once, without a site-wide salt: a lost or changed secret key must not lock everybody out.
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],
        # The least that OWASP advises: about 50 ms, and 19 MiB instead of 64 on a small machine.
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__type": "ID",
            "argon2__memory_cost": 19 * 1024,
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
        },
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"email": {"mapper": str, "case_insensitive": False}}],
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
    )
    security = Security(app, SQLAlchemyUserDatastore(db, User, NoRole), register_blueprint=False, login_form=SignInForm)
    security.login_manager.user_loader(_account)
    # No authority from an address or a header: bearer tokens are another door's.
    security.login_manager.request_loader(lambda request: None)
    # It would look up the account on readers' requests too, for global roles that do not exist.
    security.principal.identity_loaders.clear()
    app.register_blueprint(bp)


def _account(session_key: str) -> User | None:
    """Return the account of a session, unless it was opened too long ago."""
    if g.get("looked_up") or "now" not in g:
        # The page that tells of a fault asks again, and must not fail as the first look-up did.
        return None
    g.looked_up = True
    if abs(g.now.timestamp() - session.get("since", -math.inf)) > MAX_SESSION_SECONDS:
        return None
    return staff.signed_in(session_key)


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    if g.person is not None:
        return redirect(desk.local(request.values.get("next")), 303)
    form = SignInForm(request.form)
    if request.method == "GET":
        return render_template("account/sign_in.html", form=form)
    try:
        with guesses_counted(password_limits(form.email.data or "")) as wrong:
            if form.validate():
                return _go_on(_known(form.user), form.next.data)
            wrong()
    except TooMany as refusal:
        page = render_template("account/sign_in.html", form=form, refusal=f"{refusal.detail} {wait(refusal)}")
        return page, 429, {"Retry-After": str(refusal.retry_after)}
    return render_template("account/sign_in.html", form=form, refusal="This address and password do not match."), 422


def _known(user: Any) -> User:
    """Return the account that gave its password, which is stored anew where the cost of a hash was raised since."""
    assert isinstance(user, User)
    if user in db.session.dirty and user.password:
        ground.transact(staff.keep_hash, user.id, user.password)
    return user


def _go_on(user: User, target: str | None) -> ResponseReturnValue:
    """Open the session of somebody who gave the password, or ask for their second factor first."""
    if not second_factor.is_on(user.id):
        open_session(user)
        return redirect(desk.local(target), 303)
    _begin_anew()
    # No session yet: this names an account, as a page to enter the code on, and nothing else reads it.
    session["halfway"] = [user.id.hex, passwords.state_of(user), g.now.timestamp(), desk.local(target)]
    return redirect(url_for("second_factor.step"), 303)


def open_session(user: User, *, second: bool = False) -> None:
    """Sign somebody in, who gave the password and, where `second`, the second factor."""
    _begin_anew()
    login_user(user, remember=False, authn_via=["password"])
    session["since"] = g.now.timestamp()
    session["second_factor"] = second


def _begin_anew() -> None:
    # Nothing of the session before goes on, so that one planted in the browser is worth nothing afterwards.
    session.clear()
    g.pop("csrf_token", None)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    ground.transact(staff.end_sessions, g.person.id)
    logout_user()
    session.clear()
    flash("You are signed out, on every device.", "done")
    return redirect(url_for("account.sign_in"), 303)


@bp.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    form = PasswordForm(request.form)
    form.about = passwords.about(current_user)
    if request.method == "GET":
        return render_template("account/password.html", form=form)
    if not form.validate() or not is_present_password(form.present):
        return render_template("account/password.html", form=form), 422
    user = ground.transact(staff.set_password, g.person.id, hash_password(normal(form.new.data)))
    open_session(user, second=session.get("second_factor", False))
    flash("Your password is changed. Every other session of yours has ended.", "done")
    return redirect(url_for("desk.home"), 303)


def is_present_password(field: Any) -> bool:
    """Whether a field holds the signed-in person's password; a wrong one counts. Raises TooMany."""
    with guesses_counted(password_limits(g.person.email)) as wrong:
        if verify_password(normal(field.data), current_user.password):
            return True
        wrong()
    field.errors = [NOT_PRESENT]
    return False


def normal(password: str) -> str:
    """Return the password as it is hashed, the same on every keyboard."""
    return str(current_app.extensions["security"].password_util.normalize(password))


_one_at_a_time = threading.Lock()


@contextmanager
def guesses_counted(keys: Mapping[str, str]) -> Iterator[Any]:
    """Refuse before the hashing where too many guesses were wrong; call what this yields for one more wrong guess.

    `keys` says under which limits they count. One guess at a time in each process: between the check and the count
    nobody else guesses, and the memory that hashing takes stays that of one hash. Raises TooMany, or Unavailable when
    the turn does not come.
    """
    limiter = access.limiter()
    if not _one_at_a_time.acquire(timeout=HASHING_WAIT):
        raise Unavailable("Many people are signing in just now. Please try again in a moment.")
    try:
        for kind, key in keys.items():
            limiter.check(kind, key)

        def wrong() -> None:
            for kind, key in keys.items():
                limiter.hit(kind, key)

        yield wrong
    finally:
        _one_at_a_time.release()


def password_limits(email: str) -> dict[str, str]:
    """Return what guesses at an account's password count under."""
    network, account = access.network().hex(), account_key(email)
    return {"sign-in": f"{account} {network}", "sign-in network": network, "sign-in account": account}


def account_key(email: str) -> str:
    """Return what an address is counted under: keyed, so that the limits' store tells nobody which were tried."""
    secret = str(current_app.secret_key).encode()
    return hmac.digest(secret, email.encode("utf-8", "replace"), hashlib.sha256).hex()


def wait(refusal: TooMany) -> str:
    """Say when somebody may try again."""
    minutes = math.ceil(refusal.retry_after / 60)
    return f"You can try again in {minutes} minute{'s' if minutes > 1 else ''}."
