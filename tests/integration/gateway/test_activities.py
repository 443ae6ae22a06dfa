"""Activities over the API: each trigger end to end, codes, links, friends; and the guide's own examples."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.platform.auth.tokens import CheckInToken, Signer
from services.platform.clock import wall_now
from services.platform.ids import new_id
from tests.support.graphql_client import SECRET, GraphQLClient, fresh_key

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "activities.md").read_text(encoding="utf-8")
BROWSER = {"User-Agent": "Mozilla/5.0 (iPhone)"}

ENROLL = """
mutation ($input: EnrollMemberInput!) { enrollMember(input: $input) { __typename
  ... on EnrollMemberPayload { member { id referralCode isReferred tags fields { code value } profileCompletedAt
    balances { unit available pending } } }
  ... on InvalidInput { field reason } ... on Error { code } } }"""
UPDATE = """
mutation ($input: UpdateMemberInput!) { updateMember(input: $input) { __typename
  ... on UpdateMemberPayload { member { tags fields { code value } balances { available } } }
  ... on InvalidInput { field reason } ... on Error { code } } }"""
TAG = """
mutation ($input: TagMemberInput!) { tagMember(input: $input) { ... on TagMemberPayload { member { tags } } } }"""
MEMBER = """
query ($id: ID!) { member(by: {id: $id}) { balances { available pending }
  activities { edges { node { id trigger points data member { id } store { code } } } } } }"""


def examples(kind: str, language: str) -> list[str]:
    """The examples of the guide that are marked so."""
    return re.findall(rf"```{language} {kind}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def owner(shared_api: GraphQLClient) -> GraphQLClient:
    """A merchant whose program is the guide's."""
    client = shared_api.sign_up(f"deeds-{fresh_key()[:12].lower()}")
    (program,) = examples("program", "json")
    saved = client.do("SaveProgramDraft", document=json.loads(program), revision=None)
    assert saved["__typename"] == "SaveProgramDraftPayload", saved
    published = client.do("PublishProgram", revision=saved["draft"]["revision"])
    assert published["__typename"] == "PublishProgramPayload", published
    return client


def enroll(client: GraphQLClient, **changes: Any) -> Any:
    values = {
        "identities": [{"kind": "CARD", "value": f"card {fresh_key()}"}],
        "locale": "en",
        "idempotencyKey": fresh_key(),
    }
    return client.execute(ENROLL, {"input": values | changes}).data["enrollMember"]


def deed(client: GraphQLClient, member: str, activity: dict[str, Any], **changes: Any) -> Any:
    wish = {
        "source": "app",
        "externalId": fresh_key(),
        "idempotencyKey": fresh_key(),
        "member": {"id": member},
        "activity": activity,
    }
    return client.do("RecordActivity", **(wish | changes))


def available(client: GraphQLClient, member: str) -> int:
    balances = client.execute(MEMBER, {"id": member}).data["member"]["balances"]
    return sum(balance["available"] for balance in balances)


def test_the_examples_of_the_guide(owner: GraphQLClient) -> None:
    store = owner.create_store("main")
    member = enroll(owner)["member"]["id"]
    answers = [json.loads(answer) for answer in examples("answer", "json")]
    mutations = [*examples("record", "graphql"), *examples("refused", "graphql")]

    told = []
    for mutation in mutations:
        variables = {"member": member} | ({"store": store} if "$store" in mutation else {})
        told.append(owner.execute(mutation, variables).data["recordActivity"])

    assert told == answers


