"""Points for rewards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation

from services.contracts.events.loyalty import RewardRedeemed
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference, allocate_lots, redemption_entry
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.redemptions import repository
from services.loyalty.redemptions.domain import RedeemedReward, RedeemReward, Redemption, RedemptionStatus
from services.loyalty.redemptions.errors import RewardPriceChanged
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards import service as stock
from services.loyalty.rewards.domain import Reward, check_available
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_open
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.metering import service as metering
from services.platform.outbox import service as outbox

OPERATION = "redeemReward"
METER = "redemptions"
REFERENCE = "redemption"
ACTIVITY = "redemption"
"""What redeeming is among the activities that hold points alive."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """The locked member, what is wanted, and where."""

    book: HolderBook
    reward: Reward
    version: ProgramVersion
    store: Store | None
    merchant_name: str


def redeem_reward(uow: UnitOfWork, *, command: RedeemReward) -> RedeemedReward:
    """A member takes one piece of a reward and pays its present price, from the lots that expire soonest.

    Raises:
        MemberNotFound, MemberInactive, IdentityInvalid, StoreNotFound, StoreClosed, ProgramNotPublished
        RewardNotFound, RewardArchived, RewardOutOfStock, RewardPriceChanged
        InsufficientPoints
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    scene = _arrive(uow, command)
    if not isinstance(scene, _Scene):
        return _replay(scene)
    member_id, content, unit = scene.book.holder_id, scene.reward.content, scene.version.document.unit
    check_available(scene.reward)
    if command.expected_points is not None and command.expected_points != content.cost_points:
        raise RewardPriceChanged(expected=command.expected_points, actual=content.cost_points)
    movements = allocate_lots(scene.book.lots_of(unit.code), content.cost_points, uow.now)
    redemption_id = new_id()
    header = ledger.entry_header(
        uow,
        holder_id=member_id,
        occurred_at=uow.now,
        store_id=command.store_id,
        program_version_id=scene.version.id,
        reference=Reference(REFERENCE, redemption_id),
    )
    scene.book.show_activity(ACTIVITY, uow.now, Reference(REFERENCE, redemption_id))
    entry = scene.book.post(redemption_entry(header, unit=unit.code, movements=movements))
    redemption = Redemption(
        id=redemption_id,
        member_id=member_id,
        reward_id=scene.reward.id,
        reward_version_id=scene.reward.version_id,
        store_id=command.store_id,
        points=content.cost_points,
        status=RedemptionStatus.CONFIRMED,
        entry_id=entry.header.id,
        occurred_at=uow.now,
        recorded_at=uow.now,
    )
    balance = scene.book.balance(unit.code).available
    answer = RedeemedReward(redemption_id, member_id, content.cost_points, balance, replayed=False)
    _write(uow, command, scene, redemption, answer)
    return answer


def _arrive(uow: UnitOfWork, command: RedeemReward) -> _Scene | Mapping[str, Any]:
    """Claim the key, lock the member and read the scene; or the stored answer."""
    versions = versions_read(uow, instants=(uow.now,))

    def reads(member_id: UUID | None) -> list[Statement]:
        assert member_id is not None
        return [
            *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True),
            members.status_statement(member_id=member_id),
            rewards.reward_statement(reward_id=command.reward_id),
            versions.statement,
            stores.merchant_statement(uow),
            *([stores.store_statement(store_id=command.store_id)] if command.store_id else []),
        ]

    arrival = claim_at_till(
        uow,
        operation=OPERATION,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        member=command.member,
        store_id=command.store_id,
        reads=reads,
    )
    if not isinstance(arrival, Arrival):
        return arrival
    member_id, rows = arrival.member_id, arrival.rows
    assert member_id is not None
    heads, balances, lots, status_rows, reward_rows, version_rows, merchant_rows, *store_rows = rows
    members.check_active(status_rows, member_id=member_id)
    book = ledger.open_only_book(uow, holder_id=member_id, rows=(heads, balances, lots), store_id=command.store_id)
    if book is None:
        raise MemberNotFound(member_id=member_id)
    reward = rewards.reward_of(reward_rows, reward_id=command.reward_id)
    store = None
    if command.store_id is not None:
        store = stores.store_of(store_rows[0], store_id=command.store_id)
        check_open(store, at=uow.now)
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    return _Scene(book, reward, version, store, stores.merchant_name_of(merchant_rows))


def _write(
    uow: UnitOfWork, command: RedeemReward, scene: _Scene, redemption: Redemption, answer: RedeemedReward
) -> None:
    statements = [
        stock.take_one_statement(reward_id=scene.reward.id),
        *ledger.writing_statements((scene.book,)),
        repository.insert_statement(redemption=redemption),
        metering.count_statement(uow, meter=METER, event_id=redemption.id),
        outbox.publish_statement(uow, _letter(scene, redemption, answer)),
        idempotency.settle_statement(operation=OPERATION, key=command.idempotency_key, result=_answer_json(answer)),
    ]
    try:
        uow.fetch_pipeline(statements)
    except CheckViolation as error:
        refusal = stock.refusal_of(error, reward_id=scene.reward.id)
        if refusal is None:
            raise
        raise refusal from error


def _letter(scene: _Scene, redemption: Redemption, answer: RedeemedReward) -> RewardRedeemed:
    document, content = scene.version.document, scene.reward.content
    return RewardRedeemed(
        redemption_id=redemption.id,
        member_id=redemption.member_id,
        merchant_name=scene.merchant_name,
        reward_name_en=content.name_en,
        reward_name_zh=content.name_zh,
        occurred_at=redemption.occurred_at,
        timezone=scene.store.timezone if scene.store else document.timezone,
        points=redemption.points,
        balance=answer.balance,
        unit_name_en=document.unit.name.en,
        unit_name_zh=document.unit.name.zh,
        unit_scale=document.unit.scale,
    )


def _answer_json(answer: RedeemedReward) -> dict[str, Any]:
    return {
        "redemptionId": str(answer.redemption_id),
        "memberId": str(answer.member_id),
        "points": answer.points,
        "balance": answer.balance,
    }


def _replay(answer: Mapping[str, Any]) -> RedeemedReward:
    return RedeemedReward(
        redemption_id=UUID(answer["redemptionId"]),
        member_id=UUID(answer["memberId"]),
        points=answer["points"],
        balance=answer["balance"],
        replayed=True,
    )
