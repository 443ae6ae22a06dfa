"""Many activities in one transaction: each sees what its member did before it, and a refused one keeps no other back.

Activities of different members are locked, judged and written together, by as many statements as one. Of one member
they follow each other in waves: the first of each member, then the second, and so on. So is the order in which they
fill caps of everybody together.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.activities import repository
from services.loyalty.activities.domain import Happening, RecordActivity, RecordedActivity, Review
from services.loyalty.activities.domain.checking import content_hash, trigger_of
from services.loyalty.activities.service.counters import counters, shared_keys
from services.loyalty.activities.service.judging import Judgement, judge
from services.loyalty.activities.service.record_activity import (
    OPERATION,
    Arrived,
    check_time,
    replay,
    told_before,
    verified,
)
from services.loyalty.activities.service.scene import Scene, scene_read
from services.loyalty.activities.service.writing import keep
from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import CapKey
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Identity, MemberRef
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.errors import OccurredInFuture, OccurredTooLongAgo
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_open
from services.loyalty.stores.errors import StoreNotFound
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency import batch as idempotency
from services.platform.idempotency.batch import Settled
from services.platform.idempotency.service import check_key

RECORDINGS_MAX = 200
"""Activities of one batch."""

Outcome: TypeAlias = RecordedActivity | DomainError


@dataclass(frozen=True, slots=True)
class _Told:
    """A command whose member is in the stored form, or known by id."""

    command: RecordActivity
    member: MemberRef
    store_id: UUID | None
    occurred_at: datetime

    @property
    def key(self) -> str:
        return self.command.idempotency_key


@dataclass(frozen=True, slots=True)
class _Item:
    """An activity that was checked, of a locked member."""

    told: _Told
    member_id: UUID
    happening: Happening
    hash_: bytes
    store: Store | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is known so far: outcomes by the place of the command, and answers by the key that they settle."""

    uow: UnitOfWork
    outcomes: dict[int, Outcome]
    answers: dict[str, Settled]

    def settle(self, index: int, told: _Told, outcome: RecordedActivity, answer: Mapping[str, object]) -> None:
        """Keep the answer to a command."""
        self.outcomes[index] = outcome
        self.answers[told.key] = Settled(told.command.request_hash, answer)


def check_count(count: int) -> None:
    """Refuse a batch of nothing and one that is too large.

    Raises:
        InvalidInput: COUNT_OUT_OF_RANGE
    """
    if not 1 <= count <= RECORDINGS_MAX:
        raise InvalidInput(field="activities", reason="COUNT_OUT_OF_RANGE", limit=str(RECORDINGS_MAX))


def record_activities(uow: UnitOfWork, *, commands: Sequence[RecordActivity]) -> list[Outcome]:
    """Record activities one after the other; what came of each, in their order. See `record_activity`.

    Raises:
        InvalidInput: no activity, or more than ``RECORDINGS_MAX``.
    """
    check_count(len(commands))
    batch = _Batch(uow, {}, {})
    told: dict[int, _Told] = {}
    near = _stores_of_local_numbers(uow, commands)
    for index, command in enumerate(commands):
        try:
            told[index] = _told(uow, command, near)
        except DomainError as error:
            batch.outcomes[index] = error
    settled, ids = _claimed(batch, told)
    waves = _waves(batch, told, ids)
    _lock(uow, waves)
    for wave in waves:
        _record_wave(batch, wave)
    refused = {one.key for one in told.values()} - settled.keys() - batch.answers.keys()
    statements = [
        *idempotency.settle_statements(operation=OPERATION, settled=batch.answers),
        *idempotency.release_statements(operation=OPERATION, keys=sorted(refused)),
    ]
    if statements:
        uow.fetch_pipeline(statements)
    return [batch.outcomes[index] for index in range(len(commands))]


def _store_id(command: RecordActivity) -> UUID | None:
    found: UUID | None = getattr(command.deed, "store_id", command.store_id)
    return found


def _stores_of_local_numbers(uow: UnitOfWork, commands: Sequence[RecordActivity]) -> Mapping[UUID, Store]:
    """The stores whose country is needed, because a phone number was given as it is dialed there."""
    local = [_store_id(each) for each in commands if members.is_dialed_locally(each.member)]
    ids = {store_id for store_id in local if store_id is not None}
    return stores.stores_by_ids(uow, store_ids=sorted(ids)) if ids else {}


