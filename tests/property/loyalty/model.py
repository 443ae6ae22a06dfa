"""A second opinion: what a small loyalty program owes its members, worked out without any of the product's code.

Deliberately naive: shares are given away cent by cent, lots are a list, nothing is kept that could be counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

SHANGHAI = timedelta(hours=8)
"""China has kept one time, without summer time, since 1991."""
FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    """``points`` for every ``per`` minor units of what was paid, of one category or of everything."""

    id: str
    points: int
    per: int
    is_step: bool = True
    category: str | None = None
    cap: int | None = None
    """Points a day."""


@dataclass(frozen=True)
class Program:
    rules: tuple[Rule, ...]
    levels: tuple[tuple[str, int, Fraction], ...]
    """Code, threshold, multiplier."""
    counts_spend: bool = False
    in_proportion: bool = False
    owed_max: int = 0
    waits_days: int = 0
    """After how many days points can be spent; 0: at once."""
    lives_days: int | None = None


@dataclass(frozen=True)
class Line:
    amount: int
    pieces: int
    category: str


@dataclass
class Lot:
    born: int
    left: int
    starts: datetime
    ends: datetime | None
    purchase: int | None

    def order(self) -> tuple[datetime, datetime, int]:
        return FAR if self.ends is None else self.ends, self.starts, self.born


@dataclass
class Purchase:
    number: int
    member: int
    lines: tuple[Line, ...]
    at: datetime
    tier: str
    room: dict[str, int | None]
    first: dict[str, int]
    returned: dict[int, int] = field(default_factory=dict)
    """Pieces by place of the line, from 0."""
    free: int = 0
    """Money given back without naming lines."""
    taken: int = 0
    lapsed: int = 0
    shortfall: int = 0
    extra: int = 0
    """What it had given before it was rung up anew, and has not come back."""
    is_void: bool = False

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


@dataclass
class Member:
    lots: list[Lot] = field(default_factory=list)
    owed: int = 0
    points: int = 0
    spend: int = 0


class Shop:
    """One merchant with its members, under one program. ``now`` is what the clock shows."""

    def __init__(self, program: Program, members: int, now: datetime) -> None:
        self.program = program
        self.members = [Member() for _ in range(members)]
        self.purchases: list[Purchase] = []
        self.caps: defaultdict[tuple[int, str, date], int] = defaultdict(int)
        self.now = now
        self.lapsed_of: defaultdict[int, int] = defaultdict(int)
        """Points of purchases that have ended by themselves."""
        self._births = 0

    # --- what happens ---

    def wait(self, time: timedelta) -> None:
        until = self.now + time
        while due := [
            (at, step)
            for member in self.members
            for lot in member.lots
            if lot.left
            for step, at in ((1, lot.starts), (2, lot.ends))
            if at is not None and self.now < at <= until
        ]:
            # Of one instant activation comes before expiry.
            self.now = min(due)[0]
            for member in self.members:
                self._repay(member, [lot for lot in member.lots if lot.starts == self.now])
                self._lapse([lot for lot in member.lots if lot.ends == self.now])
        self.now = until

    def _lapse(self, lots: Iterable[Lot]) -> None:
        for lot in lots:
            if lot.purchase is not None:
                self.lapsed_of[lot.purchase] += lot.left
            lot.left = 0

    @staticmethod
    def _repay(member: Member, lots: Iterable[Lot]) -> None:
        for lot in sorted(lots, key=Lot.order):
            part = min(lot.left, member.owed)
            lot.left -= part
            member.owed -= part

    def buy(self, who: int, lines: tuple[Line, ...]) -> int:
        """The points that the purchase earns."""
        member, day = self.members[who], self._day(self.now)
        tier = self.tier(member)
        room = {
            rule.id: None if rule.cap is None else max(0, rule.cap - self.caps[who, rule.id, day])
            for rule in self.program.rules
        }
        first = self._earned(lines, [line.amount for line in lines], tier, room)
        number = len(self.purchases)
        self.purchases.append(Purchase(number, who, lines, self.now, tier, room, first))
        for rule in self.program.rules:
            if points := first[rule.id]:
                self._earn(member, number, points, self.now)
                if rule.cap is not None:
                    self.caps[who, rule.id, day] += points
        self._repay(member, [lot for lot in member.lots if lot.purchase == number and lot.starts <= self.now])
        member.points += sum(first.values())
        member.spend += sum(line.amount for line in lines)
        return sum(first.values())

    def amend(self, number: int, lines: tuple[Line, ...]) -> int:
        """The purchase is rung up anew; the points that it earns as if it had been so at first."""
        purchase = self.purchases[number]
        member, first = self.members[purchase.member], purchase.first
        new = self._earned(lines, [line.amount for line in lines], purchase.tier, purchase.room)
        lost = sum(max(0, points - new[rule_id]) for rule_id, points in first.items())
        for rule_id, points in new.items():
            if points > first[rule_id]:
                self._earn(member, number, points - first[rule_id], purchase.at)
        mine = [lot for lot in member.lots if lot.purchase == number and lot.starts <= self.now]
        self._repay(member, mine)
        self._lapse([lot for lot in mine if lot.ends is not None and lot.ends <= self.now])
        for rule in self.program.rules:
            if rule.cap is not None:
                key = purchase.member, rule.id, self._day(purchase.at)
                self.caps[key] += new[rule.id] - first[rule.id]
        member.points += sum(new.values()) - sum(first.values())
        member.spend += sum(line.amount for line in lines) - purchase.total
        self._claw_back(purchase, lost)
        purchase.lines, purchase.first, purchase.taken = lines, new, 0
        purchase.extra = purchase.shortfall + purchase.lapsed
        return sum(new.values())

    def give(self, who: int, points: int) -> None:
        member = self.members[who]
        self._give(member, points, self.now, None, None)
        self._repay(member, member.lots[-1:])

    def available(self, who: int) -> int:
        return sum(lot.left for lot in self.members[who].lots if lot.starts <= self.now)

    def spend(self, who: int, points: int) -> None:
        """Points that are there."""
        for lot in sorted(self._active(self.members[who].lots), key=Lot.order):
            part = min(points, lot.left)
            lot.left -= part
            points -= part
        assert points == 0

    def refund(self, number: int, *, pieces: dict[int, int], free: int) -> int:
        """Take some of a purchase back; the points that were taken from the member."""
        purchase = self.purchases[number]
        before, money_before = self._standing(purchase), sum(self._left(purchase))
        for place, count in pieces.items():
            purchase.returned[place] = purchase.returned.get(place, 0) + count
        purchase.free += free
        after = self._standing(purchase)
        self._uncount(purchase, before, after, money_before - sum(self._left(purchase)))
        gave = sum(purchase.first.values()) + purchase.extra
        ask = gave - sum(after.values()) - purchase.taken - purchase.lapsed
        return self._claw_back(purchase, ask)

    def left_of(self, number: int) -> int:
        """The money that could still be given back."""
        return sum(self._left(self.purchases[number]))

    def is_gone(self, purchase: Purchase) -> bool:
        """Whether nothing is left of it."""
        returned = sum(purchase.lines[place].amount for place in purchase.returned)
        may_be = purchase.free + returned >= purchase.total > 0
        return self._is_all_back(purchase) or (may_be and sum(self._left(purchase)) == 0)

    def pieces_of(self, number: int, place: int) -> int:
        purchase = self.purchases[number]
        return purchase.lines[place].pieces - purchase.returned.get(place, 0)

    # --- how it is worked out ---

    def tier(self, member: Member) -> str:
        counted = member.spend if self.program.counts_spend else member.points
        return [code for code, threshold, _ in self.program.levels if threshold <= counted][-1]

    def _earned(
        self, lines: Sequence[Line], money: Sequence[int], tier: str, room: dict[str, int | None]
    ) -> dict[str, int]:
        factor = next(multiplier for code, _, multiplier in self.program.levels if code == tier)
        exact: dict[str, Fraction] = {}
        for rule in self.program.rules:
            base = sum(m for line, m in zip(lines, money, strict=True) if rule.category in {None, line.category})
            blocks = Fraction(base // rule.per) if rule.is_step else Fraction(base, rule.per)
            exact[rule.id] = blocks * rule.points * factor
        # Rounded down once for all rules, and the whole shared out: who lacks the largest part of a point is first.
        whole, total = int(sum(exact.values())), sum(exact.values())
        shares = {rule_id: points * whole / total if total else points for rule_id, points in exact.items()}
        earned = {rule_id: int(share) for rule_id, share in shares.items()}
        for _ in range(whole - sum(earned.values())):
            earned[max(shares, key=lambda rule_id: shares[rule_id] - earned[rule_id])] += 1
        return {
            rule_id: points if (limit := room[rule_id]) is None else min(points, limit)
            for rule_id, points in earned.items()
        }

    def _standing(self, purchase: Purchase) -> dict[str, int]:
        money, first = self._left(purchase), purchase.first
        if sum(money) <= 0 < purchase.total or self._is_all_back(purchase):
            return dict.fromkeys(first, 0)
        if self.program.in_proportion:
            return {rule.id: self._part(rule, purchase, money) for rule in self.program.rules}
        again = self._earned(purchase.lines, money, purchase.tier, purchase.room)
        kept = {rule_id: min(points, again[rule_id]) for rule_id, points in first.items()}
        for rule_id, points in first.items():
            # What one rule has lost to another when the whole was shared anew, up to the lesser of both wholes.
            whole = min(sum(first.values()), sum(again.values()))
            kept[rule_id] += min(whole - sum(kept.values()), points - kept[rule_id])
        return kept

    @staticmethod
    def _part(rule: Rule, purchase: Purchase, money: Sequence[int]) -> int:
        scope = [place for place, line in enumerate(purchase.lines) if rule.category in {None, line.category}]
        whole = sum(purchase.lines[place].amount for place in scope)
        left = sum(money[place] for place in scope)
        points = purchase.first[rule.id]
        return min(points, points * left // whole) if whole > 0 else points

    @staticmethod
    def _is_all_back(purchase: Purchase) -> bool:
        return all(purchase.returned.get(place, 0) == line.pieces for place, line in enumerate(purchase.lines))

    def _left(self, purchase: Purchase) -> list[int]:
        """The money that is left of each line."""
        left = []
        for place, line in enumerate(purchase.lines):
            back = Fraction(line.amount * purchase.returned.get(place, 0), line.pieces)
            left.append(line.amount - int(back + Fraction(1, 2)))
        weights, shares = list(left), [0] * len(left)
        for _ in range(min(purchase.free, sum(weights))):
            # Whoever has the most money for each cent that it would have given: the first of equals.
            best = 0
            for place in range(1, len(left)):
                if weights[place] * (shares[best] + 1) > weights[best] * (shares[place] + 1):
                    best = place
            shares[best] += 1
        return [weight - share for weight, share in zip(weights, shares, strict=True)]

    def _uncount(self, purchase: Purchase, before: dict[str, int], after: dict[str, int], money: int) -> None:
        member = self.members[purchase.member]
        for rule in self.program.rules:
            if rule.cap is not None:
                key = purchase.member, rule.id, self._day(purchase.at)
                self.caps[key] -= before[rule.id] - after[rule.id]
        member.points -= sum(before.values()) - sum(after.values())
        member.spend -= money

    def _claw_back(self, purchase: Purchase, ask: int) -> int:
        member = self.members[purchase.member]
        lapsed = min(ask, self.lapsed_of[purchase.number] - purchase.lapsed)
        purchase.lapsed += lapsed
        ask -= lapsed
        own = [lot for lot in member.lots if lot.purchase == purchase.number]
        pending = sorted((lot for lot in own if lot.starts > self.now), key=Lot.order)
        active = sorted(self._active(own), key=Lot.order)
        others = sorted((x for x in self._active(member.lots) if x.purchase != purchase.number), key=Lot.order)
        taken = 0
        for lot in [*pending, *active, *others]:
            part = min(ask - taken, lot.left)
            lot.left -= part
            taken += part
        owe = min(ask - taken, max(0, self.program.owed_max - member.owed))
        member.owed += owe
        purchase.taken += taken + owe
        purchase.shortfall = ask - taken - owe
        return taken + owe

    def _earn(self, member: Member, purchase: int, points: int, at: datetime) -> None:
        lives = self.program.lives_days
        ends = None if lives is None else at + timedelta(days=lives)
        self._give(member, points, at + timedelta(days=self.program.waits_days), ends, purchase)

    def _give(self, member: Member, points: int, starts: datetime, ends: datetime | None, purchase: int | None) -> None:
        self._births += 1
        member.lots.append(Lot(self._births, points, starts, ends, purchase))

    def _active(self, lots: Iterable[Lot]) -> list[Lot]:
        return [lot for lot in lots if lot.starts <= self.now and lot.left]

    @staticmethod
    def _day(at: datetime) -> date:
        return (at + SHANGHAI).date()
