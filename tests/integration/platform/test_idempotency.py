"""Command keys under one caller and under many."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.session import unit_of_work
from services.platform.idempotency.errors import IdempotencyConflict, IdempotencyKeyInvalid
from services.platform.idempotency.service import claim, request_hash, settle
from services.platform.tenancy.domain import Tenant

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _once(database: Database, tenant: Tenant, key: str, given: dict[str, Any], result: dict[str, Any]) -> Any:
    with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        stored = claim(uow, operation="test", key=key, request_hash=request_hash(given))
        if stored is None:
            settle(uow, operation="test", key=key, result=result)
        return stored


def test_the_same_input_gets_the_stored_answer(database: Database, tenant: Tenant) -> None:
    assert _once(database, tenant, "k", {"a": 1, "b": 2}, {"n": 1}) is None
    assert _once(database, tenant, "k", {"b": 2, "a": 1}, {"n": 2}) == {"n": 1}


def test_other_input_is_refused(database: Database, tenant: Tenant) -> None:
    _once(database, tenant, "k", {"a": 1}, {"n": 1})

    with pytest.raises(IdempotencyConflict) as refusal:
        _once(database, tenant, "k", {"a": 2}, {"n": 2})

    assert refusal.value.key == "k"


def test_a_refusal_leaves_no_key(database: Database, tenant: Tenant) -> None:
    with (
        pytest.raises(RuntimeError, match="refused"),
        unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow,
    ):
        claim(uow, operation="test", key="k", request_hash=request_hash({"a": 1}))
        raise RuntimeError("refused")

    assert _once(database, tenant, "k", {"a": 2}, {"n": 2}) is None


@pytest.mark.parametrize("key", ["", "x" * 256, "line\nbreak", "nul\x00"])
def test_keys_are_printable_and_bounded(database: Database, tenant: Tenant, key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        _once(database, tenant, key, {"a": 1}, {"n": 1})


def test_tenants_never_share_a_key(database: Database, tenant: Tenant, tenant_b: Tenant) -> None:
    _once(database, tenant, "k", {"a": 1}, {"n": 1})

    assert _once(database, tenant_b, "k", {"a": 2}, {"n": 2}) is None


def test_racing_callers_make_one_effect(database: Database, tenant: Tenant) -> None:
    start = threading.Barrier(16)

    def race(number: int) -> str:
        start.wait()
        stored = _once(database, tenant, "k", {"a": 1}, {"winner": number})
        return "first" if stored is None else f"replay of {stored['winner']}"

    with ThreadPoolExecutor(16) as threads:
        answers = Counter(threads.map(race, range(16)))

    assert answers.pop("first") == 1
    assert list(answers.values()) == [15]
