"""What was learned from moderators' decisions, for each site."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "triage_model",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("features", sa.Integer(), nullable=False),
        sa.Column("learned", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_id", sa.Uuid(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("trained", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_triage_model_site_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_triage_model")),
    )


def downgrade() -> None:
    op.drop_table("triage_model")
