"""Letters out: an event becomes a row in the transaction of the work that it tells of."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from services.contracts.events.base import Event, to_payload
from services.platform.clock import wall_now
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.telemetry import traces

INSERT = """
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
VALUES (%(id)s, %(type)s, %(version)s, %(payload)s, %(correlation_id)s, %(occurred_at)s, %(created_at)s)"""

INSERT_ALL = """
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
SELECT id, type, version, payload, correlation_id, occurred_at, created_at
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, type text, version bigint, payload jsonb, correlation_id text,
    occurred_at timestamptz, created_at timestamptz)"""


def publish_statement(uow: UnitOfWork, event: Event) -> Statement:
    """The letter for a pipeline; the relay is nudged after the commit."""
    uow.has_published = True
    return Statement(
        INSERT,
        {
            "id": new_id(),
            "type": type(event).__name__,
            "version": event.VERSION,
            "payload": Jsonb(_payload(uow, event)),
            "correlation_id": uow.correlation_id,
            "occurred_at": uow.now,
            "created_at": wall_now(),
        },
    )


def publish_all_statement(letters: Sequence[tuple[UnitOfWork, Event]]) -> Statement:
    """The letters of several senders, who share one transaction, for its pipeline; else as `publish_statement`."""
    for uow, _ in letters:
        uow.has_published = True
    rows = [
        {
            "id": new_id(),
            "type": type(event).__name__,
            "version": event.VERSION,
            "payload": _payload(uow, event),
            "correlation_id": uow.correlation_id,
            "occurred_at": uow.now,
            "created_at": wall_now(),
        }
        for uow, event in letters
    ]
    return Statement(INSERT_ALL, {"rows": Jsonb(rows)})


def publish(uow: UnitOfWork, event: Event) -> None:
    """`publish_statement`, at once."""
    statement = publish_statement(uow, event)
    uow.execute(statement.query, statement.values)


def _payload(uow: UnitOfWork, event: Event) -> dict[str, str | int | bool | None]:
    payload = to_payload(event)
    return traces.carrying(payload) if uow.traceparent is None else {**payload, traces.LETTER_KEY: uow.traceparent}
