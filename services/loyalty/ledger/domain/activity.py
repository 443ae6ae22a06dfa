"""Activities that hold points alive, kept so that one that is taken back moves ends as if it had not been.

The ends of a lot follow from where they began (`LotClock.base`, or its birth) and from the activities noted since, in
the order of noting: before each of them the parts are lost that were due by then.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.ledger.domain.clocks import LotClock, Validity
from services.loyalty.ledger.domain.entries import Reference
from services.loyalty.ledger.domain.lots import Lot


@dataclass(frozen=True, slots=True)
class ActivityMark:
    """A holder's activity (a trigger, or ``redemption``) at an instant, by what it was; ids grow as they are noted."""

    id: UUID
    activity: str
    at: datetime
    source: Reference
    recorded_at: datetime


def withdrawn(lot: Lot, *, source: Reference, marks: Iterable[ActivityMark]) -> Lot:
    """The lot as if the activities of ``source`` had not been, given all marks of the holder.

    Parts that would have been lost by now without them are due then. An end that something else has moved stays.
    """
    marks = tuple(marks)
    now, with_it = lot.validity, replayed(lot, marks)
    other = replayed(lot, [mark for mark in marks if mark.source != source])
    ends = now
    if now.expires_at == with_it.expires_at:
        ends = ends.ends_by(expires_at=other.expires_at, loses_at=ends.loses_at)
    if now.loses_at == with_it.loses_at:
        ends = dataclasses.replace(ends, loses_at=other.loses_at, clock=other.clock)
    return lot.lasting(ends)


def replayed(lot: Lot, marks: Iterable[ActivityMark]) -> Validity:
    """The validity of a lot by these activities, with as many parts of it lost as have been."""
    clock = lot.clock
    if clock is None or lot.awaits_action is not None:
        return lot.validity
    since = clock.since or lot.id
    validity = lot.validity.at_base()
    validity = dataclasses.replace(validity, clock=dataclasses.replace(clock, losses=0, upcoming=()))
    noted = sorted((mark for mark in marks if mark.id > since), key=lambda mark: mark.id)
    if clock.loss is None:
        return validity.ends_by(expires_at=_slid(validity.expires_at, clock, noted), loses_at=validity.loses_at)
    losses: list[datetime] = []
    for mark in noted:
        while validity.loses_at is not None and validity.loses_at <= mark.recorded_at:
            losses.append(validity.loses_at)
            validity = validity.after_loss()
        if validity.expires_at is not None and validity.expires_at <= mark.recorded_at:
            break
        validity = validity.after(mark.activity, mark.at)
    while validity.loses_at is not None and len(losses) < clock.losses:
        losses.append(validity.loses_at)
        validity = validity.after_loss()
    if validity.loses_at is None:
        return validity
    following = (*losses[clock.losses :], validity.loses_at)
    lost = dataclasses.replace(clock, upcoming=following[1:])
    return dataclasses.replace(validity, loses_at=following[0], clock=lost)


def _slid(end: datetime | None, clock: LotClock, noted: Iterable[ActivityMark]) -> datetime | None:
    """An end that moves with activities, where no part is ever lost: of many lots and marks this is all there is."""
    if clock.sliding is None or end is None:
        return end
    zone = clock.zone_info
    for mark in noted:
        if end <= mark.recorded_at:
            break
        if mark.activity in clock.sliding.activities:
            end = clock.sliding.moved(end, mark.at, zone)
    return end
