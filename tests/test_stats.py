"""Figures by SQL: what authors are shown equals the votes that were cast."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from feedback import articles, forms, statistics, stats, votes
from feedback.db import db
from feedback.errors import Malformed, Missing, Refused
from feedback.models import Accepts, Article, NoteStatus, Role, Site, Standing, Vote
from feedback.revisions import see_revision
from feedback.stats import Asked, By, Period, Sort, Viewer
from tests.cast import registration
from tests.conftest import NOON


@pytest.fixture
def figures(ask: Callable[..., Any], article: Article) -> Callable[..., Any]:
    """The article's figures as GET /stats answers them."""
    return lambda by=By.DAY, **asked: ask(stats.article, article, **asked).public(by)


@pytest.fixture
def admin(site: Site) -> Viewer:
    return Viewer(site.id, frozenset({Role.ADMINISTRATOR}), None)


@pytest.fixture
def write(do: Callable[..., Any], site: Site) -> Callable[[str], Article]:
    """Register another article of Ann's, reviewed by Rex."""
    return lambda key: do(articles.register, site.id, registration(site, key, key.title()), now=NOON)[0]


# One article


def test_an_article_without_votes_has_no_share_and_says_so(figures, article):
    found = figures()
    assert found["article"] == {"key": article.key, "title": article.title, "url": article.url}
    assert found["votes"] == {"yes": 0, "no": 0, "total": 0, "quarantined": 0}
    assert found["helpful"] == {"share": None, "low": 0, "high": 1, "wording": "no votes yet"}
    assert found["comparison"] is None
    assert found["reasons"] == {}
    assert found["sections"] == found["series"] == found["alerts"] == []


def test_the_share_counts_every_revision(figures, article, cast):
    cast(article, yes=40, no=10, revision="a")
    cast(article, yes=5, no=5, revision="b")
    found = figures()
    assert found["votes"] == {"yes": 45, "no": 15, "total": 60, "quarantined": 0}
    assert found["helpful"]["share"] == 0.75
    assert found["helpful"]["low"] == pytest.approx(0.627679, abs=5e-7)
    assert found["helpful"]["wording"] == "75 % of the 60 readers who voted (63–84 %)"


def test_reasons_and_sections_count_those_who_said_no(figures, article, cast):
    cast(article, yes=3)
    cast(article, no=2, reason="unclear", section="side-effects-and-cautions")
    cast(article, no=1, reason="outdated", section="dose")
    cast(article, no=1, section="side-effects-and-cautions")
    found = figures()
    assert found["reasons"] == {"unclear": 2, "outdated": 1}
    assert found["sections"] == [
        {"id": "side-effects-and-cautions", "title": "Side effects and cautions", "no": 3},
        {"id": "dose", "title": "Dose", "no": 1},
    ]


def test_a_reason_that_was_taken_back_is_no_longer_listed(figures, article, cast, rae):
    assert rae.votes(article, "no", reason="unclear").status_code == 200
    assert figures()["reasons"] == {"unclear": 1}
    assert rae.votes(article, "yes").status_code == 200
    assert figures()["reasons"] == {}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("side-effects-and-cautions", "Side effects and cautions"),
        ("h2_dose", "H2 dose"),
        ("wirkung-und-%C3%BCberdosis", "Wirkung und überdosis"),
        ("Already in words", "Already in words"),
        ("--", "--"),
    ],
)
def test_a_heading_id_is_made_readable(section, words):
    from feedback.stats.figures import readable

    assert readable(section) == words


def test_the_series_lists_days_with_votes_and_weeks_by_their_monday(figures, article, cast):
    for day, yes, no in ((1, 2, 0), (4, 1, 1), (6, 0, 3), (11, 1, 0)):
        cast(article, yes=yes, no=no, at=datetime(2026, 5, day, 23, 59, tzinfo=UTC))
    assert figures()["series"] == [
        {"day": "2026-05-01", "yes": 2, "no": 0},
        {"day": "2026-05-04", "yes": 1, "no": 1},
        {"day": "2026-05-06", "yes": 0, "no": 3},
        {"day": "2026-05-11", "yes": 1, "no": 0},
    ]
    assert figures(by=By.WEEK)["series"] == [
        {"day": "2026-04-27", "yes": 2, "no": 0},
        {"day": "2026-05-04", "yes": 1, "no": 4},
        {"day": "2026-05-11", "yes": 1, "no": 0},
    ]


