"""Every aspect of a site that administrators or authors change, as plain values that can be read and set again."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from feedback import articles, catalogue, drops, merging, removal, staff, votes
from feedback.db import db
from feedback.errors import Missing, Refused
from feedback.models import Accepts, Article, Role, Site, User
from feedback.policy import USUAL, Policy, read_policy
from feedback.revisions import see_revision
from feedback.staff import Actor


class Kind(StrEnum):
    """What part of a site a change is about; `about` then names which."""

    SITE = "site"
    ARTICLE = "article"  # article: its key
    COMMENTS = "comments"  # article: its key
    REVISION = "revision"  # article: its key; label
    ANNOUNCEMENT = "announcement"  # article: its key
    MERGE = "merge"  # article: its key; label: the revision that is counted with another one
    BURST = "burst"  # article: its key; day
    ROLES = "roles"  # user: an id
    ACCOUNT = "account"  # user: an id
    TOKEN = "token"  # nothing that could be set again
    WEBHOOK = "webhook"  # likewise: whoever removed one has lost its secret


@dataclass(frozen=True)
class Subject:
    """Which thing of which site."""

    site_id: UUID
    kind: Kind
    about: Mapping[str, str]


@dataclass(frozen=True)
class By:
    """Who makes a change, on which sites they are administrator, and when."""

    who: Actor
    sites: Collection[UUID]
    now: datetime


@dataclass(frozen=True)
class Aspect:
    """How a kind of thing is read as plain values, set to them, and what to call the step from one to the other.

    `keep` returns what of a state is written down, `recall` the state again, by what is known at present.
    """

    read: Callable[[Subject], Any]
    write: Callable[[Subject, Any, By], None]
    describe: Callable[[Subject, Any, Any], str]
    keep: Callable[[Any], Any] = lambda state: state
    recall: Callable[[Any, Any], Any] = lambda kept, present: kept


# A site's settings


def site_state(site: articles.SiteView | Site, **changed: Any) -> dict[str, Any]:
    """Return a site's state, some of it changed; a setting that is the default is left out."""
    policy = read_policy(site.settings) if isinstance(site, Site) else site.policy
    return {"name": site.name, "origins": list(site.origins), "settings": settled(policy)} | changed


