"""Birthdays and anniversaries: where they begin, once a year, in pages, and never for years that were missed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from services.loyalty.activities import service
from services.loyalty.activities.tasks import ERRANDS
from services.loyalty.members import service as members
from services.loyalty.members.domain import UpdateMember
from tests.support.builders.activity_documents import activity_document, bonus
from tests.support.builders.deeds import available, run_errands
from tests.support.builders.merchant import Merchant

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("born", "zone", "leap", "begins"),
    [
        (date(1990, 5, 17), "Asia/Shanghai", "february_28", "2026-05-16T16:00:00+00:00"),
        (date(1990, 5, 17), "America/Los_Angeles", "february_28", "2026-05-17T07:00:00+00:00"),
        (date(1990, 3, 29), "Europe/Berlin", "february_28", "2026-03-28T23:00:00+00:00"),
        # There is no midnight on this day in Santiago.
        (date(1990, 9, 6), "America/Santiago", "february_28", "2026-09-06T04:00:00+00:00"),
        (date(2000, 2, 29), "Asia/Shanghai", "february_28", "2027-02-27T16:00:00+00:00"),
        (date(2000, 2, 29), "Asia/Shanghai", "march_1", "2027-02-28T16:00:00+00:00"),
    ],
)
def test_a_birthday_begins_where_the_member_lives(
    merchant: Merchant, born: date, zone: str, leap: str, begins: str
) -> None:
    merchant.program(activity_document(bonus("birthday", 8), policies={"leapBirthday": leap}))
    member = merchant.member(birthday=born, timezone=zone)
    at = datetime.fromisoformat(begins)

    merchant.now = at - timedelta(seconds=1)
    run_errands(merchant)
    before = available(merchant, member)
    merchant.now = at
    run_errands(merchant)
    run_errands(merchant)

    assert (before, available(merchant, member)) == (0, 8)
    told = merchant.rows("SELECT occurred_at FROM activities WHERE trigger = 'birthday'")
    assert [row["occurred_at"] for row in told] == [at]
    merchant.now = at + 300 * DAY
    run_errands(merchant)
    assert available(merchant, member) == 8


def test_leap_days_are_kept_on_themselves(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("birthday", 8), policies={"leapBirthday": "march_1"}))
    member = merchant.member(birthday=date(2000, 2, 29))

    merchant.now = datetime.fromisoformat("2028-02-28T15:59:59+00:00")
    run_errands(merchant)
    early = available(merchant, member)
    merchant.now += timedelta(seconds=1)
    run_errands(merchant)

    assert (early, available(merchant, member)) == (0, 8)


def test_a_birthday_that_is_edited_waits_and_missed_years_do_not_add_up(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("birthday", 8), policies={"birthdayLeadDays": 365}))
    kept, edited, gone = (merchant.member(birthday=date(1990, 4, 1)) for _ in range(3))
    tomorrow = UpdateMember(edited, birthday=date(1990, 3, 3))
    merchant.do(lambda uow: service.update_member(uow, command=tomorrow))
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=gone))

    # The day that was chosen has come, where the member lives.
    merchant.now = datetime.fromisoformat("2026-03-02T16:00:00+00:00")
    run_errands(merchant)
    assert available(merchant, edited) == 0
    merchant.now = datetime.fromisoformat("2026-04-02T00:00:00+00:00")
    run_errands(merchant)
    in_2026 = [available(merchant, member) for member in (kept, edited, gone)]
    merchant.now = datetime.fromisoformat("2027-03-04T00:00:00+00:00")
    run_errands(merchant)
    in_2027 = [available(merchant, member) for member in (kept, edited, gone)]
    merchant.now = datetime.fromisoformat("2030-04-03T00:00:00+00:00")
    run_errands(merchant)

    assert in_2026 == [8, 0, 0]
    assert in_2027 == [8, 8, 0]
    # 2027, 2028 and 2029 of the first were missed, and so was the other's day of 2030 by a month.
    assert [available(merchant, member) for member in (kept, edited, gone)] == [16, 8, 0]


def test_years_of_membership_are_counted(merchant: Merchant) -> None:
    second = {"field": "event.years", "op": "ge", "value": 2}
    merchant.program(activity_document(bonus("anniversary", 3), bonus("anniversary", 4, "later", when=second)))
    member = merchant.member()

    balances = []
    for moment in ("2027-03-01T15:59:59+00:00", "2027-03-01T16:00:00+00:00", "2028-03-01T16:00:00+00:00"):
        merchant.now = datetime.fromisoformat(moment)
        run_errands(merchant)
        balances.append(available(merchant, member))

    assert balances == [0, 3, 10]


def test_many_birthdays_of_one_night_are_kept_in_pages(merchant: Merchant) -> None:
    merchant.program(activity_document(bonus("birthday", 1)))
    everybody = [merchant.member(birthday=date(1990, 4, 1)) for _ in range(12)]
    birthdays = ERRANDS[0]
    merchant.now = datetime.fromisoformat("2026-03-31T16:00:00+00:00")

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(lambda _: birthdays.run(merchant.database, merchant.home, merchant.now), range(4)))

    assert [available(merchant, member) for member in everybody] == [1] * 12
    assert birthdays.run(merchant.database, merchant.home, merchant.now) == 0
