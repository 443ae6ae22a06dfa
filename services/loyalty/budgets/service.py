"""Setting budgets aside, and what takes from them: statements for the pipelines of others.

Whoever gives something away puts these statements into its last pipeline, behind the member's ledger lock and behind
shared caps, and hands a `CheckViolation` to `refusal_of`. An *owner* is the cart, purchase or redemption that takes.
"""

import dataclasses
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation
from psycopg.types.json import Jsonb

from services.contracts.events.loyalty import BudgetAlerted
from services.loyalty.budgets import queries, repository
from services.loyalty.budgets.domain import (
    CODE_LENGTH_MAX,
    Amount,
    Budget,
    CreateBudget,
    Demand,
    Measure,
    UpdateBudget,
    check_content,
)
from services.loyalty.budgets.errors import (
    BudgetChanged,
    BudgetClosed,
    BudgetExhausted,
    BudgetNotFound,
)
from services.loyalty.ledger.domain import Reference
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from services.platform.outbox import service as outbox
from services.platform.text import check_text


def create_budget(uow: UnitOfWork, *, command: CreateBudget) -> Budget:
    """Set something aside.

    Raises:
        InvalidInput, BudgetCodeTaken
    """
    content = check_content(command.content)
    budget = Budget(
        id=new_id(),
        code=check_text(command.code, field="code", length_max=CODE_LENGTH_MAX),
        version=1,
        content=content,
        points=Amount(content.points_max),
        units=Amount(content.units_max),
        money=Amount(content.money_max),
        created_at=uow.now,
    )
    repository.insert_budget(uow, budget=budget)
    return budget


def update_budget(uow: UnitOfWork, *, command: UpdateBudget) -> Budget:
    """Change what is said of a budget; what is held and spent stays. An archived one gives nothing any more.

    Raises:
        InvalidInput: as for a new one; a maximum below what is held and spent already.
        BudgetNotFound
        BudgetChanged: somebody else has edited it meanwhile.
    """
    content = check_content(command.content)
    # Read behind the lock, for what the one before us may have made of it.
    statements = [
        Statement(repository.LOCK, {"ids": [command.budget_id]}),
        queries.budgets_statement(budget_ids=(command.budget_id,)),
    ]
    found = queries.budgets_of(uow.fetch_pipeline(statements)[1])
    if command.budget_id not in found:
        raise BudgetNotFound(budget_id=command.budget_id)
    budget = found[command.budget_id]
    if budget.version != command.version:
        raise BudgetChanged(given=command.version, actual=budget.version)
    changed = dataclasses.replace(
        budget,
        version=budget.version + 1,
        content=dataclasses.replace(content, currency=budget.content.currency or content.currency),
        points=dataclasses.replace(budget.points, maximum=content.points_max),
        units=dataclasses.replace(budget.units, maximum=content.units_max),
        money=dataclasses.replace(budget.money, maximum=content.money_max),
        archived_at=(budget.archived_at or uow.now) if command.is_archived else None,
    )
    for measure, amount in changed.amounts().items():
        used = amount.held + amount.spent
        if amount.maximum is not None and amount.maximum < used:
            raise InvalidInput(field=f"{measure.value}Max", reason="OUT_OF_RANGE", limit=str(used))
    rises = changed.is_above_alert() and not budget.is_above_alert()
    repository.update_budget(uow, budget=changed, alert_due_at=uow.now if rises else None)
    return changed


def hold_statements(
    uow: UnitOfWork, *, demands: Collection[Demand], owner: Reference, until: datetime, at: datetime | None = None
) -> list[Statement]:
    """Reserve for the owner until an instant, in addition to what it holds. None for no demand.

    A budget that is full or closed refuses by a `CheckViolation`: hand it to `refusal_of`. ``at`` is when its time is
    looked at, now unless something was promised earlier.
    """
    return _adding(uow, demands, owner, (repository.HOLD, repository.KEEP_HELD), {"until": until, "at": at or uow.now})


def spend_statements(
    uow: UnitOfWork, *, demands: Collection[Demand], owner: Reference, at: datetime | None = None
) -> list[Statement]:
    """Hold and capture at once. None for no demand; refuses as `hold_statements` does."""
    return _adding(uow, demands, owner, (repository.SPEND, repository.KEEP_SPENT), {"at": at or uow.now})


def capture_statements(
    uow: UnitOfWork, *, owner: Reference, amounts: Collection[Demand] | None = None, at: datetime | None = None
) -> list[Statement]:
    """Spend ``amounts`` of what the owner holds (None: all of it), and give the rest of it back.

    What it does not hold, or no longer, is taken anew as far as there is room and the budget is open: the checks refuse
    otherwise. The end of the budget's own time does not matter for what was held within it.
    """
    # What others have held too long counts as free where something may be taken anew.
    changing = (repository.CAPTURE, repository.KEEP_CAPTURED, *([repository.END_LATE] if amounts else []))
    return _of_owner(uow, owner, amounts, changing, at=at)


