"""voidCoupon."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.coupons.types import Coupon, load_coupon
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.coupons import service
from services.loyalty.coupons.domain import VoidCoupon
from services.loyalty.coupons.errors import CouponNotFound, CouponUsed
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A coupon to make worth nothing.")
class VoidCouponInput:
    coupon_id: strawberry.ID = strawberry.field(description="The coupon.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")

    def to_command(self, request_hash: bytes) -> VoidCoupon:
        """The command that it asks for."""
        return VoidCoupon(
            coupon_id=decode("Coupon", self.coupon_id, field="couponId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
        )


@strawberry.type(description="The coupon that is worth nothing.")
class VoidCouponPayload:
    coupon: Coupon | None = strawberry.field(description="The coupon as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Void a coupon or a code that has not been redeemed. A cart that holds it already may still redeem it; "
    "one that is void stays so.",
    errors=(CouponNotFound, CouponUsed, IdempotencyConflict),
)
async def void_coupon(info: Info, input: VoidCouponInput) -> VoidCouponPayload:
    """Void a coupon."""
    command = input.to_command(input_hash(info))
    moved = await info.context.run_command(lambda uow: service.void_coupon(uow, command=command), has_key=True)
    return VoidCouponPayload(coupon=await load_coupon(info, moved.coupon_id), replayed=moved.replayed)
