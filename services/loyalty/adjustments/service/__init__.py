"""Giving and taking points by hand, and deciding where two persons are needed."""

from services.loyalty.adjustments.service.adjusting import adjust_points
from services.loyalty.adjustments.service.deciding import approve_adjustment, reject_adjustment

__all__ = ["adjust_points", "approve_adjustment", "reject_adjustment"]
