"""Cases after the sale, and the member's card."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cards()
    _after_sales()


def downgrade() -> None:
    _no_after_sales()
    _no_cards()


def _cards() -> None:
    op.create_table(
        "card_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("device_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("card_links_period_check")),
        sa.CheckConstraint("(opened_at IS NULL) = (device_hash IS NULL)", name=op.f("card_links_opened_check")),
        sa.CheckConstraint("(opened_at IS NULL) = (used_at IS NULL)", name=op.f("card_links_used_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("card_links_pkey")),
    )
    op.create_index(op.f("card_links_member_id_id_idx"), "card_links", ["member_id", "id"], unique=False)
    op.create_table(
        "pass_issuers",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('apple', 'google')", name=op.f("pass_issuers_kind_check")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pass_issuers_pkey")),
    )


def _no_cards() -> None:
    op.drop_table("pass_issuers")
    op.drop_table("card_links")


def _after_sales() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("purchase_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opener_kind", sa.Text(), nullable=False),
        sa.Column("opener_id", sa.Uuid(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("assignee_name", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("exchange_purchase_id", sa.Uuid(), nullable=True),
        sa.Column("effect", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("kind IN ('return', 'exchange', 'repair', 'support')", name=op.f("cases_kind_check")),
        sa.CheckConstraint(
            "status IN ('open', 'in_progress', 'waiting_for_member', 'approved', 'rejected', 'completed', 'closed')",
            name=op.f("cases_status_check"),
        ),
        sa.CheckConstraint("kind = 'support' OR purchase_id IS NOT NULL", name=op.f("cases_purchase_check")),
        sa.CheckConstraint("member_id IS NOT NULL OR purchase_id IS NOT NULL", name=op.f("cases_about_check")),
        sa.CheckConstraint("(refund_id IS NULL) = (effect IS NULL)", name=op.f("cases_effect_check")),
        sa.CheckConstraint("refund_id IS NULL OR status IN ('completed', 'closed')", name=op.f("cases_refund_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("cases_pkey")),
    )
    op.create_index(op.f("cases_status_id_idx"), "cases", ["status", "id"], unique=False)
    for column in ("member_id", "purchase_id"):
        op.create_index(
            f"cases_{column}_id_idx", "cases", [column, "id"], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_table(
        "case_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=True),
        sa.Column("assignee_name", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("is_internal", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('opened', 'moved', 'assigned', 'noted')", name=op.f("case_events_kind_check")),
        sa.CheckConstraint(
            "(kind IN ('opened', 'moved')) = (to_status IS NOT NULL)", name=op.f("case_events_status_check")
        ),
        sa.CheckConstraint("kind <> 'noted' OR text IS NOT NULL", name=op.f("case_events_text_check")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("case_events_case_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("case_events_pkey")),
    )
    op.create_index(op.f("case_events_case_id_id_idx"), "case_events", ["case_id", "id"], unique=False)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON case_events FROM regulars_app")


def _no_after_sales() -> None:
    op.drop_table("case_events")
    op.drop_table("cases")
