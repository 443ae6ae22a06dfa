"""Why a rule gave nothing for an event, and the smallest change with which it would: asked again before it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from services.loyalty.earning.domain.accruals import Evaluation, RuleOutcome
from services.loyalty.earning.domain.caps import CapKey
from services.loyalty.earning.domain.changing import BASE, changed, new_line_facts
from services.loyalty.earning.domain.considering import LineFacts
from services.loyalty.earning.domain.evaluation import evaluate
from services.loyalty.earning.domain.facts import event_facts, line_facts
from services.loyalty.earning.domain.failing import FailedPart, first_failing
from services.loyalty.earning.domain.freezing import FrozenInputs
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.earning.domain.smallest_change import Change, Searcher
from services.loyalty.earning.domain.windows import is_open
from services.loyalty.programs.domain.conditions import AllOf, Condition, Not
from services.loyalty.programs.domain.conditions.fields import Place, catalogue_of, lines_place, when_place
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.reading import pointer
from services.loyalty.programs.domain.rules import CapPeriod, EarnRule
from services.platform.errors import DomainError
from services.platform.money import AMOUNT_MAX

ROUNDS_MAX = 4
"""One thing after the other can stand in the way: a condition, the lines, a base below a block."""

APPLIED = frozenset({RuleOutcome.GAVE, RuleOutcome.MULTIPLIED})
_ALWAYS = AllOf(())


@dataclass(frozen=True, slots=True)
class WhyNot:
    """What became of a rule. ``failing`` is the first part of its condition that fails.

    ``changes`` is what would have had to be otherwise; empty where nothing is known that helps, or nothing is needed.
    With them the event would be ``event_then`` at the tier ``tier_then``, of which the rule would come to ``then`` and
    give ``points_then``.
    """

    rule_id: str
    outcome: RuleOutcome
    by: str | None
    caps: tuple[CapKey, ...]
    points: int
    failing: FailedPart | None
    changes: tuple[Change, ...]
    then: RuleOutcome
    points_then: int
    event_then: EarnEvent
    tier_then: str


def why_not(
    document: ProgramDocument,
    frozen: FrozenInputs,
    *,
    rule_id: str,
    lines: Sequence[PurchaseLine] = (),
    occurred_at: datetime | None = None,
) -> WhyNot | None:
    """Why the rule gave nothing for what was frozen, or what it gave; None where the document has no such rule."""
    places = {rule.id: place for place, rule in enumerate(document.rules)}
    at = frozen.occurred_at or occurred_at
    assert at is not None
    if rule_id not in places:
        return None
    event = EarnEvent(
        frozen.trigger, at, frozen.facts, frozen.code, frozen.currency, tuple(lines), frozen.shipping_minor
    )
    return _Asked(document, document.rules[places[rule_id]], places[rule_id], frozen).answer(event)


@dataclass(frozen=True, slots=True)
class _Told:
    """What became of the rule in one evaluation."""

    outcome: RuleOutcome
    by: str | None
    caps: tuple[CapKey, ...]
    points: int
    positions: tuple[int, ...]
    base_minor: int


@dataclass(frozen=True, slots=True)
class _Way:
    """Changes, and where they lead."""

    changes: tuple[Change, ...]
    told: _Told
    event: EarnEvent
    tier_code: str


@dataclass(frozen=True, slots=True)
class _Asked:
    document: ProgramDocument
    rule: EarnRule
    place: int
    frozen: FrozenInputs

    def answer(self, event: EarnEvent) -> WhyNot:
        first = self._told(event, self.frozen.tier_code)
        assert first is not None, "what was frozen was evaluated"
        way = self._way(event, first)
        return WhyNot(
            rule_id=self.rule.id,
            outcome=first.outcome,
            by=first.by,
            caps=first.caps,
            points=first.points,
            failing=self._failing(event, first.outcome),
            changes=way.changes,
            then=way.told.outcome,
            points_then=way.told.points,
            event_then=way.event,
            tier_then=way.tier_code,
        )

    def _way(self, event: EarnEvent, first: _Told) -> "_Way":
        """Changes, round by round, until the rule applies; none where it does not come to that."""
        gathered: dict[str, Change] = {}
        now, tier, told = event, self.frozen.tier_code, first
        for _ in range(ROUNDS_MAX):
            step = self._step(now, tier, told)
            if not step:
                break
            now, tier = changed(now, step, tier_code=tier, positions=told.positions)
            after = self._told(now, tier)
            if after is None:
                break
            for change in step:
                before = gathered.get(change.field)
                gathered[change.field] = change if before is None else replace(before, wanted=change.wanted)
            told = after
            if told.outcome in APPLIED or told.points:
                return _Way(tuple(gathered.values()), told, now, tier)
        return _Way((), first, event, self.frozen.tier_code)

    def _told(self, event: EarnEvent, tier_code: str) -> _Told | None:
        try:
            evaluation = evaluate(
                self.document, event, tier_code=tier_code, cap_used=self.frozen.cap_used, rate=self._rate(event)
            )
        except DomainError:  # a change too far: more points than an account holds
            return None
        return self._of(evaluation)

    def _rate(self, event: EarnEvent) -> Fraction | None:
        return self.frozen.rate if event.currency == self.frozen.currency else None

    def _of(self, evaluation: Evaluation) -> _Told:
        trace = evaluation.traces[self.place]
        accrual = next((each for each in evaluation.accruals if each.rule_id == self.rule.id), None)
        if accrual is None:
            return _Told(trace.outcome, trace.by, trace.caps, 0, (), 0)
        return _Told(trace.outcome, trace.by, trace.caps, accrual.points, accrual.positions, accrual.base_minor)

    def _local(self, event: EarnEvent) -> datetime:
        return event.occurred_at.astimezone(ZoneInfo(self.document.timezone))

    def _step(self, event: EarnEvent, tier: str, told: _Told) -> tuple[Change, ...]:
        match told.outcome:
            case RuleOutcome.CONDITION_FAILED | RuleOutcome.OUTSIDE_WINDOW:
                return self._search(event, tier, self.rule.when or _ALWAYS, when_place(self.rule), {})
            case RuleOutcome.NO_LINE:
                excluded = self.document.exclusions.earning
                wanted: Condition = self.rule.lines or _ALWAYS
                if excluded is not None:
                    wanted = AllOf((wanted, Not(excluded)))
                found = self._search(event, tier, wanted, lines_place(self.rule), new_line_facts())
                return found or (Change("line.sku", None, ""),)
            case RuleOutcome.NOTHING if told.positions:
                return self._more_base(event, tier, told)
            case RuleOutcome.CAPPED if told.points == 0:
                return self._next_period(event, told)
        return ()

    def _search(
        self, event: EarnEvent, tier: str, condition: Condition, place: Place, of_line: LineFacts
    ) -> tuple[Change, ...]:
        local = self._local(event)
        searcher = Searcher(
            catalogue=catalogue_of(self.document),
            place=place,
            facts={**event_facts(event, local=local, tier_code=tier), **of_line},
            local=local,
            also=lambda at: is_open(self.rule.window, at),
            clocks=(time.min, self.rule.window.from_time or time.min),
        )
        return searcher.search(condition) or ()

    def _more_base(self, event: EarnEvent, tier: str, told: _Told) -> tuple[Change, ...]:
        """The least that must be paid more for the rule to give a point, by halving."""

        def gives(more: int) -> bool:
            change = Change(BASE, told.base_minor, told.base_minor + more)
            after, _ = changed(event, (change,), tier_code=tier, positions=told.positions)
            result = self._told(after, tier)
            return result is not None and result.points > 0

        low, high = 0, 1
        while high < AMOUNT_MAX // 4 and not gives(high):
            low, high = high, high * 2
        if not gives(high):
            return ()
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if gives(middle) else (middle, high)
        return (Change(BASE, told.base_minor, told.base_minor + high),)

    def _next_period(self, event: EarnEvent, told: _Told) -> tuple[Change, ...]:
        """The instant at which the latest of the caps that took everything is empty again."""
        local, starts = self._local(event), []
        for key in told.caps:
            day = _next_start(key)
            if day is None:
                return ()
            starts.append(datetime(day.year, day.month, day.day, tzinfo=local.tzinfo))
        return (Change("time", local, max(starts)),) if starts else ()

    def _failing(self, event: EarnEvent, outcome: RuleOutcome) -> FailedPart | None:
        local = self._local(event)
        facts = event_facts(event, local=local, tier_code=self.frozen.tier_code)
        fields, path = catalogue_of(self.document), pointer("", ("rules", self.place))
        if outcome is RuleOutcome.CONDITION_FAILED and self.rule.when is not None:
            return first_failing(self.rule.when, fields, when_place(self.rule), facts, pointer(path, ("when",)))
        if outcome is RuleOutcome.NO_LINE and self.rule.lines is not None and event.lines:
            # Of the dearest line: that which would have counted most.
            line = max(event.lines, key=lambda each: each.net_minor)
            of_line = {**facts, **line_facts(line)}
            return first_failing(self.rule.lines, fields, lines_place(self.rule), of_line, pointer(path, ("lines",)))
        return None


def _next_start(key: CapKey) -> datetime | None:
    start = datetime(key.start.year, key.start.month, key.start.day, tzinfo=UTC)
    match key.period:
        case CapPeriod.DAY:
            return start + timedelta(days=1)
        case CapPeriod.WEEK:
            return start + timedelta(days=7)
        case CapPeriod.MONTH:
            return (start + timedelta(days=31)).replace(day=1)
        case CapPeriod.YEAR:
            return start.replace(year=start.year + 1)
    return None
