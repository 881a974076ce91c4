"""Moderation: flags, bulk decisions, bans, listed words, staff replies, edits, and counts of every state."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

STATES = ("pending", "rejected", "spam", "withdrawn")


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)


def upgrade() -> None:
    _make_tables()
    _extend_comment()
    op.add_column("decision", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.add_column("decision", sa.Column("replaced", sa.String(length=5000), nullable=True))
    op.create_index(
        "ix_decision_batch",
        "decision",
        ["batch_id", "article_id", "id"],
        sqlite_where=sa.text("batch_id IS NOT NULL"),
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index("ix_decision_who", "decision", ["who_id", "at", "id"])
    _extend_standing()


def _make_tables() -> None:
    op.create_table(
        "ban",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _enum("banned", "reader", "network"), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("who_id", sa.Uuid(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_ban_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban")),
    )
    op.create_index("ix_ban_subject", "ban", ["site_id", "subject"])
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("who_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "progress",
            sa.Enum(
                "running",
                "done",
                "undoing",
                "undone",
                name="progress",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("decided", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("undone", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_batch_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_index("ix_batch_site", "batch", ["site_id", "created"])
    op.create_table(
        "word",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _enum("listed", "word", "link", "name"), nullable=False),
        sa.Column("effect", _enum("effect", "block", "watch"), nullable=False),
        sa.Column("pattern", sa.String(length=200), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("who_id", sa.Uuid(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_word_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_word")),
        sa.UniqueConstraint("site_id", "kind", "pattern", name=op.f("uq_word_site_id_kind_pattern")),
    )
    op.create_table(
        "flag",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.LargeBinary(length=32), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "spam",
                "abuse",
                "unsafe",
                "personal",
                "other",
                name="flag_reason",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=1000), nullable=True),
        sa.Column("network", sa.LargeBinary(length=32), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("resolved", _enum("resolved", "upheld", "dismissed"), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_flag_comment"
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_flag_article_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_flag_site_id")),
        sa.PrimaryKeyConstraint("article_id", "comment_id", "reader", name=op.f("pk_flag")),
    )
    op.create_index(
        "ix_flag_network",
        "flag",
        ["created"],
        unique=False,
        sqlite_where=sa.text("network IS NOT NULL"),
        postgresql_where=sa.text("network IS NOT NULL"),
    )
    op.create_index("ix_flag_reader", "flag", ["reader", "resolved"])


def _extend_comment() -> None:
    op.add_column("comment", sa.Column("risk", sa.Double(), nullable=False, server_default=sa.text("0")))
    op.add_column("comment", sa.Column("flagged_down", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("comment", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("comment", sa.Column("original", sa.String(length=5000), nullable=True))
    # Written out, because only so does a new column bring its check along on both engines.
    op.execute(
        "ALTER TABLE comment ADD COLUMN staff VARCHAR(16) CONSTRAINT ck_comment_staff"
        " CHECK (staff IN ('administrator', 'moderator', 'author', 'reviewer'))"
    )
    op.add_column("comment", sa.Column("user_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE comment SET risk = coalesce(score, length(held_for) / 1000.0)")
    op.create_index(
        "ix_comment_flagged",
        "comment",
        ["site_id", "created", "id"],
        sqlite_where=sa.text("flags > 0"),
        postgresql_where=sa.text("flags > 0"),
    )
    op.create_index("ix_comment_risk", "comment", ["site_id", "state", "risk", "created", "id"])


def _extend_standing() -> None:
    for state in STATES:
        op.add_column("standing", sa.Column(state, sa.Integer(), nullable=False, server_default=sa.text("0")))
        op.execute(
            f"UPDATE standing SET {state} = (SELECT count(*) FROM comment"
            f" WHERE comment.article_id = standing.article_id AND comment.state = '{state}')"
        )
    # Nobody could flag a comment before.
    op.add_column("standing", sa.Column("flagged", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.create_index(
        "ix_standing_states", "standing", ["site_id", "comments", "pending", "rejected", "spam", "withdrawn", "flagged"]
    )


def downgrade() -> None:
    op.drop_index("ix_standing_states", table_name="standing")
    for name in ("flagged", *STATES):
        op.drop_column("standing", name)
    op.drop_index("ix_decision_who", table_name="decision")
    op.drop_index("ix_decision_batch", table_name="decision")
    for name in ("replaced", "batch_id"):
        op.drop_column("decision", name)
    for name in ("ix_comment_risk", "ix_comment_flagged"):
        op.drop_index(name, table_name="comment")
    for name in ("user_id", "staff", "original", "closed", "flagged_down", "risk"):
        op.drop_column("comment", name)
    for name in ("flag", "word", "batch", "ban"):
        op.drop_table(name)
