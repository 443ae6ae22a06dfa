"""Lines that cannot be paid with points."""

from services.loyalty.earning.domain.facts import event_facts, line_facts
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.plans import plan_of
from services.loyalty.programs.domain.document import ProgramDocument


def is_paying_limited(document: ProgramDocument) -> bool:
    """Whether there are lines that cannot be paid with points."""
    return plan_of(document).unpayable is not None


def unpayable_lines(document: ProgramDocument, event: EarnEvent, *, tier_code: str) -> frozenset[int]:
    """The positions of the lines that cannot be paid with points. A condition that cannot be told excludes nothing.

    ``event.facts`` are all that the condition may ask of the event beside its sums, its lines and its time.
    """
    plan = plan_of(document)
    if plan.unpayable is None:
        return frozenset()
    facts = event_facts(event, local=event.occurred_at.astimezone(plan.zone), tier_code=tier_code)
    return frozenset(line.position for line in event.lines if plan.unpayable.holds(facts | line_facts(line)))
