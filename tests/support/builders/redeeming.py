"""Rewards offered on terms, and what becomes of their redemptions: each verb in a unit of work of its own."""

from typing import Any
from uuid import UUID

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Budget, BudgetContent, CreateBudget
from services.loyalty.redemptions import queries, service
from services.loyalty.redemptions.domain import (
    CancelReason,
    CancelRedemption,
    CollectRedemption,
    ConfirmRedemption,
    FulfillRedemption,
    Handled,
    HoldReward,
    RedeemedReward,
    Redemption,
)
from services.loyalty.rewards import queries as reward_queries
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import (
    CreateReward,
    ImportedCodes,
    ImportRewardCodes,
    Reward,
    RewardContent,
    RewardKind,
    RewardTerms,
)
from services.loyalty.stores.domain import Store
from tests.support.builders.merchant import Merchant


def offer(
    merchant: Merchant,
    code: str = "mug",
    *,
    kind: RewardKind = RewardKind.PHYSICAL,
    cost: int = 10,
    stock: int | None = None,
    **terms: Any,
) -> Reward:
    content = RewardContent(kind, code.title(), code, "", "", cost, RewardTerms(**terms))
    return merchant.do(lambda uow: rewards.create_reward(uow, command=CreateReward(code, content, stock)))


def budget(merchant: Merchant, **content: Any) -> Budget:
    command = CreateBudget("gifts", BudgetContent("Gifts", "礼品", **content))
    return merchant.do(lambda uow: budgets.create_budget(uow, command=command))


def key(merchant: Merchant) -> dict[str, Any]:
    number = next(merchant.numbers)
    return {"idempotency_key": f"key-{number}", "request_hash": str(number).encode()}


def hold(merchant: Merchant, member: UUID, reward: Reward, **changes: Any) -> RedeemedReward:
    command = HoldReward(member, reward.id, **(key(merchant) | {"minutes": 30} | changes))
    return merchant.do(lambda uow: service.hold_reward(uow, command=command, is_last=True))


def confirm(merchant: Merchant, redemption_id: UUID, **changes: Any) -> RedeemedReward:
    command = ConfirmRedemption(redemption_id, **(key(merchant) | changes))
    return merchant.do(lambda uow: service.confirm_redemption(uow, command=command, is_last=True))


def cancel(merchant: Merchant, redemption_id: UUID, **changes: Any) -> RedeemedReward:
    command = CancelRedemption(redemption_id, **(key(merchant) | {"reason": CancelReason.CHANGED_MIND} | changes))
    return merchant.do(lambda uow: service.cancel_redemption(uow, command=command, is_last=True))


def fulfill(merchant: Merchant, redemption_id: UUID, **changes: Any) -> Handled:
    command = FulfillRedemption(redemption_id, **(key(merchant) | changes))
    return merchant.do(lambda uow: service.fulfill_redemption(uow, command=command))


def collect(merchant: Merchant, code: str, store: Store, **changes: Any) -> Handled:
    command = CollectRedemption(code, store.id, **(key(merchant) | changes))
    return merchant.do(lambda uow: service.collect_redemption(uow, command=command))


def stored(merchant: Merchant, redemption_id: UUID) -> Redemption:
    found = merchant.read(lambda session: queries.redemption_by_id(session, redemption_id=redemption_id))
    assert found is not None
    return found


def stock_of(merchant: Merchant, reward: Reward) -> int | None:
    found = merchant.read(lambda session: reward_queries.reward_by_id(session, reward_id=reward.id))
    assert found is not None
    return found.stock


def import_codes(merchant: Merchant, reward: Reward, text: str, **changes: Any) -> ImportedCodes:
    command = ImportRewardCodes(reward.id, text, **(key(merchant) | changes))
    return merchant.do(lambda uow: rewards.import_codes(uow, command=command))


def codes_of(merchant: Merchant, redemption_id: UUID) -> tuple[str, ...]:
    found = merchant.read(lambda session: reward_queries.codes_by_redemptions(session, redemption_ids=[redemption_id]))
    return found.get(redemption_id, ())


def rich(merchant: Merchant, points: int = 100) -> UUID:
    member_id = merchant.member()
    merchant.adjust(member_id, points)
    return member_id
