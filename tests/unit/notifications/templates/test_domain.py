from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.notifications.templates.domain import Brand, Locale, StaffInvitation, resolve_locale
from services.notifications.templates.formatting import format_change, format_moment, format_money, format_points
from services.notifications.templates.substitution import variables_in
from services.platform.errors import InvalidInput
from services.platform.money import Money
from tests.unit.notifications.notices import MOMENT


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        *[(tag, Locale.ZH_CN) for tag in ("zh", "zh-CN", "zh_CN", "zh-Hans", "ZH-hans-SG", " zh ")],
        *[(tag, Locale.EN) for tag in ("en", "en-GB", "zh-TW", "zh-Hant-HK", "fr", "", "zhuang", "x-zh")],
    ],
)
def test_locale_falls_back(tag: str, locale: Locale) -> None:
    assert resolve_locale(tag) is locale


@pytest.mark.parametrize(
    ("color", "ink"),
    [("#000000", "#ffffff"), ("#2f5d50", "#ffffff"), ("#FFFFFF", "#1b1d1f"), ("#ffd400", "#1b1d1f")],
)
def test_ink_can_be_read_on_the_brand_color(color: str, ink: str) -> None:
    assert Brand("Luna", color).ink() == ink


@pytest.mark.parametrize("color", ["red", "#fff", "#12345g", "#2f5d50;background:url(//x)", "", "#2f5d50\n"])
def test_other_colors_are_refused(color: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Brand("Luna", color)

    assert refusal.value.facts() == {"field": "brand.color", "reason": "NOT_A_HEX_COLOR", "limit": None}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//x.test/a", "https://", "https://x.test/a b", "http://[", "", "data:text/html,x"]
)
def test_an_invitation_links_to_the_web_only(url: str) -> None:
    invitation = StaffInvitation(Brand("Luna"), "Grace", "Manager", "https://regulars.example/i/1", MOMENT, UTC)

    with pytest.raises(InvalidInput):
        replace(invitation, accept_url=url)


@pytest.mark.parametrize(
    ("points", "scale", "locale", "shown"),
    [
        (0, 0, Locale.EN, "0"),
        (1234567, 0, Locale.EN, "1,234,567"),
        (-5, 0, Locale.ZH_CN, "-5"),
        (12345, 2, Locale.EN, "123.45"),
        (100, 2, Locale.ZH_CN, "1.00"),
        (2**53 - 1, 0, Locale.ZH_CN, "9,007,199,254,740,991"),
    ],
)
def test_points(points: int, scale: int, locale: Locale, shown: str) -> None:
    assert format_points(points, scale=scale, locale=locale) == shown


@pytest.mark.parametrize(("points", "shown"), [(128, "+128"), (0, "0"), (-1064, "−1,064")])
def test_changes_of_points_carry_their_sign(points: int, shown: str) -> None:
    assert format_change(points, scale=0, locale=Locale.EN) == shown


@pytest.mark.parametrize(
    ("money", "locale", "shown"),
    [
        (Money(12850, "CNY"), Locale.ZH_CN, "¥128.50"),
        (Money(12850, "CNY"), Locale.EN, "CN¥128.50"),
        (Money(12850, "USD"), Locale.EN, "$128.50"),
        (Money(12850, "USD"), Locale.ZH_CN, "US$128.50"),
        (Money(1500, "JPY"), Locale.EN, "¥1,500"),
        (Money(12345, "KWD"), Locale.EN, "KWD12.345"),
    ],
)
def test_money(money: Money, locale: Locale, shown: str) -> None:
    assert format_money(money, locale=locale) == shown


def test_a_moment_is_shown_on_the_stores_clock() -> None:
    evening = datetime(2017, 12, 31, 20, 30, tzinfo=UTC)

    assert format_moment(evening, timezone=ZoneInfo("Asia/Shanghai"), locale=Locale.ZH_CN) == "2018年1月1日 04:30"
    assert format_moment(evening, timezone=ZoneInfo("America/New_York"), locale=Locale.EN) == "Dec 31, 2017, 3:30 PM"


@pytest.mark.parametrize("template", ["{{ Name }}", "{{name", "name}}", "{{#a}}x", "{{#a}}{{#b}}{{/b}}{{/a}}{{/b}}"])
def test_stray_braces_in_wording_are_found(template: str) -> None:
    with pytest.raises(ValueError, match="stray braces"):
        variables_in(template)
