"""Coupons: codes that nobody can guess, uses that no crowd can exceed, and coupons that come back."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from psycopg.errors import CheckViolation

from services.loyalty.coupons import queries, service
from services.loyalty.coupons.domain import (
    CouponContent,
    CouponDefinition,
    CouponStatus,
    CreateCouponCodes,
    CreateCouponDefinition,
    Grant,
    Offer,
    Presented,
    Reason,
    Use,
    UseStatus,
)
from services.loyalty.coupons.errors import (
    CouponUsedUp,
)
from services.loyalty.ledger.domain import Reference
from services.platform.db.engine import Database, open_database
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import DomainError
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.support.builders.coupons import amount, kind, percent
from tests.support.builders.merchant import NOW, Merchant
from tests.support.tenants import DatabaseUrls

CLIENTS = 200
CONNECTIONS = 40
ErrorT = TypeVar("ErrorT", bound=DomainError)
UNTIL = NOW + timedelta(minutes=15)
SHANGHAI = ZoneInfo("Asia/Shanghai")
TEN_OFF = kind(percent(10))


def cart() -> Reference:
    return Reference("cart", new_id())


def define(
    merchant: Merchant, code: str = "spring", content: CouponContent = TEN_OFF, **command: Any
) -> CouponDefinition:
    creating = CreateCouponDefinition(code, content, **command)
    return merchant.do(lambda uow: service.create_coupon_definition(uow, command=creating))


def codes_of(merchant: Merchant, definition: CouponDefinition, count: int, **command: Any) -> list[str]:
    making = CreateCouponCodes(definition.id, count, f"codes-{new_id()}", b"", **command)
    made = merchant.do(lambda uow: service.create_coupon_codes(uow, command=making))
    coupons = merchant.read(lambda s: queries.coupons_of_batch(s, batch_id=made.batch_id, limit=count + 1))
    return [str(coupon.code) for coupon in coupons]


def give(merchant: Merchant, definition: CouponDefinition, member_id: UUID, **grant: Any) -> UUID:
    granted = Grant(definition, member_id, SHANGHAI, **grant)
    merchant.do(lambda uow: uow.fetch_pipeline(service.assign_statements(uow, grants=(granted,))))
    return granted.id


def look(
    merchant: Merchant,
    *codes: str,
    member_id: UUID | None = None,
    coupon_ids: Sequence[UUID] = (),
    owner: Reference | None = None,
    **reading: Any,
) -> Presented:
    def read(uow: UnitOfWork) -> Presented:
        statements = queries.presented_statements(
            uow, member_id=member_id, codes=codes, coupon_ids=coupon_ids, owner=owner, **reading
        )
        rows = uow.fetch_pipeline(statements)
        return queries.presented_of(rows, member_id=member_id, codes=codes, at=reading.get("at") or uow.now)

    return merchant.do(read)


def offer_of(merchant: Merchant, *codes: str, **reading: Any) -> Offer:
    (found,) = look(merchant, *codes, **reading).offers
    return found


def reasons(merchant: Merchant, *codes: str, **reading: Any) -> list[Reason]:
    seen = look(merchant, *codes, **reading)
    assert seen.offers == ()
    return [one.reason for one in seen.refused]


def run(merchant: Merchant, statements: Callable[[UnitOfWork], list[Statement]]) -> None:
    """Run statements in a unit of work of their own, as the rooms above do.

    Raises:
        CouponUsedUp
    """
    with merchant.uow() as uow:
        try:
            uow.fetch_pipeline(statements(uow), is_last=True)
        except CheckViolation as error:
            refusal = service.refusal_of(error)
            assert refusal is not None
            raise refusal from error


def hold(merchant: Merchant, who: Reference, *offers: Offer, member_id: UUID | None = None) -> None:
    uses = [Use(offer, member_id, 100, "CNY") for offer in offers]
    run(merchant, lambda uow: service.hold_statements(uow, uses=uses, owner=who, until=UNTIL))


def redeem(merchant: Merchant, who: Reference, *offers: Offer, member_id: UUID | None = None) -> None:
    uses = [Use(offer, member_id, 100, "CNY") for offer in offers]
    run(merchant, lambda uow: service.redeem_statements(uow, uses=uses, owner=who))


def release(merchant: Merchant, who: Reference) -> None:
    run(merchant, lambda uow: service.release_statements(uow, owner=who))


def give_back(merchant: Merchant, who: Reference) -> None:
    run(merchant, lambda uow: service.give_back_statements(uow, owner=who))


def refused(error: type[ErrorT], work: Callable[[], object]) -> ErrorT:
    with pytest.raises(error) as caught:
        work()
    return caught.value


def counted(merchant: Merchant, definition: CouponDefinition) -> tuple[int, int]:
    """What is kept on the row, not what can be worked out by the clock."""
    query = "SELECT uses_held, uses_spent FROM coupon_definitions WHERE id = %(id)s"
    (row,) = merchant.read(lambda session: session.fetch_all(query, {"id": definition.id}))
    return row["uses_held"], row["uses_spent"]


@pytest.fixture
def crowd(database_urls: DatabaseUrls, tenant: Tenant) -> Iterator[Merchant]:
    """A merchant with connections for a crowd."""
    opened: Database = open_database(database_urls.app, pool_size=CONNECTIONS)
    yield Merchant(opened, tenant.home)
    opened.close()


def all_at_once(calls: Sequence[Callable[[], None]]) -> Counter[type[BaseException] | None]:
    def attempt(call: Callable[[], None]) -> type[BaseException] | None:
        try:
            call()
        except CouponUsedUp as error:
            return type(error)
        return None

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(pool.map(attempt, calls))


def test_two_hundred_clients_on_a_shared_code_for_a_hundred_uses_redeem_exactly_a_hundred(crowd: Merchant) -> None:
    definition = define(crowd, shared_code="SPRING", uses_max=100)
    found = offer_of(crowd, "spring")

    results = all_at_once([lambda: redeem(crowd, cart(), found) for _ in range(CLIENTS)])

    assert results == {None: 100, CouponUsedUp: 100}
    assert counted(crowd, definition) == (0, 100)
    assert reasons(crowd, "SPRING") == [Reason.USED_UP]


def test_clients_who_hold_and_change_their_minds_leave_nothing_held(crowd: Merchant) -> None:
    first = define(crowd, "first", shared_code="FIRST", uses_max=60)
    second = define(crowd, "second", shared_code="SECOND", uses_max=60)
    offers = look(crowd, "first", "second").offers

    def client(number: int) -> None:
        who = cart()
        # Half of them name the two the other way round: the locks are taken in one order all the same.
        hold(crowd, who, *(offers if number % 2 else offers[::-1]))
        if number % 3:
            redeem(crowd, who, *offers)
        else:
            release(crowd, who)

    results = all_at_once([partial(client, number) for number in range(CLIENTS)])

    assert set(results) == {None, CouponUsedUp}
    held, spent = counted(crowd, first)
    assert counted(crowd, second) == (held, spent) == (0, spent)
    assert 0 < spent <= 60


def test_a_unique_code_goes_to_one_of_two_hundred(crowd: Merchant) -> None:
    (code,) = codes_of(crowd, define(crowd), 1)
    found = offer_of(crowd, code)

    results = all_at_once([lambda: redeem(crowd, cart(), found) for _ in range(CLIENTS)])

    assert results == {None: 1, CouponUsedUp: CLIENTS - 1}
    assert reasons(crowd, code) == [Reason.USED]


def test_a_hundred_thousand_codes_are_made_in_less_than_ten_seconds(merchant: Merchant) -> None:
    definition = define(merchant)

    command = CreateCouponCodes(definition.id, 100_000, "many", b"", prefix="vip-")
    begun = time.perf_counter()
    made = merchant.do(lambda uow: service.create_coupon_codes(uow, command=command))
    seconds = time.perf_counter() - begun

    coupons = merchant.read(lambda s: queries.coupons_of_batch(s, batch_id=made.batch_id, limit=100_001))
    codes = [str(coupon.code) for coupon in coupons]
    assert len(codes) == len(set(codes)) == 100_000
    assert {len(code) for code in codes} == {17}
    assert {code[:3] for code in codes} == {"VIP"}
    assert seconds < 10


def test_codes_are_found_however_they_are_typed(merchant: Merchant) -> None:
    define(merchant, shared_code=" spring-26 ")
    (code,) = codes_of(merchant, define(merchant, "unique"), 1)

    for typed in ("SPRING26", "spring 26", "Spring-26", "ｓｐｒｉｎｇ２６"):
        assert offer_of(merchant, typed).code == "SPRING26"
    assert offer_of(merchant, f" {code[:5]}-{code[5:].lower()} ").code == code
    assert [(one.reason, one.code) for one in look(merchant, "nothing", "?").refused] == [
        (Reason.UNKNOWN_CODE, "nothing"),
        (Reason.UNKNOWN_CODE, "?"),
    ]


def test_held_for_one_cart_it_is_free_for_another_after_release(merchant: Merchant) -> None:
    (code,) = codes_of(merchant, define(merchant), 1)
    found, mine, other = offer_of(merchant, code), cart(), cart()

    hold(merchant, mine, found)

    assert reasons(merchant, code, owner=other) == [Reason.HELD]
    assert offer_of(merchant, code, owner=mine) == found
    hold(merchant, mine, found)
    release(merchant, mine)
    assert offer_of(merchant, code, owner=other) == found


def test_a_hold_that_has_timed_out_is_free_for_whoever_asks(merchant: Merchant) -> None:
    definition = define(merchant, shared_code="ONE", uses_max=1)
    found, late, next_ = offer_of(merchant, "one"), cart(), cart()
    hold(merchant, late, found)
    assert reasons(merchant, "one", owner=next_) == [Reason.USED_UP]

    merchant.now = UNTIL
    redeem(merchant, next_, offer_of(merchant, "one", owner=next_))

    assert counted(merchant, definition) == (0, 1)
    with pytest.raises(CouponUsedUp) as caught:
        redeem(merchant, late, found)
    assert caught.value.coupon_definition_id == definition.id


def test_the_errand_gives_back_what_has_timed_out_and_nothing_else(merchant: Merchant) -> None:
    definition = define(merchant, shared_code="ONE", uses_max=2)
    found, late, kept = offer_of(merchant, "one"), cart(), cart()
    hold(merchant, late, found)
    merchant.now = NOW + timedelta(minutes=5)
    uses = [Use(found, None, 100, "CNY")]
    later = UNTIL + timedelta(hours=1)
    run(merchant, lambda uow: service.hold_statements(uow, uses=uses, owner=kept, until=later))

    merchant.now = UNTIL
    assert [due.row for due in merchant.read(lambda session: queries.late_owners(session, None, 10))] == [late]
    merchant.do(lambda uow: service.release_late(uow, owner=late))
    merchant.do(lambda uow: service.release_late(uow, owner=kept))

    assert counted(merchant, definition) == (1, 0)
    found_uses = merchant.read(lambda s: queries.uses_by_owners(s, kind="cart", owner_ids=[late.id, kept.id]))
    assert [use.status for use in found_uses[late.id]] == [UseStatus.RELEASED]
    assert [use.status for use in found_uses[kept.id]] == [UseStatus.HELD]


def test_given_back_it_is_as_if_never_used(merchant: Merchant) -> None:
    member_id = merchant.member()
    definition = define(merchant, content=kind(amount(500), uses_per_member=1), uses_max=1)
    coupon_id = give(merchant, definition, member_id)
    sale = Reference("purchase", new_id())
    redeem(merchant, sale, offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id]), member_id=member_id)
    assert reasons(merchant, member_id=member_id, coupon_ids=[coupon_id]) == [Reason.USED]

    give_back(merchant, sale)
    give_back(merchant, sale)

    assert counted(merchant, definition) == (0, 0)
    assert offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id]).id == coupon_id
    uses = merchant.read(lambda s: queries.uses_of_coupons(s, coupon_ids=[coupon_id], limit=5))[coupon_id]
    assert [(use.status, use.amount_minor) for use in uses] == [(UseStatus.GIVEN_BACK, 100)]


def test_uses_of_a_member_are_counted_over_all_coupons_of_the_kind(merchant: Merchant) -> None:
    member_id, other_id = merchant.member(), merchant.member()
    definition = define(merchant, content=kind(percent(10), uses_per_member=2), shared_code="TWICE")
    redeem(merchant, cart(), offer_of(merchant, "twice", member_id=member_id), member_id=member_id)
    hold(merchant, cart(), offer_of(merchant, "twice", member_id=member_id), member_id=member_id)

    seen = look(merchant, "twice", member_id=member_id)

    assert [(one.reason, one.facts) for one in seen.refused] == [(Reason.USED_UP_BY_MEMBER, {"uses_max": 2})]
    assert reasons(merchant, "twice") == [Reason.MEMBER_REQUIRED]
    assert offer_of(merchant, "twice", member_id=other_id).code == "TWICE"
    # Of three at once two count.
    three = [give(merchant, definition, other_id) for _ in range(3)]
    seen = look(merchant, member_id=other_id, coupon_ids=three)
    assert (len(seen.offers), [one.reason for one in seen.refused]) == (2, [Reason.USED_UP_BY_MEMBER])


def test_a_members_coupon_is_for_that_member(merchant: Merchant) -> None:
    member_id, other_id = merchant.member(), merchant.member()
    coupon_id = give(merchant, define(merchant), member_id)

    assert reasons(merchant, member_id=other_id, coupon_ids=[coupon_id]) == [Reason.NOT_YOURS]
    assert reasons(merchant, coupon_ids=[coupon_id]) == [Reason.MEMBER_REQUIRED]
    assert offer_of(merchant, member_id=member_id, has_own=True).id == coupon_id


def test_an_earned_coupon_waits_for_its_order(merchant: Merchant) -> None:
    member_id, order, broken = merchant.member(), Reference("order", new_id()), Reference("order", new_id())
    definition = define(merchant)
    earned = give(merchant, definition, member_id, origin=order, is_pending=True)
    lost = give(merchant, definition, member_id, origin=broken, is_pending=True)
    assert reasons(merchant, member_id=member_id, coupon_ids=[earned, lost]) == [Reason.PENDING, Reason.PENDING]

    run(merchant, lambda uow: service.confirm_statements(uow, origin=order))
    run(merchant, lambda uow: service.cancel_statements(uow, origin=broken))

    assert offer_of(merchant, member_id=member_id, coupon_ids=[earned]).id == earned
    assert reasons(merchant, member_id=member_id, coupon_ids=[lost]) == [Reason.VOIDED]


def test_windows_are_half_open_and_days_end_with_the_day(merchant: Merchant) -> None:
    member_id = merchant.member()
    ends = NOW + timedelta(days=1)
    define(merchant, content=kind(percent(10), begins_at=NOW, ends_at=ends), shared_code="DAY")
    week = define(merchant, "week", kind(percent(10), valid_days=7))
    coupon_id = give(merchant, week, member_id)

    # Seven days after noon of 2 March in Shanghai is the whole of 9 March there.
    last = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
    coupon = merchant.read(lambda s: queries.coupons_by_ids(s, coupon_ids=[coupon_id]))[coupon_id]
    assert coupon.expires_at == last
    merchant.now = NOW - timedelta(microseconds=1)
    assert reasons(merchant, "day") == [Reason.NOT_YET]
    merchant.now = ends
    assert reasons(merchant, "day") == [Reason.EXPIRED]
    merchant.now = last
    assert reasons(merchant, member_id=member_id, coupon_ids=[coupon_id]) == [Reason.EXPIRED]
    assert coupon.status(last) is CouponStatus.EXPIRED


def test_what_a_cart_holds_stays_good_while_it_does(merchant: Merchant) -> None:
    member_id, mine = merchant.member(), cart()
    soon = NOW + timedelta(minutes=5)
    coupon_id = give(merchant, define(merchant, content=kind(percent(10), ends_at=soon)), member_id)
    hold(merchant, mine, offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id]), member_id=member_id)

    merchant.now = soon

    found = offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id], owner=mine)
    redeem(merchant, mine, found, member_id=member_id)
    assert reasons(merchant, member_id=member_id, coupon_ids=[coupon_id]) == [Reason.USED]
