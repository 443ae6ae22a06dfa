"""What rules cost: a basket judged by many rules, beside one question to the server and one plain rule."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import psycopg

from services.loyalty.earning.domain import EarnEvent, PurchaseLine, evaluate
from services.loyalty.programs.domain import parse_document
from services.loyalty.programs.domain.conditions.fields import FactValue
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.rules import Trigger
from services.platform.clock import monotonic
from tests.load.measuring import Measure, Sample, in_turns

LINES, RULES = 30, 50
_BATCH = 20
_NAME = {"en": "Rule", "zh": "规则"}
_AISLES = ("Bread", "Dairy", "Fruit", "Fish", "Drinks", "Paper")


@dataclass(frozen=True, slots=True)
class Repeated:
    """A call made again and again by one thread."""

    name: str
    call: Callable[[], object]

    def run(self, seconds: int) -> Sample:
        """Call for so many seconds."""
        return _repeated(self.call, seconds)


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """The least that can be asked of the server, by one connection."""

    url: str
    name: str = "one SQL round trip"

    def run(self, seconds: int) -> Sample:
        """Ask for so many seconds."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return _repeated(lambda: connection.execute("SELECT 1"), seconds)


def _repeated(call: Callable[[], object], seconds: int) -> Sample:
    began, cpu, calls = monotonic(), time.process_time(), 0
    while monotonic() < began + seconds:
        for _ in range(_BATCH):
            call()
        calls += _BATCH
    return Sample(calls / (monotonic() - began), cpu_ms=1_000 * (time.process_time() - cpu) / calls)


def rules_measure(url: str) -> Measure:
    """One round trip to the server, against the basket judged by one rule, by many, and by many with expressions."""
    basket, one, many = _basket(), _document(_plain()), _document(*_varied(expressions=0))
    with_expressions = _document(*_varied(expressions=5))
    return in_turns(
        f"a basket of {LINES} lines",
        RoundTrips(url),
        Repeated("one plain rule", lambda: _judged(one, basket)),
        Repeated(f"{RULES} rules", lambda: _judged(many, basket)),
        Repeated(f"{RULES} rules, 5 as CEL", lambda: _judged(with_expressions, basket)),
        aim="1 ms",
    )


def _judged(document: ProgramDocument, basket: EarnEvent) -> object:
    return evaluate(document, basket, tier_code="gold", cap_used={})


def _basket() -> EarnEvent:
    lines = tuple(
        PurchaseLine(
            position=number,
            sku=f"SKU-{number}",
            category=("Food", _AISLES[number % len(_AISLES)]),
            quantity=Decimal(1 + number % 3),
            net_minor=300 + 17 * number,
        )
        for number in range(LINES)
    )
    facts: dict[str, FactValue | None] = {
        "member.tags": ("family",),
        "member.age": 34,
        "member.purchases": 12,
        "member.isReferred": False,
        "store.code": "store-7",
        "order.channel": "store",
        "order.codes": ("SPRING",),
        "order.isFirst": False,
    }
    occurred_at = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    return EarnEvent(Trigger.PURCHASE, occurred_at, facts, currency="CNY", lines=lines)


def _plain() -> dict[str, object]:
    return {
        "id": "plain",
        "name": _NAME,
        "trigger": "purchase",
        "formula": {"spend": {"points": 1, "per": {"CNY": 100}, "mode": "step"}},
    }


def _varied(*, expressions: int) -> Iterator[dict[str, object]]:
    """Rules as merchants have them: by aisle, by article, on days and for tiers, on totals and codes, with caps."""
    yield _plain()
    for number in range(1, RULES):
        rule = _plain() | {"id": f"rule-{number}"}
        if number <= expressions:
            source = f'order_total > {1_000 * number} && member_tier == "gold" && "SPRING" in order_codes'
            yield rule | {"formula": {"fixed": number}, "when": {"expression": source}}
            continue
        match number % 5:
            case 0:
                aisle = _AISLES[number % len(_AISLES)]
                yield rule | {"lines": _compared("line.category", "under", [["Food", aisle]])}
            case 1:
                skus = _compared("line.sku", "in", [f"SKU-{number % LINES}", f"SKU-{number % 7}"])
                yield rule | {"formula": {"perItem": 3}, "lines": skus}
            case 2:
                weekday = _compared("time.weekday", "eq", 1 + number % 7)
                tier = _compared("member.tier", "eq", "gold")
                yield rule | {"formula": {"multiply": "1.5"}, "when": {"all": [weekday, tier]}}
            case 3:
                either = [
                    _compared("order.total", "ge", 1_000 * number),
                    _compared("order.codes", "contains", "SPRING"),
                ]
                yield rule | {"formula": {"fixed": 5}, "when": {"any": either}, "caps": [{"limit": 40, "per": "day"}]}
            case _:
                both = [
                    _compared("order.itemCount", "ge", number),
                    {"not": _compared("member.tags", "contains", "staff")},
                ]
                yield rule | {"formula": {"tierTable": {"gold": 7}}, "when": {"all": both}}


def _compared(field: str, operator: str, value: object) -> dict[str, object]:
    return {"field": field, "op": operator, "value": value}


def _document(*rules: dict[str, object]) -> ProgramDocument:
    levels = [
        {"code": code, "name": _NAME, "threshold": threshold, "multiplier": multiplier}
        for code, threshold, multiplier in (("base", 0, "1"), ("gold", 1_000, "1.5"))
    ]
    return parse_document(
        {
            "version": 2,
            "name": _NAME,
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "units": [{"code": "points", "name": _NAME, "scale": 0}],
            "rules": list(rules),
            "tiers": {"metric": "points_earned", "levels": levels},
            "policies": {},
        }
    )
