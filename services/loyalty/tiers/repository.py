"""The SQL of members' tiers. A member's row is written by whoever holds the member's ledger lock."""

from psycopg.rows import DictRow

from services.loyalty.tiers.domain import TierRecord

READ = """
SELECT member_id, tier_code, points_earned, spend_minor, since FROM member_tiers WHERE member_id = ANY(%(ids)s)"""
COUNT = """
INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, since)
SELECT member_id, tier_code, points_earned, spend_minor, since
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, tier_code text, points_earned bigint, spend_minor bigint,
    since timestamptz)
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor"""


def record_of(row: DictRow) -> TierRecord:
    return TierRecord(row["tier_code"], row["points_earned"], row["spend_minor"], row["since"])