def test_a_period_narrows_votes_share_reasons_sections_and_series(figures, article, cast):
    for day in (1, 2, 3, 4):
        cast(article, yes=day, at=datetime(2026, 5, day, tzinfo=UTC))
        cast(article, no=1, reason="unclear", section="dose", at=datetime(2026, 5, day, tzinfo=UTC))
    found = figures(asked=Asked(Period(date(2026, 5, 2), date(2026, 5, 3))))
    assert found["votes"]["yes"] == 5
    assert found["votes"]["no"] == 2
    assert found["helpful"]["wording"] == statistics.wording(5, 7)
    assert found["reasons"] == {"unclear": 2}
    assert found["sections"] == [{"id": "dose", "title": "Dose", "no": 2}]
    assert [bar["day"] for bar in found["series"]] == ["2026-05-02", "2026-05-03"]


@pytest.mark.parametrize(
    ("period", "votes"),
    [
        (Period(), 4),
        (Period(start=date(2026, 5, 3)), 2),
        (Period(end=date(2026, 5, 1)), 1),
        (Period(date(2027, 1, 1)), 0),
    ],
)
def test_a_period_may_be_open_at_either_end(figures, article, cast, period, votes):
    for day in (1, 2, 3, 4):
        cast(article, yes=1, at=datetime(2026, 5, day, tzinfo=UTC))
    assert figures(asked=Asked(period))["votes"]["total"] == votes


def test_quarantined_votes_are_told_apart_and_count_in_no_other_figure(figures, article, do, ask, site):
    do(articles.change_site, site.slug, quarantine_limit=2)
    page = articles.Page(ask(articles.site, site.slug), article.key)
    for reader in range(5):
        ballot = votes.Ballot(
            page, bytes([reader]) * 32, votes.Choice.NO, reason="other", section="dose", note="hm", network=b"n" * 32
        )
        do(votes.cast, ballot, now=NOON)
    found = figures()
    assert found["votes"] == {"yes": 0, "no": 2, "total": 2, "quarantined": 3}
    assert found["reasons"] == {"other": 2}
    assert found["series"] == [{"day": "2026-05-04", "yes": 0, "no": 2}]
    assert len(ask(stats.notes, article).items) == 2


# Revisions and their comparison


def test_the_two_newest_revisions_with_votes_are_compared(figures, article, cast, do):
    for day, (label, yes, no) in enumerate([("1", 9, 1), ("2", 45, 55), ("3", 60, 40)], start=1):
        cast(article, yes=yes, no=no, revision=label, at=datetime(2026, 5, day, tzinfo=UTC))
    do(see_revision, article.id, "4", registered=True, now=NOON)
    compared = figures()["comparison"]
    assert (compared["from"], compared["to"]) == ("2", "3")
    assert compared["difference"] == pytest.approx(0.15)
    assert compared["probability"] == pytest.approx(0.98285, abs=5e-6)
    assert compared["verdict"] == "likely better"
    assert [revision["label"] for revision in figures()["revisions"]] == ["1", "2", "3", "4"]


def test_a_revision_says_its_votes_interval_and_when_it_was_first_seen(figures, article, cast):
    cast(article, yes=8, no=2, revision="a")
    found = figures()["revisions"]
    assert found == [
        {
            "label": "a",
            "yes": 8,
            "no": 2,
            "low": pytest.approx(0.490162, abs=5e-7),
            "high": pytest.approx(0.943318, abs=5e-7),
            "first_seen": "2026-05-04T12:00:00.000000Z",
            "note": None,
            "merged": [],
        }
    ]


def test_one_revision_is_compared_with_nothing(figures, article, cast):
    cast(article, yes=30, revision="a")
    assert figures()["comparison"] is None


def test_a_revision_nobody_registered_is_shown_from_five_votes_on(figures, article, cast, do):
    cast(article, yes=4, revision="sent by a reader")
    do(see_revision, article.id, "registered", registered=True, now=NOON)
    assert [revision["label"] for revision in figures()["revisions"]] == ["registered"]
    assert figures()["votes"]["total"] == 4
    cast(article, no=1, revision="sent by a reader")
    assert {revision["label"] for revision in figures()["revisions"]} == {"registered", "sent by a reader"}


