"""Why a rule gave nothing, and what would help: exact answers, in both languages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.gateway.context.request import Locale
from services.gateway.graphql.explanations.wording import (
    change_message,
    explanation_catalog,
    failing_message,
    outcome_message,
)
from services.loyalty.earning.domain import EarnEvent, PurchaseLine, evaluate, freeze
from services.loyalty.earning.domain.accruals import RuleOutcome
from services.loyalty.earning.domain.caps import kept_keys
from services.loyalty.earning.domain.smallest_change import Change
from services.loyalty.earning.domain.why_not import WhyNot, why_not
from services.loyalty.programs.domain import ProgramDocument, parse_document
from services.loyalty.programs.domain.rules import Trigger
from services.platform.ids import new_id

NAME = {"en": "Rule", "zh": "规则"}
SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2026, 11, 20, 18, 30, tzinfo=SHANGHAI)
BREAD = PurchaseLine(1, "A", ("Bread",), Decimal(1), 3_750)
TEA = PurchaseLine(2, "B", ("Drinks", "Tea"), Decimal(2), 5_000)
HUNDRED = {"field": "order.total", "op": "ge", "value": 10_000}
GOLD = {"field": "member.tier", "op": "eq", "value": "gold"}
TUESDAY = {"field": "time.weekday", "op": "eq", "value": 2}


def _document(rule: dict[str, Any], exclusions: dict[str, Any] | None = None) -> ProgramDocument:
    levels = [
        {"code": code, "name": NAME, "threshold": threshold, "multiplier": "1"}
        for code, threshold in (("base", 0), ("gold", 100))
    ]
    return parse_document(
        {
            "version": 2,
            "name": NAME,
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "units": [{"code": "points", "name": NAME, "scale": 0}],
            "rules": [{"id": "asked", "name": NAME, "trigger": "purchase", "formula": {"fixed": 50}} | rule],
            "tiers": {"metric": "points_earned", "levels": levels},
            "policies": {},
        }
        | ({} if exclusions is None else {"exclusions": exclusions})
    )


def _asked(document: ProgramDocument, *, facts: dict[str, Any] | None = None, used: int = 0) -> WhyNot:
    event = EarnEvent(Trigger.PURCHASE, FRIDAY.astimezone(UTC), facts or {}, currency="CNY", lines=(BREAD, TEA))
    cap_used = dict.fromkeys(kept_keys(document, occurred_at=FRIDAY), used)
    evaluation = evaluate(document, event, tier_code="base", cap_used=cap_used)
    frozen = freeze(evaluation, event, program_version_id=new_id())
    told = why_not(document, frozen, rule_id="asked", lines=event.lines)
    assert told is not None
    return told


def _time(year: int, month: int, day: int, hour: int, minute: int) -> Change:
    return Change("time", FRIDAY, datetime(year, month, day, hour, minute, tzinfo=SHANGHAI))


TOTAL = Change("order.total", 8_750, 10_000)
TIER = Change("member.tier", "base", "gold")


@pytest.mark.parametrize(
    ("rule", "outcome", "place", "changes"),
    [
        ({"when": HUNDRED}, "condition_failed", "/rules/0/when", (TOTAL,)),
        ({"when": GOLD}, "condition_failed", "/rules/0/when", (TIER,)),
        (  # less than any line costs: it comes off one after the other
            {"when": {"field": "order.total", "op": "le", "value": 100}},
            "condition_failed",
            "/rules/0/when",
            (Change("order.total", 8_750, 100),),
        ),
        ({"when": TUESDAY}, "condition_failed", "/rules/0/when", (_time(2026, 11, 24, 18, 30),)),
        ({"when": {"any": [GOLD, HUNDRED]}}, "condition_failed", "/rules/0/when/any/0", (TOTAL,)),
        (
            {"when": {"all": [HUNDRED, {"not": {"not": GOLD}}, TUESDAY]}},
            "condition_failed",
            "/rules/0/when/all/0",
            (TIER, TOTAL, _time(2026, 11, 24, 18, 30)),
        ),
        (
            {"when": {"not": {"field": "time.hour", "op": "ge", "value": 18}}},
            "condition_failed",
            "/rules/0/when/not",
            (_time(2026, 11, 21, 0, 0),),
        ),
        (
            {"when": {"expression": "order_total >= 10000 && member_tier == 'gold'"}},
            "condition_failed",
            "/rules/0/when/expression",
            (TIER, TOTAL),
        ),
        (
            {"when": {"field": "member.age", "op": "ge", "value": 18}},
            "condition_failed",
            "/rules/0/when",
            (Change("member.age", None, 18),),
        ),
        (
            {"lines": {"field": "line.category", "op": "under", "value": [["Fruit"]]}},
            "no_line",
            "/rules/0/lines",
            (Change("line.category", (), ("Fruit",)),),
        ),
        ({"window": {"weekdays": [6, 7], "fromTime": "09:00"}}, "outside_window", None, (_time(2026, 11, 21, 9, 0),)),
        ({"window": {"from": "2026-12-01"}}, "outside_window", None, (_time(2026, 12, 1, 0, 0),)),
        ({"window": {"until": "2026-11-01"}}, "outside_window", None, (_time(2026, 11, 1, 18, 30),)),
        (
            {"formula": {"spend": {"points": 1, "per": {"CNY": 10_000}}}},
            "nothing",
            None,
            (Change("base", 8_750, 10_000),),
        ),
        (
            {
                "formula": {"spend": {"points": 1, "per": {"CNY": 5_000}}},
                "lines": {"field": "line.sku", "op": "eq", "value": "A"},
            },
            "nothing",
            None,
            (Change("base", 3_750, 5_000),),
        ),
        ({"caps": [{"limit": 9, "per": "day"}]}, "capped", None, (_time(2026, 11, 21, 0, 0),)),
        ({"caps": [{"limit": 9, "per": "week"}]}, "capped", None, (_time(2026, 11, 23, 0, 0),)),
        ({"caps": [{"limit": 9, "per": "month"}]}, "capped", None, (_time(2026, 12, 1, 0, 0),)),
        ({"caps": [{"limit": 9, "per": "year"}]}, "capped", None, (_time(2027, 1, 1, 0, 0),)),
        ({"caps": [{"limit": 9, "per": "lifetime"}]}, "capped", None, ()),
        ({"trigger": "check_in"}, "not_triggered", None, ()),
        ({"when": {"field": "time.date", "op": "eq", "value": "2020-02-29"}}, "condition_failed", "/rules/0/when", ()),
        ({}, "gave", None, ()),
    ],
)  # fmt: skip
def test_the_smallest_change(
    rule: dict[str, Any], outcome: str, place: str | None, changes: tuple[Change, ...]
) -> None:
    told = _asked(_document(rule), used=9)
    assert told.outcome.value == outcome
    assert (told.failing.place if told.failing else None) == place
    assert set(told.changes) == set(changes)
    assert (told.points_then > 0) is (bool(changes) or outcome == "gave")


def test_a_line_that_is_excluded_is_not_suggested() -> None:
    drinks = {"field": "line.category", "op": "under", "value": [["Drinks"]]}
    told = _asked(
        _document(
            {"lines": {"field": "line.category", "op": "under", "value": [["Drinks"], ["Fruit"]]}},
            exclusions={"earning": drinks},
        )
    )
    assert (told.outcome, told.changes) == (RuleOutcome.NO_LINE, (Change("line.category", (), ("Fruit",)),))


def test_a_rule_that_another_version_has_is_not_there() -> None:
    document = _document({})
    event = EarnEvent(Trigger.PURCHASE, FRIDAY, {}, currency="CNY", lines=(BREAD,))
    frozen = freeze(evaluate(document, event, tier_code="base", cap_used={}), event, program_version_id=new_id())
    assert why_not(document, frozen, rule_id="other", lines=(BREAD,)) is None


def test_it_is_said_in_both_languages() -> None:
    document = _document({"when": {"all": [HUNDRED, GOLD]}})
    told = _asked(document)
    assert told.failing is not None
    assert failing_message(told.failing, document, "CNY", Locale.EN) == (
        "It had to be that order.total is 100.00 CNY or more; it was 87.50 CNY."
    )
    assert failing_message(told.failing, document, "CNY", Locale.ZH) == (
        "要求order.total 不小于 100.00 CNY，实际为87.50 CNY。"
    )
    assert {change_message(change, "CNY", Locale.EN) for change in told.changes} == {
        "order.total higher by 12.50 CNY.",
        "member.tier: gold instead of base.",
    }
    assert change_message(_time(2026, 11, 24, 18, 30), "CNY", Locale.EN) == (
        "On Tuesday, 2026-11-24, at 18:30 in the program's zone."
    )
    assert change_message(Change("base", 8_750, 10_000), "CNY", Locale.ZH) == "在该规则计入的商品上再消费 12.50 CNY。"
    assert outcome_message("asked", told.outcome, by=None, points=0, locale=Locale.EN) == (
        "Rule “asked” did not apply: its condition was not met."
    )


def test_every_outcome_has_its_sentence_in_both_languages() -> None:
    english, chinese = explanation_catalog(Locale.EN), explanation_catalog(Locale.ZH)
    assert english.keys() == chinese.keys()
    assert {f"OUTCOME.{outcome.name}" for outcome in RuleOutcome} <= english.keys()
    assert all(english.values())
    assert all(chinese.values())
