"""Bad documents: where something stands in the plain one, what stands there, and the one problem that it makes."""

import json
from typing import Any

from tests.unit.loyalty.programs.plain import DELETED, level_data, rule_data

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
IDENTIFIER = r"^[a-z][a-z0-9_]{0,29}$"
FACTOR = r"^[0-9]{1,3}(\.[0-9]{1,4})?$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
FIELD = r"^[a-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"
NAME = {"en": "N", "zh": "名"}
DAYS_30 = {"count": 30, "unit": "day"}
FORMULAS = "spend, perItem, fixed, tierTable, multiply"
CONDITION_KEYS = "all, any, not, expression, field"
LARGE = {"field": "order.total", "op": "ge", "value": 100}


def nested(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = LARGE
    for _ in range(depth - 1):
        condition = {"not": condition}
    return condition


def unit(code: str, **changes: object) -> dict[str, object]:
    return {"code": code, "name": NAME, "scale": 0, **changes}


def event(**properties: object) -> list[dict[str, object]]:
    return [{"code": "visit", "name": NAME, "schema": {"type": "object", "properties": properties}}]


Case = tuple[str, object, str, str, dict[str, str | int]]
"""(where, what stands there, the pointer of the problem, its code, its facts)"""

WHOLE: list[Case] = [
    ("/version", 3, "/version", "UNSUPPORTED_VERSION", {"supported": 2}),
    ("/version", True, "/version", "UNSUPPORTED_VERSION", {"supported": 2}),
    ("/version", 2.0, "/version", "UNSUPPORTED_VERSION", {"supported": 2}),
    ("/version", DELETED, "/version", "MISSING", {}),
    ("/name", DELETED, "/name", "MISSING", {}),
    ("/name", "Corner club", "/name", "WRONG_TYPE", {"expected": "object"}),
    ("/name/zh", DELETED, "/name/zh", "MISSING", {}),
    ("/name/en", "  ", "/name/en", "BLANK", {}),
    ("/name/en", "x" * 81, "/name/en", "TOO_LONG", {"maximum": 80}),
    ("/name/en", "a\0b", "/name/en", "FORBIDDEN_CHARACTER", {}),
    ("/name/en", "half \ud83d", "/name/en", "FORBIDDEN_CHARACTER", {}),
    ("/name/en", 7, "/name/en", "WRONG_TYPE", {"expected": "string"}),
    ("/name/en", None, "/name/en", "WRONG_TYPE", {"expected": "string"}),
    ("/name/fr", "Club", "/name/fr", "UNKNOWN_KEY", {}),
    ("/program", {}, "/program", "UNKNOWN_KEY", {}),
    ("/timezone", "Mars/Olympus", "/timezone", "UNKNOWN_TIMEZONE", {}),
    ("/timezone", "../etc/passwd", "/timezone", "UNKNOWN_TIMEZONE", {}),
    ("/currency", "XYZ", "/currency", "UNKNOWN_CURRENCY", {}),
    ("/currency", "cny", "/currency", "UNKNOWN_CURRENCY", {}),
    ("/units", [], "/units", "TOO_FEW", {"minimum": 1}),
    ("/units", [unit(f"u{n}") for n in range(6)], "/units", "TOO_MANY", {"maximum": 5}),
    ("/units/1", unit("points"), "/units/1/code", "DUPLICATE", {"first": "/units/0/code"}),
    ("/units/0/code", "Points", "/units/0/code", "BAD_FORMAT", {"pattern": IDENTIFIER}),
    ("/units/0/code", "points\n", "/units/0/code", "BAD_FORMAT", {"pattern": IDENTIFIER}),
    ("/units/0/scale", 5, "/units/0/scale", "TOO_LARGE", {"maximum": 4}),
    ("/units/0/scale", -1, "/units/0/scale", "TOO_SMALL", {"minimum": 0}),
    ("/units/0/scale", 1.0, "/units/0/scale", "WRONG_TYPE", {"expected": "integer"}),
    (
        "/units/0/caps",
        [{"limit": 5, "per": "day", "measure": "money"}],
        "/units/0/caps/0/measure",
        "NOT_ALLOWED",
        {"allowed": "points, times"},
    ),
    ("/groups", [{"code": "a", "combination": "product"}], "/groups/0/combination", "NOT_ALLOWED",
     {"allowed": "sum, best, first"}),
    ("/groups", [{"code": "a", "combination": "sum"}] * 2, "/groups/1/code", "DUPLICATE", {"first": "/groups/0/code"}),
    ("/fields", [{"code": "a", "owner": "member", "type": "text", "name": NAME}] * 2, "/fields/1/code", "DUPLICATE",
     {"first": "/fields/0/code"}),
    ("/fields", [{"code": "a", "owner": "store", "type": "text", "name": NAME}], "/fields/0/owner", "NOT_ALLOWED",
     {"allowed": "member, purchase"}),
    ("/rates", [{"currency": "CNY", "from": "2026-01-01", "rate": "7"}], "/rates/0/currency", "NOT_APPLICABLE",
     {"needs": "currency: not CNY"}),
    ("/rates", [{"currency": "USD", "from": "2026-01-01", "rate": "7"}] * 2, "/rates/1/from", "DUPLICATE",
     {"first": "/rates/0/from"}),
    ("/rates", [{"currency": "USD", "from": "2026-01-01", "rate": 7.1}], "/rates/0/rate", "WRONG_TYPE",
     {"expected": "string"}),
    ("/policies", {"foreignCurrency": "convert"}, "/rates", "RATE_MISSING", {}),
    ("/policies", {"backdatingDays": 3651}, "/policies/backdatingDays", "TOO_LARGE", {"maximum": 3650}),
    ("/policies", {"noSuchPolicy": 1}, "/policies/noSuchPolicy", "UNKNOWN_KEY", {}),
    ("/policies", {"rounding": "bankers"}, "/policies/rounding", "NOT_ALLOWED", {"allowed": "floor, ceil, half_up"}),
    ("/policies", {"owing": "allow"}, "/policies/owedPointsMax", "MISSING", {}),
    ("/policies", {"owedPointsMax": 5}, "/policies/owedPointsMax", "NOT_APPLICABLE", {"needs": "owing: allow"}),
    ("/policies", {"noSilentExpiry": "report", "expiryNoticeDays": 0}, "/policies/noSilentExpiry", "NOT_APPLICABLE",
     {"needs": "expiryNoticeDays"}),
    ("/policies", {"noSilentDowngrade": "report"}, "/policies/noSilentDowngrade", "NOT_APPLICABLE",
     {"needs": "downgradeNoticeDays"}),
    ("/policies", {"transfers": {"pointsMin": 10, "pointsMax": 5}}, "/policies/transfers/pointsMax", "TOO_SMALL",
     {"minimum": 10}),
    ("/policies", {"base": {"beforeDiscounts": "yes"}}, "/policies/base/beforeDiscounts", "WRONG_TYPE",
     {"expected": "boolean"}),
]  # fmt: skip

VALIDITY: list[Case] = [
    ("/units/0/expiry", {"on": "2026-02-30"}, "/units/0/expiry/on", "NO_SUCH_DATE", {}),
    ("/units/0/expiry", {"on": "30.06.2026"}, "/units/0/expiry/on", "BAD_FORMAT", {"pattern": DATE}),
    ("/units/0/expiry", {"on": "9999-12-31"}, "/units/0/expiry/on", "YEAR_OUT_OF_RANGE",
     {"minimum": 2000, "maximum": 2199}),
    ("/units/0/expiry", {"yearly": [{"month": 4, "day": 31}]}, "/units/0/expiry/yearly/0/day", "TOO_LARGE",
     {"maximum": 30}),
    ("/units/0/expiry", {"yearly": [{"month": 12, "day": 31}] * 2}, "/units/0/expiry/yearly/1", "DUPLICATE",
     {"first": "/units/0/expiry/yearly/0"}),
    ("/units/0/expiry", {"yearlyDaysMin": 90}, "/units/0/expiry/yearlyDaysMin", "NOT_APPLICABLE", {"needs": "yearly"}),
    ("/units/0/expiry", {"rolling": {"span": {"count": 1201, "unit": "month"}}},
     "/units/0/expiry/rolling/span/count", "TOO_LARGE", {"maximum": 1200}),
    ("/units/0/expiry", {"rolling": {"span": DAYS_30, "untilEndOf": "decade"}}, "/units/0/expiry/rolling/untilEndOf",
     "NOT_ALLOWED", {"allowed": "none, day, week, month, quarter, half_year, year"}),
    ("/units/0/expiry", {"sliding": {"span": DAYS_30, "activities": ["login"]}},
     "/units/0/expiry/sliding/activities/0", "NOT_ALLOWED",
     {"allowed": "purchase, sign_up, check_in, review, survey, share, referral_registered, referral_purchased, "
      "birthday, anniversary, profile_completed, mention, custom_event, redemption"}),
    ("/units/0/expiry", {"partial": {"percent": 101, "after": DAYS_30, "activities": ["purchase"]}},
     "/units/0/expiry/partial/percent", "TOO_LARGE", {"maximum": 100}),
    ("/units/0/activation", {}, "/units/0/activation", "EXACTLY_ONE", {"allowed": "after, on, action"}),
    ("/units/0/activation", {"after": DAYS_30, "on": "2026-01-01"}, "/units/0/activation", "EXACTLY_ONE",
     {"allowed": "after, on, action"}),
    ("/units/0/activation", {"after": DAYS_30, "withinDays": 9}, "/units/0/activation/withinDays", "NOT_APPLICABLE",
     {"needs": "action"}),
    ("/rules/0/activation", {"after": {"count": 0, "unit": "day"}}, "/rules/0/activation/after/count", "TOO_SMALL",
     {"minimum": 1}),
]  # fmt: skip

RULES: list[Case] = [
    ("/rules", [], "/rules", "TOO_FEW", {"minimum": 1}),
    ("/rules", [rule_data(f"r{n}") for n in range(101)], "/rules", "TOO_MANY", {"maximum": 100}),
    ("/rules", {}, "/rules", "WRONG_TYPE", {"expected": "array"}),
    ("/rules/0", "free points", "/rules/0", "WRONG_TYPE", {"expected": "object"}),
    ("/rules/1", rule_data("base"), "/rules/1/id", "DUPLICATE", {"first": "/rules/0/id"}),
    ("/rules/0/id", "'; DROP TABLE x", "/rules/0/id", "BAD_FORMAT", {"pattern": SLUG}),
    ("/rules/0/id", "a" * 41, "/rules/0/id", "TOO_LONG", {"maximum": 40}),
    ("/rules/0/trigger", "login", "/rules/0/trigger", "NOT_ALLOWED",
     {"allowed": "purchase, sign_up, check_in, review, survey, share, referral_registered, referral_purchased, "
      "birthday, anniversary, profile_completed, mention, custom_event"}),
    ("/rules/0/formula", {}, "/rules/0/formula", "EXACTLY_ONE", {"allowed": FORMULAS}),
    ("/rules/0/formula", {"fixed": 1, "perItem": 1}, "/rules/0/formula", "EXACTLY_ONE", {"allowed": FORMULAS}),
    ("/rules/0/formula", {"double": True}, "/rules/0/formula/double", "UNKNOWN_KEY", {}),
    ("/rules/0/formula", {"fixed": 0}, "/rules/0/formula/fixed", "TOO_SMALL", {"minimum": 1}),
    ("/rules/0/formula", {"fixed": 10**9 + 1}, "/rules/0/formula/fixed", "TOO_LARGE", {"maximum": 10**9}),
    ("/rules/0/formula", {"fixed": True}, "/rules/0/formula/fixed", "WRONG_TYPE", {"expected": "integer"}),
    ("/rules/0/formula/spend/per", {}, "/rules/0/formula/spend/per", "TOO_FEW", {"minimum": 1}),
    ("/rules/0/formula/spend/per", {"XXY": 5}, "/rules/0/formula/spend/per/XXY", "UNKNOWN_CURRENCY", {}),
    ("/rules/0/formula/spend/per/CNY", 2**53, "/rules/0/formula/spend/per/CNY", "TOO_LARGE", {"maximum": 2**53 - 1}),
    ("/rules/0/formula/spend/mode", "round", "/rules/0/formula/spend/mode", "NOT_ALLOWED",
     {"allowed": "step, proportional"}),
    ("/rules/0/formula", {"tierTable": {"platinum": 9}}, "/rules/0/formula/tierTable/platinum", "UNKNOWN_TIER",
     {"known": "basic, gold"}),
    ("/rules/0/formula", {"multiply": 2}, "/rules/0/formula/multiply", "WRONG_TYPE", {"expected": "string"}),
    ("/rules/0/formula", {"multiply": "0"}, "/rules/0/formula/multiply", "TOO_SMALL", {"minimum": "0.0001"}),
    ("/rules/0/unit", "miles", "/rules/0/unit", "UNKNOWN_UNIT", {"known": "points"}),
    ("/rules/0/priority", 1001, "/rules/0/priority", "TOO_LARGE", {"maximum": 1000}),
    ("/rules/0/event", "visit", "/rules/0/event", "NOT_APPLICABLE", {"needs": "trigger: custom_event"}),
    ("/rules/1", rule_data("e", trigger="custom_event", formula={"fixed": 1}), "/rules/1/event", "MISSING", {}),
    ("/rules/1", rule_data("e", trigger="custom_event", formula={"fixed": 1}, event="visit"), "/rules/1/event",
     "UNKNOWN_EVENT", {"known": ""}),
    ("/rules/1", rule_data("e", trigger="check_in"), "/rules/1/formula", "NOT_APPLICABLE",
     {"needs": "trigger: purchase"}),
    ("/rules/1", rule_data("e", trigger="check_in", formula={"fixed": 1}, lines=LARGE), "/rules/1/lines",
     "NOT_APPLICABLE", {"needs": "trigger: purchase"}),
    ("/rules/1", rule_data("m", formula={"multiply": "2"}, expiry={"anniversary": True}), "/rules/1/expiry",
     "NOT_APPLICABLE", {"needs": "formula: spend, perItem, fixed, tierTable"}),
    ("/rules/0/caps", [{"limit": 5, "per": "fortnight"}], "/rules/0/caps/0/per", "NOT_ALLOWED",
     {"allowed": "event, day, week, month, year, lifetime"}),
    ("/rules/0/caps", [{"limit": 0, "per": "day"}], "/rules/0/caps/0/limit", "TOO_SMALL", {"minimum": 1}),
    ("/rules/0/caps", {"limit": 5, "per": "day"}, "/rules/0/caps", "WRONG_TYPE", {"expected": "array"}),
    ("/rules/0/caps", [{"limit": 5, "per": "day"}, {"limit": 9, "per": "day"}], "/rules/0/caps/1", "DUPLICATE",
     {"first": "/rules/0/caps/0"}),
    ("/rules/0/caps", [{"limit": 5, "per": "event", "measure": "times"}], "/rules/0/caps/0/per", "NOT_APPLICABLE",
     {"needs": "measure: points, money"}),
    ("/rules/0/window", {"from": "2026-12-01", "until": "2026-11-30"}, "/rules/0/window/until", "NOT_AFTER",
     {"earlier": "2026-12-01"}),
    ("/rules/0/window", {"fromTime": "17:00", "untilTime": "17:00"}, "/rules/0/window/untilTime", "NOT_AFTER",
     {"earlier": "17:00"}),
    ("/rules/0/window", {"fromTime": "24:00"}, "/rules/0/window/fromTime", "BAD_FORMAT", {"pattern": TIME}),
    ("/rules/0/window", {"weekdays": [0]}, "/rules/0/window/weekdays/0", "TOO_SMALL", {"minimum": 1}),
    ("/rules/0/window", {"weekdays": [5, 5]}, "/rules/0/window/weekdays/1", "DUPLICATE",
     {"first": "/rules/0/window/weekdays/0"}),
    ("/rules/1", rule_data("late", activation={"after": DAYS_30}, expiry={"rolling": {"span": DAYS_30}}),
     "/rules/1/expiry", "EXPIRES_BEFORE_ACTIVATION", {}),
    ("/rules/1", rule_data("late", activation={"on": "2026-12-01"}, expiry={"on": "2026-11-30"}),
     "/rules/1/expiry", "EXPIRES_BEFORE_ACTIVATION", {}),
]  # fmt: skip

CONDITIONS: list[Case] = [
    ("/rules/0/when", "order.total > 3", "/rules/0/when", "WRONG_TYPE", {"expected": "object"}),
    ("/rules/0/when", {}, "/rules/0/when", "EXACTLY_ONE", {"allowed": CONDITION_KEYS}),
    ("/rules/0/when", {"all": [LARGE], "any": [LARGE]}, "/rules/0/when", "EXACTLY_ONE", {"allowed": CONDITION_KEYS}),
    ("/rules/0/when", {"xor": [LARGE]}, "/rules/0/when/xor", "UNKNOWN_KEY", {}),
    ("/rules/0/when", {"field": "order.total", "op": "ge"}, "/rules/0/when/value", "MISSING", {}),
    ("/rules/0/when", LARGE | {"op": "~"}, "/rules/0/when/op", "NOT_ALLOWED",
     {"allowed": "eq, ne, lt, le, gt, ge, in, notIn, contains, under, present"}),
    ("/rules/0/when", LARGE | {"field": "__class__"}, "/rules/0/when/field", "BAD_FORMAT", {"pattern": FIELD}),
    ("/rules/0/when", LARGE | {"value": 1.5}, "/rules/0/when/value", "WRONG_TYPE",
     {"expected": "string, integer or boolean"}),
    ("/rules/0/when", LARGE | {"value": []}, "/rules/0/when/value", "TOO_FEW", {"minimum": 1}),
    ("/rules/0/when", nested(9), "/rules/0/when" + "/not" * 8, "TOO_DEEP", {"maximum": 8}),
    ("/rules/0/when", {"any": [LARGE] * 200}, "/rules/0/when/any/199", "TOO_MANY", {"maximum": 200}),
    ("/rules/0/when", {"expression": "x" * 2001}, "/rules/0/when/expression", "TOO_LONG", {"maximum": 2000}),
    ("/rules/0/when", LARGE | {"field": "order.totl"}, "/rules/0/when/field", "UNKNOWN_FIELD",
     {"name": "order.totl", "nearest": "order.total", "rule": "base"}),
]  # fmt: skip

TIERS: list[Case] = [
    ("/tiers/metric", "karma", "/tiers/metric", "NOT_ALLOWED", {"allowed": "points_earned, spend, visits, balance"}),
    ("/tiers/levels", [], "/tiers/levels", "TOO_FEW", {"minimum": 1}),
    ("/tiers/levels", [level_data(f"l{n}", n) for n in range(11)], "/tiers/levels", "TOO_MANY", {"maximum": 10}),
    ("/tiers/levels/0/threshold", 1, "/tiers/levels/0/threshold", "NOT_ZERO", {}),
    ("/tiers/levels/0/threshold", -1, "/tiers/levels/0/threshold", "TOO_SMALL", {"minimum": 0}),
    ("/tiers/levels/0/access", "paid", "/tiers/levels/0/access", "NOT_ALLOWED", {"allowed": "earned"}),
    ("/tiers/levels/1/threshold", 0, "/tiers/levels/1/threshold", "NOT_ASCENDING", {"previous": 0}),
    ("/tiers/levels/1/code", "basic", "/tiers/levels/1/code", "DUPLICATE", {"first": "/tiers/levels/0/code"}),
    ("/tiers/levels/1/multiplier", 1.5, "/tiers/levels/1/multiplier", "WRONG_TYPE", {"expected": "string"}),
    ("/tiers/levels/1/multiplier", "0", "/tiers/levels/1/multiplier", "TOO_SMALL", {"minimum": "0.0001"}),
    ("/tiers/levels/1/multiplier", "100.0001", "/tiers/levels/1/multiplier", "TOO_LARGE", {"maximum": "100"}),
    ("/tiers/unit", "miles", "/tiers/unit", "UNKNOWN_UNIT", {"known": "points"}),
    ("/tiers/period", "rolling", "/tiers/span", "MISSING", {}),
    ("/tiers/span", DAYS_30, "/tiers/span", "NOT_APPLICABLE", {"needs": "period: calendar, rolling, anniversary"}),
    ("/tiers/resets", True, "/tiers/resets", "NOT_APPLICABLE", {"needs": "period: calendar, rolling, anniversary"}),
    ("/tiers/upgrade", "period_start", "/tiers/upgrade", "NOT_APPLICABLE", {"needs": "period: calendar, anniversary"}),
    ("/tiers", {"metric": "spend", "levels": [level_data("a", 0)], "unit": "points"}, "/tiers/unit", "NOT_APPLICABLE",
     {"needs": "metric: points_earned, balance"}),
    ("/tiers", {"metric": "spend", "levels": [level_data("a", 0)], "period": "calendar", "span": DAYS_30},
     "/tiers/span/unit", "NOT_ALLOWED", {"allowed": "month"}),
    ("/tiers", {"metric": "spend", "levels": [level_data("a", 0)], "period": "calendar",
                "span": {"count": 18, "unit": "month"}}, "/tiers/span/count", "NOT_MULTIPLE", {"of": 12}),
]  # fmt: skip

NO_FACTORS: list[Case] = [
    ("/tiers/levels/1/multiplier", text, "/tiers/levels/1/multiplier", "BAD_FORMAT", {"pattern": FACTOR})
    for text in ("1.00001", "-1", "1e2", "NaN", "Infinity", "1,5", "٣", "", "1\n")
]

EVENTS: list[Case] = [
    ("/events", event(steps={"type": "number"}), "/events/0/schema/properties/steps/type", "NOT_ALLOWED",
     {"allowed": "string, integer, boolean, array, object"}),
    ("/events", event(steps={"$ref": "https://example.com/steps.json", "type": "integer"}),
     "/events/0/schema/properties/steps/$ref", "UNKNOWN_KEY", {}),
    ("/events", event(code={"type": "string", "pattern": "^(a+)+$"}), "/events/0/schema/properties/code/pattern",
     "UNSAFE_PATTERN", {}),
    ("/events", event(code={"type": "string", "pattern": "^a*a*a*b$"}), "/events/0/schema/properties/code/pattern",
     "UNSAFE_PATTERN", {}),
    ("/events", event(code={"type": "string", "pattern": "unanchored"}), "/events/0/schema/properties/code/pattern",
     "UNSAFE_PATTERN", {}),
    ("/events", event(steps={"type": "integer", "minimum": 9, "maximum": 3}),
     "/events/0/schema/properties/steps/maximum", "TOO_SMALL", {"minimum": 9}),
    ("/events", [{"code": "visit", "name": NAME, "schema": {"type": "array"}}], "/events/0/schema/type", "NOT_ALLOWED",
     {"allowed": "object"}),
    ("/events", event(a={"type": "object", "properties": {"b": {"type": "object", "properties": {
        "c": {"type": "object", "properties": {"d": {"type": "integer"}}}}}}}),
     "/events/0/schema/properties/a/properties/b/properties/c/properties/d", "TOO_DEEP", {"maximum": 4}),
    ("/events", event() * 2, "/events/1/code", "DUPLICATE", {"first": "/events/0/code"}),
]  # fmt: skip

BAD: list[Case] = [*WHOLE, *VALIDITY, *RULES, *CONDITIONS, *TIERS, *NO_FACTORS, *EVENTS]


def label(case: Case) -> str:
    place, value, path, code, _ = case
    shown = "deleted" if value is DELETED else json.dumps(value, ensure_ascii=True)[:30]
    return f"{place}={shown}:{code}@{path}"
