"""A life of the state machine: what is bought, returned, rung up anew, exchanged and claimed."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from services.loyalty.budgets.domain import Budget
from services.loyalty.checkout import service as checkout
from services.loyalty.checkout.domain import PointsAsked
from services.loyalty.coupons.domain import Benefit, CouponDefinition
from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.earning.errors import RefundBelowZero, RefundExceedsPurchase
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import BoughtLine, RefundedPurchase
from services.loyalty.purchases.domain.changes import AmendPurchase, ExchangePurchase, VoidPurchase
from services.loyalty.stores.domain import Store
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.property.loyalty.life import MEMBERS, POINTS, WAITS, WHO, Life
from tests.property.loyalty.lives import GOODS, LINES, program_json
from tests.property.loyalty.model import Line, Program, Purchase, Shop
from tests.property.loyalty.purses import OWN_UNIT
from tests.support.builders.till import ALL, Till, off, percent_off

CLAIMED_WITHIN = timedelta(days=30)
CLAIM_TIMES = st.sampled_from([timedelta(days=25), timedelta(days=9), timedelta(hours=20)])
BENEFITS = st.sampled_from([off(70), percent_off("30")])


class Sales(Life):
    """See the module; `Life` has points and time."""

    def __init__(self, database: Database, tenant: Tenant, programs: st.SearchStrategy[Program]) -> None:
        super().__init__(database, tenant, programs)
        self.purchase_ids: list[UUID] = []
        self.receipts: list[str] = []
        self.budget: Budget | None = None
        self.kinds: dict[Benefit, CouponDefinition] = {}
        self.coupons: dict[tuple[int, Benefit], UUID] = {}

    @initialize(data=st.data())
    def open(self, data: st.DataObject) -> None:
        program = data.draw(self.programs)
        self.store: Store = self.merchant.store()
        self.till = Till(self.merchant, self.store)
        self.merchant.program(program_json(program))
        self.member_ids = [self.merchant.member() for _ in range(MEMBERS)]
        self.shop = Shop(program, MEMBERS, self.merchant.now)
        # Nothing can be returned, held or given away before there is something: so there is.
        self.buy(0, data.draw(LINES))
        self.give(1, data.draw(POINTS))

    # --- purchases ---

    @rule(who=WHO, lines=LINES)
    def buy(self, who: int, lines: tuple[Line, ...]) -> None:
        expected = self.shop.buy(who, lines)

        bought = self._buy(self.member_ids[who], lines)

        assert (bought.points, bought.balance) == (expected, self.shop.available(who))

    @rule(lines=LINES)
    def buy_as_guest(self, lines: tuple[Line, ...]) -> None:
        self.shop.buy(None, lines)

        self._buy(None, lines)

    @precondition(lambda self: self._guests())
    @rule(data=st.data(), who=WHO)
    def claim(self, data: st.DataObject, who: int) -> None:
        self.claim_number(data.draw(st.sampled_from(self._guests())), who)

    def claim_number(self, number: int, who: int) -> None:
        total = self.shop.purchases[number].total
        expected = self.shop.claim(number, who)

        claimed = self.merchant.claim(self.store, self.receipts[number], total, self.member_ids[who])

        assert (claimed.points, claimed.balance) == (expected, self.shop.available(who))

    @precondition(lambda self: self._returnable())
    @rule(data=st.data())
    def refund_amount(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self._returnable()))
        if left := self.shop.left_of(number):
            amount = data.draw(st.integers(1, left))
            expected = self.shop.refund(number, pieces={}, free=amount)

            self._same(number, expected, self._refund(number, AmountRefund(amount)))

    @precondition(lambda self: self._returnable())
    @rule(data=st.data())
    def refund_lines(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self._returnable()))
        places = data.draw(st.sets(st.sampled_from(sorted(self._rest(number))), min_size=1))
        pieces = {place: data.draw(st.integers(1, self.shop.pieces_of(number, place))) for place in sorted(places)}
        self._return(number, pieces)

    def _return(self, number: int, pieces: dict[int, int]) -> None:
        if not self.shop.may_return(number, pieces):
            with pytest.raises((RefundExceedsPurchase, RefundBelowZero)):
                self._refund(number, _lines(pieces))
            return
        expected = self.shop.refund(number, pieces=pieces, free=0)

        self._same(number, expected, self._refund(number, _lines(pieces)))

    @precondition(lambda self: self._returnable())
    @rule(data=st.data())
    def refund_rest(self, data: st.DataObject) -> None:
        self._refund_rest(data.draw(st.sampled_from(self._returnable())))

    @precondition(lambda self: self._returnable())
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self._returnable()))
        expected = self.shop.refund(number, pieces=self._rest(number), free=0)
        self.shop.purchases[number].is_void = True
        self.keys += 1
        command = VoidPurchase(self.purchase_ids[number], f"void-{self.keys}", b"")

        self._same(number, expected, self.merchant.tell(lambda uow: service.void_purchase(uow, command=command)))

    @precondition(lambda self: self._returnable())
    @rule(data=st.data(), lines=LINES)
    def exchange(self, data: st.DataObject, lines: tuple[Line, ...]) -> None:
        number = data.draw(st.sampled_from(self._returnable()))
        place = data.draw(st.sampled_from(sorted(self._rest(number))))
        pieces = {place: data.draw(st.integers(1, self.shop.pieces_of(number, place)))}
        if not self.shop.may_return(number, pieces):
            return
        taken = self.shop.refund(number, pieces=pieces, free=0)
        after_return = self._of(self.shop.purchases[number])
        earned = self.shop.buy(self.shop.purchases[number].member, lines)
        sale = self.merchant.purchase_command(self.store, None, lines=_bought(lines))
        self.keys += 1
        key = f"exchange-{self.keys}"
        command = ExchangePurchase(self.purchase_ids[number], _lines(pieces), "till", key, sale, key, b"")

        done = self.merchant.tell(lambda uow: service.exchange_purchase(uow, command=command))

        self.purchase_ids.append(done.recorded.purchase_id)
        self.receipts.append(sale.external_id)
        refunded, recorded = done.refunded, done.recorded
        assert (refunded.points, refunded.shortfall, refunded.balance) == (taken, *after_return)
        assert (recorded.points, recorded.balance) == (earned, self._of(self.shop.purchases[-1])[1])

    @precondition(lambda self: self._amendable())
    @rule(data=st.data(), lines=LINES)
    def amend(self, data: st.DataObject, lines: tuple[Line, ...]) -> None:
        number = data.draw(st.sampled_from(self._amendable()))
        expected = self.shop.amend(number, lines)
        self.keys += 1
        command = AmendPurchase(self.purchase_ids[number], _bought(lines), f"amend-{self.keys}", b"")

        amended = self.merchant.tell(lambda uow: service.amend_purchase(uow, command=command))

        there = amended.points, amended.shortfall, amended.balance
        assert there == (expected, *self._of(self.shop.purchases[number]))

    @rule(who=WHO, lines=LINES, time=WAITS, data=st.data())
    def buy_and_return(self, who: int, lines: tuple[Line, ...], time: timedelta, data: st.DataObject) -> None:
        """Never there, whatever the split of the returns."""
        self.wait(time)
        before = self._state()
        self.buy(who, lines)
        number = len(self.purchase_ids) - 1
        for _ in range(data.draw(st.integers(0, 3))):
            if left := self.shop.left_of(number):
                amount = data.draw(st.integers(1, left))
                expected = self.shop.refund(number, pieces={}, free=amount)
                self._same(number, expected, self._refund(number, AmountRefund(amount)))
        self._refund_rest(number)

        assert self._state().hash == before.hash

    @rule(who=WHO, lines=LINES, data=st.data(), time=WAITS)
    def check_out_and_return(self, who: int, lines: tuple[Line, ...], data: st.DataObject, time: timedelta) -> None:
        """Never there either: what coupons, a budget and points have paid comes back, however it was held before."""
        self.wait(time)
        coupon = self._coupon(who, data.draw(BENEFITS))
        before = self._state()
        points = data.draw(st.none() | st.just(ALL) | st.builds(PointsAsked, st.integers(1, 40)))
        coupons = (coupon,) if data.draw(st.booleans()) else ()
        cart = self.till.quote(self.member_ids[who], lines=_bought(lines), coupon_ids=coupons, points=points).cart
        if data.draw(st.booleans()):
            self.till.reserve(cart)
        command = self.till.commit_command(cart)
        done = self.merchant.tell(lambda uow: checkout.commit_cart(uow, command=command))
        left = done.total_minor
        for _ in range(data.draw(st.integers(0, 3))):
            if left > 0:
                amount = AmountRefund(data.draw(st.integers(1, left)))
                left -= self._refund_of(done.recorded.purchase_id, amount).refunded_minor
        self._refund_of(done.recorded.purchase_id, FullRefund())

        assert self._state().hash == before.hash

    @rule(who=WHO, lines=LINES, data=st.data(), time=WAITS)
    def use_and_return(self, who: int, lines: tuple[Line, ...], data: st.DataObject, time: timedelta) -> None:
        """What is wanted back is spent, held, given away or has ended."""
        self.buy(who, lines)
        number = len(self.purchase_ids) - 1
        self._use(who, data, time)
        self._refund_rest(number)

    @rule(who=WHO, lines=LINES)
    def return_what_is_given_away(self, who: int, lines: tuple[Line, ...]) -> None:
        """Of every unit."""
        self.buy(who, lines)
        number = len(self.purchase_ids) - 1
        for unit in sorted(self.shop.program.units):
            if points := self.shop.available(who, unit):
                self.pass_on(who, unit, points)
        self._refund_rest(number)

    @rule(who=WHO, goods=GOODS, off=st.integers(40, 150), data=st.data(), times=st.tuples(WAITS, WAITS))
    def return_discount(
        self, who: int, goods: Line, off: int, data: st.DataObject, times: tuple[timedelta, timedelta]
    ) -> None:
        """Some goods come back, then the discount that was rung up beside them: what is left is worth more."""
        self.buy(who, (goods, Line(-off, 1, goods.category)))
        number = len(self.purchase_ids) - 1
        self._use(who, data, times[0])
        self._return(number, {0: data.draw(st.integers(1, 3))})
        match data.draw(st.sampled_from(["wait", "use", "give"])):
            case "wait":
                self.wait(times[1])
            case "use":
                self._use(who, data, times[1])
            case _:
                self.give(who, data.draw(POINTS))
        self._return(number, {1: 1})

    @rule(who=WHO, lines=LINES, time=CLAIM_TIMES, data=st.data())
    def buy_and_claim(self, who: int, lines: tuple[Line, ...], time: timedelta, data: st.DataObject) -> None:
        """Who it was is known when something else may have been decided."""
        self.buy_as_guest(lines)
        number = len(self.purchase_ids) - 1
        self.wait(time)
        if data.draw(st.booleans()) and (left := self.shop.left_of(number)):
            self.shop.refund(number, pieces={}, free=left // 2 + 1)
            self._refund(number, AmountRefund(left // 2 + 1))
        self.claim_number(number, who)

    @precondition(lambda self: self.is_reviewed)
    @rule(who=WHO, lines=LINES, days=st.integers(1, 25), hours=st.integers(0, 30))
    def claim_after_review(self, who: int, lines: tuple[Line, ...], days: int, hours: int) -> None:
        """What a review did not know of counts in the period in which it happened."""
        at = self.shop.next_loss(who)
        if at is not None:
            self.wait(max(timedelta(0), at - self.shop.now - timedelta(days=days)))
            self.buy_as_guest(lines)
            number = len(self.purchase_ids) - 1
            self.wait(at - self.shop.now + timedelta(hours=hours))
            self.claim_number(number, who)

    def _use(self, who: int, data: st.DataObject, time: timedelta) -> None:
        use = data.draw(st.sampled_from(["spend", "hold", "give away", "wait"]))
        if use == "wait":
            self.wait(time)
        elif self._purses(own=use == "spend"):
            uses: dict[str, Any] = {
                "spend": self.spend,
                "give away": self.give_away,
                "hold": partial(self.hold, time=time),
            }
            uses[use](data=data)

    def _buy(self, member_id: UUID | None, lines: tuple[Line, ...]) -> Any:
        command = self.merchant.purchase_command(self.store, member_id, lines=_bought(lines))
        bought = self.merchant.record(command)
        self.purchase_ids.append(bought.purchase_id)
        self.receipts.append(command.external_id)
        return bought

    def _guests(self) -> list[int]:
        """Receipts that can be claimed."""
        if not hasattr(self, "shop"):
            return []
        return [
            each.number
            for each in self.shop.purchases
            if each.member is None and not each.is_void and self.shop.now - each.at < CLAIMED_WITHIN
        ]

    def _returnable(self) -> list[int]:
        """Purchases of which something can come back yet."""
        numbers = range(len(self.purchase_ids))
        return [number for number in numbers if not self.shop.purchases[number].is_void and self._rest(number)]

    def _amendable(self) -> list[int]:
        numbers = self._returnable()
        return [n for n in numbers if not (self.shop.purchases[n].returned or self.shop.purchases[n].free)]

    def _refund(self, number: int, request: RefundRequest) -> RefundedPurchase:
        return self._refund_of(self.purchase_ids[number], request)

    def _refund_of(self, purchase_id: UUID, request: RefundRequest) -> RefundedPurchase:
        command = self.merchant.refund_command(purchase_id, request)
        return self.merchant.tell(lambda uow: service.refund_purchase(uow, command=command))

    def _refund_rest(self, number: int) -> None:
        if pieces := self._rest(number):
            expected = self.shop.refund(number, pieces=pieces, free=0)

            self._same(number, expected, self._refund(number, FullRefund()))

    def _rest(self, number: int) -> dict[int, int]:
        places = range(len(self.shop.purchases[number].lines))
        return {place: there for place in places if (there := self.shop.pieces_of(number, place))}

    def _same(self, number: int, expected: int, refunded: RefundedPurchase) -> None:
        there = refunded.points, refunded.shortfall, refunded.balance
        assert there == (expected, *self._of(self.shop.purchases[number]))

    def _of(self, purchase: Purchase) -> tuple[int, int]:
        """The shortfall of a purchase, and what its buyer can spend."""
        if purchase.member is None:
            return 0, 0
        return self.shop.backs[purchase.number, OWN_UNIT].shortfall, self.shop.available(purchase.member)

    def _coupon(self, who: int, benefit: Benefit) -> UUID:
        """A coupon of that kind, of which there is one for each member; a budget pays for all."""
        if self.budget is None:
            self.budget = self.till.budget(money_max=1_000_000, units_max=1_000)
        if benefit not in self.kinds:
            self.kinds[benefit] = self.till.coupon_kind(benefit, budget_id=self.budget.id)
        if (who, benefit) not in self.coupons:
            self.coupons[who, benefit] = self.till.give(self.member_ids[who], self.kinds[benefit])
        return self.coupons[who, benefit]


def _bought(lines: tuple[Line, ...]) -> tuple[BoughtLine, ...]:
    return tuple(
        BoughtLine(f"sku-{place}", Decimal(line.pieces), line.amount, category=(line.category,))
        for place, line in enumerate(lines)
    )


def _lines(pieces: dict[int, int]) -> LineRefund:
    return LineRefund(tuple(ReturnedLine(place + 1, Decimal(count)) for place, count in pieces.items()))
