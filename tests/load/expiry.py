"""A night on which very many lots end: how fast they are settled, and what purchases feel of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from services.loyalty.expiry.service import settle_losses
from services.platform.clock import monotonic, wall_now
from tests.load.contenders import Service
from tests.load.measuring import Measure, Sample, in_turns
from tests.load.pgbench import Pgbench, Place
from tests.load.stage import Stage

LOTS_PER_SECOND = 6_000
"""How many are made due for each second of a run, so that there is more than enough to do."""

# Lots that ended a moment ago, spread over all members, with what makes their balances right.
MAKE_DUE = """
WITH made AS (
    INSERT INTO {schema}.ledger_lots (id, holder_id, unit, amount, remaining, state, activates_at, expires_at,
        origin_entry_id, origin_kind, created_at)
    SELECT gen_random_uuid(), bench_members.id, 'beans', 1, 1, 'active', now() - interval '1 day',
        now() - interval '1 second' * (1 + numbers.number %% 7), origin.id, 'bench', now()
    FROM generate_series(1, %(count)s) AS numbers (number)
        JOIN {schema}.bench_members ON bench_members.number = 1 + numbers.number %% %(members)s
        CROSS JOIN LATERAL (
            SELECT id FROM {schema}.ledger_entries WHERE holder_id = bench_members.id ORDER BY seq LIMIT 1) AS origin
    RETURNING holder_id)
UPDATE {schema}.ledger_balances SET available_in = available_in + sums.count, earned = earned + sums.count
FROM (SELECT holder_id, count(*) AS count FROM made GROUP BY holder_id) AS sums
WHERE ledger_balances.holder_id = sums.holder_id AND unit = 'beans'"""
DUE = """
SELECT count(*) FROM {schema}.ledger_lots
WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= now()"""


@dataclass(frozen=True, slots=True)
class Night:
    """The job over lots that are due, one after the other as one worker does it."""

    stage: Stage
    name: str = "expire_points, one worker"

    def run(self, seconds: int) -> Sample:
        """Settle lots for so many seconds."""
        make_due(self.stage, LOTS_PER_SECOND * seconds)
        merchant = self.stage.merchant
        before, began = due(self.stage), monotonic()
        while monotonic() < began + seconds:
            if settle_losses(merchant.database, merchant.home, wall_now()) == 0:
                break
        taken = monotonic() - began
        return Sample((before - due(self.stage)) / taken)


@dataclass(frozen=True, slots=True)
class PurchasesMeanwhile:
    """Purchases by threads of this process while the job runs beside them in the same process."""

    stage: Stage
    threads: int
    name: str = "while lots expire, one process"

    def run(self, seconds: int) -> Sample:
        """Record purchases of members chosen by lot, whose lots are being settled."""
        make_due(self.stage, LOTS_PER_SECOND * seconds)
        with _settling(self.stage):
            return Service(self.stage, self.threads).run(seconds)


@contextmanager
def _settling(stage: Stage) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        merchant = stage.merchant
        while not stop.is_set() and settle_losses(merchant.database, merchant.home, wall_now()):
            pass

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def make_due(stage: Stage, count: int) -> None:
    """Let so many lots have ended a moment ago."""
    with psycopg.connect(stage.postgres.superuser_url, autocommit=True) as connection:
        values = {"count": count, "members": len(stage.member_ids)}
        connection.execute(_in(stage, MAKE_DUE), values)
        connection.execute(_in(stage, "ANALYZE {schema}.ledger_lots"))


def due(stage: Stage) -> int:
    """How many lots have ended and are not settled."""
    with psycopg.connect(stage.postgres.superuser_url, autocommit=True) as connection:
        row = connection.execute(_in(stage, DUE)).fetchone()
    assert row is not None, "a count has one row"
    return int(row[0])


def expiry_measures(stage: Stage, place: Place) -> list[Measure]:
    """Lots settled a second, against pgbench with one lot a transaction; and purchases, alone and meanwhile."""
    one_lot = Pgbench(place, "expire_lot.sql", clients=4, name="pgbench, a lot a transaction")
    return [
        in_turns("lots that expire", one_lot, Night(stage)),
        in_turns("recordPurchase, 4, and expiry", Service(stage, 4), PurchasesMeanwhile(stage, 4)),
    ]


def _in(stage: Stage, query: str) -> sql.Composed:
    return sql.SQL(query).format(schema=sql.Identifier(stage.tenant.home.schema))
