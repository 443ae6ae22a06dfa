"""Carts that are reserved or were committed, and what of a purchase points and coupons settled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("held", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("purchase_id", sa.Uuid(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('reserved', 'committed', 'canceled', 'timed_out')", name=op.f("carts_status_check")
        ),
        sa.CheckConstraint("(status = 'reserved') = (ended_at IS NULL)", name=op.f("carts_ended_check")),
        sa.CheckConstraint("(status = 'committed') = (purchase_id IS NOT NULL)", name=op.f("carts_committed_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("carts_pkey")),
    )
    op.create_index(
        "carts_expires_at_idx",
        "carts",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'reserved'"),
    )
    op.create_table(
        "purchase_settlements",
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("settled", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("back", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchases.id"], name=op.f("purchase_settlements_purchase_id_fkey")),
        sa.PrimaryKeyConstraint("purchase_id", name=op.f("purchase_settlements_pkey")),
    )


def downgrade() -> None:
    op.drop_table("purchase_settlements")
    op.drop_table("carts")
