"""A small program document of today's version, to vary in tests."""

import copy
from typing import Any

from services.loyalty.programs.domain import ProgramDocument, parse_document

DELETED = object()
_PLAIN: dict[str, Any] = {
    "version": 2,
    "name": {"en": "Corner club", "zh": "街角俱乐部"},
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "units": [{"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}],
    "rules": [
        {
            "id": "base",
            "name": {"en": "Base", "zh": "基础"},
            "trigger": "purchase",
            "formula": {"spend": {"points": 1, "per": {"CNY": 100}}},
        },
    ],
    "tiers": {
        "metric": "points_earned",
        "levels": [
            {"code": "basic", "name": {"en": "Basic", "zh": "普通"}, "threshold": 0, "multiplier": "1"},
            {"code": "gold", "name": {"en": "Gold", "zh": "金卡"}, "threshold": 1000, "multiplier": "1.5"},
        ],
    },
}


def plain_data(changes: dict[str, object] | None = None) -> dict[str, Any]:
    """The plain document in JSON, with values put (or ``DELETED``) at JSON pointers."""
    data = copy.deepcopy(_PLAIN)
    for path, value in (changes or {}).items():
        *parents, last = path.removeprefix("/").split("/")
        place: Any = data
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key: Any = int(last) if isinstance(place, list) else last
        if value is DELETED:
            del place[key]
        elif isinstance(place, list) and key == len(place):
            place.append(value)
        else:
            place[key] = value
    return data


def plain(changes: dict[str, object] | None = None) -> ProgramDocument:
    return parse_document(plain_data(changes))


def rule_data(rule_id: str, **changes: object) -> dict[str, object]:
    return {
        "id": rule_id,
        "name": {"en": "Rule", "zh": "规则"},
        "trigger": "purchase",
        "formula": {"spend": {"points": 1, "per": {"CNY": 100}}},
        **changes,
    }


def level_data(code: str, threshold: int, **changes: object) -> dict[str, object]:
    return {"code": code, "name": {"en": "L", "zh": "级"}, "threshold": threshold, "multiplier": "1", **changes}
