"""What authors see in the browser: sentences before numbers, their own articles only, every filter read or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from feedback import articles, stats, votes
from feedback.models import Accepts, Article, Role
from feedback.stats import words
from feedback.stats.figures import ArticleFigures
from feedback.stats.lists import Line
from feedback.stats.revisions import Edit, RevisionFigure
from feedback.stats.shares import Votes
from tests.cast import KEY, registration, rows_of
from tests.conftest import NOON

TODAY = date(2026, 6, 1)


@pytest.fixture
def write(do: Callable[..., Any], site: Any) -> Callable[[str], Article]:
    return lambda key: do(articles.register, site.id, registration(site, key, key.title()), now=NOON)[0]


def text_of(answer: Any) -> str:
    """A page's words as a reader sees them."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text.partition("<main")[2], flags=re.S)
    plain = re.sub(r"<[^>]+>", "", body.replace("</", " </").replace('<span class="nowrap">', ""))
    return " ".join(plain.replace("&#39;", "'").replace("&amp;", "&").split()).replace(" .", ".").replace(" ,", ",")


def page(client: Any, site: str, key: str = KEY, **query: str) -> Any:
    return client.get(f"/articles/{site}", query_string={"article": key, **query})


# Sentences


def _on(day: int) -> datetime:
    return datetime(2026, 5, day, tzinfo=UTC)


def figures(seen: list[tuple[str, int, int]], asked: stats.Asked = stats.EVERYTHING) -> ArticleFigures:
    from feedback.stats.revisions import last_edit

    revisions = [
        RevisionFigure(
            label, _on(place), None, Votes(yes, no), Votes(0, 0).count, _on(place), Votes(yes, no).count, label
        )
        for place, (label, yes, no) in enumerate(seen, start=2)
    ]
    edit = last_edit(revisions)
    return ArticleFigures(
        article=Article(key="k"),
        asked=asked,
        votes=Votes(sum(each.votes.yes for each in revisions), sum(each.votes.no for each in revisions)),
        reasons={},
        sections=[],
        revisions=revisions,
        last_edit=edit,
        edit=edit,
        series=[],
        alerts=[],
        every_reason={},
        every_section=[],
    )


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ([], "No votes yet."),
        ([("a", 1, 0)], "The one reader who voted found this helpful."),
        ([("a", 0, 1)], "The one reader who voted did not find this helpful."),
        ([("a", 3, 1)], "3 of the 4 readers who voted found this helpful."),
        ([("a", 8, 5)], "Early: 62 % of the 13 readers who voted found this helpful, 36–82 %."),
        ([("a", 157, 55)], "74 % of the 212 readers who voted found this helpful, 68–79 %."),
        (
            [("a", 60, 40), ("b", 45, 55)],
            "53 % of the 200 readers who voted found this helpful, 46–59 %; "
            "down from 60 % to 45 % since the edit of 3 May, likely worse.",
        ),
        (
            [("a", 45, 55), ("b", 60, 40)],
            "53 % of the 200 readers who voted found this helpful, 46–59 %; "
            "up from 45 % to 60 % since the edit of 3 May, likely better.",
        ),
        (
            [("a", 14, 6), ("b", 13, 7)],
            "68 % of the 40 readers who voted found this helpful, 52–80 %; whether the edit of 3 May changed that: "
            "not enough votes to tell; about 336 more would show a 10-point change.",
        ),
    ],
)
def test_the_sentence_says_how_many_voted_and_what_the_last_edit_did(seen, sentence):
    assert words.sentence(figures(seen), TODAY) == sentence


