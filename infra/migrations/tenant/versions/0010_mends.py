"""What the first year of the ledger's rooms taught: checks that were missing, and the base of a lot's clock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITS = "state = 'pending' AND clock IS NOT NULL AND expires_at IS NULL AND loses_at IS NULL"
LEDGER_CHECKS = (
    ("ledger_lots", "ledger_lots_awaits_check", f"awaits_action IS NULL OR ({WAITS})"),
    ("holds", "holds_ended_check", "(ended_at IS NOT NULL) = (captured + released = points)"),
)

NOTICE_CHECKS = (
    ("expiry_notices", "expiry_notices_outcome_check", "outcome IN ('accepted', 'unreachable')"),
    ("expiry_notices", "expiry_notices_settled_check", "(outcome IS NULL) = (settled_at IS NULL)"),
    (
        "expiry_notices",
        "expiry_notices_verdict_check",
        "verdict IN ('in_time', 'kept', 'would_keep', 'unreachable', 'given_up')",
    ),
)

PURCHASE_CHECKS = (
    ("ledger_lots", "ledger_lots_wanted_check", "wanted >= 0"),
    ("waiting_refunds", "waiting_refunds_applied_check", "(state = 'applied') = (refund_id IS NOT NULL)"),
    ("waiting_refunds", "waiting_refunds_refused_check", "(state = 'refused') = (refusal IS NOT NULL)"),
    ("waiting_refunds", "waiting_refunds_settled_check", "(state = 'waiting') = (settled_at IS NULL)"),
)


def upgrade() -> None:
    _mend_ledger()
    _mend_notices()
    _mend_purchases()


def downgrade() -> None:
    _unmend_purchases()
    _unmend_notices()
    _unmend_ledger()


def _mend_ledger() -> None:
    op.add_column("ledger_activities", sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
    for table, name, check in LEDGER_CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _mend_notices() -> None:
    op.add_column("ledger_lots", sa.Column("deferred_from", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ledger_lots_deferred_idx",
        "ledger_lots",
        ["deferred_from"],
        postgresql_where=sa.text("deferred_from IS NOT NULL"),
    )
    op.add_column("messages", sa.Column("notice_id", sa.Uuid(), nullable=True))
    op.add_column("expiry_notices", sa.Column("id", sa.Uuid(), nullable=True))
    op.add_column("expiry_notices", sa.Column("outcome", sa.Text(), nullable=True))
    op.add_column("expiry_notices", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("expiry_notices", sa.Column("decides_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("expiry_notices", sa.Column("verdict", sa.Text(), nullable=True))
    for table, name, check in NOTICE_CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    op.create_index(
        "expiry_notices_id_idx", "expiry_notices", ["id"], unique=True, postgresql_where=sa.text("id IS NOT NULL")
    )
    op.create_index(
        "expiry_notices_decides_at_idx",
        "expiry_notices",
        ["decides_at"],
        postgresql_where=sa.text("decides_at IS NOT NULL"),
    )


def _unmend_notices() -> None:
    op.drop_index("expiry_notices_decides_at_idx", table_name="expiry_notices")
    op.drop_index("expiry_notices_id_idx", table_name="expiry_notices")
    for table, name, _check in NOTICE_CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for column in ("verdict", "decides_at", "settled_at", "outcome", "id"):
        op.drop_column("expiry_notices", column)
    op.drop_column("messages", "notice_id")
    op.drop_index("ledger_lots_deferred_idx", table_name="ledger_lots")
    op.drop_column("ledger_lots", "deferred_from")


def _unmend_ledger() -> None:
    for table, name, _check in LEDGER_CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.drop_column("ledger_activities", "recorded_at")


def _mend_purchases() -> None:
    op.add_column("ledger_lots", sa.Column("wanted", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    # The running release does not know it: what it keeps waiting is looked at at once.
    op.add_column(
        "waiting_refunds",
        sa.Column(
            "look_at", sa.DateTime(timezone=True), server_default=sa.text("'1970-01-01 00:00:00+00'"), nullable=False
        ),
    )
    op.create_index(
        "waiting_refunds_look_at_idx", "waiting_refunds", ["look_at"], postgresql_where=sa.text("state = 'waiting'")
    )
    for table, name, check in PURCHASE_CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    op.create_index(
        "purchase_changes_once_idx",
        "purchase_changes",
        ["purchase_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind IN ('void', 'claim')"),
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON purchase_changes FROM regulars_app")
    op.execute(
        "CREATE TRIGGER purchase_changes_row_guard BEFORE UPDATE OR DELETE ON purchase_changes "
        "FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER purchase_changes_table_guard BEFORE TRUNCATE ON purchase_changes "
        "FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change()"
    )
    op.add_column("referrals", sa.Column("amendment_id", sa.Uuid(), nullable=True))
    op.add_column("referrals", sa.Column("judged_amendment_id", sa.Uuid(), nullable=True))
    op.add_column("referrals", sa.Column("kept", postgresql.JSONB(), nullable=True))
    op.create_index(
        "referrals_to_judge_idx",
        "referrals",
        ["changed_at"],
        postgresql_where=sa.text(
            "purchase_id IS DISTINCT FROM judged_purchase_id OR amendment_id IS DISTINCT FROM judged_amendment_id"
        ),
    )
    op.drop_index("referrals_unjudged_idx", table_name="referrals")


def _unmend_purchases() -> None:
    op.create_index(
        "referrals_unjudged_idx",
        "referrals",
        ["changed_at"],
        postgresql_where=sa.text("purchase_id IS DISTINCT FROM judged_purchase_id"),
    )
    op.drop_index("referrals_to_judge_idx", table_name="referrals")
    for column in ("kept", "judged_amendment_id", "amendment_id"):
        op.drop_column("referrals", column)
    op.execute("DROP TRIGGER purchase_changes_table_guard ON purchase_changes")
    op.execute("DROP TRIGGER purchase_changes_row_guard ON purchase_changes")
    op.execute("GRANT UPDATE, DELETE ON purchase_changes TO regulars_app")
    op.drop_index("purchase_changes_once_idx", table_name="purchase_changes")
    op.drop_index("waiting_refunds_look_at_idx", table_name="waiting_refunds")
    for table, name, _check in reversed(PURCHASE_CHECKS):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.drop_column("waiting_refunds", "look_at")
    op.drop_column("ledger_lots", "wanted")
