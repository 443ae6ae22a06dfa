"""redeemReward."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.inputs import RedemptionPaymentInput
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.budgets.errors import BudgetClosed, BudgetExhausted
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import RedeemReward
from services.loyalty.redemptions.errors import RedemptionUnpaid, RewardPriceChanged
from services.loyalty.rewards.errors import (
    RewardArchived,
    RewardLimitReached,
    RewardNotAvailable,
    RewardNotEligible,
    RewardNotFound,
    RewardOutOfStock,
)
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict

REFUSALS = (
    MemberNotFound,
    MemberInactive,
    IdentityInvalid,
    RewardNotFound,
    RewardArchived,
    RewardOutOfStock,
    RewardPriceChanged,
    RewardNotAvailable,
    RewardNotEligible,
    RewardLimitReached,
    BudgetExhausted,
    BudgetClosed,
    InsufficientPoints,
    ProgramNotPublished,
    StoreNotFound,
    StoreClosed,
    IdempotencyConflict,
)
"""What taking a reward can be refused with, at once or for a while."""


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

    quantity: int = strawberry.field(default=1, description="How many pieces, 1 to 1000.")
    recipient: MemberReferenceInput | None = strawberry.field(
        default=None, description="Whom it is for, when it is a gift to another member."
    )
    pickup_store_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where a thing is picked up with a code. Without it, a thing that is redeemed in a store is handed "
        "over there and then, and one that is redeemed in none waits to be shipped.",
    )
    payment: RedemptionPaymentInput | None = strawberry.field(
        default=None, description="What the till has taken, for a reward that costs money as well."
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
            quantity=self.quantity,
            recipient=self.recipient.to_ref() if self.recipient else None,
            pickup_store_id=decode_optional("Store", self.pickup_store_id, field="pickupStoreId"),
            payment=self.payment.to_domain() if self.payment else None,
        )


@strawberry.type(description="The redemption, and what is left.")
class RedeemRewardPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    points: Points = strawberry.field(description="What was paid.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Redeem a reward for points, at the price that the server knows. What can be handed over at once is: "
    "codes, coupons, donations, and what a store hands over the counter; the rest is in the queue of the staff.",
    errors=(*REFUSALS, RedemptionUnpaid),
)
async def redeem_reward(info: Info, input: RedeemRewardInput) -> RedeemRewardPayload:
    """Redeem a reward."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(
        lambda uow: service.redeem_reward(uow, command=command, is_last=True), has_key=True
    )
    return RedeemRewardPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
