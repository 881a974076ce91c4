"""How likely a text is spam or abuse: logistic regression over hashed words, pairs of words and pieces of words.

Plain Python on purpose: scoring costs a fraction of a millisecond, learning from 5,000 decisions a second or two in
the worker, and a library for it would cost every process more memory than all models together.
"""

import re
import sys
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log2, sqrt

VERSION = 1  # of what is weighed: a model of another version means nothing to this one
WEIGHTS = 1 << 15  # 128 KiB a model; twice as many sort no better on the public data
HEAD_CHARS, TAIL_CHARS = 800, 200  # what is read of a long text, so that the longest still costs about 1 ms
PIECE = 4  # characters; pieces of three to five sort no better and cost twice as much
MAX_WORD_CHARS = 30  # longer ones are addresses or noise, and say enough by their beginning
PASSES = 5  # over all that is learned from; more gain nothing that could be measured
STEP = 0.3  # of AdaGrad; larger ones make the scores of unlike texts too sure
SURE_ENOUGH = 0.01  # what is predicted so closely moves nothing
FARTHEST = 30.0  # log odds beyond which a float can no longer tell scores from 1

TOKEN = re.compile(r"https?://|www\.|\w+|[^\w\s]+")
LINK = re.compile(r"https?://|www\.")


@dataclass(frozen=True)
class Sample:
    """What the score looks at."""

    source: str
    name: str = ""
    fast: bool = False  # sent sooner after the form was opened than anybody writes

    @cached_property
    def features(self) -> "array[int]":
        """The places of all that is weighed, each once."""
        return array("H", {place for _name, places in tokens(self) for place in places})


@dataclass(frozen=True)
class Example:
    """A text that a moderator has decided on."""

    sample: Sample
    bad: bool
    weight: float = 1.0  # how much of a decision it is


@dataclass(frozen=True)
class Influence:
    """What a token adds to the log odds: more than nothing speaks for spam, less against it."""

    token: str
    amount: float


@dataclass(frozen=True)
class Model:
    """A weight for each place, and one that every text has."""

    weights: "array[float]"
    bias: float = 0.0

    def score(self, sample: Sample) -> float:
        """Return how likely the text is spam or abuse, 0 to 1."""
        return _odds(self.weights, self.bias, sample.features, 1 / sqrt(len(sample.features)))

    def influences(self, sample: Sample) -> list[Influence]:
        """Return what each token of a text adds to its score, the most telling first."""
        share = 1 / sqrt(len(sample.features))
        seen: set[int] = set()
        found = []
        for name, places in tokens(sample):
            own = set(places) - seen
            seen |= own
            found.append(Influence(name, share * sum(self.weights[place] for place in own)))
        return sorted(found, key=lambda each: -abs(each.amount))

    def pack(self) -> bytes:
        """Return the model as bytes, the same on every machine."""
        return zlib.compress(_little_endian(array("f", [*self.weights, self.bias])).tobytes(), 1)


def unpack(packed: bytes) -> Model:
    """Return the model that these bytes hold."""
    numbers = array("f")
    numbers.frombytes(zlib.decompress(packed))
    *weights, bias = _little_endian(numbers)
    return Model(array("f", weights), bias)


def _little_endian(numbers: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _odds(weights: Sequence[float], bias: float, features: Sequence[int], share: float) -> float:
    total = bias + share * sum([weights[place] for place in features])
    return 1 / (1 + exp(-max(-FARTHEST, min(FARTHEST, total))))


def fit(examples: Iterable[Example]) -> Model:
    """Learn from decisions, the oldest first, by AdaGrad (Duchi, Hazan, Singer 2011).

    The same decisions give the same model. Every text is given the same length, so that a long one teaches no more
    than a short one.
    """
    lessons = [(each.sample.features, float(each.bad), each.weight) for each in examples]
    weights, moved = array("f", bytes(4 * WEIGHTS)), array("f", bytes(4 * WEIGHTS))
    bias, bias_moved = 0.0, 1e-9
    for features, bad, weight in lessons * PASSES:
        share = 1 / sqrt(len(features))
        error = weight * (_odds(weights, bias, features, share) - bad)
        if abs(error) < SURE_ENOUGH:
            continue
        slope = error * share
        square, step = slope * slope, STEP * slope
        for place in features:
            moved[place] += square
            weights[place] -= step / sqrt(moved[place])
        bias_moved += error * error
        bias -= STEP * error / sqrt(bias_moved)
    return Model(weights, bias)


# What is weighed


def tokens(sample: Sample) -> Iterator[tuple[str, list[int]]]:
    """Walk what a text is weighed by: (as a moderator reads it, its places)."""
    yield from _signals(sample)
    for word in TOKEN.findall(_folded(sample.name)):
        yield f"the name “{word}”", [_place("@" + word)]
    before = ""
    for word in TOKEN.findall(_folded(_ends(sample.source))):
        word = word[:MAX_WORD_CHARS]
        yield f"“{word}”", [_place("=" + word), *_pieces(word)]
        if before:
            yield f"“{before} {word}”", [_place(f"{before} {word}")]
        before = word


def _signals(sample: Sample) -> Iterator[tuple[str, list[int]]]:
    """Walk what is plain to see of a text without reading it."""
    source = sample.source
    links = len(LINK.findall(source.lower()))
    yield _links(links), [_place(f"links {min(links, 3)}")]
    letters = sum(map(str.isalpha, source)) or 1
    yield "how many letters are capitals", [_place(f"capitals {4 * sum(map(str.isupper, source)) // letters}")]
    yield "its length", [_place(f"length {int(log2(len(source) + 1))}")]
    if sample.fast:
        yield "how soon it was sent", [_place("fast")]


def _links(count: int) -> str:
    return {0: "no link", 1: "1 link"}.get(count, f"{count} links")


def _ends(source: str) -> str:
    most = HEAD_CHARS + TAIL_CHARS
    return source if len(source) <= most else f"{source[:HEAD_CHARS]} {source[-TAIL_CHARS:]}"


def _folded(value: str) -> str:
    """Return a text without what only looks different: capitals, and letters of other alphabets made for looks."""
    return unicodedata.normalize("NFKC", value).casefold()


def _pieces(word: str) -> list[int]:
    edged = f"<{word}>"
    return [_place(edged[start : start + PIECE]) for start in range(len(edged) - PIECE + 1)]


def _place(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % WEIGHTS
