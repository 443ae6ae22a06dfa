"""A broker that would forget rings is refused, whichever way it would; one that keeps them is not."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from services.platform.embedded.valkey import embedded_valkey
from services.platform.surroundings.broker import check_broker
from services.platform.surroundings.errors import BrokerAway, BrokerForgets


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """A broker of its own, as the product starts it: its configuration is changed."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-home-"))
    folder.chmod(0o711)  # as root, the server's account walks through it
    with embedded_valkey(folder / "state") as server, redis.Redis.from_url(server.url) as client:
        yield client
    shutil.rmtree(folder)


def _url(broker: redis.Redis) -> str:
    return f"unix://{broker.connection_pool.connection_kwargs['path']}"


def test_the_embedded_broker_is_fit(broker: redis.Redis) -> None:
    with capture_logs() as logs:
        check_broker(_url(broker))

    assert logs == []


@pytest.mark.parametrize(
    ("setting", "found", "needed"), [("maxmemory-policy", "allkeys-lru", "noeviction"), ("appendonly", "no", "yes")]
)
def test_a_forgetful_broker_is_refused_unless_that_is_wanted(
    broker: redis.Redis, setting: str, found: str, needed: str
) -> None:
    broker.config_set(setting, found)

    with pytest.raises(BrokerForgets) as refused:
        check_broker(_url(broker))
    with capture_logs() as logs:
        check_broker(_url(broker), allow_unsafe=True)

    assert refused.value.facts() == {"setting": setting, "found": found, "needed": needed}
    assert [entry["event"] for entry in logs] == ["broker_unsafe"]


def test_a_broker_that_hides_its_configuration_is_trusted_aloud(broker: redis.Redis) -> None:
    broker.acl_setuser("app", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"])

    with capture_logs() as logs:
        check_broker(f"{_url(broker)}?username=app&password=x")

    assert [entry["event"] for entry in logs] == ["broker_not_checked"]


def test_a_broker_that_is_away_is_told_without_its_password() -> None:
    with pytest.raises(BrokerAway) as refused:
        check_broker("redis://:secret@127.0.0.1:1/0")

    assert refused.value.facts() == {"address": "127.0.0.1:1"}
