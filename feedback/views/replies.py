"""The links in letters about replies: a page that asks, and a POST that does it, for whoever has the letter.

The POST that ends them is the one click of RFC 8058, which mail programs send without a cookie; the signed token is all
it needs.
"""

from flask import Blueprint, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from feedback import articles, clock, subscriptions
from feedback.db import db, scrub, transact
from feedback.errors import Missing
from feedback.models import Comment
from feedback.subscriptions import Key, Purpose
from feedback.views import access, desk, spoken

bp = Blueprint("replies", __name__, url_prefix="/replies")


@bp.before_request
def count() -> None:
    if request.method not in access.SAFE:
        access.count_write()


@bp.after_request
def harden(answer: Response) -> Response:
    answer.headers.update(desk.HEADERS)
    return answer


@bp.route("/<token>/confirm", methods=["GET", "POST"])
def confirm(token: str) -> ResponseReturnValue:
    key, site = _known(token, Purpose.CONFIRM)
    if request.method == "POST":
        transact(subscriptions.confirm, key, now=clock.now())
    row = subscriptions.stands(key)
    if row is None:
        raise Missing("This question is not open any more. You can ask for mail with your next comment.")
    return _page(Purpose.CONFIRM, site, done=row.confirmed is not None)


@bp.route("/<token>/end", methods=["GET", "POST"])
def end(token: str) -> ResponseReturnValue:
    key, site = _known(token, Purpose.END)
    if request.method == "POST":
        transact(subscriptions.end, key, now=clock.now())
        scrub()
    return _page(Purpose.END, site, done=subscriptions.stands(key) is None)


def _known(token: str, purpose: Purpose) -> tuple[Key, str]:
    """Return the comment that a link is about, and the name of its site. Raises Missing."""
    key = subscriptions.Links(current_app.config["SETTINGS"].secret_keys).read(token, purpose)
    comment = db.session.get(Comment, key) if key else None
    if key is None or comment is None:
        raise Missing("This link is not complete.")
    (g.site,) = articles.sites([comment.site_id])
    spoken.choose(g.site)
    return key, g.site.name


def _page(purpose: Purpose, site: str, *, done: bool) -> str:
    return render_template("pages/replies.html", purpose=purpose, site=site, done=done, framed=False, **spoken.words())
