"""Counting against caps, and posting what an event gives."""

from services.loyalty.earning.service.caps import CapUse, cap_uses, change_caps_statements, fill_caps_statements
from services.loyalty.earning.service.posting import Posted, post_evaluation

__all__ = ["CapUse", "Posted", "cap_uses", "change_caps_statements", "fill_caps_statements", "post_evaluation"]
