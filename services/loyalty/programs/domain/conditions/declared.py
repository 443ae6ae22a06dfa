"""The house's own fields for conditions, one line each; a form builder and the guide show this list."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from services.loyalty.programs.domain.rules import Trigger
from services.loyalty.programs.domain.text import LocalizedText


class ValueType(StrEnum):
    """What a field holds."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    """Exact; a literal is a text such as ``0.5``, or a whole number."""
    MONEY = "money"
    """Whole minor units of the event's own currency."""
    TEXT = "text"
    DATE = "date"
    """A calendar day; a literal is a text such as ``2026-12-31``."""
    TIME = "time"
    """A time of day to the minute; a literal is a text such as ``09:30``."""
    TEXTS = "texts"
    """A list of texts."""
    PATH = "path"
    """A category from the root of the merchant's tree, as a list of names."""
    PATHS = "paths"
    """A list of such paths."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its dotted name, what it holds, the triggers it exists for, and what a form says of it.

    ``of_line``: it is a line's, there where lines are asked. ``is_certain``: known for every event, so that asking
    whether it is PRESENT makes no sense. ``minimum`` and ``maximum`` bound its literals, ``allowed`` lists them.
    ``in_upper_case``: its values are kept in upper case, and a literal is compared so.
    """

    name: str
    type: ValueType
    triggers: frozenset[Trigger]
    text: LocalizedText
    of_line: bool = False
    is_certain: bool = True
    minimum: int | None = None
    maximum: int | None = None
    allowed: tuple[str, ...] = ()
    in_upper_case: bool = False

    @property
    def flat_name(self) -> str:
        """Its name in an expression: dots and capitals become underscores, ``order.itemCount`` is order_item_count.

        A decimal is a whole number of ten-thousandths there and ends in ``_e4``, as expressions have no decimals.
        """
        own = self.name.count(".") > 1  # a merchant's name keeps its spelling, so that two never become one
        spelled = self.name if own else "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name)
        flat = spelled.replace(".", "_")
        return f"{flat}_e4" if self.type is ValueType.DECIMAL else flat

    @property
    def presence_name(self) -> str:
        """The name in an expression of whether it is known."""
        return f"has_{self.flat_name}"

    def among(self, allowed: tuple[str, ...]) -> "Field":
        """The same with these as its only literals."""
        return replace(self, allowed=allowed)


_EVERY = frozenset(Trigger)
_DATED = frozenset({Trigger.BIRTHDAY, Trigger.ANNIVERSARY})
_BUYING = frozenset({Trigger.PURCHASE, Trigger.REFERRAL_PURCHASED})
_PURCHASE = frozenset({Trigger.PURCHASE})


def _field(
    name: str,
    type_: ValueType,
    triggers: Iterable[Trigger],
    en: str,
    zh: str,
    *,
    certain: bool = True,
    between: tuple[int, int] | None = None,
    upper: bool = False,
) -> Field:
    minimum, maximum = between if between is not None else (None, None)
    return Field(
        name=name,
        type=type_,
        triggers=frozenset(triggers),
        text=LocalizedText(en=en, zh=zh),
        of_line=name.startswith("line."),
        is_certain=certain,
        minimum=minimum,
        maximum=maximum,
        in_upper_case=upper,
    )


_V = ValueType

