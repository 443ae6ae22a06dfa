"""A merchant at work: everything is done by services, each verb in a unit of work of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from services.loyalty.adjustments import service as adjustments
from services.loyalty.adjustments.domain import AdjustedPoints, AdjustPoints
from services.loyalty.earning.domain import FullRefund, RefundRequest
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.holdings import Balance, LedgerVerdict
from services.loyalty.members import service as members
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind, MemberRef
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain.publishing import ProgramVersion, PublishProgram, SaveProgramDraft
from services.loyalty.programs.queries import draft
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import (
    BoughtLine,
    PurchaseRef,
    RecordedPurchase,
    RecordPurchase,
    RefundedPurchase,
    RefundPurchase,
)
from services.loyalty.redemptions import service as redemptions
from services.loyalty.redemptions.domain import RedeemedReward, RedeemReward
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import CreateReward, Reward, RewardContent, RewardKind
from services.loyalty.stores import service as stores
from services.loyalty.stores.domain import CreateStore, Store
from services.platform.actors import SYSTEM, Actor
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, UnitOfWork, read_session, unit_of_work
from services.platform.idempotency.service import request_hash
from tests.support.builders.documents import document

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""A Monday, noon in Shanghai."""

_ResultT = TypeVar("_ResultT")


def lines(*amounts: int, category: tuple[str, ...] = ()) -> tuple[BoughtLine, ...]:
    """One line of one piece for each amount in minor units."""
    return tuple(
        BoughtLine(sku=f"sku-{index}", quantity=Decimal(1), amount_minor=amount, category=category)
        for index, amount in enumerate(amounts, start=1)
    )


@dataclass
class Merchant:
    """``now`` is what units of work take for the present; set it to let time pass."""

    database: Database
    home: Home
    now: datetime = NOW
    actor: Actor = SYSTEM
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def uow(self) -> Iterator[UnitOfWork]:
        with unit_of_work(self.database, self.home, now=self.now, actor=self.actor, correlation_id="tests") as uow:
            yield uow

    def do(self, work: Callable[[UnitOfWork], _ResultT]) -> _ResultT:
        """Run something in a unit of work of its own."""
        with self.uow() as uow:
            return work(uow)

    def read(self, work: Callable[[ReadSession], _ResultT]) -> _ResultT:
        """Run something in a read session of its own."""
        with read_session(self.database, self.home, now=self.now) as session:
            return work(session)

    def store(self, code: str = "main", *, currency: str = "CNY", timezone: str = "Asia/Shanghai") -> Store:
        command = CreateStore(code=code, name=f"Store {code}", timezone=timezone, currency=currency)
        return self.do(lambda uow: stores.create_store(uow, command=command))

    def program(self, data: dict[str, Any] | None = None) -> ProgramVersion:
        """Save a document as the draft and publish it."""

        def publish(uow: UnitOfWork) -> ProgramVersion:
            there = draft(uow)
            command = SaveProgramDraft(data or document(), there.revision if there else None)
            saved = programs.save_draft(uow, command=command)
            return programs.publish(uow, command=PublishProgram(saved.revision))

        return self.do(publish)

    def member(self, *identities: Identity, **changes: Any) -> UUID:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "identities": identities or (Identity(IdentityKind.CARD, f"card-{number}"),),
            "locale": "en",
            "idempotency_key": f"enroll-{number}",
            "request_hash": request_hash({"number": number}),
        }
        command = EnrollMember(**(values | changes))
        return self.do(lambda uow: members.enroll_member(uow, command=command)).member_id

    def purchase_command(self, store: Store, member: MemberRef | None, *amounts: int, **changes: Any) -> RecordPurchase:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "source": "till",
            "external_id": f"receipt-{number}",
            "member": member,
            "store_id": store.id,
            "currency": store.currency,
            "lines": lines(*amounts),
            "idempotency_key": f"purchase-{number}",
        }
        values |= changes
        values.setdefault("request_hash", request_hash({"number": number}))
        return RecordPurchase(**values)

    def buy(self, store: Store, member: MemberRef | None, *amounts: int, **changes: Any) -> RecordedPurchase:
        return self.record(self.purchase_command(store, member, *amounts, **changes))

    def record(self, command: RecordPurchase) -> RecordedPurchase:
        return self.do(lambda uow: purchases.record_purchase(uow, command=command, is_last=True))

    def refund_command(
        self, purchase: UUID | PurchaseRef, request: RefundRequest | None = None, **changes: Any
    ) -> RefundPurchase:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "purchase": purchase,
            "source": "till",
            "external_id": f"refund-{number}",
            "request": request or FullRefund(),
            "idempotency_key": f"refund-{number}",
            "request_hash": request_hash({"number": number}),
        }
        return RefundPurchase(**(values | changes))

    def refund(
        self, purchase: UUID | PurchaseRef, request: RefundRequest | None = None, **changes: Any
    ) -> RefundedPurchase:
        command = self.refund_command(purchase, request, **changes)
        return self.do(lambda uow: purchases.refund_purchase(uow, command=command))

    def reward(self, code: str = "coffee", *, cost: int = 10, stock: int | None = None) -> Reward:
        content = RewardContent(RewardKind.COUPON, code.title(), code, "", "", cost)
        return self.do(lambda uow: rewards.create_reward(uow, command=CreateReward(code, content, stock)))

    def redeem_command(self, member: MemberRef, reward: Reward, **changes: Any) -> RedeemReward:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "member": member,
            "reward_id": reward.id,
            "idempotency_key": f"redeem-{number}",
            "request_hash": request_hash({"number": number}),
        }
        return RedeemReward(**(values | changes))

    def redeem(self, member: MemberRef, reward: Reward, **changes: Any) -> RedeemedReward:
        command = self.redeem_command(member, reward, **changes)
        return self.do(lambda uow: redemptions.redeem_reward(uow, command=command, is_last=True))

    def adjust(self, member: MemberRef, points: int, **changes: Any) -> AdjustedPoints:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "member": member,
            "points": points,
            "reason": "goodwill",
            "idempotency_key": f"adjust-{number}",
            "request_hash": request_hash({"number": number}),
        }
        command = AdjustPoints(**(values | changes))
        done = self.do(lambda uow: adjustments.adjust_points(uow, command=command))
        assert isinstance(done, AdjustedPoints), "it waits for a second person"
        return done

    def balance(self, member_id: UUID, unit: str = "points") -> Balance:
        """What the member has; all zero before anything happened."""
        found = self.read(lambda session: ledger.balances(session, holder_ids=(member_id,))).get(member_id, ())
        return next((balance for balance in found if balance.unit == unit), Balance(member_id, unit))

    def verdict(self) -> LedgerVerdict:
        """What a recount of the whole ledger finds."""
        return self.read(lambda session: ledger.verify(session, progress=lambda _done, _of: None))

    def rows(self, query: str, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a query in the tenant's home."""
        return self.read(lambda session: session.fetch_all(query.encode(), values or {}))
