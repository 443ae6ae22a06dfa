"""The SQL of kinds of coupons, of coupons and of their uses.

Counters and uses are written with their rows locked: definitions whose uses are limited, coupons for one use, uses;
each in the order of ids. What is asked is added without looking: the checks of the tables refuse what is too much.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.coupons.domain import (
    Coupon,
    CouponBatch,
    CouponDefinition,
    CouponUse,
    EndingCoupon,
    Sighting,
    UseStatus,
    content_json,
    parse_content,
)
from services.loyalty.coupons.errors import CouponCodeTaken, CouponDefinitionCodeTaken, CouponUsedUp
from services.loyalty.ledger.domain import Reference
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

_DEFINITION = """
d.id, d.code, d.version, d.uses_max, d.uses_spent, d.created_at, d.archived_at, v.id AS version_id, v.content,
CASE WHEN d.uses_max IS NULL THEN 0 ELSE (
    SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND u.status = 'held' AND u.held_until > %(now)s
) END AS uses_held"""
_CURRENT = """
coupon_definitions d JOIN coupon_definition_versions v ON v.definition_id = d.id AND v.number = d.version"""
DEFINITIONS = f"SELECT {_DEFINITION} FROM {_CURRENT} WHERE d.id = ANY(%(ids)s)"
DEFINITIONS_PAGE = f"""
SELECT {_DEFINITION} FROM {_CURRENT}
WHERE (%(after)s::text IS NULL OR d.code > %(after)s)
    AND (%(is_archived)s::boolean IS NULL OR (d.archived_at IS NOT NULL) = %(is_archived)s)
ORDER BY d.code LIMIT %(limit)s"""
CONTENTS = """
SELECT v.id, v.definition_id, v.content, v.number = d.version AS is_current
FROM coupon_definitions d JOIN coupon_definition_versions v ON v.definition_id = d.id
WHERE v.id = ANY(%(version_ids)s) OR (d.id = ANY(%(definition_ids)s) AND v.number = d.version)"""
SHARED_CODES = "SELECT definition_id, code FROM coupons WHERE is_shared AND definition_id = ANY(%(ids)s)"
LOCK_DEFINITION = "SELECT id FROM coupon_definitions WHERE id = %(id)s FOR NO KEY UPDATE"
INSERT_DEFINITION = """
INSERT INTO coupon_definitions (id, uses_max, uses_held, uses_spent, code, version, created_at)
VALUES (%(id)s, %(uses_max)s, 0, 0, %(code)s, %(version)s, %(created_at)s)"""
INSERT_VERSION = """
INSERT INTO coupon_definition_versions (id, definition_id, number, content, created_at)
VALUES (%(id)s, %(definition_id)s, %(number)s, %(content)s, %(created_at)s)"""
SET_VERSION = "UPDATE coupon_definitions SET version = %(version)s, uses_max = %(uses_max)s WHERE id = %(id)s"
ARCHIVE = "UPDATE coupon_definitions SET archived_at = %(now)s WHERE id = %(id)s"

_COUPON = """
c.id, c.definition_id, c.version_id, c.code, c.is_shared, c.member_id, c.batch_id, c.origin_kind, c.origin_id,
c.is_pending, c.uses_spent, c.issued_at, c.expires_at, c.voided_at"""
# A hold that has timed out holds nothing, whether or not the errand has been by.
_LIVE = "u.status = 'held' AND u.held_until > %(now)s"
_HELD = f"""
CASE WHEN c.is_shared THEN 0 ELSE (
    SELECT count(*) FROM coupon_uses u WHERE u.definition_id = c.definition_id AND u.coupon_id = c.id AND {_LIVE}
) END AS uses_held"""
BY_IDS = f"SELECT {_COUPON}, {_HELD} FROM coupons c WHERE c.id = ANY(%(ids)s)"
BY_CODE = f"SELECT {_COUPON}, {_HELD} FROM coupons c WHERE c.code = %(code)s"
OF_MEMBER = f"""
SELECT {_COUPON}, {_HELD} FROM coupons c
WHERE c.member_id = %(member_id)s AND (%(after)s::uuid IS NULL OR c.id < %(after)s)
ORDER BY c.id DESC LIMIT %(limit)s"""
OF_ORIGINS = f"""
SELECT {_COUPON}, {_HELD} FROM coupons c
WHERE c.origin_kind = %(kind)s AND c.origin_id = ANY(%(ids)s) ORDER BY c.id"""
LOCK_OF_ORIGIN = """
SELECT id FROM coupons
WHERE origin_kind = %(kind)s AND origin_id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"""
OF_BATCH = f"""
SELECT {_COUPON}, {_HELD} FROM coupons c
WHERE c.batch_id = %(batch_id)s AND (%(after)s::uuid IS NULL OR c.id > %(after)s) ORDER BY c.id LIMIT %(limit)s"""
_BATCH = "SELECT id, definition_id, count, prefix, made_at FROM coupon_batches"
BATCHES = f"{_BATCH} WHERE id = ANY(%(ids)s)"
BATCHES_PAGE = f"""
{_BATCH} WHERE definition_id = %(definition_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
ORDER BY id DESC LIMIT %(limit)s"""
INSERT_BATCH = """
INSERT INTO coupon_batches (id, definition_id, count, prefix, made_at)
VALUES (%(id)s, %(definition_id)s, %(count)s, %(prefix)s, %(made_at)s)"""
INSERT = """
INSERT INTO coupons (id, definition_id, version_id, code, is_shared, member_id, origin_kind, origin_id, is_pending,
    uses_held, uses_spent, issued_at, expires_at)
SELECT id, definition_id, version_id, code, is_shared, member_id, origin_kind, origin_id, is_pending, 0, 0, %(now)s,
    expires_at
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, definition_id uuid, version_id uuid, code text, is_shared boolean,
    member_id uuid, origin_kind text, origin_id uuid, is_pending boolean, expires_at timestamptz)"""
COPIED_TOGETHER = 2_000
COPY_CODES = """
COPY coupons (id, definition_id, version_id, code, is_shared, batch_id, is_pending, uses_held, uses_spent, issued_at,
    expires_at) FROM STDIN"""
# In the order of the codes: two files with the same ones wait for each other, and not in a circle.
TAKE_CODES = """
INSERT INTO coupons (id, definition_id, version_id, code, is_shared, batch_id, is_pending, uses_held, uses_spent,
    issued_at, expires_at)
