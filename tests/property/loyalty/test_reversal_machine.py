"""Whatever is bought, returned, spent, held, given and claimed: the books are what a second opinion says."""

import dataclasses
import sys
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
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

from services.loyalty.adjustments import service as adjustments
from services.loyalty.adjustments.domain import AdjustPoints
from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.ledger import queries as ledger
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import BoughtLine, RefundedPurchase
from services.loyalty.purchases.domain.changes import AmendPurchase, VoidPurchase
from services.loyalty.redemptions import service as redemptions
from services.loyalty.stores.domain import Store
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.property.loyalty import books
from tests.property.loyalty.bench import PassingMerchant
from tests.property.loyalty.lives import FAMILIES, LINES, program_json
from tests.property.loyalty.model import Line, Program, Purchase, Shop
from tests.support.state_hash import State, state

MEMBERS = 2
STEPS = 30
"""Of one life. Shorter ones find less, longer ones find the same again."""
LIVES = 320
"""Of all families together, at least; the nightly profile plays more."""
CLAIMED_WITHIN = timedelta(days=30)

WAITS = st.sampled_from(
    [
        timedelta(days=33),
        timedelta(minutes=40),
        timedelta(days=4),
        timedelta(hours=9),
        timedelta(days=10),
        timedelta(days=1),
    ]
)
HOLD_TIMES = st.sampled_from([timedelta(minutes=30), timedelta(hours=10), timedelta(days=6)])
WHO = st.integers(0, MEMBERS - 1)
POINTS = st.integers(1, 40)


