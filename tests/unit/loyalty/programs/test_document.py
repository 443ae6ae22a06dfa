from decimal import Decimal

import pytest

from services.loyalty.programs.domain import (
    Cap,
    CapPeriod,
    Conditions,
    ForeignCurrencyPolicy,
    LocalizedText,
    Policies,
    RuleMode,
    SpendRule,
    document_json,
    parse_document,
)
from services.loyalty.programs.errors import DocumentProblem, ProblemCode, ProgramDocumentInvalid, TierNotInProgram
from tests.unit.loyalty.documents import DELETED, document, document_data, rule_data

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MULTIPLIER = r"^[0-9]{1,3}(\.[0-9]{1,4})?$"


def level(code: str, threshold: int) -> dict[str, object]:
    return {"code": code, "name": {"en": "L", "zh": "级"}, "threshold": threshold, "multiplier": "1"}


# (where, what stands there, the pointer of the problem, its code, its facts)
BAD: list[tuple[str, object, str, str, dict[str, str | int]]] = [
    ("/version", 2, "/version", "UNSUPPORTED_VERSION", {"supported": 1}),
    ("/version", True, "/version", "UNSUPPORTED_VERSION", {"supported": 1}),
    ("/version", DELETED, "/version", "MISSING", {}),
    ("/name", DELETED, "/name", "MISSING", {}),
    ("/name", "Corner club", "/name", "WRONG_TYPE", {"expected": "object"}),
    ("/name/zh", DELETED, "/name/zh", "MISSING", {}),
    ("/name/en", "  ", "/name/en", "BLANK", {}),
    ("/name/en", "x" * 81, "/name/en", "TOO_LONG", {"maximum": 80}),
    ("/name/en", "a\0b", "/name/en", "FORBIDDEN_CHARACTER", {}),
    ("/name/en", "half \ud83d", "/name/en", "FORBIDDEN_CHARACTER", {}),
    ("/name/en", 7, "/name/en", "WRONG_TYPE", {"expected": "string"}),
    ("/name/en", None, "/name/en", "WRONG_TYPE", {"expected": "string"}),
    ("/name/fr", "Club", "/name/fr", "UNKNOWN_KEY", {}),
    ("/unit/code", "Points", "/unit/code", "BAD_FORMAT", {"pattern": r"^[a-z][a-z0-9_]{0,29}$"}),
    ("/unit/code", "points\n", "/unit/code", "BAD_FORMAT", {"pattern": r"^[a-z][a-z0-9_]{0,29}$"}),
    ("/unit/scale", 5, "/unit/scale", "TOO_LARGE", {"maximum": 4}),
    ("/unit/scale", -1, "/unit/scale", "TOO_SMALL", {"minimum": 0}),
    ("/unit/scale", 1.0, "/unit/scale", "WRONG_TYPE", {"expected": "integer"}),
    ("/timezone", "Mars/Olympus", "/timezone", "UNKNOWN_TIMEZONE", {}),
    ("/timezone", "../etc/passwd", "/timezone", "UNKNOWN_TIMEZONE", {}),
    ("/currency", "XYZ", "/currency", "UNKNOWN_CURRENCY", {}),
    ("/currency", "cny", "/currency", "UNKNOWN_CURRENCY", {}),
    ("/spendRules", [], "/spendRules", "TOO_FEW", {"minimum": 1}),
    ("/spendRules", [rule_data(f"r{n}") for n in range(21)], "/spendRules", "TOO_MANY", {"maximum": 20}),
    ("/spendRules", {}, "/spendRules", "WRONG_TYPE", {"expected": "array"}),
    ("/spendRules/0", "free points", "/spendRules/0", "WRONG_TYPE", {"expected": "object"}),
    ("/spendRules/1", rule_data("base"), "/spendRules/1/id", "DUPLICATE", {"first": "/spendRules/0/id"}),
    ("/spendRules/0/id", "'; DROP TABLE x", "/spendRules/0/id", "BAD_FORMAT", {"pattern": SLUG}),
    ("/spendRules/0/id", "a" * 41, "/spendRules/0/id", "TOO_LONG", {"maximum": 40}),
    ("/spendRules/0/points", 0, "/spendRules/0/points", "TOO_SMALL", {"minimum": 1}),
    ("/spendRules/0/points", 10**9 + 1, "/spendRules/0/points", "TOO_LARGE", {"maximum": 10**9}),
    ("/spendRules/0/points", True, "/spendRules/0/points", "WRONG_TYPE", {"expected": "integer"}),
    ("/spendRules/0/per", 0, "/spendRules/0/per", "TOO_SMALL", {"minimum": 1}),
    ("/spendRules/0/per", 2**53, "/spendRules/0/per", "TOO_LARGE", {"maximum": 2**53 - 1}),
    ("/spendRules/0/mode", "round", "/spendRules/0/mode", "NOT_ALLOWED", {"allowed": "step, proportional"}),
    ("/spendRules/0/mode", DELETED, "/spendRules/0/mode", "MISSING", {}),
    ("/spendRules/0/cap", {"points": 5, "per": "week"}, "/spendRules/0/cap/per", "NOT_ALLOWED", {"allowed": "day"}),
    ("/spendRules/0/cap", {"points": 0, "per": "day"}, "/spendRules/0/cap/points", "TOO_SMALL", {"minimum": 1}),
    ("/spendRules/0/cap", None, "/spendRules/0/cap", "WRONG_TYPE", {"expected": "object"}),
    (
        "/spendRules/0/conditions",
        {"categories": ["Drinks"]},
        "/spendRules/0/conditions/categories/0",
        "WRONG_TYPE",
        {"expected": "array"},
    ),
    (
        "/spendRules/0/conditions",
        {"categories": [[]]},
        "/spendRules/0/conditions/categories/0",
        "TOO_FEW",
        {"minimum": 1},
    ),
    (
        "/spendRules/0/conditions",
        {"excludedCategories": [["a"] * 9]},
        "/spendRules/0/conditions/excludedCategories/0",
        "TOO_MANY",
        {"maximum": 8},
    ),
    (
        "/spendRules/0/conditions",
        {"stores": ["S1", "S2", "S1"]},
        "/spendRules/0/conditions/stores/2",
        "DUPLICATE",
        {"first": "/spendRules/0/conditions/stores/0"},
    ),
    (
        "/spendRules/0/conditions",
        {"stores": ["S" * 65]},
        "/spendRules/0/conditions/stores/0",
        "TOO_LONG",
        {"maximum": 64},
    ),
    (
        "/spendRules/0/conditions",
        {"members/a~b": []},
        "/spendRules/0/conditions/members~1a~0b",
        "UNKNOWN_KEY",
        {},
    ),
    ("/tiers/metric", "visits", "/tiers/metric", "NOT_ALLOWED", {"allowed": "points_earned, spend"}),
    ("/tiers/levels", [], "/tiers/levels", "TOO_FEW", {"minimum": 1}),
    ("/tiers/levels", [level(f"l{n}", n) for n in range(11)], "/tiers/levels", "TOO_MANY", {"maximum": 10}),
    ("/tiers/levels/0/threshold", 1, "/tiers/levels/0/threshold", "NOT_ZERO", {}),
    ("/tiers/levels/0/threshold", -1, "/tiers/levels/0/threshold", "TOO_SMALL", {"minimum": 0}),
    ("/tiers/levels/1/threshold", 0, "/tiers/levels/1/threshold", "NOT_ASCENDING", {"previous": 0}),
    ("/tiers/levels/1/code", "basic", "/tiers/levels/1/code", "DUPLICATE", {"first": "/tiers/levels/0/code"}),
    ("/tiers/levels/1/multiplier", 1.5, "/tiers/levels/1/multiplier", "WRONG_TYPE", {"expected": "string"}),
    ("/tiers/levels/1/multiplier", "0", "/tiers/levels/1/multiplier", "TOO_SMALL", {"minimum": "0.0001"}),
    ("/tiers/levels/1/multiplier", "100.0001", "/tiers/levels/1/multiplier", "TOO_LARGE", {"maximum": "100"}),
    ("/tiers/levels/1/multiplier", "1.00001", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/tiers/levels/1/multiplier", "-1", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/tiers/levels/1/multiplier", "1e2", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/tiers/levels/1/multiplier", "NaN", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/tiers/levels/1/multiplier", "1,5", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/tiers/levels/1/multiplier", "٣", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/tiers/levels/1/multiplier", "", "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": MULTIPLIER}),
    ("/policies", {"backdatingDays": 3651}, "/policies/backdatingDays", "TOO_LARGE", {"maximum": 3650}),
    (
        "/policies",
        {"foreignCurrency": "convert"},
        "/policies/foreignCurrency",
        "NOT_ALLOWED",
        {"allowed": "earn_nothing, refuse"},
    ),
    ("/policies", {"noSuchPolicy": 1}, "/policies/noSuchPolicy", "UNKNOWN_KEY", {}),
    ("/program", {}, "/program", "UNKNOWN_KEY", {}),
]


