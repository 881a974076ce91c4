"""What was learned from moderators' decisions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from feedback.db import Model, Moment


class TriageModel(Model):
    """A site's model of what its moderators publish and what they do not; no text is in it, only weights of hashes."""

    __tablename__ = "triage_model"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    weights: Mapped[bytes] = mapped_column(LargeBinary, doc="packed")
    features: Mapped[int] = mapped_column(doc="version of the rules that turn a text into what is weighed")
    learned: Mapped[int] = mapped_column(doc="how many decisions it was learned from")
    last_at: Mapped[datetime] = mapped_column(Moment, doc="of the newest of them")
    last_id: Mapped[UUID]
    record: Mapped[list[list[float]]] = mapped_column(
        JSON, doc="of the latest decisions, oldest first: what was predicted before it was learned, and 1 for bad"
    )
    trained: Mapped[datetime] = mapped_column(Moment)
