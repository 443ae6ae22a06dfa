"""The ledger's holds, points owed, transfers and clocks of lots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OPEN = "remaining > 0 OR held > 0"
KINDS = "'accrual', 'activation', 'redemption', 'clawback', 'restoration', 'adjustment', 'expiry'"
NEW_KINDS = f"{KINDS}, 'cancellation', 'hold', 'capture', 'release', 'transfer', 'repayment'"
CHECKS = (
    ("ledger_lots", "ledger_lots_held_check", "held >= 0 AND remaining + held <= amount"),
    ("ledger_lots", "ledger_lots_loses_check", "loses_at IS NULL OR clock IS NOT NULL"),
    ("ledger_entries", "ledger_entries_kind_check", f"kind IN ({NEW_KINDS})"),
)


def upgrade() -> None:
    op.add_column(
        "ledger_balances", sa.Column("transferred", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("ledger_lots", sa.Column("held", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("ledger_lots", sa.Column("loses_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ledger_lots", sa.Column("awaits_action", sa.Text(), nullable=True))
    op.add_column("ledger_lots", sa.Column("clock", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("ledger_lots", sa.Column("noticed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_kind_check")
    for table, name, check in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    _create_indexes()
    _create_tables()


def _create_indexes() -> None:
    # What the running release asks for (remaining > 0) is a part of what the wider indexes hold.
    op.create_index(
        "ledger_lots_held_or_open_idx", "ledger_lots", ["holder_id", "unit"], postgresql_where=sa.text(OPEN)
    )
    op.create_index(
        "ledger_lots_clocked_idx",
        "ledger_lots",
        ["holder_id"],
        postgresql_where=sa.text(
            f"({OPEN}) AND (expires_at IS NOT NULL OR state = 'pending' OR clock IS NOT NULL OR held > 0)"
        ),
    )
    for column, where in (
        ("activates_at", "remaining > 0 AND state = 'pending'"),
        ("expires_at", "remaining > 0 AND expires_at IS NOT NULL"),
        ("loses_at", "remaining > 0 AND loses_at IS NOT NULL"),
    ):
        op.create_index(f"ledger_lots_{column}_idx", "ledger_lots", [column, "id"], postgresql_where=sa.text(where))
    op.create_index(
        "ledger_lots_unnoticed_idx",
        "ledger_lots",
        ["expires_at", "id"],
        postgresql_where=sa.text("remaining > 0 AND expires_at IS NOT NULL AND NOT noticed"),
    )
    op.create_index(
        "ledger_lots_origin_id_idx", "ledger_lots", ["origin_id"], postgresql_where=sa.text("awaits_action IS NOT NULL")
    )
    op.drop_index("ledger_lots_open_idx", table_name="ledger_lots")
    op.drop_index("ledger_lots_timed_idx", table_name="ledger_lots")


def _create_tables() -> None:
    op.create_table(
        "ledger_held_parts",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ledger_held_parts_amount_check")),
        sa.ForeignKeyConstraint(["holder_id"], ["ledger_holders.id"], name=op.f("ledger_held_parts_holder_id_fkey")),
        sa.ForeignKeyConstraint(["lot_id"], ["ledger_lots.id"], name=op.f("ledger_held_parts_lot_id_fkey")),
        sa.PrimaryKeyConstraint("hold_id", "position", name=op.f("ledger_held_parts_pkey")),
    )
    op.create_index("ledger_held_parts_lot_id_idx", "ledger_held_parts", ["lot_id"])
    op.create_index("ledger_held_parts_expires_at_idx", "ledger_held_parts", ["expires_at", "hold_id"])
    op.create_table(
        "ledger_activities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["ledger_holders.id"], name=op.f("ledger_activities_holder_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_activities_pkey")),
    )
    op.create_index("ledger_activities_holder_id_id_idx", "ledger_activities", ["holder_id", "id"])
    _create_holds()


def _create_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("points > 0", name=op.f("holds_points_check")),
        sa.CheckConstraint(
            "captured >= 0 AND released >= 0 AND captured + released <= points", name=op.f("holds_parts_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("holds_pkey")),
    )
    op.create_index("holds_member_id_id_idx", "holds", ["member_id", "id"])
    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("sent_entry_id", sa.Uuid(), nullable=False),
        sa.Column("received_entry_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("transfers_points_check")),
        sa.CheckConstraint("sender_id <> recipient_id", name=op.f("transfers_sides_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("transfers_pkey")),
    )
    op.create_index("transfers_sender_id_occurred_at_idx", "transfers", ["sender_id", "occurred_at"])
    op.create_index("transfers_sender_id_id_idx", "transfers", ["sender_id", "id"])
    op.create_index("transfers_recipient_id_id_idx", "transfers", ["recipient_id", "id"])
    op.create_table(
        "expiry_notices",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "unit", "ends_on", name=op.f("expiry_notices_pkey")),
    )


def downgrade() -> None:
    for table in ("expiry_notices", "transfers", "holds", "ledger_activities", "ledger_held_parts"):
        op.drop_table(table)
    op.create_index(
        "ledger_lots_open_idx", "ledger_lots", ["holder_id", "unit"], postgresql_where=sa.text("remaining > 0")
    )
    op.create_index(
        "ledger_lots_timed_idx",
        "ledger_lots",
        ["holder_id"],
        postgresql_where=sa.text("remaining > 0 AND (expires_at IS NOT NULL OR state = 'pending')"),
    )
    for name in ("origin_id", "unnoticed", "loses_at", "expires_at", "activates_at", "clocked", "held_or_open"):
        op.drop_index(f"ledger_lots_{name}_idx", table_name="ledger_lots")
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_kind_check")
    op.execute(f"ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN ({KINDS}))")
    for column in ("noticed", "clock", "awaits_action", "loses_at", "held"):
        op.drop_column("ledger_lots", column)
    op.drop_column("ledger_balances", "transferred")
