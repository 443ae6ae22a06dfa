-- One commitCart of a quoted cart without coupons or points, as the service sends it since November 2026: what is read
-- and locked in one trip, what is written in another. A line of a member known by id, 2 points, no change of tier.
-- tests/integration/loyalty/test_checkout_reference.py holds the statements to those of the product.
--
-- What the product computes between its two pipelines stands here as constants, or as a look at the locked row.
-- {schema} is filled in by tests/load/pgbench.py. A client stays with one member for 20 carts, so that choosing members
-- costs next to nothing. Ids are :prefix (time, as in UUIDv7) and twelve digits that grow. pgbench prepares the
-- statements of a pipeline before it sends any, so that here the path is set in a message of its own: three trips where
-- the product makes two.
\if :turn % 20 = 0
\set chosen random(1, :members)
SELECT id AS member FROM {schema}.bench_members WHERE number = :chosen \gset
\endif
\set turn :turn + 1
\set purchase 100000000000 + (:turn * 64 + :client_id) * 5
\set entry :purchase + 1
\set lot :purchase + 2
\set letter :purchase + 3
\set cart :purchase + 4
\startpipeline
BEGIN;
SET LOCAL search_path TO {schema};
\endpipeline
\startpipeline
INSERT INTO idempotency_keys (operation, key, request_hash, created_at)
SELECT 'commitCart', key, request_hash, now()
FROM jsonb_to_recordset(('[{"key": "' || :prefix || :purchase || '", '
    '"request_hash": "\\xb10faebab83cfeb34bfb9e0fdff88054b5662a4c0b6a01c0fee4e38885dc8a97"}]')::jsonb)
    AS rows (key text, request_hash bytea) ORDER BY key
ON CONFLICT (operation, key) DO NOTHING RETURNING key;
SELECT id, entry_seq, last_hash FROM ledger_holders WHERE id = ANY(ARRAY[:member]::uuid[]) ORDER BY id FOR NO KEY
    UPDATE;
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted, transferred
FROM ledger_balances WHERE holder_id = ANY(ARRAY[:member]::uuid[]) ORDER BY holder_id, unit;
SELECT
id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
funder_store_id, held, loses_at, awaits_action, clock, wanted, deferred_from,
CASE WHEN held > 0 THEN (
    SELECT jsonb_agg(jsonb_build_array(hold_id, position, lot_id, ledger_held_parts.amount,
        ledger_held_parts.expires_at))
    FROM ledger_held_parts WHERE lot_id = ledger_lots.id) END AS parts FROM ledger_lots WHERE holder_id =
    ANY(ARRAY[:member]::uuid[]) AND (remaining > 0 OR held > 0);
SELECT id AS member_id, status, locale, timezone, birthday, enrolled_at, tags, fields, is_referred, birthday_changed_at
FROM members WHERE id = ANY(ARRAY[:member]::uuid[]);
SELECT member_id, tier_code, points_earned, spend_minor, since, visits, decided_at, grace_from, grace_until,
    let_down_at, next_at, ladder, given_code, given_since, given_until, notice_at,
    reached_with
FROM member_tiers WHERE member_id = ANY(ARRAY[:member]::uuid[]);
SELECT a.member_id, a.event_id, a.unit, a.day, a.counted_at, a.points, a.spend_minor, a.store_id
FROM tier_amounts a LEFT JOIN member_tiers t ON t.member_id = a.member_id
WHERE a.member_id = ANY(ARRAY[:member]::uuid[]) AND a.day >= least(current_date - 364, t.amounts_from,
    CASE WHEN t.ladder IS DISTINCT FROM '367c45e37d60b0c3' THEN current_date - 364 END);
SELECT member_id AS owner_id, 'day' AS period, day AS start, 'rule' AS subject, rule_id AS code,
    'points' AS measure, used
FROM cap_uses
WHERE member_id = ANY(ARRAY[:member]::uuid[]) AND day BETWEEN current_date - 1 AND current_date + 1
UNION ALL
SELECT owner_id, period, start, subject, code, measure, used
FROM cap_fillings JOIN unnest(ARRAY['day', 'week', 'month', 'year', 'lifetime']::text[], ARRAY[current_date - 1,
    date_trunc('week', now()), date_trunc('month', now()), date_trunc('year', now()),
        '0001-01-01']::date[],
        ARRAY[current_date + 1, current_date + 1, date_trunc('month', now()), date_trunc('year', now()),
        '0001-01-01']::date[]) AS asked (period, first, last)
    USING (period)
