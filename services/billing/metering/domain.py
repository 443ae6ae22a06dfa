"""Usage as it is shown: whole units of a meter over a period of UTC days."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeterUsage:
    """What a tenant used of one meter. ``facts`` is how many facts it is the sum of."""

    meter: str
    quantity: int
    facts: int
