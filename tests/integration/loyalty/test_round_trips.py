"""Statements and round trips of the hot verbs, BEGIN and COMMIT included, as the client library traces them."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.purchases import service as purchases
from services.platform.db.engine import Database, open_database
from services.platform.tenancy.domain import Tenant
from tests.integration.loyalty.wire import traced
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import Merchant
from tests.support.builders.till import ALL, Till, off, selling_program
from tests.support.tenants import DatabaseUrls

EMAIL = Identity(IdentityKind.EMAIL, "ada@example.com")


@pytest.fixture
def single(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of one connection, so that everything is said on the traced one."""
    opened = open_database(database_urls.app, pool_size=1)
    yield opened
    opened.close()


def test_the_hot_verbs_keep_to_their_round_trips(single: Database, tenant: Tenant) -> None:
    merchant = Merchant(single, tenant.home)
    merchant.program(document(rules=[rule(cap=1_000)], levels=[("base", 0, "1"), ("gold", 20, "2")]))
    store, member_id, coffee = merchant.store(), merchant.member(EMAIL), merchant.reward(stock=9)
    merchant.buy(store, member_id, 100)
    command = merchant.purchase_command(store, member_id, 2_500, 500)
    told_again = dataclasses.replace(command, idempotency_key="another")
    ten = [merchant.member() for _ in range(10)]
    for each in ten:
        merchant.buy(store, each, 100)
    many = [merchant.purchase_command(store, each, 100, 200) for each in ten * 4]
    verbs: dict[str, Callable[[], Any]] = {
        "record, with a change of tier": lambda: merchant.record(command),
        "replay": lambda: merchant.record(command),
        "the same receipt under another key": lambda: merchant.record(told_again),
        "record": lambda: merchant.buy(store, member_id, 100),
        "record for a guest": lambda: merchant.buy(store, None, 100),
        "record by e-mail": lambda: merchant.buy(store, EMAIL, 100),
        "record forty of ten members": lambda: merchant.do(
            lambda uow: purchases.record_purchases(uow, commands=many, is_last=True)
        ),
        "redeem": lambda: merchant.redeem(member_id, coffee),
    }
    counted: dict[str, tuple[int, int]] = {}

    for name, verb in verbs.items():
        with traced(single) as traffic:
            verb()
        counted[name] = (traffic.statements, traffic.round_trips)

    # Of a purchase two are the amounts that tiers look at, read and written; a change of tier is written down as well.
    assert counted == {
        "record, with a change of tier": (32, 2),
        "replay": (16, 3),
        "the same receipt under another key": (16, 2),
        "record": (31, 2),
        "record for a guest": (14, 2),
        "record by e-mail": (32, 3),
        "record forty of ten members": (31, 2),
        "redeem": (23, 2),
    }


def test_the_checkout_keeps_to_its_round_trips(single: Database, tenant: Tenant) -> None:
    merchant = Merchant(single, tenant.home)
    selling_program(merchant)
    till, member_id = Till(merchant, merchant.store()), merchant.member()
    merchant.adjust(member_id, 9_000)
    budget = till.budget(units_max=9)
    coupons = [till.give(member_id, till.coupon_kind(off(100), budget_id=budget.id)) for _ in range(4)]
    carts = {
        "plain": till.quote(member_id, 1_000).cart,
        "points and a coupon": till.quote(member_id, 1_000, points=ALL, coupon_ids=coupons[:1]).cart,
        "reserved": till.quote(member_id, 1_000, points=ALL, coupon_ids=coupons[1:2]).cart,
        "for a guest": till.quote(None, 1_000).cart,
    }
    verbs: dict[str, Callable[[], Any]] = {
        "quote": lambda: till.quote(member_id, 1_000, points=ALL),
        "quote, with a coupon of a budget": lambda: till.quote(member_id, 1_000, points=ALL, coupon_ids=coupons[2:3]),
        "reserve": lambda: till.reserve(carts["reserved"]),
        **{f"commit, {name}": partial(till.commit, cart) for name, cart in carts.items()},
        "cancel": lambda: till.cancel(till.quote(None, 1_000).cart),
    }
    counted: dict[str, tuple[int, int]] = {}

    for name, verb in verbs.items():
        with traced(single) as traffic:
            verb()
        counted[name] = (traffic.statements, traffic.round_trips)

    # A coupon with its budget is 11 statements, none of them a trip of its own; the last one of a cancel is its quote.
    assert counted == {
        "quote": (13, 2),
        # Which budget pays is known once the coupon is.
        "quote, with a coupon of a budget": (14, 3),
        "reserve": (41, 3),
        "commit, plain": (33, 2),
        "commit, points and a coupon": (45, 2),
        "commit, reserved": (46, 2),
        "commit, for a guest": (18, 2),
        "cancel": (29, 5),
    }


def test_a_process_that_starts_cold_needs_no_more(
    database_urls: DatabaseUrls, tenant: Tenant, single: Database
) -> None:
    """The document travels with the rest when it is not remembered yet."""
    merchant = Merchant(single, tenant.home)
    store, member_id = merchant.store(), merchant.member()
    merchant.program()

    with traced(single) as cold:
        merchant.buy(store, member_id, 100)

    assert cold.round_trips == 2