@pytest.mark.parametrize(
    ("period", "beginning"),
    [
        (stats.Period(date(2026, 5, 1), date(2026, 5, 31)), "From 1 May to 31 May: "),
        (stats.Period(date(2026, 5, 1), date(2026, 5, 1)), "On 1 May: "),
        (stats.Period(start=date(2025, 12, 31)), "Since 31 December 2025: "),
        (stats.Period(end=date(2026, 5, 31)), "Until 31 May: "),
    ],
)
def test_the_sentence_of_a_period_names_it_and_leaves_the_edit_out(period, beginning):
    told = words.sentence(figures([("a", 60, 40), ("b", 45, 55)], stats.Asked(period)), TODAY)
    assert told == f"{beginning}53 % of the 200 readers who voted found this helpful, 46–59 %."
    assert words.sentence(figures([], stats.Asked(period)), TODAY) == f"{beginning}no votes yet."


@pytest.mark.parametrize(
    ("asked", "beginning"),
    [
        (stats.Asked(revision="2026-05-03"), "Revision 3 May: "),
        (stats.Asked(revision=""), "The unnamed version: "),
        (stats.Asked(stats.Period(start=date(2026, 5, 1)), "v2"), "Since 1 May, revision v2: "),
    ],
)
def test_the_sentence_of_a_revision_names_it_and_leaves_the_edit_out(asked, beginning):
    told = words.sentence(figures([("a", 60, 40), ("b", 45, 55)], asked), TODAY)
    assert told == f"{beginning}53 % of the 200 readers who voted found this helpful, 46–59 %."


def test_an_edit_of_another_year_says_which():
    edit = figures([("a", 60, 40), ("b", 45, 55)]).edit
    assert isinstance(edit, Edit)
    assert "since the edit of 3 May 2026, likely worse" in words.since(edit, date(2027, 1, 1))


@pytest.mark.parametrize(
    ("label", "first_seen", "began", "day"),
    [
        ("2026-05-03", 9, 9, 3),
        ("2026-05-03T10:00:00+02:00", 9, 9, 3),
        ("2026-05-30", 9, 9, 9),  # an edit that is still to come cannot have been read
        ("v2", 9, 9, 9),
        ("2026-05-03", 4, 9, 9),  # the page went back to it
    ],
)
def test_an_edit_is_of_the_day_that_its_label_names(label, first_seen, began, day):
    figure = RevisionFigure(
        label, _on(first_seen), None, Votes(45, 55), Votes(0, 0).count, _on(began), Votes(45, 55).count, label
    )
    assert figure.day == date(2026, 5, day)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("2026-05-03", "3 May"),
        ("2026-05-03T10:00:00+02:00", "3 May"),
        ("2024-05-03", "3 May 2024"),
        ("v2.1", "v2.1"),
        ("", "unnamed version"),
    ],
)
def test_a_revision_is_called_by_its_date_where_its_label_is_one(label, name):
    assert words.version(label, TODAY) == name


@pytest.mark.parametrize(
    ("share", "told"), [(0.15, "+15"), (-0.072, "−7"), (0.004, "0"), (-0.004, "0"), (0.005, "+1"), (-0.005, "−1")]
)
def test_a_difference_is_told_in_points(share, told):
    assert words.points(share) == told


@pytest.mark.parametrize(("probability", "told"), [(0.999, "over 99 %"), (0.001, "under 1 %"), (0.984, "98 %")])
def test_nothing_is_called_certain(probability, told):
    assert words.chance(probability) == told


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        (0.0, "about as helpful as this site usually is, or more"),
        (0.6, "about 1 more of the readers who voted than usual went away without help"),
        (33.6, "about 34 more of the readers who voted than usual went away without help"),
    ],
)
def test_readers_failed_are_told_in_whole_readers(fails, told):
    assert words.failed(Line("k", None, Votes(3, 2), fails, None)) == told
    assert words.failed(Line("k", None, Votes(2, 2), fails, None)) == "a handful of votes says little"


def test_percentages_are_kept_in_one_line_and_no_word_is_lost():
    told = "Early: 62 % of the 13 readers who voted (36–82 %), up from 45 %."
    pieces = words.pieces(told)
    assert "".join(piece for piece, _ in pieces) == told
    assert [piece for piece, whole in pieces if whole] == ["62 %", "(36–82 %),", "45 %."]


