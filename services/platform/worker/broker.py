"""The broker: Valkey or Redis through dramatiq, in a state that does not lose rings without saying so."""

import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Callbacks, ShutdownNotifications, TimeLimit

NAMESPACE = "regulars"
# dramatiq gives back what a dead worker had fetched only in its maintenance, which by default comes once in a thousand
# commands: minutes on a quiet queue.
MAINTENANCE_CHANCE = 20_000
HEARTBEAT_TIMEOUT_MS = 15_000
# A ring older than this is noise: the sweep has rung again long before.
MESSAGE_AGE_MAX_MS = 600_000
TASK_TIME_MAX_MS = 600_000
ANSWER_SECONDS_MAX = 1.0


def open_broker(url: str) -> RedisBroker:
    """A broker at a ``redis://`` or ``unix://`` address; nothing is connected yet."""
    return RedisBroker(  # type: ignore[no-untyped-call]  # its __init__ has no annotations
        url=url,
        namespace=NAMESPACE,
        maintenance_chance=MAINTENANCE_CHANCE,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        middleware=[
            AgeLimit(max_age=MESSAGE_AGE_MAX_MS),
            TimeLimit(time_limit=TASK_TIME_MAX_MS),
            ShutdownNotifications(),
            Callbacks(),
        ],
    )


def answers(url: str) -> bool:
    """Whether the broker can be reached now."""
    client = redis.Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS_MAX, socket_timeout=ANSWER_SECONDS_MAX)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
