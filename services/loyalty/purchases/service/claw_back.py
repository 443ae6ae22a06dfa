"""Points go back the way they came: taken from lots, or given back to the lots that were drawn."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import (
    EntryHeader,
    Purpose,
    Reference,
    allocate_clawback,
    clawback_entry,
    give_back,
    restoration_entry,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases.domain import Accrual, Purchase
from services.loyalty.purchases.domain.reversal import still_taken
from services.loyalty.purchases.queries import refunds_by_purchases
from services.platform.db.session import UnitOfWork

REFERENCE = "refund"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a refund took (below zero: gave) in ``points``, and where the purchase stands after it in all."""

    points: int
    points_taken_back: int
    points_lapsed: int
    shortfall: int
    entry_id: UUID | None

    @classmethod
    def nothing(cls, purchase: Purchase) -> "TakenBack":
        """No points are concerned."""
        return cls(0, purchase.points_taken_back, purchase.points_lapsed, purchase.shortfall, None)


def take_back(
    uow: UnitOfWork,
    *,
    book: HolderBook,
    purchase: Purchase,
    version: ProgramVersion,
    accruals: Collection[Accrual],
    expired: int,
    ask: int,
    refund_id: UUID,
    occurred_at: datetime,
) -> TakenBack:
    """Post to the buyer's book what a refund asks for; nothing when there is nothing to take or to give.

    ``expired`` is what had expired of the purchase's lots before this unit of work.
    """
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=occurred_at,
        store_id=purchase.store_id,
        program_version_id=version.id,
        reference=Reference(REFERENCE, refund_id),
    )
    unit = version.document.unit.code
    if ask < 0:
        return _give(uow, book, purchase, header=header, unit=unit, amount=-ask)
    own_ids = {accrual.lot_id for accrual in accruals if accrual.lot_id is not None}
    lots = book.lots_of(unit)
    allocation = allocate_clawback(
        [lot for lot in lots if lot.id in own_ids],
        [lot for lot in lots if lot.id not in own_ids],
        ask,
        own_lapsed=expired + book.lapsed(own_ids) - purchase.points_lapsed,
    )
    entry_id = None
    if allocation.movements:
        entry_id = book.post(clawback_entry(header, unit=unit, movements=allocation.movements)).header.id
    return TakenBack(
        points=allocation.taken,
        points_taken_back=purchase.points_taken_back + allocation.taken,
        points_lapsed=purchase.points_lapsed + allocation.lapsed,
        shortfall=allocation.shortfall,
        entry_id=entry_id,
    )


def _give(
    uow: UnitOfWork, book: HolderBook, purchase: Purchase, *, header: EntryHeader, unit: str, amount: int
) -> TakenBack:
    """Give points back that earlier refunds took: a negative line has come back, and the rest earns more."""
    back = min(amount, purchase.points_taken_back)
    entry_id = None
    if back > 0:
        refunds = refunds_by_purchases(uow, purchase_ids=(purchase.id,)).get(purchase.id, ())
        entries = ledger_queries.entries_about(uow, kind=REFERENCE, ids=[refund.id for refund in refunds])
        movements = give_back(still_taken(entries), amount=back)
        stored = ledger_queries.lots_by_ids(uow, lot_ids={movement.lot_id for movement in movements})
        book.lots = stored | book.lots
        # A lot that was pending when it was drawn may have become active since.
        present = [dataclasses.replace(movement, purpose=book.lots[movement.lot_id].purpose) for movement in movements]
        draft = restoration_entry(header, unit=unit, movements=present, source=Purpose.ISSUANCE)
        entry_id = book.post(draft).header.id
    return TakenBack(
        points=-back,
        points_taken_back=purchase.points_taken_back - back,
        points_lapsed=purchase.points_lapsed - (amount - back),
        shortfall=0,
        entry_id=entry_id,
    )
