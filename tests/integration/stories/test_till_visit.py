"""A visit to a till over the API: a reward from stock, a coupon that a reward gave, points, and what comes back.

The till works with a key of its store, the member with a token; what both are told is what they read afterwards.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.support.builders.spending import spending, spending_document
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Caller, Merchant, sign_up

TILL_SCOPES = ["MEMBERS_READ", "PURCHASES_READ", "PURCHASES_WRITE", "REDEMPTIONS_WRITE", "PROGRAM_READ"]
QUOTE = """query ($input: QuoteCartInput!) { quoteCart(input: $input) { __typename
  ... on Error { code message }
  ... on QuoteCartPayload {
    token total { amount } due { amount } paidWithPoints { amount } pointsPaid points tier tierAfter
    balance balanceAfter usablePoints { points available }
    coupons { couponId amount { amount } } unusedCoupons { reason }
    lines { position net { amount } paidWithPoints { amount } points }
    rules { ruleId points cappedBy caps { limit room filled } } } } }"""
COMMIT = """purchase { id externalId recordedAt total { amount } points refunded { amount }
    tenders { kind amount { amount } }
    lines { position net { amount } points } accruals { ruleId points } store { id } member { id } }
  total { amount } due { amount } pointsPaid points balance replayed"""
BACK = """points pointsReturned balance owed shortfall tierChange { fromTier toTier }
  needsDecision { kind } consequences { kind } refund { amount { amount } }"""
SCAN = """query ($input: MemberByScanInput!) { memberByScan(input: $input) { __typename
  ... on MemberByScanPayload { proof member { id } } ... on Error { code } } }"""
MEMBER = """balances { available held spent earned reversed adjusted }
  tier { tier { code } pointsEarned }
  coupons { edges { node { id status } } }
  redemptions { edges { node { id status points } } }"""
PURCHASE = """{ me { purchases { edges { node {
  points pointsTakenBack refunded { amount } lines { position returnedQuantity } } } } } }"""
BUDGET = """query ($id: ID!) { budget(id: $id) {
  inPoints { reserved spent } inUnits { reserved spent } inMoney { reserved { amount } spent { amount } } } }"""
COAT, SCARF = (
    {"sku": "coat", "quantity": "1", "amount": "600.00"},
    {"sku": "scarf", "quantity": "1", "amount": "400.00"},
)
GIFT, VOUCHER, UMBRELLA = 50_000, 1_000, 2_000


@dataclass(frozen=True, slots=True)
class Visit:
    """A member with 50,000 points, and what is for them in the store."""

    owner: Merchant
    till: Caller
    app: Caller
    store: str
    member: str
    vouchers: str
    """The reward that gives out coupons, of which there are 5; each costs 1,000 points."""
    umbrellas: str
    """A thing for 2,000 points, of which there are 3."""
    spring: str
    """The budget of the coupons."""
    gifts: str
    """The budget of the umbrellas."""

    def quote(self, *lines: dict[str, str], **given: Any) -> dict[str, Any]:
        asked = {"storeId": self.store, "currency": "CNY", "lines": lines, "member": {"id": self.member}, **given}
        found: dict[str, Any] = self.till.ask(QUOTE, input=asked)
        assert found["__typename"] == "QuoteCartPayload", found
        return found

    def refund(self, number: str, of: dict[str, Any]) -> dict[str, Any]:
        return self.till.do(
            "refundPurchase",
            BACK,
            purchase={"external": {"source": "till", "externalId": "receipt-1"}},
            source="till",
            externalId=number,
            refund=of,
            idempotencyKey=fresh_key(),
        )

    def standing(self) -> dict[str, Any]:
        """Points, tier, coupons and redemptions, as the member and the till are told alike."""
        own = self.app.ask(f"{{ me {{ {MEMBER} }} }}")
        found: dict[str, Any] = self.till.ask(
            f"query ($id: ID!) {{ member(by: {{id: $id}}) {{ {MEMBER} }} }}", id=self.member
        )
        assert own == found
        return found

    def points(self) -> tuple[int, int]:
        """What can be spent, and what is held."""
        (balance,) = self.standing()["balances"]
        return balance["available"], balance["held"]

    def coupon(self) -> dict[str, Any]:
        """The member's only coupon."""
        (edge,) = self.standing()["coupons"]["edges"]
        found: dict[str, Any] = edge["node"]
        return found

    def uses(self) -> list[tuple[str, str]]:
        """The uses of that coupon that went beyond a reservation, and what each takes off; they are for the staff."""
        asked = "query ($id: ID!) { coupon(id: $id) { uses { status amount { amount } } } }"
        found = self.till.ask(asked, id=self.coupon()["id"])["uses"]
        return [(use["status"], use["amount"]["amount"]) for use in found if use["status"] not in {"HELD", "RELEASED"}]

    def tier(self) -> tuple[str, int]:
        """The tier, and the points that count for it."""
        tier = self.standing()["tier"]
        return tier["tier"]["code"], tier["pointsEarned"]

    def stocks(self) -> tuple[int, int]:
        """Vouchers and umbrellas that are left, as the member and the till are told alike."""
        asked = "query ($id: ID!) { reward(id: $id) { stock } }"
        found = tuple(self.till.ask(asked, id=reward)["stock"] for reward in (self.vouchers, self.umbrellas))
        shown = self.app.ask("{ me { rewardsOffered { edges { node { id stock } } } } }")["rewardsOffered"]["edges"]
        assert {edge["node"]["id"]: edge["node"]["stock"] for edge in shown} == {
            self.vouchers: found[0],
            self.umbrellas: found[1],
        }
        return found[0], found[1]

    def of_budget(self, budget: str) -> dict[str, tuple[Any, Any]]:
        """Reserved and spent."""
        found = self.till.ask(BUDGET, id=budget)
        units, points, money = found["inUnits"], found["inPoints"], found["inMoney"]
        made = {"units": (units["reserved"], units["spent"]), "points": (points["reserved"], points["spent"])}
        if money is not None:
            made["money"] = (money["reserved"]["amount"], money["spent"]["amount"])
        return made

    def cap(self, *lines: dict[str, str]) -> tuple[int, int, int]:
        """What these lines would earn now, the room that the cap of 500 leaves, and what it cuts off."""
        (rule,) = self.quote(*lines)["rules"]
        (cap,) = rule["caps"]
        assert cap["limit"] == 500
        return rule["points"], cap["room"], rule["cappedBy"]


