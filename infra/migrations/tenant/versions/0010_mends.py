"""What the first year of the ledger's rooms taught: checks that were missing, and the base of a lot's clock."""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
