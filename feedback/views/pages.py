"""The question and the comments as plain pages: for readers without JavaScript, and for a frame in an article.

Nothing here needs a session. Forms carry a signed token, and a reader is known by a cookie, which is set only once
they have sent something. A form that was taken leads on to the page; what went wrong is said beside its field, with
the text kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError, TimeoutError
from werkzeug.exceptions import UnsupportedMediaType

from feedback import articles, clock, comments, forms, opaque, readers, reading, summary, votes
from feedback.config import Settings
from feedback.db import transact
from feedback.errors import Invalid, Missing, Refused, TooMany, Unavailable
from feedback.models import Comment, FlagReason, State
from feedback.origins import parse_origin
from feedback.views import access, desk, formtoken, intake, problems, spoken

bp = Blueprint("pages", __name__, url_prefix="/f/<site>")

PREFIX = "/f/"
COOKIE = "feedback_reader"
REMEMBERED = timedelta(days=400)  # the longest that browsers keep a cookie; renewed with whatever is sent
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
NONE = "'none'"
CACHING = "private, no-cache"  # not no-store: what was typed should be there again after Back
NO_ARTICLE = "This address names no article."

# What is said once something was taken, and what instead where the browser keeps no cookie.
SAID = {
    "yes": ("widget.yesThanks", "pages.counted"),
    "no": ("widget.noThanks", "pages.counted"),
    "none": ("widget.noneThanks",) * 2,
    "more": ("more.saved",) * 2,
    "waits": ("more.waits", "pages.waits"),
    "published": ("more.published",) * 2,
    "withdrawn": ("more.withdrawn",) * 2,
    "flagged": ("more.thanks",) * 2,
    "liked": ("more.liked",) * 2,
    "unliked": ("more.unliked",) * 2,
}

BESIDE = ("body", "name", "email", "reason", "section", "note")  # fields whose errors stand beside them


@dataclass(frozen=True)
class Trouble:
    """Why a form was not taken: which form, what is wrong, what the reader had entered, and its token while valid."""

    form: str
    error: Refused
    typed: dict[str, str]
    token: str | None = None

    @property
    def sentence(self) -> str:
        """What is wrong with the form as a whole, "" for nothing."""
        if not isinstance(self.error, Invalid):
            return spoken.retell(self.error.detail)
        return " ".join(self.beside(name) for name in self.error.errors if name not in BESIDE)

    def beside(self, name: str) -> str:
        """Return what is wrong with a field, "" for nothing."""
        errors = self.error.errors if isinstance(self.error, Invalid) else {}
        return " ".join(map(spoken.retell, errors.get(name, [])))


@bp.before_request
def arrive() -> None:
    """Find the site and the article that the address is about."""
    assert request.view_args is not None
    site = articles.site(request.view_args.pop("site"))
    g.site, g.framed = site, request.args.get("frame") == "1"
    spoken.choose(site)
    if not request.args.get("article"):
        raise Invalid({"article": [NO_ARTICLE]})
    g.place = forms.read(forms.PLACE, request.args)


def site() -> articles.SiteView:
    return cast(articles.SiteView, g.site)


def article() -> str:
    """Return the key of the article that the address names."""
    return cast(str, g.place["article"])


def address(form: str = "page", *, anchor: str | None = None, **changes: str | None) -> str:
    """Return the address of the page, or of one of its forms, at another place of the same article."""
    kept = {name: g.place[name] for name in ("article", "revision", "sort", "lang")}
    query = kept | {"frame": "1" if g.framed else None} | changes
    given = {name: value for name, value in query.items() if value}
    return url_for(f"pages.{form}", site=site().slug, _anchor=anchor, **given)


# The doors


@bp.get("")
def page() -> ResponseReturnValue:
    return _show()


@bp.post("/vote")
def vote() -> ResponseReturnValue:
    return _take("vote", _cast)


@bp.post("/comment")
def comment() -> ResponseReturnValue:
    return _take("comment", _submit)


@bp.post("/withdraw")
def withdraw() -> ResponseReturnValue:
    return _take("withdraw", _withdraw)


@bp.post("/flag")
def flag() -> ResponseReturnValue:
    return _take("flag", _flag)


@bp.post("/edit")
def edit() -> ResponseReturnValue:
    return _take("edit", _amend)


@bp.post("/like")
def like() -> ResponseReturnValue:
    return _take("like", _like)


@bp.get("/<any(vote, comment, withdraw, flag, edit, like):form>")
def back(form: str) -> ResponseReturnValue:
    """Lead whoever opens a form's address (it stands in the browser after an error) to the page with the form."""
    return redirect(address(**_here()), 303)


