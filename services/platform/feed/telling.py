"""Telling every gateway that a ledger has changed, by Valkey, after the commit.

A message is the ids of tenants and nothing else. It is a doorbell like the broker's: whoever hears it looks into
PostgreSQL, and whoever does not hear it looks a little later. So telling may fail, and never fails its caller.
"""

import threading

import redis
import structlog

from services.platform.db.homes import Home

log = structlog.get_logger()

CHANNEL = "regulars:feed"
PAUSE_SECONDS = 0.02
"""What is told within this time becomes one message."""
HOMES_PER_MESSAGE_MAX = 500
ANSWER_SECONDS_MAX = 1.0
REST_SECONDS = 5.0
"""How long nothing is told after a failure, so that a Valkey that is away costs nothing."""


class FeedTeller:
    """Gathers what the commits of this process tell, and publishes it from a thread of its own."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url, socket_connect_timeout=ANSWER_SECONDS_MAX, socket_timeout=ANSWER_SECONDS_MAX
        )
        self._waiting: set[Home] = set()
        self._changed = threading.Condition()
        self._is_open = True
        self._thread = threading.Thread(target=self._publish_often, name="feed-teller", daemon=True)
        self._thread.start()

    def tell(self, home: Home) -> None:
        """Entries of ``home`` were committed; returns at once."""
        with self._changed:
            self._waiting.add(home)
            self._changed.notify()

    def close(self) -> None:
        """Publish what is waiting and stop."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()
        self._client.close()

    def _publish_often(self) -> None:
        while True:
            with self._changed:
                while self._is_open and not self._waiting:
                    self._changed.wait()
                homes, self._waiting = self._waiting, set()
                if not homes and not self._is_open:
                    return
            pause = PAUSE_SECONDS if self._publish(sorted(str(home.tenant_id) for home in homes)) else REST_SECONDS
            with self._changed:
                self._changed.wait_for(lambda: not self._is_open, timeout=pause)

    def _publish(self, tenant_ids: list[str]) -> bool:
        try:
            for start in range(0, len(tenant_ids), HOMES_PER_MESSAGE_MAX):
                self._client.publish(CHANNEL, ",".join(tenant_ids[start : start + HOMES_PER_MESSAGE_MAX]))
        except redis.RedisError as error:
            log.warning("feed_not_told", error=type(error).__name__)
            return False
        return True
