"""Comments as the rules have them: who may do what to which, and what is written down of it. Pure, cheap to copy.

A method is one request. It returns the status it is answered with, and changes nothing where that is a refusal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

READER, MODERATOR, ADMINISTRATOR, RULES = "reader", "moderator token", "administrator token", "rules"
STATES = ("pending", "approved", "rejected", "spam", "withdrawn", "erased")
DECIDABLE = STATES[:4]
LEADS_TO = {"approve": "approved", "reject": "rejected", "spam": "spam", "hold": "pending"}

# The whole of the table: from, to, by whom. What is not here must never happen.
TRANSITIONS = (
    {("pending", to, MODERATOR) for to in ("approved", "rejected", "spam")}
    | {("approved", to, MODERATOR) for to in ("rejected", "spam", "pending")}
    | {("rejected", to, MODERATOR) for to in ("approved", "pending", "spam")}
    | {("spam", to, MODERATOR) for to in ("approved", "pending", "rejected")}
    | {("approved", "pending", RULES)}  # readers' flags, once
    | {("approved", "pending", READER)}  # its reader changed it
    | {(state, state, READER) for state in ("pending", "approved", "spam")}  # the same, where it stays where it is
    | {(state, state, MODERATOR) for state in DECIDABLE}  # flags are dismissed, a text is changed
    | {(before, "withdrawn", READER) for before in DECIDABLE}
    | {(before, "erased", who) for before in STATES[:5] for who in (READER, ADMINISTRATOR)}
)
BEGINNINGS = {"pending", "approved", "spam"}

# Texts, and the codes of the rules that hold them whatever the site's policy.
TEXTS = {
    "It helped me.": (),
    "It did not help me.": (),
    "See https://a.example https://b.example https://c.example": ("links",),
    "Write to jane@example.org.": ("personal",),
}
TICK = timedelta(microseconds=1)
REPEATED_WITHIN = timedelta(days=1)
EDITABLE_FOR = timedelta(minutes=15)
FLAG_LIMIT = 2  # weight that takes a comment down
KNOWN_AFTER = 3  # answers to a reader's flags before the next one weighs otherwise
ANSWERS = {"approved": "dismissed", "rejected": "upheld", "spam": "upheld"}


@dataclass(frozen=True)
class Decision:
    """A row of the history."""

    who: str
    action: str
    before: str
    after: str
    version: int  # of the comment afterwards
    reason: str | None = None
    replaced: str | None = field(default=None, compare=False)  # the text that went; erasure takes it along


@dataclass(frozen=True)
class Flag:
    """What a reader's flag weighs, and what became of it: the answer, and the version of the decision that gave it."""

    weight: int
    answer: str | None = None
    answered: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Remark:
    """A comment. Its key is the model's own name for it."""

    article: str
    reader: int | None
    text: str | None
    submission: str | None
    parent: str | None
    thread: str | None
    state: str
    held_for: tuple[str, ...]
    created: datetime
    version: int = 1
    decisions: tuple[Decision, ...] = ()
    original: str | None = None
    edited: datetime | None = field(default=None, compare=False)


