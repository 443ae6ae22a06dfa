"""One notice of each kind, in both languages."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

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
    TierEnding,
    TierGrace,
    TierLost,
    Welcome,
)
from services.platform.money import Money

MOMENT = datetime(2017, 6, 3, 6, 5, tzinfo=UTC)

_NEW_YORK = ZoneInfo("America/New_York")
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_LUNA, _POINTS = Brand("Luna & Co.", "#e0912f"), PointsUnit("points")
_CHENGUANG, _JIFEN = Brand("晨光咖啡", "#2f5d50"), PointsUnit("积分")

RECEIPT_EN = PointsReceipt(
    _LUNA, _POINTS, "Main Street", MOMENT, _NEW_YORK, Money(12850, "USD"), points_earned=128, balance_points=1240
)
RECEIPT_ZH = PointsReceipt(
    _CHENGUANG,
    _JIFEN,
    "南京西路店",
    MOMENT,
    _SHANGHAI,
    Money(12850, "CNY"),
    points_earned=128,
    balance_points=1240,
    tier_name="金卡会员",
)
REFUND_EN = PurchaseRefunded(
    _LUNA, _POINTS, "Main Street", MOMENT, _NEW_YORK, Money(6400, "USD"), points_taken_back=64, balance_points=0
)

NOTICES: tuple[tuple[Locale, Notice], ...] = (
    (Locale.EN, Welcome(_LUNA, _POINTS, "Ada")),
    (Locale.EN, RECEIPT_EN),
    (Locale.EN, RewardRedeemed(_LUNA, _POINTS, "Large latte", MOMENT, _NEW_YORK, points_spent=500, balance_points=740)),
    (Locale.EN, REFUND_EN),
    (Locale.EN, PointsExpiring(_LUNA, _POINTS, points_ending=1250, ends_on=date(2026, 12, 31))),
    (Locale.EN, BudgetAlerted(_LUNA, "Spring", "spring-2026", percent=80)),
    (Locale.EN, CaseMoved(_LUNA, "return", "approved")),
    (Locale.EN, CouponsExpiring(_LUNA, "10% off", coupons=1, ends_on=date(2026, 12, 31))),
    (Locale.EN, StaffInvitation(_LUNA, "Grace", "Manager", "https://regulars.example/i?a=1&b=2", MOMENT, _NEW_YORK)),
    (
        Locale.EN,
        TierEnding(_LUNA, _POINTS, "Gold", MOMENT, _NEW_YORK, points_missing=120, spend_enough=Money(12_000, "USD")),
    ),
    (Locale.EN, TierGrace(_LUNA, "Gold", MOMENT, _NEW_YORK)),
    (Locale.EN, TierLost(_LUNA, "Gold", "Silver", MOMENT, _NEW_YORK)),
    (Locale.ZH_CN, Welcome(_CHENGUANG, _JIFEN, "李雷")),
    (Locale.ZH_CN, RECEIPT_ZH),
    (Locale.ZH_CN, BudgetAlerted(_CHENGUANG, "春季活动", "spring-2026", percent=80)),
    (Locale.ZH_CN, CaseMoved(_CHENGUANG, "support", "waiting_for_member")),
    (Locale.ZH_CN, RewardRedeemed(_CHENGUANG, _JIFEN, "拿铁", MOMENT, _SHANGHAI, points_spent=500, balance_points=740)),
    (
        Locale.ZH_CN,
        PurchaseRefunded(
            _CHENGUANG,
            _JIFEN,
            "南京西路店",
            MOMENT,
            _SHANGHAI,
            Money(6400, "CNY"),
            points_taken_back=64,
            balance_points=0,
            shortfall_points=12,
        ),
    ),
    (
        Locale.ZH_CN,
        StaffInvitation(_CHENGUANG, "韩梅梅", "店长", "https://regulars.example/i?a=1&b=2", MOMENT, _SHANGHAI),
    ),
    (Locale.ZH_CN, PointsExpiring(_CHENGUANG, _JIFEN, points_ending=1250, ends_on=date(2026, 12, 31))),
    (Locale.ZH_CN, CouponsExpiring(_CHENGUANG, "九折券", coupons=2, ends_on=date(2026, 12, 31))),
    (Locale.ZH_CN, TierEnding(_CHENGUANG, _JIFEN, "金卡", MOMENT, _SHANGHAI, visits_missing=3)),
    (Locale.ZH_CN, TierGrace(_CHENGUANG, "金卡", MOMENT, _SHANGHAI)),
    (Locale.ZH_CN, TierLost(_CHENGUANG, "金卡", "银卡", MOMENT, _SHANGHAI)),
)