def _here() -> dict[str, str]:
    return {name: g.place[name] for name in ("cursor", "parent", "around", "reply", "flag", "edit")}


# Taking what a form sends

Act = Callable[[dict[str, str], formtoken.FormToken, str, datetime], str]


def _take(form: str, act: Act) -> Response:
    """Do what a form asks for and lead on to the page, or show the page with what went wrong and the text kept."""
    _require_own_origin()
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Use the form of the page.")
    sent = forms.body(request)
    now = clock.now()
    token = None
    try:
        access.count_write()
        token = formtoken.read(_settings().secret_keys, sent.get("token", ""), site(), article(), now)
        reader = _reader() or token.reader
        answer = cast(Response, redirect(act(sent, token, reader, now), 303))
    except (Refused, DBAPIError, TimeoutError) as error:
        refusal = error if isinstance(error, Refused) else problems.unavailable(error)
        return _show(Trouble(form, refusal, sent, token.text if token else None))
    _remember(answer, reader)
    return answer


def _require_own_origin() -> None:
    """Refuse a form of another site. Text browsers send no Origin; their forms have the token."""
    own = {parse_origin(request.host_url), _settings().public_url}
    if request.headers.get("Origin", request.host_url.rstrip("/")) not in own:
        raise Refused("This form came from another site, so nothing was sent.")


def _cast(sent: dict[str, str], token: formtoken.FormToken, reader: str, now: datetime) -> str:
    more = ("reason", "section", "note")
    given = forms.read(forms.VOTE, _fields(sent, reader, "value", *more) | _given("revision"))
    transact(votes.cast, intake.ballot(site(), given), now=now)
    return address(done="more" if any(name in sent for name in more) else given["value"], anchor="question")


def _submit(sent: dict[str, str], token: formtoken.FormToken, reader: str, now: datetime) -> str:
    known: dict[str, Any] = {"submission": token.submission(sent.get("body", "")), "opened": token.opened_ms}
    # There is one field for it: whoever fills it in wants to be told of replies.
    known |= {"notify": "replies"} if sent.get("email", "").strip() else {}
    fields = _fields(sent, reader, "body", "name", "email", "parent", "website") | known
    draft = intake.draft(site(), forms.read(forms.COMMENT, fields), typed_name=sent.get("name"))
    stored = transact(comments.submit, draft, now=now)
    return _stored(stored, around=sent.get("parent"))


def _stored(comment: Comment, *, around: str | None = None) -> str:
    """Return where its reader sees a comment as it is now stored."""
    if comment.state is State.APPROVED:
        around = opaque.identifier(comment.article_id, comment.id)
        return address(done="published", around=around, anchor="list")
    return address(done="waits", around=around, anchor="list")


def _amend(sent: dict[str, str], token: formtoken.FormToken, reader: str, now: datetime) -> str:
    given = forms.read(forms.EDIT, _fields(sent, reader, "body"))
    amendment = intake.amendment(site(), sent.get("comment", ""), given)
    return _stored(transact(comments.amend, amendment, site=site(), now=now))


def _like(sent: dict[str, str], token: formtoken.FormToken, reader: str, now: datetime) -> str:
    given = forms.read(forms.LIKE, _fields(sent, reader, "value"))
    owner, identifier, likes = readers.digest(site().id, reader), sent.get("comment", ""), given["value"] == "yes"
    intake.count_like(owner)
    transact(comments.like, identifier, owner, likes, site_id=site().id, now=now)
    return address(done="liked" if likes else "unliked", around=identifier, anchor="list")


def _withdraw(sent: dict[str, str], token: formtoken.FormToken, reader: str, now: datetime) -> str:
    owner = readers.digest(site().id, reader)
    transact(comments.withdraw, sent.get("comment", ""), owner, site_id=site().id, now=now)
    return address(done="withdrawn", anchor="list")


def _flag(sent: dict[str, str], token: formtoken.FormToken, reader: str, now: datetime) -> str:
    given = forms.read(forms.FLAG, _fields(sent, reader, "reason", "note"))
    report = intake.report(site(), sent.get("comment", ""), given)
    transact(comments.flag, report, site=site(), now=now)
    return address(done="flagged", around=report.comment, anchor="list")


def _fields(sent: dict[str, str], reader: str, *names: str) -> dict[str, Any]:
    """Return these of the fields that were sent, with whom they come from and which article they are about."""
    return {name: sent[name] for name in names if name in sent} | {"reader": reader, "article": article()}


