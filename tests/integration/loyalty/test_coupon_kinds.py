"""Kinds of coupons and what is given of them: edited, limited, archived, voided, and told before it ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.loyalty.coupons import queries, service, tasks
from services.loyalty.coupons.domain import (
    AssignCoupon,
    CouponDefinition,
    CouponStatus,
    CreateCouponCodes,
    Reason,
    UpdateCouponDefinition,
    UseStatus,
    VoidCoupon,
)
from services.loyalty.coupons.errors import (
    CouponCodeTaken,
    CouponDefinitionArchived,
    CouponDefinitionChanged,
    CouponDefinitionCodeTaken,
    CouponDefinitionNotFound,
    CouponNotFound,
    CouponUsed,
    CouponUsedUp,
)
from services.platform.errands import run_due
from services.platform.errors import InvalidInput
from services.platform.idempotency.service import request_hash
from services.platform.ids import new_id
from tests.integration.loyalty.test_coupons import (
    TEN_OFF,
    UNTIL,
    cart,
    codes_of,
    define,
    give,
    hold,
    look,
    offer_of,
    reasons,
    redeem,
    refused,
)
from tests.support.builders.coupons import kind, percent
from tests.support.builders.documents import document
from tests.support.builders.merchant import NOW, Merchant

DAY = timedelta(days=1)


def errands(merchant: Merchant) -> dict[str, int]:
    ran = run_due(merchant.database, merchant.home, tasks.ERRANDS, now=merchant.now, until=10.0**12)
    assert ran.is_finished
    return dict(ran.done)


def test_a_batch_of_codes_is_made_once(merchant: Merchant) -> None:
    definition = define(merchant)
    command = CreateCouponCodes(definition.id, 5, "batch", request_hash({"count": 5}))

    first = merchant.do(lambda uow: service.create_coupon_codes(uow, command=command))
    again = merchant.do(lambda uow: service.create_coupon_codes(uow, command=command))

    assert (first.batch_id, first.replayed, again.batch_id, again.replayed) == (
        again.batch_id,
        False,
        first.batch_id,
        True,
    )
    assert len(merchant.read(lambda s: queries.coupons_of_batch(s, batch_id=first.batch_id, limit=10))) == 5


@pytest.mark.parametrize("count", [0, 100_001])
def test_a_count_of_codes_has_its_limits(merchant: Merchant, count: int) -> None:
    definition = define(merchant)

    error = refused(InvalidInput, lambda: codes_of(merchant, definition, count))

    assert (error.field, error.reason) == ("count", "OUT_OF_RANGE")


def test_an_edit_is_for_coupons_to_come_and_for_the_shared_code(merchant: Merchant) -> None:
    member_id = merchant.member()
    definition = define(merchant, shared_code="EDIT", uses_max=10)
    given = give(merchant, definition, member_id)
    quoted = offer_of(merchant, "edit")
    change = UpdateCouponDefinition(definition.id, 1, kind(percent(5)), uses_max=5)

    edited = merchant.do(lambda uow: service.update_coupon_definition(uow, command=change))

    assert (edited.version, edited.uses_max) == (2, 5)
    assert offer_of(merchant, member_id=member_id, coupon_ids=[given]).content == TEN_OFF
    assert offer_of(merchant, "edit").content == kind(percent(5))
    assert offer_of(merchant, "edit", version_ids=[quoted.version_id]) == quoted
    error = refused(
        CouponDefinitionChanged,
        lambda: merchant.do(lambda uow: service.update_coupon_definition(uow, command=change)),
    )
    assert (error.given, error.actual) == (1, 2)


def test_a_limit_can_be_moved_but_not_below_what_is_taken_nor_made_later(merchant: Merchant) -> None:
    limited = define(merchant, shared_code="TWO", uses_max=2)
    free = define(merchant, "free")
    for _ in range(2):
        redeem(merchant, cart(), offer_of(merchant, "two"))

    def change(definition: CouponDefinition, uses_max: int | None) -> Callable[[], object]:
        command = UpdateCouponDefinition(definition.id, 1, TEN_OFF, uses_max=uses_max)
        return lambda: merchant.do(lambda uow: service.update_coupon_definition(uow, command=command))

    error = refused(InvalidInput, change(limited, 1))
    assert (error.field, error.reason, error.limit) == ("usesMax", "OUT_OF_RANGE", "2")
    for definition, uses_max in ((limited, None), (free, 1)):
        error = refused(InvalidInput, change(definition, uses_max))
        assert (error.field, error.reason) == ("usesMax", "NOT_ALLOWED")
    change(limited, 3)()
    assert offer_of(merchant, "two").definition_id == limited.id


def test_archived_it_is_given_out_no_more_and_what_is_out_stays_good(merchant: Merchant) -> None:
    member_id = merchant.member()
    definition = define(merchant, shared_code="OLD")
    coupon_id = give(merchant, definition, member_id)

    for _ in range(2):
        archived = merchant.do(lambda uow: service.archive_coupon_definition(uow, definition_id=definition.id))
        assert archived.archived_at == NOW

    assert reasons(merchant, "old") == [Reason.WITHDRAWN]
    assert offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id]).id == coupon_id
    refused(CouponDefinitionArchived, lambda: give(merchant, archived, member_id))
    refused(CouponDefinitionArchived, lambda: codes_of(merchant, archived, 1))


def void(merchant: Merchant, coupon_id: UUID, key: str) -> bool:
    """Whether it was voided under this key before."""
    command = VoidCoupon(coupon_id, key, request_hash({"id": str(coupon_id)}))
    return merchant.do(lambda uow: service.void_coupon(uow, command=command)).replayed


def test_a_voided_coupon_counts_no_more_and_a_redeemed_one_is_not_voided(merchant: Merchant) -> None:
    member_id = merchant.member()
    definition = define(merchant)
    coupon_id, used_id = (give(merchant, definition, member_id) for _ in range(2))
    redeem(merchant, cart(), offer_of(merchant, member_id=member_id, coupon_ids=[used_id]), member_id=member_id)

    assert [void(merchant, coupon_id, key) for key in ("a", "a", "b")] == [False, True, False]
    assert reasons(merchant, member_id=member_id, coupon_ids=[coupon_id]) == [Reason.VOIDED]
    refused(CouponUsed, lambda: void(merchant, used_id, "c"))
    refused(CouponNotFound, lambda: void(merchant, new_id(), "d"))


def test_a_coupon_that_is_voided_meanwhile_is_not_used_though_another_cart_held_it_too_long(merchant: Merchant) -> None:
    member_id = merchant.member()
    coupon_id = give(merchant, define(merchant), member_id)
    late, next_ = cart(), cart()
    hold(merchant, late, offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id]), member_id=member_id)
    merchant.now = UNTIL
    found = offer_of(merchant, member_id=member_id, coupon_ids=[coupon_id])
    void(merchant, coupon_id, "a")

    refused(CouponUsedUp, lambda: redeem(merchant, next_, found, member_id=member_id))
    refused(CouponUsedUp, lambda: hold(merchant, next_, found, member_id=member_id))

    held = merchant.read(lambda s: queries.uses_by_owners(s, kind="cart", owner_ids=[late.id, next_.id]))
    assert {owner: [use.status for use in uses] for owner, uses in held.items()} == {late.id: [UseStatus.HELD]}


def test_a_member_is_given_a_coupon_once_per_key(merchant: Merchant) -> None:
    merchant.store()
    merchant.program()
    member_id = merchant.member()
    definition = define(merchant)
    command = AssignCoupon(member_id, definition.id, "give", request_hash({"x": 1}))

    first, again = (merchant.do(lambda uow: service.assign_coupon(uow, command=command)) for _ in range(2))

    assert (first.coupon_id, again.replayed) == (again.coupon_id, True)
    (coupon,) = merchant.read(lambda s: queries.coupons_of_member(s, member_id=member_id, limit=5))
    assert (coupon.id, coupon.status(NOW)) == (first.coupon_id, CouponStatus.AVAILABLE)
    unknown = AssignCoupon(member_id, new_id(), "other", request_hash({"x": 2}))
    refused(CouponDefinitionNotFound, lambda: merchant.do(lambda uow: service.assign_coupon(uow, command=unknown)))


def test_codes_of_kinds_and_of_coupons_are_taken_once(merchant: Merchant) -> None:
    define(merchant, shared_code="ONCE")

    assert refused(CouponDefinitionCodeTaken, lambda: define(merchant)).coupon_definition_code == "spring"
    assert refused(CouponCodeTaken, lambda: define(merchant, "other", shared_code="on-ce")).coupon_code == "ONCE"


def test_a_member_is_told_once_of_what_ends_on_a_day(merchant: Merchant) -> None:
    merchant.store()
    merchant.program(document() | {"policies": {"expiryNoticeDays": 7}})
    member_id, other_id = merchant.member(), merchant.member()
    # The last day is 20 March in Shanghai.
    ends = datetime(2026, 3, 20, 16, 0, tzinfo=UTC)
    definition = define(merchant, content=kind(percent(10), ends_at=ends))
    ids = [give(merchant, definition, member_id) for _ in range(2)]
    used = give(merchant, definition, other_id)
    redeem(merchant, cart(), offer_of(merchant, member_id=other_id, coupon_ids=[used]), member_id=other_id)

    merchant.now = ends - 7 * DAY - timedelta(microseconds=1)
    assert errands(merchant) == {}
    merchant.now = ends - 7 * DAY
    assert errands(merchant) == {"notice_coupons": 2}
    give(merchant, definition, member_id)
    assert errands(merchant) == {"notice_coupons": 1}
    assert errands(merchant) == {}

    letters = merchant.rows("SELECT payload FROM outbox WHERE type = 'CouponsExpiring'")
    (told,) = (row["payload"] for row in letters)
    assert (told["member_id"], told["coupons"], told["ends_on"]) == (str(member_id), 2, "2026-03-20")
    assert look(merchant, member_id=member_id, coupon_ids=ids).refused == ()


def test_holds_that_time_out_are_released_by_an_errand(merchant: Merchant) -> None:
    (code,) = codes_of(merchant, define(merchant), 1)
    hold(merchant, cart(), offer_of(merchant, code))
    assert errands(merchant) == {}

    merchant.now = NOW + timedelta(minutes=15)

    assert errands(merchant) == {"release_coupons": 1}
    assert errands(merchant) == {}
    assert offer_of(merchant, code).code == code
