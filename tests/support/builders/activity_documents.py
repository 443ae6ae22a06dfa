"""Program documents that reward what members do besides buying."""

from typing import Any


def activity_document(*rules: dict[str, Any], timezone: str = "Asia/Shanghai", **changes: Any) -> dict[str, Any]:
    """A program with these rules, one point unit and two tiers, the second from 100 points."""
    return {
        "version": 2,
        "name": {"en": "Regulars", "zh": "常客"},
        "timezone": timezone,
        "currency": "CNY",
        "units": [{"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}],
        "rules": list(rules),
        "tiers": {
            "metric": "points_earned",
            "levels": [_level("base", 0), _level("gold", 100)],
        },
    } | changes


def bonus(trigger: str, points: int, name: str | None = None, **changes: Any) -> dict[str, Any]:
    """A rule that gives ``points`` for a trigger."""
    name = name or trigger.replace("_", "-")
    return {
        "id": name,
        "name": {"en": name, "zh": name},
        "trigger": trigger,
        "formula": {"fixed": points},
    } | changes


def declared(code: str, type_: str) -> dict[str, Any]:
    """A field of the merchant's own for members."""
    return {"code": code, "owner": "member", "type": type_, "name": {"en": code, "zh": code}}


WORKSHOP = {
    "code": "workshop",
    "name": {"en": "Workshop", "zh": "工作坊"},
    "schema": {
        "type": "object",
        "required": ["topic", "guests"],
        "additionalProperties": False,
        "properties": {
            "topic": {"type": "string", "minLength": 1, "maxLength": 40},
            "guests": {"type": "integer", "minimum": 1, "maximum": 20},
        },
    },
}
"""An event with a text and a number."""


def _level(code: str, threshold: int) -> dict[str, Any]:
    return {"code": code, "name": {"en": code, "zh": code}, "threshold": threshold, "multiplier": "1"}
