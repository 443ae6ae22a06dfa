from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.demo.dataset import SourceBasket
from services.demo.households import enrollment, reward_wished
from services.loyalty.members.domain import Identity, IdentityKind

STORE = UUID("01900000-0000-7000-8000-000000000001")


def _basket(household: str, basket_id: str = "4") -> SourceBasket:
    return SourceBasket(basket_id, household, "31", datetime(2017, 1, 2, tzinfo=UTC), lines=())


@pytest.mark.parametrize(
    ("household", "addresses", "locale", "name"),
    [
        ("7", (), "en", "Household 7"),
        ("50", ("household-50@journey.test",), "en", "Household 50"),
        ("100", ("household-100@journey.test",), "zh-CN", "100 号家庭"),
    ],
)
def test_every_fiftieth_household_has_an_address_and_every_hundredth_reads_chinese(
    household: str, addresses: tuple[str, ...], locale: str, name: str
) -> None:
    command = enrollment(_basket(household), store_id=STORE)

    emails = tuple(Identity(IdentityKind.EMAIL, address) for address in addresses)
    assert command.identities == (Identity(IdentityKind.CARD, household), *emails)
    assert (command.locale, command.name, command.store_id) == (locale, name, STORE)
    assert command.idempotency_key == f"journey:household:{household}"


@pytest.mark.parametrize(
    ("household", "basket_id", "balance", "reward"),
    [
        ("50", "4", 100, "coffee"),
        ("50", "4", 99, None),
        ("50", "5", 300, "three-off"),
        ("50", "6", 500, "five-off"),
        ("50", "7", 5_000, "twelve-off"),
        ("50", "7", 999, None),
        ("51", "4", 5_000, None),
    ],
)
def test_the_basket_says_which_reward_its_household_would_like(
    household: str, basket_id: str, balance: int, reward: str | None
) -> None:
    wished = reward_wished(_basket(household, basket_id), balance=balance)

    assert (wished.code if wished else None) == reward
