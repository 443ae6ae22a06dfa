"""Ends that move with activities: the short way, where no part is ever lost, is the long one."""

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.ledger.domain import LotOrigin, Reference, new_lot
from services.loyalty.ledger.domain.activity import ActivityMark, replayed, withdrawn
from services.loyalty.ledger.domain.clocks import Loss, LotClock, Sliding, Stretch, Validity

BORN = datetime(2026, 1, 31, 12, tzinfo=UTC)
NEVER = Loss(1, Stretch(12 * 900, "month"), ())
"""A part that would be lost nine hundred years on, whatever the holder does."""

days = st.integers(0, 200).map(lambda day: BORN + timedelta(days=day))
stretches = st.builds(Stretch, st.integers(1, 40), st.just("day"), st.sampled_from(["none", "month"]))
slidings = st.builds(Sliding, stretches, st.just(("purchase", "visit")), st.none() | days.filter(lambda at: at > BORN))
marks = st.lists(
    st.tuples(st.sampled_from(["purchase", "visit", "survey"]), days, days, st.integers(1, 3)), max_size=12
)


@given(slidings, marks, st.integers(0, 8))
def test_no_lost_part_is_the_same_as_one_that_is_never_lost(
    sliding: Sliding, noted: list[tuple[str, datetime, datetime, int]], since: int
) -> None:
    clock = LotClock("Asia/Shanghai", BORN, sliding, since=UUID(int=since))
    first = sliding.first_end(BORN, BORN, clock.zone_info)
    end = first if sliding.limit is None else min(first, sliding.limit)
    lot = new_lot(
        lot_id=UUID(int=99),
        holder_id=UUID(int=98),
        unit="points",
        amount=10,
        origin=LotOrigin("purchase", None),
        now=BORN,
        validity=Validity(BORN, end, clock=clock),
    )
    losing = dataclasses.replace(clock, loss=NEVER)
    long = lot.lasting(Validity(BORN, end, NEVER.stretch.after(BORN, clock.zone_info), clock=losing))
    told = [
        ActivityMark(UUID(int=number), activity, at, Reference("purchase", UUID(int=source)), recorded_at)
        for number, (activity, at, recorded_at, source) in enumerate(noted)
    ]

    assert replayed(lot, told).expires_at == replayed(long, told).expires_at
    assert replayed(lot, told).loses_at is None
    moved = lot.lasting(replayed(lot, told)), long.lasting(replayed(long, told))
    back = [withdrawn(each, source=Reference("purchase", UUID(int=1)), marks=told) for each in moved]
    assert back[0].expires_at == back[1].expires_at
