"""What is known of members who were to be told."""

from datetime import date

from services.loyalty.expiry import repository
from services.platform.db.session import ReadSession


def members_not_reached(session: ReadSession, *, first: date, last: date, unit: str | None = None) -> int:
    """How many members' points ended in a period, both days included, though no channel had taken their notice."""
    row = session.fetch_one(repository.UNREACHED, {"first": first, "last": last, "unit": unit})
    assert row is not None, "a count has one row"
    return int(row["members"])
