"""The units start commands that exist, with variables that somebody reads, and run as nobody in particular."""

import shlex
from pathlib import Path

import pytest

from tests.contract.deploy.known import INFRA, REQUIRED, refused, settings_of, unknown_variables

UNITS = sorted(path for path in (INFRA / "systemd").iterdir() if path.suffix in {".service", ".socket", ".target"})
PROCESSES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/regulars/bin/regulars"
WALLS = ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "SystemCallFilter=@system-service")


def _lines(unit: Path) -> list[str]:
    return unit.read_text().splitlines()


def test_every_process_has_a_unit() -> None:
    assert [unit.name for unit in PROCESSES] == [
        "regulars-gateway.service",
        "regulars-migrate.service",
        "regulars-scheduler.service",
        "regulars-worker@.service",
    ]


@pytest.mark.parametrize("unit", PROCESSES, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    (started,) = [line.partition("=")[2] for line in _lines(unit) if line.startswith("ExecStart=")]
    program, *words = shlex.split(started)

    assert program == PROGRAM
    assert refused(words) is None


@pytest.mark.parametrize("unit", PROCESSES, ids=lambda unit: unit.name)
def test_a_unit_is_walled_in(unit: Path) -> None:
    lines = _lines(unit)

    assert [wall for wall in WALLS if wall not in lines] == []
    assert "User=regulars" in lines
    assert "EnvironmentFile=/etc/regulars/regulars.env" in lines


@pytest.mark.parametrize("unit", PROCESSES, ids=lambda unit: unit.name)
def test_a_process_that_must_not_run_is_not_started_again_and_again(unit: Path) -> None:
    lines = _lines(unit)

    assert ("Restart=always" in lines) == ("RestartPreventExitStatus=2" in lines)


def test_units_that_units_name_exist() -> None:
    named = {
        word.replace("@1", "@").replace("@2", "@")
        for unit in UNITS
        for line in _lines(unit)
        if line.startswith(("After=", "Wants=", "Requires=", "PartOf=", "WantedBy="))
        for word in line.partition("=")[2].split()
        if word.startswith("regulars")
    }

    assert named <= {unit.name for unit in UNITS}


def test_the_sample_of_the_environment_is_whole_and_known() -> None:
    text = (INFRA / "systemd" / "regulars.env").read_text()

    assert {name for name, _ in settings_of(text)} >= REQUIRED
    assert unknown_variables([text, *(unit.read_text() for unit in UNITS)]) == set()
