"""Staff and keys, told through GraphQL and the mailbox: an invitation becomes a cashier who works in one store only."""

import re
from pathlib import Path

from services.doubles.mailbox.reading import read_body
from services.platform.db.engine import Database
from tests.support.graphql_client import PASSWORD, GraphQLClient, fresh_key, running_gateway
from tests.support.mailbox import Mailbox
from tests.support.snapshot import snapshot
from tests.support.story import Caller, Merchant, quick_services, receipt, sign_up
from tests.support.tenants import DatabaseUrls
from tests.support.worker import TestWorker

VIEWER = "{ viewer { kind email roles scopes tenants { slug } } }"
AT_THE_TILL = [
    "MEMBERS_READ",
    "MEMBERS_WRITE",
    "PURCHASES_READ",
    "PURCHASES_WRITE",
    "ACTIVITIES_READ",
    "ACTIVITIES_WRITE",
    "REDEMPTIONS_WRITE",
    "PROGRAM_READ",
    "STORES_READ",
]


def _invite(owner: Merchant, store: str, worker: TestWorker, mailbox: Mailbox) -> str:
    """The token in the link of the letter that the invitation sends."""
    owner.do(
        "inviteStaff",
        "replayed invitation { role store { id } }",
        email="Carl@People.test",
        role="CASHIER",
        storeId=store,
        idempotencyKey=fresh_key(),
    )
    worker.work_until_idle()
    (mail,) = mailbox.messages(to="carl@people.test")
    assert mail.subject == "Owner of corner has invited you to Merchant corner"
    found = re.search(r"http://regulars\.test/invitations/(\S+)", read_body(mailbox.content(mail)).text)
    assert found is not None
    return found[1]


def test_an_invited_cashier_works_in_one_store_only(
    gateway: GraphQLClient, worker: TestWorker, mailbox: Mailbox, database_urls: DatabaseUrls
) -> None:
    owner = sign_up(gateway, "corner")
    here, there = owner.open_store(code="here"), owner.open_store(code="there")
    owner.start_program()
    mia = owner.enroll()
    elsewhere = owner.do("recordPurchase", "purchase { id }", **receipt(there, "50.00", member=mia))["purchase"]["id"]
    token = _invite(owner, here, worker, mailbox)

    accepted = {"token": token, "name": "Carl", "password": PASSWORD, "locale": "en"}
    session = Caller(gateway).do("acceptInvitation", "session { token }", **accepted)["session"]
    carl = owner.with_token(session["token"])

    assert Caller(gateway).refused("acceptInvitation", **accepted) == "INVITATION_INVALID"
    assert carl.ask(VIEWER) == {
        "kind": "STAFF",
        "email": "carl@people.test",
        "roles": [],
        "scopes": AT_THE_TILL,
        "tenants": [{"slug": "corner"}],
    }
    bought = carl.do("recordPurchase", "points purchase { id }", **receipt(here, "30.00", member=mia))
    assert bought["points"] == 30
    _assert_refused_elsewhere(carl, database_urls, there=there, elsewhere=elsewhere, mia=mia)
    seen = carl.ask(
        "query ($by: MemberReferenceInput!) { member(by: $by) { purchases { edges { node { id } } } } }", by={"id": mia}
    )
    assert seen == {"purchases": {"edges": [{"node": {"id": bought["purchase"]["id"]}}]}}
    staff = owner.ask("{ staff { edges { node { email role store { id } } } } }")["edges"]
    assert {"email": "carl@people.test", "role": "CASHIER", "store": {"id": here}} in [edge["node"] for edge in staff]


def _assert_refused_elsewhere(carl: Caller, urls: DatabaseUrls, *, there: str, elsewhere: str, mia: str) -> None:
    """What is not the till of the own store is refused, and leaves nothing behind."""
    before = snapshot(urls.owner)
    refund = {"source": "till", "externalId": fresh_key(), "refund": {"everything": True}}
    keyed = {"idempotencyKey": fresh_key()}

    refusals = {
        "sell there": carl.refused("recordPurchase", **receipt(there, "30.00", member=mia)),
        "enroll there": carl.refused(
            "enrollMember", identities=[{"kind": "CARD", "value": "7"}], locale="en", storeId=there, **keyed
        ),
        "enroll nowhere": carl.refused(
            "enrollMember", identities=[{"kind": "CARD", "value": "7"}], locale="en", **keyed
        ),
        "refund of there": carl.refused("refundPurchase", purchase={"id": elsewhere}, **refund, **keyed),
        "adjust": carl.refused("adjustPoints", member={"id": mia}, points=5, reason="a friend", **keyed),
        "open a store": carl.refused("createStore", code="own", name="Own", timezone="Asia/Shanghai", currency="CNY"),
        "invite": carl.refused("inviteStaff", email="friend@people.test", role="CASHIER", **keyed),
        "make a key": carl.refused("createApiKey", name="own", scopes=["PURCHASES_WRITE"]),
    }

    assert refusals == {
        **dict.fromkeys(refusals, "FORBIDDEN"),
        "refund of there": "PURCHASE_NOT_FOUND",
    }
    assert snapshot(urls.owner) == before


def test_a_key_does_what_its_scopes_say_until_it_is_taken_back(
    database: Database, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    with running_gateway(quick_services(database, database_urls, tmp_path)) as gateway:
        owner = sign_up(gateway, "corner")
        store = owner.open_store()
        owner.start_program()
        mia = owner.enroll()
        made = owner.do("createApiKey", "secret apiKey { id }", name="till", scopes=["PURCHASES_WRITE"], storeId=store)
        till = owner.with_token(made["secret"])
        sold = till.attempt("recordPurchase", "points", **receipt(store, "30.00", member=mia))
        assert sold == {"__typename": "RecordPurchasePayload", "points": 30}
        answer = till.send("{ members { edges { node { id } } } }")
        assert answer.code == "FORBIDDEN"
        rotated = owner.do("rotateApiKey", "secret apiKey { id }", apiKeyId=made["apiKey"]["id"])
        assert rotated["apiKey"] == made["apiKey"]
    # Another process, which remembers nothing: the first one may take an old key for two seconds more.
    with running_gateway(quick_services(database, database_urls, tmp_path)) as gateway:
        old, new = (Caller(gateway.as_(secret)) for secret in (made["secret"], rotated["secret"]))
        assert old.refused("recordPurchase", **receipt(store, "30.00", member=mia)) == "CREDENTIAL_INVALID"
        assert new.do("recordPurchase", "points", **receipt(store, "30.00", member=mia))["points"] == 30
        assert Merchant(gateway.as_(owner.client.token)).do(
            "revokeApiKey", "apiKey { revokedAt }", apiKeyId=made["apiKey"]["id"]
        )
    with running_gateway(quick_services(database, database_urls, tmp_path)) as gateway:
        ended = Caller(gateway.as_(rotated["secret"]))
        assert ended.refused("recordPurchase", **receipt(store, "30.00", member=mia)) == "CREDENTIAL_INVALID"


def test_a_key_rotates_no_key_that_may_do_more(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "corner")
    strong = owner.do("createApiKey", "apiKey { id }", name="strong", scopes=["KEYS_MANAGE", "POINTS_ADJUST"])
    weak = owner.with_token(owner.do("createApiKey", "secret", name="weak", scopes=["KEYS_MANAGE"])["secret"])

    assert weak.refused("rotateApiKey", apiKeyId=strong["apiKey"]["id"]) == "SCOPES_NOT_GRANTABLE"
