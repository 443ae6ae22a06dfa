"""How a delivery can fail. A caller needs to know one thing only: is it worth another attempt?"""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class TransientDeliveryFailure(DomainError):
    """The provider may take the message later; it may even have taken it, with the confirmation lost.

    ``reason`` is a code; ``reply`` is what the provider said, shortened, without the address.
    """

    reason: str
    reply: str = ""


@dataclass(eq=False)
class PermanentDeliveryFailure(DomainError):
    """This message will never be taken as it is. ``reason`` and ``reply`` as in ``TransientDeliveryFailure``."""

    reason: str
    reply: str = ""
