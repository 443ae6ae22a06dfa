"""What books become in the database: one statement a table, however many entries and holders."""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from services.loyalty.ledger.domain import Entry, EntryHeader, Lot, balance_changes, counter_changes
from services.loyalty.ledger.domain.accounts import HOLDER_PURPOSES, Purpose
from services.loyalty.ledger.domain.activity import ActivityMark
from services.loyalty.ledger.domain.balances import COUNTERS
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import clock_json
from services.platform.db.session import Statement

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
    origin_kind, origin_id, rule_id, funder_store_id, created_at, held, loses_at, awaits_action, clock)
SELECT id, holder_id, unit, amount, remaining, state, activates_at, expires_at, origin_entry_id, origin_kind,
    origin_id, rule_id, funder_store_id, created_at, held, loses_at, awaits_action, clock
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, holder_id uuid, unit text, amount bigint, remaining bigint,
    state text, activates_at timestamptz, expires_at timestamptz, origin_entry_id uuid, origin_kind text,
    origin_id uuid, rule_id text, funder_store_id uuid, created_at timestamptz, held bigint, loses_at timestamptz,
    awaits_action text, clock jsonb)"""
UPDATE_LOTS = """
UPDATE ledger_lots SET remaining = rows.remaining, state = rows.state, held = rows.held,
    activates_at = rows.activates_at, expires_at = rows.expires_at, loses_at = rows.loses_at,
    awaits_action = rows.awaits_action, clock = rows.clock, wanted = rows.wanted,
    deferred_from = rows.deferred_from,
    noticed = noticed AND ledger_lots.expires_at IS NOT DISTINCT FROM rows.expires_at
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, remaining bigint, state text, held bigint,
    activates_at timestamptz, expires_at timestamptz, loses_at timestamptz, awaits_action text, clock jsonb,
    wanted bigint, deferred_from timestamptz)
WHERE ledger_lots.id = rows.id"""
DELETE_PARTS = "DELETE FROM ledger_held_parts WHERE hold_id = ANY(%(ids)s)"
INSERT_PARTS = """
INSERT INTO ledger_held_parts (hold_id, position, lot_id, holder_id, amount, expires_at)
SELECT hold_id, position, lot_id, holder_id, amount, expires_at
FROM jsonb_to_recordset(%(rows)s) AS rows (hold_id uuid, position bigint, lot_id uuid, holder_id uuid, amount bigint,
    expires_at timestamptz)"""
INSERT_MARKS = """
INSERT INTO ledger_activities (id, holder_id, activity, occurred_at, source_kind, source_id, recorded_at)
SELECT id, holder_id, activity, occurred_at, source_kind, source_id, recorded_at
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, holder_id uuid, activity text, occurred_at timestamptz,
    source_kind text, source_id uuid, recorded_at timestamptz)"""
DELETE_MARKS = "DELETE FROM ledger_activities WHERE id = ANY(%(ids)s)"
BALANCE_COLUMNS = """
holder_id, unit, pending_in, pending_out, available_in, available_out, held_in, held_out, owed_in, owed_out, earned,
spent, expired, reversed, adjusted, transferred"""
CHANGES = """
jsonb_to_recordset(%(rows)s) AS rows (holder_id uuid, unit text, pending_in bigint, pending_out bigint,
    available_in bigint, available_out bigint, held_in bigint, held_out bigint, owed_in bigint, owed_out bigint,
    earned bigint, spent bigint, expired bigint, reversed bigint, adjusted bigint, transferred bigint)"""
INSERT_BALANCES = f"INSERT INTO ledger_balances ({BALANCE_COLUMNS}) SELECT {BALANCE_COLUMNS} FROM {CHANGES}"
# Not an upsert: the checks of an INSERT look at its own values, and a debit alone is below zero.
UPDATE_BALANCES = f"""
UPDATE ledger_balances AS held SET
    pending_in = held.pending_in + rows.pending_in, pending_out = held.pending_out + rows.pending_out,
    available_in = held.available_in + rows.available_in, available_out = held.available_out + rows.available_out,
    held_in = held.held_in + rows.held_in, held_out = held.held_out + rows.held_out,
    owed_in = held.owed_in + rows.owed_in, owed_out = held.owed_out + rows.owed_out,
    earned = held.earned + rows.earned, spent = held.spent + rows.spent, expired = held.expired + rows.expired,
    reversed = held.reversed + rows.reversed, adjusted = held.adjusted + rows.adjusted,
    transferred = held.transferred + rows.transferred
