"""The number on a card, and the code that a phone shows instead: it changes every half minute.

A rotating code is ``RC1.<number>.<step>.<mac>``: the step counts half minutes since 1970, and the last part is the
first 80 bits of HMAC-SHA256 (RFC 2104, truncated as RFC 2104, 5, permits) over number and step, in Base32 (RFC 4648),
under a key of the tenant's own. Nothing of a code is stored, and a picture of one is worthless a minute later. A till
without a connection reads the number from it.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from services.loyalty.cards.errors import CardCodeExpired, CardCodeInvalid
from services.platform.text import check_text

STEP = timedelta(seconds=30)
STEPS_ASTRAY = 1
"""By how many steps the clock of the phone and ours may differ, either way."""
PREFIX = "RC1."
MAC_BYTES = 10
CODES_MAX = 60
SCAN_LENGTH_MAX = 160
NUMBER_DIGITS = 16
ISSUED_FIRST_DIGIT = "9"
"""Numbers of ours begin with a digit with which no bank's card does (ISO/IEC 7812-1 leaves it to national use)."""

_STEP_SECONDS = int(STEP.total_seconds())
_LAST_PARTS = re.compile(r"([0-9]{1,12})\.([A-Z2-7]{16})")


class Proof(StrEnum):
    """What a scan proves."""

    ROTATING = "rotating"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class CardCode:
    """A code for one step: shown from ``valid_from`` until ``valid_until``, and taken a step before and after."""

    text: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scanner read: the number of a card, and whether a phone has just shown it."""

    number: str
    proof: Proof


def code_at(number: str, *, key: bytes, at: datetime) -> CardCode:
    """The code of a card at an instant. ``key`` is the tenant's."""
    return _code(number, key=key, step=_step_at(at))


def codes_from(number: str, *, key: bytes, at: datetime, count: int) -> tuple[CardCode, ...]:
    """The codes of a card from an instant on, one after the other: a phone without a connection goes on with them."""
    assert 0 < count <= CODES_MAX
    first = _step_at(at)
    return tuple(_code(number, key=key, step=step) for step in range(first, first + count))


def scanned(text: str, *, key: bytes, now: datetime) -> Scanned:
    """What a scanner's text says: a rotating code that is good now, or else the number that stands on a card.

    Raises:
        CardCodeInvalid: a rotating code that this tenant did not make.
        CardCodeExpired: a rotating code of more than a step ago or ahead.
        InvalidInput: blank, too long, or with control characters.
    """
    text = check_text(text, field="text", length_max=SCAN_LENGTH_MAX)
    # A scanner whose keyboard locks capitals must not make a code of ours look like a card's number.
    if not text.upper().startswith(PREFIX):
        return Scanned(text, Proof.NUMBER)
    number, _, rest = text[len(PREFIX) :].rpartition(".")
    number, _, step_text = number.rpartition(".")
    match = _LAST_PARTS.fullmatch(f"{step_text}.{rest.upper()}")
    if match is None or not number:
        raise CardCodeInvalid
    step = int(match[1])
    # One step has one spelling.
    if not hmac.compare_digest(_mac(number, key=key, step=step), match[2]) or str(step) != match[1]:
        raise CardCodeInvalid
    if abs(step - _step_at(now)) > STEPS_ASTRAY:
        raise CardCodeExpired(expired_at=_begin_of(step + 1 + STEPS_ASTRAY))
    return Scanned(number, Proof.ROTATING)


def new_number() -> str:
    """The number of a new card: 16 digits nobody can guess, the last of them a check digit (Luhn, ISO/IEC 7812-1)."""
    digits = ISSUED_FIRST_DIGIT + "".join(secrets.choice("0123456789") for _ in range(NUMBER_DIGITS - 2))
    return digits + str(check_digit(digits))


def check_digit(digits: str) -> int:
    """The digit by which a row of digits passes Luhn's test."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  the digits of 10 to 18 are summed
    return -total % 10


def _code(number: str, *, key: bytes, step: int) -> CardCode:
    text = f"{PREFIX}{number}.{step}.{_mac(number, key=key, step=step)}"
    return CardCode(text, valid_from=_begin_of(step), valid_until=_begin_of(step + 1))


def _mac(number: str, *, key: bytes, step: int) -> str:
    # The step comes first and has no dot, so that no two pairs are written the same way.
    told = f"{step}.{number}".encode()
    return base64.b32encode(hmac.digest(key, told, "sha256")[:MAC_BYTES]).decode()


def _step_at(at: datetime) -> int:
    return int(at.timestamp()) // _STEP_SECONDS


def _begin_of(step: int) -> datetime:
    # A step that is not ours may lie beyond what a calendar holds; its code is refused before anybody asks.
    return datetime.fromtimestamp(step * _STEP_SECONDS, UTC)
