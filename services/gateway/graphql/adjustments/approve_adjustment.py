"""approveAdjustment."""

import strawberry

from services.gateway.graphql.adjustments.types import AdjustmentRequest, load_request
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.ledger.types import LedgerEntry, entries_by_key
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.adjustments import service
from services.loyalty.adjustments.domain import ApproveAdjustment
from services.loyalty.adjustments.errors import (
    AdjustmentRequestClosed,
    AdjustmentRequestNotFound,
    SecondPersonNeeded,
)
from services.loyalty.ledger.errors import BalanceTooLarge, InsufficientPoints
from services.loyalty.programs.errors import ProgramNotPublished
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A request to let through.")
class ApproveAdjustmentInput:
    adjustment_request_id: strawberry.ID = strawberry.field(description="The request.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this approval harmless.")


@strawberry.type(description="The points have moved.")
class ApproveAdjustmentPayload:
    request: AdjustmentRequest | None = strawberry.field(description="The request.")
    entry: LedgerEntry | None = strawberry.field(
        description="The ledger's entry; null without the scope `members:read`."
    )
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.POINTS_ADJUST),
    description=(
        "Let an adjustment through as a second person who logged in: another one than who asked, or who made the API"
        " key that asked."
    ),
    errors=(
        AdjustmentRequestNotFound,
        AdjustmentRequestClosed,
        SecondPersonNeeded,
        InsufficientPoints,
        BalanceTooLarge,
        ProgramNotPublished,
        IdempotencyConflict,
    ),
)
async def approve_adjustment(info: Info, input: ApproveAdjustmentInput) -> ApproveAdjustmentPayload:
    """Approve an adjustment."""
    command = ApproveAdjustment(
        request_id=decode("AdjustmentRequest", input.adjustment_request_id, field="adjustmentRequestId"),
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
    )
    result = await info.context.run_command(lambda uow: service.approve_adjustment(uow, command=command), has_key=True)
    may_read = info.context.principal.allows_somewhere(Scope.MEMBERS_READ)
    entry = await info.context.load(entries_by_key, result.entry_id) if may_read else None
    return ApproveAdjustmentPayload(
        request=await load_request(info, command.request_id),
        entry=LedgerEntry.from_domain(entry) if entry else None,
        balance=Points(result.balance),
        replayed=result.replayed,
    )
