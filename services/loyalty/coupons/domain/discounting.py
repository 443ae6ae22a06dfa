"""Coupons on a cart: which of them count, in which order, and what they take off.

A coupon that takes nothing off is not used up. Whatever the order, a narrower scope comes before a wider one of the
same rank, shipping comes last, and a unit serves one item promotion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from services.loyalty.coupons.domain.applying import Effect, apply
from services.loyalty.coupons.domain.carts import Applied, Cart, Discounting, Item, Offer, Reason, Refused, Strategy
from services.loyalty.coupons.domain.definitions import BenefitKind, Exclusivity
from services.loyalty.coupons.domain.qualifying import Plan, obstacle, plan_of
from services.loyalty.coupons.domain.states import State, first_state, narrowness

OFFERS_MAX = 20
"""Coupons that may be offered for one cart."""

SEARCH_MAX = 3_000
"""Coupons that are laid on a cart in one search, some tens of milliseconds; five coupons take 325 at most."""

_SHIPPING = (4, 0)


def discount(cart: Cart, offers: Sequence[Offer], *, strategy: Strategy) -> Discounting:
    """What coupons take off a cart. The same cart and offers give the same answer, whatever order they come in."""
    start = first_state(cart)
    candidates: list[Plan] = []
    refused: list[Refused] = []
    for plan in sorted((plan_of(cart, offer) for offer in offers), key=lambda plan: order_of(plan, strategy)):
        in_the_way = obstacle(plan, start)
        if in_the_way is None:
            candidates.append(plan)
        else:
            refused.append(in_the_way)
    if strategy is Strategy.BY_CATEGORY:
        applied, others = _in_order(candidates, start)
        return Discounting(applied, (*refused, *others))
    search = Search(tuple(candidates))
    search.run(start)
    return Discounting(search.best, (*refused, *search.refusals(start)), search.is_best)


def order_of(plan: Plan, strategy: Strategy) -> tuple[object, ...]:
    """The place of an offer among others; of offers that are alike in all else the older coupon comes first."""
    content = plan.offer.content
    place = (content.priority, content.category)
    scope = rank(plan)
    return (*place, scope, plan.offer.id) if strategy is Strategy.BY_CATEGORY else (scope, *place, plan.offer.id)


def rank(plan: Plan) -> tuple[int, int]:
    """How narrow an offer's scope is; of coupons for the best price none counts after one of a wider scope."""
    content = plan.offer.content
    return _SHIPPING if content.benefit.kind is BenefitKind.SHIPPING else narrowness(content.scope)


def excludes(one: Offer, other: Offer) -> bool:
    """Whether two offers can't be used on one cart."""
    first, second = one.content, other.content
    if Exclusivity.ALL in (first.exclusivity, second.exclusivity):
        return True
    is_same = first.category == second.category
    return is_same and Exclusivity.CATEGORY in (first.exclusivity, second.exclusivity)


def _in_order(plans: Sequence[Plan], state: State) -> tuple[tuple[Applied, ...], tuple[Refused, ...]]:
    applied: list[Applied] = []
    refused: list[Refused] = []
    used: list[Offer] = []
    for plan in plans:
        by = next((offer for offer in used if excludes(offer, plan.offer)), None)
        outcome = _excluded(plan, by) if by else apply(plan, state)
        if isinstance(outcome, Refused):
            refused.append(outcome)
            continue
        state = outcome.state
        applied.append(outcome.applied)
        used.append(plan.offer)
    return tuple(applied), tuple(refused)


def _excluded(plan: Plan, by: Offer) -> Refused:
    return Refused(plan.offer.id, Reason.EXCLUDED, {"by": by.id})


