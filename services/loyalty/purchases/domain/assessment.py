"""What a receipt earns: one function for recording and for quoting, so that a quote is what the till then does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.earning.domain import CapKey, EarnBase, EarnEvent, Evaluation, evaluate, names_asked, validities
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.members.domain import Earner, member_facts
from services.loyalty.programs.domain import Crossing, TierLevel, TierMetric, Trigger
from services.loyalty.programs.domain.conditions.fields import FactValue
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases.domain.counting import counted_points, counted_spend
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.purchases.domain.telling import told_facts
from services.loyalty.stores.domain import Store
from services.loyalty.tiers.domain import (
    Contribution,
    Ladder,
    Requalification,
    TierRecord,
    count_in,
    ladder_of,
    level_at,
    settled_course,
)


@dataclass(frozen=True, slots=True)
class BuyingMember:
    """Who buys, as the receipts before this one have left them.

    ``purchases`` were recorded before it; ``balance`` is what can be spent, less what is owed, of the unit that tiers
    look at.
    """

    earner: Earner
    record: TierRecord
    cap_used: Mapping[CapKey, int]
    purchases: int
    balance: int


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and where a receipt was rung up, by the version in force then; ``present`` is the one in force now."""

    purchase_id: UUID
    version: ProgramVersion
    present: ProgramVersion
    store: Store
    channel: str
    source: str
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Assessment:
    """An evaluation by the version in force when it happened, and what it does to the tier by the present one.

    ``times`` are those between which the points of its rules can be spent.
    """

    version: ProgramVersion
    present: ProgramVersion
    event: EarnEvent
    base: EarnBase
    evaluation: Evaluation
    times: Mapping[str, Validity]
    requalification: Requalification


def assess(receipt: Receipt, buyer: BuyingMember, occasion: Occasion) -> Assessment:
    """What a receipt earns for its buyer, and where that leaves them.

    The purchase that crosses a threshold earns at the tier held before it or at the one that it reaches, by policy:
    it is evaluated at the former, and once more at the latter where that is another.

    Raises:
        CurrencyNotAccepted, AccrualTooLarge, QualifyingSumTooLarge
    """
    document, ladder = occasion.version.document, ladder_of(occasion.present)
    base = receipt.base(document.policies.base)
    event = EarnEvent(
        trigger=Trigger.PURCHASE,
        occurred_at=occasion.occurred_at,
        facts=_asked(receipt, buyer, occasion),
        currency=receipt.currency,
        lines=receipt.earning(base),
        shipping_minor=base.shipping_minor,
    )

    settled = settled_course(ladder, buyer.record, now=occasion.now)

    def evaluated(level: TierLevel) -> tuple[Evaluation, dict[str, Validity], Requalification]:
        evaluation = evaluate(document, event, tier_code=level.code, cap_used=buyer.cap_used)
        times = times_of(buyer, occasion, evaluation)
        contribution = contribution_of(receipt, buyer, occasion, ladder, evaluation, times=times)
        return evaluation, times, count_in(settled, contribution, now=occasion.now)

    held = level_at(document.tiers, settled.record, at=occasion.now)
    evaluation, times, requalification = evaluated(held)
    if ladder.tiers.crossing is Crossing.NEW:
        reached = level_at(document.tiers, requalification.record, at=occasion.now)
        if reached.code != held.code:
            evaluation, times, requalification = evaluated(reached)
    return Assessment(
        version=occasion.version,
        present=occasion.present,
        event=event,
        base=base,
        evaluation=evaluation,
        times=times,
        requalification=requalification,
    )


def times_of(buyer: BuyingMember, occasion: Occasion, evaluation: Evaluation) -> dict[str, Validity]:
    """From when and until when the points of each rule can be spent."""
    # A till's clock that is ahead makes nothing pending.
    at = min(occasion.occurred_at, occasion.now)
    return validities(occasion.version.document, evaluation, at=at, enrolled_at=buyer.earner.enrolled_at)


def contribution_of(
    receipt: Receipt,
    buyer: BuyingMember,
    occasion: Occasion,
    ladder: Ladder,
    evaluation: Evaluation,
    *,
    times: Mapping[str, Validity],
    actions: Mapping[str, datetime] | None = None,
) -> Contribution:
    """What a receipt adds to what tiers look at. Points that await one of ``actions`` count from when that came."""
    document = occasion.version.document
    points = counted_points(ladder, evaluation, times, now=occasion.now, actions=actions or {})
    spendable = sum(each.points for each in points if each.unit == ladder.unit and each.counts_at is None)
    return Contribution(
        event_id=occasion.purchase_id,
        occurred_at=occasion.occurred_at,
        store_id=occasion.store.id,
        spend_minor=counted_spend(document, currency=receipt.currency, total_minor=receipt.total_minor),
        points=points,
        balance=max(0, buyer.balance + spendable) if ladder.tiers.metric is TierMetric.BALANCE else None,
    )


def purchase_facts(receipt: Receipt, buyer: BuyingMember, occasion: Occasion) -> dict[str, FactValue | None]:
    """What conditions may ask of a purchase beside the sums of its lines and its time."""
    document, store = occasion.version.document, occasion.store
    return {
        **member_facts(buyer.earner, document=document, at=occasion.occurred_at),
        **told_facts(receipt.told, document.fields),
        "member.purchases": buyer.purchases,
        "order.isFirst": buyer.purchases == 0,
        "order.channel": occasion.channel,
        "order.source": occasion.source,
        "store.code": store.code,
        "store.currency": store.currency,
        "store.timezone": store.timezone,
    }


def _asked(receipt: Receipt, buyer: BuyingMember, occasion: Occasion) -> dict[str, FactValue | None]:
    # What no rule asks for is not kept.
    asked = names_asked(occasion.version.document, Trigger.PURCHASE)
    if not asked:
        return {"store.code": occasion.store.code}
    facts = purchase_facts(receipt, buyer, occasion)
    return {name: fact for name, fact in facts.items() if name in asked or name == "store.code"}
