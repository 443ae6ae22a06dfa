"""assignCoupon."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.coupons.types import Coupon, load_coupon
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.coupons import service
from services.loyalty.coupons.domain import AssignCoupon
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponDefinitionNotFound
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A coupon for a member.")
class AssignCouponInput:
    member: MemberReferenceInput = strawberry.field(description="Who gets it.")
    coupon_definition_id: strawberry.ID = strawberry.field(description="The kind of coupon.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")

    def to_command(self, request_hash: bytes) -> AssignCoupon:
        """The command that it asks for."""
        return AssignCoupon(
            member=self.member.to_ref(),
            coupon_definition_id=decode("CouponDefinition", self.coupon_definition_id, field="couponDefinitionId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
        )


@strawberry.type(description="The coupon that was given.")
class AssignCouponPayload:
    coupon: Coupon | None = strawberry.field(description="The coupon as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Give a member a coupon of a kind, as the kind is now.",
    errors=(
        MemberNotFound,
        MemberInactive,
        IdentityInvalid,
        ProgramNotPublished,
        CouponDefinitionNotFound,
        CouponDefinitionArchived,
        IdempotencyConflict,
    ),
)
async def assign_coupon(info: Info, input: AssignCouponInput) -> AssignCouponPayload:
    """Give a member a coupon."""
    command = input.to_command(input_hash(info))
    moved = await info.context.run_command(lambda uow: service.assign_coupon(uow, command=command), has_key=True)
    return AssignCouponPayload(coupon=await load_coupon(info, moved.coupon_id), replayed=moved.replayed)
