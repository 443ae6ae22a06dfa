"""The smallest change of an event's facts with which a condition would hold: a search, cheapest first.

A step changes one fact so that the first part of the condition that fails comes out as wanted; "any" offers a step for
each of its parts. Facts of time move together, as the event's instant does. What is found has been asked and holds;
nothing is found where the search ends first (`TRIES_MAX`, `ASKS_MAX`) or a condition contradicts itself.
"""

import heapq
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from services.loyalty.earning.domain.candidates import FEW, values_for
from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Condition, Expression, Not
from services.loyalty.programs.domain.conditions.asking import Asker, compile_condition
from services.loyalty.programs.domain.conditions.cel import DECIMAL_SCALE, fields_named
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Catalogue, Facts, FactValue, Place, time_facts

TRIES_MAX = 300
ASKS_MAX = 10_000
"""So often a search asks at most: it is somebody's question at a counter, not a proof."""

DAYS_AHEAD = 750
_TIME = "time"
_DAYS = frozenset({"time.weekday", "time.date", "time.day", "time.month"})
_WEIGHTS = {"order": 1_000, "line": 1_000, "time": 2_000, "event": 2_000, "store": 3_000, "member": 4_000}
_FIXED = frozenset({"member.age", "member.birthdayMonth", "member.isBirthday", "member.isReferred"})
"""Facts that nobody chooses: named where nothing else would do."""

