"""Tiers with periods, reviews and grace."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STANDING = (
    sa.Column("visits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("grace_from", sa.DateTime(timezone=True), nullable=True),
    sa.Column("grace_until", sa.DateTime(timezone=True), nullable=True),
    sa.Column("let_down_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("amounts_from", sa.Date(), nullable=True),
    sa.Column("ladder", sa.Text(), nullable=True),
    sa.Column("given_code", sa.Text(), nullable=True),
    sa.Column("given_since", sa.DateTime(timezone=True), nullable=True),
    sa.Column("given_until", sa.DateTime(timezone=True), nullable=True),
)
# What purchases that are known have contributed, by the day on which they happened: what stands of their points, and
# what is left of their money where it was in the program's currency. Documents of that time name one unit.
AMOUNTS = """
INSERT INTO tier_amounts (member_id, event_id, unit, counted_at, day, points, spend_minor, store_id)
SELECT p.member_id, p.id, coalesce(v.document -> 'unit' ->> 'code', v.document -> 'units' -> 0 ->> 'code'),
    p.recorded_at, (p.occurred_at AT TIME ZONE (v.document ->> 'timezone'))::date,
    coalesce((SELECT sum(a.standing) FROM purchase_accruals a WHERE a.purchase_id = p.id), 0),
    CASE WHEN p.currency = v.document ->> 'currency' THEN greatest(0, p.total_minor - p.refunded_minor) ELSE 0 END,
    CASE WHEN p.refunded_minor = 0 OR p.refunded_minor < p.total_minor THEN p.store_id END
FROM purchases p JOIN program_versions v ON v.id = p.program_version_id
WHERE p.member_id IS NOT NULL"""
VISITS = """
UPDATE member_tiers SET visits = seen.visits
FROM (SELECT member_id, count(DISTINCT (store_id, day)) AS visits FROM tier_amounts
    WHERE store_id IS NOT NULL GROUP BY member_id) seen
WHERE seen.member_id = member_tiers.member_id"""


def upgrade() -> None:
    for column in STANDING:
        fresh = sa.Column(column.name, column.type, nullable=column.nullable, server_default=column.server_default)
        op.add_column("member_tiers", fresh)
    op.create_index(
        "member_tiers_next_at_idx",
        "member_tiers",
        ["next_at", "member_id"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("member_tiers_ladder_idx", "member_tiers", ["ladder", "member_id"], unique=False)
    op.create_table(
        "tier_amounts",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("spend_minor", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "event_id", "unit", "counted_at", name=op.f("tier_amounts_pkey")),
    )
    op.create_index("tier_amounts_member_id_day_idx", "tier_amounts", ["member_id", "day"], unique=False)
    op.create_table(
        "tier_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("from_code", sa.Text(), nullable=False),
        sa.Column("to_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tier_changes_pkey")),
    )
    op.create_index("tier_changes_member_id_id_idx", "tier_changes", ["member_id", "id"], unique=False)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON tier_changes FROM regulars_app")
    op.execute(
        "CREATE TRIGGER tier_changes_row_guard BEFORE UPDATE OR DELETE ON tier_changes "
        "FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER tier_changes_table_guard BEFORE TRUNCATE ON tier_changes "
        "FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change()"
    )
    op.execute(AMOUNTS)
    op.execute(VISITS)


def downgrade() -> None:
    op.drop_table("tier_changes")
    op.drop_table("tier_amounts")
    op.drop_index("member_tiers_ladder_idx", table_name="member_tiers")
    op.drop_index("member_tiers_next_at_idx", table_name="member_tiers")
    for column in reversed(STANDING):
        op.drop_column("member_tiers", column.name)
