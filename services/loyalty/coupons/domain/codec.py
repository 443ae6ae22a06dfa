"""The content of a kind of coupon as JSON, as it is kept: whole, so that every field is where it was."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.coupons.domain.definitions import (
    Basis,
    Benefit,
    BenefitKind,
    CouponContent,
    DiscountRounding,
    Exclusivity,
    MeasuredOn,
    Minimum,
    Picks,
    PriceBasis,
    Scope,
    Step,
)


def content_json(content: CouponContent) -> dict[str, Any]:
    """The content as JSON."""
    return {
        "nameEn": content.name_en,
        "nameZh": content.name_zh,
        "descriptionEn": content.description_en,
        "descriptionZh": content.description_zh,
        "benefit": _benefit_json(content.benefit),
        "currency": content.currency,
        "scope": _scope_json(content.scope),
        "minimum": {
            "amount": content.minimum.amount_minor,
            "quantity": _text(content.minimum.quantity),
            "on": content.minimum.on.value,
            "price": content.minimum.price.value,
            "isAfterDiscounts": content.minimum.is_after_discounts,
            "isInclusive": content.minimum.is_inclusive,
        },
        "category": content.category,
        "priority": content.priority,
        "exclusivity": content.exclusivity.value,
        "beginsAt": _text(content.begins_at),
        "endsAt": _text(content.ends_at),
        "validDays": content.valid_days,
        "usesPerMember": content.uses_per_member,
        "budgetId": _text(content.budget_id),
    }


def parse_content(kept: Mapping[str, Any]) -> CouponContent:
    """The content of `content_json`."""
    minimum = kept["minimum"]
    return CouponContent(
        name_en=kept["nameEn"],
        name_zh=kept["nameZh"],
        description_en=kept["descriptionEn"],
        description_zh=kept["descriptionZh"],
        benefit=_benefit(kept["benefit"]),
        currency=kept["currency"],
        scope=_scope(kept["scope"]),
        minimum=Minimum(
            amount_minor=minimum["amount"],
            quantity=_decimal(minimum["quantity"]),
            on=MeasuredOn(minimum["on"]),
            price=PriceBasis(minimum["price"]),
            is_after_discounts=minimum["isAfterDiscounts"],
            is_inclusive=minimum["isInclusive"],
        ),
        category=kept["category"],
        priority=kept["priority"],
        exclusivity=Exclusivity(kept["exclusivity"]),
        begins_at=_instant(kept["beginsAt"]),
        ends_at=_instant(kept["endsAt"]),
        valid_days=kept["validDays"],
        uses_per_member=kept["usesPerMember"],
        budget_id=UUID(kept["budgetId"]) if kept["budgetId"] else None,
    )


def _benefit_json(benefit: Benefit) -> dict[str, Any]:
    return {
        "kind": benefit.kind.value,
        "percent": _text(benefit.percent),
        "amount": benefit.amount_minor,
        "cap": benefit.cap_minor,
        "basis": benefit.basis.value,
        "rounding": benefit.rounding.value,
        "buyUnits": benefit.buy_units,
        "getUnits": benefit.get_units,
        "payUnits": benefit.pay_units,
        "timesMax": benefit.times_max,
        "unitsMax": benefit.units_max,
        "picks": benefit.picks.value,
        "target": None if benefit.target is None else _scope_json(benefit.target),
        "steps": [
            {
                "from": step.from_minor,
                "fromQuantity": _text(step.from_quantity),
                "percent": _text(step.percent),
                "amount": step.amount_minor,
            }
            for step in benefit.steps
        ],
        "isRepeated": benefit.is_repeated,
    }


def _benefit(kept: Mapping[str, Any]) -> Benefit:
    return Benefit(
        kind=BenefitKind(kept["kind"]),
        percent=_decimal(kept["percent"]),
        amount_minor=kept["amount"],
        cap_minor=kept["cap"],
        basis=Basis(kept["basis"]),
        rounding=DiscountRounding(kept["rounding"]),
        buy_units=kept["buyUnits"],
        get_units=kept["getUnits"],
        pay_units=kept["payUnits"],
        times_max=kept["timesMax"],
        units_max=kept["unitsMax"],
        picks=Picks(kept["picks"]),
        target=None if kept["target"] is None else _scope(kept["target"]),
        steps=tuple(
            Step(
                from_minor=step["from"],
                from_quantity=_decimal(step["fromQuantity"]),
                percent=_decimal(step["percent"]),
                amount_minor=step["amount"],
            )
            for step in kept["steps"]
        ),
        is_repeated=kept["isRepeated"],
    )


def _scope_json(scope: Scope) -> dict[str, Any]:
    return {
        "skus": sorted(scope.skus),
        "products": sorted(scope.products),
        "categories": [list(path) for path in scope.categories],
        "excludedSkus": sorted(scope.excluded_skus),
        "excludedProducts": sorted(scope.excluded_products),
        "excludedCategories": [list(path) for path in scope.excluded_categories],
    }


def _scope(kept: Mapping[str, Any]) -> Scope:
    return Scope(
        skus=frozenset(kept["skus"]),
        products=frozenset(kept["products"]),
        categories=tuple(tuple(path) for path in kept["categories"]),
        excluded_skus=frozenset(kept["excludedSkus"]),
        excluded_products=frozenset(kept["excludedProducts"]),
        excluded_categories=tuple(tuple(path) for path in kept["excludedCategories"]),
    )


def _text(value: Decimal | datetime | UUID | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
