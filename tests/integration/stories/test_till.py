"""A sale at a till over the API: a card, a quote, points and a coupon, and a line that comes back."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Merchant, sign_up

QUOTE = """query ($input: QuoteCartInput!) { quoteCart(input: $input) { __typename
  ... on Error { code message }
  ... on QuoteCartPayload {
    token expiresAt total { amount } discount { amount } due { amount } paidWithPoints { amount } pointsPaid points
    usablePoints { points amount { amount } limit available }
    coupons { couponId name { en } amount { amount } }
    unusedCoupons { code reason facts { name value } }
    lines { position net { amount } discount { amount } paidWithPoints { amount } points }
    rules { ruleId points cappedBy } tier tierAfter balance balanceAfter } } }"""
COMMIT = """purchase { id externalId total { amount } } total { amount } paidWithPoints { amount } pointsPaid
  due { amount } points balance tierChange { fromTier toTier } replayed"""
MEMBER = """query ($id: ID!) { member(by: {id: $id}) {
  balances { available held spent } tier { tier { code } } } }"""
SCAN = """query ($input: MemberByScanInput!) { memberByScan(input: $input) { __typename
  ... on MemberByScanPayload { member { id } } } }"""
BUDGET = """query ($id: ID!) { budget(id: $id) {
  inMoney { reserved { amount } spent { amount } } inUnits { reserved spent } } }"""
CARD = "6925281900011"


def program(owner: Merchant) -> None:
    """A point for every yuan, gold from 500; 100 points pay a yuan, half of a cart at most."""
    owner.publish(
        {
            "version": 2,
            "name": {"en": "Regulars", "zh": "常客"},
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "units": [{"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}],
            "rules": [
                {
                    "id": "base",
                    "name": {"en": "Base", "zh": "基础"},
                    "trigger": "purchase",
                    "formula": {"spend": {"points": 1, "per": {"CNY": 100}}},
                }
            ],
            "tiers": {
                "metric": "points_earned",
                "levels": [
                    {"code": "member", "name": {"en": "Member", "zh": "会员"}, "threshold": 0, "multiplier": "1"},
                    {"code": "gold", "name": {"en": "Gold", "zh": "金卡"}, "threshold": 500, "multiplier": "2"},
                ],
            },
            "policies": {"payWithPoints": {"allowed": True, "points": 100, "money": 100, "percentMax": 50}},
        }
    )


def quote(owner: Merchant, store: str, **given: Any) -> dict[str, Any]:
    lines = [
        {"sku": "coat", "quantity": "1", "amount": "600.00"},
        {"sku": "scarf", "quantity": "1", "amount": "400.00"},
    ]
    asked = {"storeId": store, "currency": "CNY", "lines": lines, **given}
    found: dict[str, Any] = owner.ask(QUOTE, input=asked)
    return found


def test_a_sale_at_the_till(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "till")
    store = owner.open_store()
    program(owner)
    member = owner.enroll(
        identities=[{"kind": "CARD", "value": CARD}],
    )
    values = {"member": {"id": member}, "points": 50_000, "reason": "Gift", "idempotencyKey": fresh_key()}
    owner.do("adjustPoints", "balance", **values)
    budget = owner.do(
        "createBudget",
        "budget { id }",
        code="spring",
        name={"en": "Spring", "zh": "春季"},
        moneyMax="1000.00",
        currency="CNY",
        unitsMax=10,
    )["budget"]["id"]
    definition = coupon_definition(owner, budget)
    coupon = owner.do(
        "assignCoupon",
        "coupon { id }",
        couponDefinitionId=definition,
        member={"id": member},
        idempotencyKey=fresh_key(),
    )["coupon"]["id"]

    # The card is scanned, and the cart is quoted for whose it is.
    assert owner.ask(SCAN, input={"text": CARD})["member"]["id"] == member
    quoted = quote(
        owner,
        store,
        member={"card": CARD},
        coupons={"couponIds": [coupon], "codes": ["nonsense"]},
        payWithPoints={"amount": "300.00"},
    )

    # 1,000 less 100 of the coupon; 300 of the 900 by points, of at most half. 600 in money earn 600: gold.
    assert (quoted["total"], quoted["due"], quoted["pointsPaid"]) == (_money("900.00"), _money("600.00"), 30_000)
    assert quoted["usablePoints"] == {
        "points": 45_000,
        "amount": {"amount": "450.00"},
        "limit": "SHARE",
        "available": 50_000,
    }
    assert [(each["couponId"], each["amount"]["amount"]) for each in quoted["coupons"]] == [(coupon, "100.00")]
    assert [(each["code"], each["reason"]) for each in quoted["unusedCoupons"]] == [("nonsense", "UNKNOWN_CODE")]
    assert [(line["net"]["amount"], line["points"]) for line in quoted["lines"]] == [("540.00", 360), ("360.00", 240)]
    assert (quoted["points"], quoted["tier"], quoted["tierAfter"]) == (600, "member", "gold")

    # Ten tills press the key at once: one purchase.
    committing = {
        "token": quoted["token"],
        "source": "till",
        "externalId": "receipt-1",
        "idempotencyKey": fresh_key(),
        "tenders": [{"kind": "CARD", "amount": "600.00"}],
    }
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: owner.do("commitCart", COMMIT, **committing), range(10)))
    assert len({answer["purchase"]["id"] for answer in answers}) == 1
    assert sorted(answer["replayed"] for answer in answers) == [False, *[True] * 9]
    for answer in answers:
        assert (answer["total"], answer["due"], answer["pointsPaid"]) == (_money("900.00"), _money("600.00"), 30_000)
        assert (answer["points"], answer["balance"]) == (600, 20_600)
    assert owner.ask(MEMBER, id=member)["tier"]["tier"]["code"] == "gold"
    assert owner.ask(BUDGET, id=budget) == _spent("100.00", 1)

    bring_the_scarf_back(owner, store, member=member, coupon=coupon, budget=budget)


def test_what_a_token_is_worth(gateway: GraphQLClient) -> None:
    """Nobody else can use it, nobody can alter it, and a cart that was given up is over."""
    owner, stranger = sign_up(gateway, "token"), sign_up(gateway, "stranger")
    store = owner.open_store()
    stranger.open_store()
    program(owner)
    token = quote(owner, store)["token"]
    sale = {"source": "till", "externalId": "receipt-1", "idempotencyKey": fresh_key()}

    assert stranger.refused("commitCart", token=token, **sale) == "QUOTE_INVALID"
    for altered in (token[:-1], token[:40] + ("A" if token[40] != "A" else "B") + token[41:], "nonsense"):
        assert owner.refused("commitCart", token=altered, **sale) == "QUOTE_INVALID"
    owner.do("reserveCart", "pointsHeld", token=token, idempotencyKey=fresh_key())
    owner.do("cancelCart", "pointsReleased", token=token, idempotencyKey=fresh_key())
    assert owner.refused("commitCart", token=token, **sale) == "CART_ENDED"


def test_a_sale_that_was_made_offline(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "offline")
    store = owner.open_store()
    program(owner)
    member = owner.enroll()

    told = owner.do(
        "settleOfflinePurchase",
        """points pointsPaid missingPoints missingAmount { amount } replayed
        dishonoredCoupons { amount { amount } coupon { code reason } }""",
        source="till",
        externalId="offline-1",
        storeId=store,
        currency="CNY",
        lines=[{"sku": "coat", "quantity": "1", "amount": "600.00", "discount": "50.00"}],
        member={"id": member},
        coupons=[{"code": "SPRING", "amount": "50.00"}],
        pointsPaid=1_000,
        paidWithPoints="10.00",
        idempotencyKey=fresh_key(),
    )

    assert (told["points"], told["pointsPaid"], told["missingPoints"]) == (540, 0, 1_000)
    assert told["missingAmount"] == {"amount": "10.00"}
    assert told["dishonoredCoupons"] == [
        {"amount": {"amount": "50.00"}, "coupon": {"code": "SPRING", "reason": "UNKNOWN_CODE"}}
    ]


def bring_the_scarf_back(owner: Merchant, store: str, *, member: str, coupon: str, budget: str) -> None:
    """120.00 of its 360.00 were points, 40.00 the coupon's; gold was this purchase's alone."""
    back = owner.do(
        "refundPurchase",
        "points pointsReturned balance tierChange { fromTier toTier } refund { amount { amount } }",
        purchase={"external": {"source": "till", "externalId": "receipt-1"}},
        source="till",
        externalId="return-1",
        refund={"lines": [{"position": 2, "quantity": "1"}]},
        idempotencyKey=fresh_key(),
    )
    assert (back["refund"]["amount"]["amount"], back["pointsReturned"], back["points"]) == ("360.00", 12_000, 240)
    assert back["tierChange"] == {"fromTier": "gold", "toTier": "member"}
    seen = owner.ask(MEMBER, id=member)
    assert seen["balances"] == [{"available": 20_600 + 12_000 - 240, "held": 0, "spent": 18_000}]
    assert owner.ask(BUDGET, id=budget) == _spent("60.00", 1)
    again = quote(owner, store, member={"id": member}, coupons={"couponIds": [coupon]})
    assert [each["reason"] for each in again["unusedCoupons"]] == ["USED"]


def coupon_definition(owner: Merchant, budget: str) -> str:
    """100.00 off, at the cost of a budget."""
    made = owner.do(
        "createCouponDefinition",
        "couponDefinition { id }",
        code="hundred-off",
        terms={
            "name": {"en": "100 off", "zh": "减100"},
            "currency": "CNY",
            "benefit": {"kind": "AMOUNT", "amount": "100.00"},
            "budgetId": budget,
        },
    )
    return str(made["couponDefinition"]["id"])


def _money(amount: str) -> dict[str, str]:
    return {"amount": amount}


def _spent(money: str, units: int) -> dict[str, Any]:
    return {
        "inMoney": {"reserved": {"amount": "0.00"}, "spent": {"amount": money}},
        "inUnits": {"reserved": 0, "spent": units},
    }
