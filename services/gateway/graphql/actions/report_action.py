"""reportAction."""

from datetime import datetime

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.actions import service
from services.loyalty.actions.domain import ReportAction
from services.loyalty.purchases.errors import PurchaseNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Something that pending points await has happened. A purchase or an activity is named.")
class ReportActionInput:
    action: str = strawberry.field(
        description="What has happened, as the program calls it, such as `order_shipped` or `return_window_over`."
    )
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    purchase: PurchaseReferenceInput | None = strawberry.field(default=None, description="The purchase it concerns.")
    activity_id: strawberry.ID | None = strawberry.field(default=None, description="The activity it concerns.")
    occurred_at: datetime | None = strawberry.field(default=None, description="When; now unless told.")

    def to_command(self, request_hash: bytes) -> ReportAction:
        """The command that it asks for."""
        return ReportAction(
            action=self.action,
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            purchase=self.purchase.to_ref(field="purchase") if self.purchase else None,
            activity_id=decode_optional("Activity", self.activity_id, field="activityId"),
            occurred_at=self.occurred_at,
        )


@strawberry.type(description="What came of the action.")
class ReportActionPayload:
    points: Points = strawberry.field(
        description="How many points have begun by it; 0 where none awaited it, or their deadline was over."
    )
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.PURCHASES_WRITE),
    description="Report what pending points await: they can be spent from then on, and their end counts as the program"
    " says. Points whose deadline has passed are canceled already. An action that no points await is not kept.",
    errors=(PurchaseNotFound, IdempotencyConflict),
)
async def report_action(info: Info, input: ReportActionInput) -> ReportActionPayload:
    """Report an action."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.report_action(uow, command=command), has_key=True)
    return ReportActionPayload(points=Points(result.points), replayed=result.replayed)
