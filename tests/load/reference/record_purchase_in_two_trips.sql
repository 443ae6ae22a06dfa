-- One committed recordPurchase as the service sends it since November 2026 (ADR 0016): a batch of one, in two round
-- trips. A receipt of one line by a member known by id, 2 points, no change of tier. Changed only with an ADR.
--
-- What the product computes between its two pipelines stands here as constants, or as a look at the locked row; see
-- record_purchase.sql, the fixed yardstick, for the rest. pgbench prepares the statements of a pipeline before it sends
-- any, so that here the path is set in a message of its own: three trips where the product makes two.
\if :turn % 20 = 0
\set chosen random(1, :members)
SELECT id AS member FROM {schema}.bench_members WHERE number = :chosen \gset
\endif
\set turn :turn + 1
\set purchase 100000000000 + (:turn * 64 + :client_id) * 4
\set entry :purchase + 1
\set lot :purchase + 2
\set letter :purchase + 3
\startpipeline
BEGIN;
SET LOCAL search_path TO {schema};
\endpipeline
\startpipeline
INSERT INTO idempotency_keys (operation, key, request_hash, created_at)
SELECT 'recordPurchase', key, request_hash, now()
FROM jsonb_to_recordset(('[{"key": "' || :prefix || :purchase || '", '
    '"request_hash": "\\xfe4a9ade7ff1501a80f2506d30234def9d10cbedf55966b1e12cec44ab914bbb"}]')::jsonb)
    AS rows (key text, request_hash bytea) ORDER BY key
ON CONFLICT (operation, key) DO NOTHING RETURNING key;
SELECT id, entry_seq, last_hash FROM ledger_holders WHERE id = ANY(ARRAY[:member]::uuid[])
    ORDER BY id FOR NO KEY UPDATE;
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted
FROM ledger_balances WHERE holder_id = ANY(ARRAY[:member]::uuid[]) ORDER BY holder_id, unit;
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
funder_store_id FROM ledger_lots WHERE holder_id = ANY(ARRAY[:member]::uuid[]) AND remaining > 0
AND (expires_at IS NOT NULL OR state = 'pending')
AND ((state = 'pending' AND activates_at <= now()) OR expires_at <= now());
SELECT id, status FROM members WHERE id = ANY(ARRAY[:member]::uuid[]);
SELECT member_id, tier_code, points_earned, spend_minor, since FROM member_tiers
    WHERE member_id = ANY(ARRAY[:member]::uuid[]);
SELECT member_id, rule_id, day, used FROM cap_uses
WHERE member_id = ANY(ARRAY[:member]::uuid[]) AND day BETWEEN current_date - 1 AND current_date + 1;
SELECT id, code, name, address, timezone, currency, created_at, closed_at FROM stores
    WHERE id = ANY(ARRAY[:store]::uuid[]);
SELECT tenants.id, tenants.organization_id, tenants.slug, tenants.name, tenants.mode, tenants.clock_offset_seconds,
tenants.placement, tenants.status, tenants.locale, tenants.created_at FROM platform.tenants WHERE id = :tenant;
SELECT id, number, effective_from, CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id IN (SELECT (SELECT id FROM program_versions WHERE effective_from <= asked.instant
            ORDER BY effective_from DESC, number DESC LIMIT 1)
        FROM unnest(ARRAY[now()]::timestamptz[]) AS asked (instant));
SELECT source, external_id, id, content_hash, answer FROM purchases
    JOIN unnest(ARRAY['till']::text[], ARRAY[:prefix || :purchase]::text[]) AS asked (source, external_id)
    USING (source, external_id);
\endpipeline
\startpipeline
SAVEPOINT evidence;
INSERT INTO purchases (id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor,
    total_minor, refunded_minor, refunded_free_minor, occurred_at, recorded_at, program_version_id, frozen, points,
    points_taken_back, points_lapsed, shortfall, entry_id, answer)
SELECT id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor, total_minor, 0,
    0,
    occurred_at, recorded_at, program_version_id, frozen, points, 0, 0, 0, entry_id, answer
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :purchase || '", "source": "till", '
    '"external_id": "' || :prefix || :purchase || '", '
    '"content_hash": "\\x181c7f539abe1486d8411bf4b027368a2379bf88b9549896c5560df6e70b226b", '
    '"member_id": "' || :member || '", "store_id": "' || :store || '", "channel": "store", "currency": "CNY", '
    '"discount_minor": 0, "total_minor": 234, "occurred_at": "' || now() || '", "recorded_at": "' || now() || '", '
    '"program_version_id": "' || :version || '", "frozen": {"rules": [{"points": 2, "ruleId": "every-purchase", '
    '"capRoom": 988}], "currency": "CNY", "tierCode": "guest", "storeCode": "main", "multiplier": "1", '
    '"programVersionId": "' || :version || '"}, "points": 2, "entry_id": "' || :prefix || :entry || '", '
    '"answer": {"points": 2, "toTier": null, "balance": 1024, "fromTier": null, "memberId": "' || :member || '", '
    '"purchaseId": "' || :prefix || :purchase || '"}}]')::jsonb)
    AS rows (id uuid, source text, external_id text, content_hash bytea, member_id uuid,
    store_id uuid, channel text, currency text, discount_minor bigint, total_minor bigint, occurred_at timestamptz,
    recorded_at timestamptz, program_version_id uuid, frozen jsonb, points bigint, entry_id uuid, answer jsonb)
