"""Birthdays and anniversaries, as they begin where members live."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.activities.domain import PROGRAM_SOURCE, Happening
from services.loyalty.activities.service.happenings import judged
from services.loyalty.activities.service.judging import has_rule
from services.loyalty.activities.service.scene import Actor, Scene, look
from services.loyalty.activities.service.writing import keep
from services.loyalty.members import queries as members
from services.loyalty.members import service as profiles
from services.loyalty.members.domain import (
    Earner,
    Occasion,
    OccasionKind,
    birthday_counts,
    due_occasion,
    next_occasion,
)
from services.loyalty.programs.domain import LeapBirthday, Policies, Trigger
from services.platform.db.session import UnitOfWork

_TRIGGERS = {OccasionKind.BIRTHDAY: Trigger.BIRTHDAY, OccasionKind.ANNIVERSARY: Trigger.ANNIVERSARY}


def keep_occasions(uow: UnitOfWork, *, kind: OccasionKind, limit: int) -> int:
    """Keep the occasions of those members whose day has come longest ago; how many members were looked at.

    What a day earns is judged by the program in force when it begins. Each member has one a year; an inactive member
    earns nothing, and a birthday that was edited waits as long as the program says. Members are locked before their
    occasions are written, as by whoever changes a member; two runs at a time do the same thing once.
    """
    statement = members.due_occasions_statement(kind=kind, now=uow.now, limit=limit)
    due = members.due_occasions_of(uow.fetch_all(statement.query, statement.values))
    if not due:
        return 0
    ids = [one.member_id for one in due]
    earners_statement = members.earners_statement(member_ids=ids)
    earners = members.earners_of(uow.fetch_all(earners_statement.query, earners_statement.values))
    possible = {
        occasion.at
        for earner in earners.values()
        for leap in LeapBirthday
        if (occasion := _begun(earner, kind, uow.now, leap)) is not None
    }
    scene = look(uow, member_ids=ids, instants=possible)
    happenings = {
        member_id: happening
        for member_id, actor in scene.actors.items()
        if (happening := _happening(scene, actor, kind, uow.now)) is not None
    }
    again = profiles.keep_occasions_statement(_next(scene, kind, uow.now))
    judgements = judged(uow, scene, happenings)
    if judgements:
        keep(uow, judgements, merchant_name=scene.merchant_name, more=[again])
    else:
        uow.fetch_pipeline([again])
    return len(due)


def _happening(scene: Scene, actor: Actor, kind: OccasionKind, now: datetime) -> Happening | None:
    """What a member's day is, where it has come and the program keeps it."""
    earner = actor.earner
    occasion = _begun(earner, kind, now, _policies(scene, now).leap_birthday)
    if occasion is None or not earner.is_active:
        return None
    happening = Happening(
        trigger=_TRIGGERS[kind],
        source=PROGRAM_SOURCE,
        external_id=f"{kind.value}:{earner.member_id}:{occasion.day.year}",
        occurred_at=occasion.at,
        facts={"event.years": occasion.years} if kind is OccasionKind.ANNIVERSARY else {},
        data={"day": occasion.day.isoformat()},
    )
    version = scene.version(occasion.at)
    if version is None or not has_rule(version, happening):
        return None
    if kind is OccasionKind.BIRTHDAY and not birthday_counts(
        earner, policies=version.document.policies, at=occasion.at
    ):
        return None
    return happening


def _next(scene: Scene, kind: OccasionKind, now: datetime) -> Mapping[tuple[UUID, OccasionKind], datetime]:
    leap = _policies(scene, now).leap_birthday
    return {
        (member_id, kind): next_occasion(origin, timezone=actor.earner.timezone, after=now, leap=leap).at
        for member_id, actor in scene.actors.items()
        if (origin := _origin(actor.earner, kind)) is not None
    }


def _begun(earner: Earner, kind: OccasionKind, now: datetime, leap: LeapBirthday) -> Occasion | None:
    origin = _origin(earner, kind)
    if origin is None:
        return None
    occasion = due_occasion(origin, timezone=earner.timezone, now=now, leap=leap)
    # Who joined after the day has begun has the next one.
    return occasion if occasion is not None and occasion.at > earner.enrolled_at else None


def _origin(earner: Earner, kind: OccasionKind) -> date | None:
    if kind is OccasionKind.BIRTHDAY:
        return earner.birthday
    return earner.enrolled_at.astimezone(ZoneInfo(earner.timezone)).date()


def _policies(scene: Scene, now: datetime) -> Policies:
    present = scene.version(now)
    return present.document.policies if present else Policies()
