"""The comparison of secrets tells nothing of how near a guess was, and the check of that can fail."""

from services.platform.auth import tokens
from tests.faults.tokens import telling_comparisons


def test_the_comparison_of_secrets_tells_nothing() -> None:
    assert telling_comparisons() == []


def test_a_comparison_that_ends_at_the_first_difference_is_seen() -> None:
    def hasty(stored: bytes, secret: str) -> bool:
        return all(one == other for one, other in zip(stored, tokens.digest(secret), strict=True))

    assert any("constant time" in found for found in telling_comparisons(hasty))


def test_a_comparison_letter_by_letter_is_seen_by_its_time() -> None:
    known: list[str] = []

    def lettered(stored: bytes, secret: str) -> bool:
        known.append(secret)  # the first guess is the near one: what it shares with others is what a thief would learn
        return all(one == other for one, other in zip(known[0], secret, strict=True))

    assert any("a near guess takes" in found for found in telling_comparisons(lettered))
