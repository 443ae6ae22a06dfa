"""Filling caps and giving them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.earning import repository
from services.loyalty.earning.domain import Evaluation
from services.platform.db.session import Statement


@dataclass(frozen=True, slots=True)
class CapUse:
    """Where points count against a cap."""

    member_id: UUID
    rule_id: str
    day: date


def cap_uses(evaluation: Evaluation, *, member_id: UUID, day: date) -> dict[CapUse, int]:
    """The points that rules with a cap gave on a day.

    A rule without a cap leaves no trace, so that a cap which is added later in the day starts empty.
    """
    return {
        CapUse(member_id, accrual.rule_id, day): accrual.points
        for accrual in evaluation.accruals
        if accrual.cap_room is not None and accrual.points
    }


def fill_caps_statements(uses: Mapping[CapUse, int]) -> list[Statement]:
    """Count points against caps; nothing when there are none."""
    rows = [
        {"member_id": use.member_id, "rule_id": use.rule_id, "day": use.day, "points": points}
        for use, points in uses.items()
    ]
    return [Statement(repository.ADD, {"rows": Jsonb(rows)})] if rows else []


def change_caps_statements(*, member_id: UUID, points: Mapping[str, int], day: date) -> list[Statement]:
    """Change the use of caps on a day by points by rule id (below zero: give back), where there is a use."""
    rows = [{"rule_id": rule_id, "points": change} for rule_id, change in points.items() if change]
    if not rows:
        return []
    return [Statement(repository.GIVE_BACK, {"member_id": member_id, "day": day, "rows": Jsonb(rows)})]