_FIXED_WEIGHT = 9_000
_HOURS = tuple(time(hour, minute) for hour in range(24) for minute in (0, 59))
_LAST_MINUTE = time(23, 59)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_MONTH = timedelta(days=30)
_TOO_LATE = 500
_LITERALS = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|(?<![\w.])(\d+)(?![\w.])")


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that would have to be otherwise. ``actual`` None: it is not known; ``wanted`` None: likewise.

    Of ``time`` both are the event's instant in the program's zone.
    """

    field: str
    actual: FactValue | None
    wanted: FactValue | None


@dataclass(frozen=True, slots=True)
class _State:
    """The facts as changed so far, and the instant."""

    changed: Mapping[str, FactValue | None]
    local: datetime


@dataclass
class Searcher:
    """Searches for one condition at one place. ``also`` must hold as well, of the instant in the program's zone.

    ``clocks`` are times of day at which ``also`` may begin to hold.
    """

    catalogue: Catalogue
    place: Place
    facts: Facts
    local: datetime
    also: Callable[[datetime], bool] = lambda _local: True
    clocks: tuple[time, ...] = ()
    asked: int = 0
    _askers: dict[int, Asker] = field(default_factory=dict)

    def search(self, condition: Condition) -> tuple[Change, ...] | None:
        """The smallest change found; empty when the condition holds as it is."""
        order = itertools.count()
        queue: list[tuple[int, int, _State]] = [(0, next(order), _State({}, self.local))]
        seen: set[Any] = set()
        for _ in range(TRIES_MAX):
            if not queue or self.asked > ASKS_MAX:
                return None
            _, _, state = heapq.heappop(queue)
            key = (state.local, tuple(sorted((name, repr(value)) for name, value in state.changed.items())))
            if key in seen:
                continue
            seen.add(key)
            facts = self._facts_of(state)
            if not self.also(state.local):
                clocks = {*self.clocks, state.local.time()}
                steps = self._instants(lambda _facts, local: self.also(local), facts, state.local, DAYS_AHEAD, clocks)
            elif self.ask(condition, facts) is True:
                return self._changes(state)
            else:
                steps = self._steps(condition, facts, state.local, wanted=True)
            for name, value in steps:
                after = self._after(state, name, value)
                heapq.heappush(queue, (self._cost(after), next(order), after))
        return None

    def ask(self, condition: Condition, facts: Facts) -> bool | None:
        """What a part of the condition answers."""
        self.asked += 1
        asker = self._askers.get(id(condition))
        if asker is None or asker.condition is not condition:
            asker = self._askers[id(condition)] = compile_condition(condition, self.catalogue, self.place)
        return asker.ask(facts)

    def _facts_of(self, state: _State) -> dict[str, FactValue | None]:
        return {**self.facts, **time_facts(state.local), **state.changed}

    def _after(self, state: _State, name: str, value: Any) -> _State:
        if name == _TIME:
            return _State(state.changed, value)
        changed = {**state.changed, name: value}
        if value == self.facts.get(name):
            del changed[name]
        return _State(changed, state.local)

    def _changes(self, state: _State) -> tuple[Change, ...]:
        changes = [Change(name, self.facts.get(name), value) for name, value in sorted(state.changed.items())]
        if state.local != self.local:
            changes.append(Change(_TIME, self.local, state.local))
        return tuple(changes)

    def _cost(self, state: _State) -> int:
        """Ordering only, in thousandths: how many facts and of what kind, then how far."""
        cost = sum(_weight(name) + _distance(self.facts.get(name), value) for name, value in state.changed.items())
        if state.local != self.local:
            away = abs(state.local - self.local)
            cost += _WEIGHTS[_TIME] + away * 1_000 // (away + _MONTH) + (_TOO_LATE if state.local < self.local else 0)
        return cost

    def _steps(self, condition: Condition, facts: Facts, local: datetime, *, wanted: bool) -> Iterator[tuple[str, Any]]:
        match condition:
            case AllOf(parts) | AnyOf(parts):
                # All wanted true, or any wanted false: the first that is otherwise. Else: one of them will do.
                if isinstance(condition, AllOf) is wanted:
                    failing = [part for part in parts if self.ask(part, facts) is not wanted][:1]
                else:
                    failing = list(parts)
                for part in failing:
                    yield from self._steps(part, facts, local, wanted=wanted)
            case Not(inner):
                yield from self._steps(inner, facts, local, wanted=not wanted)
            case Comparison(name):
                yield from self._of_comparison(condition, self.catalogue.find(name, self.place), facts, local, wanted)
            case Expression(source):
                yield from self._of_expression(condition, source, facts, local, wanted=wanted)

    def _of_comparison(
        self,
        comparison: Comparison,
        known: Field | None,
        facts: Facts,
        local: datetime,
        wanted: bool,  # noqa: FBT001 - handed on
    ) -> Iterator[tuple[str, Any]]:
        if known is None:
            return
        if known.name.startswith("time."):
            days = DAYS_AHEAD if known.name in _DAYS else 1
            yield from self._instants(
                lambda changed, _local: self.ask(comparison, changed) is wanted,
                facts,
                local,
                days,
                {local.time()} if known.name in _DAYS else _clocks_of(known, comparison.value),
            )
            return
        for value in values_for(known, comparison, facts.get(known.name), wanted=wanted):
            yield known.name, value

    def _instants(
        self, holds: Callable[[Facts, datetime], bool], facts: Facts, local: datetime, days: int, clocks: Iterable[time]
    ) -> Iterator[tuple[str, datetime]]:
        """The nearest instants, later and earlier, within so many days and at these times of day."""
        ordered = sorted(clocks)
        for sign in (1, -1):
            found: datetime | None = None
            for away in range(days + 1):
                day = local.date() + timedelta(days=sign * away)
                found = next(
                    (at for at in _at(day, ordered[::sign], local.tzinfo) if self._does(holds, facts, local, at, sign)),
                    None,
                )
                if found is not None or self.asked > ASKS_MAX:
                    break
            if found is not None:
                yield _TIME, found

    def _does(
        self, holds: Callable[[Facts, datetime], bool], facts: Facts, local: datetime, at: datetime, sign: int
    ) -> bool:
        is_beyond = at > local if sign > 0 else at < local
        self.asked += 1
        return is_beyond and _is_real(at) and holds({**facts, **time_facts(at)}, at)

    def _of_expression(
        self, expression: Expression, source: str, facts: Facts, local: datetime, *, wanted: bool
    ) -> Iterator[tuple[str, Any]]:
        """What its literals suggest; the search asks whether it helps."""
        texts = [double or single for double, single, number in _LITERALS.findall(source) if not number]
        numbers = [int(number) for _, _, number in _LITERALS.findall(source) if number]
        named = fields_named(source, self.catalogue.at(self.place))
        if any(each.name.startswith("time.") for each in named):

            def holds(changed: Facts, _local: datetime) -> bool:
                return self.ask(expression, changed) is wanted

            yield from self._instants(holds, facts, local, DAYS_AHEAD, {local.time()})
            yield from self._instants(holds, facts, local, 1, {*_HOURS, *_clocks(texts)})
        for each in named:
            if not each.name.startswith("time."):
                for value in _suggested(each, facts.get(each.name), texts, numbers):
                    yield each.name, value


def _at(day: date, clocks: Iterable[time], zone: tzinfo | None) -> Iterator[datetime]:
    return (datetime.combine(day, clock, tzinfo=zone) for clock in clocks)


def _clocks_of(known: Field, value: object) -> set[time]:
    """Times of day at which a comparison of the clock may change its answer."""
    if known.name == "time.hour":
        return set(_HOURS)
    return {time.min, _LAST_MINUTE, *_clocks(value if isinstance(value, tuple) else (value,))}


def _clocks(texts: Iterable[object]) -> Iterator[time]:
    """The times of day among literals, with the minutes beside them."""
    for text in texts:
        if isinstance(text, str) and _CLOCK.fullmatch(text):
            for minutes in (-1, 0, 1):
                yield (datetime.combine(date(2000, 1, 2), time.fromisoformat(text)) + timedelta(minutes=minutes)).time()


def _is_real(local: datetime) -> bool:
    """Whether the clock on the wall shows it: not in the hour that is skipped in spring."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)


