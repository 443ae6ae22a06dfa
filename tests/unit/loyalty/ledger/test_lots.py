from datetime import timedelta
from uuid import UUID

import pytest

from services.loyalty.ledger.domain import (
    DueLots,
    Lot,
    LotMovement,
    LotOrigin,
    LotState,
    Purpose,
    allocate_clawback,
    allocate_lots,
    apply_movements,
    due_lots,
    give_back,
    new_lot,
)
from services.loyalty.ledger.errors import InsufficientPoints, NothingToGiveBack
from tests.unit.loyalty.ledger.samples import DAY, HOLDER, NOW, lot, parts, taken


@pytest.mark.parametrize(
    ("lots", "amount", "drawn"),
    [
        ([lot(1, 10)], 10, [(1, -10)]),
        ([lot(1, 10), lot(2, 10, expires=5)], 12, [(2, -10), (1, -2)]),
        ([lot(1, 10, expires=9), lot(2, 10, expires=5)], 3, [(2, -3)]),
        ([lot(2, 5, expires=5), lot(1, 5, expires=5)], 6, [(1, -5), (2, -1)]),
        ([lot(1, 5, expires=5, activates=-1), lot(2, 5, expires=5, activates=-2)], 6, [(2, -5), (1, -1)]),
        ([lot(1, 0, amount=5), lot(2, 5)], 5, [(2, -5)]),
        ([lot(1, 5, activates=1, state=LotState.PENDING), lot(2, 5)], 5, [(2, -5)]),
    ],
)
def test_spending_draws_soonest_expiry_first_and_the_oldest_of_equals(
    lots: list[Lot], amount: int, drawn: list[tuple[int, int]]
) -> None:
    movements = allocate_lots(lots, amount, NOW)

    assert parts(movements) == drawn
    assert [movement.position for movement in movements] == list(range(1, len(drawn) + 1))


def test_no_more_than_what_is_spendable_is_drawn() -> None:
    lots = [lot(1, 5), lot(2, 7, activates=1, state=LotState.PENDING)]

    with pytest.raises(InsufficientPoints) as refusal:
        allocate_lots(lots, 6, NOW)

    assert (refusal.value.needed, refusal.value.available) == (6, 5)


@pytest.mark.parametrize("due", [lot(1, 5, expires=0), lot(1, 5, activates=0, state=LotState.PENDING)])
def test_points_are_not_drawn_before_due_lots_are_settled(due: Lot) -> None:
    with pytest.raises(ValueError, match="settled"):
        allocate_lots([due, lot(2, 5)], 5, NOW)


@pytest.mark.parametrize(
    ("activates", "expires", "spendable"),
    [(0, None, True), (0, 1, True), (-1, 0, False), (1, 2, False), (-2, -1, False)],
)
def test_a_lot_is_spendable_from_its_activation_until_before_its_expiry(
    activates: int, expires: int | None, *, spendable: bool
) -> None:
    assert lot(1, 5, activates=activates, expires=expires).spendable(NOW) is spendable


def test_due_lots_are_activated_before_they_expire() -> None:
    waiting = lot(1, 5, activates=1, state=LotState.PENDING)
    ripe = lot(2, 5, activates=0, state=LotState.PENDING)
    both = lot(3, 5, activates=-3, expires=0, state=LotState.PENDING)
    over = lot(4, 5, expires=0)
    open_ = lot(5, 5, expires=1)
    empty = lot(6, 0, amount=5, expires=-1)

    due = due_lots([waiting, ripe, both, over, open_, empty], NOW)

    ripe_after = lot(2, 5, activates=0)
    both_after = lot(3, 5, activates=-3, expires=0)
    assert due == DueLots((ripe, both), (both_after, over), (waiting, ripe_after, open_))


