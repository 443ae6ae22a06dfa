"""Points for rewards: redeem, or hold and confirm; fulfill, collect, cancel."""

from services.loyalty.redemptions.service.handling import collect_redemption, fulfill_redemption, time_out
from services.loyalty.redemptions.service.moving import cancel_redemption, confirm_redemption
from services.loyalty.redemptions.service.redeeming import hold_reward, redeem_reward

__all__ = [
    "cancel_redemption",
    "collect_redemption",
    "confirm_redemption",
    "fulfill_redemption",
    "hold_reward",
    "redeem_reward",
    "time_out",
]
