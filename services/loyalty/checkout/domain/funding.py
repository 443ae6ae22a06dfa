"""Who pays for the coupons of a cart: what they take of budgets, and which of them no budget pays for now."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import count
from uuid import UUID

from services.loyalty.budgets.domain import Budget, Demand
from services.loyalty.checkout.domain.cart import AskedCart
from services.loyalty.checkout.domain.weighing import Met, Weighed, weigh
from services.loyalty.coupons.domain import Offer, Reason, Refused

ROUNDS_MAX = 3


def budgets_named(offers: Collection[Offer]) -> set[UUID]:
    """The budgets that pay for what is offered."""
    return {offer.content.budget_id for offer in offers if offer.content.budget_id is not None}


def demands_of(weighed: Weighed, *, currency: str) -> list[Demand]:
    """What the coupons that count take of budgets."""
    return [
        Demand(offer.content.budget_id, units=1, money_minor=one.amount_minor, currency=currency)
        for offer, one in weighed.used
        if offer.content.budget_id is not None
    ]


def weigh_funded(asked: AskedCart, met: Met, budgets: Mapping[UUID, Budget], *, at: datetime) -> Weighed:
    """Price a cart with the coupons that the budgets, by id, can pay for at an instant; the others are refused.

    How much a coupon takes is known only once the cart is weighed, and without a coupon that was to count others may:
    so it is weighed again until all that count are paid for, each time with fewer. After `ROUNDS_MAX` those are refused
    too that might have counted next, so that a wallet full of them keeps no till waiting.

    Raises:
        as `weigh`
    """
    budgeted = [
        (offer, Demand(offer.content.budget_id, units=1)) for offer in met.offers if offer.content.budget_id is not None
    ]
    least = [refused for one in budgeted for refused in _unpaid([one], budgets, at=at)]
    weighed = weigh(asked, _without(met, least))
    for rounds in count(1):
        takers = _takers(weighed, currency=asked.currency)
        unpaid = _unpaid(takers, budgets, at=at)
        if not unpaid:
            break
        if rounds >= ROUNDS_MAX:
            gone = {one.offer_id for one in (*unpaid, *weighed.met.refused)}
            kept = {offer.id for offer, _ in takers} if rounds == ROUNDS_MAX else set()
            others = [offer for offer, _ in budgeted if offer.id not in gone | kept]
            unpaid += [Refused(offer.id, Reason.BUDGET_EXHAUSTED) for offer in others]
        weighed = weigh(asked, _without(weighed.met, unpaid))
    return weighed


def _takers(weighed: Weighed, *, currency: str) -> list[tuple[Offer, Demand]]:
    paid = [offer for offer, _ in weighed.used if offer.content.budget_id is not None]
    return list(zip(paid, demands_of(weighed, currency=currency), strict=True))


def _unpaid(takers: Sequence[tuple[Offer, Demand]], budgets: Mapping[UUID, Budget], *, at: datetime) -> list[Refused]:
    """Those for which too little is left, once all before them have taken."""
    taken: dict[UUID, Demand] = {}
    unpaid = []
    for offer, demand in takers:
        budget = budgets[demand.budget_id]
        before = taken.get(budget.id, Demand(budget.id))
        units, money = before.units + demand.units, before.money_minor + demand.money_minor
        together = dataclasses.replace(demand, units=units, money_minor=money)
        if budget.has_room(together, at=at):
            taken[budget.id] = together
        else:
            is_its_kind = budget.takes(demand, at=at)
            unpaid.append(Refused(offer.id, Reason.BUDGET_EXHAUSTED if is_its_kind else Reason.BUDGET_CLOSED))
    return unpaid


def _without(met: Met, refused: Sequence[Refused]) -> Met:
    if not refused:
        return met
    ids = {one.offer_id for one in refused}
    offers = [offer for offer in met.offers if offer.id not in ids]
    return dataclasses.replace(met, offers=offers, refused=[*met.refused, *refused])
