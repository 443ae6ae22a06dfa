"""Laws of a holder's book under any sequence of holds, captures, time-outs, claw-backs, activity and time."""

import dataclasses
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.earning.domain.validity import validity
from services.loyalty.ledger.domain import (
    ChainHead,
    EntryHeader,
    EntryKind,
    LotOrigin,
    LotState,
    Reference,
    accrual_entry,
    allocate_clawback,
    allocate_lots,
    clawback_entry,
    new_lot,
    redemption_entry,
    verify_chain,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Validity, end_of
from services.loyalty.ledger.domain.settling import EVERY_STEP, GAINS, settle, settled_balances
from services.loyalty.programs.domain.validity import (
    Activation,
    Boundary,
    Expiry,
    MonthDay,
    PartialLoss,
    Rolling,
    Sliding,
    Span,
    Start,
    TimeUnit,
)
from services.platform.actors import SYSTEM
from tests.property.loyalty.strategies import HOLDER, NOW

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "Pacific/Auckland", "Asia/Kathmandu")
OWED_MAX = 150


class Game:
    """A book that is played on, with a count of ids so that a run can be repeated."""

    def __init__(self) -> None:
        numbers = iter(range(1, 1_000_000))
        self.now = NOW
        self.book = HolderBook(HOLDER, ChainHead(), {}, {}, frozenset(), ids=(UUID(int=n) for n in numbers))
        self.holds: list[UUID] = []

    def header(self) -> EntryHeader:
        return EntryHeader(next(self.book.ids), HOLDER, None, None, SYSTEM, None, None, self.now, self.now)

    def earn(self, points: int, lives: Validity) -> None:
        lot = new_lot(
            lot_id=next(self.book.ids),
            holder_id=HOLDER,
            unit="points",
            amount=points,
            origin=LotOrigin("purchase", None),
            now=self.now,
            validity=lives,
        )
        self.book.post(accrual_entry(self.header(), lots=(lot,)))

    def available(self) -> int:
        return self.book.balance("points").available

    def settle(self) -> None:
        settle(self.book, self.header())

    def check(self) -> None:
        book, lots = self.book, self.book.lots.values()
        balance = book.balance("points")
        pending = sum(lot.remaining for lot in lots if lot.state is LotState.PENDING)
        active = sum(lot.remaining for lot in lots if lot.state is LotState.ACTIVE)
        held = sum(part.amount for parts in book.parts.values() for part in parts)
        assert (balance.pending, balance.available, balance.held) == (pending, active, sum(lot.held for lot in lots))
        assert held == balance.held >= 0
        assert 0 <= balance.owed <= OWED_MAX
        assert balance.owed == 0 or balance.available == 0
        assert balance.pending + balance.available + balance.held - balance.owed == (
            balance.earned - balance.spent - balance.expired - balance.reversed + balance.adjusted + balance.transferred
        )
        assert verify_chain(book.entries, head=book.head) == ()


def lives_of(game: Game, kind: int, days: int) -> Validity:
    """One of the ways in which points can live."""
    zone = ZoneInfo("Asia/Shanghai")
    span = Span(days + 1, TimeUnit.DAY)
    ways = (
        (Activation(), Expiry()),
        (Activation(after=span), Expiry()),
        (Activation(), Expiry(rolling=Rolling(span))),
        (Activation(after=span), Expiry(rolling=Rolling(span, Start.ACTIVATION, Boundary.DAY))),
        (Activation(action="shipped", within_days=days + 1), Expiry()),
        (Activation(), Expiry(sliding=Sliding(span, ("purchase",)))),
        (Activation(), Expiry(partial=PartialLoss(30, span, ("purchase",)))),
    )
    return validity(*ways[kind % len(ways)], at=game.now, zone=zone)


def end_hold(game: Game, what: str, amount: int) -> None:
    """Release the oldest open hold, or capture of it."""
    book = game.book
    for hold_id in [hold_id for hold_id in game.holds if book.held_by(hold_id)][:1]:
        if what == "release":
            book.release(game.header(), hold_id=hold_id)
        else:
            book.capture(game.header(), hold_id=hold_id, amount=min(amount, book.held_by(hold_id)))


def play(game: Game, what: str, amount: int, number: int) -> None:
    book = game.book
    if what == "wait":
        game.now += timedelta(hours=7 * number)
        return
    game.settle()
    if what == "earn":
        game.earn(amount, lives_of(game, amount, number))
    elif what == "hold" and game.available() >= amount:
        hold_id = next(book.ids)
        expires_at = game.now + timedelta(hours=5 * number + 1)
        book.hold(game.header(), unit="points", amount=amount, hold_id=hold_id, expires_at=expires_at)
        game.holds.append(hold_id)
    elif what in {"capture", "release"}:
        end_hold(game, what, amount)
    elif what == "spend" and game.available() >= amount:
        movements = allocate_lots(book.lots_of("points"), amount, game.now)
        book.post(redemption_entry(game.header(), unit="points", movements=movements))
    elif what == "claw":
        room = book.owing_room("points", OWED_MAX)
        taken = allocate_clawback([], book.lots_of("points"), amount, owing_room=room)
        if taken.taken + taken.owed:
            draft = clawback_entry(game.header(), unit="points", movements=taken.movements, owed=taken.owed)
            book.post(draft)
    elif what == "shop":
        book.show_activity("purchase", game.now, Reference("purchase", next(book.ids)))


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["earn", "earn", "hold", "capture", "release", "spend", "claw", "shop", "wait", "wait"]),
        st.integers(1, 200),
        st.integers(0, 9),
    ),
    max_size=40,
)


