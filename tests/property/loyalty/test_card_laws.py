"""Laws of a card's codes and bars, on any number, clock and tenant."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.loyalty.cards.domain import STEP, Proof, bars, code_at, codes_from, new_number, scanned
from services.loyalty.cards.domain.bars import PATTERNS, START_B, STOP
from services.loyalty.cards.domain.codes import check_digit
from services.loyalty.cards.errors import CardCodeExpired, CardCodeInvalid

SIGNS = st.characters(min_codepoint=33, max_codepoint=126)
NUMBERS = st.text(SIGNS, min_size=1, max_size=100).filter(lambda number: not number.upper().startswith("RC1."))
KEYS = st.binary(min_size=32, max_size=32)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  given a zone
SKEWS = st.integers(-30, 30).map(lambda seconds: timedelta(seconds=seconds))
FIRST_OF_B = 32


@given(NUMBERS, KEYS, INSTANTS, SKEWS)
def test_a_code_is_taken_while_it_is_shown_though_the_clocks_differ_by_half_a_minute(
    number: str, key: bytes, at: datetime, skew: timedelta
) -> None:
    read = scanned(code_at(number, key=key, at=at).text, key=key, now=at + skew)

    assert (read.number, read.proof) == (number, Proof.ROTATING)


@given(NUMBERS, KEYS, INSTANTS, st.integers(60, 10**7), st.sampled_from((-1, 1)))
def test_a_picture_of_a_code_is_worth_nothing_a_minute_later(
    number: str, key: bytes, at: datetime, seconds: int, direction: int
) -> None:
    code = code_at(number, key=key, at=at)

    with pytest.raises(CardCodeExpired):
        scanned(code.text, key=key, now=at + direction * timedelta(seconds=seconds))


@given(NUMBERS, KEYS, KEYS, INSTANTS)
def test_a_code_of_another_tenant_is_refused(number: str, key: bytes, other: bytes, at: datetime) -> None:
    assume(key != other)

    with pytest.raises(CardCodeInvalid):
        scanned(code_at(number, key=key, at=at).text, key=other, now=at)


@given(NUMBERS, KEYS, INSTANTS, st.data())
def test_a_code_with_one_sign_changed_is_no_code(number: str, key: bytes, at: datetime, data: st.DataObject) -> None:
    text = code_at(number, key=key, at=at).text
    place = data.draw(st.integers(len("RC1."), len(text) - 1))
    sign = data.draw(SIGNS.filter(lambda sign: sign.upper() != text[place].upper()))
    changed = text[:place] + sign + text[place + 1 :]

    with pytest.raises((CardCodeInvalid, CardCodeExpired)) as refusal:
        scanned(changed, key=key, now=at)

    assert refusal.type is CardCodeInvalid


@given(NUMBERS, KEYS, INSTANTS, st.integers(1, 60))
def test_the_codes_ahead_follow_each_other_without_a_gap(number: str, key: bytes, at: datetime, count: int) -> None:
    codes = codes_from(number, key=key, at=at, count=count)

    assert codes[0] == code_at(number, key=key, at=at)
    assert codes[0].valid_from <= at < codes[0].valid_until
    assert [code.valid_until - code.valid_from for code in codes] == [STEP] * count
    assert [code.valid_from for code in codes[1:]] == [code.valid_until for code in codes[:-1]]
    assert len({code.text for code in codes}) == count


@given(NUMBERS, KEYS, INSTANTS)
def test_anything_else_that_is_scanned_is_a_number_on_a_card(number: str, key: bytes, at: datetime) -> None:
    read = scanned(f" {number} ", key=key, now=at)

    assert (read.number, read.proof) == (number, Proof.NUMBER)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_bars_are_read_back_as_they_were_written(text: str) -> None:
    widths = bars(text)

    assert (sum(widths) - 13) % 11 == 0  # every character has 11 modules, the stop 13
    assert _read(widths) == text


@pytest.mark.parametrize("attempt", range(100))
def test_new_numbers_pass_luhn(attempt: int) -> None:
    number = new_number()

    assert (len(number), number[0]) == (16, "9")
    assert check_digit(number[:-1]) == int(number[-1])


def _read(widths: tuple[int, ...]) -> str:
    """What a scanner makes of bars: the characters by their widths, checked by the weighted sum."""
    stop = tuple(map(int, PATTERNS[STOP]))
    assert widths[-len(stop) :] == stop
    texts = ["".join(map(str, widths[place : place + 6])) for place in range(0, len(widths) - len(stop), 6)]
    start, *values, check = map(PATTERNS.index, texts)
    assert (start + sum(place * value for place, value in enumerate(values, start=1))) % 103 == check
    if start == START_B:
        return "".join(chr(value + FIRST_OF_B) for value in values)
    return "".join(f"{value:02d}" for value in values)
