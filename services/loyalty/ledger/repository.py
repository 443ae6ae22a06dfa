"""The SQL of the ledger. Every row that is written belongs to a holder whose row is locked."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger.domain import (
    AccountRef,
    ChainHead,
    Entry,
    EntryHeader,
    EntryKind,
    Lot,
    LotMovement,
    LotOrigin,
    LotState,
    Posting,
    Purpose,
    Reference,
)
from services.loyalty.ledger.domain.activity import ActivityMark
from services.loyalty.ledger.domain.clocks import clock_of
from services.loyalty.ledger.domain.holdings import Balance, EntryLine
from services.loyalty.ledger.domain.reserving import HeldPart
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import UnitOfWork

# Balances, lots and entries of a holder are written by whoever holds this lock. In id order no two callers can wait
# for each other. NO KEY UPDATE lets the foreign keys of new entries pass.
LOCK = """
SELECT id, entry_seq, last_hash FROM ledger_holders WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"""
# For what can be done later: those whom somebody else has locked are left out.
LOCK_FREE = f"{LOCK} SKIP LOCKED"
INSERT_HOLDER = """
INSERT INTO ledger_holders (id, entry_seq, last_hash, created_at) VALUES (%(id)s, %(seq)s, %(hash)s, %(now)s)"""
MARKS = """
SELECT id, holder_id, activity, occurred_at, source_kind, source_id, coalesce(recorded_at, occurred_at) AS recorded_at
FROM ledger_activities
WHERE holder_id = ANY(%(ids)s) ORDER BY holder_id, id"""
BALANCES = """
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted, transferred
FROM ledger_balances WHERE holder_id = ANY(%(ids)s) ORDER BY holder_id, unit"""
UNITS_IN_USE = """
SELECT asked.unit FROM unnest(%(units)s::text[]) AS asked (unit)
WHERE EXISTS (SELECT FROM ledger_balances AS held WHERE held.unit = asked.unit)"""
LOT_COLUMNS = """
id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
funder_store_id, held, loses_at, awaits_action, clock, wanted, deferred_from"""
# A lot tells which holds reserve a part of it, so that what is due of a holder is known by one statement.
PARTS = """
CASE WHEN held > 0 THEN (
    SELECT jsonb_agg(jsonb_build_array(hold_id, position, lot_id, ledger_held_parts.amount,
        ledger_held_parts.expires_at))
    FROM ledger_held_parts WHERE lot_id = ledger_lots.id) END AS parts"""
OPEN_LOTS = f"""
SELECT {LOT_COLUMNS}, {PARTS} FROM ledger_lots WHERE holder_id = ANY(%(ids)s) AND (remaining > 0 OR held > 0)"""
TIMED = "(expires_at IS NOT NULL OR state = 'pending' OR clock IS NOT NULL OR held > 0)"
DUE_LOTS = f"""{OPEN_LOTS}
AND {TIMED}
AND ((state = 'pending' AND activates_at <= %(now)s) OR expires_at <= %(now)s OR held > 0)"""
TIMED_LOTS = f"""{OPEN_LOTS}
AND {TIMED}
AND ((state = 'pending' AND activates_at <= %(now)s) OR expires_at <= %(now)s OR held > 0 OR clock IS NOT NULL)"""
# The night work: by time, of whatever holders, from the heads of indexes that hold nothing but what time will move. A
# page of each, so that neither the number of lots nor that of holders is without bound.
NEXT_GAIN = """
SELECT least(
    (SELECT activates_at FROM ledger_lots WHERE remaining > 0 AND state = 'pending' ORDER BY activates_at LIMIT 1),
    (SELECT expires_at FROM ledger_held_parts ORDER BY expires_at LIMIT 1)) AS due_at"""
NEXT_LOSS = """
SELECT least(
    (SELECT expires_at FROM ledger_lots WHERE remaining > 0 AND expires_at IS NOT NULL ORDER BY expires_at LIMIT 1),
    (SELECT loses_at FROM ledger_lots WHERE remaining > 0 AND loses_at IS NOT NULL ORDER BY loses_at LIMIT 1)
) AS due_at"""
NEXT_UNNOTICED = """
SELECT expires_at AS due_at FROM ledger_lots
WHERE remaining > 0 AND expires_at IS NOT NULL AND NOT noticed ORDER BY expires_at LIMIT 1"""
GAINING = """
SELECT holder_id, count(*) AS due FROM (
    (SELECT holder_id FROM ledger_lots
    WHERE remaining > 0 AND state = 'pending' AND activates_at <= %(now)s ORDER BY activates_at, id LIMIT %(limit)s)
    UNION ALL
    (SELECT holder_id FROM ledger_held_parts
    WHERE expires_at <= %(now)s ORDER BY expires_at, hold_id LIMIT %(limit)s)) AS waiting