@pytest.mark.parametrize(
    ("amount", "own_lapsed", "drawn", "lapsed", "shortfall"),
    [
        (3, 0, [(1, -3)], 0, 0),
        (10, 0, [(1, -4), (2, -6)], 0, 0),
        (12, 0, [(1, -4), (2, -6), (4, -2)], 0, 0),
        (20, 0, [(1, -4), (2, -6), (4, -5), (3, -5)], 0, 0),
        (23, 0, [(1, -4), (2, -6), (4, -5), (3, -5)], 0, 3),
        (10, 7, [(1, -3)], 7, 0),
        (5, 7, [], 5, 0),
        (0, 0, [], 0, 0),
    ],
)
def test_a_claw_back_takes_own_points_first_then_others_then_falls_short(
    amount: int, own_lapsed: int, drawn: list[tuple[int, int]], lapsed: int, shortfall: int
) -> None:
    own = [lot(2, 6, amount=10, expires=1), lot(1, 4, activates=3, state=LotState.PENDING)]
    others = [lot(3, 5), lot(4, 5, expires=2), lot(5, 5, activates=1, state=LotState.PENDING)]

    result = allocate_clawback(own, others, amount, own_lapsed=own_lapsed)

    assert parts(result.movements) == drawn
    assert (result.taken, result.lapsed, result.shortfall) == (amount - lapsed - shortfall, lapsed, shortfall)
    assert [m.purpose for m in result.movements if m.lot_id == UUID(int=1)] == [Purpose.PENDING] * (len(drawn) > 0)


@pytest.mark.parametrize(
    ("amount", "given_before", "given"),
    [
        (2, 0, [(3, 2)]),
        (7, 0, [(3, 5), (2, 2)]),
        (5, 2, [(3, 3), (2, 2)]),
        (3, 5, [(2, 3)]),
        (13, 0, [(3, 5), (2, 4), (1, 4)]),
        (0, 0, []),
    ],
)
def test_points_come_back_in_reverse_order_of_drawing(
    amount: int, given_before: int, given: list[tuple[int, int]]
) -> None:
    drawn = taken((1, 4), (2, 4), (3, 5))

    assert parts(give_back(drawn, amount=amount, given_before=given_before)) == given


def test_no_more_comes_back_than_was_drawn() -> None:
    with pytest.raises(NothingToGiveBack) as refusal:
        give_back(taken((1, 4), (2, 4)), amount=3, given_before=6)

    assert (refusal.value.asked, refusal.value.drawn) == (3, 2)


def test_movements_change_remainders_and_states() -> None:
    pending = lot(1, 5, activates=0, state=LotState.PENDING)
    moves = (
        LotMovement(1, UUID(int=1), Purpose.PENDING, -5),
        LotMovement(2, UUID(int=1), Purpose.AVAILABLE, 5),
        LotMovement(3, UUID(int=2), Purpose.AVAILABLE, -3),
    )

    assert apply_movements([pending, lot(2, 7)], moves) == (lot(1, 5, activates=0), lot(2, 4, amount=7))
    with pytest.raises(ValueError, match="hold"):
        apply_movements([lot(2, 2)], moves)


@pytest.mark.parametrize(
    ("activates_in", "state"), [(timedelta(0), LotState.ACTIVE), (-DAY, LotState.ACTIVE), (DAY, LotState.PENDING)]
)
def test_a_lot_is_born_pending_when_it_activates_later(activates_in: timedelta, state: LotState) -> None:
    born = new_lot(
        lot_id=UUID(int=1),
        holder_id=HOLDER,
        unit="points",
        amount=5,
        origin=LotOrigin("purchase", UUID(int=0xB), "base"),
        now=NOW,
        activates_at=NOW + activates_in,
    )

    assert (born.state, born.remaining, born.expires_at) == (state, 5, None)


@pytest.mark.parametrize(
    ("remaining", "amount", "expires", "activates"), [(6, 5, None, 0), (-1, 5, None, 0), (0, -5, None, 0), (5, 5, 0, 0)]
)
def test_lots_that_cannot_be_are_refused(remaining: int, amount: int, expires: int | None, activates: int) -> None:
    with pytest.raises(ValueError, match="a lot cannot"):
        lot(1, remaining, amount=amount, expires=expires, activates=activates)
