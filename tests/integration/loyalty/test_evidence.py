"""What tills tell beyond the lines, and what rules make of it."""

from decimal import Decimal
from typing import Any

import pytest

from services.gateway.graphql.purchases import types
from services.loyalty.ledger import queries as ledger
from services.loyalty.members import service as members
from services.loyalty.members.domain import TagMember
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import (
    BoughtLine,
    CartQuote,
    QuoteCart,
    RecordPurchase,
    Tender,
    TenderKind,
    Told,
)
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.stores.domain import Store
from services.platform.errors import InvalidInput
from tests.support.builders.merchant import Merchant, lines
from tests.support.builders.spending import spending, spending_document

FIELD = {"code": "table", "owner": "purchase", "type": "number", "name": {"en": "Table", "zh": "桌号"}}


def bonus(name: str, points: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": {"en": name, "zh": name},
        "trigger": "purchase",
        "formula": {"fixed": points},
    } | changes


def comparison(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def quoted(merchant: Merchant, command: RecordPurchase) -> CartQuote:
    cart = QuoteCart(
        member=command.member,
        store_id=command.store_id,
        currency=command.currency,
        lines=command.lines,
        discount_minor=command.discount_minor,
        channel=command.channel,
        told=command.told,
    )
    return merchant.read(lambda session: service.quote_cart(session, command=cart))


@pytest.mark.parametrize(
    ("told", "points"),
    [
        (Told(), 20),
        (Told(tenders=(Tender(TenderKind.STORED_VALUE, 1_500), Tender(TenderKind.GIFT_CARD, 500))), 20),
        (Told(tenders=(Tender(TenderKind.POINTS, 500), Tender(TenderKind.CASH, 1_500))), 15),
        (Told(shipping_minor=1_000), 20),
        (Told(prices_include_tax=False), 20),
    ],
)
def test_what_was_paid_in_money_earns(merchant: Merchant, store: Store, told: Told, points: int) -> None:
    merchant.program(spending_document(spending()))
    command = merchant.purchase_command(store, merchant.member(), 1_500, 500, told=told)

    quote, recorded = quoted(merchant, command), merchant.record(command)

    assert (quote.points, recorded.points) == (points, points)
    assert sum(line.points for line in quote.lines) == points


@pytest.mark.parametrize(
    ("policy", "is_inside", "points"),
    [("as_priced", True, 11), ("without", True, 10), ("as_priced", False, 11), ("with", False, 12)],
)
def test_tax_counts_as_the_program_says(
    merchant: Merchant, store: Store, policy: str, *, is_inside: bool, points: int
) -> None:
    merchant.program(spending_document(spending(), policies={"base": {"tax": policy}}))
    taxed = (BoughtLine("sku", Decimal(1), 1_130, tax_minor=130),)

    recorded = merchant.buy(store, merchant.member(), lines=taxed, told=Told(prices_include_tax=is_inside))

    assert recorded.points == points


def test_shipping_counts_where_the_program_says_so(merchant: Merchant, store: Store) -> None:
    merchant.program(spending_document(spending(), policies={"base": {"withShipping": True}}))

    assert merchant.buy(store, merchant.member(), 1_000, told=Told(shipping_minor=500)).points == 15


def test_an_order_discount_lowers_a_category_by_its_lines_share(merchant: Merchant, store: Store) -> None:
    food = comparison("line.category", "under", [["food"]])
    merchant.program(spending_document(spending(lines=food)))
    basket = (*lines(1_000, category=("food",)), *lines(500, category=("drinks",)))

    assert merchant.buy(store, merchant.member(), lines=basket, discount_minor=300).points == 8


def test_codes_staff_channel_and_own_fields_reach_the_rules(merchant: Merchant, store: Store) -> None:
    merchant.program(
        spending_document(
            bonus("code", 1, when=comparison("order.codes", "contains", "SUMMER")),
            bonus("staff", 2, when=comparison("order.staff", "eq", "anna")),
            bonus("online", 4, when=comparison("order.channel", "eq", "online")),
            bonus("table", 8, when=comparison("order.fields.table", "ge", 10)),
            bonus("card", 16, when=comparison("order.tenders", "contains", "card")),
            fields=[FIELD],
        )
    )
    told = Told(codes=(" summer ",), staff="anna", fields={"table": 12}, tenders=(Tender(TenderKind.CARD, 100),))

    assert merchant.buy(store, merchant.member(), 100, told=told, channel="online").points == 31
    assert merchant.buy(store, merchant.member(), 100).points == 0


@pytest.mark.parametrize(
    ("told", "field", "reason"),
    [
        (Told(fields={"table": "12"}), "fields.table", "WRONG_TYPE"),
        (Told(fields={"table": True}), "fields.table", "WRONG_TYPE"),
        (Told(fields={"chair": 1}), "fields.chair", "NOT_DECLARED"),
        (Told(shipping_minor=-1), "shipping", "OUT_OF_RANGE"),
        (Told(tenders=(Tender(TenderKind.CASH, -1),)), "tenders.0.amount", "OUT_OF_RANGE"),
        (Told(codes=("  ",)), "codes.0", "BLANK"),
        (Told(codes=("x",) * 21), "codes", "COUNT_OUT_OF_RANGE"),
    ],
)
def test_what_nobody_can_tell_is_refused(merchant: Merchant, store: Store, told: Told, field: str, reason: str) -> None:
    merchant.program(spending_document(spending(), fields=[FIELD]))

    with pytest.raises(InvalidInput) as refusal:
        merchant.buy(store, merchant.member(), 100, told=told)

    assert (refusal.value.field, refusal.value.reason) == (field, reason)


def test_a_tax_larger_than_the_price_that_holds_it_is_refused(merchant: Merchant, store: Store) -> None:
    with pytest.raises(InvalidInput) as refusal:
        merchant.buy(store, None, lines=(BoughtLine("sku", Decimal(1), 100, tax_minor=101),))

    assert refusal.value.field == "lines.0.tax"


def test_what_was_told_is_kept_and_part_of_the_receipt(merchant: Merchant, store: Store) -> None:
    merchant.program(spending_document(spending(), fields=[FIELD]))
    told = Told(500, False, (Tender(TenderKind.CASH, 700),), ("SUMMER",), "anna", {"table": 3})
    command = merchant.purchase_command(
        store, None, told=told, lines=(BoughtLine("sku", Decimal(1), 100, product="shirt", tax_minor=13),)
    )
    recorded = merchant.record(command)

    kept = merchant.read(lambda session: purchases.purchase_by_id(session, purchase_id=recorded.purchase_id))
    kept_lines = merchant.read(
        lambda session: purchases.lines_by_purchases(session, purchase_ids=[recorded.purchase_id])
    )
    assert kept is not None
    assert kept.told == told
    assert [(line.product, line.tax_minor) for line in kept_lines[recorded.purchase_id]] == [("shirt", 13)]
    with pytest.raises(PurchaseConflict):
        merchant.buy(store, None, external_id=command.external_id, lines=command.lines)


def test_the_first_purchase_is_known_by_all_that_were_recorded(merchant: Merchant, store: Store) -> None:
    merchant.program(
        spending_document(
            bonus("first", 50, when=comparison("order.isFirst", "eq", value=True)),
            bonus("third", 7, when=comparison("member.purchases", "eq", 2)),
        )
    )
    member_id = merchant.member()
    commands = [merchant.purchase_command(store, member_id, 100) for _ in range(2)]

    together = merchant.do(lambda uow: service.record_purchases(uow, commands=commands, is_last=True))
    quote = quoted(merchant, merchant.purchase_command(store, member_id, 100))
    third = merchant.buy(store, member_id, 100)

    assert [outcome.points for outcome in together if not isinstance(outcome, Exception)] == [50, 0]
    assert (quote.points, third.points, merchant.buy(store, member_id, 100).points) == (7, 7, 0)


def test_a_first_purchase_that_came_back_leaves_the_next_one_first(merchant: Merchant, store: Store) -> None:
    merchant.program(spending_document(bonus("first", 50, when=comparison("order.isFirst", "eq", value=True))))
    member_id = merchant.member()
    first = merchant.buy(store, member_id, 100)

    merchant.refund(first.purchase_id)

    assert merchant.buy(store, member_id, 100).points == 50


def test_members_facts_reach_the_rules(merchant: Merchant, store: Store) -> None:
    merchant.program(spending_document(bonus("vip", 5, when=comparison("member.tags", "contains", "vip"))))
    member_id = merchant.member()
    assert merchant.buy(store, member_id, 100).points == 0

    merchant.do(lambda uow: members.tag_member(uow, command=TagMember(member_id, add=("vip",), remove=())))

    assert merchant.buy(store, member_id, 100).points == 5


def test_several_units_are_posted_in_one_entry(merchant: Merchant, store: Store) -> None:
    stamp = bonus("stamp", 1, unit="stamps")
    units = [
        {"code": code, "name": {"en": code, "zh": code}, "scale": 0} | more
        for code, more in (("points", {}), ("stamps", {"activation": {"after": {"count": 1, "unit": "day"}}}))
    ]
    merchant.program(spending_document(spending(), stamp, units=units))
    member_id = merchant.member()

    recorded = merchant.buy(store, member_id, 500)

    assert (recorded.points, recorded.balance) == (5, 5)
    assert merchant.balance(member_id, "stamps").pending == 1
    assert len(merchant.rows("SELECT id FROM ledger_entries")) == 1
    merchant.refund(recorded.purchase_id)
    assert merchant.balance(member_id).available == 0


@pytest.mark.parametrize(("crossing", "points"), [("old", 100), ("new", 200)])
def test_the_purchase_that_crosses_a_threshold_earns_at_the_tier_of_the_policy(
    merchant: Merchant, store: Store, crossing: str, points: int
) -> None:
    document = spending_document(spending())
    document["tiers"]["levels"][1]["multiplier"] = "2"
    document["tiers"]["crossing"] = crossing
    merchant.program(document)
    member_id = merchant.member()
    command = merchant.purchase_command(store, member_id, 10_000)

    quote, recorded = quoted(merchant, command), merchant.record(command)

    assert (quote.points, recorded.points) == (points, points)
    assert (quote.tier_after, recorded.to_tier) == ("gold", "gold")
    entries = merchant.read(lambda session: ledger.balances(session, holder_ids=(member_id,)))
    assert entries[member_id][0].available == points


def test_a_quote_names_caps_and_the_tiers_effect(merchant: Merchant, store: Store) -> None:
    document = spending_document(spending(caps=[{"limit": 8, "per": "week"}]), unit_caps=[{"limit": 90, "per": "year"}])
    merchant.program(document)

    quote = quoted(merchant, merchant.purchase_command(store, merchant.member(), 700, 300))

    (rule,) = quote.rules
    assert (rule.points, rule.capped_by, rule.cap_room, rule.unit) == (8, 2, 8, "points")
    assert [(cap.key.code, cap.limit, cap.room, cap.filled) for cap in rule.caps] == [
        ("every-purchase", 8, 8, 8),
        ("points", 90, 90, 8),
    ]
    assert ([line.points for line in quote.lines], quote.tier_multiplier) == ([6, 2], Decimal(1))


def test_a_purchase_tells_clients_what_its_till_told(merchant: Merchant, store: Store) -> None:
    merchant.program(spending_document(spending(), fields=[FIELD]))
    told = Told(
        shipping_minor=800,
        tenders=(Tender(TenderKind.CASH, 200), Tender(TenderKind.GIFT_CARD, 800)),
        codes=("Spring", "VIP"),
        staff="S-7",
        fields={"table": 4},
    )
    bought = merchant.buy(store, merchant.member(), 1_000, told=told)
    plain = merchant.buy(store, None, 1_000)
    ids = [bought.purchase_id, plain.purchase_id]
    found = merchant.read(lambda session: purchases.purchases_by_ids(session, purchase_ids=ids))

    seen, other = (types.Purchase.from_domain(found[purchase_id]) for purchase_id in ids)

    assert [(each.kind, each.amount.amount) for each in seen.tenders] == [
        (TenderKind.CASH, Decimal("2.00")),
        (TenderKind.GIFT_CARD, Decimal("8.00")),
    ]
    assert (seen.codes, seen.staff, seen.shipping.amount) == (["SPRING", "VIP"], "S-7", Decimal("8.00"))
    assert {each.code: each.value for each in seen.fields} == told.fields
    assert (other.tenders, other.codes, other.staff, other.fields) == ([], [], None, [])
    assert (other.shipping.amount, other.prices_include_tax, other.voided_at) == (Decimal("0.00"), True, None)
