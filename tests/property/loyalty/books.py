"""The second opinion's books in the terms of `tests.support.state_hash`, so that the two can be compared."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.property.loyalty.model import Shop
from tests.support.state_hash import State

Worth = dict[tuple[UUID, str, datetime, datetime | None], int]
"""Points by member, unit, and the instants from and until which they can be spent."""


def balances(shop: Shop, member_ids: Sequence[UUID]) -> dict[tuple[UUID, str], tuple[int, int, int, int]]:
    """Pending, available, held and owed."""
    sums = {}
    for member_id, member in zip(member_ids, shop.members, strict=True):
        for unit in shop.program.units:
            mine = [lot for lot in member.lots if lot.unit == unit]
            pending = sum(lot.left for lot in mine if lot.starts > shop.now)
            available = sum(lot.left for lot in mine if lot.starts <= shop.now)
            held = sum(lot.held for lot in mine)
            if pending or available or held or member.owed[unit]:
                sums[member_id, unit] = (pending, available, held, member.owed[unit])
    return sums


def lots(shop: Shop, member_ids: Sequence[UUID]) -> Worth:
    """What of points is not held."""
    sums: Worth = {}
    for member_id, member in zip(member_ids, shop.members, strict=True):
        for lot in member.lots:
            if lot.left:
                key = member_id, lot.unit, lot.starts.astimezone(UTC), lot.ends and lot.ends.astimezone(UTC)
                sums[key] = sums.get(key, 0) + lot.left
    return sums


def worth(there: State) -> Worth:
    """The same of the product."""
    sums: Worth = {}
    for (holder_id, unit, _, starts, ends), left in there.lots.items():
        assert starts is not None
        key = holder_id, unit, starts, ends
        sums[key] = sums.get(key, 0) + left
    return sums


def caps(shop: Shop, member_ids: Sequence[UUID]) -> dict[tuple[Any, ...], int]:
    """What is used of the rules' caps by member and day."""
    return {
        (member_ids[who], "rule", rule_id, "points", "day", day): used
        for (who, rule_id, day), used in shop.caps.items()
        if used
    }


def tiers(shop: Shop, member_ids: Sequence[UUID]) -> dict[UUID, tuple[Any, ...]]:
    """The tier, the points and the money that count, and since when the tier is in question."""
    # Somebody who has paid nothing for something has been there all the same.
    visited = {each.member for each in shop.purchases if not shop.is_gone(each)}
    found = {}
    for who, member_id in enumerate(member_ids):
        tier, warned_at = shop.course(who)
        counts = shop.counts(who)
        if (tier, *counts) != ("base", 0, 0) or who in visited:
            found[member_id] = (tier, *counts, warned_at)
    return found


def tiers_there(there: State) -> dict[UUID, tuple[Any, ...]]:
    """The same of the product."""
    return {member_id: (*tier[:3], tier[5]) for member_id, tier in there.tiers.items()}
