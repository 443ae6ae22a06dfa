from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from services.loyalty.earning.domain import (
    Evaluation,
    LinePoints,
    PurchaseLine,
    cap_day,
    evaluate,
    freeze,
    frozen_json,
    parse_frozen,
    standing,
)
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.errors import TierNotInProgram
from services.platform.money import AMOUNT_MAX
from tests.unit.loyalty.documents import document, rule_data

VERSION = UUID("01890000-0000-7000-8000-000000000001")
CAP_OF_10 = {"points": 10, "per": "day"}


def line(position: int, net_minor: int, *category: str) -> PurchaseLine:
    return PurchaseLine(position, f"sku-{position}", category, Decimal(1), net_minor)


def evaluated(
    program: ProgramDocument,
    *lines: PurchaseLine,
    store_code: str | None = None,
    currency: str = "CNY",
    tier_code: str = "basic",
    cap_used: dict[str, int] | None = None,
) -> Evaluation:
    return evaluate(
        program, lines=lines, store_code=store_code, currency=currency, tier_code=tier_code, cap_used=cap_used or {}
    )


@pytest.mark.parametrize(
    ("mode", "tier_code", "points_per_block", "net_minor", "points"),
    [
        ("step", "basic", 1, 99, 0),
        ("step", "basic", 1, 100, 1),
        ("step", "basic", 1, 199, 1),
        ("step", "gold", 1, 199, 1),
        ("step", "gold", 1, 299, 3),
        ("step", "gold", 1, 399, 4),
        ("proportional", "basic", 1, 199, 1),
        ("proportional", "gold", 1, 199, 2),
        ("proportional", "gold", 1, 200, 3),
        ("proportional", "basic", 10, 199, 19),
        ("proportional", "gold", 10, 199, 29),
        ("step", "basic", 1, 0, 0),
        ("step", "basic", 1, -100, 0),
        ("proportional", "gold", 7, -1, 0),
    ],
)
def test_points_are_rounded_down_once_after_the_multiplier(
    mode: str, tier_code: str, points_per_block: int, net_minor: int, points: int
) -> None:
    program = document({"/spendRules/0/mode": mode, "/spendRules/0/points": points_per_block})

    assert evaluated(program, line(1, net_minor), tier_code=tier_code).points == points


def test_large_numbers_stay_exact() -> None:
    program = document({"/spendRules/0/mode": "proportional", "/spendRules/0/per": 3})

    evaluation = evaluated(program, line(1, 9_007_199_254_740_990), tier_code="gold")

    assert evaluation.points == 4_503_599_627_370_495


def test_more_points_than_an_account_holds_are_refused() -> None:
    program = document({"/spendRules/0/points": 1000})

    with pytest.raises(AccrualTooLarge) as refusal:
        evaluated(program, line(1, AMOUNT_MAX))

    assert refusal.value.maximum == AMOUNT_MAX


@pytest.mark.parametrize(
    ("conditions", "base_minor"),
    [
        ({}, 1111),
        ({"categories": [["food"]]}, 1110),
        ({"categories": [["food", "fresh"]]}, 1100),
        ({"categories": [["food", "fresh"]], "excludedCategories": [["food", "fresh", "fish"]]}, 1000),
        ({"excludedCategories": [["food"]]}, 1),
        ({"categories": [["food"], ["food", "fresh"]]}, 1110),
        ({"categories": [["fresh"]]}, None),
        ({"categories": [["Food"]]}, None),
        ({"stores": ["S1", "S2"]}, 1111),
        ({"stores": ["S2"]}, None),
    ],
)
def test_conditions_choose_lines_and_stores(conditions: dict[str, object], base_minor: int | None) -> None:
    program = document({"/spendRules/0/conditions": conditions})

    evaluation = evaluated(
        program,
        line(1, 1000, "food", "fresh"),
        line(2, 100, "food", "fresh", "fish"),
        line(3, 10, "food"),
        line(4, 1),
        store_code="S1",
    )

    assert [accrual.base_minor for accrual in evaluation.accruals] == ([] if base_minor is None else [base_minor])


def test_a_purchase_without_a_store_meets_no_rule_of_stores() -> None:
    program = document({"/spendRules/0/conditions": {"stores": ["S1"]}})

    assert evaluated(program, line(1, 1000), store_code=None).accruals == ()