WHERE owner_id = ANY(ARRAY[:member]::uuid[]) AND start BETWEEN first AND last;
SELECT id, code, name, address, timezone, currency, created_at, closed_at FROM stores WHERE id =
    ANY(ARRAY[:store]::uuid[]);
SELECT
tenants.id, tenants.organization_id, tenants.slug, tenants.name, tenants.mode, tenants.clock_offset_seconds,
tenants.placement, tenants.status, tenants.locale, tenants.created_at, tenants.schema_revision,
to_jsonb(tenants) -> 'quota_capacity' AS quota_capacity, to_jsonb(tenants) -> 'quota_per_second' AS quota_per_second
FROM platform.tenants
    WHERE id = :tenant;
SELECT id, number, effective_from, restores_number,
    CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id IN (SELECT (SELECT begun.id FROM program_versions AS begun
            WHERE begun.effective_from <= asked.instant AND NOT EXISTS (
                SELECT FROM program_withdrawals AS withdrawal WHERE withdrawal.version_id = begun.id)
            ORDER BY begun.effective_from DESC, begun.number DESC LIMIT 1)
        FROM unnest(ARRAY[now()]::timestamptz[]) AS asked (instant));
SELECT asked.source, asked.external_id, id, content_hash, answer,
    EXISTS (
        SELECT 1 FROM waiting_refunds
        WHERE purchase_source = asked.source AND purchase_external_id = asked.external_id AND state = 'waiting'
    ) AS is_awaited
FROM unnest(ARRAY['till']::text[], ARRAY[:prefix || :purchase]::text[]) AS asked (source, external_id)
    LEFT JOIN purchases ON purchases.source = asked.source AND purchases.external_id = asked.external_id;
SELECT id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at FROM carts WHERE
    id = (:prefix || :cart)::uuid FOR NO KEY UPDATE;
SELECT
c.id, c.definition_id, c.version_id, c.code, c.is_shared, c.member_id, c.batch_id, c.origin_kind, c.origin_id,
c.is_pending, c.uses_spent, c.issued_at, c.expires_at, CASE WHEN c.voided_at > NULL::timestamptz THEN NULL ELSE
    c.voided_at END AS voided_at, d.code AS definition_code, d.version, d.uses_max, d.uses_spent AS definition_spent,
    d.created_at AS definition_created_at, d.archived_at, v.id AS content_id, v.content,
    (SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND u.coupon_id = c.id AND u.status = 'held' AND
    u.held_until > now() AND (u.owner_id = (:prefix || :cart)::uuid AND u.owner_kind = 'cart'::text) IS NOT TRUE AND
    (NULL::timestamptz IS NOT NULL AND u.coupon_id = c.id AND (NOT c.is_shared OR u.member_id = :member::uuid)) IS
    NOT TRUE
        AND NOT c.is_shared) AS uses_held,
    (SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND u.status = 'held' AND u.held_until > now()
    AND (u.owner_id = (:prefix || :cart)::uuid AND u.owner_kind = 'cart'::text) IS NOT TRUE AND (NULL::timestamptz IS
    NOT NULL AND u.coupon_id = c.id AND (NOT c.is_shared OR u.member_id = :member::uuid)) IS NOT TRUE AND d.uses_max
    IS NOT NULL
        ) AS definition_held,
    (SELECT count(*) FROM coupon_uses u
        WHERE u.definition_id = d.id AND u.member_id = :member::uuid AND (u.status = 'spent' OR (u.status = 'held'
    AND u.held_until > now() AND (u.owner_id = (:prefix || :cart)::uuid AND u.owner_kind = 'cart'::text) IS NOT TRUE
    AND (NULL::timestamptz IS NOT NULL AND u.coupon_id = c.id AND (NOT c.is_shared OR u.member_id = :member::uuid))
    IS NOT TRUE))
        ) AS taken_by_member,
    EXISTS (SELECT 1 FROM coupon_uses u WHERE u.definition_id = d.id AND u.coupon_id = c.id AND u.status = 'held' AND
    u.held_until > now() AND u.owner_id = (:prefix || :cart)::uuid AND u.owner_kind = 'cart'::text
        ) AS is_held_here
