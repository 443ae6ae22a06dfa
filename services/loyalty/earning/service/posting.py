"""An evaluation becomes points: a lot for every rule that gave some, in one entry, whatever set the rules off."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.loyalty.earning.domain import Evaluation, validities
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot, LotOrigin, Reference, accrual_entry, new_lot
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted: the accrual's entry, None where no points were given, and the lots by rule id."""

    entry_id: UUID | None = None
    lots: Mapping[str, Lot] = field(default_factory=dict)


def post_evaluation(
    uow: UnitOfWork,
    *,
    book: HolderBook,
    version: ProgramVersion,
    evaluation: Evaluation,
    reference: Reference,
    occurred_at: datetime,
    enrolled_at: datetime,
    store_id: UUID | None = None,
    actions: Mapping[str, datetime] | None = None,
    times: Mapping[str, Validity] | None = None,
) -> Posted:
    """Post what an event gives to the book of its member.

    ``reference`` names the event, and is the origin of the lots. The event itself counts as an activity that makes
    older points live longer, where their expiry says so. What is owed is repaid from it by the book. ``actions`` are
    awaited ones that have come already: what is born now does not wait for them again. ``times`` are those of
    `validities`, where the caller has asked for them already.

    Raises:
        BalanceTooLarge
    """
    # A till's clock that is ahead makes nothing pending.
    at = min(occurred_at, uow.now)
    book.show_activity(evaluation.trigger.value, at, reference)
    if times is None:
        times = validities(version.document, evaluation, at=at, enrolled_at=enrolled_at, actions=actions or {})
    lots = {
        accrual.rule_id: new_lot(
            lot_id=new_id(),
            holder_id=book.holder_id,
            unit=accrual.unit,
            amount=accrual.points,
            origin=LotOrigin(reference.kind, reference.id, accrual.rule_id, store_id),
            now=uow.now,
            validity=times[accrual.rule_id],
        )
        for accrual in evaluation.accruals
        if accrual.points > 0
    }
    if not lots:
        return Posted()
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=occurred_at,
        store_id=store_id,
        program_version_id=version.id,
        reference=reference,
    )
    entry = book.post(accrual_entry(header, lots=tuple(lots.values())))
    if any(lot.expired(uow.now) for lot in lots.values()):
        # The clock of a late event's points began when it happened: they may have ended already.
        ledger.settle_again(uow, book)
    return Posted(entry.header.id, lots)
