"""A merchant whose every verb runs in one transaction that is never kept: thousands of lives on one database.

Each verb has a savepoint, so that a refused one leaves nothing, as when it rolls back alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.loyalty.holds import service as holds
from services.loyalty.holds.domain import CaptureHold, HoldMoved, HoldPoints, ReleaseHold
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.settling import EVERY_STEP, GAINS
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.loyalty.purchases.domain.changes import ClaimedPurchase, ClaimPurchase
from services.loyalty.stores.domain import Store
from services.loyalty.tiers import tasks as tiers
from services.loyalty.transfers import service as transfers
from services.loyalty.transfers.domain import TransferPoints, TransferredPoints
from services.platform.db.session import BEGIN, ReadSession, UnitOfWork
from services.platform.db.transaction import ROLLBACK, Transaction
from tests.support.builders.merchant import Merchant

_ResultT = TypeVar("_ResultT")

SAVEPOINT = "SAVEPOINT verb"
BACK = "ROLLBACK TO SAVEPOINT verb"
RELEASE = "RELEASE SAVEPOINT verb"
MANY = 100
MINUTE = timedelta(minutes=1)


@dataclass
class PassingMerchant(Merchant):
    """See the module. `end` undoes everything and gives the connection back.

    ``told`` are all commands that were answered, each with its answer.
    """

    told: list[tuple[Callable[[UnitOfWork], Any], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transaction = Transaction(self.database.pool, self.home, BEGIN, ROLLBACK)

    @contextmanager
    def uow(self) -> Iterator[UnitOfWork]:
        uow = UnitOfWork(
            home=self.home, now=self.now, transaction=self.transaction, actor=self.actor, correlation_id="tests"
        )
        uow.execute(SAVEPOINT)
        try:
            yield uow
        except BaseException:
            uow.execute(BACK)
            raise
        else:
            uow.execute(RELEASE)

    def tell(self, command: Callable[[UnitOfWork], _ResultT]) -> _ResultT:
        """Do a command, and remember it to be repeated."""
        answer = self.do(command)
        self.told.append((command, answer))
        return answer

    def record(self, command: RecordPurchase) -> RecordedPurchase:
        return self.tell(lambda uow: purchases.record_purchase(uow, command=command))

    def claim(self, store: Store, external_id: str, total_minor: int, member_id: UUID) -> ClaimedPurchase:
        key, told = self._key()
        command = ClaimPurchase("till", external_id, store.id, total_minor, "CNY", member_id, key, told)
        return self.tell(lambda uow: purchases.claim_purchase(uow, command=command))

    def hold(self, member_id: UUID, unit: str, points: int, time: timedelta) -> HoldMoved:
        command = HoldPoints(member_id, points, *self._key(), unit=unit, minutes=time // MINUTE)
        return self.tell(lambda uow: holds.hold_points(uow, command=command))

    def capture(self, hold_id: UUID, points: int, *, keeps_rest: bool) -> HoldMoved:
        command = CaptureHold(hold_id, *self._key(), points=points, keeps_rest=keeps_rest)
        return self.tell(lambda uow: holds.capture_hold(uow, command=command))

    def release(self, hold_id: UUID) -> HoldMoved:
        command = ReleaseHold(hold_id, *self._key())
        return self.tell(lambda uow: holds.release_hold(uow, command=command))

    def transfer(self, sender_id: UUID, recipient_id: UUID, unit: str, points: int) -> TransferredPoints:
        command = TransferPoints(sender_id, recipient_id, points, *self._key(), unit=unit)
        return self.tell(lambda uow: transfers.transfer_points(uow, command=command))

    def night(self) -> None:
        """What time has made due, in the order of one instant: points begin, tiers are reviewed, points end."""
        with self.uow() as uow:
            _pass_the_night(uow)

    def after_the_night(self, work: Callable[[ReadSession], _ResultT]) -> _ResultT:
        """What would be read if the night work ran now; it does not."""
        uow = UnitOfWork(self.home, self.now, self.transaction, self.actor, "tests")
        uow.execute(SAVEPOINT)
        _pass_the_night(uow)
        found = work(uow)
        uow.execute(BACK)
        return found

    def read(self, work: Callable[[ReadSession], _ResultT]) -> _ResultT:
        """What has been done so far is there only in the same transaction."""
        return work(ReadSession(self.home, self.now, self.transaction))

    def end(self) -> None:
        self.transaction.close()

    def _key(self) -> tuple[str, bytes]:
        number = next(self.numbers)
        return f"key-{number}", str(number).encode()


def _pass_the_night(uow: UnitOfWork) -> None:
    if gaining := ledger_queries.gaining_holders(uow, limit=MANY):
        ledger.settle_holders(uow, holder_ids=gaining, steps=GAINS)
    tiers.run_due(uow)
    if losing := ledger_queries.losing_holders(uow, limit=MANY):
        ledger.settle_holders(uow, holder_ids=losing, steps=EVERY_STEP)
