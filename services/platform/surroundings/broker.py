"""The broker's self-test: one that forgets rings makes everything late, and nobody would know why."""

import redis
import structlog

from services.platform.surroundings.addresses import shown
from services.platform.surroundings.errors import BrokerAway, BrokerForgets

log = structlog.get_logger()

NEEDED = (("maxmemory-policy", "noeviction"), ("appendonly", "yes"))
ANSWER_SECONDS_MAX = 3.0


def check_broker(url: str, *, allow_unsafe: bool = False) -> None:
    """Refuse a broker that evicts keys or keeps no log; with ``allow_unsafe`` only say so in the log.

    Raises:
        BrokerAway, BrokerForgets
    """
    client = redis.Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS_MAX, socket_timeout=ANSWER_SECONDS_MAX)
    try:
        client.ping()
        found = {name: client.config_get(name).get(name) for name, _ in NEEDED}
    except redis.ResponseError:
        # Hosted ones keep their configuration to themselves; the guide says what to ask of them.
        log.warning("broker_not_checked", reason="the server does not tell its configuration")
        return
    except (redis.RedisError, OSError) as error:
        raise BrokerAway(address=shown(url)) from error
    finally:
        client.close()
    for setting, needed in NEEDED:
        if found[setting] == needed:
            continue
        if not allow_unsafe:
            raise BrokerForgets(setting=setting, found=str(found[setting]), needed=needed)
        log.warning("broker_unsafe", setting=setting, found=found[setting], needed=needed)
