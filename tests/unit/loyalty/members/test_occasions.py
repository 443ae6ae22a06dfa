"""Days of a member's year: where they begin, which is the latest, and what never happens."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.loyalty.members.domain import (
    Earner,
    MemberStatus,
    birthday_counts,
    due_occasion,
    member_facts,
    next_occasion,
)
from services.loyalty.members.domain.occasions import LATE_DAYS_MAX
from services.loyalty.programs.domain import LeapBirthday, Policies, ProgramDocument, parse_document
from tests.support.builders.activity_documents import activity_document, bonus, declared

FEBRUARY, MARCH = LeapBirthday.FEBRUARY_28, LeapBirthday.MARCH_1
LEAP_DAY = date(2000, 2, 29)
BORN = date(1990, 5, 17)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("origin", "zone", "leap", "after", "day", "begins"),
    [
        (BORN, "UTC", FEBRUARY, "2026-05-16T23:59:59", "2026-05-17", "2026-05-17T00:00:00"),
        (BORN, "UTC", FEBRUARY, "2026-05-17T00:00:00", "2027-05-17", "2027-05-17T00:00:00"),
        (BORN, "Asia/Shanghai", FEBRUARY, "2026-05-16T15:59:59", "2026-05-17", "2026-05-16T16:00:00"),
        # It is the 17th in Kiritimati while the 15th is not over in Midway.
        (BORN, "Pacific/Kiritimati", FEBRUARY, "2026-05-16T09:59:59", "2026-05-17", "2026-05-16T10:00:00"),
        (BORN, "Pacific/Midway", FEBRUARY, "2026-05-17T10:59:59", "2026-05-17", "2026-05-17T11:00:00"),
        (LEAP_DAY, "UTC", FEBRUARY, "2027-01-01T00:00:00", "2027-02-28", "2027-02-28T00:00:00"),
        (LEAP_DAY, "UTC", MARCH, "2027-01-01T00:00:00", "2027-03-01", "2027-03-01T00:00:00"),
        (LEAP_DAY, "UTC", MARCH, "2028-01-01T00:00:00", "2028-02-29", "2028-02-29T00:00:00"),
        (LEAP_DAY, "UTC", FEBRUARY, "2100-01-01T00:00:00", "2100-02-28", "2100-02-28T00:00:00"),
        # The clock goes from 24:00 to 01:00.
        (date(1990, 9, 6), "America/Santiago", FEBRUARY, "2026-01-01T00:00:00", "2026-09-06", "2026-09-06T04:00:00"),
        # 31 December has no midnight after it in the year 9999's last zone, but this one has.
        (date(1999, 12, 31), "UTC", FEBRUARY, "2026-12-31T00:00:00", "2027-12-31", "2027-12-31T00:00:00"),
    ],
)
def test_the_next_occasion(origin: date, zone: str, leap: LeapBirthday, after: str, day: str, begins: str) -> None:
    occasion = next_occasion(origin, timezone=zone, after=at(after), leap=leap)

    assert (occasion.day.isoformat(), occasion.at) == (day, at(begins))
    assert occasion.years == occasion.day.year - origin.year


def test_the_day_itself_is_no_occasion() -> None:
    joined = date(2026, 3, 2)

    assert next_occasion(joined, timezone="UTC", after=at("2026-01-01T00:00:00"), leap=FEBRUARY).years == 1
    assert due_occasion(joined, timezone="UTC", now=at("2026-03-02T12:00:00"), leap=FEBRUARY) is None


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-05-16T23:59:59", None),
        ("2026-05-17T00:00:00", "2026-05-17"),
        ("2026-06-16T00:00:00", "2026-05-17"),
        ("2026-06-16T00:00:01", None),
        ("2031-05-20T00:00:00", "2031-05-17"),
    ],
)
def test_the_latest_occasion_is_due_for_some_days_and_earlier_ones_never(now: str, day: str | None) -> None:
    occasion = due_occasion(BORN, timezone="UTC", now=at(now), leap=FEBRUARY)

    assert (None if occasion is None else occasion.day.isoformat()) == day
    assert LATE_DAYS_MAX == 30


def test_an_occasion_of_december_is_due_in_january() -> None:
    occasion = due_occasion(date(1990, 12, 31), timezone="UTC", now=at("2027-01-05T00:00:00"), leap=FEBRUARY)

    assert occasion is not None
    assert occasion.day == date(2026, 12, 31)


def earner(**changes: object) -> Earner:
    values: dict[str, object] = {
        "member_id": None,
        "status": MemberStatus.ACTIVE,
        "locale": "zh",
        "timezone": "Asia/Shanghai",
        "birthday": BORN,
        "enrolled_at": at("2026-01-01T16:00:00"),
        "tags": ("vip",),
        "fields": {"size": 38, "since": "2020-02-29", "gone": True},
        "is_referred": True,
        "birthday_changed_at": None,
    }
    return Earner(**(values | changes))  # type: ignore[arg-type]  # of the right types one by one


@pytest.fixture(scope="module")
def document() -> ProgramDocument:
    fields = [declared("size", "number"), declared("since", "date"), declared("nick", "text")]
    return parse_document(activity_document(bonus("check_in", 1), fields=fields))


def test_what_rules_may_ask_of_a_member(document: ProgramDocument) -> None:
    facts = member_facts(earner(), document=document, at=at("2026-05-16T16:00:00"))

    assert facts == {
        "member.tags": ("vip",),
        "member.locale": "zh",
        # From 2 January to 17 May, where the member lives.
        "member.daysSinceEnrollment": 135,
        "member.isReferred": True,
        "member.age": 36,
        "member.isBirthday": True,
        "member.birthdayMonth": 5,
        "member.fields.size": 38,
        "member.fields.since": date(2020, 2, 29),
    }


def test_a_birthday_that_was_edited_waits(document: ProgramDocument) -> None:
    changed = earner(birthday_changed_at=at("2026-05-01T00:00:00"))
    policies = Policies(birthday_lead_days=365)

    facts = member_facts(changed, document=document, at=at("2026-05-16T16:00:00"))

    assert facts["member.age"] == 36
    assert "member.isBirthday" not in facts
    assert "member.birthdayMonth" not in facts
    waited = at("2026-05-01T00:00:00") + timedelta(days=365)
    assert not birthday_counts(changed, policies=policies, at=waited - timedelta(seconds=1))
    assert birthday_counts(changed, policies=policies, at=waited)


@pytest.mark.parametrize(
    ("today", "age", "is_birthday"),
    [("2027-02-27", 26, False), ("2027-02-28", 26, True), ("2027-03-01", 27, False), ("2028-02-29", 28, True)],
)
def test_who_was_born_on_a_leap_day(document: ProgramDocument, *, today: str, age: int, is_birthday: bool) -> None:
    born = earner(birthday=LEAP_DAY, timezone="UTC")

    facts = member_facts(born, document=document, at=at(f"{today}T12:00:00"))

    assert (facts["member.age"], facts["member.isBirthday"]) == (age, is_birthday)
