"""The SQL of referrals."""

from psycopg.rows import DictRow

from services.loyalty.referrals.domain import Referral

COLUMNS = """
friend_id, referrer_id, registered_at, purchase_id, purchased_at, purchase_facts, judged_purchase_id, changed_at,
amendment_id, judged_amendment_id, kept"""
BY_CODE = "SELECT member_id FROM referral_codes WHERE code = %(code)s"
CODES = "SELECT member_id, code FROM referral_codes WHERE member_id = ANY(%(ids)s)"
INSERT_CODE = """
INSERT INTO referral_codes (member_id, code, created_at) VALUES (%(member_id)s, %(code)s, %(now)s)
ON CONFLICT DO NOTHING RETURNING code"""
INSERT = """
INSERT INTO referrals (friend_id, referrer_id, registered_at, changed_at)
VALUES (%(friend_id)s, %(referrer_id)s, %(now)s, %(now)s)"""
BY_FRIENDS = f"SELECT {COLUMNS} FROM referrals WHERE friend_id = ANY(%(ids)s)"
# A friend has one first purchase; whichever comes later, and whatever is told again, changes nothing.
MARK = """
UPDATE referrals SET purchase_id = rows.purchase_id, purchased_at = rows.occurred_at, purchase_facts = rows.facts,
    amendment_id = rows.amendment_id, changed_at = %(now)s
FROM jsonb_to_recordset(%(rows)s)
    AS rows (friend_id uuid, purchase_id uuid, occurred_at timestamptz, facts jsonb, amendment_id uuid)
WHERE referrals.friend_id = rows.friend_id AND referrals.purchase_id IS NULL"""
# What nobody can ask of it changes nothing.
AMEND = """
UPDATE referrals SET purchase_facts = %(facts)s, amendment_id = %(amendment_id)s, changed_at = %(now)s
WHERE friend_id = %(friend_id)s AND purchase_id = %(purchase_id)s AND purchase_facts IS DISTINCT FROM %(facts)s"""
REOPEN = """
UPDATE referrals SET purchase_id = NULL, purchased_at = NULL, purchase_facts = NULL, amendment_id = NULL,
    changed_at = %(now)s
WHERE purchase_id = ANY(%(ids)s)"""
TO_JUDGE = """
(purchase_id IS DISTINCT FROM judged_purchase_id OR amendment_id IS DISTINCT FROM judged_amendment_id)"""
UNJUDGED = f"""
SELECT {COLUMNS} FROM referrals
WHERE {TO_JUDGE} AND changed_at <= %(now)s
    AND (%(after_at)s::timestamptz IS NULL OR (changed_at, friend_id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY changed_at, friend_id LIMIT %(limit)s"""
FIRST_UNJUDGED = f"""
SELECT changed_at FROM referrals WHERE {TO_JUDGE} ORDER BY changed_at LIMIT 1"""
JUDGED = """
UPDATE referrals SET judged_purchase_id = %(purchase_id)s, judged_amendment_id = %(amendment_id)s, kept = %(kept)s
WHERE friend_id = %(friend_id)s"""


def referral_of(row: DictRow) -> Referral:
    return Referral(**row)
