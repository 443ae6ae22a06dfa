"""What is told of an entry, and what is asked about a rule."""

from dataclasses import dataclass
from uuid import UUID

from services.loyalty.activities.domain import RecordActivity
from services.loyalty.checkout.domain import AskedCart
from services.loyalty.earning.domain import Evaluation
from services.loyalty.earning.domain.explaining import Evidence
from services.loyalty.ledger.domain import Entry
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases.domain import PurchaseRef


@dataclass(frozen=True, slots=True)
class Explained:
    """An evaluation with all that it saw, computed again by the version that was in force."""

    version: ProgramVersion
    evidence: Evidence
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class EntryExplanation:
    """An entry and the evaluation that it came from; None where no rule was asked (a redemption, an adjustment)."""

    entry: Entry
    explained: Explained | None


@dataclass(frozen=True, slots=True)
class ByPurchase:
    """Ask about a purchase that was recorded."""

    purchase: UUID | PurchaseRef


@dataclass(frozen=True, slots=True)
class ByActivity:
    """Ask about an activity that was recorded."""

    activity_id: UUID


@dataclass(frozen=True, slots=True)
class ByCart:
    """Ask about a cart that may become a purchase now."""

    cart: AskedCart


@dataclass(frozen=True, slots=True)
class BySupposition:
    """Ask about an activity that may be recorded now."""

    activity: RecordActivity


Question = ByPurchase | ByActivity | ByCart | BySupposition