FROM coupons c JOIN coupon_definitions d ON d.id = c.definition_id JOIN coupon_definition_versions v ON v.id = coalesce(
    c.version_id,
    (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id AND p.id = ANY(ARRAY[]::uuid[])
        ORDER BY p.number DESC LIMIT 1),
    (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id
        AND p.created_at <= NULL::timestamptz ORDER BY p.number DESC LIMIT 1),
    (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id AND p.number = d.version)) WHERE c.id
    = ANY(ARRAY[]::uuid[]) OR c.code = ANY(ARRAY[]::text[]) ORDER BY c.id;
\endpipeline
\startpipeline
SAVEPOINT evidence;
INSERT INTO carts (id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at)
VALUES ((:prefix || :cart)::uuid, 'committed', :member, :store, NULL, (:prefix || :purchase)::uuid, ('{"cartId": "'
    || :prefix || :cart || '", "recorded": {"purchaseId": "' || :prefix || :purchase || '", '
    '"memberId": "' || :member || '", "points": 2, "balance": 8, "fromTier": null, "toTier": null}, '
    '"points": 0, "valueMinor": 0, "totalMinor": 234, "dueMinor": 234, '
    '"of": "8ba8b5ba28a1ca07cdefcbd46ec5ed8bcb0b46454dd8ed6ad470b7963b86b061"}')::jsonb, NULL,
    now(), now());
INSERT INTO purchases (id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor,
    total_minor, refunded_minor, refunded_free_minor, occurred_at, recorded_at, program_version_id, frozen, points,
    points_taken_back, points_lapsed, shortfall, entry_id, answer,
    shipping_minor, prices_include_tax, tenders, codes, staff, fields)
SELECT id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor, total_minor, 0, 0,
    occurred_at, recorded_at, program_version_id, frozen, points, 0, 0, 0, entry_id, answer,
    shipping_minor, prices_include_tax, tenders, codes, staff, fields
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :purchase || '", "source": "till", '
    '"external_id": "' || :prefix || :purchase || '", '
    '"content_hash": "\\x05641620cdd9e9d64a4367695590b2b46b0c76280193471df18edb68f34e00f4", '
    '"member_id": "' || :member || '", "store_id": "' || :store || '", "channel": "store", "currency": "CNY", '
    '"discount_minor": 0, "total_minor": 234, "occurred_at": "' || now() || '", '
    '"recorded_at": "' || now() || '", "program_version_id": "' || :version || '", "frozen": {"form": 2, '
    '"programVersionId": "' || :version || '", "currency": "CNY", "storeCode": "main", "tierCode": "guest", '
    '"multiplier": "1", "trigger": "purchase", "occurredAt": "' || now() || '", "totalMinor": 234, '
    '"rules": [{"ruleId": "every-purchase", "capRoom": 994, "points": 2, "unit": "beans", "positions": [1], '
    '"baseMinor": 234}], "facts": {"store.code": "main"}, "capUsed": [["rule", "every-purchase", "points", '
    '"day", "' || current_date || '", "member", 6]], "fillings": [["rule", "every-purchase", "points", "day", '
    '"' || current_date || '", "member", 2]]}, "points": 2, "entry_id": "' || :prefix || :entry || '", '
    '"answer": {"purchaseId": "' || :prefix || :purchase || '", "memberId": "' || :member || '", "points": 2, '
    '"balance": 8, "fromTier": null, "toTier": null}, "shipping_minor": null, "prices_include_tax": true, '
    '"tenders": null, "codes": null, "staff": null, "fields": null}]')::jsonb)
    AS rows (id uuid, source text, external_id text, content_hash bytea, member_id uuid,
    store_id uuid, channel text, currency text, discount_minor bigint, total_minor bigint, occurred_at timestamptz,
    recorded_at timestamptz, program_version_id uuid, frozen jsonb, points bigint, entry_id uuid, answer jsonb,
    shipping_minor bigint, prices_include_tax boolean, tenders jsonb, codes text[], staff text, fields jsonb)
ORDER BY source, external_id;
INSERT INTO purchase_lines (purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor,
    net_minor, points, returned_quantity, product, tax_minor, base_minor)
