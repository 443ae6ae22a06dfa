"""Whether a coupon counts on a cart: currency, lines in scope, its minimum, and units enough."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.loyalty.coupons.domain.carts import Cart, Offer, Reason, Refused
from services.loyalty.coupons.domain.definitions import Benefit, BenefitKind, MeasuredOn, Minimum, PriceBasis, Step
from services.loyalty.coupons.domain.states import (
    State,
    amount_of,
    in_scope,
    is_discountable,
    open_pieces,
    quantity_of,
)
from services.platform.money import Money


@dataclass(frozen=True, slots=True)
class Plan:
    """An offer with the lines that it is about, by index.

    ``inside`` and ``target`` can be lowered, ``measured`` are what its minimum looks at.
    """

    cart: Cart
    offer: Offer
    inside: tuple[int, ...]
    target: tuple[int, ...]
    measured: tuple[int, ...]


def plan_of(cart: Cart, offer: Offer) -> Plan:
    """An offer laid on a cart."""
    content = offer.content
    items = list(enumerate(cart.items))
    inside = tuple(i for i, item in items if is_discountable(item) and in_scope(item, content.scope))
    aim = content.benefit.target
    target = inside if aim is None else tuple(i for i, item in items if is_discountable(item) and in_scope(item, aim))
    is_order = content.minimum.on is MeasuredOn.ORDER
    measured = tuple(i for i, item in items if not item.is_excluded and (is_order or in_scope(item, content.scope)))
    return Plan(cart, offer, inside, target, measured)


def obstacle(plan: Plan, state: State) -> Refused | None:
    """Why an offer can't count on a cart in this state, or in any that other offers make of it; None if it may."""
    content, offer_id = plan.offer.content, plan.offer.id
    if content.currency is not None and content.currency != plan.cart.currency:
        facts = {"currency": plan.cart.currency, "expected": content.currency}
        return Refused(offer_id, Reason.OTHER_CURRENCY, facts)
    is_shipping = content.benefit.kind is BenefitKind.SHIPPING
    if is_shipping and plan.cart.shipping_minor <= 0:
        return Refused(offer_id, Reason.NO_SHIPPING)
    if not is_shipping and not (plan.inside and plan.target):
        return Refused(offer_id, Reason.NO_LINE_IN_SCOPE)
    missed = _below(plan, state, content.minimum)
    if missed is None and content.benefit.kind is BenefitKind.STEPPED:
        lowest = content.benefit.steps[0]
        missed = _below(plan, state, content.minimum, amount=lowest.from_minor, quantity=lowest.from_quantity)
    return missed or _too_few(plan, state)


def units_needed(benefit: Benefit) -> int:
    """How many units in scope a kind must find, so that it gives anything."""
    match benefit.kind:
        case BenefitKind.N_FOR_M | BenefitKind.CHEAPEST:
            return benefit.buy_units or benefit.get_units or 1
        case BenefitKind.BUY_X_GET_Y:
            return (benefit.buy_units or 1) + (benefit.target is None)
        case BenefitKind.FREE_ITEM:
            return 1
    return 0


def _too_few(plan: Plan, state: State) -> Refused | None:
    benefit = plan.offer.content.benefit
    needed, there = units_needed(benefit), open_pieces(state, plan.inside)
    if benefit.target is not None and there >= needed:
        # A unit that is in both can't be bought and given at once.
        needed, there = needed + 1, open_pieces(state, {*plan.inside, *plan.target})
    if there >= needed:
        return None
    facts = {"units": there, "minimum": needed, "missing": needed - there}
    return Refused(plan.offer.id, Reason.TOO_FEW_UNITS, facts)


def _below(
    plan: Plan,
    state: State,
    minimum: Minimum,
    *,
    amount: int | None = None,
    quantity: Decimal | None = None,
) -> Refused | None:
    """Why the minimum is not reached; ``amount`` or ``quantity`` are asked of the same measure instead of its own."""
    if amount is None and quantity is None:
        amount, quantity = minimum.amount_minor, minimum.quantity
    if quantity is not None:
        there = quantity_of(plan.cart, plan.measured)
        if not _reaches(there, quantity, is_inclusive=minimum.is_inclusive):
            counted = {"quantity": there, "minimum": quantity, "missing": quantity - there}
            return Refused(plan.offer.id, Reason.BELOW_QUANTITY, counted)
    if amount is not None:
        reached = measured(plan, state, minimum)
        if not _reaches(reached, amount, is_inclusive=minimum.is_inclusive):
            # What is missing is rounded up, and one unit more where the minimum itself is not enough.
            floor = reached.numerator // reached.denominator
            missing = -((reached - amount).numerator // (reached - amount).denominator) + (not minimum.is_inclusive)
            paid = {
                "amount": Money(floor, plan.cart.currency),
                "minimum": Money(amount, plan.cart.currency),
                "missing": Money(missing, plan.cart.currency),
            }
            return Refused(plan.offer.id, Reason.BELOW_AMOUNT, paid)
    return None


def measured(plan: Plan, state: State, minimum: Minimum) -> Fraction:
    is_net = minimum.price is PriceBasis.NET
    return amount_of(plan.cart, state, plan.measured, is_net=is_net, is_after=minimum.is_after_discounts)


def _reaches(there: Fraction | Decimal, wanted: Decimal | int, *, is_inclusive: bool) -> bool:
    reached, least = Fraction(there), Fraction(wanted)
    return reached >= least if is_inclusive else reached > least


def reached_step(plan: Plan, state: State) -> Step:
    """The highest step that is reached; the lowest must be."""
    content = plan.offer.content
    found = [
        step
        for step in content.benefit.steps
        if _below(plan, state, content.minimum, amount=step.from_minor, quantity=step.from_quantity) is None
    ]
    return found[-1]


def times_reached(plan: Plan, state: State, step: Step) -> int:
    """How many whole times a step's amount or quantity is in what is measured."""
    if step.from_quantity is not None:
        return int(Fraction(quantity_of(plan.cart, plan.measured)) / Fraction(step.from_quantity))
    return int(measured(plan, state, plan.offer.content.minimum) / (step.from_minor or 1))