def _told(uow: UnitOfWork, command: RecordActivity, near: Mapping[UUID, Store]) -> _Told:
    check_key(command.idempotency_key)
    store_id = _store_id(command)
    member = members.normalized_at(command.member, store=near.get(store_id) if store_id else None)
    return _Told(command, member, store_id, command.occurred_at or uow.now)


def _claimed(batch: _Batch, told: Mapping[int, _Told]) -> tuple[Mapping[str, Settled], Mapping[Identity, UUID]]:
    """Claim the keys and find the members; what was recorded under its key is an outcome already."""
    if not told:
        return {}, {}
    uow = batch.uow
    hashes = {one.key: one.command.request_hash for one in reversed(list(told.values()))}
    identities = list({one.member: None for one in told.values() if isinstance(one.member, Identity)})
    statements = [idempotency.claims_statement(uow, operation=OPERATION, hashes=hashes)]
    if identities:
        statements.append(members.identities_statement(identities=identities))
    claim_rows, *identity_rows = uow.fetch_pipeline(statements)
    settled = idempotency.settled_keys(uow, claim_rows, operation=OPERATION, keys=hashes)
    for index, one in told.items():
        if one.key in settled:
            batch.outcomes[index] = _by_key(one, settled[one.key])
    return settled, members.ids_by_identity(identity_rows[0]) if identity_rows else {}


def _by_key(told: _Told, settled: Settled) -> Outcome:
    try:
        return replay(
            idempotency.replayed(settled, operation=OPERATION, key=told.key, request_hash=told.command.request_hash)
        )
    except DomainError as error:
        return error


def _waves(
    batch: _Batch, told: Mapping[int, _Told], ids: Mapping[Identity, UUID]
) -> list[dict[int, tuple[UUID, _Told]]]:
    """The activities in waves in which no member, no key and no name of an activity comes twice."""
    waves: list[dict[int, tuple[UUID, _Told]]] = []
    seen: dict[object, int] = {}
    for index, one in told.items():
        if index in batch.outcomes:
            continue
        member_id = one.member if isinstance(one.member, UUID) else ids.get(one.member)
        if member_id is None:
            batch.outcomes[index] = MemberNotFound()
            continue
        marks: list[object] = [member_id, one.key, (one.command.source, one.command.external_id)]
        number = max(seen.get(mark, -1) for mark in marks) + 1
        seen |= dict.fromkeys(marks, number)
        if number == len(waves):
            waves.append({})
        waves[number][index] = (member_id, one)
    return waves


def _lock(uow: UnitOfWork, waves: Sequence[Mapping[int, tuple[UUID, _Told]]]) -> None:
    """Lock all members, and then everybody's caps that may be filled: all at once, for the waves have another order."""
    told = [each for wave in waves for each in wave.values()]
    if not told:
        return
    versions = versions_read(uow, instants={uow.now, *(one.occurred_at for _, one in told)})
    locking = ledger.lock_statement(holder_ids=sorted({member_id for member_id, _ in told}))
    _, version_rows = uow.fetch_pipeline([locking, versions.statement])
    found = versions.versions(version_rows)
    keys: dict[UUID, set[CapKey]] = {}
    for _, one in told:
        version = in_force(found, at=one.occurred_at)
        if version is not None:
            # What is too old or yet to come is refused, and leaves no trace.
            with suppress(OccurredInFuture, OccurredTooLongAgo):
                check_time(in_force(found, at=uow.now), one.occurred_at, now=uow.now)
                trigger = trigger_of(one.command.deed)
                fillable = shared_keys(version.document, occurred_at=one.occurred_at, trigger=trigger)
                keys.setdefault(version.id, set()).update(fillable)
    if any(keys.values()) and (len(waves) > 1 or len(keys) > 1):
        uow.fetch_pipeline(earning.locking_statements(set().union(*keys.values())))


def _record_wave(batch: _Batch, wave: dict[int, tuple[UUID, _Told]]) -> None:
    for index, (_, told) in list(wave.items()):
        before = batch.answers.get(told.key)
        if before is not None:
            # The key came before in this batch.
            batch.outcomes[index] = _by_key(told, before)
            del wave[index]
    if not wave:
        return
    scene, items = _checked(batch, wave)
    judgements = _judged(batch, scene, _fresh(batch, items))
    if not judgements:
        return
    stored = keep(batch.uow, list(judgements.values()), merchant_name=scene.merchant_name)
    late = {index: items[index] for index, judgement in judgements.items() if judgement.activity_id not in stored}
    for index in judgements.keys() - late.keys():
        batch.settle(index, items[index].told, judgements[index].answer, judgements[index].answer_json)
    # Somebody else has told of these since we looked, or two members of one thing that counts once.
    assert not _fresh(batch, late), "what keeps an activity from being stored is there"