class Life(RuleBasedStateMachine):
    """One merchant and the second opinion side by side; each step is done to both."""

    def __init__(self, database: Database, tenant: Tenant, programs: st.SearchStrategy[Program]) -> None:
        super().__init__()
        self.merchant = PassingMerchant(database, tenant.home)
        self.programs = programs
        self.purchase_ids: list[UUID] = []
        self.receipts: list[str] = []
        self.hold_ids: list[UUID] = []
        self.gifts: dict[int, Any] = {}
        self.keys = 0

    def teardown(self) -> None:
        try:
            # What went wrong before is told alone.
            if hasattr(self, "shop") and sys.exc_info()[0] is None:
                self.end()
        finally:
            self.merchant.end()

    def end(self) -> None:
        """All that was ever told, told once more, changes nothing; and the ledger's own recount finds no fault."""
        before = self._state()
        for command, answer in self.merchant.told:
            assert self.merchant.do(command) == dataclasses.replace(answer, replayed=True)
        assert self._state() == before
        assert self.merchant.verdict().faults == ()

    @initialize(data=st.data())
    def open(self, data: st.DataObject) -> None:
        program = data.draw(self.programs)
        self.store: Store = self.merchant.store()
        self.merchant.program(program_json(program))
        self.member_ids = [self.merchant.member() for _ in range(MEMBERS)]
        self.shop = Shop(program, MEMBERS, self.merchant.now)
        # Nothing can be returned, held or given away before there is something: so there is.
        self.buy(0, data.draw(LINES))
        self.give(1, data.draw(POINTS))

    # --- points ---

    @rule(who=WHO, points=POINTS)
    def give(self, who: int, points: int) -> None:
        self.shop.give(who, points)

        self.keys += 1
        command = AdjustPoints(self.member_ids[who], points, "goodwill", f"give-{self.keys}", b"")
        self.merchant.tell(lambda uow: adjustments.adjust_points(uow, command=command))

    @precondition(lambda self: self._purses(own=True))
    @rule(data=st.data())
    def spend(self, data: st.DataObject) -> None:
        who, _, points = self._some(data, own=True)
        self.shop.spend(who, points)

        command = self.merchant.redeem_command(self.member_ids[who], self._gift(points))
        self.merchant.tell(lambda uow: redemptions.redeem_reward(uow, command=command))

    @precondition(lambda self: self._purses())
    @rule(data=st.data())
    def give_away(self, data: st.DataObject) -> None:
        who, unit, points = self._some(data)
        to = (who + 1) % MEMBERS
        self.shop.transfer(who, to, unit, points)

        given = self.merchant.transfer(self.member_ids[who], self.member_ids[to], unit, points)

        assert given.balance == self.shop.available(who, unit)

    @precondition(lambda self: self._purses())
    @rule(data=st.data(), time=HOLD_TIMES)
    def hold(self, data: st.DataObject, time: timedelta) -> None:
        who, unit, points = self._some(data)
        self.shop.hold(who, unit, points, time)

        held = self.merchant.hold(self.member_ids[who], unit, points, time)

        assert held.balance == self.shop.available(who, unit)
        self.hold_ids.append(held.hold_id)

    @precondition(lambda self: self._open_holds())
    @rule(data=st.data())
    def capture(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self._open_holds()))
        held = self.shop.holds[number].points
        points, keeps_rest = data.draw(st.integers(1, held) | st.just(held)), data.draw(st.booleans())
        self.shop.capture(number, points, keeps_rest=keeps_rest)

        self.merchant.capture(self.hold_ids[number], points, keeps_rest=keeps_rest)

    @precondition(lambda self: self._open_holds())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self._open_holds()))
        self.shop.release(number)

        self.merchant.release(self.hold_ids[number])

    # --- time ---

    @rule(time=WAITS)
    def wait(self, time: timedelta) -> None:
        self.shop.wait(time)
        self.merchant.now = self.shop.now

    @rule()
    def night(self) -> None:
        """The night work runs; whether it does makes no difference."""
        self.merchant.night()

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
        number = data.draw(st.sampled_from(self._guests()))
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
        expected = self.shop.refund(number, pieces=pieces, free=0)
        lines = tuple(ReturnedLine(place + 1, Decimal(count)) for place, count in pieces.items())

        self._same(number, expected, self._refund(number, LineRefund(lines)))

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
        for _ in range(data.draw(st.integers(0, 3))):
            number = len(self.purchase_ids) - 1
            if left := self.shop.left_of(number):
                amount = data.draw(st.integers(1, left))
                expected = self.shop.refund(number, pieces={}, free=amount)
                self._same(number, expected, self._refund(number, AmountRefund(amount)))
        self._refund_rest(len(self.purchase_ids) - 1)

        assert self._state().hash == before.hash

    @rule(who=WHO, lines=LINES, data=st.data(), time=WAITS)
    def use_and_return(self, who: int, lines: tuple[Line, ...], data: st.DataObject, time: timedelta) -> None:
        """What is wanted back is spent, held, given away or has ended."""
        self.buy(who, lines)
        use = data.draw(st.sampled_from([self.spend, self.hold, self.give_away, self.wait]))
        if use == self.wait:
            self.wait(time)
        elif self._purses(own=use == self.spend):
            use(data, time) if use == self.hold else use(data)
        self._refund_rest(len(self.purchase_ids) - 1)

    @precondition(lambda self: self.merchant.told)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Whatever was told before, told again: the same answer, and nothing else."""
        command, answer = data.draw(st.sampled_from(self.merchant.told))
        before = self._state()

        again = self.merchant.do(command)

        assert again == dataclasses.replace(answer, replayed=True)
        assert self._state() == before

    # --- laws ---

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "shop"):
            return
        expected = books.balances(self.shop, self.member_ids)
        found = self.merchant.read(lambda session: ledger.balances(session, holder_ids=self.member_ids))
        read = {
            (each.holder_id, each.unit): (each.pending, each.available, each.held, each.owed)
            for balances in found.values()
            for each in balances
        }
        assert {key: sums for key, sums in read.items() if any(sums)} == expected
        there = self._state()
        assert there.balances == expected
        assert books.worth(there) == books.lots(self.shop, self.member_ids)
        assert there.caps == books.caps(self.shop, self.member_ids)
        assert {member_id: tier[:3] for member_id, tier in there.tiers.items()} == books.tiers(
            self.shop, self.member_ids
        )

    # --- how ---

    def _state(self) -> State:
        return self.merchant.after_the_night(state)

    def _purses(self, *, own: bool = False) -> list[tuple[int, str, int]]:
        """Who can spend how much of which unit."""
        units = ["points"] if own else sorted(self.shop.program.units)
        purses = [(who, unit, self.shop.available(who, unit)) for who in range(MEMBERS) for unit in units]
        return [purse for purse in purses if purse[2]]

    def _some(self, data: st.DataObject, *, own: bool = False) -> tuple[int, str, int]:
        """Points that are there."""
        who, unit, there = data.draw(st.sampled_from(self._purses(own=own)))
        return who, unit, data.draw(st.just(there) | st.integers(1, there))

    def _open_holds(self) -> list[int]:
        return [number for number, hold in enumerate(self.shop.holds) if hold.parts]

    def _buy(self, member_id: UUID | None, lines: tuple[Line, ...]) -> Any:
        command = self.merchant.purchase_command(self.store, member_id, lines=_bought(lines))
        bought = self.merchant.record(command)
        self.purchase_ids.append(bought.purchase_id)
        self.receipts.append(command.external_id)
        return bought

    def _guests(self) -> list[int]:
        """Receipts that can be claimed. How a claim counts in a period that was reviewed is another matter."""
        if not hasattr(self, "shop") or self.shop.program.terms is not None:
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
        command = self.merchant.refund_command(self.purchase_ids[number], request)
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
        return purchase.back["points"].shortfall, self.shop.available(purchase.member)

    def _gift(self, points: int) -> Any:
        if points not in self.gifts:
            self.gifts[points] = self.merchant.reward(f"gift-{points}", cost=points)
        return self.gifts[points]


def _bought(lines: tuple[Line, ...]) -> tuple[BoughtLine, ...]:
    return tuple(
        BoughtLine(f"sku-{place}", Decimal(line.pieces), line.amount, category=(line.category,))
        for place, line in enumerate(lines)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_books_are_what_a_second_opinion_says(database: Database, tenant: Tenant, family: str) -> None:
    # It takes whatever makes a machine; only its types ask for a class.
    make: Any = partial(Life, database, tenant, FAMILIES[family])
    lives = max(LIVES, settings().max_examples) // len(FAMILIES)

    run_state_machine_as_test(make, settings=settings(stateful_step_count=STEPS, max_examples=lives))
