"""Programs to start from, one for each of seven trades.

A template is a document for a currency with two digits, kept as JSON beside this capability. For another currency its
amounts keep their look: 1.00 becomes 1.000 where there are three digits, and 100 where there are none.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from services.loyalty.programs.domain.conditions.declared import DECLARED, ValueType
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.ladder import TierMetric
from services.loyalty.programs.domain.parsing import parse_document
from services.loyalty.programs.domain.rules import CapMeasure
from services.loyalty.programs.domain.text import LocalizedText
from services.loyalty.programs.errors import TemplateUnknown
from services.platform.errors import InvalidInput
from services.platform.money import exponent

_TEMPLATE_DIGITS = 2
_MONEY_FIELDS = frozenset(field.name for field in DECLARED if field.type is ValueType.MONEY)


class TemplateKey(StrEnum):
    """The templates there are."""

    CAFE = "cafe"
    RETAIL = "retail"
    ONLINE_SHOP = "online-shop"
    RESTAURANT = "restaurant"
    SALON = "salon"
    HOTEL = "hotel"
    GROCERY = "grocery"


@dataclass(frozen=True, slots=True)
class StarterReward:
    """A reward that goes with a template. ``kind`` is a kind of the reward catalog; ``stock`` None is without limit."""

    code: str
    name: LocalizedText
    description: LocalizedText
    kind: str
    cost_points: int
    stock: int | None


@dataclass(frozen=True, slots=True)
class Template:
    """What a merchant reads before choosing, and the rewards to start with."""

    key: TemplateKey
    title: LocalizedText
    description: LocalizedText
    rewards: tuple[StarterReward, ...]


def templates() -> tuple[Template, ...]:
    """All templates, in the order in which they are offered."""
    return tuple(template(key) for key in TemplateKey)


def template(key: str) -> Template:
    """One template.

    Raises:
        TemplateUnknown: there is none with this key.
    """
    known = _known(key)
    data = _load(known)
    rewards = tuple(
        StarterReward(
            code=reward["code"],
            name=_text(reward["name"]),
            description=_text(reward["description"]),
            kind=reward["kind"],
            cost_points=reward["costPoints"],
            stock=reward.get("stock"),
        )
        for reward in data["rewards"]
    )
    return Template(known, _text(data["title"]), _text(data["description"]), rewards)


def template_document(key: str, *, currency: str, timezone: str) -> ProgramDocument:
    """The template's document for a currency (ISO 4217) and a time zone (IANA).

    Raises:
        TemplateUnknown: there is none with this key.
        ProgramDocumentInvalid: the currency or the time zone is unknown.
    """
    document = _load(_known(key))["document"]
    scaled = _in_currency(document, currency, _factor(currency))
    return parse_document(scaled | {"currency": currency, "timezone": timezone})


def _in_currency(document: Mapping[str, Any], currency: str, factor: int) -> dict[str, Any]:
    """The document with its amounts of money, wherever they stand, in another currency."""
    tiers = document["tiers"]
    if tiers["metric"] == TierMetric.SPEND:
        tiers = tiers | {"levels": [_scaled(level, ("threshold", "retention"), factor) for level in tiers["levels"]]}
    rules = [_rule_in_currency(rule, currency, factor) for rule in document["rules"]]
    return {**document, "rules": rules, "tiers": tiers}


def _rule_in_currency(rule: Mapping[str, Any], currency: str, factor: int) -> dict[str, Any]:
    made = dict(rule)
    spend = rule["formula"].get("spend")
    if spend is not None:
        (minor,) = spend["per"].values()
        made["formula"] = {"spend": spend | {"per": {currency: minor * factor}}}
    for key in ("when", "lines"):
        if key in rule:
            made[key] = _condition_in_currency(rule[key], factor)
    if "caps" in rule:
        made["caps"] = [
            _scaled(cap, ("limit",), factor) if cap.get("measure") == CapMeasure.MONEY else cap for cap in rule["caps"]
        ]
    return made


def _condition_in_currency(condition: Mapping[str, Any], factor: int) -> dict[str, Any]:
    match condition:
        case {"all": parts}:
            return {"all": [_condition_in_currency(part, factor) for part in parts]}
        case {"any": parts}:
            return {"any": [_condition_in_currency(part, factor) for part in parts]}
        case {"not": part}:
            return {"not": _condition_in_currency(part, factor)}
        case {"field": field} if field in _MONEY_FIELDS:
            return _scaled(condition, ("value",), factor)
    return dict(condition)


def _scaled(data: Mapping[str, Any], keys: Collection[str], factor: int) -> dict[str, Any]:
    return {key: value * factor if key in keys else value for key, value in data.items()}


def _factor(currency: str) -> int:
    try:
        return int(10 ** max(0, exponent(currency) - _TEMPLATE_DIGITS))
    except InvalidInput:
        # The parser notes the unknown currency together with whatever else is wrong.
        return 1


def _known(key: str) -> TemplateKey:
    try:
        return TemplateKey(key)
    except ValueError as error:
        raise TemplateUnknown(key=key) from error


@cache
def _load(key: TemplateKey) -> dict[str, Any]:
    file = resources.files("services.loyalty.programs") / "templates" / f"{key.value}.json"
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return data


def _text(data: Mapping[str, str]) -> LocalizedText:
    return LocalizedText(en=data["en"], zh=data["zh"])
