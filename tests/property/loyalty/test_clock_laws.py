"""Laws of ends that move: a visit that is taken back leaves every lot as if it had not been, losses and gifts too."""

import dataclasses
from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.earning.domain.validity import validity
from services.loyalty.ledger.domain import Reference, allocate_lots, redemption_entry
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.programs.domain.validity import Activation, Expiry, PartialLoss, Rolling, Sliding, Span, TimeUnit
from tests.property.loyalty.test_holding_laws import Game, lots_worth

ZONE = ZoneInfo("Asia/Shanghai")

Move = tuple[str, int, int]


def moving_life(game: Game, kind: int, days: int) -> Validity:
    """One of the ways in which points end that an activity moves."""
    span, longer = Span(days + 2, TimeUnit.DAY), Span(2 * days + 5, TimeUnit.DAY)
    sliding, partial = Sliding(span, ("purchase",)), PartialLoss(30, span, ("purchase",))
    ways = (
        Expiry(sliding=sliding),
        Expiry(partial=partial),
        Expiry(sliding=Sliding(longer, ("purchase",)), partial=partial),
        Expiry(partial=partial, rolling=Rolling(longer)),
        Expiry(sliding=sliding, rolling=Rolling(longer)),
    )
    return validity(Activation(), ways[kind % len(ways)], at=game.now, zone=ZONE)


def play(game: Game, what: str, amount: int, number: int) -> None:
    book = game.book
    if what == "wait":
        game.now += timedelta(hours=17 * number)
    game.settle()
    if what == "earn":
        game.earn(amount, moving_life(game, amount, number))
    elif what == "receive":
        # A gift that ends when the giver's lot ended, whatever moved that.
        given = moving_life(game, amount, number)
        moved = given.after("purchase", game.now + timedelta(days=number)).rebased(None)
        game.earn(amount, moved)
    elif what == "spend" and game.available() >= amount:
        movements = allocate_lots(book.lots_of("points"), amount, game.now)
        book.post(redemption_entry(game.header(), unit="points", movements=movements))
    elif what in {"shop", "shop late"}:
        happened = game.now - timedelta(hours=9 * number if what == "shop late" else 0)
        visit(game, happened - game.now, Reference("purchase", next(book.ids)))


def visit(game: Game, ago: timedelta, source: Reference) -> None:
    """A purchase is told of, which happened then."""
    game.book.now = game.now
    game.book.show_activity("purchase", game.now + ago, source)


def moves(kinds: tuple[str, ...]) -> st.SearchStrategy[list[Move]]:
    return st.lists(st.tuples(st.sampled_from(kinds), st.integers(1, 200), st.integers(0, 9)), max_size=15)


MEANWHILE = moves(("earn", "receive", "shop", "shop late", "wait", "wait"))
BEFORE = moves(("earn", "earn", "receive", "spend", "shop", "shop late", "wait", "wait"))


@given(BEFORE, st.integers(0, 9), MEANWHILE, MEANWHILE)
def test_a_visit_that_is_taken_back_was_never_there(
    before: list[Move], late: int, meanwhile: list[Move], afterwards: list[Move]
) -> None:
    with_it, without = Game(), Game()
    for game in (with_it, without):
        for move in before:
            play(game, *move)
        game.settle()
    source = Reference("purchase", next(with_it.book.ids))

    visit(with_it, -timedelta(hours=9 * late), source)
    for game in (with_it, without):
        for move in meanwhile:
            play(game, *move)
        game.settle()
    with_it.book.withdraw_activity(source, with_it.book.marks)
    with_it.book.marks = [mark for mark in with_it.book.marks if mark.source != source]
    with_it.settle()

    assert lots_worth(with_it) == lots_worth(without)
    assert with_it.book.balances == without.book.balances
    for game in (with_it, without):
        for move in afterwards:
            play(game, *move)
        game.settle()
    assert lots_worth(with_it) == lots_worth(without)


@given(BEFORE, MEANWHILE)
def test_points_that_come_back_to_an_empty_lot_end_as_if_they_had_been_there(
    before: list[Move], meanwhile: list[Move]
) -> None:
    game = Game()
    for move in before:
        play(game, *move)
    game.settle()
    game.earn(50, moving_life(game, 0, 9))
    lot = list(game.book.lots.values())[-1]
    twin = dataclasses.replace(lot, id=next(game.book.ids))
    game.book.lots[lot.id] = dataclasses.replace(lot, remaining=0)
    for move in meanwhile:
        play(game, *move)

    game.book.give_back_ends([lot.id], at=game.now, grace_days=0)

    for mark in game.book.marks:
        if mark.id > lot.id and not (twin.expires_at and twin.expires_at <= mark.recorded_at):
            twin = twin.lasting(twin.validity.after(mark.activity, mark.at))
    assert game.book.lots[lot.id].expires_at == twin.expires_at
