"""updateBudget."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import strawberry

from services.gateway.graphql.budgets.create_budget import money_max
from services.gateway.graphql.budgets.types import Budget, budgets_by_key
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextInput
from services.loyalty.budgets import service
from services.loyalty.budgets.domain import BudgetContent, UpdateBudget
from services.loyalty.budgets.errors import BudgetChanged, BudgetNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="What to change of a budget. What is left out stays as it is.")
class UpdateBudgetInput:
    budget_id: strawberry.ID = strawberry.field(description="The budget.")
    version: int = strawberry.field(description="The version that you edited; refused when somebody was faster.")
    name: strawberry.Maybe[LocalizedTextInput] = strawberry.field(description="What the staff read.")
    points_max: strawberry.Maybe[Points | None] = strawberry.field(
        description="The most points, not below what is held and spent; null without limit."
    )
    units_max: strawberry.Maybe[WholeNumber | None] = strawberry.field(
        description="The most pieces or uses, not below what is held and spent; null without limit."
    )
    money_max: strawberry.Maybe[Decimal | None] = strawberry.field(
        description="The most money in major units, not below what is held and spent; null without limit."
    )
    begins_at: strawberry.Maybe[datetime | None] = strawberry.field(description="From when on it gives.")
    ends_at: strawberry.Maybe[datetime | None] = strawberry.field(description="From when on it gives no more.")
    alert_percent: strawberry.Maybe[int | None] = strawberry.field(
        description="Tell somebody when this share of a maximum is spent, 1 to 100."
    )
    is_archived: strawberry.Maybe[bool] = strawberry.field(
        description="Whether it gives nothing any more; what is held is honored."
    )

    def changed(self, content: BudgetContent) -> BudgetContent:
        """The content after the change."""
        if self.name:
            content = replace(content, name_en=self.name.value.en, name_zh=self.name.value.zh)
        if self.points_max:
            content = replace(content, points_max=self.points_max.value)
        if self.units_max:
            content = replace(content, units_max=self.units_max.value)
        if self.money_max:
            content = replace(content, money_max=money_max(self.money_max.value, content.currency))
        if self.begins_at:
            content = replace(content, begins_at=self.begins_at.value)
        if self.ends_at:
            content = replace(content, ends_at=self.ends_at.value)
        if self.alert_percent:
            content = replace(content, alert_percent=self.alert_percent.value)
        return content


@strawberry.type(description="The budget after the change.")
class UpdateBudgetPayload:
    budget: Budget = strawberry.field(description="The budget.")


@mutation(
    access=requires(Scope.PROGRAM_WRITE),
    description="Change a budget, or archive it. What is held and spent stays.",
    errors=(BudgetNotFound, BudgetChanged),
)
async def update_budget(info: Info, input: UpdateBudgetInput) -> UpdateBudgetPayload:
    """Change a budget."""
    budget_id = decode("Budget", input.budget_id, field="budgetId")
    known = await info.context.load(budgets_by_key, budget_id)
    if known is None:
        raise BudgetNotFound(budget_id=budget_id)
    command = UpdateBudget(
        budget_id=budget_id,
        version=input.version,
        content=input.changed(known.content),
        is_archived=input.is_archived.value if input.is_archived else known.archived_at is not None,
    )
    budget = await info.context.run_command(lambda uow: service.update_budget(uow, command=command), has_key=False)
    return UpdateBudgetPayload(budget=Budget.from_domain(budget))
