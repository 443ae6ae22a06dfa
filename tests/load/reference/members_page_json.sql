-- A page of members with tier, balances and their last five entries: the statement of the GraphQL query in
-- tests/load/pages.py, in which the database writes the whole JSON, as the services sent it in November 2026.
-- Colons of the time format are written chr(58), which pgbench would take for variables. Changed only with an ADR.
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
SELECT id, number, effective_from, CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id = (SELECT id FROM program_versions WHERE effective_from <= now()
        ORDER BY effective_from DESC, number DESC LIMIT 1);
SELECT m.id, (SELECT row_to_json(o) FROM (SELECT translate(rtrim(encode(convert_to('Member:' || m.id, 'UTF8'),
'base64'), '='), E'+/\n', '-_') AS "id", m.name AS "name", upper(m.status) AS "status", m.locale AS "locale", (SELECT
(SELECT row_to_json(o) FROM (SELECT
(ARRAY['{"code":"guest","name":{"en":"Guest","zh":"新朋友"}}','{"code":"regular","name":{"en":"Regular","zh":"常客"}}','{"code":"insider","name":{"en":"Insider","zh":"老熟人"}}']::json[])[s.held]
AS "tier", (SELECT row_to_json(o) FROM (SELECT coalesce(s.thresholds[s.reached + 1] - s.qualifying, 0) AS "missing")
o) AS "progress") o) FROM ( SELECT s.*, coalesce(array_position(s.codes, s.tier_code), s.reached) AS held FROM (
SELECT s.*, ARRAY['guest','regular','insider']::text[] AS codes, ARRAY[0,500,2000]::bigint[] AS thresholds,
greatest(1, width_bucket(s.qualifying, ARRAY[0,500,2000]::bigint[])) AS reached FROM ( SELECT t.tier_code, t.since,
coalesce(t.points_earned, 0) AS points_earned, coalesce(CASE WHEN true THEN t.points_earned ELSE t.spend_minor END, 0)
AS qualifying FROM (SELECT 1) one LEFT JOIN member_tiers t ON t.member_id = m.id ) s ) s) s) AS "tier", (SELECT
coalesce(json_agg((SELECT row_to_json(o) FROM (SELECT b.unit AS "unit", b.available_in - b.available_out +
due.activated - due.lapsed AS "available", b.pending_in - b.pending_out - due.activated AS "pending") o) ORDER BY
b.unit), '[]') FROM ledger_balances b LEFT JOIN LATERAL ( SELECT coalesce(sum(remaining) FILTER (WHERE state =
'pending' AND activates_at <= now()), 0)::bigint AS activated, coalesce(sum(remaining) FILTER (WHERE expires_at <=
now()), 0)::bigint AS lapsed FROM ledger_lots WHERE holder_id = b.holder_id AND unit = b.unit AND remaining > 0 AND
(expires_at IS NOT NULL OR state = 'pending')) due ON true WHERE b.holder_id = m.id) AS "balances", (SELECT (SELECT
row_to_json(o) FROM (SELECT g.edges AS "edges") o) FROM ( SELECT coalesce(json_agg(edge ORDER BY seq DESC) FILTER
(WHERE place <= 5), '[]') AS edges, count(*) > 5 AS has_more, (array_agg(cursor ORDER BY seq DESC))[1] AS
start_cursor, (array_agg(cursor ORDER BY seq DESC))[least(count(*), 5)] AS end_cursor FROM ( SELECT seq, place,
cursor, (SELECT row_to_json(o) FROM (SELECT (SELECT row_to_json(o) FROM (SELECT
translate(rtrim(encode(convert_to('LedgerEntry:' || e.id, 'UTF8'), 'base64'), '='), E'+/\n', '-_') AS "id",
upper(e.kind) AS "kind", e.seq AS "sequence", (SELECT coalesce(sum(CASE WHEN credit_holder_id IS NULL THEN 0 ELSE
amount END - CASE WHEN debit_holder_id IS NULL THEN 0 ELSE amount END), 0)::bigint FROM ledger_postings WHERE entry_id
= e.id) AS "points", to_char(e.occurred_at AT TIME ZONE 'UTC', CASE WHEN extract(microseconds FROM
e.occurred_at)::bigint % 1000 = 0 THEN 'YYYY-MM-DD"T"HH24' || chr(58) || 'MI' || chr(58) || 'SS.MS"Z"' ELSE 'YYYY-MM-DD"T"HH24' || chr(58) || 'MI' || chr(58) || 'SS.US"Z"' END) AS
"occurredAt") o) AS "node") o) AS edge FROM ( SELECT *, row_number() OVER (ORDER BY seq DESC) AS place,
translate(rtrim(encode(convert_to('["ledger:' || m.id || '","' || seq || '"]', 'UTF8'), 'base64'), '='), E'+/\n',
'-_') AS cursor FROM ledger_entries WHERE holder_id = m.id ORDER BY seq DESC LIMIT 6 ) e ) read) g) AS "ledger") o)
::text AS profile FROM (SELECT * FROM members WHERE id < (:after)::uuid ORDER BY id DESC LIMIT 51) m ORDER BY m.id
DESC;
ROLLBACK;
\endpipeline
