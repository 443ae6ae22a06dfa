"""The cost of API operations, gathered in the process and written as usage facts once a second.

Reads write nothing of their own, so their cost is flushed apart: one fact per tenant, process and flush. A kill may
lose a second of it; nothing can double it, because each fact's id is made once.
"""

import threading
from collections import Counter

import structlog
from psycopg import Error as DatabaseError

from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import CommitOutcomeUnknown, unit_of_work
from services.platform.ids import new_id
from services.platform.metering.service import count

log = structlog.get_logger()

FLUSH_SECONDS = 1.0
METER = "api_cost"
THREAD = "cost-meter"


class CostMeter:
    """Gathers the cost of one process's operations."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._costs: Counter[Home] = Counter()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._flusher = threading.Thread(target=self._flush_often, name=THREAD, daemon=True)
        self._flusher.start()

    def add(self, home: Home, cost: int) -> None:
        """Count ``cost`` points of an operation in a tenant's home."""
        with self._lock:
            self._costs[home] += cost

    def close(self) -> None:
        """Write what is left and stop."""
        self._closing.set()
        self._flusher.join()

    def _flush_often(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            costs, self._costs = self._costs, Counter()
        for home, cost in costs.items():
            self._write(home, cost)

    def _write(self, home: Home, cost: int) -> None:
        try:
            with unit_of_work(self._database, home, now=wall_now(), actor=SYSTEM, correlation_id=THREAD) as uow:
                count(uow, meter=METER, event_id=new_id(), quantity=cost)
        except CommitOutcomeUnknown:
            # It may have been written: counting it again could double it.
            log.warning("api_cost_unknown", schema=home.schema, cost=cost)
        except DatabaseError as error:
            log.warning("api_cost_waits", schema=home.schema, error=type(error).__name__)
            self.add(home, cost)
