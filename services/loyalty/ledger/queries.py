"""What holders have and what happened to it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger import repository, verification
from services.loyalty.ledger.domain import Entry, Lot, LotMovement, Posting
from services.loyalty.ledger.domain.holdings import Balance, EntryLine, LedgerVerdict
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, Statement


@dataclass(frozen=True, slots=True)
class Posted:
    """That an entry was posted, and whose it is."""

    entry_id: UUID
    holder_id: UUID
    seq: int


def balances_statements(session: ReadSession, *, holder_ids: Collection[UUID]) -> list[Statement]:
    """The two statements whose rows `balances_of` reads."""
    values = {"ids": list(holder_ids), "now": session.now}
    return [Statement(repository.BALANCES, values), Statement(repository.DUE_LOTS, values)]


def balances_of(
    session: ReadSession, *, balances: Iterable[DictRow], due_lots: Iterable[DictRow]
) -> dict[UUID, tuple[Balance, ...]]:
    """Balances by holder as they are at ``session.now``, whether or not due lots have been settled."""
    due: dict[UUID, list[Lot]] = {}
    for row in due_lots:
        due.setdefault(row["holder_id"], []).append(repository.lot_of(row))
    found: dict[UUID, tuple[Balance, ...]] = {}
    for row in balances:
        balance = repository.balance_of(row)
        if balance.holder_id in due:
            balance = balance.settled(due[balance.holder_id], session.now)
        found[balance.holder_id] = (*found.get(balance.holder_id, ()), balance)
    return found


def balances(session: ReadSession, *, holder_ids: Collection[UUID]) -> dict[UUID, tuple[Balance, ...]]:
    """Balances by holder, one for each unit that it ever had, in the order of units."""
    rows, due = session.fetch_pipeline(balances_statements(session, holder_ids=holder_ids))
    return balances_of(session, balances=rows, due_lots=due)


def entries_page(
    session: ReadSession, *, holder_id: UUID, limit: int, after_seq: int | None = None
) -> tuple[Entry, ...]:
    """A holder's entries, newest first, from before the one numbered ``after_seq``."""
    values = {"holder_id": holder_id, "after": after_seq, "limit": limit}
    return _whole(session, session.fetch_all(repository.ENTRIES_PAGE, values))


def balances_question(
    session: ReadSession, *, holder_ids: Collection[UUID]
) -> Question[dict[UUID, tuple[Balance, ...]]]:
    """Asks for `balances`."""
    return Question(
        balances_statements(session, holder_ids=holder_ids),
        lambda rows: balances_of(session, balances=rows[0], due_lots=rows[1]),
    )


def latest_lines_question(*, holder_ids: Collection[UUID], limit: int) -> Question[dict[UUID, tuple[EntryLine, ...]]]:
    """Asks for the last entries of each holder, newest first."""

    def answer(rows: Sequence[list[DictRow]]) -> dict[UUID, tuple[EntryLine, ...]]:
        found: dict[UUID, list[EntryLine]] = {}
        for row in rows[0]:
            found.setdefault(row["holder_id"], []).append(repository.line_of(row))
        return {holder_id: tuple(lines) for holder_id, lines in found.items()}

    return Question([Statement(repository.LATEST_LINES, {"ids": list(holder_ids), "limit": limit})], answer)


def lines_before(session: ReadSession, *, holder_id: UUID, limit: int, before_seq: int) -> tuple[EntryLine, ...]:
    """A holder's entries, newest first, from before the one numbered ``before_seq``."""
    values = {"holder_id": holder_id, "after": before_seq, "limit": limit}
    return tuple(repository.line_of(row) for row in session.fetch_all(repository.LINES_BEFORE, values))


def postings_question(*, entry_ids: Collection[UUID]) -> Question[dict[UUID, tuple[Posting, ...]]]:
    """Asks for the postings of entries, in their order."""

    def answer(rows: Sequence[list[DictRow]]) -> dict[UUID, tuple[Posting, ...]]:
        found: dict[UUID, list[Posting]] = {}
        for row in rows[0]:
            found.setdefault(row["entry_id"], []).append(repository.posting_of(row))
        return {entry_id: tuple(postings) for entry_id, postings in found.items()}

    return Question([Statement(repository.POSTINGS, {"ids": list(entry_ids)})], answer)


