"""One whole night: very many lots of very many members end at one instant, and the job runs until none is left."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.loyalty.expiry.service import settle_losses
from services.platform.clock import monotonic, wall_now
from tests.load.contenders import Service
from tests.load.expiry import due
from tests.load.stage import Stage

LOTS_PER_MEMBER = 3
PURCHASE_SECONDS = 2
PURCHASE_THREADS = 4

# Members of whom the ledger alone knows, each with some lots that ended a moment ago, all at one instant. What their
# lots were born with is an entry of another member: nothing here is verified afterwards.
MAKE_MEMBERS = """
INSERT INTO {schema}.ledger_holders (id, entry_seq, last_hash, created_at)
SELECT gen_random_uuid(), 0, decode(repeat('00', 32), 'hex'), 'epoch' FROM generate_series(1, %(members)s)"""
MAKE_LOTS = """
INSERT INTO {schema}.ledger_lots (id, holder_id, unit, amount, remaining, state, activates_at, expires_at,
    origin_entry_id, origin_kind, created_at)
SELECT gen_random_uuid(), holders.id, 'beans', 1, 1, 'active', now() - interval '1 day', now() - interval '1 second',
    (SELECT id FROM {schema}.ledger_entries LIMIT 1), 'bench', now()
FROM {schema}.ledger_holders AS holders CROSS JOIN generate_series(1, %(lots)s)
WHERE holders.created_at = 'epoch'"""
MAKE_BALANCES = """
INSERT INTO {schema}.ledger_balances (holder_id, unit, pending_in, pending_out, available_in, available_out, held_in,
    held_out, owed_in, owed_out, earned, spent, expired, reversed, adjusted)
SELECT id, 'beans', 0, 0, %(lots)s, 0, 0, 0, 0, 0, %(lots)s, 0, 0, 0, 0 FROM {schema}.ledger_holders
WHERE created_at = 'epoch'"""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a night was: ``seconds`` for ``lots``; purchases a second before it, and beside it."""

    lots: int
    seconds: float
    purchases_alone: float
    purchases_beside: float


def pass_night(stage: Stage, *, lots: int, console: Console) -> Passed:
    """Make the lots, settle them all with one worker, and record purchases beside it for a moment."""
    make_night(stage, lots)
    purchases = Service(stage, PURCHASE_THREADS)
    alone = purchases.run(PURCHASE_SECONDS).per_second
    waiting, beside = due(stage), 0.0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("lots that expire", total=waiting)
        night = _Night(stage, lambda: progress.update(bar, completed=waiting - due(stage)))
        night.start()
        beside = purchases.run(PURCHASE_SECONDS).per_second
        night.join()
    return Passed(waiting, night.seconds, alone, beside)


def make_night(stage: Stage, lots: int) -> None:
    """Let so many lots have ended a moment ago."""
    values = {"members": -(-lots // LOTS_PER_MEMBER), "lots": LOTS_PER_MEMBER}
    with psycopg.connect(stage.postgres.superuser_url, autocommit=True) as connection:
        for query in (MAKE_MEMBERS, MAKE_LOTS, MAKE_BALANCES, "ANALYZE {schema}.ledger_lots"):
            statement = sql.SQL(query).format(schema=sql.Identifier(stage.tenant.home.schema))
            connection.execute(statement, values if "%(" in query else None)


class _Night(threading.Thread):
    """Settles until nothing is due, and says from time to time that it goes on."""

    def __init__(self, stage: Stage, tell: Callable[[], None]) -> None:
        super().__init__()
        self.seconds = 0.0
        self._stage = stage
        self._tell = tell

    def run(self) -> None:
        merchant, began = self._stage.merchant, monotonic()
        while settle_losses(merchant.database, merchant.home, wall_now()):
            self.seconds = monotonic() - began
            self._tell()