SELECT rows.id, %(definition_id)s, %(version_id)s, rows.code, false, %(batch_id)s, false, 0, 0, %(issued_at)s,
    %(expires_at)s
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, code text) ORDER BY rows.code
ON CONFLICT (code) DO NOTHING RETURNING coupons.id"""
TAKEN_ELSEWHERE = """
SELECT code FROM coupons
WHERE code = ANY(%(codes)s) AND (definition_id <> %(definition_id)s OR is_shared OR member_id IS NOT NULL)
ORDER BY code LIMIT 1"""
LOCK = "SELECT id FROM coupons WHERE id = %(id)s FOR NO KEY UPDATE"
VOID = "UPDATE coupons SET voided_at = %(now)s WHERE id = %(id)s AND voided_at IS NULL"
CONFIRM = """
UPDATE coupons SET is_pending = false
WHERE origin_id = %(origin_id)s AND origin_kind = %(origin_kind)s AND is_pending"""
CANCEL = """
UPDATE coupons SET voided_at = %(now)s
WHERE origin_id = %(origin_id)s AND origin_kind = %(origin_kind)s AND uses_spent = 0 AND voided_at IS NULL"""

_HERE = "u.owner_id = %(owner_id)s::uuid AND u.owner_kind = %(owner_kind)s::text"
# What holds the coupon, or for its buyer the shared code, stands in no way of a sale that has happened.
_OF_BUYER = "(NOT c.is_shared OR u.member_id = %(member_id)s::uuid)"
_GOES_TO_SALE = f"%(sold_at)s::timestamptz IS NOT NULL AND u.coupon_id = c.id AND {_OF_BUYER}"
_ELSEWHERE = f"{_LIVE} AND ({_HERE}) IS NOT TRUE AND ({_GOES_TO_SALE}) IS NOT TRUE"
_COUPON_THEN = _COUPON.replace(
    "c.voided_at", "CASE WHEN c.voided_at > %(sold_at)s::timestamptz THEN NULL ELSE c.voided_at END AS voided_at"
)
_SIGHTING = f"""
SELECT {_COUPON_THEN}, d.code AS definition_code, d.version, d.uses_max, d.uses_spent AS definition_spent,
    d.created_at AS definition_created_at, d.archived_at, v.id AS content_id, v.content,
    (SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND u.coupon_id = c.id AND {_ELSEWHERE}
        AND NOT c.is_shared) AS uses_held,
    (SELECT count(*) FROM coupon_uses u WHERE u.definition_id = d.id AND {_ELSEWHERE} AND d.uses_max IS NOT NULL
        ) AS definition_held,
    (SELECT count(*) FROM coupon_uses u
        WHERE u.definition_id = d.id AND u.member_id = %(member_id)s::uuid AND (u.status = 'spent' OR ({_ELSEWHERE}))
        ) AS taken_by_member,
    EXISTS (SELECT 1 FROM coupon_uses u WHERE u.definition_id = d.id AND u.coupon_id = c.id AND {_LIVE} AND {_HERE}
        ) AS is_held_here
