"""How much of their caps members have used."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import repository
from services.platform.db.session import Statement

_DAY = timedelta(days=1)


def cap_uses_statement(*, member_ids: Collection[UUID], first: datetime, last: datetime) -> Statement:
    """The cap uses of the calendar days from one instant to another, in whatever zone; its rows go to `cap_used`."""
    values = {
        "ids": list(member_ids),
        "first_day": first.astimezone(UTC).date() - _DAY,
        "last_day": last.astimezone(UTC).date() + _DAY,
    }
    return Statement(repository.READ, values)


def cap_used(rows: Iterable[DictRow], *, day: date) -> dict[str, int]:
    """Points by rule id that count against the caps of a day. The rows are of one member."""
    return {row["rule_id"]: row["used"] for row in rows if row["day"] == day}
