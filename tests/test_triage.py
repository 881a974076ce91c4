"""What moderators decide is learned: what is scored and held by it, what it explains, and what it must forget."""

from collections.abc import Callable
from html import unescape
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from feedback import articles, comments, learning, moderation, opaque, removal, rights, statistics, text, triage, worker
from feedback.db import db, uuid7
from feedback.models import Article, Comment, Decision, Site, State, TriageModel
from feedback.policy import Policy
from feedback.staff import Actor
from feedback.triage import memory, training
from feedback.triage.learned import HEAD_CHARS, WEIGHTS, Example, Model, Sample, fit, unpack
from tests.bench import triage as measured

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
MO = Actor("Mo", uuid7())

KIND = (
    "My neck was stiff for {} weeks, and the warm bath in the evening helped me more than any tablet.",
    "Could you say whether the tablets make you tired? I drive {} hours a day.",
    "Thank you, my doctor said the same: {} mg to begin with, and never with wine.",
    "The table of side effects is hard to read on my phone, row {} is cut off.",
    "My mother took it for {} months and had to stop slowly.",
)
SPAM = (
    "Cheap pills without prescription, order {} today at https://pills{}.example now!!!",
    "Subscribe to my channel, I post {} videos a day, check it out",
    "EARN {} $ A DAY FROM HOME, click www.money{}.example",
    "Hey guys check out my new channel and subscribe, {} subscribers already",
    "Best casino bonus {} free spins, click here https://casino{}.example",
)


def kind(number: int) -> str:
    return KIND[number % len(KIND)].format(number)


def spam(number: int) -> str:
    return SPAM[number % len(SPAM)].format(number, number)


# The model by itself


@pytest.fixture(scope="module")
def model() -> Model:
    pairs = [(kind(number), spam(number)) for number in range(60)]
    return fit(Example(Sample(source), bad) for pair in pairs for source, bad in zip(pair, (False, True), strict=True))


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("Does the warm bath help with a stiff neck, too?", False),
        ("My doctor told me to stop slowly.", False),
        ("Order cheap pills today, no prescription", True),
        ("please subscribe to my channel", True),
        ("PLEASE SUBSCRIBE TO MY CHANNEL", True),
        (
            "\U0001d412\U0001d42e\U0001d41b\U0001d42c\U0001d41c\U0001d42b\U0001d422\U0001d41b\U0001d41e to my channel",
            True,
        ),
        ("subscribing to channels", True),
    ],
)
def test_what_is_alike_scores_alike(model, source, bad):
    assert (model.score(Sample(source)) > 0.5) is bad


def test_every_text_has_a_score_that_tells_it_from_others(model):
    scores = [
        model.score(Sample(source)) for source in ("", " ", "\U0001f600", "x" * 5_000, "!" * 5_000, "\ud800", "а́" * 99)
    ]
    assert all(0 < score < 1 for score in scores)
    assert len({model.score(Sample(spam(number))) for number in range(20)}) == 20


def test_a_packed_model_scores_the_same(model):
    again = unpack(model.pack())
    samples = [Sample(kind(number)) for number in range(9)] + [Sample(spam(number)) for number in range(9)]
    assert [again.score(each) for each in samples] == pytest.approx([model.score(each) for each in samples], abs=1e-6)
    assert len(again.weights) == WEIGHTS


def test_the_end_of_a_long_text_counts_too(model):
    padded = kind(0) * 60
    assert len(padded) > HEAD_CHARS
    assert model.score(Sample(padded + " subscribe to my channel")) > model.score(Sample(padded))


def test_how_soon_a_comment_was_sent_can_be_learned():
    examples = [Example(Sample(f"Hello {number}", fast=fast), fast) for number in range(60) for fast in (True, False)]
    learned = fit(examples)
    assert learned.score(Sample("Hello", fast=True)) > 0.5 > learned.score(Sample("Hello"))


def test_a_name_can_be_learned():
    examples = [Example(Sample("Hello", name), name == "Casino") for _ in range(60) for name in ("Casino", "Jane")]
    learned = fit(examples)
    assert learned.score(Sample("Hello", "Casino")) > 0.5 > learned.score(Sample("Hello", "Jane"))
    assert learned.influences(Sample("Hello", "Casino"))[0].token == "the name “casino”"


def test_the_parts_of_a_score_add_up_to_it(model):
    sample = Sample(spam(3))
    odds = model.bias + sum(each.amount for each in model.influences(sample))
    assert memory.unpack(model.pack()).score(sample) == pytest.approx(1 / (1 + 2.718281828459045**-odds), abs=1e-5)


