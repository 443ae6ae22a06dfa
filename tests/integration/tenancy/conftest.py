"""Two filled tenants."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.gateway.context.services import GatewayServices
from services.platform.db.engine import Database
from tests.integration.tenancy.world import World, make_world
from tests.support.graphql_client import running_gateway
from tests.support.story import quick_services
from tests.support.tenants import DatabaseUrls


@pytest.fixture
def services(database: Database, database_urls: DatabaseUrls, tmp_path: Path) -> GatewayServices:
    """What the gateway of the ``world`` is composed of."""
    return quick_services(database, database_urls, tmp_path)


@pytest.fixture
def world(
    database: Database, database_urls: DatabaseUrls, services: GatewayServices, tmp_path: Path
) -> Iterator[World]:
    """Two filled tenants, and a gateway that measures nothing of how they were filled and of what ``b`` does."""
    elsewhere = quick_services(database, database_urls, tmp_path)
    # From now on its costs are written when all is over.
    elsewhere.cost_meter.close()
    with running_gateway(elsewhere) as filling, running_gateway(services) as client:
        yield make_world(filling).moved_to(client)
