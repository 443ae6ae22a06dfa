"""Program documents for tests, as a merchant would save them."""

from typing import Any


def document(
    *,
    rules: list[dict[str, Any]] | None = None,
    levels: list[tuple[str, int, str]] | None = None,
    metric: str = "points_earned",
    unit: str = "points",
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    backdating_days: int = 30,
    foreign_currency: str = "earn_nothing",
) -> dict[str, Any]:
    """One point per 1.00 spent and one tier, unless said otherwise; levels are (code, threshold, multiplier)."""
    return {
        "version": 1,
        "name": {"en": "Regulars", "zh": "常客"},
        "unit": {"code": unit, "name": {"en": "Points", "zh": "积分"}, "scale": 0},
        "timezone": timezone,
        "currency": currency,
        "spendRules": rules or [rule()],
        "tiers": {
            "metric": metric,
            "levels": [
                {"code": code, "name": {"en": code.title(), "zh": code}, "threshold": threshold, "multiplier": by}
                for code, threshold, by in levels or [("base", 0, "1")]
            ],
        },
        "policies": {"backdatingDays": backdating_days, "foreignCurrency": foreign_currency},
    }


def rule(
    name: str = "every-purchase",
    *,
    points: int = 1,
    per: int = 100,
    mode: str = "step",
    cap: int | None = None,
    conditions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """``points`` per ``per`` minor units; ``cap`` is by day."""
    made: dict[str, Any] = {
        "id": name,
        "name": {"en": name, "zh": name},
        "points": points,
        "per": per,
        "mode": mode,
    }
    if cap is not None:
        made["cap"] = {"points": cap, "per": "day"}
    if conditions is not None:
        made["conditions"] = conditions
    return made
