-- One quoteCart without coupons or points, as the service sends it since November 2026: one trip with all that is read,
-- and one that ends it. A line of a member known by id. tests/integration/loyalty/test_checkout_reference.py holds the
-- statements to those of the product.
--
-- {schema} is filled in by tests/load/pgbench.py. A client stays with one member for 20 carts, so that choosing members
-- costs next to nothing. pgbench prepares the statements of a pipeline before it sends any, so that here the path is
-- set in a message of its own: three trips where the product makes two.
\if :turn % 20 = 0
\set chosen random(1, :members)
SELECT id AS member FROM {schema}.bench_members WHERE number = :chosen \gset
\endif
\set turn :turn + 1
\set cart 100000000000 + :turn * 64 + :client_id
\startpipeline
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path TO {schema};
\endpipeline
\startpipeline
SELECT id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at FROM carts WHERE
    id = (:prefix || :cart)::uuid;
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
SELECT id, code, name, address, timezone, currency, created_at, closed_at FROM stores WHERE id = :store;
SELECT id, number, effective_from, restores_number,
    CASE WHEN id = ANY(ARRAY[:version]::uuid[]) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = NULL::uuid
    OR id IN (SELECT (SELECT begun.id FROM program_versions AS begun
            WHERE begun.effective_from <= asked.instant AND NOT EXISTS (
                SELECT FROM program_withdrawals AS withdrawal WHERE withdrawal.version_id = begun.id)
            ORDER BY begun.effective_from DESC, begun.number DESC LIMIT 1)
        FROM unnest(ARRAY[now()]::timestamptz[]) AS asked (instant));
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
    ANY(ARRAY[:member]::uuid[]) AND (remaining > 0 OR held > 0)
AND (expires_at IS NOT NULL OR state = 'pending' OR clock IS NOT NULL OR held > 0)
AND ((state = 'pending' AND activates_at <= now()) OR expires_at <= now() OR held > 0);
\endpipeline
ROLLBACK;
