"""What members do besides buying: verified, stored once, judged by the rules in force, and taken back whole."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from services.loyalty.activities import queries, service
from services.loyalty.activities.domain import (
    CheckIn,
    CreateShare,
    CustomDeed,
    Mention,
    RecordActivity,
    Review,
    SurveyAnswer,
)
from services.loyalty.activities.errors import (
    ActivityConflict,
    ActivityRepeated,
    CheckInCodeExpired,
    EventDataInvalid,
    EventNotDeclared,
    ProductNotBought,
)
from services.loyalty.members import service as members
from services.loyalty.members.domain import Identity, IdentityKind, TagMember, UpdateMember
from services.loyalty.purchases.errors import OccurredTooLongAgo
from services.loyalty.referrals.errors import ReferralCodeUnknown
from services.loyalty.referrals.queries import codes_by_members
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreNotFound
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.ids import new_id
from tests.support.builders.activity_documents import WORKSHOP, activity_document, bonus, declared
from tests.support.builders.deeds import available, command, enroll, record, run_errands
from tests.support.builders.merchant import NOW, Merchant

Dump = Callable[[], dict[str, str]]

DAY = timedelta(days=1)


def test_a_visit_earns_once_per_store_and_day_of_the_programs_zone(merchant: Merchant, store: Store) -> None:
    merchant.program(activity_document(bonus("check_in", 5)))
    other = merchant.store("other")
    member = merchant.member()

    first = record(merchant, member, CheckIn(store.id))
    with pytest.raises(ActivityRepeated) as refused:
        record(merchant, member, CheckIn(store.id))
    elsewhere = record(merchant, member, CheckIn(other.id))
    # Noon in Shanghai is NOW; twelve hours later the next day begins there.
    merchant.now = NOW + timedelta(hours=11, minutes=59)
    with pytest.raises(ActivityRepeated):
        record(merchant, member, CheckIn(store.id))
    merchant.now = NOW + timedelta(hours=12)
    next_day = record(merchant, member, CheckIn(store.id))

    assert (first.points, first.balance, first.replayed) == (5, 5, False)
    assert refused.value.facts() == {"kind": "check_in", "activity_id": first.activity_id}
    assert (elsewhere.points, next_day.points) == (5, 5)
    assert available(merchant, member) == 15
    assert merchant.verdict().faults == ()


def test_twenty_visits_at_a_time_are_one(merchant: Merchant, store: Store) -> None:
    merchant.program(activity_document(bonus("check_in", 5)))
    member = merchant.member()
    told = [command(merchant, member, CheckIn(store.id)) for _ in range(20)]

    def visit(each: RecordActivity) -> str:
        try:
            merchant.do(lambda uow: service.record_activity(uow, command=each))
        except ActivityRepeated as refused:
            return refused.code
        return "kept"

    with ThreadPoolExecutor(max_workers=10) as threads:
        outcomes = list(threads.map(visit, told))

    assert sorted(outcomes) == ["ACTIVITY_REPEATED"] * 19 + ["kept"]
    assert available(merchant, member) == 5
    assert len(merchant.rows("SELECT id FROM activities")) == 1


def test_a_repeat_is_answered_as_the_first_time(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program(activity_document(bonus("check_in", 5)))
    member = merchant.member()
    told = command(merchant, member, CheckIn(store.id), occurred_at=NOW)
    first = merchant.do(lambda uow: service.record_activity(uow, command=told))
    before = dump()

    same_key = merchant.do(lambda uow: service.record_activity(uow, command=told))
    unchanged = dump()
    under_another_key = record(merchant, member, CheckIn(store.id), external_id=told.external_id, occurred_at=NOW)

    assert unchanged == before
    for again in (same_key, under_another_key):
        assert (again.activity_id, again.points, again.balance, again.replayed) == (first.activity_id, 5, 5, True)
    assert available(merchant, member) == 5
    with pytest.raises(IdempotencyConflict):
        record(merchant, member, CheckIn(store.id), idempotency_key=told.idempotency_key)
    with pytest.raises(ActivityConflict) as conflict:
        record(merchant, member, SurveyAnswer("nps", "a1"), external_id=told.external_id)
    assert conflict.value.activity_id == first.activity_id


def test_a_code_is_good_until_it_expires(merchant: Merchant, store: Store, dump: Dump) -> None:
    rules = (bonus("check_in", 5, when={"field": "event.method", "op": "eq", "value": "qr"}),)
    merchant.program(activity_document(*rules))
    member, late = merchant.member(), merchant.member()
    expires_at = merchant.read(lambda session: service.open_check_in(session, store_id=store.id, valid_seconds=60))

    earned = record(merchant, member, CheckIn(store.id, code_expires_at=expires_at))
    merchant.now = expires_at
    before = dump()
    with pytest.raises(CheckInCodeExpired) as refused:
        record(merchant, late, CheckIn(store.id, code_expires_at=expires_at))

    assert expires_at == NOW + timedelta(seconds=60)
    assert earned.points == 5
    assert refused.value.expired_at == expires_at
    assert dump() == before
    for seconds in (14, 86_401):
        with pytest.raises(InvalidInput):
            merchant.read(partial(service.open_check_in, store_id=store.id, valid_seconds=seconds))
    with pytest.raises(StoreNotFound):
        record(merchant, member, CheckIn(new_id()))


def test_a_review_is_of_something_bought_and_counts_once(merchant: Merchant, store: Store) -> None:
    longer = {"field": "event.textLength", "op": "ge", "value": 20}
    merchant.program(activity_document(bonus("review", 3), bonus("review", 4, "long-review", when=longer)))
    member, stranger = merchant.member(), merchant.member()
    bought = merchant.buy(store, member, 1000, 500)

    short = record(merchant, member, Review("sku-1", stars=1, text_length=19))
    long = record(merchant, member, Review("sku-2", stars=5, text_length=20))
    with pytest.raises(ActivityRepeated):
        record(merchant, member, Review("sku-1", stars=5, text_length=500))
    with pytest.raises(ProductNotBought):
        record(merchant, member, Review("sku-3"))
    with pytest.raises(ProductNotBought):
        record(merchant, stranger, Review("sku-1"))
    merchant.refund(bought.purchase_id)
    other = merchant.buy(store, stranger, 700)
    merchant.refund(other.purchase_id)

    assert (short.points, long.points) == (3, 7)
    with pytest.raises(ProductNotBought):
        record(merchant, stranger, Review("sku-1"))


def test_an_answer_earns_whatever_its_score(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("survey", 2, when={"field": "event.survey", "op": "eq", "value": "nps"})))
    member, other = merchant.member(), merchant.member()

    points = [record(merchant, member, SurveyAnswer("nps", f"answer-{score}", score)).points for score in (0, 10)]
    with pytest.raises(ActivityRepeated):
        record(merchant, other, SurveyAnswer("nps", "answer-0", 0))

    assert points == [2, 2]
    assert record(merchant, member, SurveyAnswer("ces", "answer-0")).points == 0
    # There is no field by which a rule could ask.
    for field in ("event.score", "event.stars"):
        with pytest.raises(DomainError):
            merchant.program(activity_document(bonus("survey", 2, when={"field": field, "op": "ge", "value": 9})))


def test_a_mention_counts_once_by_its_address(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("mention", 4)))
    member = merchant.member()

    earned = record(merchant, member, Mention("https://weibo.example/p/1", "weibo"))

    assert earned.points == 4
    with pytest.raises(ActivityRepeated):
        record(merchant, member, Mention("https://weibo.example/p/1"))
    for url in (
        "http://weibo.example/p/2",
        "javascript:alert(1)",
        "https://",
        "https://me@weibo.example/",
        "https://a b",
    ):
        with pytest.raises(InvalidInput):
            record(merchant, member, Mention(url))


def test_an_event_is_what_the_program_declares(merchant: Merchant, dump: Dump) -> None:
    several = {"field": "event.data.guests", "op": "ge", "value": 3}
    rules = (bonus("custom_event", 6, event="workshop", when=several), bonus("check_in", 1))
    merchant.program(activity_document(*rules, events=[WORKSHOP]))
    member = merchant.member()

    few = record(merchant, member, CustomDeed("workshop", {"topic": "latte art", "guests": 2}))
    many = record(merchant, member, CustomDeed("workshop", {"topic": "latte art", "guests": 3}))
    before = dump()
    with pytest.raises(EventDataInvalid) as refused:
        record(merchant, member, CustomDeed("workshop", {"topic": "", "guests": "three", "more": 1}))
    with pytest.raises(EventNotDeclared):
        record(merchant, member, CustomDeed("tasting", {}))
    deep: Any = {}
    for _ in range(10):
        deep = {"in": deep}
    unfit: list[Any] = [deep, {"topic": "x" * 20_000, "guests": 1}, {"topic": "a\x00b", "guests": 1}, ["topic"]]
    for data in unfit:
        with pytest.raises(InvalidInput):
            record(merchant, member, CustomDeed("workshop", data))

    assert (few.points, many.points) == (0, 6)
    assert sorted(refused.value.paths) == ["", "/guests", "/topic"]
    assert dump() == before
    kept = merchant.read(lambda session: queries.activities_page(session, member_id=member, limit=10))
    assert [(each.event_code, each.points, dict(each.data)["data"]["guests"]) for each in kept] == [
        ("workshop", 6, 3),
        ("workshop", 0, 2),
    ]


def test_caps_and_tiers_are_the_engines(merchant: Merchant, store: Store) -> None:
    cap = {"limit": 12, "per": "month"}
    everyone = {"limit": 100, "per": "lifetime", "owner": "everyone"}
    merchant.program(
        activity_document(bonus("check_in", 5, caps=[cap]), bonus("mention", 60, caps=[everyone]), bonus("review", 1))
    )
    member, other = merchant.member(), merchant.member()

    visits = []
    for days in range(4):
        merchant.now = NOW + days * DAY
        visits.append(record(merchant, member, CheckIn(store.id)).points)
    mentions = [
        record(merchant, who, Mention(f"https://weibo.example/{number}"))
        for number, who in enumerate((member, other, member))
    ]

    assert visits == [5, 5, 2, 0]
    assert [each.points for each in mentions] == [60, 40, 0]
    assert [(each.from_tier, each.to_tier) for each in mentions] == [(None, None)] * 3
    record_of_gold = record(merchant, other, SurveyAnswer("x", "y"))
    assert record_of_gold.to_tier is None
    merchant.program(activity_document(bonus("mention", 90)))
    lifted = record(merchant, member, Mention("https://weibo.example/9"))
    assert (lifted.from_tier, lifted.to_tier) == ("base", "gold")
    assert merchant.verdict().faults == ()


def test_what_earns_nothing_is_stored_all_the_same(merchant: Merchant, store: Store) -> None:
    member, inactive = merchant.member(), merchant.member()

    before_any_program = record(merchant, member, SurveyAnswer("nps", "1"))
    merchant.program(activity_document(bonus("check_in", 5)))
    without_rule = record(merchant, member, SurveyAnswer("nps", "2"))
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=inactive))
    by_inactive = record(merchant, inactive, CheckIn(store.id))
    too_old = NOW - 31 * DAY

    assert [each.points for each in (before_any_program, without_rule, by_inactive)] == [0, 0, 0]
    assert len(merchant.rows("SELECT id FROM activities")) == 3
    assert merchant.rows("SELECT quantity FROM usage_facts WHERE meter = 'activities'") == [{"quantity": 1}] * 3
    with pytest.raises(OccurredTooLongAgo):
        record(merchant, member, CheckIn(store.id), occurred_at=too_old)
    with pytest.raises(InvalidInput):
        record(merchant, member, SurveyAnswer("nps", "3"), source="program")


def test_a_late_event_is_judged_by_the_rules_of_its_day(merchant: Merchant, store: Store) -> None:
    member = merchant.member()
    merchant.program(activity_document(bonus("check_in", 5)))
    merchant.now = NOW + 3 * DAY
    merchant.program(activity_document(bonus("check_in", 50)))
    merchant.now = NOW + 4 * DAY

    late = record(merchant, member, CheckIn(store.id), occurred_at=NOW + DAY)
    present = record(merchant, member, CheckIn(store.id))

    assert (late.points, present.points) == (5, 50)


def test_who_joins_earns_and_so_does_who_brought_them(merchant: Merchant, store: Store) -> None:
    friend_bonus = {"field": "event.isReferred", "op": "eq", "value": True}
    merchant.program(
        activity_document(
            bonus("sign_up", 10),
            bonus("sign_up", 20, "by-friend", when=friend_bonus),
            bonus("referral_registered", 30),
        )
    )
    referrer = enroll(merchant)
    code = merchant.read(lambda session: codes_by_members(session, member_ids=(referrer,)))[referrer]

    friend = enroll(merchant, referral_code=f" {code[:4].lower()}-{code[4:].lower()} ")
    with pytest.raises(ReferralCodeUnknown):
        enroll(merchant, referral_code="AAAA2222")

    assert available(merchant, referrer) == 40
    assert available(merchant, friend) == 30
    assert len(merchant.rows("SELECT id FROM members")) == 2
    assert len(merchant.rows("SELECT friend_id FROM referrals")) == 1
    assert merchant.verdict().faults == ()


def test_a_friends_first_purchase_rewards_the_referrer_and_its_refund_takes_it_back(
    merchant: Merchant, store: Store
) -> None:
    large = {"field": "order.total", "op": "ge", "value": 1000}
    held = {"after": {"count": 14, "unit": "day"}}
    merchant.program(activity_document(bonus("referral_purchased", 50, activation=held, when=large)))
    referrer = enroll(merchant)
    code = merchant.read(lambda session: codes_by_members(session, member_ids=(referrer,)))[referrer]
    friend = enroll(merchant, referral_code=code)

    first = merchant.buy(store, friend, 1000)
    judged = run_errands(merchant)
    merchant.buy(store, friend, 2000)
    judged_again = run_errands(merchant)
    pending = merchant.balance(referrer)
    merchant.refund(first.purchase_id)
    taken_back = run_errands(merchant)
    after_refund = merchant.balance(referrer)
    merchant.buy(store, friend, 3000)
    run_errands(merchant)
    merchant.now = NOW + 14 * DAY
    record(merchant, referrer, SurveyAnswer("nps", "1"))

    assert (judged, judged_again, taken_back) == (1, 0, 1)
    assert (pending.pending, pending.available) == (50, 0)
    assert (after_refund.pending, after_refund.available) == (0, 0)
    assert available(merchant, referrer) == 50
    told = merchant.rows("SELECT withdrawn_at FROM activities WHERE trigger = 'referral_purchased' ORDER BY id")
    assert [row["withdrawn_at"] is not None for row in told] == [True, False]
    assert merchant.verdict().faults == ()


def test_a_shared_link_earns_when_a_friend_follows_it(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("share", 7)))
    member = merchant.member()
    sharing = CreateShare(member, "https://shop.example/spring?x=1", "wechat")
    share = merchant.do(lambda uow: service.create_share(uow, command=sharing))

    def follow(visitor: bytes | None) -> str:
        return merchant.do(lambda uow: service.follow_share(uow, share_id=share.id, visitor_hash=visitor))

    by_robot = (follow(None), available(merchant, member))
    with ThreadPoolExecutor(max_workers=8) as threads:
        led_to = set(threads.map(follow, [b"a", b"b", b"a", b"c"] * 2))

    assert by_robot == (sharing.url, 0)
    assert led_to == {sharing.url}
    assert available(merchant, member) == 7
    found = merchant.read(lambda session: queries.shares_by_ids(session, share_ids=(share.id,)))[share.id]
    assert (found.visits, found.first_visited_at) == (3, NOW)
    for url in ("http://shop.example", "data:text/html,x", "https://"):
        with pytest.raises(InvalidInput):
            merchant.do(partial(service.create_share, command=CreateShare(member, url, "x")))


def test_a_profile_that_is_complete_earns_once(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("profile_completed", 9), fields=[declared("size", "number")]))
    member = enroll(merchant)
    mail = (Identity(IdentityKind.EMAIL, "mia@member.example"),)

    def update(**changes: Any) -> int:
        change = UpdateMember(member, **changes)
        merchant.do(lambda uow: service.update_member(uow, command=change))
        return available(merchant, member)

    after = [
        update(name="Mia"),
        update(birthday=date(1990, 5, 17)),
        update(identities=mail),
        update(fields={"size": 38}),
        update(fields={"size": None}),
        update(fields={"size": 39}),
    ]
    at_once = enroll(
        merchant,
        name="Max",
        birthday=date(1990, 5, 17),
        identities=(Identity(IdentityKind.PHONE, "+8613912345678"),),
        fields={"size": 40},
    )

    assert after == [0, 0, 0, 9, 9, 9]
    assert available(merchant, at_once) == 9


def test_tags_and_fields_are_checked_and_rules_may_ask_for_them(merchant: Merchant, store: Store) -> None:
    vip = {
        "all": [
            {"field": "member.tags", "op": "contains", "value": "vip"},
            {"field": "member.fields.since", "op": "lt", "value": "2026-01-01"},
        ]
    }
    fields = [
        declared("size", "number"),
        declared("news", "boolean"),
        declared("since", "date"),
        declared("nick", "text"),
    ]
    merchant.program(activity_document(bonus("check_in", 5, when=vip), fields=fields))
    member = enroll(merchant, tags=("vip", "vip", "a"), fields={"since": "2025-12-31", "news": False})
    plain = enroll(merchant)

    tagged = merchant.do(lambda uow: members.tag_member(uow, command=TagMember(plain, add=("b", "a"), remove=("c",))))
    untagged = merchant.do(lambda uow: members.tag_member(uow, command=TagMember(plain, remove=("a",))))

    assert record(merchant, member, CheckIn(store.id)).points == 5
    assert record(merchant, plain, CheckIn(store.id)).points == 0
    assert (tagged.tags, untagged.tags) == (("a", "b"), ("b",))
    refused: list[dict[str, Any]] = [
        {"size": "38"}, {"size": True}, {"news": 1}, {"since": "2026-02-30"}, {"since": "20260101"}, {"nick": ""},
        {"other": 1},
    ]  # fmt: skip
    for values in refused:
        with pytest.raises(InvalidInput) as told:
            enroll(merchant, fields=values)
        assert told.value.field == f"fields.{next(iter(values))}"
    with pytest.raises(InvalidInput):
        enroll(merchant, tags=tuple(str(number) for number in range(51)))
