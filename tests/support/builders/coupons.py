"""Kinds of coupons, and carts that they are used on, in the words of tests."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.coupons.domain import Benefit, BenefitKind, Cart, CouponContent, Item, Offer, Scope


def kind(benefit: Benefit, **content: Any) -> CouponContent:
    """A kind of coupon in CNY."""
    values: dict[str, Any] = {"name_en": "Spring", "name_zh": "春天", "benefit": benefit, "currency": "CNY"}
    return CouponContent(**(values | content))


def percent(share: str | int, **benefit: Any) -> Benefit:
    return Benefit(BenefitKind.PERCENT, percent=Decimal(share), **benefit)


def amount(minor: int) -> Benefit:
    return Benefit(BenefitKind.AMOUNT, amount_minor=minor)


def item(position: int, gross: int, quantity: str | int = 1, **changes: Any) -> Item:
    """A line without tax."""
    values: dict[str, Any] = {
        "sku": f"sku-{position}",
        "product": None,
        "category": (),
        "quantity": Decimal(quantity),
        "gross_minor": gross,
        "net_minor": gross,
    }
    return Item(position=position, **(values | changes))


def cart(*items: Item, shipping: int = 0, currency: str = "CNY") -> Cart:
    return Cart(currency, items, shipping)


def offer(number: int, content: CouponContent) -> Offer:
    return Offer(UUID(int=number), UUID(int=100 + number), UUID(int=200 + number), content)


def skus(*names: str) -> Scope:
    return Scope(skus=frozenset(names))


def offers(contents: Iterable[CouponContent]) -> tuple[Offer, ...]:
    """Coupons numbered from one on."""
    return tuple(offer(number, content) for number, content in enumerate(contents, start=1))
