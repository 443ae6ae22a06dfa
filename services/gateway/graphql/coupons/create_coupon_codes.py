"""createCouponCodes."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.coupons.types import CouponBatch, load_batch
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.coupons import service
from services.loyalty.coupons.domain import CreateCouponCodes
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponDefinitionNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Unique codes to make.")
class CreateCouponCodesInput:
    coupon_definition_id: strawberry.ID = strawberry.field(description="The kind of coupon.")
    count: int = strawberry.field(description="How many, 1 to 100,000.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    prefix: str | None = strawberry.field(
        default=None, description="What each begins with, up to 20 letters and digits; null for nothing."
    )

    def to_command(self, request_hash: bytes) -> CreateCouponCodes:
        """The command that it asks for."""
        return CreateCouponCodes(
            coupon_definition_id=decode("CouponDefinition", self.coupon_definition_id, field="couponDefinitionId"),
            count=self.count,
            prefix=self.prefix,
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
        )


@strawberry.type(description="The codes that were made.")
class CreateCouponCodesPayload:
    batch: CouponBatch | None = strawberry.field(description="The codes.")
    count: int = strawberry.field(description="How many there are.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Make unique codes, each for one use by whoever has it; all of them or none. Nobody can guess them.",
    errors=(CouponDefinitionNotFound, CouponDefinitionArchived, IdempotencyConflict),
)
async def create_coupon_codes(info: Info, input: CreateCouponCodesInput) -> CreateCouponCodesPayload:
    """Make unique codes."""
    command = input.to_command(input_hash(info))
    made = await info.context.run_command(lambda uow: service.create_coupon_codes(uow, command=command), has_key=True)
    batch = await load_batch(info, made.batch_id)
    return CreateCouponCodesPayload(batch=batch, count=made.count, replayed=made.replayed)
