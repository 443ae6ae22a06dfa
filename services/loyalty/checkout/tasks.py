"""What time alone makes due of carts: those that were reserved and never became purchases."""

from services.loyalty.checkout.queries import first_late_question, late_carts
from services.loyalty.checkout.service import release_late
from services.platform.errands import Errand, OneByOne, Phase

NAME = "release_carts"
BATCH = 100

# One cart is one unit of work: several would lock kinds of coupons and budgets out of their order.
ERRANDS = (
    Errand(
        NAME,
        Phase.EXPIRY,
        next_due=lambda _session: first_late_question(),
        run=OneByOne(NAME, late_carts, lambda uow, cart: release_late(uow, cart=cart), BATCH),
    ),
)