@pytest.mark.parametrize(("place", "value", "path", "code", "facts"), BAD)
def test_a_bad_document_has_exactly_its_problem(
    place: str, value: object, path: str, code: str, facts: dict[str, str | int]
) -> None:
    data = document_data({place: value})

    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)

    assert refusal.value.problems == (DocumentProblem(path, ProblemCode(code), facts),)


def test_all_problems_come_at_once() -> None:
    data = document_data({"/currency": "XYZ", "/spendRules/0/points": 0, "/tiers/levels/0/name": DELETED, "/x": 1})

    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)

    assert [(problem.path, problem.code.value) for problem in refusal.value.problems] == [
        ("/x", "UNKNOWN_KEY"),
        ("/currency", "UNKNOWN_CURRENCY"),
        ("/spendRules/0/points", "TOO_SMALL"),
        ("/tiers/levels/0/name", "MISSING"),
    ]


def test_no_more_than_200_problems_are_collected() -> None:
    data = document_data({f"/x{n}": n for n in range(300)})

    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)

    assert len(refusal.value.problems) == 200


@pytest.mark.parametrize("data", [[], "text", None, 1])
def test_a_document_is_an_object(data: object) -> None:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        parse_document(data)  # type: ignore[arg-type]  # what a client may send in its place

    assert refusal.value.problems == (DocumentProblem("", ProblemCode.WRONG_TYPE, {"expected": "object"}),)