def test_each_deed_earns_what_its_rule_says(owner: GraphQLClient) -> None:
    store = owner.create_store("main")
    member = enroll(owner)["member"]["id"]
    owner.buy(member, store, "30.00")

    told = [
        deed(owner, member, {"checkIn": {"isConfirmed": True}}, storeId=store),
        deed(owner, member, {"review": {"sku": "latte", "stars": 1}}),
        deed(owner, member, {"survey": {"survey": "nps", "answerId": "1", "score": 0}}),
        deed(owner, member, {"customEvent": {"event": "workshop", "data": {"topic": "latte art", "guests": 2}}}),
        deed(owner, member, {"mention": {"url": "https://weibo.example/1"}}),
    ]

    assert [each["points"] for each in told] == [5, 3, 2, 20, 0]
    assert told[3]["activity"]["accruals"] == [{"ruleId": "workshop", "unit": "beans", "points": 20}]
    assert told[4]["balance"] == available(owner, member) == 40
    shown = owner.execute(MEMBER, {"id": member}).data["member"]["activities"]["edges"]
    assert [edge["node"]["trigger"] for edge in shown] == [
        "MENTION",
        "CUSTOM_EVENT",
        "SURVEY",
        "REVIEW",
        "CHECK_IN",
        "SIGN_UP",
    ]
    assert shown[4]["node"]["store"] == {"code": "main"}
    assert shown[4]["node"]["member"] == {"id": member}


def test_what_is_not_so_is_refused(owner: GraphQLClient) -> None:
    member = enroll(owner)["member"]["id"]

    told = [
        deed(owner, member, {"review": {"sku": "never bought"}}),
        deed(owner, member, {"checkIn": {"isConfirmed": True}}),
        deed(owner, member, {"customEvent": {"event": "tasting"}}),
        deed(owner, member, {"survey": {"survey": "nps", "answerId": "1"}}, source="program"),
        deed(owner, member, {"survey": {"survey": "nps", "answerId": "1"}}, occurredAt="2020-01-01T00:00:00Z"),
    ]

    assert [each["code"] for each in told] == [
        "PRODUCT_NOT_BOUGHT",
        "INVALID_INPUT",
        "EVENT_NOT_DECLARED",
        "INVALID_INPUT",
        "OCCURRED_TOO_LONG_AGO",
    ]
    assert available(owner, member) == 10


def test_a_member_checks_in_by_the_code_of_the_store(owner: GraphQLClient) -> None:
    store = owner.create_store("main")
    member = enroll(owner)["member"]["id"]
    app = owner.as_(owner.token_of(member))
    shown = owner.do("CreateCheckInCode", storeId=store)
    key = fresh_key()

    first = app.do("CheckIn", code=shown["code"], idempotencyKey=key)
    replayed = app.do("CheckIn", code=shown["code"], idempotencyKey=key)
    again = app.do("CheckIn", code=shown["code"], idempotencyKey=fresh_key())

    assert (first["points"], first["replayed"]) == (5, False)
    assert (replayed["activity"]["id"], replayed["replayed"]) == (first["activity"]["id"], True)
    assert again["code"] == "ACTIVITY_REPEATED"
    assert available(owner, member) == 15
    assert owner.do("CreateCheckInCode", storeId=store, validSeconds=5)["code"] == "INVALID_INPUT"
    assert owner.execute(
        "mutation ($input: CheckInInput!) { checkIn(input: $input) { __typename } }",
        {"input": {"code": shown["code"], "idempotencyKey": fresh_key()}},
    ).code == "FORBIDDEN"  # fmt: skip


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (lambda code: code + "x", "CHECK_IN_CODE_INVALID"),
        (lambda code: code[1:], "CHECK_IN_CODE_INVALID"),
        (lambda _: "", "CHECK_IN_CODE_INVALID"),
        (
            lambda _: Signer(b"another secret of thirty-two bytes").check_in_code(
                CheckInToken(new_id(), new_id(), wall_now())
            ),
            "CHECK_IN_CODE_INVALID",
        ),
        # Signed by us, for another merchant.
        (lambda _: Signer(SECRET).check_in_code(CheckInToken(new_id(), new_id(), wall_now())), "CHECK_IN_CODE_INVALID"),
    ],
)
def test_a_forged_code_is_none(owner: GraphQLClient, forge: Callable[[str], str], code: str) -> None:
    store = owner.create_store("main")
    member = enroll(owner)["member"]["id"]
    shown = owner.do("CreateCheckInCode", storeId=store)

    told = owner.as_(owner.token_of(member)).do("CheckIn", code=forge(shown["code"]), idempotencyKey=fresh_key())

    assert told["code"] == code
    assert available(owner, member) == 10


