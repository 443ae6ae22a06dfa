"""Stores, programs and rewards: what a merchant sets up."""

from datetime import timedelta
from typing import Any

import pytest

from services.loyalty.programs import queries as program_queries
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain.publishing import ApplyProgramTemplate, PublishProgram, SaveProgramDraft
from services.loyalty.programs.errors import (
    ProgramDocumentInvalid,
    ProgramDraftChanged,
    ProgramDraftNotFound,
    TemplateUnknown,
)
from services.loyalty.rewards import queries as reward_queries
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import CreateReward, RewardContent, RewardKind, UpdateReward
from services.loyalty.rewards.errors import RewardArchived, RewardChanged, RewardCodeTaken, RewardNotFound
from services.loyalty.stores import queries as store_queries
from services.loyalty.stores import service as stores
from services.loyalty.stores.domain import CreateStore, UpdateStore
from services.loyalty.stores.errors import StoreCodeTaken, StoreNotFound
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_refusals import refused
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant

MUG = RewardContent(RewardKind.PHYSICAL, "Mug", "马克杯", "A mug.\nWith a handle.", "", 90)


def test_a_store_opens_changes_and_closes(merchant: Merchant) -> None:
    opened = merchant.store("a-1")
    update = UpdateStore(opened.id, name="Corner", address=" 1 High Street ")

    changed = merchant.do(lambda uow: stores.update_store(uow, command=update))
    closed = merchant.do(lambda uow: stores.close_store(uow, store_id=opened.id))
    merchant.now = NOW + timedelta(days=1)
    again = merchant.do(lambda uow: stores.close_store(uow, store_id=opened.id))

    assert (changed.code, changed.name, changed.address, changed.closed_at) == ("a-1", "Corner", "1 High Street", None)
    assert closed.closed_at == NOW
    assert again == closed
    assert merchant.read(lambda session: store_queries.store_by_code(session, code="a-1")) == closed
    assert merchant.read(lambda session: store_queries.stores_by_ids(session, store_ids=[opened.id])) == {
        opened.id: closed
    }
    second = merchant.store("b-2")
    page = merchant.read(lambda session: store_queries.stores_page(session, limit=5, after_code="a-1"))
    assert page == (second,)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "taken"}, StoreCodeTaken),
        ({"code": "x" * 65}, InvalidInput),
        ({"name": "a\x00"}, InvalidInput),
        ({"timezone": "Nowhere/Else"}, InvalidInput),
        ({"currency": "ABC"}, InvalidInput),
    ],
)
def test_stores_that_cannot_open(merchant: Merchant, dump: Dump, changes: dict[str, Any], error: type[Any]) -> None:
    merchant.store("taken")
    values: dict[str, Any] = {"code": "new", "name": "New", "timezone": "UTC", "currency": "USD"}
    command = CreateStore(**(values | changes))

    refused(lambda: merchant.do(lambda uow: stores.create_store(uow, command=command)), dump, error)
    unknown = UpdateStore(new_id())
    refused(lambda: merchant.do(lambda uow: stores.update_store(uow, command=unknown)), dump, StoreNotFound)


def test_a_draft_is_saved_and_published(merchant: Merchant) -> None:
    first = merchant.do(lambda uow: programs.save_draft(uow, command=SaveProgramDraft(document(), None)))
    second = merchant.do(
        lambda uow: programs.save_draft(uow, command=SaveProgramDraft(document(rules=[rule(points=2)]), 1))
    )
    one = merchant.do(lambda uow: programs.publish(uow, command=PublishProgram(2)))
    merchant.now = NOW + timedelta(hours=1)
    two = merchant.do(lambda uow: programs.publish(uow, command=PublishProgram(2)))

    assert (first.revision, second.revision, one.number, two.number) == (1, 2, 1, 2)
    assert merchant.read(program_queries.draft) == second
    at = [NOW - timedelta(microseconds=1), NOW, merchant.now - timedelta(microseconds=1), merchant.now]
    in_force = merchant.read(lambda session: [program_queries.version_in_force(session, at=instant) for instant in at])
    assert in_force == [None, one, one, two]
    assert merchant.read(lambda session: program_queries.version_by_id(session, version_id=one.id)) == one
    history = merchant.read(lambda session: program_queries.versions_page(session, limit=9))
    assert [(version.number, version.effective_from) for version in history] == [(2, merchant.now), (1, NOW)]
    assert history[1].document["rules"][0]["formula"]["spend"]["points"] == 2
    older = merchant.read(lambda session: program_queries.versions_page(session, limit=9, after_number=2))
    assert [version.id for version in older] == [one.id]


