"""Many receipts in one transaction: what comes of them is what comes of one after the other."""

import dataclasses
import json
import random
import re
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from services.loyalty.members import service as members
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreCurrencyMismatch
from services.platform.actors import Actor, ActorKind, Sender
from services.platform.db.engine import Database
from services.platform.errors import DomainError, InvalidInput
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant, lines
from tests.support.tenants import DatabaseUrls

Outcome = RecordedPurchase | DomainError

BOOKS = {
    "purchases": "SELECT source, external_id, channel, currency, discount_minor, total_minor, occurred_at, recorded_at,"
    " points, frozen, answer, member_id FROM purchases ORDER BY source, external_id",
    "lines": "SELECT external_id, position, sku, quantity, amount_minor, net_minor, purchase_lines.points"
    " FROM purchase_lines JOIN purchases ON purchase_id = purchases.id ORDER BY external_id, position",
    "accruals": "SELECT external_id, rule_id, purchase_accruals.points, standing, lot_id IS NULL AS lotless"
    " FROM purchase_accruals JOIN purchases ON purchase_id = purchases.id ORDER BY external_id, rule_id",
    "entries": "SELECT value, seq, ledger_entries.kind, reason, actor_kind, occurred_at, recorded_at"
    " FROM ledger_entries JOIN member_identities ON member_id = holder_id ORDER BY value, seq",
    "lots": "SELECT value, unit, amount, remaining, state, activates_at, rule_id FROM ledger_lots"
    " JOIN member_identities ON member_id = holder_id ORDER BY ledger_lots.id",
    "balances": "SELECT value, ledger_balances.* FROM ledger_balances JOIN member_identities ON member_id = holder_id"
    " ORDER BY value, unit",
    "caps": "SELECT value, rule_id, day, used FROM cap_uses JOIN member_identities USING (member_id)"
    " ORDER BY value, rule_id, day",
    "tiers": "SELECT value, tier_code, points_earned, spend_minor, since FROM member_tiers"
    " JOIN member_identities USING (member_id) ORDER BY value",
    "letters": "SELECT type, payload, correlation_id, occurred_at FROM outbox ORDER BY id",
    "keys": "SELECT key, encode(request_hash, 'hex') AS hash, result FROM idempotency_keys"
    " WHERE operation = 'recordPurchase' ORDER BY key",
    "usage": "SELECT meter, quantity, day FROM usage_facts WHERE meter = 'purchases' ORDER BY event_id",
}
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ADD_RULE = rule("extra", points=1, per=300, cap=7)


