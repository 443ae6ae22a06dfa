-- One committed commitCart without coupons or points: the statements of record_purchase.sql, with those of a cart.
-- These are the statements of services/loyalty/purchases, as PostgreSQL logged them in November 2026, in the same four
-- round trips. Changed only with an ADR.
--
-- What the product computes between its two pipelines stands here as constants, or as a look at the locked row.
-- {schema} is filled in by tests/load/pgbench.py. A client stays with one member for 20 purchases, so that choosing
-- members costs next to nothing. Ids are :prefix (time, as in UUIDv7) and twelve digits that grow.
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
VALUES ('commitCart', :prefix || :purchase, '\xfe4a9ade7ff1501a80f2506d30234def9d10cbedf55966b1e12cec44ab914bbb', now())
ON CONFLICT (operation, key) DO NOTHING RETURNING key;
SELECT id, code, name, address, timezone, currency, created_at, closed_at FROM stores WHERE id = :store;
SELECT tenants.id, tenants.organization_id, tenants.slug, tenants.name, tenants.mode, tenants.clock_offset_seconds,
    tenants.placement, tenants.status, tenants.locale, tenants.created_at
FROM platform.tenants WHERE id = :tenant;
SELECT id, number, effective_from, CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id = (SELECT id FROM program_versions WHERE effective_from <= now()
        ORDER BY effective_from DESC, number DESC LIMIT 1)
    OR id = (SELECT id FROM program_versions WHERE effective_from <= now()
        ORDER BY effective_from DESC, number DESC LIMIT 1);
SELECT id, entry_seq, last_hash FROM ledger_holders WHERE id = ANY(ARRAY[:member]::uuid[])
ORDER BY id FOR NO KEY UPDATE;
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted
FROM ledger_balances WHERE holder_id = ANY(ARRAY[:member]::uuid[]) ORDER BY holder_id, unit;
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
    funder_store_id
FROM ledger_lots WHERE holder_id = ANY(ARRAY[:member]::uuid[]) AND remaining > 0
    AND (expires_at IS NOT NULL OR state = 'pending')
    AND ((state = 'pending' AND activates_at <= now()) OR expires_at <= now());
SELECT id, status FROM members WHERE id = :member;
SELECT member_id, tier_code, points_earned, spend_minor, since
FROM member_tiers WHERE member_id = ANY(ARRAY[:member]::uuid[]);
SELECT rule_id, day, used FROM cap_uses
WHERE member_id = :member AND day BETWEEN current_date - 1 AND current_date + 1;
SELECT id, content_hash, answer FROM purchases WHERE source = 'till' AND external_id = :prefix || :purchase;
SELECT id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at
FROM carts WHERE id = (:prefix || :letter)::uuid FOR NO KEY UPDATE;
SELECT c.id, c.definition_id, c.version_id, c.code, c.is_shared, c.member_id, c.batch_id, c.origin_kind,
    c.origin_id, c.is_pending, c.uses_spent, c.issued_at, c.expires_at, c.voided_at, d.code AS definition_code,
    d.version, d.uses_max, d.uses_spent AS definition_spent, d.created_at AS definition_created_at, d.archived_at,
    v.id AS content_id, v.content, (SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND u.coupon_id
    = c.id AND u.status = 'held' AND u.held_until > now() AND (u.owner_id = (:prefix || :letter)::uuid AND
    u.owner_kind = 'cart'::text) IS NOT TRUE AND NOT c.is_shared) AS uses_held, (SELECT count(*) FROM coupon_uses u
    WHERE u.definition_id = d.id AND u.status = 'held' AND u.held_until > now() AND (u.owner_id = (:prefix ||
    :letter)::uuid AND u.owner_kind = 'cart'::text) IS NOT TRUE AND d.uses_max IS NOT NULL ) AS definition_held,
    (SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND u.member_id = :member::uuid AND (u.status =
    'spent' OR (u.status = 'held' AND u.held_until > now() AND (u.owner_id = (:prefix || :letter)::uuid AND
    u.owner_kind = 'cart'::text) IS NOT TRUE)) ) AS taken_by_member, EXISTS (SELECT 1 FROM coupon_uses u WHERE
    u.definition_id = d.id AND u.coupon_id = c.id AND u.status = 'held' AND u.held_until > now() AND u.owner_id =
    (:prefix || :letter)::uuid AND u.owner_kind = 'cart'::text ) AS is_held_here FROM coupons c JOIN
    coupon_definitions d ON d.id = c.definition_id JOIN coupon_definition_versions v ON v.id = coalesce(
    c.version_id, (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id AND p.id =
    ANY(ARRAY[]::uuid[]) ORDER BY p.number DESC LIMIT 1), (SELECT p.id FROM coupon_definition_versions p WHERE
    p.definition_id = d.id AND p.number = d.version)) WHERE c.id = ANY(ARRAY[]::uuid[]) OR c.code =
    ANY(ARRAY[]::text[]) ORDER BY c.id;
