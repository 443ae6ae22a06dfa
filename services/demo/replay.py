"""The year again, basket by basket, in the order of time, through the same services that the API calls.

A replay can be stopped and killed at any point. Where it goes on is read from what is stored, and every command has a
key made of the data, so that what was done already is answered and not done again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from services.demo.chain import Chain
from services.demo.dataset import (
    CURRENCY,
    SHOP_ZONE,
    BasketPosition,
    DatasetFiles,
    SourceBasket,
    SourceLine,
    basket_count,
    baskets,
)
from services.demo.errors import DatabaseLost
from services.demo.households import enrollment, reward_wished
from services.demo.program import OfferedReward
from services.demo.walks import every_purchase, member_pages
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members import service as members
from services.loyalty.members.domain import IdentityKind
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import BoughtLine, RecordPurchase
from services.loyalty.redemptions import service as redemptions
from services.loyalty.redemptions.domain import RedeemReward
from services.loyalty.redemptions.errors import RewardPriceChanged
from services.loyalty.rewards.errors import RewardArchived, RewardOutOfStock
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.session import CommitOutcomeUnknown, ReadSession, UnitOfWork, read_session, unit_of_work
from services.platform.idempotency.service import request_hash

SOURCE: Final = "journey"

# Nobody was told that these commits are on the disk: what a crash of the server takes with it is the end of the replay,
# which goes on from what is there. An answer to a client is another matter.
WITHOUT_WAITING: Final = "SET LOCAL synchronous_commit TO off"

Progress = Callable[[int, int], None]
"""Told of the baskets done and of those in all."""
Night = Callable[[datetime], None]
"""Does what has become due by a midnight of the shops."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did. ``repeated`` baskets were known already; ``last`` is the last basket that is stored."""

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
    night: Night | None = None,
) -> Replayed:
    """Ring up every basket before ``until`` that is not stored yet, or, ``from_start``, every basket again.

    ``is_stopped`` is asked between baskets; what is done until then stays. ``night`` is called before the first basket
    of a day with the midnight before it.

    Raises:
        DatabaseLost: the server went away; a further replay goes on.
    """
    with read_session(database, chain.tenant.home, now=chain.tenant.now(wall_now())) as session:
        last = last_basket(session)
        pages = () if from_start else member_pages(session)
        joined = {card: member.id for page in pages for member in page if (card := member.identity(IdentityKind.CARD))}
    tills = _Tills(database, chain, joined=joined, last=last)
    # The last stored basket is rung up again: a kill may have come between it and what its household did next.
    since = last.occurred_at if last and not from_start else None
    total = basket_count(files, since=since, until=until)
    midnight: datetime | None = None
    try:
        for done, basket in enumerate(baskets(files, since=since, until=until)):
            if is_stopped():
                return tills.outcome(is_complete=False)
            before, midnight = midnight, _midnight_before(basket)
            if night is not None and midnight != before:
                night(midnight)
            tills.ring_up(basket)
            progress(done + 1, total)
    except (psycopg.OperationalError, CommitOutcomeUnknown) as error:
        raise DatabaseLost(recorded=tills.outcome(is_complete=False).recorded) from error
    return tills.outcome(is_complete=True)


class _Tills:
    """The chain's tills: they know who has joined, by card, and count what they do."""

    def __init__(
        self, database: Database, chain: Chain, *, joined: dict[str, UUID], last: BasketPosition | None
    ) -> None:
        self._database = database
        self._chain = chain
        self._joined = joined
        self._counts: Counter[str] = Counter()
        self._last = last

    def ring_up(self, basket: SourceBasket) -> None:
        """Record the basket, after its household joined and before it has a reward, each a command of its own."""
        store_id = self._chain.store_ids[basket.store_code]
        member_id = self._joined.get(basket.household_code) or self._enroll(basket, store_id=store_id)
        with self._work(basket) as uow:
            recorded = purchases.record_purchase(
                uow, command=purchase_of(basket, store_id=store_id, member_id=member_id)
            )
        self._counts["repeated" if recorded.replayed else "recorded"] += 1
        reward = reward_wished(basket, balance=recorded.balance)
        if reward is not None:
            self._counts["redeemed"] += self._redeem(basket, reward, store_id=store_id, member_id=member_id)
        self._last = max(self._last or basket.position, basket.position, key=_order)

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

    def _enroll(self, basket: SourceBasket, *, store_id: UUID) -> UUID:
        with self._work(basket) as uow:
            enrolled = members.enroll_member(uow, command=enrollment(basket, store_id=store_id))
        self._joined[basket.household_code] = enrolled.member_id
        self._counts["enrolled"] += not enrolled.replayed
        return enrolled.member_id

    def _redeem(self, basket: SourceBasket, reward: OfferedReward, *, store_id: UUID, member_id: UUID) -> bool:
        """Whether the household has the reward now and had not before.

        People play with the demo: they spend a household's points and change rewards. Then it goes without.
        """
        command = RedeemReward(
            member=member_id,
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

    @contextmanager
    def _work(self, basket: SourceBasket) -> Iterator[UnitOfWork]:
        """A transaction at the time when the basket was paid, by the tills' key."""
        with unit_of_work(
            self._database,
            self._chain.tenant.home,
            now=basket.occurred_at,
            actor=self._chain.till,
            correlation_id=f"journey-{basket.basket_id}",
        ) as uow:
            uow.execute(WITHOUT_WAITING)
            yield uow


def purchase_of(basket: SourceBasket, *, store_id: UUID, member_id: UUID) -> RecordPurchase:
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
        member=member_id,
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


def _midnight_before(basket: SourceBasket) -> datetime:
    zone = ZoneInfo(SHOP_ZONE)
    return datetime.combine(basket.occurred_at.astimezone(zone).date(), time(), zone).astimezone(
        basket.occurred_at.tzinfo
    )


def _order(position: BasketPosition) -> tuple[datetime, int]:
    return position.occurred_at, int(position.basket_id)
