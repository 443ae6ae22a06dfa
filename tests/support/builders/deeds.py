"""Members who do something besides buying, by services."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty.activities import service
from services.loyalty.activities.domain import Deed, RecordActivity, RecordedActivity
from services.loyalty.activities.tasks import ERRANDS
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind
from services.platform.db.questions import ask
from services.platform.errands import Errand
from services.platform.idempotency.service import request_hash
from tests.support.builders.merchant import Merchant


def command(merchant: Merchant, member: UUID, deed: Deed, **changes: Any) -> RecordActivity:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "source": "app",
        "external_id": f"deed-{number}",
        "member": member,
        "deed": deed,
        "idempotency_key": f"activity-{number}",
    }
    values |= changes
    values.setdefault("request_hash", request_hash({"number": number}))
    return RecordActivity(**values)


def record(merchant: Merchant, member: UUID, deed: Deed, **changes: Any) -> RecordedActivity:
    told = command(merchant, member, deed, **changes)
    return merchant.do(lambda uow: service.record_activity(uow, command=told))


def enroll(merchant: Merchant, **changes: Any) -> UUID:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "identities": (Identity(IdentityKind.CARD, f"card-{number}"),),
        "locale": "en",
        "idempotency_key": f"enroll-{number}",
        "request_hash": request_hash({"number": number}),
    }
    joining = EnrollMember(**(values | changes))
    return merchant.do(lambda uow: service.enroll_member(uow, command=joining)).member_id


def run_errands(merchant: Merchant) -> int:
    """Run what is due at the merchant's time until nothing is left; how many things were done."""
    done = 0
    for errand in ERRANDS:
        while count := errand.run(merchant.database, merchant.home, merchant.now):
            done += count
        due = next_due(merchant, errand)
        assert due is None or due > merchant.now
    return done


def next_due(merchant: Merchant, errand: Errand) -> datetime | None:
    """When there is something to do of an errand."""
    due: datetime | None = merchant.read(lambda session: ask(session, [errand.next_due(session)])[0])
    return due


def available(merchant: Merchant, member: UUID) -> int:
    return merchant.balance(member).available
