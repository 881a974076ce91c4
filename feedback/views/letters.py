"""What each notice says. Everything is read when it is delivered; what no longer exists says nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from flask import current_app, render_template

from feedback import (
    alarms,
    clock,
    digests,
    drops,
    languages,
    mailbox,
    notices,
    opaque,
    passwords,
    subscriptions,
    triage,
    weekly,
)
from feedback.db import db, transact
from feedback.mail import Letter, quoted
from feedback.models import Accepts, Article, Comment, Site, User, Webhook
from feedback.notices import Kind, Notice
from feedback.policy import read_policy
from feedback.stats import words as phrases


def write(notice: Notice) -> Letter | None:
    """Return the letter of a notice, or None where there is nothing left to tell. Reads; changes nothing."""
    return LETTERS[notice.kind](notice)


def _reset(notice: Notice) -> Letter | None:
    user = _user(notice)
    if user is None:
        return None
    link = _link(user, passwords.RESET)
    return _letter(user, "Choose a new password", "reset", link=link, hours=passwords.RESET.hours)


def _invitation(notice: Notice) -> Letter | None:
    user, site = _user(notice), db.session.get(Site, UUID(notice.about["site"]))
    # Whoever has a password by now has no need of the link.
    if user is None or site is None or user.password is not None:
        return None
    link = _link(user, passwords.INVITATION)
    days = passwords.INVITATION.hours // 24
    return _letter(user, f"Your account at {site.name}", "invitation", site=site.name, link=link, days=days)


def _digest(notice: Notice) -> Letter | None:
    user, site = _user(notice), db.session.get(Site, UUID(notice.about["site"]))
    if user is None or site is None or not digests.reads(user.id, site.id):
        return None
    window = (datetime.fromisoformat(notice.about["after"]), datetime.fromisoformat(notice.about["until"]))
    number = digests.count(site.id, window)
    if not number:
        return None
    items = [_item(comment, article) for comment, article in digests.waiting(site.id, window)]
    subject = f"{number} comment{'s wait' if number > 1 else ' waits'} at {site.name}"
    queue = f"{_own_address()}/moderation/?site={site.slug}"
    return _letter(user, subject, "digest", site, items=items, more=number - len(items), number=number, queue=queue)


def _item(comment: Comment, article: Article) -> dict[str, Any]:
    """Return what a digest shows of a comment: nothing that a mail program makes a link of, but for our own."""
    return {
        "title": quoted(article.title or article.key),
        "name": quoted(comment.name or "A reader"),
        "text": quoted(comment.source),
        "held": triage.explain(comment.held_for, comment.html),
        "link": _page_of(comment),
    }


def _page_of(comment: Comment) -> str:
    return f"{_own_address()}/moderation/comments/{opaque.identifier(comment.article_id, comment.id)}"


def _unsafe(notice: Notice) -> Letter | None:
    user, article = _user(notice), db.session.get(Article, UUID(notice.about["article"]))
    if article is None:
        return None
    if user is None or not alarms.wants(user.id, article):
        transact(alarms.hand_on, article, notice.about["since"], now=clock.now())
        return None
    words = alarms.words(article.id, datetime.fromisoformat(notice.about["since"]))
    if not words:
        return None
    site, title = db.session.get_one(Site, article.site_id), quoted(article.title or article.key)
    moderates = alarms.may_moderate(user.id, site.id)
    items = [_word(word, moderates) for word in words[: alarms.SHOWN]]
    link = _figures_of(site, article.key)
    if moderates:
        link = f"{_own_address()}/moderation/?article={quote(article.key, safe='')}&site={site.slug}&state=all"
    more = len(words) - len(items)
    subject = f"Said to be unsafe: {title}"
    return _letter(user, subject, "unsafe", site, title=title, items=items, more=more, number=len(words), link=link)


def _word(word: alarms.Word, moderates: bool) -> dict[str, Any]:
    comment = word.comment
    return {
        "note": quoted(word.note),
        "text": quoted(comment.source) if comment else None,
        "link": _page_of(comment) if comment and moderates else None,
    }


def _drop(notice: Notice) -> Letter | None:
    user, article = _user(notice), db.session.get(Article, UUID(notice.about["article"]))
    drop = drops.standing(user.id, article, notice.about["revision"]) if user and article else None
    if user is None or article is None or drop is None:
        if article is not None:
            transact(drops.forget, article.id)
        return None
    site, title = db.session.get_one(Site, article.site_id), quoted(article.title or article.key)
    said = {
        "title": title,
        "sentence": phrases.dropped(drop, clock.now().date()),
        "changed": quoted(drop.revision.note),
        "link": _figures_of(site, article.key),
    }
    return _letter(user, f"Fewer readers are helped: {title}", "drop", site, **said)


def _figures_of(site: Site, key: str) -> str:
    return f"{_own_address()}/articles/{site.slug}?article={quote(key, safe='')}"


def _weekly(notice: Notice) -> Letter | None:
    user, site = _user(notice), db.session.get(Site, UUID(notice.about["site"]))
    window = (datetime.fromisoformat(notice.about["after"]), datetime.fromisoformat(notice.about["until"]))
    if user is None or site is None or not weekly.reads(user.id, site.id, window[1]):
        return None
    found = weekly.news(user.id, site.id, window)
    if not found:
        return None
    number, today = len(found), window[1].date()
    shown = [_news(item, site, window) for item in found[: weekly.SHOWN]]
    said = {
        "number": number,
        "items": shown,
        "more": number - len(shown),
        "first": phrases.day_words(window[0].date(), today),
        "last": phrases.day_words(today - timedelta(days=1), today),
        "all": f"{_own_address()}/articles/?site={site.slug}",
    }
    subject = f"Your week at {site.name}: {number} article{' has' if number == 1 else 's have'} something to say"
    return _letter(user, subject, "weekly", site, **said)


def _news(item: weekly.News, site: Site, window: weekly.Window) -> dict[str, Any]:
    quotes = [quoted(note) for note in weekly.quotes(item.article.id, window)]
    return {
        "title": quoted(item.article.title or item.article.key),
        "lines": item.said(window[1].date()),
        "quotes": quotes,
        "more": item.notes - len(quotes),
        "link": _figures_of(site, item.article.key),
    }


def _webhook_off(notice: Notice) -> Letter | None:
    user, site = _user(notice), db.session.get(Site, UUID(notice.about["site"]))
    hook = db.session.get(Webhook, UUID(notice.about["webhook"]))
    if user is None or site is None or hook is None or hook.off is None:
        return None
    link = f"{_own_address()}/admin/sites/{site.slug}/webhooks/{hook.id}"
    host = quoted(urlsplit(hook.url).hostname)
    return _letter(
        user, f"A webhook of {site.name} was switched off", "webhook_off", host=host, at=site.name, link=link
    )


def _confirm(notice: Notice) -> Letter | None:
    comment = subscriptions.open_question(_key(notice))
    if comment is None:
        return None
    link = _reply_link(comment, subscriptions.Purpose.CONFIRM)
    site = db.session.get_one(Site, comment.site_id)
    days = subscriptions.UNANSWERED.days
    # Nothing that somebody typed: until it is confirmed, the address may be a stranger's.
    words = _words(site)
    subject = words["say"]("mail.question.subject", site=site.name)
    return _to_reader(comment, subject, "confirm", words, site=site.name, link=link, days=days)


def _replies(notice: Notice) -> Letter | None:
    found = subscriptions.to_tell(_key(notice), notice.about["replies"], notice.about["more"])
    article = db.session.get(Article, UUID(notice.about["article"]))
    if found is None or article is None or article.accepts is Accepts.HIDDEN:
        return None
    comment, told = found
    site = db.session.get_one(Site, article.site_id)
    title, number = quoted(article.title or article.key), len(told.replies) + told.more
    words = _words(site)
    somebody = words["say"]("widget.anonymous")
    said = {
        "title": title,
        "number": number,
        "items": [_reply(reply, site, article, somebody) for reply in told.replies],
        "more": told.more,
        "site": site.name,
    }
    subject = words["say"]("mail.replies.subject", n=number, site=site.name)
    end = _reply_link(comment, subscriptions.Purpose.END)
    return _to_reader(comment, subject, "replies", words, end=end, **said)


def _rejected(notice: Notice) -> Letter | None:
    found = subscriptions.to_explain(_key(notice), UUID(notice.about["decision"]))
    article = db.session.get(Article, UUID(notice.about["article"]))
    site = db.session.get_one(Site, article.site_id) if article is not None else None
    if found is None or article is None or site is None or read_policy(site.settings).explains != "on":
        return None
    comment, reason = found
    words, title = _words(site), quoted(article.title or article.key)
    subject = words["say"]("mail.rejected.subject", site=site.name)
    end = _reply_link(comment, subscriptions.Purpose.END)
    return _to_reader(comment, subject, "rejected", words, end=end, title=title, site=site.name, reason=quoted(reason))


def _words(site: Site) -> dict[str, Any]:
    """Return what letters to readers say their sentences by: the site's language and its own words, if any."""
    policy = read_policy(site.settings)
    language = languages.pick(policy.lang) or languages.ENGLISH
    own = policy.texts.get(language.code, languages.NOTHING)
    return {"language": language, "say": lambda name, **values: language.say(name, own, **values)}


