"""Flagged comments, the riskiest first: an index in that order, beside the one in the order of time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index(
        "ix_comment_flagged_risk",
        "comment",
        ["site_id", "risk", "created", "id"],
        sqlite_where=sa.text("flags > 0"),
        postgresql_where=sa.text("flags > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_comment_flagged_risk", table_name="comment")
