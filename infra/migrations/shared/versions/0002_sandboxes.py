"""Sandboxes: of which live tenant each is. And a way to old counts of guesses."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandboxes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("live_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tenant_id <> live_tenant_id", name=op.f("sandboxes_self_check")),
        sa.ForeignKeyConstraint(
            ["live_tenant_id"], ["platform.tenants.id"], name=op.f("sandboxes_live_tenant_id_fkey")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["platform.tenants.id"], name=op.f("sandboxes_tenant_id_fkey")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("sandboxes_pkey")),
        schema="platform",
    )
    op.create_index(
        op.f("sandboxes_live_tenant_id_idx"), "sandboxes", ["live_tenant_id"], unique=False, schema="platform"
    )
    op.create_index(
        op.f("login_throttles_window_started_at_idx"),
        "login_throttles",
        ["window_started_at"],
        unique=False,
        schema="platform",
    )


def downgrade() -> None:
    op.drop_index(op.f("login_throttles_window_started_at_idx"), "login_throttles", schema="platform")
    op.drop_table("sandboxes", schema="platform")
