"""Refusals of adjustments that need a second person."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class AdjustmentError(DomainError):
    """Anything refused about adjustments."""


@dataclass(eq=False)
class AdjustmentRequestNotFound(AdjustmentError):
    """There is no such request."""

    adjustment_request_id: UUID


@dataclass(eq=False)
class AdjustmentRequestClosed(AdjustmentError):
    """The request was approved or rejected before, or nobody decided it in time."""

    adjustment_request_id: UUID
    status: str


@dataclass(eq=False)
class SecondPersonNeeded(AdjustmentError):
    """Another person who logged in must decide than the one who asked, or who made the API key that did."""

    adjustment_request_id: UUID
