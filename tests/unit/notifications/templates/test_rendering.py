import re
from dataclasses import replace
from datetime import date
from html import escape, unescape

import pytest

from services.notifications.templates.domain import (
    Brand,
    Locale,
    Notice,
    PointsExpiring,
    PointsUnit,
    TemplateKey,
    TierEnding,
)
from services.notifications.templates.errors import TemplateVariablesMissing, TemplateVariablesUnknown
from services.notifications.templates.service import (
    render,
    render_notice,
    template_of,
    variables_of,
    variables_used,
)
from services.notifications.templates.variables import DECLARED_VARIABLES
from tests.unit.notifications.notices import NOTICES, RECEIPT_EN, RECEIPT_ZH, REFUND_EN

EVERY_TEMPLATE = [(key, locale) for key in TemplateKey for locale in Locale]
IN_HTML_ONLY = {"brand_color", "brand_ink"}


@pytest.mark.parametrize(("key", "locale"), EVERY_TEMPLATE)
def test_every_template_uses_exactly_its_declared_variables(key: TemplateKey, locale: Locale) -> None:
    assert variables_used(key, locale=locale) == DECLARED_VARIABLES[key]


@pytest.mark.parametrize(("key", "locale"), EVERY_TEMPLATE)
def test_every_template_shows_every_variable_in_both_parts(key: TemplateKey, locale: Locale) -> None:
    values = {name: f"⟦{name}⟧" for name in DECLARED_VARIABLES[key]}

    message = render(key, locale=locale, variables=values)

    assert all(value in message.html for value in values.values())
    assert all(value in message.text for name, value in values.items() if name not in IN_HTML_ONLY)
    assert "{{" not in message.subject + message.html + message.text
    assert "}}" not in message.subject + message.html + message.text


@pytest.mark.parametrize(("locale", "notice"), NOTICES)
def test_a_notice_gives_the_declared_variables(locale: Locale, notice: Notice) -> None:
    assert variables_of(notice, locale=locale).keys() == DECLARED_VARIABLES[template_of(notice)]


def test_every_notice_is_tried_in_every_language() -> None:
    assert {(template_of(notice), locale) for locale, notice in NOTICES} == set(EVERY_TEMPLATE)


@pytest.mark.parametrize(("locale", "notice"), NOTICES)
def test_html_names_its_language_and_loads_nothing(locale: Locale, notice: Notice) -> None:
    html = render_notice(notice, locale=locale).html

    addresses = {address for address in re.findall(r"https?://[^\s\"'<>]+", html) if "www.w3.org" not in address}
    assert addresses <= {"https://regulars.example/i?a=1&amp;b=2"}
    assert f'<html lang="{locale}"' in html
    assert not re.search(r"<(script|img|link|iframe)|@import|url\(", html)


def test_english_receipt_reads_as_written() -> None:
    message = render_notice(RECEIPT_EN, locale=Locale.EN)

    assert message.subject == "Your points from Main Street: +128"
    assert message.text == (
        "Thank you for your purchase\n\nHere is what it has added to your account.\n\n+128 points earned\n\n"
        "Store: Main Street\nDate: Jun 3, 2017, 2:05 AM\nTotal: $128.50\nYour balance: 1,240\n\n"
        "--\nAs a member of Luna & Co. you receive messages like this one.\n"
    )


def test_chinese_receipt_reads_as_written() -> None:
    message = render_notice(RECEIPT_ZH, locale=Locale.ZH_CN)

    assert message.subject == "南京西路店消费到账：积分 +128"
    assert message.text == (
        "谢谢惠顾\n\n本次消费的积分已经到账。\n\n本次获得积分：+128\n\n"
        "门店：南京西路店\n时间：2017年6月3日 14:05\n消费金额：¥128.50\n当前余额：1,240\n会员等级：金卡会员\n\n"
        "--\n您收到这封邮件，是因为您是晨光咖啡的会员。\n"
    )


def test_tier_and_shortfall_are_said_only_where_there_is_one() -> None:
    with_tier = render_notice(replace(RECEIPT_EN, tier_name="Gold"), locale=Locale.EN)
    without_tier = render_notice(RECEIPT_EN, locale=Locale.EN)
    short = render_notice(replace(REFUND_EN, shortfall_points=12), locale=Locale.EN)
    not_short = render_notice(REFUND_EN, locale=Locale.EN)

    assert "Your tier: Gold\n" in with_tier.text
    assert "Your tier" not in without_tier.text + without_tier.html
    assert "Your balance was 12 short of the full amount." in short.text
    assert "Your balance was 12 short of the full amount." in short.html
    assert "short of" not in not_short.text + not_short.html