# The list


def test_an_author_without_votes_is_told_when_figures_come(ann, article):
    told = text_of(ann.signs_in().get("/articles/"))
    assert "No votes yet An article appears here with the first reader who answers “Did this article help you?”" in told
    assert article.title in told


def test_the_list_shows_share_votes_wording_and_the_drawn_interval(ann, article, cast):
    cast(article, yes=15, no=5)
    answer = ann.signs_in().get("/articles/")
    assert answer.status_code == 200
    assert "75 % of the 20 readers who voted (53–89 %)" in text_of(answer)
    assert "15 Yes 5 No" in text_of(answer)
    assert re.search(r'class="range" x="53\.13%" y="3" width="35\.68%"', answer.text)
    assert f"/articles/health?article={article.key}" in answer.text


@pytest.mark.parametrize(
    ("sort", "first"),
    [("needs_work", "bad"), ("most_helpful", "good"), ("where_to_start", "bad"), ("votes", "busy"), ("", "bad")],
)
def test_each_tab_has_its_own_order(ann, article, write, cast, sort, first):
    for key, record in {"bad": (30, 70), "good": (100, 1), "busy": (650, 50)}.items():
        cast(write(key), yes=record[0], no=record[1])
    answer = ann.signs_in().get("/articles/", query_string={"sort": sort})
    assert re.findall(r"<h2><a href=\"[^\"]*article=([\w-]+)\"", answer.text)[0] == first
    assert answer.text.count('aria-current="page"') == 2  # the room and the tab


def test_a_few_votes_have_no_rank_and_no_percentage(ann, article, cast):
    cast(article, yes=3, no=1)
    told = text_of(ann.signs_in().get("/articles/"))
    assert "3 of the 4 readers who voted" in told
    assert "Place" not in told


