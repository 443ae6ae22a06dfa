"""What time alone makes due of points."""

from services.loyalty.expiry.keeping import (
    decide_ends,
    next_decision_question,
    next_unsettled_question,
    take_notices,
)
from services.loyalty.expiry.service import give_notices, next_notice_question, settle_gains, settle_losses
from services.loyalty.ledger.queries import next_gain_question, next_loss_question
from services.platform.errands import Errand, Phase

ERRANDS = (
    Errand("activate_points", Phase.ACTIVATION, lambda _session: next_gain_question(), settle_gains),
    Errand("expire_points", Phase.EXPIRY, lambda _session: next_loss_question(), settle_losses),
    Errand("keep_points", Phase.NOTICE, lambda _session: next_decision_question(), decide_ends),
    Errand("notice_expiry", Phase.NOTICE, next_notice_question, give_notices),
)

SANDBOX_ERRANDS = (Errand("take_notices", Phase.NOTICE, lambda _session: next_unsettled_question(), take_notices),)
