"""Why a comment is held, and how likely it is spam or abuse: rules, and a score learned from a site's own decisions."""

from feedback.triage.learned import Sample
from feedback.triage.memory import Record, explanation, record_of, score
from feedback.triage.rules import (
    BLOCKING,
    REPEATED_WITHIN,
    SENTENCES,
    Evidence,
    Verdict,
    explain,
    is_fast,
    judge,
    links,
    over,
    risk,
)

__all__ = [
    "BLOCKING",
    "Evidence",
    "REPEATED_WITHIN",
    "Record",
    "SENTENCES",
    "Sample",
    "Verdict",
    "explain",
    "explanation",
    "is_fast",
    "judge",
    "links",
    "over",
    "record_of",
    "risk",
    "score",
]
