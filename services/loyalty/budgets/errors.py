"""What budgets refuse."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class BudgetError(DomainError):
    """A refusal concerning budgets."""


@dataclass(eq=False)
class BudgetNotFound(BudgetError):
    """The tenant has no such budget."""

    budget_id: UUID


@dataclass(eq=False)
class BudgetCodeTaken(BudgetError):
    """Another budget of the tenant has this code."""

    budget_code: str


@dataclass(eq=False)
class BudgetChanged(BudgetError):
    """Somebody else has edited the budget since the given version."""

    given: int
    actual: int


@dataclass(eq=False)
class BudgetExhausted(BudgetError):
    """The budget has too little left. ``measure`` is points, units or money.

    ``has_holds`` says that a part of it is only reserved: it may come back, and asking again later makes sense.
    """

    budget_id: UUID
    measure: str
    has_holds: bool


@dataclass(eq=False)
class BudgetClosed(BudgetError):
    """Nothing can be taken from the budget now: it has not begun, has ended, is archived, or counts other money."""

    budget_id: UUID
