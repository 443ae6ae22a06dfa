"""How many letters wait where, and a second chance for those that were given up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from services.platform.clock import wall_now
from services.platform.db.fanout import ask_tenants
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, UnitOfWork

DEPTHS = sql.SQL(
    "SELECT * FROM (SELECT count(*) AS undispatched, min(created_at) AS oldest"
    " FROM {schema}.outbox WHERE dispatched_at IS NULL) AS waiting,"
    " (SELECT count(*) FILTER (WHERE state = 'pending') AS pending,"
    " count(*) FILTER (WHERE state = 'parked') AS parked FROM {schema}.inbox WHERE state <> 'done') AS received"
    " WHERE undispatched + pending + parked > 0"
)
REPLAY = """
UPDATE inbox SET state = 'pending', deliveries = 0, leased_until = %(now)s
WHERE state = 'parked' AND (%(consumer)s::text IS NULL OR consumer = %(consumer)s)"""


@dataclass(frozen=True, slots=True)
class Depth:
    """A tenant's letters that are not done. ``oldest`` is the oldest undispatched one's time."""

    home: Home
    undispatched: int
    oldest: datetime | None
    pending: int
    parked: int


def depths(session: ReadSession, homes: Sequence[Home]) -> Iterator[Depth]:
    """The depth of each home that has letters which are not done."""
    for home, row in ask_tenants(session, homes, DEPTHS, {}):
        yield Depth(home, row["undispatched"], row["oldest"], row["pending"], row["parked"])


def replay_parked(uow: UnitOfWork, *, consumer: str | None) -> int:
    """Put parked letters back in the queue with a fresh count; how many."""
    return uow.execute(REPLAY, {"consumer": consumer, "now": wall_now()})
