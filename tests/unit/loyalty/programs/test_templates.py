import pytest

from services.loyalty.programs.domain import (
    TemplateKey,
    document_json,
    parse_document,
    template,
    template_document,
    templates,
)
from services.loyalty.programs.errors import ProblemCode, ProgramDocumentInvalid, TemplateUnknown


@pytest.mark.parametrize("key", TemplateKey)
@pytest.mark.parametrize("currency", ["CNY", "USD", "JPY", "KWD", "CLF"])
def test_every_template_is_a_document_in_every_currency(key: TemplateKey, currency: str) -> None:
    document = template_document(key, currency=currency, timezone="America/New_York")

    assert document.currency == currency
    assert document.timezone == "America/New_York"
    assert parse_document(document_json(document)) == document


@pytest.mark.parametrize(
    ("currency", "per", "silver"), [("CNY", 100, 100_000), ("JPY", 100, 100_000), ("KWD", 1000, 1_000_000)]
)
def test_amounts_of_a_template_follow_the_digits_of_the_currency(currency: str, per: int, silver: int) -> None:
    document = template_document("grocery", currency=currency, timezone="UTC")

    assert document.spend_rules[0].per_minor == per
    assert document.tiers.levels[1].threshold == silver


def test_thresholds_in_points_do_not_follow_the_currency() -> None:
    document = template_document("cafe", currency="KWD", timezone="UTC")

    assert [level.threshold for level in document.tiers.levels] == [0, 500, 2000]


def test_there_are_three_templates_with_rewards_in_both_languages() -> None:
    offered = templates()

    assert [item.key.value for item in offered] == ["cafe", "grocery", "online-shop"]
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


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(TemplateUnknown) as refusal:
        template("../cafe")

    assert refusal.value.key == "../cafe"


def test_an_unknown_currency_and_zone_are_refused_together() -> None:
    with pytest.raises(ProgramDocumentInvalid) as refusal:
        template_document("cafe", currency="XYZ", timezone="Nowhere")

    assert [problem.code for problem in refusal.value.problems] == [
        ProblemCode.UNKNOWN_TIMEZONE,
        ProblemCode.UNKNOWN_CURRENCY,
    ]