@pytest.fixture
def visit(gateway: GraphQLClient) -> Visit:
    owner = sign_up(gateway, "visit")
    store = owner.open_store()
    program(owner)
    member = owner.enroll()
    values = {"member": {"id": member}, "points": GIFT, "reason": "Gift", "idempotencyKey": fresh_key()}
    owner.do("adjustPoints", "balance", **values)
    owner.do("issueCard", "member { id }", memberId=member)
    spring = budget(owner, "spring", moneyMax="1000.00", currency="CNY", unitsMax=10)
    gifts = budget(owner, "gifts", pointsMax=4_000, unitsMax=2)
    terms = {
        "name": {"en": "100 off", "zh": "减100"},
        "currency": "CNY",
        "benefit": {"kind": "AMOUNT", "amount": "100.00"},
        "budgetId": spring,
    }
    coupons = owner.do("createCouponDefinition", "couponDefinition { id }", code="hundred-off", terms=terms)
    given_out = {"couponDefinitionId": coupons["couponDefinition"]["id"]}
    key = owner.do("createApiKey", "secret", name="till", scopes=TILL_SCOPES, storeId=store)["secret"]
    token = owner.do("createMemberToken", "token", memberId=member)["token"]
    return Visit(
        owner,
        owner.with_token(key),
        owner.with_token(token),
        store,
        member,
        reward(owner, "voucher", "COUPON", VOUCHER, stock=5, terms=given_out),
        reward(owner, "umbrella", "PHYSICAL", UMBRELLA, stock=3, terms={"budgetId": gifts}),
        spring,
        gifts,
    )


def test_a_visit_to_the_till(visit: Visit) -> None:
    """Points, coupon, budgets, stock, tier and cap after every step, down to where it began."""
    assert (visit.points(), visit.stocks(), visit.tier()) == ((50_000, 0), (5, 3), ("member", 0))
    umbrella, voucher = get_rewards(visit)
    pay_and_commit(visit)
    umbrella_is_handed_over(visit, umbrella)
    the_scarf_comes_back(visit)
    the_rest_comes_back(visit)
    the_rewards_come_back(visit, umbrella, voucher)


