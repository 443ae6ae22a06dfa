"""Accounts and the one movement between them."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.platform.money import AMOUNT_MAX


class Purpose(StrEnum):
    """What an account is for. The first four belong to a holder, the others to the program."""

    PENDING = "pending"
    AVAILABLE = "available"
    HELD = "held"
    OWED = "owed"
    ISSUANCE = "issuance"
    REDEMPTION = "redemption"
    BREAKAGE = "breakage"
    ADJUSTMENT = "adjustment"
    CLEARING = "clearing"


HOLDER_PURPOSES = frozenset({Purpose.PENDING, Purpose.AVAILABLE, Purpose.HELD, Purpose.OWED})
PROGRAM_PURPOSES = frozenset(Purpose) - HOLDER_PURPOSES
LOT_PURPOSES = frozenset({Purpose.PENDING, Purpose.AVAILABLE, Purpose.HELD})
"""The holder accounts whose balance is the sum of lots."""


@dataclass(frozen=True, slots=True)
class AccountRef:
    """One account by its address; ``holder_id`` is None for an account of the program.

    Raises:
        ValueError: the purpose does not belong to such an owner.
    """

    holder_id: UUID | None
    unit: str
    purpose: Purpose

    def __post_init__(self) -> None:
        if (self.purpose in HOLDER_PURPOSES) != (self.holder_id is not None):
            message = f"an account cannot be {self.purpose} of {self.holder_id or 'the program'}"
            raise ValueError(message)

    @property
    def address(self) -> str:
        """The account in words: ``<holder id>:<unit>:<purpose>``, with ``program`` in the place of a missing holder."""
        return f"{self.holder_id or 'program'}:{self.unit}:{self.purpose}"


@dataclass(frozen=True, slots=True)
class Posting:
    """``amount`` smallest parts of ``unit`` move from ``debit`` to ``credit``; ``position`` counts from 1.

    Raises:
        ValueError: the amount is not within 1 and ``AMOUNT_MAX``, the units differ, or both sides are one account.
    """

    position: int
    unit: str
    debit: AccountRef
    credit: AccountRef
    amount: int

    def __post_init__(self) -> None:
        if not 0 < self.amount <= AMOUNT_MAX:
            message = f"a posting cannot move {self.amount}"
            raise ValueError(message)
        if not self.debit.unit == self.credit.unit == self.unit or self.debit == self.credit:
            message = f"a posting cannot go from {self.debit.address} to {self.credit.address}"
            raise ValueError(message)
