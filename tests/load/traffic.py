"""What the hot verbs say to the server, as the client library traces it, beside the pinned reference."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from services.loyalty.purchases import service as purchases
from services.loyalty.rewards.queries import reward_by_id
from services.platform.db.engine import open_database
from tests.faults.merchant import key_of
from tests.integration.loyalty.wire import traced
from tests.load.pgbench import REFERENCE
from tests.load.stage import PAID_MINOR, Stage
from tests.support.builders.merchant import Merchant
from tests.support.builders.till import Till

PINNED = {
    "recordPurchase": "record_purchase_in_two_trips.sql",
    "quoteCart": "quote_cart.sql",
    "commitCart": "commit_cart.sql",
}
"""Verbs that have a script of the reference with today's statements."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Statements and round trips of one verb, BEGIN and COMMIT included; ``pinned`` are those of its reference."""

    verb: str
    statements: int
    round_trips: int
    pinned: int | None = None


def spoken(stage: Stage) -> tuple[Spoken, ...]:
    """Do each verb once on a connection of its own that is traced."""
    with closing(open_database(stage.postgres.app_url, pool_size=1)) as database:
        merchant = Merchant(database, stage.merchant.home, now=stage.merchant.now, numbers=stage.merchant.numbers)
        member_id = stage.member_ids[0]
        merchant.adjust(member_id, 1_000)
        reward = merchant.read(lambda session: reward_by_id(session, reward_id=key_of(stage.till.reward_id)))
        assert reward is not None, "the template comes with rewards"
        command = merchant.purchase_command(stage.store, member_id, PAID_MINOR)
        hundred = [merchant.purchase_command(stage.store, each, PAID_MINOR) for each in stage.member_ids[:100]]
        till = Till(merchant, stage.store)
        cart = till.quote(member_id, PAID_MINOR).cart
        verbs: dict[str, Callable[[], Any]] = {
            "recordPurchase": lambda: merchant.record(command),
            "recordPurchase, told again": lambda: merchant.record(command),
            "recordPurchases, 100 of them": lambda: merchant.do(
                lambda uow: purchases.record_purchases(uow, commands=hundred, is_last=True)
            ),
            "redeemReward": lambda: merchant.redeem(member_id, reward),
            "quoteCart": lambda: till.quote(member_id, PAID_MINOR),
            "commitCart": lambda: till.commit(cart),
        }
        found: list[Spoken] = []
        for name, verb in verbs.items():
            with traced(database) as traffic:
                verb()
            pinned = pinned_statements(PINNED[name]) if name in PINNED else None
            found.append(Spoken(name, traffic.statements, traffic.round_trips, pinned))
        return tuple(found)


def pinned_statements(script: str) -> int:
    """How many statements a script of the reference has, BEGIN and COMMIT included."""
    lines = (REFERENCE / script).read_text(encoding="utf-8").splitlines()
    return sum(line.endswith(";") for line in lines)
