"""The notices we can send, the facts each one needs, and the language they are said in."""

import re
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from urllib.parse import urlsplit

from services.platform.errors import InvalidInput
from services.platform.money import Money

DEFAULT_BRAND_COLOR = "#2f5d50"
_HEX_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_URL_LENGTH_MAX = 2_000
_BRIGHTNESS_MIDDLE = 125
_TRADITIONAL_CHINESE = frozenset({"hant", "tw", "hk", "mo"})


class Locale(StrEnum):
    """A language that every notice exists in. Values are BCP 47 tags."""

    EN = "en"
    ZH_CN = "zh-CN"


def resolve_locale(tag: str) -> Locale:
    """The locale to speak to somebody who asked for ``tag`` (BCP 47, any case, ``-`` or ``_``).

    Chinese in simplified script or without a script is zh-CN; every other tag, also an empty one, is English.
    """
    language, *subtags = tag.strip().lower().replace("_", "-").split("-")
    if language == "zh" and not _TRADITIONAL_CHINESE.intersection(subtags):
        return Locale.ZH_CN
    return Locale.EN


class TemplateKey(StrEnum):
    """The name of a template, as it is stored with a message."""

    WELCOME = "welcome"
    POINTS_RECEIPT = "points_receipt"
    REWARD_REDEEMED = "reward_redeemed"
    PURCHASE_REFUNDED = "purchase_refunded"
    POINTS_EXPIRING = "points_expiring"
    COUPONS_EXPIRING = "coupons_expiring"
    CASE_MOVED = "case_moved"
    BUDGET_ALERTED = "budget_alerted"
    STAFF_INVITATION = "staff_invitation"
    TIER_ENDING = "tier_ending"
    TIER_GRACE = "tier_grace"
    TIER_LOST = "tier_lost"


@dataclass(frozen=True, slots=True)
class Brand:
    """The merchant as its customers know it: a name and the color (``#rrggbb``) of its letter head and buttons.

    Raises:
        InvalidInput: the color is not six hexadecimal digits after ``#``.
    """

    name: str
    color: str = DEFAULT_BRAND_COLOR

    def __post_init__(self) -> None:
        if not _HEX_COLOR.fullmatch(self.color):
            raise InvalidInput(field="brand.color", reason="NOT_A_HEX_COLOR")

    def ink(self) -> str:
        """Near-black or white, whichever is easier to read on the brand color.

        Source: color brightness, "Techniques For Accessibility Evaluation And Repair Tools" (W3C, 2000), 2.2.
        """
        red, green, blue = (int(self.color[start : start + 2], 16) for start in (1, 3, 5))
        brightness = (299 * red + 587 * green + 114 * blue) // 1000
        return "#1b1d1f" if brightness > _BRIGHTNESS_MIDDLE else "#ffffff"


@dataclass(frozen=True, slots=True)
class PointsUnit:
    """What the program calls its points, in the language of the reader, and how many of their digits are a fraction."""

    name: str
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Welcome:
    """A member has joined. ``member_name`` may be empty."""

    brand: Brand
    unit: PointsUnit
    member_name: str


@dataclass(frozen=True, slots=True)
class PointsReceipt:
    """A purchase was recorded. ``purchased_at`` is shown in ``timezone``, the store's; ``tier_name`` may be empty."""

    brand: Brand
    unit: PointsUnit
    store_name: str
    purchased_at: datetime
    timezone: tzinfo
    total: Money
    points_earned: int
    balance_points: int
    tier_name: str = ""


@dataclass(frozen=True, slots=True)
class RewardRedeemed:
    """A reward was redeemed. ``redeemed_at`` is shown in ``timezone``."""

    brand: Brand
    unit: PointsUnit
    reward_name: str
    redeemed_at: datetime
    timezone: tzinfo
    points_spent: int
    balance_points: int


@dataclass(frozen=True, slots=True)
class PurchaseRefunded:
    """A purchase was refunded in full or in part.

    ``points_taken_back`` is what left the member's account; ``shortfall_points`` is what should have left it but was
    no longer there.
    """

    brand: Brand
    unit: PointsUnit
    store_name: str
    refunded_at: datetime
    timezone: tzinfo
    refunded: Money
    points_taken_back: int
    balance_points: int
    shortfall_points: int = 0


@dataclass(frozen=True, slots=True)
class PointsExpiring:
    """``points_ending`` can be spent on the day ``ends_on`` for the last time."""

    brand: Brand
    unit: PointsUnit
    points_ending: int
    ends_on: date


@dataclass(frozen=True, slots=True)
class CouponsExpiring:
    """``coupons``, of which one is called ``coupon_name``, can be used on the day ``ends_on`` for the last time."""

    brand: Brand
    coupon_name: str
    coupons: int
    ends_on: date


@dataclass(frozen=True, slots=True)
class CaseMoved:
    """A case after the sale has gone on. ``kind`` and ``status`` are the codes of `case_words`."""

    brand: Brand
    kind: str
    status: str


@dataclass(frozen=True, slots=True)
class BudgetAlerted:
    """Of a budget of the merchant ``percent`` is spent; for those who work there."""

    brand: Brand
    budget_name: str
    budget_code: str
    percent: int


@dataclass(frozen=True, slots=True)
class StaffInvitation:
    """Somebody is asked to work with the merchant. ``accept_url`` carries the secret of the invitation.

    Raises:
        InvalidInput: the address is not a short http(s) address.
    """

    brand: Brand
    inviter_name: str
    role_name: str
    accept_url: str
    expires_at: datetime
    timezone: tzinfo

    def __post_init__(self) -> None:
        if len(self.accept_url) > _URL_LENGTH_MAX or not _is_web_address(self.accept_url):
            raise InvalidInput(field="acceptUrl", reason="NOT_A_WEB_ADDRESS", limit=str(_URL_LENGTH_MAX))


@dataclass(frozen=True, slots=True)
class TierEnding:
    """A tier ends at ``ends_at`` (shown in ``timezone``) unless what is missing counts until then.

    What is missing is points, visits or money; ``spend_enough`` is what purchases must come to. None: not known.
    """

    brand: Brand
    unit: PointsUnit
    tier_name: str
    ends_at: datetime
    timezone: tzinfo
    points_missing: int | None = None
    visits_missing: int | None = None
    spend_enough: Money | None = None


@dataclass(frozen=True, slots=True)
class TierGrace:
    """A review found too little for a tier, which ends at ``ends_at`` (shown in ``timezone``) unless more counts."""

    brand: Brand
    tier_name: str
    ends_at: datetime
    timezone: tzinfo


@dataclass(frozen=True, slots=True)
class TierLost:
    """A member came down from a tier to another at ``changed_at``, shown in ``timezone``."""

    brand: Brand
    lost_name: str
    tier_name: str
    changed_at: datetime
    timezone: tzinfo


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s\x00-\x1f\x7f]", url)


Notice = (
    Welcome
    | PointsReceipt
    | RewardRedeemed
    | PurchaseRefunded
    | PointsExpiring
    | CouponsExpiring
    | CaseMoved
    | BudgetAlerted
    | StaffInvitation
    | TierEnding
    | TierGrace
    | TierLost
)


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message ready to be sent: one line of subject, and the same words as HTML and as plain text."""

    subject: str
    html: str
    text: str
