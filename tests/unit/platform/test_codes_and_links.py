"""Signed codes of stores and signed links: one spelling each, of one purpose, by one key."""

from datetime import UTC, datetime

import pytest

from services.platform.auth.tokens import CheckInToken, ShareToken, Signer
from services.platform.ids import new_id

SIGNER = Signer(b"a secret of the tests, long enough")
OTHER = Signer(b"another one of the tests, long enough")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
CODE = CheckInToken(new_id(), new_id(), datetime(2026, 3, 2, 4, 0, 59, tzinfo=UTC))
SHARE = ShareToken(new_id(), new_id())


def near(text: str) -> list[str]:
    """Every text that differs in one letter."""
    return [
        text[:place] + letter + text[place + 1 :]
        for place in range(len(text))
        for letter in ALPHABET
        if letter != text[place]
    ]


def test_what_was_signed_is_read() -> None:
    assert SIGNER.check_in(SIGNER.check_in_code(CODE)) == CODE
    assert SIGNER.share(SIGNER.share_token(SHARE)) == SHARE


def test_no_letter_can_be_another_one() -> None:
    assert [text for text in near(SIGNER.check_in_code(CODE)) if SIGNER.check_in(text)] == []
    assert [text for text in near(SIGNER.share_token(SHARE)) if SIGNER.share(text)] == []


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.x", "x" * 5_000, "W10.x"])
def test_anything_else_is_none(text: str) -> None:
    assert SIGNER.check_in(text) is None
    assert SIGNER.share(text) is None


def test_each_serves_one_purpose_and_one_key() -> None:
    code, link = SIGNER.check_in_code(CODE), SIGNER.share_token(SHARE)

    assert (SIGNER.share(code), SIGNER.check_in(link)) == (None, None)
    assert (OTHER.check_in(code), OTHER.share(link)) == (None, None)


def test_visitors_are_told_apart_on_one_link_only() -> None:
    other = ShareToken(SHARE.tenant_id, new_id())

    first = SIGNER.visitor_hash(SHARE, visitor="10.0.0.1 Mozilla")

    assert first == SIGNER.visitor_hash(SHARE, visitor="10.0.0.1 Mozilla")
    assert first != SIGNER.visitor_hash(SHARE, visitor="10.0.0.2 Mozilla")
    assert first != SIGNER.visitor_hash(other, visitor="10.0.0.1 Mozilla")
    assert first != OTHER.visitor_hash(SHARE, visitor="10.0.0.1 Mozilla")
