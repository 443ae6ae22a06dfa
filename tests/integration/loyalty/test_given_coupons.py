"""A kind of coupon that a reward gives is not archived while the reward is offered, whoever is faster."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from services.loyalty.coupons.domain import CouponDefinition
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponDefinitionNotFound
from services.loyalty.programs.domain import LocalizedText
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import CreateReward, RewardContent, RewardKind, RewardTerms, UpdateReward
from services.loyalty.rewards.errors import RewardGivesCoupon
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id
from tests.integration.loyalty.conftest import Dump
from tests.support.builders.changes import wait_for_a_lock
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.redeeming import offer
from tests.support.builders.till import Till, off


def content(definition: CouponDefinition | None) -> RewardContent:
    terms = RewardTerms(coupon_definition_id=definition.id if definition else None)
    return RewardContent(RewardKind.COUPON, "Ten off", "减十元", "", "", 10, terms)


@pytest.fixture
def kind(merchant: Merchant, store: Store) -> CouponDefinition:
    return Till(merchant, store).coupon_kind(off(1_000))


def archive(merchant: Merchant, definition: CouponDefinition) -> CouponDefinition:
    return merchant.do(lambda uow: rewards.archive_coupon_definition(uow, definition_id=definition.id))


def beside(merchant: Merchant, first: Callable[[UnitOfWork], object], second: Callable[[], object]) -> object:
    """What comes of the second, which begins before the first is committed."""
    with ThreadPoolExecutor(1) as pool:

        def run(uow: UnitOfWork) -> Any:
            first(uow)
            under_way = pool.submit(second)
            wait_for_a_lock(merchant, under_way)
            return under_way

        return merchant.do(run).exception()


def test_what_a_reward_gives_is_not_archived(merchant: Merchant, kind: CouponDefinition, dump: Dump) -> None:
    reward = merchant.do(lambda uow: rewards.create_reward(uow, command=CreateReward("ten", content(kind), None)))
    before = dump()

    with pytest.raises(RewardGivesCoupon) as refused:
        archive(merchant, kind)

    assert (refused.value.reward_id, refused.value.reward_name) == (reward.id, LocalizedText(en="Ten off", zh="减十元"))
    assert refused.value.coupon_definition_id == kind.id
    assert dump() == before


@pytest.mark.parametrize("way", ["archived", "gives another"])
def test_once_no_reward_gives_it_any_more_it_is_archived(
    merchant: Merchant, store: Store, kind: CouponDefinition, way: str
) -> None:
    reward = merchant.do(lambda uow: rewards.create_reward(uow, command=CreateReward("ten", content(kind), None)))
    if way == "archived":
        merchant.do(lambda uow: rewards.archive_reward(uow, reward_id=reward.id))
    else:
        other = Till(merchant, store, count(10)).coupon_kind(off(500))
        change = UpdateReward(reward.id, reward.version, content(other))
        merchant.do(lambda uow: rewards.update_reward(uow, command=change))

    assert archive(merchant, kind).archived_at == NOW
    assert archive(merchant, kind).archived_at == NOW


def test_no_reward_gives_what_is_archived_or_not_there(merchant: Merchant, kind: CouponDefinition) -> None:
    reward = offer(merchant, "plain", kind=RewardKind.COUPON)
    archive(merchant, kind)

    with pytest.raises(CouponDefinitionArchived):
        merchant.do(lambda uow: rewards.create_reward(uow, command=CreateReward("ten", content(kind), None)))
    with pytest.raises(CouponDefinitionArchived):
        change = UpdateReward(reward.id, reward.version, content(kind))
        merchant.do(lambda uow: rewards.update_reward(uow, command=change))
    with pytest.raises(CouponDefinitionNotFound):
        offer(merchant, "none", kind=RewardKind.COUPON, coupon_definition_id=new_id())


def test_whoever_is_faster_the_two_agree(merchant: Merchant, kind: CouponDefinition) -> None:
    offering, archiving = CreateReward("ten", content(kind), None), kind.id

    def offer_it(uow: UnitOfWork) -> object:
        return rewards.create_reward(uow, command=offering)

    def archive_it(uow: UnitOfWork) -> object:
        return rewards.archive_coupon_definition(uow, definition_id=archiving)

    assert isinstance(beside(merchant, offer_it, lambda: merchant.do(archive_it)), RewardGivesCoupon)
    merchant.do(lambda uow: uow.execute(b"UPDATE rewards SET archived_at = %(now)s", {"now": NOW}))
    offering = CreateReward("again", content(kind), None)
    assert isinstance(beside(merchant, archive_it, lambda: merchant.do(offer_it)), CouponDefinitionArchived)
