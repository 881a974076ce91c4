"""Choosing a password without an old one: asking for the link, and following it. Following a link changes nothing."""

from datetime import datetime

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security.forms import Form
from flask_security.utils import hash_password
from werkzeug.exceptions import NotFound
from wtforms import EmailField
from wtforms.validators import InputRequired, Length

from feedback import delivery, notices, passwords, staff
from feedback.db import transact, uuid7
from feedback.errors import TooMany
from feedback.views import access
from feedback.views.account import NewPasswordForm, account_key, as_stored, normal

bp = Blueprint("password", __name__, url_prefix="/account")


class ForgottenForm(Form):
    """The address of an account; any may be named, so that the answer never tells whether there is one."""

    email = EmailField(
        "E-mail address", [InputRequired("Fill in your e-mail address."), Length(max=254)], filters=[as_stored]
    )


@bp.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> ResponseReturnValue:
    form = ForgottenForm(request.form)
    sends = delivery.can_send(current_app.config["SETTINGS"])
    if request.method == "GET" or not sends:
        return render_template("account/forgotten.html", form=form, sends=sends)
    if not form.validate():
        return render_template("account/forgotten.html", form=form, sends=sends), 422
    email = form.email.data or ""
    try:
        access.limiter().hit("reset", access.network(), account_key(email))
    except TooMany as refusal:
        page = render_template("account/forgotten.html", form=form, sends=sends, refusal=refusal.detail)
        return page, 429, {"Retry-After": str(refusal.retry_after)}
    transact(ask_for_reset, email, now=g.now)
    return render_template("account/forgotten.html", form=form, sends=sends, asked=True)


def ask_for_reset(email: str, *, now: datetime) -> None:
    """Put a link for the account of that address into the outbox; without an account, a notice that says nothing.

    So the work is the same, and how long an answer takes does not tell whether there is an account.
    """
    user = staff.find_user(email)
    user_id = user.id if user is not None and user.active else uuid7()
    # Where it cannot be delivered, the administrators of a site of theirs learn of it.
    site_id = next(iter(staff.roles_of(user_id)), None)
    notices.put(notices.Kind.RESET, {"user": user_id}, now=now, site_id=site_id)


@bp.route("/choose/<token>", methods=["GET", "POST"])
def choose(token: str) -> ResponseReturnValue:
    user = passwords.Signer(current_app.config["SETTINGS"].secret_keys).read(token)
    if user is None:
        raise NotFound("This link has been used or is too old. Ask for a new one on the sign-in page.")
    form = NewPasswordForm(request.form)
    form.about = passwords.about(user)
    if request.method == "GET":
        return render_template("account/choose.html", form=form, email=user.email)
    if not form.validate():
        return render_template("account/choose.html", form=form, email=user.email), 422
    transact(staff.set_password, user.id, hash_password(normal(form.new.data or "")))
    flash("Your password is set. You can sign in with it now.", "done")
    return redirect(url_for("account.sign_in"), 303)
