"""What coupons refuse. Why a coupon does not lower a cart is no error: see `services.loyalty.coupons.domain.Reason`."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class CouponError(DomainError):
    """A refusal concerning coupons."""


@dataclass(eq=False)
class CouponDefinitionNotFound(CouponError):
    """The tenant has no such kind of coupon."""

    coupon_definition_id: UUID


@dataclass(eq=False)
class CouponDefinitionCodeTaken(CouponError):
    """Another kind of coupon of the tenant has this code."""

    coupon_definition_code: str


@dataclass(eq=False)
class CouponDefinitionArchived(CouponError):
    """The kind of coupon is given out no more."""

    coupon_definition_id: UUID


@dataclass(eq=False)
class CouponDefinitionChanged(CouponError):
    """Somebody else has edited it since the given version."""

    given: int
    actual: int


@dataclass(eq=False)
class CouponNotFound(CouponError):
    """The tenant has no such coupon."""

    coupon_id: UUID


@dataclass(eq=False)
class CouponCodeTaken(CouponError):
    """A coupon of the tenant has this code already."""

    coupon_code: str


@dataclass(eq=False)
class CouponUsedUp(CouponError):
    """Somebody else was faster: nothing is left of a coupon that was there when it was looked at.

    ``coupon_definition_id`` is None where the refusal does not tell which of several it was.
    """

    coupon_definition_id: UUID | None


@dataclass(eq=False)
class CouponUsed(CouponError):
    """The coupon has been redeemed, so that it can't be voided."""

    coupon_id: UUID
