"""Bearer tokens for machines: each is shown once, listed, and revoked after a question."""

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from feedback import administration, forms, staff
from feedback.db import transact
from feedback.errors import Invalid
from feedback.models import Role
from feedback.views import desk
from feedback.views.admin import room
from feedback.views.admin.fields import Choice, Form, Line, Pick
from feedback.views.admin.room import bp

ROLES = {
    "administrator": ("Administrator", "Registers articles, and may do what the others may."),
    "moderator": ("Moderator", "Reads the queue and decides on comments."),
    "author": ("Author", "Reads the figures of one author’s articles."),
    "reviewer": ("Reviewer", "Reads the figures of one reviewer’s articles."),
}


class TokenForm(Form):
    """What a token is for and what it may do."""

    name = Line("What it is for", forms.name, "Say what it is for: the history shows it.")
    role = Choice("Role", ROLES)
    user = Pick("Whose articles it sees")


@bp.route("/sites/<slug>/tokens", methods=["GET", "POST"])
def tokens() -> ResponseReturnValue:
    form = TokenForm()
    members = staff.members(room.site().id)
    form.user.offer({"": "Nobody’s"} | {each.id.hex: f"{each.name or each.email} ({each.email})" for each in members})
    if request.method == "GET":
        return _tokens(form, members)
    if form.validate():
        user_id = desk.identifier(form.user.data) if form.user.data else None
        given = (room.site().id, Role(form.role.data))
        try:
            secret = transact(administration.issue_token, *given, name=form.name.value, user_id=user_id, by=room.by())
        except Invalid as error:
            form.refuse(error.errors)
        else:
            # Shown here and now, because it is stored nowhere that a next page could read it from.
            return render_template("admin/new_token.html", secret=secret, name=form.name.value)
    return _tokens(form, members), 422


def _tokens(form: TokenForm, members: list[staff.Member]) -> str:
    names = {each.id: each.name or each.email for each in members}
    roles, tokens = {each.id: each.roles for each in members}, staff.tokens(room.site().id)
    idle = {each.id for each in tokens if each.user_id and not staff.may(roles.get(each.user_id, ()), each.role)}
    return render_template("admin/tokens.html", form=form, tokens=tokens, people=names, idle=idle)


@bp.route("/sites/<slug>/tokens/<token_id>/revoke", methods=["GET", "POST"])
def revoke(token_id: str) -> ResponseReturnValue:
    token = staff.token(room.site().id, desk.identifier(token_id))
    if request.method == "GET":
        return render_template("admin/revoke.html", token=token)
    transact(administration.revoke_token, room.site().id, token.id, room.by())
    desk.tell(f"The token “{token.name}” is worth nothing any more.", "done")
    return redirect(room.here("tokens"), 303)
