"""The data of own events: bounded before it is looked at, and told by place where it does not fit."""

from typing import Any

import pytest

from services.loyalty.activities.domain.event_data import (
    DATA_BYTES_MAX,
    DATA_DEPTH_MAX,
    PROBLEMS_MAX,
    check_bounds,
    check_data,
    data_facts,
)
from services.loyalty.activities.errors import EventDataInvalid, EventNotDeclared
from services.loyalty.programs.domain import ProgramDocument, parse_document
from services.platform.errors import InvalidInput
from tests.support.builders.activity_documents import activity_document, bonus

PROPERTIES = {
    "day": {"type": "string", "format": "date"},
    "guests": {"type": "integer", "minimum": 1},
    "is_late": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "place": {"type": "object", "properties": {"a/b~c": {"type": "integer"}}},
}
SCHEMA = {"type": "object", "required": ["day"], "properties": PROPERTIES}


@pytest.fixture(scope="module")
def document() -> ProgramDocument:
    event = {"code": "party", "name": {"en": "Party", "zh": "聚会"}, "schema": SCHEMA}
    schema = SCHEMA | {"properties": PROPERTIES | {"place": {"type": "object"}}}
    return parse_document(activity_document(bonus("check_in", 1), events=[event | {"schema": schema}]))


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(depth - 1):
        data = {"in": data}
    return data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "NOT_AN_OBJECT"),
        ("text", "NOT_AN_OBJECT"),
        (None, "NOT_AN_OBJECT"),
        (nested(DATA_DEPTH_MAX + 1), "TOO_DEEP"),
        ({"x": "y" * DATA_BYTES_MAX}, "TOO_LONG"),
        ({"x": float("nan")}, "FORBIDDEN_CHARACTER"),
        ({"x": "a\x00"}, "FORBIDDEN_CHARACTER"),
        ({"x": "\ud800"}, "FORBIDDEN_CHARACTER"),
    ],
)
def test_data_out_of_bounds_is_refused(data: Any, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_bounds(data)

    assert refused.value.reason == reason


def test_data_at_the_bounds_passes() -> None:
    largest = {"x": "y" * (DATA_BYTES_MAX - len('{"x": ""}'))}

    assert check_bounds(nested(DATA_DEPTH_MAX)) == nested(DATA_DEPTH_MAX)
    assert check_bounds(largest) == largest


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({}, ("",)),
        ({"day": "2026-02-30"}, ("/day",)),
        ({"day": "2026-02-28", "guests": 0}, ("/guests",)),
        ({"day": "2026-02-28", "guests": True}, ("/guests",)),
        ({"day": "2026-02-28", "tags": ["a", 1]}, ("/tags/1",)),
        ({"day": 3, "guests": "x"}, ("/day", "/guests")),
    ],
)
def test_data_that_does_not_fit_is_told_by_place(document: ProgramDocument, data: Any, paths: tuple[str, ...]) -> None:
    with pytest.raises(EventDataInvalid) as refused:
        check_data(document, event="party", data=data)

    assert tuple(sorted(refused.value.paths)) == paths
    assert len(refused.value.reasons) == len(paths)


def test_only_so_many_problems_are_told(document: ProgramDocument) -> None:
    with pytest.raises(EventDataInvalid) as refused:
        check_data(document, event="party", data={"day": "2026-02-28", "tags": list(range(100))})

    assert len(refused.value.paths) == PROBLEMS_MAX


def test_an_event_must_be_declared(document: ProgramDocument) -> None:
    with pytest.raises(EventNotDeclared):
        check_data(document, event="picnic", data={})


def test_rules_may_ask_for_plain_values(document: ProgramDocument) -> None:
    data = {"day": "2026-02-28", "guests": 3, "is_late": True, "tags": ["a"], "place": {"x": 1}, "more": 1}

    facts = data_facts(document, event="party", data=data)

    assert set(facts) == {"event.data.day", "event.data.guests", "event.data.is_late", "event.data.tags"}
    assert (facts["event.data.guests"], facts["event.data.tags"]) == (3, ("a",))
