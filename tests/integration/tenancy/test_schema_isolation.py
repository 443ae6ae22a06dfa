"""S1, generated from the schema itself: with tenant a's token the names of tenant b lead nowhere.

For every argument of every field that names something (an id, a code, an identity, a cursor, a key): nothing of b is
told, nothing of b changes, and the answer equals the one for a name that exists nowhere. A new field is covered as
soon as it is in the schema; one whose arguments nobody described fails by its name (``values.py``).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from services.platform.config import Settings
from services.platform.db import session as guarded
from services.platform.db.engine import Database
from tests.integration.tenancy.attack import Attacker, Finding, Secrets, all_positions
from tests.integration.tenancy.world import Observer, World, make_world
from tests.support.gateway import running_gateway
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


@contextmanager
def _attacker(world: World, urls: DatabaseUrls) -> Iterator[Attacker]:
    with closing(Observer(urls.owner, slug=world.b.slug)) as observer:
        yield Attacker(world, observer, Secrets(world, observer.rows()), DECLARED_ORACLES)


def test_names_of_another_tenant_lead_nowhere(
    world: World, database_urls: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    positions = all_positions(world)
    refusals: dict[str, list[str]] = {}
    findings: list[Finding] = []
    with _attacker(world, database_urls) as attacker, closing(Observer(database_urls.owner, slug=world.a.slug)) as own:
        for position in positions:
            findings += attacker.examine(position)
            if not attacker.tells_by_nature(position):
                refused = refusals.setdefault(str(position.leaf.target), [])
                refused += filter(None, [attacker.refusal_of_own(position)])
        strayed = attacker.secrets.ids_in(own.rows())

    failing = {target: refused for target, refused in refusals.items() if refused}
    with capsys.disabled():
        print(  # noqa: T201  an experiment tells its counts
            f"\nS1: {len(positions)} positions in {len(refusals)} fields, {attacker.calls} calls, {len(findings)}"
            f" findings; own names work in {len(refusals) - len(failing)}, not in {sorted(failing)}"
        )
    assert not findings, "\n".join(str(finding) for finding in findings)
    assert not strayed, "rows of a hold ids of b"
    assert len(positions) > 90
    assert len(refusals) - len(failing) >= WORKING_SHARE_MIN * len(refusals), failing


def test_the_attack_succeeds_where_the_route_follows_the_name(
    world: World, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = guarded._begin  # noqa: SLF001  the guard itself

    with _attacker(world, database_urls) as attacker, closing(Observer(database_urls.owner, slug=world.a.slug)) as own:

        def follow(database: Database, message: str) -> tuple[Connection, psycopg.Connection[Any]]:
            routed = message.replace(own.schema, attacker.observer.schema) if attacker.is_asking_foreign else message
            return begin(database, routed)

        positions = [each for each in all_positions(world) if each.naming.what not in ("cursor", "key", "slug")]
        monkeypatch.setattr(guarded, "_begin", follow)
        found = {str(position): {finding.kind for finding in attacker.examine(position)} for position in positions}

    assert {"leak", "change", "oracle"} <= set().union(*found.values())
    silent = sorted(position for position, kinds in found.items() if not kinds)
    assert len(silent) <= len(found) / 10, silent
