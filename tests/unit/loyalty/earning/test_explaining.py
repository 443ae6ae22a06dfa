"""An explanation is evidence enough: a process that has nothing else computes the same numbers."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.loyalty.earning.domain import EarnEvent, PurchaseLine, evaluate, freeze
from services.loyalty.earning.domain.accruals import Evaluation
from services.loyalty.earning.domain.caps import kept_keys
from services.loyalty.earning.domain.explaining import evidence_json, evidence_of, parse_evidence
from services.loyalty.programs.domain import ProgramDocument, parse_document
from services.loyalty.programs.domain.conditions.fields import FactValue
from services.loyalty.programs.domain.rules import Trigger
from services.platform.ids import new_id

ROOT = Path(__file__).parents[4]
NAME = {"en": "Rule", "zh": "规则"}
AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)

# Reads evidence from its input and prints what it computes. What could reach a ledger cannot even be imported there.
STRANGER = """
import json, sys
for name in ("psycopg", "psycopg_pool", "sqlalchemy", "socket"):
    sys.modules[name] = None
from services.loyalty.earning.domain.explaining import parse_evidence
evidence = parse_evidence(json.load(sys.stdin))
evaluation = evidence.evaluate()
told = {
    "agrees": evidence.agrees,
    "points": evaluation.points_by_unit,
    "lines": [[each.position, each.points] for each in evaluation.line_points],
    "rules": [
        [each.rule_id, str(each.base_points), str(each.exact), each.points_before_cap, each.points,
         [[cap.room, cap.filled] for cap in each.caps]]
        for each in evaluation.accruals
    ],
    "traces": [[each.rule_id, each.outcome.value, each.by] for each in evaluation.traces],
}
print(json.dumps(told))
"""


def _rule(code: str, formula: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": code, "name": NAME, "trigger": "purchase", "formula": formula} | more


@pytest.fixture(scope="module")
def document() -> ProgramDocument:
    """A program with rules of every kind."""
    spend = {"spend": {"points": 1, "per": {"CNY": 100, "USD": 15}, "mode": "proportional"}}
    is_gold = {"field": "member.tier", "op": "eq", "value": "gold"}
    return parse_document(
        {
            "version": 2,
            "name": NAME,
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "units": [
                {"code": "points", "name": NAME, "scale": 0, "caps": [{"limit": 400, "per": "month"}]},
                {"code": "stars", "name": NAME, "scale": 0},
            ],
            "groups": [{"code": "bonus", "combination": "best"}],
            "rules": [
                _rule("spend", spend),
                _rule("bread", {"perItem": 3}, lines={"field": "line.category", "op": "under", "value": [["Bread"]]}),
                _rule("friday", {"multiply": "1.5"}, window={"weekdays": [5]}),
                _rule("gold", {"fixed": 30}, when=is_gold, group="bonus"),
                _rule("code", {"fixed": 50}, when={"expression": '"SPRING" in order_codes'}, group="bonus"),
                _rule("grown", {"fixed": 9}, when={"field": "member.age", "op": "ge", "value": 18}, unit="stars"),
                _rule("often", {"fixed": 20}, caps=[{"limit": 30, "per": "week"}]),
                _rule("sunday", {"fixed": 5}, window={"weekdays": [7]}),
            ],
            "tiers": {
                "metric": "points_earned",
                "levels": [
                    {"code": "base", "name": NAME, "threshold": 0, "multiplier": "1"},
                    {"code": "gold", "name": NAME, "threshold": 10, "multiplier": "1.25"},
                ],
            },
            "policies": {},
        }
    )


@pytest.fixture(scope="module")
def evaluated(document: ProgramDocument) -> tuple[EarnEvent, Evaluation]:
    """A purchase, with caps half used."""
    lines = (
        PurchaseLine(1, "A", ("Bread", "Rye"), Decimal(2), 1_234, amount_minor=1_500, base_minor=1_100),
        PurchaseLine(2, "B", (), Decimal("0.355"), 9_999, product="Tea"),
        PurchaseLine(3, "C", ("Deposit",), Decimal(-1), -50),
    )
    facts: dict[str, FactValue | None] = {
        "member.age": 34,
        "order.codes": ("SPRING",),
        "store.code": "s1",
        "member.tags": ("家",),
    }
    event = EarnEvent(Trigger.PURCHASE, AT, facts, currency="CNY", lines=lines, shipping_minor=600)
    used = dict.fromkeys(kept_keys(document, occurred_at=AT, trigger=Trigger.PURCHASE), 17)
    return event, evaluate(document, event, tier_code="gold", cap_used=used)


def test_a_process_without_a_database_computes_the_same(
    document: ProgramDocument, evaluated: tuple[EarnEvent, Evaluation]
) -> None:
    event, evaluation = evaluated
    frozen = freeze(evaluation, event, program_version_id=new_id())
    sent = json.dumps(evidence_json(evidence_of(document, frozen, lines=event.lines, occurred_at=AT)))
    child = subprocess.run(
        [sys.executable, "-c", STRANGER], input=sent, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    assert told == {
        "agrees": True,
        "points": evaluation.points_by_unit,
        "lines": [[each.position, each.points] for each in evaluation.line_points],
        "rules": [
            [
                each.rule_id,
                str(each.base_points),
                str(each.exact),
                each.points_before_cap,
                each.points,
                [[cap.room, cap.filled] for cap in each.caps],
            ]
            for each in evaluation.accruals
        ],
        "traces": [[each.rule_id, each.outcome.value, each.by] for each in evaluation.traces],
    }
    assert {trace.outcome.value for trace in evaluation.traces} == {
        "gave", "multiplied", "group_lost", "capped", "outside_window",
    }  # fmt: skip


def test_evidence_that_was_tampered_with_does_not_agree(
    document: ProgramDocument, evaluated: tuple[EarnEvent, Evaluation]
) -> None:
    event, evaluation = evaluated
    frozen = freeze(evaluation, event, program_version_id=new_id())
    sent = evidence_json(evidence_of(document, frozen, lines=event.lines, occurred_at=AT))
    assert parse_evidence(sent).agrees
    sent["lines"][1]["netMinor"] += 1_000
    assert not parse_evidence(sent).agrees


@pytest.mark.parametrize("data", [{}, {"form": 2}, {"form": 1, "document": {}, "frozen": {}, "lines": []}])
def test_what_is_no_evidence_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"evidence|Document|problems"):
        parse_evidence(data)
