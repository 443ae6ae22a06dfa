"""The SQL of the ledger. Every row that is written belongs to a holder whose row is locked."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

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
    balance_changes,
    counter_changes,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.holdings import Balance, EntryLine
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import Statement, UnitOfWork

# Balances, lots and entries of a holder are written by whoever holds this lock. In id order no two callers can wait
# for each other. NO KEY UPDATE lets the foreign keys of new entries pass.
LOCK = """
SELECT id, entry_seq, last_hash FROM ledger_holders WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"""
INSERT_HOLDER = """
INSERT INTO ledger_holders (id, entry_seq, last_hash, created_at) VALUES (%(id)s, %(seq)s, %(hash)s, %(now)s)"""
MOVE_HEADS = """
UPDATE ledger_holders SET entry_seq = rows.seq, last_hash = rows.hash
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, before bigint, seq bigint, hash bytea)
WHERE ledger_holders.id = rows.id AND entry_seq = rows.before"""
INSERT_ENTRIES = """
INSERT INTO ledger_entries (id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id,
    reference_kind, reference_id, reason, occurred_at, recorded_at, previous_hash, hash)
SELECT id, holder_id, seq, kind, store_id, program_version_id, actor_kind, actor_id, reference_kind, reference_id,
    reason, occurred_at, recorded_at, previous_hash, hash
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, holder_id uuid, seq bigint, kind text, store_id uuid,
    program_version_id uuid, actor_kind text, actor_id uuid, reference_kind text, reference_id uuid, reason text,
    occurred_at timestamptz, recorded_at timestamptz, previous_hash bytea, hash bytea)"""
INSERT_POSTINGS = """
INSERT INTO ledger_postings (entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id,
    credit_purpose, amount)
SELECT entry_id, position, unit, debit_holder_id, debit_purpose, credit_holder_id, credit_purpose, amount
FROM jsonb_to_recordset(%(rows)s) AS rows (entry_id uuid, position bigint, unit text, debit_holder_id uuid,
    debit_purpose text, credit_holder_id uuid, credit_purpose text, amount bigint)"""
INSERT_MOVEMENTS = """
INSERT INTO ledger_lot_movements (entry_id, position, lot_id, purpose, delta)
SELECT entry_id, position, lot_id, purpose, delta
FROM jsonb_to_recordset(%(rows)s) AS rows (entry_id uuid, position bigint, lot_id uuid, purpose text, delta bigint)"""
INSERT_LOTS = """
INSERT INTO ledger_lots (id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id,
    origin_kind, origin_id, rule_id, funder_store_id, created_at)
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id, origin_kind,
    origin_id, rule_id, funder_store_id, created_at
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, holder_id uuid, unit text, amount bigint, remaining bigint,
    state text, activates_at timestamptz, expires_at timestamptz, origin_entry_id uuid, origin_kind text,
    origin_id uuid, rule_id text, funder_store_id uuid, created_at timestamptz)"""
UPDATE_LOTS = """
UPDATE ledger_lots SET remaining = rows.remaining, state = rows.state
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, remaining bigint, state text) WHERE ledger_lots.id = rows.id"""
BALANCE_COLUMNS = """
holder_id, unit, pending_in, pending_out, available_in, available_out, held_in, held_out, owed_in, owed_out, earned,
spent, expired, reversed, adjusted"""
CHANGES = """
jsonb_to_recordset(%(rows)s) AS rows (holder_id uuid, unit text, pending_in bigint, pending_out bigint,
    available_in bigint, available_out bigint, held_in bigint, held_out bigint, owed_in bigint, owed_out bigint,
    earned bigint, spent bigint, expired bigint, reversed bigint, adjusted bigint)"""
INSERT_BALANCES = f"INSERT INTO ledger_balances ({BALANCE_COLUMNS}) SELECT {BALANCE_COLUMNS} FROM {CHANGES}"
# Not an upsert: the checks of an INSERT look at its own values, and a debit alone is below zero.
UPDATE_BALANCES = f"""
UPDATE ledger_balances AS held SET
    pending_in = held.pending_in + rows.pending_in, pending_out = held.pending_out + rows.pending_out,
    available_in = held.available_in + rows.available_in, available_out = held.available_out + rows.available_out,
    held_in = held.held_in + rows.held_in, held_out = held.held_out + rows.held_out,
    owed_in = held.owed_in + rows.owed_in, owed_out = held.owed_out + rows.owed_out,
    earned = held.earned + rows.earned, spent = held.spent + rows.spent, expired = held.expired + rows.expired,
    reversed = held.reversed + rows.reversed, adjusted = held.adjusted + rows.adjusted
FROM {CHANGES} WHERE held.holder_id = rows.holder_id AND held.unit = rows.unit"""

BALANCES = """
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed, earned, spent, expired, reversed, adjusted
FROM ledger_balances WHERE holder_id = ANY(%(ids)s) ORDER BY holder_id, unit"""
LOT_COLUMNS = """
id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_kind, origin_id, rule_id,
funder_store_id"""
OPEN_LOTS = f"SELECT {LOT_COLUMNS} FROM ledger_lots WHERE holder_id = ANY(%(ids)s) AND remaining > 0"
DUE_LOTS = f"""{OPEN_LOTS}
AND (expires_at IS NOT NULL OR state = 'pending')
AND ((state = 'pending' AND activates_at <= %(now)s) OR expires_at <= %(now)s)"""
LOTS_BY_ID = f"SELECT {LOT_COLUMNS} FROM ledger_lots WHERE id = ANY(%(ids)s)"
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
EXPIRED_OF_ORIGIN = """
SELECT coalesce(-sum(delta), 0)::bigint AS expired
FROM ledger_lots JOIN ledger_lot_movements ON lot_id = ledger_lots.id
    JOIN ledger_entries ON ledger_entries.id = entry_id