def test_a_negative_line_lowers_the_base_of_its_scope_only() -> None:
    program = document({"/spendRules/1": rule_data("food", conditions={"categories": [["food"]]})})

    evaluation = evaluated(program, line(1, 1000, "food"), line(2, 500), line(3, -300))

    assert [(a.rule_id, a.positions, a.base_minor, a.points) for a in evaluation.accruals] == [
        ("base", (1, 2, 3), 1200, 12),
        ("food", (1,), 1000, 10),
    ]


def test_points_of_lines_sum_to_the_whole_and_negative_lines_earn_none() -> None:
    program = document({"/spendRules/1": rule_data("food", conditions={"categories": [["food"]]})})

    evaluation = evaluated(program, line(1, 500, "food"), line(2, 500), line(3, 500), line(4, -499))

    assert evaluation.points == 15
    assert evaluation.line_points == (LinePoints(1, 9), LinePoints(2, 3), LinePoints(3, 3), LinePoints(4, 0))


@pytest.mark.parametrize(("used", "points", "capped_by"), [(0, 10, 5), (4, 6, 9), (10, 0, 15), (12, 0, 15)])
def test_a_cap_clips_to_the_room_that_is_left(used: int, points: int, capped_by: int) -> None:
    program = document({"/spendRules/0/cap": CAP_OF_10})

    (accrual,) = evaluated(program, line(1, 1000), tier_code="gold", cap_used={"base": used}).accruals

    assert (accrual.points_before_cap, accrual.points, accrual.capped_by) == (15, points, capped_by)


def test_a_foreign_currency_earns_nothing() -> None:
    evaluation = evaluated(document(), line(1, 1000), currency="USD")

    assert evaluation.accruals == ()
    assert evaluation.line_points == (LinePoints(1, 0),)


def test_a_foreign_currency_is_refused_where_the_policy_says_so() -> None:
    program = document({"/policies": {"foreignCurrency": "refuse"}})

    with pytest.raises(CurrencyNotAccepted) as refusal:
        evaluated(program, line(1, 1000), currency="USD")

    assert (refusal.value.accepted, refusal.value.given) == ("CNY", "USD")


def test_a_tier_from_another_version_is_refused() -> None:
    with pytest.raises(TierNotInProgram):
        evaluated(document(), line(1, 1000), tier_code="platinum")


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Asia/Shanghai", date(2017, 3, 2)), ("America/New_York", date(2017, 3, 1)), ("UTC", date(2017, 3, 1))],
)
def test_a_cap_day_is_taken_in_the_zone_of_the_program(zone: str, day: date) -> None:
    assert cap_day(document({"/timezone": zone}), datetime(2017, 3, 1, 16, 0, tzinfo=UTC)) == day


def test_the_rest_of_a_purchase_stands_on_the_frozen_inputs() -> None:
    program = document({"/spendRules/0/cap": CAP_OF_10})
    bought = (line(1, 800), line(2, 400))
    frozen = freeze(evaluated(program, *bought, tier_code="gold", cap_used={"base": 3}), program_version_id=VERSION)

    assert standing(program, frozen, remaining=bought) == {"base": 7}
    assert standing(program, frozen, remaining=(line(1, 800), line(2, 0))) == {"base": 7}
    assert standing(program, frozen, remaining=(line(1, 300), line(2, 0))) == {"base": 4}
    assert standing(program, frozen, remaining=(line(1, 0), line(2, 0))) == {"base": 0}
    assert standing(program, frozen, remaining=()) == {"base": 0}


def test_a_remainder_never_stands_above_what_was_first_earned() -> None:
    program = document()
    frozen = freeze(evaluated(program, line(1, 800), line(2, -300)), program_version_id=VERSION)

    assert standing(program, frozen, remaining=(line(1, 800), line(2, 0))) == {"base": 5}


def test_frozen_inputs_survive_json() -> None:
    program = document({"/spendRules/1": rule_data("capped", cap=CAP_OF_10)})
    frozen = freeze(evaluated(program, line(1, 800), store_code="S1", tier_code="gold"), program_version_id=VERSION)

    assert parse_frozen(frozen_json(frozen)) == frozen
    assert parse_frozen(frozen_json(replace(frozen, store_code=None, rules=()))) == replace(
        frozen, store_code=None, rules=()
    )


@pytest.mark.parametrize("data", [{}, {"rules": []}, {"rules": [{"ruleId": 1}]}])
def test_anything_else_is_no_frozen_input(data: dict[str, object]) -> None:
    complete = frozen_json(freeze(evaluated(document(), line(1, 800)), program_version_id=VERSION))

    with pytest.raises(ValueError, match="frozen"):
        parse_frozen(complete | data if data.get("rules") else data)
