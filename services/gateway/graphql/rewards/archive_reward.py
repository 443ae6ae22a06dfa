"""archiveReward."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.rewards.types import Reward
from services.loyalty.rewards import service
from services.loyalty.rewards.errors import RewardNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A reward to offer no longer.")
class ArchiveRewardInput:
    reward_id: strawberry.ID = strawberry.field(description="The reward.")


@strawberry.type(description="The reward after it was archived.")
class ArchiveRewardPayload:
    reward: Reward = strawberry.field(description="The reward.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Stop offering a reward. What was redeemed stays; a repeat changes nothing.",
    errors=(RewardNotFound,),
)
async def archive_reward(info: Info, input: ArchiveRewardInput) -> ArchiveRewardPayload:
    """Archive a reward."""
    reward_id = decode("Reward", input.reward_id, field="rewardId")
    reward = await info.context.run_command(lambda uow: service.archive_reward(uow, reward_id=reward_id), has_key=False)
    return ArchiveRewardPayload(reward=Reward.from_domain(reward))