\endpipeline
\startpipeline
SAVEPOINT evidence;
INSERT INTO purchases (id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor,
    total_minor, refunded_minor, refunded_free_minor, occurred_at, recorded_at, program_version_id, frozen, points,
    points_taken_back, points_lapsed, shortfall, entry_id, answer)
VALUES ((:prefix || :purchase)::uuid, 'till', :prefix || :purchase,
    '\x181c7f539abe1486d8411bf4b027368a2379bf88b9549896c5560df6e70b226b', :member, :store, 'store', 'CNY', 0, 234, 0, 0,
    now(), now(), :version,
    ('{"rules": [{"points": 2, "ruleId": "every-purchase", "capRoom": 988}], "currency": "CNY", "tierCode": "guest",'
    ' "storeCode": "main", "multiplier": "1", "programVersionId": "' || :version || '"}')::jsonb,
    2, 0, 0, 0, (:prefix || :entry)::uuid,
    ('{"points": 2, "toTier": null, "balance": 1024, "fromTier": null, "memberId": "' || :member
    || '", "purchaseId": "' || :prefix || :purchase || '"}')::jsonb);
INSERT INTO purchase_lines (purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor,
    net_minor, points, returned_quantity)
SELECT (:prefix || :purchase)::uuid, position, sku, name, category, quantity, amount_minor, discount_minor, net_minor,
    points, 0
FROM jsonb_to_recordset('[{"sku": "flat-white", "name": null, "points": 2, "category": [], "position": 1,'
    ' "quantity": "1", "net_minor": 234, "amount_minor": 234, "discount_minor": 0}]')
    AS rows (position bigint, sku text, name text, category text[], quantity numeric, amount_minor bigint,
    discount_minor bigint, net_minor bigint, points bigint);
INSERT INTO ledger_entries (id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id,
    reference_kind, reference_id, reason, occurred_at, recorded_at, previous_hash, hash)
VALUES ((:prefix || :entry)::uuid, :member, (SELECT entry_seq + 1 FROM ledger_holders WHERE id = :member), 'accrual',
    :store, :version, 'key', :store, 'purchase', (:prefix || :purchase)::uuid, NULL, now(), now(),
    '\xf7c44cdcc7de239d1152e3fcd9af1bbfa5106db49b0ecc1dd111d6846df99e6e',
    '\xea436ed8ee9f65eb55087019003b09cfdbc0cdb3130667ecd4f08131ae9715d7');
INSERT INTO ledger_postings (entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id,
    credit_purpose, amount)
SELECT entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id, credit_purpose, amount
FROM jsonb_to_recordset(('[{"unit": "beans", "amount": 2, "entry_id": "' || :prefix || :entry
    || '", "position": 1, "debit_purpose": "issuance", "credit_purpose": "available", "debit_holder_id": null,'
    ' "credit_holder_id": "' || :member || '"}]')::jsonb)
    AS rows (entry_id uuid, position bigint, unit text, debit_holder_id uuid, debit_purpose text,
    credit_holder_id uuid, credit_purpose text, amount bigint);
INSERT INTO ledger_lots (id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id,
    origin_kind, origin_id, rule_id, funder_store_id, created_at)
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id, origin_kind,
    origin_id, rule_id, funder_store_id, created_at
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :lot || '", "unit": "beans", "state": "active", "amount": 2,'
    ' "rule_id": "every-purchase", "holder_id": "' || :member || '", "origin_id": "' || :prefix || :purchase
    || '", "remaining": 2, "created_at": "2026-11-22T07:09:20.296603+00:00", "expires_at": null,'
    ' "origin_kind": "purchase", "activates_at": "2026-11-22T07:09:20.296603+00:00", "funder_store_id": "' || :store
    || '", "origin_entry_id": "' || :prefix || :entry || '"}]')::jsonb)
    AS rows (id uuid, holder_id uuid, unit text, amount bigint, remaining bigint, state text,
    activates_at timestamptz, expires_at timestamptz, origin_entry_id uuid, origin_kind text, origin_id uuid,
    rule_id text, funder_store_id uuid, created_at timestamptz);