def test_a_period_leaves_revisions_and_their_comparison_whole(figures, article, cast):
    cast(article, yes=8, no=12, revision="a", at=NOON - timedelta(days=9))
    cast(article, yes=15, no=5, revision="b")
    assert figures(asked=Asked(Period(start=NOON.date())))["comparison"] == figures()["comparison"]


# Alerts


def test_a_drop_below_the_baseline_of_the_newest_revision_is_an_alert(figures, article, cast):
    cast(article, yes=180, no=20, revision="a", at=NOON - timedelta(days=3))
    cast(article, yes=10, no=20, revision="b")
    (alert,) = figures()["alerts"]
    usual = statistics.wilson(180, 200).low
    assert (alert["kind"], alert["revision"], alert["yes"], alert["votes"]) == ("drop", "b", 10, 30)
    assert alert["baseline"] == {"yes": 180, "votes": 200, "low": usual}
    assert alert["evidence"] == statistics.drop_evidence(10, 30, usual) >= 100


@pytest.mark.parametrize(("before", "after"), [((180, 20), (27, 3)), ((17, 2), (1, 29)), ((180, 20), (0, 9))])
def test_no_alert_without_a_drop_a_baseline_of_20_or_10_votes(figures, article, cast, before, after):
    cast(article, yes=before[0], no=before[1], revision="a", at=NOON - timedelta(days=3))
    cast(article, yes=after[0], no=after[1], revision="b")
    assert figures()["alerts"] == []


# Lists

RECORDS = {"b-30": (30, 70), "c-400": (400, 600), "d-7": (7, 13), "e-1": (1, 2), "f-0": (0, 1), "a-100": (100, 1)}


@pytest.fixture
def library(write: Callable[[str], Article], cast: Callable[..., None]) -> None:
    for key, (yes, no) in RECORDS.items():
        cast(write(key), yes=yes, no=no)


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        (Sort.NEEDS_WORK, ["b-30", "c-400", "d-7", "e-1", "f-0", "a-100"]),
        (Sort.MOST_HELPFUL, ["a-100", "c-400", "b-30", "d-7", "e-1", "f-0"]),
        (Sort.WHERE_TO_START, ["c-400", "b-30", "d-7", "e-1", "f-0", "a-100"]),
        (Sort.VOTES, ["c-400", "a-100", "b-30", "d-7", "e-1", "f-0"]),
    ],
)
def test_lists_are_ordered_by_what_the_votes_can_carry(ask, admin, library, sort, keys):
    assert [line.key for line in ask(stats.listing, admin, sort=sort).items] == keys


def test_a_list_holds_every_article_with_a_vote_and_no_other(ask, admin, library, article, cast):
    assert article.key not in {line.key for line in ask(stats.listing, admin).items}
    cast(article, yes=1)
    found = {line.key: line.public() for line in ask(stats.listing, admin).items}
    assert len(found) == len(RECORDS) + 1
    assert found[article.key] == {
        "article": {"key": article.key, "title": article.title},
        "votes": {"yes": 1, "no": 0, "total": 1, "quarantined": 0},
        "helpful": {
            "share": 1,
            "low": pytest.approx(0.206549, abs=5e-7),
            "high": 1,
            "wording": "1 of the 1 reader who voted",
        },
        "fails": 0.0,
        "rank": None,
    }


def test_from_a_handful_of_votes_nothing_is_usual(do, site, article, cast):
    cast(article, no=statistics.ENOUGH - 1)
    assert do(stats.fit, site.id) == statistics.USUAL_PRIOR
    cast(article, yes=1)
    assert do(stats.fit, site.id).mean == 1 / statistics.ENOUGH


def test_only_articles_with_twenty_votes_have_a_rank(ask, admin, library):
    ranks = [(line.key, line.rank) for line in ask(stats.listing, admin).items]
    assert ranks == [("b-30", 1), ("c-400", 2), ("d-7", 3), ("e-1", None), ("f-0", None), ("a-100", 4)]


