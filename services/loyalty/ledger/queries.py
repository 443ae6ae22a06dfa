"""What holders have and what happened to it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger import accounting, repository, verification
from services.loyalty.ledger.domain import Entry, Lot, LotMovement, Posting
from services.loyalty.ledger.domain.clocks import DISTANT
from services.loyalty.ledger.domain.holdings import AwaitingLot, Balance, EndingLot, EntryLine, LedgerVerdict
from services.loyalty.ledger.domain.reserving import HeldPart
from services.loyalty.ledger.domain.settling import settled_balances
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession, Statement

ENDING_COLUMNS = ("id", "holder_id", "unit", "points", "expires_at", "noticed")


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
    lots: dict[UUID, list[Lot]] = {}
    parts: dict[UUID, list[HeldPart]] = {}
    for row in due_lots:
        lots.setdefault(row["holder_id"], []).append(repository.lot_of(row))
        parts.setdefault(row["holder_id"], []).extend(repository.parts_of(row))
    found: dict[UUID, tuple[Balance, ...]] = {}
    for row in balances:
        balance = repository.balance_of(row)
        found[balance.holder_id] = (*found.get(balance.holder_id, ()), balance)
    for holder_id in lots.keys() & found.keys():
        held = repository.parts_by_hold(parts[holder_id])
        settled = settled_balances(found[holder_id], lots=lots[holder_id], parts=held, now=session.now)
        found[holder_id] = tuple(settled[balance.unit] for balance in found[holder_id])
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


def drawn_statements(*, entry_id: UUID) -> list[Statement]:
    """The two statements whose rows `drawn_of` reads."""
    return [
        Statement(repository.MOVEMENTS, {"ids": [entry_id]}),
        Statement(repository.LOTS_OF_ENTRY, {"entry_id": entry_id}),
    ]


def drawn_of(rows: Sequence[list[DictRow]]) -> tuple[tuple[LotMovement, ...], dict[UUID, Lot]]:
    """What an entry drew, in the order of drawing, and the lots that it moved, as they are now."""
    movement_rows, lot_rows = rows
    movements = (repository.movement_of(row) for row in movement_rows)
    lots_ = {row["id"]: repository.lot_of(row) for row in lot_rows}
    return tuple(movement for movement in movements if movement.delta < 0), lots_


def expired_statement(*, origin_entry_id: UUID | None) -> Statement:
    """How many points of the lots that an entry bore have expired, as ``expired`` of the one row."""
    return Statement(repository.EXPIRED_OF_ORIGIN, {"entry_id": origin_entry_id})


def lapsed_statement(*, kind: str, reference_id: UUID) -> Statement:
    """What has ended of the lots that entries about something bore: ``points`` by ``unit``.

    Among them are ``canceled``, whose awaited action did not come, and ``released``: what a hold released, was wanted
    back, and has not been given back since.
    """
    return Statement(repository.LAPSED_OF, {"kind": kind, "id": reference_id})


def gone_statement(*, kind: str, reference_ids: Collection[UUID]) -> Statement:
    """What is gone of what things of a kind gave: ``points`` by ``unit``, taken back or ended.

    Taken back are also points that were not theirs, and what is owed for them.
    """
    return Statement(repository.GONE_OF, {"kind": kind, "ids": list(reference_ids)})


def drawings_statement(*, kind: str, reference_id: UUID) -> Statement:
    """What others drew of those lots and have not given back, the first first.

    ``points`` by ``reference_kind``, ``reference_id`` and ``unit``; what refunds drew is not among them.
    """
    return Statement(repository.DRAWN_OF, {"kind": kind, "id": reference_id})


def next_gain_question() -> Question[datetime | None]:
    """When the next lot activates or is canceled, or the next hold times out; in the past where that waits."""
    asked = instant_question(repository.NEXT_GAIN, "due_at")

    def answer(rows: Sequence[list[DictRow]]) -> datetime | None:
        due_at = asked.answer(rows)
        return None if due_at is None or due_at >= DISTANT else due_at

    return Question(asked.statements, answer)


def next_loss_question() -> Question[datetime | None]:
    """When the next lot or a part of one ends; in the past where that waits."""
    return instant_question(repository.NEXT_LOSS, "due_at")


def next_unnoticed_question() -> Question[datetime | None]:
    """When the first of the lots ends of whose end nobody was told."""
    return instant_question(repository.NEXT_UNNOTICED, "due_at")


def gaining_holders(session: ReadSession, *, limit: int) -> dict[UUID, int]:
    """Holders of the ``limit`` lots that are due longest to activate or be canceled, and of as many parts of holds.

    With how many of these each has, in the order of ids.
    """
    return _due_by_holder(session, repository.GAINING, limit)


def losing_holders(session: ReadSession, *, limit: int) -> dict[UUID, int]:
    """Holders of the ``limit`` lots that are due longest to end, and of as many of which a part is.

    With how many of these each has, in the order of ids.
    """
    return _due_by_holder(session, repository.LOSING, limit)


def unnoticed_holders(session: ReadSession, *, until: datetime, limit: int) -> tuple[UUID, ...]:
    """Holders of the first ``limit`` lots that end by ``until`` and of whose end nobody was told."""
    return _holders(session, repository.UNNOTICED, {"until": until, "limit": limit})


def ending_statement(*, holder_ids: Collection[UUID], until: datetime) -> Statement:
    """Asks for all that ends of holders by ``until``; the rows go to `ending_of`."""
    return Statement(repository.ENDING_LOTS, {"ids": list(holder_ids), "until": until})


def ending_of(rows: Iterable[DictRow]) -> tuple[EndingLot, ...]:
    """The lots that end, by holder and end."""
    return tuple(EndingLot(*(row[name] for name in ENDING_COLUMNS)) for row in rows)


def awaiting_lots(session: ReadSession, *, origin_id: UUID) -> tuple[AwaitingLot, ...]:
    """The lots with points that were born of an event and await an action."""
    rows = session.fetch_all(repository.AWAITING, {"origin_id": origin_id})
    return tuple(AwaitingLot(row["id"], row["holder_id"], row["program_version_id"]) for row in rows)


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


def units_in_use(session: ReadSession, *, units: Collection[str]) -> frozenset[str]:
    """Those of the units of which somebody has, or once had, points."""
    rows = session.fetch_all(repository.UNITS_IN_USE, {"units": list(units)})
    return frozenset(row["unit"] for row in rows)


points_as_of = accounting.points_as_of
cohort_flows = accounting.cohort_flows
cohort_months = accounting.cohort_months
kept_alive = accounting.kept_alive


def _holders(session: ReadSession, query: str, values: dict[str, Any]) -> tuple[UUID, ...]:
    return tuple(row["holder_id"] for row in session.fetch_all(query, values))


def _due_by_holder(session: ReadSession, query: str, limit: int) -> dict[UUID, int]:
    rows = session.fetch_all(query, {"now": session.now, "limit": limit})
    return {row["holder_id"]: row["due"] for row in rows}
