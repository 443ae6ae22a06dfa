-- The peers' members: as many as the product's stage, three tiers, a balance each and a ledger of ten entries.
SET search_path TO peer;
INSERT INTO tier (code, name, threshold)
VALUES ('bronze', 'Bronze', 0), ('silver', 'Silver', 1000), ('gold', 'Gold', 5000);
INSERT INTO member (name, status, tier_id)
SELECT 'Member ' || n, 'ACTIVE', 1 + n % 3 FROM generate_series(1, :members) n;
INSERT INTO account (member_id, balance, earned) SELECT id, 100, 100 FROM member;
INSERT INTO entry (member_id, kind, points, external_id, occurred_at)
SELECT member.id, 'ACCRUAL', 10, 'first-' || member.id || '-' || n, now()
FROM generate_series(1, 10) n CROSS JOIN member ORDER BY n, member.id;
-- What a user of PostGraphile writes to record a purchase: a bare insert function.
CREATE FUNCTION record_purchase(buyer bigint, external_number text, amount bigint) RETURNS account
LANGUAGE plpgsql VOLATILE STRICT SET search_path TO peer AS $$
DECLARE
    won bigint := amount / 100;
    found account;
BEGIN
    INSERT INTO purchase (external_id, member_id, amount, points, occurred_at)
    VALUES (external_number, buyer, amount, won, now());
    INSERT INTO entry (member_id, kind, points, external_id, occurred_at)
    VALUES (buyer, 'ACCRUAL', won, external_number, now());
    INSERT INTO outbox (kind, payload)
    VALUES ('PurchaseRecorded', jsonb_build_object('external_id', external_number));
    UPDATE account SET balance = balance + won, earned = earned + won WHERE member_id = buyer RETURNING * INTO found;
    RETURN found;
END $$;
ANALYZE;