def test_an_expired_code_is_told_so(owner: GraphQLClient) -> None:
    store = owner.create_store("main")
    member = enroll(owner)["member"]["id"]
    shown = owner.do("CreateCheckInCode", storeId=store)
    signer = Signer(SECRET)
    read = signer.check_in(shown["code"])
    assert read is not None
    over = signer.check_in_code(CheckInToken(read.tenant_id, read.store_id, wall_now()))

    told = owner.as_(owner.token_of(member)).do("CheckIn", code=over, idempotencyKey=fresh_key())

    assert told["code"] == "CHECK_IN_CODE_EXPIRED"
    assert available(owner, member) == 10


def test_twenty_visits_of_one_day_are_one(owner: GraphQLClient) -> None:
    store = owner.create_store("main")
    member = enroll(owner)["member"]["id"]

    with ThreadPoolExecutor(max_workers=20) as threads:
        visit = {"checkIn": {"isConfirmed": True}}
        told = list(threads.map(lambda _: deed(owner, member, visit, storeId=store), range(20)))

    names = [each["__typename"] for each in told]
    assert sorted(names) == ["ActivityRepeated"] * 19 + ["RecordActivityPayload"]
    assert available(owner, member) == 15


MANY = """
mutation ($input: RecordActivitiesInput!) { recordActivities(input: $input) {
  ... on RecordActivitiesPayload { results { index result {
    __typename
    ... on RecordActivityPayload { points balance replayed activity { externalId } }
    ... on Error { code }
  } } }
} }"""


def test_many_are_told_of_at_once(owner: GraphQLClient) -> None:
    store = owner.create_store("main")
    ann, bob = (enroll(owner)["member"]["id"] for _ in range(2))

    def activity(number: int, member: str, done: dict[str, Any], **more: Any) -> dict[str, Any]:
        told = {"source": "app", "externalId": f"many-{number}", "member": {"id": member}, "activity": done}
        return told | {"idempotencyKey": f"many-{number}-{member}"} | more

    visit = {"checkIn": {"isConfirmed": True}}
    batch = [
        activity(0, ann, visit, storeId=store),
        activity(1, bob, visit, storeId=store),
        activity(2, ann, visit),
        activity(3, bob, {"review": {"sku": "latte"}}, storeId=store),
    ]

    first, again = (
        owner.execute(MANY, {"input": {"activities": batch}}).data["recordActivities"]["results"] for _ in range(2)
    )

    assert [each["index"] for each in first] == [0, 1, 2, 3]
    kept = {"__typename": "RecordActivityPayload", "points": 5, "balance": 15}
    assert [each["result"] for each in first[:2]] == [
        kept | {"replayed": False, "activity": {"externalId": f"many-{number}"}} for number in range(2)
    ]
    assert [each["result"]["code"] for each in first[2:]] == ["INVALID_INPUT", "PRODUCT_NOT_BOUGHT"]
    assert [each["result"].get("replayed") for each in again] == [True, True, None, None]
    assert [available(owner, member) for member in (ann, bob)] == [15, 15]


def test_a_link_leads_on_and_earns_once(owner: GraphQLClient) -> None:
    member = enroll(owner)["member"]["id"]
    made = owner.do("CreateShare", member={"id": member}, url="https://shop.example/spring", channel="wechat")
    path = urlsplit(made["link"]).path
    stranger = owner.as_(None)

    robot = stranger.send("GET", path, headers={"User-Agent": "facebookexternalhit/1.1"})
    head = stranger.send("HEAD", path, headers=BROWSER)
    before = available(owner, member)
    first = stranger.send("GET", path, headers=BROWSER)
    second = stranger.send("GET", path, headers=BROWSER)
    other = stranger.send("GET", path, headers={"User-Agent": "Mozilla/5.0 (Android)"})
    forged = stranger.send("GET", path[:-1] + ("a" if path[-1] != "a" else "b"), headers=BROWSER)

    for answer in (robot, head, first, second, other):
        assert (answer.status, answer.headers["Location"]) == (302, "https://shop.example/spring")
        assert answer.headers["Cache-Control"] == "no-store"
    assert forged.status == 404
    assert (before, available(owner, member)) == (10, 14)
    assert owner.do("CreateShare", member={"id": member}, url="http://shop.example", channel="x")["code"] == (
        "INVALID_INPUT"
    )