FROM coupons c JOIN coupon_definitions d ON d.id = c.definition_id JOIN coupon_definition_versions v ON v.id = coalesce(
    c.version_id,
    (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id AND p.id = ANY(%(version_ids)s)
        ORDER BY p.number DESC LIMIT 1),
    (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id
        AND p.created_at <= %(sold_at)s::timestamptz ORDER BY p.number DESC LIMIT 1),
    (SELECT p.id FROM coupon_definition_versions p WHERE p.definition_id = d.id AND p.number = d.version))"""
PRESENTED = f"{_SIGHTING} WHERE c.id = ANY(%(ids)s) OR c.code = ANY(%(codes)s) ORDER BY c.id"
OWN = f"""
{_SIGHTING}
WHERE c.member_id = %(member_id)s AND c.voided_at IS NULL AND NOT c.is_pending AND c.uses_spent = 0
    AND (c.expires_at IS NULL OR c.expires_at > %(at)s)
ORDER BY c.expires_at, c.id LIMIT %(limit)s"""

# What a use ends: what the owner has held or spent (`ended`), and what has timed out of what is asked for.
_OWNED = """u.owner_id = %(owner_id)s AND u.owner_kind = %(owner_kind)s AND u.status = %(ended)s
    AND (NOT %(is_late_only)s::boolean OR u.held_until <= %(now)s)"""
_LATE = """u.status = 'held' AND u.held_until <= %(now)s AND (
    u.definition_id IN (SELECT l.id FROM coupon_definitions l WHERE l.id = ANY(%(definition_ids)s) AND l.uses_max > 0)
    OR u.coupon_id IN (SELECT l.id FROM coupons l WHERE l.id = ANY(%(coupon_ids)s) AND NOT l.is_shared))"""
_ENDED = f"coupon_uses u WHERE ({_OWNED}) OR ({_LATE})"
_ASKED = """jsonb_to_recordset(%(rows)s) AS rows (id uuid, definition_id uuid, coupon_id uuid, version_id uuid,
    member_id uuid, amount_minor bigint, currency text)"""


# What is held and spent more or less than before: what ends, and what begins; and of these what is the owner's.
_PARTS = f"""
SELECT u.definition_id, u.coupon_id, CASE u.status WHEN 'held' THEN -1 ELSE 0 END AS held,
    CASE u.status WHEN 'spent' THEN -1 ELSE 0 END AS spent, CASE WHEN {_OWNED} THEN -1 ELSE 0 END AS own FROM {_ENDED}
UNION ALL SELECT rows.definition_id, rows.coupon_id, CASE %(status)s::text WHEN 'held' THEN 1 ELSE 0 END,
    CASE %(status)s::text WHEN 'spent' THEN 1 ELSE 0 END, 1 FROM {_ASKED}"""
LOCK_DEFINITIONS = f"""
SELECT d.id FROM coupon_definitions d
WHERE d.uses_max > 0 AND (d.id = ANY(%(definition_ids)s) OR d.id IN (
    SELECT u.definition_id FROM coupon_uses u WHERE {_OWNED}))
