"""What redeeming and holding, confirming and canceling take in common."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.money import to_minor
from services.gateway.graphql.scalars import Currency
from services.loyalty.redemptions.domain import Payment
from services.platform.text import check_optional_text


@strawberry.input(description="Money that the till has taken for a reward that costs money as well.")
class RedemptionPaymentInput:
    amount: Decimal = strawberry.field(description="How much, in major units; it must be the reward's price.")
    currency: Currency = strawberry.field(description="In which currency.")
    reference: str | None = strawberry.field(default=None, description="The till's own number of it.")

    def to_domain(self) -> Payment:
        """The payment that it tells."""
        return Payment(
            amount_minor=to_minor(self.amount, self.currency, field="payment.amount"),
            currency=self.currency,
            reference=check_optional_text(self.reference, field="payment.reference"),
        )
