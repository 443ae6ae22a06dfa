"""Numbers and times as a reader of the locale writes them (CLDR, through Babel)."""

from datetime import date, datetime, tzinfo
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from services.notifications.templates.domain import Locale
from services.platform.money import Money

_CLDR_LOCALES = {Locale.EN: "en", Locale.ZH_CN: "zh_Hans_CN"}
# CLDR's own medium patterns show seconds, which no receipt needs.
_MOMENT_PATTERNS = {Locale.EN: "MMM d, y, h:mm a", Locale.ZH_CN: "y年M月d日 HH:mm"}

_DAY_PATTERNS = {Locale.EN: "MMMM d, y", Locale.ZH_CN: "y年M月d日"}


def format_points(points: int, *, scale: int, locale: Locale) -> str:
    """``points`` minor units of a program's unit with ``scale`` digits of fraction: 12345 at scale 2 is 123.45."""
    pattern = "#,##0." + "0" * scale if scale else "#,##0"
    return format_decimal(Decimal(points).scaleb(-scale), format=pattern, locale=_CLDR_LOCALES[locale])


def format_change(points: int, *, scale: int, locale: Locale) -> str:
    """As ``format_points``, with the sign that a statement shows: ``+128``, ``−64`` (a true minus), ``0``."""
    sign = "+" if points > 0 else "−" if points < 0 else ""
    return sign + format_points(abs(points), scale=scale, locale=locale)


def format_money(money: Money, *, locale: Locale) -> str:
    """An amount with its currency sign, e.g. ``¥49.00`` for CNY in zh-CN and ``CN¥49.00`` in English."""
    return format_currency(money.major(), money.currency, locale=_CLDR_LOCALES[locale])


def format_moment(moment: datetime, *, timezone: tzinfo, locale: Locale) -> str:
    """Date and time on the wall clock of ``timezone``. ``moment`` must be aware."""
    return format_datetime(moment.astimezone(timezone), _MOMENT_PATTERNS[locale], locale=_CLDR_LOCALES[locale])


def format_day(day: date, *, locale: Locale) -> str:
    """A calendar day, with its year."""
    return format_date(day, _DAY_PATTERNS[locale], locale=_CLDR_LOCALES[locale])