ORDER BY d.id FOR NO KEY UPDATE"""
LOCK_COUPONS = f"""
SELECT c.id FROM coupons c
WHERE NOT c.is_shared AND (c.id = ANY(%(coupon_ids)s) OR c.id IN (SELECT u.coupon_id FROM {_ENDED}))
ORDER BY c.id FOR NO KEY UPDATE"""
LOCK_USES = f"SELECT u.id FROM {_ENDED} ORDER BY u.id FOR NO KEY UPDATE"
COUNT_BY_DEFINITION = f"""
UPDATE coupon_definitions SET uses_held = uses_held + changes.held, uses_spent = uses_spent + changes.spent
FROM (SELECT definition_id, sum(held)::bigint AS held, sum(spent)::bigint AS spent FROM ({_PARTS}) parts
    GROUP BY definition_id) changes
WHERE id = changes.definition_id AND uses_max > 0"""
# One that was voided meanwhile is not used any more, unless the owner has held it, or was sold, before: below zero
# breaks the check.
COUNT_BY_COUPON = f"""
UPDATE coupons SET uses_held = CASE
        WHEN coalesce(voided_at <= %(sold_at)s::timestamptz, voided_at IS NOT NULL) AND changes.own > 0 THEN -1
        ELSE uses_held + changes.held END, uses_spent = uses_spent + changes.spent
FROM (SELECT coupon_id, sum(held)::bigint AS held, sum(spent)::bigint AS spent, sum(own)::bigint AS own
    FROM ({_PARTS}) parts GROUP BY coupon_id) changes
WHERE id = changes.coupon_id AND NOT is_shared"""
END_USES = f"""
UPDATE coupon_uses SET status = CASE status WHEN 'spent' THEN 'given_back' ELSE 'released' END, held_until = NULL,
    ended_at = %(now)s
WHERE id IN (SELECT u.id FROM {_ENDED})"""
KEEP_USES = f"""
INSERT INTO coupon_uses (id, definition_id, coupon_id, version_id, member_id, owner_kind, owner_id, status,
    amount_minor, currency, held_until, begun_at)