@dataclass
class Talk:
    """All comments of a site, in the order they came."""

    remarks: dict[str, Remark] = field(default_factory=dict)
    policy: str = "pre"
    accepts: dict[str, str] = field(default_factory=dict)  # by article, where it is not open
    flags: dict[tuple[str, int], Flag] = field(default_factory=dict)  # by comment and reader
    likes: set[tuple[str, int]] = field(default_factory=set)  # comment and reader
    now: datetime = datetime.max  # when what is done next is done, for what depends on it

    def copy(self) -> "Talk":
        kept = {"remarks": dict(self.remarks), "accepts": dict(self.accepts), "flags": dict(self.flags)}
        return replace(self, **kept, likes=set(self.likes))  # type: ignore[arg-type]

    # What readers do

    def submit(
        self,
        key: str,
        submission: str,
        article: str,
        reader: int,
        text: str,
        parent: str | None,
        trap: bool,
        now: datetime,
    ) -> int:
        earlier = self.submitted(article, reader, submission)
        if earlier is None:
            if self.accepts.get(article, "open") != "open" or self.policy == "closed":
                return 403
            answered = self.remarks.get(parent) if parent else None
            if parent and (answered is None or answered.state != "approved" or answered.article != article):
                return 422
            held_for = tuple(self._holds(reader, text, trap, now))
            state = "spam" if trap else "pending" if held_for else "approved"
            thread = (answered.thread or parent) if answered else None
            created = max([now, *(each.created + TICK for each in self.on(article))])
            earlier = Remark(article, reader, text, submission, parent, thread, state, held_for, created)
            self.remarks[key] = earlier
        return 201 if earlier.state == "approved" else 202

    def withdraw(self, key: str, reader: int) -> int:
        remark = self.remarks[key]
        if remark.state == "erased":
            return 404
        if remark.reader != reader:
            return 403
        if remark.state != "withdrawn":
            self._change(key, "withdrawn", READER, "withdraw")
        return 200

    def amend(self, key: str, reader: int, text: str) -> int:
        remark = self.remarks[key]
        if remark.state == "erased":
            return 404
        if remark.reader != reader:
            return 403
        settled = remark.state not in ("pending", "approved", "spam") or remark.original is not None
        closed = self.accepts.get(remark.article, "open") != "open" or self.policy == "closed"
        if settled or closed or self.now > remark.created + EDITABLE_FOR:
            return 409
        if text != remark.text:
            self._amend(key, reader, text)
        return 200 if self.remarks[key].state == "approved" else 202

    def _amend(self, key: str, reader: int, text: str) -> None:
        """Change a text: what waits stays, what is published is held as a new one would be."""
        remark = self.remarks[key]
        held_for = self._holds(reader, text, False, self.now, but=key)
        if remark.state != "approved":
            held_for = [code for code in remark.held_for if code in ("honeypot", "flags")] + held_for
        after = "pending" if remark.state == "approved" and held_for else remark.state
        self._change(key, after, READER, "amend", replaced=remark.text)
        self.remarks[key] = replace(self.remarks[key], text=text, held_for=tuple(held_for), edited=self.now)

    def like(self, key: str, reader: int, value: str) -> int:
        remark = self.remarks[key]
        if remark.reader == reader:
            return 403
        if remark.state != "approved":
            return 404
        (self.likes.add if value == "yes" else self.likes.discard)((key, reader))
        return 200

    def liked(self, key: str) -> int:
        return sum(liked == key for liked, _ in self.likes)

    def flag(self, key: str, reader: int) -> int:
        remark = self.remarks[key]
        if remark.reader == reader:
            return 403
        taken_down = self._taken_down(remark)
        if remark.state != "approved" and not (remark.state == "pending" and taken_down):
            return 404
        if (key, reader) not in self.flags:
            self.flags[key, reader] = Flag(self._weight(reader))
            judged = taken_down or any(self._speaks_of(remark, flag) for flag in self._flags_on(key).values())
            if remark.state == "approved" and self.open_weight(key) >= FLAG_LIMIT and not judged:
                self.remarks[key] = replace(remark, held_for=(*remark.held_for, "flags"))
                self._change(key, "pending", RULES, "flag")
        return 202

    @staticmethod
    def _taken_down(remark: Remark) -> bool:
        """Whether flags took it down, and its reader has not changed it since while it was published."""
        for decision in reversed(remark.decisions):
            if decision.who == RULES:
                return True
            if decision.action == "amend" and decision.before == "approved":
                return False
        return False

    @staticmethod
    def _speaks_of(remark: Remark, flag: Flag) -> bool:
        """Whether a flag was answered on the text that stands there now, or a moderator has worded that."""
        if flag.answered is None or remark.original is not None:
            return flag.answered is not None
        later = [each.replaced for each in remark.decisions if each.version > flag.answered and each.replaced]
        return (later[0] if later else remark.text) == remark.text

    def _weight(self, reader: int) -> int:
        answers = [flag.answer for (_, who), flag in self.flags.items() if who == reader]
        upheld, dismissed = answers.count("upheld"), answers.count("dismissed")
        if dismissed >= KNOWN_AFTER and dismissed >= upheld:
            return 0
        return 2 if upheld >= KNOWN_AFTER else 1

    def _flags_on(self, key: str) -> dict[tuple[str, int], Flag]:
        return {place: flag for place, flag in self.flags.items() if place[0] == key}

    def open_weight(self, key: str) -> int:
        """Return the weight of a comment's flags that nobody has answered."""
        return sum(flag.weight for flag in self._flags_on(key).values() if flag.answer is None)

    def erase(self, reader: int) -> int:
        self.flags = {place: flag for place, flag in self.flags.items() if place[1] != reader}
        self.likes = {place for place in self.likes if place[1] != reader}
        for key, remark in self.remarks.items():
            if remark.reader == reader:
                self._erase(key, READER)
        return 200

    # What staff do

    def decide(self, choices: Sequence[tuple[str, int]], action: str, reason: str | None = None) -> int:
        to = LEADS_TO[action]
        for key, version in choices:
            remark = self.remarks[key]
            dismisses = to == "approved" and self.open_weight(key) > 0
            if remark.version != version or remark.state not in DECIDABLE or (remark.state == to and not dismisses):
                return 409
        for key, _ in choices:
            self._change(key, to, MODERATOR, action, reason)
        return 200

    def decide_all(self, listed: str, action: str) -> int:
        """Decide on all of a list that has been sent, and not been changed, until now."""
        to = LEADS_TO[action]
        if listed == to:
            return 422
        states = {"all": DECIDABLE, "flagged": ("pending", "approved")}.get(listed, (listed,))
        for key, remark in self.remarks.items():
            late = remark.created > self.now or (remark.edited is not None and remark.edited > self.now)
            flagged = self.open_weight(key) > 0
            stays = remark.state == to and not (to == "approved" and flagged)
            if remark.state in states and (flagged or listed != "flagged") and not late and not stays:
                self._change(key, to, MODERATOR, action)
        return 202

    def undo(self, key: str, number: int) -> int:
        """Take back the decision of that number on a comment."""
        remark = self.remarks[key]
        decision = remark.decisions[number]
        went_nowhere = decision.action == "undo" and decision.before == decision.after
        if decision.action == "amend" or not {decision.before, decision.after} <= set(DECIDABLE) or went_nowhere:
            return 403
        if remark.version != decision.version:
            return 409
        if decision.action == "edit":
            self._reword(key, decision.replaced, "undo")
        else:
            self._change(key, decision.before, MODERATOR, "undo", undoes=decision.version)
        return 200

    def revise(self, key: str, version: int, text: str) -> int:
        remark = self.remarks[key]
        if remark.version != version:
            return 409
        if remark.state not in DECIDABLE:
            return 403
        if remark.text == text:
            return 422
        self._reword(key, text, "edit")
        return 200

    def _reword(self, key: str, text: str | None, action: str) -> None:
        remark = self.remarks[key]
        self._change(key, remark.state, MODERATOR, action, replaced=remark.text)
        original = remark.original or remark.text
        kept = None if action == "undo" and text == original else original
        self.remarks[key] = replace(self.remarks[key], text=text, original=kept, edited=self.now)

    def purge(self, key: str, version: int, by: str = ADMINISTRATOR) -> int:
        remark = self.remarks[key]
        if by != ADMINISTRATOR:
            return 403
        if remark.state == "erased":
            return 404
        if remark.version != version:
            return 409
        self._erase(key, ADMINISTRATOR)
        return 200

    # What is shown

    def on(self, article: str) -> list[Remark]:
        return [remark for remark in self.remarks.values() if remark.article == article]

    def submitted(self, article: str, reader: int, submission: str) -> Remark | None:
        same = (article, reader, submission)
        return next((each for each in self.on(article) if (article, each.reader, each.submission) == same), None)

    def threads(self, article: str) -> dict[str, list[str]]:
        """Return what readers see: each thread's first comment with its published replies, oldest first.

        What is gone keeps its place while published replies stand under it.
        """
        mine = sorted((remark.created, key) for key, remark in self.remarks.items() if remark.article == article)
        published = [key for _, key in mine if self.remarks[key].state == "approved"]
        replies = {
            key: [each for each in published if self.remarks[each].thread == key]
            for _, key in mine
            if self.remarks[key].thread is None
        }
        return {key: found for key, found in replies.items() if found or self.remarks[key].state == "approved"}

    def _holds(self, reader: int, text: str, trap: bool, now: datetime, but: str | None = None) -> list[str]:
        others = [remark for key, remark in self.remarks.items() if key != but]
        approved = any(each.reader == reader and each.state == "approved" for each in others)
        repeated = any(each.text == text and each.created > now - REPEATED_WITHIN for each in others)
        return [
            *(["honeypot"] if trap else []),
            *(["premoderation"] if self.policy == "pre" else []),
            *(["first_comment"] if self.policy in ("pre", "first") and not approved else []),
            *(["links"] if "links" in TEXTS[text] else []),
            *(["repeated"] if repeated else []),
            *(["personal"] if "personal" in TEXTS[text] else []),
        ]

    def _change(
        self,
        key: str,
        to: str,
        who: str,
        action: str,
        reason: str | None = None,
        undoes: int | None = None,
        replaced: str | None = None,
    ) -> None:
        remark = self.remarks[key]
        assert (remark.state, to, who) in TRANSITIONS, "the model itself leaves the table"
        decision = Decision(who, action, remark.state, to, remark.version + 1, reason, replaced)
        self.remarks[key] = replace(remark, state=to, version=decision.version, decisions=(*remark.decisions, decision))
        if replaced is None:
            self._answer(key, to, decision.version, undoes)

    def _answer(self, key: str, to: str, version: int, undoes: int | None) -> None:
        """Let a decision answer the open flags; let one that undoes another open those that it had answered."""
        flags = self._flags_on(key)
        reopened = {place: Flag(flag.weight) for place, flag in flags.items() if undoes and flag.answered == undoes}
        undone = next((each.action for each in self.remarks[key].decisions if each.version == undoes), "undo")
        if reopened or undone != "undo":
            self.flags |= reopened
        elif to in ANSWERS:
            given = {place: Flag(flag.weight, ANSWERS[to], version) for place, flag in flags.items() if not flag.answer}
            self.flags |= given

    def _erase(self, key: str, who: str) -> None:
        self._change(key, "erased", who, "erase")
        gone = {"reader": None, "text": None, "original": None, "submission": None, "held_for": ()}
        self.remarks[key] = replace(self.remarks[key], **gone)  # type: ignore[arg-type]
        self.flags = {place: flag for place, flag in self.flags.items() if place[0] != key}
        self.likes = {place for place in self.likes if place[0] != key}
