-- One committed expiry of one lot, in a transaction of its own: what the night work writes for a lot, with nothing
-- decided, found or hashed. Changed only with an ADR.
--
-- {schema} is filled in by tests/load/pgbench.py. A client stays with one member's lot for 20 turns.
\if :turn % 20 = 0
\set chosen random(1, :members)
SELECT bench_members.id AS member, lots.id AS lot FROM {schema}.bench_members, LATERAL (
    SELECT id FROM {schema}.ledger_lots WHERE holder_id = bench_members.id ORDER BY id LIMIT 1) AS lots
WHERE number = :chosen \gset
\endif
\set turn :turn + 1
\set entry 100000000000 + :turn * 64 + :client_id
\startpipeline
BEGIN;
SET LOCAL search_path TO {schema};
\endpipeline
\startpipeline
SELECT id, entry_seq, last_hash FROM ledger_holders WHERE id = ANY(ARRAY[:member]::uuid[])
ORDER BY id FOR NO KEY UPDATE;
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted
FROM ledger_balances WHERE holder_id = ANY(ARRAY[:member]::uuid[]) ORDER BY holder_id, unit;
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
    funder_store_id
FROM ledger_lots WHERE id = :lot;
\endpipeline
\startpipeline
INSERT INTO ledger_entries (id, holder_id, seq, kind, actor_kind, occurred_at, recorded_at, previous_hash, hash)
VALUES ((:prefix || :entry)::uuid, :member, (SELECT entry_seq + 1 FROM ledger_holders WHERE id = :member), 'expiry',
    'system', now(), now(), '\xf7c44cdcc7de239d1152e3fcd9af1bbfa5106db49b0ecc1dd111d6846df99e6e',
    '\xea436ed8ee9f65eb55087019003b09cfdbc0cdb3130667ecd4f08131ae9715d7');
INSERT INTO ledger_postings (entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id,
    credit_purpose, amount)
VALUES ((:prefix || :entry)::uuid, 1, 'beans', :member, 'available', NULL, 'breakage', 2);
UPDATE ledger_lots SET remaining = remaining, state = state WHERE id = :lot;
INSERT INTO ledger_lot_movements (entry_id, position, lot_id, purpose, delta)
VALUES ((:prefix || :entry)::uuid, 1, :lot, 'available', -2);
UPDATE ledger_balances SET available_out = available_out + 0, expired = expired + 0
WHERE holder_id = :member AND unit = 'beans';
UPDATE ledger_holders SET entry_seq = entry_seq + 1,
    last_hash = '\xea436ed8ee9f65eb55087019003b09cfdbc0cdb3130667ecd4f08131ae9715d7'
WHERE id = :member AND entry_seq > 0;
\endpipeline
COMMIT;
