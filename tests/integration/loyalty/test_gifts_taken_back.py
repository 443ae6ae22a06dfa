"""A coupon that somebody uses while the redemption that gave it is canceled: either it is used, or the points are back.

And pieces that nobody confirmed in time, which whoever asks can have.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.checkout import service as checkout
from services.loyalty.coupons import queries as coupon_queries
from services.loyalty.coupons.domain import CouponStatus
from services.loyalty.coupons.errors import CouponUsedUp
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import CancelReason, CancelRedemption, RedemptionStatus
from services.loyalty.redemptions.errors import RedeemedPointsEnded, RedemptionEnded, RedemptionNeedsDecision
from services.loyalty.rewards.domain import RewardKind
from services.loyalty.rewards.errors import RewardOutOfStock
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.changes import wait_for_a_lock
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, ending, program
from tests.support.builders.redeeming import budget, cancel, confirm, hold, key, offer, rich, stock_of, stored
from tests.support.builders.till import Till, off, selling_program

HOLD = timedelta(minutes=30)


class Gift:
    """One member gives another a coupon for points; the other has it in a cart."""

    def __init__(self, merchant: Merchant, store: Store) -> None:
        selling_program(merchant)
        self.merchant, self.till = merchant, Till(merchant, store)
        self.giver, self.friend = rich(merchant), merchant.member()
        definition = self.till.coupon_kind(off(100))
        reward = offer(merchant, "off", kind=RewardKind.COUPON, coupon_definition_id=definition.id)
        self.redemption_id = merchant.redeem(self.giver, reward, recipient=self.friend).redemption_id
        self.cart = self.till.quote(self.friend, 1_000, coupon_ids=(self.coupon_id,)).cart

    @property
    def coupon_id(self) -> UUID:
        (row,) = self.merchant.rows("SELECT id FROM coupons WHERE origin_id = %(id)s", {"id": self.redemption_id})
        return UUID(str(row["id"]))

    def status(self) -> CouponStatus:
        coupon_id = self.coupon_id
        found = self.merchant.read(lambda session: coupon_queries.coupons_by_ids(session, coupon_ids=[coupon_id]))
        return found[coupon_id].status(self.merchant.now)

    def canceling(self) -> CancelRedemption:
        return CancelRedemption(self.redemption_id, reason=CancelReason.CHANGED_MIND, **key(self.merchant))


@pytest.fixture
def gift(merchant: Merchant, store: Store) -> Gift:
    return Gift(merchant, store)


def beside(merchant: Merchant, first: Callable[[UnitOfWork], object], second: Callable[[], object]) -> Any:
    """What comes of the second, which begins before the first is committed."""
    with ThreadPoolExecutor(1) as pool:

        def run(uow: UnitOfWork) -> Any:
            first(uow)
            under_way = pool.submit(second)
            wait_for_a_lock(merchant, under_way)
            return under_way

        under_way = merchant.do(run)
        return under_way.exception() or under_way.result()


def test_a_gift_that_is_used_while_it_is_taken_back_needs_a_decision(merchant: Merchant, gift: Gift) -> None:
    command, canceling = gift.till.commit_command(gift.cart), gift.canceling()

    refusal = beside(
        merchant,
        lambda uow: checkout.commit_cart(uow, command=command),
        lambda: merchant.do(lambda uow: service.cancel_redemption(uow, command=canceling, is_last=True)),
    )

    assert isinstance(refusal, RedemptionNeedsDecision)
    assert refusal.effect == "coupon"
    assert (merchant.balance(gift.giver).available, gift.status()) == (90, CouponStatus.USED)


def test_a_gift_that_is_taken_back_while_it_is_used_is_not_used(merchant: Merchant, gift: Gift) -> None:
    canceling = gift.canceling()

    refusal = beside(
        merchant,
        lambda uow: service.cancel_redemption(uow, command=canceling),
        lambda: gift.till.commit(gift.cart),
    )

    assert isinstance(refusal, CouponUsedUp)
    assert (merchant.balance(gift.giver).available, gift.status()) == (100, CouponStatus.VOIDED)
    assert merchant.rows("SELECT count(*) AS n FROM purchases") == [{"n": 0}]


def test_pieces_that_nobody_confirmed_in_time_can_be_had_at_once(merchant: Merchant) -> None:
    merchant.program()
    paying = budget(merchant, units_max=1)
    reward = offer(merchant, stock=1, budget_id=paying.id)
    late, next_, other = rich(merchant), rich(merchant), rich(merchant)
    held = hold(merchant, late, reward)
    with pytest.raises(RewardOutOfStock):
        merchant.redeem(next_, reward)
    merchant.now = NOW + HOLD

    results = race([lambda: hold(merchant, next_, reward), lambda: hold(merchant, other, reward)])

    assert sorted(isinstance(result, RewardOutOfStock) for result in results) == [False, True]
    (first,) = (result for result in results if not isinstance(result, Exception))
    confirm(merchant, first.redemption_id)
    assert (stock_of(merchant, reward), stored(merchant, held.redemption_id).ended_at) == (0, NOW + HOLD)
    assert stored(merchant, held.redemption_id).status is RedemptionStatus.TIMED_OUT
    with pytest.raises(RedemptionEnded):
        confirm(merchant, held.redemption_id)
    cancel(merchant, first.redemption_id)
    assert stock_of(merchant, reward) == 1
    assert (merchant.balance(late).available, merchant.balance(late).held) == (100, 0)
    assert merchant.verdict().faults == ()


def test_a_late_piece_stays_where_it_was_when_nobody_gets_it(merchant: Merchant) -> None:
    """Who is too poor for it leaves it to the next."""
    merchant.program()
    reward = offer(merchant, stock=1)
    held = hold(merchant, rich(merchant), reward)
    merchant.now = NOW + HOLD
    poor = merchant.member()

    with pytest.raises(InsufficientPoints):
        merchant.redeem(poor, reward)

    assert (stock_of(merchant, reward), stored(merchant, held.redemption_id).expires_at) == (0, NOW + HOLD)
    assert merchant.redeem(rich(merchant), reward).points == 10
    assert stock_of(merchant, reward) == 0


def test_an_answer_asked_for_again_leaves_a_late_piece_where_it_is(merchant: Merchant) -> None:
    merchant.program()
    reward, buyer = offer(merchant, stock=2), rich(merchant)
    known = key(merchant)
    first = merchant.redeem(buyer, reward, **known)
    held = hold(merchant, rich(merchant), reward)
    merchant.now = NOW + HOLD

    again = merchant.redeem(buyer, reward, **known)

    assert (again.redemption_id, again.replayed) == (first.redemption_id, True)
    assert (stock_of(merchant, reward), stored(merchant, held.redemption_id).expires_at) == (0, NOW + HOLD)
    assert merchant.redeem(rich(merchant), reward).points == 10
    assert stock_of(merchant, reward) == 0


def test_members_do_not_renew_their_points_by_giving_back(merchant: Merchant) -> None:
    """Who cancels after the end of the points would get them with a new end: staff may decide so, members may not."""
    program(merchant)
    reward, member_id = offer(merchant), merchant.member()
    accrue(merchant, member_id, 10, validity=ending(merchant, days=10))
    taken = merchant.redeem(member_id, reward)
    merchant.now = NOW + timedelta(days=11)

    with pytest.raises(RedeemedPointsEnded):
        cancel(merchant, taken.redemption_id, by_member=member_id)

    assert stored(merchant, taken.redemption_id).status is RedemptionStatus.CONFIRMED
    cancel(merchant, taken.redemption_id)
    assert merchant.balance(member_id).available == 10
