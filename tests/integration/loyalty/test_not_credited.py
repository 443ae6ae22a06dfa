"""A member who can't be credited keeps nobody else waiting: what nobody reported earns nothing, and says why."""

from datetime import date, datetime
from uuid import UUID

from services.loyalty.activities import service
from services.loyalty.activities.domain import CreateShare
from services.loyalty.activities.service import follow_share
from services.loyalty.referrals.queries import codes_by_members
from services.loyalty.stores.domain import Store
from services.platform.money import AMOUNT_MAX
from tests.support.builders.activity_documents import activity_document, bonus
from tests.support.builders.deeds import available, enroll, run_errands
from tests.support.builders.merchant import Merchant

TOO_LARGE = "BALANCE_TOO_LARGE"


def told(merchant: Merchant, trigger: str) -> dict[UUID, tuple[int, str | None]]:
    """Points of a trigger's activities by member, and why they were not credited."""
    query = "SELECT member_id, points, data, frozen, entry_id FROM activities WHERE trigger = %(trigger)s"
    rows = merchant.rows(query, {"trigger": trigger})
    assert all((row["frozen"] is None) == (row["entry_id"] is None) for row in rows)
    return {row["member_id"]: (row["points"], row["data"].get("notCredited")) for row in rows}


def code_of(merchant: Merchant, member: UUID) -> str:
    return merchant.read(lambda session: codes_by_members(session, member_ids=(member,)))[member]


def full(merchant: Merchant, **changes: date) -> UUID:
    """A member who has as many points as there may be."""
    member = enroll(merchant, **changes)
    merchant.adjust(member, AMOUNT_MAX - available(merchant, member))
    return member


def test_the_others_have_their_birthdays(merchant: Merchant) -> None:
    everyone = {"limit": 20, "per": "lifetime", "owner": "everyone"}
    merchant.program(activity_document(bonus("birthday", 8, caps=[everyone])))
    rich, *others = (merchant.member(birthday=date(1990, 4, 1)) for _ in range(3))
    merchant.adjust(rich, AMOUNT_MAX)

    merchant.now = datetime.fromisoformat("2026-03-31T16:00:00+00:00")
    run_errands(merchant)

    # What the first could not get fills no cap of everybody's.
    assert told(merchant, "birthday") == {rich: (0, TOO_LARGE), **dict.fromkeys(others, (8, None))}
    assert [available(merchant, each) for each in (rich, *others)] == [AMOUNT_MAX, 8, 8]
    assert merchant.verdict().faults == ()


def test_a_friend_joins_and_buys(merchant: Merchant, store: Store) -> None:
    merchant.program(
        activity_document(bonus("sign_up", 3), bonus("referral_registered", 7), bonus("referral_purchased", 9))
    )
    rich, modest = full(merchant), enroll(merchant)
    friends = [enroll(merchant, referral_code=code_of(merchant, each)) for each in (rich, modest)]
    for friend in friends:
        merchant.buy(store, friend, 100)
    run_errands(merchant)

    assert told(merchant, "referral_registered") == {rich: (0, TOO_LARGE), modest: (7, None)}
    assert told(merchant, "referral_purchased") == {rich: (0, TOO_LARGE), modest: (9, None)}
    assert [available(merchant, each) for each in (rich, modest, *friends)] == [AMOUNT_MAX, 19, 3, 3]


def test_a_link_leads_on(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("share", 2)))
    rich = full(merchant)
    wish = CreateShare(rich, "https://shop.example/cup", "wechat")
    share = merchant.do(lambda uow: service.create_share(uow, command=wish))

    visits = [merchant.do(lambda uow: follow_share(uow, share_id=share.id, visitor_hash=b"someone")) for _ in range(2)]

    assert visits == ["https://shop.example/cup"] * 2
    assert told(merchant, "share") == {rich: (0, TOO_LARGE)}
    assert merchant.rows("SELECT visits FROM shares") == [{"visits": 1}]
