"""Telling every gateway that a ledger has changed, by Valkey, after the commit.

A message is the ids of tenants and nothing else. It is a doorbell like the broker's: whoever hears it looks into
PostgreSQL, and whoever does not hear it looks a little later. So telling may fail, and never fails its caller.
"""

import redis
import structlog

from services.platform.db.gathering import Gatherer
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
        self._commits = Gatherer("feed-teller", self._publish)

    def tell(self, home: Home) -> None:
        """Entries of ``home`` were committed; returns at once."""
        self._commits.add(home)

    def close(self) -> None:
        """Publish what is waiting and stop."""
        self._commits.close()
        self._client.close()

    def _publish(self, homes: frozenset[Home]) -> float:
        tenant_ids = sorted(str(home.tenant_id) for home in homes)
        try:
            for start in range(0, len(tenant_ids), HOMES_PER_MESSAGE_MAX):
                self._client.publish(CHANNEL, ",".join(tenant_ids[start : start + HOMES_PER_MESSAGE_MAX]))
        except redis.RedisError as error:
            log.warning("feed_not_told", error=type(error).__name__)
            return REST_SECONDS
        return PAUSE_SECONDS