# Public comments


def test_public_spam_is_told_from_the_rest_as_it_comes_in():
    examples, others = measured.spam(), measured.clean()
    # Three times as seldom as a site learns: harder, and quicker.
    found = measured.predicted(examples, every=3 * training.EVERY)
    assert len(found) == len(examples) - measured.BEGIN
    assert measured.auc(found) >= 0.97
    threshold = measured.catching(found, measured.CAUGHT)
    learned = fit(examples)
    assert measured.share([learned.score(each) for each in others], threshold) <= 0.03
    # So good are the thresholds that the settings name.
    spam = [score for score, bad in found if bad]
    assert measured.share(spam, Policy().score_limit / 100) >= 0.7
    assert measured.share(spam, 0.05) >= 0.99


def test_what_the_measure_of_order_is():
    assert measured.auc([(0.1, False), (0.9, True)]) == 1
    assert measured.auc([(0.9, False), (0.1, True)]) == 0
    assert measured.auc([(0.5, False), (0.5, True)]) == 0.5
    assert measured.auc([(0.1, False), (0.5, False), (0.3, True), (0.7, True)]) == 0.75
    scores = [(number / 10, True) for number in range(1, 11)] + [(0.95, False)]
    assert measured.catching(scores, 0.8) == 0.3
    assert measured.share([0.1, 0.3, 0.5], 0.3) == pytest.approx(2 / 3)


# Learning from decisions


@pytest.fixture
def write(do: Callable[..., Any], ask: Callable[..., Any], site: Site, article: Article, clock: Any) -> Any:
    """Let new readers send these texts, which wait; return the comments."""
    numbers = count(1)

    def one(source: str) -> Comment:
        page = articles.Page(ask(articles.site, site.slug), article.key)
        key = next(numbers).to_bytes(32, "big")
        return comments.submit(comments.Draft(page, key, source, text.comment_html(source), key), now=clock())

    def all_of_them(*sources: str) -> list[Comment]:
        clock.forward(seconds=1)
        return do(lambda: [one(source) for source in sources])

    return all_of_them


@pytest.fixture
def decide(do: Callable[..., Any], ask: Callable[..., Any], site: Site, clock: Any) -> Any:
    """Let Mo decide on comments as they are now."""

    def run(rows: list[Comment], action: str) -> list[Decision]:
        clock.forward(seconds=1)
        seen = ask(lambda: [db.session.get_one(Comment, (row.article_id, row.id)) for row in rows])
        choices = [moderation.Choice(opaque.identifier(row.article_id, row.id), row.version) for row in seen]
        return do(moderation.decide, choices, moderation.Action(action), who=MO, site_ids=[site.id], now=clock())

    return run


@pytest.fixture
def teach(write: Any, decide: Any) -> Callable[..., None]:
    """Have so many kind comments approved and so much spam marked: `teach(50, 50)`."""
    numbers = count()

    def run(good: int, bad: int) -> None:
        for many, words, action in ((good, kind, "approve"), (bad, spam, "spam")):
            if many:
                decide(write(*(words(next(numbers)) for _ in range(many))), action)

    return run


@pytest.fixture
def learn(app: Any, clock: Any) -> Callable[[], None]:
    seen: learning.Seen = {}

    def run() -> None:
        clock.forward(seconds=1)
        learning.learn(app, seen)

    return run


@pytest.fixture
def score(ask: Callable[..., Any], site: Site) -> Callable[[str], float | None]:
    return lambda source: ask(triage.score, site.id, Sample(source))


@pytest.fixture
def runs(do: Callable[..., Any], site: Site) -> Callable[..., Any]:
    """Settle something of the site: `runs(moderation="post")`."""
    return lambda **settings: do(articles.change_site, site.slug, **settings)


@pytest.fixture
def lesson(ask: Callable[..., Any], site: Site) -> Callable[[], Any]:
    """Return what there is to learn, however little is new."""

    def run() -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "EVERY", 0)
            return ask(training.due, site.id, None)

    return run


def set_score(row: Comment, value: float) -> None:
    db.session.execute(update(Comment).where(Comment.id == row.id).values(score=value, risk=value))


def learned(lesson: Any) -> list[tuple[str, bool, float]]:
    return [(each.sample.source, each.bad, each.weight) for each in lesson.examples]


