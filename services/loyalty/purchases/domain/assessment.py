"""What a receipt earns: one function for recording and for quoting, so that a quote is what the till then does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.loyalty.earning.domain import Evaluation, PurchaseLine, cap_day, evaluate
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.tiers.domain import Requalification, TierRecord, level_held, requalify


@dataclass(frozen=True, slots=True)
class Assessment:
    """An evaluation by the version in force when it happened, and what it does to the tier by the present one."""

    version: ProgramVersion
    evaluation: Evaluation
    requalification: Requalification
    cap_day: date


def assess(
    *,
    version: ProgramVersion,
    present: ProgramVersion,
    lines: Sequence[PurchaseLine],
    currency: str,
    store_code: str,
    record: TierRecord,
    cap_used: Mapping[str, int],
    occurred_at: datetime,
    now: datetime,
) -> Assessment:
    """What the lines earn for a member with this record, and where that leaves the member.

    Raises:
        CurrencyNotAccepted, AccrualTooLarge
    """
    document = version.document
    evaluation = evaluate(
        document,
        lines=lines,
        store_code=store_code,
        currency=currency,
        tier_code=level_held(document.tiers, record).code,
        cap_used=cap_used,
    )
    requalification = requalify(
        present.document.tiers,
        record,
        points=evaluation.points,
        spend_minor=counted_spend(document, currency=currency, total_minor=sum(line.net_minor for line in lines)),
        now=now,
    )
    return Assessment(version, evaluation, requalification, cap_day(document, occurred_at))


def counted_spend(document: ProgramDocument, *, currency: str, total_minor: int) -> int:
    """What a purchase adds to the money spent that tiers look at; nothing below zero, nothing in another currency."""
    return max(0, total_minor) if currency == document.currency else 0
