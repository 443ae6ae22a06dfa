"""One key, one effect: the stored answer for ever, whatever has happened since."""

import dataclasses
from datetime import timedelta
from typing import Any

from services.loyalty.members import service as members
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind, UpdateMember
from services.loyalty.stores.domain import Store
from services.platform.idempotency.service import request_hash
from tests.integration.loyalty.conftest import Dump
from tests.support.builders.merchant import NOW, Merchant


def test_a_purchase_under_the_same_key_and_under_the_same_number(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program()
    member_id = merchant.member()
    command = merchant.purchase_command(store, member_id, 1_000)
    first = merchant.record(command)
    merchant.buy(store, member_id, 500)
    merchant.now = NOW + timedelta(days=400)
    before = dump()

    again = merchant.record(command)

    assert again == dataclasses.replace(first, replayed=True)
    assert dump() == before

    # Another key is settled with the first answer, and nothing else happens.
    known = merchant.record(dataclasses.replace(command, idempotency_key="another", request_hash=b"other"))

    after = dump()
    assert known == again
    assert {table for table in after if after[table] != before[table]} == {f"{merchant.home.schema}.idempotency_keys"}
    assert merchant.record(dataclasses.replace(command, idempotency_key="another", request_hash=b"other")) == again


def test_the_other_verbs_under_the_same_key(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program()
    enroll = EnrollMember(
        identities=(Identity(IdentityKind.CARD, "4711"),),
        locale="zh-CN",
        idempotency_key="enroll",
        request_hash=request_hash({}),
    )
    enrolled = merchant.do(lambda uow: members.enroll_member(uow, command=enroll))
    bought = merchant.buy(store, enrolled.member_id, 5_000)
    coffee = merchant.reward(cost=10)
    again: dict[str, Any] = {"idempotency_key": "same", "request_hash": request_hash({"same": 1})}
    refunded = merchant.refund(bought.purchase_id, **again)
    adjusted = merchant.adjust(enrolled.member_id, 50, **again)
    redeemed = merchant.redeem(enrolled.member_id, coffee, **again)
    before = dump()

    assert merchant.do(lambda uow: members.enroll_member(uow, command=enroll)) == dataclasses.replace(
        enrolled, replayed=True
    )
    assert merchant.refund(bought.purchase_id, **again) == dataclasses.replace(refunded, replayed=True)
    assert merchant.adjust(enrolled.member_id, 50, **again) == dataclasses.replace(adjusted, replayed=True)
    assert merchant.redeem(enrolled.member_id, coffee, **again) == dataclasses.replace(redeemed, replayed=True)
    assert dump() == before


def test_a_replay_does_not_ask_whose_the_identity_is_now(merchant: Merchant, store: Store) -> None:
    merchant.program()
    card = Identity(IdentityKind.CARD, "4711")
    member_id = merchant.member(card)
    again: dict[str, Any] = {"idempotency_key": "same", "request_hash": request_hash({"same": 1})}
    coffee = merchant.reward(cost=10)
    command = merchant.purchase_command(store, card, 5_000)
    done: list[Any] = [
        merchant.record(command),
        merchant.adjust(card, 5, **again),
        merchant.redeem(card, coffee, **again),
    ]
    lost = UpdateMember(member_id, identities=(Identity(IdentityKind.CARD, "0815"),))
    merchant.do(lambda uow: members.update_member(uow, command=lost))

    told_again = [merchant.record(command), merchant.adjust(card, 5, **again), merchant.redeem(card, coffee, **again)]

    assert told_again == [dataclasses.replace(answer, replayed=True) for answer in done]
