"""cancelRedemptionAsMember."""

import strawberry

from services.gateway.graphql.cards.redeem_as_member import key_of
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import AS_MEMBER
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import CancelReason, CancelRedemption
from services.loyalty.redemptions.errors import (
    RedeemedPointsEnded,
    RedemptionEnded,
    RedemptionNeedsDecision,
    RedemptionNotFound,
)
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A redemption that the member who paid gives back.")
class CancelRedemptionAsMemberInput:
    redemption_id: strawberry.ID = strawberry.field(description="The redemption.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")


@strawberry.type(description="The redemption, and what the member has.")
class CancelRedemptionAsMemberPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    points: Points = strawberry.field(description="What came back.")
    balance: Points = strawberry.field(description="What the member can spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=AS_MEMBER,
    description="The member whose token is used gives back what they took for points: while nobody has made it ready,"
    " shipped it or handed it over, and only where no till has taken money (`Redemption.isCancelableByMember`). Points,"
    " pieces and budget return as with `cancelRedemption`, with the reason CHANGED_MIND.",
    errors=(
        RedemptionNotFound,
        RedemptionEnded,
        RedemptionNeedsDecision,
        RedeemedPointsEnded,
        ProgramNotPublished,
        IdempotencyConflict,
    ),
)
async def cancel_redemption_as_member(
    info: Info, input: CancelRedemptionAsMemberInput
) -> CancelRedemptionAsMemberPayload:
    """Give a reward back."""
    member_id = info.context.principal.member_id
    assert member_id is not None, "the access says so"
    command = CancelRedemption(
        redemption_id=decode("Redemption", input.redemption_id, field="redemptionId"),
        idempotency_key=key_of(member_id, input.idempotency_key),
        request_hash=input_hash(info),
        reason=CancelReason.CHANGED_MIND,
        by_member=member_id,
    )
    result = await info.context.run_command(
        lambda uow: service.cancel_redemption(uow, command=command, is_last=True), has_key=True
    )
    return CancelRedemptionAsMemberPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
