"""Activities in one transaction end as if they had been told of one after the other; a refused one leaves no trace."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from threading import Barrier, BrokenBarrierError
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.activities import service
from services.loyalty.activities.domain import (
    CheckIn,
    CustomDeed,
    Deed,
    Mention,
    RecordActivity,
    RecordedActivity,
    Review,
    SurveyAnswer,
)
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain.publishing import PublishProgram, SaveProgramDraft
from services.loyalty.programs.queries import version_in_force
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from services.platform.db.wire import Answer, Line, Statement
from services.platform.errors import DomainError, InvalidInput
from services.platform.ids import new_id
from tests.support.builders.activity_documents import WORKSHOP, activity_document, bonus
from tests.support.builders.deeds import available, command
from tests.support.builders.documents import document
from tests.support.builders.merchant import Merchant

DAY = timedelta(days=1)
SILVER = [("base", 0, "1"), ("silver", 20, "2")]


def program(merchant: Merchant) -> None:
    everyone = {"limit": 100, "per": "lifetime", "owner": "everyone"}
    merchant.program(
        activity_document(
            bonus("check_in", 5, caps=[{"limit": 12, "per": "month"}]),
            bonus("mention", 60, caps=[everyone]),
            bonus("survey", 2),
            bonus("review", 3),
            bonus("custom_event", 4, event="workshop"),
            events=[WORKSHOP],
        )
    )


def told(merchant: Merchant, commands: Sequence[RecordActivity]) -> list[int | str]:
    """The points or the code of each."""
    outcomes = merchant.do(lambda uow: service.record_activities(uow, commands=commands))
    return [each.points if isinstance(each, RecordedActivity) else each.code for each in outcomes]


def deeds(merchant: Merchant, *done: tuple[UUID, Deed]) -> list[RecordActivity]:
    return [command(merchant, member, deed) for member, deed in done]


def test_each_sees_what_its_member_did_before_it(merchant: Merchant, store: Store) -> None:
    program(merchant)
    stores = [store, merchant.store("b"), merchant.store("c"), merchant.store("d")]
    ann, bob = merchant.member(), merchant.member()
    batch = deeds(
        merchant,
        *((ann, CheckIn(each.id)) for each in stores),
        (ann, Mention("https://weibo.example/1")),
        (bob, Mention("https://weibo.example/2")),
        (ann, Mention("https://weibo.example/3")),
        (ann, CheckIn(store.id)),
    )

    results = told(merchant, batch)

    # The first of each member come first, also to the cap of everybody.
    assert results == [5, 5, 2, 0, 40, 60, 0, "ACTIVITY_REPEATED"]
    assert (available(merchant, ann), available(merchant, bob)) == (52, 60)
    assert merchant.verdict().faults == ()


def test_a_refused_one_leaves_no_trace_and_keeps_no_other_back(merchant: Merchant, store: Store) -> None:
    program(merchant)
    ann, bob = merchant.member(), merchant.member(Identity(IdentityKind.CARD, "bob"))
    batch = deeds(
        merchant,
        (ann, Review("latte")),
        (new_id(), SurveyAnswer("nps", "1")),
        (ann, CheckIn(new_id())),
        (ann, CustomDeed("workshop", {"topic": ""})),
        (ann, CustomDeed("dance", {})),
        (bob, SurveyAnswer("nps", "2")),
        (ann, SurveyAnswer("nps", "2")),
    )
    by_card, unknown = (
        replace(each, member=Identity(IdentityKind.CARD, name))
        for each, name in zip(
            deeds(merchant, (bob, SurveyAnswer("nps", "3")), (bob, SurveyAnswer("nps", "4"))),
            ("bob", "eve"),
            strict=True,
        )
    )

    results = told(merchant, [*batch, by_card, unknown])

    assert results == [
        "PRODUCT_NOT_BOUGHT",
        "MEMBER_NOT_FOUND",
        "STORE_NOT_FOUND",
        "EVENT_DATA_INVALID",
        "EVENT_NOT_DECLARED",
        2,
        "ACTIVITY_REPEATED",
        2,
        "MEMBER_NOT_FOUND",
    ]
    assert len(merchant.rows("SELECT id FROM activities")) == 2
    kept = {row["key"] for row in merchant.rows("SELECT key FROM idempotency_keys WHERE operation = 'recordActivity'")}
    assert kept == {batch[5].idempotency_key, by_card.idempotency_key}


def test_repeats_are_answered_as_the_first_time(merchant: Merchant, store: Store) -> None:
    program(merchant)
    ann = merchant.member()
    visit, answer = deeds(merchant, (ann, CheckIn(store.id)), (ann, SurveyAnswer("nps", "1")))
    merchant.do(lambda uow: service.record_activity(uow, command=visit))
    other_key = command(merchant, ann, SurveyAnswer("nps", "1"), external_id=answer.external_id)
    other_input = command(merchant, ann, SurveyAnswer("nps", "9"), idempotency_key=answer.idempotency_key)
    other_content = command(merchant, ann, SurveyAnswer("nps", "8"), external_id=visit.external_id)

    results = merchant.do(
        lambda uow: service.record_activities(
            uow, commands=[visit, answer, answer, other_key, other_input, other_content]
        )
    )

    shown = [(each.points, each.replayed) if isinstance(each, RecordedActivity) else each.code for each in results]
    assert shown == [(5, True), (2, False), (2, True), (2, True), "IDEMPOTENCY_CONFLICT", "ACTIVITY_CONFLICT"]
    assert available(merchant, ann) == 7


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements went with each round trip."""
    found: list[int] = []
    exchange = Line.exchange

    def counted(line: Line, statements: Sequence[Statement]) -> list[Answer]:
        found.append(len(statements))
        return exchange(line, statements)

    monkeypatch.setattr(Line, "exchange", counted)
    return found