def test_what_is_not_said_takes_its_default() -> None:
    parsed = document()

    assert parsed.policies == Policies(backdating_days=30, foreign_currency=ForeignCurrencyPolicy.EARN_NOTHING)
    assert parsed.spend_rules == (
        SpendRule("base", LocalizedText("Base", "基础"), 1, 100, RuleMode.STEP, Conditions(), None),
    )


def test_everything_that_can_be_said_is_read() -> None:
    rule = rule_data(
        "fresh",
        mode="proportional",
        conditions={
            "categories": [["Food", "Fresh"]],
            "excludedCategories": [["Food", "Fresh", "Fish"]],
            "stores": ["S1"],
        },
        cap={"points": 50, "per": "day"},
    )

    parsed = document({"/spendRules/1": rule, "/policies": {"backdatingDays": 0, "foreignCurrency": "refuse"}})

    assert parsed.spend_rules[1].mode is RuleMode.PROPORTIONAL
    assert parsed.spend_rules[1].conditions == Conditions((("Food", "Fresh"),), (("Food", "Fresh", "Fish"),), ("S1",))
    assert parsed.spend_rules[1].cap == Cap(50, CapPeriod.DAY)
    assert parsed.policies == Policies(0, ForeignCurrencyPolicy.REFUSE)


def test_emoji_and_any_script_are_welcome_in_names() -> None:
    assert document({"/name/en": "Café 🥐 نادي"}).name.en == "Café 🥐 نادي"


@pytest.mark.parametrize(
    ("written", "canonical"), [("1.50", "1.5"), ("100", "100"), ("010", "10"), ("0.0001", "0.0001"), ("2.0000", "2")]
)
def test_a_multiplier_is_written_without_idle_zeros(written: str, canonical: str) -> None:
    parsed = document({"/tiers/levels/1/multiplier": written})

    levels = document_json(parsed)["tiers"]["levels"]

    assert levels[1]["multiplier"] == canonical
    assert parsed.tiers.levels[1].multiplier == Decimal(written)


def test_canonical_json_leaves_out_what_is_empty() -> None:
    parsed = document({"/spendRules/0/conditions": {"stores": []}})

    assert document_json(parsed) == document_data(
        {"/policies": {"backdatingDays": 30, "foreignCurrency": "earn_nothing"}}
    )


def test_a_tier_is_found_by_its_code() -> None:
    tiers = document().tiers

    assert tiers.level("gold").threshold == 1000
    with pytest.raises(TierNotInProgram) as refusal:
        tiers.level("platinum")
    assert refusal.value.tier_code == "platinum"
