"""Joining, being found, being changed."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.ledger import queries as ledger
from services.loyalty.members import queries, service
from services.loyalty.members.domain import Identity, IdentityKind, Member, MemberStatus, UpdateMember
from services.loyalty.members.errors import IdentityInvalid, IdentityTaken, MemberNotFound
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreNotFound
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import MemberStanding
from services.platform.db.questions import ask
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_refusals import refused
from tests.support.builders.documents import document
from tests.support.builders.merchant import NOW, Merchant

PHONE = Identity(IdentityKind.PHONE, "+8613800138000")
EMAIL = Identity(IdentityKind.EMAIL, "ada@example.com")


def standing_of(merchant: Merchant, member_id: UUID) -> MemberStanding:
    """Where the member stands in the tiers."""
    (found,) = merchant.read(lambda session: ask(session, [tiers.standings_question(session, member_ids=[member_id])]))
    standing: MemberStanding = found[member_id]
    return standing


def test_a_member_joins(merchant: Merchant, store: Store) -> None:
    merchant.program()

    member_id = merchant.member(
        Identity(IdentityKind.PHONE, "138 0013 8000"),
        Identity(IdentityKind.EMAIL, " Ada@Example.COM"),
        name=" 王小明 🎉 ",
        birthday=date(2000, 2, 29),
        locale="zh-CN",
        store_id=store.id,
    )

    assert merchant.read(lambda session: queries.member_by_id(session, member_id=member_id)) == Member(
        id=member_id,
        name="王小明 🎉",
        birthday=date(2000, 2, 29),
        locale="zh-CN",
        timezone="Asia/Shanghai",
        status=MemberStatus.ACTIVE,
        enrolled_at=NOW,
        enrolled_store_id=store.id,
        updated_at=NOW,
        identities=(EMAIL, PHONE),
        profile_completed_at=NOW,
    )
    letters = merchant.rows("SELECT type, payload FROM outbox ORDER BY id")
    assert letters == [
        {
            "type": "MemberContactChanged",
            "payload": {
                "member_id": str(member_id),
                "name": "王小明 🎉",
                "email": EMAIL.value,
                "phone": PHONE.value,
                "locale": "zh-CN",
                "timezone": "Asia/Shanghai",
            },
        },
        {
            "type": "MemberEnrolled",
            "payload": {
                "member_id": str(member_id),
                "merchant_name": "Corner Café",
                "unit_name_en": "Points",
                "unit_name_zh": "积分",
                "unit_scale": 0,
            },
        },
    ]
    assert merchant.read(lambda session: ledger.balances(session, holder_ids=[member_id])) == {}
    standing = standing_of(merchant, member_id)
    assert (standing.level.code, standing.points_earned, standing.progress.missing) == ("base", 0, 0)


@pytest.mark.parametrize(
    ("changes", "error", "facts"),
    [
        ({"identities": ()}, InvalidInput, {"field": "identities"}),
        ({"identities": (Identity(IdentityKind.EMAIL, "ada@"),)}, IdentityInvalid, {"kind": "email"}),
        ({"identities": (Identity(IdentityKind.EMAIL, "a b@c.de"),)}, IdentityInvalid, {"field": "identities.0.value"}),
        ({"identities": (Identity(IdentityKind.PHONE, "12"),)}, IdentityInvalid, {"kind": "phone"}),
        ({"identities": (Identity(IdentityKind.CARD, "a\x00"),)}, InvalidInput, {"reason": "FORBIDDEN_CHARACTER"}),
        ({"name": "a\x00b"}, InvalidInput, {"field": "name", "reason": "FORBIDDEN_CHARACTER"}),
        ({"name": "x" * 201}, InvalidInput, {"field": "name", "reason": "TOO_LONG"}),
        ({"birthday": NOW.date() + timedelta(days=1)}, InvalidInput, {"field": "birthday"}),
        ({"locale": "xx-YY"}, InvalidInput, {"field": "locale"}),
        ({"timezone": "Mars/Olympus"}, InvalidInput, {"field": "timezone"}),
        ({"store_id": new_id()}, StoreNotFound, {}),
        ({"identities": (Identity(IdentityKind.EMAIL, "ADA@example.com"),)}, IdentityTaken, {"kind": "email"}),
    ],
)
def test_who_cannot_join(
    merchant: Merchant, dump: Dump, changes: dict[str, Any], error: type[Any], facts: dict[str, Any]
) -> None:
    merchant.member(EMAIL)

    refused(lambda: merchant.member(**changes), dump, error, **facts)


def test_a_member_is_found_and_paged(merchant: Merchant, store: Store) -> None:
    first, second, third = merchant.member(PHONE), merchant.member(EMAIL), merchant.member()

    def found(kind: IdentityKind, value: str, **at: Any) -> Member | None:
        return merchant.read(lambda session: queries.member_by_identity(session, identity=Identity(kind, value), **at))

    local = found(IdentityKind.PHONE, "138-0013-8000", store_id=store.id)
    assert local is not None
    assert local.id == first
    assert found(IdentityKind.EMAIL, "nobody@example.com") is None
    page = merchant.read(lambda session: queries.members_page(session, limit=2))
    rest = merchant.read(lambda session: queries.members_page(session, limit=2, after_id=page[-1].id))
    assert [member.id for member in (*page, *rest)] == [third, second, first]
    assert merchant.read(lambda session: queries.members_by_ids(session, member_ids=[first, new_id()])).keys() == {
        first
    }


def test_a_member_is_changed(merchant: Merchant) -> None:
    member_id = merchant.member(PHONE, EMAIL, name="Ada", birthday=date(1990, 1, 1), timezone="Asia/Shanghai")
    merchant.now = NOW + timedelta(days=1)
    card = Identity(IdentityKind.CARD, "4711")
    command = UpdateMember(member_id, name=None, locale="zh", identities=(card, EMAIL))

    changed = merchant.do(lambda uow: service.update_member(uow, command=command))

    assert changed == merchant.read(lambda session: queries.member_by_id(session, member_id=member_id))
    assert (changed.name, changed.birthday, changed.locale) == (None, date(1990, 1, 1), "zh")
    assert changed.identities == (card, EMAIL)
    assert changed.updated_at == merchant.now
    letters = merchant.rows("SELECT payload FROM outbox WHERE type = 'MemberContactChanged' ORDER BY id")
    assert letters[-1]["payload"] == {
        "member_id": str(member_id),
        "name": None,
        "email": EMAIL.value,
        "phone": None,
        "locale": "zh",
        "timezone": "Asia/Shanghai",
    }
    # What no letter tells of, such as a birthday, sends none.
    merchant.do(lambda uow: service.update_member(uow, command=UpdateMember(member_id, birthday=None)))
    assert len(merchant.rows("SELECT id FROM outbox WHERE type = 'MemberContactChanged'")) == len(letters)


def test_changes_that_are_refused(merchant: Merchant, dump: Dump) -> None:
    merchant.member(EMAIL)
    member_id = merchant.member(PHONE)

    def update(**changes: Any) -> Any:
        command = UpdateMember(**({"member_id": member_id} | changes))
        return lambda: merchant.do(lambda uow: service.update_member(uow, command=command))

    refused(update(identities=(PHONE, EMAIL)), dump, IdentityTaken, kind="email")
    refused(update(identities=()), dump, InvalidInput, field="identities")
    refused(update(member_id=new_id()), dump, MemberNotFound)
    refused(update(birthday=date(1899, 12, 31)), dump, InvalidInput, field="birthday")


def test_deactivation_comes_and_goes(merchant: Merchant) -> None:
    member_id = merchant.member()

    once = merchant.do(lambda uow: service.deactivate_member(uow, member_id=member_id))
    twice = merchant.do(lambda uow: service.deactivate_member(uow, member_id=member_id))
    back = merchant.do(lambda uow: service.reactivate_member(uow, member_id=member_id))

    assert [member.is_active for member in (once, twice, back)] == [False, False, True]
    assert twice == once


def test_a_tier_that_older_thresholds_gave_stays(merchant: Merchant, store: Store) -> None:
    merchant.program(document(levels=[("base", 0, "1"), ("gold", 50, "2")]))
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 6_000)
    merchant.program(document(levels=[("base", 0, "1"), ("gold", 500, "2")]))

    after = merchant.buy(store, member_id, 1_000)

    assert (bought.to_tier, after.points, after.to_tier) == ("gold", 20, None)
    standing = standing_of(merchant, member_id)
    assert (standing.level.code, standing.points_earned, standing.progress.missing) == ("gold", 80, 420)
