"""Likes: a reader's thumb for a comment of somebody else's."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "like",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.LargeBinary(length=32), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_like_article_id")),
        sa.ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_like_comment"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_like_site_id")),
        sa.PrimaryKeyConstraint("article_id", "comment_id", "reader", name=op.f("pk_like")),
    )
    op.create_index("ix_like_reader", "like", ["reader"])


def downgrade() -> None:
    op.drop_index("ix_like_reader", table_name="like")
    op.drop_table("like")
