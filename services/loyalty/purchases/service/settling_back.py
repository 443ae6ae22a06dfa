"""Points that paid for a purchase, coupons and budgets come back as far as the purchase does."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Demand
from services.loyalty.coupons import service as coupons
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import EntryKind, LotMovement, Purpose, Reference, give_back, restoration_entry
from services.loyalty.programs.domain import Policies
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.purchases.domain.reversal import Reversal
from services.loyalty.purchases.domain.settlement import (
    PaidPoints,
    SettledBack,
    amended,
    back_json,
    settled_back,
    settlement_json,
)
from services.loyalty.purchases.service.scene import Buyer, Scene
from services.platform.db.session import Statement, UnitOfWork

PAYMENT = "payment"
"""What entries are about of points that paid; the id is the purchase's."""
OWNER = "cart"
"""In whose name coupons and budgets were taken."""


@dataclass(frozen=True, slots=True)
class ComingBack:
    """What comes back now: ``points`` worth ``value_minor``. ``after`` is where the settlement stands then in all.

    ``is_gone`` tells that nothing is left of the purchase.
    """

    points: int
    value_minor: int
    after: SettledBack
    is_gone: bool = False


NOTHING = ComingBack(0, 0, SettledBack())


def coming_back(scene: Scene, reversal: Reversal) -> ComingBack:
    """What of a purchase's settlement comes back by a reversal."""
    if scene.settlement is None:
        return NOTHING
    before = scene.settled_back
    after = settled_back(
        scene.settlement,
        bought=[line.earning() for line in scene.lines],
        remaining=reversal.outcome.remaining,
        left_minor=reversal.left_minor,
        before=before,
    )
    points, value = max(0, after.points - before.points), max(0, after.value_minor - before.value_minor)
    return ComingBack(points, value, after, reversal.is_gone or after.is_whole)


def give_points_back(
    uow: UnitOfWork, scene: Scene, buyer: Buyer, back: ComingBack, *, occurred_at: datetime
) -> Mapping[UUID, int]:
    """Post the points that come back to the lots that they were drawn from, the last drawn first; how many by lot.

    Lots that have ended meanwhile get the program's days of grace.
    """
    settlement, book = scene.settlement, buyer.book
    if settlement is None or settlement.paid is None:
        return {}
    reference = Reference(PAYMENT, scene.purchase.id)
    if back.is_gone:
        book.withdraw_activity(reference, buyer.marks)
    if not back.points:
        return {}
    drawn = _drawn(uow, scene, settlement.paid)
    movements = give_back(drawn, amount=back.points, given_before=settlement.paid.released + scene.settled_back.points)
    lot_ids = {movement.lot_id for movement in movements}
    book.lots = ledger_queries.lots_by_ids(uow, lot_ids=lot_ids - book.lots.keys()) | book.lots
    policies = scene.evaluated_by.document.policies if scene.evaluated_by else Policies()
    book.give_back_ends(lot_ids, at=uow.now, grace_days=policies.given_back_grace_days, marks=buyer.marks)
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=occurred_at,
        store_id=scene.purchase.store_id,
        program_version_id=scene.evaluated_by.id if scene.evaluated_by else None,
        reference=reference,
    )
    # What was held when it was spent comes back to where its lot stands now.
    present = [dataclasses.replace(each, purpose=book.lots[each.lot_id].purpose) for each in movements]
    book.post(restoration_entry(header, unit=settlement.paid.unit, movements=present, source=Purpose.REDEMPTION))
    ledger.settle_again(uow, book)
    return {movement.lot_id: movement.delta for movement in movements}


def amend_settlement(uow: UnitOfWork, scene: Scene, receipt: Receipt) -> tuple[Receipt, list[Statement]]:
    """Settle a sale that is rung up anew: points that pay for nothing any more come back; its coupons stay used.

    The receipt with what points pay of each line, and what is to be written.
    """
    settlement = scene.settlement
    if settlement is None:
        return receipt, []
    nets = {line.position: line.net_minor for line in receipt.lines}
    anew = amended(settlement, nets_minor=nets, total_minor=receipt.total_minor)
    if settlement.paid is not None and anew.paid is not None:
        by_line, freed = anew.paid.by_line, settlement.paid.points - anew.paid.points
        if scene.buyer is not None and freed:
            back = ComingBack(freed, settlement.paid.value_minor - anew.paid.value_minor, SettledBack(freed))
            give_points_back(uow, scene, scene.buyer, back, occurred_at=uow.now)
        lines = tuple(dataclasses.replace(line, points_minor=by_line.get(line.position, 0)) for line in receipt.lines)
        receipt = dataclasses.replace(receipt, lines=lines)
    values = {"id": scene.purchase.id, "settled": Jsonb(settlement_json(anew))}
    return receipt, [Statement(repository.UPDATE_SETTLED, values)]


def coupons_back_statements(uow: UnitOfWork, scene: Scene, back: ComingBack) -> list[Statement]:
    """What gives coupons and budgets back, and remembers all that has come back.

    A coupon can be used again when nothing is left, no goods that were free either; its budget gets back what of the
    discount fell on what has come back.
    """
    settlement, before = scene.settlement, scene.settled_back
    if settlement is None or back.after == before:
        return []
    owner = Reference(OWNER, settlement.owner_id)
    is_whole = back.after.is_whole and not before.is_whole
    statements: list[Statement] = []
    if is_whole and settlement.coupons:
        statements += coupons.give_back_statements(uow, owner=owner)
    demands = [
        Demand(
            used.budget_id,
            units=1 if is_whole else 0,
            money_minor=max(0, back.after.of(used.coupon_id) - before.of(used.coupon_id)),
            currency=scene.purchase.currency,
        )
        for used in settlement.coupons
        if used.budget_id is not None
    ]
    if any(not demand.is_nothing for demand in demands):
        statements += budgets.give_back_statements(uow, owner=owner, demands=demands)
    values = {"id": scene.purchase.id, "back": Jsonb(back_json(back.after))}
    return [*statements, Statement(repository.UPDATE_SETTLED_BACK, values)]


def _drawn(uow: UnitOfWork, scene: Scene, paid: PaidPoints) -> list[LotMovement]:
    """What the payment drew, in the order of drawing."""
    entries = ledger_queries.entries_about(uow, kind=PAYMENT, ids=[scene.purchase.id])
    return [
        movement
        for entry in entries
        if entry.kind in {EntryKind.REDEMPTION, EntryKind.CAPTURE} and entry.postings[0].unit == paid.unit
        for movement in entry.lot_movements
    ]
