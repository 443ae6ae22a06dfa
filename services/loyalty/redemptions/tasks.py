"""What time alone makes due: redemptions that were held and never confirmed."""

from services.loyalty.redemptions.queries import first_late_question, late_redemptions
from services.loyalty.redemptions.service import time_out
from services.platform.errands import Errand, OneByOne, Phase

NAME = "time_out_redemptions"
BATCH = 50

# One member at a time, who is locked alone.
ERRANDS = (
    Errand(
        NAME,
        Phase.EXPIRY,
        next_due=lambda _session: first_late_question(),
        run=OneByOne(NAME, late_redemptions, lambda uow, redemption: time_out(uow, redemption=redemption), BATCH),
    ),
)
