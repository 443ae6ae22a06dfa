"""From what an event contributes to the amounts that are kept of it, and back."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.loyalty.tiers.domain.measuring import Ladder
from services.loyalty.tiers.domain.records import Amount, Contribution, Standing, TierRecord
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.money import AMOUNT_MAX


def amounts_of(ladder: Ladder, contribution: Contribution, *, counts_at: datetime) -> tuple[Amount, ...]:
    """What is kept of a contribution: one amount of what counts at once, one for each unit and later instant."""
    # A till's clock that is ahead counts nothing tomorrow.
    day, own = ladder.day(min(contribution.occurred_at, counts_at)), ladder.own_unit
    points: dict[tuple[str, datetime], int] = {(own, counts_at): 0}
    for each in contribution.points:
        waits = each.counts_at is not None and each.counts_at > counts_at and not ladder.tiers.counts_pending
        begins = each.counts_at if waits and each.counts_at is not None else counts_at
        points[each.unit, begins] = points.get((each.unit, begins), 0) + each.points
    amounts = [
        Amount(
            event_id=contribution.event_id,
            unit=unit,
            day=day if begins == counts_at else ladder.day(begins),
            counted_at=begins,
            points=value,
            spend_minor=max(0, contribution.spend_minor) if (unit, begins) == (own, counts_at) else 0,
            store_id=contribution.store_id if (unit, begins) == (own, counts_at) else None,
        )
        for (unit, begins), value in points.items()
    ]
    return tuple(amount for amount in amounts if not amount.is_empty)


def with_amounts(ladder: Ladder, record: TierRecord, added: tuple[Amount, ...]) -> TierRecord:
    """The record with amounts more.

    Raises:
        QualifyingSumTooLarge
    """
    days = {each.day for each in added}
    before = _places(each for each in record.amounts if each.day in days)
    sums = replace(
        record,
        points_earned=record.points_earned + _points(ladder, added),
        spend_minor=record.spend_minor + sum(each.spend_minor for each in added),
        visits=record.visits + len(_places(added) - before),
        amounts=record.amounts + added,
    )
    if max(sums.points_earned, sums.spend_minor) > AMOUNT_MAX:
        raise QualifyingSumTooLarge
    return sums


def without_event(ladder: Ladder, record: TierRecord, event_id: UUID) -> TierRecord:
    """The record as if an event had contributed nothing."""
    mine = tuple(each for each in record.amounts if each.event_id == event_id)
    others = tuple(each for each in record.amounts if each.event_id != event_id)
    return replace(
        record,
        points_earned=record.points_earned - _points(ladder, mine),
        spend_minor=record.spend_minor - sum(each.spend_minor for each in mine),
        visits=record.visits - len(_places(mine) - _places(others)),
        amounts=others,
    )


def reduced(
    ladder: Ladder, record: TierRecord, event_id: UUID, *, was: Standing | None, standing: Standing
) -> TierRecord:
    """The record with what is left of an event, of which ``was`` stood before (None: all that is counted).

    Points that came back are taken from the amounts that count last, and more points go to where the latest were taken:
    what comes back to points that wait waits with them. Amounts of which nothing is left stay as nothing, so that what
    is written can be told from what is stored.
    """
    mine = sorted(
        (each for each in record.amounts if each.event_id == event_id),
        key=lambda each: (each.counted_at, each.unit != ladder.own_unit),
    )
    counted = {unit: sum(each.points for each in mine if each.unit == unit) for unit in {each.unit for each in mine}}
    stood = was.points if was is not None else counted
    back = {unit: stood.get(unit, 0) - standing.points.get(unit, 0) for unit in counted}
    rising = {unit: _last_counting([each for each in mine if each.unit == unit]) for unit in counted}
    kept: list[Amount] = []
    for each in reversed(mine):
        taken = max(0, min(back[each.unit], each.points))
        back[each.unit] -= taken
        is_base = each is mine[0]
        more = max(0, -back[each.unit]) if each is rising[each.unit] else 0
        kept.append(
            each._replace(
                points=each.points - taken + more,
                spend_minor=max(0, standing.spend_minor) if is_base else 0,
                store_id=each.store_id if standing.is_visit else None,
            )
        )
    return with_amounts(ladder, without_event(ladder, record, event_id), tuple(reversed(kept)))


def _last_counting(amounts: Sequence[Amount]) -> Amount:
    """The last of which something is left; the last of all where nothing is."""
    return next((each for each in reversed(amounts) if each.points), amounts[-1])


def _points(ladder: Ladder, amounts: Iterable[Amount]) -> int:
    return sum(each.points for each in amounts if each.unit == ladder.own_unit)


def _places(amounts: Iterable[Amount]) -> set[tuple[UUID, object]]:
    return {(each.store_id, each.day) for each in amounts if each.store_id is not None}
