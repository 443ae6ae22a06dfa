"""What a friend's first purchase brings the referrer, once, whatever holds keep of it while the friend returns it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.referrals.queries import codes_by_members
from services.loyalty.stores.domain import Store
from tests.support.builders.activity_documents import activity_document, bonus
from tests.support.builders.deeds import enroll, run_errands
from tests.support.builders.merchant import Merchant
from tests.support.builders.reserving import capture, hold, release, stands, time_out

CAPS: list[list[dict[str, Any]]] = [
    [],
    [{"limit": 50, "per": "month"}],
    [{"limit": 1, "per": "month", "measure": "times"}],
]


def referred(merchant: Merchant, *, caps: list[dict[str, Any]] | None = None, **rule: Any) -> tuple[UUID, UUID]:
    """A referrer, whom a friend's first purchase brings 50 points, and the friend."""
    merchant.program(activity_document(bonus("referral_purchased", 50, caps=caps or [], **rule)))
    referrer = enroll(merchant)
    return referrer, friend_of(merchant, referrer)


def friend_of(merchant: Merchant, referrer: UUID) -> UUID:
    code = merchant.read(lambda session: codes_by_members(session, member_ids=(referrer,)))[referrer]
    return enroll(merchant, referral_code=code)


def buy(merchant: Merchant, store: Store, friend: UUID) -> UUID:
    bought = merchant.buy(store, friend, 2_000)
    run_errands(merchant)
    return bought.purchase_id


def give_back(merchant: Merchant, purchase_id: UUID) -> None:
    merchant.refund(purchase_id)
    run_errands(merchant)


@pytest.mark.parametrize("caps", CAPS)
def test_who_holds_the_reward_while_the_friend_returns_gets_it_once(
    merchant: Merchant, store: Store, caps: list[dict[str, Any]]
) -> None:
    referrer, friend = referred(merchant, caps=caps)
    bought = buy(merchant, store, friend)
    spent = 0

    for _ in range(3):
        points = stands(merchant, referrer)[0]
        kept = hold(merchant, referrer, points) if points else None
        give_back(merchant, bought)
        if kept:
            capture(merchant, kept, points)
            spent += points
        bought = buy(merchant, store, friend)

    assert (spent, stands(merchant, referrer)) == (50, (0, 0, 0))
    # Another friend is worth something where the cap has room: what is kept has its part of it.
    buy(merchant, store, friend_of(merchant, referrer))
    assert stands(merchant, referrer) == ((0 if caps else 50), 0, 0)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("fate", ["released", "timed out"])
@pytest.mark.parametrize("rounds", [1, 3])
def test_what_a_release_took_is_not_taken_again(merchant: Merchant, store: Store, fate: str, rounds: int) -> None:
    referrer, friend = referred(merchant)
    bought = buy(merchant, store, friend)

    for _ in range(rounds):
        kept = hold(merchant, referrer, 30)
        give_back(merchant, bought)
        assert stands(merchant, referrer) == (0, 30, 0)
        if fate == "released":
            release(merchant, kept)
        else:
            time_out(merchant, referrer)
        assert stands(merchant, referrer) == (0, 0, 0)
        bought = buy(merchant, store, friend)
        assert stands(merchant, referrer) == (50, 0, 0)

    assert merchant.verdict().faults == ()


def test_what_was_taken_of_the_next_reward_is_not_taken_from_the_hold(merchant: Merchant, store: Store) -> None:
    referrer, friend = referred(merchant)
    bought = buy(merchant, store, friend)
    kept = hold(merchant, referrer, 30)
    give_back(merchant, bought)

    bought = buy(merchant, store, friend)
    between = stands(merchant, referrer)
    release(merchant, kept)

    # Thirty of the first reward stand for thirty of the second.
    assert (between, stands(merchant, referrer)) == ((20, 30, 0), (50, 0, 0))
    give_back(merchant, bought)
    assert stands(merchant, referrer) == (0, 0, 0)
    buy(merchant, store, friend)
    assert stands(merchant, referrer) == (50, 0, 0)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("points", [30, 50])
@pytest.mark.parametrize("is_captured", [False, True])
def test_of_a_friend_who_returns_twice_a_release_leaves_nothing(
    merchant: Merchant, store: Store, points: int, *, is_captured: bool
) -> None:
    """The hold keeps points of the first reward, while what is left of the second one is gone as well."""
    referrer, friend = referred(merchant)
    bought = buy(merchant, store, friend)
    kept = hold(merchant, referrer, points)
    give_back(merchant, bought)
    bought = buy(merchant, store, friend)
    between = stands(merchant, referrer)
    give_back(merchant, bought)
    after = stands(merchant, referrer)

    if is_captured:
        capture(merchant, kept, points)
    else:
        release(merchant, kept)

    assert (between, after, stands(merchant, referrer)) == ((50 - points, points, 0), (0, points, 0), (0, 0, 0))
    buy(merchant, store, friend)
    assert stands(merchant, referrer) == ((50 - points if is_captured else 50), 0, 0)
    assert merchant.verdict().faults == ()


def test_what_is_captured_in_part_is_kept_in_part(merchant: Merchant, store: Store) -> None:
    referrer, friend = referred(merchant)
    bought = buy(merchant, store, friend)
    kept = hold(merchant, referrer, 50)
    give_back(merchant, bought)

    capture(merchant, kept, 20)

    assert stands(merchant, referrer) == (0, 0, 0)
    buy(merchant, store, friend)
    assert stands(merchant, referrer) == (30, 0, 0)
    assert merchant.verdict().faults == ()


def test_what_ended_while_it_was_held_is_not_kept(merchant: Merchant, store: Store) -> None:
    referrer, friend = referred(merchant, expiry={"rolling": {"span": {"count": 1, "unit": "day"}}})
    bought = buy(merchant, store, friend)
    merchant.now += timedelta(hours=23, minutes=30)
    kept = hold(merchant, referrer, 50)
    give_back(merchant, bought)

    merchant.now += timedelta(minutes=45)
    release(merchant, kept)

    assert stands(merchant, referrer) == (0, 0, 0)
    buy(merchant, store, friend)
    assert stands(merchant, referrer) == (50, 0, 0)
    assert merchant.verdict().faults == ()
