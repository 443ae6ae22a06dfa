"""What a merchant may say of a kind of coupon, how it is kept, and what is told of one that does not count."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.gateway.context.request import Locale
from services.gateway.graphql.coupons.wording import coupon_catalog, refusal_message
from services.loyalty.coupons.domain import (
    FACTS_OF_REASONS,
    Basis,
    Benefit,
    BenefitKind,
    CouponContent,
    Minimum,
    Reason,
    Refused,
    Scope,
    Step,
    Strategy,
    check_content,
    content_json,
    discount,
    parse_content,
)
from services.platform.errors import InvalidInput
from services.platform.money import Money
from tests.support.builders.coupons import amount, cart, item, kind, offers, percent

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
FULL = kind(
    Benefit(
        BenefitKind.BUY_X_GET_Y,
        percent=Decimal("12.5"),
        buy_units=2,
        get_units=1,
        target=Scope(skus=frozenset({"cup"})),
    ),
    scope=Scope(categories=(("food", "tea"),), excluded_products=frozenset({"gift"})),
    minimum=Minimum(amount_minor=10_000, quantity=Decimal("1.5"), is_inclusive=False),
    begins_at=NOW,
    ends_at=NOW + timedelta(days=1),
    valid_days=7,
    uses_per_member=2,
    budget_id=UUID(int=7),
)
STEPS = (Step(from_minor=20_000, amount_minor=3_000), Step(from_minor=10_000, percent=Decimal(5)))


@pytest.mark.parametrize("content", [FULL, check_content(kind(Benefit(BenefitKind.STEPPED, steps=STEPS)))])
def test_content_is_kept_whole(content: CouponContent) -> None:
    assert parse_content(content_json(content)) == content
    assert check_content(content) == content


def test_steps_are_put_in_order() -> None:
    checked = check_content(kind(Benefit(BenefitKind.STEPPED, steps=STEPS)))

    assert [step.from_minor for step in checked.benefit.steps] == [10_000, 20_000]


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (kind(Benefit(BenefitKind.PERCENT)), "benefit.percent", "REQUIRED"),
        (kind(percent("0")), "benefit.percent", "OUT_OF_RANGE"),
        (kind(percent("NaN")), "benefit.percent", "OUT_OF_RANGE"),
        (kind(percent("1.00001")), "benefit.percent", "TOO_MANY_DECIMALS"),
        (kind(amount(0)), "benefit.amount", "OUT_OF_RANGE"),
        (kind(amount(1), currency=None), "currency", "REQUIRED"),
        (kind(percent(5), currency="XYZ"), "currency", "UNKNOWN_CURRENCY"),
        (kind(percent(5, get_units=1)), "benefit.getUnits", "NOT_ALLOWED"),
        (kind(percent(5, units_max=1_001)), "benefit.unitsMax", "OUT_OF_RANGE"),
        (kind(percent(5), name_en=" "), "name.en", "BLANK"),
        (kind(percent(5), ends_at=NOW, begins_at=NOW), "endsAt", "OUT_OF_RANGE"),
        (kind(percent(5), valid_days=0), "validDays", "OUT_OF_RANGE"),
        (kind(percent(5), priority=-1), "priority", "OUT_OF_RANGE"),
        (kind(percent(5), scope=Scope(categories=((),))), "scope.categories", "BLANK"),
        (kind(percent(5), scope=Scope(skus=frozenset({str(n) for n in range(501)}))), "scope", "TOO_MANY"),
        (kind(percent(5), minimum=Minimum(quantity=Decimal(0))), "minimum.quantity", "OUT_OF_RANGE"),
        (kind(Benefit(BenefitKind.N_FOR_M, buy_units=3, pay_units=3)), "benefit.payUnits", "OUT_OF_RANGE"),
        (kind(Benefit(BenefitKind.CHEAPEST, get_units=3, buy_units=2)), "benefit.getUnits", "OUT_OF_RANGE"),
        (kind(Benefit(BenefitKind.STEPPED, steps=STEPS, is_repeated=True)), "benefit.isRepeated", "NOT_ALLOWED"),
        (kind(Benefit(BenefitKind.STEPPED, steps=STEPS, basis=Basis.INITIAL)), "benefit.basis", "NOT_ALLOWED"),
        (kind(Benefit(BenefitKind.STEPPED, steps=(STEPS[0], STEPS[0]))), "benefit.steps", "DUPLICATE"),
        (kind(Benefit(BenefitKind.STEPPED, steps=(Step(from_minor=1),))), "benefit.steps", "ONE_OF"),
    ],
)
def test_what_can_be_no_kind_of_coupon(content: CouponContent, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_content(content)

    assert (caught.value.field, caught.value.reason) == (field, reason)


@pytest.mark.parametrize("locale", list(Locale))
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_that_names_only_its_facts(reason: Reason, locale: Locale) -> None:
    template = coupon_catalog(locale)[reason.name]
    named = {name for _, name, _, _ in string.Formatter().parse(template) if name}

    assert named <= {*FACTS_OF_REASONS.get(reason, ()), "code"}
    assert set(coupon_catalog(locale)) == {one.name for one in Reason}


@pytest.mark.parametrize(
    ("reason", "facts", "en", "zh"),
    [
        (
            Reason.BELOW_AMOUNT,
            {"amount": Money(9_999, "CNY"), "minimum": Money(10_000, "CNY"), "missing": Money(1, "CNY")},
            "This coupon counts from 100.00 CNY on: 0.01 CNY is missing.",
            "满100.00 CNY可用，还差0.01 CNY。",
        ),
        (
            Reason.EXPIRED,
            {"expired_at": NOW.isoformat()},
            "This coupon ended on 2026-03-02 04:00 UTC.",
            "该优惠券已于2026-03-02 04:00 UTC到期。",
        ),
        (
            Reason.BELOW_QUANTITY,
            {"quantity": Decimal("1.50"), "minimum": Decimal(2), "missing": Decimal("0.50")},
            "This coupon counts from 2 pieces on: 0.5 are missing.",
            "满2件可用，还差0.5件。",
        ),
    ],
)
def test_sentences(reason: Reason, facts: dict[str, Any], en: str, zh: str) -> None:
    refused = Refused(None, reason, facts)

    assert (refusal_message(refused, Locale.EN), refusal_message(refused, Locale.ZH)) == (en, zh)


def test_a_search_without_end_says_so_and_gives_the_best_that_it_saw() -> None:
    # Each a little different, so that none is the twin of another; percentages are bounded loosely.
    shares = [kind(percent(f"{number}.5")) for number in range(1, 15)]
    basket = cart(item(1, 1_000), item(2, 333))

    found = discount(basket, offers(shares), strategy=Strategy.BEST_PRICE)

    assert not found.is_best
    assert discount(basket, offers(shares), strategy=Strategy.BY_CATEGORY).amount_minor <= found.amount_minor


def test_many_coupons_that_leave_no_doubt_are_searched_to_the_end() -> None:
    amounts = [kind(amount(number)) for number in range(1, 21)]

    found = discount(cart(item(1, 1_000)), offers(amounts), strategy=Strategy.BEST_PRICE)

    assert (found.is_best, found.amount_minor, len(found.applied)) == (True, 210, 20)


def test_lines_that_are_excluded_count_toward_no_minimum() -> None:
    basket = cart(item(1, 6_000), item(2, 6_000, is_excluded=True))
    content = kind(percent(10), minimum=Minimum(amount_minor=10_000))

    found = discount(basket, offers([content]), strategy=Strategy.BEST_PRICE)

    (refused,) = found.refused
    assert (refused.reason, refused.facts["missing"]) == (Reason.BELOW_AMOUNT, Money(4_000, "CNY"))
    without = discount(basket, offers([replace(content, minimum=Minimum())]), strategy=Strategy.BEST_PRICE)
    assert dict(without.applied[0].by_line) == {1: 600}
