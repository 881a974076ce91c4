"""Notes to authors: found by their words and by what became of them, marked by whom they concern, named without a trace
of who wrote them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from feedback import articles, readers, stats, votes
from feedback.errors import Conflict, Invalid, Missing
from feedback.models import Article, NoteStatus, Vote
from tests.test_authors import text_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEYS = ("the-first-secret-of-this-service", "an-older-secret-of-this-service!")
NEW, DONE, FIXED = NoteStatus.NEW, NoteStatus.DONE, NoteStatus.FIXED


@pytest.fixture
def noted(article: Article, poll: Callable[..., Any]) -> Article:
    """Three notes: on the dose (unclear, revision a), on the pump, and on the dose again, the newest."""
    poll(article, yes=4, revision="a")
    poll(article, no=1, note="What dose for the old?", reason="unclear", section="dose", revision="a")
    poll(article, no=1, note="Where is the PUMP?", reason="other", revision="b")
    poll(article, yes=1, note="100 % clear on the dose")
    return article


@pytest.fixture
def found(ask: Callable[..., Any], noted: Article) -> Callable[..., list[str]]:
    """The first words of the notes that are asked for."""
    return lambda **asked: sorted(note.note.split()[0] for note in ask(stats.notes, noted, **asked).items)


@pytest.fixture
def names(app: Any) -> stats.Names:
    return stats.Names(app.config["SETTINGS"].secret_keys)


@pytest.fixture
def name_of(ask: Callable[..., Any], noted: Article, names: stats.Names) -> Callable[[str], str]:
    """The name of the note that begins with a word."""

    def look(word: str) -> str:
        (note,) = [each for each in ask(stats.notes, noted, names=names).items if each.note.startswith(word)]
        return note.id  # type: ignore[no-any-return]

    return look


def write(client: Any, article: Article, **sent: str) -> Any:
    """Send the form of a note, as the article's page has it."""
    here = f"/articles/health?article={article.key}"
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account/password").text)
    assert token
    return client.post(
        "/articles/health/notes", data={"csrf_token": token[1], "article": article.key, "back": here} | sent
    )


# Which are shown


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, ["100", "What", "Where"]),
        ({"words": "dose"}, ["100", "What"]),
        ({"words": "pump"}, ["Where"]),
        ({"words": "100 %"}, ["100"]),
        ({"words": "_"}, []),
        ({"asked": stats.Asked(reason="unclear")}, ["What"]),
        ({"asked": stats.Asked(section="dose")}, ["What"]),
        ({"asked": stats.Asked(revision="a")}, ["What"]),
        ({"asked": stats.Asked(revision="a"), "words": "pump"}, []),
        ({"status": DONE}, []),
        ({"status": NEW, "asked": stats.Asked(reason="other")}, ["Where"]),
        ({"asked": stats.Asked(stats.Period(end=date(2026, 5, 3)))}, []),
    ],
)
def test_notes_are_found_by_words_and_circumstances(found, asked, words):
    assert found(**asked) == words


def test_notes_are_found_by_what_became_of_them(do, found, noted, names, name_of):
    do(stats.mark_note, noted, name_of("What"), FIXED, names=names, fixed_in="a")
    do(stats.mark_note, noted, name_of("Where"), DONE, names=names)
    assert found(status=NEW) == ["100"]
    assert found(status=DONE) == ["Where"]
    assert found(status=FIXED) == ["What"]


def test_pages_of_what_was_found_have_no_gap_and_no_repetition(ask, article, poll):
    for number in range(3):
        poll(article, no=15, note=f"on the dose, {number}", at=NOON.replace(day=1 + number))
        poll(article, no=5, note="on the pump", at=NOON.replace(day=1 + number))
    cursor, sizes = None, []
    while cursor or not sizes:
        page = ask(stats.notes, article, words="dose", cursor=cursor)
        assert all("dose" in note.note for note in page.items)
        sizes.append(len(page.items))
        cursor = page.next
    assert sizes == [20, 20, 5]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "dose"}, ["100", "What"]),
        ({"status": "done"}, []),
        ({"reason": "unclear", "section": "dose", "revision": "a"}, ["What"]),
        ({"from": "2026-05-05"}, []),
        ({"to": "2026-05-04"}, ["100", "What", "Where"]),
    ],
)
def test_page_csv_and_api_agree_on_which_notes_are_asked_for(ann, noted, query, words):
    asked = {"article": noted.key, **query}
    answer = ann.gets("/notes", **asked)
    assert sorted(item["note"].split()[0] for item in answer.json["items"]) == words
    client = ann.signs_in()
    told = client.get("/articles/health", query_string=asked).text
    assert sorted(re.findall(r'id="note-\d+" dir="auto">(\w+)', told)) == words
    csv = client.get("/articles/health/figures.csv", query_string=asked, buffered=True).text
    assert sorted(re.findall(r"^note,.*,(100|What|Where) ", csv, re.M)) == words


