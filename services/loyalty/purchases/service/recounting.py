"""What an amended purchase counts for the tier: as if rung up right at first, whatever has become of its points since.

Points that time lets begin count from when they began; those that awaited an action which has come, from when that
was told.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from services.loyalty.earning.domain import EarnBase, Evaluation, FrozenInputs, awaited_actions
from services.loyalty.ledger import queries as ledger
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases.domain.assessment import BuyingMember, Occasion, contribution_of, times_of
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.purchases.service.scene import Buyer, Scene
from services.loyalty.tiers.domain import Requalification, ladder_of, recount
from services.platform.db.session import UnitOfWork


@dataclasses.dataclass(frozen=True, slots=True)
class Anew:
    """What a receipt earns now, on what its first evaluation saw.

    ``actions`` are those that its points awaited and that have come, with the instants.
    """

    version: ProgramVersion
    frozen: FrozenInputs
    evaluation: Evaluation
    base: EarnBase
    actions: Mapping[str, datetime]


def actions_that_came(uow: UnitOfWork, scene: Scene) -> dict[str, datetime]:
    """The awaited actions of the purchase that have come, as its lots tell.

    Of an action that none of them awaited nobody knows.
    """
    assert scene.evaluated_by is not None
    assert scene.buyer is not None
    awaited = awaited_actions(scene.evaluated_by.document)
    action_of = {
        each.lot_id: awaited[each.rule_id] for each in scene.accruals if each.lot_id and each.rule_id in awaited
    }
    if not action_of:
        return {}
    open_lots = scene.buyer.book.lots
    missing = [lot_id for lot_id in action_of if lot_id not in open_lots]
    lots = dict(open_lots) | (ledger.lots_by_ids(uow, lot_ids=missing) if missing else {})
    came: dict[str, datetime] = {}
    for lot_id, action in action_of.items():
        lot = lots[lot_id]
        if lot.awaits_action is None:
            came[action] = min(lot.activates_at, came.get(action, lot.activates_at))
    return came


def recounted(uow: UnitOfWork, scene: Scene, buyer: Buyer, receipt: Receipt, anew: Anew) -> Requalification:
    """The member's tier with what the purchase counts now; the book has what was gained and lost already.

    Raises:
        QualifyingSumTooLarge
    """
    assert scene.present is not None
    purchase = scene.purchase
    ladder, balance = ladder_of(scene.present), buyer.book.balance(ladder_of(scene.present).unit)
    member = BuyingMember(
        buyer.earner, buyer.record, anew.frozen.cap_used, purchases=0, balance=balance.available - balance.owed
    )
    occasion = Occasion(
        purchase_id=purchase.id,
        version=anew.version,
        present=scene.present,
        store=scene.store,
        channel=purchase.channel,
        source=purchase.source,
        occurred_at=purchase.occurred_at,
        now=purchase.claimed_at or purchase.recorded_at,
    )
    contribution = contribution_of(
        receipt,
        member,
        occasion,
        ladder,
        anew.evaluation,
        times=times_of(member, occasion, anew.evaluation),
        actions=_counted_from(scene, buyer, anew),
    )
    if contribution.balance is not None:
        contribution = dataclasses.replace(contribution, balance=max(0, member.balance))
    return recount(ladder, buyer.record, contribution, now=uow.now)


def _counted_from(scene: Scene, buyer: Buyer, anew: Anew) -> dict[str, datetime]:
    """From when points count whose action has come: from when it was told, which may be later than it came."""
    mine = sorted(each.counted_at for each in buyer.record.amounts if each.event_id == scene.purchase.id)
    return {
        action: next((counted_at for counted_at in mine[1:] if counted_at >= came_at), came_at)
        for action, came_at in anew.actions.items()
    }