def test_there_is_no_score_before_fifty_decisions_each_way(teach, learn, score, rows):
    teach(60, 49)
    learn()
    assert score(spam(1)) is None
    teach(19, 1)
    learn()
    assert rows(select(TriageModel.learned)) == [129]
    assert score(spam(1)) > 0.9 > 0.1 > score(kind(1))


def test_it_learns_again_after_twenty_decisions(teach, learn, rows):
    teach(50, 50)
    learn()
    teach(9, 10)
    learn()
    assert rows(select(TriageModel.learned)) == [100]
    teach(1, 0)
    learn()
    assert rows(select(TriageModel.learned)) == [120]


@sqlite_only
def test_only_the_latest_decisions_are_learned(teach, lesson, monkeypatch):
    monkeypatch.setattr(training, "LATEST", 10)
    teach(8, 6)
    assert [bad for _source, bad, _weight in learned(lesson())] == [False] * 4 + [True] * 6


def test_what_is_like_spam_is_held_and_the_rest_is_published(teach, learn, runs, rae, article, rows):
    teach(50, 50)
    learn()
    runs(moderation="post")
    held = rae.comments(article, "Hey guys, subscribe to my new channel, check it out")
    assert (held.status_code, held.json["comment"]["state"]) == (202, "pending")
    assert rae.comments(article, "My doctor said to stop slowly, and the warm bath helped.").status_code == 201
    bad, good = rows(select(Comment).order_by(Comment.created.desc(), Comment.id.desc()).limit(2))[::-1]
    assert (bad.held_for, good.held_for) == (["score"], [])
    assert bad.risk == bad.score > 0.9 > 0.5 > good.score == good.risk
    assert triage.explain(bad.held_for) == triage.SENTENCES["score"]


def test_the_queue_says_of_what_the_score_held_why(teach, learn, runs, rae, mo, article):
    teach(50, 50)
    learn()
    runs(moderation="post")
    held = rae.comments(article, "Hey guys, subscribe to my new channel, check it out").json["comment"]
    (item,) = mo.gets("/queue").json["items"]
    assert (item["id"], item["held_for"]) == (held["id"], ["score"])
    assert item["score"] > Policy().score_limit / 100
    shown = unescape(mo.signs_in().get("/moderation/").text)
    assert "Held because: its words are like those of comments that were not published here<" in shown
    assert f"Risk {statistics.percent(item['score'])} %" in shown


@sqlite_only
def test_a_site_sets_the_threshold(teach, learn, runs, rae, article):
    teach(50, 50)
    learn()
    runs(moderation="post", score_limit=100)
    assert rae.comments(article, spam(1).replace("{}", "")).status_code == 201


@sqlite_only
def test_another_site_learns_nothing_from_it(teach, learn, do, ask, clock):
    teach(50, 50)
    other = do(articles.add_site, "blog", origins=["https://blog.example.org"], now=clock())
    learn()
    assert ask(triage.score, other.id, Sample(spam(1))) is None


@sqlite_only
def test_nothing_is_published_for_its_score_unless_the_site_asks_for_it(teach, learn, runs, rae, article, rows):
    teach(50, 50)
    learn()
    body = "My doctor said the warm bath in the evening helped, and to stop slowly."
    assert rae.comments(article, body).status_code == 202
    runs(score_trust=50)
    published = rae.comments(article, body.replace("evening", "morning"))
    assert (published.status_code, published.json["comment"]["state"]) == (201, "approved")
    [row] = rows(select(Decision).where(Decision.who == "rules"))
    assert (row.action, row.from_state, row.to_state) == ("approve", State.PENDING, State.APPROVED)
    assert row.reason.startswith("learned score ")
    # What another rule holds stays held, and so does what the score is against.
    assert rae.comments(article, body.replace("evening", "noon") + " 030 1234567-89").status_code == 202
    assert rae.comments(article, spam(1)).status_code == 202


def test_what_the_score_published_is_not_learned_and_can_be_undone(
    teach, learn, runs, rae, article, rows, lesson, do, site
):
    teach(50, 50)
    learn()
    runs(score_trust=50)
    body = "My doctor said the warm bath in the evening helped, and to stop slowly."
    assert rae.comments(article, body).status_code == 201
    assert body not in [source for source, _bad, _weight in learned(lesson())]
    [row] = rows(select(Decision).where(Decision.who == "rules"))
    clock = row.at
    do(moderation.undo, opaque.identifier(row.article_id, row.id), who=MO, site_ids=[site.id], now=clock)
    assert rows(select(Comment.state).where(Comment.id == row.comment_id)) == [State.PENDING]


