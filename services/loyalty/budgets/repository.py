"""The SQL of budgets.

Counters and uses are written with the budgets locked, in the order of their ids. What is asked is added without
looking: the checks of the table refuse what would be above a maximum, so that nobody waits for a look.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation
from psycopg.rows import DictRow

from services.loyalty.budgets.domain import Amount, Budget, BudgetContent, Measure, Use
from services.loyalty.budgets.errors import BudgetClosed, BudgetCodeTaken, BudgetExhausted
from services.platform.db.session import UnitOfWork

_SAID = (
    "code, version, name_en, name_zh, currency, begins_at, ends_at, alert_percent, alerted_at, created_at, archived_at"
)
COLUMNS = f"""
id, points_max, points_held, points_spent, units_max, units_held, units_spent, money_max, money_held, money_spent,
{_SAID}"""
BY_IDS = f"SELECT {COLUMNS} FROM budgets WHERE id = ANY(%(ids)s)"
# As they are for who takes as this owner: what it holds itself, and what has timed out, is free for it.
FOR_OWNER = f"""
SELECT id, points_max, points_held - coalesce(points_free, 0) AS points_held, points_spent,
    units_max, units_held - coalesce(units_free, 0) AS units_held, units_spent,
    money_max, money_held - coalesce(money_free, 0) AS money_held, money_spent, {_SAID}
FROM budgets LEFT JOIN (
    SELECT budget_id, sum(points_held)::bigint AS points_free, sum(units_held)::bigint AS units_free,
        sum(money_held)::bigint AS money_free
    FROM budget_uses
    WHERE budget_id = ANY(%(ids)s)
        AND (expires_at <= %(now)s OR (owner_id = %(owner_id)s AND owner_kind = %(owner_kind)s))
    GROUP BY budget_id
) mine ON mine.budget_id = id
WHERE id = ANY(%(ids)s)"""
PAGE = f"""
SELECT {COLUMNS} FROM budgets
WHERE (%(after)s::text IS NULL OR code > %(after)s)
    AND (%(is_archived)s::boolean IS NULL OR (archived_at IS NOT NULL) = %(is_archived)s)
ORDER BY code LIMIT %(limit)s"""
LOCK = "SELECT id FROM budgets WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"
LOCK_OF_OWNER = """
SELECT id FROM budgets
WHERE id IN (
    SELECT budget_id FROM budget_uses WHERE owner_id = %(owner_id)s AND owner_kind = %(owner_kind)s
    UNION SELECT unnest(%(ids)s::uuid[])
)
ORDER BY id FOR NO KEY UPDATE"""
INSERT = """
INSERT INTO budgets (id, code, version, name_en, name_zh, points_max, points_held, points_spent, units_max, units_held,
    units_spent, money_max, money_held, money_spent, currency, begins_at, ends_at, alert_percent, created_at)
VALUES (%(id)s, %(code)s, %(version)s, %(name_en)s, %(name_zh)s, %(points_max)s, 0, 0, %(units_max)s, 0, 0,
    %(money_max)s, 0, 0, %(currency)s, %(begins_at)s, %(ends_at)s, %(alert_percent)s, %(created_at)s)"""
UPDATE = """
UPDATE budgets SET version = %(version)s, name_en = %(name_en)s, name_zh = %(name_zh)s, points_max = %(points_max)s,
    units_max = %(units_max)s, money_max = %(money_max)s, begins_at = %(begins_at)s, ends_at = %(ends_at)s,
    alert_percent = %(alert_percent)s, archived_at = %(archived_at)s, alert_due_at = %(alert_due_at)s
