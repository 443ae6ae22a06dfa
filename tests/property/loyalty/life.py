"""A life of the state machine: points and time. Each step is done to one merchant and to the second opinion."""

import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.loyalty.adjustments import service as adjustments
from services.loyalty.adjustments.domain import AdjustPoints
from services.loyalty.redemptions import service as redemptions
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.property.loyalty import books
from tests.property.loyalty.bench import PassingMerchant, told_again
from tests.property.loyalty.model import Program, Shop
from tests.support.state_hash import State

MEMBERS = 2
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
        self.shop: Shop
        self.member_ids: list[UUID]
        self.merchant = PassingMerchant(database, tenant.home)
        self.programs = programs
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
            assert self.merchant.do(command) == told_again(answer)
        assert self._state() == before
        assert self.merchant.verdict().faults == ()

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
        self.pass_on(*self._some(data))

    def pass_on(self, who: int, unit: str, points: int) -> None:
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

    @precondition(lambda self: self.is_reviewed)
    @rule(who=WHO, hours=st.integers(0, 30))
    def wait_for_review(self, who: int, hours: int) -> None:
        """Until a tier is lost or in question: what comes now decides."""
        if (at := self.shop.next_loss(who)) is not None:
            self.wait(at - self.shop.now + timedelta(hours=hours))

    @rule()
    def night(self) -> None:
        """The night work runs; whether it does makes no difference."""
        self.merchant.night()

    @precondition(lambda self: self.merchant.told)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Whatever was told before, told again: the same answer, and nothing else."""
        command, answer = data.draw(st.sampled_from(self.merchant.told))
        before = self._state()

        again = self.merchant.do(command)

        assert again == told_again(answer)
        assert self._state() == before

    # --- laws ---

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "shop"):
            return
        expected = books.balances(self.shop, self.member_ids)
        found, there = self.merchant.look(self.member_ids)
        read = {
            (each.holder_id, each.unit): (each.pending, each.available, each.held, each.owed)
            for balances in found.values()
            for each in balances
        }
        assert {key: sums for key, sums in read.items() if any(sums)} == expected
        assert there.balances == expected
        assert books.worth(there) == books.lots(self.shop, self.member_ids)
        assert there.caps == books.caps(self.shop, self.member_ids)
        assert books.tiers_there(there) == books.tiers(self.shop, self.member_ids)

    # --- how ---

    @property
    def is_reviewed(self) -> bool:
        """Whether the tiers of the program are."""
        return hasattr(self, "shop") and self.shop.program.terms is not None

    def _state(self) -> State:
        return self.merchant.look(self.member_ids)[1]

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

    def _gift(self, points: int) -> Any:
        if points not in self.gifts:
            self.gifts[points] = self.merchant.reward(f"gift-{points}", cost=points, stock=1_000)
        return self.gifts[points]
