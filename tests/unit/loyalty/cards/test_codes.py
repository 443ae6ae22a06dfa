"""Cards' codes and bars by example; the laws stand in tests/property/loyalty/test_card_laws.py."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from services.loyalty.cards.domain import Proof, bars, can_be_bars, code_at, scanned
from services.loyalty.cards.domain.codes import check_digit
from services.loyalty.cards.errors import CardCodeExpired, CardCodeInvalid
from services.platform.errors import InvalidInput

KEY = bytes(range(32))
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STEP_OF_NOON = 59_080_800
NUMBER = "9012345678901234"


def test_a_code_is_made_as_the_docstring_says() -> None:
    mac = hmac.new(KEY, f"{STEP_OF_NOON}.{NUMBER}".encode(), hashlib.sha256).digest()[:10]

    assert code_at(NUMBER, key=KEY, at=NOON).text == f"RC1.{NUMBER}.{STEP_OF_NOON}.{base64.b32encode(mac).decode()}"


@pytest.mark.parametrize("seconds", [-30, 0, 29, 59])
def test_a_step_before_and_after_is_taken(seconds: int) -> None:
    code = code_at(NUMBER, key=KEY, at=NOON)

    assert scanned(code.text, key=KEY, now=NOON + timedelta(seconds=seconds)).proof is Proof.ROTATING


@pytest.mark.parametrize("seconds", [-31, 60])
def test_two_steps_are_too_many(seconds: int) -> None:
    code = code_at(NUMBER, key=KEY, at=NOON)

    with pytest.raises(CardCodeExpired) as refusal:
        scanned(code.text, key=KEY, now=NOON + timedelta(seconds=seconds))

    assert refusal.value.expired_at == NOON + timedelta(seconds=60)


def test_a_scanner_that_writes_small_letters_is_understood() -> None:
    text = code_at(NUMBER, key=KEY, at=NOON).text.lower()

    assert scanned(text, key=KEY, now=NOON).number == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "RC1.",
        "RC1..1.AAAAAAAAAAAAAAAA",
        f"RC1.{NUMBER}",
        f"RC1.{NUMBER}.0{STEP_OF_NOON}.AAAAAAAAAAAAAAAA",
        f"RC1.{NUMBER}.-1.AAAAAAAAAAAAAAAA",
        f"RC1.{NUMBER}.{'9' * 12}.AAAAAAAAAAAAAAAA",
    ],
)
def test_what_only_begins_like_a_code_is_refused(text: str) -> None:
    with pytest.raises(CardCodeInvalid):
        scanned(text, key=KEY, now=NOON)


def test_a_blank_scan_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        scanned("  ", key=KEY, now=NOON)

    assert (refusal.value.field, refusal.value.reason) == ("text", "BLANK")


def test_luhn_as_everybody_knows_it() -> None:
    assert check_digit("7992739871") == 3


def test_bars_as_a_well_known_example() -> None:
    # "PJJ123C" is the example of the encyclopedias, there in code set A (start 103, check 54): in B it is one more.
    texts = ["211214", "313121", "112133", "112133", "123221", "223211", "221132", "131321", "311321", "2331112"]

    assert "".join(map(str, bars("PJJ123C"))) == "".join(texts)


def test_digits_are_written_two_by_two() -> None:
    # Start C, 90, 12, check (105 + 90 + 24) % 103 = 13, stop.
    assert "".join(map(str, bars("9012"))) == "211232" + "214121" + "112232" + "122132" + "2331112"


def test_what_cannot_be_bars_is_known_before() -> None:
    assert [can_be_bars(text) for text in ("A-1", "会员卡", "", "1" * 41)] == [True, False, False, False]
