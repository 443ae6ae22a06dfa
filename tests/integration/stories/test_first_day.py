"""A merchant's first day, told through GraphQL alone: ledger, balances, tiers, letters and usage agree to the point."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.billing.metering.queries import rolled_up_usage
from services.doubles.mailbox.reading import read_body
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.tenancy.registry import tenant_by_slug
from tests.support.graphql_client import Answer, GraphQLClient, fresh_key, running_gateway
from tests.support.mailbox import Mailbox
from tests.support.story import Caller, Merchant, quick_services, receipt, sign_up
from tests.support.tenants import DatabaseUrls
from tests.support.worker import TestWorker

MEMBER = """
query ($by: MemberReferenceInput!) { member(by: $by) { ...seen } }
fragment seen on Member {
  balances { unit pending available held owed earned spent expired reversed adjusted }
  tier { tier { code name { en } } pointsEarned progress { qualifying missing nextTier { code } } }
  ledger(first: 20) { edges { node { kind points sequence } } }
  lots(first: 20) { edges { node { amount remaining } } }
  purchases(first: 20) { edges { node { total { amount } refunded { amount } points pointsTakenBack } } }
  redemptions(first: 20) { edges { node { points status rewardName { en zh } } } }
}"""
ME = "{ me { ...seen } }" + MEMBER[MEMBER.index("fragment") :]


@dataclass(frozen=True, slots=True)
class CountingClient(GraphQLClient):
    """Adds up what the answers say that their operations cost."""

    costs: list[int] = field(default_factory=list)

    def execute(self, document: str, variables: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        answer = GraphQLClient.execute(self, document, variables, **more)
        if self.token:
            self.costs.append(answer.content["extensions"]["cost"]["requested"])
        return answer


def test_the_books_agree_at_the_end_of_the_first_day(
    database: Database, database_urls: DatabaseUrls, tmp_path: Path, worker: TestWorker, mailbox: Mailbox
) -> None:
    costs: list[int] = []
    with running_gateway(quick_services(database, database_urls, tmp_path)) as stranger:
        owner = sign_up(CountingClient(stranger.gateway, costs=costs), "first-day", merchantName="Bean House 豆屋")
        store = owner.open_store(code="main", name="Main Street")
        owner.start_program(template="CAFE")
        mia = owner.enroll(email="mia@members.test", locale="en", name="Mia")
        li = owner.enroll(email="li@members.test", locale="zh-CN", name="李雷")

        _trade(owner, store, mia=mia, li=li)
        worker.work_until_idle()

        assert owner.ask(MEMBER, by={"id": mia}) == MIA
        assert owner.ask(MEMBER, by={"email": "LI@members.test"}) == LI
        token = owner.do("createMemberToken", "token", memberId=mia)["token"]
        assert owner.with_token(token).ask(ME) == MIA
    _assert_letters(mailbox)
    worker.sweep()
    assert worker.waiting() == {}
    _assert_usage(database, database_urls, tmp_path, owner, costs)


def _trade(owner: Merchant, store: str, *, mia: str, li: str) -> None:
    """Mia buys, returns a half, and buys her way up; Li buys and takes a coffee."""
    bought = owner.do(
        "recordPurchase", "points balance purchase { id }", **receipt(store, "150.00", "50.00", member=mia)
    )
    assert (bought["points"], bought["balance"]) == (200, 200)
    half = owner.do(
        "refundPurchase",
        "points balance shortfall",
        purchase={"id": bought["purchase"]["id"]},
        source="till",
        externalId=fresh_key(),
        refund={"amount": "100.00"},
        idempotencyKey=fresh_key(),
    )
    assert (half["points"], half["balance"], half["shortfall"]) == (100, 100, 0)
    assert owner.do("recordPurchase", "points", **receipt(store, "260.50", member=li))["points"] == 260
    rewards = owner.ask("{ rewards { edges { node { id code costPoints } } } }")["edges"]
    coffee = next(edge["node"] for edge in rewards if edge["node"]["code"] == "free-coffee")
    redeemed = owner.do(
        "redeemReward",
        "points balance",
        member={"email": "li@members.test"},
        rewardId=coffee["id"],
        expectedPoints=150,
        storeId=store,
        idempotencyKey=fresh_key(),
    )
    assert (redeemed["points"], redeemed["balance"]) == (150, 110)
    fields = "points balance tierChange { fromTier toTier }"
    assert owner.do("recordPurchase", fields, **receipt(store, "400.00", member=mia)) == {
        "__typename": "RecordPurchasePayload",
        "points": 400,
        "balance": 500,
        "tierChange": {"fromTier": "guest", "toTier": "regular"},
    }
    assert owner.do("recordPurchase", "points", **receipt(store, "10.00", member=mia))["points"] == 12


def _balance(**changes: int) -> dict[str, Any]:
    zeros = ("pending", "available", "held", "owed", "earned", "spent", "expired", "reversed", "adjusted")
    return {"unit": "beans", **dict.fromkeys(zeros, 0), **changes}


def _page(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"edges": [{"node": node} for node in nodes]}


def _entries(*moves: tuple[str, int]) -> dict[str, Any]:
    """Newest first, as they are shown."""
    return _page(
        *(
            {"kind": kind, "points": points, "sequence": len(moves) - index}
            for index, (kind, points) in enumerate(moves)
        )
    )


def _purchase(total: str, points: int, *, refunded: str = "0.00", taken_back: int = 0) -> dict[str, Any]:
    return {
        "total": {"amount": total},
        "refunded": {"amount": refunded},
        "points": points,
        "pointsTakenBack": taken_back,
    }


MIA = {
    "balances": [_balance(available=512, earned=612, reversed=100)],
    "tier": {
        "tier": {"code": "regular", "name": {"en": "Regular"}},
        "pointsEarned": 512,
        "progress": {"qualifying": 512, "missing": 1488, "nextTier": {"code": "insider"}},
    },
    "ledger": _entries(("ACCRUAL", 12), ("ACCRUAL", 400), ("CLAWBACK", -100), ("ACCRUAL", 200)),
    "lots": _page(
        {"amount": 200, "remaining": 100}, {"amount": 400, "remaining": 400}, {"amount": 12, "remaining": 12}
    ),
    "purchases": _page(
        _purchase("10.00", 12), _purchase("400.00", 400), _purchase("200.00", 200, refunded="100.00", taken_back=100)
    ),
    "redemptions": _page(),
}
LI = {
    "balances": [_balance(available=110, earned=260, spent=150)],
    "tier": {
        "tier": {"code": "guest", "name": {"en": "Guest"}},
        "pointsEarned": 260,
        "progress": {"qualifying": 260, "missing": 240, "nextTier": {"code": "regular"}},
    },
    "ledger": _entries(("REDEMPTION", -150), ("ACCRUAL", 260)),
    "lots": _page({"amount": 260, "remaining": 110}),
    "purchases": _page(_purchase("260.50", 260)),
    "redemptions": _page(
        {
            "points": 150,
            "status": "CONFIRMED",
            "rewardName": {"en": "A coffee of your choice", "zh": "任选咖啡一杯"},
        }
    ),
}


def _assert_letters(mailbox: Mailbox) -> None:
    """Each in the reader's language, in the order of the day, with the numbers of the ledger."""
    to_mia = [
        ("Welcome to Bean House 豆屋", ()),
        ("Your Beans from Main Street: +200", ("CN¥200.00", "200", "Guest")),
        ("Your refund at Main Street: CN¥100.00", ("−100", "100")),
        ("Your Beans from Main Street: +400", ("CN¥400.00", "500", "Regular")),
        ("Your Beans from Main Street: +12", ("CN¥10.00", "512", "Regular")),
    ]
    to_li = [
        ("欢迎加入 Bean House 豆屋", ("李雷",)),
        ("Main Street 消费到账：咖啡豆 +260", ("¥260.50", "260", "新朋友")),
        ("兑换成功：任选咖啡一杯", ("−150", "110")),
    ]
    for address, expected in (("mia@members.test", to_mia), ("li@members.test", to_li)):
        mails = mailbox.messages(to=address)
        assert [mail.subject for mail in mails] == [subject for subject, _ in expected]
        for mail, (subject, told) in zip(mails, expected, strict=True):
            body = read_body(mailbox.content(mail))
            for words in told:
                assert words in body.text, (subject, words, body.text)
                assert words in body.html
    assert len(mailbox.messages()) == len(set(mailbox.message_ids())) == len(to_mia) + len(to_li)


def _assert_usage(database: Database, urls: DatabaseUrls, home: Path, owner: Merchant, costs: list[int]) -> None:
    """Facts, their roll-up and what the answers said, all the same."""
    today = wall_now().date()
    since, until = today - timedelta(days=1), today + timedelta(days=2)
    expected = {"purchases": 4, "redemptions": 1, "messages.email": 8, "api_cost": sum(costs)}
    with running_gateway(quick_services(database, urls, home)) as client:
        used = Caller(client.as_(owner.client.token)).ask(
            "query ($from: Date!, $to: Date!) { usage(from: $from, to: $to) { meters { meter quantity } } }",
            **{"from": since.isoformat(), "to": until.isoformat()},
        )
    assert {meter["meter"]: meter["quantity"] for meter in used["meters"]} == expected
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, "first-day")
        assert tenant is not None
        assert rolled_up_usage(session, tenant_id=tenant.id, since=since, until=until) == expected
