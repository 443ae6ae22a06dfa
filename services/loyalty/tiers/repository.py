"""The SQL of members' tiers. A member's row is written by whoever holds the member's ledger lock."""

from psycopg.rows import DictRow

from services.loyalty.tiers.domain import TierRecord

READ = """
SELECT member_id, tier_code, points_earned, spend_minor, since FROM member_tiers WHERE member_id = ANY(%(ids)s)"""
COUNT = """
INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, since)
VALUES (%(member_id)s, %(tier_code)s, %(points_earned)s, %(spend_minor)s, %(since)s)
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor"""


def record_of(row: DictRow) -> TierRecord:
    return TierRecord(row["tier_code"], row["points_earned"], row["spend_minor"], row["since"])
