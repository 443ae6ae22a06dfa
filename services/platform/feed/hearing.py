"""Hearing which ledgers have changed: one subscription to Valkey for the whole process, in a thread of its own."""

import threading
from collections.abc import Callable
from uuid import UUID

import redis
import structlog

from services.platform.feed.telling import ANSWER_SECONDS_MAX, CHANNEL

log = structlog.get_logger()

POLL_SECONDS = 0.5
RECONNECT_SECONDS = 2.0

Heard = Callable[[frozenset[UUID] | None], None]
"""Told of tenants whose ledgers have changed; None: whatever was said meanwhile was missed, so look at all."""


class FeedHearer:
    """Calls ``heard`` from its thread until it is closed. Without Valkey it keeps trying and stays silent."""

    def __init__(self, url: str, heard: Heard) -> None:
        self._client = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=ANSWER_SECONDS_MAX,
            socket_timeout=ANSWER_SECONDS_MAX,
        )
        self._heard = heard
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._hear_always, name="feed-hearer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop hearing."""
        self._closing.set()
        self._thread.join()
        self._client.close()

    def _hear_always(self) -> None:
        was_there = True
        while not self._closing.is_set():
            try:
                self._hear()
                was_there = True
            except redis.RedisError as error:
                if was_there:
                    log.warning("feed_not_heard", error=type(error).__name__)
                was_there = False
            self._closing.wait(RECONNECT_SECONDS)

    def _hear(self) -> None:
        with self._client.pubsub() as subscription:  # type: ignore[no-untyped-call]  # it has no annotations
            subscription.subscribe(CHANNEL)
            while not self._closing.is_set():
                message = subscription.get_message(timeout=POLL_SECONDS)
                if message is None:
                    continue
                self._heard(None if message["type"] == "subscribe" else _tenants(message["data"]))


def _tenants(text: str) -> frozenset[UUID]:
    """The tenants of a message; what is not ours in it is left out."""
    found = set()
    for part in text.split(","):
        try:
            found.add(UUID(part))
        except ValueError:
            log.warning("feed_message_malformed")
    return frozenset(found)
