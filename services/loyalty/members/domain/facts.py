"""What the declared fields ``member.*`` say of a member at an instant."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.loyalty.members.domain.members import Earner
from services.loyalty.members.domain.occasions import day_in
from services.loyalty.programs.domain import FieldOwner, FieldType, Policies, ProgramDocument
from services.loyalty.programs.domain.conditions.declared import ValueType
from services.loyalty.programs.domain.conditions.fields import FactValue, custom_fact

_TYPES = {
    FieldType.TEXT: ValueType.TEXT,
    FieldType.NUMBER: ValueType.INTEGER,
    FieldType.BOOLEAN: ValueType.BOOLEAN,
    FieldType.DATE: ValueType.DATE,
}


def member_facts(earner: Earner, *, document: ProgramDocument, at: datetime) -> dict[str, FactValue | None]:
    """The facts by name, for days as they are where the member lives.

    A birthday that does not count yet (see `birthday_counts`) is neither kept nor told by its month. Missing are
    ``member.tier`` and ``member.purchases``, which others know.
    """
    today = at.astimezone(ZoneInfo(earner.timezone)).date()
    joined = earner.enrolled_at.astimezone(ZoneInfo(earner.timezone)).date()
    facts: dict[str, FactValue | None] = {
        "member.tags": earner.tags,
        "member.locale": earner.locale,
        "member.daysSinceEnrollment": max(0, (today - joined).days),
        "member.isReferred": earner.is_referred,
    }
    birthday = earner.birthday
    if birthday is not None:
        facts["member.age"] = age(birthday, today=today)
        if birthday_counts(earner, policies=document.policies, at=at):
            facts["member.isBirthday"] = day_in(birthday, today.year, document.policies.leap_birthday) == today
            facts["member.birthdayMonth"] = birthday.month
    for declared in document.fields:
        if declared.owner is FieldOwner.MEMBER and declared.code in earner.fields:
            value = custom_fact(earner.fields[declared.code], _TYPES[declared.type])
            facts[f"member.fields.{declared.code}"] = value
    return facts


def birthday_counts(earner: Earner, *, policies: Policies, at: datetime) -> bool:
    """Whether a birthday that was given or changed after enrollment has waited as long as the program wants."""
    changed_at = earner.birthday_changed_at
    return changed_at is None or at >= changed_at + timedelta(days=policies.birthday_lead_days)


def age(birthday: date, *, today: date) -> int:
    """Whole years; whoever was born on 29 February is a year older from 1 March on in other years."""
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))
