"""createBudget."""

from datetime import datetime
from decimal import Decimal

import strawberry

from services.gateway.graphql.budgets.types import Budget
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import Currency, Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextInput
from services.loyalty.budgets import service
from services.loyalty.budgets.domain import BudgetContent, CreateBudget
from services.loyalty.budgets.errors import BudgetCodeTaken
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput


@strawberry.input(description="A budget to set aside. At least one maximum limits it.")
class CreateBudgetInput:
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant. It never changes.")
    name: LocalizedTextInput = strawberry.field(description="What the staff read, 1 to 200 characters.")
    points_max: Points | None = strawberry.field(default=None, description="The most points; null without limit.")
    units_max: WholeNumber | None = strawberry.field(
        default=None, description="The most pieces or uses; null without limit."
    )
    money_max: Decimal | None = strawberry.field(
        default=None, description="The most money, in major units; null without limit. It needs a currency."
    )
    currency: Currency | None = strawberry.field(
        default=None, description="Of its money; without it no money is counted. It never changes."
    )
    begins_at: datetime | None = strawberry.field(default=None, description="From when on it gives; null: now.")
    ends_at: datetime | None = strawberry.field(default=None, description="From when on it gives no more; null: never.")
    alert_percent: int | None = strawberry.field(
        default=None, description="Tell somebody when this share of a maximum is spent, 1 to 100."
    )

    def to_command(self) -> CreateBudget:
        """The command that it asks for."""
        content = BudgetContent(
            name_en=self.name.en,
            name_zh=self.name.zh,
            points_max=self.points_max,
            units_max=self.units_max,
            money_max=money_max(self.money_max, self.currency),
            currency=self.currency,
            begins_at=self.begins_at,
            ends_at=self.ends_at,
            alert_percent=self.alert_percent,
        )
        return CreateBudget(code=self.code, content=content)


def money_max(amount: Decimal | None, currency: str | None) -> int | None:
    """The maximum in minor units.

    Raises:
        InvalidInput: money without a currency, or with more digits than the currency has.
    """
    if amount is None:
        return None
    if currency is None:
        raise InvalidInput(field="currency", reason="REQUIRED")
    return to_minor(amount, currency, field="moneyMax")


@strawberry.type(description="The budget that was set aside.")
class CreateBudgetPayload:
    budget: Budget = strawberry.field(description="The new budget.")


@mutation(access=requires(Scope.PROGRAM_WRITE), description="Set a budget aside.", errors=(BudgetCodeTaken,))
async def create_budget(info: Info, input: CreateBudgetInput) -> CreateBudgetPayload:
    """Set a budget aside."""
    command = input.to_command()
    budget = await info.context.run_command(lambda uow: service.create_budget(uow, command=command), has_key=False)
    return CreateBudgetPayload(budget=Budget.from_domain(budget))
