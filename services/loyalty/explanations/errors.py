"""What questions about rules are answered with when there is nothing to tell."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class ExplanationError(DomainError):
    """A question that has no answer."""


@dataclass(eq=False)
class NothingEvaluated(ExplanationError):
    """No rule was asked: a guest's purchase, an inactive member, or no program in force."""


@dataclass(eq=False)
class RuleNotInProgram(ExplanationError):
    """The version in force at that time has no such rule."""

    rule_id: str


@dataclass(eq=False)
class ActivityNotFound(ExplanationError):
    """There is no such activity."""

    activity_id: UUID
