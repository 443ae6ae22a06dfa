"""What a merchant may say of a kind of coupon."""

import dataclasses
from collections.abc import Iterable
from decimal import Decimal

from services.loyalty.coupons.domain.definitions import Basis, Benefit, BenefitKind, CouponContent, Minimum, Scope, Step
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX, exponent
from services.platform.text import check_text

CODE_LENGTH_MAX = 64
DESCRIPTION_LENGTH_MAX = 2_000
SCOPE_NAMES_MAX = 500
STEPS_MAX = 20
UNITS_MAX = 1_000
DAYS_MAX = 3_660
PRIORITY_MAX = 1_000_000
PERCENT_DIGITS_MAX = 4
_PERCENT_MAX = Decimal(100)

FIELDS: dict[BenefitKind, tuple[frozenset[str], frozenset[str]]] = {
    BenefitKind.PERCENT: (frozenset({"percent"}), frozenset({"cap_minor", "basis", "rounding", "units_max", "picks"})),
    BenefitKind.AMOUNT: (frozenset({"amount_minor"}), frozenset()),
    BenefitKind.FREE_ITEM: (frozenset(), frozenset({"get_units", "picks", "cap_minor"})),
    BenefitKind.BUY_X_GET_Y: (
        frozenset({"buy_units", "get_units"}),
        frozenset({"percent", "rounding", "target", "times_max", "picks", "cap_minor"}),
    ),
    BenefitKind.N_FOR_M: (frozenset({"buy_units", "pay_units"}), frozenset({"times_max", "picks", "cap_minor"})),
    BenefitKind.CHEAPEST: (frozenset(), frozenset({"percent", "rounding", "get_units", "buy_units", "cap_minor"})),
    BenefitKind.SHIPPING: (frozenset(), frozenset({"percent", "cap_minor"})),
    BenefitKind.PER_UNIT: (frozenset({"amount_minor"}), frozenset({"units_max", "picks", "cap_minor"})),
    BenefitKind.STEPPED: (frozenset({"steps"}), frozenset({"basis", "rounding", "is_repeated", "cap_minor"})),
}
"""Which fields each kind needs, and which it takes besides."""

_NAMES = {
    "percent": "percent",
    "amount_minor": "amount",
    "cap_minor": "cap",
    "basis": "basis",
    "rounding": "rounding",
    "buy_units": "buyUnits",
    "get_units": "getUnits",
    "pay_units": "payUnits",
    "times_max": "timesMax",
    "units_max": "unitsMax",
    "picks": "picks",
    "target": "target",
    "steps": "steps",
    "is_repeated": "isRepeated",
}
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Benefit) if field.name in _NAMES}


def check_content(content: CouponContent) -> CouponContent:
    """The content with trimmed texts, and steps from the lowest up.

    Raises:
        InvalidInput: a text that is blank or too long; a field that the kind needs and lacks, or does not take; a
            number out of range; money without a currency; an end that does not come after the beginning.
    """
    benefit = _check_benefit(content.benefit)
    _check_scope(content.scope, field="scope")
    _check_minimum(content.minimum)
    _check_currency(content)
    if content.begins_at is not None and content.ends_at is not None and content.ends_at <= content.begins_at:
        raise InvalidInput(field="endsAt", reason="OUT_OF_RANGE")
    _within(content.valid_days, DAYS_MAX, field="validDays")
    _within(content.uses_per_member, AMOUNT_MAX, field="usesPerMember")
    if not 0 <= content.priority <= PRIORITY_MAX:
        raise InvalidInput(field="priority", reason="OUT_OF_RANGE", limit=str(PRIORITY_MAX))
    return dataclasses.replace(
        content,
        benefit=benefit,
        name_en=check_text(content.name_en, field="name.en"),
        name_zh=check_text(content.name_zh, field="name.zh"),
        description_en=_described(content.description_en, field="description.en"),
        description_zh=_described(content.description_zh, field="description.zh"),
        category=check_text(content.category, field="category", length_max=CODE_LENGTH_MAX) if content.category else "",
    )