def get_rewards(visit: Visit) -> tuple[str, str]:
    """The card is scanned, an umbrella put aside, and a voucher taken on the phone; the ids of both redemptions."""
    code = visit.app.ask("{ me { card { codes(count: 1) { text } } } }")["card"]["codes"][0]["text"]
    scanned = visit.till.ask(SCAN, input={"text": code})
    assert (scanned["proof"], scanned["member"]["id"]) == ("ROTATING", visit.member)

    held = visit.till.do(
        "holdReward",
        "redemption { id status pickupCode } points balance",
        member={"id": scanned["member"]["id"]},
        rewardId=visit.umbrellas,
        storeId=visit.store,
        pickupStoreId=visit.store,
        idempotencyKey=fresh_key(),
    )
    assert (held["redemption"]["status"], held["points"], held["balance"]) == ("HELD", 2_000, 48_000)
    assert (visit.points(), visit.stocks()) == ((48_000, 2_000), (5, 2))
    assert visit.of_budget(visit.gifts) == {"units": (1, 0), "points": (2_000, 0)}

    taken = visit.app.do(
        "redeemAsMember",
        "redemption { id status } points balance",
        rewardId=visit.vouchers,
        expectedPoints=1_000,
        idempotencyKey=fresh_key(),
    )
    assert (taken["redemption"]["status"], taken["points"], taken["balance"]) == ("FULFILLED", 1_000, 47_000)
    assert (visit.points(), visit.stocks()) == ((47_000, 2_000), (4, 2))
    assert (visit.coupon()["status"], visit.uses()) == ("AVAILABLE", [])
    # Nothing of the coupon's budget is gone before it is used.
    assert visit.of_budget(visit.spring) == spent("0.00", 0)
    return held["redemption"]["id"], taken["redemption"]["id"]


def pay_and_commit(visit: Visit) -> None:
    """1,000 less 100 by the coupon, 300 of it by 30,000 points: 600 are paid in money, and earn 500 by the cap."""
    coupon = visit.coupon()["id"]
    quoted = visit.quote(
        COAT, SCARF, coupons={"couponIds": [coupon], "codes": ["nonsense"]}, payWithPoints={"amount": "300.00"}
    )
    assert (quoted["total"], quoted["due"], quoted["pointsPaid"]) == (money("900.00"), money("600.00"), 30_000)
    assert quoted["usablePoints"] == {"points": 45_000, "available": 47_000}
    assert quoted["coupons"] == [{"couponId": coupon, "amount": money("100.00")}]
    assert quoted["unusedCoupons"] == [{"reason": "UNKNOWN_CODE"}]
    assert [(line["net"], line["paidWithPoints"], line["points"]) for line in quoted["lines"]] == [
        (money("540.00"), money("180.00"), 300),
        (money("360.00"), money("120.00"), 200),
    ]
    assert quoted["rules"] == [
        {"ruleId": "base", "points": 500, "cappedBy": 100, "caps": [{"limit": 500, "room": 500, "filled": 500}]}
    ]
    assert (quoted["points"], quoted["tier"], quoted["tierAfter"]) == (500, "member", "gold")
    assert (quoted["balance"], quoted["balanceAfter"]) == (47_000, 17_500)
    # A quote holds nothing, a reservation everything.
    assert (visit.points(), visit.coupon()["status"], visit.of_budget(visit.spring)) == (
        (47_000, 2_000),
        "AVAILABLE",
        spent("0.00", 0),
    )
    reserved = visit.till.do("reserveCart", "pointsHeld", token=quoted["token"], idempotencyKey=fresh_key())
    assert reserved == {"__typename": "ReserveCartPayload", "pointsHeld": 30_000}
    assert (visit.points(), visit.coupon()["status"]) == ((17_000, 32_000), "HELD")
    assert visit.of_budget(visit.spring) == {"units": (1, 0), "points": (0, 0), "money": ("100.00", "0.00")}

    committing = {
        "token": quoted["token"],
        "source": "till",
        "externalId": "receipt-1",
        "idempotencyKey": fresh_key(),
        "tenders": [{"kind": "CARD", "amount": "600.00"}],
    }
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: visit.till.do("commitCart", COMMIT, **committing), range(10)))

    assert sorted(answer.pop("replayed") for answer in answers) == [False, *[True] * 9]
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0]["total"], answers[0]["due"]) == (quoted["total"], quoted["due"])
    assert (answers[0]["pointsPaid"], answers[0]["points"], answers[0]["balance"]) == (30_000, 500, 17_500)
    assert (visit.points(), visit.tier(), visit.stocks()) == ((17_500, 2_000), ("gold", 500), (4, 2))
    assert (visit.coupon()["status"], visit.uses()) == ("USED", [("SPENT", "100.00")])
    assert visit.of_budget(visit.spring) == spent("100.00", 1)
    assert visit.cap(COAT) == (0, 0, 1_200)
    assert purchase(visit) == {"points": 500, "back": 0, "refunded": "0.00", "returned": [0, 0]}


