"""On which terms a reward can be had: its price for a tier, for whom, where, when, how often, and of which budget."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.rewards.errors import (
    RewardLimitReached,
    RewardNotAvailable,
    RewardNotEligible,
)
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX, exponent
from services.platform.text import check_text

QUANTITY_MAX = 1_000
"""What one redemption takes at most, and the highest limit per member and period."""
TIERS_MAX = 50
NAMES_MAX = 100
"""Tags, and stores, that a reward names at most."""
IMAGES_MAX = 8
IMAGE_LENGTH_MAX = 500
CATEGORY_DEPTH_MAX = 5
POSITION_MAX = 1_000_000
# On the web, or one of the pictures that every gateway serves.
_IMAGE = re.compile(r"https://[^\s\"'<>\\]+|/w/pictures/[a-z0-9-]+\.svg", re.ASCII)


class LimitPeriod(StrEnum):
    """The time in which a member's redemptions are counted: calendar periods of the program's zone."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class Ineligibility(StrEnum):
    """Why a member cannot have a reward."""

    TIER = "tier"
    SEGMENT = "segment"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Price:
    """What one pack costs: points, and money in minor units of the reward's currency, which the till takes."""

    points: int
    money_minor: int = 0

    def times(self, packs: int) -> "Price":
        """The price of several packs."""
        return Price(self.points * packs, self.money_minor * packs)


@dataclass(frozen=True, slots=True)
class TierPrice:
    """What members of a tier pay instead."""

    tier: str
    price: Price


