"""From JSON to a typed program document and back."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.document import (
    DOCUMENT_VERSION,
    Cap,
    CapPeriod,
    CategoryPath,
    Conditions,
    ForeignCurrencyPolicy,
    LocalizedText,
    PointUnit,
    Policies,
    ProgramDocument,
    RuleMode,
    SpendRule,
    TierLevel,
    TierMetric,
    TierSet,
)
from services.loyalty.programs.domain.reading import ABSENT, Reader, pointer
from services.loyalty.programs.errors import ProblemCode, ProgramDocumentInvalid
from services.platform.errors import InvalidInput
from services.platform.money import exponent


def parse_document(data: Mapping[str, object]) -> ProgramDocument:
    """The typed form of a program document in JSON.

    Raises:
        ProgramDocumentInvalid: with all its problems, each with its place (no more than the first 200).
    """
    reader = Reader()
    members = reader.members(
        data,
        "",
        required=("version", "name", "unit", "timezone", "currency", "spendRules", "tiers"),
        optional=("policies",),
    )
    _version(reader, members["version"])
    document = ProgramDocument(
        name=_localized(reader, members["name"], "/name"),
        unit=_unit(reader, members["unit"]),
        timezone=_timezone(reader, members["timezone"]),
        currency=_currency(reader, members["currency"]),
        spend_rules=_spend_rules(reader, members["spendRules"]),
        tiers=_tiers(reader, members["tiers"]),
        policies=_policies(reader, members["policies"]),
    )
    if reader.problems:
        raise ProgramDocumentInvalid(problems=reader.problems)
    return document


def document_json(document: ProgramDocument) -> dict[str, Any]:
    """The canonical JSON of a document: fixed order of keys, nothing that is empty, multipliers without idle zeros."""
    return {
        "version": DOCUMENT_VERSION,
        "name": _localized_json(document.name),
        "unit": {
            "code": document.unit.code,
            "name": _localized_json(document.unit.name),
            "scale": document.unit.scale,
        },
        "timezone": document.timezone,
        "currency": document.currency,
        "spendRules": [_spend_rule_json(rule) for rule in document.spend_rules],
        "tiers": {
            "metric": document.tiers.metric.value,
            "levels": [
                {
                    "code": level.code,
                    "name": _localized_json(level.name),
                    "threshold": level.threshold,
                    "multiplier": f"{level.multiplier.normalize():f}",
                }
                for level in document.tiers.levels
            ],
        },
        "policies": {
            "backdatingDays": document.policies.backdating_days,
            "foreignCurrency": document.policies.foreign_currency.value,
        },
    }


def _version(reader: Reader, value: object) -> None:
    if value is not ABSENT and (type(value) is not int or value != DOCUMENT_VERSION):
        reader.note("/version", ProblemCode.UNSUPPORTED_VERSION, {"supported": DOCUMENT_VERSION})


def _localized(reader: Reader, value: object, path: str) -> LocalizedText:
    members = reader.members(value, path, required=("en", "zh"))
    return LocalizedText(
        en=reader.text(members["en"], pointer(path, ("en",)), maximum=bounds.TEXT_MAX),
        zh=reader.text(members["zh"], pointer(path, ("zh",)), maximum=bounds.TEXT_MAX),
    )


def _unit(reader: Reader, value: object) -> PointUnit:
    members = reader.members(value, "/unit", required=("code", "name", "scale"))
    return PointUnit(
        code=reader.code(members["code"], "/unit/code", pattern=bounds.UNIT_CODE_PATTERN, maximum=bounds.CODE_MAX),
        name=_localized(reader, members["name"], "/unit/name"),
        scale=reader.integer(members["scale"], "/unit/scale", minimum=0, maximum=bounds.UNIT_SCALE_MAX),
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(reader: Reader, value: object) -> str:
    zone = reader.text(value, "/timezone", maximum=bounds.TEXT_MAX)
    if isinstance(value, str) and zone.strip() and zone not in _zones():
        reader.note("/timezone", ProblemCode.UNKNOWN_TIMEZONE)
    return zone


def _currency(reader: Reader, value: object) -> str:
    currency = reader.text(value, "/currency", maximum=bounds.TEXT_MAX)
    if isinstance(value, str) and currency.strip():
        try:
            exponent(currency)
        except InvalidInput:
            reader.note("/currency", ProblemCode.UNKNOWN_CURRENCY)
    return currency


def _spend_rules(reader: Reader, value: object) -> tuple[SpendRule, ...]:
    items = reader.items(value, "/spendRules", minimum=1, maximum=bounds.RULES_MAX)
    rules = tuple(_spend_rule(reader, item, path) for path, item in items)
    reader.unique((pointer(path, ("id",)), rule.id) for (path, _), rule in zip(items, rules, strict=True) if rule.id)
    return rules


def _spend_rule(reader: Reader, value: object, path: str) -> SpendRule:
    members = reader.members(
        value, path, required=("id", "name", "points", "per", "mode"), optional=("conditions", "cap")
    )
    return SpendRule(
        id=reader.code(members["id"], pointer(path, ("id",)), pattern=bounds.SLUG_PATTERN, maximum=bounds.CODE_MAX),
        name=_localized(reader, members["name"], pointer(path, ("name",))),
        points=reader.integer(members["points"], pointer(path, ("points",)), minimum=1, maximum=bounds.RULE_POINTS_MAX),
        per_minor=reader.integer(members["per"], pointer(path, ("per",)), minimum=1, maximum=bounds.MONEY_MAX),
        mode=reader.choice(members["mode"], pointer(path, ("mode",)), RuleMode),
        conditions=_conditions(reader, members["conditions"], pointer(path, ("conditions",))),
        cap=_cap(reader, members["cap"], pointer(path, ("cap",))),
    )


def _conditions(reader: Reader, value: object, path: str) -> Conditions:
    members = reader.members(value, path, required=(), optional=("categories", "excludedCategories", "stores"))
    stores = reader.items(members["stores"], pointer(path, ("stores",)), maximum=bounds.STORES_MAX)
    codes = [(place, reader.text(store, place, maximum=bounds.STORE_CODE_MAX)) for place, store in stores]
    reader.unique((place, code) for place, code in codes if code)
    return Conditions(
        categories=_categories(reader, members["categories"], pointer(path, ("categories",))),
        excluded_categories=_categories(reader, members["excludedCategories"], pointer(path, ("excludedCategories",))),
        stores=tuple(code for _, code in codes),
    )


def _categories(reader: Reader, value: object, path: str) -> tuple[CategoryPath, ...]:
    items = reader.items(value, path, maximum=bounds.CATEGORIES_MAX)
    categories: list[tuple[str, CategoryPath]] = []
    for place, item in items:
        steps = reader.items(item, place, minimum=1, maximum=bounds.CATEGORY_DEPTH_MAX)
        names = tuple(reader.text(name, step, maximum=bounds.CATEGORY_NAME_MAX) for step, name in steps)
        categories.append((place, names))
    reader.unique((place, names) for place, names in categories if all(names))
    return tuple(names for _, names in categories)


def _cap(reader: Reader, value: object, path: str) -> Cap | None:
    if value is ABSENT:
        return None
    members = reader.members(value, path, required=("points", "per"))
    return Cap(
        points=reader.integer(members["points"], pointer(path, ("points",)), minimum=1, maximum=bounds.POINTS_MAX),
        per=reader.choice(members["per"], pointer(path, ("per",)), CapPeriod),
    )


def _tiers(reader: Reader, value: object) -> TierSet:
    members = reader.members(value, "/tiers", required=("metric", "levels"))
    metric = reader.choice(members["metric"], "/tiers/metric", TierMetric)
    items = reader.items(members["levels"], "/tiers/levels", minimum=1, maximum=bounds.LEVELS_MAX)
    levels: list[TierLevel] = []
    thresholds: list[tuple[str, int]] = []
    codes: list[tuple[str, str]] = []
    for path, item in items:
        fields = reader.members(item, path, required=("code", "name", "threshold", "multiplier"))
        level = TierLevel(
            code=reader.code(
                fields["code"], pointer(path, ("code",)), pattern=bounds.SLUG_PATTERN, maximum=bounds.CODE_MAX
            ),
            name=_localized(reader, fields["name"], pointer(path, ("name",))),
            threshold=reader.integer(
                fields["threshold"], pointer(path, ("threshold",)), minimum=0, maximum=bounds.POINTS_MAX
            ),
            multiplier=_multiplier(reader, fields["multiplier"], pointer(path, ("multiplier",))),
        )
        levels.append(level)
        if type(fields["threshold"]) is int:
            thresholds.append((pointer(path, ("threshold",)), level.threshold))
        if level.code:
            codes.append((pointer(path, ("code",)), level.code))
    _ascending(reader, thresholds)
    reader.unique(codes)
    return TierSet(metric, tuple(levels))


def _ascending(reader: Reader, thresholds: Sequence[tuple[str, int]]) -> None:
    previous: int | None = None
    for path, threshold in thresholds:
        if previous is not None and threshold <= previous:
            reader.note(path, ProblemCode.NOT_ASCENDING, {"previous": previous})
        if path == "/tiers/levels/0/threshold" and threshold > 0:
            reader.note(path, ProblemCode.NOT_ZERO)
        previous = threshold


def _multiplier(reader: Reader, value: object, path: str) -> Decimal:
    text = reader.code(value, path, pattern=bounds.MULTIPLIER_PATTERN, maximum=bounds.CODE_MAX)
    if not re.fullmatch(bounds.MULTIPLIER_PATTERN, text):
        return Decimal(1)
    multiplier = Decimal(text)
    if multiplier > bounds.MULTIPLIER_MAX:
        reader.note(path, ProblemCode.TOO_LARGE, {"maximum": str(bounds.MULTIPLIER_MAX)})
    if multiplier == 0:
        reader.note(path, ProblemCode.TOO_SMALL, {"minimum": str(bounds.MULTIPLIER_STEP)})
    return multiplier


def _policies(reader: Reader, value: object) -> Policies:
    members = reader.members(value, "/policies", required=(), optional=("backdatingDays", "foreignCurrency"))
    days, foreign = members["backdatingDays"], members["foreignCurrency"]
    defaults = Policies()
    return Policies(
        backdating_days=defaults.backdating_days
        if days is ABSENT
        else reader.integer(days, "/policies/backdatingDays", minimum=0, maximum=bounds.BACKDATING_DAYS_MAX),
        foreign_currency=defaults.foreign_currency
        if foreign is ABSENT
        else reader.choice(foreign, "/policies/foreignCurrency", ForeignCurrencyPolicy),
    )


def _localized_json(text: LocalizedText) -> dict[str, object]:
    return {"en": text.en, "zh": text.zh}


def _spend_rule_json(rule: SpendRule) -> dict[str, object]:
    data: dict[str, object] = {
        "id": rule.id,
        "name": _localized_json(rule.name),
        "points": rule.points,
        "per": rule.per_minor,
        "mode": rule.mode.value,
    }
    conditions = {
        "categories": [list(path) for path in rule.conditions.categories],
        "excludedCategories": [list(path) for path in rule.conditions.excluded_categories],
        "stores": list(rule.conditions.stores),
    }
    if any(conditions.values()):
        data["conditions"] = {key: values for key, values in conditions.items() if values}
    if rule.cap is not None:
        data["cap"] = {"points": rule.cap.points, "per": rule.cap.per.value}
    return data
