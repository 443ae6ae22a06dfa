"""Letters out: an event becomes a row in the transaction of the work that it tells of."""

from psycopg.types.json import Jsonb

from services.contracts.events.base import Event, to_payload
from services.platform.clock import wall_now
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

INSERT = """
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
VALUES (%(id)s, %(type)s, %(version)s, %(payload)s, %(correlation_id)s, %(occurred_at)s, %(created_at)s)"""


def publish_statement(uow: UnitOfWork, event: Event) -> Statement:
    """The letter for a pipeline; the relay is nudged after the commit."""
    uow.has_published = True
    return Statement(
        INSERT,
        {
            "id": new_id(),
            "type": type(event).__name__,
            "version": event.VERSION,
            "payload": Jsonb(to_payload(event)),
            "correlation_id": uow.correlation_id,
            "occurred_at": uow.now,
            "created_at": wall_now(),
        },
    )


def publish(uow: UnitOfWork, event: Event) -> None:
    """`publish_statement`, at once."""
    statement = publish_statement(uow, event)
    uow.execute(statement.query, statement.values)