@given(MOVES)
def test_balances_are_lots_are_holds_and_nothing_is_owed_beside_what_is_there(
    moves: list[tuple[str, int, int]],
) -> None:
    game = Game()

    for what, amount, number in moves:
        play(game, what, amount, number)
        game.check()


@given(MOVES)
def test_when_the_night_work_runs_makes_no_difference(moves: list[tuple[str, int, int]]) -> None:
    """Settled at every instant, or only when something happens: the same points, and losses apart the same balances."""
    late, prompt = Game(), Game()

    for what, amount, number in moves:
        for game in (late, prompt):
            play(game, what, amount, number)
        settle(prompt.book, prompt.header(), steps=GAINS)
        settle(prompt.book, prompt.header(), steps=EVERY_STEP)
        settle(prompt.book, prompt.header())
    late.settle()

    assert late.book.balances == prompt.book.balances
    assert lots_worth(late) == lots_worth(prompt)


@given(MOVES)
def test_a_balance_shows_what_is_due_before_it_is_posted(moves: list[tuple[str, int, int]]) -> None:
    game = Game()
    for what, amount, number in moves:
        if what != "earn" or amount % 7 != 6:  # points of which a part is lost are shown when it is lost
            play(game, what, amount, number)
    balances, lots, parts = dict(game.book.balances), list(game.book.lots.values()), dict(game.book.parts)

    shown = settled_balances(balances.values(), lots=lots, parts=parts, now=game.now) if balances else {}
    game.settle()

    assert shown == game.book.balances


@given(MOVES)
def test_an_activity_that_is_withdrawn_moved_nothing(moves: list[tuple[str, int, int]]) -> None:
    game = Game()
    for what, amount, number in moves:
        play(game, what, amount, number)
    game.settle()
    before, marks = dict(game.book.lots), list(game.book.marks)
    source = Reference("purchase", next(game.book.ids))

    game.book.show_activity("purchase", game.now, source)
    game.book.withdraw_activity(source, game.book.marks)

    assert game.book.lots == before
    assert game.book.marks[: len(marks)] == marks


EXPIRIES = st.builds(
    Expiry,
    rolling=st.none()
    | st.builds(
        Rolling,
        st.builds(Span, st.integers(1, 40), st.sampled_from(TimeUnit)),
        st.sampled_from(Start),
        st.sampled_from(Boundary),
    ),
    yearly=st.lists(st.sampled_from([MonthDay(2, 29), MonthDay(6, 30), MonthDay(12, 31)]), max_size=2).map(tuple),
    yearly_days_min=st.integers(0, 90),
    anniversary=st.booleans(),
    sliding=st.none()
    | st.builds(
        Sliding,
        st.builds(Span, st.integers(1, 40), st.sampled_from(TimeUnit)),
        st.just(("purchase",)),
        st.sampled_from(Boundary),
    ),
)
INSTANTS = st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


@given(EXPIRIES, INSTANTS, INSTANTS, st.integers(0, 60), st.sampled_from(ZONES))
def test_points_end_after_they_begin_and_at_the_earliest_end(
    expiry: Expiry, at: datetime, joined: datetime, pending_days: int, zone_name: str
) -> None:
    zone = ZoneInfo(zone_name)
    activation = Activation(after=Span(pending_days, TimeUnit.DAY)) if pending_days else Activation()

    def ends(said: Expiry) -> datetime | None:
        return validity(activation, said, at=at, zone=zone, enrolled_at=joined).expires_at

    alone = [
        Expiry(rolling=expiry.rolling),
        Expiry(yearly=expiry.yearly, yearly_days_min=expiry.yearly_days_min),
        Expiry(anniversary=expiry.anniversary),
        Expiry(sliding=expiry.sliding),
    ]
    found = [end for end in map(ends, alone) if end is not None]

    assert ends(expiry) == min(found, default=None)
    assert all(end > at for end in found)


@given(INSTANTS, st.sampled_from(Boundary), st.sampled_from(ZONES))
def test_the_end_of_a_period_is_its_own_beginning_of_the_next(at: datetime, period: Boundary, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)

    end = end_of(at, period.value, zone)

    if period is Boundary.NONE:
        assert end == at
    else:
        assert end > at
        assert end_of(end - timedelta(microseconds=1), period.value, zone) == end
        assert end.astimezone(zone).strftime("%H:%M") == "00:00"


def lots_worth(game: Game) -> list[tuple[int, int, LotState, datetime, datetime | None, datetime | None]]:
    """The lots by what they are worth, whatever they are called."""
    return sorted(
        (
            (lot.remaining, lot.held, lot.state, lot.activates_at, lot.expires_at, lot.loses_at)
            for lot in game.book.lots.values()
            if lot.remaining + lot.held
        ),
        key=str,
    )


def test_the_game_is_played() -> None:
    """The moves reach every kind of entry."""
    game = Game()
    for what, amount, number in (
        ("earn", 7, 9),
        ("earn", 12, 3),
        ("earn", 4, 1),
        ("hold", 5, 9),
        ("capture", 2, 0),
        ("release", 1, 0),
        ("hold", 3, 0),
        ("earn", 9, 0),
        ("wait", 0, 9),
        ("claw", 200, 0),
        ("wait", 0, 9),
        ("earn", 14, 0),
        ("wait", 0, 9),
        ("shop", 1, 1),
    ):
        play(game, what, amount, number)
    game.settle()

    kinds = {entry.kind for entry in game.book.entries}
    assert kinds == {
        EntryKind.ACCRUAL,
        EntryKind.HOLD,
        EntryKind.CAPTURE,
        EntryKind.RELEASE,
        EntryKind.EXPIRY,
        EntryKind.CANCELLATION,
        EntryKind.CLAWBACK,
        EntryKind.REPAYMENT,
    }
    assert dataclasses.replace(game.book.balance("points"), earned=0).owed >= 0
