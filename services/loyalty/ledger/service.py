"""The one door to points: lock a holder, settle what is due, post entries, write them.

A caller puts `reading_statements` into its pipeline, opens the holder's book with their rows, posts, and puts
`writing_statements` into its last pipeline. Whatever a decision depends on is read after the lock.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger import repository
from services.loyalty.ledger.domain import GENESIS_HASH, ChainHead, EntryHeader, Reference
from services.loyalty.ledger.domain.book import HolderBook
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


def reading_statements(uow: UnitOfWork, *, holder_id: UUID, every_lot: bool) -> list[Statement]:
    """Lock one holder and read what it has: all lots with a remainder, or the due ones only."""
    values = {"ids": [holder_id], "now": uow.now}
    return [
        Statement(repository.LOCK, values),
        Statement(repository.BALANCES, values),
        Statement(repository.OPEN_LOTS if every_lot else repository.DUE_LOTS, values),
    ]


def open_book(
    uow: UnitOfWork, *, holder_id: UUID, rows: Sequence[list[DictRow]], store_id: UUID | None = None
) -> HolderBook | None:
    """The holder's book from the rows of `reading_statements`, with what is due at ``uow.now`` settled.

    None when there is no such holder.
    """
    heads, balances, lots = rows
    head = repository.heads_of(heads).get(holder_id)
    if head is None:
        return None
    values = [repository.balance_of(row) for row in balances]
    book = HolderBook(
        holder_id=holder_id,
        head=head,
        balances={balance.unit: balance for balance in values},
        lots={row["id"]: repository.lot_of(row) for row in lots},
        known_units=frozenset(balance.unit for balance in values),
    )
    if book.lots:
        header = entry_header(uow, holder_id=holder_id, occurred_at=uow.now, store_id=store_id)
        book.settle_due(header, ids=_ids())
    return book


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
    """The header of an entry that this unit of work writes, with a new id."""
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


def writing_statements(book: HolderBook) -> list[Statement]:
    """What writes the entries of a book, to be run in one pipeline."""
    return repository.book_statements(book)


def _ids() -> Iterator[UUID]:
    while True:
        yield new_id()
