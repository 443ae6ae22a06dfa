"""Documents that are made to hurt: they are refused by what is wrong first, and only a bounded part of them is read."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from services.loyalty.programs.domain import parse_document
from services.loyalty.programs.errors import DocumentProblem, ProgramDocumentInvalid
from tests.unit.loyalty.programs.plain import plain_data, rule_data

LARGE = {"field": "order.total", "op": "ge", "value": 100}
EVENT = {"code": "visit", "name": {"en": "Visit", "zh": "到访"}}


def problems(data: Any) -> Sequence[DocumentProblem]:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)
    return refusal.value.problems


def told(data: Any) -> list[tuple[str, str]]:
    return [(problem.path, problem.code.value) for problem in problems(data)]


class Watched(list[Any]):
    """A list that counts how many of its items are looked at."""

    looked_at = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if not isinstance(index, slice):
            self.looked_at += 1
            return found
        return self._counted(cast("list[Any]", found))

    def _counted(self, items: list[Any]) -> Iterator[Any]:
        for item in items:
            self.looked_at += 1
            yield item


@pytest.mark.parametrize("key", ["not", "all", "any"])
def test_a_condition_as_deep_as_a_well(key: str) -> None:
    condition: Any = LARGE
    for _ in range(50_000):
        condition = {key: condition if key == "not" else [condition]}

    steps = "".join(f"/{key}" if key == "not" else f"/{key}/0" for _ in range(8))
    assert told(plain_data({"/rules/0/when": condition})) == [(f"/rules/0/when{steps}", "TOO_DEEP")]


def test_an_event_schema_as_deep_as_a_well() -> None:
    schema: Any = {"type": "integer"}
    for _ in range(50_000):
        schema = {"type": "object", "properties": {"a": schema}}

    path = "/events/0/schema" + "/properties/a" * 4
    assert told(plain_data({"/events": [EVENT | {"schema": schema}]})) == [(path, "TOO_DEEP")]


def test_a_tree_that_doubles_at_every_level() -> None:
    tree: Any = LARGE
    for _ in range(7):
        tree = {"any": [tree] * 50}

    assert [code for _, code in told(plain_data({"/rules/0/when": tree}))] == ["TOO_MANY"]


@pytest.mark.parametrize(
    ("place", "item", "read"),
    [
        ("/rules", rule_data("again"), 100),
        ("/units", {}, 5),
        ("/rates", {}, 500),
        ("/rules/0/when", LARGE, 200),
    ],
)
def test_of_a_list_without_end_only_the_beginning_is_read(place: str, item: object, read: int) -> None:
    endless = Watched([item] * 100_000)
    is_condition = place.endswith("when")

    found = problems(plain_data({place: {"any": endless} if is_condition else endless}))

    assert found[0].code.value == "TOO_MANY"
    # Each of the problems looks for its part's name once more.
    assert read <= endless.looked_at <= read + 200
    assert len(found) <= 200


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e308, 0.5])
def test_numbers_that_are_none(number: float) -> None:
    data = plain_data(
        {"/rules/0/formula/spend/points": number, "/tiers/levels/1/threshold": number, "/units/0/scale": number}
    )

    assert [code for _, code in told(data)] == ["WRONG_TYPE"] * 3


@pytest.mark.parametrize("number", [10**5_000, -(10**5_000)], ids=["huge", "hugely negative"])
def test_numbers_too_long_to_be_written(number: int) -> None:
    data = plain_data({"/rules/0/formula/spend/points": number, "/rules/0/when": LARGE | {"value": number}})

    code = "TOO_LARGE" if number > 0 else "TOO_SMALL"
    assert [found for _, found in told(data)] == [code, code]


@pytest.mark.parametrize(
    "text",
    ["\0", "a\nb", "\x1b[31m", "\u009b", "\ud800", "x" * 10_000_000],
    ids=["nul", "line", "esc", "c1", "half", "10 MB"],
)
def test_texts_that_could_not_be_shown(text: str) -> None:
    (problem,) = problems(plain_data({"/name/en": text}))

    assert problem.code.value in {"FORBIDDEN_CHARACTER", "TOO_LONG", "BLANK"}
    assert len(problem.place.name_en) <= 80


def test_keys_that_could_not_be_shown_are_told_shortened() -> None:
    (problem,) = problems(plain_data({"/" + "k" * 1_000_000: 1}))

    assert problem.path == "/" + "k" * 60


@pytest.mark.parametrize(
    "pattern", ["^(a|a)*$", "^(.*)*$", "^[a-z]*[a-z]*$", "^a{1,9}{1,9}$", "^(?=a).*$", "^\\1$", "^[z-a]$"]
)
def test_patterns_that_could_take_for_ever(pattern: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}}

    path = "/events/0/schema/properties/a/pattern"
    assert told(plain_data({"/events": [EVENT | {"schema": schema}]})) == [(path, "UNSAFE_PATTERN")]


@pytest.mark.parametrize("pattern", ["^[A-Z]{3}-[0-9]+$", "^\\d{4}$", "^visit .*!$", "^[a-z_]{1,20}$", "^$"])
def test_patterns_that_take_one_pass(pattern: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}}

    assert parse_document(plain_data({"/events": [EVENT | {"schema": schema}]})).events[0].schema == schema
