"""redeemAsMember."""

import hashlib
from uuid import UUID

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.permissions import AS_MEMBER
from services.gateway.graphql.redemptions.redeem_reward import REFUSALS
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import RedeemReward
from services.loyalty.redemptions.errors import RedemptionUnpaid


@strawberry.input(description="A reward that a member takes by themselves.")
class RedeemAsMemberInput:
    reward_id: strawberry.ID = strawberry.field(description="What is taken.")
    expected_points: Points = strawberry.field(
        description="The price that the member was shown; refused when it has changed."
    )
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    pickup_store_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where a thing is picked up with a code (see `pickupStores`). Without it, it waits to be shipped.",
    )


@strawberry.type(description="The redemption, and what is left.")
class RedeemAsMemberPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    points: Points = strawberry.field(description="What was paid.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


def key_of(member_id: UUID, idempotency_key: str) -> str:
    """A member's key as it is kept: each member's are their own, and one cannot use up another's."""
    return f"{member_id}:{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


@mutation(
    access=AS_MEMBER,
    description="The member whose token is used redeems a reward for points, in no store. What costs money as well is"
    " redeemed at a till. What nobody has handed over yet can be given back: `cancelRedemptionAsMember`.",
    errors=(*REFUSALS, RedemptionUnpaid),
)
async def redeem_as_member(info: Info, input: RedeemAsMemberInput) -> RedeemAsMemberPayload:
    """Redeem a reward."""
    member_id = info.context.principal.member_id
    assert member_id is not None, "the access says so"
    command = RedeemReward(
        member=member_id,
        reward_id=decode("Reward", input.reward_id, field="rewardId"),
        idempotency_key=key_of(member_id, input.idempotency_key),
        request_hash=input_hash(info),
        expected_points=input.expected_points,
        pickup_store_id=decode_optional("Store", input.pickup_store_id, field="pickupStoreId"),
    )
    result = await info.context.run_command(
        lambda uow: service.redeem_reward(uow, command=command, is_last=True), has_key=True
    )
    return RedeemAsMemberPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
