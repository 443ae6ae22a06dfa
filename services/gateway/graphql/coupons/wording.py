"""Why a coupon takes off nothing, in a sentence."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.messages.pofile import read_po

from services.gateway.context.request import Locale
from services.gateway.graphql.sentences import FOLDER
from services.loyalty.coupons.domain import Fact, Refused
from services.platform.money import Money


@lru_cache(maxsize=len(Locale))
def coupon_catalog(locale: Locale) -> Mapping[str, str]:
    """All sentences about coupons in one language, by message id."""
    with (FOLDER / f"coupon.{locale}.po").open("rb") as file:
        messages = read_po(file, locale=locale)
    return {str(message.id): str(message.string) for message in messages if message.id}


def refusal_message(refused: Refused, locale: Locale) -> str:
    """Why the coupon takes off nothing, and what would help."""
    facts = {name: fact_text(value) for name, value in refused.facts.items()}
    return coupon_catalog(locale)[refused.reason.name].format(**facts, code=refused.code or "")


def fact_text(value: Fact) -> str:
    """A fact as a person reads it: money in major units with its currency, an instant without its seconds."""
    if isinstance(value, Money):
        return f"{value.major()} {value.currency}"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, str) and "T" in value:
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"
    return str(value)
