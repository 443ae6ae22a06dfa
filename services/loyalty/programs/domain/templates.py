"""Programs to start from: a café, a grocery chain, an online shop.

A template is a document for a currency with two digits, kept as JSON beside this capability. For another currency its
amounts keep their look: 1.00 becomes 1.000 where there are three digits, and 100 where there are none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from services.loyalty.programs.domain.document import LocalizedText, ProgramDocument, TierMetric
from services.loyalty.programs.domain.parsing import parse_document
from services.loyalty.programs.errors import TemplateUnknown
from services.platform.errors import InvalidInput
from services.platform.money import exponent

_TEMPLATE_DIGITS = 2


class TemplateKey(StrEnum):
    """The templates there are."""

    CAFE = "cafe"
    GROCERY = "grocery"
    ONLINE_SHOP = "online-shop"


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
    factor = _factor(currency)
    rules = [rule | {"per": rule["per"] * factor} for rule in document["spendRules"]]
    tiers = document["tiers"]
    if tiers["metric"] == TierMetric.SPEND:
        tiers = tiers | {"levels": [level | {"threshold": level["threshold"] * factor} for level in tiers["levels"]]}
    return parse_document(document | {"currency": currency, "timezone": timezone, "spendRules": rules, "tiers": tiers})


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
