"""Budgets; rewards with stock, limits and codes; redemptions that are held, fulfilled and collected."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOTHING_BELOW_ZERO = (
    "points_held >= 0 AND points_spent >= 0 AND units_held >= 0 AND units_spent >= 0"
    " AND money_held >= 0 AND money_spent >= 0"
)
COUNTERS = ("points_held", "units_held", "money_held", "points_spent", "units_spent", "money_spent")
MEASURES = ("points", "units", "money")
# One row of a budget is updated by everybody who takes from it: room for its next version on its page, and cleaning
# that does not wait for a fifth of the table.
HOT = (
    "fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,"
    " autovacuum_vacuum_cost_delay = 0"
)


# What members had before is confirmed, for good; the running release writes nothing else.
STATUSES = "status IN ('held', 'confirmed', 'fulfilled', 'collected', 'canceled', 'timed_out')"
REDEMPTION_CHECKS = (
    ("redemptions_status_check", STATUSES),
    ("redemptions_amounts_check", "quantity > 0 AND money_minor >= 0"),
    ("redemptions_held_check", "(status = 'held') = (expires_at IS NOT NULL)"),
)
REDEMPTION_COLUMNS: tuple[tuple[str, type[sa.Uuid[UUID] | sa.Text | sa.DateTime]], ...] = (
    ("recipient_id", sa.Uuid),
    ("currency", sa.Text),
    ("payment_reference", sa.Text),
    ("expires_at", sa.DateTime),
    ("pickup_store_id", sa.Uuid),
    ("pickup_code", sa.Text),
    ("delivery_reference", sa.Text),
    ("note", sa.Text),
    ("cancel_reason", sa.Text),
    ("waiting_since", sa.DateTime),
    ("confirmed_at", sa.DateTime),
    ("fulfilled_at", sa.DateTime),
    ("collected_at", sa.DateTime),
    ("ended_at", sa.DateTime),
)


def upgrade() -> None:
    _add_budgets()
    _widen_rewards()
    _widen_redemptions()


def downgrade() -> None:
    _narrow_redemptions()
    _narrow_rewards()
    _drop_budgets()


def _add_budgets() -> None:
    counters = [
        column
        for measure in MEASURES
        for column in (
            sa.Column(f"{measure}_max", sa.BigInteger(), nullable=True),
            sa.Column(f"{measure}_held", sa.BigInteger(), nullable=False),
            sa.Column(f"{measure}_spent", sa.BigInteger(), nullable=False),
        )
    ]
    op.create_table(
        "budgets",
        sa.Column("id", sa.Uuid(), nullable=False),
        *counters,
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alert_percent", sa.BigInteger(), nullable=True),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alert_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.CheckConstraint(
                f"{measure}_held + {measure}_spent <= {measure}_max", name=op.f(f"budgets_{measure}_check")
            )
            for measure in MEASURES
        ),
        sa.CheckConstraint(NOTHING_BELOW_ZERO, name=op.f("budgets_open_check")),
        sa.CheckConstraint("alert_percent BETWEEN 1 AND 100", name=op.f("budgets_alert_percent_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("budgets_pkey")),
        sa.UniqueConstraint("code", name=op.f("budgets_code_key")),
    )
    op.create_index(
        "budgets_alert_due_at_idx",
        "budgets",
        ["alert_due_at"],
        postgresql_where=sa.text("alert_due_at IS NOT NULL"),
    )
    op.create_table(
        "budget_uses",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("budget_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTERS),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(NOTHING_BELOW_ZERO, name=op.f("budget_uses_amounts_check")),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name=op.f("budget_uses_budget_id_fkey")),
        sa.PrimaryKeyConstraint("owner_id", "owner_kind", "budget_id", name=op.f("budget_uses_pkey")),
    )
    held = sa.text("expires_at IS NOT NULL")
    op.create_index("budget_uses_expires_at_idx", "budget_uses", ["expires_at"], postgresql_where=held)
    op.create_index(
        "budget_uses_budget_id_expires_at_idx", "budget_uses", ["budget_id", "expires_at"], postgresql_where=held
    )
    op.create_index("budget_uses_budget_id_spent_at_idx", "budget_uses", ["budget_id", "spent_at"])
    op.execute(f"ALTER TABLE budgets SET ({HOT})")


def _drop_budgets() -> None:
    op.drop_table("budget_uses")
    op.drop_table("budgets")


def _widen_rewards() -> None:
    op.add_column("rewards", sa.Column("code_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("reward_versions", sa.Column("terms", postgresql.JSONB(), nullable=True))
    op.add_column(
        "reward_versions", sa.Column("category", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column(
        "reward_versions", sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_table(
        "reward_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(redemption_id IS NULL) = (assigned_at IS NULL)", name=op.f("reward_codes_assigned_check")),
        sa.ForeignKeyConstraint(["reward_id"], ["rewards.id"], name=op.f("reward_codes_reward_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reward_codes_pkey")),
        sa.UniqueConstraint("reward_id", "code", name=op.f("reward_codes_code_key")),
    )
    op.create_index(
        "reward_codes_free_idx",
        "reward_codes",
        ["reward_id", "id"],
        postgresql_where=sa.text("redemption_id IS NULL"),
    )
    op.create_index(
        "reward_codes_redemption_id_idx",
        "reward_codes",
        ["redemption_id"],
        postgresql_where=sa.text("redemption_id IS NOT NULL"),
    )


def _narrow_rewards() -> None:
    op.drop_table("reward_codes")
    for column in ("position", "category", "terms"):
        op.drop_column("reward_versions", column)
    op.drop_column("rewards", "code_count")


def _widen_redemptions() -> None:
    op.add_column("redemptions", sa.Column("quantity", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("redemptions", sa.Column("money_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    for name, kind in REDEMPTION_COLUMNS:
        instance = sa.DateTime(timezone=True) if kind is sa.DateTime else kind()
        op.add_column("redemptions", sa.Column(name, instance, nullable=True))
    op.execute("ALTER TABLE redemptions DROP CONSTRAINT redemptions_status_check")
    for name, check in REDEMPTION_CHECKS:
        op.execute(f"ALTER TABLE redemptions ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
        op.execute(f"ALTER TABLE redemptions VALIDATE CONSTRAINT {name}")
    for name, columns, where, is_unique in (
        ("redemptions_recipient_id_id_idx", ["recipient_id", "id"], "recipient_id IS NOT NULL", False),
        ("redemptions_expires_at_idx", ["expires_at"], "expires_at IS NOT NULL", False),
        ("redemptions_queue_idx", ["id"], "waiting_since IS NOT NULL", False),
        ("redemptions_pickup_code_idx", ["pickup_code"], "pickup_code IS NOT NULL", True),
    ):
        op.create_index(name, "redemptions", columns, unique=is_unique, postgresql_where=sa.text(where))


def _narrow_redemptions() -> None:
    for name in ("pickup_code", "queue", "expires_at", "recipient_id_id"):
        op.drop_index(f"redemptions_{name}_idx", table_name="redemptions")
    for name, _check in REDEMPTION_CHECKS:
        op.execute(f"ALTER TABLE redemptions DROP CONSTRAINT {name}")
    # The older release knows what members have, and nothing that they hold or gave back.
    op.execute("UPDATE redemptions SET status = 'confirmed' WHERE status IN ('fulfilled', 'collected')")
    op.execute("DELETE FROM redemptions WHERE status <> 'confirmed'")
    op.execute("ALTER TABLE redemptions ADD CONSTRAINT redemptions_status_check CHECK (status IN ('confirmed'))")
    for name, _kind in reversed(REDEMPTION_COLUMNS):
        op.drop_column("redemptions", name)
    for name in ("money_minor", "quantity"):
        op.drop_column("redemptions", name)
