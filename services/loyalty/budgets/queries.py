"""Budgets by id and by page, what owners take of them, and when they will be gone."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.budgets import repository
from services.loyalty.budgets.domain import FORECAST_WINDOW, Budget, Forecast, Measure, Use, forecast
from services.loyalty.ledger.domain import Reference
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession, Statement


def budgets_statement(*, budget_ids: Collection[UUID]) -> Statement:
    """The statement whose rows `budgets_of` reads."""
    return Statement(repository.BY_IDS, {"ids": list(budget_ids)})


def budgets_of(rows: Sequence[DictRow]) -> dict[UUID, Budget]:
    """Budgets by id; those that exist."""
    return {budget.id: budget for budget in repository.budgets_of(rows)}


def budgets_by_ids(session: ReadSession, *, budget_ids: Collection[UUID]) -> dict[UUID, Budget]:
    """Budgets by id; those that exist."""
    statement = budgets_statement(budget_ids=budget_ids)
    return budgets_of(session.fetch_all(statement.query, statement.values))


def budgets_for_owner(session: ReadSession, *, budget_ids: Collection[UUID], owner: Reference) -> dict[UUID, Budget]:
    """Budgets by id as they are for one who takes: neither what it holds itself nor what has timed out is held."""
    values = {"ids": list(budget_ids), "owner_id": owner.id, "owner_kind": owner.kind, "now": session.now}
    return budgets_of(session.fetch_all(repository.FOR_OWNER, values))


def budgets_page(
    session: ReadSession, *, limit: int, after_code: str | None = None, is_archived: bool | None = False
) -> tuple[Budget, ...]:
    """Budgets in the order of their codes, from after ``after_code``: those in use, archived, or all (None)."""
    values = {"after": after_code, "limit": limit, "is_archived": is_archived}
    return repository.budgets_of(session.fetch_all(repository.PAGE, values))


def uses_statement(*, owner: Reference) -> Statement:
    """The statement whose rows `uses_of` reads."""
    return Statement(repository.USES, {"owner_id": owner.id, "owner_kind": owner.kind})


def uses_of(rows: Sequence[DictRow]) -> tuple[Use, ...]:
    """What an owner holds and has spent, by budget."""
    return tuple(repository.use_of(row) for row in rows)


def uses_of_owner(session: ReadSession, *, owner: Reference) -> tuple[Use, ...]:
    """What an owner holds and has spent, in the order of the budgets' ids."""
    statement = uses_statement(owner=owner)
    return uses_of(session.fetch_all(statement.query, statement.values))


def forecasts(session: ReadSession, *, budgets: Collection[Budget]) -> Mapping[UUID, Forecast | None]:
    """When each budget will be used up at the rate of the last day, by id."""
    since = session.now - FORECAST_WINDOW
    values = {"ids": [budget.id for budget in budgets], "since": since}
    spent = {row["budget_id"]: row for row in session.fetch_all(repository.SPENT_SINCE, values)}
    return {
        budget.id: forecast(
            budget,
            spent={measure: spent[budget.id][measure.value] for measure in Measure} if budget.id in spent else {},
            since=max(since, budget.created_at, budget.content.begins_at or budget.created_at),
            now=session.now,
        )
        for budget in budgets
    }


def first_late_question() -> Question[datetime | None]:
    """Asks when the first hold times out that is still there."""
    return instant_question(repository.FIRST_LATE, "due_at")


def first_alert_question() -> Question[datetime | None]:
    """Asks since when somebody is to be told of a budget."""
    return instant_question(repository.FIRST_ALERT, "due_at")
