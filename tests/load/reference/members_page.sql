-- A page of members with tier, balances and their last five entries: the statements of the GraphQL query in
-- tests/load/pages.py, as the services sent them in November 2026, here in one pipeline. Where the services name the
-- page's members, which they know by then, a subquery finds them again. Changed only with an ADR.
-- What one pipeline prepares is found by the search path before it has run, so that the beginning is one of its own.
-- A client stays with one page for 20 reads, so that choosing pages costs next to nothing.
\if :turn % 20 = 0
\set chosen random(:lowest, :highest)
SELECT id AS after FROM {schema}.bench_crowd WHERE number = :chosen \gset
\endif
\set turn :turn + 1
\startpipeline
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path TO {schema};
\endpipeline
\startpipeline
SELECT id, name, birthday, locale, timezone, status, enrolled_at, enrolled_store_id, updated_at
FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51;
SELECT member_id, kind, value
FROM (SELECT id FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51) AS page
    JOIN member_identities ON member_id = page.id
ORDER BY member_id, kind, value;
SELECT id, number, effective_from, CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id = (SELECT id FROM program_versions WHERE effective_from <= now()
        ORDER BY effective_from DESC, number DESC LIMIT 1)
    OR id = (SELECT id FROM program_versions WHERE effective_from <= NULL::timestamptz
        ORDER BY effective_from DESC, number DESC LIMIT 1);
SELECT member_id, tier_code, points_earned, spend_minor, since FROM member_tiers
WHERE member_id = ANY(ARRAY(SELECT id FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51));
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted
FROM ledger_balances
WHERE holder_id = ANY(ARRAY(SELECT id FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51))
ORDER BY holder_id, unit;
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
    funder_store_id
FROM ledger_lots
WHERE holder_id = ANY(ARRAY(SELECT id FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51))
    AND remaining > 0 AND (expires_at IS NOT NULL OR state = 'pending')
    AND ((state = 'pending' AND activates_at <= now()) OR expires_at <= now());
SELECT ledger_entries.id, holder_id, seq, kind, store_id, reason, actor_kind, occurred_at, recorded_at, previous_hash,
    hash,
    (SELECT sum(CASE WHEN credit_holder_id IS NULL THEN 0 ELSE amount END)::bigint
        - sum(CASE WHEN debit_holder_id IS NULL THEN 0 ELSE amount END)::bigint
    FROM ledger_postings WHERE entry_id = ledger_entries.id) AS gained
FROM ledger_holders JOIN ledger_entries ON holder_id = ledger_holders.id AND seq > entry_seq - 6
WHERE ledger_holders.id = ANY(ARRAY(SELECT id FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51))
ORDER BY holder_id, seq DESC;
ROLLBACK;
\endpipeline
