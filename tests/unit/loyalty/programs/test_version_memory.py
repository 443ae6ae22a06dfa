"""Which parsed versions a process keeps: those of the homes that were used last."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.loyalty.programs import repository
from services.loyalty.programs.domain import parse_document
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.repository import VersionMemory
from services.platform.ids import new_id
from tests.support.builders.activity_documents import activity_document, bonus

TENANTS = 1_000
DOCUMENT = parse_document(activity_document(bonus("check_in", 5)))


def version() -> ProgramVersion:
    return ProgramVersion(new_id(), 1, DOCUMENT, datetime(2026, 1, 1, tzinfo=UTC), None)


def test_a_thousand_homes_are_remembered_from_round_to_round() -> None:
    memory = VersionMemory()
    versions: dict[str, UUID] = {}
    for number in range(TENANTS):
        made = version()
        versions[f"t_{number}"] = made.id
        memory.put(f"t_{number}", made)

    assert all(memory.known(schema) == [known] for schema, known in versions.items())


def test_the_home_that_was_not_used_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "REMEMBERED_HOMES_MAX", 3)
    memory = VersionMemory()
    for schema in ("t_1", "t_2", "t_3"):
        memory.put(schema, version())
    assert len(memory.known("t_1")) == 1

    memory.put("t_4", version())

    assert [schema for schema in ("t_1", "t_2", "t_3", "t_4") if memory.known(schema)] == ["t_1", "t_3", "t_4"]