def test_a_friend_joins_by_a_code_and_both_earn(owner: GraphQLClient) -> None:
    referrer = enroll(owner)["member"]

    friend = enroll(owner, referralCode=referrer["referralCode"].lower())["member"]
    unknown = enroll(owner, referralCode="22222222")

    assert re.fullmatch("[2-9A-HJKMNP-Z]{8}", referrer["referralCode"])
    assert (referrer["isReferred"], friend["isReferred"]) == (False, True)
    assert friend["balances"] == [{"unit": "beans", "available": 25, "pending": 0}]
    assert available(owner, referrer["id"]) == 16
    assert unknown["code"] == "REFERRAL_CODE_UNKNOWN"
    created = owner.execute(
        "mutation ($input: CreateReferralCodeInput!) { createReferralCode(input: $input) {"
        " ... on CreateReferralCodePayload { code } } }",
        {"input": {"memberId": referrer["id"]}},
    )
    assert created.data["createReferralCode"] == {"code": referrer["referralCode"]}


def test_a_profile_with_tags_and_own_fields(owner: GraphQLClient) -> None:
    joined = enroll(
        owner,
        identities=[{"kind": "EMAIL", "value": f"{fresh_key()}@member.example"}],
        tags=["vip", "early"],
        fields=[{"code": "roast", "value": "dark"}],
        name="Mia",
    )["member"]
    member = joined["id"]

    def update(**changes: Any) -> Any:
        return owner.execute(UPDATE, {"input": {"memberId": member} | changes}).data["updateMember"]

    completed = update(birthday="1990-05-17")
    wrong = update(fields=[{"code": "roast", "value": 3}])
    undeclared = update(fields=[{"code": "milk", "value": "oat"}])
    removed = update(fields=[{"code": "roast", "value": None}])
    tagged = owner.execute(TAG, {"input": {"memberId": member, "add": ["new"], "remove": ["vip"]}})

    assert (joined["tags"], joined["fields"]) == (["early", "vip"], [{"code": "roast", "value": "dark"}])
    assert joined["profileCompletedAt"] is None
    assert completed["member"]["balances"] == [{"available": 17}]
    assert (wrong["field"], wrong["reason"]) == ("fields.roast", "WRONG_TYPE")
    assert (undeclared["field"], undeclared["reason"]) == ("fields.milk", "NOT_DECLARED")
    assert removed["member"]["fields"] == []
    assert tagged.data["tagMember"]["member"]["tags"] == ["early", "new"]


def test_members_see_their_own_activities_only(owner: GraphQLClient) -> None:
    member, other = enroll(owner)["member"]["id"], enroll(owner)["member"]["id"]
    found = owner.execute(MEMBER, {"id": other}).data["member"]["activities"]["edges"]
    app = owner.as_(owner.token_of(member))

    own = app.execute("{ me { activities { edges { node { id trigger } } } } }").data["me"]
    by_node = app.execute("query ($id: ID!) { node(id: $id) { id } }", {"id": found[0]["node"]["id"]})
    no_scope = owner.create_api_key("STORES_READ").execute(
        "query ($id: ID!) { activity(by: {id: $id}) { id } }", {"id": found[0]["node"]["id"]}
    )
    by_number = owner.execute(
        "query ($by: ActivityReferenceInput!) { activity(by: $by) { id } }",
        {"by": {"external": {"source": "nobody", "externalId": "nothing"}}},
    )

    assert [edge["node"]["trigger"] for edge in own["activities"]["edges"]] == ["SIGN_UP"]
    assert by_node.data == {"node": None}
    assert no_scope.code == "FORBIDDEN"
    assert by_number.data == {"activity": None}
