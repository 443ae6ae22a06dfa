"""What a happening is worth to a locked member, by the version in force when it happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.loyalty.activities.domain import Happening, RecordedActivity
from services.loyalty.activities.service import ranking
from services.loyalty.activities.service.counters import Counters
from services.loyalty.activities.service.scene import Actor, Observed, Scene
from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import EarnEvent, Evaluation, FrozenInputs, evaluate, freeze, names_asked
from services.loyalty.earning.errors import AccrualTooLarge
from services.loyalty.earning.service import post_evaluation
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot, Reference
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.domain import member_facts
from services.loyalty.programs.domain import CapOwner, ProgramDocument
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.stores.domain import Store
from services.loyalty.tiers.domain import ladder_of
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.db.session import UnitOfWork
from services.platform.errors import DomainError
from services.platform.ids import new_id

log = structlog.get_logger()

REFERENCE = "activity"
"""The kind of the ledger's references to activities."""

NOT_CREDITED = "notCredited"
"""Where the evidence of what nobody reported tells why it was not credited: the code of a refusal."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that is to be written for one happening. What earns nothing has neither evaluation nor entry."""

    activity_id: UUID
    member_id: UUID
    happening: Happening
    content_hash: bytes
    answer: RecordedActivity
    book: HolderBook | None = None
    version: ProgramVersion | None = None
    evaluation: Evaluation | None = None
    frozen: FrozenInputs | None = None
    entry_id: UUID | None = None
    lots: Mapping[str, Lot] = field(default_factory=dict)
    counting: ranking.Counting | None = None

    @property
    def answer_json(self) -> dict[str, Any]:
        """The answer as it is stored: ids and numbers only."""
        answer = self.answer
        return {
            "activityId": str(answer.activity_id),
            "memberId": str(answer.member_id),
            "points": answer.points,
            "balance": answer.balance,
            "fromTier": answer.from_tier,
            "toTier": answer.to_tier,
        }


def judge(
    uow: UnitOfWork,
    scene: Scene,
    actor: Actor,
    happening: Happening,
    *,
    content_hash: bytes,
    counted: Counters,
    store: Store | None = None,
) -> Judgement:
    """What a happening earns. An inactive member and a time before the first program earn nothing.

    What it fills of everybody's caps is added to those that were ``counted``.

    Raises:
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
    """
    version, present = scene.version(happening.occurred_at), scene.version(uow.now)
    if version is None or present is None or not actor.earner.is_active:
        return _nothing(uow, scene, actor, happening, content_hash)
    activity_id, unit = new_id(), unit_of(present)
    book = ledger.open_book(uow, stored=actor.stored, store_id=happening.store_id)
    event, evaluation = evaluated(
        version, actor, happening, activity_id=activity_id, store=store, counted=counted, now=uow.now
    )
    frozen = freeze(evaluation, event, program_version_id=version.id)
    posted = post_evaluation(
        uow,
        book=book,
        version=version,
        evaluation=evaluation,
        reference=Reference(REFERENCE, activity_id),
        occurred_at=happening.occurred_at,
        enrolled_at=actor.earner.enrolled_at,
        store_id=happening.store_id,
    )
    counting = ranking.counted(
        present,
        actor.record,
        happening,
        activity_id=activity_id,
        member_id=actor.member_id,
        lots=posted.lots.values(),
        balance=book.balance(ladder_of(present).unit).available,
        now=uow.now,
    )
    # Only now is it sure that it is credited.
    for key, filled in evaluation.fillings.items():
        if key.owner is CapOwner.EVERYONE:
            counted.shared[key] = counted.shared.get(key, 0) + filled
    answer = _answer(
        activity_id,
        actor.member_id,
        points=evaluation.points,
        balance=book.balance(unit.code).available,
        tiers=counting.codes,
    )
    return Judgement(
        activity_id=activity_id,
        member_id=actor.member_id,
        happening=happening,
        content_hash=content_hash,
        answer=answer,
        book=book,
        version=version,
        evaluation=evaluation,
        frozen=frozen,
        entry_id=posted.entry_id,
        lots=posted.lots,
        counting=counting,
    )


def judge_noticed(
    uow: UnitOfWork,
    scene: Scene,
    actor: Actor,
    happening: Happening,
    *,
    content_hash: bytes,
    counted: Counters,
    store: Store | None = None,
) -> Judgement:
    """As `judge`, for what nobody reported: a member who can't be credited earns nothing, and its evidence says why.

    Who waits for it is somebody else: the others who have their birthday, a friend who joins, a visitor of a link.
    """
    try:
        return judge(uow, scene, actor, happening, content_hash=content_hash, store=store, counted=counted)
    except (AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge) as refusal:
        return _nothing(uow, scene, actor, _not_credited(actor, happening, refusal), content_hash)


def evaluated(
    version: ProgramVersion,
    observed: Observed,
    happening: Happening,
    *,
    activity_id: UUID,
    store: Store | None,
    counted: Counters,
    now: datetime,
) -> tuple[EarnEvent, Evaluation]:
    """What rules see of a happening, and what they give for it.

    Raises:
        AccrualTooLarge
    """
    event = _event(version.document, observed, happening, store, counted)
    cap_used = {**earning.cap_used(observed.cap_rows), **counted.shared}
    tier_code = ranking.tier_of(version, observed.record, happening, activity_id=activity_id, now=now)
    return event, evaluate(version.document, event, tier_code=tier_code, cap_used=cap_used)


def has_rule(version: ProgramVersion | None, happening: Happening) -> bool:
    """Whether any rule of a version waits for such a happening."""
    return version is not None and any(rule.trigger is happening.trigger for rule in version.document.rules)


def _not_credited(actor: Actor, happening: Happening, refusal: DomainError) -> Happening:
    log.warning(
        "activity_not_credited",
        member_id=str(actor.member_id),
        trigger=happening.trigger.value,
        external_id=happening.external_id,
        code=refusal.code,
    )
    return replace(happening, data={**happening.data, NOT_CREDITED: refusal.code})


def _nothing(uow: UnitOfWork, scene: Scene, actor: Actor, happening: Happening, content_hash: bytes) -> Judgement:
    activity_id = new_id()
    book = ledger.open_book(uow, stored=actor.stored, store_id=happening.store_id)
    balance = book.balance(unit_of(scene.version(uow.now)).code).available
    answer = _answer(activity_id, actor.member_id, points=0, balance=balance, tiers=(None, None))
    return Judgement(activity_id, actor.member_id, happening, content_hash, answer, book=book)


def _answer(
    activity_id: UUID, member_id: UUID, *, points: int, balance: int, tiers: tuple[str | None, str | None]
) -> RecordedActivity:
    return RecordedActivity(activity_id, member_id, points, balance, tiers[0], tiers[1], replayed=False)


def _event(
    document: ProgramDocument, observed: Observed, happening: Happening, store: Store | None, counted: Counters
) -> EarnEvent:
    facts = member_facts(observed.earner, document=document, at=happening.occurred_at) | dict(happening.facts)
    facts["member.purchases"] = counted.purchases.get(observed.member_id, 0)
    if store is not None:
        facts |= {"store.code": store.code, "store.currency": store.currency, "store.timezone": store.timezone}
    # What no rule asks for is not kept.
    asked = names_asked(document, happening.trigger) | {"store.code"}
    told = {name: fact for name, fact in facts.items() if name in asked}
    return EarnEvent(happening.trigger, happening.occurred_at, told, code=happening.event_code)
