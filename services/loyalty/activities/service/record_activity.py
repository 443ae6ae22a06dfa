"""A deed is told of, verified, stored and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from services.loyalty.activities import repository
from services.loyalty.activities.domain import CustomDeed, Happening, RecordActivity, RecordedActivity, Review
from services.loyalty.activities.domain.checking import check_deed, content_hash
from services.loyalty.activities.domain.event_data import check_data, data_facts
from services.loyalty.activities.errors import ActivityConflict, ActivityRepeated, EventNotDeclared, ProductNotBought
from services.loyalty.activities.service.counters import counters
from services.loyalty.activities.service.judging import judge
from services.loyalty.activities.service.scene import Scene, SceneRead, scene_read
from services.loyalty.activities.service.writing import keep
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.domain import Policies
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain.receipt import check_occurred
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_open
from services.platform.db.session import ReadSession, Statement, UnitOfWork
from services.platform.idempotency import service as idempotency

OPERATION = "recordActivity"
LAST_TIMEZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Arrived:
    """The member, where it was done, and whether a product that is reviewed was bought."""

    member_id: UUID
    scene: Scene
    store: Store | None
    has_bought: bool


def record_activity(uow: UnitOfWork, *, command: RecordActivity) -> RecordedActivity:
    """Store what a member did, and post what it earns.

    An inactive member and a time before the first program earn nothing; the activity is stored all the same. The same
    activity told again under another key is answered as the first time.

    Raises:
        InvalidInput, IdentityInvalid, MemberNotFound, StoreNotFound, StoreClosed
        OccurredInFuture, OccurredTooLongAgo: by the program's back-dating limit.
        CheckInCodeExpired, ProductNotBought, EventNotDeclared, EventDataInvalid: it is not what it is said to be.
        ActivityConflict: the external id belongs to another activity.
        ActivityRepeated: it counts once, and has been told of before.
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    occurred_at = command.occurred_at or uow.now
    arrived = _arrive(uow, command, occurred_at)
    if not isinstance(arrived, Arrived):
        return replay(arrived)
    scene, member_id = arrived.scene, arrived.member_id
    happening = verified(uow, command, arrived, occurred_at)
    hash_ = content_hash(happening, member_id=member_id, has_time=command.occurred_at is not None)
    judgement = judge(
        uow,
        scene,
        scene.actors[member_id],
        happening,
        content_hash=hash_,
        store=arrived.store,
        counted=counters(uow, scene.version(occurred_at), {member_id: happening}),
    )
    settled = _settle(command, judgement.answer_json)
    if judgement.activity_id in keep(uow, [judgement], merchant_name=scene.merchant_name):
        uow.fetch_pipeline([settled])
        return judgement.answer
    answer = _known(uow, happening, hash_)
    uow.fetch_pipeline([_settle(command, answer)])
    return replay(answer)


def told_before(known: Mapping[str, Any], happening: Happening, hash_: bytes) -> Mapping[str, Any]:
    """What was answered when a known activity was told of first.

    Raises:
        ActivityConflict, ActivityRepeated
    """
    if (known["source"], known["external_id"]) != (happening.source, happening.external_id):
        raise ActivityRepeated(kind=known["trigger"], activity_id=known["id"])
    if known["content_hash"] != hash_:
        raise ActivityConflict(external_id=happening.external_id, activity_id=known["id"])
    answer: Mapping[str, Any] = known["answer"]
    return answer