def _key(notice: Notice) -> subscriptions.Key:
    return UUID(notice.about["article"]), UUID(notice.about["comment"])


def _reply(reply: Comment, site: Site, article: Article, somebody: str) -> dict[str, str]:
    identifier = opaque.identifier(reply.article_id, reply.id)
    page = f"/f/{site.slug}?article={quote(article.key, safe='')}&around={identifier}#c-{identifier}"
    link = f"{_own_address()}{page}"
    return {"name": quoted(reply.name or somebody), "text": quoted(reply.source), "link": link}


def _reply_link(comment: Comment, purpose: subscriptions.Purpose) -> str:
    links = subscriptions.Links(current_app.config["SETTINGS"].secret_keys)
    return f"{_own_address()}/replies/{links.sign((comment.article_id, comment.id), purpose)}/{purpose}"


def _to_reader(
    comment: Comment, subject: str, template: str, words: dict[str, Any], *, end: str | None = None, **values: object
) -> Letter:
    """Write a letter to the address that is sealed beside a comment."""
    assert comment.sealed_email is not None
    address = mailbox.unseal(comment.sealed_email, current_app.config["SETTINGS"].mail_keys)
    text, html = (
        render_template(f"mail/{template}.{kind}", subject=subject, unsubscribe=end, **words, **values)
        for kind in ("txt", "html")
    )
    return Letter(address, subject, text, html, end)


