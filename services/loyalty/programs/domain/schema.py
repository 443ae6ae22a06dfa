"""The published JSON Schema of the program document, made from the same bounds as the parser.

What a schema cannot say stays with the parser: known zones and currencies, unique ids and codes, ascending thresholds.
"""

from enum import StrEnum

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.document import (
    DOCUMENT_VERSION,
    CapPeriod,
    ForeignCurrencyPolicy,
    Policies,
    RuleMode,
    TierMetric,
)

SCHEMA_FILE = "program-document-v1.schema.json"


def document_schema() -> dict[str, object]:
    """The schema (JSON Schema, draft 2020-12), as published in ``SCHEMA_FILE``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:regulars:program-document:v1",
        "title": "Program document, version 1",
        **_object(
            {
                "version": {"const": DOCUMENT_VERSION},
                "name": _localized("Name of the program."),
                "unit": _unit(),
                "timezone": _text(bounds.TEXT_MAX, "IANA time zone in which calendar days are taken."),
                "currency": {
                    "type": "string",
                    "pattern": "^[A-Z]{3}$",
                    "description": "ISO 4217 code. Amounts of money here are whole minor units of it.",
                },
                "spendRules": _array(_spend_rule(), 1, bounds.RULES_MAX, "Rules that give points for purchases."),
                "tiers": _tiers(),
                "policies": _policies(),
            },
            optional=("policies",),
        ),
    }


def _unit() -> dict[str, object]:
    return _object(
        {
            "code": _code(bounds.UNIT_CODE_PATTERN, "The unit in the ledger."),
            "name": _localized("What members call the points."),
            "scale": _integer(0, bounds.UNIT_SCALE_MAX, "Digits after the point; points count the smallest part."),
        }
    )


def _spend_rule() -> dict[str, object]:
    return _object(
        {
            "id": _code(bounds.SLUG_PATTERN, "Unique among the rules."),
            "name": _localized("Name of the rule."),
            "points": _integer(1, bounds.RULE_POINTS_MAX, "Points for each `per`."),
            "per": _integer(1, bounds.MONEY_MAX, "Minor units that give `points`."),
            "mode": _choice(RuleMode, "step: whole blocks of `per` only; proportional: every part, rounded down once."),
            "conditions": _object(
                {
                    "categories": _categories("Count lines whose category path begins with one of these."),
                    "excludedCategories": _categories(
                        "Never count lines whose category path begins with one of these."
                    ),
                    "stores": _array(
                        _text(bounds.STORE_CODE_MAX, "External code of a store."),
                        0,
                        bounds.STORES_MAX,
                        "Apply in these stores.",
                    ),
                },
                optional=("categories", "excludedCategories", "stores"),
                description="Empty or missing means all.",
            ),
            "cap": _object(
                {
                    "points": _integer(1, bounds.POINTS_MAX, "The most points for one member in one period."),
                    "per": _choice(CapPeriod, "day: the calendar day in the program's time zone."),
                },
                description="What is above is clipped.",
            ),
        },
        optional=("conditions", "cap"),
    )


def _categories(description: str) -> dict[str, object]:
    name = _text(bounds.CATEGORY_NAME_MAX, "A step of the path, letter by letter.")
    path = _array(name, 1, bounds.CATEGORY_DEPTH_MAX, "A category path from the root.")
    return _array(path, 0, bounds.CATEGORIES_MAX, description)


def _tiers() -> dict[str, object]:
    level = _object(
        {
            "code": _code(bounds.SLUG_PATTERN, "Unique among the levels."),
            "name": _localized("Name of the tier."),
            "threshold": _integer(
                0, bounds.POINTS_MAX, "Reached at this much, inclusive; the first is 0 and they ascend strictly."
            ),
            "multiplier": _code(
                bounds.MULTIPLIER_PATTERN,
                f"A decimal above 0, at most {bounds.MULTIPLIER_MAX}, that multiplies what every rule gives.",
            ),
        }
    )
    return _object(
        {
            "metric": _choice(TierMetric, "What is summed: points earned on purchases, or minor units spent."),
            "levels": _array(level, 1, bounds.LEVELS_MAX, "The ladder, lowest first."),
        }
    )


def _policies() -> dict[str, object]:
    defaults = Policies()
    return _object(
        {
            "backdatingDays": _integer(0, bounds.BACKDATING_DAYS_MAX, "Purchases older than this are refused.")
            | {"default": defaults.backdating_days},
            "foreignCurrency": _choice(
                ForeignCurrencyPolicy, "A purchase in another currency is recorded and earns nothing, or is refused."
            )
            | {"default": defaults.foreign_currency.value},
        },
        optional=("backdatingDays", "foreignCurrency"),
    )


def _object(
    properties: dict[str, dict[str, object]], *, optional: tuple[str, ...] = (), description: str | None = None
) -> dict[str, object]:
    schema: dict[str, object] = (
        {"type": "object"} if description is None else {"type": "object", "description": description}
    )
    required = [key for key in properties if key not in optional]
    return schema | {"additionalProperties": False, "required": required, "properties": properties}


def _array(items: dict[str, object], minimum: int, maximum: int, description: str) -> dict[str, object]:
    return {"type": "array", "description": description, "minItems": minimum, "maxItems": maximum, "items": items}


def _integer(minimum: int, maximum: int, description: str) -> dict[str, object]:
    return {"type": "integer", "description": description, "minimum": minimum, "maximum": maximum}


def _text(maximum: int, description: str) -> dict[str, object]:
    return {"type": "string", "description": description, "minLength": 1, "maxLength": maximum, "pattern": r"\S"}


def _code(pattern: str, description: str) -> dict[str, object]:
    return {"type": "string", "description": description, "maxLength": bounds.CODE_MAX, "pattern": pattern}


def _choice(choices: type[StrEnum], description: str) -> dict[str, object]:
    return {"type": "string", "description": description, "enum": [choice.value for choice in choices]}


def _localized(description: str) -> dict[str, object]:
    return _object(
        {"en": _text(bounds.TEXT_MAX, "English"), "zh": _text(bounds.TEXT_MAX, "Chinese")}, description=description
    )