def entries_by_ids(session: ReadSession, *, entry_ids: Collection[UUID]) -> dict[UUID, Entry]:
    """Entries by id; those that exist."""
    rows = session.fetch_all(repository.ENTRIES_BY_ID, {"ids": list(entry_ids)})
    return {entry.header.id: entry for entry in _whole(session, rows)}


def entries_about(session: ReadSession, *, kind: str, ids: Collection[UUID]) -> tuple[Entry, ...]:
    """The entries about things of a kind (``refund``, …) with these ids, in the order of each holder's chain."""
    return _whole(session, session.fetch_all(repository.ENTRIES_BY_REFERENCE, {"kind": kind, "ids": list(ids)}))


def posted_since(session: ReadSession, *, since: UUID, limit: int) -> tuple[Posted, ...]:
    """The tenant's entries with a greater id, by id. An id is older than its commit: look back some time further."""
    rows = session.fetch_all(repository.POSTED_SINCE, {"since": since, "limit": limit})
    return tuple(Posted(row["id"], row["holder_id"], row["seq"]) for row in rows)


def posted_to_holder(session: ReadSession, *, holder_id: UUID, after_seq: int, limit: int) -> tuple[Posted, ...]:
    """A holder's entries after one of its chain, in the order of the chain."""
    values = {"holder_id": holder_id, "after": after_seq, "limit": limit}
    rows = session.fetch_all(repository.POSTED_TO_HOLDER, values)
    return tuple(Posted(row["id"], row["holder_id"], row["seq"]) for row in rows)


def lots(session: ReadSession, *, holder_id: UUID, limit: int, after_id: UUID | None = None) -> tuple[Lot, ...]:
    """A holder's lots, oldest first, spent ones too."""
    values = {"holder_id": holder_id, "after": after_id, "limit": limit}
    return tuple(repository.lot_of(row) for row in session.fetch_all(repository.LOTS_PAGE, values))


def lots_by_ids(session: ReadSession, *, lot_ids: Collection[UUID]) -> dict[UUID, Lot]:
    """Lots by id; those that exist."""
    rows = session.fetch_all(repository.LOTS_BY_ID, {"ids": list(lot_ids)})
    return {row["id"]: repository.lot_of(row) for row in rows}


def expired_statement(*, origin_entry_id: UUID | None) -> Statement:
    """How many points of the lots that an entry bore have expired, as ``expired`` of the one row."""
    return Statement(repository.EXPIRED_OF_ORIGIN, {"entry_id": origin_entry_id})


def verify(session: ReadSession, *, progress: Callable[[int, int], None]) -> LedgerVerdict:
    """Recount everything: sums, counters, lots, movements and hash chains. Memory stays bounded.

    ``progress`` is told how many entries are done, of how many in all.
    """
    return verification.verify(session, progress=progress)


def totals(session: ReadSession) -> dict[str, dict[str, int]]:
    """What all holders together have and what happened to it, by unit: the columns of a balance, summed."""
    return {
        row["unit"]: {name: int(value) for name, value in row.items() if name != "unit"}
        for row in session.fetch_all(verification.TOTALS)
    }


def _whole(session: ReadSession, rows: list[DictRow]) -> tuple[Entry, ...]:
    ids = [row["id"] for row in rows]
    posting_rows, movement_rows = session.fetch_pipeline(
        [Statement(repository.POSTINGS, {"ids": ids}), Statement(repository.MOVEMENTS, {"ids": ids})]
    )
    postings: dict[UUID, list[Posting]] = {}
    for row in posting_rows:
        postings.setdefault(row["entry_id"], []).append(repository.posting_of(row))
    movements: dict[UUID, list[LotMovement]] = {}
    for row in movement_rows:
        movements.setdefault(row["entry_id"], []).append(repository.movement_of(row))
    return tuple(
        repository.entry_of(row, postings=postings.get(row["id"], ()), movements=movements.get(row["id"], ()))
        for row in rows
    )
