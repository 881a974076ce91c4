"""Letters that could not be delivered, and how many still wait."""

from uuid import UUID

from flask import g, redirect, render_template
from flask.typing import ResponseReturnValue

from feedback import notices, staff
from feedback.db import transact
from feedback.views import desk
from feedback.views.admin import room
from feedback.views.admin.room import bp

NAMES = {
    notices.Kind.RESET: "A link to choose a new password",
    notices.Kind.INVITATION: "An invitation",
    notices.Kind.DIGEST: "A digest of what waits",
    notices.Kind.UNSAFE: "A warning of something unsafe",
    notices.Kind.DROP: "An alert that an article does worse since its last edit",
    notices.Kind.WEEKLY: "A week of somebody’s articles",
    notices.Kind.CONFIRM: "A question whether a reader wants to be told of replies",
    notices.Kind.REPLIES: "Word of replies to a reader’s comment",
    notices.Kind.REJECTED: "Word of why a reader’s comment was rejected",
    notices.Kind.WEBHOOK_OFF: "Word of a webhook that was switched off",
}


@bp.get("/sites/<slug>/mail")
def mail() -> ResponseReturnValue:
    ids = [room.site().id]
    rows = [(row, NAMES[notices.Kind(row.kind)], _to(row.about)) for row in notices.given_up(ids)]
    return render_template("admin/mail.html", rows=rows, waiting=notices.waiting(ids))


def _to(about: dict[str, str]) -> str | None:
    """Return whom a letter was for; a reader's address is nobody's business."""
    return staff.address(UUID(about["user"])) if "user" in about else "a reader"


@bp.post("/sites/<slug>/mail/<notice_id>/again")
def send_again(notice_id: str) -> ResponseReturnValue:
    transact(notices.send_again, desk.identifier(notice_id), site_ids=[room.site().id], now=g.now)
    when = "in a moment" if room.sends_mail() else "once this service can send mail"
    desk.tell(f"The letter is due again, and goes out {when}.", "done")
    return redirect(room.here("mail"), 303)
