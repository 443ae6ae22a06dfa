"""What a café offers: a few things, or so many that the page is crowded."""

from typing import Any

from tests.browser.merchant import Merchant

NOTHING = {"zh": "", "en": ""}
Gift = tuple[str, str, dict[str, str], dict[str, str], int, int | None]
GIFTS: tuple[Gift, ...] = (
    (
        "SERVICE",
        "coffee",
        {"zh": "中杯拿铁兑换券", "en": "A latte"},
        {"zh": "任意门店可用", "en": "In any store"},
        50,
        None,
    ),
    (
        "PHYSICAL",
        "mug",
        {"zh": "回头客陶瓷杯", "en": "The regulars' cup"},
        {"zh": "手工烧制", "en": "Hand-fired"},
        480,
        12,
    ),
    ("SERVICE", "delivery", {"zh": "免费配送一次", "en": "One free delivery"}, NOTHING, 80, None),
    ("DONATION", "book", {"zh": "捐赠一本童书", "en": "A book for a child"}, NOTHING, 200, None),
    (
        "VIRTUAL",
        "screen",
        {"zh": "咖啡品鉴线上课", "en": "An online tasting"},
        {"zh": "直播", "en": "Live"},
        9_200,
        None,
    ),
    (
        "PHYSICAL",
        "beans",
        {"zh": "埃塞俄比亚豆", "en": "Ethiopian beans"},
        {"zh": "每周三烘焙", "en": "Weekly"},
        350,
        0,
    ),
)
LONG = {
    "zh": "限量联名手冲咖啡礼盒（含耶加雪菲、瑰夏与云南小粒三种精品咖啡豆及温控手冲壶）",
    "en": "A limited hand-drip gift box with three single-origin coffees, a gooseneck kettle and a thermometer",
}
PICTURES = ("coffee", "mug", "cake", "flowers", "gift", "bag", "basket", "beans", "book", "heart", "delivery", "bell")


def furnish(cafe: Merchant) -> None:
    for kind, picture, name, about, cost, stock in GIFTS:
        cafe.reward(kind, name, about, cost, stock, images=[f"/w/pictures/{picture}.svg"])


def crowd(cafe: Merchant, member_id: str) -> None:
    """Forty rewards, thirty coupons and as many names as do not fit."""
    furnish(cafe)
    for index in range(34):
        kind = ("PHYSICAL", "SERVICE", "DONATION", "VIRTUAL")[index % 4]
        name = (
            LONG if index % 9 == 0 else {"zh": f"会员礼遇 {index + 1}", "en": f"A treat for regulars, no. {index + 1}"}
        )
        picture = f"/w/pictures/{PICTURES[index % len(PICTURES)]}.svg"
        cafe.reward(kind, name, LONG if index % 5 == 0 else NOTHING, 60 + 37 * index, 1 + index, images=[picture])
    for index in range(30):
        name = LONG if index % 7 == 0 else {"zh": f"老友券 {index + 1}", "en": f"For friends, no. {index + 1}"}
        worth: dict[str, Any] = {}
        if index % 3 == 0:
            worth = {
                "benefit": {"kind": "AMOUNT", "amount": str(5 + index)},
                "minimum": {"amount": str(50 + 10 * index)},
                "currency": "CNY",
            }
        cafe.coupon(member_id, name, NOTHING, str(5 + index), **worth)