def test_programs_that_are_refused(merchant: Merchant, dump: Dump) -> None:
    def save(data: dict[str, Any], revision: int | None) -> Any:
        command = SaveProgramDraft(data, revision)
        return lambda: merchant.do(lambda uow: programs.save_draft(uow, command=command))

    def publish(revision: int) -> Any:
        return lambda: merchant.do(lambda uow: programs.publish(uow, command=PublishProgram(revision)))

    refused(publish(1), dump, ProgramDraftNotFound)
    refused(save(document(), 1), dump, ProgramDraftChanged, given_revision=1, actual_revision=None)
    merchant.program()
    refused(save(document() | {"version": 3}, 1), dump, ProgramDocumentInvalid)
    refused(save(document(), None), dump, ProgramDraftChanged, given_revision=None, actual_revision=1)
    refused(save(document(), 7), dump, ProgramDraftChanged, given_revision=7, actual_revision=1)
    refused(publish(7), dump, ProgramDraftChanged, given_revision=7, actual_revision=1)


def test_a_program_starts_from_a_template(merchant: Merchant, dump: Dump) -> None:
    command = ApplyProgramTemplate("cafe", "EUR", "Europe/Paris", publish=True)

    applied = merchant.do(lambda uow: rewards.start_program(uow, command=command))
    again = merchant.do(lambda uow: rewards.start_program(uow, command=command))

    assert applied.version is not None
    assert (applied.draft.revision, applied.version.number, again.draft.revision) == (1, 1, 2)
    assert (applied.version.document.currency, applied.version.document.timezone) == ("EUR", "Europe/Paris")
    offered = merchant.read(lambda session: reward_queries.rewards_page(session, limit=9))
    assert [(reward.code, reward.content.cost_points, reward.stock) for reward in offered] == [
        ("free-coffee", 150, None),
        ("house-mug", 900, 50),
        ("slice-of-cake", 220, None),
    ]
    unknown = ApplyProgramTemplate("bank", "EUR", "Europe/Paris")
    refused(lambda: merchant.do(lambda uow: rewards.start_program(uow, command=unknown)), dump, TemplateUnknown)


def test_a_reward_is_offered_edited_counted_and_archived(merchant: Merchant) -> None:
    mug = merchant.do(lambda uow: rewards.create_reward(uow, command=CreateReward("mug", MUG, 5)))
    dearer = RewardContent(MUG.kind, MUG.name_en, MUG.name_zh, MUG.description_en, "", 100)

    edited = merchant.do(lambda uow: rewards.update_reward(uow, command=UpdateReward(mug.id, 1, dearer)))
    counted = merchant.do(lambda uow: rewards.set_stock(uow, reward_id=mug.id, stock=None))
    archived = merchant.do(lambda uow: rewards.archive_reward(uow, reward_id=mug.id))

    assert (mug.version, edited.version, edited.content.cost_points, counted.stock) == (1, 2, 100, None)
    assert archived.archived_at == NOW
    assert merchant.read(lambda session: reward_queries.reward_by_id(session, reward_id=mug.id)) == archived
    assert merchant.read(lambda session: reward_queries.rewards_page(session, limit=9)) == ()
    assert merchant.read(lambda session: reward_queries.rewards_page(session, limit=9, is_archived=None)) == (archived,)
    versions = merchant.read(
        lambda session: reward_queries.reward_versions_by_ids(session, version_ids=[mug.version_id, edited.version_id])
    )
    assert [versions[id_].content for id_ in (mug.version_id, edited.version_id)] == [MUG, dearer]


def test_rewards_that_are_refused(merchant: Merchant, dump: Dump) -> None:
    mug = merchant.do(lambda uow: rewards.create_reward(uow, command=CreateReward("mug", MUG)))
    free = RewardContent(MUG.kind, "Free", "免费", "", "", 0)
    nameless = RewardContent(MUG.kind, " ", "无", "", "", 1)

    def create(code: str, content: RewardContent, stock: int | None = None) -> Any:
        command = CreateReward(code, content, stock)
        return lambda: merchant.do(lambda uow: rewards.create_reward(uow, command=command))

    def update(reward_id: Any, version: int) -> Any:
        command = UpdateReward(reward_id, version, MUG)
        return lambda: merchant.do(lambda uow: rewards.update_reward(uow, command=command))

    refused(create("mug", MUG), dump, RewardCodeTaken, reward_code="mug")
    refused(create("free", free), dump, InvalidInput, field="costPoints")
    refused(create("nameless", nameless), dump, InvalidInput, field="name.en", reason="BLANK")
    refused(create("negative", MUG, -1), dump, InvalidInput, field="stock")
    refused(update(new_id(), 1), dump, RewardNotFound)
    refused(update(mug.id, 2), dump, RewardChanged, given=2, actual=1)
    merchant.do(lambda uow: rewards.archive_reward(uow, reward_id=mug.id))
    refused(update(mug.id, 1), dump, RewardArchived, reward_id=mug.id)
