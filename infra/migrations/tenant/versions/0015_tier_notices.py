"""Members are told before a review takes their tier; what could be spent when a tier was reached.

From here on a document that says nothing has no silent expiry; one that was written before keeps what it meant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OPEN = sa.text("outcome IS NULL AND id IS NOT NULL")


AS_IT_WAS = """
UPDATE {table} SET document = jsonb_set(document, '{{policies}}',
    coalesce(document -> 'policies', '{{}}'::jsonb) || '{{"noSilentExpiry": "off"}}')
WHERE document ->> 'version' = '2' AND document #> '{{policies,noSilentExpiry}}' IS NULL"""


def upgrade() -> None:
    for table in ("program_versions", "program_drafts"):
        op.execute(AS_IT_WAS.format(table=table))
    op.add_column("member_tiers", sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("member_tiers", sa.Column("reached_with", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("member_tiers_notice_at_idx"),
        "member_tiers",
        ["notice_at", "member_id"],
        unique=False,
        postgresql_where=sa.text("notice_at IS NOT NULL"),
    )
    op.create_table(
        "tier_notices",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("tier_code", sa.Text(), nullable=False),
        sa.Column("loses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=True),
        sa.Column("told_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('accepted', 'unreachable')", name=op.f("tier_notices_outcome_check")),
        sa.CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name=op.f("tier_notices_settled_check")),
        sa.CheckConstraint(
            "verdict IN ('in_time', 'kept', 'would_keep', 'unreachable', 'given_up')",
            name=op.f("tier_notices_verdict_check"),
        ),
        sa.PrimaryKeyConstraint("member_id", "tier_code", "loses_at", name=op.f("tier_notices_pkey")),
    )
    op.create_index(
        op.f("tier_notices_id_idx"),
        "tier_notices",
        ["id"],
        unique=True,
        postgresql_where=sa.text("id IS NOT NULL"),
    )
    op.create_index(op.f("tier_notices_told_at_idx"), "tier_notices", ["told_at"], unique=False, postgresql_where=_OPEN)
    op.create_index(
        op.f("tier_notices_due_at_idx"),
        "tier_notices",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("tier_notices")
    op.drop_index(op.f("member_tiers_notice_at_idx"), table_name="member_tiers")
    op.drop_column("member_tiers", "reached_with")
    op.drop_column("member_tiers", "notice_at")
