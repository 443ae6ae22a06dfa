"""A second opinion: what a small loyalty program owes its members, worked out without any of the product's code.

Deliberately naive: shares are given away cent by cent, lots are a list, nothing is kept that could be counted. Tiers
are told by `tier_model`, from the member's whole life each time.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.property.loyalty.purses import OWN_UNIT, Lot, Member, Purses
from tests.property.loyalty.tier_model import Happened, Life, Rules

SHANGHAI = timedelta(hours=8)
"""China has kept one time, without summer time, since 1991."""


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
    unit: str = OWN_UNIT


@dataclass(frozen=True)
class Terms:
    """How tiers are reviewed: at every midnight, looking back over a month, or at the end of a month of the tier."""

    period: str
    downgrade: str
    grace: int


@dataclass(frozen=True)
class Program:
    rules: tuple[Rule, ...]
    levels: tuple[tuple[str, int, Fraction], ...]
    """Code, threshold, multiplier."""
    counts_spend: bool = False
    counts_pending: bool = True
    terms: Terms | None = None
    """None: what was reached is kept."""
    in_proportion: bool = False
    owed_max: int = 0
    waits_days: int = 0
    """After how many days points can be spent; 0: at once."""
    lives_days: int | None = None
    gifts_keep_end: bool = True
    """Whether given points end when they would have ended; else never."""

    @property
    def units(self) -> set[str]:
        return {OWN_UNIT, *(rule.unit for rule in self.rules)}


@dataclass(frozen=True)
class Line:
    amount: int
    pieces: int
    category: str


@dataclass
class Back:
    """What became of a purchase's points of one unit."""

    taken: int = 0
    lapsed: int = 0
    shortfall: int = 0
    extra: int = 0
    """What it had given before it was rung up anew, and has not come back."""


@dataclass
class Purchase:
    number: int
    member: int | None
    """None: a guest's."""
    lines: tuple[Line, ...]
    at: datetime
    tier: str = ""
    room: dict[str, int | None] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    returned: dict[int, int] = field(default_factory=dict)
    """Pieces by place of the line, from 0."""
    free: int = 0
    """Money given back without naming lines."""
    back: defaultdict[str, Back] = field(default_factory=lambda: defaultdict(Back))
    is_void: bool = False

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


