"""The walls stand: the real tree keeps every import contract, and each contract fails where it is broken."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter import Contract
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

from tests.contract.house.front_door import FrontDoorContract
from tests.contract.house.kept_in import KeptInContract

ROOT = Path(__file__).parents[3]
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS: dict[str, dict[str, Any]] = {options["id"]: options for options in CONFIGURATION["contracts_options"]}
KINDS: dict[str, Callable[[str, dict[str, Any], dict[str, Any]], Contract]] = {
    "layers": LayersContract,
    "forbidden": ForbiddenContract,
    "front_door": FrontDoorContract,
    "kept_in": KeptInContract,
}

# A house of the same plan with little in it, so that what a planted import breaks does not depend on today's code.
TOY_ROOMS = """
    cli scheduler demo.replay doubles.stripe
    gateway.app gateway.graphql.purchases.record_purchase gateway.middleware gateway.execution gateway.context
    loyalty.worker loyalty.handlers loyalty.purchases.service loyalty.purchases.tasks loyalty.purchases.repository
    loyalty.redemptions.service loyalty.tiers.service loyalty.members.queries loyalty.members.models
    loyalty.ledger.service loyalty.ledger.repository loyalty.ledger.models loyalty.ledger.domain loyalty.ledger.errors
    notifications.worker notifications.messages.service notifications.templates.domain notifications.channels.email
    billing.worker billing.metering.service billing.stripe.client
    platform.config platform.clock platform.money platform.db.session platform.tenancy.service platform.auth.service
    platform.outbox.relay platform.worker.broker
    contracts.events contracts.routing
"""
TOY_LIBRARIES = """
    sqlalchemy psycopg dramatiq strawberry starlette asyncio stripe smtplib argon2 structlog prometheus_client
    cel_expr_python