ORDER = (
    _field("order.total", _V.MONEY, _BUYING, "What the order came to, after all discounts", "订单折后总额"),
    _field("order.subtotal", _V.MONEY, _BUYING, "The sum of the lines before all discounts", "订单折前总额"),
    _field("order.discount", _V.MONEY, _BUYING, "All discounts of the order and its lines", "订单与各行的优惠合计"),
    _field("order.shipping", _V.MONEY, _BUYING, "What delivery cost", "运费", certain=False),
    _field("order.itemCount", _V.DECIMAL, _BUYING, "The sum of the quantities, without negative lines", "件数合计"),
    _field("order.lineCount", _V.INTEGER, _BUYING, "How many lines there are", "行数"),
    _field("order.currency", _V.TEXT, _BUYING, "The currency it was paid in (ISO 4217)", "支付币种（ISO 4217）"),
    _field("order.channel", _V.TEXT, _BUYING, "How it was bought, such as store or online", "渠道，如 store 或 online"),
    _field("order.source", _V.TEXT, _BUYING, "The till or shop system that told of it", "上报订单的收银或商城系统"),
    _field("order.staff", _V.TEXT, _BUYING, "Who served, by the merchant's own code", "服务员工编号", certain=False),
    _field("order.codes", _V.TEXTS, _BUYING, "The codes entered, in upper case", "输入的优惠码（大写）", upper=True),
    _field("order.tenders", _V.TEXTS, _BUYING, "The kinds of payment, such as cash or card", "支付方式，如 cash、card"),
    _field("order.skus", _V.TEXTS, _BUYING, "The articles bought", "所购商品的 SKU"),
    _field("order.products", _V.TEXTS, _BUYING, "The products bought", "所购产品"),
    _field("order.categories", _V.PATHS, _BUYING, "The category paths of what was bought", "所购商品的类目路径"),
    _field("order.isFirst", _V.BOOLEAN, _BUYING, "Whether it is the buyer's first purchase", "是否为首次消费"),
)
LINE = (
    _field("line.sku", _V.TEXT, _PURCHASE, "The article", "商品 SKU"),
    _field("line.product", _V.TEXT, _PURCHASE, "The product that the article belongs to", "所属产品", certain=False),
    _field("line.category", _V.PATH, _PURCHASE, "The category path, empty when not told", "类目路径，未提供时为空"),
    _field("line.quantity", _V.DECIMAL, _PURCHASE, "How much of it", "数量"),
    _field("line.amount", _V.MONEY, _PURCHASE, "The line's price before all discounts", "折前金额"),
    _field("line.discount", _V.MONEY, _PURCHASE, "Its own discount and its share of the order's", "本行优惠与订单分摊"),
    _field("line.net", _V.MONEY, _PURCHASE, "What was paid for it", "实付金额"),
)
MEMBER = (
    _field("member.tier", _V.TEXT, _EVERY, "The tier at that time, by its code", "当时的等级代码"),
    _field("member.tags", _V.TEXTS, _EVERY, "The member's tags", "会员标签"),
    _field("member.locale", _V.TEXT, _EVERY, "The member's language, such as zh", "会员语言，如 zh"),
    _field("member.age", _V.INTEGER, _EVERY, "Whole years on that day", "当日周岁", certain=False, between=(0, 150)),
    _field(
        "member.daysSinceEnrollment",
        _V.INTEGER,
        _EVERY,
        "Days since joining; 0 on the day itself",
        "入会天数，当天为 0",
    ),
    _field("member.isBirthday", _V.BOOLEAN, _EVERY, "Whether it is the birthday", "当天是否生日", certain=False),
    _field("member.birthdayMonth", _V.INTEGER, _EVERY, "Month of birth", "生日月份", certain=False, between=(1, 12)),
    _field("member.purchases", _V.INTEGER, _EVERY, "Purchases before this event", "此前的消费次数"),
    _field("member.isReferred", _V.BOOLEAN, _EVERY, "Whether a friend's code was used to join", "是否经好友推荐入会"),
)
PLACE = (
    _field("store.code", _V.TEXT, _EVERY - _DATED, "The store's code", "门店代码", certain=False),
    _field("store.currency", _V.TEXT, _EVERY - _DATED, "The store's currency (ISO 4217)", "门店币种", certain=False),
    _field("store.timezone", _V.TEXT, _EVERY - _DATED, "The store's time zone (IANA)", "门店时区", certain=False),
)
TIME = (
    _field("time.weekday", _V.INTEGER, _EVERY, "1 Monday to 7 Sunday", "星期，1 周一至 7 周日", between=(1, 7)),
    _field("time.hour", _V.INTEGER, _EVERY, "The hour of the day, 0 to 23", "小时，0 至 23", between=(0, 23)),
    _field("time.date", _V.DATE, _EVERY, "The day, in the program's zone", "日期（计划时区）"),
    _field("time.time", _V.TIME, _EVERY, "The time of day to the minute, in the program's zone", "时刻（计划时区）"),
    _field("time.day", _V.INTEGER, _EVERY, "The day of the month", "几号", between=(1, 31)),
    _field("time.month", _V.INTEGER, _EVERY, "The month of the year", "月份", between=(1, 12)),
)
EVENT = (
    _field("event.isReferred", _V.BOOLEAN, {Trigger.SIGN_UP}, "Whether a friend's code was used", "是否使用推荐码入会"),
    _field("event.method", _V.TEXT, {Trigger.CHECK_IN}, "How: store or qr", "签到方式：store 或 qr"),
    _field("event.product", _V.TEXT, {Trigger.REVIEW}, "The product reviewed", "所评产品", certain=False),
    _field("event.hasPhoto", _V.BOOLEAN, {Trigger.REVIEW}, "Whether it has a photo", "是否带图"),
    _field("event.textLength", _V.INTEGER, {Trigger.REVIEW}, "Letters of its text", "评价字数"),
    _field("event.survey", _V.TEXT, {Trigger.SURVEY}, "The survey's code", "问卷代码"),
    _field(
        "event.channel",
        _V.TEXT,
        {Trigger.SHARE, Trigger.MENTION},
        "Where, such as wechat",
        "渠道，如 wechat",
        certain=False,
    ),
    _field("event.years", _V.INTEGER, {Trigger.ANNIVERSARY}, "How many years of membership", "入会周年数"),
)

DECLARED: tuple[Field, ...] = (*ORDER, *LINE, *MEMBER, *PLACE, *TIME, *EVENT)
