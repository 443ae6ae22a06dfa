"""A program's life: versions that begin later, that are taken back and restored, and what must stay."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from services.loyalty.programs import queries
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain.publishing import (
    ProgramVersion,
    PublishedVersion,
    PublishProgram,
    RollBackProgram,
    SaveProgramDraft,
    WithdrawProgramVersion,
)
from services.loyalty.programs.errors import (
    ProgramDocumentInvalid,
    ProgramStartsInPast,
    ProgramUnitFixed,
    ProgramVersionBegun,
    ProgramVersionNotFound,
)
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_refusals import refused
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant
from tests.unit.loyalty.programs.plain import plain_data

WEEK = timedelta(days=7)


def publish(merchant: Merchant, data: dict[str, Any], effective_from: datetime | None = None) -> ProgramVersion:
    def work(uow: Any) -> ProgramVersion:
        there = queries.draft(uow)
        saved = programs.save_draft(uow, command=SaveProgramDraft(data, there.revision if there else None))
        return programs.publish(uow, command=PublishProgram(saved.revision, effective_from))

    return merchant.do(work)


def roll_back(merchant: Merchant, number: int, effective_from: datetime | None = None) -> ProgramVersion:
    command = RollBackProgram(number, effective_from)
    return merchant.do(lambda uow: programs.roll_back(uow, command=command))


def withdraw(merchant: Merchant, number: int) -> PublishedVersion:
    return merchant.do(lambda uow: programs.withdraw(uow, command=WithdrawProgramVersion(number)))


def in_force(merchant: Merchant, *at: datetime) -> list[int | None]:
    def work(session: Any) -> list[int | None]:
        found = [queries.version_in_force(session, at=instant) for instant in at]
        return [version.number if version else None for version in found]

    return merchant.read(work)


def units(*codes: str, scale: int = 0) -> list[dict[str, Any]]:
    return [{"code": code, "name": {"en": code, "zh": code}, "scale": scale} for code in codes]


def test_a_version_begins_when_it_says_and_can_be_taken_back_until_then(merchant: Merchant, dump: Dump) -> None:
    publish(merchant, document())
    later = publish(merchant, document(rules=[rule(points=2)]), NOW + WEEK)
    publish(merchant, document(rules=[rule(points=3)]))

    # What is published now counts now; what was set for later still takes its turn.
    assert later.effective_from == NOW + WEEK
    assert in_force(merchant, NOW, NOW + WEEK - timedelta(microseconds=1), NOW + WEEK) == [3, 3, 2]

    merchant.now = NOW + timedelta(days=1)
    taken_back = withdraw(merchant, 2)
    again = withdraw(merchant, 2)

    assert taken_back.withdrawn_at == again.withdrawn_at == NOW + timedelta(days=1)
    assert in_force(merchant, NOW + WEEK, NOW + 9 * WEEK) == [3, 3]
    history = merchant.read(lambda session: queries.versions_page(session, limit=9))
    assert [(version.number, version.withdrawn_at is None) for version in history] == [(3, True), (2, False), (1, True)]
    refused(lambda: withdraw(merchant, 3), dump, ProgramVersionBegun, number=3, effective_from=NOW)
    refused(lambda: withdraw(merchant, 4), dump, ProgramVersionNotFound, number=4)


def test_a_purchase_is_judged_by_the_version_in_force_when_it_happened(merchant: Merchant) -> None:
    publish(merchant, document())
    publish(merchant, document(rules=[rule(points=2)]), NOW + WEEK)
    store, member = merchant.store(), merchant.member()

    before = merchant.buy(store, member, 1000)
    merchant.now = NOW + WEEK
    late = merchant.buy(store, member, 1000, occurred_at=NOW + WEEK - timedelta(minutes=1))
    at_last = merchant.buy(store, member, 1000)

    assert [before.points, late.points, at_last.points] == [10, 10, 20]


def test_an_older_version_is_restored_and_the_history_stays(merchant: Merchant, dump: Dump) -> None:
    first = publish(merchant, document())
    publish(merchant, document(rules=[rule(points=2)]))
    draft = merchant.read(queries.draft)
    merchant.now = NOW + timedelta(hours=1)

    restored = roll_back(merchant, 1)
    planned = roll_back(merchant, 2, NOW + WEEK)
    again = [roll_back(merchant, 1), roll_back(merchant, 2, NOW + WEEK)]

    assert (restored.number, restored.restores_number, restored.effective_from) == (3, 1, merchant.now)
    assert restored.document == first.document
    assert again == [restored, planned]
    assert (planned.number, planned.restores_number) == (4, 2)
    assert in_force(merchant, NOW, merchant.now, NOW + WEEK) == [2, 3, 4]
    assert merchant.read(queries.draft) == draft
    history = merchant.read(lambda session: queries.versions_page(session, limit=9))
    assert [(version.number, version.restores_number) for version in history] == [(4, 2), (3, 1), (2, None), (1, None)]
    assert merchant.read(lambda session: queries.version_by_id(session, version_id=restored.id)) == restored
    refused(lambda: roll_back(merchant, 9), dump, ProgramVersionNotFound, number=9)


def test_what_a_clock_that_is_behind_publishes_comes_in_force(merchant: Merchant) -> None:
    ahead = NOW + timedelta(seconds=3)
    first, later = publish(merchant, document(rules=[rule(per=10)])), NOW + WEEK
    publish(merchant, document(rules=[rule(per=30)]), later)
    merchant.now = ahead
    second = publish(merchant, document(rules=[rule(per=20)]))
    merchant.now = NOW
    published = publish(merchant, document(rules=[rule(per=40)]))
    with pytest.raises(ProgramVersionBegun):
        withdraw(merchant, second.number)
    back = roll_back(merchant, first.number)
    again = roll_back(merchant, first.number)
    soon = publish(merchant, document(rules=[rule(per=50)]), NOW + timedelta(seconds=1))

    assert (published.effective_from, back.effective_from, soon.effective_from) == (ahead, ahead, ahead)
    assert [each.number for each in (first, second, published, back, again, soon)] == [1, 3, 4, 5, 5, 6]
    assert in_force(merchant, NOW, ahead, later) == [1, 6, 2]


def test_nothing_begins_in_the_past(merchant: Merchant, dump: Dump) -> None:
    publish(merchant, document())
    moment_ago = NOW - timedelta(microseconds=1)

    refused(lambda: publish(merchant, document(), moment_ago), dump, ProgramStartsInPast, effective_from=moment_ago)
    refused(lambda: roll_back(merchant, 1, moment_ago), dump, ProgramStartsInPast)


def test_until_somebody_has_points_everything_may_change(merchant: Merchant) -> None:
    publish(merchant, document())

    assert publish(merchant, document(unit="stars", currency="USD")).document.unit.code == "stars"


def test_units_that_members_have_points_of_stay(merchant: Merchant, dump: Dump) -> None:
    several = plain_data({"/units": units("points", "miles")})
    publish(merchant, several)
    member = merchant.member()
    merchant.buy(merchant.store(), member, 10000)

    refused(
        lambda: publish(merchant, plain_data({"/units": units("miles")})),
        dump,
        ProgramUnitFixed,
        field="units",
        expected="points",
        given="miles",
    )
    refused(
        lambda: publish(merchant, plain_data({"/units": units("points", scale=2)})),
        dump,
        ProgramUnitFixed,
        field="units.points.scale",
        expected="0",
        given="2",
    )
    refused(
        lambda: publish(merchant, plain_data({"/units": units("miles", "points")})),
        dump,
        ProgramUnitFixed,
        field="units.0",
    )
    refused(lambda: publish(merchant, plain_data({"/currency": "USD"})), dump, ProgramUnitFixed, field="currency")
    # Nobody has miles: they may go, and another unit may come.
    assert publish(merchant, plain_data({"/units": units("points", "stars")})).number == 2


def test_a_version_for_later_binds_as_well(merchant: Merchant, dump: Dump) -> None:
    publish(merchant, plain_data())
    merchant.buy(merchant.store(), merchant.member(), 10000)
    publish(merchant, plain_data({"/units": units("points", "stars")}), NOW + WEEK)

    refused(lambda: publish(merchant, plain_data({"/units": units("stars")}), NOW + 2 * WEEK), dump, ProgramUnitFixed)


def test_documents_that_were_kept_in_the_first_version_are_read_as_today(merchant: Merchant) -> None:
    old = document(rules=[rule(conditions={"stores": ["main"]})])
    publish(merchant, old)
    with merchant.uow() as uow:
        for table in ("program_drafts", "program_versions"):
            uow.execute(f"UPDATE {table} SET document = %(document)s".encode(), {"document": Jsonb(old)})

    draft = merchant.read(queries.draft)
    version = merchant.read(lambda session: queries.published_version(session, number=1))
    current = merchant.read(lambda session: queries.version_in_force(session, at=NOW))

    assert draft is not None
    assert version is not None
    assert current is not None
    assert draft.document == version.document
    assert draft.document["rules"][0]["when"] == {"field": "store.code", "op": "in", "value": ["main"]}
    assert merchant.read(lambda session: queries.changes(session, before=1, after=None)) == ()


def test_changes_are_told_between_versions_and_the_draft(merchant: Merchant) -> None:
    publish(merchant, plain_data())
    publish(merchant, plain_data({"/rules/0/priority": 5}))
    merchant.do(lambda uow: programs.save_draft(uow, command=SaveProgramDraft(plain_data({"/name/en": "Club"}), 2)))

    def told(before: int | None, after: int | None) -> list[str] | None:
        found = merchant.read(lambda session: queries.changes(session, before=before, after=after))
        return None if found is None else [change.path for change in found]

    assert told(1, 2) == ["/rules/base/priority"]
    assert told(2, None) == ["/name/en", "/rules/base/priority"]
    assert told(None, 1) == ["/name/en"]
    assert told(1, 1) == []
    assert told(1, 3) is None


def test_a_published_draft_is_checked_again(merchant: Merchant, dump: Dump) -> None:
    publish(merchant, plain_data())
    unsound = plain_data({"/rules/0/unit": "gone"})
    with merchant.uow() as uow:
        uow.execute(b"UPDATE program_drafts SET document = %(document)s", {"document": Jsonb(unsound)})

    refused(
        lambda: merchant.do(lambda uow: programs.publish(uow, command=PublishProgram(1))), dump, ProgramDocumentInvalid
    )


@pytest.mark.parametrize(
    "statement", [b"UPDATE program_withdrawals SET withdrawn_at = now()", b"DELETE FROM program_withdrawals"]
)
def test_what_was_withdrawn_stays_written(merchant: Merchant, statement: bytes) -> None:
    with pytest.raises(InsufficientPrivilege), merchant.uow() as uow:
        uow.execute(statement, {})
