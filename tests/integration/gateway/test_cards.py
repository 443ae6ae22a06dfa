"""Cards over the API: scans at the till, links to the page, passes for phones, and what members do by themselves."""

import base64
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.graphql.ids import decode
from services.loyalty.cards.domain import code_at
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from tests.support.certificates import PassAuthority, pass_authority, pem_of, rsa_key
from tests.support.graphql_client import SECRET, GraphQLClient, fresh_key

SCAN = """
query ($input: MemberByScanInput!) { memberByScan(input: $input) { __typename
  ... on MemberByScanPayload { proof member { id } } ... on CardCodeExpired { expiredAt } ... on Error { code } } }"""
CARD = """
query ($id: ID!) { member(by: {id: $id}) { identities { kind value } card { number bars merchantName unit unitScale
  codes(count: 3) { text validFrom validUntil } ending { points at } applePassUrl googleSaveUrl } } }"""
MY_CARD = (
    "{ me { id card { number applePassUrl googleSaveUrl } rewardsOffered(first: 5) { edges { node { code } } } } }"
)
ISSUERS = "{ passIssuers { kind identifier owner endsAt } }"


def outcome(client: GraphQLClient, mutation: str, selection: str, **input_: Any) -> Any:
    """What came of a mutation that has no operation of its own."""
    kind = mutation[0].upper() + mutation[1:]
    document = f"""mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ __typename
      ... on {kind}Payload {{ {selection} }} ... on Error {{ code message }}
      ... on InvalidInput {{ field reason }} }} }}"""
    return client.execute(document, {"input": input_}).data[mutation]


def scan(client: GraphQLClient, text: str) -> Any:
    return client.execute(SCAN, {"input": {"text": text}}).data["memberByScan"]


def card(client: GraphQLClient, member_id: str) -> Any:
    return client.execute(CARD, {"id": member_id}).data["member"]["card"]


def credential_of(client: GraphQLClient, member_id: str) -> str:
    made = client.do("CreateWalletLink", memberId=member_id)
    assert made["__typename"] == "CreateWalletLinkPayload", made
    url: str = made["url"]
    return url.partition("#")[2]


@pytest.fixture
def owner(api: GraphQLClient) -> GraphQLClient:
    owner = api.sign_up("linjian")
    owner.publish_template()
    return owner


