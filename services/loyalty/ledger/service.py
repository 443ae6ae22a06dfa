"""The one door to points: lock a holder, settle what is due, post entries, write them.

A caller puts `reading_statements` into its pipeline, opens the holder's book with their rows, posts, and puts
`writing_statements` into its last pipeline. Whatever a decision depends on is read after the lock.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger import repository, writing
from services.loyalty.ledger.domain import GENESIS_HASH, ChainHead, EntryHeader, Lot, Reference
from services.loyalty.ledger.domain.activity import ActivityMark
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.reserving import HeldPart
from services.loyalty.ledger.domain.settling import EVERY_STEP, Step, settle
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

READING_STATEMENTS = 3
"""How many statements `reading_statements` gives."""


def create_holder_statement(uow: UnitOfWork, *, holder_id: UUID) -> Statement:
    """A holder without points; the id is the member's own."""
    values = {"id": holder_id, "seq": 0, "hash": GENESIS_HASH, "now": uow.now}
    return Statement(repository.INSERT_HOLDER, values)


def lock_holders(uow: UnitOfWork, *, holder_ids: Collection[UUID]) -> dict[UUID, ChainHead]:
    """Lock holders, in the order of their ids, until the end of the unit of work; those that exist."""
    return repository.lock_holders(uow, holder_ids)


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a holder that is locked; of its lots those that were asked for."""

    holder_id: UUID
    head: ChainHead
    balances: tuple[Balance, ...]
    lots: tuple[Lot, ...]
    parts: tuple[HeldPart, ...] = ()
    """What holds reserve of the lots."""


def reading_statements(
    uow: UnitOfWork, *, holder_ids: Collection[UUID], every_lot: bool, waits: bool = True
) -> list[Statement]:
    """Lock holders and read what they have: all open lots, or those that are due, held or move with activities.

    Without ``waits`` those whom somebody else has locked count as not there.
    """
    values = {"ids": list(holder_ids), "now": uow.now}
    return [
        Statement(repository.LOCK if waits else repository.LOCK_FREE, values),
        Statement(repository.BALANCES, values),
        Statement(repository.OPEN_LOTS if every_lot else repository.TIMED_LOTS, values),
    ]


def stored_by_holder(rows: Sequence[list[DictRow]]) -> dict[UUID, Stored]:
    """What `reading_statements` found, by holder; those that exist."""
    heads, balance_rows, lot_rows = rows
    balances: dict[UUID, list[Balance]] = {}
    for row in balance_rows:
        balances.setdefault(row["holder_id"], []).append(repository.balance_of(row))
    lots: dict[UUID, list[Lot]] = {}
    parts: dict[UUID, list[HeldPart]] = {}
    for row in lot_rows:
        lots.setdefault(row["holder_id"], []).append(repository.lot_of(row))
        parts.setdefault(row["holder_id"], []).extend(repository.parts_of(row))
    return {
        holder_id: Stored(
            holder_id,
            head,
            tuple(balances.get(holder_id, ())),
            tuple(lots.get(holder_id, ())),
            tuple(parts.get(holder_id, ())),
        )
        for holder_id, head in repository.heads_of(heads).items()
    }


def open_book(
    uow: UnitOfWork, *, stored: Stored, store_id: UUID | None = None, steps: frozenset[Step] = EVERY_STEP
) -> HolderBook:
    """The holder's book, with what is due at ``uow.now`` settled, or ``steps`` of it."""
    book = HolderBook(
        holder_id=stored.holder_id,
        head=stored.head,
        balances={balance.unit: balance for balance in stored.balances},
        lots={lot.id: lot for lot in stored.lots},
        known_units=frozenset(balance.unit for balance in stored.balances),
        parts=repository.parts_by_hold(stored.parts),
        now=uow.now,
    )
    if book.lots:
        header = entry_header(uow, holder_id=stored.holder_id, occurred_at=uow.now, store_id=store_id)
        settle(book, header, steps=steps)
    return book


def settle_again(uow: UnitOfWork, book: HolderBook) -> None:
    """Settle what has become due since the book was opened, as points that came back to lots that had ended."""
    settle(book, entry_header(uow, holder_id=book.holder_id, occurred_at=uow.now))


def marks_statement(*, holder_ids: Collection[UUID]) -> Statement:
    """Asks for the activities that hold points alive; the rows go to `marks_of`."""
    return Statement(repository.MARKS, {"ids": list(holder_ids)})


def marks_of(rows: Sequence[DictRow]) -> dict[UUID, list[ActivityMark]]:
    """The activities by holder."""
    found: dict[UUID, list[ActivityMark]] = {}
    for row in rows:
        found.setdefault(row["holder_id"], []).append(repository.mark_of(row))
    return found


def open_only_book(
    uow: UnitOfWork, *, holder_id: UUID, rows: Sequence[list[DictRow]], store_id: UUID | None = None
) -> HolderBook | None:
    """The book of the one holder whom `reading_statements` asked for; None when there is no such holder."""
    stored = stored_by_holder(rows).get(holder_id)
    return None if stored is None else open_book(uow, stored=stored, store_id=store_id)


def entry_header(
    uow: UnitOfWork,
    *,
    holder_id: UUID,
    occurred_at: datetime,
    store_id: UUID | None = None,
    program_version_id: UUID | None = None,
    reference: Reference | None = None,
    reason: str | None = None,
) -> EntryHeader:
    """The header of an entry that this unit of work writes, with a new id; followers are told after the commit."""
    uow.has_posted = True
    return EntryHeader(
        id=new_id(),
        holder_id=holder_id,
        store_id=store_id,
        program_version_id=program_version_id,
        actor=uow.actor,
        reference=reference,
        reason=reason,
        occurred_at=occurred_at,
        recorded_at=uow.now,
    )


def writing_statements(books: Iterable[HolderBook]) -> list[Statement]:
    """What writes the entries of books, to be run in one pipeline."""
    return writing.book_statements(books)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many entries it took to settle holders; ``busy`` are those whom somebody else had locked."""

    entries: int
    busy: tuple[UUID, ...]


def settle_holders(
    uow: UnitOfWork,
    *,
    holder_ids: Collection[UUID],
    steps: frozenset[Step],
    waits: bool = True,
    is_last: bool = False,
) -> Settled:
    """Lock holders, settle what is due of them at ``uow.now``, and write it: one trip to read, one to write.

    What somebody else has settled meanwhile is not there any more. Without ``waits`` whoever is locked is left out.
    ``is_last`` ends the unit of work with it.
    """
    rows = uow.fetch_pipeline(reading_statements(uow, holder_ids=holder_ids, every_lot=False, waits=waits))
    found = stored_by_holder(rows)
    books = [open_book(uow, stored=stored, steps=steps) for stored in found.values()]
    statements = writing_statements(books)
    if statements:
        uow.fetch_pipeline(statements, is_last=is_last)
    busy = () if waits else tuple(holder_id for holder_id in holder_ids if holder_id not in found)
    return Settled(sum(len(book.entries) for book in books), busy)


def lock_statement(*, holder_ids: Collection[UUID]) -> Statement:
    """Lock holders, in the order of their ids, in a pipeline."""
    return Statement(repository.LOCK, {"ids": list(holder_ids)})


def mark_noticed_statement(*, lot_ids: Collection[UUID]) -> Statement:
    """Remember that the holders, who are locked, were told when these lots end."""
    return Statement(repository.MARK_NOTICED, {"ids": list(lot_ids)})