@dataclass(frozen=True, slots=True)
class RewardLimit:
    """A member has ``quantity`` pieces at most within one calendar period."""

    period: LimitPeriod
    quantity: int


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """What goes beyond the name and the points. Without any: for everybody, everywhere, always, for points alone.

    ``tiers``, ``tags`` and ``stores`` (by their codes) restrict where they are not empty: one of each must be met.
    ``unit_cost_minor`` is what one piece costs the merchant, for the budget. ``currency`` is that of all its money.
    A price buys a pack of ``pack_size`` pieces. ``category`` goes from the widest to the narrowest.
    """

    money_minor: int = 0
    currency: str | None = None
    tier_prices: tuple[TierPrice, ...] = ()
    pack_size: int = 1
    limits: tuple[RewardLimit, ...] = ()
    available_from: datetime | None = None
    available_until: datetime | None = None
    tiers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    is_member_only: bool = False
    images: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    position: int = 0
    budget_id: UUID | None = None
    unit_cost_minor: int | None = None
    coupon_definition_id: UUID | None = None

    @property
    def asks_for_tier(self) -> bool:
        """Whether the price or who may have it hangs on the member's tier."""
        return bool(self.tiers or self.tier_prices)

    def packs(self, quantity: int) -> int:
        """How many prices so many pieces cost: packs are never opened."""
        return -(-quantity // self.pack_size)


@dataclass(frozen=True, slots=True)
class Had:
    """Pieces of a reward that a member has had, or holds, and when."""

    at: datetime
    quantity: int


def price_of(cost_points: int, terms: RewardTerms, *, tier: str | None, quantity: int) -> Price:
    """What so many pieces cost a member of a tier."""
    base = Price(cost_points, terms.money_minor)
    price = next((each.price for each in terms.tier_prices if each.tier == tier), base)
    return price.times(terms.packs(quantity))


def check_eligible(
    terms: RewardTerms, *, reward_id: UUID, tier: str | None, tags: Sequence[str], store: str | None
) -> None:
    """Refuse whom, or where, a reward is not for.

    Raises:
        RewardNotEligible
    """
    reason = ineligibility(terms, tier=tier, tags=tags)
    if reason is None and terms.stores and store not in terms.stores:
        reason = Ineligibility.STORE
    if reason is not None:
        raise RewardNotEligible(reward_id=reward_id, reason=reason.value)


def ineligibility(terms: RewardTerms, *, tier: str | None, tags: Sequence[str]) -> Ineligibility | None:
    """Why a member cannot have the reward anywhere; None where it can be had."""
    if terms.tiers and tier not in terms.tiers:
        return Ineligibility.TIER
    if terms.tags and not set(terms.tags) & set(tags):
        return Ineligibility.SEGMENT
    return None


def check_window(terms: RewardTerms, *, reward_id: UUID, at: datetime) -> None:
    """Refuse a reward that cannot be had yet, or any more.

    Raises:
        RewardNotAvailable
    """
    if not is_within(terms, at=at):
        raise RewardNotAvailable(
            reward_id=reward_id, available_from=terms.available_from, available_until=terms.available_until
        )


def is_within(terms: RewardTerms, *, at: datetime) -> bool:
    """Whether a reward can be had at an instant: from the first one on, until before the last one."""
    return (terms.available_from is None or terms.available_from <= at) and (
        terms.available_until is None or at < terms.available_until
    )


def check_limits(
    terms: RewardTerms, *, reward_id: UUID, had: Sequence[Had], quantity: int, at: datetime, timezone: str
) -> None:
    """Refuse more than a member may have within the present period.

    Raises:
        RewardLimitReached
    """
    zone = ZoneInfo(timezone)
    today = at.astimezone(zone).date()
    for limit in terms.limits:
        start = period_start(limit.period, today)
        used = sum(each.quantity for each in had if each.at.astimezone(zone).date() >= start)
        if used + quantity > limit.quantity:
            raise RewardLimitReached(reward_id=reward_id, period=limit.period.value, maximum=limit.quantity, used=used)


def period_start(period: LimitPeriod, day: date) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday (ISO 8601)."""
    match period:
        case LimitPeriod.DAY:
            return day
        case LimitPeriod.WEEK:
            return day - timedelta(days=day.weekday())
        case LimitPeriod.MONTH:
            return day.replace(day=1)
        case LimitPeriod.YEAR:
            return day.replace(month=1, day=1)
        case LimitPeriod.LIFETIME:
            return date.min


def check_quantity(quantity: int) -> int:
    """A number of pieces within 1 and ``QUANTITY_MAX``.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    if not 0 < quantity <= QUANTITY_MAX:
        raise InvalidInput(field="quantity", reason="OUT_OF_RANGE", limit=str(QUANTITY_MAX))
    return quantity


def check_terms(terms: RewardTerms) -> RewardTerms:
    """The terms, if a reward can have them.

    Raises:
        InvalidInput: a number out of its range; money without a currency; a tier or a period named twice; an end that
            does not come after the beginning; an image that is neither an https address nor one of ours; too many of
            anything.
    """
    _check_money(terms)
    _check_range("packSize", terms.pack_size, 1, QUANTITY_MAX)
    _check_range("position", terms.position, -POSITION_MAX, POSITION_MAX)
    for field, names, count in (
        ("tierPrices", [each.tier for each in terms.tier_prices], TIERS_MAX),
        ("limits", [each.period for each in terms.limits], len(LimitPeriod)),
        ("tiers", terms.tiers, TIERS_MAX),
        ("tags", terms.tags, NAMES_MAX),
        ("stores", terms.stores, NAMES_MAX),
        ("images", terms.images, IMAGES_MAX),
    ):
        if len(names) > count or len(set(names)) != len(names):
            raise InvalidInput(field=field, reason="COUNT_OUT_OF_RANGE", limit=str(count))
        for name in names:
            check_text(name, field=field, length_max=IMAGE_LENGTH_MAX)
    for limit in terms.limits:
        _check_range("limits", limit.quantity, 1, QUANTITY_MAX)
    if terms.available_from and terms.available_until and terms.available_until <= terms.available_from:
        raise InvalidInput(field="availableUntil", reason="OUT_OF_RANGE")
    if not all(_IMAGE.fullmatch(image) for image in terms.images):
        raise InvalidInput(field="images", reason="NOT_A_WEB_ADDRESS")
    if len(terms.category) > CATEGORY_DEPTH_MAX:
        raise InvalidInput(field="category", reason="COUNT_OUT_OF_RANGE", limit=str(CATEGORY_DEPTH_MAX))
    for name in terms.category:
        check_text(name, field="category")
    return terms


def _check_money(terms: RewardTerms) -> None:
    prices = [Price(1, terms.money_minor), *(each.price for each in terms.tier_prices)]
    for price in prices:
        _check_range("tierPrices", price.points, 1, AMOUNT_MAX)
        _check_range("moneyCost", price.money_minor, 0, AMOUNT_MAX)
    if terms.unit_cost_minor is not None:
        _check_range("unitCost", terms.unit_cost_minor, 0, AMOUNT_MAX)
    if terms.currency is not None:
        exponent(terms.currency)
    elif terms.unit_cost_minor is not None or any(price.money_minor for price in prices):
        raise InvalidInput(field="currency", reason="REQUIRED")


def _check_range(field: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise InvalidInput(field=field, reason="OUT_OF_RANGE", limit=str(most))


def terms_json(terms: RewardTerms) -> dict[str, Any]:
    """The terms as stored; what is as without terms is left out."""
    content: dict[str, Any] = {
        "money": terms.money_minor,
        "currency": terms.currency,
        "tierPrices": [[each.tier, each.price.points, each.price.money_minor] for each in terms.tier_prices],
        "packSize": terms.pack_size if terms.pack_size > 1 else None,
        "limits": [[each.period.value, each.quantity] for each in terms.limits],
        "from": terms.available_from.isoformat() if terms.available_from else None,
        "until": terms.available_until.isoformat() if terms.available_until else None,
        "tiers": list(terms.tiers),
        "tags": list(terms.tags),
        "stores": list(terms.stores),
        "isMemberOnly": terms.is_member_only,
        "images": list(terms.images),
        "budgetId": str(terms.budget_id) if terms.budget_id else None,
        "couponDefinitionId": str(terms.coupon_definition_id) if terms.coupon_definition_id else None,
    }
    kept = {name: value for name, value in content.items() if value}
    return kept if terms.unit_cost_minor is None else kept | {"unitCost": terms.unit_cost_minor}


def terms_of(content: Mapping[str, Any] | None, *, category: Sequence[str], position: int) -> RewardTerms:
    """The terms that `terms_json` has made; none of a reward that is older than terms."""
    content = content or {}
    return RewardTerms(
        money_minor=content.get("money", 0),
        currency=content.get("currency"),
        tier_prices=tuple(TierPrice(tier, Price(*price)) for tier, *price in content.get("tierPrices", ())),
        pack_size=content.get("packSize", 1),
        limits=tuple(RewardLimit(LimitPeriod(period), count) for period, count in content.get("limits", ())),
        available_from=_instant(content.get("from")),
        available_until=_instant(content.get("until")),
        tiers=tuple(content.get("tiers", ())),
        tags=tuple(content.get("tags", ())),
        stores=tuple(content.get("stores", ())),
        is_member_only=content.get("isMemberOnly", False),
        images=tuple(content.get("images", ())),
        category=tuple(category),
        position=position,
        budget_id=_id(content.get("budgetId")),
        unit_cost_minor=content.get("unitCost"),
        coupon_definition_id=_id(content.get("couponDefinitionId")),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