SELECT id, definition_id, coupon_id, version_id, member_id, %(owner_kind)s, %(owner_id)s, %(status)s, amount_minor,
    currency, %(until)s::timestamptz, %(now)s FROM {_ASKED}"""
CHANGING = (LOCK_DEFINITIONS, LOCK_COUPONS, LOCK_USES, COUNT_BY_DEFINITION, COUNT_BY_COUPON, END_USES)
"""What every change of uses does, in this order; new ones are kept after it."""
_HELD_BY_CARTS = f"""
FROM coupon_uses u JOIN coupons c ON c.id = u.coupon_id
WHERE c.id = ANY(%(coupon_ids)s) AND u.definition_id = c.definition_id AND u.status = 'held' AND {_OF_BUYER}"""
FREE_BY_DEFINITION = f"""
UPDATE coupon_definitions SET uses_held = uses_held - taken.held
FROM (SELECT u.definition_id, count(*) AS held {_HELD_BY_CARTS} GROUP BY u.definition_id) taken
WHERE id = taken.definition_id AND uses_max > 0"""
FREE_BY_COUPON = f"""
UPDATE coupons SET uses_held = 0
WHERE id IN (SELECT u.coupon_id {_HELD_BY_CARTS}) AND NOT is_shared"""
RELEASE_HELD = f"""
UPDATE coupon_uses SET status = 'released', held_until = NULL, ended_at = %(now)s
WHERE status = 'held' AND id IN (SELECT u.id {_HELD_BY_CARTS})"""
LOCKING = (LOCK_DEFINITIONS, LOCK_COUPONS)
TAKING_OVER = (FREE_BY_DEFINITION, FREE_BY_COUPON, RELEASE_HELD)
"""What a sale that has happened does once all is locked: what carts hold of its coupons is over."""

_USE = "id, coupon_id, definition_id, member_id, owner_kind, owner_id, status, amount_minor, currency, held_until"
USES_OF_OWNERS = f"""
SELECT {_USE}, begun_at, ended_at FROM coupon_uses
WHERE owner_kind = %(kind)s AND owner_id = ANY(%(ids)s) ORDER BY id"""
USES_OF_COUPONS = f"""
SELECT newest.* FROM unnest(%(ids)s::uuid[]) AS one (id) CROSS JOIN LATERAL (
    SELECT {_USE}, begun_at, ended_at FROM coupon_uses WHERE coupon_id = one.id ORDER BY id DESC LIMIT %(limit)s
) newest"""
LATE_OWNERS = """
SELECT DISTINCT held_until, owner_id, owner_kind FROM coupon_uses
WHERE status = 'held' AND held_until <= %(now)s
    AND (%(after_at)s::timestamptz IS NULL OR (held_until, owner_id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY held_until, owner_id LIMIT %(limit)s"""
NEXT_LATE = "SELECT held_until FROM coupon_uses WHERE status = 'held' ORDER BY held_until LIMIT 1"

UNNOTICED = """
SELECT c.id, c.member_id, c.expires_at, v.content
FROM coupons c JOIN coupon_definition_versions v ON v.id = c.version_id
WHERE c.noticed_at IS NULL AND c.member_id IS NOT NULL AND c.expires_at <= %(until)s AND c.expires_at > %(now)s
    AND NOT c.is_pending AND c.uses_spent = 0 AND c.voided_at IS NULL
ORDER BY c.expires_at, c.id LIMIT %(limit)s FOR NO KEY UPDATE OF c SKIP LOCKED"""
NEXT_UNNOTICED = """
SELECT c.expires_at FROM coupons c
WHERE c.noticed_at IS NULL AND c.member_id IS NOT NULL AND c.expires_at > %(now)s
    AND NOT c.is_pending AND c.uses_spent = 0 AND c.voided_at IS NULL
ORDER BY c.expires_at LIMIT 1"""
NOTICED = """
SELECT c.member_id, c.expires_at FROM coupons c
WHERE c.member_id = ANY(%(ids)s) AND c.noticed_at IS NOT NULL AND c.expires_at > %(now)s"""
MARK_NOTICED = "UPDATE coupons SET noticed_at = %(now)s WHERE id = ANY(%(ids)s)"

_UUID = "([0-9a-f-]{36})"
_FAILING_ROW = re.compile(rf"\({_UUID}, ({_UUID})?")


def insert_definition(uow: UnitOfWork, *, definition: CouponDefinition) -> None:
    """Store a kind of coupon and its first version.

    Raises:
        CouponDefinitionCodeTaken
    """
    values = {
        "id": definition.id,
        "uses_max": definition.uses_max,
        "code": definition.code,
        "version": definition.version,
        "created_at": definition.created_at,
    }
    try:
        uow.execute(INSERT_DEFINITION, values)
    except UniqueViolation as error:
        if error.diag.constraint_name != "coupon_definitions_code_key":
            raise
        raise CouponDefinitionCodeTaken(coupon_definition_code=definition.code) from error
    insert_version(uow, definition=definition, created_at=definition.created_at)


def insert_version(uow: UnitOfWork, *, definition: CouponDefinition, created_at: datetime) -> None:
    """Store the present content as the present version."""
    values = {
        "id": definition.version_id,
        "definition_id": definition.id,
        "number": definition.version,
        "content": Jsonb(content_json(definition.content)),
        "created_at": created_at,
    }
    uow.execute(INSERT_VERSION, values)


def insert_coupons(uow: UnitOfWork, *, coupons: Iterable[Coupon]) -> None:
    """Store coupons of which nothing is used.

    Raises:
        CouponCodeTaken
    """
    rows = [coupon_json(coupon) for coupon in coupons]
    try:
        uow.execute(INSERT, {"rows": Jsonb(rows), "now": uow.now})
    except UniqueViolation as error:
        if error.diag.constraint_name != "coupons_code_key":
            raise
        raise CouponCodeTaken(coupon_code=next(str(row["code"]) for row in rows if row["code"])) from error


def copy_codes(uow: UnitOfWork, *, first: Coupon, codes: Iterable[str]) -> None:
    """Store many codes at once, all else as in ``first``. No text in them needs escaping."""
    ends = first.expires_at.isoformat() if first.expires_at else r"\N"
    same = f"{first.definition_id}\t{first.version_id}"
    rest = f"f\t{first.batch_id}\tf\t0\t0\t{first.issued_at.isoformat()}\t{ends}\n"
    with uow.connection.cursor().copy(COPY_CODES) as copy:
        waiting = iter(codes)
        while part := list(islice(waiting, COPIED_TOGETHER)):
            copy.write("".join([f"{new_id()}\t{same}\t{code}\t{rest}" for code in part]))


def insert_batch_statement(*, batch: CouponBatch) -> Statement:
    """Store that codes were made together."""
    return Statement(INSERT_BATCH, {name: getattr(batch, name) for name in CouponBatch.__slots__})


def coupon_json(coupon: Coupon) -> dict[str, object]:
    """A coupon as a row of `INSERT`."""
    return {
        "id": str(coupon.id),
        "definition_id": str(coupon.definition_id),
        "version_id": _text(coupon.version_id),
        "code": coupon.code,
        "is_shared": coupon.is_shared,
        "member_id": _text(coupon.member_id),
        "origin_kind": coupon.origin.kind if coupon.origin else None,
        "origin_id": _text(coupon.origin.id if coupon.origin else None),
        "is_pending": coupon.is_pending,
        "expires_at": coupon.expires_at.isoformat() if coupon.expires_at else None,
    }


def refusal_of(error: CheckViolation) -> CouponUsedUp | None:
    """What a violated check says of a use; None when it says nothing of a coupon."""
    name = error.diag.constraint_name
    if name not in {"coupon_definitions_uses_check", "coupons_uses_check"}:
        return None
    row = _FAILING_ROW.search(error.diag.message_detail or "")
    # The identity of a definition is the first value of its row, that of a coupon's definition the second.
    found = None if row is None else row[1 if name == "coupon_definitions_uses_check" else 2]
    return CouponUsedUp(coupon_definition_id=UUID(found) if found else None)


def definitions_of(rows: Iterable[DictRow]) -> tuple[CouponDefinition, ...]:
    return tuple(CouponDefinition(**(row | {"content": parse_content(row["content"])})) for row in rows)


def coupons_of(rows: Iterable[DictRow]) -> tuple[Coupon, ...]:
    return tuple(_coupon_of(row) for row in rows)


def sighting_of(row: DictRow) -> Sighting:
    content = parse_content(row["content"])
    definition = CouponDefinition(
        id=row["definition_id"],
        code=row["definition_code"],
        version=row["version"],
        version_id=row["content_id"],
        content=content,
        uses_max=row["uses_max"],
        uses_held=row["definition_held"],
        uses_spent=row["definition_spent"],
        created_at=row["definition_created_at"],
        archived_at=row["archived_at"],
    )
    return Sighting(
        coupon=_coupon_of(row),
        definition=definition,
        taken=row["definition_held"] + row["definition_spent"],
        taken_by_member=row["taken_by_member"],
        is_held_here=row["is_held_here"],
    )


def ending_of(rows: Iterable[DictRow]) -> tuple[EndingCoupon, ...]:
    return tuple(
        EndingCoupon(row["id"], row["member_id"], parse_content(row["content"]), row["expires_at"]) for row in rows
    )


def uses_of(rows: Iterable[DictRow]) -> tuple[CouponUse, ...]:
    return tuple(
        CouponUse(
            id=row["id"],
            coupon_id=row["coupon_id"],
            definition_id=row["definition_id"],
            member_id=row["member_id"],
            owner=Reference(row["owner_kind"], row["owner_id"]),
            status=UseStatus(row["status"]),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            held_until=row["held_until"],
            begun_at=row["begun_at"],
            ended_at=row["ended_at"],
        )
        for row in rows
    )


def _coupon_of(row: DictRow) -> Coupon:
    return Coupon(
        id=row["id"],
        definition_id=row["definition_id"],
        version_id=row["version_id"],
        code=row["code"],
        is_shared=row["is_shared"],
        member_id=row["member_id"],
        batch_id=row["batch_id"],
        origin=Reference(row["origin_kind"], row["origin_id"]) if row["origin_kind"] else None,
        is_pending=row["is_pending"],
        uses_held=row["uses_held"],
        uses_spent=row["uses_spent"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        voided_at=row["voided_at"],
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
