"""Who works on a site: inviting somebody, giving and taking roles, putting an account to sleep and waking it."""

import shlex

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from feedback import administration, changes, forms, staff
from feedback.changes import Kind
from feedback.db import transact
from feedback.errors import Conflict, Missing, Refused
from feedback.models import Role
from feedback.views import desk
from feedback.views.admin import room
from feedback.views.admin.fields import Boxes, Choice, Form, Line
from feedback.views.admin.room import bp

ROLES = {
    "moderator": ("Moderator", "Decides on comments."),
    "author": ("Author", "Sees how the articles do that name them as author."),
    "reviewer": ("Reviewer", "Sees how the articles do that name them as reviewer."),
    "administrator": ("Administrator", "All of it, and these pages."),
}


class InvitationForm(Form):
    """Whom to invite as what."""

    email = Line("E-mail address", forms.email, "Fill in an address.")
    name = Line("Name that colleagues see", forms.name)
    role = Choice("Role", ROLES)


class RolesForm(Form):
    """What a person may do on the site."""

    version = HiddenField()
    roles = Boxes("Roles", ROLES)


@bp.get("/sites/<slug>/people")
def people() -> ResponseReturnValue:
    return render_template("admin/people.html", people=staff.members(room.site().id))


@bp.route("/sites/<slug>/invite", methods=["GET", "POST"])
def invite() -> ResponseReturnValue:
    if request.method == "GET":
        role = request.args.get("role", "")
        form = InvitationForm(email=request.args.get("email"), name=request.args.get("name"), role=role)
        return render_template("admin/invite.html", form=form)
    form = InvitationForm()
    if not form.validate():
        return render_template("admin/invite.html", form=form), 422
    given = (room.site().id, form.email.value, Role(form.role.data))
    user, change = transact(administration.invite, *given, name=form.name.value, by=room.by())
    room.tell(change, _what_follows(user.password is not None))
    return redirect(room.here("person", user_id=user.id), 303)


def _what_follows(has_password: bool) -> str:
    if has_password:
        return "They have an account already and can use it."
    if room.sends_mail():
        return "A letter with a link to choose a password is on its way."
    return "No letter was sent, because this service cannot send mail."


@bp.route("/sites/<slug>/people/<user_id>", methods=["GET", "POST"])
def person(user_id: str) -> ResponseReturnValue:
    found = _member(user_id)
    subject = room.subject(Kind.ROLES, user=found.id.hex)
    form = RolesForm(roles=[role.value for role in found.roles], version=changes.version(subject))
    if request.method == "GET":
        return _person(found, form)
    if not form.validate():
        return _person(found, form), 422
    wanted = [role.value for role in Role if role.value in form.roles.data]
    if _gives_up_own(found, wanted) and not request.form.get("sure"):
        return render_template("admin/own_role.html", wanted=wanted, form=form, user_id=found.id), 422
    try:
        change = transact(changes.make, subject, wanted, room.by(), seen=form.version.data)
    except Conflict as conflict:
        form.refuse({"roles": [f"{conflict.detail} These are the roles as they are now."]})
        form.roles.data, form.version.data = list(changes.state(subject)), changes.version(subject)
        return _person(found, form), 409
    except Refused as refusal:
        form.refuse({"roles": [refusal.detail]})
        return _person(found, form), 422
    if found.id == g.person.id and Role.ADMINISTRATOR.value not in wanted:
        desk.tell(f"You {change.what}." if change else "Nothing was changed.", "done")
        return redirect(url_for("desk.home"), 303)
    room.tell(change)
    return redirect(room.here("person", user_id=found.id) if wanted else room.here("people"), 303)


def _gives_up_own(found: staff.Member, wanted: list[str]) -> bool:
    held = Role.ADMINISTRATOR in found.roles
    return found.id == g.person.id and held and Role.ADMINISTRATOR.value not in wanted


def _member(user_id: str) -> staff.Member:
    return staff.member(room.site().id, desk.identifier(user_id))


def _person(found: staff.Member, form: RolesForm) -> str:
    return render_template(
        "admin/person.html",
        found=found,
        form=form,
        command=f"feedback user change {shlex.quote(found.email)} --password-file password.txt",
        is_me=found.id == g.person.id,
        is_ours=staff.is_only_on(found.id, g.site_ids),
    )


@bp.post("/sites/<slug>/people/<user_id>/active")
def active(user_id: str) -> ResponseReturnValue:
    found = _member(user_id)
    subject = room.subject(Kind.ACCOUNT, user=found.id.hex)
    try:
        change = transact(changes.make, subject, request.form.get("active") == "yes", room.by())
    except Refused as refusal:
        desk.tell(refusal.detail, "warning")
    else:
        room.tell(change)
    return redirect(room.here("person", user_id=found.id), 303)


@bp.post("/sites/<slug>/people/<user_id>/invitation")
def invite_again(user_id: str) -> ResponseReturnValue:
    found = _member(user_id)
    if found.has_password:
        raise Conflict(f"{found.email} has chosen a password already.")
    if not room.sends_mail():
        raise Missing("This service cannot send mail.")
    transact(administration.send_invitation, room.site().id, found.id, room.by())
    desk.tell(f"Another letter to {found.email} is on its way.", "done")
    return redirect(room.here("person", user_id=found.id), 303)
