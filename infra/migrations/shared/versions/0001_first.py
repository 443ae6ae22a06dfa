"""The shared schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("operation", "key", name=op.f("idempotency_keys_pkey")),
        schema="platform",
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
        schema="platform",
    )
    op.create_index(
        "inbox_pending_idx",
        "inbox",
        ["leased_until"],
        unique=False,
        schema="platform",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("leases_pkey")),
        schema="platform",
    )
    op.create_table(
        "login_throttles",
        sa.Column("account_hash", sa.LargeBinary(), nullable=False),
        sa.Column("window_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_hash", name=op.f("login_throttles_pkey")),
        schema="platform",
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("organizations_pkey")),
        schema="platform",
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
        schema="platform",
    )
    op.create_index(
        "outbox_undispatched_idx",
        "outbox",
        ["id"],
        unique=False,
        schema="platform",
        postgresql_where=sa.text("dispatched_at IS NULL"),
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
        schema="platform",
    )
    op.create_index("usage_facts_day_idx", "usage_facts", ["meter", "day"], unique=False, schema="platform")
    op.create_index(
        "usage_facts_new_idx",
        "usage_facts",
        ["day"],
        unique=False,
        schema="platform",
        postgresql_where=sa.text("rolled_up_at IS NULL"),
    )
    op.create_table(
        "usage_rollups",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "meter", "day", name=op.f("usage_rollups_pkey")),
        schema="platform",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("users_email_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email", name=op.f("users_email_key")),
        schema="platform",
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["platform.users.id"], name=op.f("sessions_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("sessions_pkey")),
        schema="platform",
    )
    op.create_index(op.f("sessions_user_id_idx"), "sessions", ["user_id"], unique=False, schema="platform")
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("clock_offset_seconds", sa.BigInteger(), nullable=False),
        sa.Column("placement", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("schema_revision", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode = 'sandbox' OR clock_offset_seconds = 0", name=op.f("tenants_clock_check")),
        sa.CheckConstraint("mode IN ('live', 'sandbox')", name=op.f("tenants_mode_check")),
        sa.CheckConstraint("schema_name ~ '^t_[0-9a-f]{12}$'", name=op.f("tenants_schema_name_check")),
        sa.CheckConstraint("status IN ('provisioning', 'active', 'suspended')", name=op.f("tenants_status_check")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["platform.organizations.id"], name=op.f("tenants_organization_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("tenants_pkey")),
        sa.UniqueConstraint("schema_name", name=op.f("tenants_schema_name_key")),
        sa.UniqueConstraint("slug", name=op.f("tenants_slug_key")),
        schema="platform",
    )
    op.create_index(
        op.f("tenants_organization_id_idx"), "tenants", ["organization_id"], unique=False, schema="platform"
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["platform.tenants.id"], name=op.f("api_keys_tenant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("prefix", name=op.f("api_keys_prefix_key")),
        schema="platform",
    )
    op.create_index(op.f("api_keys_tenant_id_idx"), "api_keys", ["tenant_id"], unique=False, schema="platform")
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'marketer', 'cashier', 'analyst', 'headquarters')",
            name=op.f("invitations_role_check"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("invitations_email_check")),
        sa.ForeignKeyConstraint(["invited_by"], ["platform.users.id"], name=op.f("invitations_invited_by_fkey")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["platform.organizations.id"], name=op.f("invitations_organization_id_fkey")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["platform.tenants.id"], name=op.f("invitations_tenant_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("invitations_pkey")),
        schema="platform",
    )
    op.create_index(op.f("invitations_tenant_id_idx"), "invitations", ["tenant_id"], unique=False, schema="platform")
    op.create_table(
        "staff_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'marketer', 'cashier', 'analyst', 'headquarters')",
            name=op.f("staff_grants_role_check"),
        ),
        sa.CheckConstraint("store_id IS NULL OR tenant_id IS NOT NULL", name=op.f("staff_grants_node_check")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["platform.organizations.id"], name=op.f("staff_grants_organization_id_fkey")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["platform.tenants.id"], name=op.f("staff_grants_tenant_id_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["platform.users.id"], name=op.f("staff_grants_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("staff_grants_pkey")),
        sa.UniqueConstraint(
            "user_id",
            "organization_id",
            "tenant_id",
            "store_id",
            name=op.f("staff_grants_node_key"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="platform",
    )
    op.create_index(
        op.f("staff_grants_organization_id_idx"), "staff_grants", ["organization_id"], unique=False, schema="platform"
    )
    op.create_index(op.f("staff_grants_tenant_id_idx"), "staff_grants", ["tenant_id"], unique=False, schema="platform")
    op.create_table(
        "tenant_domains",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("host = lower(host)", name=op.f("tenant_domains_host_check")),
        sa.ForeignKeyConstraint(["tenant_id"], ["platform.tenants.id"], name=op.f("tenant_domains_tenant_id_fkey")),
        sa.PrimaryKeyConstraint("host", name=op.f("tenant_domains_pkey")),
        schema="platform",
    )
    op.create_index(
        op.f("tenant_domains_tenant_id_idx"), "tenant_domains", ["tenant_id"], unique=False, schema="platform"
    )

    op.execute(
        """
        CREATE FUNCTION platform.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% refused: this table is append-only', TG_OP USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute("GRANT USAGE ON SCHEMA platform TO regulars_app")
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA platform GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO regulars_app"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA platform TO regulars_app")