WHERE id = %(id)s"""

# A budget without a currency counts no money.
_ASKED = """(
    SELECT asked.budget_id, asked.points, asked.units,
        CASE WHEN known.currency IS NULL THEN 0 ELSE asked.money END AS money, asked.currency
    FROM jsonb_to_recordset(%(rows)s)
        AS asked (budget_id uuid, points bigint, units bigint, money bigint, currency text)
        JOIN budgets AS known ON known.id = asked.budget_id
) AS rows"""
_OWNED = "owner_id = %(owner_id)s AND owner_kind = %(owner_kind)s"
# What has timed out is free for whoever asks, whether or not the errand has been by.
_LATE = """
SELECT budget_id, sum(points_held)::bigint AS points, sum(units_held)::bigint AS units, sum(money_held)::bigint AS money
FROM budget_uses WHERE budget_id = ANY(%(ids)s) AND expires_at <= %(now)s GROUP BY budget_id"""
_LATE_OF_OTHERS = _LATE.replace("WHERE", f"WHERE NOT ({_OWNED}) AND")
# A budget that is not open takes nothing: what is below zero breaks `budgets_open_check`.
_IS_OPEN = """
archived_at IS NULL AND coalesce(begins_at <= %(at)s, true) AND coalesce(ends_at > %(at)s, true)
    AND (rows.money = 0 OR rows.currency IS NOT DISTINCT FROM budgets.currency)"""
_IS_OPEN_FOR_TAKEN = _IS_OPEN.replace("rows.", "taken.")


def _rises(points: str, units: str, money: str) -> str:
    """When an alert is due, once these are spent in addition."""

    def above(measure: str, more: str) -> str:
        return f"coalesce(({measure}_spent + {more}) * 100 >= {measure}_max * alert_percent, false)"

    before = " OR ".join(above(measure, "0") for measure in ("points", "units", "money"))
    after = " OR ".join(
        above(measure, more) for measure, more in (("points", points), ("units", units), ("money", money))
    )
    return f"CASE WHEN ({after}) AND NOT ({before}) THEN %(now)s ELSE alert_due_at END"


_SPENDING_RISES = _rises("rows.points", "rows.units", "rows.money")
_TAKING_RISES = _rises("taken.points", "taken.units", "taken.money")
HOLD = f"""
UPDATE budgets SET points_held = points_held + rows.points - coalesce(late.points, 0),
    units_held = units_held + rows.units - coalesce(late.units, 0),
    money_held = CASE WHEN {_IS_OPEN} THEN money_held + rows.money - coalesce(late.money, 0) ELSE -1 END
FROM {_ASKED} LEFT JOIN ({_LATE}) late USING (budget_id)
WHERE id = rows.budget_id"""
SPEND = f"""
UPDATE budgets SET points_spent = points_spent + rows.points, points_held = points_held - coalesce(late.points, 0),
    units_spent = units_spent + rows.units, units_held = units_held - coalesce(late.units, 0),
    money_spent = money_spent + rows.money,
    money_held = CASE WHEN {_IS_OPEN} THEN money_held - coalesce(late.money, 0) ELSE -1 END,
    alert_due_at = {_SPENDING_RISES}
FROM {_ASKED} LEFT JOIN ({_LATE}) late USING (budget_id)
WHERE id = rows.budget_id"""
FREE_LATE = f"""
UPDATE budgets SET points_held = points_held - late.points, units_held = units_held - late.units,
    money_held = money_held - late.money
FROM ({_LATE}) late WHERE id = late.budget_id"""
END_LATE = """
UPDATE budget_uses SET points_held = 0, units_held = 0, money_held = 0, expires_at = NULL
WHERE budget_id = ANY(%(ids)s) AND expires_at <= %(now)s"""
# A hold that the owner has already grows, and lasts as long as the last part of it.
KEEP_HELD = f"""
INSERT INTO budget_uses (owner_id, owner_kind, budget_id, points_held, units_held, money_held, points_spent,
    units_spent, money_spent, expires_at)
SELECT %(owner_id)s, %(owner_kind)s, budget_id, points, units, money, 0, 0, 0, %(until)s FROM {_ASKED}
ON CONFLICT (owner_id, owner_kind, budget_id) DO UPDATE SET
    points_held = budget_uses.points_held + EXCLUDED.points_held,
    units_held = budget_uses.units_held + EXCLUDED.units_held,
    money_held = budget_uses.money_held + EXCLUDED.money_held,
    expires_at = greatest(budget_uses.expires_at, EXCLUDED.expires_at)"""
KEEP_SPENT = f"""
INSERT INTO budget_uses (owner_id, owner_kind, budget_id, points_held, units_held, money_held, points_spent,
    units_spent, money_spent, spent_at)