INSERT INTO ledger_lot_movements (entry_id, position, lot_id, purpose, delta)
SELECT entry_id, position, lot_id, purpose, delta
FROM jsonb_to_recordset(('[{"delta": 2, "lot_id": "' || :prefix || :lot || '", "purpose": "available", "entry_id": "'
    || :prefix || :entry || '", "position": 1}]')::jsonb)
    AS rows (entry_id uuid, position bigint, lot_id uuid, purpose text, delta bigint);
UPDATE ledger_balances SET
    pending_in = pending_in + 0, pending_out = pending_out + 0,
    available_in = available_in + 2, available_out = available_out + 0,
    held_in = held_in + 0, held_out = held_out + 0,
    owed_in = owed_in + 0, owed_out = owed_out + 0,
    earned = earned + 2, spent = spent + 0, expired = expired + 0,
    reversed = reversed + 0, adjusted = adjusted + 0
WHERE holder_id = :member AND unit = 'beans';
UPDATE ledger_holders SET entry_seq = entry_seq + 1,
    last_hash = '\xea436ed8ee9f65eb55087019003b09cfdbc0cdb3130667ecd4f08131ae9715d7'
WHERE id = :member AND entry_seq > 0;
INSERT INTO purchase_accruals (purchase_id, rule_id, lot_id, points, standing)
SELECT (:prefix || :purchase)::uuid, rule_id, lot_id, points, points
FROM jsonb_to_recordset(('[{"lot_id": "' || :prefix || :lot || '", "points": 2, "rule_id": "every-purchase"}]')::jsonb)
    AS rows (rule_id text, lot_id uuid, points bigint);
INSERT INTO cap_uses (member_id, rule_id, day, used)
SELECT :member, rule_id, current_date, points
FROM jsonb_to_recordset('[{"points": 2, "rule_id": "every-purchase"}]') AS rows (rule_id text, points bigint)
ON CONFLICT (member_id, rule_id, day) DO UPDATE SET used = cap_uses.used + EXCLUDED.used;
INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, since)
VALUES (:member, 'guest', 2, 234, now())
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor;
INSERT INTO usage_facts (meter, event_id, quantity, occurred_at, day)
VALUES ('purchases', (:prefix || :purchase)::uuid, 1, now(), current_date)
ON CONFLICT (meter, event_id) DO NOTHING;
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
VALUES ((:prefix || :letter)::uuid, 'PurchaseRecorded', 1,
    ('{"points": 2, "balance": 1024, "currency": "CNY", "timezone": "Asia/Shanghai", "member_id": "' || :member
    || '", "store_name": "Main street", "unit_scale": 0, "occurred_at": "2026-11-22T07:09:20.296603+00:00",'
    ' "purchase_id": "' || :prefix || :purchase || '", "total_minor": 234, "tier_name_en": "Guest",'
    ' "tier_name_zh": "新朋友", "unit_name_en": "Beans", "unit_name_zh": "咖啡豆", "merchant_name": "Corner Café"}')::jsonb,
    '01a2021686247e529037f83151d4ad5f', now(), now());
INSERT INTO carts (id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at)
VALUES ((:prefix || :letter)::uuid, 'committed', :member, :store, NULL, (:prefix || :purchase)::uuid,
    ('{"points": 0, "dueMinor": 234, "totalMinor": 234, "valueMinor": 0, "cartId": "' || :prefix || :letter || '"}')::jsonb,
    NULL, now(), now());
UPDATE idempotency_keys SET result = ('{"points": 2, "toTier": null, "balance": 1024, "fromTier": null, "memberId": "'
    || :member || '", "purchaseId": "' || :prefix || :purchase || '"}')::jsonb
WHERE operation = 'commitCart' AND key = :prefix || :purchase;
\endpipeline
COMMIT;
