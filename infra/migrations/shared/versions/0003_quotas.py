"""Quotas: how much a tenant may ask for, where that is not what others may."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECK = """
(quota_capacity IS NULL) = (quota_per_second IS NULL) AND quota_capacity >= 1 AND quota_per_second >= 1"""


def upgrade() -> None:
    op.add_column("tenants", sa.Column("quota_capacity", sa.BigInteger(), nullable=True), schema="platform")
    op.add_column("tenants", sa.Column("quota_per_second", sa.BigInteger(), nullable=True), schema="platform")
    op.execute(f"ALTER TABLE platform.tenants ADD CONSTRAINT tenants_quota_check CHECK ({CHECK}) NOT VALID")
    op.execute("ALTER TABLE platform.tenants VALIDATE CONSTRAINT tenants_quota_check")


def downgrade() -> None:
    op.drop_constraint(op.f("tenants_quota_check"), "tenants", schema="platform", type_="check")
    op.drop_column("tenants", "quota_per_second", schema="platform")
    op.drop_column("tenants", "quota_capacity", schema="platform")
