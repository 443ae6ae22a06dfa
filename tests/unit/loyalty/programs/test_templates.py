import pytest

from services.loyalty.programs.domain import (
    Comparison,
    CurrencyAmount,
    Downgrade,
    NoSilentLoss,
    Operator,
    SpendFormula,
    TemplateKey,
    Trigger,
    document_json,
    parse_document,
    template,
    template_document,
    templates,
)
from services.loyalty.programs.domain.validity import Activation, Span, TimeUnit
from services.loyalty.programs.errors import ProblemCode, ProgramDocumentInvalid, TemplateUnknown


@pytest.mark.parametrize("key", TemplateKey)
@pytest.mark.parametrize("currency", ["CNY", "USD", "JPY", "KWD", "CLF"])
def test_every_template_is_a_document_in_every_currency(key: TemplateKey, currency: str) -> None:
    document = template_document(key, currency=currency, timezone="America/New_York")

    assert document.currency == currency
    assert document.timezone == "America/New_York"
    assert parse_document(document_json(document)) == document


@pytest.mark.parametrize(
    ("currency", "per", "silver", "kept"),
    [("CNY", 100, 500_000, 400_000), ("JPY", 100, 500_000, 400_000), ("KWD", 1000, 5_000_000, 4_000_000)],
)
def test_amounts_of_a_template_follow_the_digits_of_the_currency(
    currency: str, per: int, silver: int, kept: int
) -> None:
    document = template_document("retail", currency=currency, timezone="UTC")

    rules = {rule.id: rule for rule in document.rules}
    assert rules["every-purchase"].formula == SpendFormula(1, (CurrencyAmount(currency, per),))
    assert rules["bring-a-friend"].when == Comparison("order.total", Operator.AT_LEAST, per * 100)
    assert rules["members-day"].when == Comparison("time.day", Operator.EQUAL, 18)
    assert (document.tiers.levels[1].threshold, document.tiers.levels[1].retention) == (silver, kept)


def test_thresholds_in_points_do_not_follow_the_currency() -> None:
    document = template_document("cafe", currency="KWD", timezone="UTC")

    assert [level.threshold for level in document.tiers.levels] == [0, 500, 2000]


@pytest.mark.parametrize("key", TemplateKey)
def test_no_points_of_a_template_end_silently_and_none_live_longer_for_it(key: TemplateKey) -> None:
    document = template_document(key, currency="CNY", timezone="Asia/Shanghai")
    expiries = [unit.expiry for unit in document.units] + [rule.expiry for rule in document.rules if rule.expiry]
    spans = [ending.span for expiry in expiries for ending in (expiry.rolling, expiry.sliding) if ending]
    shortest = min(span.count * {TimeUnit.DAY: 1, TimeUnit.MONTH: 28}[span.unit] for span in spans)
    policies = document.policies

    assert policies.no_silent_expiry is NoSilentLoss.ON
    # A channel has a week to take a notice, before the days begin for which its member must have it.
    assert 0 < policies.expiry_notice_days <= shortest - 7


def test_there_are_templates_with_rewards_in_both_languages() -> None:
    offered = templates()

    assert [item.key.value for item in offered] == [
        "cafe", "retail", "online-shop", "restaurant", "salon", "hotel", "grocery",
    ]  # fmt: skip
    for item in offered:
        assert len(item.rewards) == 3
        assert len({reward.code for reward in item.rewards}) == 3
        for text in (item.title, item.description, *(reward.name for reward in item.rewards)):
            assert text.en.isascii() or "é" in text.en
            assert any("\u4e00" <= character <= "\u9fff" for character in text.zh)
        for reward in item.rewards:
            assert reward.kind in {"physical", "virtual", "coupon", "service", "donation"}
            assert reward.cost_points > 0
            assert reward.stock is None or reward.stock > 0


@pytest.mark.parametrize("key", [key for key in TemplateKey if key is not TemplateKey.GROCERY])
def test_a_template_uses_what_programs_can_do(key: TemplateKey) -> None:
    document = template_document(key, currency="CNY", timezone="Asia/Shanghai")

    triggers = {rule.trigger for rule in document.rules}
    assert {Trigger.PURCHASE, Trigger.BIRTHDAY, Trigger.REFERRAL_PURCHASED} <= triggers
    assert not document.unit.expiry.is_never
    assert document.tiers.span is not None
    assert document.tiers.grace_days > 0
    assert document.tiers.downgrade is Downgrade.ONE
    assert document.tiers.levels[-1].keeps_at < document.tiers.levels[-1].threshold or key is TemplateKey.HOTEL
    for rule in document.rules:
        assert any("\u4e00" <= character <= "\u9fff" for character in rule.name.zh)


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(TemplateUnknown) as refusal:
        template("../cafe")

    assert refusal.value.key == "../cafe"


def test_an_unknown_currency_and_zone_are_refused_together() -> None:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        template_document("cafe", currency="XYZ", timezone="Nowhere")

    assert {problem.code for problem in refusal.value.problems} == {
        ProblemCode.UNKNOWN_TIMEZONE,
        ProblemCode.UNKNOWN_CURRENCY,
    }


def test_points_for_a_friends_purchase_wait_until_it_can_hardly_be_given_back() -> None:
    waits = {
        key.value: rule.activation
        for key in TemplateKey
        for rule in template_document(key, currency="CNY", timezone="UTC").rules
        if rule.trigger is Trigger.REFERRAL_PURCHASED
    }

    assert waits == {
        "cafe": Activation(after=Span(14, TimeUnit.DAY)),
        "restaurant": Activation(after=Span(14, TimeUnit.DAY)),
        "salon": Activation(after=Span(14, TimeUnit.DAY)),
        "online-shop": Activation(after=Span(14, TimeUnit.DAY)),
        "retail": Activation(after=Span(30, TimeUnit.DAY)),
        "hotel": Activation(after=Span(90, TimeUnit.DAY)),
    }
