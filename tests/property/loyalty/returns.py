"""The second opinion on what a return takes, and on what comes back of it. See `model`."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.property.loyalty.purses import Lot, Purses

GIVEN_BACK = timedelta(days=30)
"""How long points last that come back after their end."""


@dataclass
class Back:
    """What became of a purchase's points of one unit."""

    taken: int = 0
    lapsed: int = 0
    shortfall: int = 0
    extra: int = 0
    """What it had given before it was rung up anew, and has not come back."""
    drawn: list[tuple[Lot, int]] = field(default_factory=list)
    """Of what is taken, from where it was drawn, the first first; the rest of it was owed."""

    @property
    def was_owed(self) -> int:
        return self.taken - sum(part for _, part in self.drawn)


class Returns(Purses):
    """Purses from which points go back that a purchase had given."""

    def __init__(self, members: int, now: datetime, *, gifts_keep_end: bool, owed_max: int) -> None:
        super().__init__(members, now, gifts_keep_end=gifts_keep_end)
        self.owed_max = owed_max
        self.backs: defaultdict[tuple[int, str], Back] = defaultdict(Back)
        """By purchase and unit."""

    def claw_back(self, who: int, purchase: int, unit: str, ask: int) -> int:
        """What was taken, below zero: given back."""
        if ask < 0:
            return -self._give_back(who, purchase, unit, -ask)
        member, back = self.members[who], self.backs[purchase, unit]
        lapsed = min(ask, self.lapsed_of[purchase, unit] - back.lapsed)
        back.lapsed += lapsed
        ask -= lapsed
        there = sorted((lot for lot in member.lots if lot.unit == unit and lot.left), key=Lot.order)
        own = [lot for lot in there if lot.purchase == purchase]
        pending = [lot for lot in own if lot.starts > self.now]
        others = [lot for lot in self._active(there) if lot.purchase != purchase]
        taken = 0
        for lot in [*pending, *self._active(own), *others]:
            if part := min(ask - taken, lot.left):
                lot.left -= part
                taken += part
                back.drawn.append((lot, part))
        owe = min(ask - taken, max(0, self.owed_max - member.owed[unit]))
        member.owed[unit] += owe
        back.taken += taken + owe
        back.shortfall = ask - taken - owe
        self._want(who, purchase, unit, back.shortfall)
        return taken + owe

    def _give_back(self, who: int, purchase: int, unit: str, points: int) -> int:
        """A line below zero has come back, and the rest is worth more: in the reverse order of taking."""
        member, back = self.members[who], self.backs[purchase, unit]
        self._want(who, purchase, unit, 0)
        back.shortfall = 0
        given = min(points, back.taken)
        back.lapsed -= points - given
        forgiven = min(given, back.was_owed, member.owed[unit])
        member.owed[unit] -= forgiven
        left, came = given - forgiven, []
        while left and back.drawn:
            lot, part = back.drawn.pop()
            if part > left:
                back.drawn.append((lot, part - left))
                part = left
            if lot.ends is not None and lot.ends <= self.now:
                lot.ends = self.now + GIVEN_BACK
            lot.left += part
            left -= part
            came.append(lot)
        if left:
            # It was owed, and other points have paid it meanwhile.
            own = [lot for lot in member.lots if (lot.purchase, lot.unit) == (purchase, unit) and not lot.is_reborn]
            ends = max(own, key=Lot.order).ends
            if ends is not None and ends <= self.now:
                ends = self.now + GIVEN_BACK
            came.append(self._give(member, unit, left, self.now, ends, purchase, is_reborn=True))
        back.taken -= given
        self._repay(member, self._active(came))
        return given

    def _take_late(self, lot: Lot, part: int) -> None:
        assert lot.purchase is not None
        back = self.backs[lot.purchase, lot.unit]
        back.drawn.append((lot, part))
        back.taken += part
        back.shortfall -= part

    def _want(self, who: int, purchase: int, unit: str, points: int) -> None:
        """What holds have of its own points goes back when they are released, up to so many."""
        for lot in sorted((lot for lot in self.members[who].lots if lot.purchase == purchase), key=Lot.order):
            if lot.unit == unit:
                lot.wanted = min(points, lot.held)
                points -= lot.wanted
