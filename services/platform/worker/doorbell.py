"""The broker as a doorbell: it says that there is work, and is never the place where the work is kept.

Losing, repeating or delaying a ring changes nothing but latency, so a ring never fails its caller: the sweep finds
what it would have told.
"""

import dramatiq
import redis
import structlog
from dramatiq.errors import BrokerConnectionError

from services.platform.db.gathering import Gatherer
from services.platform.db.homes import Home
from services.platform.telemetry import traces

log = structlog.get_logger()

NUDGE_PAUSE_SECONDS = 0.02
"""Nudges of one home within this time become one ring."""


class BrokerDoorbell:
    """Rings tasks by name, and gathers the nudges that follow commits."""

    def __init__(self, broker: dramatiq.Broker) -> None:
        self._broker = broker
        self._nudges = Gatherer("nudger", self._ring_relays)

    def ring(self, task: str, **keywords: str | int | None) -> bool:
        """Tell a worker that ``task`` has something to do; False when the broker could not be told."""
        carried = traces.traceparent()
        options = {} if carried is None else {traces.TRACEPARENT: carried}
        message: dramatiq.Message[object] = dramatiq.Message(
            queue_name="default", actor_name=task, args=(), kwargs=keywords, options=options
        )
        try:
            self._broker.enqueue(message)
        except (BrokerConnectionError, redis.RedisError) as error:
            log.warning("ring_failed", task=task, error=type(error).__name__)
            return False
        return True

    def nudge(self, home: Home) -> None:
        """A transaction of ``home`` published letters: ring its relay soon, once for many commits."""
        self._nudges.add(home)

    def close(self) -> None:
        """Send what is waiting and stop."""
        self._nudges.close()

    def _ring_relays(self, homes: frozenset[Home]) -> float:
        for home in homes:
            self.ring("dispatch_outbox", tenant_id=str(home.tenant_id) if home.tenant_id else None)
        return NUDGE_PAUSE_SECONDS
