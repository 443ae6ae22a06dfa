"""The year again, basket by basket, in the order of time, through the same services that the API calls.

A replay can be stopped and killed at any point. Where it goes on is read from what is stored, and every command has a
key made of the data, so that what was done already is answered and not done again.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.demo.chain import Chain
from services.demo.dataset import (
    CURRENCY,
    BasketPosition,
    DatasetFiles,
    SourceBasket,
    SourceLine,
    basket_count,
    baskets,
)
from services.demo.households import enrollment, reward_wished
from services.demo.program import OfferedReward
from services.demo.walks import every_purchase, member_pages
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members import service as members
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import BoughtLine, RecordPurchase
from services.loyalty.redemptions import service as redemptions
from services.loyalty.redemptions.domain import RedeemReward
from services.loyalty.redemptions.errors import RewardPriceChanged
from services.loyalty.rewards.errors import RewardArchived, RewardOutOfStock
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.session import ReadSession, UnitOfWork, read_session, unit_of_work
from services.platform.idempotency.service import request_hash

SOURCE: Final = "journey"

Progress = Callable[[int, int], None]
"""Told of the baskets done and of those in all."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did. ``repeated`` baskets were known already; ``last`` is the last basket it came to."""

    recorded: int = 0
    repeated: int = 0
    enrolled: int = 0
    redeemed: int = 0
    last: BasketPosition | None = None
    is_complete: bool = False


def last_basket(session: ReadSession) -> BasketPosition | None:
    """The last basket of the data that is stored; None when there is none. The replay goes on from there."""
    for purchase in every_purchase(session):
        if purchase.source == SOURCE:
            return BasketPosition(purchase.occurred_at, purchase.external_id)
    return None


def replay(
    database: Database,
    chain: Chain,
    *,
    files: DatasetFiles,
    until: datetime | None,
    from_start: bool = False,
    progress: Progress,
    is_stopped: Callable[[], bool],
) -> Replayed:
    """Ring up every basket before ``until`` that is not stored yet, or, ``from_start``, every basket again.

    ``is_stopped`` is asked between baskets; what is done until then stays.
    """
    with read_session(database, chain.tenant.home, now=chain.tenant.now(wall_now())) as session:
        last = last_basket(session)
        pages = () if from_start else member_pages(session)
        cards = {card for page in pages for member in page if (card := member.identity(IdentityKind.CARD))}
    tills = _Tills(database, chain, cards=cards)
    # The last stored basket is rung up again: a kill may have come between it and what its household did next.
    since = last.occurred_at if last and not from_start else None
    total = basket_count(files, since=since, until=until)
    for done, basket in enumerate(baskets(files, since=since, until=until)):
        if is_stopped():
            return tills.outcome(is_complete=False)
        tills.ring_up(basket)
        progress(done + 1, total)
    return tills.outcome(is_complete=True)


class _Tills:
    """The chain's tills: they know which cards are in use, and count what they do."""

    def __init__(self, database: Database, chain: Chain, *, cards: set[str]) -> None:
        self._database = database
        self._chain = chain
        self._cards = cards
        self._counts: Counter[str] = Counter()
        self._last: BasketPosition | None = None

    def ring_up(self, basket: SourceBasket) -> None:
        """Record the basket, after its household joined and before it has a reward, each a command of its own."""
        store_id = self._chain.store_ids[basket.store_code]
        if basket.household_code not in self._cards:
            with self._work(basket) as uow:
                enrolled = members.enroll_member(uow, command=enrollment(basket, store_id=store_id))
            self._cards.add(basket.household_code)
            self._counts["enrolled"] += not enrolled.replayed
        with self._work(basket) as uow:
            recorded = purchases.record_purchase(uow, command=purchase_of(basket, store_id=store_id))
        self._counts["repeated" if recorded.replayed else "recorded"] += 1
        reward = reward_wished(basket, balance=recorded.balance)
        if reward is not None:
            self._counts["redeemed"] += self._redeem(basket, reward, store_id=store_id)
        self._last = basket.position

    def outcome(self, *, is_complete: bool) -> Replayed:
        """What was done until now."""
        return Replayed(
            recorded=self._counts["recorded"],
            repeated=self._counts["repeated"],
            enrolled=self._counts["enrolled"],
            redeemed=self._counts["redeemed"],
            last=self._last,
            is_complete=is_complete,
        )

    def _redeem(self, basket: SourceBasket, reward: OfferedReward, *, store_id: UUID) -> bool:
        """Whether the household has the reward now and had not before.

        People play with the demo: they spend a household's points and change rewards. Then it goes without.
        """
        command = RedeemReward(
            member=_card(basket),
            reward_id=self._chain.reward_ids[reward.code],
            idempotency_key=f"journey:reward:{basket.basket_id}",
            request_hash=request_hash({"basket": basket.basket_id, "reward": reward.code}),
            store_id=store_id,
            expected_points=reward.content.cost_points,
        )
        try:
            with self._work(basket) as uow:
                return not redemptions.redeem_reward(uow, command=command).replayed
        except (InsufficientPoints, RewardArchived, RewardOutOfStock, RewardPriceChanged):
            return False

    def _work(self, basket: SourceBasket) -> AbstractContextManager[UnitOfWork]:
        """A transaction at the time when the basket was paid, by the tills' key."""
        return unit_of_work(
            self._database,
            self._chain.tenant.home,
            now=basket.occurred_at,
            actor=self._chain.till,
            correlation_id=f"journey-{basket.basket_id}",
        )


def purchase_of(basket: SourceBasket, *, store_id: UUID) -> RecordPurchase:
    """The basket as a till sends it. Manufacturers' coupons are means of payment and change nothing."""
    told = {
        "basket": basket.basket_id,
        "household": basket.household_code,
        "store": basket.store_code,
        "lines": [[line.sku, line.quantity, line.gross_minor, line.discount_minor] for line in basket.lines],
    }
    return RecordPurchase(
        source=SOURCE,
        external_id=basket.basket_id,
        member=_card(basket),
        store_id=store_id,
        currency=CURRENCY,
        lines=tuple(_bought(line) for line in basket.lines),
        idempotency_key=f"journey:basket:{basket.basket_id}",
        request_hash=request_hash(told),
        occurred_at=basket.occurred_at,
    )


def _bought(line: SourceLine) -> BoughtLine:
    return BoughtLine(
        sku=line.sku,
        quantity=Decimal(line.quantity),
        amount_minor=line.gross_minor,
        discount_minor=line.discount_minor,
        category=line.path,
        name=line.path[-1],
    )


def _card(basket: SourceBasket) -> Identity:
    return Identity(IdentityKind.CARD, basket.household_code)