def trips_of(merchant: Merchant, trips: list[int], everybody: Sequence[UUID]) -> int:
    """The trips of one batch, an answer of each member."""
    batch = deeds(merchant, *((each, SurveyAnswer("nps", str(new_id()))) for each in everybody))
    trips.clear()
    assert told(merchant, batch) == [2] * len(everybody)
    return len(trips)


def test_many_members_take_as_many_trips_as_two(merchant: Merchant, trips: list[int]) -> None:
    program(merchant)

    taken = [trips_of(merchant, trips, [merchant.member() for _ in range(count)]) for count in (2, 60)]

    assert taken[0] == taken[1] <= 8


def test_a_program_that_is_there_no_more_costs_one_trip_once(merchant: Merchant, trips: list[int]) -> None:
    program(merchant)
    ann = [merchant.member()]
    usual = trips_of(merchant, trips, ann)

    def publish_in_vain(uow: UnitOfWork) -> None:
        saved = programs.save_draft(uow, command=SaveProgramDraft(document(levels=SILVER), 1))
        lost = programs.publish(uow, command=PublishProgram(saved.revision))
        assert version_in_force(uow, at=uow.now) == lost
        raise LookupError

    with pytest.raises(LookupError):
        merchant.do(publish_in_vain)

    assert [trips_of(merchant, trips, ann) for _ in range(3)] == [usual + 1, usual, usual]


def test_batches_that_race_do_everything_once(merchant: Merchant, store: Store) -> None:
    program(merchant)
    everybody = [merchant.member() for _ in range(6)]
    batches = [
        deeds(merchant, *((each, CheckIn(store.id)) for each in (everybody if number % 2 else everybody[::-1])))
        for number in range(6)
    ]

    with ThreadPoolExecutor(max_workers=6) as threads:
        results = [each for found in threads.map(lambda batch: told(merchant, batch), batches) for each in found]

    assert sorted(results, key=str) == [5] * 6 + ["ACTIVITY_REPEATED"] * 30
    assert [available(merchant, each) for each in everybody] == [5] * 6


def test_batches_that_fill_caps_of_everybody_do_not_wait_for_each_other_in_a_circle(
    merchant: Merchant, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.program(
        activity_document(bonus("survey", 2, caps=[{"limit": 100, "per": "day", "owner": "everyone"}]), timezone="UTC")
    )
    merchant.now += DAY
    days = (merchant.now, merchant.now - DAY)
    batches = [
        [command(merchant, each, SurveyAnswer("nps", str(new_id())), occurred_at=day) for day in order]
        for each, order in ((merchant.member(), days), (merchant.member(), days[::-1]))
    ]
    module = import_module("services.loyalty.activities.service.record_activities")
    keep, both = module.keep, Barrier(2)

    def meeting(*judged: Any, **more: Any) -> set[UUID]:
        # Both have locked what they were told of first, where that can be.
        with suppress(BrokenBarrierError):
            both.wait(timeout=1)
        stored: set[UUID] = keep(*judged, **more)
        return stored

    monkeypatch.setattr(module, "keep", meeting)
    with ThreadPoolExecutor(max_workers=2) as threads:
        results = list(threads.map(lambda batch: told(merchant, batch), batches))

    assert results == [[2, 2], [2, 2]]
    used = merchant.rows("SELECT start::text, used FROM cap_fillings ORDER BY start")
    assert [row["used"] for row in used] == [4, 4]


def test_caps_of_everybody_cost_one_trip_more_and_what_is_refused_leaves_none(
    merchant: Merchant, trips: list[int]
) -> None:
    everyone = {"limit": 100, "per": "day", "owner": "everyone"}
    merchant.program(activity_document(bonus("survey", 2), bonus("mention", 2, caps=[everyone])))
    ann = merchant.member()
    without = trips_of(merchant, trips, [ann])
    trips.clear()
    late = command(merchant, ann, Mention("https://weibo.example/0"), occurred_at=merchant.now - 31 * DAY)
    assert told(merchant, [late]) == ["OCCURRED_TOO_LONG_AGO"]
    assert merchant.rows("SELECT used FROM cap_fillings") == []
    trips.clear()

    assert told(merchant, deeds(merchant, (ann, Mention("https://weibo.example/1")))) == [2]

    assert len(trips) == without + 1


def test_a_batch_has_bounds(merchant: Merchant) -> None:
    ann = merchant.member()
    refused: list[DomainError] = []
    for count in (0, 201):
        batch = deeds(merchant, *((ann, SurveyAnswer("nps", str(number))) for number in range(count)))
        with pytest.raises(InvalidInput) as caught:
            told(merchant, batch)
        refused.append(caught.value)

    assert [each.facts()["reason"] for each in refused] == ["COUNT_OUT_OF_RANGE"] * 2