FROM {CHANGES} WHERE held.holder_id = rows.holder_id AND held.unit = rows.unit"""

# In the order of accounts, which is that of the columns.
_SIDES = {purpose: (f"{purpose}_in", f"{purpose}_out") for purpose in Purpose if purpose in HOLDER_PURPOSES}


def book_statements(books: Iterable[HolderBook]) -> list[Statement]:
    """What writes the entries of books, one statement a table, in an order that foreign keys allow.

    Nothing when there is no news.
    """
    books = [book for book in books if book.has_news]
    posted = [book for book in books if book.entries]
    entries = [entry for book in posted for entry in book.entries]
    balances = [(row, row["unit"] in book.known_units) for book in posted for row in _balance_rows(book)]
    tables = (
        (INSERT_ENTRIES, [_entry_values(entry) for entry in entries]),
        (INSERT_POSTINGS, _posting_rows(entries)),
        (INSERT_LOTS, [_lot_values(book.lots[id_], header) for book in books for id_, header in book.born.items()]),
        (UPDATE_LOTS, [_lot_state(book.lots[id_]) for book in books for id_ in sorted(book.changed)]),
        (INSERT_MOVEMENTS, _movement_rows(entries)),
        (UPDATE_BALANCES, [row for row, is_known in balances if is_known]),
        (INSERT_BALANCES, [row for row, is_known in balances if not is_known]),
        (INSERT_MARKS, [_mark_row(book, mark) for book in books for mark in book.marks]),
        (MOVE_HEADS, [_head_values(book) for book in posted]),
    )
    gone = [id_ for book in books for id_ in book.marks_gone]
    return [
        *(Statement(query, {"rows": Jsonb(rows)}) for query, rows in tables if rows),
        *([Statement(DELETE_MARKS, {"ids": gone})] if gone else []),
        *_parts_statements(books),
    ]


def _parts_statements(books: Iterable[HolderBook]) -> list[Statement]:
    """The parts of a hold are few and seldom change: they are written anew."""
    changed = [(book, hold_id) for book in books for hold_id in sorted(book.parts_changed)]
    if not changed:
        return []
    rows = [
        {
            "hold_id": part.hold_id,
            "position": part.position,
            "lot_id": part.lot_id,
            "holder_id": book.holder_id,
            "amount": part.amount,
            "expires_at": part.expires_at,
        }
        for book, hold_id in changed
        for part in book.parts[hold_id]
    ]
    return [
        Statement(DELETE_PARTS, {"ids": [hold_id for _, hold_id in changed]}),
        *([Statement(INSERT_PARTS, {"rows": Jsonb(rows)})] if rows else []),
    ]


def _head_values(book: HolderBook) -> dict[str, Any]:
    return {
        "id": book.holder_id,
        "before": book.entries[0].seq - 1,
        "seq": book.head.seq,
        "hash": _bytea(book.head.hash),
    }


def _lot_state(lot: Lot) -> dict[str, Any]:
    return {
        "id": lot.id,
        "remaining": lot.remaining,
        "state": lot.state,
        "wanted": lot.wanted,
        "deferred_from": lot.deferred_from,
        **_times(lot),
    }


def _times(lot: Lot) -> dict[str, Any]:
    return {
        "held": lot.held,
        "activates_at": lot.activates_at,
        "expires_at": lot.expires_at,
        "loses_at": lot.loses_at,
        "awaits_action": lot.awaits_action,
        "clock": None if lot.clock is None else clock_json(lot.clock),
    }


def _balance_rows(book: HolderBook) -> list[dict[str, Any]]:
    changes: dict[str, dict[str, int]] = {}
    for entry in book.entries:
        for moved in balance_changes(entry):
            change = changes.setdefault(moved.unit, _no_change())
            entering, leaving = _SIDES[moved.purpose]
            change[entering] += moved.moved_in
            change[leaving] += moved.moved_out
        for counted in counter_changes(entry):
            change = changes.setdefault(counted.unit, _no_change())
            for counter in COUNTERS:
                change[counter] += getattr(counted, counter)
    return [{"holder_id": book.holder_id, "unit": unit, **changes[unit]} for unit in sorted(changes)]


def _bytea(value: bytes) -> str:
    """Bytes as JSON can carry them to a ``bytea``."""
    return f"\\x{value.hex()}"


def _no_change() -> dict[str, int]:
    return dict.fromkeys((*(side for sides in _SIDES.values() for side in sides), *COUNTERS), 0)


def _entry_values(entry: Entry) -> dict[str, Any]:
    header = entry.header
    return {
        "id": header.id,
        "holder_id": header.holder_id,
        "seq": entry.seq,
        "kind": entry.kind,
        "store_id": header.store_id,
        "program_version_id": header.program_version_id,
        "actor_kind": header.actor.kind,
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
            "debit_purpose": posting.debit.purpose,
            "credit_holder_id": posting.credit.holder_id,
            "credit_purpose": posting.credit.purpose,
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
            "purpose": movement.purpose,
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
        "state": lot.state,
        **_times(lot),
        "origin_entry_id": header.id,
        "origin_kind": lot.origin.kind,
        "origin_id": lot.origin.id,
        "rule_id": lot.origin.rule_id,
        "funder_store_id": lot.origin.funder_store_id,
        "created_at": header.recorded_at,
    }


def _mark_row(book: HolderBook, mark: ActivityMark) -> dict[str, Any]:
    return {
        "id": mark.id,
        "holder_id": book.holder_id,
        "activity": mark.activity,
        "occurred_at": mark.at,
        "source_kind": mark.source.kind,
        "source_id": mark.source.id,
        "recorded_at": mark.recorded_at,
    }
