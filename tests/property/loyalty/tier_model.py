"""A second opinion on tiers: a member's life gone through midnight by midnight, without any of the product's code."""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rules:
    """Thresholds and retentions level by level; ``period`` is lifetime, calendar, rolling or anniversary."""

    thresholds: tuple[int, ...]
    keeps: tuple[int, ...]
    protected: tuple[bool, ...]
    period: str
    months: int = 12
    resets: bool = False
    upgrade: str = "at_once"
    downgrade: str = "one"
    grace: int = 0


@dataclass(frozen=True)
class Happened:
    at: datetime
    """When it began to count."""
    amount: int
    on: datetime | None = None
    """When it happened, where that was before: it counts on that day."""


@dataclass
class Life:
    """One member, from ``born`` on: everything is counted again at every step."""

    rules: Rules
    zone: ZoneInfo
    born: datetime
    rung: int = 0
    since: datetime | None = None
    fell_at: datetime | None = None
    warned: date | None = None
    seen: list[Happened] = field(default_factory=list)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def sum(self, first: date, last: date) -> int:
        return sum(each.amount for each in self.seen if first <= self.day(each.on or each.at) <= last)

    def back(self, day: date, times: int = 1) -> date:
        return months_later(day, -self.rules.months * times)

    def anchor(self) -> date:
        is_first = self.rung == 0 and self.fell_at is None
        return self.day(self.born if is_first or self.since is None else self.since)

    def begins(self, day: date) -> date:
        """The first day of the period that holds a day."""
        if self.rules.period == "calendar":
            years = self.rules.months // 12
            return date(day.year - (day.year - 2000) % years, 1, 1)
        start, times = self.anchor(), 0
        while months_later(self.anchor(), self.rules.months * (times + 1)) <= day:
            times += 1
            start = months_later(self.anchor(), self.rules.months * times)
        return start

    def climb(self, day: date) -> int:
        if self.rules.period == "lifetime":
            return sum(each.amount for each in self.seen)
        if not self.rules.resets:
            return self.sum(self.back(day) + DAY, day)
        if self.rules.period == "rolling":
            first = self.back(day) + DAY
            return self.sum(max(first, self.day(self.fell_at)) if self.fell_at else first, day)
        return self.sum(self.begins(day), day)

    def reach(self, amount: int) -> int:
        return max(rung for rung, threshold in enumerate(self.rules.thresholds) if threshold <= max(0, amount))

    def happen(self, event: Happened) -> None:
        if self.since is None:
            self.since = event.at
        self.seen.append(event)
        if self.warned is not None and self.second_chance(self.day(event.at)) >= self.rules.keeps[self.rung]:
            self.warned = None
        if self.rules.upgrade == "at_once":
            self.lift(self.climb(self.day(event.at)), event.at)

    def lift(self, amount: int, at: datetime) -> None:
        if self.reach(amount) > self.rung:
            self.rung, self.since, self.warned = self.reach(amount), at, None

    def second_chance(self, day: date) -> int:
        assert self.warned is not None
        if self.rules.period == "rolling":
            return self.sum(self.back(day) + DAY, day)
        return self.sum(self.begins(self.warned - DAY), day)

    def wake(self, day: date) -> None:
        """What a midnight brings."""
        if self.since is None:
            return
        before = self.rung
        if self.rules.upgrade == "period_start":
            self.start(day)
        floor = max((rung for rung in range(self.rung + 1) if self.rules.protected[rung]), default=0)
        can_fall = self.rules.period != "lifetime" and self.rules.downgrade != "none" and floor < self.rung
        if self.rung == before and can_fall:
            self.review(day, floor)

    def start(self, day: date) -> None:
        if self.rules.period in {"lifetime", "rolling"}:
            if day.day == 1:
                self.lift(self.climb(day), self.midnight(day))
        elif self.begins(day) == day and day > self.anchor():
            self.lift(self.sum(self.begins(day - DAY), day - DAY), self.midnight(day))

    def review(self, day: date, floor: int) -> None:
        keeps = self.rules.keeps[self.rung]
        if self.warned is not None:
            if day == self.warned + self.rules.grace * DAY:
                made_up = self.second_chance(day)
                self.warned = None
                if made_up < keeps:
                    self.fall(made_up, floor, self.midnight(day))
            return
        found = self.asked(day)
        if found is None or found >= keeps:
            return
        if self.rules.grace:
            self.warned = day
        else:
            self.fall(found, floor, self.midnight(day))

    def asked(self, day: date) -> int | None:
        """What a review finds; None on days without one."""
        if self.rules.period == "rolling":
            fell: datetime | None = self.fell_at if self.fell_at == self.since else None
            if self.rules.downgrade == "one" and fell and day < months_later(self.day(fell), self.rules.months):
                return None
            return self.climb(day)
        if self.begins(day) != day or (day <= self.anchor() and self.rules.period == "anniversary"):
            return None
        return self.sum(self.begins(day - DAY), day - DAY)

    def fall(self, found: int, floor: int, at: datetime) -> None:
        fits = [rung for rung in range(self.rung) if self.rules.keeps[rung] <= found]
        target = self.rung - 1 if self.rules.downgrade == "one" else max(fits, default=0)
        self.rung, self.since, self.fell_at = max(target, floor), at, at

    def live(self, events: list[Happened], until: datetime) -> "Life":
        """Go through events and midnights in their order."""
        day = self.day(min([self.born, *(each.at for each in events)]))
        for event in sorted(events, key=lambda each: each.at):
            day = self._sleep(day, event.at)
            self.happen(event)
        self._sleep(day, until)
        return self

    def next_loss(self, after: datetime, days: int) -> datetime | None:
        """The next midnight within so many days that finds too little, if nothing more happens."""
        day = self.day(after)
        for day in (day + DAY * each for each in range(1, days + 1)):
            held = self.rung
            self.wake(day)
            if self.warned == day or self.rung < held:
                return self.midnight(day)
        return None

    def _sleep(self, day: date, until: datetime) -> date:
        while self.midnight(day + DAY) <= until:
            day += DAY
            self.wake(day)
        return day


@cache
def months_later(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))
