"""The SQL of caps. Rows of a member are written by whoever holds the member's ledger lock."""

READ = """
SELECT member_id, rule_id, day, used FROM cap_uses
WHERE member_id = ANY(%(ids)s) AND day BETWEEN %(first_day)s AND %(last_day)s"""
ADD = """
INSERT INTO cap_uses (member_id, rule_id, day, used)
SELECT member_id, rule_id, day, points
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, rule_id text, day date, points bigint)
ON CONFLICT (member_id, rule_id, day) DO UPDATE SET used = cap_uses.used + EXCLUDED.used"""
# An INSERT of a negative number would break the check before it met the row that is there.
GIVE_BACK = """
UPDATE cap_uses SET used = used + rows.points
FROM jsonb_to_recordset(%(rows)s) AS rows (rule_id text, points bigint)
WHERE member_id = %(member_id)s AND day = %(day)s AND cap_uses.rule_id = rows.rule_id"""
