"""What time alone makes due: refunds whose purchase came at the very moment at which they were told of, or never."""

from services.loyalty.purchases.queries import due_refunds, first_look_question
from services.loyalty.purchases.service import apply_due
from services.platform.errands import Errand, OneByOne, Phase

NAME = "apply_waiting_refunds"
BATCH = 50

ERRANDS = (
    Errand(
        NAME,
        Phase.TRIGGER,
        next_due=lambda _session: first_look_question(),
        run=OneByOne(NAME, due_refunds, lambda uow, waiting_id: apply_due(uow, waiting_id=waiting_id), BATCH),
    ),
)
