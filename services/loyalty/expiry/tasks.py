"""What time alone makes due of points."""

from services.loyalty.expiry.service import give_notices, next_notice, settle_gains, settle_losses
from services.loyalty.ledger.queries import next_gain, next_loss
from services.platform.errands import Errand, Phase

ERRANDS = (
    Errand("activate_points", Phase.ACTIVATION, next_gain, settle_gains),
    Errand("expire_points", Phase.EXPIRY, next_loss, settle_losses),
    Errand("notice_expiry", Phase.NOTICE, next_notice, give_notices),
)