@dataclass(slots=True)
class Search:
    """The search for the offers, and their order, by which a customer pays least: depth first, with a bound.

    Of ways that come to the same the one with the fewest coupons is taken, then the first in the order of
    `order_of`. A branch is left where even all that its offers could give alone would not be better.
    """

    plans: tuple[Plan, ...]
    best: tuple[Applied, ...] = ()
    is_best: bool = True
    _worth: int = 0
    _steps: int = 0
    _end: State | None = None
    _bounds: tuple[int, ...] = ()
    _foes: tuple[frozenset[int], ...] = field(default=())

    def run(self, start: State) -> None:
        """Find it."""
        self._bounds = tuple(_bound(plan) for plan in self.plans)
        self._foes = tuple(
            frozenset(i for i, other in enumerate(self.plans) if i != j and excludes(other.offer, plan.offer))
            for j, plan in enumerate(self.plans)
        )
        self._go(start, (), 0, tuple(range(len(self.plans))))

    def refusals(self, start: State) -> tuple[Refused, ...]:
        """Why each of the others was left out."""
        used = {one.offer_id for one in self.best}
        by_id = {plan.offer.id: plan.offer for plan in self.plans}
        refused: list[Refused] = []
        for plan in self.plans:
            if plan.offer.id in used:
                continue
            by = next((by_id[id_] for id_ in by_id if id_ in used and excludes(by_id[id_], plan.offer)), None)
            outcome = _excluded(plan, by) if by else apply(plan, self._end or start)
            if isinstance(outcome, Effect):
                outcome = Refused(plan.offer.id, Reason.WORTH_LESS)
            refused.append(outcome)
        return tuple(refused)

    def _go(self, state: State, path: tuple[Applied, ...], worth: int, open_: tuple[int, ...]) -> None:
        if (worth, -len(path)) > (self._worth, -len(self.best)):
            self.best, self._worth, self._end = path, worth, state
        for place, index in enumerate(open_):
            if self._is_twin(open_[:place], index):
                continue
            rest = self._rest(open_, index)
            if not self._may_be_better(state, len(path), worth, index, rest):
                continue
            if self._steps >= SEARCH_MAX:
                self.is_best = False
                return
            self._steps += 1
            outcome = apply(self.plans[index], state)
            if isinstance(outcome, Effect):
                gained = worth + outcome.applied.amount_minor
                self._go(outcome.state, (*path, outcome.applied), gained, rest)

    def _rest(self, open_: tuple[int, ...], index: int) -> tuple[int, ...]:
        """What may follow an offer: others of its rank, and those of wider scopes, that it does not exclude."""
        mine = rank(self.plans[index])
        foes = self._foes[index]
        return tuple(i for i in open_ if i != index and i not in foes and rank(self.plans[i]) >= mine)

    def _may_be_better(self, state: State, used: int, worth: int, index: int, rest: tuple[int, ...]) -> bool:
        """Whether an offer, and what may follow it, could take off more, or as much with fewer coupons."""
        bounds = sorted((self._bounds[i] for i in rest), reverse=True)
        room = state.room_minor + state.shipping_minor
        if worth + min(room, self._bounds[index] + sum(bounds)) > self._worth:
            return True
        fewer = len(self.best) - 1 - used
        return fewer > 0 and worth + min(room, self._bounds[index] + sum(bounds[: fewer - 1])) >= self._worth

    def _is_twin(self, before: tuple[int, ...], index: int) -> bool:
        """Whether an offer of the same content stands before it: then that one is tried, and this one after it."""
        content = self.plans[index].offer.content
        return any(self.plans[other].offer.content == content for other in before)


def _bound(plan: Plan) -> int:
    """What an offer takes off at most, whatever counted before it."""
    benefit, items = plan.offer.content.benefit, plan.cart.items
    if benefit.kind is BenefitKind.SHIPPING:
        most = plan.cart.shipping_minor
    else:
        lines = {*plan.inside, *plan.target}
        whole = sum(items[index].gross_minor for index in lines)
        amounts = [benefit.amount_minor] if benefit.kind is BenefitKind.AMOUNT and benefit.amount_minor else [whole]
        if benefit.kind is BenefitKind.PER_UNIT:
            each = benefit.amount_minor or 0
            amounts = [sum(_per_unit_bound(items[index], each) for index in lines)]
        percents = [benefit.percent] if benefit.percent is not None else []
        if benefit.kind is BenefitKind.STEPPED and not benefit.is_repeated:
            amounts = [step.amount_minor for step in benefit.steps if step.amount_minor is not None]
            percents = [step.percent for step in benefit.steps if step.percent is not None]
        shares = [
            sum(ceil(Fraction(percent) * items[index].gross_minor / 100) for index in lines) for percent in percents
        ]
        is_share = bool(percents) and benefit.kind is not BenefitKind.STEPPED
        most = min(whole, max(shares if is_share else [*amounts, *shares]))
    return most if benefit.cap_minor is None else min(most, benefit.cap_minor)


def _per_unit_bound(item: Item, each: int) -> int:
    return min(item.gross_minor, ceil(Fraction(item.quantity) * each))