WHERE origin_entry_id = %(entry_id)s AND kind = 'expiry'"""

_COUNTERS = ("earned", "spent", "expired", "reversed", "adjusted")


def lock_holders(uow: UnitOfWork, holder_ids: Collection[UUID]) -> dict[UUID, ChainHead]:
    """Lock holders, in the order of their ids, until the end of the unit of work; those that exist."""
    return heads_of(uow.fetch_all(LOCK, {"ids": list(holder_ids)}))


def heads_of(rows: Iterable[DictRow]) -> dict[UUID, ChainHead]:
    return {row["id"]: ChainHead(row["entry_seq"], row["last_hash"]) for row in rows}


def book_statements(books: Iterable[HolderBook]) -> list[Statement]:
    """What writes the entries of books, one statement a table, in an order that foreign keys allow.

    Nothing when there are no entries.
    """
    books = [book for book in books if book.entries]
    entries = [entry for book in books for entry in book.entries]
    balances = [(row, row["unit"] in book.known_units) for book in books for row in _balance_rows(book)]
    tables = (
        (INSERT_ENTRIES, [_entry_values(entry) for entry in entries]),
        (INSERT_POSTINGS, _posting_rows(entries)),
        (INSERT_LOTS, [_lot_values(book.lots[id_], header) for book in books for id_, header in book.born.items()]),
        (UPDATE_LOTS, [_lot_state(book.lots[id_]) for book in books for id_ in sorted(book.changed)]),
        (INSERT_MOVEMENTS, _movement_rows(entries)),
        (UPDATE_BALANCES, [row for row, is_known in balances if is_known]),
        (INSERT_BALANCES, [row for row, is_known in balances if not is_known]),
        (MOVE_HEADS, [_head_values(book) for book in books]),
    )
    return [Statement(query, {"rows": Jsonb(rows)}) for query, rows in tables if rows]


def _head_values(book: HolderBook) -> dict[str, Any]:
    return {
        "id": book.holder_id,
        "before": book.entries[0].seq - 1,
        "seq": book.head.seq,
        "hash": _bytea(book.head.hash),
    }


def _lot_state(lot: Lot) -> dict[str, Any]:
    return {"id": lot.id, "remaining": lot.remaining, "state": lot.state.value}


def _balance_rows(book: HolderBook) -> list[dict[str, Any]]:
    changes: dict[str, dict[str, int]] = {}
    for entry in book.entries:
        for moved in balance_changes(entry):
            change = changes.setdefault(moved.unit, _no_change())
            change[f"{moved.purpose.value}_in"] += moved.moved_in
            change[f"{moved.purpose.value}_out"] += moved.moved_out
        for counted in counter_changes(entry):
            change = changes.setdefault(counted.unit, _no_change())
            for counter in _COUNTERS:
                change[counter] += getattr(counted, counter)
    return [{"holder_id": book.holder_id, "unit": unit, **changes[unit]} for unit in sorted(changes)]


def _bytea(value: bytes) -> str:
    """Bytes as JSON can carry them to a ``bytea``."""
    return f"\\x{value.hex()}"


def _no_change() -> dict[str, int]:
    sides = [f"{purpose}_{side}" for purpose in ("pending", "available", "held", "owed") for side in ("in", "out")]
    return dict.fromkeys((*sides, *_COUNTERS), 0)


def _entry_values(entry: Entry) -> dict[str, Any]:
    header = entry.header
    return {
        "id": header.id,
        "holder_id": header.holder_id,
        "seq": entry.seq,
        "kind": entry.kind.value,
        "store_id": header.store_id,
        "program_version_id": header.program_version_id,
        "actor_kind": header.actor.kind.value,
        "actor_id": header.actor.id,
        "reference_kind": header.reference.kind if header.reference else None,
        "reference_id": header.reference.id if header.reference else None,
        "reason": header.reason,
        "occurred_at": header.occurred_at,
        "recorded_at": header.recorded_at,
        "previous_hash": _bytea(entry.prev_hash),
        "hash": _bytea(entry.hash),
    }


def _posting_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "entry_id": entry.header.id,
            "position": posting.position,
            "unit": posting.unit,
            "debit_holder_id": posting.debit.holder_id,
            "debit_purpose": posting.debit.purpose.value,
            "credit_holder_id": posting.credit.holder_id,
            "credit_purpose": posting.credit.purpose.value,
            "amount": posting.amount,
        }
        for entry in entries
        for posting in entry.postings
    ]


def _movement_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "entry_id": entry.header.id,
            "position": movement.position,
            "lot_id": movement.lot_id,
            "purpose": movement.purpose.value,
            "delta": movement.delta,
        }
        for entry in entries
        for movement in entry.lot_movements
    ]


def _lot_values(lot: Lot, header: EntryHeader) -> dict[str, Any]:
    return {
        "id": lot.id,
        "holder_id": lot.holder_id,
        "unit": lot.unit,
        "amount": lot.amount,
        "remaining": lot.remaining,
        "state": lot.state.value,
        "activates_at": lot.activates_at,
        "expires_at": lot.expires_at,
        "origin_entry_id": header.id,
        "origin_kind": lot.origin.kind,
        "origin_id": lot.origin.id,
        "rule_id": lot.origin.rule_id,
        "funder_store_id": lot.origin.funder_store_id,
        "created_at": header.recorded_at,
    }


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
    )


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
