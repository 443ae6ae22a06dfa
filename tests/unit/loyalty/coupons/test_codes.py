"""Codes that nobody guesses, and the one form in which they are kept."""

from collections import Counter

import pytest

from services.loyalty.coupons.domain import check_code, check_prefix, new_codes, normalize
from services.loyalty.coupons.domain.codes import ALPHABET, LENGTH
from services.platform.errors import InvalidInput


def test_codes_are_all_different_and_of_the_alphabet() -> None:
    codes = new_codes(20_000)

    assert len(codes) == 20_000
    assert {len(code) for code in codes} == {LENGTH}
    assert set("".join(codes)) == set(ALPHABET)


def test_no_letter_is_likelier_than_another() -> None:
    counts = Counter("".join(new_codes(20_000)))

    # 280,000 letters: 9,032 of each are expected, with a standard deviation of 94. Seven of them happen once in 10^11.
    expected = 20_000 * LENGTH / len(ALPHABET)
    assert all(abs(count - expected) < 7 * 94 for count in counts.values())


def test_a_code_holds_69_bits() -> None:
    assert 2**69 < len(ALPHABET) ** LENGTH < 2**70


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("spring26", "SPRING26"),
        (" Spring-26 ", "SPRING26"),
        ("ｓｐｒｉｎｇ ２６", "SPRING26"),
        ("春季大促", "春季大促"),
        ("ab", None),
        ("-  -", None),
        ("a" * 41, None),
        ("abc\x00", None),
    ],
)
def test_the_form_of_a_code(typed: str, kept: str | None) -> None:
    assert normalize(typed) == kept


@pytest.mark.parametrize(("code", "reason"), [("ab", "TOO_SHORT"), ("", "BLANK"), ("a" * 41, "TOO_LONG")])
def test_what_can_be_no_code(code: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_code(code, field="sharedCode")

    assert (caught.value.field, caught.value.reason) == ("sharedCode", reason)


@pytest.mark.parametrize(("prefix", "kept"), [(None, ""), ("vip-", "VIP"), (" a 1", "A1")])
def test_what_codes_begin_with(prefix: str | None, kept: str) -> None:
    assert check_prefix(prefix, field="prefix") == kept


@pytest.mark.parametrize(("prefix", "reason"), [("a\tb", "FORBIDDEN_CHARACTER"), ("a" * 21, "TOO_LONG")])
def test_what_they_do_not_begin_with(prefix: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_prefix(prefix, field="prefix")

    assert caught.value.reason == reason
