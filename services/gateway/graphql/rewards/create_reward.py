"""createReward."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.rewards.terms import RewardTermsInput
from services.gateway.graphql.rewards.types import Reward
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextInput
from services.loyalty.budgets.errors import BudgetNotFound
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponDefinitionNotFound
from services.loyalty.rewards import service
from services.loyalty.rewards.domain import CreateReward, RewardContent, RewardKind, RewardTerms
from services.loyalty.rewards.errors import RewardCodeTaken
from services.platform.auth.domain import Scope


@strawberry.input(description="A reward to offer.")
class CreateRewardInput:
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant. It never changes.")
    kind: RewardKind = strawberry.field(description="What the member gets.")
    name: LocalizedTextInput = strawberry.field(description="What members read, 1 to 200 characters.")
    cost_points: Points = strawberry.field(description="What it costs, above zero.")
    description: LocalizedTextInput | None = strawberry.field(
        default=None, description="What members read below the name."
    )
    stock: WholeNumber | None = strawberry.field(default=None, description="How many there are; null without limit.")

    terms: RewardTermsInput | None = strawberry.field(
        default=None, description="For whom, where, when, how often; without: for everybody, for points alone."
    )

    def to_command(self) -> CreateReward:
        """The command that it asks for."""
        content = RewardContent(
            kind=self.kind,
            name_en=self.name.en,
            name_zh=self.name.zh,
            description_en=self.description.en if self.description else "",
            description_zh=self.description.zh if self.description else "",
            cost_points=self.cost_points,
            terms=self.terms.to_domain() if self.terms else RewardTerms(),
        )
        return CreateReward(code=self.code, content=content, stock=self.stock)


@strawberry.type(description="The reward that is offered now.")
class CreateRewardPayload:
    reward: Reward = strawberry.field(description="The new reward.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Offer a reward.",
    errors=(RewardCodeTaken, BudgetNotFound, CouponDefinitionNotFound, CouponDefinitionArchived),
)
async def create_reward(info: Info, input: CreateRewardInput) -> CreateRewardPayload:
    """Offer a reward."""
    command = input.to_command()
    reward = await info.context.run_command(lambda uow: service.create_reward(uow, command=command), has_key=False)
    return CreateRewardPayload(reward=Reward.from_domain(reward))
