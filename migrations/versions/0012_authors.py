"""Authors' figures: outlines, notes put right, bursts set aside, what readers are told, alerts, a site's days."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

COLUMNS = (
    ("article", "we_changed", sa.String(length=300)),
    ("article", "we_changed_on", sa.Date()),
    ("revision", "alerted", sa.DateTime(timezone=True)),
    ("vote", "fixed_in", sa.String(length=64)),
    ("vote", "burst_day", sa.Date()),
    ("digest", "weekly_told", sa.DateTime(timezone=True)),
)
WISHES = ("drops", "weekly")


def upgrade() -> None:
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    for name in WISHES:
        op.add_column("digest", sa.Column(name, sa.Boolean(), server_default=sa.true(), nullable=False))
    where = sa.text("burst_day IS NOT NULL")
    op.create_index("ix_vote_burst", "vote", ["article_id", "burst_day"], sqlite_where=where, postgresql_where=where)
    where = sa.text("merged_into IS NOT NULL")
    op.create_index("ix_revision_merged", "revision", ["article_id"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "section",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_section_article_id")),
        sa.PrimaryKeyConstraint("article_id", "id", name=op.f("pk_section")),
    )
    counts = [sa.Column(name, sa.Integer(), nullable=False) for name in ("yes", "no", "comments", "held", "decided")]
    op.create_table(
        "site_day",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *counts,
        sa.Column("wait", sa.Integer(), nullable=True),
        sa.Column("renewed", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_day_site_id")),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_site_day")),
    )


def downgrade() -> None:
    op.drop_table("site_day")
    op.drop_table("section")
    op.drop_index("ix_revision_merged", table_name="revision")
    op.drop_index("ix_vote_burst", table_name="vote")
    for name in WISHES:
        op.drop_column("digest", name)
    for table, name, _ in COLUMNS:
        op.drop_column(table, name)
