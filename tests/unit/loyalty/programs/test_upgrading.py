"""Documents of the first version go on meaning what they meant."""

import pytest

from services.loyalty.programs.domain import document_json, parse_document
from services.loyalty.programs.errors import ProgramDocumentInvalid
from tests.unit.loyalty.documents import document, document_data, rule_data

FRESH = ["Food", "Fresh"]


def test_a_plain_document_of_version_1_becomes_one_of_version_2() -> None:
    assert document_json(document()) == {
        "version": 2,
        "name": {"en": "Corner club", "zh": "街角俱乐部"},
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "units": [{"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}],
        "rules": [
            {
                "id": "base",
                "name": {"en": "Base", "zh": "基础"},
                "trigger": "purchase",
                "formula": {"spend": {"points": 1, "per": {"CNY": 100}}},
            }
        ],
        "tiers": {
            "metric": "points_earned",
            "levels": [
                {"code": "basic", "name": {"en": "Basic", "zh": "普通"}, "threshold": 0, "multiplier": "1"},
                {"code": "gold", "name": {"en": "Gold", "zh": "金卡"}, "threshold": 1000, "multiplier": "1.5"},
            ],
            "downgrade": "none",
        },
        "policies": {"earlyRefund": "refuse"},
    }


def test_conditions_become_comparisons_and_a_cap_a_list_of_caps() -> None:
    conditions = {"categories": [FRESH], "excludedCategories": [[*FRESH, "Fish"]], "stores": ["S1"]}
    rule = rule_data("fresh", mode="proportional", conditions=conditions, cap={"points": 50, "per": "day"})

    made = document_json(document({"/spendRules/1": rule}))["rules"][1]

    assert made == {
        "id": "fresh",
        "name": {"en": "Rule", "zh": "规则"},
        "trigger": "purchase",
        "formula": {"spend": {"points": 1, "per": {"CNY": 100}, "mode": "proportional"}},
        "when": {"field": "store.code", "op": "in", "value": ["S1"]},
        "lines": {
            "all": [
                {"field": "line.category", "op": "under", "value": [FRESH]},
                {"not": {"field": "line.category", "op": "under", "value": [[*FRESH, "Fish"]]}},
            ]
        },
        "caps": [{"limit": 50, "per": "day"}],
    }


def test_empty_conditions_are_none() -> None:
    rule = document({"/spendRules/0/conditions": {"stores": [], "categories": []}}).rules[0]

    assert (rule.when, rule.lines) == (None, None)


@pytest.mark.parametrize(
    ("place", "value", "path"),
    [
        ("/unit/scale", 5, "/units/0/scale"),
        ("/unit", "points", "/units/0"),
        ("/spendRules", {}, "/rules"),
        ("/spendRules/0", "free", "/rules/0"),
        ("/spendRules/0/per", 0, "/rules/0/formula/spend/per/CNY"),
        ("/spendRules/0/points", "1", "/rules/0/formula/spend/points"),
        ("/spendRules/0/cap", 5, "/rules/0/caps/0"),
        ("/spendRules/0/conditions", 5, "/rules/0/conditions"),
        ("/spendRules/0/conditions", {"members": []}, "/rules/0/conditions"),
        ("/spendRules/0/conditions", {"categories": [[]]}, "/rules/0/lines/value/0"),
        ("/spendRules/0/trigger", "review", "/rules/0/formula"),
        ("/tiers", 5, "/tiers"),
        ("/policies", 5, "/policies"),
        ("/program", {}, "/program"),
    ],
)
def test_what_is_wrong_in_an_old_document_is_named_by_its_new_place(place: str, value: object, path: str) -> None:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(document_data({place: value}))

    assert [problem.path for problem in refusal.value.problems] == [path]
