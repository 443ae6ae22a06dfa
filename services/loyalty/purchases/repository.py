"""The SQL of purchases and refunds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.earning.domain import RefundedLine
from services.loyalty.purchases.domain import Accrual, Line, Purchase, Refund, RefundedPart
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.purchases.domain.telling import told_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

# An external id may be raced for by others than the member's own purchases, which queue at the member's lock. Who
# loses goes back to here and answers with what the winner has stored.
SAVEPOINT = "SAVEPOINT evidence"
BACK_TO_SAVEPOINT = "ROLLBACK TO SAVEPOINT evidence"
PURCHASE_KEY = "purchases_external_id_key"
REFUND_KEY = "refunds_external_id_key"

COLUMNS = """
id, source, external_id, member_id, store_id, channel, currency, discount_minor, total_minor, refunded_minor,
occurred_at, recorded_at, program_version_id, points, points_taken_back, points_lapsed, shortfall, entry_id,
shipping_minor, prices_include_tax, tenders, codes, staff, fields, voided_at, amended_at, claimed_at"""
BY_IDS = f"SELECT {COLUMNS} FROM purchases WHERE id = ANY(%(ids)s)"
BY_EXTERNAL_ID = f"""
SELECT {COLUMNS} FROM purchases WHERE source = %(source)s AND external_id = %(external_id)s"""
OF_MEMBER = f"""
SELECT {COLUMNS} FROM purchases
WHERE member_id = %(member_id)s
    AND (%(after_at)s::timestamptz IS NULL OR (occurred_at, id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s"""
RECENT = f"""
SELECT {COLUMNS} FROM purchases
WHERE %(after)s::uuid IS NULL OR id < %(after)s ORDER BY id DESC LIMIT %(limit)s"""
KNOWN = """
SELECT asked.source, asked.external_id, id, content_hash, answer,
    EXISTS (
        SELECT 1 FROM waiting_refunds
        WHERE purchase_source = asked.source AND purchase_external_id = asked.external_id AND state = 'waiting'
    ) AS is_awaited
FROM unnest(%(sources)s::text[], %(external_ids)s::text[]) AS asked (source, external_id)
    LEFT JOIN purchases ON purchases.source = asked.source AND purchases.external_id = asked.external_id"""
LOCATE_BY_ID = "SELECT id, member_id, store_id, program_version_id, entry_id FROM purchases WHERE id = %(id)s"
LOCATE = """
SELECT id, member_id, store_id, program_version_id, entry_id FROM purchases
WHERE source = %(source)s AND external_id = %(external_id)s"""
# A guest's purchase has no holder to queue at.
LOCK = f"""
SELECT {COLUMNS}, refunded_free_minor, frozen, other_units FROM purchases WHERE id = %(id)s FOR NO KEY UPDATE"""
FROZEN = "SELECT id, frozen FROM purchases WHERE id = ANY(%(ids)s) AND frozen IS NOT NULL"
LINES = """
SELECT purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor, net_minor, points,
    returned_quantity, product, tax_minor, base_minor
FROM purchase_lines WHERE purchase_id = ANY(%(ids)s) ORDER BY purchase_id, position"""
ACCRUALS = """
SELECT purchase_id, rule_id, lot_id, points, standing, unit
FROM purchase_accruals WHERE purchase_id = ANY(%(ids)s) ORDER BY purchase_id, rule_id"""
# In the order of the unique index, so that two batches with the same receipts never wait for each other in a circle.
INSERT = """
INSERT INTO purchases (id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor,
    total_minor, refunded_minor, refunded_free_minor, occurred_at, recorded_at, program_version_id, frozen, points,
    points_taken_back, points_lapsed, shortfall, entry_id, answer,
    shipping_minor, prices_include_tax, tenders, codes, staff, fields)
SELECT id, source, external_id, content_hash, member_id, store_id, channel, currency, discount_minor, total_minor, 0, 0,
    occurred_at, recorded_at, program_version_id, frozen, points, 0, 0, 0, entry_id, answer,
    shipping_minor, prices_include_tax, tenders, codes, staff, fields
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, source text, external_id text, content_hash bytea, member_id uuid,
    store_id uuid, channel text, currency text, discount_minor bigint, total_minor bigint, occurred_at timestamptz,
    recorded_at timestamptz, program_version_id uuid, frozen jsonb, points bigint, entry_id uuid, answer jsonb,
    shipping_minor bigint, prices_include_tax boolean, tenders jsonb, codes text[], staff text, fields jsonb)
ORDER BY source, external_id"""
INSERT_LINES = """
INSERT INTO purchase_lines (purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor,
    net_minor, points, returned_quantity, product, tax_minor, base_minor)
SELECT purchase_id, position, sku, name, category, quantity, amount_minor, discount_minor, net_minor, points, 0,
    product, tax_minor, base_minor
FROM jsonb_to_recordset(%(rows)s) AS rows (purchase_id uuid, position bigint, sku text, name text, category text[],
    quantity numeric, amount_minor bigint, discount_minor bigint, net_minor bigint, points bigint,
    product text, tax_minor bigint, base_minor bigint)"""
INSERT_ACCRUALS = """
INSERT INTO purchase_accruals (purchase_id, rule_id, lot_id, points, standing, unit)
SELECT purchase_id, rule_id, lot_id, points, points, unit
FROM jsonb_to_recordset(%(rows)s) AS rows (purchase_id uuid, rule_id text, lot_id uuid, points bigint, unit text)"""
# Where somebody goes now: the latest purchases tell, however many there were before.
VISITED = """
SELECT store_id FROM (
    SELECT store_id, occurred_at FROM purchases WHERE member_id = %(member_id)s AND voided_at IS NULL
    ORDER BY occurred_at DESC, id DESC LIMIT %(purchases)s
) AS latest
GROUP BY store_id ORDER BY count(*) DESC, max(occurred_at) DESC, store_id"""
# Those that have come back whole are as if they had not been; where nothing was paid, it is the lines that tell.
COUNTS = """
SELECT member_id, count(*) AS purchases FROM purchases
WHERE member_id = ANY(%(ids)s) AND voided_at IS NULL
    AND CASE WHEN total_minor > 0 THEN refunded_minor < total_minor ELSE EXISTS (
        SELECT FROM purchase_lines
        WHERE purchase_id = purchases.id
            AND returned_quantity < CASE WHEN quantity = 0 THEN 1 ELSE abs(quantity) END) END
GROUP BY member_id"""
UPDATE_REFUNDED = """
UPDATE purchases SET refunded_minor = %(refunded_minor)s, refunded_free_minor = %(refunded_free_minor)s,
    points_taken_back = %(points_taken_back)s, points_lapsed = %(points_lapsed)s, shortfall = %(shortfall)s,
    other_units = %(other_units)s, voided_at = %(voided_at)s
WHERE id = %(id)s"""
CLOSE = "UPDATE purchases SET voided_at = %(now)s WHERE id = %(id)s"
CLAIM = """
UPDATE purchases SET member_id = %(member_id)s, program_version_id = %(program_version_id)s, frozen = %(frozen)s,
    points = %(points)s, entry_id = %(entry_id)s, claimed_at = %(now)s
WHERE id = %(id)s"""
EVALUATE_LINES = """
UPDATE purchase_lines SET points = rows.points, base_minor = rows.base_minor
FROM jsonb_to_recordset(%(rows)s) AS rows (purchase_id uuid, position bigint, points bigint, base_minor bigint)
WHERE purchase_lines.purchase_id = rows.purchase_id AND purchase_lines.position = rows.position"""
CATCH_UP = """
UPDATE purchases SET points_taken_back = %(points_taken_back)s, points_lapsed = %(points_lapsed)s,
    shortfall = %(shortfall)s, other_units = %(other_units)s
WHERE id = %(id)s"""
AMEND = """
UPDATE purchases SET discount_minor = %(discount_minor)s, total_minor = %(total_minor)s, frozen = %(frozen)s,
    points = %(points)s, points_taken_back = 0, points_lapsed = %(points_lapsed)s, shortfall = %(shortfall)s,
    other_units = %(other_units)s, amended_at = %(now)s
WHERE id = %(id)s"""
FORGET_LINES = "DELETE FROM purchase_lines WHERE purchase_id = %(id)s"
FORGET_ACCRUALS = "DELETE FROM purchase_accruals WHERE purchase_id = %(id)s"
CONSEQUENCES_MAX = 100
EARNED_AT_TIER = """
SELECT id FROM purchases
WHERE member_id = %(member_id)s AND id > %(after)s AND points > 0 AND frozen ->> 'tierCode' = %(tier_code)s
ORDER BY id LIMIT %(limit)s"""
INSERT_CHANGE = """
INSERT INTO purchase_changes (id, purchase_id, kind, reason, before, other_purchase_id, recorded_at)
VALUES (%(id)s, %(purchase_id)s, %(kind)s, %(reason)s, %(before)s, %(other_purchase_id)s, %(now)s)"""
INSERT_WAITING = """
INSERT INTO waiting_refunds (id, source, external_id, content_hash, purchase_source, purchase_external_id, member_id,
    request, reason, state, occurred_at, recorded_at, look_at)
VALUES (%(id)s, %(source)s, %(external_id)s, %(content_hash)s, %(purchase_source)s, %(purchase_external_id)s,
    %(member_id)s, %(request)s, %(reason)s, 'waiting', %(occurred_at)s, %(now)s, %(look_at)s)
ON CONFLICT (source, external_id) DO NOTHING RETURNING id"""
KNOWN_WAITING = """
SELECT id, content_hash FROM waiting_refunds WHERE source = %(source)s AND external_id = %(external_id)s"""
INSERT_SETTLEMENT = """
INSERT INTO purchase_settlements (purchase_id, settled, back) VALUES (%(purchase_id)s, %(settled)s, NULL)"""
SETTLEMENT = "SELECT settled, back FROM purchase_settlements WHERE purchase_id = %(id)s"
UPDATE_SETTLED = "UPDATE purchase_settlements SET settled = %(settled)s WHERE purchase_id = %(id)s"
UPDATE_SETTLED_BACK = "UPDATE purchase_settlements SET back = %(back)s WHERE purchase_id = %(id)s"
WAITING_COLUMNS = """
w.id, w.source, w.external_id, w.purchase_source, w.purchase_external_id, w.member_id, w.request, w.reason,
w.occurred_at, w.recorded_at"""
# Whoever finds a row locked leaves it: it is being settled, or looked at again soon.
WAITING_OF = f"""
SELECT {WAITING_COLUMNS} FROM waiting_refunds w
    JOIN unnest(%(sources)s::text[], %(external_ids)s::text[]) AS asked (source, external_id)
    ON w.purchase_source = asked.source AND w.purchase_external_id = asked.external_id
WHERE state = 'waiting' ORDER BY w.id FOR UPDATE OF w SKIP LOCKED"""
WAITING_DUE = """
SELECT id, look_at FROM waiting_refunds
WHERE state = 'waiting' AND look_at <= %(now)s
    AND (%(after_at)s::timestamptz IS NULL OR (look_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY look_at, id LIMIT %(limit)s"""
LOCK_DUE = f"""
SELECT {WAITING_COLUMNS} FROM waiting_refunds w
WHERE id = %(id)s AND state = 'waiting' AND look_at <= %(now)s FOR UPDATE OF w SKIP LOCKED"""
FIRST_LOOK = "SELECT look_at FROM waiting_refunds WHERE state = 'waiting' ORDER BY look_at LIMIT 1"
LOOK_AGAIN = "UPDATE waiting_refunds SET look_at = %(at)s WHERE id = %(id)s"
SETTLE_WAITING = """
UPDATE waiting_refunds SET state = %(state)s, refusal = %(refusal)s, refund_id = %(refund_id)s, settled_at = %(now)s
WHERE id = %(id)s"""
UPDATE_RETURNED = """
UPDATE purchase_lines SET returned_quantity = rows.quantity
FROM jsonb_to_recordset(%(rows)s) AS rows (position bigint, quantity numeric)
WHERE purchase_id = %(purchase_id)s AND purchase_lines.position = rows.position"""
UPDATE_STANDING = """
UPDATE purchase_accruals SET standing = rows.standing
FROM jsonb_to_recordset(%(rows)s) AS rows (rule_id text, standing bigint)
WHERE purchase_id = %(purchase_id)s AND purchase_accruals.rule_id = rows.rule_id"""
BOUGHT = """
SELECT 1 FROM purchases JOIN purchase_lines ON purchase_id = purchases.id
WHERE member_id = %(member_id)s AND occurred_at <= %(before)s AND sku = %(sku)s AND quantity > returned_quantity
LIMIT 1"""
REFUND_COLUMNS = """
id, purchase_id, source, external_id, refunded_minor, points_taken_back, shortfall, reason, entry_id, occurred_at,
recorded_at"""
REFUNDS_BY_ID = f"SELECT {REFUND_COLUMNS} FROM refunds WHERE id = ANY(%(ids)s)"
REFUNDS_OF_PURCHASES = f"""
SELECT {REFUND_COLUMNS} FROM refunds WHERE purchase_id = ANY(%(ids)s) ORDER BY purchase_id, id"""
KNOWN_REFUND = """
SELECT id, content_hash, answer FROM refunds WHERE source = %(source)s AND external_id = %(external_id)s"""
REFUND_PARTS = """
SELECT refund_id, position, quantity, amount_minor
FROM refund_lines WHERE refund_id = ANY(%(ids)s) ORDER BY refund_id, position"""
INSERT_REFUND = """
INSERT INTO refunds (id, purchase_id, source, external_id, content_hash, refunded_minor, points_taken_back, shortfall,
    reason, entry_id, answer, occurred_at, recorded_at)
VALUES (%(id)s, %(purchase_id)s, %(source)s, %(external_id)s, %(content_hash)s, %(refunded_minor)s,
    %(points_taken_back)s, %(shortfall)s, %(reason)s, %(entry_id)s, %(answer)s, %(occurred_at)s, %(recorded_at)s)"""
INSERT_REFUND_LINES = """
INSERT INTO refund_lines (refund_id, position, quantity, amount_minor)
SELECT %(refund_id)s, position, quantity, amount_minor
FROM jsonb_to_recordset(%(rows)s) AS rows (position bigint, quantity numeric, amount_minor bigint)"""


def is_known(error: UniqueViolation) -> bool:
    """Whether a purchase or a refund with this external id was stored meanwhile."""
    return error.diag.constraint_name in {PURCHASE_KEY, REFUND_KEY}


def go_back(uow: UnitOfWork) -> None:
    """Undo what was written since `SAVEPOINT`."""
    uow.execute(BACK_TO_SAVEPOINT)


def line_rows(
    *, purchase_id: UUID, receipt: Receipt, points: Sequence[int], bases: Sequence[int | None]
) -> list[dict[str, Any]]:
    """The rows of lines, with the points that each earned, and what of each earns."""
    return [
        {
            "purchase_id": purchase_id,
            "position": line.position,
            "sku": line.sku,
            "name": line.name,
            "category": line.category,
            "quantity": str(line.quantity),
            "amount_minor": line.amount_minor,
            "discount_minor": line.discount_minor,
            "net_minor": line.net_minor,
            "points": earned,
            "product": line.product,
            "tax_minor": line.tax_minor,
            "base_minor": base_minor,
        }
        for line, earned, base_minor in zip(receipt.lines, points, bases, strict=True)
    ]


def counts_statement(member_ids: Collection[UUID]) -> Statement:
    """How many purchases members have; the rows go to `counts_of`."""
    return Statement(COUNTS, {"ids": list(member_ids)})


def counts_of(rows: Iterable[DictRow]) -> dict[UUID, int]:
    """The number of purchases by member; those who have any."""
    return {row["member_id"]: row["purchases"] for row in rows}


def known_statement(receipts: Collection[tuple[str, str]]) -> Statement:
    """Find purchases by source and external id; the rows go to `known_of` and `awaited_of`."""
    values = {
        "sources": [source for source, _ in receipts],
        "external_ids": [external_id for _, external_id in receipts],
    }
    return Statement(KNOWN, values)


def known_of(rows: Iterable[DictRow]) -> dict[tuple[str, str], DictRow]:
    """What is known of receipts: ``id``, ``content_hash`` and ``answer`` by source and external id."""
    return {(row["source"], row["external_id"]): row for row in rows if row["id"] is not None}


def awaited_of(rows: Iterable[DictRow]) -> frozenset[tuple[str, str]]:
    """The receipts, by source and external id, for which refunds wait."""
    return frozenset((row["source"], row["external_id"]) for row in rows if row["is_awaited"])


def returned_statement(*, purchase_id: UUID, quantities: Iterable[tuple[int, Any]]) -> Statement:
    """Store how much of each line has come back in all, by position."""
    rows = [{"position": position, "quantity": str(quantity)} for position, quantity in quantities]
    return Statement(UPDATE_RETURNED, {"purchase_id": purchase_id, "rows": Jsonb(rows)})


def standing_statement(*, purchase_id: UUID, standing: Iterable[tuple[str, int]]) -> Statement:
    """Store what stands of each rule's points."""
    rows = [{"rule_id": rule_id, "standing": points} for rule_id, points in standing]
    return Statement(UPDATE_STANDING, {"purchase_id": purchase_id, "rows": Jsonb(rows)})


def refund_lines_statement(*, refund_id: UUID, lines: Iterable[RefundedLine]) -> Statement:
    """Store what a refund did to each line."""
    rows = [
        {"position": line.position, "quantity": str(line.quantity), "amount_minor": line.refunded_minor}
        for line in lines
    ]
    return Statement(INSERT_REFUND_LINES, {"refund_id": refund_id, "rows": Jsonb(rows)})


def change_statement(
    *,
    purchase_id: UUID,
    kind: str,
    reason: str | None,
    before: Mapping[str, Any],
    now: datetime,
    change_id: UUID | None = None,
    other_purchase_id: UUID | None = None,
) -> Statement:
    """Keep what a purchase was until now."""
    values = {
        "id": change_id or new_id(),
        "purchase_id": purchase_id,
        "kind": kind,
        "reason": reason,
        "before": Jsonb(before),
        "other_purchase_id": other_purchase_id,
        "now": now,
    }
    return Statement(INSERT_CHANGE, values)


def purchase_of(row: DictRow) -> Purchase:
    values = {name: row[name] for name in Purchase.__slots__ if name in row}
    return Purchase(**values, told=told_of(row))


def line_of(row: DictRow) -> Line:
    return Line(**(row | {"category": tuple(row["category"])}))


def accrual_of(row: DictRow) -> Accrual:
    return Accrual(**row)


def refund_of(row: DictRow) -> Refund:
    return Refund(**row)


def part_of(row: DictRow) -> RefundedPart:
    return RefundedPart(**row)
