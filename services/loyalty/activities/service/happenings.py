"""What the program notices by itself: joining, friends who come, birthdays, profiles."""

from collections.abc import Mapping
from uuid import UUID

from services.loyalty.activities.domain import Happening, RecordedActivity
from services.loyalty.activities.domain.checking import content_hash
from services.loyalty.activities.service.counters import counters
from services.loyalty.activities.service.judging import Judgement, judge_noticed
from services.loyalty.activities.service.scene import Scene, look
from services.loyalty.activities.service.writing import keep
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork


def notice(uow: UnitOfWork, *, member_id: UUID, happening: Happening, store: Store | None = None) -> RecordedActivity:
    """Lock a member, judge a happening and keep it. One that is known already changes nothing."""
    scene = look(uow, member_ids=(member_id,), instants=(happening.occurred_at,))
    (judgement,) = judged(uow, scene, {member_id: happening}, store=store)
    keep(uow, [judgement], merchant_name=scene.merchant_name)
    return judgement.answer


def judged(
    uow: UnitOfWork, scene: Scene, happenings: Mapping[UUID, Happening], *, store: Store | None = None
) -> list[Judgement]:
    """What happenings are worth, one of each member, in the order given; members who are not there are left out.

    Who can't be credited keeps nobody else from it, and earns nothing.
    """
    judgements: list[Judgement] = []
    by_version: dict[UUID | None, list[tuple[UUID, Happening]]] = {}
    for member_id, happening in happenings.items():
        version = scene.version(happening.occurred_at)
        by_version.setdefault(version.id if version else None, []).append((member_id, happening))
    for group in by_version.values():
        version = scene.version(group[0][1].occurred_at)
        counted = counters(uow, version, dict(group))
        judgements += [
            judge_noticed(
                uow,
                scene,
                scene.actors[member_id],
                happening,
                content_hash=content_hash(happening, member_id=member_id, has_time=False),
                store=store,
                counted=counted,
            )
            for member_id, happening in group
            if member_id in scene.actors
        ]
    return judgements