def umbrella_is_handed_over(visit: Visit, umbrella: str) -> None:
    """Confirmed, made ready and collected."""
    naming = {"redemptionId": umbrella, "storeId": visit.store}
    done = visit.till.do("confirmRedemption", "redemption { status }", **naming, idempotencyKey=fresh_key())
    assert done["redemption"]["status"] == "CONFIRMED"
    assert (visit.points(), visit.of_budget(visit.gifts)) == ((17_500, 0), {"units": (0, 1), "points": (0, 2_000)})
    ready = visit.till.do("fulfillRedemption", "redemption { status pickupCode }", **naming, idempotencyKey=fresh_key())
    assert ready["redemption"]["status"] == "FULFILLED"
    shown = visit.app.ask("query ($id: ID!) { node(id: $id) { ... on Redemption { pickupCode } } }", id=umbrella)
    assert shown["pickupCode"] == ready["redemption"]["pickupCode"]
    collecting = {"pickupCode": shown["pickupCode"], "storeId": visit.store}
    taken = visit.till.do("collectRedemption", "redemption { status }", **collecting, idempotencyKey=fresh_key())
    assert taken["redemption"]["status"] == "COLLECTED"
    assert (visit.stocks(), statuses(visit)[umbrella]) == ((4, 2), "COLLECTED")


def the_scarf_comes_back(visit: Visit) -> None:
    """120.00 of its 360.00 were points, 40.00 the coupon's; the 360 that stay in money earn 360, below the cap."""
    back = visit.refund("return-1", {"lines": [{"position": 2, "quantity": "1"}]})

    assert (back["refund"]["amount"], back["pointsReturned"], back["points"]) == (money("360.00"), 12_000, 140)
    assert (back["balance"], back["owed"], back["shortfall"]) == (17_500 + 12_000 - 140, 0, 0)
    assert (back["needsDecision"], back["consequences"]) == ([], [])
    assert back["tierChange"] == {"fromTier": "gold", "toTier": "member"}
    assert (visit.points(), visit.tier(), visit.stocks()) == ((29_360, 0), ("member", 360), (4, 2))
    assert (visit.coupon()["status"], visit.uses()) == ("USED", [("SPENT", "100.00")])
    assert visit.of_budget(visit.spring) == spent("60.00", 1)
    assert visit.cap(SCARF) == (140, 140, 260)
    assert purchase(visit) == {"points": 500, "back": 140, "refunded": "360.00", "returned": [0, 1]}
    again = visit.quote(COAT, coupons={"couponIds": [visit.coupon()["id"]]})
    assert (again["coupons"], again["unusedCoupons"]) == ([], [{"reason": "USED"}])


