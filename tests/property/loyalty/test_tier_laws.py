from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.programs.domain import TierSet
from services.loyalty.tiers.domain import progress, tier_for
from tests.property.loyalty.strategies import tier_sets

AMOUNTS = st.integers(-1_000, 2_000_000)


@given(tier_sets(), AMOUNTS)
def test_a_tier_is_reached_and_the_next_is_not(tiers: TierSet, qualifying: int) -> None:
    result = progress(tiers.levels, qualifying)

    assert result.current == tier_for(tiers.levels, qualifying)
    assert result.current.threshold <= max(0, qualifying)
    assert 0 <= result.fraction <= 1
    if result.next_level is None:
        assert result.current == tiers.levels[-1]
    else:
        assert tier_for(tiers.levels, qualifying + result.missing) == result.next_level
        assert tier_for(tiers.levels, qualifying + result.missing - 1) == result.current
        assert result.fraction < 1


@given(tier_sets(), AMOUNTS, AMOUNTS)
def test_more_never_means_a_lower_tier(tiers: TierSet, one: int, other: int) -> None:
    low, high = sorted((one, other))

    assert tier_for(tiers.levels, low).threshold <= tier_for(tiers.levels, high).threshold
