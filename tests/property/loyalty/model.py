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

from tests.property.loyalty.purses import OWN_UNIT, Member
from tests.property.loyalty.returns import Returns
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
    counts_at: datetime | None = None
    """From when it counts for tiers, where it was not known at once whose it is."""
    is_void: bool = False

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


class Shop(Returns):
    """One merchant with its members, under one program."""

    def __init__(self, program: Program, members: int, now: datetime) -> None:
        super().__init__(members, now, gifts_keep_end=program.gifts_keep_end, owed_max=program.owed_max)
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
        if self.program.terms is not None and not self._is_of_an_earlier_period(purchase, who):
            purchase.counts_at = self.now
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
            back = self.backs[number, unit]
            if ask := lost[unit] + back.shortfall:
                self.claw_back(purchase.member, number, unit, ask)
            back.taken, back.extra, back.drawn = 0, back.shortfall + back.lapsed, []
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

    def may_return(self, number: int, pieces: dict[int, int]) -> bool:
        """Whether these pieces can come back: goods not without what made them cheaper, and that not alone."""
        purchase = self.purchases[number]
        returned = {
            place: purchase.returned.get(place, 0) + pieces.get(place, 0) for place in range(len(purchase.lines))
        }
        worth = sum(_share(line, returned[place]) for place, line in enumerate(purchase.lines))
        return min(0, purchase.total) <= worth <= max(0, purchase.total)

    def left_of(self, number: int) -> int:
        """The money that could still be given back."""
        return max(0, sum(self._left(self.purchases[number])))

    def is_gone(self, purchase: Purchase) -> bool:
        """Whether nothing is left of it."""
        returned = sum(max(0, purchase.lines[place].amount) for place in purchase.returned)
        may_be = purchase.free + returned >= purchase.total > 0
        return self._is_all_back(purchase) or (may_be and sum(self._left(purchase)) == 0)

    def pieces_of(self, number: int, place: int) -> int:
        purchase = self.purchases[number]
        return purchase.lines[place].pieces - purchase.returned.get(place, 0)

    def _take_back(self, purchase: Purchase, stands: dict[str, int]) -> dict[str, int]:
        assert purchase.member is not None
        taken = {}
        for unit in self.program.units:
            mine = [rule.id for rule in self.program.rules if rule.unit == unit]
            back = self.backs[purchase.number, unit]
            gave = sum(purchase.first[rule_id] for rule_id in mine) + back.extra
            ask = gave - sum(stands[rule_id] for rule_id in mine) - back.taken - back.lapsed
            taken[unit] = self.claw_back(purchase.member, purchase.number, unit, ask)
        return taken

    # --- tiers ---

    def counts(self, who: int) -> tuple[int, int]:
        """The points and the money that count for a member, pending points among them."""
        mine = [each for each in self.purchases if each.member == who]
        return sum(self._own(self._standing(each)) for each in mine), sum(self.left_of(each.number) for each in mine)

    def tier(self, who: int) -> str:
        return self.course(who)[0]

    def course(self, who: int) -> tuple[str, datetime | None]:
        """The tier, and since when it is in question."""
        levels = self.program.levels
        if self.program.terms is not None:
            life = self._life(who)
            return levels[life.rung][0], life.midnight(life.warned) if life.warned else None
        reached = sum(event.amount for event in self._happened(who))
        return levels[max(place for place, level in enumerate(levels) if level[1] <= reached)][0], None

    def next_loss(self, who: int) -> datetime | None:
        """When a review next takes a member's tier or puts it in question, if one does within two periods."""
        return self._life(who).next_loss(self.now, 70)

    def _life(self, who: int) -> Life:
        assert self.program.terms is not None
        terms = self.program.terms
        thresholds = tuple(threshold for _, threshold, _ in self.program.levels)
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
        return Life(rules, ZoneInfo("Asia/Shanghai"), self.opened).live(self._happened(who), self.now)

    def _is_of_an_earlier_period(self, purchase: Purchase, who: int) -> bool:
        """It counts in the period of a tier in which it happened, as if it had been known."""
        life = self._life(who)
        is_reviewed = life.since is not None and life.rules.period == "anniversary"
        return is_reviewed and self._day(purchase.at) < life.begins(self._day(self.now))

    def _happened(self, who: int) -> list[Happened]:
        return [
            event
            for purchase in self.purchases
            if purchase.member == who and not self.is_gone(purchase)
            for event in self._counted(purchase)
            if event.at <= self.now
        ]

    def _counted(self, purchase: Purchase) -> list[Happened]:
        since = purchase.counts_at or purchase.at
        if self.program.counts_spend:
            return [Happened(since, self.left_of(purchase.number), purchase.at)]
        points = self._own(self._standing(purchase))
        if self.program.counts_pending or not self.program.waits_days:
            return [Happened(since, points, purchase.at)]
        return [Happened(since, 0), Happened(purchase.at + timedelta(days=self.program.waits_days), points)]

    # --- how points are worked out ---

    def _earned(
        self, lines: Sequence[Line], money: Sequence[int], tier: str, room: dict[str, int | None]
    ) -> dict[str, int]:
        factor = next(multiplier for code, _, multiplier in self.program.levels if code == tier)
        exact: dict[str, Fraction] = {}
        for rule in self.program.rules:
            of_scope = (m for line, m in zip(lines, money, strict=True) if rule.category in {None, line.category})
            base = max(0, sum(of_scope))
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
        left = max(0, sum(money[place] for place in scope))
        points = purchase.first[rule.id]
        return min(points, points * left // whole) if whole > 0 else points

    @staticmethod
    def _is_all_back(purchase: Purchase) -> bool:
        return all(purchase.returned.get(place, 0) == line.pieces for place, line in enumerate(purchase.lines))

    def _left(self, purchase: Purchase) -> list[int]:
        """The money that is left of each line.

        An amount without lines lowers them as if that part of the purchase had come back: lines below zero rise by it,
        and those above zero bear that too.
        """
        left = [
            line.amount - _share(line, purchase.returned.get(place, 0)) for place, line in enumerate(purchase.lines)
        ]
        whole = sum(left)
        free = min(purchase.free, whole)
        if free <= 0:
            return left
        rise = sum(-money for money in left if money < 0) * free // whole
        falls = _shared(free + rise, [max(0, money) for money in left])
        rises = _shared(rise, [max(0, -money) for money in left])
        return [money - fall + up for money, fall, up in zip(left, falls, rises, strict=True)]

    def _earn(self, member: Member, purchase: Purchase, unit: str, points: int) -> None:
        lives, at = self.program.lives_days, purchase.at
        ends = None if lives is None else at + timedelta(days=lives)
        self._give(member, unit, points, at + timedelta(days=self.program.waits_days), ends, purchase.number)

    def _own(self, points: dict[str, int]) -> int:
        return sum(points.get(rule.id, 0) for rule in self.program.rules if rule.unit == OWN_UNIT)

    @staticmethod
    def _day(at: datetime) -> date:
        return (at + SHANGHAI).date()


def _share(line: Line, pieces: int) -> int:
    """What some pieces of a line cost: rounded half-up, whatever its sign."""
    cost = int(Fraction(abs(line.amount) * pieces, line.pieces) + Fraction(1, 2))
    return cost if line.amount >= 0 else -cost


def _shared(total: int, weights: Sequence[int]) -> list[int]:
    """Given away one by one, to whoever has most for each one that it would have got: the first of equals."""
    shares = [0] * len(weights)
    for _ in range(total):
        best = 0
        for place in range(1, len(weights)):
            if weights[place] * (shares[best] + 1) > weights[best] * (shares[place] + 1):
                best = place
        shares[best] += 1
    return shares
