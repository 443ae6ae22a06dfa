"""The recount: set-based SQL for sums, a stream for hash chains."""

import itertools
from collections.abc import Callable, Iterator
from uuid import UUID

from psycopg.rows import DictRow, dict_row

from services.loyalty.ledger import repository
from services.loyalty.ledger.domain import ChainHead, Entry, LotMovement, Posting, Purpose, verify_chain
from services.loyalty.ledger.domain.holdings import LedgerFault, LedgerFaultKind, LedgerVerdict
from services.platform.db.session import ReadSession, Statement

FAULTS_MAX = 1_000
"""Faults of one kind that are listed; a ledger with more needs an eye on its backup, not a longer list."""

BATCH = 1_000
"""Entries that are held in memory at once."""

COUNTS = """
SELECT (SELECT count(*) FROM ledger_entries) AS entries, (SELECT count(*) FROM ledger_holders) AS holders"""
UNITS = "SELECT DISTINCT unit FROM ledger_balances ORDER BY unit"

TOTALS = """
SELECT unit, sum(pending_in - pending_out) AS pending, sum(available_in - available_out) AS available,
    sum(held_in - held_out) AS held, sum(owed_in - owed_out) AS owed, sum(earned) AS earned, sum(spent) AS spent,
    sum(expired) AS expired, sum(reversed) AS reversed, sum(adjusted) AS adjusted, sum(transferred) AS transferred
FROM ledger_balances GROUP BY unit ORDER BY unit"""

# What holders have by their running balances, and what the program gave by its postings, cancel out. What is owed
# stands on the other side.
UNIT_SUMS = """
SELECT unit, sum(holders) AS holders, sum(program) AS program FROM (
    SELECT unit, pending_in - pending_out + available_in - available_out + held_in - held_out - owed_in + owed_out
        AS holders, 0 AS program
    FROM ledger_balances
    UNION ALL
    SELECT unit, 0, CASE WHEN credit_holder_id IS NULL THEN amount ELSE 0 END
        - CASE WHEN debit_holder_id IS NULL THEN amount ELSE 0 END
    FROM ledger_postings
) AS sums GROUP BY unit HAVING sum(holders) + sum(program) <> 0 ORDER BY unit LIMIT %(limit)s"""

BALANCES = """
SELECT holder_id, unit, purpose, sum(posted) AS expected, sum(running) AS actual FROM (
    SELECT credit_holder_id AS holder_id, unit, credit_purpose AS purpose, amount AS posted, 0 AS running
    FROM ledger_postings WHERE credit_holder_id IS NOT NULL
    UNION ALL
    SELECT debit_holder_id, unit, debit_purpose, -amount, 0 FROM ledger_postings WHERE debit_holder_id IS NOT NULL
    UNION ALL
    SELECT holder_id, unit, 'pending', 0, pending_in - pending_out FROM ledger_balances
    UNION ALL
    SELECT holder_id, unit, 'available', 0, available_in - available_out FROM ledger_balances
    UNION ALL
    SELECT holder_id, unit, 'held', 0, held_in - held_out FROM ledger_balances
    UNION ALL
    SELECT holder_id, unit, 'owed', 0, owed_out - owed_in FROM ledger_balances
) AS sides GROUP BY holder_id, unit, purpose HAVING sum(posted) <> sum(running)
ORDER BY holder_id, unit, purpose LIMIT %(limit)s"""

COUNTERS = """
SELECT holder_id, unit, earned - spent - expired - reversed + adjusted + transferred AS expected,
    pending_in - pending_out + available_in - available_out + held_in - held_out - owed_in + owed_out AS actual
FROM ledger_balances
WHERE earned - spent - expired - reversed + adjusted + transferred
    <> pending_in - pending_out + available_in - available_out + held_in - held_out - owed_in + owed_out
ORDER BY holder_id, unit LIMIT %(limit)s"""

LOTS = """
SELECT holder_id, unit, purpose, sum(balance) AS expected, sum(in_lots) AS actual FROM (
    SELECT holder_id, unit, 'pending' AS purpose, pending_in - pending_out AS balance, 0 AS in_lots
    FROM ledger_balances
    UNION ALL
    SELECT holder_id, unit, 'available', available_in - available_out, 0 FROM ledger_balances
    UNION ALL
    SELECT holder_id, unit, 'held', held_in - held_out, 0 FROM ledger_balances
    UNION ALL
    SELECT holder_id, unit, CASE WHEN state = 'pending' THEN 'pending' ELSE 'available' END, 0, remaining
    FROM ledger_lots
    UNION ALL
    SELECT holder_id, unit, 'held', 0, held FROM ledger_lots
) AS sides GROUP BY holder_id, unit, purpose HAVING sum(balance) <> sum(in_lots)
ORDER BY holder_id, unit, purpose LIMIT %(limit)s"""

# Of a lot, the movements in the account where it stands make its remainder, those that held make what is held, and
# those in others cancel out.
MOVEMENTS = """
SELECT id, holder_id, unit, coalesce(sum(delta), 0) AS expected, remaining + held AS actual FROM ledger_lots
LEFT JOIN ledger_lot_movements ON lot_id = id
GROUP BY id
HAVING coalesce(sum(delta), 0) <> remaining + held OR coalesce(sum(delta) FILTER (
    WHERE purpose = CASE WHEN state = 'pending' THEN 'pending' ELSE 'available' END), 0) <> remaining
    OR coalesce(sum(delta) FILTER (WHERE purpose = 'held'), 0) <> held
ORDER BY id LIMIT %(limit)s"""

