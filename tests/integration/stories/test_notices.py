"""Notices that are no receipts, from the API to the mailbox: a budget that runs out, and a case that goes on."""

import re
from typing import Any

from services.doubles.mailbox.reading import read_body
from services.doubles.mailbox.store import StoredMail
from tests.support.graphql_client import PASSWORD, GraphQLClient, fresh_key
from tests.support.mailbox import Mailbox
from tests.support.story import Caller, Merchant, receipt, sign_up
from tests.support.worker import TestWorker


def _hire(owner: Merchant, worker: TestWorker, mailbox: Mailbox, *, role: str, locale: str, **given: Any) -> str:
    """The e-mail address of somebody who has accepted a role."""
    email = f"{role.lower()}@people.test"
    owner.do("inviteStaff", "replayed", email=email, role=role, idempotencyKey=fresh_key(), **given)
    worker.work_until_idle()
    (mail,) = mailbox.messages(to=email)
    found = re.search(r"/invitations/(\S+)", _text(mailbox, mail))
    assert found is not None
    accepted = {"token": found[1], "name": role, "password": PASSWORD, "locale": locale}
    Caller(owner.client).do("acceptInvitation", "session { token }", **accepted)
    return email


def _text(mailbox: Mailbox, mail: StoredMail) -> str:
    return read_body(mailbox.content(mail)).text


def _subjects(mailbox: Mailbox, to: str) -> list[str]:
    return [mail.subject for mail in mailbox.messages(to=to) if "invit" not in mail.subject]


def test_who_runs_promotions_hears_once_that_a_budget_runs_out(
    gateway: GraphQLClient, worker: TestWorker, mailbox: Mailbox
) -> None:
    owner = sign_up(gateway, "corner")
    sign_up(gateway, "elsewhere")
    store = owner.open_store()
    owner.start_program()
    marketer = _hire(owner, worker, mailbox, role="MARKETER", locale="zh-CN")
    cashier = _hire(owner, worker, mailbox, role="CASHIER", locale="en", storeId=store)
    name = {"en": "Spring", "zh": "春季活动"}
    budget = owner.do("createBudget", "budget { id }", code="spring-26", name=name, unitsMax=5, alertPercent=80)
    reward = owner.do(
        "createReward",
        "reward { id }",
        code="tea",
        kind="SERVICE",
        name={"en": "Tea", "zh": "茶"},
        costPoints=10,
        terms={"budgetId": budget["budget"]["id"]},
    )
    member = owner.enroll()
    owner.do("recordPurchase", "points", **receipt(store, "90.00", member=member))

    def take(pieces: int) -> str:
        wish = {"member": {"id": member}, "rewardId": reward["reward"]["id"], "quantity": pieces}
        had = owner.do("redeemReward", "redemption { id }", **wish, idempotencyKey=fresh_key())
        worker.work_until_idle()
        worker.sweep()
        redemption_id: str = had["redemption"]["id"]
        return redemption_id

    take(3)
    assert _subjects(mailbox, owner.email) == []
    fourth = take(1)

    assert _subjects(mailbox, owner.email) == ["80% of the budget Spring is spent"]
    (mail,) = [one for one in mailbox.messages(to=marketer) if "预算" in one.subject]
    assert mail.subject == "预算“春季活动”已使用 80%"
    text = _text(mailbox, mail)
    assert all(part in text for part in ("Merchant corner", "春季活动", "spring-26", "80%"))
    assert _subjects(mailbox, cashier) == []
    assert _subjects(mailbox, "owner@elsewhere.test") == []

    back = {"redemptionId": fourth, "reason": "CHANGED_MIND", "idempotencyKey": fresh_key()}
    owner.do("cancelRedemption", "points", **back)
    take(1)
    assert len(_subjects(mailbox, owner.email)) == 1, "it sinks and rises again: once a day is enough"


def test_a_member_hears_where_their_case_stands(gateway: GraphQLClient, worker: TestWorker, mailbox: Mailbox) -> None:
    owner = sign_up(gateway, "corner")
    store = owner.open_store()
    owner.start_program()
    told: dict[str, list[str]] = {}
    for locale, email in (("en", "mia@people.test"), ("zh-CN", "lin@people.test")):
        member = owner.enroll(email=email, locale=locale)
        bought = owner.do("recordPurchase", "purchase { id }", **receipt(store, "90.00", member=member))
        wish = {"purchase": {"id": bought["purchase"]["id"]}, "kind": "RETURN", "subject": "The cup is chipped"}
        lines = [{"position": 1, "quantity": "1", "reason": "chipped"}]
        case = owner.do("openCase", "case { id }", **wish, lines=lines, idempotencyKey=fresh_key())["case"]["id"]
        worker.work_until_idle()
        before = len(mailbox.messages(to=email))
        for status in ("IN_PROGRESS", "APPROVED"):
            move = {"caseId": case, "status": status, "idempotencyKey": f"{case}-{status}"}
            owner.do("moveCase", "case { status }", **move)
            owner.do("moveCase", "case { status }", **move)
            worker.work_until_idle()
        mails = sorted(mailbox.messages(to=email), key=lambda mail: mail.id)[before:]
        told[email] = [mail.subject for mail in mails]
        assert "Merchant corner" in _text(mailbox, mails[-1])

    assert told == {
        "mia@people.test": ["Return at Merchant corner: In progress", "Return at Merchant corner: Approved"],
        "lin@people.test": ["Merchant corner退货进度：处理中", "Merchant corner退货进度：已同意"],
    }
    assert worker.waiting() == {}
