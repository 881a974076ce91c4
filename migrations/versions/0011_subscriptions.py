"""Subscriptions: mail about the replies to a comment, asked for with it and confirmed from the reader's mailbox."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    moments = ("asked", "confirmed", "last", "ended")
    op.create_table(
        "subscription",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("comment_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=32), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in moments),
        sa.Column("notice", sa.Uuid(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_subscription_article_id")),
        sa.ForeignKeyConstraint(
            ["article_id", "comment_id"], ["comment.article_id", "comment.id"], name="fk_subscription_comment"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_subscription_site_id")),
        sa.PrimaryKeyConstraint("article_id", "comment_id", name=op.f("pk_subscription")),
    )
    op.create_index("ix_subscription_address", "subscription", ["site_id", "address"])


def downgrade() -> None:
    op.drop_index("ix_subscription_address", table_name="subscription")
    op.drop_table("subscription")
