"""The model that a site has now: kept in the database, so that every process has it and a restore brings it back."""

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from feedback.db import db, run
from feedback.models import Comment, TriageModel
from feedback.triage.learned import VERSION, Model, Sample, unpack
from feedback.triage.rules import over

LOOK = 3.0  # seconds until a process asks again whether there is a newer model
MAX_MODELS = 64  # 8 MiB; a process of more sites than that reads some of them again
SHOWN = 3  # tokens that explain a score
RISKY = 0.5  # a score from which on it is explained; a list is full of lower ones, which nobody asks about
NEGLIGIBLE = 0.01  # of the log odds: what moves a score less explains nothing
ENOUGH = 50  # predictions before a record says anything

STAMP = select(TriageModel.trained).where(TriageModel.site_id == bindparam("site_id"), TriageModel.features == VERSION)
WEIGHTS = select(TriageModel.trained, TriageModel.weights).where(
    TriageModel.site_id == bindparam("site_id"), TriageModel.features == VERSION
)


@dataclass(frozen=True)
class Kept:
    """A model as one process has it."""

    trained: datetime | None
    model: Model | None
    looked: float  # monotonic


_kept: dict[UUID, Kept] = {}


def model_of(site_id: UUID) -> Model | None:
    """Return the present model of a site; None until there are enough decisions for one."""
    kept = _kept.get(site_id)
    now = time.monotonic()
    if kept is None or now >= kept.looked + LOOK:
        kept = _renewed(site_id, kept, now)
        if len(_kept) >= MAX_MODELS:
            _kept.clear()
        _kept[site_id] = kept
    return kept.model


def _renewed(site_id: UUID, kept: Kept | None, now: float) -> Kept:
    if kept is not None and run(STAMP, {"site_id": site_id}).scalar_one_or_none() == kept.trained:
        return Kept(kept.trained, kept.model, now)
    row = run(WEIGHTS, {"site_id": site_id}).one_or_none()
    return Kept(row.trained, unpack(row.weights), now) if row else Kept(None, None, now)


def forget(site_id: UUID) -> None:
    """Let this process look at once for a newer model."""
    _kept.pop(site_id, None)


def score(site_id: UUID, sample: Sample) -> float | None:
    """Return how likely a text is spam or abuse on this site, 0 to 1; None while nothing is learned there."""
    model = model_of(site_id)
    return None if model is None else model.score(sample)


def sample_of(comment: Comment | Any) -> Sample:
    """Return what is scored and learned of a comment: its reader's own words, whatever a moderator made of them."""
    return Sample(comment.original or comment.source or "", comment.name or "", "fast" in comment.held_for)


def explanation(comment: Comment) -> list[str]:
    """Return, for the three tokens that move a comment's score most, "“subscribe” speaks for spam".

    By the present model, which also scored what waits. Empty for a low score, and where nothing is learned or no text
    is left.
    """
    risky = comment.score is not None and comment.score >= RISKY
    model = model_of(comment.site_id) if comment.source and risky else None
    if model is None:
        return []
    most = [each for each in model.influences(sample_of(comment)) if abs(each.amount) >= NEGLIGIBLE][:SHOWN]
    return [f"{each.token} speaks {'for' if each.amount > 0 else 'against'} spam" for each in most]


@dataclass(frozen=True)
class Record:
    """How the model has done on the latest decisions, each predicted before it was learned."""

    decisions: int
    bad: int  # of them rejected or marked as spam
    over: int  # of them scored over the site's threshold
    right: int  # of them both

    @property
    def precision(self) -> float | None:
        """The share of those over the threshold that moderators did not publish."""
        return self.right / self.over if self.over else None

    @property
    def recall(self) -> float | None:
        """The share of what moderators did not publish that was over the threshold."""
        return self.right / self.bad if self.bad else None

    def public(self) -> dict[str, Any]:
        return asdict(self) | {"precision": self.precision, "recall": self.recall}

    def sentence(self) -> str:
        """Say how the model has done, as moderators read it."""
        if self.decisions < ENOUGH:
            return "The learned score is too new to say how good it is."
        return (
            f"Of the last {self.decisions} comments decided on, each scored before its decision was learned, "
            f"{self.bad} were rejected or spam. The score put {self.over} over the threshold; {self.right} of those "
            f"were rejected or spam: precision {_percent(self.precision)}, recall {_percent(self.recall)}."
        )


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"


def record_of(site_id: UUID, limit: int) -> Record | None:
    """Return the record of a site's model at its threshold in percent; None where nothing is learned."""
    query = select(TriageModel.record).where(TriageModel.site_id == site_id)
    predicted = db.session.execute(query).scalar_one_or_none()
    if predicted is None:
        return None
    held = [bad for guess, bad in predicted if over(guess, limit)]
    return Record(len(predicted), int(sum(bad for _guess, bad in predicted)), len(held), int(sum(held)))
