"""Coupons that members have and codes that anybody may have, and what is done with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.coupons.domain.carts import Fact, Offer, Reason, Refused
from services.loyalty.coupons.domain.definitions import CouponContent, CouponDefinition
from services.loyalty.ledger.domain import Reference
from services.loyalty.ledger.domain.clocks import DISTANT, Stretch
from services.loyalty.members.domain import MemberRef
from services.platform.ids import new_id

_MOMENT = timedelta(microseconds=1)


class CouponStatus(StrEnum):
    """Where a coupon is in its life."""

    PENDING = "pending"
    """Its order is not confirmed yet."""
    AVAILABLE = "available"
    HELD = "held"
    """Reserved for a cart."""
    USED = "used"
    EXPIRED = "expired"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Coupon:
    """One coupon: a member's, a unique code, or the shared code of a definition, which many may use.

    ``version_id`` is what it was issued as and stays; that of a shared code is None: it is what its definition says.
    ``uses_held`` counts live holds only, ``uses_spent`` all uses; a shared code is neither held nor used up by one.
    """

    id: UUID
    definition_id: UUID
    version_id: UUID | None
    code: str | None
    is_shared: bool
    member_id: UUID | None
    batch_id: UUID | None
    origin: Reference | None
    is_pending: bool
    uses_held: int
    uses_spent: int
    issued_at: datetime
    expires_at: datetime | None
    voided_at: datetime | None

    def status(self, at: datetime) -> CouponStatus:
        """Where it is at an instant, whether or not a job has run."""
        if self.voided_at is not None:
            return CouponStatus.VOIDED
        if not self.is_shared and self.uses_spent:
            return CouponStatus.USED
        if self.is_pending:
            return CouponStatus.PENDING
        if self.expires_at is not None and self.expires_at <= at:
            return CouponStatus.EXPIRED
        return CouponStatus.HELD if not self.is_shared and self.uses_held else CouponStatus.AVAILABLE


@dataclass(frozen=True, slots=True)
class CouponBatch:
    """``count`` unique codes that were made together, all of which begin with ``prefix``."""

    id: UUID
    definition_id: UUID
    count: int
    prefix: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """A coupon as a cart finds it, with what others have taken of it and its definition, and its own cart's hold.

    The definition says what the coupon says, as which it was issued. ``taken`` are the uses of the definition,
    ``taken_by_member`` those of the member, both without what this cart holds itself.
    """

    coupon: Coupon
    definition: CouponDefinition
    taken: int
    taken_by_member: int
    is_held_here: bool


@dataclass(frozen=True, slots=True)
class Presented:
    """What came of codes and coupons that were presented: those that may count, and why the others can't."""

    offers: tuple[Offer, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A coupon that is held or redeemed, and what it takes off, in minor units of ``currency``."""

    offer: Offer
    member_id: UUID | None
    amount_minor: int
    currency: str


class UseStatus(StrEnum):
    """Where a use of a coupon is in its life."""

    HELD = "held"
    SPENT = "spent"
    RELEASED = "released"
    GIVEN_BACK = "given_back"


@dataclass(frozen=True, slots=True)
class CouponUse:
    """A coupon held for an owner, such as a cart, or redeemed by one, such as a purchase; what came of it after."""

    id: UUID
    coupon_id: UUID
    definition_id: UUID
    member_id: UUID | None
    owner: Reference
    status: UseStatus
    amount_minor: int
    currency: str
    held_until: datetime | None
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A coupon for a member. ``origin`` is what it comes of; a pending one waits until that is confirmed.

    ``zone`` is the program's: the last day of a coupon that is valid for some days is one there.
    """

    definition: CouponDefinition
    member_id: UUID
    zone: ZoneInfo
    origin: Reference | None = None
    is_pending: bool = False
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class CreateCouponDefinition:
    """Offer a kind of coupon. ``code`` is the merchant's own name for it, ``shared_code`` what everybody may type."""

    code: str
    content: CouponContent
    shared_code: str | None = None
    uses_max: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateCouponDefinition:
    """Change what a kind of coupon says, whole; ``version`` is the one that was edited.

    A limit of uses can be moved, not below what is taken; whether there is one stays as it was made.
    """

    coupon_definition_id: UUID
    version: int
    content: CouponContent
    uses_max: int | None = None


@dataclass(frozen=True, slots=True)
class CreateCouponCodes:
    """Make ``count`` unique codes, each for one use."""

    coupon_definition_id: UUID
    count: int
    idempotency_key: str
    request_hash: bytes
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class CreatedCouponCodes:
    """The answer: the codes of the batch can be read by its id."""

    batch_id: UUID
    coupon_definition_id: UUID
    count: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class AssignCoupon:
    """Give a member a coupon."""

    member: MemberRef
    coupon_definition_id: UUID
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class VoidCoupon:
    """Make a coupon that has not been redeemed worth nothing."""

    coupon_id: UUID
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class MovedCoupon:
    """The answer to `AssignCoupon` and `VoidCoupon`."""

    coupon_id: UUID
    replayed: bool


def expiry_of(content: CouponContent, *, issued_at: datetime, zone: ZoneInfo | None) -> datetime | None:
    """When a coupon that is issued now ends: with its kind, or at the end of its last day, whichever is first.

    Codes for nobody in particular have no zone and end with their kind.
    """
    ends = [content.ends_at] if content.ends_at is not None else []
    if content.valid_days is not None and zone is not None:
        ends.append(Stretch(content.valid_days, "day", "day").after(issued_at, zone))
    return min(ends, default=None)


def offered(sighting: Sighting, *, member_id: UUID | None, at: datetime) -> Offer | Refused:
    """A coupon as an offer for a cart of a member or, for None, of a guest; or why it is none.

    What its own cart holds stays good for as long as the hold, whatever has ended meanwhile.
    """
    coupon, definition = sighting.coupon, sighting.definition
    if not sighting.is_held_here:
        refused = _in_the_way(sighting, member_id, at)
        if refused is not None:
            return refused
    return Offer(coupon.id, definition.id, definition.version_id, definition.content, coupon.code)


def _in_the_way(sighting: Sighting, member_id: UUID | None, at: datetime) -> Refused | None:
    coupon = sighting.coupon
    reason = _of_its_state(coupon, member_id, at)
    if reason is not None:
        return Refused(coupon.id, reason, {}, coupon.code)
    found = _of_its_time(sighting, at) or _of_its_limits(sighting, member_id)
    return None if found is None else Refused(coupon.id, found[0], found[1], coupon.code)


def _of_its_state(coupon: Coupon, member_id: UUID | None, at: datetime) -> Reason | None:
    if coupon.member_id is not None and coupon.member_id != member_id:
        return Reason.MEMBER_REQUIRED if member_id is None else Reason.NOT_YOURS
    reasons = {
        CouponStatus.VOIDED: Reason.VOIDED,
        CouponStatus.USED: Reason.USED,
        CouponStatus.PENDING: Reason.PENDING,
        CouponStatus.HELD: Reason.HELD,
    }
    return reasons.get(coupon.status(at))


def _of_its_time(sighting: Sighting, at: datetime) -> tuple[Reason, dict[str, Fact]] | None:
    coupon, definition, content = sighting.coupon, sighting.definition, sighting.definition.content
    ends = [end for end in (coupon.expires_at, content.ends_at if coupon.is_shared else None) if end is not None]
    if any(end <= at for end in ends):
        return Reason.EXPIRED, {"expired_at": min(ends).isoformat()}
    if content.begins_at is not None and at < content.begins_at:
        return Reason.NOT_YET, {"begins_at": content.begins_at.isoformat()}
    if coupon.is_shared and definition.archived_at is not None and definition.archived_at <= at:
        return Reason.WITHDRAWN, {}
    return None


def _of_its_limits(sighting: Sighting, member_id: UUID | None) -> tuple[Reason, dict[str, Fact]] | None:
    most, limit = sighting.definition.uses_max, sighting.definition.content.uses_per_member
    if most is not None and sighting.taken >= most:
        return Reason.USED_UP, {"uses_max": most}
    if limit is not None and member_id is None:
        return Reason.MEMBER_REQUIRED, {}
    if limit is not None and sighting.taken_by_member >= limit:
        return Reason.USED_UP_BY_MEMBER, {"uses_max": limit}
    return None


def presented(
    sightings: Sequence[Sighting], *, codes: Mapping[str, str], member_id: UUID | None, at: datetime
) -> Presented:
    """What comes of coupons that a cart finds, each once, and of ``codes``: what was typed, by the code as it is kept.

    Several coupons of one kind together stay within its limits: what ends first counts first.
    """
    offers: list[Offer] = []
    refused: list[Refused] = []
    counted: dict[UUID, int] = {}
    once = {sighting.coupon.id: sighting for sighting in sightings}
    for sighting in sorted(once.values(), key=lambda one: (not one.is_held_here, one.coupon.expires_at or DISTANT)):
        more = counted.get(sighting.definition.id, 0)
        also = replace(sighting, taken=sighting.taken + more, taken_by_member=sighting.taken_by_member + more)
        outcome = offered(also, member_id=member_id, at=at)
        if isinstance(outcome, Refused):
            refused.append(outcome)
        else:
            offers.append(outcome)
            counted[sighting.definition.id] = more + 1
    found = {sighting.coupon.code for sighting in sightings}
    refused += [Refused(None, Reason.UNKNOWN_CODE, {}, typed) for code, typed in codes.items() if code not in found]
    return Presented(tuple(offers), tuple(refused))


@dataclass(frozen=True, slots=True)
class EndingCoupon:
    """A coupon of which its member is to be told that it ends."""

    id: UUID
    member_id: UUID
    content: CouponContent
    expires_at: datetime


def last_day(ends_at: datetime, zone: ZoneInfo) -> str:
    """The last day, as ISO text, on which a coupon can be used that ends then."""
    return (ends_at - _MOMENT).astimezone(zone).date().isoformat()


def by_member_and_day(coupons: Sequence[EndingCoupon], zone: ZoneInfo) -> dict[tuple[UUID, str], list[EndingCoupon]]:
    """What ends together: a member is told once of a day."""
    together: dict[tuple[UUID, str], list[EndingCoupon]] = {}
    for coupon in sorted(coupons, key=lambda one: (one.expires_at, one.id)):
        together.setdefault((coupon.member_id, last_day(coupon.expires_at, zone)), []).append(coupon)
    return together
