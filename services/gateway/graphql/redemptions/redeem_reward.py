"""redeemReward."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import RedeemReward
from services.loyalty.redemptions.errors import RewardPriceChanged
from services.loyalty.rewards.errors import RewardArchived, RewardNotFound, RewardOutOfStock
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A member takes a reward.")
class RedeemRewardInput:
    member: MemberReferenceInput = strawberry.field(description="Who takes it.")
    reward_id: strawberry.ID = strawberry.field(description="What is taken.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where it is taken; needed by who may act in one store only."
    )
    expected_points: Points | None = strawberry.field(
        default=None, description="The price that the member was shown; refused when it has changed."
    )

    def to_command(self, request_hash: bytes) -> RedeemReward:
        """The command that it asks for."""
        return RedeemReward(
            member=self.member.to_ref(),
            reward_id=decode("Reward", self.reward_id, field="rewardId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
            expected_points=self.expected_points,
        )


@strawberry.type(description="The redemption, and what is left.")
class RedeemRewardPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    points: Points = strawberry.field(description="What was paid.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Redeem a reward for points, at the price that the server knows.",
    errors=(
        MemberNotFound,
        MemberInactive,
        IdentityInvalid,
        RewardNotFound,
        RewardArchived,
        RewardOutOfStock,
        RewardPriceChanged,
        InsufficientPoints,
        ProgramNotPublished,
        StoreNotFound,
        StoreClosed,
        IdempotencyConflict,
    ),
)
async def redeem_reward(info: Info, input: RedeemRewardInput) -> RedeemRewardPayload:
    """Redeem a reward."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.redeem_reward(uow, command=command), has_key=True)
    return RedeemRewardPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