@pytest.fixture
def many(do: Callable[..., Any], site: Site) -> int:
    """117 articles, many of them with equal records."""

    def fill() -> None:
        for number in range(117):
            yes, no = number % 30, number % 7 + 1
            low, high = statistics.wilson(yes, yes + no)
            row = Article(site_id=site.id, key=f"k{number}", title=None, created=NOON)
            db.session.add(row)
            db.session.flush()
            fails = statistics.readers_failed(yes, yes + no, statistics.USUAL_PRIOR)
            values = {"yes": yes, "no": no, "votes": yes + no, "low": low, "high": high, "fails": fails}
            db.session.add(Standing(article_id=row.id, site_id=site.id, as_of=NOON, **values))

    do(fill)
    return 117


@pytest.mark.parametrize("sort", Sort)
def test_pages_follow_each_other_without_gap_or_repetition(ask, admin, many, sort):
    sizes, keys, ranks, cursor = [], [], [], None
    while True:
        page = ask(stats.listing, admin, sort=sort, cursor=cursor)
        sizes.append(len(page.items))
        keys += [line.key for line in page.items]
        ranks += [line.rank for line in page.items if line.rank]
        cursor = page.next
        if cursor is None:
            break
    assert sizes == [50, 50, 17]
    assert len(set(keys)) == many
    assert ranks == list(range(1, len(ranks) + 1))


@pytest.mark.parametrize(
    "cursor",
    ["x", "W10", "WyJ2b3RlcyJd", "%00", "WyJuZWVkc193b3JrIixOYU4sIjAiLDBd", "é", "9" * 5000],
)
def test_a_cursor_that_is_none_is_refused(ask, admin, article, cursor):
    with pytest.raises(Malformed):
        ask(stats.listing, admin, cursor=cursor)
    with pytest.raises(Malformed):
        ask(stats.notes, article, cursor=cursor)


def test_a_cursor_of_another_order_is_refused(ask, admin, many):
    cursor = ask(stats.listing, admin, sort=Sort.MOST_HELPFUL).next
    with pytest.raises(Malformed):
        ask(stats.listing, admin, sort=Sort.NEEDS_WORK, cursor=cursor)


# Who may see what


@pytest.fixture
def as_viewer(site: Site) -> Callable[..., Viewer]:
    return lambda person, *roles: Viewer(site.id, frozenset(roles or [person.role]), person.id)


def test_authors_see_what_they_wrote_and_reviewers_what_they_reviewed(ask, do, site, ann, rex, as_viewer, cast):
    def bylined(key: str, *bylines: articles.Byline) -> Article:
        given = articles.Registration(key, key, f"{site.origins[0]}/{key}", bylines)
        return do(articles.register, site.id, given, now=NOON)[0]

    by_ann = articles.Byline("Ann Hollis", Role.AUTHOR, ann.email)
    by_rex = articles.Byline("Rex Adeyemi", Role.REVIEWER, rex.email)
    written_by_rex = articles.Byline("Rex Adeyemi", Role.AUTHOR, rex.email)
    for key, bylines in {"both": (by_ann, by_rex), "anns": (by_ann,), "rex-wrote": (written_by_rex,)}.items():
        cast(bylined(key, *bylines), yes=1)

    def keys(viewer: Viewer) -> set[str]:
        return {line.key for line in ask(stats.listing, viewer).items}

    assert keys(as_viewer(ann)) == {"both", "anns"}
    assert keys(as_viewer(rex)) == {"both"}
    assert keys(as_viewer(rex, Role.AUTHOR)) == {"rex-wrote"}
    assert keys(as_viewer(rex, Role.AUTHOR, Role.REVIEWER)) == {"both", "rex-wrote"}
    assert keys(as_viewer(rex, Role.ADMINISTRATOR)) == {"both", "anns", "rex-wrote"}


def test_an_article_opens_for_its_own_people_only(ask, ann, rex, ada, as_viewer, article, do, site):
    given = articles.Registration("other", "Other", f"{site.origins[0]}/other")
    do(articles.register, site.id, given, now=NOON)
    for person in (ann, rex, ada):
        assert ask(stats.open_article, as_viewer(person), article.key).id == article.id
    assert ask(stats.open_article, as_viewer(ada), "other").key == "other"
    for person in (ann, rex):
        with pytest.raises(Refused, match="not one of them"):
            ask(stats.open_article, as_viewer(person), "other")
    with pytest.raises(Missing):
        ask(stats.open_article, as_viewer(ann), "never heard of")


