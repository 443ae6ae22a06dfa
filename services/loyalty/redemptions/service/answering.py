"""What is told after a redemption has moved: the answer, the stored answer, the letter."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.contracts.events.loyalty import RewardRedeemed
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.redemptions.domain import RedeemedReward, Redemption
from services.loyalty.rewards.domain import RewardContent
from services.loyalty.stores.domain import Store
from services.platform.db.session import Statement
from services.platform.idempotency import service as idempotency


def settle_statement(operation: str, key: str, answer: RedeemedReward) -> Statement:
    """Store the answer under the client's key."""
    content = {
        "redemptionId": str(answer.redemption_id),
        "memberId": str(answer.member_id),
        "points": answer.points,
        "balance": answer.balance,
    }
    return idempotency.settle_statement(operation=operation, key=key, result=content)


def replay(answer: Mapping[str, Any]) -> RedeemedReward:
    """The stored answer again."""
    return RedeemedReward(
        redemption_id=UUID(answer["redemptionId"]),
        member_id=UUID(answer["memberId"]),
        points=answer["points"],
        balance=answer["balance"],
        replayed=True,
    )


def letter(
    redemption: Redemption,
    content: RewardContent,
    *,
    balance: int,
    document: ProgramDocument,
    merchant_name: str,
    store: Store | None,
) -> RewardRedeemed:
    """What the member who paid is told."""
    return RewardRedeemed(
        redemption_id=redemption.id,
        member_id=redemption.member_id,
        merchant_name=merchant_name,
        reward_name_en=content.name_en,
        reward_name_zh=content.name_zh,
        occurred_at=redemption.confirmed_at or redemption.occurred_at,
        timezone=store.timezone if store else document.timezone,
        points=redemption.points,
        balance=balance,
        unit_name_en=document.unit.name.en,
        unit_name_zh=document.unit.name.zh,
        unit_scale=document.unit.scale,
    )
