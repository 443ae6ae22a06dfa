"""What happened, as rules see it: a purchase, a check-in, a birthday; whatever it is, one shape."""

from dataclasses import dataclass, field
from datetime import datetime

from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.programs.domain.conditions.fields import Facts
from services.loyalty.programs.domain.rules import Trigger


@dataclass(frozen=True, slots=True)
class EarnEvent:
    """Something that rules may reward.

    ``facts`` are the declared fields by name (``store.code``, ``member.tags``, ``event.data.rating``), without those
    that follow from the event itself: its lines, its sums, its time and the tier, which `facts` adds. ``code`` is that
    of a custom event. A purchase has a ``currency`` and ``lines`` and may have ``shipping_minor`` that earns, in minor
    units of that currency; nothing else has any of them.
    """

    trigger: Trigger
    occurred_at: datetime
    facts: Facts = field(default_factory=dict)
    code: str | None = None
    currency: str | None = None
    lines: tuple[PurchaseLine, ...] = ()
    shipping_minor: int = 0
