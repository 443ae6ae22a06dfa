from typing import Any

import pytest

from services.loyalty.programs.domain.differences import ChangeKind, differences
from services.loyalty.programs.errors import Place
from tests.unit.loyalty.programs.plain import level_data, plain, rule_data

PER_DAY = {"limit": 200, "per": "day"}
LARGE = {"field": "order.total", "op": "ge", "value": 5000}
BASE = ("rules", "base", "Base", "基础")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"/policies": {"backdatingDays": 30}, "/rules/0/stackable": True}, []),
        ({"/name/en": "Club"}, [("changed", "/name/en", "Corner club", "Club")]),
        ({"/policies": {"rounding": "ceil"}}, [("changed", "/policies/rounding", "floor", "ceil")]),
        ({"/rules/0/formula/spend/points": 2}, [("changed", "/rules/base/formula/spend/points", 1, 2)]),
        (
            {"/rules/0/formula/spend/per": {"CNY": 100, "USD": 15}},
            [("added", "/rules/base/formula/spend/per/USD", None, 15)],
        ),
        (
            {"/rules/0/formula": {"perItem": 3}},
            [("changed", "/rules/base/formula", {"spend": {"points": 1, "per": {"CNY": 100}}}, {"perItem": 3})],
        ),
        ({"/rules/0/caps": [PER_DAY]}, [("added", "/rules/base/caps/day.points.member", None, PER_DAY)]),
        ({"/rules/0/when": LARGE}, [("added", "/rules/base/when", None, LARGE)]),
        ({"/rules/1": rule_data("more")}, [("added", "/rules/more", None, rule_data("more"))]),
        (
            {"/rules/0/id": "other"},
            [
                ("removed", "/rules/base", rule_data("base", name={"en": "Base", "zh": "基础"}), None),
                ("added", "/rules/other", None, rule_data("other", name={"en": "Base", "zh": "基础"})),
            ],
        ),
        (
            {"/tiers/levels/2": level_data("top", 5000), "/tiers/levels/1/threshold": 900},
            [
                ("changed", "/tiers/levels/gold/threshold", 1000, 900),
                ("added", "/tiers/levels/top", None, level_data("top", 5000)),
            ],
        ),
    ],
)
def test_what_differs_is_told_by_codes(changes: dict[str, object], found: list[tuple[str, str, Any, Any]]) -> None:
    told = differences(plain(), plain(changes))

    assert [(change.kind.value, change.path, change.before, change.after) for change in told] == found


def test_a_rule_that_only_moved_is_not_told_as_another() -> None:
    before = plain({"/rules/1": rule_data("second")})
    after = plain({"/rules/0": rule_data("second"), "/rules/1": rule_data("base", name={"en": "Base", "zh": "基础"})})

    told = differences(before, after)

    assert [(change.kind, change.path, change.before, change.after) for change in told] == [
        (ChangeKind.CHANGED, "/rules/order", ["base", "second"], ["second", "base"])
    ]


def test_a_change_knows_the_part_that_it_lies_in() -> None:
    changed, removed = differences(plain({"/rules/1": rule_data("old")}), plain({"/rules/0/priority": 5}))

    assert changed.place == Place(("priority",), *BASE)
    assert removed.place == Place((), "rules", "old", "Rule", "规则")


def test_backwards_what_was_added_is_removed() -> None:
    before, after = plain(), plain({"/rules/0/window": {"weekdays": [6, 7]}, "/rules/0/expiry": {"on": "2026-12-31"}})

    assert [change.kind.value for change in differences(before, after)] == ["changed", "added"]
    assert [change.kind.value for change in differences(after, before)] == ["changed", "removed"]
