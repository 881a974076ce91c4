"""The second factor in the browser: the step between password and session, turning it on and off, recovery codes."""

from typing import Any
from uuid import UUID

import qrcode
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security.forms import Form
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from feedback import passwords, second_factor
from feedback.db import db, transact
from feedback.errors import Invalid, TooMany
from feedback.models import User
from feedback.views import desk
from feedback.views.account import (
    NOT_PRESENT,
    account_key,
    guesses_counted,
    is_present_password,
    open_session,
    wait,
)

MAX_CODE_CHARS = 60  # of a recovery code with whatever stands between its letters
HALFWAY_SECONDS = 600  # to find the phone; then the password is asked for again

bp = Blueprint("second_factor", __name__, url_prefix="/account")


class CodeForm(Form):
    """A code of the app, or a recovery code."""

    code = StringField(
        "Code",
        [InputRequired("Fill in the code."), Length(max=MAX_CODE_CHARS, message=second_factor.WRONG)],
    )


class GuardedForm(CodeForm):
    """The present password besides, for what a session left open must not be enough for."""

    present = PasswordField(
        "Present password",
        [InputRequired("Fill in your present password."), Length(max=passwords.MAX_CHARS, message=NOT_PRESENT)],
    )


class EnrolForm(GuardedForm):
    """The key besides, sealed, that the code was made with."""

    offer = HiddenField()


def _vault() -> second_factor.Vault:
    return second_factor.Vault(current_app.config["SETTINGS"].secret_keys)


# Between password and session


@bp.route("/code", methods=["GET", "POST"])
def step() -> ResponseReturnValue:
    """Ask for the code, and open the session once it is right."""
    user = _halfway()
    if user is None:
        return redirect(url_for("account.sign_in"), 303)
    form = CodeForm(request.form)
    if request.method == "GET":
        return render_template("account/code.html", form=form)
    target = session["halfway"][3]
    if not _is_right(form, user):
        return _again("account/code.html", form)
    open_session(user, second=True)
    _count_down(user.id, form.code.data)
    return redirect(desk.local(target), 303)


def _halfway() -> User | None:
    """Return who gave their password a moment ago and has given no code yet."""
    if g.person is not None or "halfway" not in session:
        return None
    claimed, state, at, _ = session["halfway"]
    user = db.session.get(User, UUID(claimed))
    late = abs(g.now.timestamp() - at) > HALFWAY_SECONDS
    if late or user is None or not user.active or passwords.state_of(user) != state:
        return None
    return user


def _is_right(form: Any, user: User) -> bool:
    """Whether the form's code counts; a wrong one counts against the account alone."""
    if not form.validate():
        return False
    try:
        with guesses_counted({"second factor": account_key(user.email)}) as wrong:
            if transact(second_factor.accept, _vault(), user.id, form.code.data, now=g.now):
                return True
            wrong()
    except TooMany as refusal:
        form.refusal = refusal
    form.code.errors = [second_factor.WRONG]
    return False


def _again(template: str, form: Any, **shown: Any) -> ResponseReturnValue:
    """Show a form again with what is wrong in it."""
    refusal = getattr(form, "refusal", None)
    if refusal is None:
        return render_template(template, form=form, **shown), 422
    form.code.errors = [f"{refusal.detail} {wait(refusal)}"]
    return render_template(template, form=form, **shown), 429, {"Retry-After": str(refusal.retry_after)}


def _count_down(user_id: UUID, code: str) -> None:
    """Say how many recovery codes are left, after one was used."""
    if len(code.strip()) > 7 and (state := second_factor.state(user_id)):
        flash(f"You used a recovery code. {state.codes_left} are left.", "warning")


# Turning it on and off


@bp.route("/second-factor", methods=["GET", "POST"])
def page() -> ResponseReturnValue:
    """Show whether the second factor is on; set up an app where it is not."""
    state = second_factor.state(g.person.id)
    if state is not None:
        return render_template("account/second_factor.html", state=state, form=GuardedForm(None))
    form = EnrolForm(request.form)
    if request.method == "POST" and form.validate() and is_present_password(form.present):
        try:
            codes = transact(
                second_factor.enrol, _vault(), g.person.id, form.offer.data or "", form.code.data, now=g.now
            )
        except Invalid as refusal:
            form.code.errors = refusal.errors["code"]
        else:
            return _shown_once(codes, "Your second factor is on")
    return _to_set_up(form), 422 if request.method == "POST" else 200


def _to_set_up(form: EnrolForm) -> str:
    offer = second_factor.offer(_vault(), g.person.id, g.person.email, now=g.now, again=form.offer.data)
    form.offer.data = offer.sealed
    wanted = current_app.config["SETTINGS"].require_second_factor
    return render_template("account/enrol.html", form=form, offer=offer, qr=_squares(offer.uri), wanted=wanted)


@bp.post("/second-factor/off")
def off() -> ResponseReturnValue:
    refused = _refused()
    if refused is not None:
        return refused
    transact(second_factor.turn_off, g.person.id)
    open_session(_person())
    flash("Your second factor is off. Every other session of yours has ended.", "done")
    return redirect(url_for("second_factor.page"), 303)


@bp.post("/second-factor/codes")
def codes() -> ResponseReturnValue:
    refused = _refused()
    return refused or _shown_once(transact(second_factor.renew_codes, g.person.id), "New recovery codes")


def _refused() -> ResponseReturnValue | None:
    """Return what to answer where the second factor is off, or the form lacks the password or a code."""
    state = second_factor.state(g.person.id)
    if state is None:
        return redirect(url_for("second_factor.page"), 303)
    form = GuardedForm(request.form)
    if form.validate() and is_present_password(form.present) and _is_right(form, _person()):
        return None
    return _again("account/second_factor.html", form, state=state)


def _shown_once(codes: list[str], title: str) -> str:
    """Show recovery codes, in a session that the second factor has opened."""
    open_session(_person(), second=True)
    return render_template("account/recovery_codes.html", codes=codes, title=title)


def _person() -> User:
    """Return the signed-in person's account as it is now."""
    user = db.session.get(User, g.person.id, populate_existing=True)
    assert user is not None
    return user


def _squares(text: str) -> tuple[int, str]:
    """Return a QR code as the length of its side and the path that draws its dark squares."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dark = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark]
    return len(rows), "".join(dark)
