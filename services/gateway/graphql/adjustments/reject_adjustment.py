"""rejectAdjustment."""

import strawberry

from services.gateway.graphql.adjustments.types import AdjustmentRequest
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.loyalty.adjustments import service
from services.loyalty.adjustments.domain import RejectAdjustment
from services.loyalty.adjustments.errors import AdjustmentRequestClosed, AdjustmentRequestNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A request to turn down.")
class RejectAdjustmentInput:
    adjustment_request_id: strawberry.ID = strawberry.field(description="The request.")
    reason: str = strawberry.field(description="Why, 1 to 200 characters.")


@strawberry.type(description="The request is closed, and nothing has moved.")
class RejectAdjustmentPayload:
    request: AdjustmentRequest = strawberry.field(description="The request.")


@mutation(
    access=requires(Scope.POINTS_ADJUST),
    description="Turn an adjustment down. Whoever asked for it may take it back so.",
    errors=(AdjustmentRequestNotFound, AdjustmentRequestClosed),
)
async def reject_adjustment(info: Info, input: RejectAdjustmentInput) -> RejectAdjustmentPayload:
    """Reject an adjustment."""
    command = RejectAdjustment(
        request_id=decode("AdjustmentRequest", input.adjustment_request_id, field="adjustmentRequestId"),
        reason=input.reason,
    )
    request = await info.context.run_command(lambda uow: service.reject_adjustment(uow, command=command), has_key=False)
    return RejectAdjustmentPayload(request=AdjustmentRequest.from_domain(request, now=info.context.now))
