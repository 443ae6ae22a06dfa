"""Sealed secrets open for their tenant, their use and their house only."""

from uuid import UUID

import pytest

from services.platform.auth.seals import SealBroken, Seals
from services.platform.auth.tokens import MEMBER_TOKEN_SECONDS, Signer

HOUSE = b"a secret of the tests, long enough"
ONE, OTHER = UUID(int=1), UUID(int=2)


def test_what_is_sealed_opens_as_it_was_and_never_looks_the_same() -> None:
    seals = Seals(HOUSE)
    first, second = (seals.seal(b"a private key", tenant_id=ONE, use="passes") for _ in range(2))

    assert first != second
    assert b"a private key" not in first
    assert seals.open(first, tenant_id=ONE, use="passes") == b"a private key"
    assert Seals(HOUSE).open(second, tenant_id=ONE, use="passes") == b"a private key"


@pytest.mark.parametrize(
    ("house", "tenant_id", "use"),
    [(b"another secret, which is long too!", ONE, "passes"), (HOUSE, OTHER, "passes"), (HOUSE, ONE, "other")],
)
def test_another_house_tenant_or_use_opens_nothing(house: bytes, tenant_id: UUID, use: str) -> None:
    sealed = Seals(HOUSE).seal(b"a private key", tenant_id=ONE, use="passes")

    with pytest.raises(SealBroken):
        Seals(house).open(sealed, tenant_id=tenant_id, use=use)


def test_a_changed_seal_is_broken() -> None:
    sealed = Seals(HOUSE).seal(b"a private key", tenant_id=ONE, use="passes")

    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            Seals(HOUSE).open(changed, tenant_id=ONE, use="passes")
    for short in (b"", b"\x01", sealed[:13]):
        with pytest.raises(SealBroken):
            Seals(HOUSE).open(short, tenant_id=ONE, use="passes")


def test_card_keys_are_each_tenants_own() -> None:
    signer = Signer(HOUSE)

    assert signer.card_key(ONE) == Signer(HOUSE).card_key(ONE)
    assert len({signer.card_key(ONE), signer.card_key(OTHER), Signer(HOUSE + b"!").card_key(ONE)}) == 3


def test_a_member_token_lasts_an_hour_at_most() -> None:
    with pytest.raises(AssertionError):
        Signer(HOUSE).member_token(tenant_id=ONE, member_id=OTHER, seconds=MEMBER_TOKEN_SECONDS + 1)


def test_the_address_of_a_pass_is_no_member_token() -> None:
    signer = Signer(HOUSE)
    token = signer.pass_token(tenant_id=ONE, member_id=OTHER)

    found = signer.pass_of(token)
    assert found is not None
    assert (found.tenant_id, found.member_id) == (ONE, OTHER)
    assert signer.pass_of(token + "x") is None
    assert signer.pass_of(signer.member_token(tenant_id=ONE, member_id=OTHER).removeprefix("rm_")) is None
