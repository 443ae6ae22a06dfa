"""Activities that hold points alive, kept so that one that is taken back moves ends as if it had not been."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.ledger.domain.entries import Reference
from services.loyalty.ledger.domain.lots import Lot


@dataclass(frozen=True, slots=True)
class ActivityMark:
    """A holder's activity (a trigger, or ``redemption``) at an instant, by what it was."""

    id: UUID
    activity: str
    at: datetime
    source: Reference


def withdrawn(lot: Lot, *, source: Reference, marks: Iterable[ActivityMark]) -> Lot:
    """The lot as if the activities of ``source`` had not been, given all marks of the holder.

    An end that something else has moved since stays: it depends on the latest activity only.
    """
    birth, other = lot.validity.at_birth(), lot.validity.at_birth()
    with_it = birth
    for mark in marks:
        with_it = with_it.after(mark.activity, mark.at)
        if mark.source != source:
            other = other.after(mark.activity, mark.at)
    now = lot.validity
    ends = now
    if now.expires_at == with_it.expires_at:
        ends = ends.ends_by(expires_at=other.expires_at, loses_at=ends.loses_at)
    if now.loses_at == with_it.loses_at:
        ends = ends.ends_by(expires_at=ends.expires_at, loses_at=other.loses_at)
    return lot.lasting(ends)