SELECT purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor, net_minor, points, 0,
    product, tax_minor, base_minor
FROM jsonb_to_recordset(('[{"purchase_id": "' || :prefix || :purchase ||
    '", "position": 1, "sku": "sku-1", "name": null, '
    '"category": [], "quantity": "1", "amount_minor": 234, "discount_minor": 0, "net_minor": 234, "points": 2, '
    '"product": null, "tax_minor": 0, "base_minor": 234}]')::jsonb)
    AS rows (purchase_id uuid, position bigint, sku text, name text, category text[],
    quantity numeric, amount_minor bigint, discount_minor bigint, net_minor bigint, points bigint,
    product text, tax_minor bigint, base_minor bigint);
INSERT INTO ledger_entries (id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id,
    reference_kind, reference_id, reason, occurred_at, recorded_at, previous_hash, hash)
SELECT id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id, reference_kind, reference_id,
    reason, occurred_at, recorded_at, previous_hash, hash
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :entry || '", "holder_id": "' || :member || '", '
    '"seq": ' || (SELECT entry_seq FROM ledger_holders WHERE id = :member) + 1 || ', "kind": "accrual", '
    '"store_id": "' || :store || '", "program_version_id": "' || :version || '", "actor_kind": "system", '
    '"actor_id": null, "reference_kind": "purchase", "reference_id": "' || :prefix || :purchase || '", '
    '"reason": null, "occurred_at": "' || now() || '", "recorded_at": "' || now() || '", '
    '"previous_hash": "\\x5248a5960b1a30aa2ab137011e50902f7d839e3239893998388c4ca5c3e537de", '
    '"hash": "\\x320943a2b435ebf637d3594efadcd91cb1bb11b903425a1285441501cd50cdb9"}]')::jsonb)
    AS rows (id uuid, holder_id uuid, seq bigint, kind text, store_id uuid,
    program_version_id uuid, actor_kind text, actor_id uuid, reference_kind text, reference_id uuid, reason text,
    occurred_at timestamptz, recorded_at timestamptz, previous_hash bytea, hash bytea);
INSERT INTO ledger_postings (entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id,
    credit_purpose, amount)
SELECT entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id, credit_purpose, amount
FROM jsonb_to_recordset(('[{"entry_id": "' || :prefix || :entry ||
    '", "position": 1, "unit": "beans", "debit_holder_id": null, '
    '"debit_purpose": "issuance", "credit_holder_id": "' || :member || '", "credit_purpose": "available", '
    '"amount": 2}]')::jsonb)
    AS rows (entry_id uuid, position bigint, unit text, debit_holder_id uuid,
    debit_purpose text, credit_holder_id uuid, credit_purpose text, amount bigint);
INSERT INTO ledger_lots (id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id,
    origin_kind, origin_id, rule_id, funder_store_id, created_at, held, loses_at, awaits_action, clock)
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id, origin_kind,
    origin_id, rule_id, funder_store_id, created_at, held, loses_at, awaits_action, clock
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :lot || '", "holder_id": "' || :member ||
    '", "unit": "beans", "amount": 2, '
    '"remaining": 2, "state": "active", "held": 0, "activates_at": "' || now() || '", '
    '"expires_at": "2027-11-30 16:00:00+00:00", "loses_at": null, "awaits_action": null, "clock": null, '
    '"origin_entry_id": "' || :prefix || :entry || '", "origin_kind": "purchase", '
    '"origin_id": "' || :prefix || :purchase || '", "rule_id": "every-purchase", '
    '"funder_store_id": "' || :store || '", "created_at": "' || now() || '"}]')::jsonb)
    AS rows (id uuid, holder_id uuid, unit text, amount bigint, remaining bigint,
    state text, activates_at timestamptz, expires_at timestamptz, origin_entry_id uuid, origin_kind text,
    origin_id uuid, rule_id text, funder_store_id uuid, created_at timestamptz, held bigint, loses_at timestamptz,
    awaits_action text, clock jsonb);
INSERT INTO ledger_lot_movements (entry_id, position, lot_id, purpose, delta)
SELECT entry_id, position, lot_id, purpose, delta
FROM jsonb_to_recordset(('[{"entry_id": "' || :prefix || :entry || '", "position": 1, "lot_id": "' || :prefix || :lot
    || '", '
    '"purpose": "available", "delta": 2}]')::jsonb)
    AS rows (entry_id uuid, position bigint, lot_id uuid, purpose text, delta bigint);
