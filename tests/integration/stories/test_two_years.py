"""Two years of a member under a driven clock, told through GraphQL alone: every number to the point."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.mailbox import Mailbox
from tests.support.story import Merchant, receipt, sign_up
from tests.support.worker import TestWorker

BEGIN = datetime(2030, 1, 1, 4, tzinfo=UTC)
"""Noon in Shanghai, where the program's days begin."""
CALLS_MAX = 30
"""Calls of eight seconds until the clock is where it shall go."""


def _text(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


PROGRAM = {
    "version": 2,
    "name": _text("Corner club", "街角会"),
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "units": [
        {
            "code": "points",
            "name": _text("points", "积分"),
            "scale": 0,
            "activation": {"after": {"count": 14, "unit": "day"}},
            "expiry": {"rolling": {"span": {"count": 12, "unit": "month"}, "untilEndOf": "month"}},
        }
    ],
    "rules": [
        {
            "id": "every-purchase",
            "name": _text("1 point for every 1.00", "每消费 1.00 得 1 分"),
            "trigger": "purchase",
            "formula": {"spend": {"points": 1, "per": {"CNY": 100}}},
        }
    ],
    "tiers": {
        "metric": "spend",
        "levels": [
            {"code": "silver", "name": _text("Silver", "银卡"), "threshold": 0, "multiplier": "1"},
            {"code": "gold", "name": _text("Gold", "金卡"), "threshold": 100_000, "multiplier": "2"},
        ],
        "period": "calendar",
        "span": {"count": 12, "unit": "month"},
        "resets": True,
        "downgrade": "one",
        "graceDays": 30,
    },
    "policies": {"expiryNoticeDays": 30},
}
SEEN = """
query ($by: MemberReferenceInput!) { member(by: $by) {
  balances { pending available earned spent expired reversed }
  tier { tier { code } }
} }"""
PAST = """
query ($by: MemberReferenceInput!, $at: DateTime!) { member(by: $by) {
  tierAsOf(at: $at)
  recorded: balancesAsOf(at: $at) { pending available }
  effective: balancesAsOf(at: $at, by: EFFECTIVE) { pending available }
} }"""


class _Sandbox:
    """A sandbox of a merchant, one member, and the clock."""

    def __init__(self, gateway: GraphQLClient) -> None:
        live = sign_up(gateway, "corner", merchantName="Corner Café")
        live.do(
            "createSandbox",
            "sandbox { mode }",
            slug="corner-years",
            beginsAt=BEGIN.isoformat(),
            copies=[],
            idempotencyKey=fresh_key(),
        )
        token = live.client.token
        self.merchant: Merchant = replace(live, client=live.with_token(token, X_Tenant="corner-years").client)
        self.store = self.merchant.open_store()
        self.merchant.publish(PROGRAM)
        self.mia = self.merchant.enroll(email="mia@members.test", name="Mia")
        self.done: dict[str, int] = {}

    def buy(self, amount: str) -> dict[str, Any]:
        fields = "points purchase { id }"
        return self.merchant.do("recordPurchase", fields, **receipt(self.store, amount, member=self.mia))

    def until(self, instant: datetime) -> None:
        """Move the clock, with as many calls as it takes."""
        wish = {"to": instant.isoformat(), "idempotencyKey": fresh_key()}
        for _ in range(CALLS_MAX):
            moved = self.merchant.do("advanceClock", "isFinished done { name count }", **wish)
            for errand in moved["done"]:
                self.done[errand["name"]] = self.done.get(errand["name"], 0) + errand["count"]
            if moved["isFinished"]:
                return
        raise AssertionError("the clock does not arrive")

    def has(self, *, tier: str, **points: int) -> None:
        """Check what the member has and had; what is not named is zero."""
        seen = self.merchant.ask(SEEN, by={"id": self.mia})
        names = ("pending", "available", "earned", "spent", "expired", "reversed")
        assert seen["balances"] == [{name: points.get(name, 0) for name in names}]
        assert seen["tier"]["tier"]["code"] == tier

    def was(self, at: datetime, *, tier: str, pending: int, available: int) -> None:
        """Check what the member had at an instant."""
        seen = self.merchant.ask(PAST, by={"id": self.mia}, at=at.isoformat())
        had = [{"pending": pending, "available": available}]
        assert (seen["tierAsOf"], seen["effective"], seen["recorded"]) == (tier, had, had)


def test_two_years_of_a_member(gateway: GraphQLClient, worker: TestWorker, mailbox: Mailbox) -> None:
    story = _Sandbox(gateway)
    _first_month(story)

    # In March gold earns double.
    story.until(datetime(2030, 3, 10, 4, tzinfo=UTC))
    assert story.buy("50.00")["points"] == 100
    story.until(datetime(2030, 4, 1, tzinfo=UTC))
    story.has(tier="gold", available=900, earned=1_300, spent=300, reversed=100)

    # The year ends with 1,150 spent, so that gold stays; and she is told of what ends with January.
    worker.work_until_idle()
    _forget(mailbox)
    story.until(datetime(2031, 1, 5, tzinfo=UTC))
    story.has(tier="gold", available=900, earned=1_300, spent=300, reversed=100)
    worker.work_until_idle()
    (notice,) = _subjects(mailbox)[-1:]
    assert notice.startswith("[Sandbox] 800 points at Corner Café end on")

    # January's points end with the last day of January, March's with the last day of March.
    story.until(datetime(2031, 1, 31, 15, 59, tzinfo=UTC))
    story.has(tier="gold", available=900, earned=1_300, spent=300, reversed=100)
    story.until(datetime(2031, 1, 31, 16, 1, tzinfo=UTC))
    story.has(tier="gold", available=100, earned=1_300, spent=300, reversed=100, expired=800)
    story.until(datetime(2031, 4, 2, tzinfo=UTC))
    story.has(tier="gold", earned=1_300, spent=300, reversed=100, expired=900)

    # Nothing is spent in 2031: the review finds it on New Year's Day, and 30 days of grace pass before she goes down.
    story.until(datetime(2031, 12, 31, 15, 0, tzinfo=UTC))
    story.has(tier="gold", earned=1_300, spent=300, reversed=100, expired=900)
    story.until(datetime(2032, 1, 20, tzinfo=UTC))
    story.has(tier="gold", earned=1_300, spent=300, reversed=100, expired=900)
    story.until(datetime(2032, 2, 2, tzinfo=UTC))
    story.has(tier="silver", earned=1_300, spent=300, reversed=100, expired=900)
    assert story.buy("10.00")["points"] == 10

    _look_back(story)
    worker.work_until_idle()
    assert all(subject.startswith("[Sandbox] ") for subject in _subjects(mailbox))
    assert worker.waiting() == {}


def _first_month(story: _Sandbox) -> None:
    # January 2030: she joins and earns; what she earns waits two weeks for the return window to close.
    coffee = story.merchant.do(
        "createReward",
        "reward { id }",
        code="coffee",
        kind="COUPON",
        name=_text("A coffee", "咖啡一杯"),
        costPoints=300,
    )["reward"]["id"]
    assert story.buy("600.00")["points"] == 600
    story.has(tier="silver", pending=600, earned=600)
    story.until(BEGIN + timedelta(days=15))
    story.has(tier="silver", available=600, earned=600)
    assert story.done["activate_points"] == 1

    # The purchase that reaches a thousand lifts her at once, and still earns at the old tier.
    second = story.buy("600.00")
    assert second["points"] == 600
    story.has(tier="gold", available=600, pending=600, earned=1_200)
    story.until(BEGIN + timedelta(days=30))
    story.has(tier="gold", available=1_200, earned=1_200)

    # She has a coffee, and brings a part of the second purchase back.
    redeemed = story.merchant.do(
        "redeemReward",
        "points balance",
        member={"id": story.mia},
        rewardId=coffee,
        expectedPoints=300,
        idempotencyKey=fresh_key(),
    )
    assert (redeemed["points"], redeemed["balance"]) == (300, 900)
    refunded = story.merchant.do(
        "refundPurchase",
        "points balance",
        purchase={"id": second["purchase"]["id"]},
        source="till",
        externalId=fresh_key(),
        refund={"amount": "100.00"},
        idempotencyKey=fresh_key(),
    )
    assert (refunded["points"], refunded["balance"]) == (100, 800)
    story.has(tier="gold", available=800, earned=1_200, spent=300, reversed=100)


def _look_back(story: _Sandbox) -> None:
    """The past is still what it was, and the report of it all adds up."""
    story.was(BEGIN + timedelta(days=1), tier="silver", pending=600, available=0)
    story.was(BEGIN + timedelta(days=29), tier="gold", pending=600, available=600)
    story.was(datetime(2031, 1, 20, tzinfo=UTC), tier="gold", pending=0, available=900)
    story.was(datetime(2032, 1, 20, tzinfo=UTC), tier="gold", pending=0, available=0)
    report = story.merchant.ask(
        "query ($input: LiabilityReportInput!) { liabilityReport(input: $input) { ... on LiabilityReportPayload {"
        " units { flows { opening issued redeemed expired reversed closing } }"
        " cohorts { cohort flows { issued redeemed expired reversed closing } } } } }",
        input={"from": "2030-01-01", "to": "2032-02-29"},
    )
    assert report["units"] == [
        {"flows": {"opening": 0, "issued": 1_310, "redeemed": 300, "expired": 900, "reversed": 100, "closing": 10}}
    ]
    names = ("issued", "redeemed", "expired", "reversed", "closing")
    assert [(row["cohort"], *(row["flows"][name] for name in names)) for row in report["cohorts"]] == [
        ("2030-01-01", 1_200, 300, 800, 100, 0),
        ("2030-03-01", 100, 0, 100, 0, 0),
        ("2032-02-01", 10, 0, 0, 0, 10),
    ]


def _subjects(mailbox: Mailbox) -> Sequence[str]:
    return [mail.subject for mail in mailbox.messages(to="mia@members.test")]


def _forget(mailbox: Mailbox) -> None:
    """So far: a welcome, receipts, the tier."""
    assert len(_subjects(mailbox)) > 0