def _weight(name: str) -> int:
    return _FIXED_WEIGHT if name in _FIXED else _WEIGHTS.get(name.split(".", maxsplit=1)[0], 4_000)


def _distance(actual: Any, wanted: Any) -> int:
    """Below a thousand, growing with how far a number moves."""
    if isinstance(actual, int | Decimal) and isinstance(wanted, int | Decimal):
        away = abs(Decimal(wanted) - Decimal(actual))
        return int(away * 1_000 / (away + abs(Decimal(actual)) + 1))
    return 100 if actual is not None else 200


def _suggested(known: Field, actual: Any, texts: list[str], numbers: list[int]) -> Iterator[FactValue]:
    match known.type:
        case ValueType.BOOLEAN:
            yield not actual
        case ValueType.INTEGER | ValueType.MONEY:
            yield from (number + beside for number in numbers for beside in (0, 1, -1))
        case ValueType.DECIMAL:
            yield from (Decimal(number + beside) / DECIMAL_SCALE for number in numbers for beside in (0, 1, -1))
        case ValueType.TEXT:
            yield from (text for text in (*texts, "~") if not known.allowed or text in known.allowed)
            yield from known.allowed[:FEW]
        case ValueType.TEXTS:
            have: tuple[str, ...] = actual or ()
            yield from ((*have, text) for text in texts if text not in have)
            yield from (tuple(item for item in have if item != text) for text in texts if text in have)
        case ValueType.PATH:
            yield tuple(texts[:FEW])
        case ValueType.PATHS:
            yield (*(actual or ()), tuple(texts[:FEW]))
        case ValueType.DATE:
            yield from (date.fromisoformat(text) for text in texts if re.fullmatch(r"\d{4}-\d\d-\d\d", text))
        case ValueType.TIME:
            yield from (time.fromisoformat(text) for text in texts if _CLOCK.fullmatch(text))
