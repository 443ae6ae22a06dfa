"""From older program documents to today's, JSON to JSON.

What is not of the older form is left where it is, for the parser to find. An upgraded document gives the same points
and moves members between tiers by the same rules as it always did.
"""

from collections.abc import Mapping
from typing import Any


def upgraded(data: Mapping[str, object]) -> Mapping[str, object]:
    """The document as one of version 2; one that is not of version 1 is given back as it is."""
    if type(data.get("version")) is not int or data["version"] != 1:
        return data
    made: dict[str, Any] = dict(data) | {"version": 2}
    if "unit" in made:
        made["units"] = [made.pop("unit")]
    currency = data.get("currency")
    if "spendRules" in made:
        rules = made.pop("spendRules")
        made["rules"] = [_rule(rule, currency) for rule in rules] if isinstance(rules, list) else rules
    if isinstance(made.get("tiers"), Mapping):
        # In the first version nobody was reviewed: a tier once reached was kept.
        made["tiers"] = {"downgrade": "none"} | dict(made["tiers"])
    policies = made.get("policies", {})
    if isinstance(policies, Mapping):
        # A refund that came before its purchase was refused.
        made["policies"] = {"earlyRefund": "refuse"} | dict(policies)
    return made


def _rule(rule: Any, currency: object) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    made = {key: value for key, value in rule.items() if key not in {"points", "per", "mode", "conditions", "cap"}}
    spend = {key: rule[key] for key in ("points", "mode") if key in rule}
    if "per" in rule:
        spend["per"] = {str(currency): rule["per"]}
    made = {"trigger": "purchase", "formula": {"spend": spend}} | made
    if "cap" in rule:
        made["caps"] = [_cap(rule["cap"])]
    return made | _conditions(rule.get("conditions"), is_there="conditions" in rule)


def _cap(cap: Any) -> Any:
    if not isinstance(cap, Mapping):
        return cap
    return {("limit" if key == "points" else key): value for key, value in cap.items()}


def _conditions(conditions: Any, *, is_there: bool) -> dict[str, Any]:
    if not is_there:
        return {}
    if not isinstance(conditions, Mapping):
        return {"conditions": conditions}
    made: dict[str, Any] = {}
    unknown = {
        key: value for key, value in conditions.items() if key not in {"categories", "excludedCategories", "stores"}
    }
    if unknown:
        made["conditions"] = unknown
    if conditions.get("stores"):
        made["when"] = {"field": "store.code", "op": "in", "value": conditions["stores"]}
    parts: list[dict[str, Any]] = []
    if conditions.get("categories"):
        parts.append(_under(conditions["categories"]))
    if conditions.get("excludedCategories"):
        parts.append({"not": _under(conditions["excludedCategories"])})
    if parts:
        made["lines"] = parts[0] if len(parts) == 1 else {"all": parts}
    return made


def _under(paths: Any) -> dict[str, Any]:
    return {"field": "line.category", "op": "under", "value": paths}
