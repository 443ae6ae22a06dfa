"""Statements and round trips of redemptions, BEGIN and COMMIT included; and rows of the release before them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.loyalty.redemptions.domain import RedemptionStatus
from services.loyalty.rewards import queries as reward_queries
from services.loyalty.rewards.domain import LimitPeriod, Price, RewardKind, RewardLimit, RewardTerms, TierPrice
from services.platform.db.engine import Database, open_database
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.integration.loyalty.wire import traced
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.redeeming import budget, cancel, confirm, hold, import_codes, offer, rich, stored
from tests.support.tenants import DatabaseUrls

OLD_REDEMPTION = """
INSERT INTO redemptions (id, member_id, reward_id, reward_version_id, store_id, points, status, entry_id, occurred_at,
    recorded_at)
VALUES (%(id)s, %(member_id)s, %(reward_id)s, %(version_id)s, NULL, 10, 'confirmed', %(entry_id)s, %(now)s, %(now)s)"""
OLD_VERSION = """
INSERT INTO reward_versions (id, reward_id, number, kind, name_en, name_zh, description_en, description_zh,
    cost_points, created_at)
VALUES (%(id)s, %(reward_id)s, 2, 'physical', 'Mug', 'Mug', '', '', 12, %(now)s)"""


@pytest.fixture
def single(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of one connection, so that everything is said on the traced one."""
    opened = open_database(database_urls.app, pool_size=1)
    yield opened
    opened.close()


def test_redemptions_keep_to_their_round_trips(single: Database, tenant: Tenant) -> None:
    merchant = Merchant(single, tenant.home)
    merchant.program()
    member_id = rich(merchant, 1_000)
    paying = budget(merchant, points_max=10_000)
    plain, paid = offer(merchant, "plain", stock=9), offer(merchant, "paid", stock=9, budget_id=paying.id)
    limited = offer(merchant, "limited", limits=(RewardLimit(LimitPeriod.DAY, 9),))
    tiered = offer(merchant, "tiered", tier_prices=(TierPrice("basic", Price(9)),))
    coded = offer(merchant, "coded", kind=RewardKind.VIRTUAL)
    import_codes(merchant, coded, "A-1\nA-2")
    merchant.redeem(member_id, plain)
    held: list[Any] = []
    verbs: dict[str, Callable[[], Any]] = {
        "redeem": lambda: merchant.redeem(member_id, plain),
        "redeem of a budget": lambda: merchant.redeem(member_id, paid),
        "redeem within limits": lambda: merchant.redeem(member_id, limited),
        "redeem at a tier's price": lambda: merchant.redeem(member_id, tiered),
        "redeem a code": lambda: merchant.redeem(member_id, coded),
        "hold of a budget": lambda: held.append(hold(merchant, member_id, paid)),
        "confirm": lambda: confirm(merchant, held[0].redemption_id),
        "cancel": lambda: cancel(merchant, held[0].redemption_id),
    }
    counted: dict[str, tuple[int, int]] = {}

    for name, verb in verbs.items():
        with traced(single) as traffic:
            verb()
        counted[name] = (traffic.statements, traffic.round_trips)

    # A budget is four statements more, all in the last trip; only terms that look at the member cost trips.
    assert counted == {
        "redeem": (23, 2),
        "redeem of a budget": (27, 2),
        "redeem within limits": (24, 3),
        "redeem at a tier's price": (26, 3),
        "redeem a code": (24, 3),
        "hold of a budget": (27, 2),
        "confirm": (28, 3),
        "cancel": (31, 3),
    }


def test_what_the_release_before_wrote_stays_valid(merchant: Merchant) -> None:
    merchant.program()
    member_id, mug = rich(merchant), offer(merchant, stock=5)
    entry_id = merchant.redeem(member_id, mug).redemption_id
    values = {
        "member_id": member_id,
        "reward_id": mug.id,
        "version_id": mug.version_id,
        "entry_id": stored(merchant, entry_id).entry_id,
        "now": NOW,
    }
    old, version = new_id(), new_id()

    merchant.do(lambda uow: uow.execute(OLD_REDEMPTION, values | {"id": old}))
    merchant.do(lambda uow: uow.execute(OLD_VERSION, values | {"id": version}))
    merchant.do(lambda uow: uow.execute("UPDATE rewards SET version = 2 WHERE id = %(reward_id)s", values))

    found = stored(merchant, old)
    assert (found.status, found.quantity, found.waiting_since, found.money_minor) == (
        RedemptionStatus.CONFIRMED,
        1,
        None,
        0,
    )
    reward = merchant.read(lambda session: reward_queries.reward_by_id(session, reward_id=mug.id))
    assert reward is not None
    assert reward.content.terms == RewardTerms()
    assert merchant.redeem(member_id, reward).points == 12
    # It can be taken back like a new one.
    assert cancel(merchant, old).points == 10
