"""Letters carry facts and ids. Personal data travels in letters named for it only (ADR 0011)."""

import dataclasses

import pytest

from services.contracts.events.base import Event, known_events
from services.contracts.events.loyalty import MemberContactChanged
from services.contracts.events.tenancy import StaffInvited
from services.contracts.routing import ROUTES

PERSONAL_LETTERS = {MemberContactChanged, StaffInvited}
PERSONAL_FIELDS = {"name", "email", "phone", "address", "birthday", "gender", "inviter_name", "member_name", "identity"}


def personal_fields(event: type[Event]) -> set[str]:
    return {field.name for field in dataclasses.fields(event)} & PERSONAL_FIELDS


def test_personal_data_travels_in_its_own_letters() -> None:
    assert {event for event in known_events() if personal_fields(event)} == PERSONAL_LETTERS


def test_every_letter_has_a_route() -> None:
    assert set(ROUTES) == set(known_events())


@pytest.mark.parametrize("field", ["email", "phone", "birthday"])
def test_a_planted_address_is_found(field: str) -> None:
    planted = dataclasses.make_dataclass("PurchaseShown", [("purchase_id", str), (field, str)])

    assert personal_fields(planted) == {field}
