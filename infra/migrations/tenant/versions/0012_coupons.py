"""Coupons, their codes, and who holds them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The row of a kind of coupon with a limit is updated by every use: room for its next version on its page, and cleaning
# that does not wait for a fifth of the table.
HOT = (
    "fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,"
    " autovacuum_vacuum_cost_delay = 0"
)


def upgrade() -> None:
    _create_definitions()
    _create_coupons()
    _create_uses()


def downgrade() -> None:
    for table in ("coupon_uses", "coupons", "coupon_batches", "coupon_definition_versions", "coupon_definitions"):
        op.drop_table(table)


def _create_definitions() -> None:
    op.create_table(
        "coupon_definitions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uses_max", sa.BigInteger(), nullable=True),
        sa.Column("uses_held", sa.BigInteger(), nullable=False),
        sa.Column("uses_spent", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("uses_held + uses_spent <= uses_max", name=op.f("coupon_definitions_uses_check")),
        sa.CheckConstraint("uses_held >= 0 AND uses_spent >= 0", name=op.f("coupon_definitions_counters_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("coupon_definitions_pkey")),
        sa.UniqueConstraint("code", name=op.f("coupon_definitions_code_key")),
    )
    op.execute(f"ALTER TABLE coupon_definitions SET ({HOT})")
    op.create_table(
        "coupon_definition_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["coupon_definitions.id"],
            name=op.f("coupon_definition_versions_definition_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("coupon_definition_versions_pkey")),
        sa.UniqueConstraint("definition_id", "number", name=op.f("coupon_definition_versions_number_key")),
    )


def _create_coupons() -> None:
    op.create_table(
        "coupon_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["coupon_definitions.id"], name=op.f("coupon_batches_definition_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("coupon_batches_pkey")),
    )
    op.create_index("coupon_batches_definition_id_id_idx", "coupon_batches", ["definition_id", "id"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("origin_kind", sa.Text(), nullable=True),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.Column("uses_held", sa.BigInteger(), nullable=False),
        sa.Column("uses_spent", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "uses_held >= 0 AND uses_spent >= 0 AND uses_held + uses_spent <= 1", name=op.f("coupons_uses_check")
        ),
        sa.ForeignKeyConstraint(["definition_id"], ["coupon_definitions.id"], name=op.f("coupons_definition_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("coupons_pkey")),
        sa.UniqueConstraint("code", name=op.f("coupons_code_key")),
    )
    op.create_index("coupons_definition_id_id_idx", "coupons", ["definition_id", "id"], unique=False)
    for column in ("member_id", "batch_id"):
        op.create_index(
            f"coupons_{column}_id_idx",
            "coupons",
            [column, "id"],
            unique=False,
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "coupons_origin_id_idx",
        "coupons",
        ["origin_id"],
        unique=False,
        postgresql_where=sa.text("origin_id IS NOT NULL"),
    )
    op.create_index(
        "coupons_unnoticed_idx",
        "coupons",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("noticed_at IS NULL AND member_id IS NOT NULL AND expires_at IS NOT NULL"),
    )


def _create_uses() -> None:
    op.create_table(
        "coupon_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('held', 'spent', 'released', 'given_back')", name=op.f("coupon_uses_status_check")
        ),
        sa.CheckConstraint("(status = 'held') = (held_until IS NOT NULL)", name=op.f("coupon_uses_held_until_check")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("coupon_uses_amount_minor_check")),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("coupon_uses_coupon_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("coupon_uses_pkey")),
    )
    op.create_index(
        "coupon_uses_owner_idx",
        "coupon_uses",
        ["owner_id", "owner_kind", "coupon_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('held', 'spent')"),
    )
    op.create_index(
        "coupon_uses_member_idx",
        "coupon_uses",
        ["definition_id", "member_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('held', 'spent') AND member_id IS NOT NULL"),
    )
    is_held = sa.text("status = 'held'")
    op.create_index(
        "coupon_uses_held_idx", "coupon_uses", ["definition_id", "coupon_id"], unique=False, postgresql_where=is_held
    )
    op.create_index("coupon_uses_held_until_idx", "coupon_uses", ["held_until"], unique=False, postgresql_where=is_held)
    op.create_index("coupon_uses_coupon_id_id_idx", "coupon_uses", ["coupon_id", "id"], unique=False)