UPDATE ledger_balances AS held SET
    pending_in = held.pending_in + rows.pending_in, pending_out = held.pending_out + rows.pending_out,
    available_in = held.available_in + rows.available_in, available_out = held.available_out + rows.available_out,
    held_in = held.held_in + rows.held_in, held_out = held.held_out + rows.held_out,
    owed_in = held.owed_in + rows.owed_in, owed_out = held.owed_out + rows.owed_out,
    earned = held.earned + rows.earned, spent = held.spent + rows.spent, expired = held.expired + rows.expired,
    reversed = held.reversed + rows.reversed, adjusted = held.adjusted + rows.adjusted,
    transferred = held.transferred + rows.transferred
FROM
jsonb_to_recordset(('[{"holder_id": "' || :member || '", "unit": "beans", "pending_in": 0, "pending_out": 0, '
    '"available_in": 2, "available_out": 0, "held_in": 0, "held_out": 0, "owed_in": 0, "owed_out": 0, '
    '"earned": 2, "spent": 0, "expired": 0, "reversed": 0, "adjusted": 0, "transferred": 0}]')::jsonb)
    AS rows (holder_id uuid, unit text, pending_in bigint, pending_out bigint,
    available_in bigint, available_out bigint, held_in bigint, held_out bigint, owed_in bigint, owed_out bigint,
    earned bigint, spent bigint, expired bigint, reversed bigint, adjusted bigint, transferred bigint) WHERE
    held.holder_id = rows.holder_id AND held.unit = rows.unit;
UPDATE ledger_holders SET entry_seq = rows.seq, last_hash = rows.hash
FROM jsonb_to_recordset(('[{"id": "' || :member || '", '
    '"before": ' || (SELECT entry_seq FROM ledger_holders WHERE id = :member) || ', '
    '"seq": ' || (SELECT entry_seq FROM ledger_holders WHERE id = :member) + 1 || ', '
    '"hash": "\\x320943a2b435ebf637d3594efadcd91cb1bb11b903425a1285441501cd50cdb9"}]')::jsonb)
    AS rows (id uuid, before bigint, seq bigint, hash bytea)
WHERE ledger_holders.id = rows.id AND entry_seq = rows.before;
INSERT INTO purchase_accruals (purchase_id, rule_id, lot_id, points, standing, unit)
SELECT purchase_id, rule_id, lot_id, points, points, unit
FROM jsonb_to_recordset(('[{"purchase_id": "' || :prefix || :purchase || '", "rule_id": "every-purchase", '
    '"lot_id": "' || :prefix || :lot || '", "points": 2, "unit": "beans"}]')::jsonb)
    AS rows (purchase_id uuid, rule_id text, lot_id uuid, points bigint, unit text);
INSERT INTO cap_uses (member_id, rule_id, day, used)
SELECT owner_id, code, start, amount
FROM jsonb_to_recordset(('[{"owner_id": "' || :member || '", "period": "day", "start": "' || current_date ||
    '", "subject": "rule", '
    '"code": "every-purchase", "measure": "points", "amount": 2}]')::jsonb)
    AS rows (owner_id uuid, code text, start date, amount bigint)
ON CONFLICT (member_id, rule_id, day) DO UPDATE SET used = cap_uses.used + EXCLUDED.used;
INSERT INTO tier_amounts (member_id, event_id, unit, counted_at, day, points, spend_minor, store_id)
SELECT member_id, event_id, unit, counted_at, day, points, spend_minor, store_id
FROM jsonb_to_recordset(('[{"member_id": "' || :member || '", "event_id": "' || :prefix || :purchase ||
    '", "unit": "beans", '
    '"counted_at": "' || now() || '", "day": "' || current_date || '", "points": 2, "spend_minor": 234, '
    '"store_id": "' || :store || '"}]')::jsonb)
    AS rows (member_id uuid, event_id uuid, unit text, counted_at timestamptz, day date,
    points bigint, spend_minor bigint, store_id uuid)
ON CONFLICT (member_id, event_id, unit, counted_at) DO UPDATE SET day = EXCLUDED.day, points = EXCLUDED.points,
    spend_minor = EXCLUDED.spend_minor, store_id = EXCLUDED.store_id;
INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, visits, since, decided_at, grace_from,
    grace_until, let_down_at, next_at, amounts_from, ladder, given_code, given_since, given_until, notice_at,
    reached_with)
SELECT member_id, tier_code, points_earned, spend_minor, visits, since, decided_at, grace_from, grace_until,
    let_down_at, next_at, amounts_from, ladder, given_code, given_since, given_until, notice_at,
    reached_with
FROM jsonb_to_recordset(('[{"member_id": "' || :member ||
    '", "tier_code": "guest", "points_earned": 2, "spend_minor": 234, '
    '"visits": 0, "since": "' || now() || '", "decided_at": "' || now() || '", "grace_from": null, '
    '"grace_until": null, "let_down_at": null, "next_at": null, '
    '"amounts_from": "' || current_date - 363 || '", "ladder": "367c45e37d60b0c3", "given_code": null, '
    '"given_since": null, "given_until": null, "notice_at": null, "reached_with": null}]')::jsonb)
    AS rows (member_id uuid, tier_code text, points_earned bigint, spend_minor bigint,
    visits bigint, since timestamptz, decided_at timestamptz, grace_from timestamptz, grace_until timestamptz,
    let_down_at timestamptz, next_at timestamptz, amounts_from date, ladder text, given_code text,
    given_since timestamptz, given_until timestamptz, notice_at timestamptz,
    reached_with bigint)
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor, visits = member_tiers.visits + EXCLUDED.visits,
    decided_at = EXCLUDED.decided_at, grace_from = EXCLUDED.grace_from, grace_until = EXCLUDED.grace_until,
    let_down_at = EXCLUDED.let_down_at, next_at = EXCLUDED.next_at, amounts_from = EXCLUDED.amounts_from,
    ladder = EXCLUDED.ladder, given_code = EXCLUDED.given_code, given_since = EXCLUDED.given_since,
    given_until = EXCLUDED.given_until, notice_at = EXCLUDED.notice_at,
    reached_with = EXCLUDED.reached_with;
INSERT INTO usage_facts (meter, event_id, quantity, occurred_at, day)
SELECT 'purchases', event_id, 1, now(), current_date FROM unnest(ARRAY[(:prefix || :purchase)::uuid]) AS counted
    (event_id)
ON CONFLICT (meter, event_id) DO NOTHING;
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
SELECT id, type, version, payload, correlation_id, occurred_at, created_at
FROM jsonb_to_recordset(('[{"id": "' || :prefix || :letter || '", "type": "PurchaseRecorded", "version": 1, '
    '"payload": {"purchase_id": "' || :prefix || :purchase || '", "member_id": "' || :member || '", '
    '"merchant_name": "Corner Café", "store_name": "Main street", "occurred_at": "' || now() || '", '
    '"timezone": "Asia/Shanghai", "total_minor": 234, "currency": "CNY", "points": 2, "balance": 8, '
    '"unit_name_en": "Beans", "unit_name_zh": "咖啡豆", "unit_scale": 0, "tier_name_en": "Guest", '
    '"tier_name_zh": "新朋友"}, "correlation_id": "tests", "occurred_at": "' || now() || '", '
    '"created_at": "' || now() || '"}]')::jsonb)
    AS rows (id uuid, type text, version bigint, payload jsonb, correlation_id text,
    occurred_at timestamptz, created_at timestamptz);
UPDATE idempotency_keys SET request_hash = rows.request_hash, result = rows.result
FROM jsonb_to_recordset(('[{"key": "' || :prefix || :purchase || '", '
    '"request_hash": "\\xb10faebab83cfeb34bfb9e0fdff88054b5662a4c0b6a01c0fee4e38885dc8a97", '
    '"result": {"cartId": "' || :prefix || :cart || '", '
    '"recorded": {"purchaseId": "' || :prefix || :purchase || '", "memberId": "' || :member || '", '
    '"points": 2, "balance": 8, "fromTier": null, "toTier": null}, "points": 0, "valueMinor": 0, '
    '"totalMinor": 234, "dueMinor": 234}}]')::jsonb)
    AS rows (key text, request_hash bytea, result jsonb)
WHERE operation = 'commitCart' AND idempotency_keys.key = rows.key;
COMMIT;
\endpipeline
