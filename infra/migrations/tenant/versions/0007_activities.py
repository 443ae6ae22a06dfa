"""What members do besides buying: their activities, shares and referrals, and the days of their year."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TRIGGERS = (
    "('sign_up', 'check_in', 'review', 'survey', 'share', 'referral_registered', 'referral_purchased', 'birthday',"
    " 'anniversary', 'profile_completed', 'mention', 'custom_event')"
)

# Members who joined before have their days looked for once, by the errand that keeps them.
OCCASIONS_OF_MEMBERS = """
INSERT INTO member_occasions (member_id, kind, due_at)
SELECT id, 'anniversary', enrolled_at FROM members
UNION ALL SELECT id, 'birthday', enrolled_at FROM members WHERE birthday IS NOT NULL"""


def upgrade() -> None:
    op.add_column("members", sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("members", sa.Column("fields", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("members", sa.Column("is_referred", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("members", sa.Column("birthday_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("members", sa.Column("profile_completed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "member_occasions",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('birthday', 'anniversary')", name=op.f("member_occasions_kind_check")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("member_occasions_member_id_fkey")),
        sa.PrimaryKeyConstraint("member_id", "kind", name=op.f("member_occasions_pkey")),
    )
    op.create_index("member_occasions_due_idx", "member_occasions", ["kind", "due_at", "member_id"], unique=False)
    op.execute(OCCASIONS_OF_MEMBERS)
    op.create_table(
        "referral_codes",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("referral_codes_pkey")),
        sa.UniqueConstraint("code", name=op.f("referral_codes_code_key")),
    )
    op.create_table(
        "referrals",
        sa.Column("friend_id", sa.Uuid(), nullable=False),
        sa.Column("referrer_id", sa.Uuid(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purchase_id", sa.Uuid(), nullable=True),
        sa.Column("purchased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purchase_facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("judged_purchase_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("friend_id <> referrer_id", name=op.f("referrals_self_check")),
        sa.CheckConstraint("(purchase_id IS NULL) = (purchased_at IS NULL)", name=op.f("referrals_purchase_check")),
        sa.PrimaryKeyConstraint("friend_id", name=op.f("referrals_pkey")),
    )
    op.create_index(op.f("referrals_referrer_id_idx"), "referrals", ["referrer_id"], unique=False)
    op.create_index(
        "referrals_purchase_id_idx",
        "referrals",
        ["purchase_id"],
        unique=False,
        postgresql_where=sa.text("purchase_id IS NOT NULL"),
    )
    op.create_index(
        "referrals_unjudged_idx",
        "referrals",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("purchase_id IS DISTINCT FROM judged_purchase_id"),
    )
    op.create_table(
        "activities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("event_code", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("program_version_id", sa.Uuid(), nullable=True),
        sa.Column("frozen", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("accruals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"trigger IN {TRIGGERS}", name=op.f("activities_trigger_check")),
        sa.CheckConstraint("points >= 0", name=op.f("activities_points_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("activities_pkey")),
        sa.UniqueConstraint("source", "external_id", name=op.f("activities_external_id_key")),
        sa.UniqueConstraint("once_key", name=op.f("activities_once_key")),
    )
    op.create_index(op.f("activities_member_id_id_idx"), "activities", ["member_id", "id"], unique=False)
    op.create_table(
        "shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.Column("first_visited_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("shares_pkey")),
    )
    op.create_index(op.f("shares_member_id_id_idx"), "shares", ["member_id", "id"], unique=False)
    op.create_table(
        "share_visits",
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("visitor_hash", sa.LargeBinary(), nullable=False),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name=op.f("share_visits_share_id_fkey")),
        sa.PrimaryKeyConstraint("share_id", "visitor_hash", name=op.f("share_visits_pkey")),
    )


def downgrade() -> None:
    for table in ("share_visits", "shares", "activities", "referrals", "referral_codes", "member_occasions"):
        op.drop_table(table)
    for column in ("profile_completed_at", "birthday_changed_at", "is_referred", "fields", "tags"):
        op.drop_column("members", column)