@pytest.mark.parametrize("query", [{"status": "read"}, {"q": "x" * 201}, {"from": "soon"}, {"revision": "r" * 65}])
def test_the_api_refuses_by_name_what_it_cannot_read(ann, noted, query):
    answer = ann.gets("/notes", article=noted.key, **query)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == list(query)


def test_a_filter_of_the_page_that_cannot_be_read_is_named_and_all_notes_stay(ann, noted):
    answer = ann.signs_in().get(f"/articles/health?article={noted.key}&status=read")
    assert answer.status_code == 422
    told = text_of(answer)
    assert "This should be new, done or fixed. All notes are shown instead." in told
    assert "Where is the PUMP?" in told


def test_where_no_note_matches_the_page_says_so_and_leads_back(ann, noted):
    answer = ann.signs_in().get(f"/articles/health?article={noted.key}&q=zebra")
    assert "No note matches." in text_of(answer)
    assert f'href="/articles/health?article={noted.key}#notes">all notes' in answer.text


# Names


def test_a_name_says_nothing_of_the_reader_and_nobody_can_make_one(article):
    names, reader = stats.Names(KEYS), readers.digest(uuid4(), "r" * 22)
    name = names.of(article.id, reader, "Why?")
    assert re.fullmatch(r"[\w-]{84}", name)
    from base64 import urlsafe_b64decode

    assert reader not in urlsafe_b64decode(name)
    assert names.read(article.id, name)[0] == reader
    assert names.of(uuid4(), reader, "Why?")[:44] != name[:44]
    assert names.read(uuid4(), name) is None
    for bad in ("", "x", "ü", name[:-1], name[::-1], "A" * 84, name + name):
        assert names.read(article.id, bad) is None


def test_a_name_outlives_a_change_of_keys_while_the_old_one_is_known(article):
    old = stats.Names(KEYS[1:]).of(article.id, b"r" * 32, "Why?")
    assert stats.Names(KEYS).read(article.id, old) is not None
    assert stats.Names(KEYS[:1]).read(article.id, old) is None
    assert stats.Names(KEYS).of(article.id, b"r" * 32, "Why?") != old


def test_no_answer_holds_a_readers_hash(ann, noted, rows):
    texts = [
        ann.gets("/notes", article=noted.key).text,
        ann.signs_in().get(f"/articles/health?article={noted.key}").text,
    ]
    from base64 import urlsafe_b64encode

    for reader in rows(select(Vote.reader)):
        for text in texts:
            assert reader.hex() not in text
            assert urlsafe_b64encode(reader).decode().rstrip("=")[:40] not in text


# Marking


def test_a_note_is_marked_done_fixed_and_new_again_from_the_page(ann, noted, name_of, rows):
    client, note = ann.signs_in(), name_of("What")

    def state() -> Any:
        (row,) = rows(select(Vote).where(Vote.note.startswith("What")))
        return row.note_status, row.fixed_in

    answer = write(client, noted, note=note, status="done")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/articles/health?article={noted.key}#notes"
    assert state() == (DONE, None)
    write(client, noted, note=note, status="fixed", revision="a")
    assert state() == (FIXED, "a")
    told = text_of(client.get(f"/articles/health?article={noted.key}"))
    assert "The note is marked as fixed in the revision a." in told
    assert "4 May · fixed in a" in told
    write(client, noted, note=note, status="new", revision="a")
    assert state() == (NEW, None)


def test_marking_moves_nothing_else(do, rows, noted, names, name_of):
    before = [(vote.updated, vote.day, vote.note) for vote in rows(select(Vote).order_by(Vote.reader))]
    do(stats.mark_note, noted, name_of("What"), DONE, names=names)
    assert [(vote.updated, vote.day, vote.note) for vote in rows(select(Vote).order_by(Vote.reader))] == before


