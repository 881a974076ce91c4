"""How well the learned score sorts public comments, each predicted before it was learned, and what it costs."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import pytest

from feedback.text import MAX_CHARS, normalise
from feedback.triage.learned import Example, Model, Sample, fit
from feedback.triage.training import EVERY, LATEST
from tests import corpora

SPAM, TALK = "comments/youtube_spam_public.csv", "comments/talk_page_toxicity.csv"
BEGIN = 300  # decisions before the predictions count
CAUGHT = 0.8  # of the spam, at the threshold that false alarms are counted at
LIMIT = 0.9  # the default threshold

Predicted = list[tuple[float, bool]]


def spam() -> list[Example]:
    """Return the comments of the public collection in its order, read as the service reads them."""
    return [Example(Sample(normalise(row["text"])), row["spam"] == "1") for row in corpora.rows(SPAM)]


def clean() -> list[Sample]:
    """Return the comments of talk pages that nobody calls toxic."""
    return [Sample(normalise(row["text"])) for row in corpora.rows(TALK) if row["toxic"] == "0"]


def predicted(examples: Sequence[Example], every: int = EVERY) -> Predicted:
    """Return (score, whether bad) of what follows the first BEGIN, learning again after so many as a site does."""
    found: Predicted = []
    for start in range(BEGIN, len(examples), every):
        model = fit(examples[:start])
        found += [(model.score(each.sample), each.bad) for each in examples[start : start + every]]
    return found


def auc(found: Predicted) -> float:
    """Return how often a bad one scores higher than a good one, equal ones half: the area under the ROC curve."""
    good = sorted(score for score, bad in found if not bad)
    scores = [score for score, bad in found if bad]
    above = sum(bisect_left(good, score) + bisect_right(good, score) for score in scores)
    return above / (2 * len(good) * len(scores))


def catching(found: Predicted, share: float) -> float:
    """Return the highest threshold at which that share of the bad ones scores at least as high."""
    scores = sorted((score for score, bad in found if bad), reverse=True)
    return scores[-int(-share * len(scores) // 1) - 1]


def share(scores: Sequence[float], threshold: float) -> float:
    """Return the share of scores that are at least as high as the threshold."""
    return sum(score >= threshold for score in scores) / len(scores)


def figures() -> dict[str, Any]:
    """Return how well and how fast texts are scored and learned."""
    try:
        examples, others = spam(), clean()
    except pytest.skip.Exception as absent:
        return {"score": str(absent)}
    found = predicted(examples)
    model = fit(examples)
    strangers = [model.score(sample) for sample in others]
    threshold = catching(found, CAUGHT)
    bad, good = ([score for score, was in found if was is which] for which in (True, False))
    return {
        f"score, AUC after {BEGIN} of {len(examples)} decisions": auc(found),
        "score, threshold that catches 80 % of spam": threshold,
        f"score, false alarms there on {len(others)} clean rows of talk pages, %": 100 * share(strangers, threshold),
        "score, spam over 90 %, %": 100 * share(bad, LIMIT),
        "score, false alarms over 90 %, same site, %": 100 * share(good, LIMIT),
        "score, false alarms over 90 %, talk pages, %": 100 * share(strangers, LIMIT),
        "score, spam under 5 %, %": 100 * (1 - share(bad, 0.05)),
        **costs(model, [each.sample for each in examples]),
    }


def costs(model: Model, samples: Sequence[Sample]) -> dict[str, Any]:
    """Return what scoring costs, the features counted, and learning from as many decisions as are learned from."""
    longest = " ".join(sample.source for sample in samples)[:MAX_CHARS]
    fresh = [Sample(sample.source) for sample in samples]
    began = time.thread_time()
    for sample in fresh:
        model.score(sample)
    each = (time.thread_time() - began) / len(fresh)
    began = time.thread_time()
    model.score(Sample(longest))
    longest_cost = time.thread_time() - began
    many = [Example(Sample(samples[number % len(samples)].source), number % 2 == 0) for number in range(LATEST)]
    began = time.thread_time()
    packed = fit(many).pack()
    return {
        "score, one comment, ms": 1000 * each,
        "score, the longest comment, ms": 1000 * longest_cost,
        f"score, learning from {LATEST} decisions, s": time.thread_time() - began,
        "score, a model in the database, KiB": len(packed) / 1024,
    }
