"""S1: generated from the schema itself. Tenant a's token with tenant b's names: nothing leaks, changes or is told."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from services.platform.config import Settings
from services.platform.db.engine import Database
from tests.integration.tenancy.attack import Attacker, Secrets, all_positions
from tests.integration.tenancy.world import Observer, World, make_world
from tests.support.gateway import TestGateway, running_gateway
from tests.support.tenants import DatabaseUrls

WORKING_SHARE_MIN = 0.9
DECLARED_ORACLES = frozenset({("signUp", "email"), ("signUp", "slug"), ("signUp", "idempotencyKey")})
"""Whoever signs up learns whether an address or a slug is taken: they could not choose another one otherwise."""


@pytest.fixture
def world(database: Database, settings: Settings) -> Iterator[World]:
    """Two filled tenants, and a gateway that measures nothing of how they were filled."""
    with running_gateway(database, settings) as gateway:
        filled = make_world(gateway)
    with running_gateway(database, settings) as gateway:
        yield filled.moved_to(gateway)


def test_names_of_another_tenant_lead_nowhere(
    world: World, database_urls: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    positions = all_positions(world)
    working: dict[str, list[bool]] = {}
    with closing(Observer(database_urls.owner, slug=world.b.slug)) as observer:
        attacker = Attacker(world, observer, Secrets(world, observer.rows()), DECLARED_ORACLES)
        findings = []
        for position in positions:
            findings += attacker.examine(position)
            if (position.leaf.target.step.name, position.leaf.name) not in DECLARED_ORACLES:
                working.setdefault(str(position.leaf.target), []).append(attacker.works_with_own(position))
    for finding in findings:
        print(finding)
    print({k: v for k, v in working.items() if not all(v)}, attacker.calls, len(positions))
    assert 0