def release_statements(uow: UnitOfWork, *, owner: Reference, before: Collection[Demand] = ()) -> list[Statement]:
    """Give back whatever the owner holds; nothing where it holds nothing.

    The budgets of demands that are held right after it (``before``) are locked with the others, all in their order.
    """
    ids = [demand.budget_id for demand in before]
    return _of_owner(uow, owner, None, (repository.RELEASE, repository.KEEP_RELEASED), ids=ids)


def give_back_statements(
    uow: UnitOfWork, *, owner: Reference, demands: Collection[Demand] | None = None
) -> list[Statement]:
    """Give back what the owner has spent (None: all of it), after a refund or a cancellation; never more than that."""
    return _of_owner(uow, owner, demands, (repository.GIVE_BACK, repository.KEEP_GIVEN_BACK))


def refusal_of(error: CheckViolation, *, holding: Collection[Demand] = ()) -> BudgetExhausted | BudgetClosed | None:
    """What a violated check says of these statements; None when it says nothing of a budget.

    ``holding`` are the demands of `hold_statements`, where it was they that were refused.
    """
    asked = {UUID(row["budget_id"]): {measure: row[measure.value] for measure in Measure} for row in _rows(holding)}
    return repository.refusal_of(error, holding=asked)


def release_late(uow: UnitOfWork, *, limit: int) -> int:
    """Give back what has timed out, of the budgets of the ``limit`` oldest holds; how many budgets."""
    rows = uow.fetch_all(repository.LATE_BUDGETS, {"now": uow.now, "limit": limit})
    ids = [row["budget_id"] for row in rows]
    if ids:
        values = {"ids": ids, "now": uow.now}
        freeing = (repository.LOCK, repository.FREE_LATE, repository.END_LATE)
        uow.fetch_pipeline([Statement(query, values) for query in freeing])
    return len(ids)


def send_alerts(uow: UnitOfWork, *, limit: int) -> int:
    """Tell of budgets whose spending has risen to what the merchant wants to hear of; how many."""
    due = repository.budgets_of(uow.fetch_all(repository.DUE_ALERTS, {"now": uow.now, "limit": limit}))
    if due:
        letters = [outbox.publish_statement(uow, _letter(budget, uow.now)) for budget in due]
        told = Statement(repository.SET_ALERTED, {"ids": [budget.id for budget in due]})
        uow.fetch_pipeline([*letters, told])
    return len(due)


def _adding(
    uow: UnitOfWork, demands: Collection[Demand], owner: Reference, queries_: tuple[str, str], more: dict[str, Any]
) -> list[Statement]:
    rows = _rows(demands)
    if not rows:
        return []
    add, keep = queries_
    values = _owned(owner) | more | {"rows": Jsonb(rows), "ids": [demand.budget_id for demand in demands]}
    values["now"] = uow.now
    return [Statement(query, values) for query in (repository.LOCK, add, repository.END_LATE, keep)]


def _of_owner(
    uow: UnitOfWork,
    owner: Reference,
    amounts: Collection[Demand] | None,
    changing: tuple[str, ...],
    *,
    ids: Collection[UUID] = (),
    at: datetime | None = None,
) -> list[Statement]:
    rows = [] if amounts is None else _rows(amounts)
    locked = [*ids, *(UUID(row["budget_id"]) for row in rows)]
    values = _owned(owner) | {"rows": Jsonb(rows), "is_whole": amounts is None, "now": uow.now, "ids": locked}
    values["at"] = at or uow.now
    return [Statement(query, values) for query in (repository.LOCK_OF_OWNER, *changing)]


def _owned(owner: Reference) -> dict[str, Any]:
    return {"owner_id": owner.id, "owner_kind": owner.kind}


def _rows(demands: Collection[Demand]) -> Sequence[dict[str, Any]]:
    """One row per budget, in the order of the ids: several demands on one budget are one."""
    rows: dict[str, dict[str, Any]] = {}
    for demand in sorted(demands, key=lambda demand: demand.budget_id):
        if demand.is_nothing:
            continue
        assert demand.points >= 0
        assert demand.units >= 0
        assert demand.money_minor >= 0
        key = str(demand.budget_id)
        row = rows.setdefault(key, {"budget_id": key, "points": 0, "units": 0, "money": 0, "currency": None})
        row["points"] += demand.points
        row["units"] += demand.units
        row["money"] += demand.money_minor
        row["currency"] = demand.currency or row["currency"]
    return list(rows.values())


def _letter(budget: Budget, now: datetime) -> BudgetAlerted:
    percent = budget.content.alert_percent
    assert percent is not None
    return BudgetAlerted(
        budget_id=budget.id,
        budget_code=budget.code,
        budget_name_en=budget.content.name_en,
        budget_name_zh=budget.content.name_zh,
        percent=percent,
        occurred_at=now,
    )
