"""A tenant's schema: the ledger, its members and what they did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("ledger_entries", "ledger_postings", "ledger_lot_movements")
PURPOSES = "('pending', 'available', 'held', 'owed', 'issuance', 'redemption', 'breakage', 'adjustment', 'clearing')"


def upgrade() -> None:
    op.create_table(
        "cap_uses",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("cap_uses_used_check")),
        sa.PrimaryKeyConstraint("member_id", "rule_id", "day", name=op.f("cap_uses_pkey")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("operation", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'parked')", name=op.f("inbox_state_check")),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("inbox_pkey")),
    )
    op.create_index(
        "inbox_pending_idx", "inbox", ["leased_until"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_table(
        "ledger_holders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_holders_pkey")),
    )
    op.create_table(
        "member_tiers",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("tier_code", sa.Text(), nullable=False),
        sa.Column("points_earned", sa.BigInteger(), nullable=False),
        sa.Column("spend_minor", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("member_tiers_pkey")),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrolled_store_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("members_status_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("members_pkey")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("addressee_id", sa.Uuid(), nullable=False),
        sa.Column("notice_key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('email')", name=op.f("messages_channel_check")),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed', 'parked')", name=op.f("messages_state_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("messages_pkey")),
        sa.UniqueConstraint("notice_key", "channel", "addressee_id", name=op.f("messages_notice_key")),
    )
    op.create_index(op.f("messages_addressee_id_idx"), "messages", ["addressee_id"], unique=False)
    op.create_index(
        "messages_queued_idx", "messages", ["leased_until"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_pkey")),
    )
    op.create_index(
        "outbox_undispatched_idx", "outbox", ["id"], unique=False, postgresql_where=sa.text("dispatched_at IS NULL")
    )
    op.create_table(
        "program_drafts",
        sa.Column("singleton", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("singleton = 1", name=op.f("program_drafts_singleton_check")),
        sa.PrimaryKeyConstraint("singleton", name=op.f("program_drafts_pkey")),
    )
    op.create_table(
        "program_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("program_versions_pkey")),
        sa.UniqueConstraint("number", name=op.f("program_versions_number_key")),
    )
    op.create_table(
        "purchases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_free_minor", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("program_version_id", sa.Uuid(), nullable=True),
        sa.Column("frozen", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("points_taken_back", sa.BigInteger(), nullable=False),
        sa.Column("points_lapsed", sa.BigInteger(), nullable=False),
        sa.Column("shortfall", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "points >= 0 AND points_taken_back >= 0 AND points_lapsed >= 0", name=op.f("purchases_points_check")
        ),
        sa.CheckConstraint(
            "points_taken_back + points_lapsed + shortfall <= points", name=op.f("purchases_taken_back_check")
        ),
        sa.CheckConstraint("shortfall >= 0", name=op.f("purchases_shortfall_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("purchases_pkey")),
        sa.UniqueConstraint("source", "external_id", name=op.f("purchases_external_id_key")),
    )
    op.create_index(
        "purchases_member_id_occurred_at_idx", "purchases", ["member_id", "occurred_at", "id"], unique=False
    )
    op.create_index(op.f("purchases_store_id_idx"), "purchases", ["store_id"], unique=False)
    op.create_table(
        "recipients",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("recipients_pkey")),
    )
    op.create_table(
        "redemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("reward_version_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('confirmed')", name=op.f("redemptions_status_check")),
        sa.CheckConstraint("points > 0", name=op.f("redemptions_points_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("redemptions_pkey")),
    )
    op.create_index("redemptions_member_id_id_idx", "redemptions", ["member_id", "id"], unique=False)
    op.create_table(
        "rewards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stock >= 0", name=op.f("rewards_stock_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("rewards_pkey")),
        sa.UniqueConstraint("code", name=op.f("rewards_code_key")),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("stores_pkey")),
        sa.UniqueConstraint("code", name=op.f("stores_code_key")),
    )
    op.create_table(
        "usage_facts",
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rolled_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("meter", "event_id", name=op.f("usage_facts_pkey")),
    )
    op.create_index("usage_facts_day_idx", "usage_facts", ["meter", "day"], unique=False)
    op.create_index(
        "usage_facts_new_idx", "usage_facts", ["day"], unique=False, postgresql_where=sa.text("rolled_up_at IS NULL")
    )
    op.create_table(
        "ledger_balances",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("pending_in", sa.BigInteger(), nullable=False),
        sa.Column("pending_out", sa.BigInteger(), nullable=False),
        sa.Column("available_in", sa.BigInteger(), nullable=False),
        sa.Column("available_out", sa.BigInteger(), nullable=False),
        sa.Column("held_in", sa.BigInteger(), nullable=False),
        sa.Column("held_out", sa.BigInteger(), nullable=False),
        sa.Column("owed_in", sa.BigInteger(), nullable=False),
        sa.Column("owed_out", sa.BigInteger(), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("reversed", sa.BigInteger(), nullable=False),
        sa.Column("adjusted", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "available_in - available_out <= 9007199254740991", name=op.f("ledger_balances_range_check")
        ),
        sa.CheckConstraint("available_in - available_out >= 0", name=op.f("ledger_balances_available_check")),
        sa.CheckConstraint("held_in - held_out >= 0", name=op.f("ledger_balances_held_check")),
        sa.CheckConstraint("owed_in - owed_out >= 0", name=op.f("ledger_balances_owed_check")),
        sa.CheckConstraint("pending_in - pending_out >= 0", name=op.f("ledger_balances_pending_check")),
        sa.ForeignKeyConstraint(["holder_id"], ["ledger_holders.id"], name=op.f("ledger_balances_holder_id_fkey")),
        sa.PrimaryKeyConstraint("holder_id", "unit", name=op.f("ledger_balances_pkey")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("program_version_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("reference_kind", sa.Text(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('accrual', 'activation', 'redemption', 'clawback', 'restoration', 'adjustment', 'expiry')",
            name=op.f("ledger_entries_kind_check"),
        ),
        sa.CheckConstraint("seq > 0", name=op.f("ledger_entries_seq_check")),
        sa.ForeignKeyConstraint(["holder_id"], ["ledger_holders.id"], name=op.f("ledger_entries_holder_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_entries_pkey")),
        sa.UniqueConstraint("holder_id", "seq", name=op.f("ledger_entries_seq_key")),
    )
    op.create_index(op.f("ledger_entries_reference_id_idx"), "ledger_entries", ["reference_id"], unique=False)
    op.create_table(
        "member_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('phone', 'email', 'card', 'external')", name=op.f("member_identities_kind_check")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("member_identities_member_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("member_identities_pkey")),
        sa.UniqueConstraint("kind", "value", name=op.f("member_identities_value_key")),
    )
    op.create_index(op.f("member_identities_member_id_idx"), "member_identities", ["member_id"], unique=False)
    op.create_table(
        "purchase_accruals",
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("standing", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "points >= 0 AND standing >= 0 AND standing <= points", name=op.f("purchase_accruals_standing_check")
        ),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchases.id"], name=op.f("purchase_accruals_purchase_id_fkey")),
        sa.PrimaryKeyConstraint("purchase_id", "rule_id", name=op.f("purchase_accruals_pkey")),
    )
    op.create_table(
        "purchase_lines",
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("category", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("returned_quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.CheckConstraint("returned_quantity >= 0", name=op.f("purchase_lines_returned_quantity_check")),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchases.id"], name=op.f("purchase_lines_purchase_id_fkey")),
        sa.PrimaryKeyConstraint("purchase_id", "position", name=op.f("purchase_lines_pkey")),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("points_taken_back", sa.BigInteger(), nullable=False),
        sa.Column("shortfall", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("shortfall >= 0", name=op.f("refunds_shortfall_check")),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchases.id"], name=op.f("refunds_purchase_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("refunds_pkey")),
        sa.UniqueConstraint("source", "external_id", name=op.f("refunds_external_id_key")),
    )
    op.create_index(op.f("refunds_purchase_id_idx"), "refunds", ["purchase_id"], unique=False)
    op.create_table(
        "reward_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=False),
        sa.Column("description_zh", sa.Text(), nullable=False),
        sa.Column("cost_points", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('physical', 'virtual', 'coupon', 'service', 'donation')", name=op.f("reward_versions_kind_check")
        ),
        sa.CheckConstraint("cost_points > 0", name=op.f("reward_versions_cost_points_check")),
        sa.ForeignKeyConstraint(["reward_id"], ["rewards.id"], name=op.f("reward_versions_reward_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reward_versions_pkey")),
        sa.UniqueConstraint("reward_id", "number", name=op.f("reward_versions_number_key")),
    )
    op.create_table(
        "ledger_lots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("activates_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("origin_entry_id", sa.Uuid(), nullable=False),
        sa.Column("origin_kind", sa.Text(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.Text(), nullable=True),
        sa.Column("funder_store_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'active')", name=op.f("ledger_lots_state_check")),
        sa.CheckConstraint("amount > 0", name=op.f("ledger_lots_amount_check")),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > activates_at", name=op.f("ledger_lots_period_check")),
        sa.CheckConstraint("remaining >= 0 AND remaining <= amount", name=op.f("ledger_lots_remaining_check")),
        sa.ForeignKeyConstraint(["holder_id"], ["ledger_holders.id"], name=op.f("ledger_lots_holder_id_fkey")),
        sa.ForeignKeyConstraint(
            ["origin_entry_id"], ["ledger_entries.id"], name=op.f("ledger_lots_origin_entry_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_lots_pkey")),
    )
    op.create_index(
        "ledger_lots_open_idx",
        "ledger_lots",
        ["holder_id", "unit"],
        unique=False,
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_index(
        "ledger_lots_timed_idx",
        "ledger_lots",
        ["holder_id"],
        unique=False,
        postgresql_where=sa.text("remaining > 0 AND (expires_at IS NOT NULL OR state = 'pending')"),
    )
    op.create_index("ledger_lots_origin_entry_id_idx", "ledger_lots", ["origin_entry_id"], unique=False)
    op.create_table(
        "ledger_postings",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("debit_holder_id", sa.Uuid(), nullable=True),
        sa.Column("debit_purpose", sa.Text(), nullable=False),
        sa.Column("credit_holder_id", sa.Uuid(), nullable=True),
        sa.Column("credit_purpose", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            f"credit_purpose IN {PURPOSES}",
            name=op.f("ledger_postings_credit_purpose_check"),
        ),
        sa.CheckConstraint(
            f"debit_purpose IN {PURPOSES}",
            name=op.f("ledger_postings_debit_purpose_check"),
        ),
        sa.CheckConstraint(
            "(debit_holder_id, debit_purpose) IS DISTINCT FROM (credit_holder_id, credit_purpose)",
            name=op.f("ledger_postings_sides_check"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ledger_postings_amount_check")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name=op.f("ledger_postings_entry_id_fkey")),
        sa.PrimaryKeyConstraint("entry_id", "position", name=op.f("ledger_postings_pkey")),
    )
    op.create_table(
        "refund_lines",
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("refund_lines_refund_id_fkey")),
        sa.PrimaryKeyConstraint("refund_id", "position", name=op.f("refund_lines_pkey")),
    )
    op.create_table(
        "ledger_lot_movements",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("delta <> 0", name=op.f("ledger_lot_movements_delta_check")),
        sa.CheckConstraint(
            "purpose IN ('pending', 'available', 'held')", name=op.f("ledger_lot_movements_purpose_check")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name=op.f("ledger_lot_movements_entry_id_fkey")),
        sa.ForeignKeyConstraint(["lot_id"], ["ledger_lots.id"], name=op.f("ledger_lot_movements_lot_id_fkey")),
        sa.PrimaryKeyConstraint("entry_id", "position", name=op.f("ledger_lot_movements_pkey")),
    )
    op.create_index(op.f("ledger_lot_movements_lot_id_idx"), "ledger_lot_movements", ["lot_id"], unique=False)

    # On Citus this setting is what allows triggers; elsewhere it means nothing.
    op.execute("SET LOCAL citus.enable_unsafe_triggers TO on")
    for table in APPEND_ONLY:
        # Nobody the product runs as may change what is written; the triggers refuse it to the owner too.
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM regulars_app")
        op.execute(
            f"CREATE TRIGGER {table}_row_guard BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_table_guard BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change()"
        )
