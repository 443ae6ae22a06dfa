from decimal import Decimal

import pytest

from services.loyalty.programs.domain import TierLevel
from services.loyalty.tiers.domain import progress, tier_for
from tests.unit.loyalty.documents import document

LEVELS = document(
    {
        "/tiers/levels/2": {
            "code": "top",
            "name": {"en": "Top", "zh": "顶级"},
            "threshold": 4000,
            "multiplier": "2",
        }
    }
).tiers.levels


@pytest.mark.parametrize(
    ("qualifying", "code"),
    [(-1, "basic"), (0, "basic"), (999, "basic"), (1000, "gold"), (3999, "gold"), (4000, "top"), (10**15, "top")],
)
def test_a_threshold_is_inclusive(qualifying: int, code: str) -> None:
    assert tier_for(LEVELS, qualifying).code == code


@pytest.mark.parametrize(
    ("qualifying", "current", "following", "gained", "span", "missing", "fraction"),
    [
        (0, "basic", "gold", 0, 1000, 1000, "0"),
        (333, "basic", "gold", 333, 1000, 667, "0.333"),
        (999, "basic", "gold", 999, 1000, 1, "0.999"),
        (1000, "gold", "top", 0, 3000, 3000, "0"),
        (2000, "gold", "top", 1000, 3000, 2000, "0.3333"),
        (3999, "gold", "top", 2999, 3000, 1, "0.9996"),
        (4000, "top", None, 0, 0, 0, "1"),
        (-20, "basic", "gold", 0, 1000, 1020, "0"),
    ],
)
def test_progress_says_what_is_missing(
    qualifying: int, current: str, following: str | None, gained: int, span: int, missing: int, fraction: str
) -> None:
    result = progress(LEVELS, qualifying)

    assert result.current.code == current
    assert (result.next_level.code if result.next_level else None) == following
    assert (result.gained, result.span, result.missing) == (gained, span, missing)
    assert result.fraction == Decimal(fraction)


def test_progress_reads_one_only_when_nothing_is_missing() -> None:
    far: tuple[TierLevel, ...] = document({"/tiers/levels/1/threshold": 2**53 - 1}).tiers.levels

    assert progress(far, 2**53 - 2).fraction == Decimal("0.9999")
