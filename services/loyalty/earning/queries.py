"""How much has been used of caps."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.earning import repository
from services.loyalty.earning.domain import CapKey, CapSubject, period_bounds
from services.loyalty.programs.domain import CapMeasure, CapOwner, CapPeriod
from services.platform.db.session import Statement

EVERYBODY = UUID(int=0)
"""Whose counters everybody's are."""


def cap_uses_statement(*, member_ids: Collection[UUID], first: datetime, last: datetime) -> Statement:
    """The members' own counters that events from one instant to another fill, in whatever zone; see `cap_used`."""
    bounds = period_bounds(first, last)
    values = {
        "ids": list(member_ids),
        "first_day": bounds[CapPeriod.DAY][0],
        "last_day": bounds[CapPeriod.DAY][1],
        "periods": [period.value for period in bounds],
        "firsts": [begins.isoformat() for begins, _ in bounds.values()],
        "lasts": [ends.isoformat() for _, ends in bounds.values()],
    }
    return Statement(repository.READ, values)


def cap_used(rows: Iterable[DictRow]) -> dict[CapKey, int]:
    """What has been used, by counter. The rows are of one member, or everybody's."""
    return {_key(row): row["used"] for row in rows}


def locking_statements(keys: Collection[CapKey]) -> list[Statement]:
    """Lock everybody's counters, after the members; the rows of the last statement go to `cap_used`."""
    rows = {"rows": Jsonb([key_row(EVERYBODY, key) for key in sorted(keys)])}
    return [Statement(repository.OPEN_SHARED, rows), Statement(repository.LOCK_SHARED, rows)] if keys else []


def shared_uses_statement(keys: Collection[CapKey]) -> Statement:
    """Everybody's counters as they are, not locked; its rows go to `cap_used`."""
    return Statement(repository.READ_SHARED, {"rows": Jsonb([key_row(EVERYBODY, key) for key in sorted(keys)])})


def key_row(owner_id: UUID, key: CapKey) -> dict[str, Any]:
    """The columns of a counter."""
    return {
        "owner_id": owner_id,
        "period": key.period.value,
        "start": key.start.isoformat(),
        "subject": key.subject.value,
        "code": key.code,
        "measure": key.measure.value,
    }


def _key(row: DictRow) -> CapKey:
    start: date = row["start"]
    return CapKey(
        subject=CapSubject(row["subject"]),
        code=row["code"],
        measure=CapMeasure(row["measure"]),
        period=CapPeriod(row["period"]),
        start=start,
        owner=CapOwner.EVERYONE if row["owner_id"] == EVERYBODY else CapOwner.MEMBER,
    )