def replay(answer: Mapping[str, Any]) -> RecordedActivity:
    """The stored answer, told again."""
    return RecordedActivity(
        activity_id=UUID(answer["activityId"]),
        member_id=UUID(answer["memberId"]),
        points=answer["points"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )


def _arrive(uow: UnitOfWork, command: RecordActivity, occurred_at: datetime) -> Arrived | Mapping[str, Any]:
    """Claim the key, lock the member and read the scene; or the stored answer."""
    asked: list[SceneRead] = []
    store_id = getattr(command.deed, "store_id", command.store_id)

    def reads(member_id: UUID | None) -> list[Statement]:
        assert member_id is not None
        asked.append(scene_read(uow, member_ids=(member_id,), instants=(occurred_at,)))
        return [*asked[0].statements, *done_statements(command, member_id, store_id, occurred_at)]

    arrival = claim_at_till(
        uow,
        operation=OPERATION,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        member=command.member,
        store_id=store_id,
        reads=reads,
    )
    if not isinstance(arrival, Arrival):
        return arrival
    member_id = arrival.member_id
    assert member_id is not None
    read = asked[0]
    count = len(read.statements)
    scene, rest = read.scene(arrival.rows[:count], now=uow.now), list(arrival.rows[count:])
    if member_id not in scene.actors:
        raise MemberNotFound(member_id=member_id)
    store, has_bought = done_of(rest, store_id=store_id, occurred_at=occurred_at)
    return Arrived(member_id, scene, store, has_bought=has_bought)


def done_statements(
    command: RecordActivity, member_id: UUID, store_id: UUID | None, occurred_at: datetime
) -> list[Statement]:
    """Ask for the store, where one is named, and for a purchase of what is reviewed; the rows go to `done_of`."""
    statements = [stores.store_statement(store_id=store_id)] if store_id is not None else []
    if isinstance(command.deed, Review):
        statements.append(
            purchases.bought_statement(member_id=member_id, sku=command.deed.sku.strip(), before=occurred_at)
        )
    return statements


def done_of(
    rows: Sequence[list[DictRow]], *, store_id: UUID | None, occurred_at: datetime
) -> tuple[Store | None, bool]:
    """The store, and whether what is reviewed was bought.

    Raises:
        StoreNotFound, StoreClosed
    """
    rest, store = list(rows), None
    if store_id is not None:
        store = stores.store_of(rest.pop(0), store_id=store_id)
        check_open(store, at=occurred_at)
    return store, bool(rest and rest[0])


def verified(session: ReadSession, command: RecordActivity, arrived: Arrived, occurred_at: datetime) -> Happening:
    """The happening of a deed that is what it is said to be.

    Raises:
        InvalidInput, OccurredInFuture, OccurredTooLongAgo
        CheckInCodeExpired, ProductNotBought, EventNotDeclared, EventDataInvalid
    """
    scene = arrived.scene
    version, present = scene.version(occurred_at), scene.version(session.now)
    check_time(present, occurred_at, now=session.now)
    ruling = version or present
    zone = ZoneInfo(ruling.document.timezone if ruling else LAST_TIMEZONE)
    happening = check_deed(
        command,
        member_id=arrived.member_id,
        day=occurred_at.astimezone(zone).date(),
        occurred_at=occurred_at,
        now=session.now,
    )
    if isinstance(command.deed, Review) and not arrived.has_bought:
        raise ProductNotBought(sku=command.deed.sku.strip())
    if isinstance(command.deed, CustomDeed):
        if version is None:
            raise EventNotDeclared(event=command.deed.event)
        check_data(version.document, event=command.deed.event, data=command.deed.data)
        facts = data_facts(version.document, event=command.deed.event, data=command.deed.data)
        return replace(happening, facts=facts)
    return happening


def check_time(present: ProgramVersion | None, occurred_at: datetime, *, now: datetime) -> None:
    """Refuse what cannot have happened then, by the version in force now.

    Raises:
        OccurredInFuture, OccurredTooLongAgo
    """
    policies = present.document.policies if present else Policies()
    check_occurred(occurred_at, now=now, earliest=now - timedelta(days=policies.backdating_days))


def _known(uow: UnitOfWork, happening: Happening, hash_: bytes) -> Mapping[str, Any]:
    """What was answered when the activity was told of first.

    Raises:
        ActivityConflict, ActivityRepeated
    """
    values = {
        "source": happening.source,
        "external_id": happening.external_id,
        "once_key": happening.once_key,
    }
    row: DictRow | None = uow.fetch_one(repository.KNOWN, values)
    assert row is not None, "what keeps an activity from being stored is there"
    if not row["is_same"]:
        raise ActivityRepeated(kind=row["trigger"], activity_id=row["id"])
    if row["content_hash"] != hash_:
        raise ActivityConflict(external_id=happening.external_id, activity_id=row["id"])
    answer: Mapping[str, Any] = row["answer"]
    return answer


def _settle(command: RecordActivity, answer: Mapping[str, Any]) -> Statement:
    return idempotency.settle_statement(operation=OPERATION, key=command.idempotency_key, result=answer)