ORDER BY source, external_id;
INSERT INTO purchase_lines (purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor,
    net_minor, points, returned_quantity)
SELECT purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor, net_minor, points, 0
FROM jsonb_to_recordset(('[{"purchase_id": "' || :prefix || :purchase || '", "sku": "flat-white", "name": null, '
    '"points": 2, "category": [], "position": 1, "quantity": "1", "net_minor": 234, "amount_minor": 234, '
    '"discount_minor": 0}]')::jsonb) AS rows (purchase_id uuid, position bigint, sku text, name text, category text[],
    quantity numeric, amount_minor bigint, discount_minor bigint, net_minor bigint, points bigint);
INSERT INTO ledger_entries (id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id,
    reference_kind, reference_id, reason, occurred_at, recorded_at, previous_hash, hash)
SELECT id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id, reference_kind, reference_id,
    reason, occurred_at, recorded_at, previous_hash, hash
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :entry || '", "holder_id": "' || :member || '", '
    '"seq": ' || (SELECT entry_seq FROM ledger_holders WHERE id = :member) + 1 || ', "kind": "accrual", '
    '"store_id": "' || :store || '", "program_version_id": "' || :version || '", "actor_kind": "key", '
    '"actor_id": "' || :store || '", "reference_kind": "purchase", '
    '"reference_id": "' || :prefix || :purchase || '", "reason": null, "occurred_at": "' || now() || '", '
    '"recorded_at": "' || now() || '", '
    '"previous_hash": "\\xf7c44cdcc7de239d1152e3fcd9af1bbfa5106db49b0ecc1dd111d6846df99e6e", '
    '"hash": "\\xea436ed8ee9f65eb55087019003b09cfdbc0cdb3130667ecd4f08131ae9715d7"}]')::jsonb)
    AS rows (id uuid, holder_id uuid, seq bigint, kind text, store_id uuid,
    program_version_id uuid, actor_kind text, actor_id uuid, reference_kind text, reference_id uuid, reason text,
    occurred_at timestamptz, recorded_at timestamptz, previous_hash bytea, hash bytea);
INSERT INTO ledger_postings (entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id,
    credit_purpose, amount)
SELECT entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id, credit_purpose, amount
FROM jsonb_to_recordset(('[{"unit": "beans", "amount": 2, "entry_id": "' || :prefix || :entry || '", '
    '"position": 1, "debit_purpose": "issuance", "credit_purpose": "available", "debit_holder_id": null, '
    '"credit_holder_id": "' || :member || '"}]')::jsonb)
    AS rows (entry_id uuid, position bigint, unit text, debit_holder_id uuid,
    debit_purpose text, credit_holder_id uuid, credit_purpose text, amount bigint);
INSERT INTO ledger_lots (id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id,
    origin_kind, origin_id, rule_id, funder_store_id, created_at)
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id, origin_kind,
    origin_id, rule_id, funder_store_id, created_at
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :lot || '", "unit": "beans", "state": "active", "amount": 2, '
    '"rule_id": "every-purchase", "holder_id": "' || :member || '", "origin_id": "' || :prefix || :purchase || '", '
    '"remaining": 2, "created_at": "2026-11-22T07:09:20.296603+00:00", "expires_at": null, '
    '"origin_kind": "purchase", "activates_at": "2026-11-22T07:09:20.296603+00:00", '
    '"funder_store_id": "' || :store || '", '
    '"origin_entry_id": "' || :prefix || :entry || '"}]')::jsonb)
    AS rows (id uuid, holder_id uuid, unit text, amount bigint, remaining bigint,
    state text, activates_at timestamptz, expires_at timestamptz, origin_entry_id uuid, origin_kind text,
    origin_id uuid, rule_id text, funder_store_id uuid, created_at timestamptz);
INSERT INTO ledger_lot_movements (entry_id, position, lot_id, purpose, delta)
SELECT entry_id, position, lot_id, purpose, delta
FROM jsonb_to_recordset(('[{"delta": 2, "lot_id": "' || :prefix || :lot || '", "purpose": "available", '
    '"entry_id": "' || :prefix || :entry || '", '
    '"position": 1}]')::jsonb) AS rows (entry_id uuid, position bigint, lot_id uuid, purpose text, delta bigint);
UPDATE ledger_balances AS held SET
    pending_in = held.pending_in + rows.pending_in, pending_out = held.pending_out + rows.pending_out,
    available_in = held.available_in + rows.available_in, available_out = held.available_out + rows.available_out,
    held_in = held.held_in + rows.held_in, held_out = held.held_out + rows.held_out,
    owed_in = held.owed_in + rows.owed_in, owed_out = held.owed_out + rows.owed_out,
    earned = held.earned + rows.earned, spent = held.spent + rows.spent, expired = held.expired + rows.expired,
    reversed = held.reversed + rows.reversed, adjusted = held.adjusted + rows.adjusted
