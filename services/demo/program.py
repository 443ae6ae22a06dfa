"""The loyalty program of the demo chain, fitted to what its households buy in a year.

Half of the households spend more than $1,210, a tenth more than $4,360, the best $24,880. Fuel, whose margin is thin,
earns half, and nobody earns for gift cards, which earn when they are spent. The 8th of every month counts double.
Points of January to March end with September, so that within the year some do; a tier looks at the last six months.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from services.demo.dataset import CURRENCY, SHOP_ZONE
from services.loyalty.rewards.domain import RewardContent, RewardKind, RewardTerms

PROGRAM: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "version": 2,
        "name": {"en": "Journey Rewards", "zh": "旅程积分"},
        "timezone": SHOP_ZONE,
        "currency": CURRENCY,
        "units": [
            {
                "code": "points",
                "name": {"en": "points", "zh": "积分"},
                "scale": 0,
                "expiry": {"rolling": {"span": {"count": 6, "unit": "month"}, "untilEndOf": "quarter"}},
                "caps": [{"limit": 2500, "per": "month"}],
            }
        ],
        "rules": [
            {
                "id": "groceries",
                "name": {"en": "1 point for every $1", "zh": "每消费 $1 得 1 积分"},
                "trigger": "purchase",
                "formula": {"spend": {"points": 1, "per": {CURRENCY: 100}}},
                "lines": {"not": {"field": "line.category", "op": "under", "value": [["FUEL"]]}},
                "caps": [{"limit": 200, "per": "day"}],
            },
            {
                "id": "fuel",
                "name": {"en": "1 point for every $2 of fuel", "zh": "加油每 $2 得 1 积分"},
                "trigger": "purchase",
                "formula": {"spend": {"points": 1, "per": {CURRENCY: 200}}},
                "lines": {"field": "line.category", "op": "under", "value": [["FUEL"]]},
            },
            {
                "id": "fresh",
                "name": {
                    "en": "1 extra point for every $2 of fruit, vegetables and fish",
                    "zh": "果蔬海鲜每 $2 多得 1 积分",
                },
                "trigger": "purchase",
                "formula": {"spend": {"points": 1, "per": {CURRENCY: 200}}},
                "lines": {"field": "line.category", "op": "under", "value": [["PRODUCE"], ["SEAFOOD"]]},
            },
            {
                "id": "household-day",
                "name": {"en": "Double points on the 8th of the month", "zh": "每月 8 日双倍积分"},
                "trigger": "purchase",
                "formula": {"multiply": "2"},
                "when": {"field": "time.day", "op": "eq", "value": 8},
                "lines": {"not": {"field": "line.category", "op": "under", "value": [["FUEL"]]}},
            },
        ],
        "exclusions": {"earning": {"field": "line.category", "op": "under", "value": [["COUPON"], ["GIFT CARDS"]]}},
        "tiers": {
            "metric": "points_earned",
            "levels": [
                {"code": "member", "name": {"en": "Member", "zh": "会员"}, "threshold": 0, "multiplier": "1"},
                {"code": "bronze", "name": {"en": "Bronze", "zh": "铜卡"}, "threshold": 300, "multiplier": "1.05"},
                {
                    "code": "silver",
                    "name": {"en": "Silver", "zh": "银卡"},
                    "threshold": 1200,
                    "multiplier": "1.1",
                    "retention": 900,
                },
                {
                    "code": "gold",
                    "name": {"en": "Gold", "zh": "金卡"},
                    "threshold": 3000,
                    "multiplier": "1.25",
                    "retention": 2400,
                },
                {
                    "code": "platinum",
                    "name": {"en": "Platinum", "zh": "白金卡"},
                    "threshold": 6000,
                    "multiplier": "1.5",
                    "retention": 4800,
                },
            ],
            "period": "rolling",
            "span": {"count": 6, "unit": "month"},
            "graceDays": 30,
        },
        # Nobody can be told today of points that ended years ago.
        "policies": {"foreignCurrency": "refuse", "noSilentExpiry": "off"},
    }
)


@dataclass(frozen=True, slots=True)
class OfferedReward:
    """A reward by the chain's own code."""

    code: str
    content: RewardContent


