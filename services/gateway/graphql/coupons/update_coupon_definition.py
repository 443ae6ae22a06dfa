"""updateCouponDefinition."""

import strawberry

from services.gateway.graphql.coupons.inputs import CouponTermsInput
from services.gateway.graphql.coupons.types import CouponDefinition
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import WholeNumber
from services.loyalty.budgets.errors import BudgetNotFound
from services.loyalty.coupons import service
from services.loyalty.coupons.domain import UpdateCouponDefinition
from services.loyalty.coupons.errors import (
    CouponDefinitionArchived,
    CouponDefinitionChanged,
    CouponDefinitionNotFound,
)
from services.platform.auth.domain import Scope


@strawberry.input(description="What a kind of coupon says from now on, whole.")
class UpdateCouponDefinitionInput:
    coupon_definition_id: strawberry.ID = strawberry.field(description="The kind of coupon.")
    version: int = strawberry.field(description="The version that you edited; refused when somebody was faster.")
    terms: CouponTermsInput = strawberry.field(description="What it says.")
    uses_max: WholeNumber | None = strawberry.field(
        default=None,
        description="How often its coupons may be used in all, not below what is held and used; null where there is "
        "no limit.",
    )

    def to_command(self) -> UpdateCouponDefinition:
        """The command that it asks for."""
        return UpdateCouponDefinition(
            coupon_definition_id=decode("CouponDefinition", self.coupon_definition_id, field="couponDefinitionId"),
            version=self.version,
            content=self.terms.to_domain(),
            uses_max=self.uses_max,
        )


@strawberry.type(description="The kind of coupon after the change.")
class UpdateCouponDefinitionPayload:
    coupon_definition: CouponDefinition = strawberry.field(description="The kind of coupon.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Change what a kind of coupon says. Coupons that are out keep what it said; its shared code follows.",
    errors=(CouponDefinitionNotFound, CouponDefinitionArchived, CouponDefinitionChanged, BudgetNotFound),
)
async def update_coupon_definition(info: Info, input: UpdateCouponDefinitionInput) -> UpdateCouponDefinitionPayload:
    """Change a kind of coupon."""
    command = input.to_command()
    definition = await info.context.run_command(
        lambda uow: service.update_coupon_definition(uow, command=command), has_key=False
    )
    return UpdateCouponDefinitionPayload(coupon_definition=CouponDefinition.from_domain(definition))