HOLDS = """
SELECT id, ledger_lots.holder_id, unit, held AS expected, coalesce(sum(ledger_held_parts.amount), 0) AS actual
FROM ledger_lots LEFT JOIN ledger_held_parts ON lot_id = id
GROUP BY id
HAVING coalesce(sum(ledger_held_parts.amount), 0) <> held
ORDER BY id LIMIT %(limit)s"""

CHAINS = """
SELECT ledger_holders.id AS head_id, ledger_holders.entry_seq AS head_seq, ledger_holders.last_hash AS head_hash,
    ledger_entries.*
FROM ledger_holders LEFT JOIN ledger_entries ON ledger_entries.holder_id = ledger_holders.id
ORDER BY ledger_holders.id, ledger_entries.seq"""

MALFORMED = "malformed"


def verify(session: ReadSession, *, progress: Callable[[int, int], None]) -> LedgerVerdict:
    """See `queries.verify`."""
    # A recount of years takes longer than any command may.
    session.connection.execute("SET LOCAL statement_timeout TO 0")
    counts = session.fetch_all(COUNTS)[0]
    units = tuple(row["unit"] for row in session.fetch_all(UNITS))
    faults = [*_sum_faults(session), *itertools.islice(_chain_faults(session, counts["entries"], progress), FAULTS_MAX)]
    return LedgerVerdict(counts["entries"], counts["holders"], units, tuple(faults))


def _sum_faults(session: ReadSession) -> Iterator[LedgerFault]:
    limit = {"limit": FAULTS_MAX}
    for row in session.fetch_all(UNIT_SUMS, limit):
        holders, program = int(row["holders"]), int(row["program"])
        yield LedgerFault(LedgerFaultKind.UNIT_NOT_ZERO, unit=row["unit"], expected=-program, actual=holders)
    for kind, query in (
        (LedgerFaultKind.BALANCE_DIFFERS, BALANCES),
        (LedgerFaultKind.COUNTERS_DIFFER, COUNTERS),
        (LedgerFaultKind.LOTS_DIFFER, LOTS),
        (LedgerFaultKind.MOVEMENTS_DIFFER, MOVEMENTS),
        (LedgerFaultKind.HOLDS_DIFFER, HOLDS),
    ):
        for row in session.fetch_all(query, limit):
            yield LedgerFault(
                kind,
                holder_id=row["holder_id"],
                unit=row["unit"],
                purpose=Purpose(row["purpose"]) if "purpose" in row else None,
                lot_id=row.get("id"),
                expected=int(row["expected"]),
                actual=int(row["actual"]),
            )


def _chain_faults(
    session: ReadSession, entries_in_all: int, progress: Callable[[int, int], None]
) -> Iterator[LedgerFault]:
    rows = _entry_rows(session, entries_in_all, progress)
    for holder_id, group in itertools.groupby(rows, key=lambda pair: pair[0]["head_id"]):
        first, pairs = _peek(group)
        head = ChainHead(first["head_seq"], first["head_hash"])
        malformed: list[LedgerFault] = []
        entries = _entries(pairs, malformed)
        for fault in verify_chain(entries, head=head):
            yield LedgerFault(LedgerFaultKind.CHAIN_BROKEN, holder_id=holder_id, seq=fault.seq, detail=fault.kind.value)
        yield from malformed


_Pair = tuple[DictRow, "_Parts"]
_Parts = tuple[list[Posting] | None, list[LotMovement]]


def _peek(group: Iterator[_Pair]) -> tuple[DictRow, Iterator[_Pair]]:
    first = next(group)
    return first[0], itertools.chain((first,), group)


def _entries(pairs: Iterator[_Pair], malformed: list[LedgerFault]) -> Iterator[Entry]:
    for row, (postings, movements) in pairs:
        if row["id"] is None:
            continue
        if postings is None:
            malformed.append(
                LedgerFault(LedgerFaultKind.CHAIN_BROKEN, holder_id=row["holder_id"], seq=row["seq"], detail=MALFORMED)
            )
            continue
        yield repository.entry_of(row, postings=postings, movements=movements)


def _entry_rows(session: ReadSession, entries_in_all: int, progress: Callable[[int, int], None]) -> Iterator[_Pair]:
    done = 0
    progress(done, entries_in_all)
    with session.connection.cursor(name="ledger_chains", row_factory=dict_row) as cursor:
        cursor.execute(CHAINS)
        while batch := cursor.fetchmany(BATCH):
            parts = _parts(session, [row["id"] for row in batch if row["id"] is not None])
            for row in batch:
                yield row, parts.get(row["id"], ([], []))
            done += sum(row["id"] is not None for row in batch)
            progress(done, entries_in_all)


def _parts(session: ReadSession, ids: list[UUID]) -> dict[UUID, _Parts]:
    posting_rows, movement_rows = session.fetch_pipeline(
        [Statement(repository.POSTINGS, {"ids": ids}), Statement(repository.MOVEMENTS, {"ids": ids})]
    )
    postings: dict[UUID, list[DictRow]] = {}
    for row in posting_rows:
        postings.setdefault(row["entry_id"], []).append(row)
    movements: dict[UUID, list[DictRow]] = {}
    for row in movement_rows:
        movements.setdefault(row["entry_id"], []).append(row)
    return {entry_id: _values(postings.get(entry_id, []), movements.get(entry_id, [])) for entry_id in ids}


def _values(postings: list[DictRow], movements: list[DictRow]) -> _Parts:
    """The parts of an entry; None where a row was changed into what no posting can be."""
    try:
        return [repository.posting_of(row) for row in postings], [repository.movement_of(row) for row in movements]
    except ValueError:
        return None, []