def check_uses_max(uses_max: int | None) -> int | None:
    """A limit of uses above zero, or none.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    _within(uses_max, AMOUNT_MAX, field="usesMax")
    return uses_max


def _check_benefit(benefit: Benefit) -> Benefit:
    needed, optional = FIELDS[benefit.kind]
    for field, name in _NAMES.items():
        is_given = getattr(benefit, field) != _DEFAULTS[field]
        if field in needed and not is_given:
            raise InvalidInput(field=f"benefit.{name}", reason="REQUIRED")
        if is_given and field not in needed | optional:
            raise InvalidInput(field=f"benefit.{name}", reason="NOT_ALLOWED", limit=benefit.kind.value)
    _check_percent(benefit.percent, field="benefit.percent")
    for field in ("amount_minor", "cap_minor"):
        _within(getattr(benefit, field), AMOUNT_MAX, field=f"benefit.{_NAMES[field]}")
    for field in ("buy_units", "get_units", "pay_units", "times_max", "units_max"):
        _within(getattr(benefit, field), UNITS_MAX, field=f"benefit.{_NAMES[field]}")
    if benefit.kind is BenefitKind.N_FOR_M and (benefit.pay_units or 0) >= (benefit.buy_units or 0):
        raise InvalidInput(field="benefit.payUnits", reason="OUT_OF_RANGE", limit=str(benefit.buy_units))
    if benefit.kind is BenefitKind.CHEAPEST and (benefit.buy_units or UNITS_MAX) < (benefit.get_units or 1):
        raise InvalidInput(field="benefit.getUnits", reason="OUT_OF_RANGE", limit=str(benefit.buy_units))
    if benefit.target is not None:
        _check_scope(benefit.target, field="benefit.target")
    if benefit.kind is BenefitKind.STEPPED:
        return dataclasses.replace(benefit, steps=_check_steps(benefit))
    return benefit


def _check_steps(benefit: Benefit) -> tuple[Step, ...]:
    """The steps from the lowest up: all from amounts or all from quantities."""
    steps = benefit.steps
    if len(steps) > STEPS_MAX:
        raise InvalidInput(field="benefit.steps", reason="TOO_MANY", limit=str(STEPS_MAX))
    for step in steps:
        for one, other in ((step.from_minor, step.from_quantity), (step.percent, step.amount_minor)):
            if (one is None) == (other is None):
                raise InvalidInput(field="benefit.steps", reason="ONE_OF")
        _check_percent(step.percent, field="benefit.steps.percent")
        _within(step.amount_minor, AMOUNT_MAX, field="benefit.steps.amount")
        _within(step.from_minor, AMOUNT_MAX, field="benefit.steps.fromAmount")
        _within(step.from_quantity, AMOUNT_MAX, field="benefit.steps.fromQuantity")
    starts = [Decimal(step.from_minor) if step.from_minor is not None else step.from_quantity for step in steps]
    is_mixed = len({step.from_minor is None for step in steps}) > 1
    if is_mixed or len(set(starts)) < len(steps):
        raise InvalidInput(field="benefit.steps", reason="DUPLICATE")
    if benefit.is_repeated and (len(steps) > 1 or steps[0].amount_minor is None):
        raise InvalidInput(field="benefit.isRepeated", reason="NOT_ALLOWED", limit=benefit.kind.value)
    if benefit.basis is Basis.INITIAL and any(step.percent is None for step in steps):
        raise InvalidInput(field="benefit.basis", reason="NOT_ALLOWED", limit=benefit.kind.value)
    return tuple(sorted(steps, key=lambda step: step.from_quantity or Decimal(step.from_minor or 0)))


def _check_scope(scope: Scope, *, field: str) -> None:
    names: list[str] = [*scope.skus, *scope.products, *scope.excluded_skus, *scope.excluded_products]
    paths = [*scope.categories, *scope.excluded_categories]
    if len(names) + len(paths) > SCOPE_NAMES_MAX:
        raise InvalidInput(field=field, reason="TOO_MANY", limit=str(SCOPE_NAMES_MAX))
    if any(not path for path in paths):
        raise InvalidInput(field=f"{field}.categories", reason="BLANK")
    _check_names([*names, *(part for path in paths for part in path)], field=field)


def _check_names(names: Iterable[str], *, field: str) -> None:
    for name in names:
        if check_text(name, field=field) != name:
            raise InvalidInput(field=field, reason="BLANK")


def _check_minimum(minimum: Minimum) -> None:
    _within(minimum.amount_minor, AMOUNT_MAX, field="minimum.amount")
    _within(minimum.quantity, AMOUNT_MAX, field="minimum.quantity")


def _check_currency(content: CouponContent) -> None:
    benefit = content.benefit
    has_money = (
        benefit.amount_minor is not None
        or benefit.cap_minor is not None
        or content.minimum.amount_minor is not None
        or any(step.from_minor is not None or step.amount_minor is not None for step in benefit.steps)
    )
    if content.currency is not None:
        exponent(content.currency)
    elif has_money:
        raise InvalidInput(field="currency", reason="REQUIRED")


def _check_percent(percent: Decimal | None, *, field: str) -> None:
    if percent is None:
        return
    if not percent.is_finite() or not 0 < percent <= _PERCENT_MAX:
        raise InvalidInput(field=field, reason="OUT_OF_RANGE", limit=str(_PERCENT_MAX))
    if percent != round(percent, PERCENT_DIGITS_MAX):
        raise InvalidInput(field=field, reason="TOO_MANY_DECIMALS", limit=str(PERCENT_DIGITS_MAX))


def _within(value: int | Decimal | None, most: int, *, field: str) -> None:
    if value is not None and not 0 < value <= most:
        raise InvalidInput(field=field, reason="OUT_OF_RANGE", limit=str(most))


def _described(text: str, *, field: str) -> str:
    return check_text(text, field=field, length_max=DESCRIPTION_LENGTH_MAX) if text.strip() else ""
