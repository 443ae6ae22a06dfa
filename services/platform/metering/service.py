"""Usage facts, written in the transaction of the thing that they count."""

from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from services.platform.db.session import Statement, UnitOfWork

METERS = frozenset({"purchases", "activities", "redemptions", "messages.email", "api_cost"})
"""What is counted. A new meter is a product decision, so unknown names are refused."""

# A fact counted again under the same id stays one fact, whatever a retry does.
COUNT = """
INSERT INTO usage_facts (meter, event_id, quantity, occurred_at, day)
VALUES (%(meter)s, %(event_id)s, %(quantity)s, %(occurred_at)s, %(day)s)
ON CONFLICT (meter, event_id) DO NOTHING"""

COUNT_EACH = """
INSERT INTO usage_facts (meter, event_id, quantity, occurred_at, day)
SELECT %(meter)s, event_id, 1, %(occurred_at)s, %(day)s FROM unnest(%(event_ids)s) AS counted (event_id)
ON CONFLICT (meter, event_id) DO NOTHING"""


def count_statement(uow: UnitOfWork, *, meter: str, event_id: UUID, quantity: int = 1) -> Statement:
    """One usage fact for a pipeline: ``quantity`` whole units of ``meter``, unique by ``event_id`` for ever."""
    values = {
        "meter": _known(meter),
        "event_id": event_id,
        "quantity": quantity,
        "occurred_at": uow.now,
        "day": uow.now.astimezone(UTC).date(),
    }
    return Statement(COUNT, values)


def count_each_statement(uow: UnitOfWork, *, meter: str, event_ids: Sequence[UUID]) -> Statement:
    """One unit of ``meter`` for each of many things, for a pipeline; else as `count_statement`."""
    values = {
        "meter": _known(meter),
        "event_ids": list(event_ids),
        "occurred_at": uow.now,
        "day": uow.now.astimezone(UTC).date(),
    }
    return Statement(COUNT_EACH, values)


def _known(meter: str) -> str:
    if meter not in METERS:
        message = f"unknown meter {meter!r}"
        raise ValueError(message)
    return meter


def count(uow: UnitOfWork, *, meter: str, event_id: UUID, quantity: int = 1) -> None:
    """`count_statement`, at once."""
    statement = count_statement(uow, meter=meter, event_id=event_id, quantity=quantity)
    uow.execute(statement.query, statement.values)