def _checked(batch: _Batch, wave: Mapping[int, tuple[UUID, _Told]]) -> tuple[Scene, dict[int, _Item]]:
    """The members as they are, and the activities that are what they are said to be."""
    uow = batch.uow
    told = {index: one for index, (_, one) in wave.items()}
    read = scene_read(
        uow,
        member_ids={member_id for member_id, _ in wave.values()},
        instants={one.occurred_at for one in told.values()},
    )
    reviews = [index for index, one in told.items() if isinstance(one.command.deed, Review)]
    rows = uow.fetch_pipeline(
        [
            *read.statements,
            stores.stores_statement(store_ids=sorted({one.store_id for one in told.values() if one.store_id})),
            *(_bought_statement(*wave[index]) for index in reviews),
        ]
    )
    count = len(read.statements)
    scene, found = read.scene(rows[:count], now=uow.now), stores.by_id(rows[count])
    bought = {index for index, bought_rows in zip(reviews, rows[count + 1 :], strict=True) if bought_rows}
    items: dict[int, _Item] = {}
    for index, (member_id, one) in wave.items():
        try:
            items[index] = _item(uow, scene, member_id, one, found, has_bought=index in bought)
        except DomainError as error:
            batch.outcomes[index] = error
    return scene, items


def _bought_statement(member_id: UUID, told: _Told) -> Statement:
    assert isinstance(told.command.deed, Review)
    sku = told.command.deed.sku.strip()
    return purchases.bought_statement(member_id=member_id, sku=sku, before=told.occurred_at)


def _item(
    uow: UnitOfWork, scene: Scene, member_id: UUID, told: _Told, found: Mapping[UUID, Store], *, has_bought: bool
) -> _Item:
    if member_id not in scene.actors:
        raise MemberNotFound(member_id=member_id)
    store = None
    if told.store_id is not None:
        store = found.get(told.store_id)
        if store is None:
            raise StoreNotFound(store_id=told.store_id)
        check_open(store, at=told.occurred_at)
    arrived = Arrived(member_id, scene, store, has_bought=has_bought)
    happening = verified(uow, told.command, arrived, told.occurred_at)
    hash_ = content_hash(happening, member_id=member_id, has_time=told.command.occurred_at is not None)
    return _Item(told, member_id, happening, hash_, store)


def _fresh(batch: _Batch, items: Mapping[int, _Item]) -> dict[int, _Item]:
    """Those that nobody has told of; what the others are is an outcome."""
    if not items:
        return {}
    statement = repository.known_statement([item.happening for item in items.values()])
    by_name: dict[tuple[str, str], DictRow] = {}
    by_once: dict[str, DictRow] = {}
    for row in batch.uow.fetch_all(statement.query, statement.values):
        by_name[row["source"], row["external_id"]] = row
        by_once[row["once_key"]] = row
    fresh: dict[int, _Item] = {}
    for index, item in items.items():
        happening = item.happening
        known = by_name.get((happening.source, happening.external_id)) or by_once.get(happening.once_key or "")
        if known is None:
            fresh[index] = item
            continue
        try:
            answer = told_before(known, happening, item.hash_)
        except DomainError as error:
            batch.outcomes[index] = error
        else:
            batch.settle(index, item.told, replay(answer), answer)
    return fresh


def _judged(batch: _Batch, scene: Scene, items: Mapping[int, _Item]) -> dict[int, Judgement]:
    by_version: dict[UUID | None, dict[int, _Item]] = {}
    for index, item in items.items():
        version = scene.version(item.told.occurred_at)
        by_version.setdefault(version.id if version else None, {})[index] = item
    filled: dict[CapKey, int] = {}
    judgements: dict[int, Judgement] = {}
    for group in by_version.values():
        version = scene.version(next(iter(group.values())).told.occurred_at)
        counted = counters(batch.uow, version, {item.member_id: item.happening for item in group.values()})
        # What another version has filled in this wave is not written yet.
        counted.shared.update({key: filled[key] for key in counted.shared.keys() & filled.keys()})
        for index, item in group.items():
            try:
                judgements[index] = judge(
                    batch.uow,
                    scene,
                    scene.actors[item.member_id],
                    item.happening,
                    content_hash=item.hash_,
                    counted=counted,
                    store=item.store,
                )
            except DomainError as error:
                batch.outcomes[index] = error
        filled |= counted.shared
    return judgements