def the_rest_comes_back(visit: Visit) -> None:
    """The purchase was never there: its coupon can be used, its budget and its cap are as before."""
    back = visit.refund("return-2", {"everything": True})

    assert (back["refund"]["amount"], back["pointsReturned"], back["points"]) == (money("540.00"), 18_000, 360)
    assert (back["balance"], back["owed"], back["shortfall"], back["tierChange"]) == (47_000, 0, 0, None)
    (balance,) = visit.standing()["balances"]
    assert balance == {
        "available": 47_000,
        "held": 0,
        "spent": VOUCHER + UMBRELLA,
        "earned": 500,
        "reversed": 500,
        "adjusted": GIFT,
    }
    assert (visit.tier(), visit.stocks()) == (("member", 0), (4, 2))
    assert (visit.coupon()["status"], visit.uses()) == ("AVAILABLE", [("GIVEN_BACK", "100.00")])
    assert visit.of_budget(visit.spring) == spent("0.00", 0)
    assert visit.cap(COAT, SCARF) == (500, 500, 500)
    assert purchase(visit) == {"points": 500, "back": 500, "refunded": "900.00", "returned": [1, 1]}
    again = visit.quote(COAT, coupons={"couponIds": [visit.coupon()["id"]]})
    assert (again["total"], again["points"]) == (money("500.00"), 500)


def the_rewards_come_back(visit: Visit, umbrella: str, voucher: str) -> None:
    """What was given for points goes back on its shelf, and the points to the member; the voucher's coupon is void."""
    giving_up = {"redemptionId": umbrella, "reason": "CHANGED_MIND", "storeId": visit.store}
    gone = visit.till.refused("cancelRedemption", idempotencyKey=fresh_key(), **giving_up)
    assert gone == "REDEMPTION_NEEDS_DECISION"
    visit.till.do("cancelRedemption", "balance", **giving_up, whereabouts="RETURNED", idempotencyKey=fresh_key())
    assert (visit.points(), visit.stocks()) == ((49_000, 0), (4, 3))
    assert visit.of_budget(visit.gifts) == {"units": (0, 0), "points": (0, 0)}

    giving_up = {"redemptionId": voucher, "reason": "CHANGED_MIND", "storeId": visit.store}
    visit.till.do("cancelRedemption", "balance", **giving_up, idempotencyKey=fresh_key())
    assert (visit.points(), visit.stocks(), visit.tier()) == ((50_000, 0), (5, 3), ("member", 0))
    assert visit.coupon()["status"] == "VOIDED"
    assert statuses(visit) == {umbrella: "CANCELED", voucher: "CANCELED"}


def program(owner: Merchant) -> None:
    """A point for every yuan, 500 in a life; gold from 500, with double points; 100 points pay a yuan, half at most."""
    levels = [
        {"code": code, "name": {"en": code, "zh": code}, "threshold": threshold, "multiplier": by}
        for code, threshold, by in (("member", 0, "1"), ("gold", 500, "2"))
    ]
    owner.publish(
        spending_document(
            spending("base", caps=[{"limit": 500, "per": "lifetime"}]),
            tiers={"metric": "points_earned", "levels": levels},
            policies={"payWithPoints": {"allowed": True, "points": 100, "money": 100, "percentMax": 50}},
        )
    )


def budget(owner: Merchant, code: str, **maxima: Any) -> str:
    name = {"en": code.title(), "zh": code}
    return str(owner.do("createBudget", "budget { id }", code=code, name=name, **maxima)["budget"]["id"])


def reward(owner: Merchant, code: str, kind: str, cost: int, **given: Any) -> str:
    name = {"en": code.title(), "zh": code}
    made = owner.do("createReward", "reward { id }", code=code, kind=kind, name=name, costPoints=cost, **given)
    return str(made["reward"]["id"])


def statuses(visit: Visit) -> dict[str, str]:
    """Where the member's redemptions stand, by id."""
    return {edge["node"]["id"]: edge["node"]["status"] for edge in visit.standing()["redemptions"]["edges"]}


def purchase(visit: Visit) -> dict[str, Any]:
    """The member's only purchase as the member sees it."""
    (edge,) = visit.app.ask(PURCHASE)["purchases"]["edges"]
    node = edge["node"]
    return {
        "points": node["points"],
        "back": node["pointsTakenBack"],
        "refunded": node["refunded"]["amount"],
        "returned": [Decimal(line["returnedQuantity"]) for line in node["lines"]],
    }


def money(amount: str) -> dict[str, str]:
    return {"amount": amount}


def spent(amount: str, units: int) -> dict[str, tuple[Any, Any]]:
    """What is spent of the coupons' budget while nothing is reserved."""
    return {"units": (0, units), "points": (0, 0), "money": ("0.00", amount)}