def test_long_lists_have_pages(ann, do, write, cast):
    for number in range(52):
        cast(write(f"k{number}"), yes=number % 9, no=1)
    client = ann.signs_in()
    first = client.get("/articles/")
    (after,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(after.replace("&amp;", "&"))
    keys = [re.findall(r"<h2><a href=\"[^\"]*article=(k\d+)\"", answer.text) for answer in (first, second)]
    assert [len(page) for page in keys] == [50, 2]
    assert len({*keys[0], *keys[1]}) == 52


def test_a_search_finds_titles_and_keys_in_the_order_of_the_list(ann, write, cast):
    for key, record in {"neck-pain": (2, 30), "knee": (30, 2), "stiff-neck": (30, 30), "n_ck": (5, 5)}.items():
        cast(write(key), yes=record[0], no=record[1])
    write("neck-rest")
    client = ann.signs_in()
    answer = client.get("/articles/?q=NECK")
    assert re.findall(r"<h2><a href=\"[^\"]*article=([\w-]+)\"", answer.text) == ["neck-pain", "stiff-neck"]
    assert "Neck-Rest" in text_of(answer)
    assert "Place" not in text_of(answer)
    assert re.search(r'href="/articles/\?sort=votes&amp;q=NECK"', answer.text)
    assert re.findall(r"article=([\w-]+)", client.get("/articles/?q=n_c&sort=votes").text) == ["n_ck"]
    assert "No article has “elbow” in its title or key." in text_of(client.get("/articles/?q=elbow"))
    assert "No article with a vote has “rest” in its title or key." in text_of(client.get("/articles/?q=rest"))
    found = ann.gets("/stats", q="neck", sort="most_helpful").json["items"]
    assert [item["article"]["key"] for item in found] == ["stiff-neck", "neck-pain"]


def test_a_list_can_be_taken_away_whole(ann, ada, write, cast, do, site):
    for number in range(52):
        cast(write(f"found-{number}"), yes=number, no=1)
    write("found-by-nobody")
    cast(write("few"), yes=3, no=1)
    elses = articles.Registration("elses", "Somebody else's", f"{site.origins[0]}/elses")
    do(articles.register, site.id, elses, now=NOON)
    client = ann.signs_in()
    links = re.findall(r'href="([^"]*articles\.(?:csv|json)[^"]*)"', client.get("/articles/?sort=votes&q=found").text)
    table, told = (client.get(link.replace("&amp;", "&"), buffered=True) for link in links)
    lines = rows_of(table)
    keys = [f"found-{number}" for number in range(51, -1, -1)]
    assert [line["article"] for line in lines] == [*keys, "found-by-nobody"]
    assert (lines[0]["yes"], lines[0]["no"], lines[0]["share"][:6], lines[0]["place"]) == ("51", "1", "0.9807", "")
    assert [item["article"]["key"] for item in told.json["items"]] == keys
    assert told.json["items"][:50] == ann.gets("/stats", q="found", sort="votes").json["items"]
    assert told.json["unvoted"] == [{"key": "found-by-nobody", "title": "Found-By-Nobody"}]
    assert told.json["usual"] == {"share": 0.7, "votes": 20.0} and told.json["sort"] == "votes"

    ranked = {line["article"]: line for line in rows_of(client.get("/articles/health/articles.csv", buffered=True))}
    assert ranked["found-19"]["place"] == "1"
    assert [ranked["few"][name] for name in ("yes", "share", "place", "fails")] == ["3", "", "", ""]
    assert "elses" not in ranked
    every = rows_of(ada.signs_in().get("/articles/health/articles.csv", buffered=True))
    assert {line["article"] for line in every if line["yes"] == "0" == line["no"]} == {"found-by-nobody", "elses"}
    refused = client.get("/articles/health/articles.csv?sort=worst")
    assert refused.status_code == 422 and "<h1>" in refused.text


def test_a_search_has_pages(ann, write, cast):
    for number in range(52):
        cast(write(f"found-{number}"), yes=1)
        cast(write(f"other-{number}"), yes=1)
    first = ann.gets("/stats", q="found").json
    second = ann.gets("/stats", q="found", cursor=first["next"]).json
    keys = [item["article"]["key"] for item in first["items"] + second["items"]]
    assert len(keys) == 52 and set(keys) == {f"found-{number}" for number in range(52)}
    (after,) = re.findall(r'rel="next" href="([^"]+)"', ann.signs_in().get("/articles/?q=found").text)
    assert "q=found" in after


@pytest.mark.parametrize(
    ("query", "status"), [({"sort": "worst"}, 422), ({"cursor": "W10"}, 400), ({"site": "elsewhere"}, 404)]
)
def test_a_list_that_cannot_be_shown_is_refused_in_words(ann, article, query, status):
    answer = ann.signs_in().get("/articles/", query_string=query)
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_an_administrator_sees_all_and_an_author_their_own(ann, ada, do, site, cast):
    given = articles.Registration("elses", "Somebody else's", f"{site.origins[0]}/elses")
    cast(do(articles.register, site.id, given, now=NOON)[0], yes=1)
    assert "Somebody else's" in text_of(ada.signs_in().get("/articles/"))
    assert "Somebody else's" not in text_of(ann.signs_in().get("/articles/"))


def test_a_person_of_two_sites_chooses_between_them(ann, do, ask, article, cast, site):
    other = do(articles.add_site, "other", origins=["https://other.test"], name="Other Site", now=NOON)
    given = articles.Registration(
        "there", "Over there", "https://other.test/there", (articles.Byline("Ann", Role.AUTHOR, ann.email),)
    )
    there, _ = do(articles.register, other.id, given, now=NOON)
    from feedback import staff

    do(lambda: staff.join(staff.find_user(ann.email), other, Role.AUTHOR))
    page_there = articles.Page(ask(articles.site, "other"), there.key)
    do(votes.cast, votes.Ballot(page_there, b"r" * 32, votes.Choice.YES), now=NOON)
    cast(article, yes=1)
    client = ann.signs_in()
    assert "Over there" in text_of(client.get("/articles/?site=other"))
    assert "Over there" not in text_of(client.get("/articles/?site=health"))
    assert page(client, "other", "there").status_code == 200
    assert page(client, "health", "there").status_code == 404


# One article


def test_the_page_begins_with_the_sentence(ann, article, cast, clock):
    cast(article, yes=60, no=40, revision="a", at=NOON - timedelta(days=9))
    cast(article, yes=45, no=55, revision="b", at=NOON - timedelta(days=1))
    told = text_of(page(ann.signs_in(), "health"))
    assert told.find(
        "53 % of the 200 readers who voted found this helpful, 46–59 %; "
        "down from 60 % to 45 % since the edit of 3 May, likely worse."
    ) < told.find("Votes over time")
    assert "Likely worse. The share changed by −15 points (likely between −28 and −1)." in told


def test_the_chart_is_drawn_with_revisions_and_told_in_a_table(ann, article, cast):
    cast(article, yes=6, no=2, revision="first edition", at=NOON - timedelta(days=4))
    cast(article, yes=3, no=1, revision="a much longer name of a revision", at=NOON)
    cast(article, yes=2, revision="a much longer name of a revision", at=NOON)
    answer = page(ann.signs_in(), "health")
    assert answer.text.count('class="chart-yes"') == 2
    assert answer.text.count('class="chart-no"') == 2
    assert ">first edition</text>" in answer.text
    assert ">a much longer n…</text>" in answer.text
    assert "<title>Revision: a much longer name of a revision</title>" in answer.text
    assert "11 Yes and 3 No from 30 April to 4 May" in text_of(answer)
    assert "Day Yes No 4 May 5 1 30 April 6 2" in text_of(answer)


def test_the_chart_follows_day_week_and_period(ann, article, cast):
    for days in (0, 1, 8):
        cast(article, yes=1, at=NOON - timedelta(days=days))
    client = ann.signs_in()
    assert "Day Yes No 4 May 1 0 3 May 1 0 26 April 1 0" in text_of(page(client, "health"))
    assert "Week of Yes No 4 May 1 0 27 April 1 0 20 April 1 0" in text_of(page(client, "health", by="week"))
    told = text_of(page(client, "health", **{"from": "2026-05-01", "to": "2026-05-03"}))
    assert "From 1 May to 3 May: the one reader who voted found this helpful." in told
    assert "Day Yes No 3 May 1 0" in told


def test_many_days_are_drawn_as_weeks_unless_days_are_asked_for(ann, article, cast):
    for days in (0, 70):
        cast(article, yes=1, at=NOON - timedelta(days=days))
    client = ann.signs_in()
    assert "Week of Yes No" in text_of(page(client, "health"))
    assert "Day Yes No" in text_of(page(client, "health", by="day"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"from": "yesterday"}, "From: This should be a day, written like 2026-05-03."),
        ({"to": "2026-02-30"}, "To: This should be a day, written like 2026-05-03."),
        ({"from": "2026-05-02", "to": "2026-05-01"}, "To: The last day should not be before the first."),
        ({"by": "month"}, "By: This should be day or week."),
        ({"from": "<script>"}, "From: This should be a day"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named_beside_the_whole_figures(ann, article, cast, query, told):
    cast(article, yes=1)
    answer = page(ann.signs_in(), "health", **query)
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert "All votes are shown instead." in text_of(answer)
    assert "The one reader who voted found this helpful." in text_of(answer)
    assert "<script>" not in answer.text.partition("<main")[2]


def test_unknown_parameters_are_no_way_into_the_links(ann, article, cast):
    cast(article, yes=1)
    query = {"slug": "other", "_external": "1", "_scheme": "javascript", "_anchor": "x", "by": "day"}
    answer = page(ann.signs_in(), "health", **query)
    assert answer.status_code == 200
    assert "javascript" not in answer.text


@pytest.mark.parametrize("query", [{}, {"article": ""}, {"article": "x\ud800".encode("utf-8", "surrogatepass")}])
def test_a_page_of_no_article_is_refused(ann, article, query):
    assert ann.signs_in().get("/articles/health", query_string=query).status_code in (404, 422)


def test_reasons_and_sections_are_listed_in_words(ann, article, cast):
    cast(article, yes=1)
    cast(article, no=3, reason="unclear", section="side-effects-and-cautions")
    cast(article, no=1, reason="unsafe")
    cast(article, no=2, reason="looking_for_something_else")
    cast(article, no=1)
    told = text_of(page(ann.signs_in(), "health"))
    assert "6 of the 7 readers who said No gave a reason." in told
    assert "Hard to understand 3" in told
    assert "Could be unsafe 1" in told
    assert "2 more were looking for something else: the page was wrong for them, not the article." in told
    assert "Side effects and cautions 3" in told


def test_notes_are_listed_with_their_circumstances(ann, article, cast):
    cast(article, no=1, reason="unclear", section="dose", note="How often a day?\n<b>Really</b>", revision="v2")
    answer = page(ann.signs_in(), "health")
    assert "How often a day? &lt;b&gt;Really&lt;/b&gt;" in text_of(answer)
    assert "No · Hard to understand · Dose · 4 May" in text_of(answer)
    assert "v2" not in text_of(answer)
    cast(article, yes=4, revision="v2")
    assert "No · Hard to understand · Dose · revision v2 · 4 May" in text_of(page(ann.signs_in(), "health"))


def test_older_notes_are_on_further_pages(ann, article, cast):
    for number in range(25):
        cast(article, no=1, note=f"note {number:02}", at=NOON + timedelta(minutes=number))
    client = ann.signs_in()
    first = page(client, "health")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(older.replace("&amp;", "&"))
    found = [re.findall(r"note \d\d", answer.text) for answer in (first, second)]
    assert [len(notes) for notes in found] == [20, 5]
    assert found[0][0] == "note 24"
    assert found[1][-1] == "note 00"


def test_the_newest_published_comments_are_shown_with_the_way_to_each(ann, ada, mo, rae, article):
    sent = [rae.comments(article, f"comment {number}").json["comment"]["id"] for number in range(8)]
    for comment in sent[:6]:
        mo.posts("/decisions", comment=comment, version=1, action="approve")
    mo.posts("/decisions", comment=sent[6], version=1, action="spam")
    answer = page(ann.signs_in(), "health")
    assert re.findall(r"comment \d", answer.text) == [f"comment {number}" for number in (5, 4, 3, 2, 1)]
    assert f'href="{article.url}#comment-{sent[5]}"' in answer.text
    told = text_of(answer)
    assert "The newest of 6 published comments." in told
    assert "Not on the page, or in question: 1 waiting, 1 spam." in told
    assert "/moderation/" not in answer.text
    queue = f"/moderation/?site=health&amp;article={article.key}&amp;state=all"
    assert queue in page(ada.signs_in(), "health").text
    assert ada.signs_in().get(queue.replace("&amp;", "&")).status_code == 200


def test_a_comment_on_an_article_without_an_address_is_read_on_our_page(ann, mo, rae, do, site, client):
    rae.comments("no address", "first here")
    (waiting,) = mo.gets("/queue").json["items"]
    mo.posts("/decisions", comment=waiting["id"], version=1, action="approve")
    from feedback.models import Contributor

    def write_of_ann() -> None:
        article = articles.get(site.id, "no address")
        article.contributors.append(Contributor(role=Role.AUTHOR, name="Ann", user_id=ann.id))

    do(write_of_ann)
    told = page(ann.signs_in(), "health", "no address").text
    (link,) = re.findall(r'href="(/f/health\?article=no%20address&amp;around=[^"]+)"', told)
    assert "first here" in client.get(link.replace("&amp;", "&").partition("#")[0]).text


def test_where_there_are_no_comments_the_page_says_why(ann, do, site, article, rae):
    told = text_of(page(ann.signs_in(), "health"))
    assert "No comments yet. Readers write them below the article" in told
    rae.comments(article, "waits")
    assert "Nothing is published yet." in text_of(page(ann.signs_in(), "health"))
    do(articles.set_accepts, site.id, article.key, Accepts.HIDDEN)
    assert "The comments of this article are hidden from readers." in text_of(page(ann.signs_in(), "health"))


def test_an_article_without_votes_says_so_everywhere(ann, article):
    told = text_of(page(ann.signs_in(), "health"))
    for words_of_it in ("No votes yet.", "No votes to draw.", "Nobody said No.", "There is nothing to compare yet"):
        assert words_of_it in told
    assert "No notes yet." in told


def test_votes_set_aside_are_mentioned_and_not_counted(ann, article, do, ask, site):
    do(articles.change_site, site.slug, quarantine_limit=1)
    view = ask(articles.site, site.slug)
    for reader in range(3):
        ballot = votes.Ballot(
            articles.Page(view, article.key), bytes([reader]) * 32, votes.Choice.NO, network=b"n" * 32
        )
        do(votes.cast, ballot, now=NOON)
    told = text_of(page(ann.signs_in(), "health"))
    assert "The one reader who voted did not find this helpful." in told
    assert "2 more votes were set aside, because too many came from one network on one day." in told


def test_a_drop_is_told_at_the_top(ann, article, cast):
    cast(article, yes=180, no=20, revision="a", at=NOON - timedelta(days=3))
    cast(article, yes=10, no=20, revision="b", at=NOON - timedelta(days=1))
    told = text_of(page(ann.signs_in(), "health"))
    sentence = (
        "Fewer readers are helped than before. Since the edit of 3 May, 10 of the 30 readers who voted "
        "found this helpful. Before it, 85–93 % did."
    )
    assert sentence in told
    assert told.index(sentence) < told.index("Votes over time")


def test_text_of_others_is_never_markup(ann, do, site, cast):
    hostile = "<img src=x onerror=alert(1)>\"'&"
    given = articles.Registration(
        hostile, hostile, "https://a.test/x", (articles.Byline("Ann", Role.AUTHOR, ann.email),), hostile[:60], hostile
    )
    article, _ = do(articles.register, site.id, given, now=NOON)
    cast(article, no=6, note=hostile, section=hostile, revision=hostile[:60])
    client = ann.signs_in()
    for answer in (client.get("/articles/"), page(client, "health", hostile)):
        assert answer.status_code == 200
        assert "<img" not in answer.text
        assert "style=" not in answer.text


# Access


@pytest.mark.parametrize("path", ["/articles/", f"/articles/health?article={KEY}"])
def test_figures_are_for_authors_reviewers_and_administrators(ann, rex, ada, mo, connect, article, path):
    for person in (ann, rex, ada):
        assert person.signs_in().get(path).status_code == 200
    assert mo.signs_in().get(path).status_code == 403
    stranger = connect().get(path)
    assert stranger.status_code == 303
    assert "/sign-in" in stranger.headers["Location"]


def test_another_authors_article_is_refused(ann, do, site):
    given = articles.Registration("elses", "Somebody else's", f"{site.origins[0]}/elses")
    do(articles.register, site.id, given, now=NOON)
    answer = page(ann.signs_in(), "health", "elses")
    assert answer.status_code == 403
    assert "Somebody else's" not in text_of(answer)
    assert page(ann.signs_in(), "nowhere").status_code == 404