GROUP BY holder_id ORDER BY holder_id"""
LOSING = """
SELECT holder_id, count(*) AS due FROM (
    (SELECT holder_id FROM ledger_lots
    WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= %(now)s
    ORDER BY expires_at, id LIMIT %(limit)s)
    UNION ALL
    (SELECT holder_id FROM ledger_lots
    WHERE remaining > 0 AND loses_at IS NOT NULL AND loses_at <= %(now)s
    ORDER BY loses_at, id LIMIT %(limit)s)) AS waiting
GROUP BY holder_id ORDER BY holder_id"""
UNNOTICED = """
SELECT DISTINCT holder_id FROM (
    SELECT holder_id FROM ledger_lots
    WHERE remaining > 0 AND expires_at IS NOT NULL AND NOT noticed AND expires_at <= %(until)s
    ORDER BY expires_at, id LIMIT %(limit)s) AS due
ORDER BY holder_id"""
ENDING_LOTS = """
SELECT id, holder_id, unit, remaining + held AS points, expires_at, noticed FROM ledger_lots
WHERE holder_id = ANY(%(ids)s) AND remaining > 0 AND expires_at <= %(until)s ORDER BY holder_id, expires_at, id"""
MARK_NOTICED = "UPDATE ledger_lots SET noticed = true WHERE id = ANY(%(ids)s)"
AWAITING = """
SELECT ledger_lots.id, ledger_lots.holder_id, program_version_id
FROM ledger_lots JOIN ledger_entries ON ledger_entries.id = origin_entry_id
WHERE origin_id = %(origin_id)s AND awaits_action IS NOT NULL AND remaining > 0
ORDER BY ledger_lots.holder_id, ledger_lots.id"""
LOTS_BY_ID = f"SELECT {LOT_COLUMNS} FROM ledger_lots WHERE id = ANY(%(ids)s)"
LOTS_OF_ENTRY = f"""
SELECT {LOT_COLUMNS} FROM ledger_lots
WHERE id IN (SELECT lot_id FROM ledger_lot_movements WHERE entry_id = %(entry_id)s)"""
LOTS_PAGE = f"""
SELECT {LOT_COLUMNS} FROM ledger_lots
WHERE holder_id = %(holder_id)s AND (%(after)s::uuid IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s"""
ENTRY_COLUMNS = """
id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id, reference_kind, reference_id, reason,
occurred_at, recorded_at, previous_hash, hash"""
ENTRIES_PAGE = f"""
SELECT {ENTRY_COLUMNS} FROM ledger_entries
WHERE holder_id = %(holder_id)s AND (%(after)s::bigint IS NULL OR seq < %(after)s) ORDER BY seq DESC LIMIT %(limit)s"""
ENTRIES_BY_ID = f"SELECT {ENTRY_COLUMNS} FROM ledger_entries WHERE id = ANY(%(ids)s)"
# What lists show of an entry, with what its holder's accounts gained in place of its postings.
LINE_COLUMNS = """
ledger_entries.id, holder_id, seq, kind, store_id, reason, actor_kind, occurred_at, recorded_at, previous_hash, hash,
(SELECT sum(CASE WHEN credit_holder_id IS NULL THEN 0 ELSE amount END)::bigint
    - sum(CASE WHEN debit_holder_id IS NULL THEN 0 ELSE amount END)::bigint
FROM ledger_postings WHERE entry_id = ledger_entries.id) AS gained"""
LINES_BEFORE = f"""
SELECT {LINE_COLUMNS} FROM ledger_entries
WHERE holder_id = %(holder_id)s AND seq < %(after)s ORDER BY seq DESC LIMIT %(limit)s"""
# A chain has no gaps, so that its head tells where its last entries begin.
LATEST_LINES = f"""
SELECT {LINE_COLUMNS}
FROM ledger_holders JOIN ledger_entries ON holder_id = ledger_holders.id AND seq > entry_seq - %(limit)s
WHERE ledger_holders.id = ANY(%(ids)s) ORDER BY holder_id, seq DESC"""
# For live followers: by id, which is by time of making, or by a holder's chain. Only keys are read.
POSTED_SINCE = """
SELECT id, holder_id, seq FROM ledger_entries WHERE id > %(since)s ORDER BY id LIMIT %(limit)s"""
POSTED_TO_HOLDER = """
SELECT id, holder_id, seq FROM ledger_entries
WHERE holder_id = %(holder_id)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s"""
ENTRIES_BY_REFERENCE = f"""
SELECT {ENTRY_COLUMNS} FROM ledger_entries
WHERE reference_kind = %(kind)s AND reference_id = ANY(%(ids)s) ORDER BY holder_id, seq"""
POSTINGS = """
SELECT entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id, credit_purpose, amount
FROM ledger_postings WHERE entry_id = ANY(%(ids)s) ORDER BY entry_id, position"""
MOVEMENTS = """
SELECT entry_id, position, lot_id, purpose, delta
FROM ledger_lot_movements WHERE entry_id = ANY(%(ids)s) ORDER BY entry_id, position"""
# What was born by entries about one event: an amended purchase has several.
BORN_OF = """
SELECT ledger_lots.id, unit FROM ledger_entries JOIN ledger_lots ON origin_entry_id = ledger_entries.id
WHERE reference_kind = %(kind)s AND reference_id = %(id)s"""
# What ended, and what was taken back by itself when a hold released it, less what of this was given back. That is told
# apart, and so are points that awaited an action which did not come: nobody ever had them.
LAPSED_OF = f"""
SELECT unit, (-sum(delta))::bigint AS points,
    (-sum(CASE WHEN kind = 'cancellation' THEN delta ELSE 0 END))::bigint AS canceled,
    (-sum(CASE WHEN kind IN ('clawback', 'restoration') THEN delta ELSE 0 END))::bigint AS released
FROM ({BORN_OF}) AS born JOIN ledger_lot_movements ON lot_id = born.id
    JOIN ledger_entries ON ledger_entries.id = entry_id
WHERE kind IN ('expiry', 'cancellation') OR (kind IN ('clawback', 'restoration') AND reference_kind = 'purchase')
GROUP BY unit"""
# What is gone of what things gave: taken back, be it of other points, or ended.
GONE_OF = """
SELECT unit, sum(points)::bigint AS points FROM (
    SELECT unit, amount AS points FROM ledger_entries JOIN ledger_postings ON entry_id = ledger_entries.id
    WHERE reference_kind = %(kind)s AND reference_id = ANY(%(ids)s) AND kind = 'clawback'
    UNION ALL
    SELECT unit, -delta
    FROM (
        SELECT ledger_lots.id, unit FROM ledger_entries JOIN ledger_lots ON origin_entry_id = ledger_entries.id
        WHERE reference_kind = %(kind)s AND reference_id = ANY(%(ids)s)
    ) AS born JOIN ledger_lot_movements ON lot_id = born.id JOIN ledger_entries ON ledger_entries.id = entry_id
    WHERE kind IN ('expiry', 'cancellation')
) AS gone GROUP BY unit"""
# A hold draws when it is made and gives back when it is released; what it captures has left already.
DRAWN_OF = f"""
SELECT reference_kind, reference_id, unit, (-sum(delta))::bigint AS points
FROM ({BORN_OF}) AS born JOIN ledger_lot_movements ON lot_id = born.id
    JOIN ledger_entries ON ledger_entries.id = entry_id
WHERE purpose = 'available' AND reference_id <> %(id)s AND reference_kind <> 'refund'
GROUP BY reference_kind, reference_id, unit HAVING sum(delta) < 0
ORDER BY min(seq)"""
EXPIRED_OF_ORIGIN = """
SELECT coalesce(-sum(delta), 0)::bigint AS expired
FROM ledger_lots JOIN ledger_lot_movements ON lot_id = ledger_lots.id
    JOIN ledger_entries ON ledger_entries.id = entry_id
WHERE origin_entry_id = %(entry_id)s AND kind = 'expiry'"""


def lock_holders(uow: UnitOfWork, holder_ids: Collection[UUID]) -> dict[UUID, ChainHead]:
    """Lock holders, in the order of their ids, until the end of the unit of work; those that exist."""
    return heads_of(uow.fetch_all(LOCK, {"ids": list(holder_ids)}))


def heads_of(rows: Iterable[DictRow]) -> dict[UUID, ChainHead]:
    return {row["id"]: ChainHead(row["entry_seq"], row["last_hash"]) for row in rows}


def lot_of(row: DictRow) -> Lot:
    return Lot(
        id=row["id"],
        holder_id=row["holder_id"],
        unit=row["unit"],
        amount=row["amount"],
        remaining=row["remaining"],
        activates_at=row["activates_at"],
        expires_at=row["expires_at"],
        state=LotState(row["state"]),
        origin=LotOrigin(row["origin_kind"], row["origin_id"], row["rule_id"], row["funder_store_id"]),
        held=row["held"],
        loses_at=row["loses_at"],
        awaits_action=row["awaits_action"],
        clock=None if row["clock"] is None else clock_of(row["clock"]),
        wanted=row["wanted"],
        deferred_from=row["deferred_from"],
    )


def parts_of(row: DictRow) -> list[HeldPart]:
    """What holds reserve of the lot in a row of open lots."""
    return [
        HeldPart(UUID(hold_id), position, UUID(lot_id), amount, datetime.fromisoformat(expires_at))
        for hold_id, position, lot_id, amount, expires_at in row["parts"] or ()
    ]


def parts_by_hold(parts: Iterable[HeldPart]) -> dict[UUID, tuple[HeldPart, ...]]:
    found: dict[UUID, list[HeldPart]] = {}
    for part in sorted(parts, key=lambda part: part.position):
        found.setdefault(part.hold_id, []).append(part)
    return {hold_id: tuple(of_hold) for hold_id, of_hold in found.items()}


def mark_of(row: DictRow) -> ActivityMark:
    source = Reference(row["source_kind"], row["source_id"])
    return ActivityMark(row["id"], row["activity"], row["occurred_at"], source, row["recorded_at"])


def balance_of(row: DictRow) -> Balance:
    return Balance(**row)


def movement_of(row: DictRow) -> LotMovement:
    return LotMovement(row["position"], row["lot_id"], Purpose(row["purpose"]), row["delta"])


def posting_of(row: DictRow) -> Posting:
    unit = row["unit"]
    return Posting(
        position=row["position"],
        unit=unit,
        debit=AccountRef(row["debit_holder_id"], unit, Purpose(row["debit_purpose"])),
        credit=AccountRef(row["credit_holder_id"], unit, Purpose(row["credit_purpose"])),
        amount=row["amount"],
    )


def line_of(row: DictRow) -> EntryLine:
    return EntryLine(
        id=row["id"],
        holder_id=row["holder_id"],
        kind=EntryKind(row["kind"]),
        seq=row["seq"],
        gained=row["gained"],
        store_id=row["store_id"],
        reason=row["reason"],
        actor_kind=ActorKind(row["actor_kind"]),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        prev_hash=row["previous_hash"],
        hash=row["hash"],
    )


def entry_of(row: DictRow, *, postings: Sequence[Posting], movements: Sequence[LotMovement]) -> Entry:
    reference = Reference(row["reference_kind"], row["reference_id"]) if row["reference_kind"] else None
    header = EntryHeader(
        id=row["id"],
        holder_id=row["holder_id"],
        store_id=row["store_id"],
        program_version_id=row["program_version_id"],
        actor=Actor(ActorKind(row["actor_kind"]), row["actor_id"]),
        reference=reference,
        reason=row["reason"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
    )
    return Entry(
        header=header,
        kind=EntryKind(row["kind"]),
        seq=row["seq"],
        postings=tuple(postings),
        lot_movements=tuple(movements),
        prev_hash=row["previous_hash"],
        hash=row["hash"],
    )
