"""Numbers, codes and bars of cards, links to the card's page, and the files that phones keep as passes."""

from services.loyalty.cards.domain.bars import BAR_TEXT_LENGTH_MAX, bars, can_be_bars
from services.loyalty.cards.domain.codes import (
    STEP,
    CardCode,
    Proof,
    Scanned,
    code_at,
    codes_from,
    new_number,
    scanned,
)
from services.loyalty.cards.domain.links import (
    CardLink,
    LinkCredential,
    OpenedLink,
    new_device_secret,
    new_link_secret,
    read_credential,
)
from services.loyalty.cards.domain.passes import IssuerKind, PassFacts, PassIssuer

__all__ = [
    "BAR_TEXT_LENGTH_MAX",
    "STEP",
    "CardCode",
    "CardLink",
    "IssuerKind",
    "LinkCredential",
    "OpenedLink",
    "PassFacts",
    "PassIssuer",
    "Proof",
    "Scanned",
    "bars",
    "can_be_bars",
    "code_at",
    "codes_from",
    "new_device_secret",
    "new_link_secret",
    "new_number",
    "read_credential",
    "scanned",
]