FROM
jsonb_to_recordset(('[{"holder_id": "' || :member || '", "unit": "beans", "pending_in": 0, "pending_out": 0, '
    '"available_in": 2, "available_out": 0, "held_in": 0, "held_out": 0, "owed_in": 0, "owed_out": 0, "earned": 2, '
    '"spent": 0, "expired": 0, "reversed": 0, '
    '"adjusted": 0}]')::jsonb) AS rows (holder_id uuid, unit text, pending_in bigint, pending_out bigint,
    available_in bigint, available_out bigint, held_in bigint, held_out bigint, owed_in bigint, owed_out bigint,
    earned bigint, spent bigint, expired bigint, reversed bigint, adjusted bigint)
    WHERE held.holder_id = rows.holder_id AND held.unit = rows.unit;
UPDATE ledger_holders SET entry_seq = rows.seq, last_hash = rows.hash
FROM jsonb_to_recordset(('[{"id": "' || :member || '", '
    '"before": ' || (SELECT entry_seq FROM ledger_holders WHERE id = :member) || ', '
    '"seq": ' || (SELECT entry_seq FROM ledger_holders WHERE id = :member) + 1 || ', '
    '"hash": "\\xea436ed8ee9f65eb55087019003b09cfdbc0cdb3130667ecd4f08131ae9715d7"}]')::jsonb)
    AS rows (id uuid, before bigint, seq bigint, hash bytea)
WHERE ledger_holders.id = rows.id AND entry_seq = rows.before;
INSERT INTO purchase_accruals (purchase_id, rule_id, lot_id, points, standing)
SELECT purchase_id, rule_id, lot_id, points, points
FROM jsonb_to_recordset(('[{"purchase_id": "' || :prefix || :purchase || '", '
    '"lot_id": "' || :prefix || :lot || '", "points": 2, '
    '"rule_id": "every-purchase"}]')::jsonb) AS rows (purchase_id uuid, rule_id text, lot_id uuid, points bigint);
INSERT INTO cap_uses (member_id, rule_id, day, used)
SELECT member_id, rule_id, day, points
FROM jsonb_to_recordset(('[{"member_id": "' || :member || '", "rule_id": "every-purchase", '
    '"day": "' || current_date || '", '
    '"points": 2}]')::jsonb) AS rows (member_id uuid, rule_id text, day date, points bigint)
ON CONFLICT (member_id, rule_id, day) DO UPDATE SET used = cap_uses.used + EXCLUDED.used;
INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, since)
SELECT member_id, tier_code, points_earned, spend_minor, since
FROM jsonb_to_recordset(('[{"member_id": "' || :member || '", "tier_code": "guest", "points_earned": 2, '
    '"spend_minor": 234, '
    '"since": "' || now() || '"}]')::jsonb)
    AS rows (member_id uuid, tier_code text, points_earned bigint, spend_minor bigint,
    since timestamptz)
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor;
INSERT INTO usage_facts (meter, event_id, quantity, occurred_at, day)
SELECT 'purchases', event_id, 1, now(), current_date
    FROM unnest(ARRAY[(:prefix || :purchase)::uuid]) AS counted (event_id)
ON CONFLICT (meter, event_id) DO NOTHING;
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
SELECT id, type, version, payload, correlation_id, occurred_at, created_at
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :letter || '", "type": "PurchaseRecorded", "version": 1, '
    '"payload": {"points": 2, "balance": 1024, "currency": "CNY", "timezone": "Asia/Shanghai", '
    '"member_id": "' || :member || '", "store_name": "Main street", "unit_scale": 0, '
    '"occurred_at": "2026-11-22T07:09:20.296603+00:00", "purchase_id": "' || :prefix || :purchase || '", '
    '"total_minor": 234, "tier_name_en": "Guest", "tier_name_zh": "新朋友", "unit_name_en": "Beans", '
    '"unit_name_zh": "咖啡豆", "merchant_name": "Corner Café"}, "correlation_id": "01a2021686247e529037f83151d4ad5f", '
    '"occurred_at": "' || now() || '", '
    '"created_at": "' || now() || '"}]')::jsonb)
    AS rows (id uuid, type text, version bigint, payload jsonb, correlation_id text,
    occurred_at timestamptz, created_at timestamptz);
UPDATE idempotency_keys SET request_hash = rows.request_hash, result = rows.result
FROM jsonb_to_recordset(('[{"key": "' || :prefix || :purchase || '", '
    '"request_hash": "\\xfe4a9ade7ff1501a80f2506d30234def9d10cbedf55966b1e12cec44ab914bbb", '
    '"result": {"points": 2, "toTier": null, "balance": 1024, "fromTier": null, "memberId": "' || :member || '", '
    '"purchaseId": "' || :prefix || :purchase || '"}}]')::jsonb) AS rows (key text, request_hash bytea, result jsonb)
WHERE operation = 'recordPurchase' AND idempotency_keys.key = rows.key;
COMMIT;
\endpipeline