def test_nothing_earned_and_nothing_taken_back_carry_no_sign() -> None:
    receipt = render_notice(replace(RECEIPT_EN, points_earned=0), locale=Locale.EN)
    refund = render_notice(replace(REFUND_EN, points_taken_back=0), locale=Locale.EN)

    assert receipt.subject == "Your points from Main Street: 0"
    assert "\n0 points taken back\n" in refund.text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' style='background:red",
        "</td></tr></table>",
        "{{ balance }}",
        "{{#tier_name}}",
        "&amp; &lt;",
        "<!-- --><![endif]-->",
    ],
)
def test_a_hostile_name_is_shown_as_it_is_and_never_read(hostile: str) -> None:
    plain = render_notice(replace(RECEIPT_EN, store_name="@"), locale=Locale.EN)

    message = render_notice(replace(RECEIPT_EN, store_name=hostile), locale=Locale.EN)

    assert message.html == plain.html.replace("@</td>", f"{escape(hostile)}</td>").replace(
        "from @:", f"from {escape(hostile)}:"
    )
    assert unescape(escape(hostile)) == hostile
    assert f"Store: {hostile}\n" in message.text
    assert message.subject == f"Your points from {hostile}: +128"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Main\r\nBcc: everybody@example.org", "Main  Bcc: everybody@example.org"),
        ("a\x00b\u2028c\x85d\x0be", "a b c d e"),
        ("safe\u202etxet", "safetxet"),
        ("half\ud83d", "half"),
        ("☕ 🎉", "☕ 🎉"),
    ],
)
def test_a_name_stays_on_one_line_and_in_its_direction(name: str, shown: str) -> None:
    message = render_notice(replace(RECEIPT_EN, store_name=name), locale=Locale.EN)

    assert message.subject == f"Your points from {shown}: +128"
    assert f"Store: {shown}\n" in message.text


def test_latin_names_get_room_between_han_characters() -> None:
    message = render_notice(replace(RECEIPT_ZH, store_name="Luna", brand=Brand("Luna 咖啡")), locale=Locale.ZH_CN)

    assert message.subject == "Luna 消费到账：积分 +128"
    assert "因为您是 Luna 咖啡的会员" in message.text


def test_missing_and_unknown_variables_are_refused_by_name() -> None:
    given = variables_of(RECEIPT_EN, locale=Locale.EN)
    without = {name: value for name, value in given.items() if name not in {"total", "balance"}}

    with pytest.raises(TemplateVariablesMissing) as missing:
        render(TemplateKey.POINTS_RECEIPT, locale=Locale.EN, variables=without)
    with pytest.raises(TemplateVariablesUnknown) as unknown:
        render(TemplateKey.POINTS_RECEIPT, locale=Locale.EN, variables={**given, "password": "x"})

    assert missing.value.facts() == {"template": "points_receipt", "locale": "en", "names": ("balance", "total")}
    assert unknown.value.facts() == {"template": "points_receipt", "locale": "en", "names": ("password",)}


@pytest.mark.parametrize(
    ("locale", "unit", "subject"),
    [
        (Locale.EN, "points", "1,250 points at Luna end on December 31, 2026"),
        (Locale.ZH_CN, "积分", "您在Luna的1,250 积分将于2026年12月31日到期"),
    ],
)
def test_the_end_of_points_is_told_by_its_day(locale: Locale, unit: str, subject: str) -> None:
    notice = PointsExpiring(Brand("Luna"), PointsUnit(unit), points_ending=1250, ends_on=date(2026, 12, 31))

    said = render_notice(notice, locale=locale).subject

    assert said.replace(" ", "") == subject.replace(" ", "")


@pytest.mark.parametrize(
    ("locale", "subject", "rows"),
    [
        (
            Locale.EN,
            "Your tier Gold at Luna & Co. ends on Jun 3, 2017, 2:05 AM",
            ["Missing points: 120", "Purchases that are enough: $120.00"],
        ),
        (Locale.ZH_CN, "您在晨光咖啡的会员等级金卡将于 2017年6月3日 14:05 到期", ["还差到店次数：3"]),
    ],
)
def test_the_end_of_a_tier_is_told_with_what_keeps_it(locale: Locale, subject: str, rows: list[str]) -> None:
    (notice,) = (each for found, each in NOTICES if found is locale and isinstance(each, TierEnding))
    message = render_notice(notice, locale=locale)

    assert message.subject == subject
    # After the tier and its end, and nothing of what is not missing.
    assert message.text.split("\n\n")[2].splitlines()[2:] == rows
