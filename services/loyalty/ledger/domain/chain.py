r"""The hash chain of a holder's entries: a flipped bit, a missing or a moved entry is found.

``hash = SHA-256(b"regulars-ledger-entry-v1\n" + prev_hash + text)``, where ``text`` is the entry as canonical JSON in
UTF-8: the keys of ``entry_text`` in sorted order, no white space, non-ASCII characters as they are, ids in lower-case
hyphenated form, instants in UTC with six digits (``2017-03-01T09:30:00.000000Z``), numbers whole. JSON quotes its
strings, so no two entries have one text. The first entry of a chain follows ``GENESIS_HASH``.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import orjson

from services.loyalty.ledger.domain.accounts import AccountRef
from services.loyalty.ledger.domain.entries import Entry, EntryDraft, assert_balanced

GENESIS_HASH = bytes(32)
_PREFIX = b"regulars-ledger-entry-v1\n"


class ChainFaultKind(StrEnum):
    """What is wrong at a place of a chain."""

    ALTERED = "altered"
    """The entry's hash is not that of its content."""
    UNLINKED = "unlinked"
    """The entry does not name the hash of the entry before it."""
    OUT_OF_SEQUENCE = "out_of_sequence"
    """The entry's number does not follow: an entry is missing, doubled or moved."""
    FOREIGN = "foreign"
    """The entry belongs to another chain."""
    HEAD_DIFFERS = "head_differs"
    """The chain does not end where its owner says it ends: the last entries are missing, or one is too many."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain ends: number and hash of its last entry (0 and ``GENESIS_HASH`` before the first)."""

    seq: int = 0
    hash: bytes = GENESIS_HASH


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One fault of a chain; ``entry_id`` is None where the fault is an absence at the end."""

    kind: ChainFaultKind
    holder_id: UUID | None
    seq: int
    entry_id: UUID | None


def seal(draft: EntryDraft, *, head: ChainHead) -> Entry:
    """The draft as the next entry of the chain that ends at ``head``.

    Raises:
        ValueError: the draft is not balanced.
    """
    assert_balanced(draft)
    seq = head.seq + 1
    digest = entry_hash(head.hash, draft, seq=seq)
    return Entry(draft.header, draft.kind, seq, draft.postings, draft.lot_movements, head.hash, digest)


def head_of(entry: Entry) -> ChainHead:
    """Where the chain ends once the entry is its last."""
    return ChainHead(entry.seq, entry.hash)


def entry_hash(prev_hash: bytes, entry: EntryDraft | Entry, *, seq: int) -> bytes:
    """The 32 bytes that bind an entry's content to its number and to the entry before it."""
    return hashlib.sha256(_PREFIX + prev_hash + entry_text(entry, seq=seq)).digest()


def entry_text(entry: EntryDraft | Entry, *, seq: int) -> bytes:
    """The canonical text of an entry that is hashed; see the module."""
    header = entry.header
    content = {
        "actor": [header.actor.kind, header.actor.id],
        "holder": header.holder_id,
        "id": header.id,
        "kind": entry.kind,
        "movements": [[m.position, m.lot_id, m.purpose, m.delta] for m in entry.lot_movements],
        "occurredAt": _instant(header.occurred_at),
        "postings": [[p.position, p.unit, _account(p.debit), _account(p.credit), p.amount] for p in entry.postings],
        "programVersion": header.program_version_id,
        "reason": header.reason,
        "recordedAt": _instant(header.recorded_at),
        "reference": None if header.reference is None else [header.reference.kind, header.reference.id],
        "seq": seq,
        "store": header.store_id,
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def verify_chain(entries: Iterable[Entry], *, head: ChainHead | None = None) -> tuple[ChainFault, ...]:
    """The faults of one holder's chain, whose entries come in the order of their numbers and from the first on.

    Give ``head``, what the holder's row says, to find entries missing at the end.
    """
    faults: list[ChainFault] = []
    end = ChainHead()
    owner: UUID | None = None
    for index, entry in enumerate(entries):
        owner = entry.header.holder_id if index == 0 else owner
        checks = (
            (entry.header.holder_id != owner, ChainFaultKind.FOREIGN),
            (entry.seq != end.seq + 1, ChainFaultKind.OUT_OF_SEQUENCE),
            (entry.prev_hash != end.hash, ChainFaultKind.UNLINKED),
            (entry.hash != entry_hash(entry.prev_hash, entry, seq=entry.seq), ChainFaultKind.ALTERED),
        )
        faults += [ChainFault(kind, owner, entry.seq, entry.header.id) for broken, kind in checks if broken]
        end = head_of(entry)
    if head is not None and head != end:
        faults.append(ChainFault(ChainFaultKind.HEAD_DIFFERS, owner, head.seq, None))
    return tuple(faults)


def _account(account: AccountRef) -> list[UUID | str | None]:
    return [account.holder_id, account.purpose]


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