def test_authors_reviewers_and_administrators_mark_and_nobody_else(ann, rex, ada, mo, connect, noted, name_of, rows):
    note = name_of("What")
    for person in (ann, rex, ada):
        assert write(person.signs_in(), noted, note=note, status="done").status_code == 303
        assert write(person.signs_in(), noted, note=note, status="new").status_code == 303
    assert write(mo.signs_in(), noted, note=note, status="done").status_code == 403
    sent = {"article": noted.key, "note": note, "status": "done"}
    assert ann.signs_in().post("/articles/health/notes", data=sent).status_code == 400  # without the form's token
    assert "/sign-in" in connect().post("/articles/health/notes", data=sent).headers["Location"]
    assert rows(select(Vote).where(Vote.note_status != NEW)) == []


def test_an_author_marks_no_note_of_another_ones_article(ann, do, site, noted, poll, ask, names, rows):
    given = articles.Registration("elses", "Somebody else's", f"{site.origins[0]}/elses")
    other, _ = do(articles.register, site.id, given, now=NOON)
    poll(other, no=1, note="Not yours")
    (note,) = ask(stats.notes, other, names=names).items
    client = ann.signs_in()
    assert write(client, other, note=note.id, status="done").status_code == 403
    write(client, noted, note=note.id, status="done")
    assert rows(select(Vote).where(Vote.note_status != NEW)) == []


def test_a_note_that_its_reader_has_changed_meanwhile_is_not_marked(do, noted, names, name_of, rows):
    note = name_of("What")
    do(lambda: votes.run(update(Vote).where(Vote.note.startswith("What")).values(note="What of the children?")))
    with pytest.raises(Conflict, match="changed this note since"):
        do(stats.mark_note, noted, note, DONE, names=names)
    assert rows(select(Vote).where(Vote.note_status != NEW)) == []


def test_a_note_that_its_reader_changes_is_new_again(rae, ann, article, poll, rows):
    poll(article, yes=4, revision="a")
    rae.votes(article, "no", note="Why?", revision="a")
    (note,) = ann.gets("/notes", article=article.key).json["items"]
    client = ann.signs_in()
    write(client, article, note=note["id"], status="fixed", revision="a")
    (marked,) = ann.gets("/notes", article=article.key).json["items"]
    assert (marked["status"], marked["fixed_in"], marked["id"]) == ("fixed", "a", note["id"])
    rae.votes(article, "no", section="dose")
    (kept,) = ann.gets("/notes", article=article.key).json["items"]
    assert kept["status"] == "fixed"
    rae.votes(article, "no", note="Why not?")
    (anew,) = ann.gets("/notes", article=article.key).json["items"]
    assert (anew["status"], anew["fixed_in"]) == ("new", None)
    assert anew["id"] != note["id"]
    write(client, article, note=note["id"], status="done")
    told = text_of(client.get(f"/articles/health?article={article.key}"))
    assert "Its reader has changed this note since." in told


def test_a_note_that_was_taken_back_is_gone(do, rae, article, ask, names):
    rae.votes(article, "no", note="Why?")
    (note,) = ask(stats.notes, article, names=names).items
    rae.votes(article, "no", note="")
    for gone in (note.id, "never-a-name"):
        with pytest.raises(Missing, match="no such note"):
            do(stats.mark_note, article, gone, DONE, names=names)


@pytest.mark.parametrize("revision", [None, "", "b", "unheard-of"])
def test_a_note_is_fixed_only_in_a_revision_that_authors_are_shown(do, noted, names, name_of, revision):
    with pytest.raises(Invalid):
        do(stats.mark_note, noted, name_of("What"), FIXED, names=names, fixed_in=revision)


@pytest.mark.parametrize("sent", [{"status": "lost"}, {"status": ""}, {"note": ""}])
def test_a_form_that_cannot_be_read_is_refused(ann, noted, name_of, sent):
    assert write(ann.signs_in(), noted, **{"note": name_of("What"), "status": "done", **sent}).status_code == 422


def test_the_csv_says_what_became_of_a_note(ann, noted, do, names, name_of):
    do(stats.mark_note, noted, name_of("What"), FIXED, names=names, fixed_in="a")
    client = ann.signs_in()
    csv = client.get("/articles/health/figures.csv", query_string={"article": noted.key}, buffered=True).text
    assert csv.splitlines()[0].endswith(",text,status,fixed_in")
    (line,) = [line for line in csv.splitlines() if "What dose" in line]
    assert line.endswith("What dose for the old?,fixed,a")


def test_a_reader_is_given_what_became_of_their_note(rae, ann, article):
    rae.votes(article, "no", note="Why?")
    (note,) = ann.gets("/notes", article=article.key).json["items"]
    write(ann.signs_in(), article, note=note["id"], status="done")
    (vote,) = rae.posts("/export").json["votes"]
    assert (vote["note_status"], vote["fixed_in"]) == ("done", None)
