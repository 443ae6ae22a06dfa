"""Tables that every home has, the platform's own and each tenant's: keys, letters out, letters in, usage."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.platform.db.base import PlatformRow, TenantRow

INSTANT = DateTime(timezone=True)


def _define(metadata: MetaData) -> None:
    Table(
        "idempotency_keys",
        metadata,
        Column("operation", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("request_hash", LargeBinary, nullable=False),
        # Null only inside the transaction that claims the key: no other transaction ever sees it so.
        Column("result", JSONB),
        Column("created_at", INSTANT, nullable=False),
        PrimaryKeyConstraint("operation", "key"),
    )
    outbox = Table(
        "outbox",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("type", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("occurred_at", INSTANT, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("dispatched_at", INSTANT),
    )
    Index("outbox_undispatched_idx", outbox.c.id, postgresql_where=text("dispatched_at IS NULL"))
    inbox = Table(
        "inbox",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("state", Text, nullable=False),
        Column("deliveries", BigInteger, nullable=False),
        Column("leased_until", INSTANT, nullable=False),
        Column("last_error", Text),
        Column("created_at", INSTANT, nullable=False),
        Column("done_at", INSTANT),
        PrimaryKeyConstraint("consumer", "event_id"),
        CheckConstraint("state IN ('pending', 'done', 'parked')", name="state_check"),
    )
    Index("inbox_pending_idx", inbox.c.leased_until, postgresql_where=text("state = 'pending'"))
    facts = Table(
        "usage_facts",
        metadata,
        Column("meter", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("occurred_at", INSTANT, nullable=False),
        Column("day", Date, nullable=False),
        Column("rolled_up_at", INSTANT),
        PrimaryKeyConstraint("meter", "event_id"),
    )
    Index("usage_facts_day_idx", facts.c.meter, facts.c.day)
    Index("usage_facts_new_idx", facts.c.day, postgresql_where=text("rolled_up_at IS NULL"))


_define(PlatformRow.metadata)
_define(TenantRow.metadata)
