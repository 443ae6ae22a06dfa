"""explainEntry, whyNot and programFields at the edge."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.graphql_client import GraphQLClient, fresh_key

ROOT = Path(__file__).parents[3]
NAME = {"en": "Rule", "zh": "规则"}
EXPLANATION = """
trigger tier tierMultiplier currency rounding steps agrees evidence pointsByUnit { unit points }
programVersion { number }
rules { ruleId outcome message replacedBy positions base { amount } basePoints exactPoints pointsBeforeCaps points
  multipliers { source factor positions } caps { measure per limit roomBefore filled roomAfter hasTaken } }"""
EXPLAIN = f"""
query Explain($id: ID!) {{
  explainEntry(ledgerEntryId: $id) {{ entry {{ kind points }} explanation {{ {EXPLANATION} }} }}
}}"""
WHY_NOT = f"""
query WhyNot($input: WhyNotInput!) {{
  whyNot(input: $input) {{
    __typename
    ... on WhyNotPayload {{
      outcome message points outcomeThen pointsThen
      failing {{ place message mustHold field operator wanted actual expression names }}
      changes {{ field actual wanted message }}
      explanation {{ {EXPLANATION} }}
    }}
    ... on Error {{ code message }}
  }}
}}"""
ENTRIES = "query E($by: MemberReferenceInput!) { member(by: $by) { ledger(first: 9) { edges { node { id kind } } } } }"


def _rule(code: str, formula: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": code, "name": NAME, "trigger": "purchase", "formula": formula} | more


DOCUMENT = {
    "version": 2,
    "name": NAME,
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "units": [{"code": "points", "name": NAME, "scale": 0}],
    "rules": [
        _rule("spend", {"spend": {"points": 1, "per": {"CNY": 100}}}, caps=[{"limit": 150, "per": "day"}]),
        _rule("double", {"multiply": "2"}, lines={"field": "line.sku", "op": "eq", "value": "latte"}),
        _rule("hundred", {"fixed": 50}, when={"field": "order.total", "op": "ge", "value": 10_000}),
        _rule("gold", {"fixed": 7}, when={"expression": 'member_tier == "gold" && order_total > 0'}),
    ],
    "tiers": {
        "metric": "points_earned",
        "levels": [
            {"code": "base", "name": NAME, "threshold": 0, "multiplier": "1"},
            {"code": "gold", "name": NAME, "threshold": 100_000, "multiplier": "1.5"},
        ],
    },
    "policies": {},
}

# Computes an explanation again from the evidence alone; a database cannot even be imported there.
STRANGER = """
import json, sys
sys.modules["psycopg"] = sys.modules["sqlalchemy"] = None
from services.loyalty.earning.domain.explaining import parse_evidence
print(json.dumps({each.rule_id: each.points for each in parse_evidence(json.load(sys.stdin)).evaluate().accruals}))
"""


@pytest.fixture
def owner(shared_api: GraphQLClient) -> GraphQLClient:
    client = shared_api.sign_up(f"why-{fresh_key()[:12].lower()}")
    saved = client.do("SaveProgramDraft", document=DOCUMENT, revision=None)
    assert saved["__typename"] == "SaveProgramDraftPayload", saved
    published = client.do("PublishProgram", revision=saved["draft"]["revision"])
    assert published["__typename"] == "PublishProgramPayload", published
    return client


def _ask(client: GraphQLClient, rule: str, about: dict[str, Any]) -> Any:
    return client.execute(WHY_NOT, {"input": {"ruleId": rule, "about": about}}).data["whyNot"]


def test_a_supposed_activity_is_asked_like_a_recorded_one(owner: GraphQLClient) -> None:
    store, member = owner.create_store(), owner.enroll()
    visits = {"id": "visits", "name": NAME, "trigger": "check_in", "formula": {"fixed": 5}}
    reviews = {"id": "reviews", "name": NAME, "trigger": "review", "formula": {"fixed": 3}}
    long = {"when": {"field": "event.textLength", "op": "ge", "value": 20}}
    tasting = {
        "code": "tasting",
        "name": NAME,
        "schema": {"type": "object", "properties": {"cups": {"type": "integer"}}},
    }
    cups = {"when": {"field": "event.data.cups", "op": "ge", "value": 3}, "event": "tasting"}
    tastings = {"id": "tastings", "name": NAME, "trigger": "custom_event", "formula": {"fixed": 2}}
    document = DOCUMENT | {
        "events": [tasting],
        "rules": [visits | {"caps": [{"limit": 8, "per": "day"}]}, reviews | long, tastings | cups],
    }
    saved = owner.do("SaveProgramDraft", document=document, revision=1)
    owner.do("PublishProgram", revision=saved["draft"]["revision"])

    def suppose(rule: str, deed: dict[str, Any], **more: Any) -> Any:
        return _ask(owner, rule, {"supposed": {"member": {"id": member}, "activity": deed, **more}})

    visit = suppose("visits", {"checkIn": {"isConfirmed": True}}, storeId=store)
    again = suppose("visits", {"checkIn": {"isConfirmed": True}}, storeId=store)
    homeless = suppose("visits", {"checkIn": {"isConfirmed": True}})
    unbought = suppose("reviews", {"review": {"sku": "latte", "textLength": 3}})
    few = suppose("tastings", {"customEvent": {"event": "tasting", "data": {"cups": 1}}})
    unfit = suppose("tastings", {"customEvent": {"event": "tasting", "data": {"cups": "two"}}})
    unknown = suppose("visits", {"customEvent": {"event": "dance", "data": {}}})

    assert (visit["outcome"], visit["points"], visit["failing"]) == ("GAVE", 5, None)
    assert (again["outcome"], again["points"]) == ("GAVE", 5)
    assert (few["outcome"], few["points"], few["outcomeThen"], few["pointsThen"]) == ("CONDITION_FAILED", 0, "GAVE", 2)
    assert [(each["field"], each["wanted"]) for each in few["changes"]] == [("event.data.cups", "3")]
    codes = [each["code"] for each in (homeless, unbought, unfit, unknown)]
    assert codes == ["INVALID_INPUT", "PRODUCT_NOT_BOUGHT", "EVENT_DATA_INVALID", "EVENT_NOT_DECLARED"]
    recorded = owner.do(
        "RecordActivity",
        source="app",
        externalId=fresh_key(),
        member={"id": member},
        activity={"checkIn": {"isConfirmed": True}},
        storeId=store,
        idempotencyKey=fresh_key(),
    )
    assert recorded["points"] == 5
    assert suppose("visits", {"checkIn": {"isConfirmed": True}}, storeId=store)["code"] == "ACTIVITY_REPEATED"


def test_an_entry_says_where_its_points_came_from(owner: GraphQLClient) -> None:
    store, member = owner.create_store(), owner.enroll()
    bought = owner.buy(member, store, "87.50")
    assert bought["points"] == 150

    node = owner.execute(ENTRIES, {"by": {"id": member}}).data["member"]["ledger"]["edges"][0]["node"]
    told = owner.execute(EXPLAIN, {"id": node["id"]}).data["explainEntry"]

    assert told["entry"] == {"kind": "ACCRUAL", "points": 150}
    explained = told["explanation"]
    assert (explained["tier"], explained["currency"], explained["agrees"]) == ("base", "CNY", True)
    assert explained["programVersion"] == {"number": 1}
    assert explained["pointsByUnit"] == [{"unit": "points", "points": 150}]
    assert len(explained["steps"]) == 6
    spend, double, hundred, gold = explained["rules"]
    assert spend["outcome"] == "CAPPED"
    assert spend["base"] == {"amount": "87.50"}
    assert (spend["basePoints"], spend["exactPoints"]) == ("87", "174")
    assert (spend["pointsBeforeCaps"], spend["points"]) == (174, 150)
    assert [(each["source"], each["factor"]) for each in spend["multipliers"]] == [("tier", "1"), ("double", "2")]
    (cap,) = spend["caps"]
    assert (cap["limit"], cap["roomBefore"], cap["filled"], cap["roomAfter"], cap["hasTaken"]) == (
        150,
        150,
        150,
        0,
        True,
    )
    assert [each["outcome"] for each in (double, hundred, gold)] == [
        "MULTIPLIED",
        "CONDITION_FAILED",
        "CONDITION_FAILED",
    ]
    assert hundred["message"] == "Rule “hundred” did not apply: its condition was not met."

    child = subprocess.run(
        [sys.executable, "-c", STRANGER],
        input=json.dumps(explained["evidence"]),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert json.loads(child.stdout) == {"spend": 150}


def test_a_refunds_entry_is_explained_by_what_it_took_back(owner: GraphQLClient) -> None:
    store, member = owner.create_store(), owner.enroll()
    bought = owner.buy(member, store, "100.00")
    refund = owner.do(
        "RefundPurchase",
        purchase={"id": bought["purchase"]["id"]},
        source="till",
        externalId=fresh_key(),
        refund={"everything": True},
        idempotencyKey=fresh_key(),
    )
    assert refund["__typename"] == "RefundPurchasePayload", refund
    edges = owner.execute(ENTRIES, {"by": {"id": member}}).data["member"]["ledger"]["edges"]
    (taken,) = [edge["node"]["id"] for edge in edges if edge["node"]["kind"] == "CLAWBACK"]
    explained = owner.execute(EXPLAIN, {"id": taken}).data["explainEntry"]["explanation"]
    assert explained["pointsByUnit"] == [{"unit": "points", "points": 200}]
    assert explained["agrees"] is True


def test_the_first_failing_condition_and_the_smallest_change(owner: GraphQLClient) -> None:
    store, member = owner.create_store(), owner.enroll()
    bought = owner.buy(member, store, "87.50")
    told = _ask(owner, "hundred", {"purchase": {"id": bought["purchase"]["id"]}})

    assert (told["outcome"], told["points"]) == ("CONDITION_FAILED", 0)
    assert told["failing"] == {
        "place": "/rules/2/when",
        "message": "It had to be that order.total is 100.00 CNY or more; it was 87.50 CNY.",
        "mustHold": True,
        "field": "order.total",
        "operator": "AT_LEAST",
        "wanted": "10000",
        "actual": "8750",
        "expression": None,
        "names": ["order.total"],
    }
    assert told["changes"] == [
        {"field": "order.total", "actual": "8750", "wanted": "10000", "message": "order.total higher by 12.50 CNY."}
    ]
    assert (told["outcomeThen"], told["pointsThen"]) == ("GAVE", 50)

    cart: dict[str, Any] = {
        "storeId": store,
        "currency": "CNY",
        "lines": [{"sku": "tea", "quantity": "1", "amount": "87.50"}],
    }
    asked = _ask(owner, "hundred", {"cart": cart | {"member": {"id": member}}})
    assert asked["changes"] == told["changes"]
    # What is suggested is done: the cart that costs so much more gives the points.
    cart["lines"][0]["amount"] = "100.00"
    done = _ask(owner, "hundred", {"cart": cart | {"member": {"id": member}}})
    assert (done["outcome"], done["points"], done["changes"]) == ("GAVE", 50, [])

    gold = _ask(owner, "gold", {"purchase": {"id": bought["purchase"]["id"]}})
    assert gold["failing"]["expression"] == 'member_tier == "gold" && order_total > 0'
    assert [(each["field"], each["wanted"]) for each in gold["changes"]] == [("member.tier", "gold")]


def test_questions_without_an_answer(owner: GraphQLClient) -> None:
    store, member = owner.create_store(), owner.enroll()
    bought = owner.buy(member, store)
    guests = owner.buy(None, store)
    assert _ask(owner, "nothing", {"purchase": {"id": bought["purchase"]["id"]}})["code"] == "RULE_NOT_IN_PROGRAM"
    assert _ask(owner, "spend", {"purchase": {"id": guests["purchase"]["id"]}})["code"] == "NOTHING_EVALUATED"
    unknown = {"external": {"source": "till", "externalId": "never"}}
    assert _ask(owner, "spend", {"purchase": unknown})["code"] == "PURCHASE_NOT_FOUND"
    till = owner.create_api_key("MEMBERS_READ", "PURCHASES_READ", store_id=owner.create_store("elsewhere"))
    assert _ask(till, "spend", {"purchase": {"id": bought["purchase"]["id"]}})["code"] == "PURCHASE_NOT_FOUND"


def test_fields_are_listed_for_a_form(owner: GraphQLClient) -> None:
    query = """
    query Fields($trigger: Trigger!, $asked: Asked!) {
      programFields(trigger: $trigger, asked: $asked) {
        name expressionName type operators isAlwaysKnown allowed minimum maximum description { zh }
      }
    }"""

    def fields(trigger: str, asked: str) -> dict[str, Any]:
        found = owner.execute(query, {"trigger": trigger, "asked": asked}).data["programFields"]
        return {field["name"]: field for field in found}

    of_lines, of_birthdays = fields("PURCHASE", "LINE"), fields("BIRTHDAY", "EVENT")
    assert of_lines["member.tier"]["allowed"] == ["base", "gold"]
    assert of_lines["line.quantity"]["expressionName"] == "line_quantity_e4"
    assert of_lines["order.isFirst"]["operators"] == ["EQUAL", "NOT_EQUAL", "PRESENT"]
    assert of_lines["member.age"]["isAlwaysKnown"] is False
    assert (of_birthdays["time.weekday"]["minimum"], of_birthdays["time.weekday"]["maximum"]) == (1, 7)
    assert not [name for name in of_birthdays if name.startswith(("line.", "order.", "store."))]
