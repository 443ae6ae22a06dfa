import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from uuid import UUID

import pytest

from services.loyalty.ledger.domain import (
    GENESIS_HASH,
    ChainFault,
    ChainFaultKind,
    ChainHead,
    Entry,
    Purpose,
    accrual_entry,
    adjustment_debit_entry,
    entry_hash,
    entry_text,
    head_of,
    redemption_entry,
    seal,
    verify_chain,
)
from services.platform.actors import Actor, ActorKind
from tests.unit.loyalty.ledger.samples import HOLDER, header, lot, taken


def chain(length: int = 4) -> list[Entry]:
    entries: list[Entry] = []
    head = ChainHead()
    for number in range(1, length + 1):
        draft = (
            accrual_entry(header(number), lots=[lot(number, 6)])
            if number % 2
            else redemption_entry(header(number), unit="points", movements=taken((number - 1, 5)))
        )
        entries.append(seal(draft, head=head))
        head = head_of(entries[-1])
    return entries


def test_the_hashed_text_is_the_documented_one() -> None:
    draft = adjustment_debit_entry(header(1, reason='退货 "x"'), unit="points", movements=taken((1, 6)))

    text = (
        '{"actor":["system",null],"holder":"00000000-0000-0000-0000-00000000000a",'
        '"id":"00000000-0000-0000-0000-0000000003e9","kind":"adjustment",'
        '"movements":[[1,"00000000-0000-0000-0000-000000000001","available",-6]],'
        '"occurredAt":"2017-03-01T12:00:00.000000Z",'
        '"postings":[[1,"points",["00000000-0000-0000-0000-00000000000a","available"],[null,"adjustment"],6]],'
        '"programVersion":"00000000-0000-0000-0000-00000000000d","reason":"退货 \\"x\\"",'
        '"recordedAt":"2017-03-01T12:00:01.000000Z",'
        '"reference":["purchase","00000000-0000-0000-0000-00000000000b"],"seq":7,'
        '"store":"00000000-0000-0000-0000-00000000000c"}'
    ).encode()
    assert entry_text(draft, seq=7) == text
    assert (
        entry_hash(GENESIS_HASH, draft, seq=7)
        == hashlib.sha256(b"regulars-ledger-entry-v1\n" + bytes(32) + text).digest()
    )


def test_the_zone_in_which_an_instant_is_written_does_not_matter() -> None:
    draft = accrual_entry(header(), lots=[lot(1, 6)])
    zone = timezone(timedelta(hours=8))
    elsewhere = replace(draft, header=replace(draft.header, occurred_at=draft.header.occurred_at.astimezone(zone)))

    assert entry_text(elsewhere, seq=1) == entry_text(draft, seq=1)


def test_a_whole_chain_has_no_fault() -> None:
    entries = chain()

    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert entries[0].prev_hash == GENESIS_HASH
    assert verify_chain(entries, head=head_of(entries[-1])) == ()
    assert verify_chain([], head=ChainHead()) == ()


def altered(entry: Entry, **changes: object) -> Entry:
    return replace(entry, header=replace(entry.header, **changes))  # type: ignore[arg-type]  # any field of a header


TAMPERINGS: list[Callable[[Entry], Entry]] = [
    lambda e: replace(e, postings=(replace(e.postings[0], amount=6),)),
    lambda e: replace(
        e, postings=(replace(e.postings[0], credit=replace(e.postings[0].credit, purpose=Purpose.BREAKAGE)),)
    ),
    lambda e: replace(e, lot_movements=(replace(e.lot_movements[0], delta=-4),)),
    lambda e: replace(e, lot_movements=(replace(e.lot_movements[0], lot_id=UUID(int=77)),)),
    lambda e: altered(e, reason="because"),
    lambda e: altered(e, store_id=None),
    lambda e: altered(e, program_version_id=UUID(int=77)),
    lambda e: altered(e, actor=Actor(ActorKind.STAFF, UUID(int=77))),
    lambda e: altered(e, reference=None),
    lambda e: altered(e, occurred_at=e.header.occurred_at + timedelta(microseconds=1)),
    lambda e: altered(e, recorded_at=e.header.recorded_at - timedelta(microseconds=1)),
    lambda e: altered(e, id=UUID(int=77)),
    lambda e: replace(e, kind=chain(1)[0].kind),
]


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_any_altered_fact_is_found_where_it_stands(tamper: Callable[[Entry], Entry]) -> None:
    entries = chain()
    entries[1] = tamper(entries[1])

    faults = verify_chain(entries, head=head_of(entries[-1]))

    assert faults == (ChainFault(ChainFaultKind.ALTERED, HOLDER, 2, entries[1].header.id),)


def test_every_flipped_bit_of_a_hash_is_found() -> None:
    first, second, third = chain(3)

    for bit in range(256):
        flipped = (int.from_bytes(second.hash, "big") ^ (1 << bit)).to_bytes(32, "big")
        faults = verify_chain([first, replace(second, hash=flipped), third])
        assert [fault.kind for fault in faults] == [ChainFaultKind.ALTERED, ChainFaultKind.UNLINKED]


def test_a_missing_entry_is_found() -> None:
    entries = chain()
    head = head_of(entries[-1])
    del entries[1]

    assert [(fault.kind, fault.seq) for fault in verify_chain(entries, head=head)] == [
        (ChainFaultKind.OUT_OF_SEQUENCE, 3),
        (ChainFaultKind.UNLINKED, 3),
    ]


def test_missing_last_and_first_entries_are_found() -> None:
    entries = chain()
    head = head_of(entries[-1])

    assert [fault.kind for fault in verify_chain(entries[:-1], head=head)] == [ChainFaultKind.HEAD_DIFFERS]
    assert [fault.kind for fault in verify_chain([], head=head)] == [ChainFaultKind.HEAD_DIFFERS]
    assert verify_chain(entries[1:], head=head)[0].kind is ChainFaultKind.OUT_OF_SEQUENCE


def test_reordered_entries_are_found() -> None:
    entries = chain()
    entries[1], entries[2] = entries[2], entries[1]

    assert {fault.kind for fault in verify_chain(entries)} == {ChainFaultKind.OUT_OF_SEQUENCE, ChainFaultKind.UNLINKED}


def test_renumbered_entries_are_found() -> None:
    entries = chain()
    del entries[1]
    entries[1:] = [replace(entry, seq=entry.seq - 1) for entry in entries[1:]]

    assert {fault.kind for fault in verify_chain(entries)} == {ChainFaultKind.ALTERED, ChainFaultKind.UNLINKED}


def test_an_entry_of_another_holder_is_found() -> None:
    entries = chain()
    entries[2] = altered(entries[2], holder_id=UUID(int=0xE))

    assert [fault.kind for fault in verify_chain(entries)] == [ChainFaultKind.FOREIGN, ChainFaultKind.ALTERED]


def test_a_rewritten_chain_does_not_end_where_its_owner_says() -> None:
    entries = chain()
    head = head_of(entries[-1])
    rewritten = chain(3)
    rewritten.append(seal(accrual_entry(header(4), lots=[lot(4, 6_000)]), head=head_of(rewritten[-1])))

    assert [fault.kind for fault in verify_chain(rewritten, head=head)] == [ChainFaultKind.HEAD_DIFFERS]


def test_any_reason_is_written_as_json_writes_it() -> None:
    reason = "".join(map(chr, range(1, 0x180))) + "\u2028\ufeff\U0001f375"
    draft = adjustment_debit_entry(header(1, reason=reason), unit="points", movements=taken((1, 6)))

    text = entry_text(draft, seq=7)

    assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    assert json.loads(text)["reason"] == reason
