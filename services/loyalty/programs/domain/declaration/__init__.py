"""The program document, declared once: its parser, its writer and its published schema are made of this."""

from services.loyalty.programs.domain.declaration.agreement import check_agreement
from services.loyalty.programs.domain.declaration.whole import DOCUMENT

__all__ = ["DOCUMENT", "check_agreement"]
