"""Referral codes: easy to read aloud, hard to guess."""

import math

import pytest

from services.loyalty.referrals.domain import CODE_ALPHABET, CODE_LENGTH, new_code, normalize_code


def test_codes_are_random_and_of_one_form() -> None:
    codes = {new_code() for _ in range(1_000)}

    assert len(codes) == 1_000
    assert all(normalize_code(code) == code for code in codes)
    assert set("".join(codes)) == set(CODE_ALPHABET)
    assert math.log2(len(CODE_ALPHABET) ** CODE_LENGTH) > 39


def test_no_two_letters_look_alike() -> None:
    assert len(CODE_ALPHABET) == len(set(CODE_ALPHABET)) == 31
    assert not set("01OIL") & set(CODE_ALPHABET)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ABCD2345", "ABCD2345"),
        ("abcd2345", "ABCD2345"),
        (" abcd-2345 ", "ABCD2345"),
        ("ABCD234", None),
        ("ABCD23456", None),
        ("ABCD2340", None),
        ("", None),
        ("ABCD234５", None),
        ("ſBCD2345", "SBCD2345"),
    ],
)
def test_a_code_is_known_however_it_is_typed(typed: str, kept: str | None) -> None:
    assert normalize_code(typed) == kept