def test_a_card_is_issued_once_and_keeps_its_number(owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    assert card(owner, member_id) is None

    issued = [outcome(owner, "issueCard", "member { id card { number } }", memberId=member_id) for _ in range(2)]

    numbers = {one["member"]["card"]["number"] for one in issued}
    assert len(numbers) == 1
    (number,) = numbers
    found = card(owner, member_id)
    assert (found["number"], len(number), sum(found["bars"])) == (number, 16, 11 * 10 + 13)
    assert found["merchantName"] == "Linjian"
    by_number = owner.execute("query ($n: String!) { member(by: {card: $n}) { id } }", {"n": number})
    assert by_number.data["member"]["id"] == member_id, "a till names the member by the number everywhere"


def test_plastic_that_a_member_has_is_the_card(owner: GraphQLClient) -> None:
    identities = [{"kind": "CARD", "value": "A-77"}]
    member_id = owner.do("EnrollMember", identities=identities, locale="en", idempotencyKey=fresh_key())["member"]["id"]

    outcome(owner, "issueCard", "member { id }", memberId=member_id)

    assert card(owner, member_id)["number"] == "A-77"
    assert scan(owner, "A-77") == {
        "__typename": "MemberByScanPayload",
        "proof": "NUMBER",
        "member": {"id": member_id},
    }


def test_the_till_looks_a_member_up_by_the_code_of_the_moment(api: GraphQLClient, owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    outcome(owner, "issueCard", "member { id }", memberId=member_id)
    codes = [code["text"] for code in card(owner, member_id)["codes"]]
    till = owner.create_api_key("MEMBERS_READ")

    assert scan(till, codes[0])["member"] == {"id": member_id}
    assert scan(till, codes[0])["proof"] == "ROTATING"
    assert scan(till, f" {codes[1].lower()} ")["member"] == {"id": member_id}, "a step ahead, in small letters"
    assert scan(till, codes[2])["__typename"] == "CardCodeExpired", "the clock is two steps ahead"
    assert scan(till, codes[0][:-1] + ("3" if codes[0].endswith("2") else "2"))["code"] == "CARD_CODE_INVALID"
    other = api.sign_up("elsewhere")
    assert scan(other, codes[0])["code"] == "CARD_CODE_INVALID"
    assert scan(other, card(owner, member_id)["number"])["member"] is None


def test_codes_are_for_members_and_for_who_may_open_their_page(api: GraphQLClient, owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    outcome(owner, "issueCard", "member { id }", memberId=member_id)
    mine = api.as_(owner.do("CreateMemberToken", memberId=member_id)["token"])
    opener = owner.create_api_key("MEMBERS_READ", "MEMBER_TOKENS_WRITE")
    reader = owner.create_api_key("MEMBERS_READ")
    of_a_store = owner.create_api_key("MEMBERS_READ", "MEMBER_TOKENS_WRITE", store_id=owner.create_store())

    own = mine.execute("{ me { card { codes(count: 60) { text } } } }").data["me"]["card"]["codes"]
    assert scan(reader, own[0]["text"])["proof"] == "ROTATING"
    assert len(card(opener, member_id)["codes"]) == 3
    for caller in (reader, of_a_store):
        refused = caller.execute(CARD, {"id": member_id})
        assert (refused.code, refused.content["data"]["member"]["card"]) == ("FORBIDDEN", None)
        shown = caller.execute("query ($id: ID!) { member(by: {id: $id}) { card { number } } }", {"id": member_id})
        assert len(shown.data["member"]["card"]["number"]) == 16, "the number proves nothing, and stays"


def test_an_old_picture_of_a_code_is_refused(owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    outcome(owner, "issueCard", "member { id }", memberId=member_id)
    number = card(owner, member_id)["number"]
    tenant = owner.execute("{ tenant { id } }").data["tenant"]["id"]
    key = Signer(SECRET).card_key(decode("Tenant", tenant, field="id"))
    at = wall_now().replace(year=2025)

    found = scan(owner, code_at(number, key=key, at=at).text)

    assert (found["__typename"], found["expiredAt"][:4]) == ("CardCodeExpired", "2025")


def test_a_link_opens_the_page_once_and_the_device_goes_on(api: GraphQLClient, owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    link = credential_of(owner, member_id)
    stranger = api.as_(None, X_Tenant="linjian")

    first = stranger.do("OpenWallet", credential=link)
    again = stranger.do("OpenWallet", credential=link)

    assert (first["__typename"], first["expiresInSeconds"]) == ("OpenWalletPayload", 300)
    assert stranger.do("OpenWallet", credential=first["deviceKey"])["code"] == "CARD_LINK_INVALID", (
        "a new key took over"
    )
    later = stranger.do("OpenWallet", credential=again["deviceKey"])
    assert later["deviceKey"] is None
    mine = api.as_(later["token"]).execute(MY_CARD).data["me"]
    assert (mine["id"], mine["card"]["applePassUrl"], mine["card"]["googleSaveUrl"]) == (member_id, None, None)
    closed = stranger.do("CloseWallet", deviceKey=again["deviceKey"])
    assert closed["isClosed"] is True
    assert stranger.do("OpenWallet", credential=again["deviceKey"])["code"] == "CARD_LINK_INVALID"
    assert stranger.do("OpenWallet", credential=link)["code"] == "CARD_LINK_INVALID"


@pytest.mark.parametrize("credential", ["", "rl_", "rl_" + "0" * 32 + "_" + "A" * 43, "rm_x.y.z"])
def test_what_is_no_link_opens_nothing(shared_api: GraphQLClient, credential: str) -> None:
    owner = shared_api.sign_up(f"shut-{fresh_key()}")
    slug = owner.execute("{ tenant { slug } }").data["tenant"]["slug"]

    assert shared_api.as_(None, X_Tenant=slug).do("OpenWallet", credential=credential)["code"] == "CARD_LINK_INVALID"


def test_a_link_of_one_merchant_is_none_of_another(api: GraphQLClient, owner: GraphQLClient) -> None:
    link = credential_of(owner, owner.enroll())
    api.sign_up("elsewhere")

    assert api.as_(None, X_Tenant="elsewhere").do("OpenWallet", credential=link)["code"] == "CARD_LINK_INVALID"


def test_revoking_ends_links_and_pages(api: GraphQLClient, owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    unopened, opened = credential_of(owner, member_id), credential_of(owner, member_id)
    stranger = api.as_(None, X_Tenant="linjian")
    device_key = stranger.do("OpenWallet", credential=opened)["deviceKey"]

    assert outcome(owner, "revokeWalletLinks", "revoked", memberId=member_id)["revoked"] == 2

    for credential in (unopened, opened, device_key):
        assert stranger.do("OpenWallet", credential=credential)["code"] == "CARD_LINK_INVALID"
    assert outcome(owner, "revokeWalletLinks", "revoked", memberId=member_id)["revoked"] == 0


def test_who_takes_no_part_opens_nothing(api: GraphQLClient, owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    link = credential_of(owner, member_id)
    outcome(owner, "deactivateMember", "member { id }", memberId=member_id)

    assert api.as_(None, X_Tenant="linjian").do("OpenWallet", credential=link)["code"] == "MEMBER_INACTIVE"
    assert owner.do("CreateWalletLink", memberId=member_id)["code"] == "MEMBER_INACTIVE"


@pytest.mark.parametrize("hours", [0, 721])
def test_a_link_lasts_a_month_at_most(owner: GraphQLClient, hours: int) -> None:
    made = outcome(owner, "createWalletLink", "url", memberId=owner.enroll(), validHours=hours)

    assert (made["field"], made["reason"]) == ("validHours", "OUT_OF_RANGE")


def test_a_member_redeems_and_sets_their_own_language(api: GraphQLClient, owner: GraphQLClient) -> None:
    member_id = owner.enroll()
    store_id = owner.create_store()
    owner.buy(member_id, store_id, "200.00")
    name = {"en": "A latte", "zh": "拿铁"}
    reward = owner.do("CreateReward", code="latte", kind="SERVICE", name=name, costPoints=50)["reward"]
    token = api.as_(None, X_Tenant="linjian").do("OpenWallet", credential=credential_of(owner, member_id))["token"]
    member = api.as_(token)
    wish = {"rewardId": reward["id"], "expectedPoints": 50, "idempotencyKey": fresh_key()}

    first, again = member.do("RedeemAsMember", **wish), member.do("RedeemAsMember", **wish)

    assert (first["points"], first["balance"]) == (50, again["balance"])
    assert again["redemption"]["id"] == first["redemption"]["id"], "a repeat redeems nothing twice"
    changed = member.do("RedeemAsMember", **{**wish, "expectedPoints": 49, "idempotencyKey": fresh_key()})
    assert changed["code"] == "REWARD_PRICE_CHANGED"
    updated = member.do("UpdateMyPreferences", locale="zh-CN")["member"]
    assert (updated["locale"], updated["name"]) == ("zh-CN", "Mia Member")


@pytest.fixture
def member(api: GraphQLClient, owner: GraphQLClient) -> GraphQLClient:
    """A member with points, by the token of their page; the stores are `old-town`, where they buy most, and `mall`."""
    member_id = owner.enroll()
    for code, times in (("mall", 1), ("old-town", 2), ("harbor", 0)):
        store_id = owner.create_store(code)
        for _ in range(times):
            owner.buy(member_id, store_id, "200.00")
    opened = api.as_(None, X_Tenant="linjian").do("OpenWallet", credential=credential_of(owner, member_id))
    return api.as_(opened["token"])


def offer(owner: GraphQLClient, kind: str = "PHYSICAL", **terms: Any) -> str:
    name = {"en": "A cup", "zh": "杯子"}
    made = owner.do("CreateReward", code=fresh_key(), kind=kind, name=name, costPoints=50, stock=3, terms=terms)
    reward_id: str = made["reward"]["id"]
    return reward_id


def take(member: GraphQLClient, reward_id: str, **more: Any) -> Any:
    return member.do("RedeemAsMember", rewardId=reward_id, expectedPoints=50, idempotencyKey=fresh_key(), **more)


def names(member: GraphQLClient, reward_id: str, search: str | None = None) -> list[str]:
    found = member.do("PickupStores", rewardId=reward_id, search=search)
    return [store["name"] for store in found["stores"]]


def test_a_reward_is_picked_up_at_a_store_that_the_member_chooses(owner: GraphQLClient, member: GraphQLClient) -> None:
    anywhere, at_harbor = offer(owner), offer(owner, stores=["harbor"])

    assert names(member, anywhere) == ["Store old-town", "Store mall", "Store harbor"], "the usual ones come first"
    assert names(member, anywhere, "OLD") == ["Store old-town"]
    assert names(member, anywhere, "%") == []
    assert names(member, at_harbor) == ["Store harbor"]
    stores = {one["name"]: one["id"] for one in member.do("PickupStores", rewardId=anywhere)["stores"]}
    refused = take(member, at_harbor, pickupStoreId=stores["Store mall"])
    assert refused["code"] == "REWARD_NOT_ELIGIBLE"
    taken = take(member, anywhere, pickupStoreId=stores["Store mall"])
    (mine,) = member.run("WalletRedemptions", first=5)["me"]["redemptions"]["edges"]
    assert mine["node"]["id"] == taken["redemption"]["id"]
    assert (mine["node"]["pickupStore"], len(mine["node"]["pickupCode"])) == ({"name": "Store mall"}, 8)
    service = take(member, offer(owner, "SERVICE"), pickupStoreId=stores["Store mall"])
    assert service["code"] == "INVALID_INPUT", "a service is picked up nowhere"


def test_a_member_gives_back_what_nobody_has_handed_over(owner: GraphQLClient, member: GraphQLClient) -> None:
    reward_id = offer(owner)
    before = member.run("Wallet")["me"]["balances"]
    taken = take(member, reward_id)["redemption"]["id"]
    wish = {"redemptionId": taken, "idempotencyKey": fresh_key()}

    first, again = member.do("CancelRedemptionAsMember", **wish), member.do("CancelRedemptionAsMember", **wish)

    assert (first["points"], first["redemption"]["status"]) == (50, "CANCELED")
    assert again == first, "a repeat gives nothing twice"
    assert member.run("Wallet")["me"]["balances"] == before
    (shown,) = member.run("WalletRedemptions", first=5)["me"]["redemptions"]["edges"]
    assert shown["node"]["isCancelableByMember"] is False
    late = member.do("CancelRedemptionAsMember", **{**wish, "idempotencyKey": fresh_key()})
    assert late["code"] == "REDEMPTION_ENDED"


def test_what_was_made_ready_or_is_somebody_elses_is_not_given_back(
    api: GraphQLClient, owner: GraphQLClient, member: GraphQLClient
) -> None:
    taken = take(member, offer(owner))["redemption"]["id"]
    stranger_link = credential_of(owner, owner.enroll())
    stranger = api.as_(api.as_(None, X_Tenant="linjian").do("OpenWallet", credential=stranger_link)["token"])
    wish = {"redemptionId": taken, "idempotencyKey": fresh_key()}

    assert stranger.do("CancelRedemptionAsMember", **wish)["code"] == "REDEMPTION_NOT_FOUND"
    outcome(owner, "fulfillRedemption", "redemption { id }", redemptionId=taken, idempotencyKey=fresh_key())
    assert member.do("CancelRedemptionAsMember", **wish)["code"] == "REDEMPTION_ENDED"
    donated = take(member, offer(owner, "DONATION"))["redemption"]["id"]
    given = member.do("CancelRedemptionAsMember", redemptionId=donated, idempotencyKey=fresh_key())
    assert given["code"] == "REDEMPTION_ENDED", "what is had at once stays"


def test_members_alone_act_as_members(owner: GraphQLClient) -> None:
    wish = {"rewardId": "x", "expectedPoints": 1, "idempotencyKey": "k"}
    document = "mutation ($input: RedeemAsMemberInput!) { redeemAsMember(input: $input) { __typename } }"

    assert owner.execute(document, {"input": wish}).code == "FORBIDDEN"


@pytest.fixture(scope="module")
def authority() -> PassAuthority:
    return pass_authority(begin=wall_now().replace(microsecond=0))


def test_a_member_gets_a_signed_pass(api: GraphQLClient, owner: GraphQLClient, authority: PassAuthority) -> None:
    member_id = owner.enroll()
    outcome(owner, "issueCard", "member { id }", memberId=member_id)
    saved = outcome(
        owner,
        "saveApplePassIssuer",
        "issuer { kind identifier owner }",
        certificate=authority.leaf.pem,
        privateKey=authority.leaf.key_pem,
        intermediate=authority.intermediate.pem,
    )
    assert saved["issuer"] == {"kind": "APPLE", "identifier": "pass.test.cafe", "owner": "TEAM123456"}

    url = card(owner, member_id)["applePassUrl"]

    path = url.removeprefix("http://regulars.test")
    response = api.gateway.request("GET", path)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/vnd.apple.pkpass")
    assert response.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        shown = json.loads(archive.read("pass.json"))
        assert "signature" in archive.namelist()
    assert shown["barcodes"][0]["message"] == card(owner, member_id)["number"]
    assert shown["organizationName"] == "Linjian"
    assert api.gateway.request("GET", path.replace("/w/passes/", "/w/passes/x")).status_code == 404
    assert outcome(owner, "removePassIssuer", "wasThere", kind="APPLE")["wasThere"] is True
    assert api.gateway.request("GET", path).status_code == 404, "nothing signs it any more"
    assert card(owner, member_id)["applePassUrl"] is None


def test_signatures_go_by_the_clock_of_the_world(
    api: GraphQLClient, owner: GraphQLClient, authority: PassAuthority
) -> None:
    """In a sandbox four years ahead: by its own clock the certificate has ended, and Google would refuse the link."""
    ahead = wall_now() + timedelta(days=4 * 365)
    owner.do("CreateSandbox", slug="linjian-ahead", beginsAt=ahead.isoformat(), idempotencyKey=fresh_key())
    sandbox = api.as_(owner.token, X_Tenant="linjian-ahead")
    member_id = sandbox.enroll()
    outcome(sandbox, "issueCard", "member { id }", memberId=member_id)
    wish = {"issuerId": "3388", "serviceAccount": "cards@shop.iam.example", "privateKey": pem_of(rsa_key())}
    outcome(sandbox, "saveGooglePassIssuer", "issuer { kind }", **wish)

    saved = outcome(
        sandbox,
        "saveApplePassIssuer",
        "issuer { kind }",
        certificate=authority.leaf.pem,
        privateKey=authority.leaf.key_pem,
        intermediate=authority.intermediate.pem,
    )

    assert saved == {"__typename": "SaveApplePassIssuerPayload", "issuer": {"kind": "APPLE"}}
    found = card(sandbox, member_id)
    claims = found["googleSaveUrl"].split(".")[-2]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert abs(told["iat"] - wall_now().timestamp()) < timedelta(hours=1).total_seconds()
    path = found["applePassUrl"].removeprefix("http://regulars.test")
    assert api.gateway.request("GET", path).status_code == 200


def test_keys_are_never_told_again(owner: GraphQLClient, authority: PassAuthority) -> None:
    key = pem_of(rsa_key())
    saved = outcome(
        owner,
        "saveGooglePassIssuer",
        "issuer { kind identifier owner endsAt }",
        issuerId="3388000000012345678",
        serviceAccount="cards@shop.iam.example",
        privateKey=key,
    )
    found = owner.execute(ISSUERS)

    expected = {
        "kind": "GOOGLE",
        "identifier": "3388000000012345678",
        "owner": "cards@shop.iam.example",
        "endsAt": None,
    }
    assert saved["issuer"] == expected
    assert found.data["passIssuers"] == [expected]
    member_id = owner.enroll()
    outcome(owner, "issueCard", "member { id }", memberId=member_id)
    url = card(owner, member_id)["googleSaveUrl"]
    assert url.startswith("https://pay.google.com/gp/v/save/")
    assert "PRIVATE" not in json.dumps(found.content)
    wish = {"issuerId": "1", "serviceAccount": "a@b.example", "privateKey": "x"}
    bad = outcome(owner, "saveGooglePassIssuer", "issuer { kind }", **wish)
    assert (bad["code"], bad["message"]) == (
        "PASS_ISSUER_INVALID",
        "What is in privateKey is no PEM text of the kind that belongs there.",
    )
    assert owner.create_api_key("MEMBERS_READ").execute(ISSUERS).code == "FORBIDDEN"