def test_moderators_and_tokens_without_a_person_see_no_figures(ask, mo, article, as_viewer, site):
    for viewer in (as_viewer(mo), Viewer(site.id, frozenset({Role.AUTHOR}), None), Viewer(site.id, frozenset(), None)):
        with pytest.raises(Refused):
            ask(stats.listing, viewer)
        with pytest.raises(Refused):
            ask(stats.open_article, viewer, article.key)


def test_an_administrator_of_one_site_sees_nothing_of_another(ask, do, article, cast):
    cast(article, yes=1)
    other = do(articles.add_site, "other", origins=["https://other.test"], now=NOON)
    viewer = Viewer(other.id, frozenset({Role.ADMINISTRATOR}), None)
    assert ask(stats.listing, viewer).items == []
    with pytest.raises(Missing):
        ask(stats.open_article, viewer, article.key)


def test_a_person_also_learns_of_their_articles_without_votes(ask, ann, ada, as_viewer, article, write, cast):
    cast(article, yes=1)
    write("fresh")
    assert [row.key for row in ask(stats.unvoted, as_viewer(ann))] == ["fresh"]
    assert [row.key for row in ask(stats.unvoted, as_viewer(ada))] == ["fresh"]
    assert ask(stats.unvoted, as_viewer(ada), most=0) == []
    assert [row.key for row in ask(stats.unvoted, as_viewer(ada), words="FRE")] == ["fresh"]
    assert ask(stats.unvoted, as_viewer(ada), words="other") == []


# Notes


def test_a_note_comes_with_its_circumstances_and_never_with_its_reader(ask, article, cast):
    cast(article, no=1, reason="unclear", section="dose-and-duration", note="How often?", revision="a")
    (note,) = ask(stats.notes, article).public()["items"]
    assert note == {
        "id": None,
        "note": "How often?",
        "reason": "unclear",
        "section": "dose-and-duration",
        "revision": None,
        "day": "2026-05-04",
        "value": "no",
        "status": "new",
        "fixed_in": None,
    }
    cast(article, yes=4, revision="a")
    assert ask(stats.notes, article).items[0].revision == "a"


