"""The second opinion's purses: lots, holds, gifts and what is owed, as time goes by. See `model`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FAR = datetime.max.replace(tzinfo=UTC)
OWN_UNIT = "points"


@dataclass
class Lot:
    born: int
    unit: str
    left: int
    starts: datetime
    ends: datetime | None
    purchase: int | None
    held: int = 0
    wanted: int = 0
    """Of what is held, what its purchase's return asked for: it is taken when it is released."""
    is_reborn: bool = False
    """Whether it stands for points that had paid what was owed, and came back."""

    def order(self) -> tuple[datetime, datetime, int]:
        return FAR if self.ends is None else self.ends, self.starts, self.born


@dataclass
class Hold:
    member: int
    parts: list[tuple[Lot, int]]
    ends: datetime

    @property
    def points(self) -> int:
        return sum(part for _, part in self.parts)


@dataclass
class Member:
    lots: list[Lot] = field(default_factory=list)
    owed: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class Purses:
    """What members have in points of several units. ``now`` is what the clock shows."""

    def __init__(self, members: int, now: datetime, *, gifts_keep_end: bool) -> None:
        self.members = [Member() for _ in range(members)]
        self.holds: list[Hold] = []
        self.now = now
        self.gifts_keep_end = gifts_keep_end
        """Whether given points end when they would have ended; else never."""
        self.lapsed_of: defaultdict[tuple[int, str], int] = defaultdict(int)
        """Points of purchases that have ended by themselves, by unit."""
        self._births = 0

    def wait(self, time: timedelta) -> None:
        until = self.now + time
        while due := [at for at in self._instants() if self.now < at <= until]:
            # Of one instant activation comes first, then the end of holds, then expiry.
            self.now = min(due)
            for member in self.members:
                self._repay(member, [lot for lot in member.lots if lot.starts == self.now])
            for hold in self.holds:
                if hold.ends == self.now:
                    self._give_up(hold)
            for member in self.members:
                self._lapse(member.lots)
        self.now = until

    def _instants(self) -> Iterator[datetime]:
        for lot in (lot for member in self.members for lot in member.lots if lot.left):
            yield lot.starts
            if lot.ends is not None:
                yield lot.ends
        yield from (hold.ends for hold in self.holds if hold.parts)

    def _lapse(self, lots: Iterable[Lot]) -> None:
        for lot in lots:
            if lot.ends is not None and lot.ends <= self.now:
                if lot.purchase is not None:
                    self.lapsed_of[lot.purchase, lot.unit] += lot.left
                lot.left = 0

    @staticmethod
    def _repay(member: Member, lots: Iterable[Lot]) -> None:
        for lot in sorted(lots, key=Lot.order):
            part = min(lot.left, member.owed[lot.unit])
            lot.left -= part
            member.owed[lot.unit] -= part

    def give(self, who: int, points: int) -> None:
        """Of the program's own unit, by staff."""
        lot = self._give(self.members[who], OWN_UNIT, points, self.now, None, None)
        self._repay(self.members[who], [lot])

    def available(self, who: int, unit: str = OWN_UNIT) -> int:
        return sum(lot.left for lot in self._active(self.members[who].lots) if lot.unit == unit)

    def spend(self, who: int, points: int) -> None:
        """Points of the program's own unit that are there."""
        self._draw(who, OWN_UNIT, points)

    def transfer(self, sender: int, recipient: int, unit: str, points: int) -> None:
        """Points that are there, to somebody else."""
        to, given = self.members[recipient], []
        for lot, part in self._draw(sender, unit, points):
            starts, ends = (lot.starts, lot.ends) if self.gifts_keep_end else (self.now, None)
            given.append(self._give(to, unit, part, starts, ends, None))
        self._repay(to, given)

    def hold(self, who: int, unit: str, points: int, time: timedelta) -> int:
        """The number of the hold."""
        hold = Hold(who, self._draw(who, unit, points), self.now + time)
        for lot, part in hold.parts:
            lot.held += part
        self.holds.append(hold)
        return len(self.holds) - 1

    def capture(self, number: int, points: int, *, keeps_rest: bool) -> None:
        """Spend the first points of a hold."""
        hold, rest = self.holds[number], []
        for lot, part in hold.parts:
            spent = min(points, part)
            lot.held -= spent
            lot.wanted = min(lot.wanted, lot.held)
            points -= spent
            if part > spent:
                rest.append((lot, part - spent))
        hold.parts = rest
        if not keeps_rest:
            self._give_up(hold)

    def release(self, number: int) -> None:
        self._give_up(self.holds[number])

    def _give_up(self, hold: Hold) -> None:
        """What it holds comes back, pays what is owed, goes where it is wanted, lapses where its time is over."""
        lots = [lot for lot, _ in hold.parts]
        for lot, part in hold.parts:
            lot.held -= part
            lot.left += part
        hold.parts = []
        self._repay(self.members[hold.member], lots)
        for lot in lots:
            part = min(lot.wanted, lot.left)
            lot.left -= part
            lot.wanted = min(lot.wanted - part, lot.held)
            if part:
                self._take_late(lot, part)
        self._lapse(lots)

    def _take_late(self, lot: Lot, part: int) -> None:
        """Points that a hold has released go where their purchase's return wanted them."""
        raise NotImplementedError

    def _draw(self, who: int, unit: str, points: int) -> list[tuple[Lot, int]]:
        parts = []
        for lot in sorted(self._active(self.members[who].lots), key=Lot.order):
            part = min(points, lot.left) if lot.unit == unit else 0
            if part:
                lot.left -= part
                points -= part
                parts.append((lot, part))
        assert points == 0
        return parts

    def _give(
        self,
        member: Member,
        unit: str,
        points: int,
        starts: datetime,
        ends: datetime | None,
        purchase: int | None,
        *,
        is_reborn: bool = False,
    ) -> Lot:
        self._births += 1
        lot = Lot(self._births, unit, points, starts, ends, purchase, is_reborn=is_reborn)
        member.lots.append(lot)
        return lot

    def _active(self, lots: Iterable[Lot]) -> list[Lot]:
        return [lot for lot in lots if lot.starts <= self.now and lot.left]
