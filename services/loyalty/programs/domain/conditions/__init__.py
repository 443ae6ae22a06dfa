"""Conditions: their forms, the fields that they ask for, their checks, and what answers them.

The forms are here; what needs the document (fields, checks, answers) is asked of the modules beside them, since the
document itself is made of forms.
"""

from services.loyalty.programs.domain.conditions.forms import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Expression,
    Not,
    Operator,
    Scalar,
)

__all__ = [
    "AllOf",
    "AnyOf",
    "Comparison",
    "Condition",
    "Expression",
    "Not",
    "Operator",
    "Scalar",
]
