"""Budgets as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED
from services.gateway.graphql.scalars import Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.budgets import domain
from services.loyalty.budgets.queries import budgets_by_ids, forecasts
from services.platform.db.session import ReadSession
from services.platform.money import Money


def budgets_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Budget]:
    """Budgets by id."""
    return budgets_by_ids(session, budget_ids=keys)


def forecasts_by_key(session: ReadSession, keys: Sequence[domain.Budget]) -> Mapping[domain.Budget, domain.Forecast]:
    """When budgets will be used up; those that will."""
    found = forecasts(session, budgets=keys)
    told = {budget: found[budget.id] for budget in keys}
    return {budget: forecast for budget, forecast in told.items() if forecast is not None}


@strawberry.type(description="What a budget has of points.")
class BudgetPoints:
    maximum: Points | None = strawberry.field(description="The most that may be given; null without limit.")
    reserved: Points = strawberry.field(description="Reserved now.")
    spent: Points = strawberry.field(description="Given away.")
    room: Points | None = strawberry.field(description="What is left; null without limit.")

    @classmethod
    def from_domain(cls, amount: domain.Amount) -> Self:
        """The amount as clients see it."""
        room, maximum = amount.room, amount.maximum
        return cls(
            maximum=None if maximum is None else Points(maximum),
            reserved=Points(amount.held),
            spent=Points(amount.spent),
            room=None if room is None else Points(room),
        )


@strawberry.type(description="What a budget has of pieces or uses.")
class BudgetUnits:
    maximum: WholeNumber | None = strawberry.field(description="The most that may be given; null without limit.")
    reserved: WholeNumber = strawberry.field(description="Reserved now.")
    spent: WholeNumber = strawberry.field(description="Given away.")
    room: WholeNumber | None = strawberry.field(description="What is left; null without limit.")

    @classmethod
    def from_domain(cls, amount: domain.Amount) -> Self:
        """The amount as clients see it."""
        room, maximum = amount.room, amount.maximum
        return cls(
            maximum=None if maximum is None else WholeNumber(maximum),
            reserved=WholeNumber(amount.held),
            spent=WholeNumber(amount.spent),
            room=None if room is None else WholeNumber(room),
        )


@strawberry.type(description="What a budget has of money.")
class BudgetMoney:
    maximum: MoneyAmount | None = strawberry.field(description="The most that may be given; null without limit.")
    reserved: MoneyAmount = strawberry.field(description="Reserved now.")
    spent: MoneyAmount = strawberry.field(description="Given away.")
    room: MoneyAmount | None = strawberry.field(description="What is left; null without limit.")

    @classmethod
    def from_domain(cls, amount: domain.Amount, currency: str) -> Self:
        """The amount as clients see it."""

        def shown(minor: int) -> MoneyAmount:
            return MoneyAmount.from_domain(Money(minor, currency))

        return cls(
            maximum=None if amount.maximum is None else shown(amount.maximum),
            reserved=shown(amount.held),
            spent=shown(amount.spent),
            room=None if amount.room is None else shown(amount.room),
        )


@strawberry.type(description="When a budget will be used up at the rate of the last 24 hours.")
class BudgetForecast:
    measure: domain.Measure = strawberry.field(description="What will be used up first.")
    at: datetime = strawberry.field(description="The beginning of the hour in which it will be.")


@strawberry.type(description="What may be given away: never more, however many ask at once.")
class Budget(Node):
    code: str = strawberry.field(description="The merchant's own name for it, unique in the tenant.")
    name: LocalizedTextType = strawberry.field(description="What the staff read.")
    in_points: BudgetPoints = strawberry.field(description="Points.")
    in_units: BudgetUnits = strawberry.field(description="Pieces or uses.")
    in_money: BudgetMoney | None = strawberry.field(description="Money; null of a budget without a currency.")
    begins_at: datetime | None = strawberry.field(description="From when on it gives; null: always has.")
    ends_at: datetime | None = strawberry.field(description="From when on it gives no more; null: never.")
    alert_percent: int | None = strawberry.field(
        description="Of what share spent somebody is told, in percent of a maximum; null: of none."
    )
    alerted_at: datetime | None = strawberry.field(description="When somebody was told last.")
    version: int = strawberry.field(description="Counts the edits; give it back with the next one.")
    created_at: datetime = strawberry.field(description="Since when it is there.")
    archived_at: datetime | None = strawberry.field(description="Since when it gives no more.")
    budget: strawberry.Private[domain.Budget]

    @guarded(
        access=INHERITED,
        description="When it will be used up if it goes on as in the last 24 hours; null when nothing is spent, "
        "it ends before, or it lasts longer than a year.",
    )
    async def forecast(self, info: Info) -> BudgetForecast | None:
        """The forecast."""
        found = await info.context.load(forecasts_by_key, self.budget)
        return BudgetForecast(measure=found.measure, at=found.at) if found else None

    @classmethod
    def from_domain(cls, budget: domain.Budget) -> Self:
        """The budget as clients see it."""
        content = budget.content
        return cls(
            id=encode("Budget", budget.id),
            code=budget.code,
            name=LocalizedTextType(en=content.name_en, zh=content.name_zh),
            in_points=BudgetPoints.from_domain(budget.points),
            in_units=BudgetUnits.from_domain(budget.units),
            in_money=BudgetMoney.from_domain(budget.money, content.currency) if content.currency else None,
            begins_at=content.begins_at,
            ends_at=content.ends_at,
            alert_percent=content.alert_percent,
            alerted_at=budget.alerted_at,
            version=budget.version,
            created_at=budget.created_at,
            archived_at=budget.archived_at,
            budget=budget,
        )


async def load_budget(info: Info, budget_id: UUID) -> Budget | None:
    """A budget by key, in one batch with others."""
    budget = await info.context.load(budgets_by_key, budget_id)
    return Budget.from_domain(budget) if budget else None