SELECT %(owner_id)s, %(owner_kind)s, budget_id, 0, 0, 0, points, units, money, %(now)s FROM {_ASKED}
ON CONFLICT (owner_id, owner_kind, budget_id) DO UPDATE SET
    points_spent = budget_uses.points_spent + EXCLUDED.points_spent,
    units_spent = budget_uses.units_spent + EXCLUDED.units_spent,
    money_spent = budget_uses.money_spent + EXCLUDED.money_spent, spent_at = EXCLUDED.spent_at"""
# What an owner captures: all that it holds, or the amounts that are named; what it holds beyond them is free again.
# Of a budget of which it holds nothing, the amount is spent anew, of what others have held too long as well.
_TAKEN = f"""
SELECT budget_id, coalesce(mine.points_held, 0) AS points_held, coalesce(mine.units_held, 0) AS units_held,
    coalesce(mine.money_held, 0) AS money_held,
    CASE WHEN %(is_whole)s THEN coalesce(mine.points_held, 0) ELSE coalesce(rows.points, 0) END AS points,
    CASE WHEN %(is_whole)s THEN coalesce(mine.units_held, 0) ELSE coalesce(rows.units, 0) END AS units,
    CASE WHEN %(is_whole)s THEN coalesce(mine.money_held, 0) ELSE coalesce(rows.money, 0) END AS money,
    rows.currency
FROM (SELECT budget_id, points_held, units_held, money_held FROM budget_uses WHERE {_OWNED}) mine
    FULL JOIN {_ASKED} USING (budget_id)"""
_IS_HELD = "taken.points_held + taken.units_held + taken.money_held > 0"
_TAKES_NOTHING = "taken.points + taken.units + taken.money = 0"
CAPTURE = f"""
UPDATE budgets SET points_held = budgets.points_held - taken.points_held - coalesce(late.points, 0),
    points_spent = points_spent + taken.points,
    units_held = budgets.units_held - taken.units_held - coalesce(late.units, 0),
    units_spent = units_spent + taken.units,
    money_held = CASE WHEN {_IS_HELD} OR {_TAKES_NOTHING} OR {_IS_OPEN_FOR_TAKEN}
        THEN budgets.money_held - taken.money_held - coalesce(late.money, 0) ELSE -1 END,
    money_spent = money_spent + taken.money, alert_due_at = {_TAKING_RISES}
FROM ({_TAKEN}) taken LEFT JOIN ({_LATE_OF_OTHERS}) late USING (budget_id) WHERE id = taken.budget_id"""
KEEP_CAPTURED = f"""
INSERT INTO budget_uses (owner_id, owner_kind, budget_id, points_held, units_held, money_held, points_spent,
    units_spent, money_spent, spent_at)
SELECT %(owner_id)s, %(owner_kind)s, budget_id, 0, 0, 0, points, units, money, %(now)s FROM ({_TAKEN}) taken
ON CONFLICT (owner_id, owner_kind, budget_id) DO UPDATE SET points_held = 0, units_held = 0, money_held = 0,
    points_spent = budget_uses.points_spent + EXCLUDED.points_spent,
    units_spent = budget_uses.units_spent + EXCLUDED.units_spent,
    money_spent = budget_uses.money_spent + EXCLUDED.money_spent, expires_at = NULL, spent_at = EXCLUDED.spent_at"""
RELEASE = f"""
UPDATE budgets SET points_held = budgets.points_held - mine.points_held,
    units_held = budgets.units_held - mine.units_held, money_held = budgets.money_held - mine.money_held
FROM (SELECT budget_id, points_held, units_held, money_held FROM budget_uses WHERE {_OWNED}) mine
WHERE id = mine.budget_id"""
KEEP_RELEASED = f"""
UPDATE budget_uses SET points_held = 0, units_held = 0, money_held = 0, expires_at = NULL WHERE {_OWNED}"""
# Never more than was spent.
_RETURNED = f"""
SELECT budget_id,
    CASE WHEN %(is_whole)s THEN points_spent ELSE least(points_spent, coalesce(rows.points, 0)) END AS points,
    CASE WHEN %(is_whole)s THEN units_spent ELSE least(units_spent, coalesce(rows.units, 0)) END AS units,
    CASE WHEN %(is_whole)s THEN money_spent ELSE least(money_spent, coalesce(rows.money, 0)) END AS money
FROM budget_uses LEFT JOIN {_ASKED} USING (budget_id) WHERE {_OWNED}"""
GIVE_BACK = f"""
UPDATE budgets SET points_spent = points_spent - back.points, units_spent = units_spent - back.units,
    money_spent = money_spent - back.money
FROM ({_RETURNED}) back WHERE id = back.budget_id"""
KEEP_GIVEN_BACK = f"""
UPDATE budget_uses SET points_spent = points_spent - back.points, units_spent = units_spent - back.units,
    money_spent = money_spent - back.money
