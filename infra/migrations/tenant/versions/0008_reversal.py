"""Refunds that wait, and purchases that are amended, voided or claimed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("purchases", sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchases", sa.Column("amended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchases", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchases", sa.Column("other_units", postgresql.JSONB(), nullable=True))
    op.create_table(
        "waiting_refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purchase_source", sa.Text(), nullable=False),
        sa.Column("purchase_external_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'applied', 'refused')", name=op.f("waiting_refunds_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("waiting_refunds_pkey")),
        sa.UniqueConstraint("source", "external_id", name=op.f("waiting_refunds_external_id_key")),
    )
    op.create_index(
        "waiting_refunds_purchase_idx",
        "waiting_refunds",
        ["purchase_source", "purchase_external_id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "purchase_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("other_purchase_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('void', 'amendment', 'exchange', 'claim')", name=op.f("purchase_changes_kind_check")
        ),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchases.id"], name=op.f("purchase_changes_purchase_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("purchase_changes_pkey")),
    )
    op.create_index(op.f("purchase_changes_purchase_id_idx"), "purchase_changes", ["purchase_id"], unique=False)


def downgrade() -> None:
    op.drop_table("purchase_changes")
    op.drop_table("waiting_refunds")
    for column in ("other_units", "claimed_at", "amended_at", "voided_at"):
        op.drop_column("purchases", column)
