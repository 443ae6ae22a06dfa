"""Evidence in, points out: exact results."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain import AccountRef, EntryKind, Purpose
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.members import service as members
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import Accrual, BoughtLine, RecordedPurchase
from services.loyalty.stores.domain import Store
from services.platform.actors import Actor, ActorKind
from services.platform.ids import new_id
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant

DRINKS = ("Drinks", "Coffee")


def test_a_purchase_becomes_evidence_an_entry_and_a_lot(merchant: Merchant, store: Store) -> None:
    version = merchant.program()
    member_id = merchant.member()
    merchant.actor = Actor(ActorKind.KEY, new_id())
    occurred_at = NOW
    merchant.now = NOW + timedelta(hours=2)

    recorded = merchant.buy(store, member_id, 1_250, 900, occurred_at=occurred_at)

    assert recorded == RecordedPurchase(recorded.purchase_id, member_id, 21, 21, None, None, replayed=False)
    assert merchant.balance(member_id) == Balance(member_id, "points", available=21, earned=21)
    (entry,) = merchant.read(lambda session: ledger.entries_page(session, holder_id=member_id, limit=10))
    assert (entry.kind, entry.seq, entry.header.actor) == (EntryKind.ACCRUAL, 1, merchant.actor)
    assert (entry.header.occurred_at, entry.header.recorded_at) == (occurred_at, merchant.now)
    assert (entry.header.store_id, entry.header.program_version_id) == (store.id, version.id)
    (posting,) = entry.postings
    assert (posting.debit, posting.credit, posting.amount) == (
        AccountRef(None, "points", Purpose.ISSUANCE),
        AccountRef(member_id, "points", Purpose.AVAILABLE),
        21,
    )
    (lot,) = merchant.read(lambda session: ledger.lots(session, holder_id=member_id, limit=10))
    assert (lot.amount, lot.remaining, lot.activates_at, lot.expires_at) == (21, 21, occurred_at, None)
    assert (lot.origin.kind, lot.origin.id, lot.origin.rule_id) == ("purchase", recorded.purchase_id, "every-purchase")
    assert merchant.verdict().faults == ()


def test_lines_carry_what_was_paid_and_what_it_earned(merchant: Merchant, store: Store) -> None:
    drinks = rule("drinks", points=2, conditions={"categories": [["Drinks"]]})
    merchant.program(document(rules=[rule(), drinks]))
    member_id = merchant.member()
    bought = (
        BoughtLine("latte", Decimal(2), 4_000, discount_minor=500, category=DRINKS, name="Latte ☕"),
        BoughtLine("cake", Decimal("0.3500"), 3_000, category=("Food",)),
        BoughtLine("deposit", Decimal(-1), -300),
    )

    recorded = merchant.buy(store, member_id, lines=bought, discount_minor=650)

    purchase = merchant.read(lambda session: purchases.purchase_by_id(session, purchase_id=recorded.purchase_id))
    assert purchase is not None
    assert (purchase.total_minor, purchase.discount_minor, purchase.points) == (5_550, 650, 117)
    lines = merchant.read(lambda session: purchases.lines_by_purchases(session, purchase_ids=[purchase.id]))
    assert [(line.sku, line.quantity, line.net_minor, line.points) for line in lines[purchase.id]] == [
        ("latte", Decimal(2), 3_150, 92),
        ("cake", Decimal("0.35"), 2_700, 25),
        ("deposit", Decimal(-1), -300, 0),
    ]
    assert lines[purchase.id][0].category == DRINKS
    accruals = merchant.read(lambda session: purchases.accruals_by_purchases(session, purchase_ids=[purchase.id]))
    assert [(accrual.rule_id, accrual.points, accrual.standing) for accrual in accruals[purchase.id]] == [
        ("drinks", 62, 62),
        ("every-purchase", 55, 55),
    ]


def test_a_guest_a_negative_total_and_an_inactive_member_earn_nothing(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()

    guest = merchant.buy(store, None, 5_000)
    returned = merchant.buy(store, member_id, 500, -900)
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=member_id))
    inactive = merchant.buy(store, member_id, 5_000)
    merchant.do(lambda uow: members.reactivate_member(uow, member_id=member_id))
    active = merchant.buy(store, member_id, 5_000)

    assert [purchase.points for purchase in (guest, returned, inactive, active)] == [0, 0, 0, 50]
    assert [purchase.member_id for purchase in (guest, inactive)] == [None, member_id]
    assert merchant.rows("SELECT count(*) AS entries FROM ledger_entries") == [{"entries": 1}]
    assert merchant.rows("SELECT sum(quantity)::int AS counted FROM usage_facts WHERE meter = 'purchases'") == [
        {"counted": 4}
    ]
    assert [row["total_minor"] for row in merchant.rows("SELECT total_minor FROM purchases ORDER BY id")] == [
        5_000,
        -400,
        5_000,
        5_000,
    ]


def test_before_the_first_program_evidence_is_kept_and_earns_nothing(merchant: Merchant, store: Store) -> None:
    member_id = merchant.member()

    before = merchant.buy(store, member_id, 5_000)
    merchant.program()
    late = merchant.buy(store, member_id, 5_000, occurred_at=NOW - timedelta(seconds=1))

    assert (before.points, late.points) == (0, 0)
    assert merchant.balance(member_id) == Balance(member_id, "points")
    assert (
        merchant.rows("SELECT program_version_id, frozen FROM purchases")
        == [{"program_version_id": None, "frozen": None}] * 2
    )


def test_a_late_purchase_earns_by_the_version_of_its_day(merchant: Merchant, store: Store) -> None:
    first = merchant.program(document(rules=[rule(points=1)]))
    merchant.now = NOW + timedelta(days=1)
    second = merchant.program(document(rules=[rule(points=3)]))
    member_id = merchant.member()

    late = merchant.buy(store, member_id, 1_000, occurred_at=merchant.now - timedelta(microseconds=1))
    prompt = merchant.buy(store, member_id, 1_000)

    assert (late.points, prompt.points) == (10, 30)
    assert [
        row["program_version_id"] for row in merchant.rows("SELECT program_version_id FROM purchases ORDER BY id")
    ] == [
        first.id,
        second.id,
    ]


def test_a_cap_fills_by_the_calendar_day_of_the_program(merchant: Merchant, store: Store) -> None:
    merchant.program(document(rules=[rule(cap=25)]))
    member_id = merchant.member()
    merchant.now = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)
    before_midnight = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    after_midnight = datetime(2026, 3, 2, 16, 1, tzinfo=UTC)

    earned = [
        merchant.buy(store, member_id, 2_000, occurred_at=occurred_at).points
        for occurred_at in (before_midnight, before_midnight, before_midnight, after_midnight)
    ]

    assert earned == [20, 5, 0, 20]
    assert merchant.rows("SELECT day::text AS day, used FROM cap_uses ORDER BY day") == [
        {"day": "2026-03-02", "used": 25},
        {"day": "2026-03-03", "used": 20},
    ]


def test_the_purchase_that_reaches_a_tier_earns_at_the_old_one(merchant: Merchant, store: Store) -> None:
    levels = [("base", 0, "1"), ("silver", 50, "1.5"), ("gold", 150, "2")]
    merchant.program(document(levels=levels))
    member_id = merchant.member()

    first, second, third = (merchant.buy(store, member_id, amount) for amount in (4_900, 100, 7_000))

    assert [(step.points, step.from_tier, step.to_tier) for step in (first, second, third)] == [
        (49, None, None),
        (1, "base", "silver"),
        (105, "silver", "gold"),
    ]
    assert merchant.rows("SELECT tier_code, points_earned, spend_minor FROM member_tiers") == [
        {"tier_code": "gold", "points_earned": 155, "spend_minor": 12_000}
    ]
    changes = merchant.rows("SELECT payload FROM outbox WHERE type = 'TierChanged' ORDER BY id")
    assert [(row["payload"]["from_tier"], row["payload"]["to_tier"]) for row in changes] == [
        ("base", "silver"),
        ("silver", "gold"),
    ]


def test_another_currency_is_kept_and_earns_nothing(merchant: Merchant) -> None:
    merchant.program(document(metric="spend"))
    member_id = merchant.member()
    abroad = merchant.store("tokyo", currency="JPY", timezone="Asia/Tokyo")

    recorded = merchant.buy(abroad, member_id, 5_000)

    assert recorded.points == 0
    assert merchant.rows("SELECT currency, total_minor FROM purchases") == [{"currency": "JPY", "total_minor": 5_000}]
    assert merchant.rows("SELECT * FROM member_tiers WHERE spend_minor > 0") == []


def test_the_letter_tells_what_the_member_may_read(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()

    recorded = merchant.buy(store, member_id, 1_234)

    (letter,) = merchant.rows("SELECT payload FROM outbox WHERE type = 'PurchaseRecorded'")
    assert letter["payload"] == {
        "purchase_id": str(recorded.purchase_id),
        "member_id": str(member_id),
        "merchant_name": "Corner Café",
        "store_name": "Store main",
        "occurred_at": NOW.isoformat(),
        "timezone": "Asia/Shanghai",
        "total_minor": 1_234,
        "currency": "CNY",
        "points": 12,
        "balance": 12,
        "unit_name_en": "Points",
        "unit_name_zh": "积分",
        "unit_scale": 0,
        "tier_name_en": "Base",
        "tier_name_zh": "base",
    }


def test_a_till_knows_members_by_their_identities(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member(
        Identity(IdentityKind.PHONE, "138 0013 8000"),
        Identity(IdentityKind.EMAIL, "Ada@Example.com"),
        store_id=store.id,
    )

    found = [
        merchant.buy(store, Identity(kind, value), 1_000).member_id
        for kind, value in (
            (IdentityKind.PHONE, "+86 138-0013-8000"),
            (IdentityKind.PHONE, "13800138000"),
            (IdentityKind.EMAIL, " ADA@example.COM "),
        )
    ]

    assert found == [member_id] * 3
    assert merchant.balance(member_id).available == 30


def test_accruals_without_points_have_no_lot(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()

    recorded = merchant.buy(store, member_id, 99)

    accruals = merchant.read(
        lambda session: purchases.accruals_by_purchases(session, purchase_ids=[recorded.purchase_id])
    )
    assert accruals[recorded.purchase_id] == (Accrual(recorded.purchase_id, "every-purchase", None, 0, 0, "points"),)
    assert merchant.rows("SELECT entry_id FROM purchases") == [{"entry_id": None}]
