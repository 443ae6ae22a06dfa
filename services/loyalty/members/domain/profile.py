"""What a member's profile may hold, and when it is complete."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from babel import Locale, UnknownLocaleError

from services.loyalty.members.domain.identities import IdentityKind
from services.loyalty.members.domain.members import Member
from services.loyalty.programs.domain import CustomField, FieldOwner, FieldType
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX
from services.platform.text import check_text

EARLIEST_BIRTHDAY = date(1900, 1, 1)
TAGS_MAX = 50
TAG_LENGTH_MAX = 64

FieldValue = bool | int | str
"""What a merchant's own field holds: a day is its ISO 8601 text."""

REACHED_BY = frozenset({IdentityKind.PHONE, IdentityKind.EMAIL})
"""Identities by which a person can be written to."""


def check_locale(locale: str) -> str:
    """The BCP 47 tag, if CLDR knows it.

    Raises:
        InvalidInput: UNKNOWN_LOCALE
    """
    tag = locale.strip().replace("_", "-")
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise InvalidInput(field="locale", reason="UNKNOWN_LOCALE") from error
    return tag


def check_birthday(birthday: date | None, *, today: date) -> date | None:
    """A birthday that a living person can have.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    if birthday is not None and not EARLIEST_BIRTHDAY <= birthday <= today:
        raise InvalidInput(field="birthday", reason="OUT_OF_RANGE", limit=EARLIEST_BIRTHDAY.isoformat())
    return birthday


def check_tags(tags: Iterable[str], *, field: str = "tags") -> tuple[str, ...]:
    """The tags as written, each once, in the order of their letters.

    Raises:
        InvalidInput: one is blank, longer than ``TAG_LENGTH_MAX`` or holds control characters; more than ``TAGS_MAX``.
    """
    checked = {check_text(tag, field=f"{field}.{n}", length_max=TAG_LENGTH_MAX) for n, tag in enumerate(tags)}
    if len(checked) > TAGS_MAX:
        raise InvalidInput(field=field, reason="TOO_MANY", limit=str(TAGS_MAX))
    return tuple(sorted(checked))


def changed_fields(
    before: Mapping[str, FieldValue], changes: Mapping[str, object], *, declared: Sequence[CustomField]
) -> dict[str, FieldValue]:
    """A member's own fields after a change; None removes a value. What the program declares no more stays as it was.

    Raises:
        InvalidInput: a field that the program does not declare for members, or a value of another type than declared.
    """
    types = {one.code: one.type for one in declared if one.owner is FieldOwner.MEMBER}
    after = dict(before)
    for code, value in changes.items():
        if value is None:
            after.pop(code, None)
            continue
        if code not in types:
            raise InvalidInput(field=f"fields.{code}", reason="NOT_DECLARED")
        after[code] = _check_value(value, types[code], field=f"fields.{code}")
    return dict(sorted(after.items()))


def is_complete(member: Member, *, declared: Sequence[CustomField]) -> bool:
    """Whether the profile has a name, a birthday, a phone number or e-mail address, and every declared field."""
    wanted = {one.code for one in declared if one.owner is FieldOwner.MEMBER}
    is_reached = any(identity.kind in REACHED_BY for identity in member.identities)
    return member.name is not None and member.birthday is not None and is_reached and wanted <= member.fields.keys()


def _check_value(value: object, type_: FieldType, *, field: str) -> FieldValue:
    match type_, value:
        case FieldType.BOOLEAN, bool():
            return value
        case FieldType.NUMBER, int() if not isinstance(value, bool) and abs(value) <= AMOUNT_MAX:
            return value
        case FieldType.TEXT, str():
            return check_text(value, field=field)
        case FieldType.DATE, str() if _is_day(value):
            return value
    raise InvalidInput(field=field, reason="WRONG_TYPE", limit=type_.value)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
