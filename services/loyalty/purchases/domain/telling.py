"""What else tills tell of a sale: its bounds, its stored form, and what conditions may ask of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.loyalty.programs.domain import CustomField, FieldOwner, FieldType
from services.loyalty.programs.domain.conditions.declared import ValueType
from services.loyalty.programs.domain.conditions.fields import FactValue, custom_fact
from services.loyalty.purchases.domain.commands import BoughtLine
from services.loyalty.purchases.domain.told import Tender, TenderKind, Told
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX
from services.platform.text import check_optional_text, check_text

TENDERS_MAX = 20
CODES_MAX = 20
CODE_LENGTH_MAX = 64
FIELDS_MAX = 50

_TYPES = {
    FieldType.TEXT: ValueType.TEXT,
    FieldType.NUMBER: ValueType.INTEGER,
    FieldType.BOOLEAN: ValueType.BOOLEAN,
    FieldType.DATE: ValueType.DATE,
}


def check_told(told: Told) -> Told:
    """The same with trimmed texts, and codes in upper case, each once.

    Raises:
        InvalidInput: amounts below zero or beyond ``AMOUNT_MAX``, too many of something, a text out of bounds.
    """
    if not 0 <= told.shipping_minor <= AMOUNT_MAX:
        raise InvalidInput(field="shipping", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    for field, given, limit in (
        ("tenders", told.tenders, TENDERS_MAX),
        ("codes", told.codes, CODES_MAX),
        ("fields", told.fields, FIELDS_MAX),
    ):
        if len(given) > limit:
            raise InvalidInput(field=field, reason="COUNT_OUT_OF_RANGE", limit=str(limit))
    for index, tender in enumerate(told.tenders):
        if not 0 <= tender.amount_minor <= AMOUNT_MAX:
            raise InvalidInput(field=f"tenders.{index}.amount", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    codes = [
        check_text(code, field=f"codes.{index}", length_max=CODE_LENGTH_MAX).upper()
        for index, code in enumerate(told.codes)
    ]
    return Told(
        shipping_minor=told.shipping_minor,
        prices_include_tax=told.prices_include_tax,
        tenders=told.tenders,
        codes=tuple(dict.fromkeys(codes)),
        staff=check_optional_text(told.staff, field="staff"),
        fields=told.fields,
    )


def check_tax(line: BoughtLine, *, field: str, is_inside: bool) -> None:
    """Refuse a tax that no line can have: of the other sign, beyond bounds, or inside a price that is smaller.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    amount = line.amount_minor - line.discount_minor
    limit = abs(amount) if is_inside else AMOUNT_MAX
    if abs(line.tax_minor) > limit or line.tax_minor * (1 if amount >= 0 else -1) < 0:
        raise InvalidInput(field=field, reason="OUT_OF_RANGE", limit=str(limit))


def check_fields(declared: Sequence[CustomField], given: Mapping[str, object]) -> None:
    """Refuse values of fields that the program does not declare for purchases, or of another type.

    Raises:
        InvalidInput: NOT_DECLARED or WRONG_TYPE
    """
    types = {each.code: each.type for each in declared if each.owner is FieldOwner.PURCHASE}
    for code, value in given.items():
        if code not in types:
            raise InvalidInput(field=f"fields.{code}", reason="NOT_DECLARED")
        is_too_large = isinstance(value, int) and abs(value) > AMOUNT_MAX
        if custom_fact(value, _TYPES[types[code]]) is None or is_too_large:
            raise InvalidInput(field=f"fields.{code}", reason="WRONG_TYPE", limit=types[code].value)
        if isinstance(value, str):
            check_text(value, field=f"fields.{code}")


def told_facts(told: Told, declared: Sequence[CustomField]) -> dict[str, FactValue | None]:
    """What conditions may ask of it."""
    facts: dict[str, FactValue | None] = {
        "order.shipping": told.shipping_minor,
        "order.staff": told.staff,
        "order.codes": told.codes,
        "order.tenders": tuple(dict.fromkeys(tender.kind.value for tender in told.tenders)),
    }
    for each in declared:
        if each.owner is FieldOwner.PURCHASE and each.code in told.fields:
            facts[f"order.fields.{each.code}"] = custom_fact(told.fields[each.code], _TYPES[each.type])
    return facts


def told_content(told: Told, lines: Sequence[tuple[str | None, int]]) -> dict[str, Any]:
    """What tells two receipts apart beyond what could always be told; ``lines`` are products and taxes."""
    content: dict[str, Any] = {
        "shipping": told.shipping_minor,
        "taxOnTop": not told.prices_include_tax,
        "tenders": [[tender.kind.value, tender.amount_minor] for tender in told.tenders],
        "codes": list(told.codes),
        "staff": told.staff,
        "fields": dict(told.fields),
    }
    if any(product is not None or tax for product, tax in lines):
        content["lines"] = [list(line) for line in lines]
    return {name: value for name, value in content.items() if value}


def told_row(told: Told) -> dict[str, Any]:
    """Its columns; what was not told is NULL."""
    return {
        "shipping_minor": told.shipping_minor or None,
        "prices_include_tax": told.prices_include_tax,
        "tenders": [{"kind": each.kind.value, "amountMinor": each.amount_minor} for each in told.tenders] or None,
        "codes": list(told.codes) or None,
        "staff": told.staff,
        "fields": dict(told.fields) or None,
    }


def told_of(row: Mapping[str, Any]) -> Told:
    """What was told, from its columns."""
    return Told(
        shipping_minor=row["shipping_minor"] or 0,
        prices_include_tax=row["prices_include_tax"] is not False,
        tenders=tuple(Tender(TenderKind(each["kind"]), each["amountMinor"]) for each in row["tenders"] or ()),
        codes=tuple(row["codes"] or ()),
        staff=row["staff"],
        fields=row["fields"] or {},
    )