class Shop:
    """A merchant whose members are known by their cards, so that two of them can be told the same."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        self.merchant = Merchant(database, tenant.home)
        levels = [("base", 0, "1"), ("silver", 60, "1.5"), ("gold", 200, "2")]
        self.merchant.program(document(rules=[rule(cap=90), ADD_RULE], levels=levels))
        self.stores = (self.merchant.store("a"), self.merchant.store("b"), self.merchant.store("c", currency="JPY"))
        self.cards = tuple(Identity(IdentityKind.CARD, f"c{number}") for number in range(4))
        self.ids = tuple(self.merchant.member(card) for card in self.cards)
        self.merchant.do(lambda uow: members.deactivate_member(uow, member_id=self.ids[3]))

    def command(self, told: dict[str, Any]) -> RecordPurchase:
        member = told.pop("member")
        by_id = told.pop("by_id")
        given = (
            None
            if member is None
            else self.ids[member]
            if by_id and member < 4
            else Identity(IdentityKind.CARD, f"c{member}")
        )
        store: Store = self.stores[told.pop("store")]
        return RecordPurchase(member=given, store_id=store.id, lines=lines(*told.pop("amounts")), **told)

    def batch(self, commands: list[RecordPurchase], **given: Any) -> list[Outcome]:
        return self.merchant.do(lambda uow: purchases.record_purchases(uow, commands=commands, is_last=True, **given))

    def one_by_one(self, commands: list[RecordPurchase]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for command in commands:
            try:
                outcomes.append(self.merchant.record(command))
            except DomainError as error:
                outcomes.append(error)
        return outcomes

    def books(self) -> dict[str, list[str]]:
        """What is stored, each id told by the order in which it first comes."""
        known: dict[str, str] = {}

        def named(found: re.Match[str]) -> str:
            return known.setdefault(found[0], f"#{len(known)}")

        return {
            name: [UUIDS.sub(named, json.dumps(row, default=str, sort_keys=True)) for row in self.merchant.rows(query)]
            for name, query in BOOKS.items()
        }


@pytest.fixture
def shops(database: Database, tenant: Tenant, tenant_b: Tenant) -> tuple[Shop, Shop]:
    return Shop(database, tenant), Shop(database, tenant_b)


def told_by_lot(chance: random.Random, numbers: range) -> dict[str, Any]:
    """A receipt of any kind: good ones, refused ones, ones told before under any key."""
    number, key = chance.choice(numbers), chance.choice(numbers)
    return {
        "source": chance.choice(["till", "till", "till", "web", " "]) if chance.random() < 0.2 else "till",
        "external_id": f"r{number}",
        "member": chance.choice([0, 0, 1, 1, 2, 3, None, 9]),
        "by_id": chance.random() < 0.7,
        "store": chance.choice([0, 0, 0, 1, 2]),
        "currency": "CNY",
        "amounts": chance.choice([(1_000,), (2_500, 700), (9_000,), (99,), (500, -900)]),
        "idempotency_key": f"k{key}" if chance.random() < 0.3 else f"k{number}",
        "request_hash": b"same" if chance.random() < 0.9 else b"other",
        "occurred_at": chance.choice([None, None, None, NOW - timedelta(hours=20), NOW - timedelta(days=99)]),
    }


def told(outcome: Outcome) -> str:
    if isinstance(outcome, DomainError):
        return f"{outcome.code} {UUIDS.sub('#', str(outcome.facts()))}"
    facts = dataclasses.replace(outcome, purchase=None)
    return f"{UUIDS.sub('#', str(facts))} {outcome.purchase is None}"


@pytest.mark.parametrize("seed", range(6))
def test_a_batch_is_its_receipts_one_after_the_other(shops: tuple[Shop, Shop], seed: int) -> None:
    chance = random.Random(seed)
    apart, together = shops
    for turn in range(6):
        begin = max(0, turn * 6 - 4)
        batch = [told_by_lot(chance, range(begin, begin + 12)) for _ in range(chance.randint(1, 14))]
        for shop in shops:
            shop.merchant.now = NOW + timedelta(minutes=turn)

        expected = apart.one_by_one([apart.command(dict(each)) for each in batch])
        found = together.batch([together.command(dict(each)) for each in batch])

        # The name of the merchant is the only thing in which the two shops differ.
        assert list(map(told, found)) == list(map(told, expected))
    mine, theirs = together.books(), apart.books()
    theirs["letters"] = [letter.replace("Corner Caf\\u00e9", "Corner Bakery") for letter in theirs["letters"]]
    for name in BOOKS:
        assert mine[name] == theirs[name], name
    assert together.merchant.verdict().faults == ()


def test_each_sees_what_those_before_it_did(shops: tuple[Shop, Shop]) -> None:
    shop = shops[0]
    store, member_id = shop.stores[0], shop.ids[0]
    commands = [shop.merchant.purchase_command(store, member_id, 4_000) for _ in range(4)]

    found = shop.batch(commands)

    # 40 + 6 of the cap of 7, then 40 + 1, then the rest of 90 at the tier of 1.5, then nothing.
    assert [(step.points, step.balance, step.to_tier) for step in found if isinstance(step, RecordedPurchase)] == [
        (47, 47, None),
        (40, 87, "silver"),
        (10, 97, None),
        (0, 97, None),
    ]
    assert shop.merchant.balance(member_id).available == 97


def test_a_refused_receipt_leaves_no_trace_and_its_key_free(shops: tuple[Shop, Shop]) -> None:
    shop = shops[0]
    good = shop.merchant.purchase_command(shop.stores[0], shop.ids[0], 1_000)
    nobody = shop.merchant.purchase_command(shop.stores[0], new_id(), 1_000)
    foreign = shop.merchant.purchase_command(shop.stores[2], shop.ids[0], 1_000, currency="CNY")
    blank = dataclasses.replace(good, source=" ", idempotency_key="blank")

    found = shop.batch([nobody, good, foreign, blank])

    assert [type(outcome) for outcome in found] == [
        MemberNotFound,
        RecordedPurchase,
        StoreCurrencyMismatch,
        InvalidInput,
    ]
    assert shop.merchant.rows("SELECT key FROM idempotency_keys WHERE operation = 'recordPurchase'") == [
        {"key": good.idempotency_key}
    ]
    assert shop.merchant.rows("SELECT count(*) AS letters FROM outbox WHERE type = 'PurchaseRecorded'") == [
        {"letters": 1}
    ]
    again = shop.batch([dataclasses.replace(nobody, member=shop.ids[1], request_hash=b"mended"), good])
    assert [outcome.replayed for outcome in again if isinstance(outcome, RecordedPurchase)] == [False, True]


def test_every_sender_is_remembered(shops: tuple[Shop, Shop]) -> None:
    shop = shops[0]
    senders = [Sender(Actor(ActorKind.KEY, new_id()), f"till {number}") for number in range(3)]
    commands = [shop.merchant.purchase_command(shop.stores[0], shop.ids[0], 1_000) for _ in senders]

    shop.batch(commands, senders=senders)

    assert shop.merchant.rows("SELECT actor_kind, actor_id FROM ledger_entries ORDER BY seq") == [
        {"actor_kind": "key", "actor_id": sender.actor.id} for sender in senders
    ]
    letters = shop.merchant.rows("SELECT correlation_id FROM outbox WHERE type = 'PurchaseRecorded' ORDER BY id")
    assert [letter["correlation_id"] for letter in letters] == ["till 0", "till 1", "till 2"]


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_its_size(shops: tuple[Shop, Shop], count: int) -> None:
    command = shops[0].merchant.purchase_command(shops[0].stores[0], None, 1_000)

    with pytest.raises(InvalidInput) as refused:
        shops[0].batch([command] * count)

    assert refused.value.facts() == {"field": "purchases", "reason": "COUNT_OUT_OF_RANGE", "limit": "500"}


def test_sixteen_connections_with_overlapping_batches(shops: tuple[Shop, Shop], database_urls: DatabaseUrls) -> None:
    """The same members, keys and receipts in every batch, each time in another order."""
    chance, shop = random.Random(7), shops[0]
    merchant, store = shop.merchant, shop.stores[0]
    buyers = [merchant.member() for _ in range(6)]
    receipts = [
        merchant.purchase_command(store, chance.choice([*buyers, None]), 100 * chance.randint(1, 5)) for _ in range(60)
    ]
    batches = [chance.sample(receipts, 20) for _ in range(48)]
    for batch in batches[::3]:
        # Told again under other keys, so that some meet only at the receipt's number.
        batch[:] = [
            dataclasses.replace(each, idempotency_key=f"{each.idempotency_key} {chance.randint(0, 9)}")
            for each in batch
        ]

    results = race([partial(shop.batch, batch) for batch in batches])

    stored = {command.external_id: command for batch in batches for command in batch}
    new = Counter(
        outcome.purchase_id
        for batch in results
        if isinstance(batch, list)
        for outcome in batch
        if isinstance(outcome, RecordedPurchase) and not outcome.replayed
    )
    assert sum(len(batch) for batch in results if isinstance(batch, list)) == 48 * 20
    assert set(new.values()) == {1}
    assert len(new) == len(stored)
    assert merchant.rows("SELECT count(*) AS purchases FROM purchases") == [{"purchases": len(stored)}]
    recorded = merchant.rows("SELECT sum(points)::bigint AS points FROM purchases")[0]["points"]
    assert sum(merchant.balance(buyer).available for buyer in buyers) == recorded
    assert merchant.verdict().faults == ()
    merchant.database.close()
    with psycopg.connect(database_urls.owner) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        assert connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone() == (0,)
