"""Cases: what somebody wants after the sale, where it stands, and what it did to points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from services.loyalty.earning.domain import ReturnedLine, check_quantity
from services.loyalty.earning.errors import RefundLineUnknown, RefundQuantityExceedsLine
from services.loyalty.members.domain import MemberRef
from services.loyalty.purchases.domain import BoughtLine
from services.loyalty.purchases.domain.effects import Use
from services.platform.actors import Actor
from services.platform.errors import InvalidInput

NOTE_LENGTH_MAX = 2_000
"""Characters of a note."""
LINES_MAX = 500
OWN_OPEN_MAX = 5
"""How many cases a member may have open that they opened themselves."""
EVENTS_MAX = 500
"""How much may happen to one case before notes are refused."""


class CaseKind(StrEnum):
    """What is wanted."""

    RETURN = "return"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    SUPPORT = "support"


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING_FOR_MEMBER = "waiting_for_member"
    APPROVED = "approved"
    REJECTED = "rejected"
    COMPLETED = "completed"
    CLOSED = "closed"


class CaseEventKind(StrEnum):
    """What can happen to a case."""

    OPENED = "opened"
    MOVED = "moved"
    ASSIGNED = "assigned"
    NOTED = "noted"


UNSETTLED = frozenset({CaseStatus.OPEN, CaseStatus.IN_PROGRESS, CaseStatus.WAITING_FOR_MEMBER, CaseStatus.APPROVED})
"""Where somebody still has to do something."""
WITHDRAWABLE = UNSETTLED - {CaseStatus.APPROVED}
"""From where a member may take a case of their own back."""
MOVING_POINTS = frozenset({CaseKind.RETURN, CaseKind.EXCHANGE})
"""Kinds whose completion takes goods back."""

_MOVES: Mapping[CaseStatus, frozenset[CaseStatus]] = MappingProxyType(
    {
        CaseStatus.OPEN: frozenset(
            {
                CaseStatus.IN_PROGRESS,
                CaseStatus.WAITING_FOR_MEMBER,
                CaseStatus.APPROVED,
                CaseStatus.REJECTED,
                CaseStatus.CLOSED,
            }
        ),
        CaseStatus.IN_PROGRESS: frozenset(
            {CaseStatus.WAITING_FOR_MEMBER, CaseStatus.APPROVED, CaseStatus.REJECTED, CaseStatus.CLOSED}
        ),
        CaseStatus.WAITING_FOR_MEMBER: frozenset(
            {CaseStatus.IN_PROGRESS, CaseStatus.APPROVED, CaseStatus.REJECTED, CaseStatus.CLOSED}
        ),
        CaseStatus.APPROVED: frozenset(
            {
                CaseStatus.IN_PROGRESS,
                CaseStatus.WAITING_FOR_MEMBER,
                CaseStatus.REJECTED,
                CaseStatus.COMPLETED,
                CaseStatus.CLOSED,
            }
        ),
        CaseStatus.REJECTED: frozenset({CaseStatus.IN_PROGRESS, CaseStatus.CLOSED}),
        CaseStatus.COMPLETED: frozenset({CaseStatus.CLOSED}),
        CaseStatus.CLOSED: frozenset(),
    }
)


def moves_from(kind: CaseKind, status: CaseStatus) -> frozenset[CaseStatus]:
    """Where a case of a kind can go next.

    What concerns goods is completed only after it was approved; a question is answered whenever it is.
    """
    moves = _MOVES[status]
    if kind is CaseKind.SUPPORT and status in WITHDRAWABLE:
        return moves | {CaseStatus.COMPLETED}
    return moves


@dataclass(frozen=True, slots=True)
class CaseLine:
    """So much of a line of the purchase is to come back, or to be repaired; and why."""

    position: int
    quantity: Decimal
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What completing a case did to the member's points; as in the refund's answer (`RefundedPurchase`).

    ``points_earned`` is what the purchase earned that came in the place of the goods; 0 for a return.
    """

    points_taken_back: int
    points_returned: int
    points_earned: int
    owed: int
    shortfall: int
    balance: int
    needs_decision: tuple[Use, ...] = ()
    consequences: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A case. Without a member it is a guest's; without a store it concerns none. ``assignee_id`` is a person's."""

    id: UUID
    kind: CaseKind
    status: CaseStatus
    subject: str
    member_id: UUID | None
    purchase_id: UUID | None
    store_id: UUID | None
    lines: tuple[CaseLine, ...]
    opener: Actor
    assignee_id: UUID | None
    assignee_name: str | None
    opened_at: datetime
    changed_at: datetime
    refund_id: UUID | None = None
    exchange_purchase_id: UUID | None = None
    effect: Effect | None = None

    @property
    def next_statuses(self) -> frozenset[CaseStatus]:
        """Where it can go."""
        return moves_from(self.kind, self.status)

    def returned(self, found: Sequence[ReturnedLine] | None = None) -> tuple[ReturnedLine, ...]:
        """What comes back: all that the case asks for, or what of it was ``found``.

        Raises:
            InvalidInput: nothing was found, a line twice, or a quantity that is none.
            RefundLineUnknown, RefundQuantityExceedsLine: more was found than the case asks for.
        """
        if found is None:
            return tuple(ReturnedLine(line.position, line.quantity) for line in self.lines)
        if not 1 <= len(found) <= LINES_MAX:
            raise InvalidInput(field="returned", reason="COUNT_OUT_OF_RANGE", limit=str(LINES_MAX))
        if len({each.position for each in found}) < len(found):
            raise InvalidInput(field="returned", reason="DUPLICATE")
        asked = {line.position: line.quantity for line in self.lines}
        for index, each in enumerate(found):
            check_quantity(each.quantity, field=f"returned.{index}.quantity")
            if each.quantity <= 0:
                raise InvalidInput(field=f"returned.{index}.quantity", reason="NOT_POSITIVE")
            if each.position not in asked:
                raise RefundLineUnknown(position=each.position)
            if each.quantity > asked[each.position]:
                returnable = asked[each.position]
                raise RefundQuantityExceedsLine(position=each.position, returnable=returnable, requested=each.quantity)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One thing that happened. What is internal is for the staff alone."""

    id: UUID
    case_id: UUID
    kind: CaseEventKind
    at: datetime
    actor: Actor
    from_status: CaseStatus | None = None
    to_status: CaseStatus | None = None
    assignee_name: str | None = None
    text: str | None = None
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are looked for; None for all. Without ``status`` it is those that are not settled."""

    status: CaseStatus | None = None
    kind: CaseKind | None = None
    store_id: UUID | None = None
    assignee_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Somebody wants something. A member who opens one opens it for themselves, whatever ``member`` says."""

    kind: CaseKind
    subject: str
    idempotency_key: str
    request_hash: bytes
    purchase_id: UUID | None = None
    member: MemberRef | None = None
    store_id: UUID | None = None
    lines: tuple[CaseLine, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MoveCase:
    """The case goes on. ``reason`` is told to the member."""

    case_id: UUID
    status: CaseStatus
    idempotency_key: str
    request_hash: bytes
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NoteCase:
    """Somebody writes about the case."""

    case_id: UUID
    text: str
    is_internal: bool
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class AssignCase:
    """Somebody takes the case, or (None) nobody has it any more."""

    case_id: UUID
    assignee_id: UUID | None
    assignee_name: str | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """The sale of an exchange, in the purchase's currency; ``discount_minor`` as in `RecordPurchase`."""

    source: str
    external_id: str
    store_id: UUID
    lines: tuple[BoughtLine, ...]
    discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class CompleteCase:
    """It is done: goods are back, exchanged or repaired, the question is answered.

    ``returned`` is what was found where that is less than the case asks for; None: all of it.
    """

    case_id: UUID
    idempotency_key: str
    request_hash: bytes
    replacement: Replacement | None = None
    reason: str | None = None
    returned: tuple[ReturnedLine, ...] | None = None


@dataclass(frozen=True, slots=True)
class MovedCase:
    """The answer to every command about a case."""

    case_id: UUID
    replayed: bool