def _user(notice: Notice) -> User | None:
    user = db.session.get(User, UUID(notice.about["user"]))
    return user if user is not None and user.active else None


def _link(user: User, purpose: passwords.Purpose) -> str:
    signer = passwords.Signer(current_app.config["SETTINGS"].secret_keys)
    return f"{_own_address()}/account/choose/{signer.sign(user, purpose)}"


def _own_address() -> str:
    return str(current_app.config["SETTINGS"].public_url)


def _letter(user: User, subject: str, template: str, about: Site | None = None, **values: object) -> Letter:
    """Write a letter; one about a site carries the link that ends letters of its kind."""
    if about is not None:
        signer = digests.Unsubscriber(current_app.config["SETTINGS"].secret_keys)
        end = f"{_own_address()}/unsubscribe/{signer.sign(user.id, about.id, Kind(template))}"
        values |= {"site": about.name, "unsubscribe": end, "choices": f"{_own_address()}/account/notices"}
    text, html = (
        render_template(f"mail/{template}.{kind}", name=user.name, subject=subject, **values)
        for kind in ("txt", "html")
    )
    return Letter(user.email, subject, text, html, end if about is not None else None)


LETTERS: dict[Kind, Callable[[notices.Notice], Letter | None]] = {
    Kind.RESET: _reset,
    Kind.INVITATION: _invitation,
    Kind.DIGEST: _digest,
    Kind.UNSAFE: _unsafe,
    Kind.DROP: _drop,
    Kind.WEEKLY: _weekly,
    Kind.WEBHOOK_OFF: _webhook_off,
    Kind.CONFIRM: _confirm,
    Kind.REPLIES: _replies,
    Kind.REJECTED: _rejected,
}
