"""Money at the edge: an exact decimal string in major units, with its currency."""

from decimal import Decimal
from typing import Self

import strawberry

from services.gateway.graphql.scalars import Currency
from services.platform.money import Money, parse_money


@strawberry.type(name="Money", description="An amount of money.")
class MoneyAmount:
    amount: Decimal = strawberry.field(description='In major units, such as "12.50" yuan; never rounded.')
    currency: Currency = strawberry.field(description="The currency of the amount.")

    @classmethod
    def from_domain(cls, money: Money) -> Self:
        """Money as clients see it."""
        return cls(amount=money.major(), currency=Currency(money.currency))


def to_minor(amount: Decimal, currency: str, *, field: str) -> int:
    """Minor units of an amount in major units.

    Raises:
        InvalidInput: more digits than the currency has, or beyond what is safe in JSON.
    """
    return parse_money(amount, currency, field=field).minor
