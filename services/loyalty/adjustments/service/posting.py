"""The entry by which points are given or taken by hand."""

from uuid import UUID

from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import (
    EntryDraft,
    LotOrigin,
    Reference,
    adjustment_credit_entry,
    adjustment_debit_entry,
    allocate_lots,
    new_lot,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id

ORIGIN = "adjustment"


def adjustment_draft(
    uow: UnitOfWork,
    book: HolderBook,
    *,
    unit: str,
    points: int,
    reason: str,
    store_id: UUID | None,
    version: ProgramVersion,
    reference: Reference | None = None,
) -> EntryDraft:
    """Points given as a lot of their own, or taken from the lots that expire soonest.

    Raises:
        InsufficientPoints
    """
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=uow.now,
        store_id=store_id,
        program_version_id=version.id,
        reference=reference,
        reason=reason,
    )
    if points < 0:
        movements = allocate_lots(book.lots_of(unit), -points, uow.now)
        return adjustment_debit_entry(header, unit=unit, movements=movements)
    lot = new_lot(
        lot_id=new_id(),
        holder_id=book.holder_id,
        unit=unit,
        amount=points,
        origin=LotOrigin(ORIGIN, header.id, funder_store_id=store_id),
        now=uow.now,
        activates_at=uow.now,
    )
    return adjustment_credit_entry(header, lot=lot)
