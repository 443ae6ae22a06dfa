"""archiveCouponDefinition."""

import strawberry

from services.gateway.graphql.coupons.types import CouponDefinition
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.loyalty.coupons.errors import CouponDefinitionNotFound
from services.loyalty.rewards import service
from services.loyalty.rewards.errors import RewardGivesCoupon
from services.platform.auth.domain import Scope


@strawberry.input(description="A kind of coupon to give out no more.")
class ArchiveCouponDefinitionInput:
    coupon_definition_id: strawberry.ID = strawberry.field(description="The kind of coupon.")


@strawberry.type(description="The kind of coupon that is given out no more.")
class ArchiveCouponDefinitionPayload:
    coupon_definition: CouponDefinition = strawberry.field(description="The kind of coupon.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Give out no more coupons of a kind, and end its shared code. What members have stays good. One that "
    "is archived stays as it is; one that a reward gives which is offered is refused.",
    errors=(CouponDefinitionNotFound, RewardGivesCoupon),
)
async def archive_coupon_definition(info: Info, input: ArchiveCouponDefinitionInput) -> ArchiveCouponDefinitionPayload:
    """Archive a kind of coupon."""
    definition_id = decode("CouponDefinition", input.coupon_definition_id, field="couponDefinitionId")
    definition = await info.context.run_command(
        lambda uow: service.archive_coupon_definition(uow, definition_id=definition_id), has_key=False
    )
    return ArchiveCouponDefinitionPayload(coupon_definition=CouponDefinition.from_domain(definition))