def _given(name: str) -> dict[str, str]:
    return {name: g.place[name]} if g.place[name] else {}


# The reader


def _reader() -> str | None:
    """Return the token in the reader's cookie, or None."""
    token = request.cookies.get(COOKIE, "")
    return token if readers.TOKEN.fullmatch(token) else None


def _remember(answer: Response, token: str) -> None:
    # Inside another site's page only a cookie of that site's own jar (Partitioned) is still kept.
    answer.set_cookie(
        COOKIE,
        token,
        max_age=REMEMBERED,
        path=PREFIX,
        httponly=True,
        secure=g.framed or request.is_secure or _settings().https,
        samesite="None" if g.framed else "Lax",
        partitioned=g.framed,
    )


# Showing the page


def _show(trouble: Trouble | None = None) -> Response:
    """Answer with the page, or with the first page where the comment asked for is gone."""
    asked, token = g.place, _reader()
    reader = readers.digest(site().id, token) if token else None
    sort, around = asked["sort"] or "best", asked["reply"] or asked["flag"] or asked["around"]
    place = summary.Place(sort, asked["cursor"], None if around else asked["parent"], around)
    try:
        shown, lost = _read(place, reader), False
    except Missing:
        shown, lost = _read(summary.Place(sort), reader), True
    told = _said(token)
    # What was flagged may have been taken down by that: its reader is thanked, and not told that it is gone.
    missing = lost and not told["done"]
    answer = make_response(
        render_template(
            "pages/page.html",
            **shown,
            **told,
            trouble=trouble,
            lost=missing and not trouble,
            token=trouble and trouble.token or formtoken.make(_settings().secret_keys, site(), article(), clock.now()),
            site_name=site().name,
            sort=sort,
            thread=place.parent,
            elsewhere=bool(place.cursor or place.parent or place.around) and not lost,
            replying=_replying(shown, trouble),
            flagging=_flagging(shown),
            editing=asked["edit"] if asked["edit"] in shown["changeable"] else None,
            wrong=[reason.value for reason in FlagReason],
        )
    )
    answer.status_code = trouble.error.status if trouble else 404 if missing else 200
    if trouble and isinstance(trouble.error, TooMany | Unavailable):
        answer.headers["Retry-After"] = str(trouble.error.retry_after)
    return answer


def _read(place: summary.Place, reader: bytes | None) -> dict[str, Any]:
    return reading.of(site(), article(), place, reader, now=clock.now(), notify=intake.notifies())


def _replying(shown: dict[str, Any], trouble: Trouble | None) -> reading.Item | None:
    """Return the comment that the reader asks to answer; none of a closed thread, unless a text is to be kept."""
    threads = shown["comments"]["items"]
    takes = threads if trouble else [thread for thread in threads if not thread.get("closed")]
    return reading.find(takes, g.place["reply"])


def _flagging(shown: dict[str, Any]) -> reading.Item | None:
    """Return the comment that the reader asks to flag; what is their own, waits or was flagged by them is not."""
    found = reading.find(shown["comments"]["items"], g.place["flag"])
    refused = found is None or "gone" in found or found["id"] in shown["own"] | shown["flagged"]
    return None if refused else found


def _said(token: str | None) -> dict[str, Any]:
    """Return what a form that was just taken is answered with; without a cookie now, the browser keeps none."""
    done = request.args.get("done")
    if done not in SAID:
        return {"done": None}
    return {"done": done, "said": spoken.say(SAID[done][token is None]), "forgetful": token is None}


@bp.context_processor
def _words() -> dict[str, Any]:
    framed = "site" in g and g.framed
    origins = site().origins if framed else []
    return {"framed": framed, "origins": origins, "address": address, "day": _day, **spoken.words()}


def _day(moment: str) -> str:
    return spoken.language().day(datetime.fromisoformat(moment))


def _settings() -> Settings:
    return cast(Settings, current_app.config["SETTINGS"])


@bp.after_app_request
def harden(response: Response) -> Response:
    """Send the headers of these pages. A frame may stand on the site's origins, and has one script, for its height."""
    if request.path.startswith(PREFIX):
        framed = "site" in g and g.framed
        script = "; script-src 'self'" if framed else ""
        ancestors = " ".join(site().origins) if framed else NONE
        policy = f"{POLICY}{script}; frame-ancestors {ancestors}"
        response.headers.update({**desk.HEADERS, "Content-Security-Policy": policy, "Cache-Control": CACHING})
        response.vary.add("Cookie")
    return response
