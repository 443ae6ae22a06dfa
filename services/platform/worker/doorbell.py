"""The broker as a doorbell: it says that there is work, and is never the place where the work is kept.

Losing, repeating or delaying a ring changes nothing but latency, so a ring never fails its caller: the sweep finds
what it would have told.
"""

import threading
from collections.abc import Iterable

import dramatiq
import redis
import structlog
from dramatiq.errors import BrokerConnectionError

from services.platform.db.homes import Home
from services.platform.telemetry import traces

log = structlog.get_logger()

NUDGE_PAUSE_SECONDS = 0.02
"""Nudges of one home within this time become one ring."""


class BrokerDoorbell:
    """Rings tasks by name, and gathers the nudges that follow commits."""

    def __init__(self, broker: dramatiq.Broker) -> None:
        self._broker = broker
        self._waiting: set[Home] = set()
        self._changed = threading.Condition()
        self._is_open = True
        self._nudger = threading.Thread(target=self._send_nudges, name="nudger", daemon=True)
        self._nudger.start()

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
        with self._changed:
            self._waiting.add(home)
            self._changed.notify()

    def close(self) -> None:
        """Send what is waiting and stop."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._nudger.join()

    def _send_nudges(self) -> None:
        while True:
            with self._changed:
                while self._is_open and not self._waiting:
                    self._changed.wait()
                homes, self._waiting = self._waiting, set()
                if not homes and not self._is_open:
                    return
            self._ring_relays(homes)
            with self._changed:
                self._changed.wait_for(lambda: not self._is_open, timeout=NUDGE_PAUSE_SECONDS)

    def _ring_relays(self, homes: Iterable[Home]) -> None:
        for home in homes:
            self.ring("dispatch_outbox", tenant_id=str(home.tenant_id) if home.tenant_id else None)
