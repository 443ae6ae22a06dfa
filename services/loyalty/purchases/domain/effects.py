"""What a purchase does beyond being kept, and what of it cannot simply be undone.

Every kind of effect has an inverse in `service.effects`, and names the tables that it writes. A test records purchases
that do everything and fails when a table changed that neither an effect nor the list of histories names, so that a new
effect cannot be forgotten.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class EffectKind(StrEnum):
    """What a purchase can do. In this order they are undone."""

    PAYMENT = "payment"
    """Points paid for it: they come back before anything is taken."""
    POINTS = "points"
    """Lots are born; the clocks of others are set back."""
    CAPS = "caps"
    TIER = "tier"
    REFERRAL = "referral"
    """The referrer of the buyer has a bonus to expect."""
    COUPONS = "coupons"
    """Coupons were used, and their budgets spent; what a guest has used comes back as well."""


HISTORIES = frozenset(
    {
        "purchases",
        "purchase_lines",
        "purchase_accruals",
        "purchase_settlements",
        "carts",
        "waiting_refunds",
        "idempotency_keys",
        "outbox",
        "usage_facts",
    }
)
"""Tables that a purchase writes and that stay: evidence, keys, messages, and counts of what happened."""


class UseKind(StrEnum):
    """Something that happened later and used what a purchase had given."""

    REDEMPTION = "redemption"
    TRANSFER = "transfer"
    HOLD = "hold"
    PAYMENT = "payment"
    """Another purchase was paid with it, whose id it has."""
    PURCHASE = "purchase"
    """It earned at a tier that only the purchase had reached."""


@dataclass(frozen=True, slots=True)
class Use:
    """One such event. ``points`` of ``unit`` were used, 0 where it was not points."""

    kind: UseKind
    id: UUID
    unit: str | None
    points: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Points of a purchase's own lots that something drew and has not given back."""

    kind: str
    id: UUID
    unit: str
    points: int


_KINDS = {
    "redemption": UseKind.REDEMPTION,
    "transfer": UseKind.TRANSFER,
    "hold": UseKind.HOLD,
    "payment": UseKind.PAYMENT,
}


def uses_of(drawings: tuple[Drawing, ...], *, earned_at_lost_tier: tuple[UUID, ...] = ()) -> tuple[Use, ...]:
    """The later events that keep what they got, although what they used is taken back."""
    drawn = [Use(_KINDS[one.kind], one.id, one.unit, one.points) for one in drawings if one.kind in _KINDS]
    return (*drawn, *(Use(UseKind.PURCHASE, purchase_id, None, 0) for purchase_id in earned_at_lost_tier))


def undecided(drawings: tuple[Drawing, ...], *, missing: dict[str, int]) -> tuple[Use, ...]:
    """The uses that a person must look at: their points are gone, and nothing else was there to take.

    ``missing`` are points by unit that were wanted back and not found, or are owed now. What was drawn last is named
    first, up to what is missing: a gift that was shipped or a code that was shown for points which nobody has.
    """
    left = dict(missing)
    found: list[Use] = []
    for one in reversed(drawings):
        part = min(one.points, left.get(one.unit, 0))
        if part > 0 and one.kind in _KINDS:
            left[one.unit] -= part
            found.append(Use(_KINDS[one.kind], one.id, one.unit, part))
    return tuple(found)
