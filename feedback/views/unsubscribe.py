"""The link in a letter that ends letters of its kind: a page that asks, and a POST that does it, without signing in.

The POST is the one click of RFC 8058, which mail programs send without a cookie; the signed token is all it needs.
"""

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from feedback import digests
from feedback.db import transact
from feedback.errors import Missing
from feedback.models import Site, User
from feedback.notices import Kind
from feedback.views import access, desk

bp = Blueprint("unsubscribe", __name__)

WHAT = {
    Kind.DIGEST: "digests of what waits in the queue",
    Kind.UNSAFE: "warnings that something could be unsafe",
    Kind.DROP: "alerts of articles that do worse since an edit",
    Kind.WEEKLY: "weekly letters about their articles",
}


@bp.before_request
def count() -> None:
    if request.method not in access.SAFE:
        access.count_write()


@bp.after_request
def harden(answer: Response) -> Response:
    answer.headers.update(desk.HEADERS)
    return answer


@bp.route("/unsubscribe/<token>", methods=["GET", "POST"])
def page(token: str) -> ResponseReturnValue:
    user, site, kind = _known(token)
    done = request.method == "POST"
    if done:
        transact(digests.end, user.id, site.id, kind)
    return render_template("account/unsubscribe.html", email=user.email, site=site.name, what=WHAT[kind], done=done)


def _known(token: str) -> tuple[User, Site, Kind]:
    found = digests.Unsubscriber(current_app.config["SETTINGS"].secret_keys).read(token)
    if found is None:
        raise Missing("This link is not complete, or the account it was about is gone.")
    return found
