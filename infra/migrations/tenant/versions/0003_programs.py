"""Programs: versions that begin later can be withdrawn, and a version may restore an older one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("program_versions", sa.Column("restores_number", sa.BigInteger(), nullable=True))
    op.create_table(
        "program_withdrawals",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["program_versions.id"], name=op.f("program_withdrawals_version_id_fkey")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("program_withdrawals_pkey")),
    )
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON program_withdrawals FROM regulars_app")


def downgrade() -> None:
    op.drop_table("program_withdrawals")
    op.drop_column("program_versions", "restores_number")
