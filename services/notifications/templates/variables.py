"""From the facts of a notice to the variables of its template, written as the reader's locale writes them."""

from services.notifications.templates.domain import (
    Brand,
    Locale,
    Notice,
    PointsReceipt,
    PointsUnit,
    PurchaseRefunded,
    RewardRedeemed,
    StaffInvitation,
    TemplateKey,
    Welcome,
)
from services.notifications.templates.formatting import format_change, format_moment, format_money, format_points

_BRAND = frozenset({"brand_name", "brand_color", "brand_ink"})

DECLARED_VARIABLES: dict[TemplateKey, frozenset[str]] = {
    TemplateKey.WELCOME: _BRAND | {"member_name", "unit_name"},
    TemplateKey.POINTS_RECEIPT: _BRAND
    | {"unit_name", "store_name", "purchased_at", "total", "points_earned", "balance", "tier_name"},
    TemplateKey.REWARD_REDEEMED: _BRAND | {"unit_name", "reward_name", "redeemed_at", "points_spent", "balance"},
    TemplateKey.PURCHASE_REFUNDED: _BRAND
    | {"unit_name", "store_name", "refunded_at", "refunded", "points_taken_back", "balance", "shortfall"},
    TemplateKey.STAFF_INVITATION: _BRAND | {"inviter_name", "role_name", "accept_url", "expires_at"},
}
"""The variables of each template: exactly these must be given, and each language uses all of them."""


def template_of(notice: Notice) -> TemplateKey:
    """The template that says the notice."""
    match notice:
        case Welcome():
            return TemplateKey.WELCOME
        case PointsReceipt():
            return TemplateKey.POINTS_RECEIPT
        case RewardRedeemed():
            return TemplateKey.REWARD_REDEEMED
        case PurchaseRefunded():
            return TemplateKey.PURCHASE_REFUNDED
        case StaffInvitation():
            return TemplateKey.STAFF_INVITATION


def variables_of(notice: Notice, *, locale: Locale) -> dict[str, str]:
    """The variables of the notice's template: plain text, fit to be stored as JSON until the message is rendered."""
    match notice:
        case Welcome():
            return {**_brand(notice.brand), "member_name": notice.member_name, "unit_name": notice.unit.name}
        case PointsReceipt():
            return _points_receipt(notice, locale)
        case RewardRedeemed():
            return _reward_redeemed(notice, locale)
        case PurchaseRefunded():
            return _purchase_refunded(notice, locale)
        case StaffInvitation():
            return _staff_invitation(notice, locale)


def _points_receipt(notice: PointsReceipt, locale: Locale) -> dict[str, str]:
    return {
        **_brand(notice.brand),
        "unit_name": notice.unit.name,
        "store_name": notice.store_name,
        "purchased_at": format_moment(notice.purchased_at, timezone=notice.timezone, locale=locale),
        "total": format_money(notice.total, locale=locale),
        "points_earned": _change(notice.points_earned, notice.unit, locale),
        "balance": _points(notice.balance_points, notice.unit, locale),
        "tier_name": notice.tier_name,
    }


def _reward_redeemed(notice: RewardRedeemed, locale: Locale) -> dict[str, str]:
    return {
        **_brand(notice.brand),
        "unit_name": notice.unit.name,
        "reward_name": notice.reward_name,
        "redeemed_at": format_moment(notice.redeemed_at, timezone=notice.timezone, locale=locale),
        "points_spent": _change(-notice.points_spent, notice.unit, locale),
        "balance": _points(notice.balance_points, notice.unit, locale),
    }


def _purchase_refunded(notice: PurchaseRefunded, locale: Locale) -> dict[str, str]:
    shortfall = notice.shortfall_points
    return {
        **_brand(notice.brand),
        "unit_name": notice.unit.name,
        "store_name": notice.store_name,
        "refunded_at": format_moment(notice.refunded_at, timezone=notice.timezone, locale=locale),
        "refunded": format_money(notice.refunded, locale=locale),
        "points_taken_back": _change(-notice.points_taken_back, notice.unit, locale),
        "balance": _points(notice.balance_points, notice.unit, locale),
        "shortfall": _points(shortfall, notice.unit, locale) if shortfall else "",
    }


def _staff_invitation(notice: StaffInvitation, locale: Locale) -> dict[str, str]:
    return {
        **_brand(notice.brand),
        "inviter_name": notice.inviter_name,
        "role_name": notice.role_name,
        "accept_url": notice.accept_url,
        "expires_at": format_moment(notice.expires_at, timezone=notice.timezone, locale=locale),
    }


def _brand(brand: Brand) -> dict[str, str]:
    return {"brand_name": brand.name, "brand_color": brand.color, "brand_ink": brand.ink()}


def _points(points: int, unit: PointsUnit, locale: Locale) -> str:
    return format_points(points, scale=unit.scale, locale=locale)


def _change(points: int, unit: PointsUnit, locale: Locale) -> str:
    return format_change(points, scale=unit.scale, locale=locale)
