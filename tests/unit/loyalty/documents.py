"""A small program document to vary in tests."""

import copy
from typing import Any

from services.loyalty.programs.domain import ProgramDocument, parse_document

DELETED = object()
_PLAIN: dict[str, Any] = {
    "version": 1,
    "name": {"en": "Corner club", "zh": "街角俱乐部"},
    "unit": {"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0},
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "spendRules": [
        {"id": "base", "name": {"en": "Base", "zh": "基础"}, "points": 1, "per": 100, "mode": "step"},
    ],
    "tiers": {
        "metric": "points_earned",
        "levels": [
            {"code": "basic", "name": {"en": "Basic", "zh": "普通"}, "threshold": 0, "multiplier": "1"},
            {"code": "gold", "name": {"en": "Gold", "zh": "金卡"}, "threshold": 1000, "multiplier": "1.5"},
        ],
    },
}


def document_data(changes: dict[str, object] | None = None) -> dict[str, Any]:
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


def document(changes: dict[str, object] | None = None) -> ProgramDocument:
    return parse_document(document_data(changes))


def rule_data(rule_id: str, **changes: object) -> dict[str, object]:
    return {"id": rule_id, "name": {"en": "Rule", "zh": "规则"}, "points": 1, "per": 100, "mode": "step", **changes}