def _offer(
    code: str,
    cost_points: int,
    kind: RewardKind,
    *,
    names: tuple[str, str],
    about: tuple[str, str],
    category: tuple[str, ...],
    position: int,
    picture: str,
) -> OfferedReward:
    # The gateway serves these pictures itself: the demo asks nobody else for anything.
    terms = RewardTerms(category=category, position=position, images=(f"/w/pictures/{picture}.svg",))
    content = RewardContent(
        kind=kind,
        name_en=names[0],
        name_zh=names[1],
        description_en=about[0],
        description_zh=about[1],
        cost_points=cost_points,
        terms=terms,
    )
    return OfferedReward(code, content)


_COUNTER: Final = ("At the counter",)
_OFF: Final = ("For the next shopping", "Money off")
_HOME: Final = ("For home",)
_GOOD: Final = ("For others",)
REWARDS: Final = (
    _offer(
        "coffee",
        100,
        RewardKind.PHYSICAL,
        names=("A cup of coffee", "咖啡一杯"),
        about=("Freshly brewed, at the counter of any store.", "现磨咖啡，任意门店柜台领取。"),
        category=_COUNTER,
        position=10,
        picture="coffee",
    ),
    _offer(
        "three-off",
        300,
        RewardKind.COUPON,
        names=("$3 off", "立减 $3"),
        about=("On your next shopping.", "下次购物时使用。"),
        category=_OFF,
        position=20,
        picture="ticket",
    ),
    _offer(
        "five-off",
        500,
        RewardKind.COUPON,
        names=("$5 off", "立减 $5"),
        about=("On your next shopping.", "下次购物时使用。"),
        category=_OFF,
        position=30,
        picture="basket",
    ),
    _offer(
        "twelve-off",
        1000,
        RewardKind.COUPON,
        names=("$12 off", "立减 $12"),
        about=("The most for your points.", "最划算的兑换。"),
        category=_OFF,
        position=40,
        picture="bag",
    ),
)
"""What households take, cheapest first; the dearer ones give more for a point."""
SHELF: Final = (
    _offer(
        "meal",
        200,
        RewardKind.DONATION,
        names=("A meal for the food bank", "为食物银行捐一餐"),
        about=("We pass your points on as a meal.", "您的积分将化为一份餐食。"),
        category=_GOOD,
        position=50,
        picture="heart",
    ),
    _offer(
        "flowers",
        250,
        RewardKind.PHYSICAL,
        names=("A bunch of flowers", "鲜花一束"),
        about=("Of the season, to be picked up.", "当季鲜花，到店自提。"),
        category=_HOME,
        position=60,
        picture="flowers",
    ),
    _offer(
        "delivery",
        400,
        RewardKind.SERVICE,
        names=("One delivery to your door", "送货上门一次"),
        about=("Your shopping, brought home.", "购物送到家。"),
        category=_HOME,
        position=70,
        picture="delivery",
    ),
    _offer(
        "mug",
        600,
        RewardKind.PHYSICAL,
        names=("The Journey mug", "旅程马克杯"),
        about=("Stoneware, holds a long breakfast.", "炻瓷，陪您慢慢吃早餐。"),
        category=_HOME,
        position=80,
        picture="mug",
    ),
    _offer(
        "cake",
        700,
        RewardKind.PHYSICAL,
        names=("A birthday cake", "生日蛋糕"),
        about=("From the bakery, for eight.", "烘焙坊现做，八人份。"),
        category=_HOME,
        position=90,
        picture="cake",
    ),
)
"""What is offered beside them; whoever opens a card or the catalogue sees it, and the replay leaves it alone."""
