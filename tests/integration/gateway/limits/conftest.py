"""Gateways with small buckets."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from services.platform.auth import principals
from services.platform.auth.passwords import Passwords
from services.platform.db.engine import open_database
from services.platform.limits import buckets
from services.platform.limits.buckets import Buckets
from services.platform.limits.domain import Quota
from services.platform.tenancy import registry
from tests.support.graphql_client import POOL_SIZE, GraphQLClient, gateway_services, running_gateway
from tests.support.tenants import DatabaseUrls

CAPACITY = 10_000
QUICK_PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
OpenGateway = Callable[..., AbstractContextManager[GraphQLClient]]


@pytest.fixture(autouse=True)
def _is_patient_with_valkey(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine it may take longer than a gateway waits for it; then nothing would be limited."""
    monkeypatch.setattr(buckets, "ANSWER_SECONDS_MAX", 10.0)


@pytest.fixture
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and tenants are read for every request."""
    monkeypatch.setattr(principals, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(registry, "CACHE_SECONDS", 0.0)


@pytest.fixture
def open_gateway(database_urls: DatabaseUrls, broker_url: str, tmp_path: Path) -> OpenGateway:
    """Opens a gateway whose buckets hold `CAPACITY` points and recover ``per_second``; several share them."""

    @contextmanager
    def opened(*, per_second: int = 1, peer: str = "127.0.0.1") -> Iterator[GraphQLClient]:
        with closing(open_database(database_urls.app, pool_size=POOL_SIZE)) as database:
            services = gateway_services(database, database_urls, tmp_path)
            services.buckets.close()
            limited = replace(
                services, buckets=Buckets(broker_url, Quota(CAPACITY, per_second)), passwords=QUICK_PASSWORDS
            )
            with running_gateway(limited, peer=peer) as client:
                yield client

    return opened


@pytest.fixture
def limited(open_gateway: OpenGateway) -> Iterator[GraphQLClient]:
    """A stranger's client of such a gateway."""
    with open_gateway() as client:
        yield client
