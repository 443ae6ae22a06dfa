"""From the facts of a notice to the variables of its template, written as the reader's locale writes them."""

from services.notifications.templates.case_words import kind_name, status_name
from services.notifications.templates.domain import (
    Brand,
    BudgetAlerted,
    CaseMoved,
    CouponsExpiring,
    Locale,
    Notice,
    PointsExpiring,
    PointsReceipt,
    PointsUnit,
    PurchaseRefunded,
    RewardRedeemed,
    StaffInvitation,
    TemplateKey,
    TierEnding,
    TierGrace,
    TierLost,
    Welcome,
)
from services.notifications.templates.formatting import (
    format_change,
    format_day,
    format_moment,
    format_money,
    format_points,
)

_BRAND = frozenset({"brand_name", "brand_color", "brand_ink"})

DECLARED_VARIABLES: dict[TemplateKey, frozenset[str]] = {
    TemplateKey.WELCOME: _BRAND | {"member_name", "unit_name"},
    TemplateKey.POINTS_RECEIPT: _BRAND
    | {"unit_name", "store_name", "purchased_at", "total", "points_earned", "balance", "tier_name"},
    TemplateKey.REWARD_REDEEMED: _BRAND | {"unit_name", "reward_name", "redeemed_at", "points_spent", "balance"},
    TemplateKey.PURCHASE_REFUNDED: _BRAND
    | {"unit_name", "store_name", "refunded_at", "refunded", "points_taken_back", "balance", "shortfall"},
    TemplateKey.POINTS_EXPIRING: _BRAND | {"unit_name", "points_ending", "ends_on"},
    TemplateKey.COUPONS_EXPIRING: _BRAND | {"coupon_name", "coupons", "ends_on"},
    TemplateKey.CASE_MOVED: _BRAND | {"kind_name", "status_name"},
    TemplateKey.BUDGET_ALERTED: _BRAND | {"budget_name", "budget_code", "percent"},
    TemplateKey.STAFF_INVITATION: _BRAND | {"inviter_name", "role_name", "accept_url", "expires_at"},
    TemplateKey.TIER_ENDING: _BRAND | {"tier_name", "ends_at", "unit_name", "points", "visits", "spend"},
    TemplateKey.TIER_GRACE: _BRAND | {"tier_name", "ends_at"},
    TemplateKey.TIER_LOST: _BRAND | {"lost_name", "tier_name", "changed_at"},
}
"""The variables of each template: exactly these must be given, and each language uses all of them."""


_TEMPLATES: dict[type[Notice], TemplateKey] = {
    Welcome: TemplateKey.WELCOME,
    PointsReceipt: TemplateKey.POINTS_RECEIPT,
    RewardRedeemed: TemplateKey.REWARD_REDEEMED,
    PurchaseRefunded: TemplateKey.PURCHASE_REFUNDED,
    PointsExpiring: TemplateKey.POINTS_EXPIRING,
    CouponsExpiring: TemplateKey.COUPONS_EXPIRING,
    CaseMoved: TemplateKey.CASE_MOVED,
    BudgetAlerted: TemplateKey.BUDGET_ALERTED,
    StaffInvitation: TemplateKey.STAFF_INVITATION,
    TierEnding: TemplateKey.TIER_ENDING,
    TierGrace: TemplateKey.TIER_GRACE,
    TierLost: TemplateKey.TIER_LOST,
}


def template_of(notice: Notice) -> TemplateKey:
    """The template that says the notice."""
    return _TEMPLATES[type(notice)]


def variables_of(notice: Notice, *, locale: Locale) -> dict[str, str]:
    """The variables of the notice's template: plain text, fit to be stored as JSON until the message is rendered."""
    said: dict[str, str]
    match notice:
        case Welcome():
            said = {"member_name": notice.member_name, "unit_name": notice.unit.name}
        case PointsReceipt():
            said = _points_receipt(notice, locale)
        case RewardRedeemed():
            said = _reward_redeemed(notice, locale)
        case PurchaseRefunded():
            said = _purchase_refunded(notice, locale)
        case PointsExpiring():
            said = _points_expiring(notice, locale)
        case CouponsExpiring():
            ends_on = format_day(notice.ends_on, locale=locale)
            said = {"coupon_name": notice.coupon_name, "coupons": str(notice.coupons), "ends_on": ends_on}
        case CaseMoved() | BudgetAlerted():
            said = _as_told(notice, locale)
        case StaffInvitation():
            said = _staff_invitation(notice, locale)
        case TierEnding() | TierGrace() | TierLost():
            said = _tier(notice, locale)
    return {**_brand(notice.brand), **said}


def _as_told(notice: CaseMoved | BudgetAlerted, locale: Locale) -> dict[str, str]:
    if isinstance(notice, CaseMoved):
        return {"kind_name": kind_name(notice.kind, locale), "status_name": status_name(notice.status, locale)}
    percent = str(notice.percent)
    return {"budget_name": notice.budget_name, "budget_code": notice.budget_code, "percent": percent}


def _tier_ending(notice: TierEnding, locale: Locale) -> dict[str, str]:
    points, visits, spend = notice.points_missing, notice.visits_missing, notice.spend_enough
    return {
        "tier_name": notice.tier_name,
        "ends_at": format_moment(notice.ends_at, timezone=notice.timezone, locale=locale),
        "unit_name": notice.unit.name,
        "points": "" if points is None else _points(points, notice.unit, locale),
        "visits": "" if visits is None else str(visits),
        "spend": "" if spend is None else format_money(spend, locale=locale),
    }


def _tier(notice: TierEnding | TierGrace | TierLost, locale: Locale) -> dict[str, str]:
    if isinstance(notice, TierEnding):
        return _tier_ending(notice, locale)
    if isinstance(notice, TierGrace):
        ends_at = format_moment(notice.ends_at, timezone=notice.timezone, locale=locale)
        return {"tier_name": notice.tier_name, "ends_at": ends_at}
    changed_at = format_moment(notice.changed_at, timezone=notice.timezone, locale=locale)
    return {"lost_name": notice.lost_name, "tier_name": notice.tier_name, "changed_at": changed_at}


def _points_receipt(notice: PointsReceipt, locale: Locale) -> dict[str, str]:
    return {
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
        "unit_name": notice.unit.name,
        "reward_name": notice.reward_name,
        "redeemed_at": format_moment(notice.redeemed_at, timezone=notice.timezone, locale=locale),
        "points_spent": _change(-notice.points_spent, notice.unit, locale),
        "balance": _points(notice.balance_points, notice.unit, locale),
    }


def _purchase_refunded(notice: PurchaseRefunded, locale: Locale) -> dict[str, str]:
    shortfall = notice.shortfall_points
    return {
        "unit_name": notice.unit.name,
        "store_name": notice.store_name,
        "refunded_at": format_moment(notice.refunded_at, timezone=notice.timezone, locale=locale),
        "refunded": format_money(notice.refunded, locale=locale),
        "points_taken_back": _change(-notice.points_taken_back, notice.unit, locale),
        "balance": _points(notice.balance_points, notice.unit, locale),
        "shortfall": _points(shortfall, notice.unit, locale) if shortfall else "",
    }


def _points_expiring(notice: PointsExpiring, locale: Locale) -> dict[str, str]:
    return {
        "unit_name": notice.unit.name,
        "points_ending": _points(notice.points_ending, notice.unit, locale),
        "ends_on": format_day(notice.ends_on, locale=locale),
    }


def _staff_invitation(notice: StaffInvitation, locale: Locale) -> dict[str, str]:
    return {
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
