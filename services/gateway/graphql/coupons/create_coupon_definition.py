"""createCouponDefinition."""

import strawberry

from services.gateway.graphql.coupons.inputs import CouponTermsInput
from services.gateway.graphql.coupons.types import CouponDefinition
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import WholeNumber
from services.loyalty.budgets.errors import BudgetNotFound
from services.loyalty.coupons import service
from services.loyalty.coupons.domain import CreateCouponDefinition
from services.loyalty.coupons.errors import CouponCodeTaken, CouponDefinitionCodeTaken
from services.platform.auth.domain import Scope


@strawberry.input(description="A kind of coupon to offer.")
class CreateCouponDefinitionInput:
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant. It never changes.")
    terms: CouponTermsInput = strawberry.field(description="What it says.")
    shared_code: str | None = strawberry.field(
        default=None,
        description="A code that everybody may type, 3 to 40 characters; case, spaces and hyphens do not matter.",
    )
    uses_max: WholeNumber | None = strawberry.field(
        default=None,
        description="How often its coupons may be used in all; null without limit. Whether there is one never changes.",
    )

    def to_command(self) -> CreateCouponDefinition:
        """The command that it asks for."""
        return CreateCouponDefinition(
            code=self.code, content=self.terms.to_domain(), shared_code=self.shared_code, uses_max=self.uses_max
        )


@strawberry.type(description="The kind of coupon that is offered.")
class CreateCouponDefinitionPayload:
    coupon_definition: CouponDefinition = strawberry.field(description="The new kind of coupon.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Offer a kind of coupon.",
    errors=(CouponDefinitionCodeTaken, CouponCodeTaken, BudgetNotFound),
)
async def create_coupon_definition(info: Info, input: CreateCouponDefinitionInput) -> CreateCouponDefinitionPayload:
    """Offer a kind of coupon."""
    command = input.to_command()
    definition = await info.context.run_command(
        lambda uow: service.create_coupon_definition(uow, command=command), has_key=False
    )
    return CreateCouponDefinitionPayload(coupon_definition=CouponDefinition.from_domain(definition))
