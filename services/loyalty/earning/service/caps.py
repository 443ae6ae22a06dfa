"""Filling caps and giving them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.earning import repository
from services.loyalty.earning.domain import CapKey, CapSubject, Evaluation
from services.loyalty.earning.queries import EVERYBODY, key_row, locking_statements
from services.loyalty.programs.domain import CapMeasure, CapOwner, CapPeriod
from services.platform.db.session import Statement


@dataclass(frozen=True, slots=True, order=True)
class CapUse:
    """A counter of a member's; everybody's are the same whoever the member is."""

    owner_id: UUID
    key: CapKey

    @classmethod
    def of(cls, member_id: UUID, key: CapKey) -> "CapUse":
        """The counter that an event of a member's fills."""
        return cls(EVERYBODY if key.owner is CapOwner.EVERYONE else member_id, key)


def cap_uses(evaluation: Evaluation, *, member_id: UUID) -> dict[CapUse, int]:
    """What an evaluation counts against caps.

    A rule without a cap leaves no trace, so that a cap which is added later starts empty.
    """
    return {CapUse.of(member_id, key): count for key, count in evaluation.fillings.items()}


def fill_caps_statements(uses: Mapping[CapUse, int]) -> list[Statement]:
    """Count against caps; nothing when there are none."""
    return _statements(uses, by_day=repository.ADD_USES, others=repository.ADD_FILLINGS)


def change_caps_statements(*, member_id: UUID, changes: Mapping[CapKey, int]) -> list[Statement]:
    """Change counters (below zero: give back), where there are any; never below zero."""
    uses = {CapUse.of(member_id, key): change for key, change in changes.items() if change}
    # In the order in which purchases lock them: an UPDATE locks in an order of its own.
    locks = locking_statements([use.key for use in uses if use.key.owner is CapOwner.EVERYONE])
    return locks + _statements(uses, by_day=repository.CHANGE_USES, others=repository.CHANGE_FILLINGS)


def _statements(uses: Mapping[CapUse, int], *, by_day: str, others: str) -> list[Statement]:
    rows: dict[str, list[dict[str, Any]]] = {by_day: [], others: []}
    for use, amount in sorted(uses.items()):
        row = key_row(use.owner_id, use.key) | {"amount": amount}
        rows[by_day if _is_by_day(use.key) else others].append(row)
    return [Statement(query, {"rows": Jsonb(each)}) for query, each in rows.items() if each]


def _is_by_day(key: CapKey) -> bool:
    return (key.subject, key.measure, key.period, key.owner) == (
        CapSubject.RULE,
        CapMeasure.POINTS,
        CapPeriod.DAY,
        CapOwner.MEMBER,
    )