def settled(policy: Policy) -> dict[str, Any]:
    """Return the settings of a policy that differ from the defaults, as a site stores them.

    The usual words are so in any language: they change with the site's.
    """
    usual = [asdict(replace(Policy(), **words)) for words in USUAL.values()]
    values = {name: value for name, value in asdict(policy).items() if all(value != each[name] for each in usual)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _read_site(subject: Subject) -> Any:
    site = db.session.get(Site, subject.site_id)
    return None if site is None else site_state(site)


def _write_site(subject: Subject, state: Any, by: By) -> None:
    site = db.session.get_one(Site, subject.site_id)
    given = settled(read_policy(state["settings"]))
    # What the state does not name is the default again.
    settings = {item.name: given.get(item.name) for item in fields(Policy)}
    articles.change_site(site.slug, name=state["name"], origins=state["origins"], **settings)


WORDS = {
    "question": "the question",
    "reasons": "the reasons",
    "moderation": "who is moderated",
    "guidelines": "the guidelines",
    "notice": "the notice",
    "lang": "the language",
    "max_chars": "how long a comment may be",
    "max_links": "how many links are too many",
    "admits": "which articles are taken",
    "quarantine_limit": "the votes one network may cast",
    "score_limit": "over which learned score comments wait",
    "score_trust": "under which learned score comments are published at once",
    "flag_limit": "how many flags are too many",
    "rejections": "the reasons to reject a comment",
    "promise_hours": "how soon comments are decided on",
    "explains": "whether readers are told why a comment was rejected",
    "show_figure": "whether readers see the figure",
    "texts": "the sentences that readers see",
}
assert set(WORDS) == {item.name for item in fields(Policy)}


def differences(before: Any, after: Any) -> list[str]:
    """Return which parts of a site differ between two states."""
    names = [name for name in WORDS if before["settings"].get(name) != after["settings"].get(name)]
    return [name for name in ("name", "origins") if before[name] != after[name]] + names


def _describe_site(subject: Subject, before: Any, after: Any) -> str:
    words = [WORDS.get(name, f"the {name}") for name in differences(before, after) if name != "origins"]
    deeds = [f"changed {_and(words)}"] if words else []
    for deed, had, has in (("listed", before, after), ("unlisted", after, before)):
        new = [origin for origin in has["origins"] if origin not in had["origins"]]
        deeds += [f"{deed} {_and(new)}"] if new else []
    return "; ".join(deeds) or "put the origins in another order"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# Articles


def article_state(given: articles.Registration, *, registered: bool = True) -> dict[str, Any]:
    """Return the state of an article as registered."""
    people = [{"name": person.name, "role": person.role.value, "email": person.email} for person in given.contributors]
    return {"registered": registered, "title": given.title, "url": given.url, "contributors": people}


def _article(subject: Subject) -> Article | None:
    return articles.get(subject.site_id, subject.about["article"])


def _read_article(subject: Subject) -> Any:
    article = _article(subject)
    return None if article is None else article_state(articles.registered(article), registered=article.registered)


def _write_article(subject: Subject, state: Any, by: By) -> None:
    key = subject.about["article"]
    if state is None:
        return removal.remove_article(subject.site_id, key)
    people = tuple(articles.Byline(each["name"], Role(each["role"]), each["email"]) for each in state["contributors"])
    given = articles.Registration(key, state["title"], state["url"], people)
    article, _ = articles.register(subject.site_id, given, now=by.now)
    if not state["registered"]:
        article.registered, article.title, article.url = False, given.title or None, given.url or None
    return None


def _describe_article(subject: Subject, before: Any, after: Any) -> str:
    named = f"“{(after or before)['title'] or subject.about['article']}”"
    if after is None:
        return f"removed the article {named}"
    if before is None or before["registered"] != after["registered"]:
        return f"{'registered' if after['registered'] else 'unregistered'} the article {named}"
    words = {"title": "the title", "url": "the address", "contributors": "who wrote and reviewed it"}
    return f"changed {_and([words[name] for name in words if before[name] != after[name]])} of {named}"


def _read_accepts(subject: Subject) -> Any:
    article = _article(subject)
    return None if article is None else article.accepts.value


def _write_accepts(subject: Subject, state: Any, by: By) -> None:
    articles.set_accepts(subject.site_id, subject.about["article"], Accepts(state))


def _describe_accepts(subject: Subject, before: Any, after: Any) -> str:
    deeds = {"open": "opened the comments of", "closed": "closed the comments of", "hidden": "hid the comments of"}
    return f"{deeds[after]} “{_title(subject)}”"


def _keep_article(state: Any) -> Any:
    """Return the state with accounts instead of addresses, which so stand nowhere once they are taken back."""
    return state and {**state, "contributors": [_kept(person) for person in state["contributors"]]}


def _kept(person: dict[str, Any]) -> dict[str, Any]:
    user = staff.find_user(person["email"]) if person["email"] else None
    return {"name": person["name"], "role": person["role"], "user": user and user.id.hex}


def _recall_article(kept: Any, present: Any) -> Any:
    """Return the state again; who has no account has the address that they have at present, if any."""
    if kept is None:
        return None
    known = {(each["name"], each["role"]): each["email"] for each in (present or {}).get("contributors", ())}
    return {**kept, "contributors": [_recalled(person, known) for person in kept["contributors"]]}


def _recalled(person: dict[str, Any], known: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    name, role, user = person["name"], person["role"], person["user"]
    email = staff.address(UUID(user)) if user else known.get((name, role))
    return {"name": name, "role": role, "email": email}


def _title(subject: Subject) -> str:
    article = _article(subject)
    return (article.title if article else None) or subject.about["article"]


def _read_revision(subject: Subject) -> Any:
    article = _article(subject)
    row = catalogue.revision(article.id, subject.about["label"]) if article else None
    return None if row is None else {"registered": row.registered, "note": row.note}


def _write_revision(subject: Subject, state: Any, by: By) -> None:
    article, label = catalogue.one(subject.site_id, subject.about["article"]), subject.about["label"]
    if state is None:
        catalogue.drop_revision(article.id, label)
    else:
        see_revision(article.id, label, now=by.now)
        catalogue.describe_revision(article.id, label, registered=state["registered"], note=state["note"])


def _describe_revision(subject: Subject, before: Any, after: Any) -> str:
    deed = "added" if before is None else "removed" if after is None else "said what changed in"
    return f"{deed} the revision {subject.about['label']} of “{_title(subject)}”"


def _read_announcement(subject: Subject) -> Any:
    article = _article(subject)
    if article is None or article.we_changed is None:
        return None
    return {"text": article.we_changed, "on": f"{article.we_changed_on}"}


def _write_announcement(subject: Subject, state: Any, by: By) -> None:
    article = catalogue.one(subject.site_id, subject.about["article"])
    articles.announce(article, state and state["text"], state and date.fromisoformat(state["on"]))


def _describe_announcement(subject: Subject, before: Any, after: Any) -> str:
    deed = "took down" if after is None else "published" if before is None else "changed"
    return f"{deed} what readers of “{_title(subject)}” are told was changed for them"


def _read_merge(subject: Subject) -> Any:
    article = _article(subject)
    return merging.merged_into(article.id, subject.about["label"]) if article else None


def _write_merge(subject: Subject, state: Any, by: By) -> None:
    merging.merge(catalogue.one(subject.site_id, subject.about["article"]).id, subject.about["label"], state)


def _describe_merge(subject: Subject, before: Any, after: Any) -> str:
    counted = f"counted the revision {subject.about['label'] or 'without a name'}"
    other = (before if after is None else after) or "the one without a name"
    deed = f"by itself again, no longer with {other}," if after is None else f"with {other}"
    return f"{counted} {deed} in the figures of “{_title(subject)}”"


# Days set aside


def _day(subject: Subject) -> date:
    return date.fromisoformat(subject.about["day"])


def _read_aside(subject: Subject) -> Any:
    article = _article(subject)
    return article is not None and votes.is_aside(article.id, _day(subject))


def _write_aside(subject: Subject, state: Any, by: By) -> None:
    (site,) = articles.sites([subject.site_id])
    article = catalogue.one(subject.site_id, subject.about["article"])
    shift = votes.set_aside if state else votes.count_again
    shift(site, article.id, _day(subject), now=by.now)
    drops.look_again(article.id, site.id, now=by.now)


def _describe_aside(subject: Subject, before: Any, after: Any) -> str:
    day = _day(subject)
    which = f"the votes of {day.day} {day:%B %Y} on “{_title(subject)}”"
    return f"set aside {which}" if after else f"counted {which} again"


# People


def _user(subject: Subject) -> User:
    user = db.session.get(User, UUID(subject.about["user"]))
    if user is None:
        raise Missing("There is no such account any more.")
    return user


def _read_roles(subject: Subject) -> Any:
    held = staff.roles_of(UUID(subject.about["user"])).get(subject.site_id, set())
    return [role.value for role in Role if role in held]


def _write_roles(subject: Subject, state: Any, by: By) -> None:
    user, site = _user(subject), db.session.get_one(Site, subject.site_id)
    held = _read_roles(subject)
    for role in Role:
        if role in state and role not in held:
            staff.join(user, site, role)
        elif role in held and role not in state:
            staff.leave(user, site, role)


def _describe_roles(subject: Subject, before: Any, after: Any) -> str:
    name = _name(_user(subject))
    given = [role for role in after if role not in before]
    taken = [role for role in before if role not in after]
    deeds = [f"made {name} {_and(given)}"] if given else []
    return "; ".join(deeds + ([f"took the role {_and(taken)} from {name}"] if taken else []))


def _name(user: User) -> str:
    return user.name or user.email


def _read_active(subject: Subject) -> Any:
    user = db.session.get(User, UUID(subject.about["user"]))
    return None if user is None else user.active


def _write_active(subject: Subject, state: Any, by: By) -> None:
    user = _user(subject)
    if user.id == by.who.id:
        raise Refused("Your own account is for another administrator to deactivate.")
    if not staff.is_only_on(user.id, by.sites):
        raise Refused(
            f"{_name(user)} also has a role on a site that you do not administer. You can take the roles on this one."
        )
    staff.set_active(user.id, state)
    db.session.refresh(user)


def _describe_active(subject: Subject, before: Any, after: Any) -> str:
    return f"{'reactivated' if after else 'deactivated'} the account of {_name(_user(subject))}"


ASPECTS = {
    Kind.SITE: Aspect(_read_site, _write_site, _describe_site),
    Kind.ARTICLE: Aspect(_read_article, _write_article, _describe_article, _keep_article, _recall_article),
    Kind.COMMENTS: Aspect(_read_accepts, _write_accepts, _describe_accepts),
    Kind.REVISION: Aspect(_read_revision, _write_revision, _describe_revision),
    Kind.ANNOUNCEMENT: Aspect(_read_announcement, _write_announcement, _describe_announcement),
    Kind.MERGE: Aspect(_read_merge, _write_merge, _describe_merge),
    Kind.BURST: Aspect(_read_aside, _write_aside, _describe_aside),
    Kind.ROLES: Aspect(_read_roles, _write_roles, _describe_roles),
    Kind.ACCOUNT: Aspect(_read_active, _write_active, _describe_active),
}
