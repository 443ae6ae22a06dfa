"""Filling caps and giving them back."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.earning import repository
from services.loyalty.earning.domain import Evaluation
from services.platform.db.session import Statement


def fill_caps_statements(*, member_id: UUID, evaluation: Evaluation, day: date) -> list[Statement]:
    """Count what rules with a cap gave on a day; nothing when no such rule gave points.

    A rule without a cap leaves no trace, so that a cap which is added later in the day starts empty.
    """
    rows = [
        {"rule_id": accrual.rule_id, "points": accrual.points}
        for accrual in evaluation.accruals
        if accrual.cap_room is not None and accrual.points
    ]
    if not rows:
        return []
    return [Statement(repository.ADD, {"member_id": member_id, "day": day, "rows": Jsonb(rows)})]


def change_caps_statements(*, member_id: UUID, points: Mapping[str, int], day: date) -> list[Statement]:
    """Change the use of caps on a day by points by rule id (below zero: give back), where there is a use."""
    rows = [{"rule_id": rule_id, "points": change} for rule_id, change in points.items() if change]
    if not rows:
        return []
    return [Statement(repository.GIVE_BACK, {"member_id": member_id, "day": day, "rows": Jsonb(rows)})]
