-- A member by id with balances and tier: the six statements of the GraphQL query in tests/load/contenders.py, as
-- PostgreSQL logged them in November 2026, here in one pipeline. Changed only with an ADR.
-- A client stays with one member for 20 reads, so that choosing members costs next to nothing.
\if :turn % 20 = 0
\set chosen random(1, :members)
SELECT id AS member FROM {schema}.bench_members WHERE number = :chosen \gset
\endif
\set turn :turn + 1
\startpipeline
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path TO {schema};
\endpipeline
\startpipeline
SELECT id, name, birthday, locale, timezone, status, enrolled_at, enrolled_store_id, updated_at
FROM members WHERE id = ANY(ARRAY[:member]::uuid[]);
SELECT member_id, kind, value FROM member_identities WHERE member_id = ANY(ARRAY[:member]::uuid[])
ORDER BY member_id, kind, value;
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted
FROM ledger_balances WHERE holder_id = ANY(ARRAY[:member]::uuid[]) ORDER BY holder_id, unit;
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
    funder_store_id
FROM ledger_lots WHERE holder_id = ANY(ARRAY[:member]::uuid[]) AND remaining > 0
    AND (expires_at IS NOT NULL OR state = 'pending')
    AND ((state = 'pending' AND activates_at <= now()) OR expires_at <= now());
SELECT id, number, effective_from, CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id = (SELECT id FROM program_versions WHERE effective_from <= now()
        ORDER BY effective_from DESC, number DESC LIMIT 1)
    OR id = (SELECT id FROM program_versions WHERE effective_from <= NULL::timestamptz
        ORDER BY effective_from DESC, number DESC LIMIT 1);
SELECT member_id, tier_code, points_earned, spend_minor, since
FROM member_tiers WHERE member_id = ANY(ARRAY[:member]::uuid[]);
\endpipeline
ROLLBACK;
