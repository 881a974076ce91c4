"""Figures as sentences. They say how many voted, and hedge where the votes do not tell."""

import re
from datetime import date

from feedback import statistics
from feedback.statistics import percent_of, readers, span
from feedback.stats.bursts import Burst
from feedback.stats.figures import ArticleFigures
from feedback.stats.lists import Line
from feedback.stats.overview import Span
from feedback.stats.revisions import Drop, Edit, day_named
from feedback.stats.shares import Votes

WHOLE = re.compile(r"(\(?\d+(?:–\d+)? %[).,;]*)")  # a percentage, which no end of a line should tear apart


def pieces(words: str) -> list[tuple[str, bool]]:
    """A sentence in pieces, each with whether it must stay in one line."""
    return [(piece, place % 2 == 1) for place, piece in enumerate(WHOLE.split(words)) if piece]


def short_day(day: date, today: date) -> str:
    """ "3 May", "12 Sep", "12 Sep 2025": for an axis."""
    words = f"{day.day} {day:%b}"
    return words if day.year == today.year else f"{words} {day.year}"


def day_words(day: date, today: date) -> str:
    """ "3 May", with the year where it is another one."""
    words = f"{day.day} {day:%B}"
    return words if day.year == today.year else f"{words} {day.year}"


def version(label: str, today: date) -> str:
    """What a revision is called: its date in words where its label is a date, as the widget sends it."""
    if not label:
        return "unnamed version"
    day = day_named(label)
    return day_words(day, today) if day else label


def found_helpful(votes: Votes) -> str:
    """ "74 % of the 212 readers who voted found this helpful, 68–79 %", as careful as the votes are few."""
    yes, total = votes.yes, votes.total
    if total == 0:
        return "No votes yet"
    if total == 1:
        return f"The one reader who voted {'found' if yes else 'did not find'} this helpful"
    if total < statistics.FEW:
        return f"{yes} of {readers(total)} found this helpful"
    sentence = f"{percent_of(yes, total)} % of {readers(total)} found this helpful, {span(votes.interval)}"
    return sentence if total >= statistics.ENOUGH else f"Early: {sentence}"


def sentence(figures: ArticleFigures, today: date) -> str:
    """The first thing an author reads: how many found it helpful, and what the last edit did to that."""
    asked = figures.asked
    of = [_revision(asked.revision, today)] if asked.revision is not None else []
    when = [_period(asked.period.start, asked.period.end, today)] if asked.period.start or asked.period.end else []
    if of or when:
        told = ", ".join(when + of)
        return f"{told[:1].upper()}{told[1:]}: {_lower(found_helpful(figures.votes))}."
    return overall(figures.votes, figures.last_edit, today)


def overall(votes: Votes, edit: Edit | None, today: date) -> str:
    """How many found it helpful in all, and what the last edit did to that."""
    change = f"; {since(edit, today)}" if edit and votes.total else ""
    return f"{found_helpful(votes)}{change}."


def _period(start: date | None, end: date | None, today: date) -> str:
    if start and end:
        if start == end:
            return f"On {day_words(start, today)}"
        return f"From {day_words(start, today)} to {day_words(end, today)}"
    return f"Since {day_words(start, today)}" if start else f"Until {day_words(end or today, today)}"


def _revision(label: str, today: date) -> str:
    return f"revision {version(label, today)}" if label else "the unnamed version"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def since(edit: Edit, today: date) -> str:
    """ "down from 81 % to 66 % since the edit of 3 May, likely worse", or why that cannot be told."""
    when = f"the edit of {day_words(edit.after.day, today)}"
    if not edit.compared.verdict.startswith("likely"):
        return f"whether {when} changed that: {edit.compared.verdict}"
    before, after = edit.before.votes.count, edit.after.votes.count
    direction = "up" if edit.compared.difference > 0 else "down"
    return f"{direction} from {percent_of(*before)} % to {percent_of(*after)} % since {when}, {edit.compared.verdict}"


def points(share: float) -> str:
    """A difference in points: "+15", "−7", "0"."""
    number = statistics.percent(abs(share))
    return f"{'+' if share > 0 else '−'}{number}" if number else "0"


def chance(probability: float) -> str:
    """How likely, without ever claiming to be certain: "98 %", "over 99 %", "under 1 %"."""
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{statistics.percent(probability)} %"


def dropped(alert: Drop, today: date) -> str:
    """What an alert says."""
    revision = alert.revision
    usual = statistics.wilson(*revision.baseline)
    return (
        f"Since the edit of {day_words(revision.day, today)}, {revision.since.yes} of "
        f"{readers(revision.since.votes)} found this helpful. Before it, {span(usual)} did."
    )


def share_of_votes(span: Span) -> str:
    """ "74 % of the 212 readers who voted found what they read helpful, 68–79 %": of a site."""
    if span.votes < statistics.FEW:
        voted = "no reader" if not span.votes else f"{span.votes} {'reader' if span.votes == 1 else 'readers'}"
        return f"{voted} voted"
    interval = statistics.span(statistics.wilson(span.yes, span.votes))
    share = f"{percent_of(span.yes, span.votes)} % of {readers(span.votes)} found what they read helpful, {interval}"
    return share if span.votes >= statistics.ENOUGH else f"(early) {share}"


def share_of_held(span: Span) -> str:
    """ "40 comments came, of which 12 (30 %) waited for a moderator.": of a site."""
    if not span.comments:
        return "No comment came."
    came = f"{span.comments} {'comment' if span.comments == 1 else 'comments'} came"
    share = f" ({percent_of(span.held, span.comments)} %)" if span.comments >= statistics.FEW else ""
    return f"{came}, of which {span.held}{share} waited for a moderator."


def failed(line: Line) -> str:
    """How many readers an article fails beyond the site's usual, in whole readers."""
    if line.votes.total < statistics.FEW:
        return "a handful of votes says little"
    number = statistics.whole(line.fails)
    if number == 0:
        return "about as helpful as this site usually is, or more"
    return f"about {number} more of the readers who voted than usual went away without help"


def burst(found: Burst) -> str:
    """What is unusual about a day: how many voted, how many do, and whether what they said is unlikely too."""
    votes, before = found.votes, found.before
    told = f"{votes.yes} of {readers(votes.total)} that day said Yes. {_before(found)}"
    if not found.unlikely:
        return f"{told} What they said is not unusual: more readers came. That is traffic, nothing to act on."
    usual = f": of {readers(before.votes)} then, {before.yes} said Yes" if before.votes else ""
    return (
        f"{told} What they said is as unlikely as how many they were{usual}. "
        "Somebody may have called for votes, or these readers thought otherwise: the votes cannot tell."
    )


def _before(found: Burst) -> str:
    votes, days = found.before.votes, found.days
    if not votes:
        return f"In the {days} days before, nobody voted." if days else ""
    a_day = statistics.whole(votes / days)
    rate = f", about {a_day} a day" if a_day else ", fewer than one every other day"
    return f"In the {days} days before, {votes} {'reader' if votes == 1 else 'readers'} voted{rate}."
