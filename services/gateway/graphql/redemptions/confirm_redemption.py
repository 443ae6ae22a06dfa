"""confirmRedemption."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.inputs import RedemptionPaymentInput
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.budgets.errors import BudgetClosed, BudgetExhausted
from services.loyalty.members.errors import MemberInactive
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import ConfirmRedemption
from services.loyalty.redemptions.errors import RedemptionEnded, RedemptionNotFound, RedemptionUnpaid
from services.loyalty.rewards.errors import RewardOutOfStock
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A redemption that was held and is to be spent.")
class ConfirmRedemptionInput:
    redemption_id: strawberry.ID = strawberry.field(description="The redemption.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )
    payment: RedemptionPaymentInput | None = strawberry.field(
        default=None, description="What the till has taken, for a reward that costs money as well."
    )

    def to_command(self, request_hash: bytes) -> ConfirmRedemption:
        """The command that it asks for."""
        return ConfirmRedemption(
            redemption_id=decode("Redemption", self.redemption_id, field="redemptionId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
            payment=self.payment.to_domain() if self.payment else None,
        )


@strawberry.type(description="The redemption, and what is left.")
class ConfirmRedemptionPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    points: Points = strawberry.field(description="What was paid.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Spend what a redemption holds. What can be handed over at once is: codes, coupons, donations.",
    errors=(
        RedemptionNotFound,
        RedemptionEnded,
        RedemptionUnpaid,
        RewardOutOfStock,
        BudgetExhausted,
        BudgetClosed,
        MemberInactive,
        ProgramNotPublished,
        StoreNotFound,
        StoreClosed,
        IdempotencyConflict,
    ),
)
async def confirm_redemption(info: Info, input: ConfirmRedemptionInput) -> ConfirmRedemptionPayload:
    """Confirm a redemption."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(
        lambda uow: service.confirm_redemption(uow, command=command, is_last=True), has_key=True
    )
    return ConfirmRedemptionPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
