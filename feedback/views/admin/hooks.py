"""Webhooks: which servers are told what, what became of each message, sending one again."""

from flask import current_app, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from feedback import administration, webhooks
from feedback.db import transact
from feedback.errors import Invalid, Missing, Refused
from feedback.models import Webhook
from feedback.views import desk
from feedback.views.admin import room
from feedback.views.admin.fields import Boxes, Form, Line
from feedback.views.admin.room import bp


class WebhookForm(Form):
    """Where to, and of what."""

    url = Line("Address", webhooks.address)
    events = Boxes("What it is told of", webhooks.EVENTS)

    def validate_events(self, field: Boxes) -> None:
        if not field.data and not field.errors:
            raise ValueError("Choose at least one.")

    @property
    def chosen(self) -> list[str]:
        """The events in their own order, whichever came first."""
        return [event for event in webhooks.EVENTS if event in self.events.data]


@bp.route("/sites/<slug>/webhooks", methods=["GET", "POST"])
def hooks() -> ResponseReturnValue:
    form = WebhookForm(url="https://", events=["comment.waiting"])
    if request.method == "GET":
        return _hooks(form)
    if form.validate():
        vault = webhooks.Vault(current_app.config["SETTINGS"].secret_keys)
        try:
            row, secret = transact(
                administration.add_webhook, room.site().id, form.url.value, form.chosen, vault, room.by()
            )
        except Invalid as error:
            form.refuse(error.errors)
        else:
            # Shown here and now, because it is stored nowhere that a next page could read it from.
            return render_template("admin/new_hook.html", secret=secret, hook=row)
    return _hooks(form), 422


def _hooks(form: WebhookForm) -> str:
    return render_template("admin/hooks.html", form=form, hooks=webhooks.of_site(room.site().id))


@bp.route("/sites/<slug>/webhooks/<webhook_id>", methods=["GET", "POST"])
def hook(webhook_id: str) -> ResponseReturnValue:
    row = _one(webhook_id)
    form = WebhookForm(url=row.url, events=row.events)
    if request.method == "GET":
        return _hook(form, row)
    if not form.validate():
        return _hook(form, row), 422
    done = transact(administration.change_webhook, room.site().id, row.id, form.url.value, form.chosen, room.by())
    desk.tell("The webhook is changed." if done else "Nothing was changed: it was so already.", "done")
    return redirect(room.here("hook", webhook_id=row.id), 303)


def _hook(form: WebhookForm, row: Webhook) -> str:
    log = webhooks.log(row.id)
    waiting = webhooks.open_among([each.id for each in log])
    return render_template("admin/hook.html", form=form, hook=row, log=log, waiting=waiting, events=webhooks.EVENTS)


def _one(webhook_id: str) -> Webhook:
    return webhooks.one(room.site().id, desk.identifier(webhook_id))


@bp.post("/sites/<slug>/webhooks/<webhook_id>/test")
def test_hook(webhook_id: str) -> ResponseReturnValue:
    row = _one(webhook_id)
    if row.off is not None:
        desk.tell("This webhook is switched off. Switch it on first.", "warning")
    else:
        transact(webhooks.test, row.id, now=g.now)
        desk.tell("A test is on its way. Load this page again in a moment to see how it went.", "done")
    return redirect(room.here("hook", webhook_id=row.id), 303)


@bp.post("/sites/<slug>/webhooks/<webhook_id>/turn")
def turn_hook(webhook_id: str) -> ResponseReturnValue:
    row = transact(
        administration.turn_webhook,
        room.site().id,
        desk.identifier(webhook_id),
        request.form.get("on") == "yes",
        room.by(),
    )
    desk.tell("The webhook is switched on." if row.off is None else "The webhook is switched off.", "done")
    return redirect(room.here("hook", webhook_id=row.id), 303)


@bp.route("/sites/<slug>/webhooks/<webhook_id>/remove", methods=["GET", "POST"])
def remove_hook(webhook_id: str) -> ResponseReturnValue:
    row = _one(webhook_id)
    if request.method == "GET":
        return render_template("admin/remove_hook.html", hook=row)
    transact(administration.remove_webhook, room.site().id, row.id, room.by())
    desk.tell("The webhook is removed.", "done")
    return redirect(room.here("hooks"), 303)


@bp.post("/sites/<slug>/webhooks/<webhook_id>/messages/<delivery_id>/again")
def repeat_message(webhook_id: str, delivery_id: str) -> ResponseReturnValue:
    row = _one(webhook_id)
    try:
        transact(webhooks.send_again, row.id, desk.identifier(delivery_id), now=g.now)
    except Missing:
        raise
    except Refused as refusal:
        desk.tell(refusal.detail, "warning")
    else:
        desk.tell("The message is due again, under the same id.", "done")
    return redirect(room.here("hook", webhook_id=row.id), 303)
