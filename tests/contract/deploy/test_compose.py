"""The compose file names what exists: services, files, commands, variables; and its servers' settings are safe ones."""

import re
from typing import Any

import pytest
import yaml

from services.platform.surroundings.broker import NEEDED
from tests.contract.deploy.known import INFRA, REQUIRED, ROOT, refused, settings_of, unknown_variables

COMPOSE = INFRA / "compose"
TEXT = (COMPOSE / "compose.yaml").read_text()
STACK: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "regulars"}


def test_the_whole_stack_is_there() -> None:
    assert set(SERVICES) == {"postgres", "pgbouncer", "valkey", "migrate", "gateway", "worker", "scheduler"}
    assert set(OURS) == {"migrate", "gateway", "worker", "scheduler"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_of_the_products(name: str) -> None:
    assert refused(OURS[name]["command"]) is None
    assert OURS[name]["command"][0] == name


@pytest.mark.parametrize("words", [["gateways"], ["gateway", "--prot", "1"], ["gateway", "--processes", "0"]])
def test_a_command_that_is_none_is_seen(words: list[str]) -> None:
    assert refused(words) is not None


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_process_has_what_it_needs(name: str) -> None:
    environment = OURS[name]["environment"]

    assert set(environment) >= REQUIRED
    assert environment["REGULARS_DATABASE_URL"].split("@")[1] == "pgbouncer:6432/regulars"
    assert environment["REGULARS_DIRECT_DATABASE_URL"].split("@")[1] == "postgres:5432/regulars"


def test_no_variable_is_one_that_nobody_reads() -> None:
    texts = [TEXT, *((COMPOSE / name).read_text() for name in (".env.sample", "Dockerfile", "roles.sh"))]

    assert unknown_variables(texts) == set()
    assert unknown_variables([*texts, "REGULARS_DATABASE_URI"]) == {"REGULARS_DATABASE_URI"}


def test_every_value_that_the_stack_asks_for_is_in_the_sample() -> None:
    asked = set(re.findall(r"\$\{(\w+)", TEXT))

    assert asked == {name for name, _ in settings_of((COMPOSE / ".env.sample").read_text())}


def test_what_is_mounted_and_built_from_exists() -> None:
    mounted = [
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if volume.startswith(".")
    ]
    built = [service["build"]["dockerfile"] for service in SERVICES.values() if "build" in service]

    assert [path for path in mounted if not (COMPOSE / path).exists()] == []
    assert [path for path in built if not (ROOT / path).exists()] == []
    assert len(mounted) == 5


def _copied() -> list[str]:
    return [
        word.rstrip("/")
        for name in ("Dockerfile", "pgbouncer.Dockerfile")
        for line in (COMPOSE / name).read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]


def test_what_the_images_copy_exists() -> None:
    copied = _copied()

    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert len(copied) >= 10


def test_images_are_built_from_what_they_copy_and_without_passwords_or_what_was_built_here() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}

    assert lines[1] == "*"
    assert {path.partition("/")[0] for path in _copied()} == let_in
    assert set(lines) >= {"**/.env", "**/node_modules", "services/gateway/console/dist"}
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_processes_begin_after_the_migration() -> None:
    waiting = {
        name: service["depends_on"]["migrate"]["condition"] for name, service in OURS.items() if name != "migrate"
    }

    assert waiting == dict.fromkeys(("gateway", "worker", "scheduler"), "service_completed_successfully")


@pytest.mark.parametrize(("setting", "needed"), NEEDED)
def test_valkey_is_one_that_processes_start_beside(setting: str, needed: str) -> None:
    lines = (INFRA / "valkey" / "valkey.conf").read_text().splitlines()

    assert f"{setting} {needed}" in lines


def test_the_pooler_is_in_transaction_mode_and_more_impatient_than_the_gateway() -> None:
    text = (INFRA / "pgbouncer" / "pgbouncer.ini").read_text()
    settings = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in text.splitlines())}

    assert settings["pool_mode"] == "transaction"
    assert int(settings["query_wait_timeout"]) <= 15
    assert int(settings["max_prepared_statements"]) > 0


def test_no_image_names_a_registry() -> None:
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    bases = [
        line.split()[1]
        for name in ("Dockerfile", "pgbouncer.Dockerfile")
        for line in (COMPOSE / name).read_text().splitlines()
        if line.startswith("FROM ")
    ]

    assert [image for image in (*images, *bases) if "." in image.partition("/")[0].partition(":")[0]] == []