FROM ({_RETURNED}) back WHERE {_OWNED} AND budget_uses.budget_id = back.budget_id"""

FIRST_LATE = "SELECT min(expires_at) AS due_at FROM budget_uses WHERE expires_at IS NOT NULL"
LATE_BUDGETS = """
SELECT DISTINCT budget_id FROM (
    SELECT budget_id FROM budget_uses WHERE expires_at <= %(now)s ORDER BY expires_at LIMIT %(limit)s
) late"""
FIRST_ALERT = "SELECT min(alert_due_at) AS due_at FROM budgets WHERE alert_due_at IS NOT NULL"
DUE_ALERTS = f"""
SELECT {COLUMNS} FROM budgets WHERE alert_due_at <= %(now)s ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE"""
SET_ALERTED = """
UPDATE budgets SET alerted_at = alert_due_at, alert_due_at = NULL WHERE id = ANY(%(ids)s)"""
SPENT_SINCE = """
SELECT budget_id, sum(points_spent)::bigint AS points, sum(units_spent)::bigint AS units,
    sum(money_spent)::bigint AS money
FROM budget_uses WHERE budget_id = ANY(%(ids)s) AND spent_at > %(since)s GROUP BY budget_id"""
USES = f"""
SELECT budget_id, points_held, units_held, money_held, points_spent, units_spent, money_spent
FROM budget_uses WHERE {_OWNED} ORDER BY budget_id"""

_MEASURES = {
    "budgets_points_check": Measure.POINTS,
    "budgets_units_check": Measure.UNITS,
    "budgets_money_check": Measure.MONEY,
}
_NUMBER = r"(null|-?\d+)"
# The first columns of the failing row: its id, then maximum, held and spent of each measure.
_FAILING_ROW = re.compile(r"\(([0-9a-f-]{36}), " + ", ".join([_NUMBER] * 9))


def insert_budget(uow: UnitOfWork, *, budget: Budget) -> None:
    """Store a budget of which nothing is held or spent.

    Raises:
        BudgetCodeTaken
    """
    try:
        uow.execute(INSERT, _values(budget))
    except UniqueViolation as error:
        if error.diag.constraint_name != "budgets_code_key":
            raise
        raise BudgetCodeTaken(budget_code=budget.code) from error


def update_budget(uow: UnitOfWork, *, budget: Budget, alert_due_at: datetime | None) -> None:
    """Write what is said of a budget that is locked."""
    uow.execute(UPDATE, _values(budget) | {"alert_due_at": alert_due_at})


def refusal_of(
    error: CheckViolation, *, holding: Mapping[UUID, Mapping[Measure, int]]
) -> BudgetExhausted | BudgetClosed | None:
    """What a violated check says of a demand; None when it is none of a budget's. ``holding``: what was to be held."""
    name = error.diag.constraint_name or ""
    if name != "budgets_open_check" and name not in _MEASURES:
        return None
    row = _FAILING_ROW.search(error.diag.message_detail or "")
    if row is None:
        return None
    budget_id = UUID(row[1])
    measure = _MEASURES.get(name)
    if measure is None:
        return BudgetClosed(budget_id=budget_id)
    held = int(row[3 + 3 * list(Measure).index(measure)])
    # The failing row is as it would have become, with what was asked.
    others = held - holding.get(budget_id, {}).get(measure, 0)
    return BudgetExhausted(budget_id=budget_id, measure=measure.value, has_holds=others > 0)


def budgets_of(rows: Iterable[DictRow]) -> tuple[Budget, ...]:
    return tuple(_budget_of(row) for row in rows)


def use_of(row: DictRow) -> Use:
    return Use(**row)


def _budget_of(row: DictRow) -> Budget:
    return Budget(
        id=row["id"],
        code=row["code"],
        version=row["version"],
        content=BudgetContent(
            name_en=row["name_en"],
            name_zh=row["name_zh"],
            points_max=row["points_max"],
            units_max=row["units_max"],
            money_max=row["money_max"],
            currency=row["currency"],
            begins_at=row["begins_at"],
            ends_at=row["ends_at"],
            alert_percent=row["alert_percent"],
        ),
        points=Amount(row["points_max"], row["points_held"], row["points_spent"]),
        units=Amount(row["units_max"], row["units_held"], row["units_spent"]),
        money=Amount(row["money_max"], row["money_held"], row["money_spent"]),
        created_at=row["created_at"],
        archived_at=row["archived_at"],
        alerted_at=row["alerted_at"],
    )


def _values(budget: Budget) -> dict[str, Any]:
    content = {name: getattr(budget.content, name) for name in BudgetContent.__slots__}
    names = ("id", "code", "version", "created_at", "archived_at")
    return content | {name: getattr(budget, name) for name in names}
