"""Whatever is bought, returned, spent and waited for, in whatever order: the books are what a second opinion says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.programs.domain import (
    Activation,
    Cap,
    CapPeriod,
    Expiry,
    OwingPolicy,
    Policies,
    RefundPolicy,
    Rolling,
    Span,
    TierLevel,
    TierMetric,
    TierSet,
    TimeUnit,
    document_json,
)
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import BoughtLine, RefundedPurchase
from services.loyalty.purchases.domain.changes import AmendPurchase, VoidPurchase
from services.loyalty.stores.domain import Store
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.property.loyalty.bench import PassingMerchant
from tests.property.loyalty.model import Line, Program, Purchase, Rule, Shop
from tests.support.builders import programs
from tests.support.state_hash import State, state

MEMBERS = 2
CATEGORIES = ("food", "drinks")
STEPS = 12
"""Of one life. Shorter ones find less, longer ones find the same again."""

WAITS = st.sampled_from(
    [timedelta(hours=1), timedelta(hours=9), timedelta(days=1), timedelta(days=4), timedelta(days=10)]
)

LINES = st.lists(
    st.builds(Line, amount=st.integers(0, 900), pieces=st.integers(1, 4), category=st.sampled_from(CATEGORIES)),
    min_size=1,
    max_size=3,
).map(tuple)
RULES = st.builds(
    Rule,
    id=st.just("main"),
    points=st.integers(1, 7),
    per=st.sampled_from([1, 10, 30, 100, 250]),
    is_step=st.booleans(),
    category=st.sampled_from([None, *CATEGORIES]),
    cap=st.none() | st.integers(1, 60),
)
LADDERS = st.sampled_from(
    [
        (("base", 0, Fraction(1)),),
        (("base", 0, Fraction(1)), ("gold", 25, Fraction(3, 2))),
        (("base", 0, Fraction(1)), ("silver", 8, Fraction(5, 4)), ("gold", 700, Fraction(2))),
    ]
)
PROGRAMS = st.builds(
    Program,
    rules=st.tuples(RULES, RULES).map(lambda pair: (pair[0], Rule(**{**vars(pair[1]), "id": "more"})))
    | RULES.map(lambda one: (one,)),
    levels=LADDERS,
    counts_spend=st.booleans(),
    in_proportion=st.booleans(),
    owed_max=st.sampled_from([0, 2, 15, 1_000]),
    waits_days=st.sampled_from([0, 0, 0, 3]),
    lives_days=st.sampled_from([None, 4, 8, 40]),
)


def program_json(program: Program) -> dict[str, Any]:
    """The program as a merchant saves it."""
    lasts: dict[str, Any] = {}
    if program.waits_days:
        lasts["activation"] = Activation(after=Span(program.waits_days, TimeUnit.DAY))
    if program.lives_days is not None:
        lasts["expiry"] = Expiry(Rolling(Span(program.lives_days, TimeUnit.DAY)))
    made = programs.program(
        *(
            programs.spend(
                rule.id,
                rule.points,
                rule.per,
                mode="step" if rule.is_step else "proportional",
                lines=programs.under(rule.category) if rule.category else None,
                caps=() if rule.cap is None else (Cap(rule.cap, CapPeriod.DAY),),
                **lasts,
            )
            for rule in program.rules
        ),
        tiers=TierSet(
            TierMetric.SPEND if program.counts_spend else TierMetric.POINTS_EARNED,
            tuple(
                TierLevel(code, programs.NAME, threshold, Decimal(factor.numerator) / factor.denominator)
                for code, threshold, factor in program.levels
            ),
            counts_pending=True,
        ),
        policies=Policies(
            refund=RefundPolicy.PROPORTIONAL if program.in_proportion else RefundPolicy.RECOMPUTE,
            owing=OwingPolicy.ALLOW if program.owed_max else OwingPolicy.FORBID,
            owed_points_max=program.owed_max,
        ),
    )
    return document_json(made)


class Life(RuleBasedStateMachine):
    """One merchant and the second opinion side by side; each step is done to both."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        super().__init__()
        self.merchant = PassingMerchant(database, tenant.home)
        self.purchase_ids: list[UUID] = []
        self.gifts: dict[int, Any] = {}
        self.keys = 0

    def teardown(self) -> None:
        self.merchant.end()

    @initialize(program=PROGRAMS)
    def open(self, program: Program) -> None:
        self.store: Store = self.merchant.store()
        self.merchant.program(program_json(program))
        self.member_ids = [self.merchant.member() for _ in range(MEMBERS)]
        self.shop = Shop(program, MEMBERS, self.merchant.now)

    # --- steps ---

    @rule(who=st.integers(0, MEMBERS - 1), lines=LINES)
    def buy(self, who: int, lines: tuple[Line, ...]) -> None:
        expected = self.shop.buy(who, lines)

        bought = self.merchant.buy(self.store, self.member_ids[who], lines=_bought(lines))

        assert (bought.points, bought.balance) == (expected, self.shop.available(who))
        self.purchase_ids.append(bought.purchase_id)

    @rule(who=st.integers(0, MEMBERS - 1), points=st.integers(1, 40))
    def give(self, who: int, points: int) -> None:
        self.shop.give(who, points)

        self.merchant.adjust(self.member_ids[who], points)

    @rule(who=st.integers(0, MEMBERS - 1), data=st.data())
    def spend(self, who: int, data: st.DataObject) -> None:
        if there := self.shop.available(who):
            points = data.draw(st.just(there) | st.integers(1, there))
            self.shop.spend(who, points)

            self.merchant.redeem(self.member_ids[who], self._gift(points))

    @rule(time=WAITS)
    def wait(self, time: timedelta) -> None:
        self.shop.wait(time)
        self.merchant.now = self.shop.now

    @precondition(lambda self: self.purchase_ids)
    @rule(data=st.data())
    def refund_amount(self, data: st.DataObject) -> None:
        number = self._purchase(data)
        if (left := self.shop.left_of(number)) and not self.shop.purchases[number].is_void:
            amount = data.draw(st.integers(1, left))
            expected = self.shop.refund(number, pieces={}, free=amount)

            self._same(number, expected, self._refund(number, AmountRefund(amount)))

    @precondition(lambda self: self.purchase_ids)
    @rule(data=st.data())
    def refund_lines(self, data: st.DataObject) -> None:
        number = self._purchase(data)
        pieces = {
            place: data.draw(st.integers(1, there))
            for place in range(len(self.shop.purchases[number].lines))
            if (there := self.shop.pieces_of(number, place)) and data.draw(st.booleans())
        }
        if pieces and not self.shop.purchases[number].is_void:
            expected = self.shop.refund(number, pieces=pieces, free=0)
            lines = tuple(ReturnedLine(place + 1, Decimal(count)) for place, count in pieces.items())

            self._same(number, expected, self._refund(number, LineRefund(lines)))

    @precondition(lambda self: self.purchase_ids)
    @rule(data=st.data())
    def refund_rest(self, data: st.DataObject) -> None:
        number = self._purchase(data)
        if not self.shop.purchases[number].is_void:
            self._refund_rest(number)

    @precondition(lambda self: self.purchase_ids)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        number = self._purchase(data)
        purchase = self.shop.purchases[number]
        if not purchase.is_void:
            expected = self.shop.refund(number, pieces=self._rest(number), free=0) if self._rest(number) else 0
            purchase.is_void = True
            self.keys += 1
            command = VoidPurchase(self.purchase_ids[number], f"void-{self.keys}", b"")

            self._same(number, expected, self.merchant.do(lambda uow: service.void_purchase(uow, command=command)))

    @precondition(lambda self: self.purchase_ids)
    @rule(data=st.data(), lines=LINES)
    def amend(self, data: st.DataObject, lines: tuple[Line, ...]) -> None:
        number = self._purchase(data)
        purchase = self.shop.purchases[number]
        if not (purchase.is_void or purchase.returned or purchase.free):
            expected = self.shop.amend(number, lines)
            self.keys += 1
            command = AmendPurchase(self.purchase_ids[number], _bought(lines), f"amend-{self.keys}", b"")

            amended = self.merchant.do(lambda uow: service.amend_purchase(uow, command=command))

            there = amended.points, amended.shortfall, amended.balance
            assert there == (expected, purchase.shortfall, self.shop.available(purchase.member))

    @rule(who=st.integers(0, MEMBERS - 1), lines=LINES, time=WAITS, data=st.data())
    def buy_and_return(self, who: int, lines: tuple[Line, ...], time: timedelta, data: st.DataObject) -> None:
        """Never there, whatever the split of the returns."""
        self.wait(time)
        before = self._state()
        self.buy(who, lines)
        for _ in range(data.draw(st.integers(0, 3))):
            number = len(self.purchase_ids) - 1
            if left := self.shop.left_of(number):
                amount = data.draw(st.integers(1, left))
                expected = self.shop.refund(number, pieces={}, free=amount)
                self._same(number, expected, self._refund(number, AmountRefund(amount)))
        self._refund_rest(len(self.purchase_ids) - 1)

        assert self._state().hash == before.hash

    @rule(who=st.integers(0, MEMBERS - 1), lines=LINES, data=st.data())
    def spend_and_return(self, who: int, lines: tuple[Line, ...], data: st.DataObject) -> None:
        """What is wanted back is gone."""
        self.buy(who, lines)
        self.spend(who, data)
        self._refund_rest(len(self.purchase_ids) - 1)

    # --- laws ---

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "shop"):
            return
        there = self._state()
        assert there.balances == self._expected_balances()
        assert _worth(there) == self._expected_lots()
        assert there.caps == self._expected_caps()
        assert {member_id: tier[:3] for member_id, tier in there.tiers.items()} == self._expected_tiers()

    # --- how ---

    def _state(self) -> State:
        return self.merchant.read(state)

    def _purchase(self, data: st.DataObject) -> int:
        number: int = data.draw(st.integers(0, len(self.purchase_ids) - 1))
        return number

    def _refund(self, number: int, request: RefundRequest) -> RefundedPurchase:
        return self.merchant.refund(self.purchase_ids[number], request)

    def _refund_rest(self, number: int) -> None:
        if pieces := self._rest(number):
            expected = self.shop.refund(number, pieces=pieces, free=0)

            self._same(number, expected, self._refund(number, FullRefund()))

    def _rest(self, number: int) -> dict[int, int]:
        places = range(len(self.shop.purchases[number].lines))
        return {place: there for place in places if (there := self.shop.pieces_of(number, place))}

    def _same(self, number: int, expected: int, refunded: RefundedPurchase) -> None:
        purchase: Purchase = self.shop.purchases[number]
        there = refunded.points, refunded.shortfall, refunded.balance
        assert there == (expected, purchase.shortfall, self.shop.available(purchase.member))

    def _gift(self, points: int) -> Any:
        if points not in self.gifts:
            self.gifts[points] = self.merchant.reward(f"gift-{points}", cost=points)
        return self.gifts[points]

    def _expected_balances(self) -> dict[tuple[UUID, str], tuple[int, int, int, int]]:
        sums = {}
        for member_id, member in zip(self.member_ids, self.shop.members, strict=True):
            pending = sum(lot.left for lot in member.lots if lot.starts > self.shop.now)
            available = sum(lot.left for lot in member.lots if lot.starts <= self.shop.now)
            if pending or available or member.owed:
                sums[member_id, "points"] = (pending, available, 0, member.owed)
        return sums

    def _expected_lots(self) -> dict[tuple[UUID, datetime, datetime | None], int]:
        sums: dict[tuple[UUID, datetime, datetime | None], int] = {}
        for member_id, member in zip(self.member_ids, self.shop.members, strict=True):
            for lot in member.lots:
                if lot.left:
                    key = member_id, lot.starts.astimezone(UTC), lot.ends and lot.ends.astimezone(UTC)
                    sums[key] = sums.get(key, 0) + lot.left
        return sums

    def _expected_caps(self) -> dict[tuple[Any, ...], int]:
        return {
            (self.member_ids[who], "rule", rule_id, "points", "day", day): used
            for (who, rule_id, day), used in self.shop.caps.items()
            if used
        }

    def _expected_tiers(self) -> dict[UUID, tuple[Any, ...]]:
        # Somebody who has paid nothing for something has been there all the same.
        visited = {self.member_ids[each.member] for each in self.shop.purchases if not self.shop.is_gone(each)}
        tiers = {
            member_id: (self.shop.tier(member), member.points, member.spend)
            for member_id, member in zip(self.member_ids, self.shop.members, strict=True)
        }
        return {member_id: tier for member_id, tier in tiers.items() if tier != ("base", 0, 0) or member_id in visited}


def _bought(lines: tuple[Line, ...]) -> tuple[BoughtLine, ...]:
    return tuple(
        BoughtLine(f"sku-{place}", Decimal(line.pieces), line.amount, category=(line.category,))
        for place, line in enumerate(lines)
    )


def _worth(there: State) -> dict[tuple[UUID, datetime, datetime | None], int]:
    sums: dict[tuple[UUID, datetime, datetime | None], int] = {}
    for (holder_id, _, _, starts, ends), left in there.lots.items():
        assert starts is not None
        key = holder_id, starts, ends
        sums[key] = sums.get(key, 0) + left
    return sums


def test_the_books_are_what_a_second_opinion_says(database: Database, tenant: Tenant) -> None:
    # It takes whatever makes a machine; only its types ask for a class.
    make: Any = partial(Life, database, tenant)

    run_state_machine_as_test(make, settings=settings(stateful_step_count=STEPS))
