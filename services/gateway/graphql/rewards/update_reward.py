"""updateReward."""

from dataclasses import replace

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.rewards.terms import RewardTermsInput
from services.gateway.graphql.rewards.types import Reward, rewards_by_key
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextInput
from services.loyalty.budgets.errors import BudgetNotFound
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponDefinitionNotFound
from services.loyalty.rewards import domain, service
from services.loyalty.rewards.domain import RewardContent, RewardKind
from services.loyalty.rewards.errors import RewardArchived, RewardChanged, RewardNotFound
from services.platform.auth.domain import Scope
from services.platform.db.session import UnitOfWork


@strawberry.input(description="What to change of a reward. What is left out stays as it is.")
class UpdateRewardInput:
    reward_id: strawberry.ID = strawberry.field(description="The reward.")
    version: int = strawberry.field(description="The version that you edited; refused when somebody was faster.")
    kind: strawberry.Maybe[RewardKind] = strawberry.field(description="What the member gets.")
    name: strawberry.Maybe[LocalizedTextInput] = strawberry.field(description="What members read.")
    description: strawberry.Maybe[LocalizedTextInput] = strawberry.field(
        description="What members read below the name."
    )
    cost_points: strawberry.Maybe[Points] = strawberry.field(description="What it costs from now on.")
    stock: strawberry.Maybe[WholeNumber | None] = strawberry.field(description="How many are left; null without limit.")

    terms: strawberry.Maybe[RewardTermsInput] = strawberry.field(
        description="For whom, where, when, how often; replaces all terms."
    )

    def changed(self, content: RewardContent) -> RewardContent:
        """The content after the change."""
        if self.kind:
            content = replace(content, kind=self.kind.value)
        if self.name:
            content = replace(content, name_en=self.name.value.en, name_zh=self.name.value.zh)
        if self.description:
            given = self.description.value
            content = replace(content, description_en=given.en, description_zh=given.zh)
        if self.cost_points:
            content = replace(content, cost_points=self.cost_points.value)
        if self.terms:
            content = replace(content, terms=self.terms.value.to_domain())
        return content


@strawberry.type(description="The reward after the change.")
class UpdateRewardPayload:
    reward: Reward = strawberry.field(description="The reward.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Change a reward. Redemptions keep the version that they had.",
    errors=(
        RewardNotFound,
        RewardArchived,
        RewardChanged,
        BudgetNotFound,
        CouponDefinitionNotFound,
        CouponDefinitionArchived,
    ),
)
async def update_reward(info: Info, input: UpdateRewardInput) -> UpdateRewardPayload:
    """Change a reward."""
    reward_id = decode("Reward", input.reward_id, field="rewardId")
    known = await info.context.load(rewards_by_key, reward_id)
    if known is None:
        raise RewardNotFound(reward_id=reward_id)
    command = domain.UpdateReward(reward_id=reward_id, version=input.version, content=input.changed(known.content))

    def work(uow: UnitOfWork) -> domain.Reward:
        reward = service.update_reward(uow, command=command)
        if input.stock:
            reward = service.set_stock(uow, reward_id=reward_id, stock=input.stock.value)
        return reward

    return UpdateRewardPayload(reward=Reward.from_domain(await info.context.run_command(work, has_key=False)))
