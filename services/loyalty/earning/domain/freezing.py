"""What an evaluation saw, kept with its purchase or activity: for refunds, amendments and explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from services.loyalty.earning.domain.accruals import Evaluation
from services.loyalty.earning.domain.caps import CapKey, CapSubject
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.programs.domain.conditions.fields import Facts, FactValue
from services.loyalty.programs.domain.rules import CapMeasure, CapOwner, CapPeriod, Trigger

FORM = 2
"""Of the JSON; what was stored before it was numbered is form 1."""


@dataclass(frozen=True, slots=True)
class FrozenRule:
    """What a later refund must know of one rule that applied.

    ``points`` were first earned, for a base of ``base_minor`` in the event's currency by the lines at ``positions``.
    ``cap_room`` is what the tightest cap in points left before, None without one. ``unit`` None is the program's own.
    """

    rule_id: str
    cap_room: int | None
    points: int
    unit: str | None = None
    positions: tuple[int, ...] = ()
    base_minor: int = 0


@dataclass(frozen=True, slots=True)
class FrozenInputs:
    """What the evaluation of an event saw. Of a purchase its lines are kept beside it.

    ``occurred_at`` is None in form 1, which has neither facts nor counters. ``cap_used`` is what had been used of the
    counters that the event met, ``fillings`` what it added to them. ``total_minor`` is what was paid for all lines.
    """

    program_version_id: UUID
    currency: str | None
    store_code: str | None
    tier_code: str
    multiplier: Decimal
    rules: tuple[FrozenRule, ...]
    trigger: Trigger = Trigger.PURCHASE
    code: str | None = None
    occurred_at: datetime | None = None
    facts: Facts = field(default_factory=dict)
    shipping_minor: int = 0
    total_minor: int = 0
    rate: Fraction | None = None
    cap_used: Mapping[CapKey, int] = field(default_factory=dict)
    fillings: Mapping[CapKey, int] = field(default_factory=dict)


def freeze(evaluation: Evaluation, event: EarnEvent, *, program_version_id: UUID) -> FrozenInputs:
    """What to keep of an evaluation beside its event."""
    store_code = event.facts.get("store.code")
    return FrozenInputs(
        program_version_id=program_version_id,
        currency=event.currency,
        store_code=store_code if isinstance(store_code, str) else None,
        tier_code=evaluation.tier_code,
        multiplier=evaluation.multiplier,
        rules=tuple(
            FrozenRule(each.rule_id, each.cap_room, each.points, each.unit, each.positions, each.base_minor)
            for each in evaluation.accruals
        ),
        trigger=event.trigger,
        code=event.code,
        occurred_at=event.occurred_at,
        facts={name: value for name, value in event.facts.items() if value is not None},
        shipping_minor=event.shipping_minor,
        total_minor=sum(line.net_minor for line in event.lines),
        rate=evaluation.rate,
        cap_used={key: used for key, used in evaluation.cap_used.items() if used},
        fillings=dict(evaluation.fillings),
    )


def frozen_json(frozen: FrozenInputs) -> dict[str, Any]:
    """The frozen inputs as JSON; ``parse_frozen`` gives them back. What is empty is left out."""
    optional = {
        "code": frozen.code,
        "facts": {name: _fact_json(value) for name, value in frozen.facts.items()},
        "shippingMinor": frozen.shipping_minor,
        "rate": None if frozen.rate is None else str(frozen.rate),
        "capUsed": counters_json(frozen.cap_used),
        "fillings": counters_json(frozen.fillings),
    }
    return {
        "form": FORM,
        "programVersionId": str(frozen.program_version_id),
        "currency": frozen.currency,
        "storeCode": frozen.store_code,
        "tierCode": frozen.tier_code,
        "multiplier": str(frozen.multiplier),
        "trigger": frozen.trigger.value,
        "occurredAt": None if frozen.occurred_at is None else frozen.occurred_at.isoformat(),
        "totalMinor": frozen.total_minor,
        "rules": [
            {
                "ruleId": rule.rule_id,
                "capRoom": rule.cap_room,
                "points": rule.points,
                "unit": rule.unit,
                "positions": list(rule.positions),
                "baseMinor": rule.base_minor,
            }
            for rule in frozen.rules
        ],
    } | {name: value for name, value in optional.items() if value}


def parse_frozen(data: Mapping[str, Any]) -> FrozenInputs:
    """Frozen inputs from what ``frozen_json`` made, now or before.

    Raises:
        ValueError: it is something else.
    """
    try:
        return _parsed(data)
    except (KeyError, TypeError, ArithmeticError) as error:
        message = "these are no frozen inputs"
        raise ValueError(message) from error


def _parsed(data: Mapping[str, Any]) -> FrozenInputs:
    occurred_at = data.get("occurredAt")
    store_code = data["storeCode"]
    facts = {name: _fact(value) for name, value in data.get("facts", {}).items()}
    if data.get("form") is None and store_code is not None:
        facts["store.code"] = store_code
    rate = data.get("rate")
    return FrozenInputs(
        program_version_id=UUID(data["programVersionId"]),
        currency=data["currency"],
        store_code=store_code,
        tier_code=data["tierCode"],
        multiplier=Decimal(data["multiplier"]),
        rules=tuple(_rule(rule) for rule in data["rules"]),
        trigger=Trigger(data.get("trigger", Trigger.PURCHASE)),
        code=data.get("code"),
        occurred_at=None if occurred_at is None else datetime.fromisoformat(occurred_at),
        facts=facts,
        shipping_minor=data.get("shippingMinor", 0),
        total_minor=data.get("totalMinor", 0),
        rate=None if rate is None else Fraction(rate),
        cap_used=parse_counters(data.get("capUsed", ())),
        fillings=parse_counters(data.get("fillings", ())),
    )


def _rule(data: Mapping[str, Any]) -> FrozenRule:
    match data:
        case {"ruleId": str(rule_id), "capRoom": None | int() as room, "points": int(points)}:
            return FrozenRule(
                rule_id, room, points, data.get("unit"), tuple(data.get("positions", ())), data.get("baseMinor", 0)
            )
    message = "this is no frozen rule"
    raise ValueError(message)


def counters_json(counters: Mapping[CapKey, int]) -> list[list[Any]]:
    """Counters as JSON; `parse_counters` gives them back."""
    return [
        [key.subject, key.code, key.measure, key.period, key.start.isoformat(), key.owner, count]
        for key, count in sorted(counters.items())
    ]


def parse_counters(rows: Any) -> dict[CapKey, int]:
    """The counters that `counters_json` wrote."""
    return {
        CapKey(
            CapSubject(subject),
            code,
            CapMeasure(measure),
            CapPeriod(period),
            date.fromisoformat(start),
            CapOwner(owner),
        ): count
        for subject, code, measure, period, start, owner, count in rows
    }


def _fact_json(value: FactValue | None) -> Any:
    """Numbers, texts and truth as they are; the rest says what it is."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {"decimal": str(value)}
        case datetime():
            return {"instant": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case time():
            return {"time": value.isoformat()}
        case tuple():
            return [list(item) if isinstance(item, tuple) else item for item in value]


def _fact(data: Any) -> FactValue | None:
    match data:
        case {"decimal": str(text)}:
            return Decimal(text)
        case {"instant": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"time": str(text)}:
            return time.fromisoformat(text)
        case list():
            return tuple(tuple(item) if isinstance(item, list) else item for item in data)
        case None | bool() | int() | str():
            return data
    message = "this is no fact"
    raise ValueError(message)
