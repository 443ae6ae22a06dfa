"""How much of their caps members have used."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import repository
from services.platform.db.session import Statement

_DAY = timedelta(days=1)


def cap_uses_statement(*, member_id: UUID, at: datetime) -> Statement:
    """The cap uses of the calendar day of an instant, in whatever zone; its rows go to `cap_used`."""
    day = at.astimezone(UTC).date()
    values = {"member_id": member_id, "first_day": day - _DAY, "last_day": day + _DAY}
    return Statement(repository.READ, values)


def cap_used(rows: Iterable[DictRow], *, day: date) -> dict[str, int]:
    """Points by rule id that count against the caps of a day."""
    return {row["rule_id"]: row["used"] for row in rows if row["day"] == day}