def test_the_last_word_on_a_comment_counts(write, decide, lesson, do, site, clock):
    first, second, third, fourth = write("one", "two", "three", "four")
    decide([first, second, third], "approve")
    decide([fourth], "reject")
    decide([first], "spam")
    [spammed] = decide([second], "spam")
    do(moderation.undo, opaque.identifier(spammed.article_id, spammed.id), who=MO, site_ids=[site.id], now=clock())
    decide([third], "hold")
    found = learned(lesson())
    assert sorted(found) == [("four", True, 0.5), ("one", True, 1.0), ("two", False, 1.0)]


def test_what_is_withdrawn_or_erased_is_learned_no_more(write, decide, lesson, do, ask, site, clock):
    kept, withdrawn, erased, purged = rows = write("kept", "withdrawn", "erased", "purged")
    decide(rows, "approve")
    assert len(lesson().examples) == 4
    do(
        comments.withdraw,
        opaque.identifier(withdrawn.article_id, withdrawn.id),
        withdrawn.reader,
        site_id=site.id,
        now=clock(),
    )
    do(rights.erase, ask(articles.site, site.slug), erased.reader, now=clock())
    choice = moderation.Choice(opaque.identifier(purged.article_id, purged.id), 2)
    do(moderation.purge, choice, who=MO, site_ids=[site.id], now=clock())
    assert learned(lesson()) == [("kept", False, 1.0)]


@sqlite_only
def test_a_readers_own_words_are_learned_not_a_moderators(write, decide, lesson, do, site, clock):
    [row] = write("my own words")
    wording = moderation.Wording("better words", "<p>better words</p>", b"h" * 32)
    choice = moderation.Choice(opaque.identifier(row.article_id, row.id), 1)
    do(moderation.edit, choice, wording, who=MO, site_ids=[site.id], now=clock())
    decide([row], "approve")
    assert learned(lesson()) == [("my own words", False, 1.0)]


def test_what_waits_is_scored_by_every_new_model(write, teach, learn, rows, ask, site):
    waiting = write("subscribe to my channel", "the warm bath helped my neck", "click here, free casino bonus")
    teach(50, 50)
    assert rows(select(Comment.score).where(Comment.state == State.PENDING)) == [None] * 3
    learn()
    pending = rows(select(Comment).where(Comment.state == State.PENDING))
    assert {row.id for row in pending} == {row.id for row in waiting}
    assert all(row.score is not None and row.risk == row.score and row.version == 1 for row in pending)
    riskiest = ask(moderation.queue, moderation.Filter((site.id,)), sort="riskiest")
    assert [item.comment.source for item in riskiest.items][-1] == "the warm bath helped my neck"
    before = {row.id: row.score for row in pending}
    teach(10, 10)
    learn()
    assert all(row.score != before[row.id] for row in rows(select(Comment).where(Comment.state == State.PENDING)))


@sqlite_only
def test_those_without_a_score_and_the_riskiest_are_scored_first(write, do, ask, site, monkeypatch):
    monkeypatch.setattr(training, "RESCORED", 3)
    monkeypatch.setattr(training, "CHUNK", 2)
    low, high, higher, new = write("low", "high", "higher", "new")
    for row, value in ((low, 0.1), (high, 0.8), (higher, 0.9)):
        do(set_score, row, value)
    chunks = ask(training.to_rescore, site.id)
    assert [len(chunk) for chunk in chunks] == [2, 1]
    assert {key[1] for chunk in chunks for key in chunk} == {new.id, higher.id, high.id}


@sqlite_only
def test_what_is_decided_meanwhile_keeps_its_score(write, decide, teach, learn, do, rows, site):
    teach(50, 50)
    learn()
    [row] = write("subscribe to my channel")
    decide([row], "spam")
    do(training.rescore, site.id, [(row.article_id, row.id)])
    assert rows(select(Comment.score).where(Comment.id == row.id)) == [None]


