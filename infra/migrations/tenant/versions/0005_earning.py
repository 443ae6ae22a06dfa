"""Evidence and caps of the whole earning engine."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
COLUMNS = (
    ("purchases", "shipping_minor", sa.BigInteger()),
    ("purchases", "prices_include_tax", sa.Boolean()),
    ("purchases", "tenders", JSON),
    ("purchases", "codes", postgresql.ARRAY(sa.Text())),
    ("purchases", "staff", sa.Text()),
    ("purchases", "fields", JSON),
    ("purchase_lines", "product", sa.Text()),
    ("purchase_lines", "tax_minor", sa.BigInteger()),
    ("purchase_lines", "base_minor", sa.BigInteger()),
    ("purchase_accruals", "unit", sa.Text()),
)
# As of the other counters, in 0002: rows that every purchase updates in place.
FILLFACTOR = 75
CLEANING = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_delay": "0",
}


def upgrade() -> None:
    for table, column, type_ in COLUMNS:
        op.add_column(table, sa.Column(column, type_, nullable=True))
    op.create_table(
        "cap_fillings",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("cap_fillings_used_check")),
        sa.PrimaryKeyConstraint(
            "owner_id", "period", "start", "subject", "code", "measure", name=op.f("cap_fillings_pkey")
        ),
    )
    settings = ", ".join(f"{name} = {value}" for name, value in {"fillfactor": str(FILLFACTOR), **CLEANING}.items())
    op.execute(f"ALTER TABLE cap_fillings SET ({settings})")


def downgrade() -> None:
    op.drop_table("cap_fillings")
    for table, column, _ in reversed(COLUMNS):
        op.drop_column(table, column)