class Shop(Purses):
    """One merchant with its members, under one program."""

    def __init__(self, program: Program, members: int, now: datetime) -> None:
        super().__init__(members, now, gifts_keep_end=program.gifts_keep_end)
        self.program = program
        self.opened = now
        self.purchases: list[Purchase] = []
        self.caps: defaultdict[tuple[int, str, date], int] = defaultdict(int)

    # --- purchases ---

    def buy(self, who: int | None, lines: tuple[Line, ...]) -> int:
        """The points of the program's own unit that the purchase earns."""
        purchase = Purchase(len(self.purchases), who, lines, self.now)
        if who is not None:
            self._judge(purchase, who)
        self.purchases.append(purchase)
        return self._own(purchase.first)

    def claim(self, number: int, who: int) -> int:
        """Whose receipt it is is known at last; the points that it stands for."""
        purchase = self.purchases[number]
        self._judge(purchase, who)
        purchase.member = who
        gave = self._standing(purchase)
        for rule in self.program.rules:
            if rule.cap is not None:
                self.caps[who, rule.id, self._day(purchase.at)] -= purchase.first[rule.id] - gave[rule.id]
        return self._own(purchase.first) - self._take_back(purchase, gave)[OWN_UNIT]

    def _judge(self, purchase: Purchase, who: int) -> None:
        member, day = self.members[who], self._day(purchase.at)
        purchase.tier = self.tier(who)
        purchase.room = {
            rule.id: None if rule.cap is None else max(0, rule.cap - self.caps[who, rule.id, day])
            for rule in self.program.rules
        }
        lines = purchase.lines
        purchase.first = self._earned(lines, [line.amount for line in lines], purchase.tier, purchase.room)
        for rule in self.program.rules:
            if points := purchase.first[rule.id]:
                self._earn(member, purchase, rule.unit, points)
                if rule.cap is not None:
                    self.caps[who, rule.id, day] += points
        self._settle(member, purchase)

    def _settle(self, member: Member, purchase: Purchase) -> None:
        mine = [lot for lot in member.lots if lot.purchase == purchase.number and lot.starts <= self.now]
        self._repay(member, mine)
        self._lapse(mine)

    def amend(self, number: int, lines: tuple[Line, ...]) -> int:
        """The purchase is rung up anew; the points that it earns as if it had been so at first."""
        purchase = self.purchases[number]
        if purchase.member is None:
            purchase.lines = lines
            return 0
        member, first = self.members[purchase.member], purchase.first
        new = self._earned(lines, [line.amount for line in lines], purchase.tier, purchase.room)
        lost: defaultdict[str, int] = defaultdict(int)
        for rule in self.program.rules:
            more = new[rule.id] - first[rule.id]
            lost[rule.unit] += max(0, -more)
            if more > 0:
                self._earn(member, purchase, rule.unit, more)
            if rule.cap is not None:
                self.caps[purchase.member, rule.id, self._day(purchase.at)] += more
        self._settle(member, purchase)
        for unit in self.program.units:
            back = purchase.back[unit]
            if ask := lost[unit] + back.shortfall:
                self._claw_back(purchase, unit, ask)
            back.taken, back.extra = 0, back.shortfall + back.lapsed
        purchase.lines, purchase.first = lines, new
        return self._own(new)

    def refund(self, number: int, *, pieces: dict[int, int], free: int) -> int:
        """Take some of a purchase back; the points of the program's own unit that were taken from the member."""
        purchase = self.purchases[number]
        before = self._standing(purchase) if purchase.member is not None else {}
        for place, count in pieces.items():
            purchase.returned[place] = purchase.returned.get(place, 0) + count
        purchase.free += free
        if purchase.member is None:
            return 0
        after = self._standing(purchase)
        for rule in self.program.rules:
            if rule.cap is not None:
                self.caps[purchase.member, rule.id, self._day(purchase.at)] -= before[rule.id] - after[rule.id]
        return self._take_back(purchase, after)[OWN_UNIT]

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

    def _take_back(self, purchase: Purchase, stands: dict[str, int]) -> dict[str, int]:
        taken = {}
        for unit in self.program.units:
            mine = [rule.id for rule in self.program.rules if rule.unit == unit]
            back = purchase.back[unit]
            gave = sum(purchase.first[rule_id] for rule_id in mine) + back.extra
            ask = gave - sum(stands[rule_id] for rule_id in mine) - back.taken - back.lapsed
            taken[unit] = self._claw_back(purchase, unit, ask)
        return taken

    def _claw_back(self, purchase: Purchase, unit: str, ask: int) -> int:
        assert purchase.member is not None
        member, back = self.members[purchase.member], purchase.back[unit]
        lapsed = min(ask, self.lapsed_of[purchase.number, unit] - back.lapsed)
        back.lapsed += lapsed
        ask -= lapsed
        there = sorted((lot for lot in member.lots if lot.unit == unit and lot.left), key=Lot.order)
        own = [lot for lot in there if lot.purchase == purchase.number]
        pending = [lot for lot in own if lot.starts > self.now]
        others = [lot for lot in self._active(there) if lot.purchase != purchase.number]
        taken = 0
        for lot in [*pending, *self._active(own), *others]:
            part = min(ask - taken, lot.left)
            lot.left -= part
            taken += part
        owe = min(ask - taken, max(0, self.program.owed_max - member.owed[unit]))
        member.owed[unit] += owe
        back.taken += taken + owe
        back.shortfall = left = ask - taken - owe
        for lot in sorted((lot for lot in member.lots if lot.purchase == purchase.number), key=Lot.order):
            if lot.unit == unit:
                lot.wanted = min(left, lot.held)
                left -= lot.wanted
        return taken + owe

    # --- tiers ---

    def counts(self, who: int) -> tuple[int, int]:
        """The points and the money that count for a member, pending points among them."""
        mine = [each for each in self.purchases if each.member == who]
        return sum(self._own(self._standing(each)) for each in mine), sum(sum(self._left(each)) for each in mine)

    def tier(self, who: int) -> str:
        program = self.program
        happened = [
            event
            for purchase in self.purchases
            if purchase.member == who and not self.is_gone(purchase)
            for event in self._counted(purchase)
            if event.at <= self.now
        ]
        thresholds = tuple(threshold for _, threshold, _ in program.levels)
        if program.terms is None:
            return program.levels[max(i for i, at in enumerate(thresholds) if at <= sum(e.amount for e in happened))][0]
        terms = program.terms
        rules = Rules(
            thresholds,
            thresholds,
            (False,) * len(thresholds),
            terms.period,
            1,
            False,
            "at_once",
            terms.downgrade,
            terms.grace,
        )
        return program.levels[Life(rules, ZoneInfo("Asia/Shanghai"), self.opened).live(happened, self.now).rung][0]

    def _counted(self, purchase: Purchase) -> list[Happened]:
        if self.program.counts_spend:
            return [Happened(purchase.at, sum(self._left(purchase)))]
        points = self._own(self._standing(purchase))
        if self.program.counts_pending or not self.program.waits_days:
            return [Happened(purchase.at, points)]
        return [Happened(purchase.at, 0), Happened(purchase.at + timedelta(days=self.program.waits_days), points)]

    # --- how points are worked out ---

    def _earned(
        self, lines: Sequence[Line], money: Sequence[int], tier: str, room: dict[str, int | None]
    ) -> dict[str, int]:
        factor = next(multiplier for code, _, multiplier in self.program.levels if code == tier)
        exact: dict[str, Fraction] = {}
        for rule in self.program.rules:
            base = sum(m for line, m in zip(lines, money, strict=True) if rule.category in {None, line.category})
            blocks = Fraction(base // rule.per) if rule.is_step else Fraction(base, rule.per)
            exact[rule.id] = blocks * rule.points * factor
        earned: dict[str, int] = {}
        for unit in self.program.units:
            earned |= self._whole({rule.id: exact[rule.id] for rule in self.program.rules if rule.unit == unit})
        return {
            rule_id: points if (limit := room[rule_id]) is None else min(points, limit)
            for rule_id, points in earned.items()
        }

    @staticmethod
    def _whole(exact: dict[str, Fraction]) -> dict[str, int]:
        """Rounded down once for all rules, and the whole shared out: who lacks the largest part of a point is first."""
        whole, total = int(sum(exact.values())), sum(exact.values())
        shares = {rule_id: points * whole / total if total else points for rule_id, points in exact.items()}
        earned = {rule_id: int(share) for rule_id, share in shares.items()}
        for _ in range(whole - sum(earned.values())):
            earned[max(shares, key=lambda rule_id: shares[rule_id] - earned[rule_id])] += 1
        return earned

    def _standing(self, purchase: Purchase) -> dict[str, int]:
        money, first = self._left(purchase), purchase.first
        if sum(money) <= 0 < purchase.total or self._is_all_back(purchase):
            return dict.fromkeys(first, 0)
        if self.program.in_proportion:
            return {rule.id: self._part(rule, purchase, money) for rule in self.program.rules}
        again = self._earned(purchase.lines, money, purchase.tier, purchase.room)
        kept: dict[str, int] = {}
        for unit in self.program.units:
            mine = [rule.id for rule in self.program.rules if rule.unit == unit]
            lesser = {rule_id: min(first[rule_id], again[rule_id]) for rule_id in mine}
            # What one rule has lost to another when the whole was shared anew, up to the lesser of both wholes.
            whole = min(sum(source[rule_id] for rule_id in mine) for source in (first, again))
            for rule_id in mine:
                lesser[rule_id] += min(whole - sum(lesser.values()), first[rule_id] - lesser[rule_id])
            kept |= lesser
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

    def _earn(self, member: Member, purchase: Purchase, unit: str, points: int) -> None:
        lives, at = self.program.lives_days, purchase.at
        ends = None if lives is None else at + timedelta(days=lives)
        self._give(member, unit, points, at + timedelta(days=self.program.waits_days), ends, purchase.number)

    def _own(self, points: dict[str, int]) -> int:
        return sum(points.get(rule.id, 0) for rule in self.program.rules if rule.unit == OWN_UNIT)

    @staticmethod
    def _day(at: datetime) -> date:
        return (at + SHANGHAI).date()