def test_notes_come_newest_first_in_pages_without_gap_or_repetition(ask, article, cast):
    for number in range(55):
        # Three days, and moments that several notes share.
        at = NOON - timedelta(days=number // 24, minutes=number % 5)
        cast(article, no=1, note=f"note {number}", at=at)
    seen, sizes, cursor = [], [], None
    while True:
        page = ask(stats.notes, article, cursor=cursor)
        seen += page.items
        sizes.append(len(page.items))
        cursor = page.next
        if cursor is None:
            break
    assert sizes == [20, 20, 15]
    assert len({note.note for note in seen}) == 55
    assert [note.day for note in seen] == sorted((note.day for note in seen), reverse=True)


def test_the_cursor_of_notes_says_nothing_of_a_reader_or_a_time_of_day(ask, article, cast, rows):
    for number in range(25):
        cast(article, no=1, note=f"note {number}", at=NOON + timedelta(seconds=number))
    cursor = ask(stats.notes, article).next
    from feedback import opaque

    assert opaque.parse_cursor(cursor, str, int) == ["2026-05-04", 20]
    assert rows(select(Vote.reader))


def test_a_period_narrows_the_notes(ask, article, cast):
    for day in (1, 2, 3):
        cast(article, no=1, note=f"of day {day}", at=datetime(2026, 5, day, tzinfo=UTC))
    found = ask(stats.notes, article, asked=Asked(Period(date(2026, 5, 2), date(2026, 5, 2))))
    assert [note.note for note in found.items] == ["of day 2"]


def test_a_note_stands_on_the_day_on_which_it_was_written(do, ask, article, site):
    """Also where its vote is older: so it is ordered, found by a period, and told in the weekly letter."""
    page = articles.Page(ask(articles.site, site.slug), article.key)
    for day, note in ((1, None), (6, "Which dose?")):
        ballot = votes.Ballot(page, b"r" * 32, votes.Choice.NO, note=note)
        do(votes.cast, ballot, now=datetime(2026, 5, day, tzinfo=UTC))
    (found,) = ask(stats.notes, article).items
    assert found.day == date(2026, 5, 6)
    assert ask(stats.notes, article, asked=Asked(Period(date(2026, 5, 4), None))).items == [found]
    assert ask(stats.notes, article, asked=Asked(Period(None, date(2026, 5, 5)))).items == []
    assert ask(stats.notes, article, asked=Asked(Period(None, date.max))).items == [found]


def test_all_notes_are_walked_once_each(ask, article, cast, monkeypatch):
    monkeypatch.setattr(sys.modules["feedback.stats.notes"], "WALKED", 7)
    for number in range(21):
        cast(article, no=1, note=f"note {number}", at=NOON + timedelta(seconds=number // 5))
    walked = ask(lambda: [note.note for note in stats.all_notes(article)])
    assert sorted(walked) == sorted(f"note {number}" for number in range(21))


# The site's usual


def test_fitting_the_site_renews_its_prior_and_what_each_article_fails(do, ask, admin, library, site, rows):
    fitted = do(stats.fit, site.id)
    assert fitted == pytest.approx(statistics.fit_prior((yes, yes + no) for yes, no in RECORDS.values()))
    (kept,) = rows(select(Site))
    assert (kept.prior_mean, kept.prior_weight) == pytest.approx(tuple(fitted))
    lines = ask(stats.listing, admin, sort=Sort.WHERE_TO_START).items
    assert {line.key: line.fails for line in lines} == pytest.approx(
        {key: statistics.readers_failed(yes, yes + no, fitted) for key, (yes, no) in RECORDS.items()}
    )
    assert do(stats.fit, site.id) == fitted


def test_every_site_is_fitted_by_itself(do, library, site, rows):
    other = do(articles.add_site, "quiet", origins=["https://quiet.test"], now=NOON)
    do(stats.fit_sites, NOON)
    means = {row.id: row.prior_mean for row in rows(select(Site))}
    yes, total = sum(yes for yes, _ in RECORDS.values()), sum(sum(record) for record in RECORDS.values())
    assert means[site.id] == pytest.approx(yes / total)
    assert means[other.id] == statistics.USUAL_PRIOR.mean


# The API


def test_the_api_answers_the_figures_of_an_article(ann, ada, rex, article, cast, ask):
    cast(article, yes=15, no=5, revision="a")
    expected = ask(lambda: stats.article(article).public() | {"comments": stats.below(article).public()})
    for person in (ann, rex, ada):
        answer = person.gets("/stats", article=article.key)
        assert answer.status_code == 200
        assert answer.json == expected
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_api_tells_of_the_comments_what_the_page_shows(ann, mo, rae, article, do):
    sent = [rae.comments(article, f"comment {number}").json["comment"]["id"] for number in range(8)]
    for comment in sent[:6]:
        mo.posts("/decisions", comment=comment, version=1, action="approve")
    mo.posts("/decisions", comment=sent[6], version=1, action="reject")
    told = ann.gets("/stats", article=article.key).json["comments"]
    newest = told.pop("newest")
    assert told == {"approved": 6, "pending": 1, "rejected": 1, "spam": 0, "withdrawn": 0, "flagged": 0}
    assert [each["html"] for each in newest] == [f"<p>comment {number}</p>" for number in (5, 4, 3, 2, 1)]
    assert [each["id"] for each in newest] == sent[5:0:-1]
    do(articles.set_accepts, article.site_id, article.key, Accepts.HIDDEN)
    hidden = ann.gets("/stats", article=article.key).json["comments"]
    assert (hidden["approved"], hidden["newest"]) == (6, [])


def test_the_api_narrows_by_period_and_adds_up_weeks(ann, article, cast):
    for day in (1, 4, 6):
        cast(article, yes=1, at=datetime(2026, 5, day, tzinfo=UTC))
    query = {"article": article.key, "from": "2026-05-02", "to": "2026-05-31", "by": "week"}
    answer = ann.gets("/stats", **query)
    assert answer.json["series"] == [{"day": "2026-05-04", "yes": 2, "no": 0}]
    assert answer.json["votes"]["total"] == 2


def test_the_api_lists_articles_and_notes(ann, ada, article, cast, library):
    cast(article, no=1, note="How often?")
    listed = ada.gets("/stats", sort="most_helpful").json
    assert [item["article"]["key"] for item in listed["items"]][:2] == ["a-100", "c-400"]
    assert listed["next"] is None
    notes = ann.gets("/notes", article=article.key).json
    assert [item["note"] for item in notes["items"]] == ["How often?"]
    assert notes["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "20260501"}, "from"),
        ({"from": "2026-W18-5"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "٢٠٢٦-05-01"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-05-02", "to": "2026-05-01"}, "to"),
        ({"by": "month"}, "by"),
        ({"sort": "worst"}, "sort"),
    ],
)
def test_the_api_refuses_by_name_what_it_cannot_read(ann, article, query, field):
    answer = ann.gets("/stats", article=article.key, **query)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


@pytest.mark.parametrize("path", ["/stats", "/notes"])
def test_the_api_shows_figures_to_nobody_else(ann, mo, rae, connect, article, path, do, site):
    given = articles.Registration("other", "Other", f"{site.origins[0]}/other")
    do(articles.register, site.id, given, now=NOON)
    assert mo.gets(path, article=article.key).status_code == 403
    assert ann.gets(path, article="other").status_code == 403
    assert ann.gets(path, article="unknown").status_code == 404
    assert rae.gets(path, article=article.key).status_code == 401
    assert connect().get(f"/api/v1/{site.slug}{path}", query_string={"article": article.key}).status_code == 401


def test_the_api_refuses_a_cursor_that_is_none(ann, article):
    assert ann.gets("/stats", cursor="W10").status_code == 400
    assert ann.gets("/notes", article=article.key, cursor="W10").status_code == 400


# Cost


def test_no_figure_is_taken_from_a_scan(app, ask, admin, ann, as_viewer, article, cast, many, engine):
    """Every statement behind these pages is explained, and none walks through a growing table."""
    cast(article, no=30, note="n", reason="unclear", revision="a")
    statements: list[tuple[str, Any]] = []
    lists = 0  # how many of them read a whole site's list: these must follow an index, and sort nothing
    with app.app_context():

        @event.listens_for(db.engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if statement.startswith("SELECT"):
                statements.append((statement, parameters))

        for viewer in (admin, as_viewer(ann)):
            for sort in Sort:
                first = stats.listing(viewer, sort=sort)
                stats.listing(viewer, sort=sort, cursor=first.next)
            lists = lists or len(statements)
        stats.unvoted(as_viewer(ann))
        stats.article(article)
        first_notes = stats.notes(article)
        stats.notes(article, cursor=first_notes.next)
        stats.notes(article, asked=Asked(reason="unclear", section="dose", revision="a"), status=NoteStatus.NEW)
        stats.bursts(article)
        event.remove(db.engine, "before_cursor_execute", note)
        connection = db.session.connection()
        if engine == "postgresql":
            # A table of a test is so small that the planner would rightly read all of it.
            connection.execute(text("SET enable_seqscan = off"))
        explain = "EXPLAIN " if engine == "postgresql" else "EXPLAIN QUERY PLAN "
        for place, (statement, parameters) in enumerate(statements):
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
            for table in ("vote", "tally", "reason_tally", "standing", "article", "contributor"):
                assert f"SCAN {table}" not in plan.replace(f"SCAN {table} USING INDEX", ""), plan
                assert f"Seq Scan on {table} " not in plan, plan
            assert place >= lists or "TEMP B-TREE" not in plan, plan
        # Of votes, only those with a note and those that were set aside are read, each by an index of their own.
        apart = ("note IS NOT NULL", "burst_day IS NOT NULL")
        assert not any("FROM vote" in each and not any(part in each for part in apart) for each, _ in statements)


# What is asked for


@pytest.mark.parametrize(
    ("query", "revision"), [({}, None), ({"revision": ""}, None), ({"revision": " "}, ""), ({"revision": " v2 "}, "v2")]
)
def test_a_space_asks_for_the_revision_without_a_name(query, revision):
    asked = stats.asked(forms.read(forms.NARROWED, {**query, "from": "2026-05-01", "reason": "", "section": "dose"}))
    assert asked == stats.Asked(Period(start=date(2026, 5, 1)), revision, None, "dose")