"""
LEGAL_IMPORTS = (
    ("services.cli", "services.demo.replay"),
    ("services.demo.replay", "services.loyalty.purchases.service"),
    ("services.gateway.graphql.purchases.record_purchase", "services.loyalty.purchases.service"),
    ("services.gateway.graphql.purchases.record_purchase", "strawberry"),
    ("services.loyalty.worker", "services.loyalty.purchases.tasks"),
    ("services.loyalty.purchases.service", "services.loyalty.ledger.service"),
    ("services.loyalty.purchases.service", "services.loyalty.members.queries"),
    ("services.loyalty.ledger.service", "services.loyalty.ledger.repository"),
    ("services.loyalty.ledger.repository", "services.platform.db.session"),
    ("services.platform.db.session", "sqlalchemy"),
    ("services.platform.auth.service", "argon2"),
    ("services.platform.outbox.relay", "services.contracts.routing"),
    ("services.notifications.channels.email", "smtplib"),
    ("services.billing.stripe.client", "stripe"),
)

# contract → (importer, imported), paths below `services` unless a library; each breaks that contract and no other.
PLANTED_IMPORTS = (
    ("floors", "loyalty.handlers", "notifications.messages.service"),
    ("floors", "billing.metering.service", "loyalty.purchases.service"),
    ("floors", "loyalty.purchases.service", "gateway.context"),
    ("floors", "contracts.routing", "platform.clock"),
    ("floors", "gateway.app", "demo.replay"),
    ("floors", "scheduler", "cli"),
    ("gateway-rooms", "gateway.middleware", "gateway.app"),
    ("gateway-rooms", "gateway.context", "gateway.execution"),
    ("loyalty-rooms", "loyalty.ledger.service", "loyalty.members.queries"),
    ("loyalty-rooms", "loyalty.purchases.service", "loyalty.redemptions.service"),
    ("loyalty-rooms", "loyalty.tiers.service", "loyalty.purchases.service"),
    ("notifications-rooms", "notifications.templates.domain", "notifications.messages.service"),
    ("billing-rooms", "billing.stripe.client", "billing.metering.service"),
    ("platform-rooms", "platform.db.session", "platform.tenancy.service"),
    ("platform-rooms", "platform.clock", "platform.config"),
    ("shelves", "loyalty.ledger.domain", "loyalty.ledger.models"),
    ("shelves", "loyalty.purchases.service", "loyalty.purchases.tasks"),
    ("front-doors", "loyalty.purchases.service", "loyalty.ledger.repository"),
    ("front-doors", "gateway.graphql.purchases.record_purchase", "loyalty.members.models"),
    ("pure", "loyalty.ledger.domain", "sqlalchemy"),
    ("pure", "contracts.events", "structlog"),
    ("pure", "loyalty.ledger.errors", "services.platform.db.session"),
    ("async", "notifications.messages.service", "asyncio"),
    ("async", "platform.auth.service", "starlette"),
    ("resolvers", "gateway.graphql.purchases.record_purchase", "sqlalchemy"),
    ("resolvers", "doubles.stripe", "dramatiq"),
    ("stripe", "billing.metering.service", "stripe"),
    ("stripe", "gateway.app", "stripe"),
    ("doubles", "cli", "doubles.stripe"),
    ("strangers", "doubles.stripe", "loyalty.purchases.service"),
    ("mail", "notifications.messages.service", "smtplib"),
    ("passwords", "demo.replay", "argon2"),
    ("expressions", "loyalty.purchases.service", "cel_expr_python"),
    ("telemetry", "gateway.middleware.limits", "prometheus_client"),
)

# The floors see the same import as well: a second lock on the wall that matters most.
PLANTED_UPWARD_IMPORT = ("platform.tenancy.service", "loyalty.ledger.service", {"floors", "tenantless"})

STRAY_ROOMS = (
    ("floors", "misc"),
    ("gateway-rooms", "gateway.utils"),
    ("loyalty-rooms", "loyalty.stray"),
    ("notifications-rooms", "notifications.helpers"),
    ("billing-rooms", "billing.core"),
    ("platform-rooms", "platform.common"),
)


def toy_house() -> grimp.ImportGraph:
    graph = grimp.ImportGraph()
    graph.add_module("services")
    for room in TOY_ROOMS.split():
        parts = room.split(".")
        for depth in range(1, len(parts) + 1):
            graph.add_module(".".join(["services", *parts[:depth]]))
    for library in TOY_LIBRARIES.split():
        graph.add_module(library, is_squashed=True)
    for importer, imported in LEGAL_IMPORTS:
        graph.add_import(importer=importer, imported=imported)
    return graph


def broken_contracts(graph: grimp.ImportGraph) -> set[str]:
    broken = set()
    for identifier, options in CONTRACTS.items():
        facts = {name: value for name, value in options.items() if name not in {"id", "name", "type"}}
        contract = KINDS[options["type"]](options["name"], CONFIGURATION["session_options"], facts)
        if not contract.check(graph, verbose=False).kept:
            broken.add(identifier)
    return broken


def module(path: str) -> str:
    return path if path in TOY_LIBRARIES.split() or path.startswith("services.") else f"services.{path}"


def test_the_real_tree_keeps_every_contract() -> None:
    graph = grimp.build_graph("services", include_external_packages=True, cache_dir=None)

    assert broken_contracts(graph) == set()


def test_the_toy_house_keeps_every_contract() -> None:
    assert broken_contracts(toy_house()) == set()


@pytest.mark.parametrize(("contract", "importer", "imported"), PLANTED_IMPORTS)
def test_a_planted_import_breaks_its_contract(contract: str, importer: str, imported: str) -> None:
    house = toy_house()

    house.add_import(importer=module(importer), imported=module(imported))

    assert broken_contracts(house) == {contract}


def test_a_platform_that_knows_a_service_meets_two_locks() -> None:
    importer, imported, locks = PLANTED_UPWARD_IMPORT
    house = toy_house()

    house.add_import(importer=module(importer), imported=module(imported))

    assert broken_contracts(house) == locks


@pytest.mark.parametrize(("contract", "room"), STRAY_ROOMS)
def test_a_folder_without_a_room_does_not_pass(contract: str, room: str) -> None:
    house = toy_house()

    house.add_module(module(room))

    assert broken_contracts(house) == {contract}


def test_every_contract_has_a_planted_violation() -> None:
    planted = {contract for contract, _, _ in PLANTED_IMPORTS} | PLANTED_UPWARD_IMPORT[2]

    assert planted == set(CONTRACTS)


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("services/misc/__init__.py", "", "services.misc"),
        ("services/loyalty/stray/__init__.py", "", "services.loyalty.stray"),
        ("services/billing/planted.py", "import services.loyalty\n", "services.billing.planted -> services.loyalty"),
    ],
)
def test_the_command_refuses_a_planted_file(tmp_path: Path, path: str, source: str, complaint: str) -> None:
    shutil.copytree(ROOT / "services", tmp_path / "services", ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copytree(ROOT / "tests" / "contract" / "house", tmp_path / "tests" / "contract" / "house")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(source)

    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 1
    assert complaint in result.stdout
