"""The SQL of caps.

A member's counters are written by whoever holds the member's ledger lock. Everybody's have a row each, which is locked
after the members, in the order of the key. The commonest counter, of points by rule and day, has a table of its own.
"""

READ = """
SELECT member_id AS owner_id, 'day' AS period, day AS start, 'rule' AS subject, rule_id AS code,
    'points' AS measure, used
FROM cap_uses
WHERE member_id = ANY(%(ids)s) AND day BETWEEN %(first_day)s AND %(last_day)s
UNION ALL
SELECT owner_id, period, start, subject, code, measure, used
FROM cap_fillings JOIN unnest(%(periods)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS asked (period, first, last)
    USING (period)
WHERE owner_id = ANY(%(ids)s) AND start BETWEEN first AND last"""
# A row that is not there yet cannot be locked.
OPEN_SHARED = """
INSERT INTO cap_fillings (owner_id, period, start, subject, code, measure, used)
SELECT owner_id, period, start, subject, code, measure, 0
FROM jsonb_to_recordset(%(rows)s)
    AS rows (owner_id uuid, period text, start date, subject text, code text, measure text)
ORDER BY owner_id, period, start, subject, code, measure
ON CONFLICT (owner_id, period, start, subject, code, measure) DO NOTHING"""
LOCK_SHARED = """
SELECT cap_fillings.* FROM cap_fillings JOIN jsonb_to_recordset(%(rows)s)
    AS rows (owner_id uuid, period text, start date, subject text, code text, measure text)
    USING (owner_id, period, start, subject, code, measure)
ORDER BY owner_id, period, start, subject, code, measure FOR UPDATE OF cap_fillings"""
READ_SHARED = """
SELECT cap_fillings.* FROM cap_fillings JOIN jsonb_to_recordset(%(rows)s)
    AS rows (owner_id uuid, period text, start date, subject text, code text, measure text)
    USING (owner_id, period, start, subject, code, measure)"""
ADD_USES = """
INSERT INTO cap_uses (member_id, rule_id, day, used)
SELECT owner_id, code, start, amount
FROM jsonb_to_recordset(%(rows)s) AS rows (owner_id uuid, code text, start date, amount bigint)
ON CONFLICT (member_id, rule_id, day) DO UPDATE SET used = cap_uses.used + EXCLUDED.used"""
ADD_FILLINGS = """
INSERT INTO cap_fillings (owner_id, period, start, subject, code, measure, used)
SELECT owner_id, period, start, subject, code, measure, amount
FROM jsonb_to_recordset(%(rows)s)
    AS rows (owner_id uuid, period text, start date, subject text, code text, measure text, amount bigint)
ORDER BY owner_id, period, start, subject, code, measure
ON CONFLICT (owner_id, period, start, subject, code, measure)
    DO UPDATE SET used = cap_fillings.used + EXCLUDED.used"""
# An INSERT of a negative number would break the check before it met the row that is there. Never below zero: a counter
# that was not kept when the points were given has nothing to give back.
CHANGE_USES = """
UPDATE cap_uses SET used = GREATEST(0, used + rows.amount)
FROM jsonb_to_recordset(%(rows)s) AS rows (owner_id uuid, code text, start date, amount bigint)
WHERE member_id = rows.owner_id AND day = rows.start AND cap_uses.rule_id = rows.code"""
CHANGE_FILLINGS = """
UPDATE cap_fillings SET used = GREATEST(0, used + rows.amount)
FROM jsonb_to_recordset(%(rows)s)
    AS rows (owner_id uuid, period text, start date, subject text, code text, measure text, amount bigint)
WHERE cap_fillings.owner_id = rows.owner_id AND cap_fillings.period = rows.period
    AND cap_fillings.start = rows.start AND cap_fillings.subject = rows.subject
    AND cap_fillings.code = rows.code AND cap_fillings.measure = rows.measure"""