def test_the_record_counts_only_what_was_predicted_before_it_was_learned(write, decide, teach, learn, ask, site):
    assert ask(triage.record_of, site.id, 90) is None
    teach(50, 50)
    learn()
    new = ask(triage.record_of, site.id, 90)
    assert (new.decisions, new.precision, new.recall) == (0, None, None)
    assert "too new" in new.sentence()
    surprises = write(*(spam(number) + " again" for number in range(500, 505)))
    decide(surprises, "approve")
    teach(10, 10)
    learn()
    record = ask(triage.record_of, site.id, 50)
    assert (record.decisions, record.bad, record.over, record.right) == (25, 10, 15, 10)
    assert (record.precision, record.recall) == (10 / 15, 1.0)
    # A second thought about what was learned already is no prediction.
    decide(surprises, "spam")
    teach(8, 7)
    learn()
    assert ask(triage.record_of, site.id, 50).decisions == 40


def test_a_record_says_what_it_is_worth():
    assert triage.Record(200, bad=40, over=32, right=30).sentence() == (
        "Of the last 200 comments decided on, each scored before its decision was learned, 40 were rejected or spam. "
        "The score put 32 over the threshold; 30 of those were rejected or spam: precision 94 %, recall 75 %."
    )
    assert "precision unknown, recall 0 %" in triage.Record(50, bad=3, over=0, right=0).sentence()


@sqlite_only
def test_the_record_is_of_the_last_five_hundred(teach, learn, rows, monkeypatch):
    monkeypatch.setattr(training, "RECORDED", 30)
    teach(50, 50)
    for _ in range(2):
        learn()
        teach(10, 10)
    learn()
    [record] = rows(select(TriageModel.record))
    assert [bad for _score, bad in record] == [1] * 10 + [0] * 10 + [1] * 10


def test_a_score_is_explained_by_three_tokens(write, teach, learn, ask, rows, mo):
    write("Dear all, please subscribe to my channel")
    teach(50, 50)
    [row] = rows(select(Comment).where(Comment.state == State.PENDING))
    assert ask(triage.explanation, row) == []
    learn()
    [row] = rows(select(Comment).where(Comment.state == State.PENDING))
    told = ask(triage.explanation, row)
    assert len(told) == 3
    assert any("subscribe" in each or "channel" in each for each in told)
    assert all(each.endswith((" speaks for spam", " speaks against spam")) for each in told)
    (item,) = mo.gets("/queue").json["items"]
    assert item["explanation"] == told
    assert set(mo.gets("/queue/figures").json["score"]) == {"decisions", "bad", "over", "right", "precision", "recall"}
    row.score = 0.49
    assert ask(triage.explanation, row) == []


def test_a_newer_model_of_another_process_is_noticed(teach, learn, score, do, site, clock, monkeypatch):
    teach(50, 50)
    learn()
    before = score(spam(1))
    opposite = fit([Example(Sample(spam(1)), False), Example(Sample(kind(1)), True)] * 50)
    elsewhere = update(TriageModel).values(weights=opposite.pack(), trained=clock.forward(seconds=1))
    do(lambda: db.session.execute(elsewhere))
    assert score(spam(1)) == before
    monkeypatch.setattr(memory, "LOOK", 0.0)
    assert score(spam(1)) < 0.5 < before


@sqlite_only
def test_a_model_of_another_version_means_nothing(teach, learn, score, do, rows, monkeypatch):
    teach(50, 50)
    learn()
    do(lambda: db.session.execute(update(TriageModel).values(features=0)))
    monkeypatch.setattr(memory, "LOOK", 0.0)
    assert score(spam(1)) is None


@sqlite_only
def test_the_worker_of_cron_learns(app, teach, score):
    teach(50, 50)
    assert worker.once(app)
    assert score(spam(1)) > 0.9


@sqlite_only
def test_what_fails_on_one_site_is_learned_on_the_others(app, teach, do, clock, score, caplog, monkeypatch):
    do(articles.add_site, "blog", origins=["https://blog.example.org"], now=clock())
    teach(50, 50)
    due, calls = training.due, count()

    def fails_first(site_id, seen):
        if next(calls) == 0:
            raise RuntimeError("no luck")
        return due(site_id, seen)

    monkeypatch.setattr(training, "due", fails_first)
    learning.learn(app, {})
    assert "learning from decisions failed" in caplog.text
    assert score(spam(1)) > 0.9


@sqlite_only
def test_a_site_is_removed_with_what_it_learned(do, site, rows, clock):
    made = do(articles.add_site, "blog", origins=["https://blog.example.org"], now=clock())
    known = training.Lesson(made.id, (), (), (clock(), made.id), None)
    do(training.keep, known, fit([]).pack(), [], now=clock())
    do(removal.remove_site, "blog")
    assert rows(select(TriageModel)) == []
