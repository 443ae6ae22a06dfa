"""An evaluation as evidence: one JSON document from which anybody can compute the same numbers again.

It holds the program document, what was frozen and the lines, and nothing of the ledger: whoever evaluates it needs
neither a database nor the right to read one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.loyalty.earning.domain.accruals import Evaluation
from services.loyalty.earning.domain.freezing import FrozenInputs, frozen_json, parse_frozen
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.earning.domain.standing import evaluate_again
from services.loyalty.programs.domain import ProgramDocument, document_json, stored_document

FORM = 1
"""Of the JSON."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that an evaluation saw. ``lines`` are those of a purchase."""

    document: ProgramDocument
    frozen: FrozenInputs
    lines: tuple[PurchaseLine, ...]
    occurred_at: datetime

    def evaluate(self) -> Evaluation:
        """The evaluation, computed again."""
        return evaluate_again(self.document, self.frozen, lines=self.lines, occurred_at=self.occurred_at)

    @property
    def agrees(self) -> bool:
        """Whether computing it again gives each rule the points that it gave at first."""
        again = {each.rule_id: each.points for each in self.evaluate().accruals if each.points}
        return again == {each.rule_id: each.points for each in self.frozen.rules if each.points}


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """The evidence as JSON; `parse_evidence` gives it back."""
    return {
        "form": FORM,
        "document": document_json(evidence.document),
        "frozen": frozen_json(evidence.frozen),
        "lines": [_line_json(line) for line in evidence.lines],
        "occurredAt": evidence.occurred_at.isoformat(),
    }


def parse_evidence(data: Mapping[str, Any]) -> Evidence:
    """Evidence from what `evidence_json` made.

    Raises:
        ValueError: it is something else.
        ProgramDocumentInvalid: its document is none.
    """
    message = "this is no evidence of an evaluation"
    if data.get("form") != FORM:
        raise ValueError(message)
    try:
        return Evidence(
            document=stored_document(data["document"]),
            frozen=parse_frozen(data["frozen"]),
            lines=tuple(_line(line) for line in data["lines"]),
            occurred_at=datetime.fromisoformat(data["occurredAt"]),
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(message) from error


def evidence_of(
    document: ProgramDocument, frozen: FrozenInputs, *, lines: Sequence[PurchaseLine], occurred_at: datetime
) -> Evidence:
    """What an event's evaluation saw; ``occurred_at`` is of use where the frozen inputs are from before they had it."""
    return Evidence(document, frozen, tuple(lines), frozen.occurred_at or occurred_at)


def _line_json(line: PurchaseLine) -> dict[str, Any]:
    return {
        "position": line.position,
        "sku": line.sku,
        "product": line.product,
        "category": list(line.category),
        "quantity": format(line.quantity, "f"),
        "netMinor": line.net_minor,
        "amountMinor": line.amount_minor,
        "baseMinor": line.base_minor,
    }


def _line(data: Mapping[str, Any]) -> PurchaseLine:
    return PurchaseLine(
        position=data["position"],
        sku=data["sku"],
        category=tuple(data["category"]),
        quantity=Decimal(data["quantity"]),
        net_minor=data["netMinor"],
        amount_minor=data["amountMinor"],
        base_minor=data["baseMinor"],
        product=data["product"],
    )
