"""How much work a caller may ask for, and how a caller stands. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """A bucket's size: ``capacity`` points at once, ``per_second`` points in the long run."""

    capacity: int
    per_second: int

    @property
    def seconds(self) -> float:
        """How long a full bucket takes to leak empty."""
        return self.capacity / self.per_second


@dataclass(frozen=True, slots=True)
class Standing:
    """A caller after a request.

    ``remaining`` and ``reset_seconds`` are None where the limit could not be looked at, so that it was not applied.
    ``retry_after_seconds`` is None when the request may go on, and otherwise says when it could.
    """

    requested: int
    spent: int
    maximum: int
    remaining: int | None = None
    reset_seconds: int | None = None
    retry_after_seconds: int | None = None
