"""Adjustments that need a second person, and where in the ledger a period of the reports begins."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adjustment_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requester_kind", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=True),
        sa.Column("maker_id", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decider_kind", sa.Text(), nullable=True),
        sa.Column("decider_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("points <> 0", name=op.f("adjustment_requests_points_check")),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected')", name=op.f("adjustment_requests_status_check")
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (decided_at IS NULL)", name=op.f("adjustment_requests_decided_check")
        ),
        sa.CheckConstraint(
            "(status = 'approved') = (entry_id IS NOT NULL)", name=op.f("adjustment_requests_entry_check")
        ),
        sa.CheckConstraint("expires_at > requested_at", name=op.f("adjustment_requests_period_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("adjustment_requests_pkey")),
    )
    op.create_index(op.f("adjustment_requests_status_id_idx"), "adjustment_requests", ["status", "id"], unique=False)
    # Entries are written nearly in the order of this column, so that a summary of each block of the table is enough to
    # find a period. It is made in one look at the table, takes a few pages, and costs a purchase nothing.
    op.create_index(
        "ledger_entries_recorded_at_idx", "ledger_entries", ["recorded_at"], unique=False, postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_index("ledger_entries_recorded_at_idx", table_name="ledger_entries")
    op.drop_table("adjustment_requests")
