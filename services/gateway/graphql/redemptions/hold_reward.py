"""holdReward."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.redeem_reward import REFUSALS
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import HoldReward
from services.platform.auth.domain import Scope


@strawberry.input(description="A reward to be reserved for a member.")
class HoldRewardInput:
    member: MemberReferenceInput = strawberry.field(description="Who pays.")
    reward_id: strawberry.ID = strawberry.field(description="What is reserved.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )
    quantity: int = strawberry.field(default=1, description="How many pieces, 1 to 1000.")
    recipient: MemberReferenceInput | None = strawberry.field(
        default=None, description="Whom it is for, when it is a gift to another member."
    )
    pickup_store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where a thing is picked up with a code."
    )
    expected_points: Points | None = strawberry.field(
        default=None, description="The price that the member was shown; refused when it has changed."
    )
    minutes: int | None = strawberry.field(
        default=None, description="For how long; as the program's policy `holdMinutes` says unless told."
    )

    def to_command(self, request_hash: bytes) -> HoldReward:
        """The command that it asks for."""
        return HoldReward(
            member=self.member.to_ref(),
            reward_id=decode("Reward", self.reward_id, field="rewardId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
            expected_points=self.expected_points,
            quantity=self.quantity,
            recipient=self.recipient.to_ref() if self.recipient else None,
            pickup_store_id=decode_optional("Store", self.pickup_store_id, field="pickupStoreId"),
            minutes=self.minutes,
        )


@strawberry.type(description="The redemption that is held, and what is left.")
class HoldRewardPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    points: Points = strawberry.field(description="What is reserved.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Reserve a reward for a while: its pieces, the member's points and the budget. Confirm or cancel it; "
    "what nobody confirms is given back by itself.",
    errors=REFUSALS,
)
async def hold_reward(info: Info, input: HoldRewardInput) -> HoldRewardPayload:
    """Reserve a reward."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(
        lambda uow: service.hold_reward(uow, command=command, is_last=True), has_key=True
    )
    return HoldRewardPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
